"""A timer's ledger for readers: the bar of who held the clock, the table that adds up, the story in sentences."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext as _

from service_desk.base.clock import CHINA
from service_desk.models.documents import Document
from service_desk.models.sla import TimerEntry
from service_desk.models.users import User
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.sla import calendar_name, promise, working_time
from service_desk.rules.sla import EventKind, Segment, TimerState, consumption
from service_desk.services.sla.files import TimerFile

# A mark nearer than this share of the bar to its neighbour would be written over it; the words of the due
# point and of the end both stand at the left of their marks, so they need less.
_MARKS_APART = 0.16
_DUE_AND_END_APART = 0.09
# How many Latin letters the whole bar holds on a desk's screen.
_BAR_LETTERS = 140


@dataclass(frozen=True)
class BarSegment:
    """A stretch of the `time_bar` macro: state running|paused|over, `holder` chooses the shade."""

    seconds: int
    text: str
    state: str
    holder: int


@dataclass(frozen=True)
class BarMark:
    at_seconds: int
    text: str
    anchor: str


@dataclass(frozen=True)
class LedgerRow:
    """A line of the table: one person's turn, or one pause (then `is_pause`, and kept off the sums)."""

    who: str
    from_at: datetime
    to_at: datetime
    before: int
    after: int
    is_pause: bool
    note: str
    evidence: Document | None


@dataclass(frozen=True)
class LedgerTable:
    """Rows in order of time; `before` and `after` are the sums of the turns."""

    rows: list[LedgerRow]
    before: int
    after: int

    def share(self, row: LedgerRow) -> str:
        """A turn's part of all running time, in whole percent."""
        total = self.before + self.after
        return "—" if row.is_pause or not total else f"{round(100 * (row.before + row.after) / total)}%"


def bar_segments(file: TimerFile) -> list[BarSegment]:
    """The bar in working time; stretches of closed hours have no length and are left out."""
    shades = {holder: shade for shade, holder in enumerate(consumption(file.facts.segments).by_holder)}
    bars = [bar for part in file.facts.segments for bar in _bar_parts(part, file, shades) if bar.seconds]
    total = sum(bar.seconds for bar in bars)
    return [_fitted(bar, bar.seconds / total) for bar in bars]


def _fitted(bar: BarSegment, share: float) -> BarSegment:
    """A segment too short for its words keeps the time; the table below has the rest."""
    width = sum(2 if ord(sign) > 0x2E80 else 1 for sign in bar.text)
    return bar if width <= share * _BAR_LETTERS else replace(bar, text=_clock(bar.seconds))


def bar_marks(file: TimerFile) -> list[BarMark]:
    """Start, hand-overs, due point and end, without those that would be written over each other."""
    total = sum(part.working_seconds for part in file.facts.segments) or 1
    start = BarMark(0, _short(file.facts.started_at), "start")
    end = BarMark(total, _short(_end(file)), "end")
    marks = [start]
    due = _due_mark(file)
    wanted = [mark for mark in _handover_marks(file) if due is None or _apart(mark, due, total)]
    for mark in [*wanted, *([due] if due else []), end]:
        share = _DUE_AND_END_APART if marks[-1] is due else _MARKS_APART
        if mark is due or _apart(marks[-1], mark, total, share):
            marks.append(mark)
    return marks


def ledger_table(file: TimerFile) -> LedgerTable:
    """Who used the clock before and after the due time; a turn lasts until the hand-over, pauses stand apart."""
    rows: list[LedgerRow] = []
    turn: int | None = None
    holder_id: int | None = None
    for part in file.facts.segments:
        if part.reason is not None:
            rows.append(_pause_row(part, file))
        elif part.holder_id == holder_id and turn is not None:
            rows[turn] = _longer(rows[turn], part)
        else:
            turn, holder_id = len(rows), part.holder_id
            rows.append(_turn_row(part, file))
    turns = [row for row in rows if not row.is_pause]
    return LedgerTable(rows, sum(row.before for row in turns), sum(row.after for row in turns))


def story(file: TimerFile) -> list[str]:
    """The ledger in sentences, for a terminal and for readers who want it plain."""
    timer, facts = file.timer, file.facts
    lines = [
        _(
            "%(step)s of %(number)s: %(promise)s promised, counted by %(calendar)s v%(version)s.",
            step=label(timer.step, "clock_step"),
            number=timer.matter_number,
            promise=promise(timer.target_value, timer.target_unit),
            calendar=calendar_name(timer.calendar_code),
            version=file.calendar.number,
        ),
        _("Started %(at)s.", at=times.full_moment(facts.started_at)),
        *(_row_words(row) for row in ledger_table(file).rows),
    ]
    return [*lines, _due_words(file), _verdict_words(file)]


def person(file: TimerFile, user_id: int) -> str:
    """Name and staff number."""
    return _named(file.people[user_id])


def _named(user: User) -> str:
    return f"{user.name} · {user.staff_no}" if user.staff_no else user.name


