"""The state table of a joint approval, every pair of it."""

import pytest

from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Role, may
from service_desk.rules.rating import VehicleFacts
from service_desk.rules.vehicle_onboarding import (
    OPEN_STATES,
    REFUSED,
    TRANSITIONS,
    UNDECIDED,
    OnboardingAction,
    OnboardingState,
    Party,
    party_of,
    permission_for,
    size_lacking,
    transition,
)
from service_desk.rules.vocabulary import UseClass

S, A, C = OnboardingState, OnboardingAction, ClockStep

# What may be done in each state and where it leads, written out by hand.
POSSIBLE = {
    None: {A.REQUEST: S.REQUESTED},
    S.REQUESTED: {A.APPROVE: S.APPROVED, A.REFUSE: S.REFUSED_BY_GROUP, A.WITHDRAW: S.WITHDRAWN},
    S.APPROVED: {
        A.ISSUE_PART: None,
        A.COMPLETE: S.DONE,
        A.DECLINE: S.REFUSED_BY_DESK,
        A.WITHDRAW: S.WITHDRAWN,
    },
    S.REFUSED_BY_GROUP: {A.CORRECT: S.REQUESTED, A.WITHDRAW: S.WITHDRAWN},
    S.REFUSED_BY_DESK: {A.CORRECT: S.REQUESTED, A.WITHDRAW: S.WITHDRAWN},
    S.DONE: {A.TAKE_BACK: S.APPROVED},
    S.WITHDRAWN: {},
}
SIDES = {
    A.REQUEST: {Party.BRANCH, Party.GROUP},
    A.CORRECT: {Party.BRANCH, Party.GROUP},
    A.WITHDRAW: {Party.BRANCH, Party.GROUP},
    A.APPROVE: {Party.GROUP},
    A.REFUSE: {Party.GROUP},
    A.ISSUE_PART: {Party.DESK},
    A.COMPLETE: {Party.DESK},
    A.TAKE_BACK: {Party.DESK},
    A.DECLINE: {Party.DESK},
}


@pytest.mark.parametrize("state", [None, *S])
@pytest.mark.parametrize("action", A)
def test_every_pair_does_what_it_should_or_nothing(state: S | None, action: A) -> None:
    step = transition(state, action)

    assert (step is not None) == (action in POSSIBLE[state])
    if step is not None:
        assert step.to is POSSIBLE[state][action]
        assert step.permission is permission_for(action)


@pytest.mark.parametrize("action", A)
def test_each_action_is_of_its_side_alone(action: A) -> None:
    assert {party_of(role) for role in Role if may(role, permission_for(action))} == SIDES[action]


def test_no_way_to_operation_leads_past_a_side() -> None:
    """Every walk from nothing to DONE has an act of each side in it, whatever else was done between."""

    def walks(state: S | None, done: tuple[A, ...]) -> list[tuple[A, ...]]:
        if state is S.DONE:
            return [done]
        return [
            walk
            for (at, action), step in TRANSITIONS.items()
            if at is state and done.count(action) < 2
            for walk in walks(step.to or state, (*done, action))
        ]

    found = walks(None, ())

    assert found
    assert all(
        walk[0] is A.REQUEST and A.APPROVE in walk[: walk.index(A.COMPLETE)] and walk[-1] is A.COMPLETE
        for walk in found
    )


def test_an_approval_counts_for_one_round_only() -> None:
    for state in REFUSED:
        assert transition(state, A.CORRECT).to is S.REQUESTED
        assert transition(state, A.APPROVE) is None


def test_each_side_has_its_clock_while_the_request_is_with_it() -> None:
    """What each step leaves running, from what ran before it."""
    running = {None: set(), S.REQUESTED: {C.VEHICLE_APPROVAL}, S.APPROVED: {C.VEHICLE_ISSUE}}
    for (state, action), step in TRANSITIONS.items():
        before = running.get(state, set())
        after = set() if step.cancels_all else before - {step.stops}
        after |= {step.starts} if step.starts else set()
        assert after == running.get(step.to or state, set()), (state, action)
        assert step.stops is None or step.stops in before


def test_refusals_and_withdrawals_need_a_reason() -> None:
    assert {action for (_, action), step in TRANSITIONS.items() if step.needs_reason} == {
        A.REFUSE,
        A.DECLINE,
        A.WITHDRAW,
    }


def test_states_are_sorted_once() -> None:
    assert set(OPEN_STATES) == set(UNDECIDED) | set(REFUSED)
    assert set(S) - set(OPEN_STATES) == {S.DONE, S.WITHDRAWN}


@pytest.mark.parametrize(
    ("use_class", "seats", "load_kg", "lacking"),
    [
        (UseClass.COACH, 45, None, None),
        (UseClass.COACH, None, 5000, "seats"),
        (UseClass.GOODS, None, 9990, None),
        (UseClass.GOODS, 3, None, "load_kg"),
        (UseClass.NON_OPERATING, 5, None, None),
        (UseClass.NON_OPERATING, None, 1500, None),
        (UseClass.NON_OPERATING, None, None, "seats"),
    ],
)
def test_the_size_the_price_depends_on_must_be_stated(
    use_class: UseClass, seats: int | None, load_kg: int | None, lacking: str | None
) -> None:
    assert size_lacking(VehicleFacts(use_class, seats, load_kg)) == lacking


def test_only_the_insurer_is_the_desk() -> None:
    assert [party_of(role) for role in (Role.BRANCH_SAFETY, Role.GROUP_INSURANCE, Role.MANAGER)] == list(
        Party
    )
    assert not may(Role.ADMIN, Action.ISSUE_POLICIES)
