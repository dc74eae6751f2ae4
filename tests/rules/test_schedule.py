"""When a weekly report is due: by the wall clock of the zone, caught up when missed, bounded."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from service_desk.rules.schedule import (
    MOST_CAUGHT_UP,
    WEEK,
    WeeklySchedule,
    due_periods,
    is_over,
    last_full_week,
    next_period,
    sent_at,
    week_of,
)

CHINA = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = WeeklySchedule(0, 8, 30, CHINA, date(2026, 1, 5))
LAST_WEEK = date(2026, 11, 16)


def china(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("day", "monday"),
    [
        (date(2026, 11, 16), LAST_WEEK),
        (date(2026, 11, 22), LAST_WEEK),
        (date(2026, 11, 23), date(2026, 11, 23)),
    ],
)
def test_a_week_runs_from_monday_to_sunday(day: date, monday: date) -> None:
    assert week_of(day) == monday


def test_a_week_is_over_at_midnight_of_its_zone_not_of_utc() -> None:
    # 16:00 UTC is midnight in China.
    before, after = datetime(2026, 11, 22, 15, 59, tzinfo=UTC), datetime(2026, 11, 22, 16, 0, tzinfo=UTC)

    assert not is_over(LAST_WEEK, before, CHINA)
    assert is_over(LAST_WEEK, after, CHINA)
    assert not is_over(LAST_WEEK, after, BERLIN)
    assert last_full_week(after, CHINA) == LAST_WEEK


def test_is_due_from_its_very_minute_on() -> None:
    assert LAST_WEEK not in due_periods(MONDAY, china(23, 8, 29))
    assert LAST_WEEK in due_periods(MONDAY, china(23, 8, 30))


def test_a_later_weekday_is_in_the_week_that_follows() -> None:
    friday = WeeklySchedule(4, 17, 0, CHINA, date(2026, 1, 5))

    assert sent_at(friday, LAST_WEEK) == china(27, 17).astimezone(UTC)
    assert due_periods(friday, china(27, 16, 59))[-1] == LAST_WEEK - WEEK
    assert due_periods(friday, china(27, 17))[-1] == LAST_WEEK


def test_every_missed_week_is_due_oldest_first_and_no_more_than_the_most() -> None:
    due = due_periods(MONDAY, china(23, 9))

    assert due == [LAST_WEEK - WEEK * back for back in reversed(range(MOST_CAUGHT_UP))]


def test_nothing_is_due_before_the_schedule_starts() -> None:
    schedule = WeeklySchedule(0, 8, 30, CHINA, date(2026, 11, 16))

    assert due_periods(schedule, china(23, 9)) == [date(2026, 11, 9), LAST_WEEK]


def test_the_next_period_is_the_first_that_is_not_due() -> None:
    assert next_period(MONDAY, china(23, 8, 29)) == LAST_WEEK
    assert next_period(MONDAY, china(23, 8, 30)) == LAST_WEEK + WEEK
    later = WeeklySchedule(0, 8, 30, CHINA, date(2026, 12, 14))
    assert sent_at(later, next_period(later, china(23, 9))) == datetime(2026, 12, 14, 0, 30, tzinfo=UTC)


def test_the_wall_clock_decides_when_clocks_change() -> None:
    schedule = WeeklySchedule(6, 2, 30, BERLIN, date(2026, 1, 1))
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)

    # 02:30 does not exist on the one Sunday and comes twice on the other; each is one instant all the same.
    assert sent_at(schedule, spring - timedelta(days=13)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert sent_at(schedule, autumn - timedelta(days=13)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
