"""How claims came and went in a period, and what those reported in it were."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, case, cast, func, select

from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db
from service_desk.models.disputes import Dispute
from service_desk.models.kept import built_once
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, ClaimState
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics.claim_figures import Flow, Reported
from service_desk.services.measures import history
from service_desk.services.measures.span import AnySpan, By, Key, Reading, Source, Span
from service_desk.services.sla import compliance


def read_flow(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """What was open, came, left and came back. A claim that left twice in the period counts twice."""
    return history.reading(count_flow(span, by), Flow(), by)


def count_flow(span: Span, by: By | None) -> dict[Key, Flow]:
    """The counts behind `read_flow`."""
    sums: dict[Key, Flow] = defaultdict(Flow)
    reports = history.rows_by_key(_reports(span, by), Flow, ("open_start", "reported"))
    moves = history.rows_by_key(_moves(span, by), Flow, _MOVES)
    for part in (reports, moves):
        for key, flow in part.items():
            sums[key] += flow
    return dict(sums)


@built_once
def _reports(span: AnySpan, by: By | None) -> Select[Any]:
    """Claims reported before the period begin as open; those reported in it are its new ones."""
    start = span.instants[0]
    statement = history.keyed(
        by,
        history.count_of(Claim.reported_at < start),
        history.count_of(Claim.reported_at >= start),
    )
    return statement.where(*history.known(span)).group_by("key")


_MOVES = ("open_start", "closed", "reopened", "withdrawn", "denied")


@built_once
def _moves(span: AnySpan, by: By | None) -> Select[Any]:
    """What left and came back: before the period into the opening balance, within it as closed and reopened."""
    change, inside = history.change_of_book(), history.within(ClaimEvent.at, span)
    left = and_(inside, change < 0)
    before = case((ClaimEvent.at < span.instants[0], change), else_=0)
    statement = history.keyed(
        by,
        cast(func.sum(before), Integer),
        history.count_of(left),
        history.count_of(and_(inside, change > 0)),
        history.count_of(and_(left, ClaimEvent.to_state == ClaimState.WITHDRAWN.value)),
        history.count_of(and_(left, ClaimEvent.to_state == ClaimState.DENIED.value)),
    ).join(ClaimEvent, ClaimEvent.claim_id == Claim.id)
    rows = statement.where(*history.known(span), ClaimEvent.at < span.until, history.is_of_book())
    return rows.group_by("key")


def flow_of_parts(span: Span, parts: Sequence[tuple[datetime, datetime]]) -> dict[int, list[Flow]]:
    """What came and left in each part of the span, by branch, in two statements.

    Only the first part's opening balance is filled in; those of the others follow from it.
    """
    # All that was before the first part lies in a part of its own.
    since = [(parts[0][0], parts[0][0]), *parts]
    found: dict[int, list[Flow]] = defaultdict(lambda: [Flow() for _part in parts])
    for branch_id, part, count in db.session.execute(_reports_of_parts(span, since)):
        flow = Flow(reported=count) if part else Flow(open_start=count)
        found[branch_id][max(part - 1, 0)] += flow
    for branch_id, part, change, *counts in db.session.execute(_moves_of_parts(span, since)):
        names = ("closed", "reopened", "withdrawn", "denied")
        flow = (
            Flow(**dict(zip(names, map(int, counts), strict=True))) if part else Flow(open_start=int(change))
        )
        found[branch_id][max(part - 1, 0)] += flow
    return dict(found)


def _reports_of_parts(span: Span, since: Sequence[tuple[datetime, datetime]]) -> Select[Any]:
    at: ColumnElement[datetime] = Claim.reported_at.expression
    part = compliance.in_parts(at, since).label("part")
    counted = history.keyed(By.BRANCH, part, func.count(Claim.id)).where(*history.known(span))
    return counted.group_by("key", "part")


def _moves_of_parts(span: Span, since: Sequence[tuple[datetime, datetime]]) -> Select[Any]:
    at: ColumnElement[datetime] = ClaimEvent.at.expression
    change = history.change_of_book()
    left = change < 0
    statement = history.keyed(
        By.BRANCH,
        compliance.in_parts(at, since).label("part"),
        cast(func.sum(change), Integer),
        history.count_of(left),
        history.count_of(change > 0),
        history.count_of(and_(left, ClaimEvent.to_state == ClaimState.WITHDRAWN.value)),
        history.count_of(and_(left, ClaimEvent.to_state == ClaimState.DENIED.value)),
    ).join(ClaimEvent, ClaimEvent.claim_id == Claim.id)
    rows = statement.where(*history.known(span), ClaimEvent.at < span.until, history.is_of_book())
    return rows.group_by("key", "part")


def closings(span: AnySpan) -> Select[Any]:
    """Each leaving of the book in the period, with its claim: what is counted as closed."""
    left = and_(history.within(ClaimEvent.at, span), history.change_of_book() < 0, history.is_of_book())
    return (
        history.keyed(None, Claim.id.label("claim_id"), ClaimEvent.at.label("at"))
        .join(ClaimEvent, ClaimEvent.claim_id == Claim.id)
        .where(*history.known(span), left)
    )


def read_reported(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """What the claims reported in the period were estimated at by its end, how many large, how many with people hurt."""
    parts = history.rows_by_key(_reported(span, by), Reported, ("estimate_fen", "large", "injured"))
    return history.reading(parts, Reported(), by)


@built_once
def _reported(span: AnySpan, by: By | None) -> Select[Any]:
    each = (
        history.keyed(
            by,
            history.estimate_at(span.until).label("estimate"),
            history.highest_estimate_at(span.until).label("highest"),
            Claim.injured_count.label("injured"),
        )
        .where(*history.known(span), history.within(Claim.reported_at, span))
        .subquery()
    )
    return select(
        each.c.key,
        history.sum_of(each.c.estimate),
        history.count_of(each.c.highest >= LARGE_LOSS_FEN),
        history.count_of(each.c.injured > 0),
    ).group_by(each.c.key)


def read_disputed(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """Claims about which a dispute was raised in the period, each once."""
    counts = {row[0]: row[1] for row in _disputed(span, by).rows()}
    groups = {key: {C.CLAIMS_DISPUTED: count} for key, count in counts.items()} if by else {}
    return Reading({C.CLAIMS_DISPUTED: sum(counts.values())}, groups)


@built_once
def _disputed(span: AnySpan, by: By | None) -> Select[Any]:
    return (
        history.keyed(by, func.count(Dispute.claim_id.distinct()))
        .join(Dispute, Dispute.claim_id == Claim.id)
        .where(Dispute.account_id == span.account_id, history.within(Dispute.raised_at, span))
        .group_by("key")
    )


SOURCES: tuple[tuple[frozenset[C], Source], ...] = (
    (frozenset(Flow().measures()), read_flow),
    (frozenset(Reported().measures()), read_reported),
    (frozenset({C.CLAIMS_DISPUTED}), read_disputed),
)
