"""When a report is due: every week, month, quarter or year, by the wall clock of the account's zone.

A report tells of a whole period and is due on a day after it: a weekday of the week that follows, or a day of the
month that follows. Whether it was made is for the caller to know: this only tells which should be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from service_desk.base.clock import local_date
from service_desk.rules.periods import WEEK, Period, months_after, week_of
from service_desk.rules.permissions import Side
from service_desk.rules.report_document import ReportKind


class Frequency(StrEnum):
    """How often a report is made; also how long the period is that it tells of."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"


@dataclass(frozen=True)
class Timing:
    """A day and a local time. `day`: a weekday (0 is Monday) of a weekly report, else a day of the month from 1 to 28."""

    day: int
    hour: int
    minute: int


FREQUENCY: Mapping[ReportKind, Frequency] = {
    ReportKind.WEEKLY_CLAIMS: Frequency.WEEKLY,
    ReportKind.MONTHLY_UNDERWRITING: Frequency.MONTHLY,
    ReportKind.MONTHLY_CASES: Frequency.MONTHLY,
    ReportKind.RENEWAL_FORECAST: Frequency.MONTHLY,
    ReportKind.QUARTERLY_REVIEW: Frequency.QUARTERLY,
    ReportKind.BRANCH_DEMAND: Frequency.QUARTERLY,
    ReportKind.ANNUAL_SERVICE: Frequency.YEARLY,
}

# What a new account gets. The papers of a meeting come when the month is closed and can still be prepared with.
USUAL: Mapping[ReportKind, Timing] = {
    ReportKind.WEEKLY_CLAIMS: Timing(0, 8, 30),
    ReportKind.MONTHLY_UNDERWRITING: Timing(1, 8, 30),
    ReportKind.MONTHLY_CASES: Timing(2, 8, 30),
    ReportKind.RENEWAL_FORECAST: Timing(3, 8, 30),
    ReportKind.QUARTERLY_REVIEW: Timing(8, 8, 30),
    ReportKind.BRANCH_DEMAND: Timing(8, 9, 0),
    ReportKind.ANNUAL_SERVICE: Timing(15, 8, 30),
}

# Which side a report goes to unless people are added or left out. What is written for a tender or for planning may
# hold proposals, so the account's managers see it first and pass it on.
AUDIENCE: Mapping[ReportKind, frozenset[Side]] = {
    ReportKind.WEEKLY_CLAIMS: frozenset({Side.CLIENT}),
    ReportKind.MONTHLY_UNDERWRITING: frozenset({Side.CLIENT}),
    ReportKind.MONTHLY_CASES: frozenset({Side.CLIENT}),
    ReportKind.RENEWAL_FORECAST: frozenset({Side.CLIENT}),
    ReportKind.QUARTERLY_REVIEW: frozenset(Side),
    ReportKind.BRANCH_DEMAND: frozenset({Side.INSURER}),
    ReportKind.ANNUAL_SERVICE: frozenset({Side.INSURER}),
}

# A desk that was down longer than this does not send a pile of old reports; each can be run by hand.
MOST_CAUGHT_UP: Mapping[Frequency, int] = {
    Frequency.WEEKLY: 8,
    Frequency.MONTHLY: 3,
    Frequency.QUARTERLY: 2,
    Frequency.YEARLY: 1,
}

# The account was promised its underwriting table by the 2nd.
_LATEST_DAY: Mapping[ReportKind, int] = {ReportKind.MONTHLY_UNDERWRITING: 2}
_DAYS_OF_EVERY_MONTH = 28
_MONTHS_OF = {Frequency.MONTHLY: 1, Frequency.QUARTERLY: 3, Frequency.YEARLY: 12}


@dataclass(frozen=True)
class Schedule:
    """How often, when, and in which zone. Nothing is due before `starts_on`, a date of sending."""

    frequency: Frequency
    timing: Timing
    zone: ZoneInfo
    starts_on: date


