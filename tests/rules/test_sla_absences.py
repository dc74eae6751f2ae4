"""When somebody is away: single stretches, nights that repeat, what cannot be, what overlaps."""

from datetime import UTC, date, datetime, timedelta

import pytest

from service_desk.base.errors import Invalid
from service_desk.rules.sla.absences import AwayTimes, Window, check_times, common_window

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def china(text: str) -> datetime:
    """`11-23 18:00` of 2026 in Zhengzhou."""
    return datetime.strptime(f"2026-{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


NIGHTS = AwayTimes(china("11-23 18:00"), china("11-24 08:30"), date(2026, 11, 25))


def test_a_single_absence_has_one_window_whose_end_is_not_in_it() -> None:
    leave = AwayTimes(NOW, NOW + DAY)

    assert list(leave.windows()) == [Window(NOW, NOW + DAY)]
    assert leave.window_at(NOW) is not None
    assert leave.window_at(NOW + DAY) is None
    assert leave.window_after(NOW + DAY) is None


def test_nights_repeat_by_wall_clock_and_cross_midnight_until_their_last_day() -> None:
    assert list(NIGHTS.windows()) == [
        Window(china("11-23 18:00"), china("11-24 08:30")),
        Window(china("11-24 18:00"), china("11-25 08:30")),
        Window(china("11-25 18:00"), china("11-26 08:30")),
    ]
    assert NIGHTS.window_at(china("11-25 03:00")) == Window(china("11-24 18:00"), china("11-25 08:30"))
    assert NIGHTS.window_at(china("11-25 12:00")) is None
    assert NIGHTS.window_after(china("11-24 08:30")) == Window(china("11-24 18:00"), china("11-25 08:30"))


@pytest.mark.parametrize(
    ("times", "code", "field"),
    [
        (AwayTimes(NOW, NOW), "absence_ends_first", "to_at"),
        (AwayTimes(NOW + DAY, NOW), "absence_ends_first", "to_at"),
        (AwayTimes(NOW - HOUR - timedelta(seconds=1), NOW + DAY), "absence_past", "from_at"),
        (AwayTimes(NOW - HOUR, NOW), "absence_over", "to_at"),
        (AwayTimes(NOW, NOW + 367 * DAY), "absence_too_long", "to_at"),
        (
            AwayTimes(NOW, NOW + DAY + timedelta(seconds=1), date(2026, 12, 1)),
            "absence_repeats_too_long",
            "to_at",
        ),
        (AwayTimes(NOW, NOW + HOUR, date(2026, 11, 22)), "absence_repeats_too_early", "repeats_until_on"),
        (AwayTimes(NOW, NOW + HOUR, date(2027, 11, 25)), "absence_too_long", "repeats_until_on"),
    ],
)
def test_refuses_what_cannot_be_with_the_field(times: AwayTimes, code: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_times(times, NOW)

    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    "times",
    [
        AwayTimes(NOW - HOUR, NOW + DAY),
        AwayTimes(NOW, NOW + 366 * DAY),
        AwayTimes(NOW, NOW + DAY, date(2026, 11, 30)),
        NIGHTS,
    ],
)
def test_allows_the_edges(times: AwayTimes) -> None:
    check_times(times, NOW)


@pytest.mark.parametrize(
    ("other", "at"),
    [
        (AwayTimes(china("11-24 08:30"), china("11-24 18:00")), None),
        (AwayTimes(china("11-26 08:30"), china("11-30 08:30")), None),
        (AwayTimes(china("11-24 08:00"), china("11-24 12:00")), "11-24 08:00"),
        (AwayTimes(china("11-25 12:00"), china("11-29 12:00")), "11-25 18:00"),
        (AwayTimes(china("11-23 12:00"), china("11-23 18:01"), date(2026, 11, 24)), "11-23 18:00"),
        (AwayTimes(china("11-20 08:30"), china("11-20 18:00"), date(2026, 12, 20)), None),
    ],
)
def test_finds_what_two_absences_have_in_common(other: AwayTimes, at: str | None) -> None:
    for one, two in ((NIGHTS, other), (other, NIGHTS)):
        window = common_window(one, two, after=NOW)
        assert (window.from_at if window else None) == (china(at) if at else None)


def test_what_is_over_is_no_overlap() -> None:
    leave = AwayTimes(china("11-23 20:00"), china("11-24 20:00"))

    window = common_window(NIGHTS, leave, after=china("11-24 08:30"))

    assert window == Window(china("11-24 18:00"), china("11-24 20:00"))
