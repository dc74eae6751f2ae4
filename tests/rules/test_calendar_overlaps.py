"""Hours that share time are found wherever they meet: in a day, over midnight, over the week's end, at dates."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.rules.calendar import calendar_from_json, differences, find_overlaps, hours_from_json
from service_desk.rules.calendar.hours import WEEKDAYS

NIGHT = ["22:00", "06:00"]


def clashes(week: dict, holidays: tuple[str, ...] = (), extra: dict | None = None) -> list[tuple]:
    found = find_overlaps(hours_from_json(week, holidays, extra or {}))
    return [(clock(one.earlier), clock(one.later)) for one in found]


def clock(placed) -> tuple[str, str]:
    opens, closes = (f"{at // 3600 % 24:02}:{at // 60 % 60:02}" for at in placed.span)
    return str(placed.on), f"{opens}-{closes}"


@pytest.mark.parametrize(
    "week",
    [
        {"mon": [["08:30", "12:00"], ["13:30", "17:30"]]},
        {"mon": [["08:30", "12:00"], ["12:00", "17:30"]]},
        {"mon": [NIGHT], "tue": [["06:00", "12:00"]]},
        {"sun": [NIGHT], "mon": [["06:00", "22:00"], NIGHT]},
        {name: [["08:00", "08:00"]] for name in WEEKDAYS},
        {name: [["00:00", "24:00"]] for name in WEEKDAYS},
    ],
)
def test_hours_that_only_touch_share_nothing(week) -> None:
    assert clashes(week) == []


@pytest.mark.parametrize(
    ("week", "earlier", "later"),
    [
        ({"mon": [["11:00", "13:00"], ["09:00", "11:01"]]}, ("mon", "09:00-11:01"), ("mon", "11:00-13:00")),
        ({"mon": [["09:00", "12:00"]] * 2}, ("mon", "09:00-12:00"), ("mon", "09:00-12:00")),
        ({"fri": [["20:00", "02:00"], ["23:00", "24:00"]]}, ("fri", "20:00-02:00"), ("fri", "23:00-00:00")),
        ({"mon": [NIGHT], "tue": [["05:59", "12:00"]]}, ("mon", "22:00-06:00"), ("tue", "05:59-12:00")),
        ({"sun": [NIGHT], "mon": [["05:00", "08:00"]]}, ("sun", "22:00-06:00"), ("mon", "05:00-08:00")),
        (
            {"sat": [["10:00", "09:00"]], "sun": [["08:00", "09:00"]]},
            ("sat", "10:00-09:00"),
            ("sun", "08:00-09:00"),
        ),
    ],
)
def test_both_spans_are_named(week, earlier, later) -> None:
    assert clashes(week) == [(earlier, later)]


def test_a_short_span_does_not_hide_a_long_one_that_reaches_further() -> None:
    week = {"mon": [["09:00", "17:00"], ["17:30", "18:00"]], "sun": [["20:00", "17:45"]]}
    assert clashes(week) == [
        (("sun", "20:00-17:45"), ("mon", "09:00-17:00")),
        (("sun", "20:00-17:45"), ("mon", "17:30-18:00")),
    ]


class TestDates:
    def test_a_night_runs_into_the_own_hours_of_the_next_date(self) -> None:
        found = clashes({"fri": [NIGHT]}, extra={"2026-11-28": [["05:00", "12:00"]]})
        assert found == [(("2026-11-27", "22:00-06:00"), ("2026-11-28", "05:00-12:00"))]

    def test_the_own_night_of_a_date_runs_into_the_week(self) -> None:
        found = clashes({"mon": [["05:00", "12:00"]]}, extra={"2026-11-22": [NIGHT]})
        assert found == [(("2026-11-22", "22:00-06:00"), ("2026-11-23", "05:00-12:00"))]

    def test_a_holiday_breaks_a_clash_of_no_week(self) -> None:
        assert clashes({"fri": [NIGHT]}, ("2026-11-27",), {"2026-11-28": [["05:00", "12:00"]]}) == []

    def test_what_the_week_says_itself_is_told_once(self) -> None:
        week = {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}
        assert len(clashes(week, ("2026-11-22", "2026-11-24"))) == 1

    def test_over_the_turn_of_the_year(self) -> None:
        found = clashes({}, extra={"2026-12-31": [NIGHT], "2027-01-01": [["00:00", "24:00"]]})
        assert found == [(("2026-12-31", "22:00-06:00"), ("2027-01-01", "00:00-00:00"))]

    def test_over_a_leap_day(self) -> None:
        over = {"2028-02-28": [NIGHT], "2028-02-29": [["05:00", "23:00"]], "2028-03-01": [["00:00", "01:00"]]}
        assert clashes({}, extra=over) == [(("2028-02-28", "22:00-06:00"), ("2028-02-29", "05:00-23:00"))]
        common = {"2027-02-28": [NIGHT], "2027-03-01": [["05:00", "23:00"]]}
        assert clashes({}, extra=common) == [(("2027-02-28", "22:00-06:00"), ("2027-03-01", "05:00-23:00"))]


def test_hours_on_both_sides_of_a_change_of_the_clocks_share_nothing_of_the_instants() -> None:
    week = {"sun": [["01:00", "02:30"], ["02:30", "04:00"]]}
    calendar = calendar_from_json({"tz": "Europe/Paris", "week": week})
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)

    assert clashes(week) == []
    # Each of the two spans holds half of the repeated hour, once in summer time and once in winter time.
    assert calendar.between(autumn, autumn + timedelta(days=1)) == 4 * 3600


CLOCKS = st.integers(0, 23).map("{:02}:00".format)
WEEKS = st.fixed_dictionaries({name: st.lists(st.tuples(CLOCKS, CLOCKS), max_size=2) for name in WEEKDAYS})


@given(WEEKS.filter(lambda week: any(week.values())))
def test_without_an_overlap_a_week_has_all_the_hours_written_and_with_one_it_has_fewer(week) -> None:
    hours = hours_from_json(week, (), {})
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    worked = calendar_from_json({"tz": "UTC", "week": week}).between(monday, monday + timedelta(days=7))
    written = sum(closes - opens for spans in hours.week for opens, closes in spans)

    assert (worked == written) is not bool(find_overlaps(hours))


def test_versions_differ_in_their_weekdays_their_dates_and_the_year_announced() -> None:
    old = {"week": {"mon": [NIGHT]}, "holidays": ["2026-10-01"], "extra": {}, "announced_to": 2026}
    new = {
        "week": {"mon": [NIGHT], "sat": [["09:00", "12:00"]]},
        "holidays": ["2026-12-24"],
        "extra": {"2026-10-01": [["09:00", "12:00"]]},
        "announced_to": 2027,
    }

    found = differences(old, new)

    assert [(one.weekday, one.before, one.after) for one in found.week] == [("sat", [], [["09:00", "12:00"]])]
    assert [(one.day, one.before, one.after) for one in found.days] == [
        (date(2026, 10, 1), [], [["09:00", "12:00"]]),
        (date(2026, 12, 24), None, []),
    ]
    assert found.announced_to == (2026, 2027)
    assert not differences(new, new)
