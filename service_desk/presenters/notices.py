"""The delivery log and channels in words: tones of states, and the log as a spreadsheet."""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet, WorkbookBytes, workbook_bytes
from service_desk.base.clock import CHINA
from service_desk.models.notices import Notice, NoticeState
from service_desk.presenters.labels import label
from service_desk.presenters.mail import inbox_line
from service_desk.rules.notice_subjects import subject_of
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


def log_workbook(lines: Iterable[LogLine], now: datetime) -> WorkbookBytes:
    """The delivery log as filtered, a row each message, as .xlsx."""
    columns = [
        Column(_("Queued at"), "datetime"),
        Column(_("What was sent"), width=48),
        Column(_("Subject"), width=24),
        Column(_("Number"), width=18),
        Column(_("Recipient"), width=18),
        Column(_("Address"), width=28),
        Column(_("Channel"), width=12),
        Column(_("State"), width=18),
        Column(_("Reason"), width=24),
        Column(_("Tries"), "int"),
        Column(_("Sent at"), "datetime"),
        Column(_("Last answer"), width=48),
    ]
    sheet = TableSheet(
        name=_("Delivery log"),
        title=_("Delivery log"),
        columns=columns,
        rows=(_row(line) for line in lines),
        notes=[_("As of %(time)s", time=f"{now.astimezone(CHINA):%Y-%m-%d %H:%M}")],
    )
    return workbook_bytes([sheet])


def _row(line: LogLine) -> list[str | int | datetime | None]:
    notice = line.notice
    return [
        notice.created_at,
        title(notice),
        subject(notice),
        notice.matter_number,
        notice.recipient_name,
        notice.address,
        label(notice.channel, "notice_channel"),
        label(notice.state, "notice_state"),
        label(notice.fail_reason, "fail_reason") if notice.fail_reason else None,
        len(line.tries),
        notice.sent_at,
        line.tries[0].detail if line.tries else None,
    ]
