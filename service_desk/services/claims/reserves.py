"""The case reserve with its history, and the same-day notice when an estimate first reaches the large-loss line."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Invalid
from service_desk.base.money import format_yuan
from service_desk.models.accounts import Branch, Contact
from service_desk.models.claims import Claim, ReserveEntry
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, ClaimAction, ClockStep
from service_desk.rules.permissions import Role
from service_desk.services import access, audit, notices, sla
from service_desk.services.claims.common import (
    begin,
    log_event,
    matter_of,
    perform,
    require_reason,
    start_clock,
)

MAX_RESERVE_FEN = 100_000_000_00


@dataclass(frozen=True)
class SetReserve:
    """A new reserve for the whole claim. `item` is what made it change."""

    amount_fen: int
    item: str
    reason: str


def set_reserve(
    number: str, command: SetReserve, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Change the reserve, with a reason. Invalid: below what is paid, out of range, no reason, no change."""
    claim, _ = begin(number, ClaimAction.SET_RESERVE, actor=actor, version=version)
    reason = require_reason(command.reason)
    require_reserve(claim, command.amount_fen)
    if command.amount_fen == claim.reserve_fen:
        raise Invalid("reserve_unchanged", field="amount")
    before = claim.reserve_fen
    perform(
        claim,
        ClaimAction.SET_RESERVE,
        actor=actor,
        at=now,
        now=now,
        params={"before_fen": before, "after_fen": command.amount_fen, "item": command.item},
        note=reason,
        is_internal=True,
    )
    move(claim, command.amount_fen, "change", item=command.item, reason=reason, actor=actor, now=now)
    audit.record(
        "claim_reserve_set", claim, actor=actor, now=now, changes={"reserve_fen": (before, claim.reserve_fen)}
    )
    return claim


def require_reserve(claim: Claim, amount_fen: int, *, field: str = "amount") -> None:
    """Refuse a reserve that cannot be: Invalid `reserve_below_paid` or `reserve_out_of_range`."""
    if amount_fen < claim.paid_fen:
        raise Invalid("reserve_below_paid", field=field, paid=format_yuan(claim.paid_fen))
    if not 0 <= amount_fen <= MAX_RESERVE_FEN:
        raise Invalid("reserve_out_of_range", field=field)


def move(
    claim: Claim, after_fen: int, kind: str, *, item: str, actor: User, now: datetime, reason: str = ""
) -> None:
    """Write a movement of the reserve and, where this is the first large estimate, tell the client.

    The caller has checked the amount. The same amount again writes nothing.
    """
    if after_fen != claim.reserve_fen:
        db.session.add(
            ReserveEntry(
                claim_id=claim.id,
                at=now,
                kind=kind,
                item=item,
                before_fen=claim.reserve_fen,
                after_fen=after_fen,
                actor_id=actor.id,
                reason=reason,
            )
        )
    claim.reserve_fen = after_fen
    claim.highest_estimate_fen = max(claim.highest_estimate_fen, after_fen)
    if after_fen >= LARGE_LOSS_FEN and claim.large_loss_noticed_at is None:
        _tell_large_loss(claim, actor=actor, now=now)


def _tell_large_loss(claim: Claim, *, actor: User, now: datetime) -> None:
    """Queue the notice. With nobody to tell, the clock goes on and says so in time."""
    matter = matter_of(claim)
    start_clock(claim, ClockStep.LARGE_LOSS_NOTICE, at=now, actor=actor, now=now)
    recipients = large_loss_recipients(claim)
    params = _notice_params(claim)
    for recipient in recipients:
        notices.queue(
            "large_loss", recipient, params, dedupe=f"large_loss:{claim.id}", now=now, matter=matter
        )
    if not recipients:
        return
    sla.stop(matter, (ClockStep.LARGE_LOSS_NOTICE,), at=now, actor=actor, now=now)
    claim.large_loss_noticed_at = now
    log_event(
        claim,
        "large_loss_notice",
        actor=None,
        at=now,
        now=now,
        params={"estimate_fen": claim.reserve_fen, "recipients": len(recipients)},
    )


def large_loss_recipients(claim: Claim) -> list[notices.Recipient]:
    """The group's insurance department, and the contact people who asked for large losses."""
    users = [
        notices.user_recipient(u) for u in access.account_members(claim.account_id, Role.GROUP_INSURANCE)
    ]
    contacts = db.session.scalars(
        select(Contact)
        .where(
            Contact.account_id == claim.account_id,
            Contact.is_active,
            Contact.gets_large_losses,
            Contact.branch_id.is_(None) | (Contact.branch_id == claim.branch_id),
        )
        .order_by(Contact.id)
    )
    known = {recipient.email for recipient in users}
    return users + [notices.contact_recipient(c) for c in contacts if c.email and c.email not in known]


def _notice_params(claim: Claim) -> dict[str, object]:
    owner, branch = db.session.get_one(User, claim.owner_id), db.session.get_one(Branch, claim.branch_id)
    return {
        "url": f"/claims/{claim.number}",
        "number": claim.number,
        "plate": claim.plate,
        "branch": branch.name,
        "branch_en": branch.name_en,
        "loss_at": claim.loss_at.isoformat(),
        "place": claim.place,
        "description": claim.description,
        "injured_count": claim.injured_count,
        "estimate_fen": claim.reserve_fen,
        "handler": owner.name,
        "handler_no": owner.staff_no,
        "handler_phone": owner.phone,
    }