def days_of(kind: ReportKind) -> range:
    """The days a report of a kind can be due on: weekdays, or days that every month has."""
    if FREQUENCY[kind] is Frequency.WEEKLY:
        return range(7)
    return range(1, _LATEST_DAY.get(kind, _DAYS_OF_EVERY_MONTH) + 1)


def period_at(frequency: Frequency, day: date) -> Period:
    """The week (from Monday), month, quarter or year a day lies in."""
    if frequency is Frequency.WEEKLY:
        monday = week_of(day)
        return Period(monday, monday + WEEK - timedelta(days=1))
    months = _MONTHS_OF[frequency]
    first = months_after(day, -((day.month - 1) % months)).first
    return Period(first, months_after(first, months - 1).last)


def period_after(frequency: Frequency, period: Period, steps: int = 1) -> Period:
    """The period so many weeks, months, quarters or years later; a negative number goes back."""
    if frequency is Frequency.WEEKLY:
        return period_at(frequency, period.first + WEEK * steps)
    return period_at(frequency, months_after(period.first, _MONTHS_OF[frequency] * steps).first)


def last_full_period(frequency: Frequency, now: datetime, zone: ZoneInfo) -> Period:
    """The latest period that is over."""
    return period_after(frequency, period_at(frequency, local_date(now, zone)), -1)


def is_over(period: Period, now: datetime, zone: ZoneInfo) -> bool:
    """Whether a period has ended in its zone."""
    return period.last < local_date(now, zone)


def sent_at(schedule: Schedule, period: Period) -> datetime:
    """The instant the report of a period is due.

    By the wall clock of the zone: a time that a change of clocks skips is as much later as the clocks
    moved; one that comes twice is its first.
    """
    timing = schedule.timing
    following = period.last + timedelta(days=1)
    is_weekly = schedule.frequency is Frequency.WEEKLY
    day = following + timedelta(days=timing.day if is_weekly else timing.day - 1)
    return datetime.combine(day, time(timing.hour, timing.minute), schedule.zone).astimezone(UTC)


def due_periods(schedule: Schedule, now: datetime) -> list[Period]:
    """The periods whose report is due by now, oldest first, at most `MOST_CAUGHT_UP` of its frequency."""
    most = MOST_CAUGHT_UP[schedule.frequency]
    latest = last_full_period(schedule.frequency, now, schedule.zone)
    periods = [period_after(schedule.frequency, latest, -back) for back in reversed(range(most + 1))]
    due = [period for period in periods if sent_at(schedule, period) <= now and _begins(schedule, period)]
    return due[-most:]


def next_period(schedule: Schedule, now: datetime) -> Period:
    """The next period whose report is not due yet."""
    period = last_full_period(schedule.frequency, now, schedule.zone)
    while sent_at(schedule, period) <= now or not _begins(schedule, period):
        period = period_after(schedule.frequency, period)
    return period


def _begins(schedule: Schedule, period: Period) -> bool:
    return local_date(sent_at(schedule, period), schedule.zone) >= schedule.starts_on


# A report that cannot be made is tried again after these; the last holds on.
_RETRY_MINUTES = (1, 5, 15, 60, 180)
TELL_AFTER = timedelta(hours=1)


def retry_after(tries: int) -> timedelta:
    """How long to wait after so many tries in vain, at least one."""
    return timedelta(minutes=_RETRY_MINUTES[min(tries, len(_RETRY_MINUTES)) - 1])


def is_time_to_retry(next_try_at: datetime, now: datetime) -> bool:
    """Whether the delay is over. No delay is as long as the longest but after a clock that went wrong."""
    return next_try_at <= now or next_try_at > now + timedelta(minutes=_RETRY_MINUTES[-1])


def is_failing_long(since_at: datetime, failed_at: datetime, now: datetime) -> bool:
    """Whether somebody should be told: first failed an hour ago, and tried in vain more than once."""
    return failed_at > since_at and now - since_at >= TELL_AFTER
