"""The judged clocks of a period as columns: no object for any of a million, only the numbers that are needed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, Select, String, case, cast, extract, select, type_coerce

from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerSegment
from service_desk.rules.calendar.openings import seconds_of
from service_desk.rules.sla import Target, TargetUnit
from service_desk.rules.sla.what_if import Histories
from service_desk.services.sla.compliance import Verdicts
from service_desk.services.sla.compliance.grouping import parts_of
from service_desk.services.sla.compliance.hours import read_open_ledgers
from service_desk.services.sla.compliance.wanted import Scope, counted, counted_at, is_met, is_open
from service_desk.services.sla.what_if.question import Question

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_BRANCH = 0
# Few enough to be gone before the garbage collector looks at them again and again.
_AT_A_TIME = 2_000
_BROKEN, _KEPT, _OPEN = 0, 1, 2


@dataclass(frozen=True)
class OwnPromise:
    """What clocks were started under; None for what the question replaces."""

    target: Target | None
    digest: str | None


@dataclass(frozen=True)
class Columns:
    """The clocks by id. `counted` is when each was judged, in seconds since 1970; `promise` points into `promises`.

    `branch` is the branch of the next level below the one asked about, or that one itself.
    """

    ids: Numbers
    was_kept: Flags
    is_open: Flags
    counted: Numbers
    branch: Numbers
    promise: Numbers
    promises: Sequence[OwnPromise]
    histories: Histories

    def __len__(self) -> int:
        return len(self.ids)


def read_columns(scope: Scope, question: Question) -> Columns:
    """Read what was judged in the period: the clocks, their pauses, and the ledgers of those still open."""
    known: dict[tuple[Any, ...], int] = {}
    parts = [_numbers(rows, known) for rows in _partitions(_clocks(scope, question))]
    table = np.concatenate([np.empty((7, 0), np.int64), *parts], axis=1)
    ids, branch, state, started, stopped, broken, promise = table[:, np.argsort(table[0])]
    ended = np.where(state == _OPEN, seconds_of(scope.now), stopped)
    return Columns(
        ids=ids,
        was_kept=state == _KEPT,
        is_open=state == _OPEN,
        counted=np.where(state == _KEPT, stopped, broken),
        branch=_next_level(scope, branch),
        promise=promise,
        promises=[_own_promise(question, own) for own in known],
        histories=Histories(started, ended, *_pauses(scope, question, ids)),
    )


def _clocks(scope: Scope, question: Question) -> Select[Any]:
    columns = [
        Timer.id,
        Timer.branch_id,
        case((is_met(), _KEPT), (is_open(), _OPEN), else_=_BROKEN),
        _seconds(Timer.started_at),
        _seconds(Timer.stopped_at),
        # Only of the others is it another instant than the stop.
        case((is_met(), None), else_=_seconds(counted_at())),
    ]
    if question.target is None:
        columns += [Timer.target_value, type_coerce(Timer.target_unit, String)]
    if question.calendar_code is None:
        columns.append(Timer.calendar_digest)
    return select(*columns).where(*counted(scope, Verdicts.JUDGED), *question.narrowing)


def _seconds(column: Any) -> ColumnElement[int]:
    """An instant as whole seconds since 1970: numbers cross from the database several times faster than instants."""
    return cast(extract("epoch", column), BigInteger)


def _partitions(statement: Select[Any]) -> Iterable[Sequence[Any]]:
    # The session would look at each row for objects it knows; here are none.
    reading = db.session.connection().execute(statement.execution_options(yield_per=_AT_A_TIME))
    return reading.partitions()


def _numbers(rows: Sequence[Any], known: dict[tuple[Any, ...], int]) -> Numbers:
    """Rows turned into columns; each promise as the number under which it is known."""
    ids, branch, state, started, stopped, broken, *own = zip(*rows, strict=True)
    promises = zip(*own, strict=True) if own else [()] * len(rows)
    return np.array(
        [
            ids,
            [one or NO_BRANCH for one in branch],
            state,
            started,
            [at or 0 for at in stopped],
            [at or 0 for at in broken],
            [known.setdefault(promise, len(known)) for promise in promises],
        ],
        np.int64,
    )


def _own_promise(question: Question, own: tuple[Any, ...]) -> OwnPromise:
    target = None if question.target else Target(own[0], TargetUnit(own[1]))
    return OwnPromise(target, None if question.calendar_code else own[-1])


def _next_level(scope: Scope, branch: Numbers) -> Numbers:
    parts = parts_of(scope.wanted)
    next_level = dict(db.session.execute(select(parts.c.branch_id, parts.c.part_id)).tuples().all())
    found, places = np.unique(branch, return_inverse=True)
    return np.array([next_level.get(one, one) for one in found.tolist()], np.int64)[places]


def _pauses(scope: Scope, question: Question, ids: Numbers) -> tuple[NDArray[np.intp], Numbers, Numbers]:
    """All pauses in the order of `ids`, then of time: of finished clocks as kept, of open ones from their ledger."""
    statement = (
        select(TimerSegment.timer_id, _seconds(TimerSegment.from_at), _seconds(TimerSegment.to_at))
        .join(Timer, Timer.id == TimerSegment.timer_id)
        .where(*counted(scope, Verdicts.FINISHED), *question.narrowing, TimerSegment.reason.is_not(None))
    )
    parts = [np.array(list(zip(*rows, strict=True)), np.int64) for rows in _partitions(statement)]
    live = [
        [one.timer_id, seconds_of(part.from_at), seconds_of(part.to_at)]
        for one in read_open_ledgers(scope, *question.narrowing)
        for part in one.segments
        if part.reason is not None
    ]
    timers, begins, ends = np.concatenate([*parts, np.array(live, np.int64).reshape(-1, 3).T], axis=1)
    of = np.searchsorted(ids, timers)
    order = np.lexsort((begins, of))
    return of[order], begins[order], ends[order]
