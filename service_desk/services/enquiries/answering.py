"""Answering and closing contacts: their owner, who stands in for them, or a manager."""

from datetime import datetime

from sqlalchemy import select, update

from service_desk.base.errors import Conflict, Forbidden, Invalid
from service_desk.models.db import db
from service_desk.models.enquiries import (
    Enquiry,
    EnquiryChannel,
    EnquiryState,
    Handover,
    HandoverState,
    MatterKind,
)
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, audit, sla
from service_desk.services.enquiries.contacts import get_enquiry, matter_of
from service_desk.services.notices import queue, user_recipient
from service_desk.services.sla import standing_in


def answer(number: str, words: str, version: int, *, actor: User, now: datetime) -> Enquiry:
    """Answer a contact: its owner or a manager. The reply clock stops; whoever wrote from the client's pages is told.

    Answering again corrects the words; the time of the first answer stays.
    """
    enquiry = _for_owner(number, version, actor, now)
    if not words.strip():
        raise Invalid("answer_missing", field="answer")
    changes = audit.change(
        enquiry,
        answer=words.strip(),
        answered_at=enquiry.answered_at or now,
        state=EnquiryState.ANSWERED,
    )
    audit.record("enquiry_answered", enquiry, actor=actor, now=now, changes=changes)
    sla.stop(matter_of(enquiry), (ClockStep.FIRST_REPLY,), at=now, actor=actor, now=now)
    _tell_writer(enquiry, actor, now)
    return enquiry


def _tell_writer(enquiry: Enquiry, actor: User, now: datetime) -> None:
    """Send the answer to the client's login that wrote; a caller by phone has heard it."""
    writer = db.session.get_one(User, enquiry.opened_by_id)
    if writer.side is not Side.CLIENT or not writer.is_active:
        return
    queue(
        "enquiry_answered",
        user_recipient(writer),
        {
            "number": enquiry.number,
            "about": enquiry.subject,
            "answer": enquiry.answer,
            "owner": {"name": actor.name, "staff_no": actor.staff_no, "phone": actor.phone},
            "url": f"/enquiries/{enquiry.number}",
        },
        dedupe=f"enquiry_answered:{enquiry.id}:{now.isoformat()}",
        now=now,
        matter=matter_of(enquiry),
    )


def close(number: str, version: int, *, actor: User, now: datetime) -> Enquiry:
    """Close a contact that has its answer: its owner, or a manager."""
    enquiry = _for_owner(number, version, actor, now)
    if not enquiry.answer:
        raise Invalid("answer_missing", field="answer")
    changes = audit.change(enquiry, state=EnquiryState.CLOSED, closed_at=now)
    _withdraw_offers(MatterKind.ENQUIRY, [enquiry.id], now)
    audit.record("enquiry_closed", enquiry, actor=actor, now=now, changes=changes)
    return enquiry


def may_work_on(enquiry: Enquiry, *, actor: User, now: datetime) -> bool:
    """Whether a contact is the actor's to answer: its owner's, a manager's, a stand-in's while the owner is away."""
    if enquiry.owner_id == actor.id or actor.role is Role.MANAGER:
        return True
    stand_in = standing_in.stand_in_for(enquiry.owner_id, now, account_id=enquiry.account_id)
    return stand_in is not None and stand_in.id == actor.id


def _for_owner(number: str, version: int, actor: User, now: datetime) -> Enquiry:
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
