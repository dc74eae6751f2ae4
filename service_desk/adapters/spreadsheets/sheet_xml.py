"""A look into the XML of an .xlsx sheet for what the reader leaves out: size, error cells, merged ranges."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from service_desk.adapters.spreadsheets.limits import UnreadableError
from service_desk.rules.fleet_list.workbook import Merge

_CELL = re.compile(rb"<(?:[\w.-]+:)?c(?=[\s/>])")
_CELL_AT = re.compile(rb"<(?:[\w.-]+:)?c\s(?:[^>]*?\s)?r\s*=\s*[\"']([A-Z]+)([0-9]+)")
_ERROR_CELL = re.compile(rb"<(?:[\w.-]+:)?c\s((?:[^>]*?\s)?t\s*=\s*[\"']e[\"'][^>]*)>")
_REFERENCE = re.compile(rb"(?:^|\s)r\s*=\s*[\"']([A-Z]+)([0-9]+)")
_VALUE = re.compile(
    rb"\s*(?:<(?:[\w.-]+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</[^>]*>)\s*)?<(?:[\w.-]+:)?v[^>]*>([^<]*)<"
)
_MERGE = re.compile(rb"<(?:[\w.-]+:)?mergeCell\s[^>]*?ref\s*=\s*[\"']([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)")
_NAMED_ERROR = "#N/A"


@dataclass
class SheetMarks:
    """Size of the used range, errors by (row, column) from 0, and merged ranges."""

    rows: int = 0
    columns: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    merges: tuple[Merge, ...] = ()


def look_at(xml: bytes) -> SheetMarks:
    """Find the marks of a sheet. Fast for the usual writing, by a real parser for any other."""
    references = _CELL_AT.findall(xml)
    if len(references) != len(_CELL.findall(xml)) or b"<!" in xml:
        return _parse(xml)
    columns = {letters for letters, _ in references}
    return SheetMarks(
        rows=max((int(number) for _, number in references), default=0),
        columns=max((column_index(letters.decode()) + 1 for letters in columns), default=0),
        errors=dict(_errors(xml)),
        merges=tuple(_merge(*match) for match in _MERGE.findall(xml)),
    )


def column_index(letters: str) -> int:
    """`A` is 0, `AA` is 26."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1


def _errors(xml: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    for match in _ERROR_CELL.finditer(xml):
        reference = _REFERENCE.search(match[1])
        if reference:
            value = None if match[1].endswith(b"/") else _VALUE.match(xml, match.end())
            text = value[1].decode("utf-8", "replace").strip() if value else ""
            yield (int(reference[2]) - 1, column_index(reference[1].decode())), text or _NAMED_ERROR


def _merge(left: bytes, top: bytes, right: bytes, bottom: bytes) -> Merge:
    return Merge(int(top) - 1, column_index(left.decode()), int(bottom) - 1, column_index(right.decode()))


def _parse(xml: bytes) -> SheetMarks:
    parser = expat.ParserCreate(namespace_separator=" ")
    walk = _Walk()
    parser.StartElementHandler = walk.start
    parser.EndElementHandler = walk.end
    parser.CharacterDataHandler = walk.text
    parser.buffer_text = True
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, ValueError) as error:
        raise UnreadableError("broken sheet") from error
    return SheetMarks(walk.rows, walk.columns, walk.errors, tuple(walk.merges))


class _Walk:
    """Follows the cells of a sheet, also those that do not say where they stand."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self.errors: dict[tuple[int, int], str] = {}
        self.merges: list[Merge] = []
        self._row = self._column = -1
        self._in_error = self._in_value = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if tag == "row":
            self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
            self._column = -1
            self.rows = max(self.rows, self._row + 1)
        elif tag == "c":
            self._start_cell(attributes)
        elif tag == "v":
            self._in_value = self._in_error
        elif tag == "mergeCell" and ":" in attributes.get("ref", ""):
            self.merges.append(_merge_of(attributes["ref"]))

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        if "r" in attributes:
            self._row, self._column = _position(attributes["r"])
        else:
            self._column += 1
        self.rows, self.columns = max(self.rows, self._row + 1), max(self.columns, self._column + 1)
        self._in_error = attributes.get("t") == "e"
        if self._in_error:
            self.errors[self._row, self._column] = _NAMED_ERROR

    def end(self, name: str) -> None:
        if name.endswith("v"):
            self._in_value = False

    def text(self, text: str) -> None:
        if self._in_value and text.strip():
            self.errors[self._row, self._column] = text.strip()


def _position(reference: str) -> tuple[int, int]:
    match = re.fullmatch(r"\$?([A-Z]+)\$?([0-9]+)", reference)
    if not match:
        raise ValueError(reference)
    return int(match[2]) - 1, column_index(match[1])


def _merge_of(reference: str) -> Merge:
    first, _, last = reference.partition(":")
    (top, left), (bottom, right) = _position(first), _position(last)
    return Merge(top, left, bottom, right)
