"""The working calendar at its edges: closings, nights, daylight saving, far years, refused input."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service_desk.base.clock import CHINA
from service_desk.base.errors import Invalid
from service_desk.rules.calendar import WorkingCalendar, always_open, calendar_from_json

OFFICE_DAY = [["08:30", "12:00"], ["13:30", "17:30"]]
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_DAY)


def office(**changes: Any) -> WorkingCalendar:
    return calendar_from_json({"tz": "Asia/Shanghai", "week": WEEK} | changes)


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def test_a_sum_that_ends_at_a_closing_is_due_there_and_one_second_more_after_the_weekend() -> None:
    friday = china("2026-11-20 13:30")

    assert office().add(friday, 4 * 3600) == china("2026-11-20 17:30")
    assert office().add(friday, 4 * 3600 + 1) == china("2026-11-23 08:30:01")


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-20 08:29:59", False),
        ("2026-11-20 08:30", True),
        ("2026-11-20 11:59:59", True),
        ("2026-11-20 12:00", False),
        ("2026-11-21 09:00", False),
    ],
)
def test_an_interval_includes_its_opening_and_not_its_closing(moment: str, is_open: bool) -> None:
    assert office().is_open(china(moment)) is is_open


def test_adding_nothing_gives_the_next_open_instant() -> None:
    assert office().add(china("2026-11-20 12:00"), 0) == china("2026-11-20 13:30")
    assert office().next_opening(china("2026-11-20 17:30")) == china("2026-11-23 08:30")
    assert office().next_opening(china("2026-11-20 09:00")) == china("2026-11-20 09:00")


def test_taking_nothing_away_stays_at_a_closing_and_leaves_closed_time_backwards() -> None:
    assert office().sub(china("2026-11-20 17:30"), 0) == china("2026-11-20 17:30")
    assert office().sub(china("2026-11-22 10:00"), 0) == china("2026-11-20 17:30")


def test_a_make_up_saturday_beats_the_holiday_it_is_also_listed_as() -> None:
    calendar = office(holidays=["2026-02-14", "2026-02-16"], extra={"2026-02-14": [["09:00", "10:00"]]})

    assert calendar.between(china("2026-02-13 17:30"), china("2026-02-17 08:30")) == 3600


def test_a_date_with_no_hours_of_its_own_is_closed() -> None:
    calendar = office(extra={"2026-11-20": []})

    assert calendar.is_rest_day(date(2026, 11, 20))
    assert calendar.add(china("2026-11-19 17:00"), 3600) == china("2026-11-23 09:00")


def test_a_night_shift_belongs_to_the_date_it_starts_on() -> None:
    calendar = office(week={"fri": [["22:00", "06:00"]]}, holidays=["2026-11-28"])

    assert calendar.is_open(china("2026-11-28 05:59"))
    assert not calendar.is_open(china("2026-11-27 05:59"))
    assert calendar.add(china("2026-11-27 23:00"), 2 * 3600) == china("2026-11-28 01:00")


def test_a_night_shift_over_new_year_is_whole_from_both_sides() -> None:
    calendar = office(week={key: [["22:00", "06:00"]] for key in WEEK})
    last_night, morning = china("2026-12-31 22:00"), china("2027-01-01 06:00")

    assert calendar.between(last_night, morning) == 8 * 3600
    assert calendar.sub(morning, 8 * 3600) == last_night


def test_overlapping_intervals_count_a_shared_minute_once() -> None:
    calendar = office(
        week={
            "mon": [["09:00", "12:00"], ["11:00", "13:00"], ["20:00", "24:00"]],
            "tue": [["00:00", "01:00"]],
        }
    )

    assert calendar.between(china("2026-11-16 00:00"), china("2026-11-18 00:00")) == 9 * 3600
    assert calendar.is_open(china("2026-11-17 00:00"))


def test_a_skipped_local_hour_has_no_minutes_and_a_repeated_one_counts_twice() -> None:
    calendar = calendar_from_json({"tz": "Europe/Paris", "week": {"sun": [["01:00", "04:00"]]}})
    spring, autumn = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)

    assert calendar.between(spring - timedelta(days=1), spring + timedelta(days=1)) == 2 * 3600
    assert calendar.between(autumn - timedelta(days=1), autumn + timedelta(days=1)) == 4 * 3600


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Shanghai", date(2026, 3, 29), 24),
    ],
)
def test_the_day_the_clocks_change_has_the_hours_it_has(zone: str, day: date, hours: float) -> None:
    calendar = always_open(ZoneInfo(zone))
    midnight = datetime.combine(day, time(), ZoneInfo(zone))
    next_midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))

    assert calendar.between(midnight, next_midnight) == hours * 3600
    assert calendar.add(midnight, int(hours * 3600)) == next_midnight
    assert calendar.sub(next_midnight, int(hours * 3600)) == midnight


def test_a_working_day_over_the_changed_clock_keeps_its_hours_by_the_wall() -> None:
    week = {"sun": [["00:00", "06:00"]], "mon": [["09:00", "17:00"]]}
    calendar = calendar_from_json({"tz": "America/New_York", "week": week})
    sunday = datetime(2026, 3, 8, tzinfo=ZoneInfo("America/New_York"))

    assert calendar.add(sunday, 5 * 3600) == sunday.replace(hour=6)
    assert calendar.add(sunday, 5 * 3600 + 1) == datetime(2026, 3, 9, 13, 0, 1, tzinfo=UTC)


def test_the_29th_of_february_is_a_working_day_like_others() -> None:
    monday = china("2028-02-28 13:30")

    assert office().add(monday, 4 * 3600 + 7 * 3600 + 1800) == china("2028-02-29 17:30")
    assert office().between(china("2028-02-01 00:00"), china("2028-03-01 00:00")) == 21 * 27_000


def test_the_turn_of_2026_is_crossed_with_its_holiday_and_make_up_day() -> None:
    calendar = office(holidays=["2027-01-01"], extra={"2027-01-03": OFFICE_DAY})
    thursday = china("2026-12-31 16:30")

    assert calendar.add(thursday, 3600) == china("2026-12-31 17:30")
    assert calendar.add(thursday, 3601) == china("2027-01-03 08:30:01")
    assert calendar.between(thursday, china("2027-01-05 00:00")) == 3600 + 2 * 27_000
    assert calendar.sub(china("2027-01-03 08:30:01"), 3601) == thursday


def test_an_interval_inside_the_repeated_hour_opens_twice() -> None:
    calendar = calendar_from_json({"tz": "Europe/Paris", "week": {"sun": [["02:00", "02:30"]]}})
    first = datetime(2026, 10, 25, 2, 10, tzinfo=ZoneInfo("Europe/Paris"))

    assert calendar.is_open(first)
    assert not calendar.is_open(first.replace(minute=40))
    assert calendar.is_open(first.replace(fold=1))


def test_a_date_the_zone_left_out_has_no_hours() -> None:
    calendar = calendar_from_json({"tz": "Pacific/Apia", "week": {"fri": [["00:00", "24:00"]]}})
    december = datetime(2011, 12, 25, tzinfo=UTC)

    assert calendar.between(december, december + timedelta(days=10)) == 0


def test_pauses_may_overlap_come_unordered_and_reach_outside() -> None:
    pauses = [
        (china("2026-11-20 10:00"), china("2026-11-20 11:00")),
        (china("2026-11-20 07:00"), china("2026-11-20 09:00")),
        (china("2026-11-20 10:30"), china("2026-11-20 11:30")),
        (china("2026-11-20 11:45"), china("2026-11-20 11:45")),
    ]
    start = china("2026-11-20 08:30")

    assert office().between(start, china("2026-11-20 12:00"), pauses) == 5400
    assert office().add(start, 5400, pauses) == china("2026-11-20 12:00")
    assert office().sub(china("2026-11-20 12:00"), 5400, pauses) == china("2026-11-20 09:00")


def test_the_clock_is_not_open_in_a_pause_and_opens_when_it_ends() -> None:
    pauses = [(china("2026-11-20 10:00"), china("2026-11-20 12:00"))]

    assert not office().is_open(china("2026-11-20 10:00"), pauses)
    assert office().next_opening(china("2026-11-20 10:00"), pauses) == china("2026-11-20 13:30")
    assert office().sub(china("2026-11-20 13:00"), 0, pauses) == china("2026-11-20 10:00")


def test_a_sum_reached_where_a_pause_begins_is_due_there() -> None:
    pauses = [(china("2026-11-20 09:30"), china("2026-11-20 11:00"))]

    assert office().add(china("2026-11-20 08:30"), 3600, pauses) == china("2026-11-20 09:30")


def test_a_reversed_question_is_worth_nothing() -> None:
    assert office().between(china("2026-11-20 12:00"), china("2026-11-20 09:00")) == 0


def test_thirty_years_of_working_time_come_back_to_the_same_second() -> None:
    start, seconds = china("2026-11-20 09:00"), 30 * 250 * 27_000 + 1

    far = office().add(start, seconds)

    assert office().sub(far, seconds) == start
    assert office().between(start, far) == seconds


def test_a_naive_instant_is_an_error() -> None:
    with pytest.raises(ValueError, match="naive"):
        office().add(datetime(2026, 11, 20, 9), 60)


def test_a_naive_end_of_a_pause_is_an_error() -> None:
    start = china("2026-11-20 09:00")

    with pytest.raises(ValueError, match="naive"):
        office().between(start, start, [(start, datetime(2026, 11, 20, 10))])


def test_a_negative_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="negative"):
        office().add(china("2026-11-20 09:00"), -1)


@pytest.mark.parametrize("week", [{}, {"mon": []}])
def test_a_calendar_that_never_opens_is_refused(week: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="calendar_never_open"):
        office(week=week, extra={"2026-11-20": []})


def test_a_calendar_of_dated_hours_alone_runs_out_instead_of_searching_for_ever() -> None:
    calendar = office(week={}, extra={"2026-11-20": [["09:00", "10:00"]]})

    assert calendar.add(china("2026-01-01 00:00"), 3600) == china("2026-11-20 10:00")
    with pytest.raises(Invalid, match="calendar_runs_out"):
        calendar.add(china("2026-01-01 00:00"), 3601)
    with pytest.raises(Invalid, match="calendar_runs_out"):
        calendar.sub(china("2026-11-20 10:00"), 3601)


def test_dated_hours_far_from_the_question_are_still_found() -> None:
    calendar = office(week={}, extra={"2041-11-20": [["09:00", "10:00"]]})

    assert calendar.next_opening(china("2026-01-01 00:00")) == china("2041-11-20 09:00")


@pytest.mark.parametrize("moment", [datetime.min, datetime.max])
def test_the_ends_of_time_are_refused(moment: datetime) -> None:
    with pytest.raises(Invalid, match="calendar_runs_out"):
        office().is_open(moment.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tz": "Asia/Zhengzhou"}, "calendar_zone_unknown"),
        ({"tz": "../etc/passwd"}, "calendar_zone_unknown"),
        ({"week": {"monday": OFFICE_DAY}}, "calendar_weekday_unknown"),
        ({"week": {"mon": [["8:30", "12:00"]]}}, "calendar_hours_invalid"),
        ({"week": {"mon": [["24:00", "12:00"]]}}, "calendar_hours_invalid"),
        ({"week": {"mon": [["09:00", "24:01"]]}}, "calendar_hours_invalid"),
        ({"week": {"mon": [["09:00"]]}}, "calendar_hours_invalid"),
        ({"week": {"mon": "09:00-12:00"}}, "calendar_hours_invalid"),
        ({"week": []}, "calendar_hours_invalid"),
        ({"holidays": ["2026-02-30"]}, "calendar_date_invalid"),
        ({"holidays": "2026-02-03"}, "calendar_date_invalid"),
        ({"extra": {"someday": OFFICE_DAY}}, "calendar_date_invalid"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused_with_its_reason(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        office(**changes)

    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("week", "hours"),
    [
        (WEEK, 7.5),
        (WEEK | {"sat": [["08:30", "12:00"]]}, 7.5),
        ({"mon": [["09:00", "17:00"]], "tue": [["09:00", "13:00"]]}, 8),
        ({"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}, 4),
    ],
)
def test_the_standard_day_is_the_commonest_weekday(week: dict[str, Any], hours: float) -> None:
    assert office(week=week).standard_day_seconds == hours * 3600


def test_round_the_clock_time_is_elapsed_time() -> None:
    start = china("2026-11-20 23:00")

    assert always_open().add(start, 7200) == start + timedelta(hours=2)
    assert always_open().standard_day_seconds == 86_400
