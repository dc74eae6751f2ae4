"""Reading a list, checking its rows and comparing them with the vehicles on record. Writes nothing."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import func, select

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.base.errors import Invalid
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import FleetImportRow, RowVerdict, Vehicle, VehicleState
from service_desk.models.policies import ExternalCover, Policy
from service_desk.rules.fleet_list import (
    BranchNames,
    ColumnChoice,
    Field,
    FleetListResult,
    ParsedRow,
    Place,
    Rejection,
    Skipped,
    Workbook,
    check,
)
from service_desk.rules.fleet_list.workbook import Sheet, is_blank, text_of
from service_desk.rules.identifiers import use_class_of
from service_desk.rules.policy_flow import last_covered_day
from service_desk.services import accounts
from service_desk.services.fleet.lists import Judged
from service_desk.services.fleet.planning import COVER_FIELDS, Known, Outcome, Statement, plan

USE_CLASS_UNKNOWN = "use_class_unknown"
Choices = Mapping[str | None, ColumnChoice]

_SAMPLES = 3
_MOST_COLUMNS_SHOWN = 60
_LONGEST_SAMPLE = 40


def judge(content: bytes, account_id: int, choices: Choices | None = None) -> Judged:
    """Judge a list for an account; Invalid with the file's verdict when nothing of it can be read."""
    workbook = read_workbook(content)
    branches = branches_of(account_id)
    result = check(workbook, [names for names, _id in branches], choices)
    if result.file_error:
        raise Invalid(result.file_error.value, field="file")
    ids = {names.name: branch_id for names, branch_id in branches}
    rows = _rows(result, ids, known_vehicles(account_id))
    return Judged(
        mapping=[mapping_values(mapping, workbook) for mapping in result.mappings],
        rows=rows,
        counts=count(rows),
        sha256=_content_hash(content, result, rows),
    )


def known_vehicles(account_id: int) -> list[Known]:
    """Every vehicle of an account as a list can speak of it."""
    columns = [column for column in Vehicle.__table__.columns if column.name in _COLUMNS]
    covers = _client_covers(account_id)
    own = _own_policies(account_id)
    found = []
    for row in db.session.execute(
        select(Vehicle.id, Vehicle.version, Vehicle.state, *columns).where(Vehicle.account_id == account_id)
    ):
        values = {name: plain(getattr(row, name)) for name in _COLUMNS}
        for name, line in COVER_FIELDS.items():
            values[name] = covers.get((row.id, line))
        is_pending = row.state is VehicleState.PENDING
        found.append(Known(row.id, row.version, values, own.get(row.id, {}), is_pending))
    return found


_COLUMNS = (
    "plate",
    "vin",
    "engine_no",
    "model",
    "use_class",
    "seats",
    "load_kg",
    "registered_on",
    "branch_id",
)


def plain(value: Any) -> Any:
    """A column's value as JSON holds it; an empty text is unknown."""
    if value is None or value == "":
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return getattr(value, "value", value)


def _client_covers(account_id: int) -> dict[tuple[int, str], str]:
    statement = select(ExternalCover.vehicle_id, ExternalCover.line, ExternalCover.ends_at).where(
        ExternalCover.account_id == account_id
    )
    rows = db.session.execute(statement)
    return {(row.vehicle_id, row.line.value): last_covered_day(row.ends_at).isoformat() for row in rows}


def _own_policies(account_id: int) -> dict[int, dict[str, str]]:
    statement = (
        select(Policy.vehicle_id, Policy.line, func.max(Policy.ends_at).label("ends_at"))
        .where(Policy.account_id == account_id, Policy.ends_at > Policy.starts_at)
        .group_by(Policy.vehicle_id, Policy.line)
    )
    found: dict[int, dict[str, str]] = {}
    for row in db.session.execute(statement):
        found.setdefault(row.vehicle_id, {})[row.line.value] = last_covered_day(row.ends_at).isoformat()
    return found


def branches_of(account_id: int) -> list[tuple[BranchNames, int]]:
    """The branches of an account as lists may call them, with their ids."""
    aliases = accounts.aliases_of(account_id)
    statement = select(Branch.id, Branch.name).where(Branch.account_id == account_id)
    rows = db.session.execute(statement.order_by(Branch.id))
    return [(BranchNames(row.name, tuple(aliases.get(row.id, ()))), row.id) for row in rows]


def _rows(
    result: FleetListResult, branch_ids: Mapping[str, int], known: Sequence[Known]
) -> list[dict[str, Any]]:
    statements = [Statement(row.place, _values(row, branch_ids)) for row in result.accepted]
    rows = [_refused_row(row) for row in result.rejected] + [_skipped_row(row) for row in result.skipped]
    for parsed, statement, outcome in zip(result.accepted, statements, plan(statements, known), strict=True):
        row = _row(statement.place, **outcome_values(outcome))
        row["values"] = dict(statement.values)
        warnings = [*parsed.warnings, *_warnings(parsed)]
        if warnings:
            row["params"] = {**row["params"], "warnings": warnings, "use_class": parsed.use_class}
        rows.append(row)
    order = {mapping.sheet: index for index, mapping in enumerate(result.mappings)}
    return sorted(rows, key=lambda row: (order[row["sheet"]], row["row_no"]))


