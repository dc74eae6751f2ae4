"""How much it costs to judge a million timers against another promise, beside the searches alone.

The floor is numpy's own `searchsorted` in the calendar's openings for every instant the answer depends on: starts,
stops, and both ends of each pause; no subtraction, no verdict. It is much quicker when the instants come in
order, as rows by their number nearly do, so both orders are measured, each beside its own floor. The value is all that
the rule does: compiling the openings, judging, and the verdicts.
"""

from typing import Any

import numpy as np

from benchmarks.clock import OFFICE
from benchmarks.timing import beside
from service_desk.rules.calendar import WorkingCalendar, calendar_from_json
from service_desk.rules.calendar.openings import moment_of
from service_desk.rules.sla import Target, TargetUnit
from service_desk.rules.sla.what_if import Histories, kept

TIMERS, PAUSED = 1_000_000, 200_000
SINCE = 1_704_067_200  # 2024-01-01
YEARS, LONGEST, LONGEST_PAUSE = 3 * 365 * 86_400, 10 * 86_400, 2 * 86_400
TWO_DAYS = Target(2, TargetUnit.WORKING_DAYS)
FIVE_DAYS_BY_LAW = Target(5, TargetUnit.CALENDAR_DAYS)


def measure() -> list[dict[str, Any]]:
    """Judge timers that come in any order, then in the order in which they started, then by calendar days."""
    office = calendar_from_json(OFFICE)
    mixed, in_order = (
        _histories(np.random.default_rng(7)),
        _histories(np.random.default_rng(7), in_order=True),
    )
    return [
        _measured("clock.what_if_1m", mixed, TWO_DAYS, office),
        _measured("clock.what_if_1m_in_order", in_order, TWO_DAYS, office),
        _measured("clock.what_if_1m_calendar_days", mixed, FIVE_DAYS_BY_LAW, office),
    ]


def _histories(chance: np.random.Generator, *, in_order: bool = False) -> Histories:
    """Starts over three years, stops within ten days, one in five with a pause of up to two days."""
    started = SINCE + chance.integers(0, YEARS, TIMERS)
    if in_order:
        started.sort()
    ended = started + chance.integers(60, LONGEST, TIMERS)
    of = np.sort(chance.choice(TIMERS, PAUSED, replace=False))
    begins = chance.integers(started[of], ended[of])
    ends = np.minimum(ended[of], begins + chance.integers(60, LONGEST_PAUSE, PAUSED))
    return Histories(started, ended, of, begins, ends)


def _measured(name: str, histories: Histories, target: Target, calendar: WorkingCalendar) -> dict[str, Any]:
    first, last = (moment_of(int(at)) for at in (histories.started.min(), histories.ended.max()))
    opens = np.array(calendar.table_between(first, last).opens) // 1_000_000
    instants = (histories.started, histories.ended, histories.pause_from, histories.pause_to)

    def floor() -> None:
        for asked in instants:
            np.searchsorted(opens, asked, side="right")

    micros = beside(name, lambda: kept(histories, target, calendar), floor)
    return {**micros, "value": micros["value"] / 1000, "floor": micros["floor"] / 1000, "unit": "ms"}


if __name__ == "__main__":
    for measured in measure():
        print(measured)
