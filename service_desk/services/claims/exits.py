"""The side ways: withdrawn, denied with a letter, reopened in a new round."""

from dataclasses import dataclass
from datetime import datetime

from service_desk.base.errors import Conflict, Invalid
from service_desk.base.money import format_yuan
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClaimState
from service_desk.rules.claim_letters import RefusalClause
from service_desk.rules.follow_up import needs_follow_up
from service_desk.services import audit, enquiries
from service_desk.services.claims import (
    advances,
    authority,
    checklists,
    decided_recoveries,
    letters,
    plans,
    reserves,
)
from service_desk.services.claims.common import begin, held_since, perform, require_reason
from service_desk.services.claims.letters import SendLetter
from service_desk.services.claims.people import tell_client

# How the client was told of a denial in writing.
DenialLetter = SendLetter


@dataclass(frozen=True)
class Denial:
    """Why nothing is paid: at least one clause from the list, the reason the client reads, and the facts.

    `clause_text` is the clause as the policy at hand numbers or words it.
    """

    clauses: tuple[RefusalClause, ...]
    reason: str
    clause_text: str = ""
    facts: str = ""


@dataclass(frozen=True)
class Reopen:
    reason: str
    reserve_fen: int


def withdraw(number: str, reason: str, *, actor: User, now: datetime, version: int | None = None) -> Claim:
    """Take the claim back at the client's wish: clocks cancelled, reserve released.

    Where an earlier round was paid only the present one is taken back, and the claim is closed again with what it was
    paid. Invalid `already_paid` once money was paid for the present round, or in advance and never granted;
    `paid_back_is_due` where the client paid money back that is theirs again.
    """
    claim, _ = begin(number, ClaimAction.WITHDRAW, actor=actor, version=version)
    note = require_reason(reason)
    is_round = claim.paid_fen > 0
    if is_round:
        _require_round_alone(claim)
    advances.cancel_open(claim)
    reserves.move(claim, claim.paid_fen, "release", item="withdrawal", reason=note, actor=actor, now=now)
    changes = audit.change(claim, closed_at=now)
    params = {"round": claim.round, "paid_fen": claim.paid_fen}
    action = ClaimAction.WITHDRAW_ROUND if is_round else ClaimAction.WITHDRAW
    perform(claim, action, actor=actor, at=now, now=now, params=params, note=note)
    _ask_after(claim, actor, now)
    enquiries.close_for_claim(claim.id, now=now)
    done = "claim_round_withdrawn" if is_round else "claim_withdrawn"
    audit.record(done, claim, actor=actor, now=now, changes=changes)
    if is_round:
        # A lower calculation of this round may have asked money back before a dispute undid it.
        decided_recoveries.settle_overpaid(claim, advances.granted_fen(claim), actor=actor, now=now)
    return claim


def may_withdraw(claim: Claim) -> bool:
    """Whether no payment stands against withdrawing the claim, or its present round where an earlier one was paid."""
    return not claim.paid_fen or _is_of_earlier_rounds(claim)


def _is_of_earlier_rounds(claim: Claim) -> bool:
    """Whether all that is paid was paid for earlier rounds, and a decision of theirs granted it."""
    return advances.granted_fen(claim, before_round=claim.round) > 0 and not advances.paid_in_round_fen(claim)


def _require_round_alone(claim: Claim) -> None:
    if not _is_of_earlier_rounds(claim):
        raise Invalid("already_paid")
    granted_fen = advances.granted_fen(claim, before_round=claim.round)
    due_again_fen = decided_recoveries.due_again_fen(claim, granted_fen)
    if due_again_fen:
        raise Invalid("paid_back_is_due", amount=format_yuan(due_again_fen))


