"""A look into the XML of an .xlsx sheet for what the reader leaves out: size, error cells, merged ranges."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from service_desk.adapters.spreadsheets.limits import UnreadableError
from service_desk.rules.fleet_list.workbook import Merge

_CELL_AT = re.compile(rb"<c (?:[^>]*?\s)?r=[\"'][A-Z]+[0-9]+[\"'][^>]*>")
# A cell that is closed at once has a format only.
_VALUE_AT = re.compile(rb"<c (?:[^>]*?\s)?r=[\"']([A-Z]+)([0-9]+)[\"'][^>]*(?<!/)>(?!</c>)")
_PLACE_FIRST = b'<c r="'
_VALUE_AT_FIRST = re.compile(rb'<c r="([A-Z]+)([0-9]+)"[^>]*(?<!/)>(?!</c>)')
# So much is looked at in one go: the patterns' findings of a whole sheet would fill the memory.
_PORTION = 1 << 20
_ERROR_CELL = re.compile(rb"<c ((?:[^>]*?\s)?t=[\"']e[\"'][^>]*)>")
_ERROR_TYPE = re.compile(rb"t=[\"']e[\"']")
_REFERENCE = re.compile(rb"(?:^|\s)r=[\"']([A-Z]+)([0-9]+)")
_VALUE = re.compile(rb"\s*(?:<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*)?<v[^>]*>([^<]*)<")
_MERGE = re.compile(rb"<mergeCell [^>]*?ref=[\"']([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)")
_NAMED_ERROR = "#N/A"


@dataclass
class SheetMarks:
    """Size of the range with values (formats alone do not count), errors by (row, column) from 0, and merged ranges."""

    rows: int = 0
    columns: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    merges: tuple[Merge, ...] = ()


def look_at(xml: bytes) -> SheetMarks:
    """Find the marks of a sheet. Fast for the usual writing, by a real parser for any other."""
    rows, columns = 0, set()
    for portion in _portions(xml):
        cells = portion.count(b"<c ")
        is_first = cells == portion.count(_PLACE_FIRST)
        if not is_first and cells != len(_CELL_AT.findall(portion)):
            return _parse(xml)
        found = (_VALUE_AT_FIRST if is_first else _VALUE_AT).findall(portion)
        columns.update([letters for letters, _digits in found])
        rows = max(rows, max(map(int, {digits for _letters, digits in found}), default=0))
    if not _is_written_as_usual(xml):
        return _parse(xml)
    return SheetMarks(
        rows=rows,
        columns=max((column_index(letters.decode()) + 1 for letters in columns), default=0),
        errors=dict(_errors(xml)) if _ERROR_TYPE.search(xml) else {},
        merges=tuple(_merge(*match) for match in _MERGE.findall(xml)),
    )


def _portions(xml: bytes) -> Iterator[bytes]:
    """Part a sheet between cells."""
    start = 0
    while start < len(xml):
        end = xml.find(b"<c ", start + _PORTION)
        end = len(xml) if end < 0 else end
        yield xml[start:end]
        start = end


def _is_written_as_usual(xml: bytes) -> bool:
    """Whether patterns see all there is: no prefixes, comments, odd blanks, or cells that do not say where they stand."""
    unusual = (b"<c>", b"<c/", b" =")
    has_comments = b"!" in xml and b"<!" in xml
    return b"<sheetData" in xml and not has_comments and not any(sign in xml for sign in unusual)


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
        elif tag == "c":
            self._start_cell(attributes)
        elif tag in {"v", "is"}:
            self._in_value = self._in_error
            self.rows, self.columns = max(self.rows, self._row + 1), max(self.columns, self._column + 1)
        elif tag == "mergeCell" and ":" in attributes.get("ref", ""):
            self.merges.append(_merge_of(attributes["ref"]))

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        if "r" in attributes:
            self._row, self._column = _position(attributes["r"])
        else:
            self._column += 1
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
