"""The decision on a calculation: by another person than who made it, within their authority, or sent back."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid
from service_desk.models.accounts import Branch
from service_desk.models.claim_money import AdvanceState, ClaimAdvance
from service_desk.models.claims import Claim, ClaimCalculation
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.authority import Person, Tier, covers, tier_of
from service_desk.rules.claim_flow import ClaimAction, ClaimState, ClockStep
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, notices
from service_desk.services.claims import advances, authority, decided_recoveries
from service_desk.services.claims.common import (
    begin,
    get_claim,
    latest_calculation,
    log_event,
    matter_of,
    perform,
    require_reason,
)
from service_desk.services.claims.people import basics

# So many claims that wait are looked at for one person's desk.
MOST_WAITING = 200


@dataclass(frozen=True)
class Approve:
    """`calculation_id` is the calculation the approver has read."""

    calculation_id: int
    note: str = ""


@dataclass(frozen=True)
class Waiting:
    """Something that waits for a decision of the reader's: a calculation, or an advance."""

    claim: Claim
    branch: Branch
    amount_fen: int
    asked_by: User
    since: datetime
    is_advance: bool


def approve(
    number: str, command: Approve, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Approve the calculation that was read. What was paid in advance counts as paid.

    Forbidden `own_calculation` for whoever made it, `beyond_authority` above the actor's tier; Conflict when a newer
    calculation exists. Where more was paid in advance than is due, the difference becomes a recovery.
    """
    claim, _ = begin(number, ClaimAction.APPROVE, actor=actor, version=version)
    calculation = _calculation_read(claim, command.calculation_id)
    if calculation.calculated_by_id == actor.id:
        raise Forbidden("own_calculation")
    authority.require_authority(claim, calculation.total_fen, actor=actor, now=now)
    calculation.approved_by_id, calculation.approved_at = actor.id, now
    before = claim.approved_fen
    advances.cancel_open(claim)
    due_again_fen = decided_recoveries.due_again_fen(claim, calculation.total_fen)
    claim.approved_fen = max(calculation.total_fen, claim.paid_fen) + due_again_fen
    is_due = claim.approved_fen > claim.paid_fen
    perform(
        claim,
        ClaimAction.APPROVE,
        actor=actor,
        at=now,
        now=now,
        without=() if is_due else (ClockStep.PAYMENT,),
        params={"version": calculation.calculation_version, "approved_fen": calculation.total_fen},
        note=command.note.strip(),
    )
    changes = {"approved_fen": (before, claim.approved_fen)}
    audit.record("claim_approved", claim, actor=actor, now=now, changes=changes)
    decided_recoveries.open_calculated(claim, calculation, actor=actor, now=now)
    decided_recoveries.settle_overpaid(claim, calculation.total_fen, actor=actor, now=now)
    return claim


def send_back(number: str, reason: str, *, actor: User, now: datetime, version: int | None = None) -> Claim:
    """Send the calculation back to be made again, with the reason."""
    claim, _ = begin(number, ClaimAction.SEND_BACK, actor=actor, version=version)
    if claim.state is not ClaimState.CALCULATED:
        # What was approved goes back by the decision of a dispute only.
        raise Conflict("claim_moved_on")
    note = require_reason(reason)
    perform(claim, ClaimAction.SEND_BACK, actor=actor, at=now, now=now, note=note, is_internal=True)
    changes = {"state": (ClaimState.CALCULATED, claim.state)}
    audit.record("claim_sent_back", claim, actor=actor, now=now, changes=changes)
    return claim


def _calculation_read(claim: Claim, calculation_id: int) -> ClaimCalculation:
    latest = latest_calculation(claim.id)
    if latest is None or latest.id != calculation_id:
        raise Conflict("calculation_superseded")
    return latest


def who_may_approve(claim: Claim, calculation: ClaimCalculation, *, now: datetime) -> list[User]:
    """Who may approve a calculation now: authority enough, and not who made it."""
    made_it = (calculation.calculated_by_id,)
    return authority.who_may(claim.account_id, calculation.total_fen, now=now, besides=made_it)


def ask_for_approval(number: str, *, actor: User, now: datetime) -> int:
    """Tell those who may approve that a calculation waits for them; how many were told. Once a day each.

    Conflict `claim_moved_on` when nothing waits; Invalid `nobody_may_approve`.
    """
    claim = get_claim(number, actor=actor)
    access.require(actor, Action.HANDLE_CLAIMS)
    calculation = latest_calculation(claim.id)
    if claim.state is not ClaimState.CALCULATED or calculation is None:
        raise Conflict("claim_moved_on")
    people = [user for user in who_may_approve(claim, calculation, now=now) if user.id != actor.id]
    if not people:
        raise Invalid("nobody_may_approve")
    params = basics(claim) | {"amount_fen": calculation.total_fen, "asked_by": actor.name}
    dedupe = f"approval_asked:{calculation.id}:{local_date(now).isoformat()}"
    queued = [
        notice
        for user in people
        for notice in notices.queue(
            "approval_asked",
            notices.user_recipient(user),
            params,
            dedupe=dedupe,
            now=now,
            matter=matter_of(claim),
        )
    ]
    if queued:
        names = ", ".join(user.name for user in people)
        log_event(
            claim,
            "approval_asked",
            actor=actor,
            at=now,
            now=now,
            params={"names": names, "amount_fen": calculation.total_fen},
            is_internal=True,
        )
        audit.record("claim_approval_asked", claim, actor=actor, now=now)
    return len(people)


def list_waiting(*, actor: User, now: datetime) -> list[Waiting]:
    """What waits for a decision that the actor may take, in all their accounts, the longest waiting first."""
    if not access.may(actor, Action.APPROVE_CLAIMS):
        return []
    tiers, person, on = authority.all_tiers(), Person(actor.id, actor.role), local_date(now)
    found = [*_waiting_calculations(actor), *_waiting_advances(actor)]
    mine = [one for one in found if _is_within(one, tiers, person, on)]
    return sorted(mine, key=lambda one: (one.since, one.claim.id))


def _is_within(one: Waiting, tiers: list[Tier], person: Person, on: date) -> bool:
    return covers(tier_of(tiers, person, account_id=one.claim.account_id, on=on), one.amount_fen)


def _waiting_calculations(actor: User) -> list[Waiting]:
    newer = aliased(ClaimCalculation)
    newest = (
        select(func.max(newer.calculation_version))
        .where(newer.claim_id == ClaimCalculation.claim_id)
        .correlate(ClaimCalculation)
        .scalar_subquery()
    )
    statement = (
        select(Claim, Branch, ClaimCalculation, User)
        .join(ClaimCalculation, ClaimCalculation.claim_id == Claim.id)
        .join(Branch, Branch.id == Claim.branch_id)
        .join(User, User.id == ClaimCalculation.calculated_by_id)
        .where(
            Claim.state == ClaimState.CALCULATED,
            ClaimCalculation.calculation_version == newest,
            ClaimCalculation.calculated_by_id != actor.id,
        )
        .order_by(ClaimCalculation.calculated_at, Claim.id)
        .limit(MOST_WAITING)
    )
    rows = db.session.execute(access.visible(actor, Action.APPROVE_CLAIMS, statement, Claim)).tuples()
    return [
        Waiting(claim, branch, made.total_fen, user, made.calculated_at, is_advance=False)
        for claim, branch, made, user in rows
    ]


def _waiting_advances(actor: User) -> list[Waiting]:
    statement = (
        select(Claim, Branch, ClaimAdvance, User)
        .join(ClaimAdvance, ClaimAdvance.claim_id == Claim.id)
        .join(Branch, Branch.id == Claim.branch_id)
        .join(User, User.id == ClaimAdvance.proposed_by_id)
        .where(ClaimAdvance.state == AdvanceState.PROPOSED, ClaimAdvance.proposed_by_id != actor.id)
        .order_by(ClaimAdvance.proposed_at, ClaimAdvance.id)
        .limit(MOST_WAITING)
    )
    rows = db.session.execute(access.visible(actor, Action.APPROVE_CLAIMS, statement, Claim)).tuples()
    return [
        Waiting(claim, branch, claim.paid_fen + one.amount_fen, user, one.proposed_at, is_advance=True)
        for claim, branch, one, user in rows
    ]
