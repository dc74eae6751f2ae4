"""Money before the decision (Insurance Law art. 25, rescue costs under CTPL): proposed, approved by another, paid.

An approved advance raises what is approved on the claim, so that paid stays within approved at every moment; the
decision on the calculation takes its place, and what was paid in advance counts as paid.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.money import format_yuan
from service_desk.base.text import one_line
from service_desk.models.claim_money import AdvanceBasis, AdvanceState, ClaimAdvance
from service_desk.models.claims import Claim, ClaimCalculation, ClaimPayment
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction
from service_desk.services import audit, notices, submissions
from service_desk.services.claims import authority
from service_desk.services.claims.common import begin, log_event, matter_of, require_reason, still_counts
from service_desk.services.claims.people import basics

OPEN = (AdvanceState.PROPOSED, AdvanceState.APPROVED)


@dataclass(frozen=True)
class ProposeAdvance:
    """A part that is certain already, or rescue costs, with why it is certain.

    `is_another`: it is known that one just like it was proposed.
    """

    basis: AdvanceBasis
    amount_fen: int
    reason: str
    is_another: bool = False


def propose(
    number: str, command: ProposeAdvance, *, actor: User, now: datetime, version: int | None = None
) -> ClaimAdvance:
    """Propose to pay something before the decision, and tell those who may approve it.

    Invalid: `amount_not_positive`, `advance_above_reserve`, `reason_missing`, `sent_alike`.
    """
    claim, _ = begin(number, ClaimAction.PAY_ADVANCE, actor=actor, version=version)
    reason = require_reason(command.reason)
    if command.amount_fen <= 0:
        raise Invalid("amount_not_positive", field="amount")
    left_fen = claim.reserve_fen - claim.paid_fen - _open_sum(claim)
    if command.amount_fen > left_fen:
        raise Invalid("advance_above_reserve", field="amount", left=format_yuan(max(left_fen, 0)))
    submissions.require_unlike(
        ClaimAdvance.proposed_at,
        ClaimAdvance.claim_id == claim.id,
        ClaimAdvance.basis == command.basis,
        ClaimAdvance.amount_fen == command.amount_fen,
        ClaimAdvance.reason == one_line(reason)[:200],
        ClaimAdvance.proposed_by_id == actor.id,
        ClaimAdvance.state.in_((*OPEN, AdvanceState.PAID)),
        is_another=command.is_another,
        now=now,
    )
    advance = ClaimAdvance(
        claim_id=claim.id,
        round=claim.round,
        basis=command.basis,
        amount_fen=command.amount_fen,
        reason=one_line(reason)[:200],
        proposed_by_id=actor.id,
        proposed_at=now,
    )
    db.session.add(advance)
    db.session.flush()
    _log(claim, "advance_proposed", advance, actor, now, note=advance.reason)
    _ask(claim, advance, actor, now)
    changes = {"amount_fen": (None, advance.amount_fen), "reason": (None, advance.reason)}
    audit.record("claim_advance_proposed", claim, actor=actor, now=now, changes=changes)
    return advance


def _ask(claim: Claim, advance: ClaimAdvance, actor: User, now: datetime) -> None:
    params = basics(claim) | {"amount_fen": advance.amount_fen, "asked_by": actor.name}
    for user in who_may_approve(claim, advance, now=now):
        notices.queue(
            "advance_asked",
            notices.user_recipient(user),
            params,
            dedupe=f"advance_asked:{advance.id}",
            now=now,
            matter=matter_of(claim),
        )


def who_may_approve(claim: Claim, advance: ClaimAdvance, *, now: datetime) -> list[User]:
    """Who may approve an advance: authority for all that is then paid, and not who proposed it."""
    proposed_it = (advance.proposed_by_id,)
    return authority.who_may(
        claim.account_id, claim.paid_fen + advance.amount_fen, now=now, besides=proposed_it
    )


def decide(
    number: str,
    advance_id: int,
    *,
    approves: bool,
    note: str,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> ClaimAdvance:
    """Approve or refuse an advance. A refusal needs its reason in `note`.

    Forbidden `own_advance`, `beyond_authority`; Conflict `advance_decided`; Invalid `advance_above_reserve`.
    """
    claim, _ = begin(number, ClaimAction.PAY_ADVANCE, actor=actor, version=version)
    advance = get_advance(claim, advance_id)
    if advance.proposed_by_id == actor.id:
        raise Forbidden("own_advance")
    if advance.state is not AdvanceState.PROPOSED:
        raise Conflict("advance_decided")
    before = claim.approved_fen
    if approves:
        _approve(claim, advance, actor, now)
    elif not note.strip():
        raise Invalid("reason_missing", field="note")
    else:
        advance.state = AdvanceState.REFUSED
    advance.decided_by_id, advance.decided_at = actor.id, now
    advance.decision_note = one_line(note)[:200]
    kind = "advance_approved" if approves else "advance_refused"
    _log(claim, kind, advance, actor, now, note=advance.decision_note)
    changes = {"approved_fen": (before, claim.approved_fen)} if approves else {"reason": (None, note.strip())}
    audit.record(f"claim_{kind}", claim, actor=actor, now=now, changes=changes)
    return advance


def _approve(claim: Claim, advance: ClaimAdvance, actor: User, now: datetime) -> None:
    # All that would be paid, so that a large sum does not pass in small parts.
    sum_fen = claim.paid_fen + approved_open_fen(claim) + advance.amount_fen
    authority.require_authority(claim, sum_fen, actor=actor, now=now)
    if sum_fen > claim.reserve_fen:
        left_fen = claim.reserve_fen - claim.paid_fen
        raise Invalid("advance_above_reserve", field="amount", left=format_yuan(max(left_fen, 0)))
    advance.state = AdvanceState.APPROVED
    claim.approved_fen = sum_fen


def get_advance(claim: Claim, advance_id: int) -> ClaimAdvance:
    """An advance of this claim; NotFound otherwise. The caller holds the claim's lock."""
    advance = db.session.scalar(
        select(ClaimAdvance)
        .where(ClaimAdvance.id == advance_id, ClaimAdvance.claim_id == claim.id)
        .execution_options(populate_existing=True)
    )
    if advance is None:
        raise NotFound("not_found")
    return advance


