"""Opening hours as people write them: spans of the wall clock, in seconds after the date's midnight."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from service_desk.base.errors import Invalid

# (opens, closes) in seconds after 00:00 of the date they belong to; past 24:00 the span runs into the next date.
Span = tuple[int, int]

DAY = 86_400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def parse_span(opens: str, closes: str) -> Span:
    """Read "08:30", "12:00" as a span; a close not after its open is on the next date, "24:00" may close.

    Invalid("calendar_hours_invalid") for anything else.
    """
    start = _seconds(opens)
    end = DAY if closes == "24:00" else _seconds(closes)
    return start, end if end > start else end + DAY


def written_span(span: Span) -> str:
    """A span as people write it: `22:00-06:00`, `00:00-24:00`."""
    opens, closes = span
    end = closes if closes <= DAY else closes - DAY
    return f"{opens // 3600:02}:{opens // 60 % 60:02}-{end // 3600:02}:{end // 60 % 60:02}"


def spans_from_json(pairs: object) -> tuple[Span, ...]:
    """Read one date's hours, e.g. [["08:30", "12:00"], ["13:30", "17:30"]]; [] is a closed date."""
    if not isinstance(pairs, Sequence) or isinstance(pairs, str):
        raise Invalid("calendar_hours_invalid", field="week", value=str(pairs))
    return tuple(sorted(_pair(pair) for pair in pairs))


@dataclass(frozen=True)
class Hours:
    """What is open on which date: the week, holidays, and dates with hours of their own.

    `week` has seven entries, Monday first. A date in `extra` has exactly those hours, holiday or not.
    """

    week: tuple[tuple[Span, ...], ...]
    holidays: frozenset[date] = frozenset()
    extra: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def on(self, day: date) -> tuple[Span, ...]:
        """List the spans that begin on `day`."""
        own = self.extra.get(day)
        if own is not None:
            return own
        return () if day in self.holidays else self.week[day.weekday()]

    @property
    def recurs(self) -> bool:
        """True when some weekday is open, so that working time never runs out."""
        return any(self.week)

    @property
    def dated_years(self) -> tuple[int, int] | None:
        """First and last year with an open date in `extra`; None without one."""
        years = [day.year for day, spans in self.extra.items() if spans]
        return (min(years), max(years)) if years else None

    @property
    def standard_day_seconds(self) -> int:
        """Working seconds of the commonest open weekday; of two equally common ones the longer."""
        open_days = [spans for spans in self.week if spans] or [
            spans for spans in self.extra.values() if spans
        ]
        lengths = [_length(spans) for spans in open_days]
        return max(lengths, key=lambda length: (lengths.count(length), length))


@dataclass(frozen=True)
class PlacedSpan:
    """A span where people wrote it: under a weekday (`mon`) or on a date."""

    on: str | date
    span: Span


@dataclass(frozen=True)
class Overlap:
    """Two spans that share time; `later` begins no earlier than `earlier`."""

    earlier: PlacedSpan
    later: PlacedSpan


def find_overlaps(hours: Hours) -> list[Overlap]:
    """List the spans that share time with one before them, on their own date or over its midnight.

    The week is a ring: a Sunday's night may run into Monday. A date that differs from its weekday is held
    against both its neighbours, whose spans are then named by date too. The engine counts a shared minute
    once; but who writes two such spans has mistyped one of them.
    """
    return [*_weekly_overlaps(hours), *_dated_overlaps(hours)]


def _weekly_overlaps(hours: Hours) -> Iterator[Overlap]:
    for index, name in enumerate(WEEKDAYS):
        before = [PlacedSpan(WEEKDAYS[index - 1], span) for span in hours.week[index - 1]]
        yield from _clashes(before, [PlacedSpan(name, span) for span in hours.week[index]])


def _dated_overlaps(hours: Hours) -> Iterator[Overlap]:
    dated = hours.holidays | hours.extra.keys()
    for day in sorted({*dated, *(day + timedelta(days=1) for day in dated)}):
        yesterday = day - timedelta(days=1)
        before = [PlacedSpan(yesterday, span) for span in hours.on(yesterday)]
        for overlap in _clashes(before, [PlacedSpan(day, span) for span in hours.on(day)]):
            # What the week itself says twice is told once, by weekday.
            if overlap.earlier.on in dated or overlap.later.on in dated:
                yield overlap


def _clashes(before: Iterable[PlacedSpan], today: Iterable[PlacedSpan]) -> Iterator[Overlap]:
    """Hold each span of a date against the one that reaches furthest among those before it."""
    reaching = [(placed.span[1] - DAY, placed) for placed in before]
    for placed in today:
        opens, closes = placed.span
        if reaching:
            reach, earlier = max(reaching, key=lambda one: one[0])
            if reach > opens:
                yield Overlap(earlier, placed)
        reaching.append((closes, placed))


def hours_from_json(week: object, holidays: object, extra: object) -> Hours:
    """Read the hours of the vector file's form: {"mon": [["08:30", "12:00"]]}, dates, {date: hours}."""
    if not isinstance(week, Mapping) or not isinstance(extra, Mapping):
        raise Invalid("calendar_hours_invalid", field="week", value=str(week))
    unknown = sorted(set(week) - set(WEEKDAYS))
    if unknown:
        raise Invalid("calendar_weekday_unknown", field="week", value=str(unknown[0]))
    if not isinstance(holidays, Iterable) or isinstance(holidays, str):
        raise Invalid("calendar_date_invalid", field="holidays", value=str(holidays))
    return Hours(
        week=tuple(spans_from_json(week.get(name, ())) for name in WEEKDAYS),
        holidays=frozenset(_date(text, "holidays") for text in holidays),
        extra={_date(text, "extra"): spans_from_json(pairs) for text, pairs in extra.items()},
    )


def _seconds(clock: object) -> int:
    match = _CLOCK.fullmatch(clock) if isinstance(clock, str) else None
    if match is None:
        raise Invalid("calendar_hours_invalid", field="week", value=str(clock))
    return int(match[1]) * 3600 + int(match[2]) * 60


def _pair(pair: object) -> Span:
    if not isinstance(pair, Sequence) or len(pair) != 2:
        raise Invalid("calendar_hours_invalid", field="week", value=str(pair))
    return parse_span(pair[0], pair[1])


def _date(text: object, name: str) -> date:
    if isinstance(text, date):
        return text
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise Invalid("calendar_date_invalid", field=name, value=str(text)) from None


def _length(spans: tuple[Span, ...]) -> int:
    """Seconds covered by spans, an overlap counted once."""
    total = reached = 0
    for opens, closes in sorted(spans):
        total += max(0, closes - max(opens, reached))
        reached = max(reached, closes)
    return total
