"""A calendar's openings compiled to UTC: one sorted table with running sums, asked by bisection.

All numbers are whole microseconds since 1970 in UTC: integers compare and add without rounding, and
faster than datetimes.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from service_desk.rules.calendar.hours import Hours, Span

SECOND = 1_000_000
DAY = 86_400 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = EPOCH.toordinal()
# A date's hours may end a day later, and its zone may be most of a day from UTC: nearer than this to the
# first or last compiled date, an opening of the next year over could be missing.
MARGIN = 3 * DAY


@dataclass(frozen=True, slots=True)
class Table:
    """The openings of the years `first`..`last`; it answers for instants in [valid_from, valid_to]."""

    first: int
    last: int
    valid_from: int
    valid_to: int
    opens: tuple[int, ...]
    closes: tuple[int, ...]
    worked: tuple[int, ...]  # working time up to and including each opening

    def position(self, instant: int) -> int:
        """Working time from the table's beginning to `instant`."""
        index = bisect_right(self.opens, instant) - 1
        if index < 0:
            return 0
        ahead = self.closes[index] - instant
        return self.worked[index] - ahead if ahead > 0 else self.worked[index]

    def earliest_at(self, position: int) -> int | None:
        """The first instant by which `position` (> 0) has been worked; None when beyond the table."""
        index = bisect_left(self.worked, position)
        if index == len(self.worked):
            return None
        return self.closes[index] - (self.worked[index] - position)

    def latest_at(self, position: int) -> int | None:
        """The last instant by which no more than `position` has been worked; None when before the table."""
        index = bisect_right(self.worked, position)
        if position < 0 or index == len(self.worked):
            return None
        return self.closes[index] - (self.worked[index] - position)

    def next_open(self, instant: int) -> int | None:
        """`instant` when open, else the next opening; None when beyond the table."""
        index = bisect_right(self.closes, instant)
        return None if index == len(self.opens) else max(instant, self.opens[index])

    def last_open(self, instant: int) -> int | None:
        """`instant` when it ends open time, else the closing before it; None when before the table."""
        index = bisect_left(self.opens, instant) - 1
        return None if index < 0 else min(instant, self.closes[index])


def compile_table(hours: Hours, zone: ZoneInfo, first: int, last: int) -> Table:
    """Compile the openings that begin in the years `first`..`last`, local dates."""
    spans = (span for year in range(first, last + 1) for span in _year(hours, zone, year))
    merged = merge(sorted(spans))
    return Table(
        first=first,
        last=last,
        valid_from=_new_year(first) + MARGIN,
        valid_to=_new_year(last + 1) - MARGIN,
        opens=tuple(opens for opens, _ in merged),
        closes=tuple(closes for _, closes in merged),
        worked=tuple(accumulate(closes - opens for opens, closes in merged)),
    )


def _new_year(year: int) -> int:
    return (date(year, 1, 1).toordinal() - _EPOCH_ORDINAL) * DAY


def _year(hours: Hours, zone: ZoneInfo, year: int) -> Iterator[Span]:
    """Cut each wall-clock span by the zone's changes of offset.

    Within one offset a span of the wall clock is a span of UTC. So an hour skipped in spring has no
    minutes, one repeated in autumn counts twice, and a date the zone left out has none.
    """
    walls = list(_wall_spans(hours, year))
    for begins, ends, offset in _offsets(zone, year):
        for opens, closes in walls:
            start, end = max(opens - offset, begins), min(closes - offset, ends)
            if start < end:
                yield start, end


def _wall_spans(hours: Hours, year: int) -> Iterator[Span]:
    day = date(year, 1, 1)
    for ordinal in range(day.toordinal(), date(year, 12, 31).toordinal() + 1):
        midnight = (ordinal - _EPOCH_ORDINAL) * DAY
        for opens, closes in hours.on(date.fromordinal(ordinal)):
            yield midnight + opens * SECOND, midnight + closes * SECOND


@lru_cache(maxsize=1024)
def _offsets(zone: ZoneInfo, year: int) -> tuple[tuple[int, int, int], ...]:
    """The stretches (from, to, offset) of equal offset, from before the local year begins to after it ends."""
    at, end = _new_year(year) - MARGIN, _new_year(year + 1) + MARGIN
    runs = []
    begins, offset = at, _offset(zone, at)
    while at < end:
        following = at + DAY
        if _offset(zone, following) != offset:
            change = _change(zone, at, following)
            runs.append((begins, change, offset))
            begins, offset = change, _offset(zone, following)
        at = following
    runs.append((begins, end, offset))
    return tuple(runs)


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The second at which the zone's offset changes between two instants a day apart."""
    offset = _offset(zone, before)
    while after - before > SECOND:
        middle = before + (after - before) // (2 * SECOND) * SECOND
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, instant: int) -> int:
    moment = EPOCH + timedelta(microseconds=instant)
    offset = moment.astimezone(zone).utcoffset()
    return offset // timedelta(microseconds=1) if offset else 0


def merge(spans: Iterable[Span]) -> list[Span]:
    """Join sorted spans that touch or overlap, so that a shared minute counts once."""
    merged: list[Span] = []
    for opens, closes in spans:
        if merged and opens <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(closes, merged[-1][1])
        else:
            merged.append((opens, closes))
    return merged
