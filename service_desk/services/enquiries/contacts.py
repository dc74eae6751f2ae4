"""Logging first contacts: who owns them, what they are about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, select

from service_desk.base.clock import CHINA
from service_desk.base.errors import Invalid, InvalidMany
from service_desk.base.text import one_line, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.db import db, table_of
from service_desk.models.enquiries import ContactKind, Enquiry, EnquiryChannel, EnquiryState
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Policy
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.identifiers import normalise_plate
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit, numbers, sla
from service_desk.services.enquiries.first_owner import first_owner
from service_desk.services.notices import Matter, queue, user_recipient

MATTER_KIND = "enquiry"
_WRITE = insert(table_of(Enquiry))


@dataclass(frozen=True)
class ContactDetails:
    """A call, visit or message as logged. `about` is a plate, claim number or policy number, or empty."""

    channel: EnquiryChannel
    caller_name: str
    caller_phone: str
    subject: str
    body: str
    about: str
    branch_id: int | None


def matter_of(enquiry: Enquiry) -> Matter:
    """The enquiry as clocks and notices know it."""
    return Matter(MATTER_KIND, enquiry.id, enquiry.number, enquiry.account_id, enquiry.branch_id)


def get_enquiry(number: str, *, actor: User) -> Enquiry:
    """The enquiry of a number as the actor may see it; NotFound otherwise."""
    return access.get_visible(actor, Action.READ_ENQUIRIES, Enquiry, Enquiry.number == number)


def log_contact(account_id: int, details: ContactDetails, *, actor: User, now: datetime) -> Enquiry:
    """Log a contact and start its clock. Whoever logs it at the desk owns it.

    A message from the client's own pages is owned by the handler of the claim it is about, else by who is on
    duty or the member of the desk with the fewest open contacts, who is told at once.
    """
    access.require(actor, Action.LOG_ENQUIRY)
    access.get_account(actor, account_id)
    _check(details)
    about = _about(account_id, details.about.strip(), actor)
    branch_id = _branch_id(account_id, details, about, actor)
    owner_id = _owner_id(account_id, about, actor, now)
    enquiry = Enquiry(
        number=numbers.next_number("ENQ", now.astimezone(CHINA).year),
        account_id=account_id,
        branch_id=branch_id,
        channel=details.channel if actor.side is Side.INSURER else EnquiryChannel.MESSAGE,
        state=EnquiryState.OPEN,
        subject=one_line(details.subject),
        body=details.body.strip(),
        caller_name=one_line(details.caller_name),
        caller_phone=squeeze(details.caller_phone),
        owner_id=owner_id,
        first_owner_id=owner_id,
        opened_by_id=actor.id,
        opened_at=now,
        vehicle_id=about.vehicle_id,
        policy_id=about.policy_id,
        claim_id=about.claim_id,
    )
    db.session.add(enquiry)
    audit.record("enquiry_logged", enquiry, actor=actor, now=now, changes={"owner_id": (None, owner_id)})
    matter = matter_of(enquiry)
    sla.start(matter, ClockStep.FIRST_REPLY, holder_id=owner_id, at=now, actor=actor, now=now)
    if owner_id != actor.id:
        _tell_owner(enquiry, matter, now)
    return enquiry


def _check(details: ContactDetails) -> None:
    """Refuse a contact without its words. The contact of a claim is opened by the report, never by hand."""
    named = (("caller_name", details.caller_name, 64), ("subject", details.subject, 200))
    problems = [Invalid("required", field=field) for field, words, _ in named if not words.strip()]
    problems += [
        Invalid("words_too_long", field=field, length=length)
        for field, words, length in (*named, ("caller_phone", details.caller_phone, 64))
        if len(squeeze(words)) > length
    ]
    if details.channel is EnquiryChannel.CLAIM_REPORT:
        problems.append(Invalid("required", field="channel"))
    if problems:
        raise InvalidMany(problems)


@dataclass(frozen=True)
class _About:
    """The record a contact is about, as ids; all None when it is about none."""

    claim_id: int | None = None
    policy_id: int | None = None
    vehicle_id: int | None = None
    branch_id: int | None = None
    handler_id: int | None = None


def _about(account_id: int, text: str, actor: User) -> _About:
    """The claim, policy or vehicle of a number or plate that the actor may see; Invalid `about_unknown`."""
    if not text:
        return _About()
    number = squeeze(text).upper()
    claim = _find(actor, Action.READ_CLAIMS, Claim, Claim.account_id == account_id, Claim.number == number)
    if claim is not None:
        return _About(claim.id, None, claim.vehicle_id, claim.branch_id, claim.owner_id)
    policy = _find(
        actor, Action.READ_POLICIES, Policy, Policy.account_id == account_id, Policy.number == number
    )
    if policy is not None:
        return _About(None, policy.id, policy.vehicle_id, policy.branch_id)
    plate = normalise_plate(text)
    vehicle = _find(
        actor, Action.READ_FLEET, Vehicle, Vehicle.account_id == account_id, Vehicle.plate == plate
    )
    if vehicle is None:
        raise Invalid("about_unknown", field="about", value=text)
    return _About(vehicle_id=vehicle.id, branch_id=vehicle.branch_id)


def _find(actor: User, action: Action, model: Any, *conditions: ColumnElement[bool]) -> Any:
    return db.session.scalar(access.visible(actor, action, select(model).where(*conditions), model))


def _branch_id(account_id: int, details: ContactDetails, about: _About, actor: User) -> int | None:
    """The branch chosen, else that of the record, else the officer's own. One must be able to see it."""
    if details.branch_id is not None:
        known = _find(
            actor, Action.READ_FLEET, Branch, Branch.id == details.branch_id, Branch.account_id == account_id
        )
        if known is None:
            raise Invalid("contact_branch_unknown", field="branch_id")
        return details.branch_id
    return about.branch_id or actor.branch_id


def _owner_id(account_id: int, about: _About, actor: User, now: datetime) -> int:
    if actor.side is Side.INSURER:
        return actor.id
    return first_owner(account_id, about.handler_id, now)


def _tell_owner(enquiry: Enquiry, matter: Matter, now: datetime) -> None:
    queue(
        "enquiry_assigned",
        user_recipient(db.session.get_one(User, enquiry.owner_id)),
        {
            "number": enquiry.number,
            "subject": enquiry.subject,
            "caller_name": enquiry.caller_name,
            "caller_phone": enquiry.caller_phone,
            "url": f"/enquiries/{enquiry.number}",
        },
        dedupe=f"enquiry_assigned:{enquiry.id}",
        now=now,
        matter=matter,
    )


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
        "owner_id": owner_id,
        "first_owner_id": owner_id,
        "vehicle_id": claim.vehicle_id,
        "claim_id": claim.id,
        "opened_by_id": actor.id,
        "opened_at": now,
    }
