"""A timer's time line as a bar: who held the clock, what it waited for, where it fell due. For the `time_bar` macro."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext as _

from service_desk.presenters import sla as clocks
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.sla_ledger import beginning, lines_of
from service_desk.rules.sla import EventKind, Segment, consumption
from service_desk.services.sla.files import TimerFile

# A mark nearer than this share of the bar to its neighbour would be written over it; words that stand on the
# same side of both marks need less. On a phone there is room for start, due point and end only when they are
# this far apart.
_MARKS_APART = 0.16
_SAME_SIDE_APART = 0.09
_PHONE_APART = 0.22
# How many Latin letters the whole bar holds on a desk's screen.
_BAR_LETTERS = 140


@dataclass(frozen=True)
class BarSegment:
    """A stretch of the bar: state running|paused|over, `holder` chooses the shade.

    `key` is the number of its line in the table below, `brief` the key and the time: for where words do not fit.
    `shown` is what fits on a desk's screen.
    """

    seconds: int
    text: str
    shown: str
    state: str
    holder: int
    key: str
    brief: str


@dataclass(frozen=True)
class BarMark:
    """An instant under the bar; the due point is drawn through it, and a minor one has no words on a phone."""

    at_seconds: int
    text: str
    anchor: str
    is_due: bool = False
    is_minor: bool = False


def bar_segments(file: TimerFile) -> list[BarSegment]:
    """The bar in working time; stretches of closed hours have no length and are left out."""
    segments = file.facts.segments
    shades = {holder: shade for shade, holder in enumerate(consumption(segments).by_holder)}
    lines = zip(lines_of(segments), segments, strict=True)
    bars = [bar for line, part in lines for bar in _bar_parts(part, line, file, shades) if bar.seconds]
    total = sum(bar.seconds for bar in bars)
    return [_fitted(bar, bar.seconds / total) for bar in bars]


def bar_marks(file: TimerFile) -> list[BarMark]:
    """Start, hand-overs, due point and end, without those that would be written over each other."""
    total = sum(part.working_seconds for part in file.facts.segments) or 1
    due = _due_mark(file, total)
    ends = [
        BarMark(0, times.mark(file.facts.started_at), "start"),
        BarMark(total, times.mark(_end(file)), "end"),
    ]
    marks = [due] if due else []
    # The due point first: what it leaves no room for stands in the table below.
    for mark in [*ends, *_handover_marks(file)]:
        if all(_apart(mark, other, total) for other in marks):
            near = due is not None and abs(mark.at_seconds - due.at_seconds) < _PHONE_APART * total
            marks.append(replace(mark, is_minor=mark.is_minor or near))
    return sorted(marks, key=lambda mark: mark.at_seconds)


def _bar_parts(part: Segment, line: int, file: TimerFile, shades: dict[int, int]) -> Iterator[BarSegment]:
    if part.reason is not None:
        words = f"{label(part.reason, 'pause_short')} {_clock(part.working_seconds)}"
        yield _bar(part.working_seconds, words, "paused", 0, line)
        return
    name, shade = file.people[part.holder_id].name, shades[part.holder_id]
    yield _bar(part.seconds_before_due, f"{name} {_clock(part.seconds_before_due)}", "running", shade, line)
    over = _("over %(time)s", time=_clock(part.seconds_after_due))
    yield _bar(part.seconds_after_due, over, "over", shade, line)


def _bar(seconds: int, words: str, state: str, shade: int, line: int) -> BarSegment:
    brief = f"{line} · {_clock(seconds)}"
    return BarSegment(seconds, words, words, state, shade, str(line), brief)


def _fitted(bar: BarSegment, share: float) -> BarSegment:
    """A segment too short for its words keeps number and time; the table below has the rest."""
    width = sum(2 if ord(sign) > 0x2E80 else 1 for sign in bar.text)
    return bar if width <= share * _BAR_LETTERS else replace(bar, shown=bar.brief)


def _clock(seconds: int) -> str:
    """`16:20`, hours and minutes; seconds where there is less than a minute."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}" if seconds >= 60 else f"0:00:{seconds:02}"


def _end(file: TimerFile) -> datetime:
    return file.facts.segments[-1].to_at if file.facts.segments else file.facts.started_at


def _due_mark(file: TimerFile, total: int) -> BarMark | None:
    due_at = file.facts.due_at
    if due_at is None or not any(part.to_at >= due_at for part in file.facts.segments):
        return None
    before = sum(part.seconds_before_due for part in file.facts.segments)
    anchor = "end" if 2 * before >= total else "start"
    return BarMark(
        before,
        _("due %(at)s", at=times.mark(due_at, ends_day=clocks.is_by_day(file.timer))),
        anchor,
        is_due=True,
    )


def _handover_marks(file: TimerFile) -> Iterator[BarMark]:
    at_seconds, holder_id = 0, None
    for part in file.facts.segments:
        if holder_id is not None and part.holder_id != holder_id:
            yield BarMark(at_seconds, _passed_on(part, file), "start", is_minor=True)
        holder_id = part.holder_id
        at_seconds += part.working_seconds


def _passed_on(part: Segment, file: TimerFile) -> str:
    entry, _covered = beginning(part, file)
    at = times.mark(part.from_at)
    if entry is not None and entry.kind is EventKind.SUBSTITUTE:
        return _("%(at)s stand-in", at=at)
    if entry is not None and entry.kind is EventKind.RETURN:
        return _("%(at)s back", at=at)
    return _("%(at)s handed over", at=at)


def _apart(one: BarMark, other: BarMark, total: int) -> bool:
    share = _SAME_SIDE_APART if one.anchor == other.anchor else _MARKS_APART
    return abs(other.at_seconds - one.at_seconds) >= share * total
