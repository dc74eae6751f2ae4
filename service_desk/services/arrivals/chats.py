"""What is said to a bot: a contact with an owner, who is named in the group at once. A group has no login, so no more."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from service_desk.adapters.channels.callbacks import Heard, Keys
from service_desk.base.errors import NotFound
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.enquiries import ContactKind, Enquiry, EnquiryChannel
from service_desk.models.mailboxes import ReceivedChat
from service_desk.models.notices import MessageChannel, Notice
from service_desk.models.users import User
from service_desk.rules.hooks import HookKind
from service_desk.rules.inbound_mail import number_in
from service_desk.rules.messaging import ONE_CONVERSATION
from service_desk.rules.notice_subjects import CHAT_TAKEN
from service_desk.rules.permissions import Side
from service_desk.services import enquiries
from service_desk.services.arrivals import matters
from service_desk.services.enquiries import ContactDetails, FurtherCall, Sender
from service_desk.services.notices import Message, Recipient, to_channel

_MOST_WORDS = 4000


@dataclass(frozen=True)
class Hearing:
    """A channel that hears, and what proves that its vendor called."""

    channel_id: int
    kind: HookKind
    keys: Keys


def keys_of(ref: str) -> Hearing:
    """The channel of an address; NotFound for none, for a paused one and for one that does not hear, all the same."""
    channel = db.session.scalar(
        select(MessageChannel).where(MessageChannel.inbound_ref == ref, MessageChannel.is_active)
    )
    if channel is None:
        raise NotFound("not_found")
    keys = Keys(channel.inbound_token, channel.inbound_key, channel.inbound_receiver)
    return Hearing(channel.id, channel.kind, keys)


def hear(channel_id: int, heard: Heard, *, now: datetime) -> Enquiry | None:
    """Take what was said: a contact, or in the client's own group a further call of the one whose number is named.

    The group is told who owns it. None when the same was heard before.
    """
    channel = db.session.get_one(MessageChannel, channel_id)
    known = select(ReceivedChat.id).where(
        ReceivedChat.channel_id == channel.id, ReceivedChat.event_key == heard.event_key[:200]
    )
    if db.session.scalar(known) is not None:
        return None
    try:
        # The row of the event goes in with the contact: of two that arrive at once the second takes all of it back.
        with db.session.begin_nested():
            enquiry = _contact(channel, heard, now)
            db.session.add(_row(channel, heard, enquiry, now))
            db.session.flush()
    except IntegrityError:
        return None
    if enquiry.kind is not ContactKind.COMPLAINT:
        # Whom a complaint is about may well be in the group; its owner hears of the call without it.
        _answer(channel, enquiry, now)
    return enquiry


def _contact(channel: MessageChannel, heard: Heard, now: datetime) -> Enquiry:
    words, name = heard.words.strip()[:_MOST_WORDS], one_line(heard.said_by)[:64] or channel.name
    sender = Sender(name, phone=heard.phone[:64])
    number = number_in(words)
    is_clients = channel.audience is Side.CLIENT
    referred = matters.find(channel.account_id, number) if is_clients else matters.Referred()
    if referred.row is None:
        referred = _going_on(channel, heard, now)
    if referred.enquiry is not None and referred.takes_calls(now):
        call = FurtherCall(EnquiryChannel.BOT, name, heard.phone[:64], words)
        return enquiries.receive_repeat(referred.enquiry, call, sender, now=now)
    details = ContactDetails(
        channel=EnquiryChannel.BOT,
        caller_name=name,
        caller_phone=heard.phone[:64],
        subject=one_line(words)[:100],
        body=words,
        about=referred.claim.number if referred.claim else "",
        branch_id=None,
    )
    return enquiries.receive_contact(channel.account_id, details, sender, now=now, earlier=referred.enquiry)


def _going_on(channel: MessageChannel, heard: Heard, now: datetime) -> matters.Referred:
    """The open contact that the same person spoke about in this group just now: one conversation is one contact."""
    last = (
        select(Enquiry)
        .join(ReceivedChat, ReceivedChat.enquiry_id == Enquiry.id)
        .where(
            ReceivedChat.channel_id == channel.id,
            ReceivedChat.said_by == one_line(heard.said_by)[:200],
            ReceivedChat.at > now - ONE_CONVERSATION,
            Enquiry.closed_at.is_(None),
        )
        .order_by(ReceivedChat.id.desc())
        .limit(1)
    )
    return matters.Referred(enquiry=db.session.scalar(last) if heard.said_by.strip() else None)


def _row(channel: MessageChannel, heard: Heard, enquiry: Enquiry, now: datetime) -> ReceivedChat:
    return ReceivedChat(
        account_id=channel.account_id,
        channel_id=channel.id,
        event_key=heard.event_key[:200],
        said_by=one_line(heard.said_by)[:200],
        words=heard.words.strip()[:_MOST_WORDS],
        at=now,
        matter_number=enquiry.number,
        enquiry_id=enquiry.id,
    )


def _answer(channel: MessageChannel, enquiry: Enquiry, now: datetime) -> None:
    """Name the owner in the group, through the outbox as everything that is sent."""
    owner = db.session.get_one(User, enquiry.owner_id)
    message = Message(
        CHAT_TAKEN,
        Recipient(channel.name, "", channel.language),
        {
            "number": enquiry.number,
            "about": enquiry.subject,
            "owner": {"name": owner.name, "staff_no": owner.staff_no, "phone": owner.phone},
            "url": f"/enquiries/{enquiry.number}",
        },
        f"{CHAT_TAKEN}:{enquiry.id}:{now.isoformat()}",
        matter=enquiries.matter_of(enquiry),
    )
    db.session.add(Notice(**to_channel(message, channel, now)))
