"""China's statutory days off and make-up working days, year by year, from maintained packages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import holidays
from chinese_calendar import constants


@dataclass(frozen=True)
class StatutoryDay:
    """A date that differs from its weekday. `name` is a code of `statutory_day` labels."""

    day: date
    is_working: bool
    name: str


@dataclass(frozen=True)
class StatutoryYear:
    """A year's days. Provisional until the State Council's notice: days off by law, no make-up days."""

    days: tuple[StatutoryDay, ...]
    source: str
    is_provisional: bool


_CODES_BY_NOTICE = {
    "New Year's Day": "new_year",
    "Spring Festival": "spring_festival",
    "Tomb-sweeping Day": "tomb_sweeping",
    "Labour Day": "labour",
    "Dragon Boat Festival": "dragon_boat",
    "Mid-autumn Festival": "mid_autumn",
    "National Day": "national",
}
_CODES_BY_WORD = {
    "元旦": "new_year",
    "除夕": "spring_festival",
    "春节": "spring_festival",
    "清明": "tomb_sweeping",
    "劳动": "labour",
    "端午": "dragon_boat",
    "国庆": "national",
    "中秋": "mid_autumn",
}
OTHER = "other"


def statutory_year(year: int) -> StatutoryYear:
    """The best that is known of a year: the notice, else the days set by law, else nothing but weekdays."""
    if any(day.year == year for day in constants.holidays):
        return StatutoryYear(tuple(_by_notice(year)), "chinesecalendar", is_provisional=False)
    by_law = tuple(_by_law(year))
    return StatutoryYear(by_law, "holidays" if by_law else "weekdays", is_provisional=True)


def _by_notice(year: int) -> Iterator[StatutoryDay]:
    for days, is_working in ((constants.holidays, False), (constants.workdays, True)):
        for day, name in sorted(days.items()):
            if day.year == year:
                yield StatutoryDay(day, is_working, _CODES_BY_NOTICE.get(name, OTHER))


def _by_law(year: int) -> Iterator[StatutoryDay]:
    for day, words in sorted(holidays.country_holidays("CN", years=[year], language="zh_CN").items()):
        code = next((code for word, code in _CODES_BY_WORD.items() if word in words), OTHER)
        yield StatutoryDay(day, is_working=False, name=code)
