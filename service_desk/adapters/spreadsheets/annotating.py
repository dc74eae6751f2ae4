"""Handing a file back with remarks: the same cells in the same rows, and two columns more."""

import csv
import io
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import PurePath

import xlsxwriter
from xlsxwriter.exceptions import OverlappingRange
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from service_desk.adapters.spreadsheets.limits import MOST_COLUMNS
from service_desk.adapters.spreadsheets.reading import read_workbook
from service_desk.adapters.spreadsheets.tables import unique_sheet_names
from service_desk.rules.fleet_list.workbook import Cell, FileKind, Sheet, Workbook, is_blank, text_of

Remarks = Mapping[str | None, Mapping[int, tuple[str, str]]]
"""By sheet (None for text and HTML files) and row number: what the two added cells say."""

_REMARK_WIDTHS = (14, 48)
_LONGEST_TEXT = 32_767


def annotate(original: bytes, filename: str, remarks: Remarks) -> tuple[bytes, str]:
    """Write a file back with two columns added right of the last, and give it its new name.

    Rows keep their numbers; the headings of the two columns are the remark of the header row. A text file
    stays text (UTF-8 with BOM, its own separator); anything else becomes a fresh .xlsx with the same
    sheets, cells and merged ranges, formula errors as their text. A file that cannot be read raises ValueError.
    """
    workbook = read_workbook(original)
    if workbook.file_error:
        raise ValueError(workbook.file_error)
    name = PurePath(filename)
    if workbook.kind is FileKind.TEXT:
        return _as_text(workbook, remarks), f"{name.stem}-checked{name.suffix or '.csv'}"
    return _as_xlsx(workbook, remarks), f"{name.stem}-checked.xlsx"


def _as_text(workbook: Workbook, remarks: Remarks) -> bytes:
    sheet = workbook.sheets[0]
    width = max((len(row) for row in sheet.rows), default=0)
    said = remarks.get(None, {})
    out = io.StringIO()
    writer = csv.writer(out, delimiter=workbook.delimiter or ",", lineterminator="\r\n")
    for row, number in zip(sheet.rows, sheet.numbers, strict=True):
        cells = [text if isinstance(text, str) else text_of(text) for text in row]
        if number in said:
            cells += [""] * (width - len(cells)) + list(said[number])
        writer.writerow(cells)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _as_xlsx(workbook: Workbook, remarks: Remarks) -> bytes:
    out = io.BytesIO()
    names = unique_sheet_names([sheet.name or "Sheet1" for sheet in workbook.sheets])
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
        for sheet, name in zip(workbook.sheets, names, strict=True):
            page = book.add_worksheet(name)
            _write_sheet(page, sheet, formats)
            _write_remarks(page, sheet, remarks.get(sheet.name, {}), note)
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
    page: Worksheet, sheet: Sheet, remarks: Mapping[int, tuple[str, str]], note: Format
) -> None:
    left = max((len(row) for row in sheet.rows), default=0)
    for offset, width in enumerate(_REMARK_WIDTHS):
        page.set_column(left + offset, left + offset, width)
    for index, number in enumerate(sheet.numbers):
        for offset, text in enumerate(remarks.get(number, ())):
            page.write_string(index, left + offset, text, note)


def _write_cell(page: Worksheet, row: int, column: int, cell: Cell, formats: Mapping[type, Format]) -> None:
    if isinstance(cell, bool):
        page.write_boolean(row, column, cell)
    elif isinstance(cell, int | float):
        page.write_number(row, column, cell)
    elif isinstance(cell, date | time | timedelta):
        page.write_datetime(row, column, cell, formats[type(cell)])
    else:
        page.write_string(row, column, (cell if isinstance(cell, str) else text_of(cell))[:_LONGEST_TEXT])
