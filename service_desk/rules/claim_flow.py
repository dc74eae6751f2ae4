"""The claim's state machine as a table (domain.md §3): state x action -> next state, permission, clocks.

One table answers may it, which buttons, what happens to the clock; its test walks every pair.
"""

from dataclasses import dataclass
from enum import StrEnum

from service_desk.rules.permissions import Action


class ClaimState(StrEnum):
    """Names of domain.md §3. Disputed is a flag, not a state; reopened is a new round."""

    REPORTED = "reported"
    DISPATCHED = "dispatched"
    SURVEYED = "surveyed"
    ASSESSED = "assessed"
    DOCUMENTS_COMPLETE = "documents_complete"
    CALCULATED = "calculated"
    APPROVED = "approved"
    PAID = "paid"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    DENIED = "denied"


class ClaimAction(StrEnum):
    """What people do to a claim, in the order of the flow.

    PAY pays the rest, PAY_PART leaves some of it due, PAY_ADVANCE pays before the decision. RETURN_PAYMENT: the
    bank sent money back, so that it is due again. WITHDRAW_ROUND takes back a later round alone: what an earlier
    one was paid stands.
    """

    COMPLETE_REPORT = "complete_report"
    DISPATCH = "dispatch"
    ASSIGN = "assign"
    CONTACT = "contact"
    ARRIVE = "arrive"
    SURVEY = "survey"
    ASSESS = "assess"
    REQUEST_DOCUMENTS = "request_documents"
    RECEIVE_DOCUMENT = "receive_document"
    REJECT_DOCUMENT = "reject_document"
    WAIVE_DOCUMENT = "waive_document"
    COMPLETE_DOCUMENTS = "complete_documents"
    CALCULATE = "calculate"
    APPROVE = "approve"
    SEND_BACK = "send_back"
    PAY_ADVANCE = "pay_advance"
    PAY_PART = "pay_part"
    PAY = "pay"
    RETURN_PAYMENT = "return_payment"
    CLOSE = "close"
    FOLLOW_UP = "follow_up"
    WITHDRAW = "withdraw"
    WITHDRAW_ROUND = "withdraw_round"
    DENY = "deny"
    SEND_DENIAL_LETTER = "send_denial_letter"
    REOPEN = "reopen"
    SET_RESERVE = "set_reserve"
    DISPUTE = "dispute"
    SETTLE_DISPUTE = "settle_dispute"


class ClockStep(StrEnum):
    """The steps that have a clock (sla.md, starting set)."""

    FIRST_REPLY = "first_reply"
    DISPATCH = "dispatch"
    CONTACT = "contact"
    SURVEY = "survey"
    LARGE_LOSS_NOTICE = "large_loss_notice"
    DEFICIENCY_NOTICE = "deficiency_notice"
    CTPL_DOCUMENT_LIST = "ctpl_document_list"
    ASSESSMENT = "assessment"
    LIABILITY_DECISION = "liability_decision"
    CTPL_DECISION = "ctpl_decision"
    DENIAL_NOTICE = "denial_notice"
    CALCULATION = "calculation"
    PAYMENT = "payment"
    ADVANCE_PAYMENT = "advance_payment"
    FOLLOWUP = "followup"
    BREACH_REVIEW = "breach_review"
    VEHICLE_APPROVAL = "vehicle_approval"
    VEHICLE_ISSUE = "vehicle_issue"
    COVER_CHASE = "cover_chase"
    DISPUTE = "dispute"
    OUTSTANDING_LIST = "outstanding_list"
    MESSAGE_REPLY = "message_reply"
    COMPLAINT = "complaint"


@dataclass(frozen=True)
class Transition:
    """What one action does from one state. `to` None leaves the state as it is.

    Clocks are stopped first, then (with `cancels_all`) the rest is cancelled, then others are started. `cancels`: what
    is not owed any more; it is cancelled while in time, and of one that was broken before the breach stands.
    """

    to: ClaimState | None
    permission: Action
    starts: tuple[ClockStep, ...] = ()
    stops: tuple[ClockStep, ...] = ()
    cancels: tuple[ClockStep, ...] = ()
    cancels_all: bool = False


S, A, C, P = ClaimState, ClaimAction, ClockStep, Action

