"""Logging first contacts: who owns them, what they are about, and telling both sides."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from service_desk.base.clock import CHINA
from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.text import one_line, squeeze
from service_desk.models.claims import Claim
from service_desk.models.db import db, table_of
from service_desk.models.enquiries import ContactKind, Enquiry, EnquiryChannel, EnquiryState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.first_contact import phone_key
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit, numbers, sla
from service_desk.services.enquiries import owners
from service_desk.services.enquiries.clients import client_of, known_by_phone
from service_desk.services.enquiries.earlier import count_repeat, is_same, open_on
from service_desk.services.enquiries.subjects import Subject, find_subject, knows_branch
from service_desk.services.notices import Matter, queue, user_recipient

MATTER_KIND = "enquiry"
REPLY_STEPS = (ClockStep.FIRST_REPLY, ClockStep.COMPLAINT)
_WRITE = insert(table_of(Enquiry))


@dataclass(frozen=True)
class ContactDetails:
    """A call, visit or message as logged. `about` is a plate, claim number or policy number, or empty.

    Of a complaint, `about` may be a contact's number, and `person_id` is whom it is about; without it, whoever has
    the claim or contact it is about.
    """

    channel: EnquiryChannel
    caller_name: str
    caller_phone: str
    subject: str
    body: str
    about: str
    branch_id: int | None
    kind: ContactKind = ContactKind.QUESTION
    caller_email: str = ""
    person_id: int | None = None


@dataclass(frozen=True)
class Sender:
    """Who sent what came by itself, as mails and chats say. `user` is the client's login, where it is known."""

    name: str
    phone: str = ""
    email: str = ""
    user: User | None = None


def matter_of(enquiry: Enquiry) -> Matter:
    """The enquiry as clocks and notices know it."""
    return Matter(MATTER_KIND, enquiry.id, enquiry.number, enquiry.account_id, enquiry.branch_id)


def get_enquiry(number: str, *, actor: User) -> Enquiry:
    """The enquiry of a number as the actor may see it; NotFound otherwise, and for whom a complaint is about."""
    return access.get_visible(actor, Action.READ_ENQUIRIES, Enquiry, Enquiry.number == number)


def log_contact(
    account_id: int, details: ContactDetails, *, actor: User, now: datetime, earlier: Enquiry | None = None
) -> Enquiry:
    """Log a contact and start its clock. Whoever logs it at the desk owns it, unless `earlier` is named.

    A message from the client's own pages is owned by who has the same matter already, else by the handler of the
    claim it is about, else by who is on duty or the member of the desk with the fewest open contacts. `earlier` is the contact whose
    owner is to have this one too. A complaint goes to a manager, past whom it is about.
    """
    access.require(actor, Action.LOG_ENQUIRY)
    access.get_account(actor, account_id)
    _check(details)
    is_complaint = details.kind is ContactKind.COMPLAINT
    subject = find_subject(account_id, details.about, actor, with_contacts=is_complaint)
    if actor.side is Side.CLIENT:
        details = replace(details, channel=EnquiryChannel.MESSAGE)
    return _log(account_id, details, subject, earlier, actor=actor, opener=actor, now=now)


def log_complaint(
    account_id: int,
    words: str,
    *,
    about: str = "",
    person_id: int | None = None,
    subject: str,
    actor: User,
    now: datetime,
) -> Enquiry:
    """Complain past the owner: of a claim or contact (by number), of a person, or in general.

    The caller is the actor; the manager who hears it is told at once, and so is the client.
    """
    details = ContactDetails(
        channel=EnquiryChannel.MESSAGE if actor.side is Side.CLIENT else EnquiryChannel.CALL,
        caller_name=actor.name,
        caller_phone=actor.phone,
        subject=subject,
        body=words,
        about=about,
        branch_id=None,
        kind=ContactKind.COMPLAINT,
        person_id=person_id,
    )
    return log_contact(account_id, details, actor=actor, now=now)


def receive_contact(
    account_id: int,
    details: ContactDetails,
    sender: Sender,
    *,
    now: datetime,
    earlier: Enquiry | None = None,
    is_mailed: bool = True,
) -> Enquiry:
    """Log what came by itself, by mail or from a chat group: nobody is signed in.

    `is_mailed`: the sender is mailed who owns it; in the app a login is told anyway.
    The owner is found as for a message of the client. It counts as opened by the sender's login, else by the owner.
    What it is about is looked for in all the account has; a number nobody knows makes a contact about nothing.
    """
    said = replace(
        details,
        caller_name=sender.name,
        caller_phone=sender.phone,
        caller_email=sender.email,
        branch_id=details.branch_id or (sender.user.branch_id if sender.user else None),
    )
    _check(said)
    try:
        subject = find_subject(account_id, said.about, sender.user)
    except Invalid:
        subject = Subject()
    opener = sender.user
    return _log(account_id, said, subject, earlier, actor=None, opener=opener, now=now, is_mailed=is_mailed)


