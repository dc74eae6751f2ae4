"""Joint approval of new vehicles (新车入户联合审批): the branch asks, the group approves, the desk insures.

One table says what each side may do in each state, what becomes of the request and of its clocks. Nobody can
skip a side, for no pair of the table leads past one; its test walks every pair.
"""

from dataclasses import dataclass
from enum import StrEnum

from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Role
from service_desk.rules.rating import Measure, VehicleFacts, measure_for


class OnboardingState(StrEnum):
    """Where a request is. Refused ones are with whoever asked, to be corrected or withdrawn."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED_BY_GROUP = "refused_by_group"
    REFUSED_BY_DESK = "refused_by_desk"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class OnboardingAction(StrEnum):
    """What is done to a request. REFUSE is the group's, DECLINE the desk's.

    ISSUE_PART issues some of the cover the vehicle needs, COMPLETE the last of it. TAKE_BACK: an order that gave
    cover is undone, and the vehicle waits for it again.
    """

    REQUEST = "request"
    APPROVE = "approve"
    REFUSE = "refuse"
    ISSUE_PART = "issue_part"
    COMPLETE = "complete"
    TAKE_BACK = "take_back"
    DECLINE = "decline"
    CORRECT = "correct"
    WITHDRAW = "withdraw"


class Party(StrEnum):
    """The sides of a joint approval."""

    BRANCH = "branch"
    GROUP = "group"
    DESK = "desk"


@dataclass(frozen=True)
class Transition:
    """What one action does from one state. `to` None leaves the state as it is.

    Clocks are stopped, then (with `cancels_all`) cancelled, then one is started. `by_requester`: only for the
    side that asked.
    """

    to: OnboardingState | None
    permission: Action
    starts: ClockStep | None = None
    stops: ClockStep | None = None
    cancels_all: bool = False
    needs_reason: bool = False
    by_requester: bool = False


S, A, C, P = OnboardingState, OnboardingAction, ClockStep, Action

_CORRECT = Transition(S.REQUESTED, P.REQUEST_VEHICLE, starts=C.VEHICLE_APPROVAL, by_requester=True)
_WITHDRAW = Transition(S.WITHDRAWN, P.REQUEST_VEHICLE, cancels_all=True, needs_reason=True, by_requester=True)

TRANSITIONS: dict[tuple[OnboardingState | None, OnboardingAction], Transition] = {
    # A request comes from nothing.
    (None, A.REQUEST): Transition(S.REQUESTED, P.REQUEST_VEHICLE, starts=C.VEHICLE_APPROVAL),
    (S.REQUESTED, A.APPROVE): Transition(
        S.APPROVED, P.APPROVE_VEHICLE_REQUEST, starts=C.VEHICLE_ISSUE, stops=C.VEHICLE_APPROVAL
    ),
    (S.REQUESTED, A.REFUSE): Transition(
        S.REFUSED_BY_GROUP, P.APPROVE_VEHICLE_REQUEST, stops=C.VEHICLE_APPROVAL, needs_reason=True
    ),
    (S.REQUESTED, A.WITHDRAW): _WITHDRAW,
    (S.APPROVED, A.ISSUE_PART): Transition(None, P.ISSUE_POLICIES),
    (S.APPROVED, A.COMPLETE): Transition(S.DONE, P.ISSUE_POLICIES, stops=C.VEHICLE_ISSUE),
    (S.APPROVED, A.DECLINE): Transition(
        S.REFUSED_BY_DESK, P.ISSUE_POLICIES, stops=C.VEHICLE_ISSUE, needs_reason=True
    ),
    (S.APPROVED, A.WITHDRAW): _WITHDRAW,
    # What the group approved stands: only the cover is missing again.
    (S.DONE, A.TAKE_BACK): Transition(S.APPROVED, P.ISSUE_POLICIES, starts=C.VEHICLE_ISSUE),
    (S.REFUSED_BY_GROUP, A.CORRECT): _CORRECT,
    (S.REFUSED_BY_GROUP, A.WITHDRAW): _WITHDRAW,
    (S.REFUSED_BY_DESK, A.CORRECT): _CORRECT,
    (S.REFUSED_BY_DESK, A.WITHDRAW): _WITHDRAW,
}

UNDECIDED = (S.REQUESTED, S.APPROVED)
"""Somebody has to decide. No vehicle stands in two such requests."""

REFUSED = (S.REFUSED_BY_GROUP, S.REFUSED_BY_DESK)
OPEN_STATES = (*UNDECIDED, *REFUSED)

_PERMISSIONS = {action: step.permission for (_, action), step in TRANSITIONS.items()}


def transition(state: OnboardingState | None, action: OnboardingAction) -> Transition | None:
    """What `action` does in `state`; None when it is not possible there."""
    return TRANSITIONS.get((state, action))


def permission_for(action: OnboardingAction) -> Action:
    """What somebody must be allowed to do to take an action, in whatever state."""
    return _PERMISSIONS[action]


def party_of(role: Role) -> Party:
    """The side of a joint approval that a role is on."""
    return {Role.BRANCH_SAFETY: Party.BRANCH, Role.GROUP_INSURANCE: Party.GROUP}.get(role, Party.DESK)


def size_lacking(vehicle: VehicleFacts) -> str | None:
    """Which size its price depends on is not stated: `seats`, `load_kg`, or None. The class must be known."""
    if measure_for(vehicle) is Measure.SEATS:
        return None if vehicle.seats else "seats"
    return None if vehicle.load_kg else "load_kg"
