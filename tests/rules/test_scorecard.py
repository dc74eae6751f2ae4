"""Scorecards and cards by rule: averages without names, months in a row, two yellows to a red."""

from datetime import date
from decimal import Decimal

import pytest

from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.promises import Comparison
from service_desk.rules.scorecard import SCORES, ScoreMeasure, desk_average, from_json, nothing_yet, to_json
from service_desk.rules.service_cards import (
    DEFAULT_RULES,
    CardColour,
    CardRule,
    Given,
    comparison_of,
    ends_on,
    is_possible_threshold,
    makes_red,
    pack_figure,
    proposals,
    unpack_figure,
)

M = ScoreMeasure
YELLOW, RED = CardColour.YELLOW, CardColour.RED


def month(**values):
    return {**nothing_yet(), **{M(code): value for code, value in values.items()}}


def rule(
    months: int, threshold: str = "85", measure: M = M.CLOCKS_KEPT, colour: CardColour = YELLOW
) -> CardRule:
    return CardRule(measure, comparison_of(measure), Decimal(threshold), months, colour)


BAD, GOOD, IDLE = (month(clocks_kept=one) for one in (Ratio(8, 10), Ratio(9, 10), Ratio()))


def test_the_desk_is_the_sum_of_all_work_and_counts_a_head() -> None:
    found = desk_average(
        [
            month(clocks_kept=Ratio(1, 2), open_matters=3, follow_up_score=Mean(5, 1)),
            month(clocks_kept=Ratio(98, 98), open_matters=4),
        ]
    )
    assert found[M.CLOCKS_KEPT] == Ratio(99, 100)
    assert (found[M.OPEN_MATTERS], found[M.FOLLOW_UP_SCORE]) == (Mean(7, 2), Mean(5, 1))
    assert desk_average([])[M.OPEN_MATTERS] == Mean(0, 0)


def test_figures_come_back_as_they_were_kept() -> None:
    figures = month(clocks_kept=Ratio(1, 2), open_matters=3, follow_up_score=Mean(9, 2))
    assert from_json(to_json(figures)) == figures
    assert from_json({"open_matters": 2, "no_longer_counted": 7}) == month(open_matters=2)
    assert [unpack_figure(pack_figure(one)) for one in (12, Ratio(3, 4), Mean(9, 2))] == [
        12,
        Ratio(3, 4),
        Mean(9, 2),
    ]


@pytest.mark.parametrize(
    ("months", "rules", "colours"),
    [
        ([BAD, BAD], [rule(2)], [YELLOW]),
        ([BAD], [rule(2)], []),
        ([BAD, GOOD, BAD], [rule(2)], []),
        ([GOOD, BAD, BAD], [rule(2)], []),
        ([BAD, IDLE], [rule(2)], []),
        ([BAD, BAD], [rule(2, "80")], []),  # exactly the threshold is enough
        ([BAD, BAD, BAD], [rule(2), rule(3, colour=RED)], [RED]),
        ([month(corrections_overdue=1)] * 2, [rule(2, "0", M.CORRECTIONS_OVERDUE)], [YELLOW]),
        ([month(repeat_contacts=Ratio(1, 4))], [rule(1, "20", M.REPEAT_CONTACTS)], [YELLOW]),
        ([], DEFAULT_RULES, []),
    ],
)
def test_a_card_is_proposed_for_months_in_a_row(months, rules, colours) -> None:
    assert list(proposals(months, rules)) == colours


@pytest.mark.parametrize(
    ("given", "is_proposed"),
    [
        (Given(YELLOW, M.CLOCKS_KEPT, 1), False),
        (Given(YELLOW, M.CLOCKS_KEPT, 2), True),
        (Given(RED, M.CLOCKS_KEPT, 1), True),
        (Given(YELLOW, M.FOLLOW_UP_SCORE, 1), True),
    ],
)
def test_no_month_counts_for_two_cards(given, is_proposed) -> None:
    assert bool(proposals([BAD, BAD, BAD], [rule(2)], [given])) is is_proposed


@pytest.mark.parametrize(
    ("yellows", "for_month", "is_red"),
    [
        ([], date(2026, 10, 1), False),
        ([date(2026, 7, 1)], date(2026, 10, 1), True),
        ([date(2026, 6, 1)], date(2026, 10, 1), False),  # it ended on 30 September
        ([date(2026, 10, 1)], date(2026, 10, 1), False),
    ],
)
def test_a_second_yellow_while_the_first_runs_makes_a_red(yellows, for_month, is_red) -> None:
    assert makes_red(yellows, for_month) is is_red


def test_cards_end_with_a_month() -> None:
    assert (ends_on(YELLOW, date(2026, 11, 1)), ends_on(RED, date(2026, 8, 1))) == (
        date(2027, 2, 28),
        date(2027, 2, 28),
    )


def test_thresholds_are_what_a_figure_can_be() -> None:
    cases = [(M.CLOCKS_KEPT, "101"), (M.FOLLOW_UP_SCORE, "5.01"), (M.BREACHES_ANSWERED_FOR, "1.5")]
    assert not any(is_possible_threshold(measure, Decimal(value)) for measure, value in cases)
    assert all(is_possible_threshold(one.measure, one.threshold) for one in DEFAULT_RULES)
    assert all(one.comparison is comparison_of(one.measure) for one in DEFAULT_RULES)
    assert comparison_of(M.REPEAT_CONTACTS) is Comparison.AT_MOST
    assert [code for code, kind in SCORES.items() if kind.is_of_moment] == [M.OPEN_MATTERS]
