"""Judges columns of clocks: each by its own promise but for what the question changes in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from service_desk.rules.calendar import WorkingCalendar
from service_desk.rules.sla import Target, TargetUnit
from service_desk.rules.sla.what_if import Rows, due_at, needed, over_seconds, promised
from service_desk.services.sla.what_if.columns import Columns, Flags, Numbers
from service_desk.services.sla.what_if.question import Question, calendar_for, digest_of

T = TypeVar("T")

# What a clock still open will need nobody can say: more than any promise.
UNKNOWN = np.iinfo(np.int64).max


@dataclass(frozen=True)
class OtherPromise:
    """What clocks would have been promised."""

    target: Target
    calendar: WorkingCalendar


@dataclass(frozen=True)
class Judged:
    """The verdicts by the other promise. Of clocks still open `would_keep` says: not broken so far.

    `due` and `over` (seconds) are known for the clocks that were or would be broken, else 0. `needs` is in the
    measure of `rules.sla.what_if.needed`.
    """

    promises: Sequence[OtherPromise]
    would_keep: Flags
    needs: Numbers
    due: Numbers
    over: Numbers


def judge(columns: Columns, question: Question) -> Judged:
    """Judge all clocks, those of one promise at a time."""
    number = len(columns)
    keys = _keys(columns, question)
    distinct = list(dict.fromkeys(keys))
    judged = Judged(
        promises=[OtherPromise(target, calendar_for(question, digest)) for target, digest in distinct],
        would_keep=np.zeros(number, np.bool_),
        needs=np.zeros(number, np.int64),
        due=np.zeros(number, np.int64),
        over=np.zeros(number, np.int64),
    )
    # Which of the other promises is each clock's.
    other = np.array([distinct.index(key) for key in keys], np.int64)[columns.promise]
    for index, promise in enumerate(judged.promises):
        _judge_rows(columns, np.flatnonzero(other == index), promise, judged)
    judged.needs[columns.is_open] = UNKNOWN
    return judged


def unit_of(promises: Sequence[OtherPromise]) -> TargetUnit | None:
    """The unit clocks share; hours for different ones of working time; None where some count days by law."""
    units = {promise.target.unit for promise in promises}
    if len(units) == 1:
        return units.pop()
    return None if TargetUnit.CALENDAR_DAYS in units or not units else TargetUnit.HOURS


def working_day_of(promises: Sequence[OtherPromise]) -> int | None:
    """The seconds of a working day, where the calendars agree in it."""
    lengths = {promise.calendar.standard_day_seconds for promise in promises}
    return lengths.pop() if len(lengths) == 1 else None


def _judge_rows(columns: Columns, rows: Rows, promise: OtherPromise, judged: Judged) -> None:
    target, calendar = promise.target, promise.calendar
    mine = columns.histories if len(rows) == len(columns) else columns.histories.pick(rows)
    judged.needs[rows] = needed(mine, target.unit, calendar)
    judged.would_keep[rows] = judged.needs[rows] <= promised(target, calendar)
    # The others are in time either way, and nobody asks when they were due.
    rest = rows[~(judged.would_keep[rows] & columns.was_kept[rows])]
    broken = columns.histories.pick(rest)
    judged.due[rest] = due_at(broken, target, calendar)
    judged.over[rest] = over_seconds(broken, judged.due[rest], target, calendar)


def _keys(columns: Columns, question: Question) -> list[tuple[Target, str]]:
    """For each promise clocks were started under, the other one: target and calendar version."""
    digest = None if question.calendar_code is None else digest_of(question.calendar_code)
    return [(_either(question.target, own.target), _either(digest, own.digest)) for own in columns.promises]


def _either(other: T | None, own: T | None) -> T:
    """What the question puts in place, else the clock's own; one of them there always is."""
    chosen = own if other is None else other
    if chosen is None:
        raise ValueError("neither another promise nor an own one")
    return chosen
