"""Claims as they stood at a past instant, in SQL: from their events, reserves and payments, never from what they are now.

`at` is always the first instant that is not looked at any more. All conditions ask of the `Claim` of the statement
around them.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy import literal as constant
from sqlalchemy.orm import InstrumentedAttribute, aliased

from service_desk.models.claims import Claim, ClaimEvent, ClaimPayment, ReserveEntry
from service_desk.models.fleet import Vehicle
from service_desk.models.kept import Question, constants
from service_desk.rules.claim_flow import OPEN_STATES, ClaimState
from service_desk.rules.metrics import MeasureCode
from service_desk.services.measures.span import AnySpan, By, Key, Reading, Value

# The key of all claims where nothing is grouped.
_ALL = 0
_OPEN = constants(OPEN_STATES)
# Made once: an alias works its columns out anew, and every figure of a report asks.
_BOOK = aliased(Claim)
_ENDS = constants((ClaimState.CLOSED, ClaimState.WITHDRAWN, ClaimState.DENIED))


class Part(Protocol):
    """Figures of a group: added up to those of the whole before any measure is worked out of them."""

    def __add__(self, other: Self) -> Self: ...
    def measures(self) -> Mapping[MeasureCode, Value]: ...


P = TypeVar("P", bound=Part)


def keyed(by: By | None, *columns: Any) -> Select[Any]:
    """Select columns of claims behind their group's key, `key`; the caller groups where it sums."""
    if by is By.BRANCH:
        return select(Claim.branch_id.label("key"), *columns).select_from(Claim)
    if by is By.USE_CLASS:
        use_class = func.coalesce(cast(Vehicle.use_class, String), "")
        joined = Claim.__table__.join(Vehicle.__table__, Vehicle.id == Claim.vehicle_id)
        return select(use_class.label("key"), *columns).select_from(joined)
    return select(constant(_ALL).label("key"), *columns).select_from(Claim)


def reading(parts: Mapping[Key, P], nothing: P, by: By | None) -> Reading:
    """The measures of each part, and of all parts added up."""
    groups = {key: part.measures() for key, part in parts.items()} if by else {}
    return Reading(sum(parts.values(), nothing).measures(), groups)


def rows_by_key(
    question: Question[Select[Any]], make: Callable[..., P], names: Iterable[str]
) -> dict[Key, P]:
    """Ask for sums by key; each row's values, nought for none, make a part by their names."""
    listed = list(names)
    return {
        row[0]: make(**{name: int(value or 0) for name, value in zip(listed, row[1:], strict=True)})
        for row in question.rows()
    }


def count_of(condition: ColumnElement[bool] | InstrumentedAttribute[bool]) -> ColumnElement[int]:
    """How many rows meet a condition."""
    return cast(func.sum(case((condition, 1), else_=0)), Integer)


def sum_of(amount: Any, condition: ColumnElement[bool] | None = None) -> ColumnElement[int]:
    """The sum of an amount, over the rows that meet a condition."""
    return func.sum(amount if condition is None else case((condition, amount), else_=0))


def within(column: Any, span: AnySpan) -> ColumnElement[bool]:
    """From the period's first instant on, and not after its end or now."""
    return and_(column >= span.instants[0], column < span.until)


def in_book_since(account_id: int, since: datetime, *, or_denied: bool = False) -> ColumnElement[bool]:
    """An account's claims that were open at an instant or came into the book after it, found by two indexes.

    Whatever left the book before and never came back stands in no figure of later. Without this, every figure
    would read the history of all claims there ever were. A claim that left later has its last leaving in
    `closed_at`; one that came back has none. `or_denied`: with denied ones whenever they ended, for only of them
    the bank sends money back afterwards without their coming back into the book.
    """
    own = select(_BOOK.id).where(_BOOK.account_id == account_id)
    # As a list of ids: SQLite would look through all claims rather than ask two indexes for an OR of bound values.
    parts = [own.where(_BOOK.closed_at.is_(None)), own.where(_BOOK.closed_at >= since)]
    if or_denied:
        parts.append(own.where(_BOOK.state == ClaimState.DENIED))
    return Claim.id.in_(union_all(*parts))


def known(
    span: AnySpan, since: datetime | None = None, *, or_denied: bool = False
) -> list[ColumnElement[bool]]:
    """The account's claims reported by the end that were in the book in the period, or since another instant."""
    return [
        Claim.account_id == span.account_id,
        Claim.reported_at < span.until,
        in_book_since(span.account_id, span.instants[0] if since is None else since, or_denied=or_denied),
    ]


