"""A timer's ledger for readers: tables that add up to the second, and what was changed afterwards."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext as _

from service_desk.models.documents import Document
from service_desk.models.sla import TimerEntry, TimerRecomputation
from service_desk.models.users import User
from service_desk.presenters import times
from service_desk.presenters.labels import label
from service_desk.presenters.sla import calendar_name, is_by_day, promise, working_time
from service_desk.rules.sla import EventKind, Segment, Spent, consumption
from service_desk.rules.sla.terms import HOLDER_CHANGES
from service_desk.services.sla.files import TimerFile
from service_desk.services.sla.life import told_pause


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

    @property
    def total(self) -> int:
        return self.before + self.after


@dataclass(frozen=True)
class LedgerTable:
    """Rows in order of time; `before` and `after` are the sums of the turns."""

    rows: list[LedgerRow]
    before: int
    after: int

    def share(self, row: LedgerRow) -> str:
        """A turn's part of all running time, in whole percent that add up to 100."""
        turns = [one for one in self.rows if not one.is_pause]
        if row.is_pause or not (self.before + self.after):
            return "—"
        return f"{_percents([one.total for one in turns])[turns.index(row)]}%"


@dataclass(frozen=True)
class SumRow:
    """What one person used of the clock, or what all pauses of one reason kept off it."""

    words: str
    before: int
    after: int
    share: str = ""
    count: int = 0


@dataclass(frozen=True)
class SumTable:
    """Sums by person or by reason; `before` and `after` are those of all rows."""

    rows: list[SumRow]
    before: int
    after: int


@dataclass(frozen=True)
class Change:
    """What was changed in a ledger afterwards, both values: a time put right, a pause struck off, a recomputation."""

    at: datetime
    what: str
    before: str
    after: str
    reason: str
    by: str
    evidence: Document | None


def ledger_table(file: TimerFile) -> LedgerTable:
    """Who used the clock before and after the due time; a turn lasts until the hand-over, pauses stand apart."""
    rows: list[LedgerRow] = []
    for line, part in zip(lines_of(file.facts.segments), file.facts.segments, strict=True):
        if line <= len(rows):
            rows[line - 1] = _longer(rows[line - 1], part)
        else:
            rows.append(_turn_row(part, file) if part.reason is None else _pause_row(part, file))
    turns = [row for row in rows if not row.is_pause]
    return LedgerTable(rows, sum(row.before for row in turns), sum(row.after for row in turns))


def lines_of(segments: Sequence[Segment]) -> list[int]:
    """For each segment the number of its line, from 1: a person's turn goes on after a pause of the own."""
    lines: list[int] = []
    last = turn = 0
    holder_id: int | None = None
    for part in segments:
        goes_on = part.reason is None and part.holder_id == holder_id
        if not goes_on:
            last += 1
        if part.reason is None and not goes_on:
            turn, holder_id = last, part.holder_id
        lines.append(turn if goes_on else last)
    return lines


def beginning(part: Segment, file: TimerFile) -> tuple[TimerEntry | None, int | None]:
    """The entry that gave the clock to the segment's holder, and for whom a stand-in stands; None at the start."""
    found: tuple[TimerEntry | None, int | None] = None, None
    holder_id = covered_id = None
    for entry in file.entries:
        if entry.voided_at is not None or entry.at > part.from_at:
            continue
        if entry.kind in HOLDER_CHANGES:
            stands_in = entry.kind is EventKind.SUBSTITUTE
            covered_id = (covered_id or holder_id) if stands_in else None
            found = entry, covered_id
        if entry.kind in HOLDER_CHANGES or entry.kind is EventKind.START:
            holder_id = entry.holder_id
    return found


def by_person(file: TimerFile) -> SumTable:
    """What each person used of the clock in all their turns; a stand-in's minutes are the stand-in's."""
    spent = consumption(file.facts.segments).by_holder
    shares = _percents([one.total for one in spent.values()])
    rows = [
        SumRow(person(file, holder_id), one.before_due, one.after_due, share=f"{share}%")
        for (holder_id, one), share in zip(spent.items(), shares, strict=True)
    ]
    return _summed(rows)


def by_reason(file: TimerFile) -> SumTable:
    """What the pauses of each reason kept off the clock; those struck off are not among them."""
    spent = consumption(file.facts.segments).by_reason
    live = [entry for entry in file.entries if entry.kind is EventKind.PAUSE and entry.voided_at is None]
    rows = [_reason_row(reason, one, live) for reason, one in spent.items()]
    return _summed(rows)


def changes(file: TimerFile) -> list[Change]:
    """What was changed afterwards, in the order in which it was."""
    found = [*_struck_off(file), *_corrected(file), *_recomputed(file)]
    return sorted(found, key=lambda change: change.at)


def rules_of_sums(file: TimerFile, table: LedgerTable) -> list[str]:
    """Why the sums are what they are, so that a reader can check them."""
    words = []
    if table.after:
        words.append(
            _(
                "Before and after add up to the whole running time, %(used)s; what came after the due time, "
                "%(over)s, is what the clock is over.",
                used=exact(table.before + table.after),
                over=exact(table.after),
            )
        )
    if file.target_seconds is not None and table.before == file.target_seconds:
        words.append(
            _("Before the due time it is exactly what was promised: %(time)s.", time=exact(table.before))
        )
    words.append(_("Pauses and closed hours are nobody's time."))
    return words


