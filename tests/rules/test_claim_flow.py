"""The state table of a claim, every pair of it."""

import pytest

from service_desk.rules.claim_flow import (
    CTPL_STEPS,
    OPEN_STATES,
    REPORT_STARTS,
    SIX_STEPS,
    TRANSITIONS,
    ClaimAction,
    ClaimState,
    ClockStep,
    actions_from,
    next_action,
    parcel_step,
    transition,
)
from service_desk.rules.permissions import Action, Role, may

S, A, C = ClaimState, ClaimAction, ClockStep

# What may be done in each state, written out by hand: the table under test is built by loops.
POSSIBLE = {
    S.REPORTED: {
        A.COMPLETE_REPORT, A.DISPATCH, A.RECEIVE_DOCUMENT, A.WITHDRAW, A.SET_RESERVE, A.DISPUTE, A.SETTLE_DISPUTE,
    },
    S.DISPATCHED: {
        A.COMPLETE_REPORT, A.ASSIGN, A.CONTACT, A.ARRIVE, A.SURVEY, A.RECEIVE_DOCUMENT,
        A.WITHDRAW, A.DENY, A.SET_RESERVE, A.DISPUTE, A.SETTLE_DISPUTE,
    },
    S.SURVEYED: {
        A.COMPLETE_REPORT, A.ASSIGN, A.ASSESS, A.REQUEST_DOCUMENTS, A.RECEIVE_DOCUMENT, A.REJECT_DOCUMENT, A.WAIVE_DOCUMENT,
        A.PAY_ADVANCE, A.RETURN_PAYMENT, A.WITHDRAW, A.WITHDRAW_ROUND, A.DENY, A.SET_RESERVE, A.DISPUTE, A.SETTLE_DISPUTE,
    },
    S.ASSESSED: {
        A.COMPLETE_REPORT, A.ASSIGN, A.REQUEST_DOCUMENTS, A.RECEIVE_DOCUMENT, A.REJECT_DOCUMENT, A.WAIVE_DOCUMENT,
        A.COMPLETE_DOCUMENTS, A.PAY_ADVANCE, A.RETURN_PAYMENT, A.WITHDRAW, A.WITHDRAW_ROUND, A.DENY, A.SET_RESERVE, A.DISPUTE, A.SETTLE_DISPUTE,
    },
    S.DOCUMENTS_COMPLETE: {
        A.COMPLETE_REPORT, A.ASSIGN, A.RECEIVE_DOCUMENT, A.CALCULATE, A.PAY_ADVANCE, A.RETURN_PAYMENT, A.WITHDRAW, A.WITHDRAW_ROUND, A.DENY, A.SET_RESERVE, A.DISPUTE, A.SETTLE_DISPUTE,
    },
    S.CALCULATED: {
        A.COMPLETE_REPORT, A.ASSIGN, A.RECEIVE_DOCUMENT, A.CALCULATE, A.APPROVE, A.SEND_BACK,
        A.PAY_ADVANCE, A.RETURN_PAYMENT, A.WITHDRAW, A.WITHDRAW_ROUND, A.DENY, A.SET_RESERVE, A.DISPUTE, A.SETTLE_DISPUTE,
    },
    S.APPROVED: {
        A.COMPLETE_REPORT, A.ASSIGN, A.SEND_BACK, A.PAY_PART, A.PAY, A.RETURN_PAYMENT, A.CLOSE,
        A.SET_RESERVE, A.DISPUTE, A.SETTLE_DISPUTE,
    },
    S.PAID: {
        A.COMPLETE_REPORT, A.ASSIGN, A.SEND_BACK, A.RETURN_PAYMENT, A.CLOSE, A.SET_RESERVE, A.DISPUTE, A.SETTLE_DISPUTE,
    },
    S.CLOSED: {A.ASSIGN, A.RETURN_PAYMENT, A.FOLLOW_UP, A.REOPEN, A.DISPUTE, A.SETTLE_DISPUTE},
    S.WITHDRAWN: {A.ASSIGN, A.FOLLOW_UP, A.REOPEN},
    S.DENIED: {A.ASSIGN, A.RETURN_PAYMENT, A.SEND_DENIAL_LETTER, A.FOLLOW_UP, A.REOPEN, A.DISPUTE, A.SETTLE_DISPUTE},
}  # fmt: skip

NEXT_STATE = {
    A.DISPATCH: S.DISPATCHED,
    A.SURVEY: S.SURVEYED,
    A.ASSESS: S.ASSESSED,
    A.COMPLETE_DOCUMENTS: S.DOCUMENTS_COMPLETE,
    A.APPROVE: S.APPROVED,
    A.SEND_BACK: S.DOCUMENTS_COMPLETE,
    A.PAY: S.PAID,
    A.CLOSE: S.CLOSED,
    A.WITHDRAW: S.WITHDRAWN,
    A.WITHDRAW_ROUND: S.CLOSED,
    A.DENY: S.DENIED,
}


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("action", A)
def test_every_pair_is_possible_exactly_where_it_should_be(state: S, action: A) -> None:
    assert (transition(state, action) is not None) == (action in POSSIBLE[state])


