"""The old binary format (.xls, BIFF): values, error cells and merged ranges."""

import io
import struct
from datetime import datetime

import xlrd
from xlrd.biffh import XLRDError
from xlrd.compdoc import CompDocError
from xlrd.xldate import XLDateError, xldate_as_datetime

from service_desk.adapters.spreadsheets.limits import UnreadableError, require_merges, require_size
from service_desk.rules.fleet_list.workbook import Cell, CellError, Merge, Sheet, is_blank

# What the parser lets through when a record is cut short or points nowhere.
_BROKEN = (
    XLRDError,
    CompDocError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)


def read_xls(data: bytes) -> tuple[Sheet, ...]:
    """Read every worksheet; UnreadableError for a broken or password-protected file."""
    book = _open(data)
    return tuple(_sheet(sheet, book.datemode) for sheet in book.sheets())


def _open(data: bytes) -> xlrd.Book:
    try:
        return _open_book(data, formatting_info=True)
    except _BROKEN:
        pass
    try:
        # Some exporters write faulty formats; without them only the merged ranges are lost.
        return _open_book(data, formatting_info=False)
    except _BROKEN as error:
        raise UnreadableError("not a workbook, locked or broken") from error


def _open_book(data: bytes, *, formatting_info: bool) -> xlrd.Book:
    # The parser talks to standard output unless it is given a place of its own.
    return xlrd.open_workbook(
        file_contents=data, formatting_info=formatting_info, ragged_rows=True, logfile=io.StringIO()
    )


def _sheet(sheet: xlrd.sheet.Sheet, datemode: int) -> Sheet:
    rows = [
        [_cell(kind, value, datemode) for kind, value in zip(kinds, values, strict=True)]
        for kinds, values in (
            (sheet.row_types(index), sheet.row_values(index)) for index in range(sheet.nrows)
        )
    ]
    _trim(rows)
    require_size(len(rows), max((len(row) for row in rows), default=0))
    merges = tuple(Merge(top, left, end - 1, edge - 1) for top, end, left, edge in sheet.merged_cells)
    require_merges(merges, len(rows))
    return Sheet(sheet.name, rows, range(1, len(rows) + 1), merges, dates_from_1904=datemode == 1)


def _trim(rows: list[list[Cell]]) -> None:
    """Take off the rows at the end that hold only formats or blanks."""
    while rows and all(is_blank(cell) for cell in rows[-1]):
        rows.pop()


def _cell(kind: int, value: str | float | int, datemode: int) -> Cell:
    if kind == xlrd.XL_CELL_ERROR:
        return CellError(xlrd.error_text_from_code.get(int(value), "#N/A"))
    if kind == xlrd.XL_CELL_DATE:
        return _date(float(value), datemode)
    if kind == xlrd.XL_CELL_BOOLEAN:
        return bool(value)
    return value


def _date(number: float, datemode: int) -> datetime | float:
    """The instant a date cell shows; a number too large for a date stays a number (20250301)."""
    try:
        return xldate_as_datetime(number, 1 if datemode else 0)
    except (XLDateError, OverflowError, ValueError):
        return number
