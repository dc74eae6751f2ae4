"""The claims and breaches behind the figures of a period, as they stood at its end: the lines of claim reports."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select, union_all
from sqlalchemy.orm import aliased

from service_desk.base.clock import local_date
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.kept import built_once
from service_desk.models.sla import BreachReview, Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, ClockStep
from service_desk.rules.sla.history import whole_second
from service_desk.services import access
from service_desk.services.measures import AnySpan, Span, history
from service_desk.services.reports.figures import Breach, OpenClaim, Person, WeekClaim
from service_desk.services.sla.compliance import broken_within

# Made once: an alias works its columns out anew each time.
_PERSON, _SEEN = aliased(User), aliased(Timer)


@dataclass(frozen=True)
class PeriodClaim:
    """A claim of the period or one open at its end."""

    id: int
    branch_id: int
    line: WeekClaim
    is_new: bool
    is_open: bool


def claims_of(span: Span) -> tuple[list[PeriodClaim], list[PeriodClaim]]:
    """The claims reported in the period, and those open at its end; each by time of report."""
    found = [_claim(span, row) for row in _claims(span).rows()]
    return [claim for claim in found if claim.is_new], [claim for claim in found if claim.is_open]


@built_once
def _claims(span: AnySpan) -> Select[Any]:
    start, until = span.instants[0], span.until
    is_open, owner = history.is_open_at(until), _PERSON
    return (
        select(
            Claim.id,
            Claim.branch_id,
            Claim.number,
            Claim.plate,
            Claim.loss_at,
            Claim.reported_at,
            Claim.place,
            Branch.name.label("branch"),
            Branch.name_en.label("branch_en"),
            owner.name.label("owner"),
            owner.staff_no,
            owner.phone,
            is_open.label("is_open"),
            history.state_at(until).label("state"),
            history.estimate_at(until).label("estimate"),
            history.highest_estimate_at(until).label("highest"),
        )
        .join(Branch, Branch.id == Claim.branch_id)
        .join(owner, owner.id == Claim.owner_id)
        .where(*history.known(span), or_(Claim.reported_at >= start, is_open))
        .order_by(Claim.reported_at, Claim.id)
    )


def _claim(span: Span, row: Any) -> PeriodClaim:
    line = WeekClaim(
        number=row.number,
        plate=row.plate,
        branch=row.branch,
        branch_en=row.branch_en or row.branch,
        loss_at=row.loss_at,
        reported_at=row.reported_at,
        place=row.place,
        state=row.state,
        estimate_fen=row.estimate,
        is_large=row.highest >= LARGE_LOSS_FEN,
        owner=Person(row.owner, row.staff_no, row.phone),
    )
    return PeriodClaim(row.id, row.branch_id, line, row.reported_at >= span.instants[0], bool(row.is_open))


def open_lines(span: Span, claims: list[PeriodClaim]) -> list[OpenClaim]:
    """Soonest due first; those without a due time after them, oldest first."""
    clocks = _live_clocks(span)
    lines = [_open_claim(span, claim, clocks.get(claim.id, [])) for claim in claims]
    return sorted(lines, key=lambda line: (line.due_at is None, line.due_at or line.reported_at))


def _open_claim(span: Span, claim: PeriodClaim, clocks: list[tuple[ClockStep, datetime | None]]) -> OpenClaim:
    dated = [(due_at, step) for step, due_at in clocks if due_at is not None]
    due_at, step = min(dated) if dated else (None, clocks[0][0] if clocks else None)
    line = claim.line
    return OpenClaim(
        number=line.number,
        plate=line.plate,
        branch=line.branch,
        branch_en=line.branch_en,
        reported_at=line.reported_at,
        days=days_open(span, claim),
        state=line.state,
        step=step.value if step else "",
        due_at=due_at,
        estimate_fen=line.estimate_fen,
        owner=line.owner,
    )


def _live_clocks(span: Span) -> dict[int, list[tuple[ClockStep, datetime | None]]]:
    """The clocks that had started and not stopped at the period's end, by claim."""
    clocks: dict[int, list[tuple[ClockStep, datetime | None]]] = defaultdict(list)
    # Sorted here: to spare itself that, SQLite would walk through the clocks of all claims there are.
    for claim_id, _timer_id, step, due_at in sorted(_running(span).rows(), key=lambda row: (row[0], row[1])):
        clocks[claim_id].append((step, due_at))
    return clocks


@built_once
def _running(span: AnySpan) -> Select[Any]:
    own = select(_SEEN.id).where(_SEEN.account_id == span.account_id)
    # As a list of ids: SQLite would look through all clocks ever started rather than ask its index of stops twice.
    running = union_all(own.where(_SEEN.stopped_at.is_(None)), own.where(_SEEN.stopped_at >= span.until))
    return select(Timer.matter_id, Timer.id, Timer.step, Timer.due_at).where(
        Timer.id.in_(running), Timer.matter_kind == "claim", Timer.started_at < span.until
    )


