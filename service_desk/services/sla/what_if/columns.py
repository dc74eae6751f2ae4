"""The judged clocks of a period as columns: no row object for any of a million, only the numbers needed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, Integer, String, case, cast, extract, select, type_coerce

from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerSegment
from service_desk.rules.calendar.openings import seconds_of
from service_desk.rules.sla import TargetUnit
from service_desk.rules.sla.what_if import Histories
from service_desk.services.sla.compliance import Dimension, Verdicts
from service_desk.services.sla.compliance.grouping import keyed
from service_desk.services.sla.compliance.hours import read_open_ledgers
from service_desk.services.sla.compliance.wanted import Scope, counted_at, is_met, is_open, listed

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_BRANCH = 0
_AT_A_TIME = 50_000


@dataclass(frozen=True)
class Promise:
    """What a clock was started under."""

    value: int
    unit: TargetUnit
    digest: str


@dataclass(frozen=True)
class Columns:
    """The clocks by id. `counted` is when each was judged, in seconds since 1970; `promise` points into `promises`.

    `branch` is the branch of the next level below the one asked about, itself for its own matters.
    """

    ids: Numbers
    was_kept: Flags
    is_open: Flags
    counted: Numbers
    branch: Numbers
    promise: Numbers
    promises: Sequence[Promise]
    histories: Histories

    def __len__(self) -> int:
        return len(self.ids)


def read_columns(scope: Scope, *only: ColumnElement[bool]) -> Columns:
    """Read what was judged under the filter, in two queries and one more for what is still open."""
    known: dict[tuple[int, str, str], int] = {}
    parts = [_numbers(rows, known) for rows in _partitions(_clocks(scope, only))]
    table = np.concatenate(parts, axis=1) if parts else np.empty((8, 0), np.int64)
    table = table[:, np.argsort(table[1])]
    branch, ids, started, ended, kept, still_open, counted, promise = table
    ended = np.where(still_open > 0, seconds_of(scope.now), ended)
    return Columns(
        ids=ids,
        was_kept=kept > 0,
        is_open=still_open > 0,
        counted=counted,
        branch=branch,
        promise=promise,
        promises=[Promise(value, TargetUnit(unit), digest) for value, unit, digest in known],
        histories=Histories(started, ended, *_pauses(scope, only, ids)),
    )


def _clocks(scope: Scope, only: Iterable[ColumnElement[bool]]) -> Any:
    return keyed(
        scope,
        Dimension.BRANCH,
        Timer.id,
        _seconds(Timer.started_at),
        _seconds(Timer.stopped_at),
        cast(case((is_met(), 1), else_=0), Integer),
        cast(case((is_open(), 1), else_=0), Integer),
        _seconds(counted_at()),
        Timer.target_value,
        type_coerce(Timer.target_unit, String),
        Timer.calendar_digest,
    ).where(*listed(scope, Verdicts.JUDGED), *only)


def _seconds(column: Any) -> ColumnElement[int]:
    """An instant as whole seconds since 1970: numbers cross from the database several times faster than instants."""
    return cast(extract("epoch", column), BigInteger)


def _partitions(statement: Any) -> Iterable[Sequence[Any]]:
    return db.session.execute(statement.execution_options(yield_per=_AT_A_TIME)).partitions()


def _numbers(rows: Sequence[Any], known: dict[tuple[int, str, str], int]) -> Numbers:
    """Rows turned into columns; each promise by the number under which it is known."""
    branch, ids, started, ended, kept, still_open, counted, *promise = zip(*rows, strict=True)
    return np.array(
        [
            [one or NO_BRANCH for one in branch],
            ids,
            started,
            [at or 0 for at in ended],
            kept,
            still_open,
            counted,
            [known.setdefault(one, len(known)) for one in zip(*promise, strict=True)],
        ],
        np.int64,
    )


def _pauses(scope: Scope, only: Sequence[ColumnElement[bool]], ids: Numbers) -> tuple[Any, Numbers, Numbers]:
    """All pauses in the order of `ids`, then of time: of finished clocks as kept, of open ones from their ledger."""
    statement = (
        select(TimerSegment.timer_id, _seconds(TimerSegment.from_at), _seconds(TimerSegment.to_at))
        .join(Timer, Timer.id == TimerSegment.timer_id)
        .where(*listed(scope, Verdicts.FINISHED), *only, TimerSegment.reason.is_not(None))
    )
    parts = [np.array([tuple(row) for row in rows], np.int64) for rows in _partitions(statement)]
    live = [
        (one.timer_id, seconds_of(part.from_at), seconds_of(part.to_at))
        for one in read_open_ledgers(scope, *only)
        for part in one.segments
        if part.reason is not None
    ]
    found = np.concatenate([*parts, np.array(live, np.int64).reshape(-1, 3)])
    of = np.searchsorted(ids, found[:, 0])
    order = np.lexsort((found[:, 1], of))
    return of[order], found[order, 1], found[order, 2]