# The stricter terms of the CTPL regulation (arts. 27-29). They run beside the commercial ones, and only where a
# CTPL cover answers for somebody else's loss.
CTPL_STEPS = frozenset({C.CTPL_DOCUMENT_LIST, C.CTPL_DECISION})
# What a notice of missing documents answers, what a decision answers. Once the amount is known nothing is to be
# paid in advance any more (Insurance Law art. 25).
_LISTS = (C.DEFICIENCY_NOTICE, C.CTPL_DOCUMENT_LIST)
_DECISIONS = (C.LIABILITY_DECISION, C.CTPL_DECISION)
_DECIDED = (*_DECISIONS, C.ADVANCE_PAYMENT)

_OPEN = (
    S.REPORTED,
    S.DISPATCHED,
    S.SURVEYED,
    S.ASSESSED,
    S.DOCUMENTS_COMPLETE,
    S.CALCULATED,
    S.APPROVED,
    S.PAID,
)
_BEFORE_APPROVAL = _OPEN[:6]
_COLLECTING_DOCUMENTS = (S.SURVEYED, S.ASSESSED)

REPORT_STARTS = (C.DISPATCH, C.SURVEY)

TRANSITIONS: dict[tuple[ClaimState, ClaimAction], Transition] = {
    (S.REPORTED, A.DISPATCH): Transition(
        S.DISPATCHED, P.ASSIGN_CLAIMS, starts=(C.CONTACT,), stops=(C.DISPATCH,)
    ),
    (S.DISPATCHED, A.CONTACT): Transition(None, P.HANDLE_CLAIMS, stops=(C.CONTACT,)),
    (S.DISPATCHED, A.ARRIVE): Transition(None, P.HANDLE_CLAIMS, stops=(C.SURVEY, C.CONTACT)),
    (S.DISPATCHED, A.SURVEY): Transition(
        S.SURVEYED, P.HANDLE_CLAIMS, starts=(C.ASSESSMENT,), stops=(C.SURVEY, C.CONTACT)
    ),
    (S.SURVEYED, A.ASSESS): Transition(S.ASSESSED, P.HANDLE_CLAIMS, stops=(C.ASSESSMENT,)),
    (S.ASSESSED, A.COMPLETE_DOCUMENTS): Transition(
        S.DOCUMENTS_COMPLETE,
        P.HANDLE_CLAIMS,
        starts=(C.CALCULATION, *_DECISIONS, C.ADVANCE_PAYMENT),
        stops=_LISTS,
    ),
    (S.DOCUMENTS_COMPLETE, A.CALCULATE): Transition(S.CALCULATED, P.HANDLE_CLAIMS, stops=(C.CALCULATION,)),
    (S.CALCULATED, A.CALCULATE): Transition(None, P.HANDLE_CLAIMS),
    (S.CALCULATED, A.SEND_BACK): Transition(S.DOCUMENTS_COMPLETE, P.APPROVE_CLAIMS, starts=(C.CALCULATION,)),
    (S.CALCULATED, A.APPROVE): Transition(S.APPROVED, P.APPROVE_CLAIMS, starts=(C.PAYMENT,), stops=_DECIDED),
    # A dispute was decided in the client's favour: what was approved is calculated anew. What was to be paid is agreed
    # no more (Insurance Law art. 23), and the promise to pay begins again with the new approval.
    (S.APPROVED, A.SEND_BACK): Transition(
        S.DOCUMENTS_COMPLETE, P.APPROVE_CLAIMS, starts=(C.CALCULATION,), cancels=(C.PAYMENT,)
    ),
    (S.PAID, A.SEND_BACK): Transition(S.DOCUMENTS_COMPLETE, P.APPROVE_CLAIMS, starts=(C.CALCULATION,)),
    (S.APPROVED, A.PAY_PART): Transition(None, P.PAY_CLAIMS),
    (S.APPROVED, A.PAY): Transition(S.PAID, P.PAY_CLAIMS, stops=(C.PAYMENT,)),
    # The clock of the payment runs on where something is due anyway.
    (S.APPROVED, A.RETURN_PAYMENT): Transition(None, P.PAY_CLAIMS),
    (S.PAID, A.RETURN_PAYMENT): Transition(S.APPROVED, P.PAY_CLAIMS, starts=(C.PAYMENT,)),
    # Banks send money back days later: the claim was closed too early, and its round goes on.
    (S.CLOSED, A.RETURN_PAYMENT): Transition(S.APPROVED, P.PAY_CLAIMS, starts=(C.PAYMENT,), cancels_all=True),
    # Of a denied claim only an advance can come back, and nothing is due again.
    (S.DENIED, A.RETURN_PAYMENT): Transition(None, P.PAY_CLAIMS),
    # Nothing is due: a calculation of nought, or a later version equal to what was paid before.
    (S.APPROVED, A.CLOSE): Transition(S.CLOSED, P.HANDLE_CLAIMS, starts=(C.FOLLOWUP,), cancels_all=True),
    (S.PAID, A.CLOSE): Transition(S.CLOSED, P.HANDLE_CLAIMS, starts=(C.FOLLOWUP,), cancels_all=True),
    (S.CLOSED, A.FOLLOW_UP): Transition(None, P.HANDLE_CLAIMS, stops=(C.FOLLOWUP,)),
    (S.CLOSED, A.REOPEN): Transition(S.SURVEYED, P.HANDLE_CLAIMS, starts=(C.ASSESSMENT,), cancels_all=True),
    (S.WITHDRAWN, A.FOLLOW_UP): Transition(None, P.HANDLE_CLAIMS, stops=(C.FOLLOWUP,)),
    (S.WITHDRAWN, A.REOPEN): Transition(S.REPORTED, P.HANDLE_CLAIMS, starts=REPORT_STARTS, cancels_all=True),
    (S.DENIED, A.SEND_DENIAL_LETTER): Transition(None, P.HANDLE_CLAIMS, stops=(C.DENIAL_NOTICE,)),
    (S.DENIED, A.FOLLOW_UP): Transition(None, P.HANDLE_CLAIMS, stops=(C.FOLLOWUP,)),
    (S.DENIED, A.REOPEN): Transition(S.SURVEYED, P.HANDLE_CLAIMS, starts=(C.ASSESSMENT,), cancels_all=True),
}
for _state in _OPEN[:6]:
    # Papers may come at any time before the decision. The clocks of the list of what is missing start with the
    # first of them once the checklist stands.
    TRANSITIONS[_state, A.RECEIVE_DOCUMENT] = Transition(
        None,
        P.UPLOAD_CLAIM_DOCUMENTS,
        starts=_LISTS if _state in _COLLECTING_DOCUMENTS else (),
    )
