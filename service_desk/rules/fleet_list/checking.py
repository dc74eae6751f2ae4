"""Checking a whole file: the sheets with a header, their rows, then duplicates and conflicts over all of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service_desk.rules.fleet_list.facts import (
    BranchNames,
    ColumnChoice,
    Field,
    FleetListResult,
    ParsedRow,
    Place,
    Rejection,
    SheetMapping,
    Skipped,
    Verdict,
)
from service_desk.rules.fleet_list.header import FLEET_WORDS, Header, find_header, headings
from service_desk.rules.fleet_list.rows import BranchFinder, RowReader
from service_desk.rules.fleet_list.workbook import (
    Cell,
    FileError,
    Sheet,
    Workbook,
    is_blank,
    merges_filled_down,
)


def check(
    workbook: Workbook,
    branches: Iterable[BranchNames],
    mapping_override: Mapping[str | None, ColumnChoice] | None = None,
) -> FleetListResult:
    """Judge every row of a fleet list; accepts, skips or refuses each, and writes nothing.

    `mapping_override` holds by sheet name (None for text and HTML files) what a person corrected.
    """
    if workbook.file_error:
        return FleetListResult(file_error=workbook.file_error)
    if not any(not is_blank(cell) for sheet in workbook.sheets for row in sheet.rows for cell in row):
        return FleetListResult(file_error=FileError.EMPTY)
    finder = BranchFinder(branches)
    choices = mapping_override or {}
    judged: list[ParsedRow | Rejection] = []
    mappings = []
    for sheet in workbook.sheets:
        rows = merges_filled_down(sheet)
        header = _chosen_header(sheet, find_header(rows, sheet.merges, FLEET_WORDS), choices.get(sheet.name))
        if header:
            mappings.append(_mapping(sheet, rows, header))
            judged += _judge_sheet(sheet, rows, header, finder)
    if not mappings:
        return FleetListResult(file_error=FileError.HEADER_NOT_FOUND)
    return _compare(judged, tuple(mappings))


def _chosen_header(
    sheet: Sheet, found: Header[Field] | None, choice: ColumnChoice | None
) -> Header[Field] | None:
    if choice is None:
        return found
    columns = {**(found.columns if found else {}), **choice.columns}
    mapped = {field: column for field, column in columns.items() if column is not None}
    if choice.header_row is not None and choice.header_row in sheet.numbers:
        bottom = list(sheet.numbers).index(choice.header_row)
        return Header(bottom, bottom, mapped)
    return Header(found.top, found.bottom, mapped) if found else None


def _mapping(sheet: Sheet, rows: Sequence[Sequence[Cell]], header: Header[Field]) -> SheetMapping:
    return SheetMapping(sheet.name, sheet.numbers[header.bottom], header.columns, headings(rows, header))


def _judge_sheet(
    sheet: Sheet, rows: Sequence[Sequence[Cell]], header: Header[Field], finder: BranchFinder
) -> list[ParsedRow | Rejection]:
    reader = RowReader(sheet.name, header.columns, finder, sheet.dates_from_1904)
    return [
        reader.judge(rows[index], sheet.numbers[index])
        for index in range(header.bottom + 1, len(rows))
        if reader.is_vehicle(rows[index])
        and not _is_no_vehicle_under_merge(reader, rows[index], sheet.rows[index])
    ]


def _is_no_vehicle_under_merge(reader: RowReader, filled: Sequence[Cell], as_written: Sequence[Cell]) -> bool:
    """Whether a row is blank, or a subtotal, but for what a merged cell lends it: a branch makes no vehicle."""
    if filled is as_written or reader.is_vehicle(as_written):
        return False
    return any(not is_blank(cell) for cell in as_written) or not reader.has_identity(filled)


def _compare(judged: Sequence[ParsedRow | Rejection], mappings: tuple[SheetMapping, ...]) -> FleetListResult:
    """Take duplicates out, then refuse the rows that contradict one another."""
    parsed = [row for row in judged if isinstance(row, ParsedRow)]
    unique, skipped = _without_duplicates(parsed)
    conflicts = _conflicts(unique)
    rejected = {row.place: row for row in judged if isinstance(row, Rejection)} | conflicts
    return FleetListResult(
        accepted=tuple(row for row in unique if row.place not in conflicts),
        skipped=tuple(skipped),
        rejected=tuple(rejected[row.place] for row in judged if row.place in rejected),
        mappings=mappings,
    )


def _without_duplicates(rows: Iterable[ParsedRow]) -> tuple[list[ParsedRow], list[Skipped]]:
    first: dict[tuple[object, ...], ParsedRow] = {}
    skipped = []
    for row in rows:
        earlier = first.setdefault(row.values(), row)
        if earlier is not row:
            skipped.append(Skipped(row.sheet, row.row, earlier.place))
    return list(first.values()), skipped


def _conflicts(rows: Iterable[ParsedRow]) -> dict[Place, Rejection]:
    """Find the rows of one VIN with different data, and those of one plate with two VINs."""
    by_vin, by_plate = defaultdict(list), defaultdict(list)
    for row in rows:
        if row.vin:
            by_vin[row.vin].append(row)
        if row.plate:
            by_plate[row.plate].append(row)
    conflicts: dict[Place, Rejection] = {}
    for plate, group in by_plate.items():
        if len(group) > 1 and len({row.vin for row in group if row.vin}) > 1:
            conflicts |= _all_refused(group, Field.PLATE, plate)
    for vin, group in by_vin.items():
        if len(group) > 1:
            conflicts |= _all_refused(group, Field.VIN, vin)
    return conflicts


def _all_refused(group: Sequence[ParsedRow], field: Field, value: str) -> dict[Place, Rejection]:
    places = [row.place for row in group]
    return {
        place: Rejection(
            place.sheet,
            place.row,
            Verdict.CONFLICT,
            field=field,
            value=value,
            others=tuple(other for other in places if other != place),
        )
        for place in places
    }


def to_json(result: FleetListResult) -> dict[str, Any]:
    """The result for machines: counts, refused rows by sheet and row, and the accepted rows in full."""
    refused = sorted(result.rejected, key=lambda r: (r.sheet or "", r.row))
    return {
        "file_error": result.file_error,
        "accepted": len(result.accepted),
        "warnings": result.warnings,
        "skipped_duplicates": len(result.skipped),
        "rejected": [{"sheet": r.sheet, "row": r.row, "code": r.code} for r in refused],
        "rows": [_row_json(row) for row in result.accepted],
    }


def _row_json(row: ParsedRow) -> dict[str, Any]:
    return {
        "sheet": row.sheet,
        "row": row.row,
        "plate": row.plate,
        "vin": row.vin,
        "engine_no": row.engine_no,
        "model": row.model,
        "use_class": row.use_class,
        "seats": row.seats,
        "load_t": None if row.load_t is None else float(row.load_t),
        "registered_on": row.registered_on and row.registered_on.isoformat(),
        "ctpl_expires_on": row.ctpl_expires_on and row.ctpl_expires_on.isoformat(),
        "commercial_expires_on": row.commercial_expires_on and row.commercial_expires_on.isoformat(),
        "branch": row.branch,
        "warnings": list(row.warnings),
    }
