"""Requests for new vehicles in words: what is missing, the register, and the register as a spreadsheet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.fleet import VehicleRequest, VehicleRequestStep
from service_desk.models.sla import Timer
from service_desk.presenters import sla as clocks
from service_desk.presenters.claims_timeline import Photo
from service_desk.presenters.labels import LABELS, label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.sla import Pill
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vehicle_onboarding import OnboardingAction, OnboardingState
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies.coverage import VehicleCoverage
from service_desk.services.policies.onboarding.queries import RegisterRow, RequestFile, RequestFilter
from service_desk.services.sla import OPEN_STATES

STATE_TONES = {
    OnboardingState.REQUESTED: "warn",
    OnboardingState.APPROVED: "warn",
    OnboardingState.REFUSED_BY_GROUP: "bad",
    OnboardingState.REFUSED_BY_DESK: "bad",
    OnboardingState.DONE: "ok",
    OnboardingState.WITHDRAWN: "idle",
}


@dataclass(frozen=True)
class CoverLine:
    """A line of cover the vehicle needs or has. `number` is empty while it is missing, or for cover from elsewhere."""

    line: str
    text: str
    number: str
    is_missing: bool


def name_of(request: VehicleRequest) -> str:
    """The plate; while that is pending, words and the end of the VIN."""
    return request.plate or _("No plate yet (VIN …%(end)s)", end=(request.vin or "")[-6:])


def size_of(request: VehicleRequest) -> str:
    """`45 seats`, `9.99 t`, both, or a dash."""
    parts = []
    if request.seats:
        parts.append(_("%(seats)s seats", seats=request.seats))
    if request.load_kg:
        parts.append(_("%(tonnes)s t", tonnes=f"{request.load_kg / 1000:g}"))
    return " · ".join(parts) or "—"


def clock_pill(timers: Sequence[Timer], now: datetime, *, named: bool = False) -> Pill | None:
    """The clock that runs, with its step when `named`; None once the request is closed or back with who asked."""
    running = [timer for timer in timers if timer.state in OPEN_STATES]
    return clocks.pill(running[-1], now, named=named) if running else None


def cover_lines(cover: VehicleCoverage) -> list[CoverLine]:
    """Each line the vehicle needs or has, with what is issued or that it is missing."""
    return [_cover_line(line, cover) for line in PolicyLine if line in cover.lines or line in cover.missing]


def _cover_line(line: PolicyLine, cover: VehicleCoverage) -> CoverLine:
    words, held = label(line, "policy_line"), cover.lines.get(line)
    if held is None:
        return CoverLine(words, _("not issued yet"), "", is_missing=True)
    until = _("until %(day)s", day=last_covered_day(held.unbroken_until))
    return CoverLine(words, until, held.number, is_missing=False)


def lacking(file: RequestFile) -> list[str]:
    """What is still missing before the vehicle may operate, a sentence each. Its cover stands in `cover_lines`."""
    request = file.request
    if request.state in (OnboardingState.DONE, OnboardingState.WITHDRAWN):
        return []
    vin = file.vehicle.vin if file.vehicle else request.vin
    plate = file.vehicle.plate if file.vehicle else request.plate
    wanted = []
    if request.state in (OnboardingState.REFUSED_BY_GROUP, OnboardingState.REFUSED_BY_DESK):
        wanted.append(_("The correction of what was refused."))
    if request.state is not OnboardingState.APPROVED:
        wanted.append(_("The approval of the group's insurance department."))
    if not vin:
        wanted.append(_("The VIN: without it no policy can be issued."))
    if not plate:
        wanted.append(_("The plate, which may follow later."))
    if file.cover is None:
        wanted.append(_("The cover its class needs."))
    return wanted


def issued(file: RequestFile) -> list[str]:
    """The policies that a finished request was closed with, as the register has them."""
    if file.request.state is not OnboardingState.DONE:
        return []
    numbers: list[str] = []
    for step, _user in file.steps:
        # Policies of an order that was undone are void.
        kept = [] if step.action is OnboardingAction.TAKE_BACK else numbers
        numbers = [*kept, *step.details.get("policies", ())]
    return numbers


def photos(file: RequestFile) -> list[Photo]:
    """The photos that came with the request, the oldest first."""
    return [
        Photo(address, address, photo.filename)
        for photo in file.photos
        for address in [url_for("documents.show", document_id=photo.id)]
    ]


def step_detail(step: VehicleRequestStep) -> str:
    """What belongs to a line of the register: its reason, what was corrected, the policies issued."""
    parts = [step.reason]
    if fields := step.details.get("corrected"):
        names = _(", ").join(_field(name) for name in fields)
        parts.append(_("Corrected: %(fields)s", fields=names))
    if step.details.get("photos") and step.action == "correct":
        parts.append(_("Photos added: %(count)s", count=step.details["photos"]))
    if policies := step.details.get("policies"):
        parts.append(_(", ").join(policies))
    if missing := step.details.get("missing"):
        lines = _(", ").join(label(line, "policy_line") for line in missing)
        parts.append(_("Still missing: %(lines)s", lines=lines))
    return " · ".join(part for part in parts if part)


def _field(name: str) -> str:
    return label(name, "audit_field") if name in LABELS["audit_field"] else name


def register_sheet(
    rows: Iterable[RegisterRow], wanted: RequestFilter, account: str, today: date
) -> TableSheet:
    """The register as filtered, in the reader's language."""
    columns = [
        Column(_("When"), "datetime"),
        Column(_("Request")),
        Column(_("Plate")),
        Column(_("VIN"), width=21),
        Column(_("Class")),
        Column(_("Branch"), width=24),
        Column(_("Round"), "int"),
        Column(_("Step"), width=26),
        Column(_("Side"), width=22),
        Column(_("Person")),
        Column(_("Staff number")),
        Column(_("Phone")),
        Column(_("Reason and details"), width=48),
        Column(_("State now"), width=26),
    ]
    title = _("Register of new vehicles of %(account)s", account=account)
    notes = [_filter_words(wanted), _("As of %(day)s", day=today.isoformat())]
    body = (_register_line(row) for row in rows)
    return TableSheet(_("Register"), title, columns, body, notes)


def _register_line(row: RegisterRow) -> list[Any]:
    step, request = row.step, row.request
    return [
        step.at,
        request.number,
        request.plate or "",
        request.vin or "",
        label(request.use_class, "use_class"),
        branch_name(row.branch),
        step.round,
        label(step.action, "onboarding_action"),
        label(step.party, "onboarding_party"),
        row.actor.name,
        row.actor.staff_no,
        row.actor.phone,
        step_detail(step),
        label(request.state, "onboarding_state"),
    ]


def _filter_words(wanted: RequestFilter) -> str:
    """The period and state a spreadsheet holds; its branches stand in its rows."""
    first = wanted.from_on.isoformat() if wanted.from_on else "…"
    last = wanted.to_on.isoformat() if wanted.to_on else "…"
    state = label(wanted.state, "onboarding_state") if wanted.state else _("All states")
    return _("Period: %(first)s – %(last)s. State: %(state)s", first=first, last=last, state=state)
