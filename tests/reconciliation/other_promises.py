"""What stricter promises would have given, clock by clock, on calendars laid out second by second."""

from bisect import bisect_right
from collections import defaultdict
from datetime import date, datetime, time, timedelta
from typing import Any

from service_desk.rules.metrics import Ratio
from tests.reconciliation.claim_reports import STEPS
from tests.reconciliation.comparing import Checker
from tests.reconciliation.records import Level, Rows
from tests.reconciliation.slow_clocks import Judged
from tests.reconciliation.slow_cover import CHINA
from tests.reconciliation.span import Days, by_key, midnight

_DAY = timedelta(days=1)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIRST, _LAST = date(2020, 1, 1), date(2028, 1, 1)


class _Calendar:
    """The open stretches of all days, and the days that rest."""

    def __init__(self, week: dict[str, Any], exceptions: dict[date, Any]) -> None:
        self.week, self.exceptions = week, exceptions
        self.day_seconds = int(
            sum((end - start).total_seconds() for start, end in self._open(date(2026, 6, 1)))
        )
        self._starts: list[datetime] = []
        self._worked: list[int] = []
        worked, day = 0, _FIRST
        while day < _LAST:
            for start, end in self._open(day):
                self._starts.append(start)
                self._worked.append(worked)
                worked += int((end - start).total_seconds())
            day += _DAY
        self._worked.append(worked)

    def _open(self, day: date) -> list[tuple[datetime, datetime]]:
        hours = self.exceptions.get(day, self.week.get(_WEEKDAYS[day.weekday()], []))
        return [(_at(day, start), _at(day, end)) for start, end in hours]

    def rests(self, day: date) -> bool:
        return not self.exceptions.get(day, self.week.get(_WEEKDAYS[day.weekday()], []))

    def until(self, at: datetime) -> int:
        """The seconds of open hours up to an instant, from long ago on."""
        place = bisect_right(self._starts, at) - 1
        here = int((at - self._starts[place]).total_seconds())
        return self._worked[place] + min(here, self._worked[place + 1] - self._worked[place])


def _at(day: date, clock: str) -> datetime:
    if clock == "24:00":
        return midnight(day + _DAY, CHINA)
    hour, minute = clock.split(":")
    return datetime.combine(day, time(int(hour), int(minute)), CHINA)


class Calendars(dict[str, _Calendar]):
    """By code, as the rows say."""

    def __init__(self, rows: Rows) -> None:
        days = by_key(rows["calendar_days"], "calendar_id")
        for one in rows["working_calendars"]:
            self[one.code] = _Calendar(one.week, {day.day: day.hours for day in days.get(one.id, [])})


def check_trials(checker: Checker, calendars: Calendars) -> None:
    """Each promise by which a clock was judged: kept as promised, by stricter ones, and what would have been enough."""
    days, rows = checker.counted.days, checker.counts.rows
    pauses = by_key([one for one in rows["timer_segments"] if one.reason], "timer_id")
    own: dict[int, list[Judged]] = defaultdict(list)
    for one in checker.counts.clocks:
        if (one.clock.state == "met" and days.has(one.clock.stopped_at)) or days.has(one.broken_at):
            own[one.clock.level_id].append(one)
    levels = sorted(
        (one for one in rows["service_levels"] if one.id in own),
        key=lambda one: (STEPS.index(one.step), one.amount_to_fen or 0, one.id),
    )
    needs_rows, trial_rows = [], []
    for level in levels:
        clocks, calendar = own[level.id], calendars[level.calendar_code]
        head = _promise(level, clocks)
        needs = [_needed(one, level, calendar, pauses, days) for one in clocks]
        times = [_least(clocks, needs, percent) for percent in (90, 95, 99)]
        is_days = level.target_unit == "calendar_days"
        needs_rows.append((*head, *([None] * 3 if is_days else times), *(times if is_days else [None] * 3)))
        for value, unit in _stricter(level):
            trial_rows.append((*head, value, unit, _would(clocks, needs, _length(value, unit, calendar))))
    checker.check_rows("promise_needs", needs_rows)
    checker.check_rows("what_if", trial_rows)


def _promise(level: Level, clocks: list[Judged]) -> tuple[Any, ...]:
    kept = Ratio(sum(one.clock.state == "met" for one in clocks), len(clocks))
    is_urban = None if level.is_urban is None else str(bool(level.is_urban))
    return (str(level.step), is_urban, level.amount_to_fen, level.target_value, str(level.target_unit), kept)


def _stricter(level: Level) -> list[tuple[int, str]]:
    """Days one less and half, minutes three quarters and half; the milder first."""
    value, unit = level.target_value, str(level.target_unit)
    if unit.endswith("days"):
        wanted = {value - 1, value // 2}
    else:
        value, unit = value * (60 if unit == "hours" else 1), "minutes"
        wanted = {value * 3 // 4, value // 2}
    return [(one, unit) for one in sorted(wanted, reverse=True) if 0 < one < value]


def _length(value: int, unit: str, calendar: _Calendar) -> int:
    if unit == "calendar_days":
        return value
    return value * (calendar.day_seconds if unit == "working_days" else 60)


def _needed(one: Judged, level: Level, calendar: _Calendar, pauses: dict[int, list[Any]], days: Days) -> int:
    """The least promise that would have been kept: open seconds, or days where the law counts days."""
    clock = one.clock
    ended = days.now.replace(microsecond=0) if one.is_open else clock.stopped_at
    assert ended is not None
    if level.target_unit == "calendar_days":
        return _needed_days(clock.started_at, ended, calendar)
    # A promise that ends before hours open again is broken only when they do.
    last = ended - timedelta(seconds=1)
    worked = calendar.until(last) - calendar.until(clock.started_at)
    for pause in pauses.get(clock.id, []):
        begin, end = max(pause.from_at, clock.started_at), min(pause.to_at, last)
        worked -= max(0, calendar.until(end) - calendar.until(begin))
    return max(worked, 0) + 1


def _needed_days(started: datetime, ended: datetime, calendar: _Calendar) -> int:
    number, first = 0, started.astimezone(CHINA).date()
    while True:
        day = first + number * _DAY
        while calendar.rests(day):
            day += _DAY
        if ended <= midnight(day + _DAY, CHINA):
            return number
        number += 1


def _least(clocks: list[Judged], needs: list[int], percent: int) -> int | None:
    """None while too many are open: nobody knows what they will need."""
    ordered = sorted(float("inf") if one.is_open else need for one, need in zip(clocks, needs, strict=True))
    least = ordered[-(-len(ordered) * percent // 100) - 1]
    return None if least == float("inf") else int(least)


def _would(clocks: list[Judged], needs: list[int], length: int) -> Ratio:
    """Kept among judged; one that is open and within the promise so far is neither."""
    within = [need <= length for need in needs]
    undecided = sum(one.is_open and is_in for one, is_in in zip(clocks, within, strict=True))
    kept = sum(is_in and not one.is_open for one, is_in in zip(clocks, within, strict=True))
    return Ratio(kept, len(clocks) - undecided)
