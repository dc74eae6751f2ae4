"""Handing a file back with remarks: the same cells in the same rows, columns more, and sheets more if wanted."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath

import xlsxwriter
from xlsxwriter.exceptions import OverlappingRange
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from service_desk.adapters.spreadsheets.limits import MOST_COLUMNS
from service_desk.adapters.spreadsheets.reading import read_workbook
from service_desk.adapters.spreadsheets.tables import (
    Styles,
    TableSheet,
    table_as_text,
    unique_sheet_names,
    write_table,
)
from service_desk.rules.fleet_list.workbook import Cell, FileKind, Sheet, Workbook, is_blank, text_of

Remark = str | Decimal | date | None
"""What an added cell holds; a Decimal is an amount in yuan."""
Remarks = Mapping[str | None, Mapping[int, Sequence[Remark]]]
"""By sheet (None for text and HTML files) and row number: what the added cells say."""

_REMARK_WIDTHS = (14, 48)
_LONGEST_TEXT = 32_767
# What a spreadsheet takes for a formula when it opens a text file; plain amounts and dashes are none.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.,\s]*$)")


def annotate(
    original: bytes,
    filename: str,
    remarks: Remarks,
    *,
    ending: str = "checked",
    widths: Sequence[float] = _REMARK_WIDTHS,
    more: Sequence[TableSheet] = (),
) -> tuple[bytes, str]:
    """Write a file back with columns added right of the last, and give it its new name.

    Rows keep their numbers; the headings of the added columns are the remark of the header row. A text file
    stays text (UTF-8 with BOM, its own separator), the tables `more` stand below its last row and no cell is
    taken for a formula; anything else becomes a fresh .xlsx with the same sheets, cells and merged ranges, formula
    errors as their text, and `more` as sheets behind them. A file that cannot be read raises ValueError.
    """
    workbook = read_workbook(original)
    if workbook.file_error:
        raise ValueError(workbook.file_error)
    name = PurePath(filename)
    if workbook.kind is FileKind.TEXT:
        return _as_text(workbook, remarks, more), f"{name.stem}-{ending}{name.suffix or '.csv'}"
    return _as_xlsx(workbook, remarks, widths, more), f"{name.stem}-{ending}.xlsx"


def _as_text(workbook: Workbook, remarks: Remarks, more: Sequence[TableSheet]) -> bytes:
    sheet = workbook.sheets[0]
    width = max((len(row) for row in sheet.rows), default=0)
    said = remarks.get(None, {})
    out = io.StringIO()
    writer = csv.writer(out, delimiter=workbook.delimiter or ",", lineterminator="\r\n")
    for row, number in zip(sheet.rows, sheet.numbers, strict=True):
        cells = [text if isinstance(text, str) else text_of(text) for text in row]
        if number in said:
            cells += [""] * (width - len(cells)) + [_plain(one) for one in said[number]]
        writer.writerow([_no_formula(text) for text in cells] if more else cells)
    for table in more:
        writer.writerow([])
        writer.writerows([_no_formula(text) for text in row] for row in table_as_text(table))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _plain(value: Remark) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def _no_formula(text: str) -> str:
    """The text so that no spreadsheet runs it: with the apostrophe that marks text."""
    return f"'{text}" if _FORMULA.match(text) else text


def _as_xlsx(
    workbook: Workbook, remarks: Remarks, widths: Sequence[float], more: Sequence[TableSheet]
) -> bytes:
    out = io.BytesIO()
    wanted = [sheet.name or "Sheet1" for sheet in workbook.sheets]
    names = unique_sheet_names([*wanted, *(table.name for table in more)])
    with xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "nan_inf_to_errors": True,
        },
    ) as book:
        formats = {
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            time: book.add_format({"num_format": "hh:mm:ss"}),
            timedelta: book.add_format({"num_format": "[h]:mm:ss"}),
        }
        note = book.add_format({"text_wrap": True, "valign": "top", "bg_color": "#FFF6DC"})
        amount = book.add_format({"num_format": "#,##0.00", "valign": "top", "bg_color": "#FFF6DC"})
        day = book.add_format({"num_format": "yyyy-mm-dd", "valign": "top", "bg_color": "#FFF6DC"})
        for sheet, name in zip(workbook.sheets, names[: len(wanted)], strict=True):
            page = book.add_worksheet(name)
            _write_sheet(page, sheet, formats)
            _write_remarks(page, sheet, remarks.get(sheet.name, {}), (note, amount, day), widths)
        styles = Styles(book) if more else None
        for table, name in zip(more, names[len(wanted) :], strict=True):
            write_table(book.add_worksheet(name), table, styles or Styles(book))
    return out.getvalue()


def _write_sheet(page: Worksheet, sheet: Sheet, formats: Mapping[type, Format]) -> None:
    # Merging empties the cells it covers, so it comes before the values.
    for merge in sheet.merges:
        if merge.right < MOST_COLUMNS and (merge.top, merge.left) != (merge.bottom, merge.right):
            with suppress(OverlappingRange):
                page.merge_range(merge.top, merge.left, merge.bottom, merge.right, "")
    for index, row in enumerate(sheet.rows):
        for column, cell in enumerate(row):
            if not is_blank(cell):
                _write_cell(page, index, column, cell, formats)


def _write_remarks(
    page: Worksheet,
    sheet: Sheet,
    remarks: Mapping[int, Sequence[Remark]],
    looks: tuple[Format, Format, Format],
    widths: Sequence[float],
) -> None:
    note, amount, day = looks
    left = max((len(row) for row in sheet.rows), default=0)
    if remarks:
        for offset, width in enumerate(widths):
            page.set_column(left + offset, left + offset, width)
    for index, number in enumerate(sheet.numbers):
        for offset, value in enumerate(remarks.get(number, ())):
            if isinstance(value, Decimal):
                page.write_number(index, left + offset, value, amount)
            elif isinstance(value, date):
                page.write_datetime(index, left + offset, value, day)
            else:
                page.write_string(index, left + offset, value or "", note)


def _write_cell(page: Worksheet, row: int, column: int, cell: Cell, formats: Mapping[type, Format]) -> None:
    if isinstance(cell, bool):
        page.write_boolean(row, column, cell)
    elif isinstance(cell, int | float):
        page.write_number(row, column, cell)
    elif isinstance(cell, date | time | timedelta):
        page.write_datetime(row, column, cell, formats[type(cell)])
    else:
        page.write_string(row, column, (cell if isinstance(cell, str) else text_of(cell))[:_LONGEST_TEXT])
