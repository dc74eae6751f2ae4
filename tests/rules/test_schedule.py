"""When a report is due: by the wall clock of the zone, caught up when missed, bounded; weeks, months, quarters, years."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_desk.base.clock import local_date
from service_desk.rules.periods import WEEK, Period, week_of
from service_desk.rules.report_document import ReportKind
from service_desk.rules.schedule import (
    AUDIENCE,
    FREQUENCY,
    MOST_CAUGHT_UP,
    USUAL,
    Frequency,
    Schedule,
    Timing,
    days_of,
    due_periods,
    is_over,
    last_full_period,
    next_period,
    period_after,
    period_at,
    sent_at,
)

CHINA = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
LONG_AGO = date(2020, 1, 1)
WEEKLY, MONTHLY, QUARTERLY, YEARLY = Frequency
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def weekly(
    weekday: int, hour: int, minute: int, zone: ZoneInfo = CHINA, starts_on: date = LONG_AGO
) -> Schedule:
    return Schedule(WEEKLY, Timing(weekday, hour, minute), zone, starts_on)


MONDAY = weekly(0, 8, 30)


def week(monday: date) -> Period:
    return Period(monday, monday + timedelta(days=6))


LAST_WEEK = week(date(2026, 11, 16))


def china(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CHINA)


def days(first: str, last: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("day", "monday"),
    [
        (date(2026, 11, 16), LAST_WEEK.first),
        (date(2026, 11, 22), LAST_WEEK.first),
        (date(2026, 11, 23), date(2026, 11, 23)),
    ],
)
def test_a_week_runs_from_monday_to_sunday(day: date, monday: date) -> None:
    assert week_of(day) == monday
    assert period_at(WEEKLY, day) == week(monday)


@pytest.mark.parametrize(
    ("frequency", "day", "expected"),
    [
        (WEEKLY, "2027-01-01", days("2026-12-28", "2027-01-03")),
        (MONTHLY, "2028-02-29", days("2028-02-01", "2028-02-29")),
        (MONTHLY, "2027-02-28", days("2027-02-01", "2027-02-28")),
        (MONTHLY, "2026-12-31", days("2026-12-01", "2026-12-31")),
        (QUARTERLY, "2026-01-01", days("2026-01-01", "2026-03-31")),
        (QUARTERLY, "2026-06-30", days("2026-04-01", "2026-06-30")),
        (QUARTERLY, "2026-07-01", days("2026-07-01", "2026-09-30")),
        (QUARTERLY, "2026-12-31", days("2026-10-01", "2026-12-31")),
        (YEARLY, "2028-02-29", days("2028-01-01", "2028-12-31")),
        (YEARLY, "2026-12-31", days("2026-01-01", "2026-12-31")),
    ],
)
def test_the_period_a_day_lies_in(frequency: Frequency, day: str, expected: Period) -> None:
    assert period_at(frequency, date.fromisoformat(day)) == expected


@given(st.sampled_from(Frequency), st.dates(date(1950, 1, 1), date(2950, 1, 1)), st.integers(-60, 60))
def test_periods_follow_each_other_without_gap_or_overlap(
    frequency: Frequency, day: date, steps: int
) -> None:
    period = period_at(frequency, day)

    assert period.first <= day <= period.last
    assert period_after(frequency, period).first == period.last + DAY
    assert period_after(frequency, period_after(frequency, period, steps), -steps) == period


def test_a_period_is_over_at_midnight_of_its_zone_not_of_utc() -> None:
    # 16:00 UTC is midnight in China.
    before, after = datetime(2026, 11, 22, 15, 59, tzinfo=UTC), datetime(2026, 11, 22, 16, 0, tzinfo=UTC)

    assert not is_over(LAST_WEEK, before, CHINA)
    assert is_over(LAST_WEEK, after, CHINA)
    assert not is_over(LAST_WEEK, after, BERLIN)
    assert last_full_period(WEEKLY, after, CHINA) == LAST_WEEK
    new_year = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    assert last_full_period(YEARLY, new_year, CHINA) == days("2026-01-01", "2026-12-31")
    assert last_full_period(YEARLY, new_year, BERLIN) == days("2025-01-01", "2025-12-31")
    assert last_full_period(QUARTERLY, new_year, BERLIN) == days("2026-07-01", "2026-09-30")


def test_is_due_from_its_very_minute_on() -> None:
    assert LAST_WEEK not in due_periods(MONDAY, china(23, 8, 29))
    assert LAST_WEEK in due_periods(MONDAY, china(23, 8, 30))


def test_a_later_weekday_is_in_the_week_that_follows() -> None:
    friday = weekly(4, 17, 0)

    assert sent_at(friday, LAST_WEEK) == china(27, 17).astimezone(UTC)
    assert due_periods(friday, china(27, 16, 59))[-1] == period_after(WEEKLY, LAST_WEEK, -1)
    assert due_periods(friday, china(27, 17))[-1] == LAST_WEEK


@pytest.mark.parametrize(
    ("frequency", "day", "period", "due"),
    [
        (MONTHLY, 1, days("2026-11-01", "2026-11-30"), "2026-12-01"),
        (MONTHLY, 28, days("2027-01-01", "2027-01-31"), "2027-02-28"),
        (MONTHLY, 2, days("2026-12-01", "2026-12-31"), "2027-01-02"),
        (QUARTERLY, 8, days("2026-10-01", "2026-12-31"), "2027-01-08"),
        (QUARTERLY, 28, days("2028-01-01", "2028-03-31"), "2028-04-28"),
        (YEARLY, 15, days("2028-01-01", "2028-12-31"), "2029-01-15"),
    ],
)
def test_the_day_is_of_the_month_that_follows(
    frequency: Frequency, day: int, period: Period, due: str
) -> None:
    schedule = Schedule(frequency, Timing(day, 8, 30), CHINA, LONG_AGO)
    at = datetime.fromisoformat(f"{due}T08:30").replace(tzinfo=CHINA)

    assert sent_at(schedule, period) == at
    assert period not in due_periods(schedule, at - MINUTE)
    assert due_periods(schedule, at)[-1] == period
    assert next_period(schedule, at - MINUTE) == period
    assert next_period(schedule, at) == period_after(frequency, period)


def test_every_missed_period_is_due_oldest_first_and_no_more_than_the_most() -> None:
    due = due_periods(MONDAY, china(23, 9))
    assert due == [week(LAST_WEEK.first - WEEK * back) for back in reversed(range(8))]

    monthly = Schedule(MONTHLY, Timing(1, 8, 30), CHINA, LONG_AGO)
    assert [one.first for one in due_periods(monthly, china(23, 9))] == [
        date(2026, 8, 1),
        date(2026, 9, 1),
        date(2026, 10, 1),
    ]
    quarterly = Schedule(QUARTERLY, Timing(8, 8, 30), CHINA, LONG_AGO)
    assert [one.first for one in due_periods(quarterly, china(23, 9))] == [
        date(2026, 4, 1),
        date(2026, 7, 1),
    ]
    yearly = Schedule(YEARLY, Timing(15, 8, 30), CHINA, LONG_AGO)
    assert due_periods(yearly, china(23, 9)) == [days("2025-01-01", "2025-12-31")]


def test_nothing_is_due_before_the_schedule_starts() -> None:
    since_monday = weekly(0, 8, 30, starts_on=date(2026, 11, 16))
    assert [one.first for one in due_periods(since_monday, china(23, 9))] == [
        date(2026, 11, 9),
        LAST_WEEK.first,
    ]

    since_the_second = Schedule(MONTHLY, Timing(1, 8, 30), CHINA, date(2026, 11, 2))
    assert due_periods(since_the_second, china(23, 9)) == []
    assert next_period(since_the_second, china(23, 9)) == days("2026-11-01", "2026-11-30")


def test_the_next_period_is_the_first_that_is_not_due() -> None:
    assert next_period(MONDAY, china(23, 8, 29)) == LAST_WEEK
    assert next_period(MONDAY, china(23, 8, 30)) == period_after(WEEKLY, LAST_WEEK)
    later = weekly(0, 8, 30, starts_on=date(2026, 12, 14))
    assert sent_at(later, next_period(later, china(23, 9))) == datetime(2026, 12, 14, 0, 30, tzinfo=UTC)


def test_the_wall_clock_decides_when_clocks_change() -> None:
    schedule = weekly(6, 2, 30, BERLIN)
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)

    # 02:30 does not exist on the one Sunday and comes twice on the other; each is one instant all the same.
    assert sent_at(schedule, week(spring - 13 * DAY)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert sent_at(schedule, week(autumn - 13 * DAY)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


_schedules = st.builds(
    lambda kind, place, hour, minute, zone, starts_on: Schedule(
        FREQUENCY[kind], Timing(days_of(kind)[place % len(days_of(kind))], hour, minute), zone, starts_on
    ),
    st.sampled_from(ReportKind),
    st.integers(0, 27),
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from([CHINA, BERLIN, LORD_HOWE]),
    st.dates(date(2024, 1, 1), date(2028, 12, 31)),
)
_instants = st.datetimes(datetime(2024, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC))


@given(_schedules, _instants)
def test_what_is_due_is_over_has_begun_and_is_not_the_next(schedule: Schedule, now: datetime) -> None:
    due = due_periods(schedule, now)

    assert len(due) <= MOST_CAUGHT_UP[schedule.frequency]
    assert due == sorted(due, key=lambda one: one.first)
    for period in due:
        assert is_over(period, now, schedule.zone)
        assert local_date(sent_at(schedule, period), schedule.zone) >= schedule.starts_on
    following = next_period(schedule, now)
    assert following not in due
    assert sent_at(schedule, following) > now
    if due:
        assert following == period_after(schedule.frequency, due[-1])


@given(_schedules, _instants, st.integers(0, 60 * 24 * 40))
def test_a_clock_set_back_makes_nothing_due_that_was_not(
    schedule: Schedule, now: datetime, minutes: int
) -> None:
    before = due_periods(schedule, now - minutes * MINUTE)

    # Older periods may drop out of the window as time passes; none later than the latest comes up.
    assert [one for one in before if one not in due_periods(schedule, now)] == [
        one
        for one in before
        if one.first < min((p.first for p in due_periods(schedule, now)), default=one.first)
    ]


@settings(max_examples=40)
@given(_schedules, _instants)
def test_looking_every_few_hours_misses_no_period(schedule: Schedule, start: datetime) -> None:
    seen: list[Period] = []
    for hours in range(0, 24 * 40, 7):
        for one in due_periods(schedule, start + timedelta(hours=hours)):
            if one not in seen:
                seen.append(one)

    expected = seen[:1]
    while expected and expected[-1] != seen[-1]:
        expected.append(period_after(schedule.frequency, expected[-1]))
    assert seen == expected


@pytest.mark.parametrize("kind", ReportKind)
def test_every_kind_of_report_is_sent_on_a_day_it_can_be_sent_on(kind: ReportKind) -> None:
    assert USUAL[kind].day in days_of(kind)
    assert AUDIENCE[kind]


def test_the_underwriting_table_comes_by_the_second() -> None:
    assert list(days_of(ReportKind.MONTHLY_UNDERWRITING)) == [1, 2]
    assert list(days_of(ReportKind.WEEKLY_CLAIMS)) == list(range(7))
    assert list(days_of(ReportKind.ANNUAL_SERVICE)) == list(range(1, 29))
