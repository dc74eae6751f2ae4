"""The manager's overview of one account, and the counts in the left rail: few queries, whatever the account's size."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, case, func, or_, select

from service_desk.base.clock import local_date
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryState
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, OPEN_STATES, ClockStep
from service_desk.rules.metrics import AgeBand, Ratio
from service_desk.rules.periods import WEEK, Period, Preset, period_of, week_of
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, premiums, renewals, sla
from service_desk.services.claims.follow_up_lists import Figures, FollowUpFilter, read_figures
from service_desk.services.measures import Span
from service_desk.services.measures.money import read_ageing
from service_desk.services.policies.coverage import coverage_ratio
from service_desk.services.policies.onboarding.queries import count_waiting
from service_desk.services.sla.compliance import (
    ComplianceFilter,
    Dimension,
    count_by,
    is_at_risk,
    is_late,
    stand_of,
)

MOST_AT_RISK = 8
RENEWAL_DAYS = 30
FOLLOW_UP_PERIOD = Preset.LAST_90_DAYS


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
    follow_ups: Figures

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
    standing = stand_of(_of_week(account.id, monday), actor=actor, now=now)
    large_count, large_fen = _sum_large(account.id)
    due, overdue = renewals.count_vehicles(account.id, RENEWAL_DAYS, actor=actor, now=now)
    return Overview(
        week_from=monday,
        compliance=_compliance(account.id, monday, actor, now),
        at_risk=_list_risks(account.id, now),
        at_risk_count=standing.at_risk,
        over_count=standing.late,
        unreviewed=standing.unreviewed_count,
        outstanding=_outstanding(Span(account.id, Period(monday, monday + timedelta(days=6)), zone, now)),
        large_losses=_list_large(account.id),
        large_count=large_count,
        large_fen=large_fen,
        coverage=coverage_ratio(account.id, now),
        renewals_due=due,
        renewals_overdue=overdue,
        receivables_overdue_fen=premiums.overdue_fen(account.id, now=now),
        follow_ups=read_figures(
            account.id,
            FollowUpFilter(period_of(FOLLOW_UP_PERIOD, local_date(now, zone))),
            actor=actor,
        ),
    )


def _compliance(account_id: int, monday: date, actor: User, now: datetime) -> list[StepCompliance]:
    """Promises kept and broken by step, as the compliance page counts them; steps with neither are left out."""
    this, last = (
        {
            group.key: group.figures.kept
            for group in count_by(_of_week(account_id, first), Dimension.STEP, actor=actor, now=now)
            if group.is_summed
        }
        for first in (monday, monday - WEEK)
    )
    weeks = [StepCompliance(step, this.get(step, Ratio()), last.get(step, Ratio())) for step in ClockStep]
    return [one for one in weeks if one.this_week.whole or one.last_week.whole]


def _of_week(account_id: int, monday: date) -> ComplianceFilter:
    return ComplianceFilter(account_id, Period(monday, monday + timedelta(days=6)))


def _list_risks(account_id: int, now: datetime) -> list[AtRisk]:
    """The clocks that break next, then those that broke last."""
    rows = db.session.execute(
        select(Timer, User)
        .join(User, User.id == Timer.holder_id)
        .where(
            Timer.account_id == account_id,
            Timer.step != ClockStep.BREACH_REVIEW,
            or_(is_at_risk(now), is_late(now)),
        )
        .order_by(case((is_at_risk(now), 0), else_=1), Timer.due_at, Timer.id)
        .limit(MOST_AT_RISK)
    )
    return [AtRisk(timer, holder) for timer, holder in rows]


def _outstanding(span: Span) -> list[Outstanding]:
    """By days since the report; claims reported today are of age 0."""
    ages = read_ageing(span).from_report
    return [Outstanding(band, aged.count, aged.outstanding_fen) for band, aged in ages.items()]


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


def nav_counts(account_id: int, *, actor: User) -> dict[str, int]:
    """What stands beside a place in the left rail: what waits for this person there; nothing waits, no number."""
    counts = {"claims.queue": _count_claims(account_id, actor), "enquiries.inbox": _count_enquiries(actor)}
    if access.may(actor, Action.READ_FLEET):
        counts["onboarding.requests"] = count_waiting(account_id, actor=actor)
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
