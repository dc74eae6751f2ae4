"""The monthly underwriting figures as tables: the page and the spreadsheet show the same ones."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.adapters.spreadsheets.tables import ColumnKind
from service_desk.base.clock import local_date
from service_desk.base.money import format_yuan
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, named
from service_desk.presenters.policies import cover_set
from service_desk.rules.underwriting import Compared
from service_desk.services.reports.underwriting import MonthlyUnderwriting

Key = TypeVar("Key")


@dataclass(frozen=True)
class FigureColumn:
    """A column of all tables: its heading, its kind, and what it takes of a row.

    `below`: what the page shows small under the value; a spreadsheet gives it a column of its own after this one.
    """

    heading: str
    kind: ColumnKind
    value_of: Callable[[Compared], int | Decimal | None]
    below: "FigureColumn | None" = None

    def text(self, row: Compared) -> str:
        """The value as a page shows it; nought is a dash."""
        value = self.value_of(row)
        if value is None:
            return "—"
        if self.kind == "percent":
            return f"{value:+}%"
        if not value:
            return "—"
        return format_yuan(int(value)) if self.kind == "money" else f"{value:,}"

    def cell(self, row: Compared) -> int | float | None:
        """The value as a spreadsheet keeps it."""
        value = self.value_of(row)
        return float(value) / 100 if self.kind == "percent" and value is not None else value  # type: ignore[return-value]


@dataclass(frozen=True)
class FigureTable:
    """One table: what its rows are, and the rows by name."""

    title: str
    heading: str
    rows: Sequence[tuple[str, Compared]]


def columns() -> list[FigureColumn]:
    """The columns, in their order."""
    endorsed = FigureColumn(_("Endorsements made"), "int", lambda row: row.now.endorsements)
    cancelled = FigureColumn(_("Cancellations"), "int", lambda row: row.now.cancellations)
    on_month = FigureColumn(_("Change on month"), "percent", lambda row: row.on_month)
    on_year = FigureColumn(_("Change on year"), "percent", lambda row: row.on_year)
    return [
        FigureColumn(_("Policies"), "int", lambda row: row.now.policies),
        FigureColumn(_("Vehicles"), "int", lambda row: row.now.vehicles),
        FigureColumn(_("Premium issued"), "money", lambda row: row.now.issued_fen),
        FigureColumn(_("Premium endorsed"), "money", lambda row: row.now.endorsed_fen, endorsed),
        FigureColumn(_("Premium returned"), "money", lambda row: row.now.cancelled_fen, cancelled),
        FigureColumn(_("Premium written"), "money", lambda row: row.now.written_fen),
        FigureColumn(_("Last month"), "money", lambda row: row.month_before.written_fen, on_month),
        FigureColumn(_("Same month last year"), "money", lambda row: row.year_before.written_fen, on_year),
        FigureColumn(_("Vehicle tax"), "money", lambda row: row.now.tax_fen),
    ]


def below_words(column: FigureColumn, row: Compared) -> str:
    """What stands small under a value: how many acts it is of, or its change; empty for none."""
    if column.below is None or not column.below.value_of(row):
        return ""
    if column.below.kind == "percent":
        return column.below.text(row)
    return _("%(count)s acts", count=column.below.text(row))


def tables(found: MonthlyUnderwriting) -> list[FigureTable]:
    """The tables of a month; each adds up to the same total but for vehicles, which may stand in several rows."""
    return [
        FigureTable(_("By branch"), _("Branch"), _named_rows(found.branches, branch_name)),
        FigureTable(_("By class"), _("Class"), _named_rows(found.classes, _class_words)),
        FigureTable(
            _("By line"), _("Line"), _named_rows(found.lines, lambda line: label(line, "policy_line"))
        ),
        FigureTable(
            _("By cover"),
            _("Cover"),
            _named_rows(found.covers, lambda key: f"{label(key[0], 'policy_line')} · {cover_set(key[1])}"),
        ),
    ]


def _named_rows(
    rows: Iterable[tuple[Key, Compared]], name_of: Callable[[Key], str]
) -> list[tuple[str, Compared]]:
    return [(name_of(key), row) for key, row in rows]


def _class_words(use_class: Any) -> str:
    return label(use_class, "use_class") if use_class else _("Class unknown")


def month_words(found: MonthlyUnderwriting) -> str:
    """`2026-11`."""
    return f"{found.month.first:%Y-%m}"


def notes(found: MonthlyUnderwriting, now: datetime) -> list[str]:
    """What a reader must know beside the figures."""
    said = [
        _(
            "A policy counts in the month of its issue, an endorsement in the month it was made. "
            "Voided policies are left out; vehicle tax is no premium."
        )
    ]
    today = local_date(now, ZoneInfo(found.account.zone))
    if found.month.first <= today <= found.month.last:
        said.append(_("The month is not over: figures up to %(day)s.", day=today.isoformat()))
    if found.taken_over:
        said.append(
            _("Not counted: %(count)s policies taken over from lists in this month.", count=found.taken_over)
        )
    return said


def sheets(found: MonthlyUnderwriting, now: datetime) -> list[TableSheet]:
    """The page as sheets: one for each table, with the same columns and totals."""
    shown = [part for column in columns() for part in (column, column.below) if part]
    account = named(found.account.name, found.account.name_en)
    title = _("Underwriting figures of %(account)s, %(month)s", account=account, month=month_words(found))
    total = [_("Total"), *(column.cell(found.total) for column in shown)]
    return [
        TableSheet(
            table.title,
            title,
            [
                Column(table.heading, width=28),
                *(Column(column.heading, column.kind, width=_WIDTHS[column.kind]) for column in shown),
            ],
            [[name, *(column.cell(row) for column in shown)] for name, row in table.rows],
            notes(found, now),
            total,
        )
        for table in tables(found)
    ]


_WIDTHS: dict[ColumnKind, float] = {"int": 11, "money": 15, "percent": 11}
