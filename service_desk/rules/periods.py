"""The spans of days that figures are asked for, cut into weeks and months, and what each is compared with."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from service_desk.base.clock import end_of_day, start_of_day

WEEK = timedelta(days=7)
_DAY = timedelta(days=1)
# A trend of weeks says something about a quarter; of a longer span months do.
_WEEKS_FOR_UP_TO_DAYS = 92
_LEAST_WEEKS, _LEAST_MONTHS = 8, 6


class Preset(StrEnum):
    """The spans people ask for by name."""

    THIS_WEEK = "this_week"
    LAST_WEEK = "last_week"
    THIS_MONTH = "this_month"
    LAST_MONTH = "last_month"
    THIS_QUARTER = "this_quarter"
    LAST_QUARTER = "last_quarter"
    LAST_90_DAYS = "last_90_days"
    THIS_YEAR = "this_year"


class Cut(StrEnum):
    """How a span is cut."""

    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Period:
    """Whole days of a zone, `first` and `last` included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("a period ends before it begins")

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The instants it lies between: the first included, the last not."""
        return start_of_day(self.first, zone), end_of_day(self.last, zone)


def week_of(day: date) -> date:
    """The Monday of the week a day lies in."""
    return day - timedelta(days=day.weekday())


def period_of(preset: Preset, today: date) -> Period:
    """A named span as of today, to the end of its week, month, quarter or year."""
    if preset is Preset.THIS_WEEK:
        return _week(week_of(today))
    if preset is Preset.LAST_WEEK:
        return _week(week_of(today) - WEEK)
    if preset is Preset.THIS_MONTH:
        return _month(today)
    if preset is Preset.LAST_MONTH:
        return _month(today.replace(day=1) - _DAY)
    if preset is Preset.THIS_QUARTER:
        return quarter_of(today)
    if preset is Preset.LAST_QUARTER:
        return quarter_of(quarter_of(today).first - _DAY)
    if preset is Preset.LAST_90_DAYS:
        return Period(today - timedelta(days=89), today)
    return _year(today.year)


def month_of(day: date) -> Period:
    """The calendar month a day lies in."""
    return _month(day)


def quarter_of(day: date) -> Period:
    """The calendar quarter a day lies in."""
    first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return Period(first, months_after(first, 2).last)


def months_after(day: date, months: int) -> Period:
    """The calendar month so many months after a day's own; a negative number goes back."""
    place = day.year * 12 + day.month - 1 + months
    return _month(date(place // 12, place % 12 + 1, 1))


def before(period: Period) -> Period:
    """The span it is compared with: the week, month, quarter or year before, else as many days right before it."""
    eve = period.first - _DAY
    if period == _week(week_of(period.first)):
        return _week(week_of(eve))
    if period == _month(period.first):
        return _month(eve)
    if period == quarter_of(period.first):
        return quarter_of(eve)
    if period == _year(period.first.year):
        return _year(eve.year)
    return Period(period.first - timedelta(days=period.days), eve)


def cut(period: Period, by: Cut, today: date) -> list[Period]:
    """The weeks or months of a span, oldest first, the outer ones only as far as the span goes.

    Those that have not begun are left out, but for the first.
    """
    parts = list(_parts(period, by))
    return [part for part in parts if part.first <= today] or parts[:1]


def trend(period: Period, today: date) -> tuple[Cut, list[Period]]:
    """What a span is seen against: its weeks or months, with whole ones before it so that there is a line."""
    by = Cut.WEEK if period.days <= _WEEKS_FOR_UP_TO_DAYS else Cut.MONTH
    parts = [_whole(part.first, by) for part in cut(period, by, today)]
    while len(parts) < (_LEAST_WEEKS if by is Cut.WEEK else _LEAST_MONTHS):
        parts.insert(0, _whole(parts[0].first - _DAY, by))
    return by, parts


def _parts(period: Period, by: Cut) -> Iterator[Period]:
    first = period.first
    while first <= period.last:
        last = min(_whole(first, by).last, period.last)
        yield Period(first, last)
        first = last + _DAY


def _whole(day: date, by: Cut) -> Period:
    return _week(week_of(day)) if by is Cut.WEEK else _month(day)


def _week(monday: date) -> Period:
    return Period(monday, monday + WEEK - _DAY)


def _month(day: date) -> Period:
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - _DAY)


def _year(year: int) -> Period:
    return Period(date(year, 1, 1), date(year, 12, 31))
