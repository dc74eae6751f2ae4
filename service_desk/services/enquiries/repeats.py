"""The same matter asked about again: recognised before a second contact is made, and added to the first."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Conflict
from service_desk.base.text import one_line, squeeze
from service_desk.models.db import db
from service_desk.models.enquiries import (
    ContactKind,
    Enquiry,
    EnquiryChannel,
    EnquiryClosing,
    EnquiryRepeat,
    EnquiryState,
)
from service_desk.models.users import User
from service_desk.rules.first_contact import is_remembered, phone_key
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit, sla
from service_desk.services.enquiries import contacts, earlier, owners
from service_desk.services.enquiries.contacts import ContactDetails, Sender
from service_desk.services.enquiries.subjects import find_subject
from service_desk.services.notices import queue, user_recipient


@dataclass(frozen=True)
class RepeatAnswer:
    """What whoever logs says about the earlier contacts shown to them, by number.

    `joins`: it is a further call on this one. `owner_of`: it is another, for the owner of this one. Neither: another.
    """

    shown: tuple[str, ...] = ()
    joins: str = ""
    owner_of: str = ""


@dataclass(frozen=True)
class FurtherCall:
    """A further call, visit or message on a contact there is."""

    channel: EnquiryChannel
    caller_name: str
    caller_phone: str
    words: str


def take_contact(
    account_id: int, details: ContactDetails, answer: RepeatAnswer | None, *, actor: User, now: datetime
) -> Enquiry:
    """Log a contact unless it may be the same matter again: then ask first, and do what is answered.

    Conflict `contact_repeated` with what was found, when nothing was answered or more is found than was shown;
    `earlier_unknown` when the answer names another.
    """
    access.require(actor, Action.LOG_ENQUIRY)
    is_complaint = details.kind is ContactKind.COMPLAINT
    subject = find_subject(account_id, details.about, actor, with_contacts=is_complaint)
    new = subject.asking(phone_key(details.caller_phone), one_line(details.caller_name))
    found = earlier.find_earlier(
        account_id,
        new,
        details.kind,
        person_id=details.person_id if is_complaint else None,
        actor=actor,
        now=now,
    )
    known = {one.number for one in found}
    if answer is not None and {answer.joins, answer.owner_of} - {"", *known}:
        raise Conflict("earlier_unknown")
    if answer is not None and answer.joins:
        words = "\n".join(one for one in (details.subject.strip(), details.body.strip()) if one)
        call = FurtherCall(details.channel, details.caller_name, details.caller_phone, words)
        return add_repeat(answer.joins, call, actor=actor, now=now)
    if known and (answer is None or not known <= set(answer.shown)):
        raise earlier.question(found)
    named = contacts.get_enquiry(answer.owner_of, actor=actor) if answer and answer.owner_of else None
    return contacts.log_contact(account_id, details, actor=actor, now=now, earlier=named)


def add_repeat(number: str, call: FurtherCall, *, actor: User, now: datetime) -> Enquiry:
    """Add a further call to a contact: its owner is told at once, and what was answered or closed is open again.

    Conflict: enquiry_of_claim; earlier_unknown for what was closed longer ago than it is remembered.
    """
    access.require(actor, Action.LOG_ENQUIRY)
    enquiry = hold(contacts.get_enquiry(number, actor=actor))
    if not is_remembered(enquiry.closed_at, now):
        raise Conflict("earlier_unknown")
    channel = EnquiryChannel.MESSAGE if actor.side is Side.CLIENT else call.channel
    return _add(enquiry, call, channel, taken_by_id=actor.id, actor=actor, now=now)


def may_add(enquiry: Enquiry, now: datetime) -> bool:
    """Whether a further call may still be added: it is no claim's own, and open or closed lately."""
    return enquiry.channel is not EnquiryChannel.CLAIM_REPORT and is_remembered(enquiry.closed_at, now)


def receive_repeat(enquiry: Enquiry, call: FurtherCall, sender: Sender, *, now: datetime) -> Enquiry:
    """Add what came by itself to a contact; nobody is signed in. It counts as taken by the sender's login or the owner."""
    taken_by_id = sender.user.id if sender.user else enquiry.owner_id
    return _add(hold(enquiry), call, call.channel, taken_by_id=taken_by_id, actor=None, now=now)


