"""Price tables as workbooks, changed as a person changes them."""

import io
from collections.abc import Callable
from typing import Any

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

Change = Callable[["LinesSheet"], None]


class LinesSheet:
    """The sheet of lines of a downloaded price table, by the heads of its columns in Chinese."""

    def __init__(self, sheet: Worksheet) -> None:
        self.sheet = sheet
        self.header = next(
            row for row in range(1, 20) if any(cell.value == "使用性质" for cell in sheet[row])
        )
        self.columns = {str(cell.value): cell.column for cell in sheet[self.header]}

    def row_of(self, **wanted: Any) -> int:
        """The first row whose cells under these heads hold these values."""
        return next(
            row
            for row in range(self.header + 1, self.sheet.max_row + 1)
            if all(self.get(row, head) == value for head, value in wanted.items())
        )

    def get(self, row: int, head: str) -> Any:
        return self.sheet.cell(row, self.columns[head]).value

    def set(self, row: int, **values: Any) -> None:
        for head, value in values.items():
            self.sheet.cell(row, self.columns[head]).value = value

    def add(self, **values: Any) -> int:
        """Append a row; its number."""
        row = self.sheet.max_row + 1
        self.set(row, **values)
        return row


def changed(content: bytes, change: Change, cover_sets: list[tuple[str, str, str]] | None = None) -> bytes:
    """A downloaded workbook after somebody changed its lines and named more cover sets."""
    book = load_workbook(io.BytesIO(content))
    change(LinesSheet(book.worksheets[0]))
    for row in cover_sets or []:
        book.worksheets[1].append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
