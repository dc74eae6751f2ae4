"""The desk's own lists as sheets: logins, reports made, the audit trail."""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.reports import ReportRun
from service_desk.models.users import User
from service_desk.presenters import report_runs
from service_desk.presenters.audit import ShownEntry
from service_desk.presenters.exports import Getter, personal, table
from service_desk.presenters.labels import label
from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import Personal, Whose, mask_in_text, trail_value


def users_sheet(rows: Iterable[User], reader: Role, now: datetime) -> TableSheet:
    """All logins."""

    def own(value: str, what: Personal) -> str:
        return personal(value, reader, what, Whose.STAFF)

    fields: list[tuple[Column, Getter[User]]] = [
        (Column(_("Name")), lambda row: own(row.name, Personal.NAME)),
        (Column(_("Staff number")), lambda row: row.staff_no),
        (Column(_("User name")), lambda row: row.username),
        (Column(_("Role")), lambda row: label(row.role, "role")),
        (Column(_("Phone")), lambda row: own(row.phone, Personal.PHONE)),
        (Column(_("Last signed in"), "datetime"), lambda row: row.last_signed_in_at),
        (Column(_("State")), lambda row: _("active") if row.is_active else _("may not sign in")),
    ]
    return table(_("Logins"), fields, rows, now)


def reports_sheet(rows: Iterable[ReportRun], now: datetime) -> TableSheet:
    """Reports that were made."""
    fields: list[tuple[Column, Getter[ReportRun]]] = [
        (Column(_("Period"), width=28), report_runs.period),
        (Column(_("Kind of report"), width=30), lambda row: report_runs.title(row.kind)),
        (Column(_("Edition")), report_runs.edition),
        (Column(_("Made"), "datetime"), lambda row: row.made_at),
    ]
    return table(_("Reports made"), fields, rows, now)


def trail_sheet(rows: Iterable[ShownEntry], now: datetime) -> TableSheet:
    """The audit trail, personal data masked for everybody: whoever must know looks the entry up."""
    fields: list[tuple[Column, Getter[ShownEntry]]] = [
        (Column(_("When"), "datetime"), lambda row: row.at),
        (Column(_("Who")), lambda row: row.who),
        (Column(_("What"), width=26), lambda row: row.what),
        (Column(_("Record"), width=24), lambda row: mask_in_text(row.entity)),
        (Column(_("Before and after"), width=60), _changes),
        (Column(_("Network address")), lambda row: row.ip),
    ]
    return table(_("Audit trail"), fields, rows, now)


def _changes(row: ShownEntry) -> str:
    return "\n".join(
        f"{name}: {trail_value(code, before)} → {trail_value(code, after)}"
        for code, (name, before, after) in zip(row.fields, row.changes, strict=True)
    )