def deny(number: str, command: Denial, *, actor: User, now: datetime, version: int | None = None) -> Claim:
    """Decide that nothing is covered. The letter with the reason must follow within 3 days (Insurance Law art. 24).

    Forbidden `beyond_authority`: who denies needs authority for the reserve. Invalid: `reason_missing`,
    `clause_missing`. What was paid in advance and never granted by a decision is to be got back.
    """
    claim, _ = begin(number, ClaimAction.DENY, actor=actor, version=version)
    note = require_reason(command.reason)
    denial = letters.make_denial(
        claim,
        command.clauses,
        command.clause_text,
        reason=note,
        facts=command.facts,
        decided_by_id=actor.id,
        decided_at=now,
    )
    authority.require_authority(claim, claim.reserve_fen, actor=actor, now=now)
    db.session.add(denial)
    advances.cancel_open(claim)
    changes = audit.change(claim, denied_at=now, denial_reason=note, closed_at=now)
    params = {"clauses": denial.clauses, "clause_text": denial.clause_text}
    # Before the reserve is released: the promises of the letter and the follow-up go by what was claimed.
    perform(claim, ClaimAction.DENY, actor=actor, at=now, now=now, params=params, note=note)
    reserves.move(claim, claim.paid_fen, "release", item="denial", reason=note, actor=actor, now=now)
    audit.record("claim_denied", claim, actor=actor, now=now, changes=changes)
    decided_recoveries.settle_overpaid(claim, advances.granted_fen(claim), actor=actor, now=now)
    return claim


def send_denial_letter(
    number: str, command: DenialLetter, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Record that the letter that was written went out, which stops its clock, and tell the client's people.

    Conflict: `letter_recorded`, `letter_not_written`; Invalid: `time_in_future`, `before_denial`, `before_letter`,
    no recipient.
    """
    claim, _ = begin(number, ClaimAction.SEND_DENIAL_LETTER, actor=actor, version=version)
    if claim.denial_letter_at is not None or claim.denied_at is None:
        raise Conflict("letter_recorded")
    if command.at < claim.denied_at.replace(second=0, microsecond=0):
        raise Invalid("before_denial", field="at")
    letter = letters.mark_sent(claim, command, actor=actor, now=now)
    at = max(command.at, claim.denied_at)
    changes = audit.change(claim, denial_letter_at=at)
    params = {"sent_to": letter.sent_to, "means": letter.means}
    perform(
        claim,
        ClaimAction.SEND_DENIAL_LETTER,
        actor=actor,
        at=at,
        now=now,
        stopped_at=max(at, held_since(claim)),
        params=params,
    )
    details = {"reason": claim.denial_reason, "denied_at": claim.denied_at.isoformat()}
    tell_client(claim, "claim_denied", details, dedupe=str(claim.round), now=now)
    _ask_after(claim, actor, now)
    enquiries.close_for_claim(claim.id, now=now)
    audit.record("claim_denial_letter_sent", claim, actor=actor, now=now, changes=changes)
    return claim


def _ask_after(claim: Claim, actor: User, now: datetime) -> None:
    """Send the form that was planned while the claim was open, now that the client knows how it ended."""
    is_asked = needs_follow_up(claim.state, was_surveyed=claim.surveyed_at is not None)
    if is_asked and claim.followed_up_at is None:
        plans.send_planned(claim, actor=actor, now=now)


def reopen(number: str, command: Reopen, *, actor: User, now: datetime, version: int | None = None) -> Claim:
    """Open a new round under the same number, with a reason and a new reserve. What is paid stays paid."""
    claim, _ = begin(number, ClaimAction.REOPEN, actor=actor, version=version)
    note = require_reason(command.reason)
    reserves.require_reserve(claim, command.reserve_fen, field="reserve")
    if command.reserve_fen <= claim.paid_fen:
        raise Invalid("reopening_needs_reserve", field="reserve", paid=format_yuan(claim.paid_fen))
    asked = plans.find_plan(claim)
    if asked is not None:
        plans.revoke(asked, now=now)
    changes = audit.change(
        claim,
        round=claim.round + 1,
        closed_at=None,
        denied_at=None,
        denial_reason="",
        denial_letter_at=None,
        deficiency_notice_at=None,
        followed_up_at=None,
        # A withdrawn claim begins anew: somebody must go there. The survey of before stays readable.
        arrived_at=None if claim.state is ClaimState.WITHDRAWN else claim.arrived_at,
        surveyed_at=None if claim.state is ClaimState.WITHDRAWN else claim.surveyed_at,
    )
    reserves.move(
        claim, command.reserve_fen, "reopening", item="reopening", reason=note, actor=actor, now=now
    )
    params = {"round": claim.round, "reserve_fen": command.reserve_fen}
    perform(claim, ClaimAction.REOPEN, actor=actor, at=now, now=now, params=params, note=note)
    checklists.add_by_amount(claim)
    tell_client(claim, "claim_reopened", params | {"reason": note}, dedupe=str(claim.round), now=now)
    audit.record("claim_reopened", claim, actor=actor, now=now, changes=changes)
    return claim
