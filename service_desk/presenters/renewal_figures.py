"""Renewal rates and the forecast of premium, as pages and spreadsheets show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.money import format_yuan
from service_desk.models.accounts import Branch
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period
from service_desk.rules.renewal import RenewalFigures
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.fleet.vehicles import name_of
from service_desk.services.renewals.forecast import Forecast, ForecastCell
from service_desk.services.renewals.success import EndedPolicy, SuccessGroup


@dataclass(frozen=True)
class FigureRow:
    """A line of a table of renewal figures; `query` are the keys of the address that opens what is behind it."""

    name: str
    figures: RenewalFigures
    query: dict[str, str]


@dataclass(frozen=True)
class RateTables:
    """The rate of a month: of all, by branch, by class, and month by month."""

    total: RenewalFigures
    branches: Sequence[FigureRow]
    classes: Sequence[FigureRow]
    months: Sequence[FigureRow]


def month_words(month: Period) -> str:
    """`2026-11`."""
    return f"{month.first:%Y-%m}"


def percent_words(ratio: Ratio) -> str:
    """`85.5%`; a dash when nothing is due."""
    percent = ratio.percent()
    return "—" if percent is None else f"{percent}%"


def branch_rows(groups: Iterable[SuccessGroup]) -> list[FigureRow]:
    """The figures of each branch."""
    return [
        FigureRow(branch_name(one.branch), one.figures, {"branch": str(one.branch.id), "alone": "1"})
        for one in groups
        if one.branch is not None
    ]


def class_rows(groups: Iterable[SuccessGroup]) -> list[FigureRow]:
    """The figures of each class."""
    return [
        FigureRow(
            label(one.use_class, "use_class") if one.use_class else _("Class unknown"),
            one.figures,
            {"use_class": one.use_class.value if one.use_class else "unknown"},
        )
        for one in groups
    ]


def month_rows(months: Sequence[Period], figures: Sequence[RenewalFigures]) -> list[FigureRow]:
    """The figures of each month."""
    return [
        FigureRow(month_words(month), one, {"month": month_words(month)})
        for month, one in zip(months, figures, strict=True)
    ]


def rate_sheets(
    tables: RateTables, month: Period, account: str, chosen: str, today: date
) -> list[TableSheet]:
    """The page as sheets, one for each of its tables."""
    title = _("Renewal rate of %(account)s, %(month)s", account=account, month=month_words(month))
    notes = [chosen, _("As of %(day)s", day=today.isoformat())]
    return [
        _rate_sheet(_("By branch"), _("Branch"), title, tables.branches, notes, tables.total),
        _rate_sheet(_("By class"), _("Class"), title, tables.classes, notes, tables.total),
        _rate_sheet(_("By month"), _("Month of expiry"), title, tables.months, notes, None),
    ]


def _rate_sheet(
    name: str,
    heading: str,
    title: str,
    rows: Sequence[FigureRow],
    notes: Sequence[str],
    total: RenewalFigures | None,
) -> TableSheet:
    columns = [
        Column(heading, width=28),
        Column(_("Due for renewal"), "int"),
        Column(_("Renewed"), "int"),
        Column(_("Renewal rate"), "percent"),
        Column(_("To renew"), "int"),
        Column(_("Lost"), "int"),
    ]
    body = [[row.name, *_figure_cells(row.figures)] for row in rows]
    last = [_("Total"), *_figure_cells(total)] if total else None
    return TableSheet(name, title, columns, body, notes, last)


def _figure_cells(one: RenewalFigures) -> list[Any]:
    share = one.rate.part / one.rate.whole if one.rate.whole else None
    return [one.due, one.renewed, share, one.to_renew, one.lost]


def ended_sheet(found: Iterable[EndedPolicy], account: str, month: Period) -> TableSheet:
    """The policies behind the figures, as a sheet."""
    columns = [
        Column(_("Plate"), width=14),
        Column(_("Branch"), width=28),
        Column(_("Class"), width=14),
        Column(_("Line"), width=16),
        Column(_("Policy"), width=22),
        Column(_("Last day"), "date"),
        Column(_("State"), width=14),
        Column(_("Renewed by"), width=22),
        Column(_("Outcome"), width=16),
    ]
    rows: Iterable[list[Any]] = (
        [
            name_of(one.vehicle),
            branch_name(one.branch),
            label(one.vehicle.use_class, "use_class"),
            label(one.policy.line, "policy_line"),
            one.policy.number,
            one.last_day,
            label(one.status, "renewal_status"),
            one.next_number,
            outcome_words(one),
        ]
        for one in found
    )
    title = _("Policies of %(account)s that end in %(month)s", account=account, month=month_words(month))
    return TableSheet(_("Policies"), title, columns, rows)


def outcome_words(one: EndedPolicy) -> str:
    """The outcome recorded, or that it was renewed early; empty for neither."""
    if one.outcome is not None:
        return label(one.outcome, "renewal_outcome")
    return _("Renewed early") if one.is_early else ""


@dataclass(frozen=True)
class ForecastRow:
    """A month or branch of the forecast: premium by line, and what makes it up."""

    name: str
    by_line: dict[PolicyLine, int]
    covers: int
    kept_fen: int
    unpriced: int
    branch_id: int | None = None

    @property
    def premium_fen(self) -> int:
        return sum(self.by_line.values())


def forecast_by_month(found: Forecast) -> list[ForecastRow]:
    """A row a month, also where nothing ends."""
    return [
        _forecast_row(month_words(month), [one for one in found.cells if one.month == month])
        for month in found.months
    ]


def forecast_by_branch(found: Forecast) -> list[ForecastRow]:
    """A row a branch, by name."""
    cells: dict[int, list[ForecastCell]] = {}
    branches: dict[int, Branch] = {}
    for one in found.cells:
        cells.setdefault(one.branch.id, []).append(one)
        branches[one.branch.id] = one.branch
    ordered = sorted(branches.values(), key=lambda branch: (branch.name, branch.id))
    return [_forecast_row(branch_name(branch), cells[branch.id], branch.id) for branch in ordered]


def forecast_total(found: Forecast) -> ForecastRow:
    """The twelve months of all branches."""
    return _forecast_row(_("Total"), found.cells)


def _forecast_row(name: str, cells: Sequence[ForecastCell], branch_id: int | None = None) -> ForecastRow:
    return ForecastRow(
        name=name,
        by_line={line: sum(one.premium_fen for one in cells if one.line is line) for line in PolicyLine},
        covers=sum(one.covers for one in cells),
        kept_fen=sum(one.kept_fen for one in cells),
        unpriced=sum(one.unpriced for one in cells),
        branch_id=branch_id,
    )


def forecast_bars(rows: Sequence[ForecastRow]) -> list[tuple[str, int, str]]:
    """The months as `bar_chart` draws them."""
    return [(row.name, row.premium_fen, format_yuan(row.premium_fen, sign=True)) for row in rows]


def forecast_sheets(found: Forecast, account: str, today: date, chosen: str) -> list[TableSheet]:
    """The page's two tables, and every month, branch and line apart."""
    title = _("Premium that renewals of %(account)s would bring", account=account)
    notes = [chosen, _("As of %(day)s", day=today.isoformat())]
    total = forecast_total(found)
    return [
        _forecast_sheet(_("By month"), _("Month of expiry"), title, forecast_by_month(found), notes, total),
        _forecast_sheet(_("By branch"), _("Branch"), title, forecast_by_branch(found), notes, total),
        _cells_sheet(found, title, notes),
    ]