def list_advances(claim_id: int) -> list[ClaimAdvance]:
    """The advances of a claim in the order they were proposed."""
    statement = select(ClaimAdvance).where(ClaimAdvance.claim_id == claim_id)
    return list(db.session.scalars(statement.order_by(ClaimAdvance.id)))


def cancel_open(claim: Claim) -> None:
    """End what is proposed or approved and not paid: the claim itself is decided or over.

    What is approved on the claim falls back to what is paid; the caller sets what the decision approves.
    """
    open_ones = select(ClaimAdvance).where(ClaimAdvance.claim_id == claim.id, ClaimAdvance.state.in_(OPEN))
    for advance in db.session.scalars(open_ones):
        advance.state = AdvanceState.CANCELLED
    claim.approved_fen = claim.paid_fen


def approved_open_fen(claim: Claim) -> int:
    """What is approved in advance and not paid yet."""
    return _open_sum(claim, AdvanceState.APPROVED)


def paid_in_round_fen(claim: Claim) -> int:
    """What was paid for the present round, in advance or by its own decision, and did not come back from the bank."""
    statement = (
        select(func.coalesce(func.sum(ClaimPayment.amount_fen), 0))
        .outerjoin(ClaimAdvance, ClaimAdvance.id == ClaimPayment.advance_id)
        .outerjoin(ClaimCalculation, ClaimCalculation.id == ClaimPayment.calculation_id)
        .where(
            ClaimPayment.claim_id == claim.id,
            ClaimPayment.returned_at.is_(None),
            func.coalesce(ClaimAdvance.round, ClaimCalculation.round) == claim.round,
        )
    )
    return int(db.session.scalar(statement) or 0)


def granted_fen(claim: Claim, *, before_round: int | None = None) -> int:
    """What the latest decision in favour granted of what is paid; nothing before the first.

    With `before_round` by the rounds before it alone. Rounds that were taken back decided nothing.
    """
    statement = select(ClaimCalculation.total_fen).where(
        ClaimCalculation.claim_id == claim.id,
        ClaimCalculation.approved_at.is_not(None),
        still_counts(),
    )
    if before_round is not None:
        statement = statement.where(ClaimCalculation.round < before_round)
    newest = statement.order_by(ClaimCalculation.calculation_version.desc()).limit(1)
    return min(int(db.session.scalar(newest) or 0), claim.paid_fen)


def _open_sum(claim: Claim, *states: AdvanceState) -> int:
    statement = select(func.coalesce(func.sum(ClaimAdvance.amount_fen), 0)).where(
        ClaimAdvance.claim_id == claim.id, ClaimAdvance.state.in_(states or OPEN)
    )
    return int(db.session.scalar(statement) or 0)


def _log(claim: Claim, kind: str, advance: ClaimAdvance, actor: User, now: datetime, *, note: str) -> None:
    log_event(
        claim,
        kind,
        actor=actor,
        at=now,
        now=now,
        params={"amount_fen": advance.amount_fen, "basis": advance.basis.value},
        note=note,
        is_internal=True,
    )
