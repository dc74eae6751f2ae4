"""Delimited text: its encoding, its separator, and its records with the lines they begin on."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from service_desk.adapters.spreadsheets.limits import MOST_CELLS, MOST_ROWS, UnreadableError, require_size
from service_desk.rules.fleet_list.workbook import Sheet

_DELIMITERS = (",", ";", "\t")
_FEWEST_FIELDS = 3
_SAMPLE_BYTES = 4096
_SAMPLE_RECORDS = 500
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b]")
_TEXT_FORMULA = re.compile(r'="(.*)"', re.DOTALL)


def decode(data: bytes) -> str:
    """Decode by mark (BOM), then by the zero bytes of UTF-16, then strict UTF-8, then GB18030.

    No guessing by statistics: it takes short Chinese lists for Korean.
    """
    for encoding in _candidates(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _CONTROL.search(text):
            break
        return text.lstrip("\ufeff")
    raise UnreadableError("neither Unicode nor GB18030 text")


def _candidates(data: bytes) -> tuple[str, ...]:
    if data.startswith(codecs.BOM_UTF8):
        return ("utf-8-sig",)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    sample = data[:_SAMPLE_BYTES]
    zeros_first, zeros_second = sample[0::2].count(0), sample[1::2].count(0)
    if zeros_first or zeros_second:
        return ("utf-16-le",) if zeros_second > zeros_first else ("utf-16-be",)
    return ("utf-8", "gb18030")


def read_text(text: str) -> tuple[Sheet, str]:
    """Read records under the separator that fits; the sheet's numbers are the lines the records begin on."""
    candidates = [delimiter for delimiter in _DELIMITERS if delimiter in text] or [","]
    delimiter = max(candidates, key=lambda d: _evenness(_records(text, d, most=_SAMPLE_RECORDS)))
    records = _records(text, delimiter)
    require_size(len(records), max((len(row) for _, row in records), default=0))
    rows = [[_plain(cell) for cell in row] for _, row in records]
    return Sheet(name=None, rows=rows, numbers=[line for line, _ in records]), delimiter


def _evenness(records: list[tuple[int, list[str]]]) -> tuple[int, int]:
    """How well a separator fits: the records of the commonest width that can be a table, then that width."""
    widths = Counter(len(row) for _, row in records if len(row) >= _FEWEST_FIELDS)
    return max(((count, width) for width, count in widths.items()), default=(0, 0))


def _records(text: str, delimiter: str, most: int = MOST_ROWS + 1) -> list[tuple[int, list[str]]]:
    try:
        return list(islice(_read_records(text, delimiter, honour_quotes=True), most))
    except csv.Error:
        pass
    try:
        # A quotation mark that never closes would swallow the rest of the file into one cell.
        return list(islice(_read_records(text, delimiter, honour_quotes=False), most))
    except csv.Error as error:
        raise UnreadableError(str(error)) from error


def _read_records(text: str, delimiter: str, *, honour_quotes: bool) -> Iterator[tuple[int, list[str]]]:
    lines = _Lines(text)
    if honour_quotes:
        reader = csv.reader(lines, delimiter=delimiter)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    begins_on, cells = 1, 0
    for row in reader:
        cells += len(row)
        if cells > MOST_CELLS:
            raise UnreadableError("too many cells")
        if lines.ended_inside_quotes:
            raise csv.Error("a quotation mark is never closed")
        yield begins_on, row
        begins_on = reader.line_num + 1


class _Lines:
    """The lines of a text, as written. Knows when the reader asked for one more after the last."""

    def __init__(self, text: str) -> None:
        self._lines = iter(io.StringIO(text, newline=""))
        self.ended_inside_quotes = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        try:
            return next(self._lines)
        except StopIteration:
            self.ended_inside_quotes = True
            raise


def _plain(cell: str) -> str:
    """A value without the spreadsheet's guard around text: `="00123"` is `00123`."""
    match = _TEXT_FORMULA.fullmatch(cell)
    return match[1].replace('""', '"') if match else cell
