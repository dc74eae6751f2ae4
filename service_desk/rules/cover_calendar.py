"""The cover calendar: what of a span each layer covers, where it has gaps and where policies overlap.

Half-open as everywhere: a term that begins exactly where another ends leaves neither a gap nor an overlap.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from service_desk.base.clock import local_date
from service_desk.rules.coverage import Span
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import CoverCode


class LayerPeriod(NamedTuple):
    """Cover of one layer, `ends_at` excluded. A tuple, for a fleet has half a million of them.

    `source` is our policy's number, another insurer's, or empty; `is_ours` tells which.
    """

    starts_at: datetime
    ends_at: datetime
    layer: CoverCode
    source: str = ""
    is_ours: bool = True

    def holds(self, moment: datetime) -> bool:
        """Tell whether an instant is covered."""
        return self.starts_at <= moment < self.ends_at


class Overlap(NamedTuple):
    """A time in which two policies give the same layer: the longer lasting of those before, and the later."""

    span: Span
    first: LayerPeriod
    second: LayerPeriod


@dataclass(frozen=True)
class LayerCalendar:
    """One layer over a span."""

    layer: CoverCode
    within: Span
    periods: list[LayerPeriod]
    gaps: list[Span]
    overlaps: list[Overlap]

    @property
    def days(self) -> int:
        """The days of the span, its broken ones at the ends too."""
        return days_touched(self.within)

    @property
    def gap_days(self) -> int:
        """The days that are not wholly covered."""
        return len({day for span in self.gaps for day in range(*_ordinals(span))})

    @property
    def covered_days(self) -> int:
        """The days covered from their beginning to their end."""
        return self.days - self.gap_days


def layer_calendar(periods: Iterable[LayerPeriod], layer: CoverCode, within: Span) -> LayerCalendar:
    """Lay the periods of a layer over a span."""
    own = sorted(
        one
        for one in periods
        if one.layer is layer and one.ends_at > within.starts_at and one.starts_at < within.ends_at
    )
    gaps, overlaps = [], []
    reached, last = within.starts_at, None
    for one in own:
        if one.starts_at > reached:
            gaps.append(Span(reached, one.starts_at))
        elif last is not None and one.starts_at < last.ends_at:
            overlaps.append(Overlap(_shared(one, last, within), last, one))
        if last is None or one.ends_at > last.ends_at:
            reached, last = one.ends_at, one
    if reached < within.ends_at:
        gaps.append(Span(reached, within.ends_at))
    return LayerCalendar(layer, within, own, gaps, overlaps)


def missing_layers(
    needed: Iterable[CoverCode], periods: Iterable[LayerPeriod], moment: datetime
) -> tuple[CoverCode, ...]:
    """The needed layers that nothing covers at an instant."""
    held = {one.layer for one in periods if one.starts_at <= moment < one.ends_at}
    return tuple(layer for layer in needed if layer not in held)


def since_when_missing(periods: Iterable[LayerPeriod], layer: CoverCode, moment: datetime) -> datetime | None:
    """When the cover of a layer that is missing at an instant ended; None when it never had any."""
    return max((one.ends_at for one in periods if one.layer is layer and one.ends_at <= moment), default=None)


def during(span: Span, stays: Iterable[tuple[datetime, datetime | None]]) -> list[Span]:
    """The parts of a span that lie in some stretches, `None` for one that lasts; in their order."""
    parts = []
    for from_at, to_at in stays:
        start = max(span.starts_at, from_at)
        end = span.ends_at if to_at is None else min(span.ends_at, to_at)
        if start < end:
            parts.append(Span(start, end))
    return sorted(parts, key=lambda part: part.starts_at)


def days_touched(span: Span) -> int:
    """The days in China on which a span lies, wholly or in part."""
    first, end = _ordinals(span)
    return end - first


def _ordinals(span: Span) -> tuple[int, int]:
    return local_date(span.starts_at).toordinal(), last_covered_day(span.ends_at).toordinal() + 1


def _shared(one: LayerPeriod, other: LayerPeriod, within: Span) -> Span:
    return Span(
        max(one.starts_at, other.starts_at, within.starts_at), min(one.ends_at, other.ends_at, within.ends_at)
    )
