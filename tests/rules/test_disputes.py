"""What may follow from a dispute, until when one may be raised, and what both sides agree on."""

from datetime import date

import pytest

from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.disputes import (
    Consequence,
    DisputeOutcome,
    DisputeTopic,
    consequences,
    last_day_to_dispute,
    needs_amount,
    undisputed_fen,
)


@pytest.mark.parametrize(
    ("ended_on", "last"),
    [(date(2024, 11, 23), date(2026, 11, 23)), (date(2024, 2, 29), date(2026, 2, 28))],
)
def test_the_limitation_is_two_years_from_the_end(ended_on: date, last: date) -> None:
    assert last_day_to_dispute(ended_on) == last


@pytest.mark.parametrize(
    ("offered", "claimed", "agreed"),
    [(None, 5_000, 0), (6_300, 9_000, 6_300), (6_300, None, 6_300), (6_300, 4_000, 4_000), (0, 9_000, 0)],
)
def test_undisputed_is_what_both_sides_say_is_owed(
    offered: int | None, claimed: int | None, agreed: int
) -> None:
    assert undisputed_fen(offered, claimed) == agreed


@pytest.mark.parametrize(
    ("state", "outcome", "allowed"),
    [
        (
            ClaimState.APPROVED,
            DisputeOutcome.CLIENT_RIGHT,
            {Consequence.NEW_CALCULATION, Consequence.NOTHING},
        ),
        (ClaimState.CLOSED, DisputeOutcome.PARTLY, {Consequence.REOPENING, Consequence.NOTHING}),
        (ClaimState.DENIED, DisputeOutcome.COURT, {Consequence.REOPENING, Consequence.NOTHING}),
        (ClaimState.DENIED, DisputeOutcome.NOT_RIGHT, {Consequence.NOTHING}),
        (ClaimState.PAID, DisputeOutcome.WITHDRAWN, {Consequence.NOTHING}),
    ],
)
def test_what_may_follow_depends_on_the_outcome_and_on_where_the_claim_stands(
    state: ClaimState, outcome: DisputeOutcome, allowed: set[Consequence]
) -> None:
    assert set(consequences(state, outcome)) == allowed


def test_disputes_about_money_need_an_amount() -> None:
    assert {topic for topic in DisputeTopic if needs_amount(topic)} == {
        DisputeTopic.AMOUNT,
        DisputeTopic.LOSS_OF_USE,
    }
