"""Computes the weekly claim report: a fixed number of queries, whatever the account's size.

Its figures are measures; here are the claims and breaches behind them. A past week comes out the same whenever it is
run: what was open at an instant follows from the claims' history, not from their present state.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from service_desk.base.clock import local_date
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.sla import BreachReview, Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, ClockStep
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period
from service_desk.services import measures
from service_desk.services.measures import By, Span, history
from service_desk.services.reports.figures import (
    BranchFigures,
    Breach,
    OpenClaim,
    Person,
    WeekClaim,
    WeeklyReport,
    total_of,
)
from service_desk.services.sla.compliance import broken_within

_COUNTS = {
    C.CLAIMS_OPEN_START: "open_start",
    C.CLAIMS_REPORTED: "reported",
    C.CLAIMS_REOPENED: "reopened",
    C.CLAIMS_CLOSED: "closed",
    C.CLAIMS_OPEN_END: "open_end",
    C.ESTIMATE_REPORTED: "estimate_fen",
    C.LARGE_LOSSES: "large_losses",
    C.PAID_NET: "paid_fen",
}
_RATES = {
    C.SURVEYED_IN_TIME: ("surveys_in_time", "surveys_judged"),
    C.FIRST_SCENE: ("scenes_first", "scenes_needed"),
}


def span_of(account: KeyAccount, period_from: date, *, now: datetime) -> Span:
    """An account's week that begins on a Monday."""
    period = Period(period_from, period_from + timedelta(days=6))
    return Span(account.id, period, ZoneInfo(account.zone), now)


def compute(account_id: int, period_from: date, *, now: datetime) -> WeeklyReport:
    """The report of the week that begins on the Monday `period_from`. Reads only."""
    account = db.session.get_one(KeyAccount, account_id)
    week = span_of(account, period_from, now=now)
    claims, open_claims = _claims(week)
    branches = _branch_lines(week, open_claims)
    return WeeklyReport(
        account_id=account.id,
        account_name=account.name,
        account_name_en=account.name_en or account.name,
        zone=account.zone,
        period_from=period_from,
        period_to=week.period.last,
        made_at=now,
        branches=tuple(branches),
        total=total_of(branches),
        claims=tuple(claim.line for claim in claims),
        open_claims=tuple(_open_claims(week, open_claims)),
        breaches=tuple(_breaches(week)),
    )


def _branch_lines(week: Span, open_claims: "list[_Claim]") -> list[BranchFigures]:
    groups = measures.read(week, [*_COUNTS, *_RATES], By.BRANCH).groups
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
            **_counts(groups.get(branch.id, {})),
        )
        for branch in sorted(branches, key=place_in_tree)
        if branch.is_active or branch.id in groups
    ]


def _counts(values: Mapping[C, measures.Value]) -> dict[str, Any]:
    """The figures of a branch as its line keeps them; where nothing happened there is no figure."""
    counts: dict[str, Any] = {name: values.get(code, 0) for code, name in _COUNTS.items()}
    for code, (part, whole) in _RATES.items():
        ratio = values.get(code)
        counts[part], counts[whole] = (ratio.part, ratio.whole) if isinstance(ratio, Ratio) else (0, 0)
    return counts


def place_in_tree(branch: Branch) -> list[int]:
    """A branch after the one it belongs to, and before what was added later."""
    return [int(part) for part in branch.path.split("/") if part]


@dataclass(frozen=True)
class _Claim:
    """A claim of the week or one open at its end."""

    id: int
    branch_id: int
    line: WeekClaim
    is_new: bool
    is_open: bool


def _claims(week: Span) -> tuple[list[_Claim], list[_Claim]]:
    """The claims reported in the week, and those open at its end; each by time of report."""
    found = [_claim(week, row) for row in db.session.execute(_claims_statement(week))]
    return [claim for claim in found if claim.is_new], [claim for claim in found if claim.is_open]


