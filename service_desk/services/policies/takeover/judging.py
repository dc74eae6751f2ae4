"""Reading a list of policies and comparing it with what is on record. Writes nothing."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.base.errors import Invalid
from service_desk.base.text import fold
from service_desk.models.db import db
from service_desk.models.fleet import FleetImportRow, RowVerdict
from service_desk.models.policies import Coverage, CoverSource, ExternalCover, Policy
from service_desk.rules.fleet_list import BranchNames, Place
from service_desk.rules.policy_list import (
    Field,
    FileTotal,
    PolicyListResult,
    Refusal,
    Statement,
    Sum,
    check,
    reconcile,
)
from service_desk.services import settings
from service_desk.services.fleet.judging import branches_of, count, known_vehicles, mapping_values
from service_desk.services.fleet.lists import Judged
from service_desk.services.policies.takeover.facts import LAYERS, Answers, Held, KnownPolicy, Outcome, Record
from service_desk.services.policies.takeover.planning import plan

Choices = Mapping[str | None, Mapping[Field, int | None]]

_US = frozenset({"本公司", "我司", "我公司", "本司"})
# Words that stand in every insurer's name tell none apart.
_TELLS_NOTHING = frozenset({"", "保险", "财险", "公司", "保险公司", "财产保险", "有限公司", "股份有限公司"})
_IDS_A_QUERY = 5_000
_HOLDS = frozenset({RowVerdict.NEW, RowVerdict.CHANGED, RowVerdict.UNCHANGED})


def judge(
    content: bytes, account_id: int, choices: Choices | None = None, answers: Answers | None = None
) -> Judged:
    """Judge a list for an account; Invalid with the file's verdict when nothing of it can be read."""
    workbook = read_workbook(content)
    branches = branches_of(account_id)
    result = check(workbook, [names for names, _id in branches], choices)
    if result.file_error:
        raise Invalid(result.file_error.value, field="file")
    said = answers or Answers()
    outcomes = plan(result.statements, record_of(account_id, result.statements, branches), said)
    rows = _rows(result, outcomes)
    return Judged(
        mapping=[mapping_values(mapping, workbook) for mapping in result.mappings],
        rows=rows,
        counts=count(rows),
        sha256=_content_hash(content, result, rows),
        totals=[_total(one) for one in _reconciled(result, outcomes)],
    )


def record_of(
    account_id: int, statements: Sequence[Statement], branches: Sequence[tuple[BranchNames, int]]
) -> Record:
    """What is on record of the vehicles, numbers and covers that the statements speak of."""
    return Record(
        vehicles=known_vehicles(account_id),
        numbers=_known_numbers(account_id, {one.number for one in statements}),
        covers=_covers(account_id),
        branch_ids={names.name: branch_id for names, branch_id in branches},
        is_ours=_Ours(),
    )


class _Ours:
    """Tells our own name from another insurer's. Lists shorten it, so a part of it is enough."""

    def __init__(self) -> None:
        names: Mapping[str, str] = settings.read(settings.INSURER_NAME, {})
        self._names = [_key(name) for name in names.values()]

    def __call__(self, text: str | None) -> bool:
        key = _key(text or "")
        if not key or key in _US:
            return True
        if key in _TELLS_NOTHING:
            return False
        return any(_is_short_for(key, name) or name in key for name in self._names)


def _key(text: str) -> str:
    return "".join(fold(text).split()).upper()


def _is_short_for(short: str, name: str) -> bool:
    """Whether the characters of a short name stand in the full one in their order: 中州联合财险."""
    rest = iter(name)
    return len(short) >= 2 and name.startswith(short[:2]) and all(sign in rest for sign in short)


def _known_numbers(account_id: int, numbers: set[str]) -> dict[str, KnownPolicy]:
    found = {}
    ordered = sorted(numbers)
    for start in range(0, len(ordered), _IDS_A_QUERY):
        some = ordered[start : start + _IDS_A_QUERY]
        for policy in db.session.scalars(select(Policy).where(Policy.number.in_(some))):
            found[policy.number] = KnownPolicy(
                policy.vehicle_id if policy.account_id == account_id else None,
                policy.line,
                policy.starts_at,
                policy.agreed_ends_at,
                policy.premium_fen,
            )
    return found