def outcome_values(outcome: Outcome) -> dict[str, Any]:
    """An outcome as the columns of `FleetImportRow`."""
    return {
        "verdict": outcome.verdict,
        "vehicle_id": outcome.vehicle_id,
        "before": outcome.before,
        "code": outcome.code,
        "field": outcome.field,
        "value": outcome.value,
        "params": outcome.params,
    }


def _row(place: Place, **values: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "code": "",
        "field": "",
        "value": "",
        "params": {},
        "values": {},
        "before": None,
        "vehicle_id": None,
    }
    return {"sheet": place.sheet, "row_no": place.row, **empty, **values}


def _refused_row(row: Rejection) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if row.suggestion:
        params["suggestion"] = row.suggestion
    if row.others:
        params["others"] = [[place.sheet, place.row] for place in row.others]
    return _row(
        row.place,
        verdict=RowVerdict.REJECTED,
        code=row.code.value,
        field=row.field.value if row.field else "",
        value=(row.value or "")[:200],
        params=params,
    )


def _skipped_row(row: Skipped) -> dict[str, Any]:
    params = {"others": [[row.same_as.sheet, row.same_as.row]]}
    return _row(row.place, verdict=RowVerdict.SKIPPED, code="same_as_earlier", params=params)


def _values(row: ParsedRow, branch_ids: Mapping[str, int]) -> dict[str, Any]:
    use_class = use_class_of(row.use_class)
    stated = {
        "plate": row.plate,
        "vin": row.vin,
        "engine_no": row.engine_no,
        "model": row.model,
        "use_class": use_class,
        "seats": row.seats,
        "load_kg": None if row.load_t is None else int((row.load_t * 1000).to_integral_value()),
        "registered_on": row.registered_on,
        "branch_id": branch_ids[row.branch],
        "ctpl_expires_on": row.ctpl_expires_on,
        "commercial_expires_on": row.commercial_expires_on,
    }
    return {name: plain(value) for name, value in stated.items() if plain(value) is not None}


def _warnings(row: ParsedRow) -> list[str]:
    return [USE_CLASS_UNKNOWN] if row.use_class and use_class_of(row.use_class) is None else []


def count(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Rows by verdict, and those with a warning that will be imported."""
    rows = list(rows)
    verdicts = Counter(row["verdict"] for row in rows)
    counts = {verdict.value: verdicts[verdict] for verdict in RowVerdict}
    counts["warnings"] = sum(
        bool(row["params"].get("warnings")) for row in rows if row["verdict"] is not RowVerdict.REJECTED
    )
    return counts


def _content_hash(content: bytes, result: FleetListResult, rows: Sequence[Mapping[str, Any]]) -> str:
    columns = [
        [mapping.sheet, {f.value: column for f, column in mapping.columns.items()}]
        for mapping in result.mappings
    ]
    said = [[row["sheet"], row["row_no"], row["values"]] for row in rows if row["values"]]
    hashed = hashlib.sha256(content)
    hashed.update(json.dumps([columns, said], ensure_ascii=False, sort_keys=True).encode())
    return hashed.hexdigest()


class ReadSheet(Protocol):
    """How a sheet of any kind of list was read."""

    @property
    def sheet(self) -> str | None: ...
    @property
    def header_row(self) -> int: ...
    @property
    def columns(self) -> Mapping[Any, int]: ...
    @property
    def headings(self) -> tuple[str, ...]: ...


def mapping_values(mapping: ReadSheet, workbook: Workbook) -> dict[str, Any]:
    """How a sheet was read, as `FleetImport.mapping` keeps it, with the first values of each column."""
    sheet = next(sheet for sheet in workbook.sheets if sheet.name == mapping.sheet)
    width = min(len(mapping.headings), _MOST_COLUMNS_SHOWN)
    return {
        "sheet": mapping.sheet,
        "header_row": mapping.header_row,
        "columns": {name.value: column for name, column in mapping.columns.items()},
        "headings": list(mapping.headings[:width]),
        "samples": [_samples(sheet, mapping.header_row, column) for column in range(width)],
    }


def _samples(sheet: Sheet, header_row: int, column: int) -> list[str]:
    below = (
        row[column]
        for row, number in zip(sheet.rows, sheet.numbers, strict=True)
        if number > header_row and column < len(row)
    )
    found = []
    for cell in below:
        if not is_blank(cell):
            found.append(text_of(cell)[:_LONGEST_SAMPLE])
        if len(found) == _SAMPLES:
            break
    return found


def choices_of(mapping: Sequence[Mapping[str, Any]]) -> dict[str | None, ColumnChoice]:
    """The columns of a stored mapping as choices, so that a re-check reads them the same way."""
    return {
        sheet["sheet"]: ColumnChoice({name: sheet["columns"].get(name.value) for name in Field})
        for sheet in mapping
    }


def statements_of(rows: Iterable[FleetImportRow]) -> list[Statement]:
    """What stored rows say, for planning again."""
    return [Statement(Place(row.sheet, row.row_no), row.values) for row in rows]
