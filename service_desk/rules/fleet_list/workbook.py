"""What a spreadsheet, a text file and an HTML table have in common once they are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from service_desk.base.text import fold


@dataclass(frozen=True, slots=True)
class CellError:
    """A formula error in a cell, as the program that wrote the file shows it: `#N/A`."""

    text: str


Cell = str | float | bool | date | datetime | time | timedelta | CellError | None


class FileError(StrEnum):
    """Why nothing of a file can be read."""

    UNREADABLE = "file_unreadable"
    EMPTY = "file_empty"
    HEADER_NOT_FOUND = "header_not_found"


class FileKind(StrEnum):
    """What a file is by its content, whatever its name says."""

    XLSX = "xlsx"
    XLS = "xls"
    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Merge:
    """A merged range: indexes into the sheet's rows and columns, from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Sheet:
    """One table. `name` is None in text and HTML files; rows may differ in length.

    `numbers` holds for each row what a person calls it: the spreadsheet's row, the line of the text
    file, the `<tr>` of the page. `dates_from_1904` says how a bare serial number in a cell is counted.
    """

    name: str | None
    rows: Sequence[Sequence[Cell]]
    numbers: Sequence[int]
    merges: tuple[Merge, ...] = ()
    dates_from_1904: bool = False


@dataclass(frozen=True)
class Workbook:
    """A file as read. With a `file_error` there are no sheets. `delimiter` is that of a text file."""

    kind: FileKind | None
    sheets: tuple[Sheet, ...] = ()
    file_error: FileError | None = None
    delimiter: str | None = None


@lru_cache(maxsize=65536)
def tidy(text: str) -> str:
    """NFKC, invisible characters out, line breaks and runs of blanks to one space, ends trimmed."""
    return " ".join(fold(text).split())


def is_blank(cell: Cell) -> bool:
    """Whether nothing can be seen in a cell. An error is something."""
    return cell is None or (isinstance(cell, str) and not cell.isalnum() and not tidy(cell))


def text_of(cell: Cell) -> str:
    """A cell's value in words, tidied. A whole number has no decimals: 49.0 is `49`."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        # Plates' digits, VINs and engine numbers, each another: not worth a place in the cache.
        return cell if cell.isascii() and cell.isalnum() else tidy(cell)
    if isinstance(cell, CellError):
        return cell.text
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        return f"{cell:.0f}" if float(cell).is_integer() else f"{cell:.12g}"
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return str(cell)


def merges_filled_down(sheet: Sheet) -> list[Sequence[Cell]]:
    """The rows with each merged cell's value in every row it spans, in its first column only."""
    rows = list(sheet.rows)
    for merge in sheet.merges:
        if merge.bottom == merge.top or merge.top >= len(rows) or merge.left >= len(rows[merge.top]):
            continue
        value = rows[merge.top][merge.left]
        if is_blank(value):
            continue
        for index in range(merge.top + 1, min(merge.bottom + 1, len(rows))):
            row = list(rows[index])
            row.extend([None] * (merge.left + 1 - len(row)))
            row[merge.left] = value
            rows[index] = row
    return rows