def person(file: TimerFile, user_id: int) -> str:
    """Name and staff number."""
    return _named(file.people[user_id])


def exact(seconds: int) -> str:
    """`6 h 10 min 5 s`: to the second, so that what is shown adds up. Hours are not made into days."""
    hours, rest = divmod(seconds, 3600)
    minutes, secs = divmod(rest, 60)
    words = [_("%(hours)s h", hours=hours)] if hours else []
    words += [_("%(minutes)s min", minutes=minutes)] if minutes else []
    words += [_("%(seconds)s s", seconds=secs)] if secs or not words else []
    return " ".join(words)


def _named(user: User) -> str:
    return f"{user.name} · {user.staff_no}" if user.staff_no else user.name


def _percents(parts: Sequence[int]) -> list[int]:
    """Whole percent that add up to 100: what is lost by cutting goes to the largest rests."""
    whole = sum(parts)
    if not whole:
        return [0 for _part in parts]
    cut = [100 * part // whole for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda index: -(100 * parts[index] % whole))
    for index in by_rest[: 100 - sum(cut)]:
        cut[index] += 1
    return cut


def _summed(rows: list[SumRow]) -> SumTable:
    return SumTable(rows, sum(row.before for row in rows), sum(row.after for row in rows))


def _reason_row(reason: str, spent: Spent, pauses: Iterable[TimerEntry]) -> SumRow:
    count = sum(entry.reason == reason for entry in pauses)
    return SumRow(label(reason, "pause_reason"), spent.before_due, spent.after_due, count=count)


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
    """How a turn began: by a hand-over, standing in for somebody, or back from an absence."""
    entry, covered_id = beginning(part, file)
    if entry is None:
        return ""
    words = {
        EventKind.HANDOVER: _("taken over"),
        EventKind.SUBSTITUTE: _(
            "stood in for %(name)s", name=person(file, covered_id) if covered_id else "—"
        ),
        EventKind.RETURN: _("back from absence"),
    }[entry.kind]
    if file.target_seconds is None:
        return words
    used = sum(
        one.working_seconds for one in file.facts.segments if one.to_at <= part.from_at and not one.reason
    )
    left = max(0, file.target_seconds - used)
    return _("%(how)s with %(time)s left", how=words, time=working_time(left))


def _longer(row: LedgerRow, part: Segment) -> LedgerRow:
    return replace(
        row,
        to_at=part.to_at,
        before=row.before + part.seconds_before_due,
        after=row.after + part.seconds_after_due,
    )


def _pause_row(part: Segment, file: TimerFile) -> LedgerRow:
    pauses = [
        entry
        for entry in file.entries
        if entry.kind is EventKind.PAUSE and entry.voided_at is None and entry.at <= part.from_at
    ]
    entry = pauses[-1] if pauses else None
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


def _struck_off(file: TimerFile) -> Iterator[Change]:
    for entry in file.entries:
        objection = file.objections.get(entry.id)
        if entry.voided_at is None or objection is None or objection.decided_at is None:
            continue
        pause = told_pause(file.entries, entry, objection, file.seen_at)
        until = times.mark(pause.until) if pause.until else "…"
        reason = label(entry.reason, "pause_short")
        decided_by = objection.decided_by_id
        yield Change(
            at=objection.decided_at,
            what=_("Pause struck off after the client objected"),
            before=f"{times.mark(entry.at)} – {until}, {reason}",
            after=_("counts as running time"),
            reason=" · ".join(words for words in (objection.text, objection.answer) if words),
            by=person(file, decided_by) if decided_by else "—",
            evidence=file.evidence.get(entry.evidence_id or 0),
        )


def _corrected(file: TimerFile) -> Iterator[Change]:
    kinds = {entry.id: entry.kind for entry in file.entries}
    for row in file.corrections:
        kind = label(kinds[row.entry_id], "ledger_entry")
        states = [label(state, "timer_state") for state in (row.old_state, row.new_state)]
        yield Change(
            at=row.recorded_at,
            what=_("Time put right: %(entry)s", entry=kind),
            before=f"{times.mark(row.old_at)} · {states[0]}",
            after=f"{times.mark(row.new_at)} · {states[1]}",
            reason=row.reason,
            by=person(file, row.actor_id),
            evidence=file.evidence.get(row.evidence_id or 0),
        )


def _recomputed(file: TimerFile) -> Iterator[Change]:
    for row in file.recomputations:
        yield Change(
            at=row.recorded_at,
            what=_("Recomputed on a manager's word"),
            before=_terms(file, row, is_new=False),
            after=_terms(file, row, is_new=True),
            reason=row.reason,
            by=person(file, row.actor_id),
            evidence=None,
        )


def _terms(file: TimerFile, row: TimerRecomputation, *, is_new: bool) -> str:
    """A promise with its calendar version and due time: `60 minutes, office hours v3, due 11-23 10:00`."""
    level = file.levels[row.new_level_id if is_new else row.old_level_id]
    version = file.versions[row.new_digest if is_new else row.old_digest]
    due_at = row.new_due_at if is_new else row.old_due_at
    return _(
        "%(promise)s, %(calendar)s v%(version)s, due %(due)s",
        promise=promise(level.target_value, level.target_unit),
        calendar=calendar_name(version.code),
        version=version.number,
        due=times.mark(due_at, ends_day=is_by_day(level)) if due_at else "—",
    )
