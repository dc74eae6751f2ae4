"""Lists around policies and vehicles as sheets: quotes, batches, runs, requests, lists sent in, reminders, cases."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.accounts import Branch
from service_desk.models.fleet import FleetImport
from service_desk.models.policies import RateTable
from service_desk.models.renewals import MissedCoverCase, RenewalReminder
from service_desk.models.users import User
from service_desk.presenters import sla as clocks
from service_desk.presenters.deliveries import paper_words
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.services.policies.batches import BatchRow
from service_desk.services.policies.delivery.queries import RunRow
from service_desk.services.policies.delivery.waiting import Waiting
from service_desk.services.policies.onboarding.queries import ListedRequest
from service_desk.services.policies.quote_queries import SheetRow


def quotes_sheet(rows: Iterable[SheetRow], now: datetime) -> TableSheet:
    """Quote sheets, a line each."""
    fields: list[tuple[Column, Getter[SheetRow]]] = [
        (Column(_("Number")), lambda row: row.sheet.number),
        (Column(_("Title"), width=36), lambda row: row.sheet.title),
        (Column(_("State")), lambda row: label(row.state, "quote_state")),
        (Column(_("Vehicles"), "int"), lambda row: row.sheet.vehicle_count),
        (Column(_("Premium"), "money"), lambda row: row.sheet.premium_fen),
        (Column(_("Prices held until"), "date"), lambda row: row.sheet.valid_until),
        (Column(_("Made by")), lambda row: person(row.made_by)),
    ]
    return table(_("Quote sheets"), fields, rows, now)


def batches_sheet(rows: Iterable[BatchRow], now: datetime) -> TableSheet:
    """Batches of policies, a line each."""
    fields: list[tuple[Column, Getter[BatchRow]]] = [
        (Column(_("Batch")), lambda row: row.batch.number),
        (Column(_("Issued"), "datetime"), lambda row: row.batch.issued_at),
        (Column(_("Issued by")), lambda row: person(row.issued_by)),
        (Column(_("Policies"), "int"), lambda row: row.batch.policy_count),
        (Column(_("Premium"), "money"), lambda row: row.batch.premium_fen),
        (Column(_("Handed over"), "datetime"), lambda row: row.batch.delivered_at),
        (Column(_("Handed over to"), width=24), lambda row: row.batch.delivered_to),
        (Column(_("Taken back"), "datetime"), lambda row: row.batch.undone_at),
    ]
    return table(_("Batches"), fields, rows, now)


def runs_sheet(rows: Iterable[RunRow], now: datetime) -> TableSheet:
    """Delivery runs, a line each."""
    fields: list[tuple[Column, Getter[RunRow]]] = [
        (Column(_("Delivery run")), lambda row: row.run.number),
        (Column(_("State")), lambda row: label(row.run.state, "run_state")),
        (Column(_("Branch"), width=24), lambda row: branch_name(row.branch)),
        (Column(_("Planned for"), "date"), lambda row: row.run.planned_on),
        (Column(_("Carried by")), lambda row: row.run.carried_by),
        (Column(_("Papers"), "int"), lambda row: row.papers),
        (Column(_("Signed for by")), lambda row: row.run.signed_by),
        (Column(_("Signed"), "datetime"), lambda row: row.run.signed_at),
    ]
    return table(_("Delivery runs"), fields, rows, now)


def requests_sheet(rows: Iterable[ListedRequest], now: datetime) -> TableSheet:
    """Requests for new vehicles, a line each."""
    fields: list[tuple[Column, Getter[ListedRequest]]] = [
        (Column(_("Request")), lambda row: row.request.number),
        (Column(_("Plate"), width=12), lambda row: row.request.plate),
        (Column(_("VIN"), width=21), lambda row: row.request.vin),
        (Column(_("Maker and model"), width=26), lambda row: row.request.model),
        (Column(_("Round"), "int"), lambda row: row.request.round),
        (Column(_("Branch"), width=24), lambda row: branch_name(row.branch)),
        (Column(_("State"), width=24), lambda row: label(row.request.state, "onboarding_state")),
        (Column(_("Due"), "datetime"), _request_due),
        (Column(_("Cover from"), "date"), lambda row: row.request.wanted_start_on),
        (Column(_("Requested by")), lambda row: person(row.requester)),
        (Column(_("Requested"), "datetime"), lambda row: row.request.requested_at),
    ]
    return table(_("New vehicles"), fields, rows, now)


def _request_due(row: ListedRequest) -> datetime | None:
    timer = clocks.nearest(row.timers)
    return timer.due_at if timer else None


def imports_sheet(
    rows: Iterable[tuple[FleetImport, User]], title: str, taken: str, now: datetime
) -> TableSheet:
    """Lists of vehicles or policies that were sent in; `taken` names the column of what was new."""

    def counted(code: str) -> Any:
        return lambda row: row[0].counts.get(code, 0)

    fields: list[tuple[Column, Getter[tuple[FleetImport, User]]]] = [
        (Column(_("File"), width=36), lambda row: row[0].filename),
        (Column(_("State")), lambda row: label(row[0].state, "import_state")),
        (Column(_("Sent in"), "datetime"), lambda row: row[0].created_at),
        (Column(_("By")), lambda row: person(row[1])),
        (Column(taken, "int"), counted("new")),
        (Column(_("Changed"), "int"), counted("changed")),
        (Column(_("Refused"), "int"), counted("rejected")),
    ]
    return table(title, fields, rows, now)


def reminders_sheet(rows: Iterable[tuple[RenewalReminder, str, Branch]], now: datetime) -> TableSheet:
    """The reminders of renewals that were sent."""
    fields: list[tuple[Column, Getter[tuple[RenewalReminder, str, Branch]]]] = [
        (Column(_("Sent on"), "datetime"), lambda row: row[0].sent_at),
        (Column(_("Plate"), width=20), lambda row: row[1]),
        (Column(_("Line")), lambda row: label(row[0].line, "policy_line")),
        (Column(_("Branch"), width=24), lambda row: branch_name(row[2])),
        (Column(_("Last day"), "date"), lambda row: row[0].expires_on),
        (Column(_("Days before"), "int"), lambda row: row[0].days_before),
    ]
    return table(_("Reminders sent"), fields, rows, now)


def closed_cases_sheet(
    rows: Iterable[tuple[MissedCoverCase, Branch, User | None]], now: datetime
) -> TableSheet:
    """Cases of missed cover that were closed lately."""
    fields: list[tuple[Column, Getter[tuple[MissedCoverCase, Branch, User | None]]]] = [
        (Column(_("Case")), lambda row: row[0].number),
        (Column(_("Plate"), width=20), lambda row: row[0].vehicle_name),
        (Column(_("Branch"), width=24), lambda row: branch_name(row[1])),
        (Column(_("How it ended")), lambda row: label(row[0].state, "case_state")),
        (Column(_("Found"), "datetime"), lambda row: row[0].opened_at),
        (Column(_("Closed"), "datetime"), lambda row: row[0].closed_at),
        (Column(_("Chased by")), lambda row: person(row[2])),
    ]
    return table(_("Closed cases of missed cover"), fields, rows, now)


def rates_sheet(rows: Iterable[RateTable], now: datetime) -> TableSheet:
    """The price tables that concern an account."""
    fields: list[tuple[Column, Getter[RateTable]]] = [
        (Column(_("Line")), lambda row: label(row.line, "policy_line")),
        (Column(_("Price table"), width=36), lambda row: row.name),
        (Column(_("Source"), width=36), lambda row: row.source),
        (Column(_("In force from"), "date"), lambda row: row.effective_on),
        (
            Column(_("For"), width=20),
            lambda row: _("this key account") if row.account_id else _("all key accounts"),
        ),
        (Column(_("Withdrawn"), "datetime"), lambda row: row.withdrawn_at),
    ]
    return table(_("Price tables"), fields, rows, now)


def waiting_sheet(rows: Iterable[Waiting], account: str, now: datetime) -> TableSheet:
    """What has been issued and is not with its branch yet."""
    fields: list[tuple[Column, Getter[Waiting]]] = [
        (Column(_("Branch"), width=24), lambda row: branch_name(row.branch)),
        (Column(_("Paper"), width=20), paper_words),
        (Column(_("Number"), width=18), lambda row: row.number),
        (Column(_("Plate"), width=12), lambda row: row.plate),
        (Column(_("Issued"), "datetime"), lambda row: row.since),
        (Column(_("Days since issue"), "int"), lambda row: row.age_days),
        (Column(_("Late"), width=8), lambda row: _("late") if row.is_late else None),
        (Column(_("In run"), width=18), lambda row: row.run or None),
    ]
    sheet = table(_("Not delivered"), fields, rows, now)
    title = _("Papers of %(account)s not delivered yet", account=account)
    return replace(sheet, title=title, notes=[*sheet.notes, _("Late: issued more than 48 hours ago.")])
