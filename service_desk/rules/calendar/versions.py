"""What differs between two versions of a calendar, for those who change it and those who look back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from service_desk.rules.calendar.hours import WEEKDAYS

# One date's hours as people write them; None: the date follows its weekday, []: it is closed.
Written = list[list[str]]


@dataclass(frozen=True)
class WeekdayChange:
    """Other weekly hours; [] is a weekday off."""

    weekday: str
    before: Written
    after: Written


@dataclass(frozen=True)
class DayChange:
    """A date that reads otherwise; None where it follows its weekday."""

    day: date
    before: Written | None
    after: Written | None


@dataclass(frozen=True)
class Differences:
    """All that changed, in order. `announced_to`: the last announced year before and after, when it changed."""

    week: tuple[WeekdayChange, ...] = ()
    days: tuple[DayChange, ...] = ()
    announced_to: tuple[int | None, int | None] | None = None

    def __bool__(self) -> bool:
        return bool(self.week or self.days or self.announced_to)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Differences:
    """Compare two calendars in the form that versions are kept in."""
    weeks = old["week"], new["week"]
    days = _days(old), _days(new)
    announced = old.get("announced_to"), new.get("announced_to")
    return Differences(
        week=tuple(
            WeekdayChange(name, weeks[0].get(name, []), weeks[1].get(name, []))
            for name in WEEKDAYS
            if weeks[0].get(name, []) != weeks[1].get(name, [])
        ),
        days=tuple(
            DayChange(date.fromisoformat(day), days[0].get(day), days[1].get(day))
            for day in sorted(days[0].keys() | days[1].keys())
            if days[0].get(day) != days[1].get(day)
        ),
        announced_to=None if announced[0] == announced[1] else announced,
    )


def _days(form: Mapping[str, Any]) -> dict[str, Written]:
    return {**{day: [] for day in form["holidays"]}, **form["extra"]}
