"""Tables of an HTML page: what many systems save under the name .xls."""

import re
from html.parser import HTMLParser

from service_desk.adapters.spreadsheets.limits import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    UnreadableError,
    require_size,
)
from service_desk.rules.fleet_list.workbook import Merge, Sheet

_FIRST_TAG = re.compile(r"\s*<[!?a-z]", re.IGNORECASE)
_TABLE_TAG = re.compile(r"<table[\s>]", re.IGNORECASE)
_SPREADSHEET_XML = "urn:schemas-microsoft-com:office:spreadsheet"
_LINE_BREAKS = frozenset(("br", "p", "div", "li"))
_NOT_SHOWN = frozenset(("script", "style"))


def is_markup(text: str) -> bool:
    """Whether a text begins with a tag."""
    return _FIRST_TAG.match(text) is not None


def read_html(text: str) -> tuple[Sheet, ...]:
    """Read each table as a sheet without a name. Rows are numbered by their `<tr>` in the whole page.

    UnreadableError for markup that holds no HTML table.
    """
    if not _TABLE_TAG.search(text) or _SPREADSHEET_XML in text[:4096]:
        raise UnreadableError("markup without an HTML table")
    parser = _Tables()
    parser.feed(text)
    parser.close()
    return tuple(table.sheet() for table in parser.tables if table.rows)


class _Table:
    """One table being read. Cells that rowspan reaches into push the row's own cells to the right."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._numbers: list[int] = []
        self._merges: list[Merge] = []
        self._covered_until: dict[int, int] = {}
        self._column = self._left = self._cells = 0
        self._parts: list[str] | None = None

    def open_row(self, number: int) -> None:
        self.close_cell()
        self.rows.append([])
        self._numbers.append(number)
        self._column = 0
        if len(self.rows) > MOST_ROWS:
            raise UnreadableError("too many rows")

    def open_cell(self, rowspan: int, colspan: int) -> None:
        self.close_cell()
        row = len(self.rows) - 1
        while self._covered_until.get(self._column, -1) >= row:
            self._column += 1
        left, right = self._column, self._column + colspan - 1
        if right >= MOST_COLUMNS:
            raise UnreadableError("too many columns")
        added = right + 1 - len(self.rows[row])
        self._cells += added
        if self._cells > MOST_CELLS:
            raise UnreadableError("too many cells")
        self.rows[row].extend([""] * added)
        if rowspan > 1 or colspan > 1:
            self._merges.append(Merge(row, left, row + rowspan - 1, right))
        for column in range(left, right + 1):
            self._covered_until[column] = row + rowspan - 1
        self._column = right + 1
        self._left, self._parts = left, []

    def add(self, text: str) -> None:
        if self._parts is not None:
            self._parts.append(text)

    def close_cell(self) -> None:
        if self._parts is not None:
            self.rows[-1][self._left] = "".join(self._parts)
        self._parts = None

    def sheet(self) -> Sheet:
        self.close_cell()
        require_size(len(self.rows), max(len(row) for row in self.rows))
        last = len(self.rows) - 1
        merges = tuple(Merge(m.top, m.left, min(m.bottom, last), m.right) for m in self._merges)
        return Sheet(name=None, rows=self.rows, numbers=self._numbers, merges=merges)


class _Tables(HTMLParser):
    """Collects tables, nested ones too; forgives cells and rows that are never closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Table] = []
        self._open: list[_Table] = []
        self._row_count = 0
        self._hidden_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NOT_SHOWN:
            self._hidden_depth += 1
        elif tag == "table":
            self._open.append(_Table())
            self.tables.append(self._open[-1])
        elif self._open:
            self._start_in_table(tag, dict(attrs))

    def _start_in_table(self, tag: str, attrs: dict[str, str | None]) -> None:
        table = self._open[-1]
        if tag == "tr" or (tag in {"td", "th"} and not table.rows):
            self._row_count += 1
            table.open_row(self._row_count)
        if tag in {"td", "th"}:
            rowspan = _span(attrs.get("rowspan"), MOST_ROWS)
            table.open_cell(rowspan or MOST_ROWS, _span(attrs.get("colspan"), MOST_COLUMNS) or 1)
        elif tag in _LINE_BREAKS:
            table.add("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _LINE_BREAKS:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _NOT_SHOWN:
            self._hidden_depth = max(0, self._hidden_depth - 1)
        elif self._open and tag in {"td", "th", "tr", "table"}:
            self._open[-1].close_cell()
            if tag == "table":
                self._open.pop()

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """Pass over `<![…]>` as browsers do; the parser would end at one it does not know."""
        return self.parse_bogus_comment(i)

    def handle_data(self, data: str) -> None:
        if self._open and not self._hidden_depth:
            self._open[-1].add(data)


def _span(text: str | None, most: int) -> int:
    """The number of rows or columns a cell spans; 0 (to the table's end) is kept, nonsense is 1."""
    digits = (text or "").strip()
    return min(int(digits[:6]), most) if digits.isascii() and digits.isdigit() else 1
