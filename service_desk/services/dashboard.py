"""The manager's overview of one account, and the counts in the left rail: few queries, whatever the account's size."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, SQLColumnExpression, and_, case, cast, func, or_, select

from service_desk.base.clock import local_date, start_of_day
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryState
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, OPEN_STATES, ClockStep
from service_desk.rules.metrics import Ratio
from service_desk.rules.permissions import Action, Side
from service_desk.rules.renewal import Bucket
from service_desk.rules.schedule import WEEK, week_of
from service_desk.services import access, premiums, renewals, sla
from service_desk.services.policies.coverage import coverage_ratio

MOST_AT_RISK = 8
RENEWAL_DAYS = 30


class AgeBand(StrEnum):
    """Days an open claim has waited since its report."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    OLDER = "older"


# The last day of each band; the one after the last is older.
_BAND_DAYS = {AgeBand.WEEK: 7, AgeBand.MONTH: 30, AgeBand.QUARTER: 90}


@dataclass(frozen=True)
class StepCompliance:
    """Promises kept among those judged, of one step: the week so far and the whole week before."""

    step: ClockStep
    this_week: Ratio
    last_week: Ratio


@dataclass(frozen=True)
class AtRisk:
    """A running clock past its warning point, or past its due time."""

    timer: Timer
    holder: User


@dataclass(frozen=True)
class Outstanding:
    """Open claims of an age: how many, and what is reserved for them and not paid."""

    band: AgeBand
    count: int
    open_fen: int


@dataclass(frozen=True)
class LargeLoss:
    claim: Claim
    branch: Branch


@dataclass(frozen=True)
class Overview:
    """What a manager looks at first. `renewals_due` and `overdue` are vehicles, not policies."""

    week_from: date
    compliance: Sequence[StepCompliance]
    at_risk: Sequence[AtRisk]
    at_risk_count: int
    over_count: int
    unreviewed: int
    outstanding: Sequence[Outstanding]
    large_losses: Sequence[LargeLoss]
    large_count: int
    large_fen: int
    coverage: Ratio
    renewals_due: int
    renewals_overdue: int
    receivables_overdue_fen: int

    @property
    def this_week(self) -> Ratio:
        return sum((one.this_week for one in self.compliance), Ratio())

    @property
    def last_week(self) -> Ratio:
        return sum((one.last_week for one in self.compliance), Ratio())

    @property
    def open_count(self) -> int:
        return sum(one.count for one in self.outstanding)

    @property
    def open_fen(self) -> int:
        return sum(one.open_fen for one in self.outstanding)


def overview(account_id: int, *, actor: User, now: datetime) -> Overview:
    """The figures of an account as of now."""
    access.require(actor, Action.READ_DASHBOARD)
    account = access.get_visible(actor, Action.READ_DASHBOARD, KeyAccount, KeyAccount.id == account_id)
    zone = ZoneInfo(account.zone)
    monday = week_of(local_date(now, zone))
    at_risk_count, over_count = _count_risks(account.id, now)
    large_count, large_fen = _sum_large(account.id)
    due, overdue = _count_renewals(account.id, actor, now)
    return Overview(
        week_from=monday,
        compliance=_compliance(account.id, monday, zone),
        at_risk=_list_risks(account.id, now),
        at_risk_count=at_risk_count,
        over_count=over_count,
        unreviewed=sla.count_open(actor, account_id=account.id),
        outstanding=_outstanding(account.id, local_date(now, zone), zone),
        large_losses=_list_large(account.id),
        large_count=large_count,
        large_fen=large_fen,
        coverage=coverage_ratio(account.id, now),
        renewals_due=due,
        renewals_overdue=overdue,
        receivables_overdue_fen=premiums.overdue_fen(account.id, now=now),
    )


def _compliance(account_id: int, monday: date, zone: ZoneInfo) -> list[StepCompliance]:
    """A promise is judged when it is kept, or at the instant it is broken: once, whatever happens later."""
    this, last = start_of_day(monday, zone), start_of_day(monday - WEEK, zone)
    met = Timer.state == TimerState.MET
    judged_at = case((met, Timer.stopped_at), else_=Timer.breached_at)
    counts = (
        _count(judged_at >= this),
        _count(and_(judged_at >= this, met)),
        _count(judged_at < this),
        _count(and_(judged_at < this, met)),
    )
    rows = db.session.execute(
        select(Timer.step, *counts)
        .where(
            Timer.account_id == account_id,
            Timer.state != TimerState.CANCELLED,
            Timer.step != ClockStep.BREACH_REVIEW,
            judged_at >= last,
        )
        .group_by(Timer.step)
    )
    found = {row[0]: StepCompliance(row[0], Ratio(row[2], row[1]), Ratio(row[4], row[3])) for row in rows}
    return [found[step] for step in ClockStep if step in found]


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return cast(func.sum(case((condition, 1), else_=0)), Integer)


