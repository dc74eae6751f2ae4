"""The .xlsx format: values by calamine; error cells and merged ranges, which it does not tell, by our own look."""

import io
import re
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from posixpath import join, normpath
from typing import cast
from xml.etree import ElementTree as ET

from python_calamine import CalamineError, CalamineWorkbook

from service_desk.adapters.spreadsheets.limits import (
    MOST_PARTS,
    MOST_UNPACKED_BYTES,
    UnreadableError,
    require_merges,
    require_size,
)
from service_desk.adapters.spreadsheets.sheet_xml import SheetMarks, look_at
from service_desk.rules.fleet_list.workbook import Cell, CellError, Sheet

_BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_WORKSHEET = "/worksheet"
_LARGE_COUNT = re.compile(rb"\s(?:uniqueCount|count)\s*=\s*(?:\"[^\"]{7,}\"|'[^']{7,}')")
_NEEDED = (".xml", ".rels")


@dataclass(frozen=True)
class _Outline:
    """The worksheets of a workbook: name and part of each, in the workbook's order."""

    parts: Mapping[str, str]
    dates_from_1904: bool


def read_xlsx(data: bytes) -> tuple[Sheet, ...]:
    """Read every worksheet, hidden ones too; UnreadableError for a broken, locked or oversized file."""
    parts = _unpack(data)
    try:
        outline = _outline(parts)
        marks = {name: look_at(parts[part]) for name, part in outline.parts.items()}
        for found in marks.values():
            require_size(found.rows, found.columns)
            require_merges(found.merges, found.rows)
        # The reader gets only what was measured here, so that a false size in the archive cannot harm it.
        book = CalamineWorkbook.from_filelike(io.BytesIO(_pack(parts, outline.parts.values())))
        return tuple(_sheet(book, name, found, outline) for name, found in marks.items())
    except (CalamineError, ET.ParseError, KeyError, OSError, ValueError) as error:
        raise UnreadableError("not a workbook, or a broken one") from error


def _unpack(data: bytes) -> dict[str, bytes]:
    """The XML parts of the archive, their unpacked size checked before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if info.filename.lower().endswith(_NEEDED)]
            if len(infos) > MOST_PARTS or sum(info.file_size for info in infos) > MOST_UNPACKED_BYTES:
                raise UnreadableError("too large when unpacked")
            parts = {info.filename.replace("\\", "/"): archive.read(info) for info in infos}
    except _BROKEN_ZIP as error:
        raise UnreadableError("broken or locked archive") from error
    # The format has no document types; they only serve to blow up a parser (entity expansion).
    if any(b"<!DOCTYPE" in part or b"<!ENTITY" in part for part in parts.values()):
        raise UnreadableError("a document type in a workbook")
    return parts


def _pack(parts: Mapping[str, bytes], sheets: Collection[str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            # The reader believes a count and asks for that much memory: too much ends the whole process.
            archive.writestr(name, part if name in sheets else _LARGE_COUNT.sub(b"", part))
    return packed.getvalue()


def _outline(parts: Mapping[str, bytes]) -> _Outline:
    workbook = ET.fromstring(parts[_WORKBOOK])  # noqa: S314 - document types were refused
    relations = ET.fromstring(parts[_RELATIONS])  # noqa: S314
    targets = {
        relation.get("Id"): normpath(join("xl", relation.get("Target", ""))).lstrip("/")
        for relation in relations
        if relation.get("Type", "").endswith(_WORKSHEET)
    }
    sheets = {
        element.get("name", ""): targets[_relation_id(element)]
        for element in workbook.iter()
        if _local(element.tag) == "sheet" and _relation_id(element) in targets
    }
    properties = next((e for e in workbook.iter() if _local(e.tag) == "workbookPr"), None)
    flag = properties.get("date1904") if properties is not None else None
    return _Outline(sheets, dates_from_1904=flag in {"1", "true", "on"})


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _relation_id(element: ET.Element) -> str | None:
    return next((value for key, value in element.attrib.items() if key.endswith("}id")), None)


def _sheet(book: CalamineWorkbook, name: str, marks: SheetMarks, outline: _Outline) -> Sheet:
    rows = cast("list[list[Cell]]", book.get_sheet_by_name(name).to_python(skip_empty_area=False))
    for (row, column), text in marks.errors.items():
        require_size(row + 1, column + 1)
        while len(rows) <= row:
            rows.append([])
        rows[row].extend([None] * (column + 1 - len(rows[row])))
        rows[row][column] = CellError(text)
    return Sheet(name, rows, range(1, len(rows) + 1), marks.merges, dates_from_1904=outline.dates_from_1904)
