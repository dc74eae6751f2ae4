"""Writing tables as .xlsx: exports and reports, ready to read and to print."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryDirectory
from typing import IO, Literal
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from service_desk.base.clock import CHINA
from service_desk.base.money import from_fen

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

ColumnKind = Literal["text", "money", "int", "decimal", "fixed", "duration", "date", "datetime", "percent"]
Value = str | int | float | Decimal | date | datetime | None

_NUMBER_FORMATS: dict[ColumnKind, str] = {
    "text": "@",
    "money": "#,##0.00",
    "int": "#,##0",
    "decimal": "#,##0.###",
    "fixed": "#,##0.00",
    "duration": "[h]:mm",
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm",
    "percent": "0.0%",
}
_USUAL_WIDTHS: dict[ColumnKind, float] = {
    "text": 18,
    "money": 14,
    "int": 9,
    "decimal": 11,
    "fixed": 10,
    "duration": 10,
    "date": 12,
    "datetime": 17,
    "percent": 10,
}
_NUMBERS = frozenset({"money", "int", "decimal", "fixed", "duration", "percent"})
_SECONDS_A_DAY = 86400
_LONGEST_SHEET_NAME = 31
_LONGEST_TEXT = 32_767
_A4 = 9


@dataclass(frozen=True)
class Column:
    """A column: its heading, and how its values are shown.

    Values: `money` whole fen, `percent` a share (0.25 is 25 %), `datetime` aware instants (written in the sheet's
    zone), `decimal` and `fixed` (two places) a Decimal or float, `duration` seconds, the others what they say.
    None leaves a cell empty, and a string in any column is written as text (a dash, a remark).
    """

    heading: str
    kind: ColumnKind = "text"
    width: float | None = None


@dataclass(frozen=True)
class Cell:
    """A value of another kind than its column's, where each line is a figure of its own."""

    value: Value
    kind: ColumnKind


@dataclass(frozen=True)
class TableSheet:
    """One sheet with one table: a title, lines under it (period, filter), headings, rows, and a total row.

    Instants are written in `zone`.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value | Cell]]
    notes: Sequence[str] = field(default=())
    total: Sequence[Value | Cell] | None = None
    zone: ZoneInfo = CHINA


def workbook_bytes(sheets: Sequence[TableSheet], *, is_short: bool = False) -> bytes:
    """Write tables as .xlsx, as `write_workbook` does, and hold the file in memory: what a mail brings."""
    out = io.BytesIO()
    write_workbook(out, sheets, is_short=is_short)
    return out.getvalue()


def write_workbook(out: IO[bytes], sheets: Sequence[TableSheet], *, is_short: bool = False) -> int:
    """Write tables as .xlsx, one a sheet: frozen headings, filter, widths, formats, A4 landscape to one page wide.

    Text is text: it never becomes a formula or a link. Sheet names are shortened and made unique. Rows are taken one
    by one and none is kept, however many there are; of short tables all are, which is quicker. Answers how many rows
    were written.
    """
    # Row by row to a temporary file: a list of a hundred thousand rows would fill the memory.
    keeping = {"in_memory": True} if is_short else {"constant_memory": True}
    with _book(out, {**keeping, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        styles = Styles(book)
        return sum(
            write_table(book.add_worksheet(name), sheet, styles)
            for name, sheet in zip(unique_sheet_names([s.name for s in sheets]), sheets, strict=True)
        )


@contextmanager
def _book(out: IO[bytes], options: dict[str, object]) -> Iterator[xlsxwriter.Workbook]:
    """A workbook that is put together at the end, unless its rows could not be written.

    The library leaves its temporary files behind when the disk is full, and each further try would fill it more.
    """
    with TemporaryDirectory() as folder:
        book = xlsxwriter.Workbook(out, {**options, "tmpdir": folder})
        try:
            yield book
            book.close()
        finally:
            for page in book.worksheets():
                with suppress(OSError):
                    if page.row_data_fh is not None:
                        page.row_data_fh.close()


def unique_sheet_names(names: Iterable[str]) -> list[str]:
    """Names a spreadsheet accepts: at most 31 characters, none of `[]:*?/\\`, no two alike but for case."""
    taken: set[str] = set()
    result = []
    for name in names:
        plain = " ".join(re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).split())
        clean = plain.strip("'")[:_LONGEST_SHEET_NAME] or "Sheet"
        unique, number = clean, 2
        while unique.casefold() in taken:
            ending = f" ({number})"
            unique, number = clean[: _LONGEST_SHEET_NAME - len(ending)] + ending, number + 1
        taken.add(unique.casefold())
        result.append(unique)
    return result


class Styles:
    """The formats of one workbook, made once each."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.note = book.add_format({"font_color": "#5A6472"})
        self.heading = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#E8EEF5", "bottom": 1}
        )
        # A long table has one format a kind: formats made for each cell would be most of the file.
        self.cells = {kind: book.add_format(_look(kind)) for kind in _NUMBER_FORMATS}
        self.totals = {
            kind: book.add_format({**_look(kind), "bold": True, "top": 1}) for kind in _NUMBER_FORMATS
        }