def _log(
    account_id: int,
    details: ContactDetails,
    subject: Subject,
    earlier: Enquiry | None,
    *,
    actor: User | None,
    opener: User | None,
    now: datetime,
    is_mailed: bool = True,
) -> Enquiry:
    branch_id = _branch_id(account_id, details, subject, opener)
    hidden_from_id = _person(account_id, details, subject)
    if earlier is None and (actor is None or actor.side is Side.CLIENT):
        earlier = open_on(account_id, subject, details.kind, hidden_from_id)
    owner_id = _owner_id(account_id, details, subject, earlier, hidden_from_id, actor, now)
    enquiry = Enquiry(
        number=numbers.next_number("ENQ", now.astimezone(CHINA).year),
        account_id=account_id,
        branch_id=branch_id,
        channel=details.channel,
        kind=details.kind,
        state=EnquiryState.OPEN,
        subject=one_line(details.subject),
        body=details.body.strip(),
        caller_name=one_line(details.caller_name),
        caller_phone=squeeze(details.caller_phone),
        caller_email=squeeze(details.caller_email),
        phone_key=phone_key(details.caller_phone),
        owner_id=owner_id,
        first_owner_id=owner_id,
        opened_by_id=opener.id if opener else owner_id,
        opened_at=now,
        vehicle_id=subject.vehicle_id,
        policy_id=subject.policy_id,
        claim_id=subject.claim_id,
        hidden_from_id=hidden_from_id,
    )
    db.session.add(enquiry)
    changes = {"owner_id": (None, owner_id), "kind": (None, enquiry.kind)}
    audit.record("enquiry_logged", enquiry, actor=actor, now=now, changes=changes)
    if earlier is not None and is_same(earlier, subject, hidden_from_id):
        count_repeat(earlier, enquiry, now)
    start_clock(enquiry, actor=actor, now=now)
    if actor is None or owner_id != actor.id:
        tell_owner(enquiry, now=now)
    tell_client_owner(enquiry, actor, now, is_mailed=is_mailed)
    return enquiry


def start_clock(enquiry: Enquiry, *, actor: User | None, now: datetime) -> None:
    """Start the clock of the answer: a complaint has its own and no other."""
    step = ClockStep.COMPLAINT if enquiry.kind is ContactKind.COMPLAINT else ClockStep.FIRST_REPLY
    sla.start(matter_of(enquiry), step, holder_id=enquiry.owner_id, at=now, actor=actor, now=now)


def _check(details: ContactDetails) -> None:
    """Refuse a contact without its words. The contact of a claim is opened by the report, never by hand."""
    named = (("caller_name", details.caller_name, 64), ("subject", details.subject, 200))
    problems = [Invalid("required", field=field) for field, words, _ in named if not words.strip()]
    limited = (
        *named,
        ("caller_phone", details.caller_phone, 64),
        ("caller_email", details.caller_email, 200),
    )
    problems += [
        Invalid("words_too_long", field=field, length=length)
        for field, words, length in limited
        if len(squeeze(words)) > length
    ]
    if details.channel is EnquiryChannel.CLAIM_REPORT:
        problems.append(Invalid("required", field="channel"))
    if details.caller_email.strip() and "@" not in details.caller_email:
        problems.append(Invalid("email_invalid", field="caller_email", value=details.caller_email))
    if problems:
        raise InvalidMany(problems)


def _branch_id(account_id: int, details: ContactDetails, subject: Subject, opener: User | None) -> int | None:
    """The branch chosen, else that of the record, of the officer who writes, or of whose phone it is."""
    if details.branch_id is not None:
        if not knows_branch(account_id, details.branch_id, opener):
            raise Invalid("contact_branch_unknown", field="branch_id")
        return details.branch_id
    if subject.branch_id or (opener and opener.branch_id):
        return subject.branch_id or (opener.branch_id if opener else None)
    known = known_by_phone(account_id, phone_key(details.caller_phone))
    return known.branch_id if known else None


def _person(account_id: int, details: ContactDetails, subject: Subject) -> int | None:
    """Whom a complaint is about: the person named, one of the desk's, else who has the matter."""
    if details.kind is not ContactKind.COMPLAINT:
        return None
    if details.person_id is None:
        return subject.handler_id
    if not owners.serves(account_id, details.person_id):
        raise Invalid("person_unknown", field="person_id")
    return details.person_id


