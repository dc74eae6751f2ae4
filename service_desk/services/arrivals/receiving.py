"""What a mail becomes: a contact, a further call, a message on its matter; or it is kept without becoming any."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from service_desk.adapters import mail_reader
from service_desk.adapters.file_store import FileStore
from service_desk.adapters.mailbox import Arrived
from service_desk.base.errors import DomainError
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.mailboxes import Mailbox, MailOutcome, ReceivedMail
from service_desk.models.notices import Channel, Notice, NoticeState
from service_desk.models.users import User
from service_desk.rules import inbound_mail
from service_desk.rules.inbound_mail import ACKNOWLEDGED_EVERY, MOST_AN_HOUR, Joining, Letter
from service_desk.rules.messaging import MAX_WORDS, CameBy, ThreadKind
from service_desk.services import audit, documents, enquiries, messages, notices
from service_desk.services.arrivals import matters, polling, senders
from service_desk.services.arrivals.enclosures import Sorted, sort_files
from service_desk.services.arrivals.matters import Referred
from service_desk.services.enquiries import ContactDetails, FurtherCall, Sender
from service_desk.services.messages import NewMessage
from service_desk.services.relations import mailed

_ACKNOWLEDGEMENT = "enquiry_owner"


@dataclass(frozen=True)
class _Case:
    """A person's mail, read, with all that is known of its sender and what it is about."""

    row: ReceivedMail
    letter: Letter
    files: Sorted
    account_id: int
    user: User | None
    name: str
    referred: Referred
    now: datetime

    @property
    def words(self) -> str:
        """What the sender wrote themselves; what they quoted stays with the mail."""
        return inbound_mail.split_quoted(self.letter.words)[0]

    @property
    def sender(self) -> Sender:
        return Sender(self.name, email=self.letter.from_address, user=self.user)


def is_known(mailbox_id: int, message_key: str) -> bool:
    """Whether a mail was taken already, however it is numbered in the folder now."""
    statement = select(ReceivedMail.id).where(
        ReceivedMail.mailbox_id == mailbox_id, ReceivedMail.message_key == message_key
    )
    return db.session.scalar(statement) is not None


def receive(
    mailbox_id: int,
    arrived: Arrived,
    letter: Letter,
    store: FileStore,
    *,
    own: tuple[str, ...],
    now: datetime,
) -> ReceivedMail | None:
    """Take a mail: keep it, and make of it what it is. None when it was taken before.

    `own` are the desk's own addresses. A refusal of the desk itself (nobody works there) leaves it to a person.
    """
    mailbox = db.session.get_one(Mailbox, mailbox_id)
    row = _keep(mailbox, arrived, letter, store, now)
    if row is None:
        return None
    # Programs answer by themselves, so a reply is looked for before machines are.
    if not _is_report(row, letter, now) and not _is_reply(row, letter, now):
        machine = inbound_mail.machine_of(letter, (*own, mailbox.address))
        if machine is not None:
            row.outcome, row.reason = MailOutcome.AUTOMATIC, machine.value
        elif not letter.from_address:
            row.outcome, row.reason = MailOutcome.REFUSED, "no_sender"
        else:
            _take(row, letter, mailbox, store, now)
    _finish(row, mailbox, now)
    return row


def refuse_large(mailbox_id: int, arrived: Arrived, letter: Letter, *, now: datetime) -> ReceivedMail | None:
    """Note a mail that is too large to be read: who sent it and about what. None when it was noted before."""
    mailbox = db.session.get_one(Mailbox, mailbox_id)
    row = _keep(mailbox, arrived, letter, None, now)
    if row is not None:
        row.outcome, row.reason = MailOutcome.REFUSED, "too_large"
        _finish(row, mailbox, now)
    return row


def set_aside(
    mailbox_id: int, arrived: Arrived, store: FileStore, reason: str, *, now: datetime
) -> ReceivedMail | None:
    """Keep a mail that could not be dealt with, so that the others are not held up. None when it was taken before."""
    mailbox = db.session.get_one(Mailbox, mailbox_id)
    try:
        letter = mail_reader.read(arrived.raw)
    except mail_reader.Unreadable:
        digest = hashlib.sha256(arrived.raw).hexdigest()
        letter = Letter(f"<{digest}@unreadable>", (), "", "", "", "")
    row = _keep(mailbox, arrived, letter, store, now)
    if row is not None:
        row.outcome, row.reason = MailOutcome.SET_ASIDE, reason[:200]
        _finish(row, mailbox, now)
    return row


