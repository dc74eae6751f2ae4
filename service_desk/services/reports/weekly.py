"""Computes the weekly claim report: a fixed number of queries, whatever the account's size.

A past week comes out the same whenever it is run: what was open at an instant follows from the claims' history,
not from their present state.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, and_, case, cast, func, or_, select
from sqlalchemy.orm import aliased

from service_desk.base.clock import end_of_day, local_date, start_of_day
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.claims import Claim, ClaimEvent, ClaimPayment, ReserveEntry, Survey
from service_desk.models.db import db
from service_desk.models.sla import BreachReview, Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, OPEN_STATES, ClaimState, ClockStep
from service_desk.services.reports.figures import (
    BranchFigures,
    Breach,
    OpenClaim,
    Person,
    WeekClaim,
    WeeklyReport,
    total_of,
)
from service_desk.services.sla.compliance import broken_within, met_within

# Motor clauses ask for notice within 48 hours; what is reported later can no longer be surveyed at the scene.
LATE_REPORT = timedelta(hours=48)


@dataclass(frozen=True)
class _Week:
    """The account's week as instants: `start` included, `end` not."""

    account_id: int
    start: datetime
    end: datetime
    last_day: date
    zone: ZoneInfo
    now: datetime

    def holds(self, column: Any) -> ColumnElement[bool]:
        return and_(column >= self.start, column < self.end)


def compute(account_id: int, period_from: date, *, now: datetime) -> WeeklyReport:
    """The report of the week that begins on the Monday `period_from`. Reads only."""
    account = db.session.get_one(KeyAccount, account_id)
    zone, last_day = ZoneInfo(account.zone), period_from + timedelta(days=6)
    week = _Week(account_id, start_of_day(period_from, zone), end_of_day(last_day, zone), last_day, zone, now)
    claims, open_claims = _claims(week)
    branches = _branch_lines(week, claims, open_claims)
    return WeeklyReport(
        account_id=account.id,
        account_name=account.name,
        account_name_en=account.name_en or account.name,
        zone=account.zone,
        period_from=period_from,
        period_to=last_day,
        made_at=now,
        branches=tuple(branches),
        total=total_of(branches),
        claims=tuple(claim.line for claim in claims),
        open_claims=tuple(_open_claims(week, open_claims)),
        breaches=tuple(_breaches(week)),
    )


# The history of a claim: +1 when it becomes open again, -1 when it stops being open.


def _delta() -> ColumnElement[int]:
    states = [state.value for state in OPEN_STATES]
    was, becomes = ClaimEvent.from_state.in_(states), ClaimEvent.to_state.in_(states)
    return case((and_(was, ~becomes), -1), (and_(~was, becomes), 1), else_=0)


def _moves() -> ColumnElement[bool]:
    """An event that changed the state. The report itself comes from nowhere and is counted by its own time."""
    return and_(ClaimEvent.from_state != ClaimEvent.to_state, ClaimEvent.from_state != "")


def _branch_lines(week: _Week, claims: "list[_Claim]", open_claims: "list[_Claim]") -> list[BranchFigures]:
    sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for add in (_count_reports, _count_moves, _count_payments, _count_surveys, _count_scenes):
        for branch_id, values in add(week).items():
            for name, value in values.items():
                sums[branch_id][name] += value
    for claim in claims:
        sums[claim.branch_id]["estimate_fen"] += claim.line.estimate_fen
        sums[claim.branch_id]["large_losses"] += claim.line.is_large
    oldest: dict[int, int] = {}
    for claim in open_claims:
        oldest[claim.branch_id] = max(oldest.get(claim.branch_id, 0), _days_open(week, claim))
    branches = db.session.scalars(select(Branch).where(Branch.account_id == week.account_id)).all()
    return [
        BranchFigures(
            branch_id=branch.id,
            name=branch.name,
            name_en=branch.name_en or branch.name,
            oldest_days=oldest.get(branch.id),
            **sums[branch.id],
        )
        for branch in sorted(branches, key=_place_in_tree)
        if branch.is_active or branch.id in sums
    ]


def _place_in_tree(branch: Branch) -> list[int]:
    """A branch after the one it belongs to, and before what was added later."""
    return [int(part) for part in branch.path.split("/") if part]


def _count_reports(week: _Week) -> dict[int, dict[str, int]]:
    """Claims reported before the week begin as open; those reported in it are its new ones."""
    before = func.sum(case((Claim.reported_at < week.start, 1), else_=0))
    within = func.sum(case((Claim.reported_at >= week.start, 1), else_=0))
    rows = db.session.execute(
        select(Claim.branch_id, cast(before, Integer), cast(within, Integer))
        .where(Claim.account_id == week.account_id, Claim.reported_at < week.end)
        .group_by(Claim.branch_id)
    )
    return {
        branch_id: {"open_start": old, "reported": new, "open_end": old + new} for branch_id, old, new in rows
    }