def _bar_parts(part: Segment, file: TimerFile, shades: dict[int, int]) -> Iterator[BarSegment]:
    if part.reason is not None:
        text = f"{label(part.reason, 'pause_short')} {_clock(part.working_seconds)}"
        yield BarSegment(part.working_seconds, text, "paused", 0)
        return
    name = file.people[part.holder_id].name
    shade = shades[part.holder_id]
    yield BarSegment(part.seconds_before_due, f"{name} {_clock(part.seconds_before_due)}", "running", shade)
    over = _("over %(time)s", time=_clock(part.seconds_after_due))
    yield BarSegment(part.seconds_after_due, over, "over", shade)


def _clock(seconds: int) -> str:
    """`16:20`, hours and minutes; seconds where there is less than a minute."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}" if seconds >= 60 else f"0:00:{seconds:02}"


def _short(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%m-%d %H:%M}"


def _end(file: TimerFile) -> datetime:
    return file.facts.segments[-1].to_at if file.facts.segments else file.facts.started_at


def _due_mark(file: TimerFile) -> BarMark | None:
    due_at = file.facts.due_at
    if due_at is None or not any(part.to_at >= due_at for part in file.facts.segments):
        return None
    before = sum(part.seconds_before_due for part in file.facts.segments)
    return BarMark(before, _("due %(at)s", at=_short(due_at)), "end")


def _handover_marks(file: TimerFile) -> Iterator[BarMark]:
    at_seconds, holder_id = 0, None
    for part in file.facts.segments:
        if holder_id is not None and part.holder_id != holder_id:
            yield BarMark(at_seconds, _("%(at)s handed over", at=_short(part.from_at)), "start")
        holder_id = part.holder_id
        at_seconds += part.working_seconds


def _apart(one: BarMark, other: BarMark, total: int, share: float = _MARKS_APART) -> bool:
    return abs(other.at_seconds - one.at_seconds) >= share * total


def _turn_row(part: Segment, file: TimerFile) -> LedgerRow:
    return LedgerRow(
        who=person(file, part.holder_id),
        from_at=part.from_at,
        to_at=part.to_at,
        before=part.seconds_before_due,
        after=part.seconds_after_due,
        is_pause=False,
        note=_taken_over(part, file),
        evidence=None,
    )


def _taken_over(part: Segment, file: TimerFile) -> str:
    entry = _entry_at(file, EventKind.HANDOVER, part.from_at)
    if entry is None:
        return ""
    left = file.target_seconds
    if left is None:
        return _("taken over")
    used = sum(
        one.working_seconds for one in file.facts.segments if one.to_at <= part.from_at and not one.reason
    )
    return _("taken over with %(time)s left", time=working_time(max(0, left - used)))


def _longer(row: LedgerRow, part: Segment) -> LedgerRow:
    return replace(
        row,
        to_at=part.to_at,
        before=row.before + part.seconds_before_due,
        after=row.after + part.seconds_after_due,
    )


def _pause_row(part: Segment, file: TimerFile) -> LedgerRow:
    entry = _entry_at(file, EventKind.PAUSE, part.from_at)
    return LedgerRow(
        who=_("Pause: %(reason)s", reason=label(part.reason, "pause_short")),
        from_at=part.from_at,
        to_at=part.to_at,
        before=part.seconds_before_due,
        after=part.seconds_after_due,
        is_pause=True,
        note=entry.note if entry else "",
        evidence=file.evidence.get(entry.evidence_id) if entry and entry.evidence_id else None,
    )


def _entry_at(file: TimerFile, kind: EventKind, at: datetime) -> TimerEntry | None:
    return next((entry for entry in file.entries if entry.kind is kind and entry.at == at), None)


def _row_words(row: LedgerRow) -> str:
    span = {"from_at": _short(row.from_at), "to_at": _short(row.to_at), "who": row.who}
    if row.is_pause:
        return _(
            "%(from_at)s – %(to_at)s: %(who)s, %(time)s off the clock.",
            **span,
            time=working_time(row.before + row.after),
        )
    if row.after:
        return _(
            "%(from_at)s – %(to_at)s: %(who)s, %(before)s before and %(after)s after the due time.",
            **span,
            before=working_time(row.before),
            after=working_time(row.after),
        )
    return _("%(from_at)s – %(to_at)s: %(who)s, %(time)s.", **span, time=working_time(row.before))


def _due_words(file: TimerFile) -> str:
    due_at = file.facts.due_at
    if due_at is not None:
        return _("Due %(due)s", due=times.full_moment(due_at))
    return _("%(time)s left when it runs again", time=working_time(file.facts.remaining_seconds))


def _verdict_words(file: TimerFile) -> str:
    facts = file.facts
    if facts.state is TimerState.CANCELLED:
        return _("Cancelled: no verdict.")
    if facts.breached_at is not None:
        return _("Broken: over by %(time)s.", time=working_time(facts.over_seconds))
    if facts.state is TimerState.MET:
        return _("Kept: took %(time)s.", time=working_time(facts.used_seconds))
    return _("Open: %(time)s left.", time=working_time(facts.remaining_seconds))
