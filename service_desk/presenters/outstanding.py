"""Lists of outstanding claims in words: rows on the page, and the columns, legend and sheets of the answer file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet, annotate
from service_desk.adapters.spreadsheets.annotating import Remark
from service_desk.base.clock import local_date
from service_desk.base.money import format_yuan, from_fen
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.enquiries import Enquiry
from service_desk.models.outstanding import OutstandingList, OutstandingRow
from service_desk.presenters.claims import plate
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, in_language
from service_desk.presenters.messages import sentence_for
from service_desk.rules.outstanding_match import How, RowKind

Rows = Sequence[tuple[OutstandingRow, Enquiry | None]]

KINDS = (
    RowKind.UNSURE,
    RowKind.DIFFERS,
    RowKind.ENDED,
    RowKind.NOT_OURS,
    RowKind.UNREADABLE,
    RowKind.SAME,
    RowKind.ONLY_OURS,
)
"""The kinds in the order in which they want to be looked at."""

_TONES = {
    RowKind.SAME: "ok",
    RowKind.DIFFERS: "warn",
    RowKind.ENDED: "idle",
    RowKind.NOT_OURS: "bad",
    RowKind.UNSURE: "warn",
    RowKind.UNREADABLE: "bad",
    RowKind.ONLY_OURS: "idle",
}
_WIDTHS = (12, 40, 18, 12, 12, 10, 14, 12, 16, 10, 14, 14, 14, 12, 18)


@dataclass(frozen=True)
class Candidate:
    """A claim that a row may mean, as an answer to choose."""

    id: int
    words: str


@dataclass(frozen=True)
class ShownRow:
    """A row as the page shows it. `name` is that of its field among the answers."""

    name: str
    place: str
    said: str
    kind: str
    tone: str
    how: str
    change: str
    number: str
    step: str
    owner: str
    phone: str
    next_due: str
    amounts: str
    missing: int
    remarks: list[str]
    enquiry: str
    candidates: list[Candidate]
    is_decided: bool
    is_disputed: bool


class RowWords:
    """Says rows of one list: knows the account's branches and the list's sheets."""

    def __init__(self, listed: OutstandingList, branches: Mapping[int, Branch]) -> None:
        self._sheets = {sheet["sheet"]: index for index, sheet in enumerate(listed.mapping)}
        self._branches = branches

    def shown(
        self, row: OutstandingRow, enquiry: Enquiry | None, claims: Mapping[int, Claim] | None = None
    ) -> ShownRow:
        """A row with what we say to it."""
        ours, known = row.standing, claims or {}
        return ShownRow(
            name=f"answer-{self._sheets.get(row.sheet, 0)}-{row.row_no}",
            place=place(row),
            said=_said(row),
            kind=label(row.kind, "outstanding_kind"),
            tone=_TONES[row.kind],
            how=label(row.how, "outstanding_how") if row.how else "",
            change=label(row.change, "outstanding_change") if row.change else "",
            number=ours.get("number", ""),
            step=label(ours["state"], "claim_state") if ours else "",
            owner=f"{ours['owner']} · {ours['staff_no']}" if ours else "",
            phone=ours.get("phone", ""),
            next_due=_next_due(ours),
            amounts=_amounts(ours),
            missing=ours.get("missing", 0),
            remarks=self.remarks(row),
            enquiry=enquiry.number if enquiry else "",
            candidates=[Candidate(one, claim_words(known[one])) for one in row.candidates if one in known],
            is_decided=row.how is How.DECIDED or (row.kind is not RowKind.UNSURE and bool(row.candidates)),
            is_disputed=bool(ours.get("is_disputed")),
        )

    def remarks(self, row: OutstandingRow) -> list[str]:
        """What differs, what could not be read, and what else is to be said, a sentence each."""
        found = [self._difference(one) for one in row.differs]
        found += [_problem(one, row.sheet) for one in row.problems]
        if row.same_as:
            found.append(_("The same claim as in row %(place)s.", place=row.same_as))
        if row.how in {How.NUMBER_TYPED, How.PLATE_TYPED}:
            found.append(_("Found although it is not typed quite so: please check."))
        if row.kind is RowKind.NOT_OURS and row.vehicle_id:
            found.append(_("The vehicle is ours, but no such accident was reported."))
        if row.kind is RowKind.UNREADABLE:
            found.append(_("The row names no claim and no plate."))
        return found

    def _difference(self, one: Mapping[str, str]) -> str:
        what, theirs, ours = one["what"], one["theirs"], one["ours"]
        if what in {"estimate", "outstanding"}:
            theirs, ours = (format_yuan(int(text), sign=True) for text in (theirs, ours))
        elif what == "branch":
            branch = self._branches.get(int(ours))
            ours = branch_name(branch) if branch else "—"
        elif what == "state":
            ours = label(ours, "outstanding_phase")
        return _(
            "%(what)s: %(theirs)s in the list, %(ours)s with us.",
            what=label(what, "outstanding_field"),
            theirs=theirs,
            ours=ours,
        )


def _problem(one: Mapping[str, str], sheet: str | None) -> str:
    cell = f"{sheet}!{one['cell']}" if sheet else one["cell"]
    words = sentence_for(one["code"], {"value": one["value"]})
    return _("%(cell)s: %(problem)s", cell=cell, problem=words)


def place(row: OutstandingRow) -> str:
    """Where a row stands in its file."""
    if row.row_no is None:
        return "—"
    return f"{row.sheet}!{row.row_no}" if row.sheet else str(row.row_no)


def _said(row: OutstandingRow) -> str:
    said = row.said
    if not said:
        ours = row.standing
        return " · ".join(part for part in (plate(ours.get("plate", "")), ours.get("loss_on")) if part)
    amount = said["estimate_fen"] if said["estimate_fen"] is not None else said["outstanding_fen"]
    parts = (
        said["claim_no"] or said["report_no"],
        plate(said["plate"]) if said["plate"] else "",
        said["loss_on"],
        format_yuan(amount, sign=True) if amount is not None else "",
        said["state"],
    )
    return " · ".join(part for part in parts if part)


def _next_due(ours: Mapping[str, Any]) -> str:
    if not ours or not ours["next_at"]:
        return ""
    return f"{_next_day(ours)} {label(ours['next_step'], 'clock_step')}"


def _next_day(ours: Mapping[str, Any]) -> date:
    """The day the next step is due: 24:00 belongs to the day that ends."""
    return local_date(datetime.fromisoformat(ours["next_at"]) - timedelta(seconds=1))


def _amounts(ours: Mapping[str, Any]) -> str:
    if not ours:
        return ""
    parts = [_("Estimate %(amount)s", amount=format_yuan(ours["estimate_fen"], sign=True))]
    if ours["paid_fen"]:
        parts.append(_("paid %(amount)s", amount=format_yuan(ours["paid_fen"], sign=True)))
    return " · ".join(parts)


def claim_words(claim: Claim) -> str:
    """A claim as a choice: number, plate, day, step."""
    day = local_date(claim.loss_at).isoformat()
    return f"{claim.number} · {plate(claim.plate)} · {day} · {label(claim.state, 'claim_state')}"


def answer_file(
    listed: OutstandingList,
    rows: Rows,
    content: bytes,
    branches: Iterable[Branch],
    now: datetime,
    language: str,
) -> tuple[bytes, str]:
    """The list as it came with our columns behind its own, a legend, and what we have and it lacks."""
    with in_language(language):
        words = RowWords(listed, {branch.id: branch for branch in branches})
        remarks: dict[str | None, dict[int, Sequence[Remark]]] = {}
        for sheet in listed.mapping:
            remarks[sheet["sheet"]] = {sheet["header_row"]: _heads()}
        for row, enquiry in rows:
            if row.row_no is not None:
                remarks[row.sheet][row.row_no] = _cells(words, row, enquiry)
        more = [_legend(listed, now), _only_ours(rows)]
        return annotate(content, listed.filename, remarks, ending=listed.number, widths=_WIDTHS, more=more)


def _heads() -> list[str]:
    return [
        _("Our result"),
        _("Our remark"),
        _("Our claim number"),
        _("Our step"),
        _("Our handler"),
        _("Staff number"),
        _("Phone"),
        _("Next due"),
        _("What is due"),
        _("Documents missing"),
        _("Our estimate"),
        _("Approved"),
        _("Paid"),
        _("Since the last list"),
        _("Enquiry"),
    ]


def _cells(words: RowWords, row: OutstandingRow, enquiry: Enquiry | None) -> list[Remark]:
    ours = row.standing
    told: list[Remark] = [
        label(row.kind, "outstanding_kind"),
        " ".join(words.remarks(row)),
        *_standing_cells(ours),
        label(row.change, "outstanding_change") if row.change else "",
        enquiry.number if enquiry else "",
    ]
    return told


def _standing_cells(ours: Mapping[str, Any]) -> list[Remark]:
    if not ours:
        return [""] * 11
    return [
        ours["number"],
        label(ours["state"], "claim_state"),
        ours["owner"],
        ours["staff_no"],
        ours["phone"],
        _next_day(ours) if ours["next_at"] else "",
        label(ours["next_step"], "clock_step") if ours["next_step"] else "",
        str(ours["missing"]),
        from_fen(ours["estimate_fen"]),
        from_fen(ours["approved_fen"]),
        from_fen(ours["paid_fen"]),
    ]


def _legend(listed: OutstandingList, now: datetime) -> TableSheet:
    """What our words mean."""
    columns = [Column(_("Our result"), width=18), Column(_("What it means"), width=80)]
    rows = [(label(kind, "outstanding_kind"), label(kind, "outstanding_meaning")) for kind in KINDS]
    rows += [
        (label(code, "outstanding_change"), label(code, "outstanding_change_meaning"))
        for code in ("new", "still_open", "moved_on")
    ]
    day = local_date(now).isoformat()
    note = _("List %(number)s, as our claims stood on %(day)s.", number=listed.number, day=day)
    return TableSheet(_("Legend"), _("What our columns say"), columns, rows, notes=[note])


def _only_ours(rows: Rows) -> TableSheet:
    """The open claims that the list lacks."""
    columns = [
        Column(_("Our claim number"), width=20),
        Column(_("Plate"), width=14),
        Column(_("Day of loss"), width=14),
        Column(_("Our step")),
        Column(_("Our handler")),
        Column(_("Staff number"), width=12),
        Column(_("Phone"), width=16),
        Column(_("Our estimate"), "money"),
        Column(_("Paid"), "money"),
    ]
    found = [
        (
            ours["number"],
            plate(ours["plate"]),
            ours["loss_on"],
            label(ours["state"], "claim_state"),
            ours["owner"],
            ours["staff_no"],
            ours["phone"],
            ours["estimate_fen"],
            ours["paid_fen"],
        )
        for row, _none in rows
        if row.kind is RowKind.ONLY_OURS
        for ours in [row.standing]
    ]
    return TableSheet(_("Only with us"), _("Open with us and not in the list"), columns, found)