def _count_moves(week: _Week) -> dict[int, dict[str, int]]:
    """What left and came back: before the week into the opening balance, within it as closed and reopened."""
    delta, within = _delta(), week.holds(ClaimEvent.at)
    sums = (
        func.sum(case((ClaimEvent.at < week.start, delta), else_=0)),
        func.sum(case((and_(within, delta < 0), 1), else_=0)),
        func.sum(case((and_(within, delta > 0), 1), else_=0)),
        func.sum(delta),
    )
    rows = db.session.execute(
        select(Claim.branch_id, *(cast(one, Integer) for one in sums))
        .join(ClaimEvent, ClaimEvent.claim_id == Claim.id)
        .where(Claim.account_id == week.account_id, ClaimEvent.at < week.end, _moves())
        .group_by(Claim.branch_id)
    )
    names = ("open_start", "closed", "reopened", "open_end")
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def _count_payments(week: _Week) -> dict[int, dict[str, int]]:
    """What went out in the week, less what the bank sent back in it."""
    went_out, came_back = week.holds(ClaimPayment.paid_at), week.holds(ClaimPayment.returned_at)
    amount = ClaimPayment.amount_fen
    net = func.sum(case((went_out, amount), else_=0)) - func.sum(case((came_back, amount), else_=0))
    rows = db.session.execute(
        select(Claim.branch_id, cast(net, Integer))
        .join(ClaimPayment, ClaimPayment.claim_id == Claim.id)
        .where(Claim.account_id == week.account_id, or_(went_out, came_back))
        .group_by(Claim.branch_id)
    )
    return {branch_id: {"paid_fen": paid} for branch_id, paid in rows}


def _count_surveys(week: _Week) -> dict[int, dict[str, int]]:
    """Survey clocks judged in the week, as the compliance page counts them."""
    instants = week.start, week.end
    met, broken = met_within(instants), broken_within(instants, week.now)
    rows = db.session.execute(
        select(Claim.branch_id, func.count(), cast(func.sum(case((met, 1), else_=0)), Integer))
        .join(Timer, and_(Timer.matter_id == Claim.id, Timer.matter_kind == "claim"))
        .where(
            Claim.account_id == week.account_id,
            Timer.account_id == week.account_id,
            Timer.step == ClockStep.SURVEY,
            or_(met, broken),
        )
        .group_by(Claim.branch_id)
    )
    return {branch_id: {"surveys_judged": n, "surveys_in_time": kept} for branch_id, n, kept in rows}


def _count_scenes(week: _Week) -> dict[int, dict[str, int]]:
    """First surveys of the week among claims that could be surveyed at the scene (domain.md section 7)."""
    rows = db.session.execute(
        select(Claim.branch_id, Claim.loss_at, Claim.reported_at, Survey.is_first_scene)
        .join(Survey, Survey.claim_id == Claim.id)
        .where(Claim.account_id == week.account_id, Survey.round == 1, week.holds(Survey.recorded_at))
    )
    counts: dict[int, dict[str, int]] = defaultdict(lambda: {"scenes_needed": 0, "scenes_first": 0})
    for branch_id, loss_at, reported_at, is_first_scene in rows:
        if reported_at - loss_at <= LATE_REPORT:
            counts[branch_id]["scenes_needed"] += 1
            counts[branch_id]["scenes_first"] += is_first_scene
    return counts


@dataclass(frozen=True)
class _Claim:
    """A claim of the week or one open at its end."""

    id: int
    branch_id: int
    line: WeekClaim
    is_new: bool
    is_open: bool


def _claims(week: _Week) -> tuple[list[_Claim], list[_Claim]]:
    """The claims reported in the week, and those open at its end; each by time of report."""
    found = [_claim(week, row) for row in db.session.execute(_claims_statement(week))]
    return [claim for claim in found if claim.is_new], [claim for claim in found if claim.is_open]


def _claims_statement(week: _Week) -> Any:
    history = (
        select(ClaimEvent.claim_id, func.sum(_delta()).label("delta"))
        .join(Claim, Claim.id == ClaimEvent.claim_id)
        .where(Claim.account_id == week.account_id, ClaimEvent.at < week.end, _moves())
        .group_by(ClaimEvent.claim_id)
        .subquery()
    )
    is_open = func.coalesce(history.c.delta, 0) >= 0
    moved = (ClaimEvent.claim_id == Claim.id, ClaimEvent.at < week.end, _moves())
    last_state = (
        select(ClaimEvent.to_state).where(*moved).order_by(ClaimEvent.at.desc(), ClaimEvent.id.desc())
    )
    estimated = (ReserveEntry.claim_id == Claim.id, ReserveEntry.at < week.end)
    estimate = select(ReserveEntry.after_fen).where(*estimated)
    owner = aliased(User)
    return (
        select(
            Claim,
            Branch.name,
            Branch.name_en,
            owner,
            is_open,
            last_state.limit(1).scalar_subquery(),
            estimate.order_by(ReserveEntry.at.desc(), ReserveEntry.id.desc()).limit(1).scalar_subquery(),
            select(func.max(ReserveEntry.after_fen)).where(*estimated).scalar_subquery(),
        )
        .join(Branch, Branch.id == Claim.branch_id)
        .join(owner, owner.id == Claim.owner_id)
        .outerjoin(history, history.c.claim_id == Claim.id)
        .where(
            Claim.account_id == week.account_id,
            Claim.reported_at < week.end,
            or_(Claim.reported_at >= week.start, is_open),
        )
        .order_by(Claim.reported_at, Claim.id)
    )