for _state in _COLLECTING_DOCUMENTS:
    TRANSITIONS[_state, A.REQUEST_DOCUMENTS] = Transition(None, P.HANDLE_CLAIMS, stops=_LISTS)
    TRANSITIONS[_state, A.REJECT_DOCUMENT] = Transition(None, P.HANDLE_CLAIMS)
    TRANSITIONS[_state, A.WAIVE_DOCUMENT] = Transition(None, P.HANDLE_CLAIMS)
for _state in _BEFORE_APPROVAL:
    # Where somebody of ours had been, the client is asked how it was.
    _asked = (C.FOLLOWUP,) if _state in _BEFORE_APPROVAL[2:] else ()
    TRANSITIONS[_state, A.WITHDRAW] = Transition(
        S.WITHDRAWN, P.HANDLE_CLAIMS, starts=_asked, cancels_all=True
    )
for _state in _BEFORE_APPROVAL[2:]:
    # A paid claim is no withdrawn one (注销, 零结): it is closed again as it was. Somebody of ours had been there.
    TRANSITIONS[_state, A.WITHDRAW_ROUND] = Transition(
        S.CLOSED, P.HANDLE_CLAIMS, starts=(C.FOLLOWUP,), cancels_all=True
    )
for _state in _BEFORE_APPROVAL[1:]:
    TRANSITIONS[_state, A.DENY] = Transition(
        S.DENIED,
        P.APPROVE_CLAIMS,
        starts=(C.DENIAL_NOTICE, C.FOLLOWUP),
        stops=_DECIDED,
        cancels_all=True,
    )