def _forecast_sheet(
    name: str,
    heading: str,
    title: str,
    rows: Sequence[ForecastRow],
    notes: Sequence[str],
    total: ForecastRow,
) -> TableSheet:
    columns = [
        Column(heading, width=28),
        Column(_("Covers that end"), "int"),
        *(Column(label(line, "policy_line"), "money") for line in PolicyLine),
        Column(_("Total"), "money"),
        Column(_("of which at today's premium"), "money", width=20),
        Column(_("Without a price"), "int", width=14),
    ]
    body, last = ([_forecast_cells(row) for row in part] for part in (rows, [total]))
    return TableSheet(name, title, columns, body, notes, last[0])


def _forecast_cells(row: ForecastRow) -> list[Any]:
    return [row.name, row.covers, *row.by_line.values(), row.premium_fen, row.kept_fen, row.unpriced]


def _cells_sheet(found: Forecast, title: str, notes: Sequence[str]) -> TableSheet:
    columns = [
        Column(_("Month of expiry"), width=16),
        Column(_("Branch"), width=28),
        Column(_("Line"), width=16),
        Column(_("Covers that end"), "int"),
        Column(_("Premium"), "money"),
        Column(_("of which at today's premium"), "money", width=20),
        Column(_("Without a price"), "int", width=14),
    ]
    rows: list[list[Any]] = [
        [
            month_words(one.month),
            branch_name(one.branch),
            label(one.line, "policy_line"),
            one.covers,
            one.premium_fen,
            one.kept_fen,
            one.unpriced,
        ]
        for one in found.cells
    ]
    return TableSheet(_("By month, branch and line"), title, columns, rows, notes)


def chart_percent(value: float) -> str:
    """A point of the chart of rates."""
    return f"{value:g}%"