def _claim(week: _Week, row: Any) -> _Claim:
    claim, branch, branch_en, owner, is_open, state, estimate, highest = row
    line = WeekClaim(
        number=claim.number,
        plate=claim.plate,
        branch=branch,
        branch_en=branch_en or branch,
        loss_at=claim.loss_at,
        reported_at=claim.reported_at,
        place=claim.place,
        state=state or ClaimState.REPORTED.value,
        estimate_fen=estimate or 0,
        is_large=(highest or 0) >= LARGE_LOSS_FEN,
        owner=_person(owner),
    )
    return _Claim(claim.id, claim.branch_id, line, claim.reported_at >= week.start, bool(is_open))


def _open_claims(week: _Week, claims: list[_Claim]) -> list[OpenClaim]:
    """Soonest due first; those without a due time after them, oldest first."""
    clocks = _live_clocks(week)
    lines = [_open_claim(week, claim, clocks.get(claim.id, [])) for claim in claims]
    return sorted(lines, key=lambda line: (line.due_at is None, line.due_at or line.reported_at))


def _open_claim(week: _Week, claim: _Claim, clocks: list[tuple[ClockStep, datetime | None]]) -> OpenClaim:
    dated = [(due_at, step) for step, due_at in clocks if due_at is not None]
    due_at, step = min(dated) if dated else (None, clocks[0][0] if clocks else None)
    line = claim.line
    return OpenClaim(
        number=line.number,
        plate=line.plate,
        branch=line.branch,
        branch_en=line.branch_en,
        reported_at=line.reported_at,
        days=_days_open(week, claim),
        state=line.state,
        step=step.value if step else "",
        due_at=due_at,
        estimate_fen=line.estimate_fen,
        owner=line.owner,
    )


def _live_clocks(week: _Week) -> dict[int, list[tuple[ClockStep, datetime | None]]]:
    """The clocks that had started and not stopped at the week's end, by claim."""
    rows = db.session.execute(
        select(Timer.matter_id, Timer.step, Timer.due_at)
        .where(
            Timer.account_id == week.account_id,
            Timer.matter_kind == "claim",
            Timer.started_at < week.end,
            or_(Timer.stopped_at.is_(None), Timer.stopped_at >= week.end),
        )
        .order_by(Timer.matter_id, Timer.id)
    )
    clocks: dict[int, list[tuple[ClockStep, datetime | None]]] = defaultdict(list)
    for claim_id, step, due_at in rows:
        clocks[claim_id].append((step, due_at))
    return clocks


def _days_open(week: _Week, claim: _Claim) -> int:
    """Whole days from the day of the report to the last day of the week."""
    return (week.last_day - local_date(claim.line.reported_at, week.zone)).days


def _breaches(week: _Week) -> list[Breach]:
    holder = aliased(User)
    rows = db.session.execute(
        select(Timer, Claim.plate, Branch.name, Branch.name_en, holder, BreachReview.cause)
        .join(Claim, and_(Claim.id == Timer.matter_id, Timer.matter_kind == "claim"))
        .join(Branch, Branch.id == Claim.branch_id)
        .join(holder, holder.id == Timer.holder_id)
        .outerjoin(BreachReview, BreachReview.timer_id == Timer.id)
        .where(
            Timer.account_id == week.account_id,
            Timer.state != TimerState.CANCELLED,
            week.holds(Timer.breached_at),
        )
        .order_by(Timer.breached_at, Timer.id)
    )
    return [
        Breach(
            timer_id=timer.id,
            number=timer.matter_number,
            plate=plate,
            branch=branch,
            branch_en=branch_en or branch,
            step=timer.step.value,
            holder=_person(person),
            breached_at=timer.breached_at,
            stopped_at=timer.stopped_at,
            over_seconds=timer.over_seconds if timer.stopped_at else None,
            cause=cause or "",
        )
        for timer, plate, branch, branch_en, person, cause in rows
    ]


def _person(user: User) -> Person:
    return Person(user.name, user.staff_no, user.phone)
