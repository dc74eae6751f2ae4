"""A timer's row and its entries: read as the rules take them, and written back as the rules say."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from service_desk.models.db import db, table_of
from service_desk.models.sla import SlaEvent, Timer, TimerEntry, TimerSegment, TimerState
from service_desk.models.users import User
from service_desk.rules.calendar import WorkingCalendar
from service_desk.rules.sla import (
    EventKind,
    LedgerEvent,
    PauseReason,
    Target,
    TimerFacts,
    check_event,
    evaluate,
    measuring_calendar,
)
from service_desk.rules.sla.history import whole_second
from service_desk.services.notices import Matter
from service_desk.services.sla import calendars, next_due

OPEN_STATES = (TimerState.RUNNING, TimerState.PAUSED)
# A time the matter itself keeps (an arrival recorded with photos) is proved by the matter's record.
PROVED_BY_MATTER = "matter"
_FIRST_ENTRIES = insert(table_of(TimerEntry))
_OWN_KINDS = frozenset({EventKind.SUBSTITUTE, EventKind.RETURN, EventKind.RESUME})


def matter_of(timer: Timer) -> Matter:
    """What the timer is about."""
    return Matter(timer.matter_kind, timer.matter_id, timer.matter_number, timer.account_id, timer.branch_id)


def target_of(timer: Timer) -> Target:
    """The promise as it was when the clock started."""
    return Target(
        timer.target_value, timer.target_unit, timer.warn_percent, tuple(timer.escalate_after_minutes)
    )


def calendar_of(timer: Timer) -> WorkingCalendar:
    """The calendar version the clock started under."""
    return calendars.working_calendar(timer.calendar_digest)


def clock_of(timer: Timer) -> WorkingCalendar:
    """The calendar whose seconds the timer counts: round the clock for calendar days."""
    return measuring_calendar(target_of(timer), calendar_of(timer))


def seconds_left(timer: Timer, now: datetime) -> int:
    """Time on the clock until the due time, from the row alone; what is left at resumption in a pause."""
    if timer.left_seconds is not None:
        return timer.left_seconds
    return clock_of(timer).between(now, timer.due_at) if timer.due_at else 0


def seconds_over(timer: Timer, now: datetime) -> int:
    """Time on the clock after the due time, from the row alone."""
    if timer.due_at is None or timer.state is not TimerState.RUNNING:
        return timer.over_seconds
    return timer.over_seconds + clock_of(timer).between(max(timer.due_at, timer.measured_at), now)


def seconds_used(timer: Timer, now: datetime) -> int:
    """Time on the clock so far, from the row alone; of a stopped clock for good."""
    if timer.state is not TimerState.RUNNING:
        return timer.used_seconds
    return timer.used_seconds + clock_of(timer).between(timer.measured_at, now)


def entries_of(timer_ids: Iterable[int]) -> dict[int, list[TimerEntry]]:
    """The entries of several timers in one query, in order."""
    statement = select(TimerEntry).where(TimerEntry.timer_id.in_(list(timer_ids)))
    found: dict[int, list[TimerEntry]] = defaultdict(list)
    for entry in db.session.scalars(statement.order_by(TimerEntry.at, TimerEntry.id)):
        found[entry.timer_id].append(entry)
    return found


def events_of(entries: Iterable[TimerEntry]) -> list[LedgerEvent]:
    """The entries that count, as the rules read them."""
    return [
        _event(entry.at, entry.kind, entry.holder_id, entry.reason, entry.evidence_id)
        for entry in entries
        if entry.voided_at is None
    ]


def _event(
    at: datetime, kind: EventKind, holder_id: int, reason: str, evidence_id: int | None
) -> LedgerEvent:
    return LedgerEvent(
        at,
        kind,
        holder_id,
        reason=PauseReason(reason) if kind is EventKind.PAUSE else None,
        evidence=None if evidence_id is None else str(evidence_id),
    )


def read_events(timer_ids: Collection[int]) -> dict[int, list[LedgerEvent]]:
    """What `events_of` answers, for many timers in one query: without the entries, which cost more to load."""
    statement = (
        select(
            TimerEntry.timer_id,
            TimerEntry.at,
            TimerEntry.kind,
            TimerEntry.holder_id,
            TimerEntry.reason,
            TimerEntry.evidence_id,
        )
        .where(TimerEntry.timer_id.in_(timer_ids), TimerEntry.voided_at.is_(None))
        .order_by(TimerEntry.at, TimerEntry.id)
    )
    found: dict[int, list[LedgerEvent]] = {timer_id: [] for timer_id in timer_ids}
    for timer_id, at, kind, holder_id, reason, evidence_id in db.session.execute(statement).tuples():
        found[timer_id].append(_event(at, kind, holder_id, reason, evidence_id))
    return found


def told(timer_id: int) -> set[str]:
    """The happenings of a timer that were told before."""
    return told_of([timer_id])[timer_id]


def told_of(timer_ids: Collection[int]) -> dict[int, set[str]]:
    """The happenings of many timers that were told before, in one query."""
    statement = select(SlaEvent.timer_id, SlaEvent.kind).where(SlaEvent.timer_id.in_(timer_ids))
    found: dict[int, set[str]] = {timer_id: set() for timer_id in timer_ids}
    for timer_id, kind in db.session.execute(statement).tuples():
        found[timer_id].add(kind)
    return found


def facts_of(timer: Timer, now: datetime) -> TimerFacts:
    """Everything that follows from the timer's entries, seen at `now`."""
    events = events_of(entries_of([timer.id])[timer.id])
    return evaluate(events, target_of(timer), calendar_of(timer), now, told(timer.id))


