"""Handing a matter over. It counts only when accepted; until then the first owner stays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.text import one_line
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import ContactKind, Enquiry, Handover, HandoverState, MatterKind
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role
from service_desk.services import access, audit
from service_desk.services.enquiries import contacts, matters, new_owner, overtaken, owners
from service_desk.services.notices import queue, user_recipient


@dataclass(frozen=True)
class Offered:
    """A matter to be offered, as its owner or who answers for them names it."""

    kind: MatterKind
    id: int
    number: str
    account_id: int
    owner_id: int


def possible_takers(account_id: int, kind: MatterKind, owner_id: int) -> list[User]:
    """Who of the desk could take a matter of this kind."""
    takers = access.account_members(account_id, *matters.KINDS[kind].takers)
    return [user for user in takers if user.id != owner_id]


def takers_of(row: Claim | Enquiry) -> list[User]:
    """Who of the desk could take this matter: a complaint only who may hear it, never whom it is about."""
    kind = MatterKind.CLAIM if isinstance(row, Claim) else MatterKind.ENQUIRY
    found = possible_takers(row.account_id, kind, row.owner_id)
    if isinstance(row, Claim) or row.kind is not ContactKind.COMPLAINT:
        return found
    return [user for user in owners.may_hear(row.account_id, row.hidden_from_id) if user.id != row.owner_id]


def _takers_of(one: Offered) -> list[User]:
    if one.kind is MatterKind.ENQUIRY:
        return takers_of(db.session.get_one(Enquiry, one.id))
    # The clocks of a complaint, and what its reviews ordered, are no more theirs than the complaint.
    barred = access.hidden_from([one.number]).get(one.number)
    return [user for user in possible_takers(one.account_id, one.kind, one.owner_id) if user.id != barred]


def ask_handover(
    kind: MatterKind, number: str, to_id: int, note: str, *, actor: User, now: datetime, tells: bool = True
) -> Handover:
    """Offer a matter to a colleague: its owner or a manager. The colleague is told at once when it `tells`."""
    row = _owned(kind, number, actor)
    access.require(actor, matters.KINDS[kind].work)
    if row.owner_id != actor.id and actor.role is not Role.MANAGER:
        raise Forbidden("not_the_owner")
    if not matters.KINDS[kind].is_open(row, now):
        raise Conflict("matter_closed")
    one = Offered(kind, row.id, row.number, row.account_id, row.owner_id)
    return offer(one, to_id, note, actor=actor, now=now, tells=tells)


def offer(one: Offered, to_id: int, note: str, *, actor: User, now: datetime, tells: bool = True) -> Handover:
    """Offer what the caller has found to be open and the actor's to offer.

    Invalid: taker_unsuitable. Conflict: handover_open.
    """
    if to_id not in {user.id for user in _takers_of(one)}:
        raise Invalid("taker_unsuitable", field="to_id")
    overtaken.take_back_former(one.kind, one.id, one.owner_id, now=now)
    row = Handover(
        account_id=one.account_id,
        matter_kind=one.kind,
        matter_id=one.id,
        matter_number=one.number,
        from_id=one.owner_id,
        to_id=to_id,
        state=HandoverState.ASKED,
        note=one_line(note)[:200],
        asked_at=now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        raise Conflict("handover_open") from None
    audit.record(
        "handover_asked",
        row,
        actor=actor,
        now=now,
        label=one.number,
        changes={"to_id": (one.owner_id, to_id)},
    )
    if tells:
        _tell(row, "handover_asked", to_id, actor, now)
    return row


def get_offer(offer_id: int, *, actor: User) -> Handover:
    """An offer on an account of the actor's, decided or not; NotFound otherwise."""
    return access.get_visible(actor, Action.ANSWER_ENQUIRIES, Handover, Handover.id == offer_id)


def accept(offer_id: int, *, actor: User, now: datetime, tells: bool = True) -> Handover:
    """Take the matter: from now on the clock's minutes are the taker's, and the client hears who it is.

    Who has it already, by this very offer, is told so again: a second click is no refusal.
    """
    row = _locked_offer(offer_id, actor)
    if _is_decided_by(row, HandoverState.ACCEPTED, actor):
        return row
    _require_offered_to(row, actor)
    # Who was offered a claim may have changed to another role since.
    access.require(actor, matters.KINDS[row.matter_kind].work)
    changes = take(row, actor=actor, now=now)
    audit.record("handover_accepted", row, actor=actor, now=now, label=row.matter_number, changes=changes)
    if tells:
        _tell(row, "handover_accepted", row.from_id, actor, now)
    return row


def take(row: Handover, *, actor: User, now: datetime, note: str = "") -> dict[str, tuple[Any, Any]]:
    """Move the matter to who it was offered to, and say so to the client; what changed, for the trail.

    Conflict: matter_closed, handover_overtaken, and what the kind refuses.
    """
    rules = matters.KINDS[row.matter_kind]
    matter = rules.locked(row.matter_id)
    if matter is None or not rules.is_open(matter, now):
        raise Conflict("matter_closed")
    if rules.owner_of(matter) != row.from_id:
        raise Conflict("handover_overtaken")
    changes = audit.change(row, state=HandoverState.ACCEPTED, decided_at=now)
    rules.move(matter, row.from_id, row.to_id, note or row.note, actor, now)
    new_owner.tell_client(row.matter_kind, matter, row.to_id, dedupe=str(row.id), actor=actor, now=now)
    return changes