for _state in _BEFORE_APPROVAL[2:]:
    TRANSITIONS[_state, A.PAY_ADVANCE] = Transition(None, P.PAY_CLAIMS, stops=(C.ADVANCE_PAYMENT,))
    # The promise to pay in advance begins when the documents are complete, and again when the payment fails.
    TRANSITIONS[_state, A.RETURN_PAYMENT] = Transition(
        None,
        P.PAY_CLAIMS,
        starts=() if _state in _COLLECTING_DOCUMENTS else (C.ADVANCE_PAYMENT,),
    )
for _state in _OPEN:
    TRANSITIONS[_state, A.COMPLETE_REPORT] = Transition(None, P.REPORT_CLAIM)
    TRANSITIONS[_state, A.SET_RESERVE] = Transition(None, P.HANDLE_CLAIMS)
for _state in (*_OPEN, S.CLOSED, S.DENIED):
    # Also after the end: a payment or a denial is what clients object to.
    TRANSITIONS[_state, A.DISPUTE] = Transition(None, P.RAISE_DISPUTES, starts=(C.DISPUTE,))
    # Either side may: the client takes it back, whoever was named decides.
    TRANSITIONS[_state, A.SETTLE_DISPUTE] = Transition(None, P.RAISE_DISPUTES, stops=(C.DISPUTE,))
for _state in (*_OPEN[1:], S.CLOSED, S.DENIED, S.WITHDRAWN):
    # Also after the end: somebody must call the client for the follow-up.
    TRANSITIONS[_state, A.ASSIGN] = Transition(None, P.ASSIGN_CLAIMS)

OPEN_STATES = frozenset(_OPEN)
NOT_WHILE_DISPUTED = frozenset({A.WITHDRAW, A.WITHDRAW_ROUND, A.DENY, A.REOPEN})
"""Steps that end or begin a round: they would cancel the clock of a dispute that nobody has decided. Closing lists it
among all that stands against it."""
SIX_STEPS = (
    (S.REPORTED, S.DISPATCHED),
    (S.SURVEYED,),
    (S.ASSESSED,),
    (S.DOCUMENTS_COMPLETE,),
    (S.CALCULATED, S.APPROVED),
    (S.PAID, S.CLOSED),
)

LARGE_LOSS_FEN = 10_000_00
"""From this estimate on the client is told the same day (key-account agreement, domain.md §2)."""

LOWEST_SATISFIED_SCORE = 3
"""A follow-up score below this makes a first contact with an owner."""

_NEXT = {
    S.REPORTED: A.DISPATCH,
    S.DISPATCHED: A.SURVEY,
    S.SURVEYED: A.ASSESS,
    S.ASSESSED: A.COMPLETE_DOCUMENTS,
    S.DOCUMENTS_COMPLETE: A.CALCULATE,
    S.CALCULATED: A.APPROVE,
    S.APPROVED: A.PAY,
    S.PAID: A.CLOSE,
    S.CLOSED: A.FOLLOW_UP,
    S.DENIED: A.SEND_DENIAL_LETTER,
}


def transition(state: ClaimState, action: ClaimAction) -> Transition | None:
    """What `action` does in `state`; None when it is not possible there."""
    return TRANSITIONS.get((state, action))


def actions_from(state: ClaimState) -> tuple[ClaimAction, ...]:
    """The actions possible in a state, in the order of the flow."""
    return tuple(action for action in ClaimAction if (state, action) in TRANSITIONS)


def next_action(
    state: ClaimState,
    *,
    is_due: bool = True,
    letter_sent: bool = False,
    followed_up: bool = False,
    was_surveyed: bool = False,
) -> ClaimAction | None:
    """The one step that moves a claim on: what its page offers as the primary button; None at the end.

    `is_due`: something of the approved amount is still to be paid. `letter_sent`: a denial has been told.
    `was_surveyed`: somebody of ours had been there, so that a withdrawn claim is asked after.
    """
    if state is S.WITHDRAWN:
        return A.FOLLOW_UP if was_surveyed and not followed_up else None
    if state is S.APPROVED and not is_due:
        return A.CLOSE
    if state is S.DENIED and letter_sent:
        return None if followed_up else A.FOLLOW_UP
    if state is S.CLOSED and followed_up:
        return None
    return _NEXT.get(state)


def parcel_step(state: ClaimState) -> int | None:
    """Which of the six steps the client sees as current (0-based); None for a side exit."""
    for index, states in enumerate(SIX_STEPS):
        if state in states:
            return index
    return None