def _owner_id(
    account_id: int,
    details: ContactDetails,
    subject: Subject,
    earlier: Enquiry | None,
    hidden_from_id: int | None,
    actor: User | None,
    now: datetime,
) -> int:
    earlier_id = earlier.owner_id if earlier else None
    if details.kind is not ContactKind.COMPLAINT:
        return owners.owner_of_contact(
            account_id, earlier_id=earlier_id, handler_id=subject.handler_id, actor=actor, now=now
        )
    hearing = {user.id for user in owners.may_hear(account_id, hidden_from_id)}
    if earlier_id in hearing and earlier_id is not None:
        return earlier_id
    found = owners.owner_of_complaint(account_id, barred=hidden_from_id, actor=actor)
    if found is None:
        raise Conflict("nobody_to_complain_to")
    return found


def tell_owner(enquiry: Enquiry, *, now: datetime, note: str = "") -> None:
    """Tell a contact's owner that it is theirs; of a complaint, with whatever was said when it was passed on."""
    is_complaint = enquiry.kind is ContactKind.COMPLAINT
    kind = "complaint_assigned" if is_complaint else "enquiry_assigned"
    params = {
        "number": enquiry.number,
        "subject": enquiry.subject,
        "caller_name": enquiry.caller_name,
        "caller_phone": enquiry.caller_phone,
        "url": f"/enquiries/{enquiry.number}",
    }
    queue(
        kind,
        user_recipient(db.session.get_one(User, enquiry.owner_id)),
        params | {"note": note} if is_complaint else params,
        dedupe=f"{kind}:{enquiry.id}:{now.isoformat()}" if note else f"{kind}:{enquiry.id}",
        now=now,
        matter=matter_of(enquiry),
        is_shared=not is_complaint,
    )


def tell_client_owner(enquiry: Enquiry, actor: User | None, now: datetime, *, is_mailed: bool = True) -> None:
    """Send the owner's name, staff number and phone to whoever asked: to their login, else by mail where known.

    Called when a contact is logged and whenever it gets another owner. Nothing is sent where no way is known: the
    owner is read out then. The trail keeps who was told; `actor` is who logged it or took it over, None for nobody.
    """
    recipient = client_of(enquiry)
    if recipient is None or enquiry.channel is EnquiryChannel.CLAIM_REPORT:
        return
    owner = db.session.get_one(User, enquiry.owner_id)
    queue(
        "enquiry_owner",
        recipient,
        {
            "number": enquiry.number,
            "about": enquiry.subject,
            "is_complaint": enquiry.kind is ContactKind.COMPLAINT,
            "is_new_owner": enquiry.owner_id != enquiry.first_owner_id,
            "owner": {"name": owner.name, "staff_no": owner.staff_no, "phone": owner.phone},
            "url": f"/enquiries/{enquiry.number}" if recipient.user_id else "",
        },
        dedupe=f"enquiry_owner:{enquiry.id}:{now.isoformat()}",
        now=now,
        matter=matter_of(enquiry),
        mail=is_mailed,
        is_shared=False,
    )
    if not is_mailed and not recipient.user_id:
        return
    told = {"owner_id": (None, owner.id), "told": (None, recipient.name)}
    audit.record("client_told_owner", enquiry, actor=actor, now=now, changes=told)


def open_for_claim(claim: Claim, *, owner_id: int, subject: str, actor: User, now: datetime) -> Enquiry:
    """A first contact about a claim."""
    number = numbers.next_number("ENQ", now.astimezone(CHINA).year)
    enquiry = Enquiry(**_of_claim(claim, number, owner_id, subject, actor, now))
    db.session.add(enquiry)
    return enquiry


def write_for_claim(
    claim: Claim, *, number: str, owner_id: int, subject: str, actor: User, now: datetime
) -> None:
    """The first contact that every reported claim has from the start, by its number; written past the ORM."""
    db.session.execute(_WRITE, [_of_claim(claim, number, owner_id, subject, actor, now)])


def _of_claim(
    claim: Claim, number: str, owner_id: int, subject: str, actor: User, now: datetime
) -> dict[str, Any]:
    return {
        "number": number,
        "account_id": claim.account_id,
        "branch_id": claim.branch_id,
        "channel": EnquiryChannel.CLAIM_REPORT,
        "kind": ContactKind.REQUEST,
        "state": EnquiryState.OPEN,
        "subject": subject[:200],
        "caller_name": claim.reporter_name,
        "caller_phone": claim.callback_phone,
        "phone_key": phone_key(claim.callback_phone),
        "owner_id": owner_id,
        "first_owner_id": owner_id,
        "vehicle_id": claim.vehicle_id,
        "claim_id": claim.id,
        "opened_by_id": actor.id,
        "opened_at": now,
    }
