"""Comparing a list with what we have: every row judged, claims of ours that it lacks added. Writes nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.base.errors import Invalid
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.outstanding import OutstandingRow
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.fleet_list import FileError
from service_desk.rules.fleet_list.rows import BranchFinder
from service_desk.rules.outstanding_list import Choices, Problem, Said, read_list
from service_desk.rules.outstanding_match import (
    Difference,
    How,
    KnownClaim,
    Match,
    RowKind,
    change_of,
    differences,
    kind_of,
    row_key,
)
from service_desk.services.claims.outstanding.knowing import Knowledge, match_rows
from service_desk.services.claims.outstanding.standing import standings
from service_desk.services.fleet.judging import branches_of, mapping_values

Decided = Mapping[tuple[str | None, int], int]
"""By sheet and row the claim a person named, 0 for none of ours."""


@dataclass(frozen=True)
class Compared:
    """A list as compared: how its columns were read, each row's values for `OutstandingRow`, and the counts."""

    mapping: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    counts: dict[str, int]


def compare(
    content: bytes,
    account_id: int,
    *,
    choices: Choices | None = None,
    decided: Decided | None = None,
    previous_id: int | None = None,
) -> Compared:
    """Compare a file with the account's claims; Invalid with the file's verdict when nothing of it can be read."""
    workbook = read_workbook(content)
    read = read_list(workbook, choices)
    if read.file_error is FileError.HEADER_NOT_FOUND:
        raise Invalid("outstanding_header_not_found", field="file")
    if read.file_error:
        raise Invalid(read.file_error.value, field="file")
    if not read.rows:
        raise Invalid("outstanding_no_rows", field="file")
    said_by_person = decided or {}
    wanted = {claim_id for claim_id in said_by_person.values() if claim_id}
    matches, known = match_rows(account_id, read.rows, wanted)
    judge = _Judge(account_id, known, said_by_person)
    rows = [judge.row(said, match) for said, match in zip(read.rows, matches, strict=True)]
    rows += _only_ours(account_id, {row["claim_id"] for row in rows} | judge.asked)
    _tell_standing(rows)
    _tell_changes(rows, previous_id)
    counts = Counter(row["kind"].value for row in rows)
    counts.update(f"change_{row['change'].value}" for row in rows if row["change"])
    return Compared([mapping_values(one, workbook) for one in read.mappings], rows, dict(counts))


class _Judge:
    """Turns what a row says and what was found for it into the row that is kept."""

    def __init__(self, account_id: int, known: Knowledge, decided: Decided) -> None:
        branches = branches_of(account_id)
        self._finder = BranchFinder([names for names, _id in branches])
        self._branch_ids = {names.name: branch_id for names, branch_id in branches}
        self._known, self._decided = known, decided
        self._first: dict[int, str] = {}
        self.asked: set[int] = set()

    def row(self, said: Said, match: Match) -> dict[str, Any]:
        candidates = match.candidates
        person = self._decided.get((said.sheet, said.row))
        if person is not None and candidates:
            claim = self._known.index.by_id.get(person)
            match = Match(claim, How.DECIDED, candidates)
        if match.claim is not None:
            return self._found(said, match, match.claim)
        kind = RowKind.UNREADABLE if not said.has_key else RowKind.NOT_OURS
        if candidates and match.how is None:
            kind = RowKind.UNSURE
            self.asked |= {one.id for one in candidates}
        return self._values(said, match, kind, row_key(said))

    def _found(self, said: Said, match: Match, claim: KnownClaim) -> dict[str, Any]:
        branch = self._finder.find(said.branch)
        differs = differences(said, claim, self._branch_ids[branch] if branch else None)
        values = self._values(said, match, kind_of(claim, differs), f"c:{claim.id}")
        values["claim_id"] = claim.id
        values["differs"] = [_difference(one) for one in differs]
        place = f"{said.sheet or ''}!{said.row}" if said.sheet else str(said.row)
        first = self._first.setdefault(claim.id, place)
        values["same_as"] = "" if first == place else first
        return values

    def _values(self, said: Said, match: Match, kind: RowKind, key: str) -> dict[str, Any]:
        return {
            "sheet": said.sheet,
            "row_no": said.row,
            "kind": kind,
            "how": match.how,
            "change": None,
            "claim_id": None,
            "vehicle_id": self._known.vehicles.get(said.plate),
            "enquiry_id": None,
            "key": key,
            "said": _said(said),
            "differs": [],
            "candidates": [one.id for one in match.candidates],
            "standing": {},
            "problems": [_problem(one) for one in said.problems],
            "same_as": "",
        }


def _said(said: Said) -> dict[str, Any]:
    return {
        "claim_no": said.claim_no,
        "report_no": said.report_no,
        "plate": said.plate,
        "loss_on": said.loss_on.isoformat() if said.loss_on else None,
        "estimate_fen": said.estimate_fen,
        "outstanding_fen": said.outstanding_fen,
        "state": said.state,
        "branch": said.branch,
    }


def _difference(one: Difference) -> dict[str, str]:
    return {"what": one.what, "theirs": one.theirs, "ours": one.ours}


def _problem(one: Problem) -> dict[str, str]:
    return {"field": one.field.value, "cell": one.cell, "code": one.code, "value": one.value}


def _only_ours(account_id: int, listed: set[int | None]) -> list[dict[str, Any]]:
    """The open claims that no row is about, nor asked about, the oldest first."""
    statement = select(Claim.id).where(Claim.account_id == account_id, Claim.state.in_(OPEN_STATES))
    found = db.session.scalars(statement.order_by(Claim.reported_at, Claim.id))
    return [
        {
            "sheet": None,
            "row_no": None,
            "kind": RowKind.ONLY_OURS,
            "how": None,
            "change": None,
            "claim_id": claim_id,
            "vehicle_id": None,
            "enquiry_id": None,
            "key": f"c:{claim_id}",
            "said": {},
            "differs": [],
            "candidates": [],
            "standing": {},
            "problems": [],
            "same_as": "",
        }
        for claim_id in found
        if claim_id not in listed
    ]


def _tell_standing(rows: Sequence[dict[str, Any]]) -> None:
    found = standings({row["claim_id"] for row in rows if row["claim_id"]})
    for row in rows:
        row["standing"] = found.get(row["claim_id"], {})


def _tell_changes(rows: Sequence[dict[str, Any]], previous_id: int | None) -> None:
    """What is different from the list before; nothing without one, and not for what only we have."""
    if previous_id is None:
        return
    statement = select(OutstandingRow.key, OutstandingRow.standing, OutstandingRow.kind).where(
        OutstandingRow.list_id == previous_id, OutstandingRow.row_no.is_not(None)
    )
    before = {
        key: str(standing.get("state") or kind.value)
        for key, standing, kind in db.session.execute(statement).tuples()
    }
    for row in rows:
        if row["row_no"] is not None:
            state = str(row["standing"].get("state") or row["kind"].value)
            row["change"] = change_of(row["key"], state, before)
