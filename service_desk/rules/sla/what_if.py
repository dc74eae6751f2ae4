"""A history of timers judged against another promise: all of them at once, each as `evaluate` would judge it.

Everything rests on one number a timer, the least promise it would have kept: worked out once, it answers for every
target, and its ranks say what promise any share of the timers would have kept. Columns are numpy arrays of whole
seconds since 1970 in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service_desk.rules.calendar import WorkingCalendar
from service_desk.rules.calendar.openings import Openings, Seconds, moment_of, seconds_of
from service_desk.rules.sla.terms import Target, TargetUnit
from service_desk.rules.sla.timer import measuring_calendar, target_seconds
from service_desk.rules.sla.what_if_days import Days

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Histories:
    """What happened to many timers, a row each.

    `ended` is the stop, or the instant at which a clock still open is looked at. Pauses are flat: `pause_of` is
    the row they belong to, ascending, those of one row in order of time. They may reach outside their
    timer's life and overlap. One that lasts ends at `ended`.
    """

    started: Seconds
    ended: Seconds
    pause_of: Rows
    pause_from: Seconds
    pause_to: Seconds

    def __len__(self) -> int:
        return len(self.started)

    def pick(self, rows: Rows) -> "Histories":
        """Some of the timers, `rows` ascending, with their pauses."""
        place = np.full(len(self), -1, np.intp)
        place[rows] = np.arange(len(rows))
        wanted = place[self.pause_of] >= 0
        return Histories(
            self.started[rows],
            self.ended[rows],
            place[self.pause_of[wanted]],
            self.pause_from[wanted],
            self.pause_to[wanted],
        )

    def tidied(self) -> "Histories":
        """The same with each pause cut to its timer's life and to begin after those before it."""
        if not len(self.pause_of):
            return self
        low, high = self.started[self.pause_of], self.ended[self.pause_of]
        begins, ends = np.clip(self.pause_from, low, high), np.clip(self.pause_to, low, high)
        # Each row's ends are lifted above all of the row before, so that the greatest so far is its own.
        lift = self.pause_of * (int(ends.max()) - int(begins.min()) + 1)
        reached = np.maximum.accumulate(ends + lift)[:-1] - lift[1:]
        begins[1:] = np.maximum(begins[1:], reached)
        return Histories(self.started, self.ended, self.pause_of, begins, np.maximum(begins, ends))


def needed(histories: Histories, unit: TargetUnit, calendar: WorkingCalendar) -> Seconds:
    """The least promise each timer would have kept: days for calendar days, else seconds of working time.

    A promise of this length was kept, one of any less broken; by a clock still open, as far as can be seen.
    """
    if not len(histories):
        return np.empty(0, np.int64)
    tidy = histories.tidied()
    if unit is TargetUnit.CALENDAR_DAYS:
        return _needed_days(tidy, calendar)
    # A promise of whole seconds is broken when all of it has run a second before the stop.
    worked = _worked(tidy, _openings(tidy, calendar), tidy.started, tidy.ended - 1)
    worked += 1
    return worked


def promised(target: Target, calendar: WorkingCalendar) -> int:
    """A promise in the measure of `needed`."""
    return target.value if target.unit is TargetUnit.CALENDAR_DAYS else target_seconds(target, calendar)


def kept(histories: Histories, target: Target, calendar: WorkingCalendar) -> Flags:
    """Which timers would have kept a promise; of clocks still open, which would not have broken it yet."""
    return needed(histories, target.unit, calendar) <= promised(target, calendar)


def due_at(histories: Histories, target: Target, calendar: WorkingCalendar) -> Seconds:
    """When each timer would have been due, its pauses over by `ended` counted in."""
    if not len(histories):
        return np.empty(0, np.int64)
    tidy = histories.tidied()
    if target.unit is TargetUnit.CALENDAR_DAYS:
        days = _days(tidy, calendar, target.value)
        return days.ends(_due_days(tidy, days, target.value))
    openings = _openings(tidy, calendar)
    goal = openings.worked_by(tidy.started) + target_seconds(target, calendar)
    for rows, begins, ends in _in_turn(tidy):
        paused_at, resumed_at = openings.worked_by(begins), openings.worked_by(ends)
        # A promise that ends where a pause begins is due there.
        goal[rows] += np.where(paused_at < goal[rows], resumed_at - paused_at, 0)
    return _reaching(openings, int(goal.max()), tidy, calendar).earliest_at(goal)


