"""Lists of vehicles to issue for: a file is read, its vehicles are found, and both it and what was found are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select

from service_desk.adapters.file_store import FileStore
from service_desk.adapters.spreadsheets import read_workbook
from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import IssueList
from service_desk.models.users import User
from service_desk.rules.issue_list import ListField, ListProblem, ListRow, read_issue_list
from service_desk.rules.permissions import Action
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, audit, documents, submissions
from service_desk.services.documents import Upload
from service_desk.services.notices import Matter
from service_desk.services.policies import rates
from service_desk.services.policies.planning import LineChoice, RefusedLine, VehicleTerms

MAX_LIST_BYTES = 20 * 1024 * 1024
# Both databases bound the number of parameters of a statement.
_NAMES_A_QUERY = 5000


def upload_list(
    upload: Upload,
    account_id: int,
    *,
    names: Mapping[str, str],
    files: FileStore,
    actor: User,
    now: datetime,
    key: str = "",
) -> IssueList:
    """Read a list and keep it with what was found; the same key twice is one list.

    `names` gives the code of each cover set by what people call it. Invalid when nothing of the file can be read.
    """
    access.require(actor, Action.ISSUE_POLICIES)
    access.get_account(actor, account_id)
    if len(upload.content) > MAX_LIST_BYTES:
        raise Invalid(
            "file_too_large", field="file", filename=upload.filename, megabytes=MAX_LIST_BYTES // 2**20
        )

    def make() -> str:
        return str(
            _keep(upload, account_id, _read(upload, account_id, names, actor, now), files, actor, now).id
        )

    return get_list(int(submissions.once("issue_list", key, make, actor=actor, now=now)), actor=actor)


def get_list(list_id: int, *, actor: User) -> IssueList:
    """A list of an account the actor issues for."""
    return access.get_visible(actor, Action.ISSUE_POLICIES, IssueList, IssueList.id == list_id)


@dataclass(frozen=True)
class _Found:
    rows: list[dict[str, Any]]
    problems: list[ListProblem]


def _read(upload: Upload, account_id: int, names: Mapping[str, str], actor: User, now: datetime) -> _Found:
    book = read_workbook(upload.content)
    if book.file_error is not None:
        raise Invalid(book.file_error.value, field="file")
    sold = _lines_by_cover_set(account_id, local_date(now))
    read = read_issue_list(book, {**{code: code for code in sold}, **names})
    if not read.has_header:
        raise Invalid("issue_list_header_missing", field="file")
    if not read.rows and not read.problems:
        raise Invalid("file_empty", field="file")
    matching = _Matching(_vehicles_named(read.rows, account_id, actor), sold)
    for row in read.rows:
        matching.add(row)
    problems = sorted([*read.problems, *matching.problems], key=lambda one: one.row_no)
    return _Found([_as_json(vehicle_id, row, sold) for vehicle_id, row in matching.rows.items()], problems)


def _lines_by_cover_set(account_id: int, today: date) -> dict[str, PolicyLine]:
    tables = rates.in_force(account_id, today)
    return {code: line for line, table in tables.items() for code in table.cover_sets}


def _vehicles_named(rows: Iterable[ListRow], account_id: int, actor: User) -> dict[str, int]:
    """The account's vehicles by plate and by VIN, as far as the rows name them."""
    names = sorted({name for row in rows for name in (row.plate, row.vin) if name})
    found: dict[str, int] = {}
    for start in range(0, len(names), _NAMES_A_QUERY):
        some = names[start : start + _NAMES_A_QUERY]
        statement = select(Vehicle.id, Vehicle.plate, Vehicle.vin).where(
            Vehicle.account_id == account_id, or_(Vehicle.plate.in_(some), Vehicle.vin.in_(some))
        )
        visible = access.visible(actor, Action.ISSUE_POLICIES, statement, Vehicle)
        for vehicle_id, plate, vin in db.session.execute(visible).tuples():
            found.update({name: vehicle_id for name in (plate, vin) if name})
    return found


