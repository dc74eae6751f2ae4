"""Handing a matter over. It counts only when accepted; until then the first owner stays."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.text import one_line
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db
from service_desk.models.enquiries import ContactKind, Enquiry, Handover, HandoverState, MatterKind
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.permissions import Action, Role
from service_desk.services import access, audit, sla
from service_desk.services.enquiries import contacts, owners
from service_desk.services.notices import Matter, queue, user_recipient

_TAKERS = {
    MatterKind.CLAIM: (Role.CLAIMS, Role.MANAGER),
    MatterKind.ENQUIRY: (Role.UNDERWRITER, Role.CLAIMS, Role.MANAGER),
}
_WORK = {MatterKind.CLAIM: Action.HANDLE_CLAIMS, MatterKind.ENQUIRY: Action.ANSWER_ENQUIRIES}


def possible_takers(account_id: int, kind: MatterKind, owner_id: int) -> list[User]:
    """Who of the desk could take a matter of this kind."""
    return [user for user in access.account_members(account_id, *_TAKERS[kind]) if user.id != owner_id]


def takers_of(row: Claim | Enquiry) -> list[User]:
    """Who of the desk could take this matter: a complaint only who may hear it, never whom it is about."""
    kind = MatterKind.CLAIM if isinstance(row, Claim) else MatterKind.ENQUIRY
    found = possible_takers(row.account_id, kind, row.owner_id)
    if isinstance(row, Claim) or row.kind is not ContactKind.COMPLAINT:
        return found
    return [user for user in owners.may_hear(row.account_id, row.hidden_from_id) if user.id != row.owner_id]


def ask_handover(
    kind: MatterKind, number: str, to_id: int, note: str, *, actor: User, now: datetime
) -> Handover:
    """Offer a matter to a colleague: its owner or a manager. The colleague is told at once."""
    row = _owned(kind, number, actor)
    access.require(actor, _WORK[kind])
    if row.owner_id != actor.id and actor.role is not Role.MANAGER:
        raise Forbidden("not_the_owner")
    if not _is_open(row):
        raise Conflict("matter_closed")
    if to_id not in {user.id for user in takers_of(row)}:
        raise Invalid("taker_unsuitable", field="to_id")
    offer = Handover(
        account_id=row.account_id,
        matter_kind=kind,
        matter_id=row.id,
        matter_number=row.number,
        from_id=row.owner_id,
        to_id=to_id,
        state=HandoverState.ASKED,
        note=one_line(note)[:200],
        asked_at=now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(offer)
    except IntegrityError:
        raise Conflict("handover_open") from None
    audit.record(
        "handover_asked",
        offer,
        actor=actor,
        now=now,
        label=row.number,
        changes={"to_id": (row.owner_id, to_id)},
    )
    _tell(offer, "handover_asked", to_id, actor, now)
    return offer


def get_offer(offer_id: int, *, actor: User) -> Handover:
    """An offer on an account of the actor's, decided or not; NotFound otherwise."""
    return access.get_visible(actor, Action.ANSWER_ENQUIRIES, Handover, Handover.id == offer_id)


def accept(offer_id: int, *, actor: User, now: datetime) -> Handover:
    """Take the matter: from now on the clock's minutes are the taker's."""
    offer = _offered_to(offer_id, actor)
    # Who was offered a claim may have changed to another role since.
    access.require(actor, _WORK[offer.matter_kind])
    row = _matter_row(offer)
    if not _is_open(row):
        raise Conflict("matter_closed")
    if row.owner_id != offer.from_id:
        raise Conflict("handover_overtaken")
    changes = audit.change(offer, state=HandoverState.ACCEPTED, decided_at=now)
    row.owner_id = actor.id
    sla.hand_over(_matter(offer, row), to_id=actor.id, at=now, actor=actor, now=now)
    if isinstance(row, Claim):
        _note_on_claim(row, offer, actor, now)
    audit.record("handover_accepted", offer, actor=actor, now=now, label=offer.matter_number, changes=changes)
    _tell(offer, "handover_accepted", offer.from_id, actor, now)
    return offer


