"""Who used the time of the judged clocks, and what they waited for: kept segments, and open ledgers seen now."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerEntry, TimerSegment
from service_desk.rules.sla import PauseReason, Segment, Spent, evaluate
from service_desk.services.sla import ledger
from service_desk.services.sla.compliance.wanted import (
    RowsWanted,
    Scope,
    Verdicts,
    counted,
    is_open,
)


@dataclass(frozen=True)
class HolderHours:
    """A person's running time, and on how many clocks."""

    holder_id: int
    clocks: int
    spent: Spent


@dataclass(frozen=True)
class PauseHours:
    """Time the clocks stood for a reason (of the calendar, as it would have run), and how many clocks."""

    reason: PauseReason
    clocks: int
    spent: Spent


@dataclass(frozen=True)
class Hours:
    """Whole clocks, from start to stop or until now; most time first."""

    by_holder: Sequence[HolderHours]
    by_reason: Sequence[PauseHours]


@dataclass(frozen=True)
class OpenLedger:
    """A clock broken in the period and still open, with its time line so far."""

    timer_id: int
    segments: Sequence[Segment]


def sum_hours(scope: Scope) -> Hours:
    """The hours of the judged clocks."""
    open_ledgers = read_open_ledgers(scope)
    by_holder = _summed(scope, TimerSegment.holder_id, TimerSegment.reason.is_(None))
    by_reason = _summed(scope, TimerSegment.reason, TimerSegment.reason.is_not(None))
    for one in open_ledgers:
        _add(by_holder, ((part.holder_id, part) for part in one.segments if part.reason is None))
        _add(by_reason, ((part.reason, part) for part in one.segments if part.reason is not None))
    return Hours(
        by_holder=_sorted(HolderHours(*one) for one in _rows(by_holder)),
        by_reason=_sorted(PauseHours(*one) for one in _rows(by_reason)),
    )


def read_open_ledgers(scope: Scope, *only: ColumnElement[bool]) -> list[OpenLedger]:
    """The time lines of the clocks broken in the period and still open: they have no kept segments yet."""
    conditions = [*counted(scope, Verdicts.STILL_OPEN), *only]
    timers = db.session.scalars(select(Timer).where(*conditions)).all()
    entries: dict[int, list[TimerEntry]] = defaultdict(list)
    statement = select(TimerEntry).join(Timer, Timer.id == TimerEntry.timer_id).where(*conditions)
    for entry in db.session.scalars(statement.order_by(TimerEntry.at, TimerEntry.id)):
        entries[entry.timer_id].append(entry)
    return [OpenLedger(timer.id, _segments(timer, entries[timer.id], scope)) for timer in timers]


def used_in(scope: Scope, rows: RowsWanted) -> ColumnElement[bool]:
    """The judged clocks with running time of a person, or standing time for a reason."""
    kept = select(TimerSegment.timer_id)
    if rows.used_by_id is not None:
        kept = kept.where(TimerSegment.holder_id == rows.used_by_id, TimerSegment.reason.is_(None))
    else:
        kept = kept.where(TimerSegment.reason == rows.paused_for)
    live = [
        one.timer_id for one in read_open_ledgers(scope) if any(_is_of(rows, part) for part in one.segments)
    ]
    return or_(Timer.id.in_(live), ~is_open() & Timer.id.in_(kept))


def spent_on(scope: Scope, rows: RowsWanted, timer_ids: Sequence[int]) -> dict[int, Spent]:
    """For some of those clocks, how much of each it was."""
    kept = db.session.scalars(select(TimerSegment).where(TimerSegment.timer_id.in_(timer_ids)))
    live = read_open_ledgers(scope, Timer.id.in_(timer_ids))
    parts: list[tuple[int, Segment | TimerSegment]] = [
        *((part.timer_id, part) for part in kept),
        *((one.timer_id, part) for one in live for part in one.segments),
    ]
    spent: dict[int, Spent] = defaultdict(Spent)
    for timer_id, part in parts:
        if _is_of(rows, part):
            spent[timer_id] += Spent(part.seconds_before_due, part.seconds_after_due)
    return dict(spent)


def _is_of(rows: RowsWanted, part: Segment | TimerSegment) -> bool:
    if rows.used_by_id is not None:
        return part.reason is None and part.holder_id == rows.used_by_id
    return part.reason is rows.paused_for


def _segments(timer: Timer, entries: list[TimerEntry], scope: Scope) -> Sequence[Segment]:
    events = ledger.events_of(entries)
    return evaluate(events, ledger.target_of(timer), ledger.calendar_of(timer), scope.now).segments


# By holder or reason: how many clocks, and the time.
_Sums = dict[Any, tuple[int, Spent]]


def _summed(scope: Scope, key: InstrumentedAttribute[Any], kind: ColumnElement[bool]) -> _Sums:
    before, after = TimerSegment.seconds_before_due, TimerSegment.seconds_after_due
    rows = db.session.execute(
        select(
            key,
            func.count(TimerSegment.timer_id.distinct()),
            cast(func.sum(before), BigInteger),
            cast(func.sum(after), BigInteger),
        )
        .join(Timer, Timer.id == TimerSegment.timer_id)
        .where(*counted(scope, Verdicts.FINISHED), kind)
        .group_by(key)
    )
    return {row[0]: (row[1], Spent(row[2], row[3])) for row in rows}


def _add(sums: _Sums, parts: Iterable[tuple[Any, Segment]]) -> None:
    """Add one clock's segments: it counts once under each of its keys."""
    of_clock: dict[Any, Spent] = defaultdict(Spent)
    for key, part in parts:
        of_clock[key] += Spent(part.seconds_before_due, part.seconds_after_due)
    for key, spent in of_clock.items():
        clocks, before = sums.get(key, (0, Spent()))
        sums[key] = clocks + 1, before + spent


def _rows(sums: _Sums) -> list[tuple[Any, int, Spent]]:
    return [(key, clocks, spent) for key, (clocks, spent) in sums.items()]


def _sorted(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (-row.spent.total, -row.clocks))