class _Matching:
    """Rows by the vehicle they name. Two rows may name one vehicle when each has lines of its own."""

    def __init__(self, known: Mapping[str, int], sold: Mapping[str, PolicyLine]) -> None:
        self._known = known
        self._sold = sold
        self.rows: dict[int, ListRow] = {}
        self.problems: list[ListProblem] = []

    def add(self, row: ListRow) -> None:
        by_plate, by_vin = self._known.get(row.plate), self._known.get(row.vin)
        vehicle_id = by_vin or by_plate
        if vehicle_id is None:
            self._refuse(row, ListField.PLATE if row.plate else ListField.VIN, "row_vehicle_unknown")
        elif (row.plate and by_plate != vehicle_id) or (row.vin and by_vin != vehicle_id):
            self._refuse(row, ListField.VIN, "row_names_disagree", plate=row.plate, vin=row.vin)
        elif row.lines and any(self._sold[code] not in row.lines for code in row.cover_sets):
            self._refuse(row, ListField.COVER_SET, "row_cover_of_other_line")
        else:
            self._take(vehicle_id, row)

    def _take(self, vehicle_id: int, row: ListRow) -> None:
        first = self.rows.get(vehicle_id)
        joined = row if first is None else _joined(first, row)
        if joined is None:
            self._refuse(row, ListField.PLATE, "row_vehicle_twice", first=first.row_no if first else 0)
        else:
            self.rows[vehicle_id] = joined

    def _refuse(self, row: ListRow, list_field: ListField, code: str, **params: Any) -> None:
        self.problems.append(ListProblem(row.row_no, row.name, list_field.value, code, params))


def _joined(first: ListRow, second: ListRow) -> ListRow | None:
    """One row of two that hold different lines of a vehicle; None when they say different things."""
    has_other_lines = first.lines and second.lines and not set(first.lines) & set(second.lines)
    if not has_other_lines or first.start_on != second.start_on:
        return None
    return replace(
        first,
        lines=first.lines + second.lines,
        cover_sets=first.cover_sets + second.cover_sets,
        ctpl_float=first.ctpl_float or second.ctpl_float,
        tax_fen=second.tax_fen if first.tax_fen is None else first.tax_fen,
    )


def _as_json(vehicle_id: int, row: ListRow, sold: Mapping[str, PolicyLine]) -> dict[str, Any]:
    return {
        "vehicle_id": vehicle_id,
        "lines": [line.value for line in row.lines],
        "cover_sets": {sold[code].value: code for code in row.cover_sets},
        "start_on": row.start_on.isoformat() if row.start_on else None,
        "ctpl_float": row.ctpl_float.value if row.ctpl_float else None,
        "tax_fen": row.tax_fen,
    }


def _keep(
    upload: Upload, account_id: int, found: _Found, files: FileStore, actor: User, now: datetime
) -> IssueList:
    matter = Matter("issue_list", 0, upload.filename, account_id)
    document = documents.store_file(files, upload, DocumentKind.FLEET_LIST, matter, actor=actor, now=now)
    kept = IssueList(
        account_id=account_id,
        document_id=document.id,
        filename=document.filename,
        rows=found.rows,
        problems=[asdict(problem) for problem in found.problems],
        created_by_id=actor.id,
        created_at=now,
    )
    db.session.add(kept)
    db.session.flush()
    document.matter_id = kept.id
    changes = {"rows": (None, len(found.rows)), "problems": (None, len(found.problems))}
    audit.record("issue_list_read", kept, actor=actor, now=now, label=kept.filename, changes=changes)
    return kept


def terms_of(kept: IssueList, usual: Mapping[PolicyLine, str]) -> dict[int, VehicleTerms]:
    """What a list says of each of its vehicles. `usual` is the cover set of each line where the list has none."""
    return {row["vehicle_id"]: _terms(row, usual) for row in kept.rows}


def _terms(row: Mapping[str, Any], usual: Mapping[PolicyLine, str]) -> VehicleTerms:
    cover_sets = {PolicyLine(line): code for line, code in row["cover_sets"].items()}
    lines = [PolicyLine(line) for line in row["lines"]]
    return VehicleTerms(
        CtplFloat(row["ctpl_float"] or CtplFloat.A4),
        row["tax_fen"] or 0,
        date.fromisoformat(row["start_on"]) if row["start_on"] else None,
        tuple(LineChoice(line, cover_sets.get(line) or usual.get(line, "")) for line in lines),
        cover_sets,
    )


def refused_of(kept: IssueList) -> tuple[RefusedLine, ...]:
    """The rows of a list that cannot be used, as refusals of its order."""
    return tuple(
        RefusedLine(
            None, one["name"], None, None, one["code"], one["params"], one["row_no"], one["list_field"]
        )
        for one in kept.problems
    )
