"""Received mails as a list, sorted by a person where the desk could not; and those of one contact on its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, or_, select

from service_desk.adapters.file_store import FileStore
from service_desk.adapters.mail_reader import Unreadable
from service_desk.base.clock import end_of_day, start_of_day
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, squeeze
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.enquiries import Enquiry
from service_desk.models.mailboxes import Mailbox, MailOutcome, ReceivedChat, ReceivedMail
from service_desk.models.notices import MessageChannel
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.arrivals import receiving
from service_desk.services.arrivals.boxes import WAITING, visible_mailboxes

_MOST_OF_ONE = 100


@dataclass(frozen=True)
class MailFilter:
    """Which mails are wanted; None and empty mean any. Days are whole local days, both included."""

    mailbox_id: int | None = None
    outcome: MailOutcome | None = None
    text: str = ""
    from_on: date | None = None
    to_on: date | None = None


@dataclass(frozen=True)
class MailRow:
    """A received mail and the mailbox it came to. `is_waiting`: a person is to say what it is."""

    mail: ReceivedMail
    mailbox: Mailbox

    @property
    def is_waiting(self) -> bool:
        return self.mail.outcome in WAITING


@dataclass(frozen=True)
class MailOfMatter:
    """What came by itself to a contact, oldest first: mails, the files kept with it, words to a bot and its group."""

    mails: Sequence[ReceivedMail]
    files: Sequence[Document]
    chats: Sequence[tuple[ReceivedChat, MessageChannel]]


def list_mails(account_id: int, wanted: MailFilter, page: PageRequest, *, actor: User) -> Page[MailRow]:
    """The mails of an account and those nobody has sorted in its mailboxes, latest first; for who runs mailboxes."""
    access.require(actor, Action.MANAGE_CHANNELS)
    conditions = (*_visible(account_id, actor), *_narrowing(wanted))
    joined = select(ReceivedMail, Mailbox).join(Mailbox, Mailbox.id == ReceivedMail.mailbox_id)
    counted = select(func.count(ReceivedMail.id)).join(Mailbox, Mailbox.id == ReceivedMail.mailbox_id)
    total = db.session.scalar(counted.where(*conditions)) or 0
    order = (ReceivedMail.taken_at.desc(), ReceivedMail.id.desc())
    rows = db.session.execute(
        joined.where(*conditions).order_by(*order).limit(page.size).offset(page.offset)
    ).tuples()
    return Page([MailRow(*row) for row in rows], total, page.number, page.size)


def _visible(account_id: int, actor: User) -> tuple[ColumnElement[bool], ...]:
    """Of the account, or of nobody yet in a mailbox the actor runs; never a complaint about the actor."""
    own = access.visible_clause(actor, Action.MANAGE_CHANNELS, ReceivedMail)
    of_account = and_(ReceivedMail.account_id == account_id, own)
    of_nobody = and_(ReceivedMail.account_id.is_(None), visible_mailboxes(actor))
    return (or_(of_account, of_nobody), access.not_hidden(ReceivedMail, actor.id))


def _narrowing(wanted: MailFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.mailbox_id:
        conditions.append(ReceivedMail.mailbox_id == wanted.mailbox_id)
    if wanted.outcome:
        conditions.append(ReceivedMail.outcome == wanted.outcome)
    if wanted.text.strip():
        pattern = like_pattern(squeeze(wanted.text))
        columns = (
            ReceivedMail.subject,
            ReceivedMail.from_address,
            ReceivedMail.from_name,
            ReceivedMail.matter_number,
        )
        conditions.append(or_(*(column.ilike(pattern, escape="\\") for column in columns)))
    if wanted.from_on:
        conditions.append(ReceivedMail.taken_at >= start_of_day(wanted.from_on))
    if wanted.to_on:
        conditions.append(ReceivedMail.taken_at < end_of_day(wanted.to_on))
    return conditions


def get_mail(mail_id: int, *, account_id: int, actor: User) -> MailRow:
    """One mail of the account that the actor may read; NotFound otherwise."""
    access.require(actor, Action.MANAGE_CHANNELS)
    statement = select(ReceivedMail, Mailbox).join(Mailbox, Mailbox.id == ReceivedMail.mailbox_id)
    found = db.session.execute(
        statement.where(ReceivedMail.id == mail_id, *_visible(account_id, actor))
    ).first()
    if found is None:
        raise NotFound("not_found")
    return MailRow(*found)


def assign_mail(
    mail_id: int, account_id: int, to_account_id: int, store: FileStore, *, actor: User, now: datetime
) -> Enquiry:
    """Say whose a mail is: it becomes a contact there, with its clock, and its sender is told by whom it is owned.

    Conflict: mail_sorted. Invalid: mail_not_kept, mail_unreadable, and what the contact is refused for.
    """
    row = _waiting(mail_id, account_id, actor)
    access.get_account(actor, to_account_id)
    if not row.raw_key:
        raise Invalid("mail_not_kept")
    before = row.outcome
    try:
        enquiry = receiving.sort_by_hand(row, to_account_id, store, now=now)
    except Unreadable:
        raise Invalid("mail_unreadable") from None
    changes = {"outcome": (before, row.outcome)}
    audit.record("mail_assigned", row, actor=actor, now=now, label=enquiry.number, changes=changes)
    return enquiry


def dismiss_mail(mail_id: int, account_id: int, *, actor: User, now: datetime) -> ReceivedMail:
    """Say that a mail is nobody's matter. It stays in the list. Conflict: mail_sorted."""
    row = _waiting(mail_id, account_id, actor)
    changes = audit.change(row, outcome=MailOutcome.DISMISSED)
    audit.record("mail_dismissed", row, actor=actor, now=now, label=row.subject, changes=changes)
    return row


def _waiting(mail_id: int, account_id: int, actor: User) -> ReceivedMail:
    """The mail, held, so that of two who sort it at once the second is told so."""
    mail = get_mail(mail_id, account_id=account_id, actor=actor).mail
    row = db.session.get_one(ReceivedMail, mail.id, with_for_update=True, populate_existing=True)
    if row.outcome not in WAITING:
        raise Conflict("mail_sorted")
    return row


def mails_of_enquiry(enquiry: Enquiry) -> MailOfMatter:
    """What came by mail to a contact, and the files with it. The caller has checked that it is visible."""
    mails = select(ReceivedMail).where(
        ReceivedMail.enquiry_id == enquiry.id, ReceivedMail.message_id.is_(None)
    )
    files = select(Document).where(
        Document.matter_kind == "enquiry",
        Document.matter_id == enquiry.id,
        Document.kind == DocumentKind.ENQUIRY_FILE,
    )
    chats = (
        select(ReceivedChat, MessageChannel)
        .join(MessageChannel, MessageChannel.id == ReceivedChat.channel_id)
        .where(ReceivedChat.enquiry_id == enquiry.id)
        .order_by(ReceivedChat.id)
        .limit(_MOST_OF_ONE)
    )
    return MailOfMatter(
        db.session.scalars(mails.order_by(ReceivedMail.id).limit(_MOST_OF_ONE)).all(),
        db.session.scalars(files.order_by(Document.id).limit(_MOST_OF_ONE)).all(),
        db.session.execute(chats).tuples().all(),
    )
