"""First contacts and their templates of answers as sheets."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.sla import Timer
from service_desk.presenters import sla as clocks
from service_desk.presenters.exports import Getter, person, personal, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import Personal, Whose
from service_desk.services.enquiries import TemplateRow
from service_desk.services.enquiries.lists import ContactRow


def contacts_sheet(rows: Iterable[ContactRow], reader: Role, now: datetime) -> TableSheet:
    """First contacts. Callers come from anywhere: who works on claims sees them whole."""

    def caller(what: Personal, value: str) -> str:
        return personal(value, reader, what, Whose.THIRD)

    fields: list[tuple[Column, Getter[ContactRow]]] = [
        (Column(_("Number")), lambda row: row.enquiry.number),
        (Column(_("Kind")), lambda row: label(row.enquiry.kind, "contact_kind")),
        (Column(_("State")), lambda row: label(row.enquiry.state, "enquiry_state")),
        (Column(_("Due"), "datetime"), lambda row: _due(row.timers)),
        (Column(_("Channel")), lambda row: label(row.enquiry.channel, "enquiry_channel")),
        (Column(_("Subject"), width=40), lambda row: row.enquiry.subject),
        (Column(_("Branch"), width=22), lambda row: branch_name(row.branch) if row.branch else None),
        (Column(_("Who asks")), lambda row: caller(Personal.NAME, row.enquiry.caller_name)),
        (Column(_("Phone")), lambda row: caller(Personal.PHONE, row.enquiry.caller_phone)),
        (Column(_("Owner")), lambda row: person(row.owner)),
        (Column(_("Received at"), "datetime"), lambda row: row.enquiry.opened_at),
        (Column(_("Asked again"), "int"), lambda row: row.repeats),
        (Column(_("Answered"), "datetime"), lambda row: row.enquiry.answered_at),
        (Column(_("Closed"), "datetime"), lambda row: row.enquiry.closed_at),
    ]
    return table(_("First contacts"), fields, rows, now)


def _due(timers: Sequence[Timer]) -> datetime | None:
    timer = clocks.nearest(timers)
    return timer.due_at if timer else None


def templates_sheet(rows: Iterable[TemplateRow], now: datetime) -> TableSheet:
    """Answers given often, in both languages."""
    fields: list[tuple[Column, Getter[TemplateRow]]] = [
        (Column(_("Topic")), lambda row: row.template.topic),
        (Column(_("Title in Chinese"), width=30), lambda row: row.template.title),
        (Column(_("Title in English"), width=30), lambda row: row.template.title_en),
        (Column(_("Words in Chinese"), width=60), lambda row: row.template.body),
        (Column(_("Words in English"), width=60), lambda row: row.template.body_en),
        (Column(_("For all accounts")), lambda row: label(row.template.account_id is None, "yes_no")),
        (Column(_("Offered")), lambda row: label(row.template.is_active, "yes_no")),
        (Column(_("Answers made of it"), "int"), lambda row: row.used),
        (Column(_("Changed by")), lambda row: person(row.editor)),
        (Column(_("Changed at"), "datetime"), lambda row: row.template.edited_at),
    ]
    return table(_("Answer templates"), fields, rows, now)
