"""The coverage ratio over days: M05, what a day is judged by, and that a period is the mean of its days."""

from datetime import date, datetime, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from service_desk.base.clock import end_of_day, start_of_day
from service_desk.rules.cover_calendar import LayerPeriod, missing_layers
from service_desk.rules.cover_needs import CoverNeeds, needs_on
from service_desk.rules.cover_ratio import (
    DayGrid,
    Stay,
    VehicleDays,
    VehicleHistory,
    days_of,
    needs_by_day,
    ratios_of,
)
from service_desk.rules.metrics import Ratio
from service_desk.rules.vocabulary import CoverCode, UseClass

CTPL, TPL, OWN_DAMAGE, CARRIER = CoverCode
FIRST = date(2026, 11, 1)
DAYS = 30
LAST = FIRST + timedelta(days=DAYS - 1)
LATER = end_of_day(LAST) + timedelta(days=40)
EVER = start_of_day(date(2020, 1, 1))
USUAL_NEEDS = needs_on([], 1, FIRST)
FULL = [LayerPeriod(EVER, LATER, layer) for layer in (CTPL, TPL, CARRIER)]


def day(number: int, hour: int = 0) -> datetime:
    """An hour of the period's day, counted from 1."""
    return start_of_day(FIRST + timedelta(days=number - 1)) + timedelta(hours=hour)


def vehicle(
    periods: list[LayerPeriod], operating: list[Stay] | None = None, branches: list[Stay] | None = None
) -> VehicleHistory:
    on_road = [Stay(EVER, None, "operating")] if operating is None else operating
    return VehicleHistory(1, UseClass.COACH, on_road, branches or [Stay(EVER, None, 1)], periods)


def counted(
    vehicles: list[VehicleHistory], first: date = FIRST, last: date = LAST, now: datetime = LATER
) -> list[VehicleDays]:
    grid = DayGrid(first, last, now)
    needed = needs_by_day(grid, [(first, USUAL_NEEDS)])
    return [one for each in vehicles for one in days_of(each, grid, needed)]


def total(vehicles: list[VehicleHistory], first: date = FIRST, last: date = LAST) -> Ratio:
    return sum(ratios_of(counted(vehicles, first, last)).values(), Ratio())


def test_m05_suspended_vehicles_are_out_of_the_denominator() -> None:
    fleet = [
        *[vehicle(FULL)] * 1174,
        *[vehicle(FULL[:2])] * 6,
        *[vehicle(FULL, operating=[])] * 22,
    ]
    ratio = total(fleet, FIRST, FIRST)
    assert (ratio, str(ratio.percent(2))) == (Ratio(1174, 1180), "99.49")
    assert ratio.whole - ratio.part == 6


def test_a_day_counts_as_it_ended() -> None:
    gone_at_noon = [LayerPeriod(EVER, day(3, 12), CTPL), *FULL[1:]]
    back_at_noon = [LayerPeriod(day(3, 12), LATER, CTPL), *FULL[1:]]
    assert total([vehicle(gone_at_noon)]) == Ratio(2, 30)
    assert total([vehicle(back_at_noon)]) == Ratio(28, 30)


def test_cover_to_the_end_of_a_day_covers_it() -> None:
    assert total([vehicle([LayerPeriod(EVER, day(4), CTPL), *FULL[1:]])]) == Ratio(3, 30)


def test_the_running_day_is_judged_by_now_and_later_days_are_left_out() -> None:
    ends_tonight = vehicle([LayerPeriod(EVER, day(3, 15), CTPL), *FULL[1:]])
    assert counted([ends_tonight], now=day(3, 9)) == [VehicleDays(1, 1, 3, 3)]
    assert counted([ends_tonight], now=day(3, 16)) == [VehicleDays(1, 1, 3, 2)]


def test_days_go_to_the_branch_of_the_day() -> None:
    moved = vehicle(FULL[:2], branches=[Stay(EVER, day(11, 8), 1), Stay(day(11, 8), None, 2)])
    assert counted([moved]) == [VehicleDays(1, 1, 10, 0), VehicleDays(1, 2, 20, 0)]


def test_a_suspended_time_is_neither_covered_nor_missed() -> None:
    stood = vehicle([], operating=[Stay(EVER, day(6), "operating"), Stay(day(21), None, "operating")])
    assert total([stood]) == Ratio(0, 15)


def test_what_is_needed_changes_within_the_period() -> None:
    needs = [(FIRST, USUAL_NEEDS), (FIRST + timedelta(days=10), only(CTPL, TPL))]
    grid = DayGrid(FIRST, LAST, LATER)
    assert days_of(vehicle(FULL[:2]), grid, needs_by_day(grid, needs)) == [VehicleDays(1, 1, 30, 20)]


def only(*layers: CoverCode) -> CoverNeeds:
    return CoverNeeds(dict.fromkeys(UseClass, layers))


_hours = st.integers(-72, DAYS * 24 + 72)


@st.composite
def stretches(draw: st.DrawFn) -> tuple[datetime, datetime]:
    start = day(1) + timedelta(hours=draw(_hours))
    return start, start + timedelta(hours=draw(st.integers(1, 500)))


@st.composite
def histories(draw: st.DrawFn) -> VehicleHistory:
    periods = [
        LayerPeriod(start, end, layer)
        for layer in (CTPL, TPL, CARRIER)
        for start, end in draw(st.lists(stretches(), max_size=3))
    ]
    on_road = [Stay(start, end, "operating") for start, end in draw(st.lists(stretches(), max_size=2))]
    moved_at = day(1) + timedelta(hours=draw(_hours))
    return vehicle(periods, on_road, [Stay(EVER, moved_at, 1), Stay(moved_at, None, 2)])


@settings(deadline=None)
@given(st.lists(histories(), max_size=5))
def test_a_period_is_the_mean_of_its_days_weighted_by_the_vehicles_on_the_road(
    fleet: list[VehicleHistory],
) -> None:
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    for branch_id in (1, 2):
        of_days = [ratios_of(counted(fleet, one, one)).get(branch_id, Ratio()) for one in days]
        assert sum(of_days, Ratio()) == ratios_of(counted(fleet)).get(branch_id, Ratio())


@settings(deadline=None)
@given(st.lists(stretches(), max_size=4), st.integers(1, 4))
def test_of_a_constant_fleet_a_period_is_exactly_the_mean_of_its_days(
    covered: list[tuple[datetime, datetime]], size: int
) -> None:
    gappy = vehicle([*(LayerPeriod(*one, CTPL) for one in covered), *FULL[1:]])
    fleet = [gappy, *[vehicle(FULL)] * size]
    days = [total(fleet, one, one) for one in (FIRST + timedelta(days=n) for n in range(DAYS))]
    whole = total(fleet)
    assert {one.whole for one in days} == {size + 1}
    mean = sum(Fraction(one.part, one.whole) for one in days) / DAYS
    assert Fraction(whole.part, whole.whole) == mean


@settings(deadline=None)
@given(histories())
def test_bits_say_what_asking_day_by_day_says(one: VehicleHistory) -> None:
    moments = [end_of_day(FIRST + timedelta(days=n)) - timedelta(microseconds=1) for n in range(DAYS)]
    plain = Ratio()
    for moment in moments:
        if any(stay.from_at <= moment < (stay.to_at or LATER) for stay in one.operating):
            plain += Ratio(not missing_layers((CTPL, TPL, CARRIER), one.periods, moment), 1)
    assert total([one]) == plain
