"""The case reserve with its ledger, and the same-day notice when an estimate first reaches the large-loss line.

`Claim.reserve_fen` is the reserve of the whole claim with what is paid of it; the ledger (`ReserveMovement`) keeps what
is outstanding, by item. Whatever changes the one writes the other, so that they agree after every step.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from service_desk.base.errors import Invalid
from service_desk.base.money import format_yuan
from service_desk.models.accounts import Branch, Contact
from service_desk.models.claims import Claim, ReserveEntry
from service_desk.models.db import db
from service_desk.models.reserves import ReserveMovement
from service_desk.models.users import User
from service_desk.rules import reserve_ledger as ledger
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, ClaimAction, ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.reserve_ledger import MovementKind, ReserveItem
from service_desk.services import access, audit, notices, sla
from service_desk.services.claims import checklists
from service_desk.services.claims.common import (
    begin,
    log_event,
    matter_of,
    perform,
    require_reason,
    start_clock,
)

MAX_RESERVE_FEN = 100_000_000_00
# A movement keeps the beginning of its reason, the time line all of it.
MAX_REASON = 200

# The words in which a change of the whole names its item.
_ITEM_NAMED = {
    "vehicle": ReserveItem.OWN_VEHICLE,
    "property": ReserveItem.THIRD_PARTY,
    "injury": ReserveItem.INJURY,
    "fees": ReserveItem.FEES,
}
_UP = {"reopening": MovementKind.REOPENED}
_DOWN = {"release": MovementKind.RELEASED}


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
    claim: Claim,
    after_fen: int,
    kind: str,
    *,
    item: str,
    actor: User,
    now: datetime,
    reason: str = "",
    outstanding: Mapping[ReserveItem, int] | None = None,
) -> None:
    """Write a movement of the reserve, ask for the papers wanted from this amount on and, where this is the first large
    estimate, tell the client.

    `outstanding` is how what is left after payments divides, where that is known; it must add up to it. Otherwise
    the item that is named takes the change. The caller has checked the amount. The same amount again writes nothing.
    """
    record_paid(claim, actor=actor, now=now)
    held, left_fen = outstanding_of(claim.id), after_fen - claim.paid_fen
    if outstanding is None:
        wanted = ledger.retarget(held, left_fen, _ITEM_NAMED.get(item, ReserveItem.UNDIVIDED))
    else:
        wanted = ledger.spread(outstanding, left_fen)
    entry = _entry(claim, after_fen, kind, item, reason, actor, now)
    up = _UP.get(kind) or (MovementKind.INCREASE if _has_reserve(claim.id) else MovementKind.NEW)
    movements = ledger.rebalance(held, wanted, up=up, down=_DOWN.get(kind, MovementKind.DECREASE))
    _post(claim, movements, entry, actor, now)
    claim.reserve_fen = after_fen
    claim.highest_estimate_fen = max(claim.highest_estimate_fen, after_fen)
    checklists.add_by_amount(claim)
    if after_fen >= LARGE_LOSS_FEN and claim.large_loss_noticed_at is None:
        _tell_large_loss(claim, actor=actor, now=now)


def _entry(
    claim: Claim, after_fen: int, kind: str, item: str, reason: str, actor: User, now: datetime
) -> ReserveEntry | None:
    """The change of the whole; None where only its division changes."""
    if after_fen == claim.reserve_fen:
        return None
    entry = ReserveEntry(
        claim_id=claim.id,
        at=now,
        kind=kind,
        item=item,
        before_fen=claim.reserve_fen,
        after_fen=after_fen,
        actor_id=actor.id,
        reason=reason[:MAX_REASON],
    )
    db.session.add(entry)
    db.session.flush()
    return entry


def _has_reserve(claim_id: int) -> bool:
    earlier = select(ReserveMovement.id).where(
        ReserveMovement.claim_id == claim_id, ReserveMovement.kind != MovementKind.PAID
    )
    return db.session.scalar(earlier.limit(1)) is not None


def _post(
    claim: Claim,
    movements: Iterable[ledger.Movement],
    entry: ReserveEntry | None,
    actor: User,
    now: datetime,
) -> None:
    db.session.add_all(
        ReserveMovement(
            claim_id=claim.id,
            at=now,
            kind=movement.kind,
            item=movement.item,
            amount_fen=movement.amount_fen,
            entry_id=entry.id if entry else None,
            actor_id=actor.id,
        )
        for movement in movements
    )
    db.session.flush()


def estimate(claim: Claim, amount_fen: int, item: str, *, actor: User, now: datetime) -> None:
    """The first estimate of the whole, at the report or at the survey. The caller has checked the amount."""
    move(claim, amount_fen, "estimate", item=item, actor=actor, now=now)


def assess(
    claim: Claim,
    amounts: Mapping[ReserveItem, int],
    *,
    item: str,
    actor: User,
    now: datetime,
    reason: str = "",
) -> None:
    """The reserve becomes what was assessed, item by item, never below what is paid; what is held for fees stays.

    Invalid `reserve_out_of_range`.
    """
    record_paid(claim, actor=actor, now=now)
    held, paid = outstanding_of(claim.id), _paid_by_item(claim.id)
    whole = {one: amounts.get(one, 0) for one in ReserveItem}
    whole[ReserveItem.FEES] += held[ReserveItem.FEES] + paid.get(ReserveItem.FEES, 0)
    after_fen = max(sum(whole.values()), claim.paid_fen)
    require_reserve(claim, after_fen, field="items")
    left = {one: max(fen - paid.get(one, 0), 0) for one, fen in whole.items()}
    move(claim, after_fen, "assessment", item=item, actor=actor, now=now, reason=reason, outstanding=left)


def shift(
    claim: Claim,
    changes: Mapping[ReserveItem, int],
    *,
    item: str,
    actor: User,
    now: datetime,
    reason: str = "",
) -> None:
    """Follow estimates of items that went up or down. What was estimated for the whole is divided first.

    Never below what is paid. Invalid `reserve_out_of_range`.
    """
    record_paid(claim, actor=actor, now=now)
    wanted = ledger.shift(outstanding_of(claim.id), changes)
    after_fen = claim.paid_fen + sum(wanted.values())
    require_reserve(claim, after_fen)
    move(claim, after_fen, "items", item=item, actor=actor, now=now, reason=reason, outstanding=wanted)


def record_paid(claim: Claim, *, actor: User, now: datetime, item: ReserveItem | None = None) -> None:
    """Bring the ledger up to what is paid of the claim: call it after every change of `paid_fen`, either way.

    Money paid leaves the item that is named, else all items by their shares; money that came back is a negative
    payment. Called again it writes nothing.
    """
    db.session.flush()
    paid = _paid_by_item(claim.id)
    change = claim.paid_fen - sum(paid.values())
    if change > 0:
        _post(claim, ledger.paid_out(outstanding_of(claim.id), change, item), None, actor, now)
    elif change < 0:
        _post(claim, ledger.paid_back(paid, -change), None, actor, now)


def outstanding_of(claim_id: int) -> dict[ReserveItem, int]:
    """What is outstanding of each item of a claim."""
    sums = dict.fromkeys(ReserveItem, 0)
    for item, kind, fen in _sums(claim_id):
        sums[item] += ledger.effect_of(kind, fen)
    return sums


def _paid_by_item(claim_id: int) -> dict[ReserveItem, int]:
    sums: Counter[ReserveItem] = Counter()
    for item, kind, fen in _sums(claim_id):
        if kind is MovementKind.PAID:
            sums[item] += fen
    return dict(sums)


def _sums(claim_id: int) -> list[tuple[ReserveItem, MovementKind, int]]:
    statement = (
        select(ReserveMovement.item, ReserveMovement.kind, func.sum(ReserveMovement.amount_fen))
        .where(ReserveMovement.claim_id == claim_id)
        .group_by(ReserveMovement.item, ReserveMovement.kind)
    )
    return [(item, kind, int(fen)) for item, kind, fen in db.session.execute(statement).tuples()]


def list_movements(claim_id: int) -> list[ReserveMovement]:
    """The ledger of a claim in the order it was written. The caller has checked that the claim is visible."""
    statement = select(ReserveMovement).where(ReserveMovement.claim_id == claim_id)
    return list(db.session.scalars(statement.order_by(ReserveMovement.at, ReserveMovement.id)))


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