def _covers(account_id: int) -> dict[int, list[Held]]:
    codes: dict[int, set[Any]] = {}
    covers = select(Coverage.policy_id, Coverage.code).join(Policy, Policy.id == Coverage.policy_id)
    for policy_id, code in db.session.execute(covers.where(Policy.account_id == account_id)):
        codes.setdefault(policy_id, set()).add(code)
    found: dict[int, list[Held]] = {}
    columns = select(
        Policy.id, Policy.vehicle_id, Policy.line, Policy.starts_at, Policy.ends_at, Policy.number
    )
    for row in db.session.execute(
        columns.where(Policy.account_id == account_id, Policy.ends_at > Policy.starts_at)
    ):
        layers = frozenset(codes.get(row.id, LAYERS[row.line]))
        held = Held(row.line, layers, row.starts_at, row.ends_at, row.number)
        found.setdefault(row.vehicle_id, []).append(held)
    outside = select(ExternalCover).where(ExternalCover.account_id == account_id)
    for cover in db.session.scalars(outside):
        found.setdefault(cover.vehicle_id, []).append(
            Held(
                cover.line,
                LAYERS[cover.line],
                cover.starts_at,
                cover.ends_at,
                cover.number or cover.insurer,
                is_noted=cover.source is CoverSource.CLIENT_LIST,
                is_external=True,
                premium_fen=cover.premium_fen,
            )
        )
    return found


def _rows(result: PolicyListResult, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    rows = [_refused(one) for one in result.refusals]
    rows += [_row(statement, outcome) for statement, outcome in zip(result.statements, outcomes, strict=True)]
    order = {mapping.sheet: index for index, mapping in enumerate(result.mappings)}
    return sorted(rows, key=lambda row: (order[row["sheet"]], row["row_no"]))


def _row(statement: Statement, outcome: Outcome) -> dict[str, Any]:
    params = {name: value for name, value in outcome.params.items() if name != "parts"}
    # What a refused row says is shown too, so that it can be found and put right.
    values = outcome.values or {
        "line": statement.line.value,
        "number": statement.number,
        "plate": statement.plate,
        "vin": statement.vin,
    }
    return {
        "sheet": statement.sheet,
        "row_no": statement.row,
        "verdict": outcome.verdict,
        "code": outcome.code,
        "field": outcome.field,
        "value": outcome.value,
        "params": params,
        "values": values,
        "before": outcome.before,
        "vehicle_id": outcome.vehicle_id,
    }


def _refused(one: Refusal) -> dict[str, Any]:
    return {
        "sheet": one.sheet,
        "row_no": one.row,
        "verdict": RowVerdict.REJECTED,
        "code": one.code,
        "field": one.field,
        "value": one.value,
        "params": one.params,
        "values": {"line": one.line.value} if one.line else {},
        "before": None,
        "vehicle_id": None,
    }


def _reconciled(result: PolicyListResult, outcomes: Sequence[Outcome]) -> list[FileTotal]:
    accepted = (
        Sum(
            row.sheet,
            row.row,
            row.premium_field,
            row.premium or Decimal(0),
            row.tax or Decimal(0),
            row.vin or row.plate or "",
        )
        for row, outcome in zip(result.statements, outcomes, strict=True)
        if outcome.is_accepted
    )
    return reconcile(result.totals, accepted)


def _total(one: FileTotal) -> dict[str, Any]:
    return {
        "sheet": one.sheet,
        "row_no": one.row,
        "label": one.label[:100],
        "field": one.field,
        "stated": str(one.stated),
        "found": str(one.found),
        "differs": one.differs,
    }


def _content_hash(content: bytes, result: PolicyListResult, rows: Iterable[Mapping[str, Any]]) -> str:
    columns = [
        [mapping.sheet, {name.value: column for name, column in mapping.columns.items()}]
        for mapping in result.mappings
    ]
    # Taken over once, the same list says what is known: that is the same. A row that was refused and now is not,
    # because its vehicle was added meanwhile, makes it another.
    said = [
        [row["sheet"], row["row_no"], row["values"].get("number"), row["verdict"] in _HOLDS] for row in rows
    ]
    hashed = hashlib.sha256(content)
    hashed.update(json.dumps([columns, said], ensure_ascii=False, sort_keys=True).encode())
    return hashed.hexdigest()


def answers_of(stored: Mapping[str, Any]) -> Answers:
    """The answers kept with a list."""
    return Answers(
        vehicles={Place(sheet, row): vehicle_id for sheet, row, vehicle_id in stored.get("vehicles", [])},
        add=frozenset(stored.get("add", [])),
        ours=frozenset(stored.get("ours", [])),
    )


def choices_of(mapping: Sequence[Mapping[str, Any]]) -> dict[str | None, dict[Field, int | None]]:
    """The columns of a stored mapping as choices, so that a re-check reads them the same way."""
    return {sheet["sheet"]: {name: sheet["columns"].get(name.value) for name in Field} for sheet in mapping}


def moment(text: str) -> datetime:
    """An instant of a row's values."""
    return datetime.fromisoformat(text)


def writes(row: FleetImportRow) -> bool:
    """Whether a row changes something when its list is imported."""
    return row.verdict in {RowVerdict.NEW, RowVerdict.CHANGED}
