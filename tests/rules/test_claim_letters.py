"""Which letter an end calls for, and which clauses can stand against a claim."""

import pytest

from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.claim_letters import (
    REFUSAL_CLAUSES,
    ClauseSource,
    LetterKind,
    RefusalClause,
    clauses_for,
    letter_for,
)


@pytest.mark.parametrize("state", list(ClaimState))
@pytest.mark.parametrize("paid_fen", [0, 1])
def test_a_letter_is_called_for_by_an_end_without_money(state: ClaimState, paid_fen: int) -> None:
    expected = {ClaimState.DENIED: LetterKind.REFUSAL, ClaimState.WITHDRAWN: LetterKind.WITHDRAWAL}
    if not paid_fen:
        expected[ClaimState.CLOSED] = LetterKind.ZERO_PAYMENT

    assert letter_for(state, paid_fen=paid_fen) == expected.get(state)


def test_a_round_that_was_taken_back_is_confirmed_whatever_was_paid_before() -> None:
    assert letter_for(ClaimState.CLOSED, paid_fen=1, is_round_withdrawn=True) is LetterKind.WITHDRAWAL
    assert letter_for(ClaimState.SURVEYED, paid_fen=1, is_round_withdrawn=True) is None


def test_every_clause_can_be_chosen_once() -> None:
    assert sorted(clause.code for clause in REFUSAL_CLAUSES) == sorted(RefusalClause)


@pytest.mark.parametrize(
    ("covers", "left_out"),
    [
        (["ctpl", "tpl", "own_damage"], set()),
        (["ctpl"], {ClauseSource.OWN_DAMAGE, ClauseSource.THIRD_PARTY}),
        (["tpl"], {ClauseSource.OWN_DAMAGE, ClauseSource.CTPL}),
        ([], {ClauseSource.OWN_DAMAGE, ClauseSource.THIRD_PARTY, ClauseSource.CTPL}),
    ],
)
def test_only_clauses_of_its_own_covers_stand_against_a_claim(
    covers: list[str], left_out: set[ClauseSource]
) -> None:
    found = {clause.source for clause in clauses_for(covers)}

    assert found == set(ClauseSource) - left_out