def values_at_start(
    target: Target, calendar: WorkingCalendar, holder_id: int, *, at: datetime, now: datetime
) -> dict[str, Any]:
    """The columns of a new timer's row that follow from its start; refuses as `add_entry` does."""
    event = LedgerEvent(at, EventKind.START, holder_id, evidence=PROVED_BY_MATTER)
    check_event([], event, now)
    return row_values(evaluate([event], target, calendar, now), [event], now)


def add_first_entries(holders: Mapping[int, int], *, at: datetime, actor: User | None, now: datetime) -> None:
    """Write the starts that `values_at_start` has reckoned with, by timer who holds it then."""
    entries = [
        {
            "timer_id": timer_id,
            "at": whole_second(at),
            "kind": EventKind.START,
            "holder_id": holder_id,
            "actor_id": actor.id if actor else None,
            "recorded_at": now,
        }
        for timer_id, holder_id in holders.items()
    ]
    db.session.execute(_FIRST_ENTRIES, entries)


def add_entry(
    timer: Timer,
    kind: EventKind,
    *,
    holder_id: int,
    at: datetime,
    actor: User | None,
    now: datetime,
    reason: PauseReason | None = None,
    note: str = "",
    evidence_id: int | None = None,
) -> TimerFacts:
    """Check an event against the ledger, write it, and bring the row up to date.

    Refuses what cannot follow (`rules.sla.check_event`) before anything is written.
    """
    events = events_of(entries_of([timer.id])[timer.id])
    proof = str(evidence_id) if evidence_id is not None else PROVED_BY_MATTER
    event = LedgerEvent(
        at, kind, holder_id, reason, evidence=None if kind is EventKind.PAUSE and not evidence_id else proof
    )
    check_event(events, event, now)
    db.session.add(
        TimerEntry(
            timer_id=timer.id,
            at=whole_second(at),
            kind=kind,
            holder_id=holder_id,
            reason=reason or "",
            note=note,
            evidence_id=evidence_id,
            actor_id=actor.id if actor else None,
            recorded_at=now,
        )
    )
    return refresh(timer, [*events, event], now)