def _look(kind: ColumnKind) -> dict[str, object]:
    look: dict[str, object] = {"num_format": _NUMBER_FORMATS[kind], "valign": "top"}
    if kind == "text":
        look["text_wrap"] = True
    return look


def table_as_text(sheet: TableSheet) -> list[list[str]]:
    """A table's title, notes, headings, rows and total as rows of text, for a file that knows nothing else."""
    rows = [[sheet.title], *([note] for note in sheet.notes), [column.heading for column in sheet.columns]]
    rows += [
        [_as_text(value, column.kind, sheet.zone) for value, column in zip(row, sheet.columns, strict=True)]
        for row in (*sheet.rows, *([sheet.total] if sheet.total is not None else []))
    ]
    return rows


def _as_text(value: Value | Cell, kind: ColumnKind, zone: ZoneInfo) -> str:
    plain, kind = (value.value, value.kind) if isinstance(value, Cell) else (value, kind)
    if plain is None:
        return ""
    if isinstance(plain, datetime):
        return plain.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    if kind == "money" and not isinstance(plain, str | date):
        return str(from_fen(int(plain)))
    return str(plain)


def write_table(page: Worksheet, sheet: TableSheet, styles: Styles) -> int:
    """Write one table on a worksheet of its own, and answer how many rows it has."""
    page.write_string(0, 0, sheet.title, styles.title)
    for index, note in enumerate(sheet.notes, start=1):
        page.write_string(index, 0, note, styles.note)
    header = len(sheet.notes) + 1
    for index, column in enumerate(sheet.columns):
        page.set_column(index, index, column.width or _USUAL_WIDTHS[column.kind])
        page.write_string(header, index, column.heading, styles.heading)
    last = header
    for last, row in enumerate(sheet.rows, start=header + 1):
        _write_row(page, last, sheet, row, styles.cells)
    _set_up_page(page, sheet, header, last)
    if sheet.total is not None:
        _write_row(page, last + 1, sheet, sheet.total, styles.totals)
    return last - header


def _write_row(
    page: Worksheet,
    index: int,
    sheet: TableSheet,
    row: Sequence[Value | Cell],
    formats: dict[ColumnKind, Format],
) -> None:
    for position, (column, value) in enumerate(zip(sheet.columns, row, strict=True)):
        plain, kind = (value.value, value.kind) if isinstance(value, Cell) else (value, column.kind)
        if isinstance(plain, datetime):
            plain = plain.astimezone(sheet.zone).replace(tzinfo=None)
        _write_value(page, index, position, plain, kind, formats[kind])


def _write_value(
    page: Worksheet, row: int, column: int, value: Value, kind: ColumnKind, look: Format
) -> None:
    if value is None:
        page.write_blank(row, column, None, look)
    elif isinstance(value, date):
        page.write_datetime(row, column, value, look)
    elif isinstance(value, str) or kind not in _NUMBERS:
        page.write_string(row, column, str(value)[:_LONGEST_TEXT], look)
    else:
        page.write_number(row, column, _number(value, kind), look)


def _number(value: int | float | Decimal, kind: ColumnKind) -> float | Decimal:
    if kind == "money":
        return from_fen(int(value))
    return float(value) / _SECONDS_A_DAY if kind == "duration" else value


def _set_up_page(page: Worksheet, sheet: TableSheet, header: int, last: int) -> None:
    page.freeze_panes(header + 1, 0)
    if sheet.columns:
        page.autofilter(header, 0, max(last, header), len(sheet.columns) - 1)
    page.set_landscape()
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)
    page.repeat_rows(header)
    page.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
    page.set_footer("&L&A&R&P / &N")
