"""A calendar's openings as arrays: working time up to a million instants at once.

All numbers are whole seconds since 1970 in UTC. `Table` answers one instant by bisection; here the time is cut
into even steps in each of which the calendar is either open or closed, and an instant finds its step by division:
several times faster than a binary search, whose every comparison waits for memory.
"""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from service_desk.rules.calendar.table import EPOCH, SECOND
from service_desk.rules.calendar.working import WorkingCalendar

Seconds = NDArray[np.int64]

# Four years in steps of fifteen seconds. A calendar that needs finer ones is asked by bisection.
_MOST_STEPS = 1 << 23
# So many instants and what is computed from them stay in a processor's own cache.
_BLOCK = 1 << 16


class Openings:
    """A calendar's openings, compiled to be asked about instants in [first, last]."""

    __slots__ = ("_base", "_closes", "_most", "_opens", "_running", "_step", "_total", "_worked")

    def __init__(self, calendar: WorkingCalendar, first: int, last: int) -> None:
        table = calendar.table_between(moment_of(first), moment_of(last))
        before = table.position(first * SECOND)
        self._opens, self._closes, self._total = (
            np.array(column, np.int64) // SECOND for column in (table.opens, table.closes, table.worked)
        )
        self._total -= before // SECOND
        self._most = (table.position(table.valid_to) - before) // SECOND
        self._step = 0
        self._compile_steps(first, last)

    def worked_by(self, instants: Seconds) -> Seconds:
        """The working time from `first` to each of `instants`, which lie in [first, last]."""
        if not self._step:
            return self._searched(instants)
        found = np.empty_like(instants)
        for begin in range(0, len(instants), _BLOCK):
            since = instants[begin : begin + _BLOCK] - self._base
            step = since // self._step
            # All bits of `_running` are set in an open step, none in a closed one.
            since &= self._running[step]
            since += self._worked[step]
            found[begin : begin + _BLOCK] = since
        return found

    def earliest_at(self, worked: Seconds) -> Seconds:
        """The first instants by which so much has been worked since `first`: more than 0, and `reaches` it."""
        index = np.searchsorted(self._total, worked, side="left")
        return self._closes[index] - (self._total[index] - worked)

    def reaches(self, worked: int) -> bool:
        """Whether so much is worked since `first` within the years the calendar is compiled for."""
        return worked <= self._most

    def _searched(self, instants: Seconds) -> Seconds:
        """Nothing opens before the first opening: an instant there counts as the opening itself."""
        if not len(self._opens):
            return np.zeros_like(instants)
        at = np.maximum(instants, self._opens[0])
        index = np.searchsorted(self._opens, at, side="right") - 1
        worked: Seconds = self._total[index] - np.maximum(self._closes[index] - at, 0)
        return worked

    def _compile_steps(self, first: int, last: int) -> None:
        """Cut [first, last] into the longest even steps at whose bounds alone anything opens or closes."""
        near = slice(
            int(np.searchsorted(self._closes, first, side="right")),
            int(np.searchsorted(self._opens, last, side="right")),
        )
        opens, closes = self._opens[near], self._closes[near]
        if not len(opens):
            return
        step = int(np.gcd.reduce(np.concatenate((opens, closes)) - opens[0]))
        base = int(opens[0]) - -(-max(int(opens[0]) - first, 0) // step) * step
        number = max(last - base, int(closes[-1]) - base) // step + 1
        if number > _MOST_STEPS:
            return
        turns = np.zeros(number, np.int64)
        turns[(opens - base) // step] = 1
        turns[(closes - base) // step] = -1
        is_open = np.cumsum(turns)
        before = (np.cumsum(is_open) - is_open) * step + self._searched(opens[:1])
        self._step, self._base = step, base
        self._running = -is_open
        # An open step's own begin is taken off here, so that the time since `base` can be added as it is.
        self._worked = before - is_open * (np.arange(number) * step)


def moment_of(seconds: int) -> datetime:
    """The instant so many seconds after 1970, in UTC."""
    return EPOCH + timedelta(seconds=seconds)


def seconds_of(moment: datetime) -> int:
    """The seconds from 1970 to an aware instant, part seconds dropped."""
    return (moment - EPOCH) // timedelta(seconds=1)