def is_move() -> ColumnElement[bool]:
    """An event that changed the state. The report itself comes from nowhere and is counted by its own time."""
    return and_(ClaimEvent.from_state != ClaimEvent.to_state, ClaimEvent.from_state != "")


def is_of_book() -> ColumnElement[bool]:
    """A move that left the open book or came back to it, in the very words of the index that holds no other."""
    return and_(or_(ClaimEvent.to_state.in_(_ENDS), ClaimEvent.from_state.in_(_ENDS)), is_move())


def change_of_book() -> ColumnElement[int]:
    """What a move adds to the open book: −1 when the claim left it, +1 when it came back."""
    was, becomes = ClaimEvent.from_state.in_(_OPEN), ClaimEvent.to_state.in_(_OPEN)
    return case((and_(was, ~becomes), -1), (and_(~was, becomes), 1), else_=0)


def has_left(at: datetime) -> ColumnElement[bool]:
    """Out of the book before an instant, and ever since: its state of then is that of now."""
    return and_(Claim.closed_at.is_not(None), Claim.closed_at < at)


def _settled_before(at: datetime) -> ColumnElement[bool]:
    """Out of the book before an instant, and no money moved after it: of a denied claim the bank may send some back."""
    return and_(has_left(at), Claim.state != ClaimState.DENIED)


def is_open_at(at: datetime) -> ColumnElement[bool]:
    """Open at an instant, of a claim reported before it: it left the book no oftener than it came back."""
    moved = select(func.coalesce(func.sum(change_of_book()), 0)).where(
        ClaimEvent.claim_id == Claim.id, ClaimEvent.at < at, is_of_book()
    )
    return and_(~has_left(at), moved.correlate(Claim).scalar_subquery() >= 0)


def state_at(at: datetime) -> ColumnElement[str]:
    """The state at an instant; `reported` before the first step."""
    last = (
        select(ClaimEvent.to_state)
        .where(ClaimEvent.claim_id == Claim.id, ClaimEvent.at < at, is_move())
        .order_by(ClaimEvent.at.desc(), ClaimEvent.id.desc())
        .limit(1)
    )
    of_then = func.coalesce(last.correlate(Claim).scalar_subquery(), ClaimState.REPORTED.value)
    return case((has_left(at), cast(Claim.state, String)), else_=of_then)


def estimate_at(at: datetime) -> ColumnElement[int]:
    """The reserve of the whole claim at an instant, with what was paid of it."""
    of_then = func.coalesce(_reserve(ReserveEntry.after_fen, at, latest=True), 0)
    return case((_settled_before(at), Claim.reserve_fen), else_=of_then)


def first_estimate_at(at: datetime) -> ColumnElement[int]:
    """The first reserve."""
    return func.coalesce(_reserve(ReserveEntry.after_fen, at, latest=False), 0)


def registered_at(at: datetime) -> ScalarSelect[datetime]:
    """When the first reserve was set: that is how the desk registers a claim (立案); None before."""
    return _reserve(ReserveEntry.at, at, latest=False)


def _reserve(column: Any, at: datetime, *, latest: bool) -> ScalarSelect[Any]:
    order = (ReserveEntry.at, ReserveEntry.id)
    entry = select(column).where(ReserveEntry.claim_id == Claim.id, ReserveEntry.at < at)
    ordered = entry.order_by(*(one.desc() for one in order)) if latest else entry.order_by(*order)
    return ordered.limit(1).correlate(Claim).scalar_subquery()


def highest_estimate_at(at: datetime) -> ColumnElement[int]:
    """The highest reserve until an instant: a loss that was once large stays one."""
    entries = select(func.max(ReserveEntry.after_fen)).where(
        ReserveEntry.claim_id == Claim.id, ReserveEntry.at < at
    )
    of_then = func.coalesce(entries.correlate(Claim).scalar_subquery(), 0)
    return case((has_left(at), Claim.highest_estimate_fen), else_=of_then)


def paid_at(at: datetime) -> ColumnElement[int]:
    """What had been paid until an instant, less what the bank had sent back."""
    amount = ClaimPayment.amount_fen
    is_back = and_(ClaimPayment.returned_at.is_not(None), ClaimPayment.returned_at < at)
    payments = select(func.sum(case((is_back, 0), else_=amount))).where(
        ClaimPayment.claim_id == Claim.id, ClaimPayment.paid_at < at
    )
    of_then = func.coalesce(payments.correlate(Claim).scalar_subquery(), 0)
    return case((_settled_before(at), Claim.paid_fen), else_=of_then)