def refuse(offer_id: int, reason: str, *, actor: User, now: datetime) -> Handover:
    """Send the matter back with the reason; the first owner stays."""
    offer = _offered_to(offer_id, actor)
    if not reason.strip():
        raise Invalid("reason_missing", field="reason")
    changes = audit.change(
        offer, state=HandoverState.REFUSED, decided_at=now, refusal_reason=one_line(reason)[:200]
    )
    audit.record("handover_refused", offer, actor=actor, now=now, label=offer.matter_number, changes=changes)
    _tell(offer, "handover_refused", offer.from_id, actor, now)
    return offer


def withdraw(offer_id: int, *, actor: User, now: datetime) -> Handover:
    """Take an offer back before it is decided: who made it, the present owner, or a manager."""
    offer = _open_offer(offer_id, actor)
    if actor.id not in (offer.from_id, _matter_row(offer).owner_id) and actor.role is not Role.MANAGER:
        raise Forbidden("not_the_owner")
    changes = audit.change(offer, state=HandoverState.WITHDRAWN, decided_at=now)
    audit.record(
        "handover_withdrawn", offer, actor=actor, now=now, label=offer.matter_number, changes=changes
    )
    return offer


def list_offered(*, actor: User) -> list[tuple[Handover, User]]:
    """What colleagues offer the actor, with who offers it."""
    giver = aliased(User)
    statement = (
        select(Handover, giver)
        .join(giver, giver.id == Handover.from_id)
        .where(Handover.to_id == actor.id, Handover.state == HandoverState.ASKED)
        .order_by(Handover.asked_at)
        .limit(100)
    )
    return [(row[0], row[1]) for row in db.session.execute(statement)]


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
    return contacts.get_enquiry(number, actor=actor)


def _is_open(row: Claim | Enquiry) -> bool:
    if isinstance(row, Claim):
        return row.state in OPEN_STATES
    return row.closed_at is None


def _open_offer(offer_id: int, actor: User) -> Handover:
    offer = get_offer(offer_id, actor=actor)
    db.session.refresh(offer, with_for_update=True)
    if offer.state is not HandoverState.ASKED:
        raise Conflict("handover_decided")
    return offer


def _offered_to(offer_id: int, actor: User) -> Handover:
    offer = _open_offer(offer_id, actor)
    if offer.to_id != actor.id:
        raise NotFound("not_found")
    return offer


def _matter_row(offer: Handover) -> Claim | Enquiry:
    if offer.matter_kind is MatterKind.CLAIM:
        return db.session.get_one(Claim, offer.matter_id, with_for_update=True, populate_existing=True)
    return db.session.get_one(Enquiry, offer.matter_id, with_for_update=True, populate_existing=True)


def _matter(offer: Handover, row: Claim | Enquiry) -> Matter:
    return Matter(offer.matter_kind.value, row.id, row.number, row.account_id, row.branch_id)


def _note_on_claim(claim: Claim, offer: Handover, actor: User, now: datetime) -> None:
    db.session.add(
        ClaimEvent(
            claim_id=claim.id,
            round=claim.round,
            at=now,
            recorded_at=now,
            kind="handed_over",
            from_state=claim.state.value,
            to_state=claim.state.value,
            actor_id=actor.id,
            params={"from_id": offer.from_id, "to_id": offer.to_id},
            note=offer.note,
        )
    )


def _tell(offer: Handover, kind: str, user_id: int, actor: User, now: datetime) -> None:
    folder = "claims" if offer.matter_kind is MatterKind.CLAIM else "enquiries"
    params = {
        "number": offer.matter_number,
        "who": {"name": actor.name, "staff_no": actor.staff_no, "phone": actor.phone},
        "note": offer.note,
        "reason": offer.refusal_reason or "",
        "url": f"/{folder}/{offer.matter_number}",
    }
    queue(
        kind,
        user_recipient(db.session.get_one(User, user_id)),
        params,
        dedupe=f"{kind}:{offer.id}",
        now=now,
        matter=_matter(offer, _matter_row(offer)),
    )
