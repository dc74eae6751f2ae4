"""What may be promised, and when a figure keeps a promise: both sides of each edge."""

from decimal import Decimal

import pytest

from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import MEASURES, Mean, MeasureCode, Ratio, Unit
from service_desk.rules.promises import (
    PROMISABLE,
    TIES,
    Comparison,
    Tie,
    Verdict,
    is_possible_target,
    judge,
    tie_of,
)

LEAST, MOST = Comparison.AT_LEAST, Comparison.AT_MOST
KEPT, NOT_KEPT, NONE = Verdict.KEPT, Verdict.NOT_KEPT, Verdict.NO_CASES
SCORE, LATE = Tie(measure=MeasureCode.FOLLOW_UP_SCORE), Tie(measure=MeasureCode.CLOCKS_LATE)


@pytest.mark.parametrize(
    ("value", "comparison", "target", "verdict"),
    [
        (Ratio(19, 20), LEAST, "95", KEPT),
        (Ratio(9496, 10_000), LEAST, "95", NOT_KEPT),  # shown as 95.0 %
        (Ratio(0, 4), LEAST, "0", KEPT),
        (Ratio(), LEAST, "95", NONE),
        (Ratio(1, 5), MOST, "20", KEPT),
        (Ratio(21, 100), MOST, "20", NOT_KEPT),
        (Mean(9, 2), LEAST, "4.5", KEPT),
        (Mean(4499, 1000), LEAST, "4.5", NOT_KEPT),  # shown as 4.50
        (Mean(), LEAST, "4.5", NONE),
        (Mean(75, 3), MOST, "25", KEPT),
        (Mean(76, 3), MOST, "25", NOT_KEPT),
        (0, MOST, "0", KEPT),
        (1, MOST, "0", NOT_KEPT),
        (Decimal("25.5"), MOST, "25.5", KEPT),
        (None, LEAST, "1", NONE),
    ],
)
def test_a_figure_keeps_a_promise_by_what_it_is_made_of(value, comparison, target, verdict) -> None:
    assert judge(value, comparison, Decimal(target)) is verdict


@pytest.mark.parametrize(
    ("tie", "target", "is_possible"),
    [
        (Tie(step=ClockStep.SURVEY), "100", True),
        (Tie(step=ClockStep.SURVEY), "100.01", False),
        (Tie(step=ClockStep.SURVEY), "-0.01", False),
        (Tie(step=ClockStep.SURVEY), "95.25", True),
        (Tie(step=ClockStep.SURVEY), "95.255", False),
        (SCORE, "4.5", True),
        (LATE, "3", True),
        (LATE, "3.5", False),
    ],
)
def test_a_target_must_be_what_the_figure_can_be(tie, target, is_possible) -> None:
    assert is_possible_target(tie, Decimal(target)) is is_possible


def test_only_what_says_how_well_the_desk_does_and_adds_up_can_be_promised() -> None:
    assert {MeasureCode.FOLLOWED_UP, MeasureCode.CLOSING_CYCLE, MeasureCode.COVERAGE} <= PROMISABLE
    assert not PROMISABLE & {
        MeasureCode.CLAIMS_REPORTED,  # a size
        MeasureCode.EARNED_LOSS_RATIO,  # nobody's promise
        MeasureCode.CLOSING_CYCLE_MEDIAN,  # does not add up
        MeasureCode.CLOCKS_AT_RISK,  # of now alone
    }
    assert all(MEASURES[code].unit in (Unit.COUNT, Unit.RATIO, Unit.MEAN) for code in PROMISABLE)


def test_ties_are_found_by_their_codes_and_nothing_else_is() -> None:
    assert [tie_of(tie.code) for tie in TIES] == list(TIES)
    assert not any(
        tie_of(code)
        for code in ("", "step:", "step:breach_review", "measure:claims_reported", "survey", "x:survey")
    )
    assert [tie.comparison for tie in (Tie(step=ClockStep.SURVEY), SCORE, LATE)] == [LEAST, LEAST, MOST]