def _at_risk(now: datetime) -> ColumnElement[bool]:
    return and_(Timer.warn_at <= now, Timer.due_at >= now, Timer.breached_at.is_(None))


def _is_over(now: datetime) -> ColumnElement[bool]:
    return or_(Timer.breached_at.is_not(None), Timer.due_at < now)


def _running(account_id: int) -> ColumnElement[bool]:
    return and_(
        Timer.account_id == account_id,
        Timer.state == TimerState.RUNNING,
        Timer.step != ClockStep.BREACH_REVIEW,
    )


def _count_risks(account_id: int, now: datetime) -> tuple[int, int]:
    """Running clocks past their warning point, and those past their due time."""
    row = db.session.execute(
        select(_count(_at_risk(now)), _count(_is_over(now))).where(_running(account_id))
    ).one()
    return row[0] or 0, row[1] or 0


def _list_risks(account_id: int, now: datetime) -> list[AtRisk]:
    """The clocks that break next, then those that broke last."""
    rows = db.session.execute(
        select(Timer, User)
        .join(User, User.id == Timer.holder_id)
        .where(_running(account_id), or_(_at_risk(now), _is_over(now)))
        .order_by(case((_at_risk(now), 0), else_=1), Timer.due_at, Timer.id)
        .limit(MOST_AT_RISK)
    )
    return [AtRisk(timer, holder) for timer, holder in rows]


def _outstanding(account_id: int, today: date, zone: ZoneInfo) -> list[Outstanding]:
    """By days since the report; claims reported today are of age 0."""
    edges = {one: start_of_day(today - timedelta(days=days), zone) for one, days in _BAND_DAYS.items()}
    band = case(*((Claim.reported_at >= edge, name.value) for name, edge in edges.items()), else_="older")
    rows = db.session.execute(
        select(band.label("band"), func.count(), _sum(Claim.reserve_fen - Claim.paid_fen))
        .where(Claim.account_id == account_id, Claim.state.in_(OPEN_STATES))
        .group_by("band")
    )
    found = {name: (count, int(fen)) for name, count, fen in rows}
    return [Outstanding(one, *found.get(one.value, (0, 0))) for one in AgeBand]


def _sum(column: SQLColumnExpression[int]) -> ColumnElement[int]:
    return func.coalesce(func.sum(column), 0)


def _is_large(account_id: int) -> ColumnElement[bool]:
    return and_(
        Claim.account_id == account_id,
        Claim.state.in_(OPEN_STATES),
        Claim.highest_estimate_fen >= LARGE_LOSS_FEN,
    )


def _sum_large(account_id: int) -> tuple[int, int]:
    row = db.session.execute(select(func.count(), _sum(Claim.reserve_fen)).where(_is_large(account_id))).one()
    return row[0], int(row[1])


def _list_large(account_id: int) -> list[LargeLoss]:
    """The largest open claims."""
    rows = db.session.execute(
        select(Claim, Branch)
        .join(Branch, Branch.id == Claim.branch_id)
        .where(_is_large(account_id))
        .order_by(Claim.reserve_fen.desc(), Claim.id)
        .limit(MOST_AT_RISK)
    )
    return [LargeLoss(claim, branch) for claim, branch in rows]


def _count_renewals(account_id: int, actor: User, now: datetime) -> tuple[int, int]:
    """Vehicles whose cover ends within the days, and vehicles whose cover has ended."""
    vehicles: dict[bool, set[int]] = defaultdict(set)
    for row in renewals.board_counts(account_id, actor=actor, now=now, within_days=RENEWAL_DAYS):
        vehicles[row.bucket is Bucket.OVERDUE] |= row.vehicle_ids
    return len(vehicles[False]), len(vehicles[True])


def nav_counts(account_id: int, *, actor: User) -> dict[str, int]:
    """What stands beside a place in the left rail: what waits for this person there; nothing waits, no number."""
    counts = {"claims.queue": _count_claims(account_id, actor), "enquiries.inbox": _count_enquiries(actor)}
    if access.may(actor, Action.REVIEW_BREACHES):
        counts["sla.breaches"] = sla.count_open(actor, account_id=account_id)
    return {endpoint: count for endpoint, count in counts.items() if count}


def _count_claims(account_id: int, actor: User) -> int:
    """Open claims: to the client those it sees, to the desk those of this person."""
    statement = select(func.count(Claim.id)).where(
        Claim.account_id == account_id, Claim.state.in_(OPEN_STATES)
    )
    if actor.side is not Side.CLIENT:
        statement = statement.where(Claim.owner_id == actor.id)
    return db.session.scalar(access.visible(actor, Action.READ_CLAIMS, statement, Claim)) or 0


def _count_enquiries(actor: User) -> int:
    statement = select(func.count(Enquiry.id)).where(
        Enquiry.owner_id == actor.id, Enquiry.state != EnquiryState.CLOSED
    )
    return db.session.scalar(statement) or 0
