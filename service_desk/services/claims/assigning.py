"""Giving many claims to one handler at once, each by its own step, with one reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Conflict, DomainError, Invalid, InvalidMany
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.claims import handling
from service_desk.services.claims.common import require_reason

MOST_AT_ONCE = 200


@dataclass(frozen=True)
class AssignMany:
    """`numbers` are the claims as they were ticked."""

    numbers: tuple[str, ...]
    handler_id: int
    reason: str


@dataclass(frozen=True)
class Assigned:
    """The claims that went over, and why the others did not."""

    done: Sequence[Claim]
    left: Sequence[tuple[Claim, DomainError]]


def assign_many(account_id: int, command: AssignMany, *, actor: User, now: datetime) -> Assigned:
    """Give the claims to a handler: who has no surveyor yet is dispatched, the others change hands.

    What cannot go over is answered with its refusal; the rest goes. A claim the actor does not see is passed over.
    Invalid: reason_missing, nothing_ticked, too_many_ticked.
    """
    access.require(actor, Action.ASSIGN_CLAIMS)
    reason = require_reason(command.reason)
    if not command.numbers:
        raise Invalid("nothing_ticked")
    if len(command.numbers) > MOST_AT_ONCE:
        raise Invalid("too_many_ticked", most=MOST_AT_ONCE)
    done: list[Claim] = []
    left: list[tuple[Claim, DomainError]] = []
    for claim in _held(account_id, command.numbers, actor):
        try:
            _give(claim, command.handler_id, reason, actor, now)
            done.append(claim)
        # A step makes its checks before it writes: of a claim that is refused nothing was written.
        except (Invalid, InvalidMany, Conflict) as refusal:
            left.append((claim, refusal))
    return Assigned(done, left)


def _held(account_id: int, numbers: Sequence[str], actor: User) -> Sequence[Claim]:
    """The claims, locked in the order everybody locks them: two who tick the same claims do not wait in a ring."""
    statement = select(Claim).where(Claim.account_id == account_id, Claim.number.in_(numbers))
    seen = access.visible(actor, Action.ASSIGN_CLAIMS, statement, Claim).order_by(Claim.id)
    return db.session.scalars(seen.with_for_update(), execution_options={"populate_existing": True}).all()


def _give(claim: Claim, handler_id: int, reason: str, actor: User, now: datetime) -> None:
    if claim.state is ClaimState.REPORTED:
        handling.dispatch(claim.number, handling.Dispatch(handler_id, reason), actor=actor, now=now)
    else:
        handling.assign(claim.number, handling.Assign(handler_id, reason), actor=actor, now=now)