def _keep(
    mailbox: Mailbox, arrived: Arrived, letter: Letter, store: FileStore | None, now: datetime
) -> ReceivedMail | None:
    if is_known(mailbox.id, letter.message_id):
        return None
    row = ReceivedMail(
        mailbox_id=mailbox.id,
        account_id=mailbox.account_id,
        uid=arrived.uid,
        uidvalidity=arrived.uidvalidity,
        message_key=letter.message_id,
        from_name=letter.from_name,
        from_address=letter.from_address,
        subject=letter.subject,
        words=letter.words,
        at=arrived.at,
        taken_at=now,
        outcome=MailOutcome.UNSORTED,
        reason="",
        raw_key=store.put(arrived.raw) if store else "",
        size_bytes=arrived.size,
        refused_files=[],
        matter_number="",
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        # Another worker has just taken the same mail.
        return None
    return row


def _finish(row: ReceivedMail, mailbox: Mailbox, now: datetime) -> None:
    changes = {"outcome": (None, row.outcome), "reason": (None, row.reason)}
    audit.record(
        "mail_received", row, actor=None, now=now, label=row.matter_number or mailbox.name, changes=changes
    )
    if row.outcome in (MailOutcome.UNSORTED, MailOutcome.SET_ASIDE):
        polling.tell_keepers(mailbox, row.outcome.value, row.subject, now=now)


def _is_report(row: ReceivedMail, letter: Letter, now: datetime) -> bool:
    """Whether a server says that a mail of ours did not arrive: its notice has failed then."""
    for report in letter.reports:
        if not inbound_mail.has_failed(report):
            continue
        notice = matters.answered_notice((report.message_id,) if report.message_id else ())
        if notice is None:
            continue
        row.outcome, row.notice_id, row.account_id = MailOutcome.BOUNCE, notice.id, notice.account_id
        row.matter_number, row.reason = notice.matter_number, one_line(report.status)[:200]
        if notice.state is NoticeState.SENT:
            _record_bounce(notice, report, now)
        return True
    return False


def _is_reply(row: ReceivedMail, letter: Letter, now: datetime) -> bool:
    """Whether a calendar program answers an invitation of ours; the answer stands on the event then."""
    event = mailed.find_event(letter.reply) if letter.reply else None
    if letter.reply is None or event is None:
        return False
    words = letter.reply.words or inbound_mail.split_quoted(letter.words)[0]
    row.account_id, row.matter_number = event.account_id, event.number
    row.reason = mailed.take_reply(event, letter.reply, words, at=row.at, now=now)
    is_invited = row.reason != mailed.NOT_INVITED
    row.outcome = MailOutcome.CALENDAR_REPLY if is_invited else MailOutcome.UNSORTED
    return True


def _record_bounce(notice: Notice, report: inbound_mail.DeliveryReport, now: datetime) -> None:
    if inbound_mail.is_address_gone(report, notice.address):
        notices.record_bounce(notice, report.said, now=now)
    else:
        notices.record_failed(notice, report.said, permanent=True, now=now)


def _take(row: ReceivedMail, letter: Letter, mailbox: Mailbox, store: FileStore, now: datetime) -> None:
    """Deal with a person's mail; what the desk refuses is left for a person to sort, with the reason."""
    if _is_flood(row, now):
        row.outcome, row.reason = MailOutcome.UNSORTED, "too_many"
        return
    notice = matters.answered_notice(letter.answers)
    row.notice_id = notice.id if notice else None
    referred = matters.referred_to(inbound_mail.number_in(letter.subject), notice, letter.answers)
    known = senders.known_by(letter.from_address)
    account_id = _account(known, notice, referred, letter, mailbox)
    if account_id is None:
        row.outcome, row.reason = MailOutcome.UNSORTED, "sender_unknown"
        return
    if referred.account_id != account_id:
        referred = Referred()
    row.account_id = account_id
    files = sort_files(letter)
    row.refused_files = list(files.refused)
    user, contact = known.login(account_id), known.contact(account_id)
    name = (user.name if user else contact.name if contact else "") or letter.from_name or letter.from_address
    case = _Case(row, letter, files, account_id, user, one_line(name)[:64], referred, now)
    try:
        with db.session.begin_nested():
            _join(case, notice, store)
    except DomainError as error:
        row.outcome, row.reason = MailOutcome.UNSORTED, error.code
        row.enquiry_id = row.message_id = None
        row.matter_number = ""


def _is_flood(row: ReceivedMail, now: datetime) -> bool:
    recent = select(func.count(ReceivedMail.id)).where(
        ReceivedMail.from_address == row.from_address, ReceivedMail.taken_at > now - ACKNOWLEDGED_EVERY
    )
    return (db.session.scalar(recent) or 0) > MOST_AN_HOUR


def _account(
    known: senders.Known, notice: Notice | None, referred: Referred, letter: Letter, mailbox: Mailbox
) -> int | None:
    """Whose the mail is: of what it is about if the sender is known there or was written to, else by the sender."""
    if referred.account_id in known.accounts:
        return referred.account_id
    if notice is not None and notice.account_id and _is_same(notice.address, letter.from_address):
        return notice.account_id
    if referred.enquiry is not None and _is_same(referred.enquiry.caller_email, letter.from_address):
        return referred.enquiry.account_id
    return inbound_mail.account_of(known.accounts, mailbox.account_id)


def _is_same(one: str, other: str) -> bool:
    return bool(one) and one.strip().casefold() == other.strip().casefold()


def _join(case: _Case, notice: Notice | None, store: FileStore) -> None:
    referred, user = case.referred, case.user
    sees = user is not None and referred.is_seen_by(user)
    was_told = (
        notice is not None
        and notice.matter_number == referred.number
        and _is_same(notice.address, case.letter.from_address)
    )
    asked = referred.enquiry is not None and _is_same(referred.enquiry.caller_email, case.letter.from_address)
    joining = inbound_mail.joining_of(
        has_login=sees,
        is_theirs=sees or was_told or asked,
        may_write=referred.takes_messages(case.now) and bool(case.words or case.files.kept),
        may_repeat=referred.takes_calls(case.now),
    )
    if joining is Joining.MESSAGE and user is not None:
        _write(case, user, store)
    elif joining is Joining.FURTHER_CALL and referred.enquiry is not None:
        _call_again(case, referred.enquiry, store)
    else:
        open_contact(case, store, earlier=referred.enquiry if sees or asked else None)


def _write(case: _Case, user: User, store: FileStore) -> None:
    """As a message of the login that has the address, marked as not verified."""
    kind = ThreadKind.CLAIM if case.referred.claim else ThreadKind.ENQUIRY
    message = NewMessage(case.words[:MAX_WORDS], case.files.kept, came_by=CameBy.MAIL)
    written = messages.write(kind, case.referred.number, message, files=store, actor=user, now=case.now)
    case.row.outcome, case.row.message_id = MailOutcome.MESSAGE, written.id
    case.row.matter_number = case.referred.number
    case.row.enquiry_id = case.referred.enquiry.id if case.referred.enquiry else None


def _call_again(case: _Case, enquiry: Enquiry, store: FileStore) -> None:
    words = "\n".join(one for one in (case.letter.subject, case.words) if one)
    call = FurtherCall(EnquiryChannel.MAIL, case.name, "", words)
    enquiries.receive_repeat(enquiry, call, case.sender, now=case.now)
    _enclose(case, enquiry, store)
    case.row.outcome = MailOutcome.FURTHER_CALL
    if _is_same(enquiry.caller_email, case.letter.from_address) and _is_to_be_answered(case):
        enquiries.tell_client_owner(enquiry, None, case.now)


def open_contact(case: _Case, store: FileStore, *, earlier: Enquiry | None) -> Enquiry:
    """A contact of its own, owned as any is; its sender is told by whom, once an hour at most."""
    letter = case.letter
    details = ContactDetails(
        channel=EnquiryChannel.MAIL,
        caller_name=case.name,
        caller_phone="",
        subject=letter.subject or one_line(case.words)[:60] or letter.from_address,
        body=case.words,
        about=case.referred.claim.number if case.referred.claim else "",
        branch_id=None,
    )
    enquiry = enquiries.receive_contact(
        case.account_id,
        details,
        case.sender,
        now=case.now,
        earlier=earlier,
        is_mailed=_is_to_be_answered(case),
    )
    _enclose(case, enquiry, store)
    case.row.outcome = MailOutcome.CONTACT
    return enquiry


def _is_to_be_answered(case: _Case) -> bool:
    """Whether the address has had no acknowledgement for an hour: two machines that answer each other stop there."""
    told = select(Notice.id).where(
        Notice.kind == _ACKNOWLEDGEMENT,
        Notice.channel == Channel.MAIL,
        func.lower(Notice.address) == case.letter.from_address.casefold(),
        Notice.created_at > case.now - ACKNOWLEDGED_EVERY,
    )
    return db.session.scalar(told.limit(1)) is None


def _enclose(case: _Case, enquiry: Enquiry, store: FileStore) -> None:
    matter = enquiries.matter_of(enquiry)
    for upload in case.files.kept:
        documents.store_paper(
            store, upload, DocumentKind.ENQUIRY_FILE, matter, field="files", actor=case.user, now=case.now
        )
    case.row.enquiry_id, case.row.matter_number = enquiry.id, enquiry.number


def sort_by_hand(row: ReceivedMail, account_id: int, store: FileStore, *, now: datetime) -> Enquiry:
    """Make the contact of a mail whose account a person has said. The caller has checked that they may."""
    letter = mail_reader.read(store.get(row.raw_key))
    known = senders.known_by(letter.from_address)
    files = sort_files(letter)
    row.account_id, row.refused_files = account_id, list(files.refused)
    user, contact = known.login(account_id), known.contact(account_id)
    name = (user.name if user else contact.name if contact else "") or letter.from_name or letter.from_address
    referred = matters.find(account_id, inbound_mail.number_in(letter.subject))
    case = _Case(row, letter, files, account_id, user, one_line(name)[:64], referred, now)
    enquiry = open_contact(case, store, earlier=None)
    row.reason = ""
    return enquiry