def days_open(span: Span, claim: PeriodClaim) -> int:
    """Whole days from the day of the report to the last day of the period."""
    return (span.last_day - local_date(claim.line.reported_at, span.zone)).days


def breaches_of(span: Span) -> list[Breach]:
    """Every promise broken in the period, as the compliance page counts them: of claims and of other matters."""
    return [
        Breach(
            timer_id=row.id,
            number=row.matter_number,
            plate=row.plate or "",
            branch=row.branch or "",
            branch_en=row.branch_en or row.branch or "",
            step=row.step.value,
            holder=Person(row.holder, row.staff_no, row.phone),
            breached_at=row.broken_at,
            stopped_at=stopped_at,
            over_seconds=row.over_seconds if stopped_at else None,
            cause=row.cause or "",
        )
        for row in _broken(span, whole_second(span.now)).rows()
        for stopped_at in (_before(row.stopped_at, span.until),)
    ]


@built_once
def _broken(span: AnySpan, now: datetime) -> Select[Any]:
    holder = _PERSON
    broken_at = func.coalesce(Timer.breached_at, Timer.due_at)
    cause = case((BreachReview.signed_at < span.until, BreachReview.cause))
    return (
        select(
            Timer.id,
            # Whom a complaint is about may read the report: it is counted there, and not named.
            case((access.is_about_somebody(Timer), ""), else_=Timer.matter_number).label("matter_number"),
            Timer.step,
            Timer.stopped_at,
            Timer.over_seconds,
            broken_at.label("broken_at"),
            Claim.plate,
            Branch.name.label("branch"),
            Branch.name_en.label("branch_en"),
            holder.name.label("holder"),
            holder.staff_no,
            holder.phone,
            cause.label("cause"),
        )
        .outerjoin(Claim, and_(Claim.id == Timer.matter_id, Timer.matter_kind == "claim"))
        .outerjoin(Branch, Branch.id == Timer.branch_id)
        .join(holder, holder.id == Timer.holder_id)
        .outerjoin(BreachReview, BreachReview.timer_id == Timer.id)
        .where(
            Timer.account_id == span.account_id,
            Timer.step != ClockStep.BREACH_REVIEW,
            broken_within(span.instants, now),
        )
        .order_by(broken_at, Timer.id)
    )


def _before(moment: datetime | None, until: datetime) -> datetime | None:
    """An instant, where it had come by the end."""
    return moment if moment is not None and moment < until else None


@dataclass(frozen=True)
class ClosedClaim:
    """A claim that left the open book in the period and was out of it at its end: how, when, and at what amount."""

    number: str
    plate: str
    branch: str
    branch_en: str
    reported_at: datetime
    closed_at: datetime
    days: int
    state: str
    estimate_fen: int
    paid_fen: int
    owner: Person


def closed_lines(span: Span) -> Sequence[ClosedClaim]:
    """The claims closed, withdrawn or denied in the period, by the time they left. `estimate_fen` is the first estimate."""
    return [_closed(span, row) for row in _left(span).rows()]


@built_once
def _left(span: AnySpan) -> Select[Any]:
    until, owner = span.until, _PERSON
    left = select(func.max(ClaimEvent.at)).where(
        ClaimEvent.claim_id == Claim.id,
        ClaimEvent.at < until,
        history.is_of_book(),
        history.change_of_book() < 0,
    )
    each = (
        select(
            Claim.id,
            left.correlate(Claim).scalar_subquery().label("left_at"),
            history.state_at(until).label("state"),
            history.first_estimate_at(until).label("estimate"),
            history.paid_at(until).label("paid"),
        )
        .where(*history.known(span), ~history.is_open_at(until))
        .subquery()
    )
    return (
        select(
            Claim.number,
            Claim.plate,
            Claim.reported_at,
            Branch.name.label("branch"),
            Branch.name_en.label("branch_en"),
            owner.name.label("owner"),
            owner.staff_no,
            owner.phone,
            each,
        )
        .join(each, each.c.id == Claim.id)
        .join(Branch, Branch.id == Claim.branch_id)
        .join(owner, owner.id == Claim.owner_id)
        .where(each.c.left_at >= span.instants[0])
        .order_by(each.c.left_at, Claim.id)
    )


def _closed(span: Span, row: Any) -> ClosedClaim:
    return ClosedClaim(
        number=row.number,
        plate=row.plate,
        branch=row.branch,
        branch_en=row.branch_en or row.branch,
        reported_at=row.reported_at,
        closed_at=row.left_at,
        days=(local_date(row.left_at, span.zone) - local_date(row.reported_at, span.zone)).days,
        state=row.state,
        estimate_fen=int(row.estimate),
        paid_fen=int(row.paid),
        owner=Person(row.owner, row.staff_no, row.phone),
    )
