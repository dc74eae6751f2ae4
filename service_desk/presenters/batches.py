"""Large orders and batches in words: what was refused and why, how far a run is, and the sums by branch."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.accounts import Branch
from service_desk.models.policies import IssueRun
from service_desk.presenters.labels import LABELS, label
from service_desk.presenters.languages import LANGUAGE_NAMES, branch_name, in_language
from service_desk.presenters.policies import cover_set, reason
from service_desk.services.policies import IssuePlan, RefusedLine

# Reasons that lie with the vehicle are said once, not for each line.
_OF_THE_VEHICLE = frozenset(
    {"vehicle_retired", "vehicle_suspended", "vin_missing", "no_use_class", "seats_missing", "load_missing"}
)
MOST_REFUSED_SHOWN = 50


@dataclass(frozen=True)
class RefusedRow:
    """A vehicle that cannot be issued, fully or in part, and each reason once; or a row of a list.

    `vehicle_id` None: the row names no vehicle. `place` says where it stands in the list, empty for a vehicle.
    """

    vehicle_id: int | None
    plate: str
    branch: str
    place: str = ""
    reasons: list[str] = field(default_factory=list)


def refused_rows(
    refused: Iterable[RefusedLine], branches: Mapping[int, Branch], *, most: int | None = None
) -> list[RefusedRow]:
    """Refusals by vehicle or row of a list, each reason once; of many only the first `most` rows."""
    rows: dict[_Key, RefusedRow] = {}
    for one in refused:
        key = _key(one)
        if key not in rows:
            if len(rows) == most:
                continue
            branch = _branch(branches.get(one.branch_id or 0))
            rows[key] = RefusedRow(one.vehicle_id, one.plate or "—", branch, _place(one))
        words = _reason(one)
        if words not in rows[key].reasons:
            rows[key].reasons.append(words)
    return list(rows.values())


def refused_count(refused: Iterable[RefusedLine]) -> int:
    """How many rows they would be."""
    return len({_key(one) for one in refused})


_Key = tuple[int | None, int | None, str]


def _key(one: RefusedLine) -> _Key:
    return (one.vehicle_id, one.row_no, one.plate if one.vehicle_id is None else "")


def _branch(branch: Branch | None) -> str:
    return branch_name(branch) if branch else "—"


def _place(one: RefusedLine) -> str:
    if one.row_no is None:
        return ""
    if one.params.get("sheet"):
        return _("%(sheet)s, row %(row)s", sheet=one.params["sheet"], row=one.row_no)
    return _("Row %(row)s", row=one.row_no)


def _reason(one: RefusedLine) -> str:
    words = reason(one.code, one.params)
    if one.row_field:
        return _("%(line)s: %(reason)s", line=label(one.row_field, "issue_list_field"), reason=words)
    if one.line is None or one.code in _OF_THE_VEHICLE:
        return words
    return _("%(line)s: %(reason)s", line=label(one.line, "policy_line"), reason=words)


def reason_counts(codes: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Each reason in a few words, with how often it was met, the most first."""
    counts: Counter[str] = Counter()
    for code, number in codes:
        counts[_short(code)] += number
    return counts.most_common()


def plan_reasons(plan: IssuePlan) -> list[tuple[str, int]]:
    """The same for what an order cannot issue, each vehicle once."""
    return reason_counts((code, 1) for code, _vehicle in {(one.code, _key(one)) for one in plan.refused})


def _short(code: str) -> str:
    words = LABELS["refusal"]
    return str(words[code] if code in words else words["other"])


def branch_sums(plan: IssuePlan, branches: Mapping[int, Branch]) -> list[tuple[str, int, int]]:
    """Each branch of an order with its number of policies and what is to be paid in fen, the most first."""
    rows = [(branch_name(branches[one]), *sums) for one, sums in plan.by_branch.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def refused_sheet(
    refused: Iterable[tuple[RefusedLine, Branch | None]], title: str, today: date
) -> TableSheet:
    """Everything that was not issued as a sheet, a line for each line and reason."""
    columns = [
        Column(_("Row of the list"), "int"),
        Column(_("Plate or VIN"), width=20),
        Column(_("Branch"), width=24),
        Column(_("Line"), width=18),
        Column(_("Field"), width=16),
        Column(_("Why not"), width=70),
    ]
    body = (_cells(one, branch) for one, branch in refused)
    notes = [_("As of %(day)s", day=today.isoformat())]
    return TableSheet(_("Not issued"), title, columns, body, notes)


def _cells(one: RefusedLine, branch: Branch | None) -> list[Any]:
    return [
        one.row_no,
        one.plate,
        _branch(branch),
        label(one.line, "policy_line"),
        label(one.row_field, "issue_list_field"),
        reason(one.code, one.params),
    ]


def progress_words(run: IssueRun) -> str:
    """`600 of 3,120 vehicles`."""
    return _("%(done)s of %(count)s vehicles", done=f"{run.done_count:,}", count=f"{run.vehicle_count:,}")


def cover_set_names(codes: Iterable[str]) -> dict[str, str]:
    """The code of each cover set by what it is called in any language: what a list may say."""
    names = {}
    for language in LANGUAGE_NAMES:
        with in_language(language):
            names.update({cover_set(code): code for code in codes})
    return names
