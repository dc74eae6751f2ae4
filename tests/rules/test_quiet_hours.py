"""Quiet hours and the digest's time: every edge, over midnight, and where the clock leaps."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.rules.quiet_hours import QuietHours, digest_day, quiet_until

CHINA = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
NIGHT = QuietHours(time(22), time(7))
NOON = QuietHours(time(12), time(13, 30))


def at(text: str, zone: ZoneInfo = CHINA, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("quiet", "asked", "until"),
    [
        (NIGHT, "2026-11-23 21:59:59", None),
        (NIGHT, "2026-11-23 22:00", "2026-11-24 07:00"),
        (NIGHT, "2026-11-23 23:59:59", "2026-11-24 07:00"),
        (NIGHT, "2026-11-24 00:00", "2026-11-24 07:00"),
        (NIGHT, "2026-11-24 06:59:59", "2026-11-24 07:00"),
        (NIGHT, "2026-11-24 07:00", None),
        (NIGHT, "2026-12-31 23:00", "2027-01-01 07:00"),
        (NOON, "2026-11-23 11:59", None),
        (NOON, "2026-11-23 12:00", "2026-11-23 13:30"),
        (NOON, "2026-11-23 13:30", None),
        (None, "2026-11-23 23:00", None),
    ],
)
def test_what_comes_in_quiet_hours_waits_for_their_end(quiet, asked, until) -> None:
    assert quiet_until(at(asked), quiet, CHINA) == (until and at(until))


def test_the_wall_clock_counts_where_it_leaps() -> None:
    """In New York the night of 8 March 2026 has no 02:30, that of 1 November has two 01:30."""
    spring, autumn = QuietHours(time(22), time(2, 30)), QuietHours(time(22), time(1, 30))

    # Nine wall hours of the night are eight, or ten, real ones.
    assert quiet_until(at("2026-03-07 22:00", NEW_YORK), NIGHT, NEW_YORK) == at("2026-03-08 07:00", NEW_YORK)
    assert quiet_until(at("2026-10-31 22:00", NEW_YORK), NIGHT, NEW_YORK) == at("2026-11-01 07:00", NEW_YORK)
    assert quiet_until(at("2026-03-08 01:00", NEW_YORK), spring, NEW_YORK) == at("2026-03-08 03:30", NEW_YORK)
    first, second = (at("2026-11-01 01:10", NEW_YORK, fold) for fold in (0, 1))
    assert quiet_until(first, autumn, NEW_YORK) == at("2026-11-01 01:30", NEW_YORK)
    assert quiet_until(second, autumn, NEW_YORK) == at("2026-11-01 01:30", NEW_YORK, 1)


@given(
    st.times(),
    st.times(),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
    st.sampled_from([CHINA, NEW_YORK, ZoneInfo("Australia/Lord_Howe")]),
)
def test_the_end_comes_within_a_day_and_is_not_quiet_itself(begins, ends, moment, zone) -> None:
    quiet = QuietHours(begins.replace(fold=0), ends.replace(fold=0))

    until = quiet_until(moment, quiet, zone)

    if quiet.hold(moment.astimezone(zone).time()):
        assert until is not None
        assert moment < until
        assert (until - moment).total_seconds() <= 25 * 3600
        assert quiet_until(until, quiet, zone) is None
    else:
        assert until is None


def test_a_digest_is_due_from_its_time_to_the_end_of_the_day() -> None:
    assert digest_day(at("2026-11-23 07:59:59"), time(8), CHINA) is None
    assert digest_day(at("2026-11-23 08:00"), time(8), CHINA) == date(2026, 11, 23)
    assert digest_day(at("2026-11-23 23:59"), time(8), CHINA) == date(2026, 11, 23)
    assert digest_day(at("2026-11-24 00:00"), time(8), CHINA) is None