def add_call(
    enquiry: Enquiry, call: FurtherCall, *, actor: User, now: datetime, is_told: bool = False
) -> Enquiry:
    """Add a further call to a contact that is held and that the actor was found to work on or to have asked.

    `is_told`: its owner knows of it already.
    """
    return _add(enquiry, call, call.channel, taken_by_id=actor.id, actor=actor, now=now, is_told=is_told)


def hold(enquiry: Enquiry) -> Enquiry:
    """The contact as it is once nobody else changes it; Conflict for a claim's own."""
    db.session.refresh(enquiry, with_for_update=True)
    if enquiry.channel is EnquiryChannel.CLAIM_REPORT:
        raise Conflict("enquiry_of_claim")
    return enquiry


def _add(
    enquiry: Enquiry,
    call: FurtherCall,
    channel: EnquiryChannel,
    *,
    taken_by_id: int,
    actor: User | None,
    now: datetime,
    is_told: bool = False,
) -> Enquiry:
    repeat = EnquiryRepeat(
        enquiry_id=enquiry.id,
        at=now,
        channel=channel,
        caller_name=one_line(call.caller_name)[:64],
        caller_phone=squeeze(call.caller_phone)[:64],
        words=call.words.strip(),
        answer_before=enquiry.answer if enquiry.state is not EnquiryState.OPEN else "",
        taken_by_id=taken_by_id,
    )
    db.session.add(repeat)
    is_reopened, owner_id = enquiry.state is not EnquiryState.OPEN, enquiry.owner_id
    changes = reopen(enquiry, actor=actor, now=now) if is_reopened else {}
    if enquiry.owner_id != owner_id:
        # What of it still runs goes along, and the client hears whom to ask now.
        matter = contacts.matter_of(enquiry)
        sla.hand_over(matter, to_id=enquiry.owner_id, at=now, actor=actor, now=now)
        contacts.tell_client_owner(enquiry, actor, now)
    audit.record(
        "enquiry_repeated", enquiry, actor=actor, now=now, changes=changes | {"repeat": (None, repeat.words)}
    )
    if is_reopened:
        contacts.start_clock(enquiry, actor=actor, now=now)
    if not is_told and (actor is None or actor.id != enquiry.owner_id):
        _tell_repeated(enquiry, repeat, now, is_reopened=is_reopened)
    return enquiry


def reopen(enquiry: Enquiry, *, actor: User | None, now: datetime) -> dict[str, tuple[object, object]]:
    """Open an answered or closed contact again, for its owner; for another where the owner has left. The changes."""
    closing = db.session.scalar(
        select(EnquiryClosing)
        .where(EnquiryClosing.enquiry_id == enquiry.id, EnquiryClosing.reopened_at.is_(None))
        .order_by(EnquiryClosing.id.desc())
        .limit(1)
    )
    if closing is not None:
        closing.reopened_at = now
    return audit.change(
        enquiry,
        state=EnquiryState.OPEN,
        closed_at=None,
        answer="",
        answered_at=None,
        owner_id=_owner_again(enquiry, actor, now),
    )


def _owner_again(enquiry: Enquiry, actor: User | None, now: datetime) -> int:
    if owners.serves(enquiry.account_id, enquiry.owner_id):
        return enquiry.owner_id
    if enquiry.kind is ContactKind.COMPLAINT:
        found = owners.owner_of_complaint(enquiry.account_id, barred=enquiry.hidden_from_id, actor=actor)
        return found or enquiry.owner_id
    return owners.owner_of_contact(enquiry.account_id, earlier_id=None, handler_id=None, actor=actor, now=now)


def _tell_repeated(enquiry: Enquiry, repeat: EnquiryRepeat, now: datetime, *, is_reopened: bool) -> None:
    queue(
        "enquiry_repeated",
        user_recipient(db.session.get_one(User, enquiry.owner_id)),
        {
            "number": enquiry.number,
            "about": enquiry.subject,
            "caller_name": repeat.caller_name,
            "caller_phone": repeat.caller_phone,
            "words": repeat.words,
            "is_reopened": is_reopened,
            "url": f"/enquiries/{enquiry.number}",
        },
        dedupe=f"enquiry_repeated:{enquiry.id}:{now.isoformat()}",
        now=now,
        matter=contacts.matter_of(enquiry),
        is_shared=enquiry.kind is not ContactKind.COMPLAINT,
    )
