"""Lists around premiums as sheets: receipts, dunning notices, releases of credit."""

from collections.abc import Iterable
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.accounts import Branch
from service_desk.models.premiums import CreditRelease, DunningNotice, Receipt
from service_desk.models.users import User
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.premiums import level_words


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