def _claims_statement(week: Span) -> Any:
    start, until = week.instants[0], week.until
    is_open, owner = history.is_open_at(until), aliased(User)
    return (
        select(
            Claim,
            Branch.name,
            Branch.name_en,
            owner,
            is_open,
            history.state_at(until),
            history.estimate_at(until),
            history.highest_estimate_at(until),
        )
        .join(Branch, Branch.id == Claim.branch_id)
        .join(owner, owner.id == Claim.owner_id)
        .where(*history.known(week), or_(Claim.reported_at >= start, is_open))
        .order_by(Claim.reported_at, Claim.id)
    )


def _claim(week: Span, row: Any) -> _Claim:
    claim, branch, branch_en, owner, is_open, state, estimate, highest = row
    line = WeekClaim(
        number=claim.number,
        plate=claim.plate,
        branch=branch,
        branch_en=branch_en or branch,
        loss_at=claim.loss_at,
        reported_at=claim.reported_at,
        place=claim.place,
        state=state,
        estimate_fen=estimate,
        is_large=highest >= LARGE_LOSS_FEN,
        owner=_person(owner),
    )
    return _Claim(claim.id, claim.branch_id, line, claim.reported_at >= week.instants[0], bool(is_open))


def _open_claims(week: Span, claims: list[_Claim]) -> list[OpenClaim]:
    """Soonest due first; those without a due time after them, oldest first."""
    clocks = _live_clocks(week)
    lines = [_open_claim(week, claim, clocks.get(claim.id, [])) for claim in claims]
    return sorted(lines, key=lambda line: (line.due_at is None, line.due_at or line.reported_at))


def _open_claim(week: Span, claim: _Claim, clocks: list[tuple[ClockStep, datetime | None]]) -> OpenClaim:
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


def _live_clocks(week: Span) -> dict[int, list[tuple[ClockStep, datetime | None]]]:
    """The clocks that had started and not stopped at the week's end, by claim."""
    rows = db.session.execute(
        select(Timer.matter_id, Timer.step, Timer.due_at)
        .where(
            Timer.account_id == week.account_id,
            Timer.matter_kind == "claim",
            Timer.started_at < week.until,
            or_(Timer.stopped_at.is_(None), Timer.stopped_at >= week.until),
        )
        .order_by(Timer.matter_id, Timer.id)
    )
    clocks: dict[int, list[tuple[ClockStep, datetime | None]]] = defaultdict(list)
    for claim_id, step, due_at in rows:
        clocks[claim_id].append((step, due_at))
    return clocks


def _days_open(week: Span, claim: _Claim) -> int:
    """Whole days from the day of the report to the last day of the week."""
    return (week.last_day - local_date(claim.line.reported_at, week.zone)).days


def _breaches(week: Span) -> list[Breach]:
    """Every promise broken in the week, as the compliance page counts them: of claims and of other matters."""
    holder = aliased(User)
    broken_at = func.coalesce(Timer.breached_at, Timer.due_at)
    rows = db.session.execute(
        select(Timer, broken_at, Claim.plate, Branch.name, Branch.name_en, holder, BreachReview.cause)
        .outerjoin(Claim, and_(Claim.id == Timer.matter_id, Timer.matter_kind == "claim"))
        .outerjoin(Branch, Branch.id == Timer.branch_id)
        .join(holder, holder.id == Timer.holder_id)
        .outerjoin(BreachReview, BreachReview.timer_id == Timer.id)
        .where(
            Timer.account_id == week.account_id,
            Timer.step != ClockStep.BREACH_REVIEW,
            broken_within(week.instants, week.now),
        )
        .order_by(broken_at, Timer.id)
    )
    return [
        Breach(
            timer_id=timer.id,
            number=timer.matter_number,
            plate=plate or "",
            branch=branch or "",
            branch_en=branch_en or branch or "",
            step=timer.step.value,
            holder=_person(person),
            breached_at=at,
            stopped_at=timer.stopped_at,
            over_seconds=timer.over_seconds if timer.stopped_at else None,
            cause=cause or "",
        )
        for timer, at, plate, branch, branch_en, person, cause in rows
    ]


def _person(user: User) -> Person:
    return Person(user.name, user.staff_no, user.phone)
