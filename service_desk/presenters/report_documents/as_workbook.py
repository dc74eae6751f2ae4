"""A report as a spreadsheet: an overview of the measures, then a sheet for each table. Numbers are numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import (
    Cell,
    Column,
    ColumnKind,
    TableSheet,
    workbook_bytes,
)
from service_desk.adapters.spreadsheets.tables import Value as Kept
from service_desk.presenters.report_documents import tables, tiles, words
from service_desk.presenters.report_documents.words import Heading, Look
from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.report_document import Name, Report, Table, Tile, Value

_KINDS: dict[Look, ColumnKind] = {
    Look.TEXT: "text",
    Look.LABEL: "text",
    Look.COUNT: "int",
    Look.FEN: "money",
    Look.RATIO: "percent",
    Look.RATIO_FEN: "percent",
    Look.RATIO_BARE: "percent",
    Look.CHANGE: "percent",
    Look.MEAN: "fixed",
    Look.MEAN_FEN: "money",
    Look.MEAN_DAYS: "fixed",
    Look.DAYS: "int",
    Look.DATE: "date",
    Look.MOMENT: "datetime",
    Look.DURATION: "duration",
}
# Rows of a report that are written while all of them are in memory.
_SHORT = 2_000
_LONG_TEXT, _TEXT = 40.0, 18.0
_FIGURE: dict[ColumnKind, float] = {"money": 15, "int": 11, "percent": 11, "duration": 12}


@dataclass(frozen=True)
class _Parts:
    """What a share or an average is made of, in two columns after it: their kinds."""

    first: ColumnKind
    second: ColumnKind


_PARTS = {
    Look.RATIO: _Parts("int", "int"),
    Look.RATIO_FEN: _Parts("money", "money"),
    Look.MEAN: _Parts("int", "int"),
    Look.MEAN_DAYS: _Parts("int", "int"),
    Look.MEAN_FEN: _Parts("money", "int"),
}


def sheets(report: Report) -> list[TableSheet]:
    """The report as sheets in the reader's language: no formulas, times in the account's zone."""
    found = [_table_sheet(report, table) for table in report.tables]
    return [_overview(report), *found] if report.tiles or not found else found


def workbook(report: Report) -> bytes:
    """The same as .xlsx, for a mail."""
    is_short = sum(len(table.rows) for table in report.tables) <= _SHORT
    return workbook_bytes(sheets(report), is_short=is_short)


def _notes(report: Report) -> list[str]:
    return [
        words.account(report),
        _(
            "Period %(period)s, made %(made_at)s",
            period=words.days(report),
            made_at=words.made_at(report),
        ),
    ]


def _overview(report: Report) -> TableSheet:
    columns = [
        Column(_("Measure"), width=30),
        Column(_("Value in the period"), width=16),
        Column(_("Numerator"), width=16),
        Column(_("Denominator"), width=16),
        Column(_("Period before"), width=16),
        Column(_("Rise or fall"), width=18),
        Column(_("Better or worse"), width=14),
        Column(_("Market line"), width=12),
        Column(_("Definition"), width=70),
    ]
    return TableSheet(
        name=_("Overview"),
        title=words.title(report.kind),
        columns=columns,
        rows=[_tile_row(tile) for tile in report.tiles],
        notes=[*_notes(report), *words.notes(report)],
        zone=report.tz,
    )


def _tile_row(tile: Tile) -> Sequence[Kept | Cell]:
    look = words.tile_look(tile)
    kind = _KINDS[look]
    change = tiles.change(tile, look)
    return (
        words.measure_name(tile.measure),
        _figure(tile.value, look, kind),
        *_parts_of(tile.value, look),
        _figure(tile.before, look, kind),
        change.text if change else None,
        (change.verdict or None) if change else None,
        _figure(tile.market, look, kind),
        words.definition(tile.measure),
    )


def _figure(value: Value, look: Look, kind: ColumnKind) -> Cell:
    """A value with how it is written: days are whole but for the middle of two."""
    is_broken = look is Look.DAYS and isinstance(value, Decimal) and value != int(value)
    return Cell(_kept(value, look), "fixed" if is_broken else kind)


def _parts_of(value: Value, look: Look) -> tuple[Cell, Cell]:
    parts = _PARTS.get(look)
    if parts is None:
        return Cell(None, "text"), Cell(None, "text")
    match value:
        case Ratio():
            return Cell(value.part, parts.first), Cell(value.whole, parts.second)
        case Mean():
            return Cell(value.total, parts.first), Cell(value.count, parts.second)
        case _:
            return Cell(None, parts.first), Cell(None, parts.second)


def _table_sheet(report: Report, table: Table) -> TableSheet:
    headings, said = words.headings(table), _Said()
    total = None
    if table.total is not None:
        total = _row(table.total, headings, said)
        if total and total[0] is None:
            total = [_("Total"), *total[1:]]
    return TableSheet(
        name=tables.sheet_name(table),
        title=f"{words.title(report.kind)} · {tables.table_title(table)}",
        columns=[column for heading in headings for column in _columns(heading)],
        rows=(_row(row, headings, said) for row in table.rows),
        notes=_notes(report),
        total=total,
        zone=report.tz,
    )


def _columns(heading: Heading) -> list[Column]:
    kind = _KINDS[heading.look]
    width = (_LONG_TEXT if heading.is_wide else _TEXT) if kind == "text" else _FIGURE.get(kind)
    columns = [Column(heading.text, kind, width)]
    parts = _PARTS.get(heading.look)
    if parts is None:
        return columns
    return [
        *columns,
        Column(_("%(name)s: numerator", name=heading.text), parts.first, _FIGURE[parts.first]),
        Column(_("%(name)s: denominator", name=heading.text), parts.second, _FIGURE[parts.second]),
    ]


class _Said:
    """Words looked up once a sheet: a long table says the same few again and again."""

    def __init__(self) -> None:
        self.label = cache(words.known_label)
        self.name = cache(words.name_words)


def _row(row: Sequence[Value], headings: Sequence[Heading], said: _Said) -> list[Kept | Cell]:
    cells: list[Kept | Cell] = []
    for value, heading in zip(row, headings, strict=True):
        if isinstance(value, Name):
            cells.append(said.name(value))
        elif value and isinstance(value, str) and heading.look is Look.LABEL:
            cells.append(said.label(value, heading.of))
        elif isinstance(value, Decimal):
            cells.append(_figure(value, heading.look, _KINDS[heading.look]))
        else:
            cells.append(_kept(value, heading.look, heading.of))
        if heading.look in _PARTS:
            cells.extend(_parts_of(value, heading.look))
    return cells


def _kept(value: Value, look: Look, of: str = "") -> Kept:
    """A value as a cell keeps it: a share as a number, a name and a code as words, nothing as an empty cell."""
    match value:
        case None | "":
            return None
        case Ratio():
            return value.part / value.whole if value.percent() is not None else None
        case Mean():
            return value.value(0 if look is Look.MEAN_FEN else 2)
        case Name():
            return words.name_words(value)
        case str():
            return words.known_label(value, of) if look is Look.LABEL else value
        case Decimal() if look in words.RATIOS:
            return value / 100
        case _:
            return value
