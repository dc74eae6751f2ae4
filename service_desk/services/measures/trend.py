"""Some measures over weeks or months that adjoin, each in one statement for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from service_desk.models.claims import Claim
from service_desk.models.kept import built_once
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period
from service_desk.services.measures import claims, history
from service_desk.services.measures.span import AnySpan, Span
from service_desk.services.sla import compliance


@dataclass(frozen=True)
class Point:
    """What `read` says of a period: promises kept, claims reported and closed."""

    period: Period
    kept: Ratio
    reported: int
    closed: int


def read_trend(span: Span, parts: Sequence[Period]) -> list[Point]:
    """The figures of each part; the span's own period is not asked."""
    whole = replace(span, period=Period(parts[0].first, parts[-1].last))
    kept = compliance.count_parts(span.account_id, parts, zone=span.zone, now=span.now)
    instants = tuple(one.instants(span.zone) for one in parts)
    reported, closed = (
        dict(question(whole, instants).rows().tuples().all()) for question in (_reported, _closed)
    )
    return [
        Point(part, kept[number].kept, reported.get(number, 0), closed.get(number, 0))
        for number, part in enumerate(parts)
    ]


_Instants = tuple[tuple[datetime, datetime], ...]


@built_once
def _reported(span: AnySpan, parts: _Instants) -> Select[Any]:
    at: ColumnElement[datetime] = Claim.reported_at.expression
    statement = select(compliance.in_parts(at, parts).label("part"), func.count(Claim.id)).where(
        *history.known(span), history.within(Claim.reported_at, span)
    )
    return statement.group_by("part")


@built_once
def _closed(span: AnySpan, parts: _Instants) -> Select[Any]:
    left = claims.closings(span).subquery()
    statement = select(compliance.in_parts(left.c.at, parts).label("part"), func.count())
    return statement.group_by("part")
