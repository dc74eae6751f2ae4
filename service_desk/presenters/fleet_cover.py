"""A vehicle's cover over time: what held, what holds, and the gaps between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _

from service_desk.presenters.labels import label
from service_desk.rules.coverage import REQUIRED_LINES, CoverPeriod, Span, gaps
from service_desk.rules.policy_flow import Term, last_covered_day
from service_desk.rules.vocabulary import PolicyLine, UseClass

_SHOWN_BEFORE = timedelta(days=365)
# Cover from a client's list has no known start; what is stored for it lies far back.
_NO_START = timedelta(days=365 * 20)


@dataclass(frozen=True)
class Segment:
    """A stretch of the bar. `state` is running (covered) or over (a gap)."""

    seconds: float
    text: str
    state: str
    holder: int


@dataclass(frozen=True)
class Mark:
    at_seconds: float
    text: str
    anchor: str


@dataclass(frozen=True)
class ShownPeriod:
    """A line of the list under the bar. A gap has no policy number; nor has cover the client told us of."""

    words: str
    number: str
    is_gap: bool


@dataclass(frozen=True)
class LineHistory:
    """Cover of one line: a bar from a year ago (or the first cover) to the last end, and its periods."""

    line: str
    title: str
    is_required: bool
    segments: list[Segment]
    marks: list[Mark]
    periods: list[ShownPeriod]


def histories(use_class: UseClass | None, periods: Sequence[CoverPeriod], now: datetime) -> list[LineHistory]:
    """The lines the vehicle needs or has had, in their usual order."""
    needed = (PolicyLine.CTPL,) if use_class is None else REQUIRED_LINES[use_class]
    return [
        _history(line, [one for one in periods if one.line == line], line in needed, now)
        for line in PolicyLine
        if line in needed or any(one.line == line for one in periods)
    ]


def _history(line: PolicyLine, periods: list[CoverPeriod], is_required: bool, now: datetime) -> LineHistory:
    window = _window(periods, now)
    missing = gaps(periods, line, window) if is_required else []
    return LineHistory(
        line=line.value,
        title=label(line, "policy_line"),
        is_required=is_required,
        segments=_segments(periods, missing, window),
        marks=_marks(window, now),
        periods=_listed(periods, missing, now),
    )


def _window(periods: Sequence[CoverPeriod], now: datetime) -> Span:
    start = now - _SHOWN_BEFORE
    known = [one.starts_at for one in periods if one.ends_at > start]
    begin = max(start, min(known)) if known else start
    return Span(min(begin, now), max([now, *(one.ends_at for one in periods)]))


def _marks(window: Span, now: datetime) -> list[Mark]:
    term = Term(window.starts_at, window.ends_at)
    length = (window.ends_at - window.starts_at).total_seconds()
    marks = [Mark(0, term.first_day.isoformat(), "start")]
    if window.ends_at > now:
        marks.append(Mark((now - window.starts_at).total_seconds(), _("today"), "middle"))
        marks.append(Mark(length, term.last_day.isoformat(), "end"))
    else:
        marks.append(Mark(length, _("today"), "end"))
    return marks


def _segments(periods: Sequence[CoverPeriod], missing: Sequence[Span], window: Span) -> list[Segment]:
    """The bar's stretches one after another; overlapping policies count once."""
    segments, reached = [], window.starts_at
    gap_at = {span.starts_at: span for span in missing}
    edges = [edge for one in periods for edge in (one.starts_at, one.ends_at)]
    stops = [*edges, window.ends_at, *(span.starts_at for span in missing)]
    while reached < window.ends_at:
        gap = gap_at.get(reached)
        until = gap.ends_at if gap else min(stop for stop in stops if stop > reached)
        covered = gap is None and any(one.starts_at <= reached < one.ends_at for one in periods)
        if gap is not None:
            segments.append(_segment(reached, until, _("no cover"), "over"))
        elif covered:
            segments.append(_segment(reached, until, _("covered"), "running", len(segments)))
        else:
            # Of a line that is not required, uncovered time is nothing wrong.
            segments.append(_segment(reached, until, "—", "paused"))
        reached = until
    return segments


def _segment(start: datetime, end: datetime, text: str, state: str, index: int = 0) -> Segment:
    return Segment((end - start).total_seconds(), text, state, index % 2)


def _listed(periods: Sequence[CoverPeriod], missing: Sequence[Span], now: datetime) -> list[ShownPeriod]:
    held = [(one.ends_at, ShownPeriod(_period_words(one, now), one.source, is_gap=False)) for one in periods]
    gone = [
        (span.ends_at, ShownPeriod(_gap_words(span, now, is_all=not periods), "", is_gap=True))
        for span in missing
    ]
    return [shown for _end, shown in sorted([*held, *gone], key=lambda entry: entry[0], reverse=True)]


def _gap_words(span: Span, now: datetime, *, is_all: bool) -> str:
    term = Term(span.starts_at, span.ends_at)
    if is_all:
        return _("no cover is known")
    if span.ends_at >= now:
        return _("no cover since %(first)s", first=term.first_day)
    return _("no cover from %(first)s to %(last)s", first=term.first_day, last=term.last_day)


def _period_words(period: CoverPeriod, now: datetime) -> str:
    if now - period.starts_at > _NO_START:
        return _("until %(day)s, as the client's list says", day=last_covered_day(period.ends_at))
    term = Term(period.starts_at, period.ends_at)
    return _("%(first)s to %(last)s", first=term.first_day, last=term.last_day)
