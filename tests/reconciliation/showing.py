"""Whether page, spreadsheet, paper and mail of a report say its numbers: each is read back and compared with the report."""

import io
import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from typing import Any

from openpyxl import load_workbook
from pdfminer.high_level import extract_text_to_fp

from service_desk.rules.metrics import MEASURES, RATIOS_OF_PRODUCTS, Mean, MeasureCode, Ratio, Unit
from service_desk.rules.report_document import CellKind, Column, Report, Table
from tests.reconciliation.comparing import Differences

NOTHING = "—"
_NUMBERS = {CellKind.MEASURE, CellKind.COUNT, CellKind.FEN, CellKind.RATIO, CellKind.MEAN, CellKind.DAYS}
# Beyond so many rows a list is paged on the page, and cut on paper and in a mail.
_FIRST_ROWS = 40


class _Tables(HTMLParser):
    """The cells of each table of a page, by the id of the card the table stands in."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: dict[str, list[list[str]]] = {}
        self._card, self._cell, self._is_open = "", "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = dict(attrs).get("id") or ""
        if name.startswith("table-"):
            self._card = name.removeprefix("table-")
            self.cards[self._card] = []
        if tag == "tr" and self._card:
            self.cards[self._card].append([])
        if tag == "td" and self._card:
            self._cell, self._is_open = "", True

    def handle_endtag(self, tag: str) -> None:
        if tag == "td" and self._is_open:
            self.cards[self._card][-1].append(" ".join(self._cell.split()))
            self._is_open = False

    def handle_data(self, data: str) -> None:
        if self._is_open:
            self._cell += data


def said(value: Any, column: Column) -> str:
    """A number as people read it: yuan with two places, a share in percent with one."""
    unit = MEASURES[MeasureCode(column.code)].unit if column.kind is CellKind.MEASURE else None
    match value:
        case None:
            return NOTHING
        case Ratio():
            if value.whole <= 0:
                return NOTHING
            share = _rounded(Decimal(100 * value.part) / value.whole, "0.1")
            sign = "+" if column.of == "change" and share > 0 else ""
            return f"{sign}{share:,}%"
        case Mean() if not value.count:
            return NOTHING
        case Mean():
            in_fen = unit is Unit.MEAN_FEN or column.of == "fen"
            mean = Decimal(value.total) / value.count
            return f"{_rounded(mean, '1') / 100:,.2f}" if in_fen else f"{_rounded(mean, '0.01'):,}"
        case _ if unit is Unit.FEN or column.kind is CellKind.FEN:
            return f"{Decimal(value) / 100:,.2f}"
        case Decimal() if column.kind is CellKind.RATIO:
            return f"{value}%"
        case _:
            return f"{value:,}"


def _rounded(value: Decimal, step: str) -> Decimal:
    return value.quantize(Decimal(step), ROUND_HALF_UP)


def _figures(table: Table, row: Sequence[Any]) -> list[str]:
    return [
        said(value, column)
        for value, column in zip(row, table.columns, strict=True)
        if column.kind in _NUMBERS
    ]


def _says_something(table: Table, row: Sequence[Any]) -> bool:
    return any(one not in (NOTHING, "0", "0.00", "0.0%") for one in _figures(table, row))


def check_page(report: Report, page: str, to: Differences) -> None:
    """Each row of each table stands on the page with its figures, in its order; headline figures stand there too."""
    read = _Tables()
    read.feed(page)
    where = f"page of {report.kind}"
    for table in report.tables:
        numbers = [place for place, column in enumerate(table.columns) if column.kind in _NUMBERS]
        shown = [row for row in read.cards.get(table.code, []) if row]
        for row in shown:
            own = [row[place] for place in numbers]
            candidates = [*table.rows, *([table.total] if table.total else [])]
            is_one = any(_reads(own, _figures(table, one)) for one in candidates)
            to.check(f"{where}, {table.code}, {row[0]}: a row of the report", is_one, True)
        wanted = [row for row in table.rows if _says_something(table, row)][:_FIRST_ROWS]
        for row in [*wanted, *([table.total] if table.total and shown else [])]:
            figures = _figures(table, row)
            is_there = any(_reads([one[place] for place in numbers], figures) for one in shown)
            to.check(f"{where}, {table.code}, {row[0]}, {figures}: is shown", is_there, True)
    plain = " ".join(page.split())
    for tile in report.tiles:
        figure = said(tile.value, Column(tile.measure))
        to.check(f"{where}, tile {tile.measure}, {figure}", figure in plain, True)


def _reads(cells: Iterable[str], figures: Iterable[str]) -> bool:
    return all(cell.lstrip("¥").startswith(figure) for cell, figure in zip(cells, figures, strict=True))


def check_workbook(report: Report, content: bytes, to: Differences) -> None:
    """Each sheet has each row of its table with the very numbers, and the parts of shares beside them."""
    book = load_workbook(io.BytesIO(content), read_only=True)
    sheets = book.worksheets[1:] if report.tiles else book.worksheets
    to.check(f"sheets of {report.kind}", len(sheets), len(report.tables))
    for table, sheet in zip(report.tables, sheets, strict=True):
        rows = [list(row) for row in sheet.iter_rows(min_row=5, values_only=True)]
        wanted = [*table.rows, *([table.total] if table.total else [])]
        to.check(f"sheet of {report.kind}, {table.code}: rows", len(rows) >= len(wanted), True)
        for place, (row, own) in enumerate(zip(rows, wanted, strict=False)):
            cells = iter(row)
            for value, column in zip(own, table.columns, strict=True):
                where = f"sheet of {report.kind}, {table.code}, row {place}, {column.code}"
                _check_cells(where, value, column, cells, to)


def _check_cells(where: str, value: Any, column: Column, cells: Any, to: Differences) -> None:
    shown = next(cells, None)
    unit = MEASURES[MeasureCode(column.code)].unit if column.kind is CellKind.MEASURE else None
    is_fen = unit is Unit.FEN or column.kind is CellKind.FEN
    has_parts = unit in (Unit.RATIO, Unit.MEAN, Unit.MEAN_FEN) or column.kind in (
        CellKind.RATIO,
        CellKind.MEAN,
    )
    if column.of == "change" or column.code in {one.value for one in RATIOS_OF_PRODUCTS}:
        has_parts = False
    if not has_parts:
        if column.kind in _NUMBERS and isinstance(value, int):
            to.check(where, round((shown or 0) * (100 if is_fen else 1)), value)
        return
    parts = next(cells, None), next(cells, None)
    if isinstance(value, (Ratio, Mean)):
        first, second = (value.part, value.whole) if isinstance(value, Ratio) else (value.total, value.count)
        found = [round(one or 0, 2) for one in parts]
        to.check(where, (first in _scaled(found[0]), second in _scaled(found[1])), (True, True))


def _scaled(number: float) -> tuple[int, int]:
    """A number as it is, or yuan as fen."""
    return round(number), round(number * 100)


def check_paper(report: Report, content: bytes, to: Differences) -> None:
    """The paper has every headline figure and every figure of short tables, wherever it breaks its lines."""
    read = io.StringIO()
    # Without looking for lines and columns, which takes longer than all the rest.
    extract_text_to_fp(io.BytesIO(content), read, laparams=None)
    text = "".join(read.getvalue().split())
    _check_text(f"paper of {report.kind}", report, text, to, columns=99)


def check_plain(report: Report, text: str, to: Differences) -> None:
    """The plain part has the headline figures, and of short tables the first columns, totals too."""
    plain = "".join(text.split())
    _check_text(f"plain mail of {report.kind}", report, plain, to, columns=6)
    for table in report.tables:
        if table.is_detail or not table.total or not any(_says_something(table, row) for row in table.rows):
            continue
        figures = [
            said(value, column)
            for value, column in list(zip(table.total, table.columns, strict=True))[1:6]
            if column.kind in _NUMBERS and value is not None
        ]
        line = next((one for one in text.splitlines() if _has_all(one, figures)), None)
        to.check(f"plain mail of {report.kind}, {table.code}, total {figures}", line is not None, True)


def _has_all(line: str, figures: Sequence[str]) -> bool:
    """Whether a line says figures in their order."""
    place = 0
    for figure in figures:
        place = line.find(f" {figure}", place) + 1
        if not place:
            return False
    return line.startswith("- ")


def check_mail(report: Report, html: str, to: Differences) -> None:
    """A mail has the headline figures, and of short tables the first columns."""
    text = "".join(re.sub(r"<[^>]+>", " ", html).split())
    _check_text(f"mail of {report.kind}", report, text, to, columns=8)


def _check_text(where: str, report: Report, text: str, to: Differences, columns: int) -> None:
    for tile in report.tiles:
        figure = said(tile.value, Column(tile.measure))
        to.check(f"{where}, tile {tile.measure}, {figure}", figure in text, True)
    for table in report.tables:
        if table.is_detail:
            continue
        wanted = [row for row in table.rows if _says_something(table, row)][:_FIRST_ROWS]
        for row in wanted:
            for value, column in list(zip(row, table.columns, strict=True))[:columns]:
                if column.kind in _NUMBERS:
                    figure = said(value, column)
                    to.check(f"{where}, {table.code}, {row[0]}, {column.code} {figure}", figure in text, True)
