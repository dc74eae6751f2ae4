"""The days of a calendar as columns: legal terms of many timers at once (`rules.legal_days` for one)."""

from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from service_desk.base.clock import end_of_day, local_date, start_of_day
from service_desk.rules.calendar import WorkingCalendar
from service_desk.rules.calendar.openings import Seconds, moment_of, seconds_of
from service_desk.rules.legal_days import roll_over

DayNumbers = NDArray[np.intp]


class Days:
    """The days from the one `first` lies in until `more` days after the one `last` lies in, numbered from 0."""

    __slots__ = ("_base", "_begun", "_day_of_step", "_ends", "_rolled", "_step")

    def __init__(self, calendar: WorkingCalendar, first: int, last: int, more: int) -> None:
        zone = calendar.zone
        begin = local_date(moment_of(first), zone)
        number = (local_date(moment_of(last), zone) - begin).days + more + 1
        rolled = roll_over(begin + timedelta(days=number - 1), calendar.is_rest_day)
        days = [begin + timedelta(days=index) for index in range((rolled - begin).days + 1)]
        self._ends = np.array([seconds_of(end_of_day(day, zone)) for day in days], np.int64)
        self._base = seconds_of(start_of_day(begin, zone))
        # Days of 23, 24 and 25 hours, cut into even steps: an instant finds its day by division.
        lengths = np.diff(self._ends, prepend=self._base)
        self._step = int(np.gcd.reduce(lengths))
        self._day_of_step = np.repeat(np.arange(len(days)), lengths // self._step)
        numbers = np.arange(len(days))
        works = np.array([not calendar.is_rest_day(day) for day in days])
        # The nearest working day from each day on; the last day of all is one.
        self._rolled = np.minimum.accumulate(np.where(works, numbers, len(days))[::-1])[::-1]
        # The first day of the rest before each day, or the day itself: a count that ends there rolls over to it.
        before = np.maximum.accumulate(np.where(works, numbers, -1))
        self._begun = np.concatenate(([0], before[:-1] + 1))

    def of(self, instants: Seconds) -> DayNumbers:
        """The days that instants lie in."""
        return self._day_of_step[(instants - self._base) // self._step]

    def ends(self, days: DayNumbers) -> Seconds:
        """When days end."""
        return self._ends[days]

    def rolled(self, days: DayNumbers) -> DayNumbers:
        """The first days from `days` on that are no rest days."""
        return self._rolled[days]

    def least_counted(self, days: DayNumbers) -> DayNumbers:
        """The first days whose term, rolled over, ends on `days` or later."""
        return self._begun[days]
