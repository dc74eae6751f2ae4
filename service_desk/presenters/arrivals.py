"""Received mails in words: what became of each, why, and the list as a spreadsheet."""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.documents import Document
from service_desk.models.mailboxes import Mailbox, MailOutcome, ReceivedMail
from service_desk.presenters.claims_timeline import Photo
from service_desk.presenters.exports import Getter, personal, table
from service_desk.presenters.labels import LABELS, label
from service_desk.rules.inbound_mail import split_quoted
from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import Personal, Whose
from service_desk.services.arrivals import MailRow

# Outcome -> tone and icon of its badge.
_DRESS = {
    MailOutcome.CONTACT: ("ok", "check"),
    MailOutcome.FURTHER_CALL: ("ok", "check"),
    MailOutcome.MESSAGE: ("ok", "check"),
    MailOutcome.CALENDAR_REPLY: ("ok", "calendar"),
    MailOutcome.UNSORTED: ("warn", "clock"),
    MailOutcome.BOUNCE: ("bad", "warning"),
    MailOutcome.AUTOMATIC: ("idle", "pause"),
    MailOutcome.REFUSED: ("bad", "warning"),
    MailOutcome.SET_ASIDE: ("bad", "warning"),
    MailOutcome.DISMISSED: ("idle", "pause"),
}


def dress(outcome: MailOutcome) -> tuple[str, str]:
    """The tone and the icon an outcome is shown with."""
    return _DRESS[outcome]


def reason(mail: ReceivedMail) -> str:
    """Why a mail became what it did, in words where there are any; else the code as it was noted."""
    words = LABELS["mail_reason"].get(mail.reason)
    return str(words) if words is not None else mail.reason


def own_and_quoted(mail: ReceivedMail) -> tuple[str, str]:
    """What the sender wrote, and what they quoted below it."""
    return split_quoted(mail.words)


def state_of(mailbox: Mailbox) -> tuple[str, str, str]:
    """How a mailbox is: words, tone and icon."""
    if not mailbox.is_active:
        return _("Paused"), "idle", "pause"
    if mailbox.last_error:
        return _("Not reachable"), "bad", "warning"
    if mailbox.last_ok_at is None:
        return _("Not read yet"), "warn", "clock"
    return _("Being read"), "ok", "check"


def mails_sheet(rows: Iterable[MailRow], reader: Role, now: datetime) -> TableSheet:
    """The received mails, a row each. Who wrote may be anybody."""

    def own(value: str, what: Personal) -> str:
        return personal(value, reader, what, Whose.INSURED)

    fields: list[tuple[Column, Getter[MailRow]]] = [
        (Column(_("Received at"), "datetime"), lambda row: row.mail.at),
        (Column(_("Mailbox"), width=18), lambda row: row.mailbox.name),
        (Column(_("Sender"), width=18), lambda row: own(row.mail.from_name, Personal.NAME)),
        (Column(_("Address"), width=28), lambda row: own(row.mail.from_address, Personal.MAIL)),
        (Column(_("Subject"), width=48), lambda row: row.mail.subject),
        (Column(_("What became of it"), width=24), lambda row: label(row.mail.outcome, "mail_outcome")),
        (Column(_("Reason"), width=36), lambda row: reason(row.mail)),
        (Column(_("Number"), width=18), lambda row: row.mail.matter_number),
        (Column(_("Size in bytes"), "int"), lambda row: row.mail.size_bytes),
        (Column("SHA-256", width=24), lambda row: row.mail.raw_key),
    ]
    return table(_("Received mails"), fields, rows, now)


def pictures(kept: Iterable[Document]) -> list[Photo]:
    """The photos among the files, as the photo strip takes them."""
    return [
        Photo(f"/documents/{one.id}", f"/documents/{one.id}/thumb", one.filename)
        for one in kept
        if one.width is not None
    ]
