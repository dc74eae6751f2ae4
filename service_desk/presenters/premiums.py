"""The premium ledger in words and as a spreadsheet."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet, workbook_bytes
from service_desk.presenters.labels import label
from service_desk.presenters.languages import named
from service_desk.rules.premium import Age
from service_desk.services.premiums import LedgerRow

AGE_TONES = {Age.NOT_DUE: None, Age.DAYS_30: "warn", Age.DAYS_90: "bad", Age.OLDER: "bad"}


def totals(rows: Sequence[LedgerRow]) -> dict[Age, int]:
    """What all branches owe, by age."""
    return {age: sum(row.by_age[age] for row in rows) for age in Age}


def ledger_workbook(rows: Sequence[LedgerRow], account: str, today: date) -> bytes:
    """The ledger as a spreadsheet in the reader's language."""
    columns = [
        Column(_("Branch"), width=28),
        Column(_("Policies"), "int"),
        *(Column(label(age, "premium_age"), "money") for age in Age),
        Column(_("Total owed"), "money"),
    ]
    body: list[list[Any]] = [
        [named(row.branch.name, row.branch.name_en), row.open_count, *row.by_age.values(), row.open_fen]
        for row in rows
    ]
    total: list[Any] = [
        _("Total"),
        sum(row.open_count for row in rows),
        *totals(rows).values(),
        sum(row.open_fen for row in rows),
    ]
    title = _("Premium owed by %(account)s", account=account)
    notes = [_("As of %(day)s", day=today.isoformat())]
    return workbook_bytes([TableSheet(_("Premium ledger"), title, columns, body, notes, total)])
