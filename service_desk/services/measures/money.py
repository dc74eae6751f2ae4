"""What was paid in a period, and what was outstanding for the claims open at its end."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, or_, select

from service_desk.base.clock import start_of_day
from service_desk.models.claims import Claim, ClaimPayment
from service_desk.models.kept import built_once
from service_desk.rules.claim_flow import LARGE_LOSS_FEN
from service_desk.rules.metrics import BAND_DAYS, STAY_WATCH_DAYS, AgeBand
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics.claim_figures import OpenAndSettled, Standing
from service_desk.services.measures import history, speed
from service_desk.services.measures.span import AnySpan, By, Key, Reading, Source, Span

Edges = tuple[datetime, ...]


@dataclass(frozen=True)
class Aged:
    """Open claims of an age: how many, and what is outstanding for them."""

    count: int = 0
    outstanding_fen: int = 0

    def __add__(self, other: "Aged") -> "Aged":
        return Aged(self.count + other.count, self.outstanding_fen + other.outstanding_fen)


@dataclass(frozen=True)
class Ageing:
    """The open claims by the days since their report, and by those since their loss. Every band is there."""

    from_report: Mapping[AgeBand, Aged]
    from_loss: Mapping[AgeBand, Aged]


def read_paid(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """What went out in the period, less what the bank sent back in it, whenever it had gone out."""
    sums = {row[0]: int(row[1]) for row in _paid(span, by).rows()}
    groups = {key: {C.PAID_NET: fen} for key, fen in sums.items()} if by else {}
    return Reading({C.PAID_NET: sum(sums.values())}, groups)


@built_once
def _paid(span: AnySpan, by: By | None) -> Select[Any]:
    amount = ClaimPayment.amount_fen
    went_out = history.within(ClaimPayment.paid_at, span)
    came_back = and_(ClaimPayment.returned_at.is_not(None), history.within(ClaimPayment.returned_at, span))
    net = func.coalesce(history.sum_of(amount, went_out), 0) - func.coalesce(
        history.sum_of(amount, came_back), 0
    )
    return (
        history.keyed(by, net)
        .join(ClaimPayment, ClaimPayment.claim_id == Claim.id)
        .where(*history.known(span, or_denied=True), or_(went_out, came_back))
        .group_by("key")
    )


def read_standing(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """What is outstanding at the end: for all open claims, the large ones, those with people hurt, those that stay."""
    return history.reading(count_standing(span, by), Standing(), by)


def count_standing(span: Span, by: By | None) -> dict[Key, Standing]:
    """The counts behind `read_standing`."""
    names = ("count", "outstanding_fen", "large_fen", "injury_fen", "over_30_days")
    return history.rows_by_key(_standing(span, _first_instant(span, STAY_WATCH_DAYS), by), Standing, names)


@built_once
def _standing(span: AnySpan, stays_from: datetime, by: By | None) -> Select[Any]:
    each = open_claims(span, by)
    fen = each.c.outstanding
    return select(
        each.c.key,
        func.count(),
        history.sum_of(fen),
        history.sum_of(fen, each.c.highest >= LARGE_LOSS_FEN),
        history.sum_of(fen, each.c.injured > 0),
        history.count_of(each.c.reported_at < stays_from),
    ).group_by(each.c.key)


def open_claims(span: AnySpan, by: By | None) -> Subquery:
    """The claims open at the end, each with what is outstanding for it: its estimate less what is paid."""
    return (
        history.keyed(
            by,
            Claim.id.label("claim_id"),
            Claim.reported_at,
            Claim.loss_at,
            Claim.injured_count.label("injured"),
            (history.estimate_at(span.until) - history.paid_at(span.until)).label("outstanding"),
            history.highest_estimate_at(span.until).label("highest"),
        )
        .where(*history.known(span, since=span.until), history.is_open_at(span.until))
        .subquery()
    )


def read_ageing(span: Span) -> Ageing:
    """The open claims by age, at the end of the period."""
    found = _ageing(span, band_edges(span)).rows()
    rows = [(report, loss, Aged(count, int(fen))) for report, loss, count, fen in found]
    return Ageing(_aged((row[0], row[2]) for row in rows), _aged((row[1], row[2]) for row in rows))


@built_once
def _ageing(span: AnySpan, edges: Edges) -> Select[Any]:
    each = open_claims(span, None)
    bands = [band_of(each.c.reported_at, edges), band_of(each.c.loss_at, edges)]
    return select(*bands, func.count(), func.sum(each.c.outstanding)).group_by(*bands)


def _aged(rows: Any) -> dict[AgeBand, Aged]:
    sums = dict.fromkeys(AgeBand, Aged())
    for band, aged in rows:
        sums[AgeBand(band)] += aged
    return sums


def band_edges(span: Span) -> Edges:
    """The first instants of the bands of age at the end of a span, in their order; the oldest band has none."""
    return tuple(_first_instant(span, days) for days in BAND_DAYS.values())


def band_of(column: ColumnElement[Any], edges: Edges) -> ColumnElement[str]:
    """The band of age, counted from a column's instant."""
    bands = [(column >= edge, band.value) for band, edge in zip(BAND_DAYS, edges, strict=True)]
    return case(*bands, else_=AgeBand.OLDER.value)


def _first_instant(span: Span, days: int) -> Any:
    """What happened from this instant on is so many whole days old at most."""
    return start_of_day(span.last_day - timedelta(days=days), span.zone)


def read_averages(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """The average of the open against the average of the closed."""
    standing, settled = count_standing(span, by), speed.list_settled(span, by)
    keys: Sequence[Key] = [*standing, *(key for key in settled if key not in standing)]
    parts = {
        key: OpenAndSettled(standing.get(key, Standing()), settled.get(key, OpenAndSettled().settled))
        for key in keys
    }
    return history.reading(parts, OpenAndSettled(), by)


SOURCES: tuple[tuple[frozenset[C], Source], ...] = (
    (frozenset({C.PAID_NET}), read_paid),
    (frozenset(Standing().measures()), read_standing),
    (frozenset(OpenAndSettled().measures()), read_averages),
)
