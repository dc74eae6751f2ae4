"""Answering and closing contacts: their owner, who stands in for them, or a manager."""

from datetime import datetime

from sqlalchemy import exists, or_, select, update

from service_desk.base.errors import Conflict, Forbidden, Invalid
from service_desk.models.db import db
from service_desk.models.enquiries import (
    ContactKind,
    Enquiry,
    EnquiryChannel,
    EnquiryClosing,
    EnquiryRepeat,
    EnquiryState,
    Handover,
    HandoverState,
    MatterKind,
)
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, audit, sla
from service_desk.services.enquiries.clients import client_of
from service_desk.services.enquiries.contacts import REPLY_STEPS, get_enquiry, matter_of
from service_desk.services.notices import queue
from service_desk.services.sla import standing_in


def answer(
    number: str, words: str, version: int, *, template_id: int | None = None, actor: User, now: datetime
) -> Enquiry:
    """Answer a contact: its owner or a manager. The reply clock stops; whoever can be reached in writing is told.

    Answering again corrects the words; the time of the first answer stays. `template_id`: the template it was made of.
    """
    enquiry = held_for_owner(number, version, actor, now)
    if not words.strip():
        raise Invalid("answer_missing", field="answer")
    changes = audit.change(
        enquiry,
        answer=words.strip(),
        answered_at=enquiry.answered_at or now,
        state=EnquiryState.ANSWERED,
        template_id=template_id or enquiry.template_id,
    )
    audit.record("enquiry_answered", enquiry, actor=actor, now=now, changes=changes)
    sla.stop(matter_of(enquiry), REPLY_STEPS, at=now, actor=actor, now=now)
    _tell_client(enquiry, actor, now)
    return enquiry


def _tell_client(enquiry: Enquiry, actor: User, now: datetime) -> None:
    """Send the answer to the client's login that wrote, or to the address given; a caller by phone has heard it."""
    writer = db.session.get_one(User, enquiry.opened_by_id)
    recipient = client_of(enquiry) if writer.side is Side.CLIENT or enquiry.caller_email else None
    if recipient is None:
        return
    queue(
        "enquiry_answered",
        recipient,
        {
            "number": enquiry.number,
            "about": enquiry.subject,
            "answer": enquiry.answer,
            "owner": {"name": actor.name, "staff_no": actor.staff_no, "phone": actor.phone},
            "url": f"/enquiries/{enquiry.number}" if recipient.user_id else "",
        },
        dedupe=f"enquiry_answered:{enquiry.id}:{now.isoformat()}",
        now=now,
        matter=matter_of(enquiry),
        is_shared=enquiry.kind is not ContactKind.COMPLAINT,
    )


def close(number: str, version: int, *, actor: User, now: datetime) -> Enquiry:
    """Close a contact that has its answer: its owner, or a manager. A complaint is closed by the client's word alone."""
    enquiry = held_for_owner(number, version, actor, now)
    if not enquiry.answer:
        raise Invalid("answer_missing", field="answer")
    if sla.is_running(matter_of(enquiry), ClockStep.MESSAGE_REPLY):
        raise Conflict("message_unanswered")
    if enquiry.kind is ContactKind.COMPLAINT:
        raise Conflict("word_missing")
    end(enquiry, actor=actor, now=now)
    return enquiry


def end(enquiry: Enquiry, *, actor: User, now: datetime) -> None:
    """Close a contact that may be closed, and keep by whose hands it was."""
    # Whoever says that all is settled waits for nothing any more.
    sla.stop(matter_of(enquiry), (ClockStep.MESSAGE_REPLY,), at=now, actor=actor, now=now)
    changes = audit.change(enquiry, state=EnquiryState.CLOSED, closed_at=now)
    withdraw_offers_of(enquiry, now)
    db.session.add(
        EnquiryClosing(
            enquiry_id=enquiry.id,
            at=now,
            owner_id=enquiry.owner_id,
            is_first_contact=_is_first_contact(enquiry),
        )
    )
    audit.record("enquiry_closed", enquiry, actor=actor, now=now, changes=changes)


def _is_first_contact(enquiry: Enquiry) -> bool:
    """By whoever was first asked, never handed over, never asked about again."""
    if enquiry.owner_id != enquiry.first_owner_id:
        return False
    was_handed = exists().where(
        Handover.matter_kind == MatterKind.ENQUIRY,
        Handover.matter_id == enquiry.id,
        Handover.state == HandoverState.ACCEPTED,
    )
    was_repeated = exists().where(EnquiryRepeat.enquiry_id == enquiry.id)
    return not db.session.scalar(select(or_(was_handed, was_repeated)))


def withdraw_offers_of(enquiry: Enquiry, now: datetime) -> None:
    """Take back what was offered of a contact and nobody has decided."""
    _withdraw_offers(MatterKind.ENQUIRY, [enquiry.id], now)


def may_work_on(enquiry: Enquiry, *, actor: User, now: datetime) -> bool:
    """Whether a contact is the actor's to answer: its owner's, a manager's, a stand-in's while the owner is away."""
    if enquiry.owner_id == actor.id or actor.role is Role.MANAGER:
        return True
    stand_in = standing_in.stand_in_for(
        enquiry.owner_id, now, account_id=enquiry.account_id, barred=enquiry.hidden_from_id
    )
    return stand_in is not None and stand_in.id == actor.id


def held_for_owner(number: str, version: int, actor: User, now: datetime) -> Enquiry:
    """The contact, locked, for who may work on it; the claim's own goes with its claim."""
    enquiry = get_enquiry(number, actor=actor)
    access.require(actor, Action.ANSWER_ENQUIRIES)
    db.session.refresh(enquiry, with_for_update=True)
    if not may_work_on(enquiry, actor=actor, now=now):
        raise Forbidden("not_the_owner")
    if enquiry.version != version:
        raise Conflict("stale")
    if enquiry.state is EnquiryState.CLOSED:
        raise Conflict("enquiry_closed")
    if enquiry.channel is EnquiryChannel.CLAIM_REPORT:
        raise Conflict("enquiry_of_claim")
    return enquiry


def close_for_claim(claim_id: int, *, now: datetime) -> None:
    """Close the first contact of a claim together with the claim, and let go what was still offered of either."""
    of_claim = (
        Enquiry.claim_id == claim_id,
        Enquiry.channel == EnquiryChannel.CLAIM_REPORT,
        Enquiry.state != EnquiryState.CLOSED,
    )
    ids = list(db.session.scalars(select(Enquiry.id).where(*of_claim)))
    _withdraw_offers(MatterKind.CLAIM, [claim_id], now)
    _withdraw_offers(MatterKind.ENQUIRY, ids, now)
    db.session.execute(
        update(Enquiry)
        .where(Enquiry.id.in_(ids))
        .values(state=EnquiryState.CLOSED, closed_at=now, version=Enquiry.version + 1)
    )


def _withdraw_offers(kind: MatterKind, ids: list[int], now: datetime) -> None:
    """A matter that has ended cannot be taken any more: nobody is left with an offer to decide."""
    db.session.execute(
        update(Handover)
        .where(
            Handover.matter_kind == kind, Handover.matter_id.in_(ids), Handover.state == HandoverState.ASKED
        )
        .values(state=HandoverState.WITHDRAWN, decided_at=now, version=Handover.version + 1)
    )