def over_seconds(histories: Histories, due: Seconds, target: Target, calendar: WorkingCalendar) -> Seconds:
    """How long each clock ran on after its due time, as the target counts; 0 when in time or in closed hours."""
    if not len(histories):
        return np.empty(0, np.int64)
    tidy = histories.tidied()
    openings = _openings(tidy, measuring_calendar(target, calendar))
    return _worked(tidy, openings, np.clip(due, tidy.started, tidy.ended), tidy.ended)


def least_promise(needs: Seconds, percent: int) -> int:
    """The least promise that at least so many percent would have kept (nearest rank); of one timer or more."""
    rank = -(-len(needs) * percent // 100)
    return int(np.partition(needs, rank - 1)[rank - 1])


def _openings(histories: Histories, calendar: WorkingCalendar) -> Openings:
    return Openings(calendar, int(histories.started.min()) - 1, int(histories.ended.max()))


def _worked(histories: Histories, openings: Openings, begins: Seconds, ends: Seconds) -> Seconds:
    """Each timer's running time in [begins, ends), within its life; its pauses do not overlap."""
    worked = openings.worked_by(ends)
    worked -= openings.worked_by(begins)
    of = histories.pause_of
    if len(of):
        low, high = begins[of], ends[of]
        stood = openings.worked_by(np.clip(histories.pause_to, low, high))
        stood -= openings.worked_by(np.clip(histories.pause_from, low, high))
        firsts = _firsts(of)
        worked[of[firsts]] -= np.add.reduceat(stood, firsts)
    return np.maximum(worked, 0, out=worked)


def _firsts(of: Rows) -> Rows:
    """Where each timer's pauses begin."""
    return np.flatnonzero(np.diff(of, prepend=-1))


def _in_turn(histories: Histories) -> Iterator[tuple[Rows, Seconds, Seconds]]:
    """The first pauses of all timers that have any, then the second ones, and so on: rows, begins, ends."""
    of = histories.pause_of
    firsts = _firsts(of)
    counts = np.diff(firsts, append=len(of))
    turn = np.arange(len(of)) - np.repeat(firsts, counts)
    for number in range(int(counts.max(initial=0))):
        now = turn == number
        yield of[now], histories.pause_from[now], histories.pause_to[now]


def _reaching(openings: Openings, goal: int, histories: Histories, calendar: WorkingCalendar) -> Openings:
    """The openings, compiled far enough for a due time; Invalid("calendar_runs_out") when there are too few."""
    if openings.reaches(goal):
        return openings
    first, last = int(histories.started.min()) - 1, int(histories.ended.max())
    left = goal - int(openings.worked_by(np.array([last]))[0])
    return Openings(calendar, first, seconds_of(calendar.add(moment_of(last), left)))


def _needed_days(histories: Histories, calendar: WorkingCalendar) -> Seconds:
    days = _days(histories, calendar, 0)
    # 24:00 still belongs to the day that ends.
    last = days.of(np.maximum(histories.ended - 1, histories.started))
    wanted: Seconds = np.maximum(days.least_counted(last) - days.of(histories.started), 0)
    rows = histories.pause_of[_firsts(histories.pause_of)]
    if len(rows):
        # A pause only moves a due day back, so that no more than without it is needed.
        wanted[rows] = _needed_days_paused(histories.pick(rows), days, wanted[rows])
    return wanted


def _needed_days_paused(histories: Histories, days: Days, most: Seconds) -> Seconds:
    """The least terms that were kept, by halving: a longer term is never due earlier."""
    least = np.zeros_like(most)
    while np.any(least < most):
        middle = (least + most) // 2
        in_time = histories.ended <= days.ends(_due_days(histories, days, middle))
        most = np.where(in_time, middle, most)
        least = np.where(in_time, least, middle + 1)
    return most


def _due_days(histories: Histories, days: Days, terms: Seconds | int) -> Seconds:
    """The last day of each term; a pause moves it as `rules.sla.timer` says."""
    counted = days.of(histories.started) + terms
    due = days.rolled(counted)
    for rows, begins, ends in _in_turn(histories):
        paused_on, resumed_on = days.of(begins), days.of(ends)
        moved = np.maximum(counted[rows] + (resumed_on - paused_on), resumed_on)
        counted[rows] = np.where(begins < days.ends(due[rows]), moved, counted[rows])
        due[rows] = days.rolled(counted[rows])
    return due


def _days(histories: Histories, calendar: WorkingCalendar, term: int) -> Days:
    """All days that matter: the terms, and the days that pauses may add to them."""
    first, last = int(histories.started.min()), int(histories.ended.max())
    longest = int((histories.ended - histories.started).max()) // 86_400 + 2
    return Days(calendar, first, last, term + longest)
