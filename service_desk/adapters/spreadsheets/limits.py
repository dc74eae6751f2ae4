"""How large a spreadsheet may be, so that no file can exhaust the machine."""

from service_desk.rules.fleet_list.workbook import Merge

MOST_FILE_BYTES = 32 * 1024 * 1024
MOST_UNPACKED_BYTES = 512 * 1024 * 1024
MOST_PARTS = 5_000
MOST_ROWS = 200_000
MOST_COLUMNS = 2_000
MOST_CELLS = 8_000_000


class UnreadableError(Exception):
    """The file is broken, locked, too large, or not what it claims to be."""


def require_size(rows: int, columns: int) -> None:
    """Refuse a table whose used range is too large to hold in memory."""
    if rows > MOST_ROWS or columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
        raise UnreadableError(f"used range of {rows} rows and {columns} columns")


def require_merges(merges: tuple[Merge, ...], rows: int) -> None:
    """Refuse merged ranges that together span more cells than a real table has."""
    if sum(min(merge.bottom, rows) - merge.top for merge in merges if merge.top < rows) > MOST_CELLS:
        raise UnreadableError("too many merged cells")
