"""When a weekly report is due. A week runs from Monday to Sunday of the account's zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service_desk.base.clock import local_date

WEEK = timedelta(days=7)
# A desk that was down longer than this does not send a pile of old reports; each can be run by hand.
MOST_CAUGHT_UP = 8


@dataclass(frozen=True)
class WeeklySchedule:
    """A weekday (0 is Monday) and a local time. Nothing is due before `starts_on`, a date of sending."""

    weekday: int
    hour: int
    minute: int
    zone: ZoneInfo
    starts_on: date


def week_of(day: date) -> date:
    """The Monday of the week a day lies in."""
    return day - timedelta(days=day.weekday())


def last_full_week(now: datetime, zone: ZoneInfo) -> date:
    """The Monday of the latest week that is over."""
    return week_of(local_date(now, zone)) - WEEK


def is_over(period_from: date, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the week that begins on a Monday has ended."""
    return period_from <= last_full_week(now, zone)


def sent_at(schedule: WeeklySchedule, period_from: date) -> datetime:
    """The instant the report of a week is due: the weekday and time in the week that follows.

    By the wall clock of the zone: a time that a change of clocks skips is as much later as the clocks
    moved; one that comes twice is its first.
    """
    day = period_from + WEEK + timedelta(days=schedule.weekday)
    return datetime.combine(day, time(schedule.hour, schedule.minute), schedule.zone).astimezone(UTC)


def due_periods(schedule: WeeklySchedule, now: datetime) -> list[date]:
    """The Mondays of the weeks whose report is due by now, oldest first, at most `MOST_CAUGHT_UP`.

    Whether a report was made is for the caller to know: this only tells which should be.
    """
    latest = last_full_week(now, schedule.zone)
    weeks = [latest - WEEK * back for back in reversed(range(MOST_CAUGHT_UP + 1))]
    due = [week for week in weeks if sent_at(schedule, week) <= now and _begins(schedule, week)]
    return due[-MOST_CAUGHT_UP:]


def next_period(schedule: WeeklySchedule, now: datetime) -> date:
    """The Monday of the next week whose report is not due yet."""
    week = last_full_week(now, schedule.zone)
    while sent_at(schedule, week) <= now or not _begins(schedule, week):
        week += WEEK
    return week


def _begins(schedule: WeeklySchedule, week: date) -> bool:
    return local_date(sent_at(schedule, week), schedule.zone) >= schedule.starts_on