@pytest.mark.parametrize(("state", "action"), TRANSITIONS)
def test_each_step_leads_where_its_name_says(state: S, action: A) -> None:
    expected = NEXT_STATE.get(action)
    if action is A.CALCULATE:
        expected = S.CALCULATED if state is S.DOCUMENTS_COMPLETE else None
    if action is A.REOPEN:
        expected = S.REPORTED if state is S.WITHDRAWN else S.SURVEYED
    if action is A.RETURN_PAYMENT:
        expected = S.APPROVED if state in {S.PAID, S.CLOSED} else None

    assert TRANSITIONS[state, action].to is expected


@pytest.mark.parametrize(("state", "action"), TRANSITIONS)
def test_no_step_starts_a_clock_that_it_stops(state: S, action: A) -> None:
    step = TRANSITIONS[state, action]

    assert not set(step.starts) & set(step.stops)


@pytest.mark.parametrize(("state", "action"), TRANSITIONS)
def test_clients_can_report_send_papers_and_object_and_nothing_else(state: S, action: A) -> None:
    permission = TRANSITIONS[state, action].permission
    is_for_clients = may(Role.BRANCH_SAFETY, permission) or may(Role.GROUP_INSURANCE, permission)

    assert is_for_clients == (action in {A.COMPLETE_REPORT, A.RECEIVE_DOCUMENT, A.DISPUTE, A.SETTLE_DISPUTE})
    assert may(Role.CLAIMS, permission)


def test_money_and_decisions_need_their_own_permissions() -> None:
    assert TRANSITIONS[S.CALCULATED, A.APPROVE].permission is Action.APPROVE_CLAIMS
    assert TRANSITIONS[S.APPROVED, A.PAY].permission is Action.PAY_CLAIMS
    assert TRANSITIONS[S.APPROVED, A.PAY_PART].permission is Action.PAY_CLAIMS
    assert all(
        TRANSITIONS[s, A.DENY].permission is Action.APPROVE_CLAIMS for s in S if (s, A.DENY) in TRANSITIONS
    )


def test_a_step_that_leaves_the_open_book_leaves_only_the_clocks_it_starts() -> None:
    for (state, _), step in TRANSITIONS.items():
        if step.to is not None and step.to not in OPEN_STATES and state in OPEN_STATES:
            assert step.cancels_all


def test_a_denial_decides_the_claim_and_starts_the_letter_and_the_follow_up() -> None:
    step = TRANSITIONS[S.CALCULATED, A.DENY]

    assert step.stops == (C.LIABILITY_DECISION, C.CTPL_DECISION, C.ADVANCE_PAYMENT)
    assert step.starts == (C.DENIAL_NOTICE, C.FOLLOWUP)


@pytest.mark.parametrize(
    ("ctpl", "beside"),
    [(C.CTPL_DOCUMENT_LIST, C.DEFICIENCY_NOTICE), (C.CTPL_DECISION, C.LIABILITY_DECISION)],
)
def test_a_ctpl_term_starts_and_stops_with_the_commercial_one_beside_it(ctpl: C, beside: C) -> None:
    for pair, step in TRANSITIONS.items():
        assert (ctpl in step.starts) == (beside in step.starts), pair
        assert (ctpl in step.stops) == (beside in step.stops), pair


def test_every_clock_of_a_claim_can_be_stopped() -> None:
    started = {clock for step in TRANSITIONS.values() for clock in step.starts} | set(REPORT_STARTS)
    stopped = {clock for step in TRANSITIONS.values() for clock in step.stops}

    assert CTPL_STEPS <= started <= stopped


@pytest.mark.parametrize(
    ("state", "case", "expected"),
    [
        (S.REPORTED, {}, A.DISPATCH),
        (S.DISPATCHED, {}, A.SURVEY),
        (S.SURVEYED, {}, A.ASSESS),
        (S.ASSESSED, {}, A.COMPLETE_DOCUMENTS),
        (S.DOCUMENTS_COMPLETE, {}, A.CALCULATE),
        (S.CALCULATED, {}, A.APPROVE),
        (S.APPROVED, {}, A.PAY),
        (S.APPROVED, {"is_due": False}, A.CLOSE),
        (S.PAID, {}, A.CLOSE),
        (S.CLOSED, {}, A.FOLLOW_UP),
        (S.CLOSED, {"followed_up": True}, None),
        (S.WITHDRAWN, {}, None),
        (S.WITHDRAWN, {"was_surveyed": True}, A.FOLLOW_UP),
        (S.WITHDRAWN, {"was_surveyed": True, "followed_up": True}, None),
        (S.DENIED, {}, A.SEND_DENIAL_LETTER),
        (S.DENIED, {"letter_sent": True}, A.FOLLOW_UP),
        (S.DENIED, {"letter_sent": True, "followed_up": True}, None),
    ],
)
def test_the_page_offers_the_one_step_that_moves_the_claim_on(
    state: S, case: dict[str, bool], expected: A | None
) -> None:
    action = next_action(state, **case)

    assert action is expected
    assert action is None or action in actions_from(state)


def test_the_client_sees_six_steps_and_none_for_a_side_exit() -> None:
    assert [parcel_step(state) for steps in SIX_STEPS for state in steps] == [0, 0, 1, 2, 3, 4, 4, 5, 5]
    assert parcel_step(S.WITHDRAWN) is None
    assert parcel_step(S.DENIED) is None