def own_entries_after(entries: Iterable[TimerEntry], at: datetime) -> list[TimerEntry]:
    """What the desk wrote by itself for a time after `at`: stand-ins, returns, pauses that ran out.

    Nobody said it, so it does not stand against who says that the work was done by then. What a person entered
    for a later time does: with such an entry there are none.
    """
    later = [entry for entry in entries if entry.voided_at is None and entry.at > whole_second(at)]
    is_own = all(entry.actor_id is None and entry.kind in _OWN_KINDS for entry in later)
    return later if is_own else []


def undo_own_entries(timer: Timer, *, after: datetime, now: datetime) -> None:
    """Strike off what `own_entries_after` finds: at those times the clock had ended."""
    entries = entries_of([timer.id])[timer.id]
    undone = own_entries_after(entries, after)
    for entry in undone:
        entry.voided_at = now
    if undone:
        refresh(timer, events_of(entries), now)


def refresh(timer: Timer, events: list[LedgerEvent], now: datetime) -> TimerFacts:
    """Write what follows from the events at `now` into the row."""
    facts = evaluate(events, target_of(timer), calendar_of(timer), now, told(timer.id))
    for name, value in row_values(facts, events, now).items():
        setattr(timer, name, value)
    db.session.flush()
    next_due.keep([(timer.matter_kind, timer.matter_id)])
    if facts.ended_at is not None:
        keep_segments(timer, facts)
    return facts


def row_values(facts: TimerFacts, events: Sequence[LedgerEvent], now: datetime) -> dict[str, Any]:
    """The columns of a timer's row that follow from its events at `now`."""
    pause = _open_pause(events) if facts.state is TimerState.PAUSED else None
    return {
        "state": facts.state,
        "holder_id": facts.holder_id,
        "covered_id": facts.covered_id,
        "due_at": facts.due_at,
        "warn_at": facts.warn_at,
        "next_check_at": facts.next_check_at,
        "breached_at": facts.breached_at,
        "measured_at": facts.ended_at or whole_second(now),
        "stopped_at": facts.ended_at,
        "used_seconds": facts.used_seconds,
        "over_seconds": facts.over_seconds,
        "paused_at": pause.at if pause else None,
        "pause_reason": pause.reason or "" if pause else "",
        "left_seconds": facts.remaining_seconds if pause else None,
    }


def write_rows(rows: Iterable[tuple[Timer, Mapping[str, Any]]]) -> None:
    """Write columns of many timers whose rows this unit of work has locked, one statement for each set of columns.

    Only what changed is written: every index on a column that is named costs, whether its value changes or not.
    """
    changed: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    moved: list[tuple[str, int]] = []
    for timer, values in rows:
        news = {name: value for name, value in values.items() if getattr(timer, name) != value}
        changed[tuple(news)].append({"timer_id": timer.id, **news})
        if news.keys() & {"state", "due_at"}:
            moved.append((timer.matter_kind, timer.matter_id))
        db.session.expire(timer)
    timers = table_of(Timer)
    for names, parameters in changed.items():
        statement = update(timers).where(timers.c.id == bindparam("timer_id"))
        db.session.execute(
            statement.values({name: bindparam(name) for name in names} | {"version": timers.c.version + 1}),
            parameters,
        )
    next_due.keep(moved)


def keep_segments(timer: Timer, facts: TimerFacts) -> None:
    """Write a finished clock's segments as rows; a correction writes them anew."""
    db.session.execute(delete(TimerSegment).where(TimerSegment.timer_id == timer.id))
    db.session.add_all(
        TimerSegment(
            timer_id=timer.id,
            ordinal=ordinal,
            from_at=part.from_at,
            to_at=part.to_at,
            holder_id=part.holder_id,
            reason=part.reason,
            seconds_before_due=part.seconds_before_due,
            seconds_after_due=part.seconds_after_due,
        )
        for ordinal, part in enumerate(facts.segments, start=1)
    )
    db.session.flush()


def _open_pause(events: Sequence[LedgerEvent]) -> LedgerEvent:
    return next(event for event in reversed(events) if event.kind is EventKind.PAUSE)
