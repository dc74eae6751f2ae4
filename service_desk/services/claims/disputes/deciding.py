"""The end of a dispute: decided by whom the handler named, or taken back by the client."""

from dataclasses import dataclass
from datetime import datetime

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany
from service_desk.base.money import format_yuan
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.disputes import Dispute
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClaimState
from service_desk.rules.disputes import (
    DECISIONS,
    IN_FAVOUR,
    Consequence,
    DisputeOutcome,
    consequences,
    needs_amount,
)
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.claims.common import allow, perform, require_reason
from service_desk.services.claims.disputes import telling
from service_desk.services.claims.disputes.raising import locked
from service_desk.services.claims.disputes.reading import possible_deciders

_WITH_CALCULATION = frozenset({ClaimState.CALCULATED, ClaimState.APPROVED, ClaimState.PAID})


@dataclass(frozen=True)
class Decision:
    """`awarded_fen` is what the claim comes to; `consequence` what is done next."""

    outcome: DisputeOutcome
    reasons: str
    consequence: Consequence
    awarded_fen: int | None = None


def decide(
    number: str, command: Decision, *, actor: User, now: datetime, version: int | None = None
) -> Dispute:
    """Decide the open dispute with reasons, which stops its clock and tells the client.

    A calculation that stands goes back to be made anew where that was decided; a claim that ended is reopened by its
    handler, which needs a reserve. Forbidden `not_the_decider`; Invalid: what does not fit together.
    """
    access.require(actor, Action.HANDLE_CLAIMS)
    claim, dispute = locked(number, actor=actor, version=version)
    allow(claim, ClaimAction.SETTLE_DISPUTE, actor=actor)
    if dispute.decider_id is None:
        raise Conflict("decider_missing")
    if dispute.decider_id != actor.id or actor not in possible_deciders(claim, dispute):
        raise Forbidden("not_the_decider")
    _require_sound(claim, dispute, command)
    _end(claim, dispute, command, actor=actor, now=now)
    if command.consequence is Consequence.NEW_CALCULATION and claim.state in _WITH_CALCULATION:
        words = command.reasons.strip()
        params = {"number": dispute.number}
        perform(claim, ClaimAction.SEND_BACK, actor=actor, at=now, now=now, note=words, params=params)
    telling.decided(claim, dispute, actor=actor, now=now)
    return dispute


def _require_sound(claim: Claim, dispute: Dispute, command: Decision) -> None:
    problems = []
    if not command.reasons.strip():
        problems.append(Invalid("reason_missing", field="reasons"))
    if command.outcome not in DECISIONS:
        problems.append(Invalid("required", field="outcome"))
    elif command.consequence not in consequences(claim.state, command.outcome):
        problems.append(Invalid("consequence_does_not_fit", field="consequence"))
    problems += _about_money(dispute, command)
    if problems:
        raise InvalidMany(problems)


def _about_money(dispute: Dispute, command: Decision) -> list[Invalid]:
    """The amount must lie between what was offered and what is claimed, and more than offered must be worked out."""
    awarded, offered = command.awarded_fen, dispute.offered_fen or 0
    if awarded is None:
        is_needed = command.outcome in IN_FAVOUR and needs_amount(dispute.topic)
        return [Invalid("required", field="awarded")] if is_needed else []
    if awarded < offered:
        return [Invalid("award_below_offer", field="awarded", offered=format_yuan(offered))]
    if dispute.claimed_fen is not None and awarded > dispute.claimed_fen:
        return [Invalid("award_above_claim", field="awarded", claimed=format_yuan(dispute.claimed_fen))]
    if awarded > offered and command.consequence is Consequence.NOTHING:
        return [Invalid("award_needs_consequence", field="consequence")]
    return []


def take_back(number: str, reason: str, *, actor: User, now: datetime, version: int | None = None) -> Dispute:
    """End the open dispute because the client does not hold to it, with what they say."""
    access.require(actor, Action.RAISE_DISPUTES)
    claim, dispute = locked(number, actor=actor, version=version)
    allow(claim, ClaimAction.SETTLE_DISPUTE, actor=actor)
    words = require_reason(reason)
    ending = Decision(DisputeOutcome.WITHDRAWN, words, Consequence.NOTHING)
    _end(claim, dispute, ending, actor=actor, now=now)
    telling.taken_back(claim, dispute, actor=actor, now=now)
    return dispute


def _end(claim: Claim, dispute: Dispute, command: Decision, *, actor: User, now: datetime) -> None:
    changes = audit.change(
        dispute,
        outcome=command.outcome,
        reasons=command.reasons.strip(),
        awarded_fen=command.awarded_fen,
        consequence=command.consequence,
        decided_by_id=actor.id,
        decided_at=now,
    )
    claim.is_disputed = False
    params = {"number": dispute.number, "outcome": command.outcome.value}
    note = command.reasons.strip()
    perform(claim, ClaimAction.SETTLE_DISPUTE, actor=actor, at=now, now=now, params=params, note=note)
    db.session.flush()
    audit.record("claim_dispute_settled", claim, actor=actor, now=now, changes={"is_disputed": (True, False)})
    audit.record("dispute_decided", dispute, actor=actor, now=now, changes=changes)
