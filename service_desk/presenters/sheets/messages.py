"""Threads of messages as a sheet."""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.threads import row_title
from service_desk.services.messages import ThreadRow


def threads_sheet(rows: Iterable[ThreadRow], now: datetime) -> TableSheet:
    """The threads of the list, each with its newest message."""
    fields: list[tuple[Column, Getter[ThreadRow]]] = [
        (Column(_("Number")), lambda row: row.thread.matter_number),
        (Column(_("Matter")), lambda row: label(row.thread.matter_kind, "thread_kind")),
        (Column(_("Subject"), width=30), row_title),
        (Column(_("Branch"), width=22), lambda row: branch_name(row.branch) if row.branch else None),
        (Column(_("Owner")), lambda row: person(row.owner)),
        (Column(_("Messages sent"), "int"), lambda row: row.thread.last_number),
        (Column(_("Unread"), "int"), lambda row: row.new),
        (Column(_("Answer due"), "datetime"), lambda row: row.clock.due_at if row.clock else None),
        (Column(_("Last message"), "datetime"), lambda row: row.last.at),
        (Column(_("Who writes")), lambda row: person(row.author)),
        (Column(_("What was said"), width=60), lambda row: row.last.body),
    ]
    return table(_("Conversations"), fields, rows, now)
