"""How fast claims are registered and closed, and how near the first estimate was."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, null, or_, select

from service_desk.base.clock import add_years, end_of_day, local_date, start_of_day
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import days_apart
from service_desk.models.kept import built_once, constants
from service_desk.rules.claim_flow import OPEN_STATES, ClaimState
from service_desk.rules.metrics import REGISTERED_WITHIN_DAYS
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics.claim_figures import Book, Registered, Rolling, Settled
from service_desk.services.measures import history
from service_desk.services.measures.span import AnySpan, By, Key, Reading, Source, Span

_OPEN = constants(OPEN_STATES)
# What a settled claim was closed from. A round that was withdrawn after an earlier payment goes to closed from before
# these: it settled nothing, and the days of the claim are those to the closing that did.
_SETTLED_FROM = constants((ClaimState.APPROVED, ClaimState.PAID))


def read_settled(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """Days to close, and estimates against what was paid, of the claims closed in the period with money paid."""
    return history.reading(list_settled(span, by), Settled(), by)


def list_settled(span: Span, by: By | None) -> dict[Key, Settled]:
    """The claims whose last closing lies in the period, that were closed at its end and for which money was paid.

    Withdrawn and denied claims are not among them, nor is a round withdrawn after an earlier one was paid. Days are from the day of the report to that of the closing.
    """
    found: dict[Key, list[tuple[int, tuple[int, int]]]] = defaultdict(list)
    for key, reported_at, closed_at, estimate, paid in _settled(span, by).many():
        days = days_to_close(span, reported_at, closed_at)
        found[key].append((days, (int(estimate), int(paid))))
    return {
        key: Settled(tuple(days for days, _case in rows), tuple(one for _days, one in rows))
        for key, rows in found.items()
    }


@built_once
def _settled(span: AnySpan, by: By | None) -> Select[Any]:
    each = settled_claims(span, by).subquery()
    return select(each.c.key, each.c.reported_at, each.c.closed_at, each.c.estimate, each.c.paid)


def days_to_close(span: Span, reported_at: datetime, closed_at: datetime) -> int:
    """From the day of the report to that of the closing."""
    return (local_date(closed_at, span.zone) - local_date(reported_at, span.zone)).days


def settled_claims(span: AnySpan, by: By | None) -> Select[Any]:
    """The claims behind `list_settled`, each with its last closing, its first estimate and what was paid."""
    until = span.until
    closings = select(func.max(ClaimEvent.at)).where(
        ClaimEvent.claim_id == Claim.id,
        ClaimEvent.at < until,
        history.is_of_book(),
        ClaimEvent.to_state == ClaimState.CLOSED.value,
        ClaimEvent.from_state.in_(_SETTLED_FROM),
    )
    each = (
        history.keyed(
            by,
            Claim.id.label("claim_id"),
            Claim.reported_at.label("reported_at"),
            closings.correlate(Claim).scalar_subquery().label("closed_at"),
            history.first_estimate_at(until).label("estimate"),
            history.paid_at(until).label("paid"),
        )
        .where(*history.known(span), history.state_at(until) == ClaimState.CLOSED.value)
        .subquery()
    )
    return select(each).where(each.c.closed_at >= span.instants[0], each.c.paid > 0)


def read_registered(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """Registered within seven days of the report, among the claims whose seven days ended in the period.

    So every claim is judged once, when it can be: the last days of a period wait for the next. Withdrawn ones are left out.
    """
    back = timedelta(days=REGISTERED_WITHIN_DAYS)
    first = start_of_day(span.period.first - back, span.zone)
    last = end_of_day(span.last_whole_day - back, span.zone)
    parts: dict[Key, Registered] = defaultdict(Registered)
    for key, count, is_early, reported_at, registered_at in _registered(span, first, last, by).rows():
        if reported_at is None:
            parts[key] += Registered(count if is_early else 0, count)
        else:
            took = local_date(registered_at, span.zone) - local_date(reported_at, span.zone)
            parts[key] += Registered(count if took.days <= REGISTERED_WITHIN_DAYS else 0, count)
    return history.reading(parts, Registered(), by)


@built_once
def _registered(span: AnySpan, first: datetime, last: datetime, by: By | None) -> Select[Any]:
    """Counted by the database where the day of the zone cannot matter; the few others each with its two instants."""
    each = (
        history.keyed(
            by, Claim.reported_at.label("reported_at"), history.registered_at(span.until).label("at")
        )
        .where(
            *history.known(span, since=first),
            Claim.reported_at >= first,
            Claim.reported_at < last,
            history.state_at(span.until) != ClaimState.WITHDRAWN.value,
        )
        .subquery()
    )
    at, reported_at = each.c.at, each.c.reported_at
    # A day more or less on each side, for the hours of the two days and for clocks put forward or back.
    is_early = ~days_apart(at, reported_at, REGISTERED_WITHIN_DAYS - 1)
    is_late = or_(at.is_(None), days_apart(at, reported_at, REGISTERED_WITHIN_DAYS + 2))
    is_plain = or_(is_early, is_late)
    return select(
        each.c.key,
        func.count(),
        case((is_early, 1), else_=0).label("is_early"),
        case((is_plain, null()), else_=reported_at).label("day_reported_at"),
        case((is_plain, null()), else_=at).label("day_at"),
    ).group_by("key", "is_early", "day_reported_at", "day_at")


def read_rolling(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """Registered in the twelve months to the end of the period, and how many of them are closed."""
    parts = history.rows_by_key(_rolling(span, rolls_from(span), by), Rolling, ("registered", "closed"))
    return history.reading(parts, Rolling(), by)


@built_once
def _rolling(span: AnySpan, begin: datetime, by: By | None) -> Select[Any]:
    each = rolling_claims(span, begin, by).subquery()
    return select(each.c.key, func.count(), history.count_of(each.c.is_closed == 1)).group_by(each.c.key)


def rolls_from(span: Span) -> datetime:
    """Where the twelve months to the end of a period begin."""
    return start_of_day(add_years(span.last_day + timedelta(days=1), -1), span.zone)


def rolling_claims(span: AnySpan, begin: datetime, by: By | None) -> Select[Any]:
    """The claims behind `read_rolling`, each with whether it is closed: 1 or 0."""
    until = span.until
    each = (
        history.keyed(
            by,
            Claim.id.label("claim_id"),
            history.registered_at(until).label("registered_at"),
            history.state_at(until).label("state"),
            history.paid_at(until).label("paid"),
        )
        .where(*history.known(span, since=begin))
        .subquery()
    )
    is_closed = and_(each.c.state == ClaimState.CLOSED.value, each.c.paid > 0)
    closed = case((is_closed, 1), else_=0).label("is_closed")
    return select(each.c.key, each.c.claim_id, closed).where(
        each.c.registered_at >= begin, or_(is_closed, each.c.state.in_(_OPEN))
    )


def read_book(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """The closing rate by amount: of all claims there were to close, what the ended ones came to and the others may."""
    parts = history.rows_by_key(_book(span, by), Book, ("closed_fen", "open_fen"))
    return history.reading(parts, Book(), by)


@built_once
def _book(span: AnySpan, by: By | None) -> Select[Any]:
    start, until = span.instants[0], span.until
    came_back = exists().where(
        ClaimEvent.claim_id == Claim.id,
        history.within(ClaimEvent.at, span),
        history.is_of_book(),
        history.change_of_book() > 0,
    )
    each = (
        history.keyed(
            by,
            history.is_open_at(until).label("is_open"),
            history.estimate_at(until).label("estimate"),
            history.paid_at(until).label("paid"),
        )
        .where(
            *history.known(span),
            or_(Claim.reported_at >= start, history.is_open_at(start), came_back.correlate(Claim)),
        )
        .subquery()
    )
    return select(
        each.c.key,
        history.sum_of(each.c.paid, ~each.c.is_open),
        history.sum_of(each.c.estimate, each.c.is_open),
    ).group_by(each.c.key)


SOURCES: tuple[tuple[frozenset[C], Source], ...] = (
    (frozenset(Settled().measures()), read_settled),
    (frozenset(Registered().measures()), read_registered),
    (frozenset(Rolling().measures()), read_rolling),
    (frozenset(Book().measures()), read_book),
)
