"""Spans of days: by name, what each is compared with, their weeks and months, the trend around them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from service_desk.rules.periods import (
    Cut,
    Period,
    Preset,
    before,
    cut,
    month_of,
    months_after,
    period_of,
    trend,
)

# A Monday.
TODAY = date(2026, 11, 23)


def days(first: str, last: str) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("preset", "today", "expected"),
    [
        (Preset.THIS_WEEK, TODAY, days("2026-11-23", "2026-11-29")),
        (Preset.THIS_WEEK, date(2026, 11, 29), days("2026-11-23", "2026-11-29")),
        (Preset.LAST_WEEK, TODAY, days("2026-11-16", "2026-11-22")),
        (Preset.THIS_WEEK, date(2027, 1, 1), days("2026-12-28", "2027-01-03")),
        (Preset.THIS_MONTH, TODAY, days("2026-11-01", "2026-11-30")),
        (Preset.LAST_MONTH, date(2027, 1, 31), days("2026-12-01", "2026-12-31")),
        (Preset.LAST_MONTH, date(2028, 3, 31), days("2028-02-01", "2028-02-29")),
        (Preset.THIS_QUARTER, TODAY, days("2026-10-01", "2026-12-31")),
        (Preset.LAST_QUARTER, TODAY, days("2026-07-01", "2026-09-30")),
        (Preset.LAST_QUARTER, date(2028, 3, 31), days("2027-10-01", "2027-12-31")),
        (Preset.LAST_90_DAYS, TODAY, days("2026-08-26", "2026-11-23")),
        (Preset.THIS_YEAR, TODAY, days("2026-01-01", "2026-12-31")),
    ],
)
def test_a_period_by_name(preset: Preset, today: date, expected: Period) -> None:
    assert period_of(preset, today) == expected


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (days("2026-11-23", "2026-11-29"), days("2026-11-16", "2026-11-22")),
        (days("2026-03-01", "2026-03-31"), days("2026-02-01", "2026-02-28")),
        (days("2027-02-01", "2027-02-28"), days("2027-01-01", "2027-01-31")),
        (days("2026-01-01", "2026-03-31"), days("2025-10-01", "2025-12-31")),
        (days("2026-01-01", "2026-12-31"), days("2025-01-01", "2025-12-31")),
        (days("2026-08-26", "2026-11-23"), days("2026-05-28", "2026-08-25")),
        (days("2026-11-24", "2026-11-24"), days("2026-11-23", "2026-11-23")),
    ],
)
def test_a_period_is_compared_with_the_one_before_it(period: Period, expected: Period) -> None:
    assert before(period) == expected


def test_weeks_and_months_are_cut_at_the_ends_of_the_span_and_leave_no_day_out() -> None:
    span = days("2026-10-28", "2026-11-23")

    weeks, months = cut(span, Cut.WEEK, TODAY), cut(span, Cut.MONTH, TODAY)

    assert weeks == [
        days("2026-10-28", "2026-11-01"),
        days("2026-11-02", "2026-11-08"),
        days("2026-11-09", "2026-11-15"),
        days("2026-11-16", "2026-11-22"),
        days("2026-11-23", "2026-11-23"),
    ]
    assert months == [days("2026-10-28", "2026-10-31"), days("2026-11-01", "2026-11-23")]


def test_weeks_that_have_not_begun_are_left_out_but_for_the_first() -> None:
    assert cut(days("2026-11-16", "2026-12-06"), Cut.WEEK, TODAY) == [
        days("2026-11-16", "2026-11-22"),
        days("2026-11-23", "2026-11-29"),
    ]
    assert cut(days("2027-01-01", "2027-12-31"), Cut.MONTH, TODAY) == [days("2027-01-01", "2027-01-31")]


def test_a_trend_is_of_whole_weeks_up_to_a_quarter_and_of_months_beyond() -> None:
    by, weeks = trend(days("2026-11-18", "2026-11-20"), TODAY)
    assert (by, len(weeks), weeks[-1]) == (Cut.WEEK, 8, days("2026-11-16", "2026-11-22"))

    by, months = trend(days("2026-08-22", "2026-11-22"), TODAY)
    assert (by, len(months), months[-1]) == (Cut.MONTH, 6, days("2026-11-01", "2026-11-30"))
    assert [part.first.month for part in months] == [6, 7, 8, 9, 10, 11]


def test_a_period_lies_between_instants_of_its_zone() -> None:
    start, end = days("2026-11-23", "2026-11-23").instants(ZoneInfo("Asia/Shanghai"))

    assert start == datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert end == datetime(2026, 11, 23, 16, tzinfo=UTC)


def test_a_period_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="ends before"):
        days("2026-11-23", "2026-11-22")


@pytest.mark.parametrize(
    ("day", "months", "first", "last"),
    [
        (date(2026, 11, 23), 0, "2026-11-01", "2026-11-30"),
        (date(2026, 1, 31), 1, "2026-02-01", "2026-02-28"),
        (date(2028, 2, 29), -12, "2027-02-01", "2027-02-28"),
        (date(2026, 12, 1), 1, "2027-01-01", "2027-01-31"),
        (date(2026, 1, 1), -1, "2025-12-01", "2025-12-31"),
    ],
)
def test_months_before_and_after(day: date, months: int, first: str, last: str) -> None:
    assert months_after(day, months) == days(first, last)


def test_the_month_of_a_day_is_whole() -> None:
    assert month_of(date(2028, 2, 10)) == days("2028-02-01", "2028-02-29")
