"""The desk's own lists as sheets: logins, absences, reports and their schedules, feeds, the audit trail."""

from collections.abc import Collection, Iterable
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.reports import ReportRun
from service_desk.models.users import User
from service_desk.presenters import report_runs, sla_absences
from service_desk.presenters.audit import ShownEntry
from service_desk.presenters.exports import Getter, person, personal, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import Personal, Whose, mask_in_text, trail_value
from service_desk.services.renewals.calendar import FeedRow
from service_desk.services.reports.overview import Overview
from service_desk.services.sla.absences import AbsenceRow


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


def absences_sheet(rows: Iterable[AbsenceRow], own: Collection[int], now: datetime) -> TableSheet:
    """Who is away and who stands in. Why is told of those people only whose absences the reader enters: `own`."""

    def told(row: AbsenceRow, words: str) -> str:
        return words if row.user.id in own else ""

    fields: list[tuple[Column, Getter[AbsenceRow]]] = [
        (Column(_("Person"), width=22), lambda row: person(row.user)),
        (Column(_("From"), "datetime"), lambda row: row.absence.from_at),
        (Column(_("Until"), "datetime"), lambda row: row.absence.to_at),
        (Column(_("Every day until"), "date"), lambda row: row.absence.repeats_until_on),
        (Column(_("Stand-in"), width=22), lambda row: person(row.substitute)),
        (Column(_("State"), width=24), lambda row: sla_absences.state(row, now).words),
        (Column(_("Kind")), lambda row: told(row, label(row.absence.kind, "absence_kind"))),
        (Column(_("Note"), width=32), lambda row: told(row, row.absence.note)),
    ]
    return table(_("Absences"), fields, rows, now)


def schedules_sheet(rows: Iterable[Overview], is_whole: bool, now: datetime) -> TableSheet:
    """What is made when. `is_whole`: also how the last ones fared, for who keeps the schedules."""
    fields: list[tuple[Column, Getter[Overview]]] = [
        (Column(_("Kind of report"), width=30), lambda row: report_runs.title(row.kind)),
        (Column(_("Made"), width=30), lambda row: report_runs.timing(row.schedule)),
        (Column(_("Next run"), "datetime"), lambda row: row.next_at),
    ]
    if is_whole:
        fields += [
            (Column(_("Last run"), width=28), _last),
            (Column(_("Recipients"), "int"), lambda row: row.recipients),
            (Column(_("State")), lambda row: label(row.state, "schedule_state")),
        ]
    return table(_("Schedules"), fields, rows, now)


def _last(row: Overview) -> str:
    return report_runs.period(row.last_run) if row.last_run else ""


def feeds_sheet(rows: Iterable[FeedRow], now: datetime) -> TableSheet:
    """Calendar feeds. Their addresses are secret and kept nowhere."""
    fields: list[tuple[Column, Getter[FeedRow]]] = [
        (
            Column(_("Branch"), width=24),
            lambda row: branch_name(row.branch) if row.branch else _("All branches"),
        ),
        (Column(_("State"), width=32), _feed_state),
        (Column(_("Feed made by"), width=22), lambda row: person(row.made_by)),
        (Column(_("Made"), "datetime"), lambda row: row.feed.made_at),
        (Column(_("Revoked"), "datetime"), lambda row: row.feed.revoked_at),
    ]
    return table(_("Calendar feeds"), fields, rows, now)


def _feed_state(row: FeedRow) -> str:
    if row.feed.revoked_at:
        return _("revoked")
    return _("in use") if row.answers else _("answers no more: its maker has left")
