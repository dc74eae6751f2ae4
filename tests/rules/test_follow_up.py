"""What counts as dissatisfied, who is asked, what stands against closing, and the figures of follow-ups."""

from decimal import Decimal

import pytest

from service_desk.rules.claim_flow import ClaimState as S
from service_desk.rules.follow_up import (
    ClosingFacts,
    Scores,
    are_possible,
    closing_obstacles,
    is_dissatisfied,
    needs_follow_up,
)
from service_desk.rules.follow_up import ClosingObstacle as O
from service_desk.rules.metrics import FollowUpFigures, Mean, Ratio, follow_up_figures

READY = ClosingFacts(
    reserve_fen=100,
    approved_fen=100,
    paid_fen=100,
    is_disputed=False,
    releases_reserve=False,
    gives_zero_reason=False,
    is_follow_up_planned=True,
)


@pytest.mark.parametrize(
    ("scores", "wants_call_back", "expected"),
    [
        (Scores(3), False, False),
        (Scores(2), False, True),
        (Scores(5, 5, 5, 5), True, True),
        (Scores(5, 2, 5, 5), False, True),
        (Scores(5, None, 2, None), False, True),
        (Scores(5, 3, 3, 3), False, False),
        (Scores(4, 5, 5, 1), False, True),
    ],
)
def test_any_bad_score_or_a_call_back_is_dissatisfied(
    scores: Scores, wants_call_back: bool, expected: bool
) -> None:
    assert is_dissatisfied(scores, wants_call_back=wants_call_back) is expected


@pytest.mark.parametrize(
    ("scores", "expected"), [(Scores(1, 5), True), (Scores(0), False), (Scores(3, 6), False)]
)
def test_scores_run_from_one_to_five(scores: Scores, expected: bool) -> None:
    assert are_possible(scores) is expected


def test_who_is_asked_after() -> None:
    asked = {
        (state, surveyed)
        for state in S
        for surveyed in (False, True)
        if needs_follow_up(state, was_surveyed=surveyed)
    }

    assert asked == {
        (S.CLOSED, False), (S.CLOSED, True), (S.DENIED, False), (S.DENIED, True), (S.WITHDRAWN, True)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"reserve_fen": 101}, [O.RESERVE_OPEN]),
        ({"reserve_fen": 101, "releases_reserve": True}, []),
        ({"approved_fen": 101}, [O.PAYMENT_OPEN]),
        ({"is_disputed": True}, [O.DISPUTE_OPEN]),
        ({"is_follow_up_planned": False}, [O.FOLLOW_UP_NOT_PLANNED]),
        ({"reserve_fen": 0, "approved_fen": 0, "paid_fen": 0}, [O.ZERO_REASON_MISSING]),
        ({"reserve_fen": 0, "approved_fen": 0, "paid_fen": 0, "gives_zero_reason": True}, []),
        (
            {"paid_fen": 0, "is_disputed": True, "is_follow_up_planned": False},
            [O.RESERVE_OPEN, O.PAYMENT_OPEN, O.DISPUTE_OPEN, O.FOLLOW_UP_NOT_PLANNED],
        ),
    ],
)
def test_all_that_stands_against_closing_is_named_at_once(
    change: dict[str, object], expected: list[O]
) -> None:
    assert closing_obstacles(ClosingFacts(**{**vars(READY), **change})) == expected  # type: ignore[arg-type]


def test_figures_are_summed_before_they_are_divided() -> None:
    good = follow_up_figures(ended=1, followed_up=1, score_sum=5, dissatisfied=0)
    poor = follow_up_figures(ended=9, followed_up=3, score_sum=6, dissatisfied=3)

    both = good + poor

    assert both == FollowUpFigures(Ratio(4, 10), Mean(11, 4), Ratio(3, 4))
    # The average of 100 % and 33.3 % would be 66.7 %, of 5.00 and 2.00 it would be 3.50.
    assert both.followed_up.percent() == Decimal("40.0")
    assert both.score.value() == Decimal("2.75")
    assert both.dissatisfied.percent() == Decimal("75.0")


def test_nothing_asked_has_no_rate() -> None:
    nothing = FollowUpFigures()

    assert (nothing.followed_up.percent(), nothing.score.value()) == (None, None)
