"""Figures of the weekly report."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from service_desk.rules.metrics import (
    Ratio,
    change_percent,
    earned_premium,
    first_scene_rate,
    in_time_rate,
    median,
    p90,
)


def test_first_scene_rate_of_the_worked_example_leaves_out_claims_without_survey() -> None:
    surveys = [(True, True)] * 215 + [(True, False)] * 35 + [(False, True)] * 9
    rate = first_scene_rate(surveys)
    assert rate == Ratio(215, 250)
    assert str(rate.percent()) == "86.0"


def test_clock_without_verdict_is_left_out() -> None:
    assert in_time_rate([True, None, False, True]) == Ratio(2, 3)


def test_rate_of_the_whole_adds_counts_and_does_not_average_rates() -> None:
    branches = [Ratio(1, 1), Ratio(0, 99)]
    assert sum(branches, Ratio()).percent() == Decimal("1.0")


@pytest.mark.parametrize(
    ("ratio", "places", "shown"),
    [(Ratio(1174, 1180), 2, "99.49"), (Ratio(1, 8), 0, "13"), (Ratio(2, 3), 1, "66.7")],
)
def test_percent_is_rounded_half_up(ratio: Ratio, places: int, shown: str) -> None:
    assert str(ratio.percent(places)) == shown


def test_percent_of_nothing_is_nothing() -> None:
    assert Ratio().percent() is None


@pytest.mark.parametrize(
    ("values", "middle"), [([], None), ([7], 7), ([9, 1, 5], 5), ([4, 1], Decimal("2.5"))]
)
def test_median(values: list[int], middle: Decimal | None) -> None:
    assert median(values) == middle


@pytest.mark.parametrize(
    ("values", "result"), [([], None), ([3], 3), (list(range(1, 11)), 9), (list(range(1, 12)), 10)]
)
def test_p90_is_by_nearest_rank(values: list[int], result: int | None) -> None:
    assert p90(values) == result


def test_earned_premium_of_the_worked_example() -> None:
    file = Path(__file__).parents[1] / "data" / "settlement_examples.json"
    example = next(one for one in json.loads(file.read_text("utf-8"))["examples"] if one["id"] == "M01")
    given = example["inputs"]

    earned = earned_premium(
        Decimal(given["premium"]),
        date.fromisoformat(given["start"]),
        given["term_days"],
        date.fromisoformat(given["as_of"]),
    )

    assert str(earned) == example["expected"]["earned"]


@pytest.mark.parametrize(
    ("as_of", "earned"),
    [(date(2024, 12, 31), "0.00"), (date(2025, 1, 1), "0.00"), (date(2027, 1, 1), "366.00")],
)
def test_nothing_is_earned_before_the_term_and_no_more_than_all_after_it(as_of: date, earned: str) -> None:
    assert str(earned_premium(Decimal(366), date(2025, 1, 1), 365, as_of)) == earned


@pytest.mark.parametrize(
    ("now", "before", "change"), [(110, 100, "10.0"), (50, 100, "-50.0"), (5, 0, "None"), (5, -3, "None")]
)
def test_change_from_an_earlier_figure(now: int, before: int, change: str) -> None:
    assert str(change_percent(now, before)) == change
