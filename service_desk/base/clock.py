"""Instants and dates. Every instant is aware and kept in UTC; a naive one is an error."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    """The present instant. Only doors and jobs call this; rules and services are told the time."""
    return datetime.now(UTC)


def as_utc(moment: datetime) -> datetime:
    """Convert an aware instant to UTC; ValueError for a naive one."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError("naive datetime")
    return moment.astimezone(UTC)


def local_date(moment: datetime, zone: ZoneInfo = CHINA) -> date:
    """The calendar date of an instant in `zone`."""
    if moment.utcoffset() is None:
        raise ValueError("naive datetime")
    return moment.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo = CHINA) -> datetime:
    """00:00 of `day` in `zone`, as a UTC instant."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def end_of_day(day: date, zone: ZoneInfo = CHINA) -> datetime:
    """24:00 of `day` in `zone` (00:00 of the next), as a UTC instant."""
    return start_of_day(day + timedelta(days=1), zone)


def add_years(day: date, years: int) -> date:
    """The same date `years` later; 29 February becomes 28 February in a common year."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
