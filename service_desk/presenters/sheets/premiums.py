"""Lists around premiums as sheets: open premium, receipts, refunds, dunning, releases of credit."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Cell, Column, TableSheet, Value
from service_desk.base.clock import local_date
from service_desk.models.accounts import Branch
from service_desk.models.premiums import CreditRelease, DunningNotice, Receipt
from service_desk.models.users import User
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.premiums import level_words, refund_source
from service_desk.services.premiums import OpenReceivable, RefundRow
from service_desk.services.premiums.dunning import DunningCase


def receipts_sheet(rows: Iterable[tuple[Receipt, Branch]], now: datetime) -> TableSheet:
    """Money received. Who pays is a company of the client, and its accounts stand on no list."""
    fields: list[tuple[Column, Getter[tuple[Receipt, Branch]]]] = [
        (Column(_("Receipt number")), lambda row: row[0].number),
        (Column(_("Received on"), "date"), lambda row: row[0].received_on),
        (Column(_("Branch"), width=24), lambda row: branch_name(row[1])),
        (Column(_("Received from"), width=26), lambda row: row[0].payer),
        (Column(_("Method of payment")), lambda row: label(row[0].method, "money_method")),
        (Column(_("Amount"), "money"), lambda row: row[0].amount_fen),
        (Column(_("Unallocated"), "money"), lambda row: row[0].unallocated_fen),
        (Column(_("Reversed"), "date"), lambda row: row[0].reversed_on),
    ]
    return table(_("Receipts"), fields, rows, now)


def notices_sheet(rows: Iterable[tuple[DunningNotice, Branch]], now: datetime) -> TableSheet:
    """Dunning notices sent."""
    fields: list[tuple[Column, Getter[tuple[DunningNotice, Branch]]]] = [
        (Column(_("Notice number")), lambda row: row[0].number),
        (Column(_("Day"), "date"), lambda row: row[0].noticed_on),
        (Column(_("Branch"), width=24), lambda row: branch_name(row[1])),
        (Column(_("Dunning level"), width=24), lambda row: level_words(row[0].from_days, row[0].until_days)),
        (Column(_("Policies"), "int"), lambda row: row[0].line_count),
        (Column(_("Still owed"), "money"), lambda row: row[0].amount_fen),
    ]
    return table(_("Notices sent"), fields, rows, now)


def cases_sheet(rows: Iterable[DunningCase], now: datetime) -> TableSheet:
    """What could be dunned today, by branch and level."""
    fields: list[tuple[Column, Getter[DunningCase]]] = [
        (Column(_("Branch"), width=24), lambda row: branch_name(row.branch)),
        (
            Column(_("Dunning level"), width=24),
            lambda row: level_words(row.level.from_days, row.level.until_days),
        ),
        (Column(_("Policies"), "int"), lambda row: len(row.lines)),
        (Column(_("Last notice"), "date"), lambda row: row.last_on),
        (Column(_("Still owed"), "money"), lambda row: row.open_fen),
    ]
    return table(_("Dunning"), fields, rows, now)


def open_sheet(rows: Iterable[OpenReceivable], now: datetime) -> TableSheet:
    """What a branch owes, the oldest first."""
    fields: list[tuple[Column, Getter[OpenReceivable]]] = [
        (Column(_("Policy"), width=20), lambda row: row.policy.number),
        (Column(_("Endorsement"), width=20), lambda row: row.endorsement_number or ""),
        (
            Column(_("Instalment"), "int"),
            lambda row: row.receivable.instalment if row.receivable.plan_id else None,
        ),
        (Column(_("Plate")), lambda row: row.policy.plate or row.policy.vin),
        (Column(_("Line"), width=20), lambda row: label(row.policy.line, "policy_line")),
        (Column(_("Branch"), width=24), lambda row: branch_name(row.branch)),
        (Column(_("Due on"), "date"), lambda row: row.receivable.due_on),
        (Column(_("Receivable"), "money"), lambda row: row.receivable.amount_fen),
        (Column(_("Still owed"), "money"), lambda row: row.open_fen),
    ]
    return table(_("Open premium"), fields, rows, now)


def refunds_sheet(rows: Iterable[RefundRow], account: str, now: datetime) -> TableSheet:
    """Money owed back to the client, paid out or credited."""
    fields: list[tuple[Column, Getter[RefundRow]]] = [
        (Column(_("Refund number")), lambda row: row.refund.number),
        (Column(_("Branch"), width=28), lambda row: branch_name(row.branch)),
        (Column(_("Comes from"), width=28), refund_source),
        (Column(_("Policy"), width=20), lambda row: row.policy.number if row.policy else ""),
        (Column(_("Owed since"), "date"), lambda row: local_date(row.refund.created_at)),
        (Column(_("State")), lambda row: label(row.refund.state, "refund_state")),
        (Column(_("Settled on"), "date"), lambda row: row.refund.settled_on),
        (Column(_("Paid to"), width=28), lambda row: row.refund.payee),
        (Column(_("Amount"), "money"), lambda row: row.refund.amount_fen),
    ]
    # The sum is known when the last row has been read, and the total is written after it.
    total: list[Value | Cell] = [_("Total"), *[""] * (len(fields) - 2), 0]
    sheet = table(_("Refunds"), fields, _summed(rows, total), now)
    return replace(sheet, title=_("Premium refunds of %(account)s", account=account), total=total)


def _summed(rows: Iterable[RefundRow], total: list[Value | Cell]) -> Iterator[RefundRow]:
    sum_fen = 0
    for row in rows:
        sum_fen += row.refund.amount_fen
        total[-1] = sum_fen
        yield row


def releases_sheet(rows: Iterable[tuple[CreditRelease, User]], now: datetime) -> TableSheet:
    """Requests to issue beyond the credit limit."""
    fields: list[tuple[Column, Getter[tuple[CreditRelease, User]]]] = [
        (Column(_("Request")), lambda row: row[0].number),
        (Column(_("Asked"), "datetime"), lambda row: row[0].asked_at),
        (Column(_("Asked by")), lambda row: person(row[1])),
        (Column(_("State")), lambda row: label(row[0].state, "release_state")),
        (Column(_("This order"), "money"), lambda row: row[0].order_fen),
        (Column(_("Beyond the limit by"), "money"), lambda row: row[0].exceeded_fen),
    ]
    return table(_("Credit releases"), fields, rows, now)