def refuse(offer_id: int, reason: str, *, actor: User, now: datetime) -> Handover:
    """Send the matter back with the reason; the first owner stays."""
    row = _locked_offer(offer_id, actor)
    if _is_decided_by(row, HandoverState.REFUSED, actor) and one_line(reason)[:200] == row.refusal_reason:
        return row
    _require_offered_to(row, actor)
    if not reason.strip():
        raise Invalid("reason_missing", field="reason")
    changes = audit.change(
        row, state=HandoverState.REFUSED, decided_at=now, refusal_reason=one_line(reason)[:200]
    )
    audit.record("handover_refused", row, actor=actor, now=now, label=row.matter_number, changes=changes)
    _tell(row, "handover_refused", row.from_id, actor, now)
    return row


def withdraw(offer_id: int, *, actor: User, now: datetime) -> Handover:
    """Take an offer back before it is decided: who made it, the present owner, or a manager."""
    row = _locked_offer(offer_id, actor)
    _require_undecided(row)
    rules = matters.KINDS[row.matter_kind]
    matter = rules.locked(row.matter_id)
    owners = {row.from_id, rules.owner_of(matter) if matter is not None else None}
    if actor.id not in owners and actor.role not in (Role.MANAGER, Role.ADMIN):
        raise Forbidden("not_the_owner")
    changes = audit.change(row, state=HandoverState.WITHDRAWN, decided_at=now)
    audit.record("handover_withdrawn", row, actor=actor, now=now, label=row.matter_number, changes=changes)
    return row


def list_offered(*, actor: User, now: datetime) -> list[tuple[Handover, User]]:
    """What colleagues offer the actor, with who offers it."""
    giver = aliased(User)
    statement = (
        select(Handover, giver)
        .join(giver, giver.id == Handover.from_id)
        .where(Handover.to_id == actor.id, Handover.state == HandoverState.ASKED)
        .order_by(Handover.asked_at)
        .limit(100)
    )
    rows = db.session.execute(statement).tuples().all()
    left = overtaken.standing([row[0] for row in rows], now)
    return [(offer, giver) for offer, giver in rows if offer.id in left]


def open_offers(kind: MatterKind, ids: list[int]) -> dict[int, tuple[Handover, User]]:
    """The undecided offer of each matter, with whom it was offered to."""
    statement = (
        select(Handover, User)
        .join(User, User.id == Handover.to_id)
        .where(
            Handover.matter_kind == kind, Handover.matter_id.in_(ids), Handover.state == HandoverState.ASKED
        )
    )
    return {row[0].matter_id: (row[0], row[1]) for row in db.session.execute(statement)}


def history(kind: MatterKind, matter_id: int) -> list[Handover]:
    """The chain of hand-overs of a matter, oldest first. The caller has checked that it is visible."""
    statement = select(Handover).where(Handover.matter_kind == kind, Handover.matter_id == matter_id)
    return list(db.session.scalars(statement.order_by(Handover.asked_at, Handover.id)))


def _owned(kind: MatterKind, number: str, actor: User) -> Claim | Enquiry:
    if kind is MatterKind.CLAIM:
        return access.get_visible(actor, Action.READ_CLAIMS, Claim, Claim.number == number)
    if kind is MatterKind.ENQUIRY:
        return contacts.get_enquiry(number, actor=actor)
    # Everything else changes hands from its own page, or when somebody leaves.
    raise NotFound("not_found")


def _locked_offer(offer_id: int, actor: User) -> Handover:
    row = get_offer(offer_id, actor=actor)
    # The matter before its offer, as whoever ends the matter takes them: else each waits for the other.
    matters.KINDS[row.matter_kind].locked(row.matter_id)
    db.session.refresh(row, with_for_update=True)
    return row


def _is_decided_by(row: Handover, state: HandoverState, actor: User) -> bool:
    """Whether the actor decided so, and the matter has been with whom it then was ever since."""
    if row.state is not state or row.to_id != actor.id:
        return False
    rules = matters.KINDS[row.matter_kind]
    matter = rules.locked(row.matter_id)
    owner_id = row.to_id if state is HandoverState.ACCEPTED else row.from_id
    return matter is not None and rules.owner_of(matter) == owner_id


def _require_undecided(row: Handover) -> None:
    if row.state is not HandoverState.ASKED:
        raise Conflict("handover_decided")


def _require_offered_to(row: Handover, actor: User) -> None:
    _require_undecided(row)
    if row.to_id != actor.id:
        raise NotFound("not_found")


def _tell(row: Handover, kind: str, user_id: int, actor: User, now: datetime) -> None:
    params = {
        "number": row.matter_number,
        "who": {"name": actor.name, "staff_no": actor.staff_no, "phone": actor.phone},
        "note": row.note,
        "reason": row.refusal_reason or "",
        "url": matters.path_of(row.matter_kind, row.matter_id, row.matter_number),
    }
    queue(
        kind,
        user_recipient(db.session.get_one(User, user_id)),
        params,
        dedupe=f"{kind}:{row.id}",
        now=now,
        account_id=row.account_id,
        matter=matters.notice_matter(row.matter_kind, row.matter_id, row.matter_number, row.account_id),
        is_shared=not _is_of_complaint(row),
    )


def _is_of_complaint(row: Handover) -> bool:
    """Whether it is a complaint, or a clock of one: no group reads of those."""
    kind = db.session.scalar(select(Enquiry.kind).where(Enquiry.number == row.matter_number))
    return kind is ContactKind.COMPLAINT
