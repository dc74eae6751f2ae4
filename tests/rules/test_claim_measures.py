"""Measures of claims: worked examples, both sides of every edge, and parts that add up to the whole."""

from decimal import Decimal

import pytest

from service_desk.rules.metrics import (
    AgeBand,
    Alarm,
    Mean,
    MeasureCode,
    Ratio,
    alarm_of,
    alarm_of_stay,
    band_of,
    closing_cycle,
    closing_rate,
    closing_rate_amount,
    estimate_deviation,
    estimate_deviation_net,
    open_to_closed_average,
    registered_in_time,
    reserve_close,
    rolling_closing_rate,
)
from service_desk.rules.metrics.claim_figures import Flow, OpenAndSettled, Settled, Standing

C = MeasureCode


def test_closing_rates_by_count_and_by_amount() -> None:
    assert closing_rate(open_start=120, reported=80, reopened=5, closed=90) == Ratio(90, 205)
    assert closing_rate_amount(closed_fen=300_00, open_fen=100_00) == Ratio(300_00, 400_00)
    assert rolling_closing_rate(registered=200, closed=186).percent() == Decimal("93.0")


def test_the_open_book_adds_up_and_parts_are_added_before_they_are_divided() -> None:
    one, other = Flow(open_start=1, reported=1, closed=2), Flow(open_start=9, reopened=1, closed=1, denied=1)
    whole = one + other
    assert (one.open_end, other.open_end, whole.open_end) == (0, 9, 9)
    assert whole.measures()[C.CLOSING_RATE] == Ratio(3, 12)


@pytest.mark.parametrize(
    ("days", "rate"), [([], Ratio()), ([0, 7], Ratio(2, 2)), ([8], Ratio(0, 1)), ([None, 3], Ratio(1, 2))]
)
def test_registered_in_time_is_within_seven_days_and_counts_what_is_not_registered(
    days: list[int | None], rate: Ratio
) -> None:
    assert registered_in_time(days) == rate


def test_cycle_and_deviation_of_settled_claims() -> None:
    settled = Settled((10, 20), ((8_000_00, 6_000_00), (1_000_00, 2_000_00))) + Settled(
        (33,), ((50_00, 50_00),)
    )
    found = settled.measures()
    assert found[C.CLOSING_CYCLE] == closing_cycle([10, 20, 33]) == Mean(63, 3)
    assert (found[C.CLOSING_CYCLE_MEDIAN], found[C.CLOSING_CYCLE_P90]) == (20, 33)
    assert found[C.ESTIMATE_DEVIATION] == Ratio(3_000_00, 8_050_00)
    assert found[C.ESTIMATE_DEVIATION_NET] == Ratio(1_000_00, 8_050_00)


def test_an_estimate_too_high_and_one_too_low_cancel_out_only_in_the_net_deviation() -> None:
    cases = [(100, 50), (100, 150)]
    assert estimate_deviation(cases) == Ratio(100, 200)
    assert estimate_deviation_net(estimate_fen=200, paid_fen=200) == Ratio(0, 200)


def test_open_average_against_closed_average() -> None:
    standing, settled = (
        Standing(count=2, outstanding_fen=24_000_00),
        Settled((1, 1), ((0, 2_000_00), (0, 4_000_00))),
    )
    average = OpenAndSettled(standing, settled).measures()[C.OPEN_TO_CLOSED_AVERAGE]
    assert average == Ratio(12_000_00, 3_000_00)
    assert open_to_closed_average(Mean(100, 3), Mean(50, 1)) == Ratio(33, 50)
    assert open_to_closed_average(Mean(), Mean(5, 1)) == open_to_closed_average(Mean(5, 1), Mean()) == Ratio()


def test_reserve_rolls_forward_in_fen_and_in_yuan() -> None:
    assert reserve_close(open=500, came=(200, 100), went=(50, 250, 0)) == 500
    assert reserve_close(open=Decimal("5.00"), came=[Decimal("0.01")], went=[]) == Decimal("5.01")


@pytest.mark.parametrize(
    ("days", "band"),
    [
        (0, AgeBand.WEEK),
        (7, AgeBand.WEEK),
        (8, AgeBand.MONTH),
        (30, AgeBand.MONTH),
        (31, AgeBand.QUARTER),
        (90, AgeBand.QUARTER),
        (91, AgeBand.OLDER),
    ],
)
def test_band_of_an_age(days: int, band: AgeBand) -> None:
    assert band_of(days) is band


@pytest.mark.parametrize(
    ("code", "ratio", "alarm"),
    [
        (C.OPEN_TO_CLOSED_AVERAGE, Ratio(199, 100), None),
        (C.OPEN_TO_CLOSED_AVERAGE, Ratio(2, 1), Alarm.WATCH),
        (C.OPEN_TO_CLOSED_AVERAGE, Ratio(39999, 10000), Alarm.WATCH),
        (C.OPEN_TO_CLOSED_AVERAGE, Ratio(4, 1), Alarm.ACT),
        (C.OPEN_OVER_30_DAYS, Ratio(49, 100), None),
        (C.OPEN_OVER_30_DAYS, Ratio(1, 2), Alarm.WATCH),
        (C.INJURY_SHARE, Ratio(2499, 10000), None),
        (C.INJURY_SHARE, Ratio(1, 4), Alarm.WATCH),
        (C.INJURY_SHARE, Ratio(), None),
        (C.CLOSING_RATE, Ratio(1, 1), None),
    ],
)
def test_alarm_levels(code: MeasureCode, ratio: Ratio, alarm: Alarm | None) -> None:
    assert alarm_of(code, ratio) is alarm


@pytest.mark.parametrize(
    ("days", "alarm"), [(30, None), (31, Alarm.WATCH), (90, Alarm.WATCH), (91, Alarm.ACT)]
)
def test_alarm_of_a_claim_that_stays(days: int, alarm: Alarm | None) -> None:
    assert alarm_of_stay(days) is alarm
