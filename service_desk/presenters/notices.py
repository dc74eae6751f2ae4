"""The delivery log and channels in words: tones of states, and the log as a spreadsheet."""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.notices import Notice, NoticeState
from service_desk.presenters.exports import Getter, personal, table
from service_desk.presenters.labels import label
from service_desk.presenters.mail import inbox_line
from service_desk.rules.notice_subjects import subject_of
from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import Personal, Sight, Whose, mask_in_text, sight
from service_desk.services.notices.delivery_log import LogLine

# State -> tone and icon of its badge.
_DRESS = {
    NoticeState.QUEUED: ("warn", "clock"),
    NoticeState.HELD: ("idle", "pause"),
    NoticeState.SENT: ("ok", "check"),
    NoticeState.FAILED: ("bad", "warning"),
    NoticeState.SET_ASIDE: ("bad", "warning"),
}


def dress(state: NoticeState) -> tuple[str, str]:
    """The tone and the icon a state is shown with."""
    return _DRESS[state]


def title(notice: Notice) -> str:
    """What the message says, in the reader's language."""
    return inbox_line(notice)


def subject(notice: Notice) -> str:
    """What the message is about."""
    return label(subject_of(notice.kind), "notice_subject")


def log_sheet(lines: Iterable[LogLine], reader: Role, now: datetime) -> TableSheet:
    """The delivery log, a row each message. Who is neither a login nor a contact of the account may be anybody."""

    def own(line: LogLine, value: str, what: Personal) -> str:
        whose = Whose.STAFF if line.is_known else Whose.INSURED
        return personal(value, reader, what, whose)

    fields: list[tuple[Column, Getter[LogLine]]] = [
        (Column(_("Queued at"), "datetime"), lambda line: line.notice.created_at),
        (Column(_("What was sent"), width=48), lambda line: title(line.notice)),
        (Column(_("Subject"), width=24), lambda line: subject(line.notice)),
        (Column(_("Number"), width=18), lambda line: line.notice.matter_number),
        (Column(_("Recipient"), width=18), lambda line: own(line, line.notice.recipient_name, Personal.NAME)),
        (Column(_("Address"), width=28), lambda line: own(line, line.notice.address, Personal.MAIL)),
        (Column(_("Channel"), width=12), lambda line: label(line.notice.channel, "notice_channel")),
        (Column(_("State"), width=18), lambda line: label(line.notice.state, "notice_state")),
        (Column(_("Reason"), width=24), _reason),
        (Column(_("Tries"), "int"), lambda line: len(line.tries)),
        (Column(_("Sent at"), "datetime"), lambda line: line.notice.sent_at),
        (Column(_("Last answer"), width=48), lambda line: _answer(line, reader)),
    ]
    return table(_("Delivery log"), fields, lines, now)


def _reason(line: LogLine) -> str | None:
    reason = line.notice.fail_reason
    return label(reason, "fail_reason") if reason else None


def _answer(line: LogLine, reader: Role) -> str | None:
    """What the other side said last; it may repeat the address."""
    if not line.tries:
        return None
    said = line.tries[0].detail
    is_whole = line.is_known or sight(reader, Personal.MAIL, Whose.INSURED) is Sight.WHOLE
    return said if is_whole else mask_in_text(said)
