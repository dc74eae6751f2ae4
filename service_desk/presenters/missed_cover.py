"""Missed cover in words: exposure, since when, the log of a case, and the list as a spreadsheet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import local_date
from service_desk.base.money import format_yuan, to_fen
from service_desk.models.renewals import CaseState, ChaseKind, MissedCoverEntry
from service_desk.models.users import User
from service_desk.presenters import sla as clocks
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.sla import Pill
from service_desk.rules.exposure import Exposure
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import CoverCode
from service_desk.services.renewals.case_views import CaseFile, MissedRow

STATE_TONES = {CaseState.OPEN: "bad", CaseState.COVERED: "ok", CaseState.STOPPED: "idle"}
_ENTRY_TONES = {ChaseKind.OPENED: "bad", ChaseKind.COVERED: "ok", ChaseKind.STOPPED: "idle"}


@dataclass(frozen=True)
class LogLine:
    """An entry as the `timeline` macro takes it."""

    at: datetime
    title: str
    who: str
    detail: str
    tone: str


def since_words(since_at: datetime | None, now: datetime) -> str:
    """For how long cover has been missing: `today`, `for 3 days`; when none ever was known, that."""
    if since_at is None:
        return _("no cover known")
    days = (local_date(now) - last_covered_day(since_at)).days
    return ngettext("for %(num)s day", "for %(num)s days", max(days, 1))


def layer_tone(layer: CoverCode) -> tuple[str, str]:
    """Without CTPL a vehicle may not be on the road; what else is missing is grave enough."""
    return ("bad", "over") if layer is CoverCode.CTPL else ("warn", "warning")


def penalty_words(exposure: Exposure | None) -> str:
    """The fine; a dash where CTPL is not missing, and words where the premium is not known."""
    if exposure is None:
        return "—"
    if exposure.penalty is None:
        return _("twice the premium")
    return format_yuan(to_fen(exposure.penalty), sign=True)


def borne_words(exposure: Exposure | None) -> str:
    """What the owner bears of one loss."""
    return "—" if exposure is None else format_yuan(to_fen(exposure.borne), sign=True)


def exposure_facts(exposure: Exposure) -> list[tuple[str, str]]:
    """The exposure with what it comes from, for the case's page."""
    rows = []
    if exposure.premium is not None:
        rows.append((_("CTPL premium a year"), _yuan(exposure.premium)))
    rows.append((_("Fine: twice the premium"), penalty_words(exposure)))
    if exposure.limits is not None:
        rows += [
            (_("Borne by the owner in one loss"), _yuan(exposure.borne)),
            (_("of which death and disability"), _yuan(exposure.limits.death)),
            (_("of which medical expenses"), _yuan(exposure.limits.medical)),
            (_("of which property damage"), _yuan(exposure.limits.property)),
        ]
    return rows


def _yuan(amount: Any) -> str:
    return format_yuan(to_fen(amount), sign=True)


def row_pill(row: MissedRow, now: datetime) -> Pill | None:
    """The clock of a row; None before the watch has opened its case."""
    return clocks.pill(row.timer, now, named=False) if row.timer else None


def log_lines(file: CaseFile) -> list[LogLine]:
    """The log, the newest first."""
    return [_line(entry, by, file) for entry, by in file.entries]


def _line(entry: MissedCoverEntry, by: User | None, file: CaseFile) -> LogLine:
    title = label(entry.kind, "chase_kind")
    if entry.kind is ChaseKind.CONTACT:
        title = _(
            "%(channel)s with %(person)s",
            channel=label(entry.channel, "chase_channel"),
            person=entry.spoken_to,
        )
    return LogLine(
        at=entry.at,
        title=title,
        who=f"{by.name} · {by.staff_no}" if by else _("the watch"),
        detail=" · ".join(part for part in _details(entry, file) if part),
        tone=_ENTRY_TONES.get(entry.kind, ""),
    )


def _details(entry: MissedCoverEntry, file: CaseFile) -> Iterable[str]:
    changes = entry.changes
    yield entry.text
    if entry.promised_on:
        yield _("promised by %(day)s", day=entry.promised_on.isoformat())
    if "layers" in changes:
        before, after = changes["layers"]
        gone = [code for code in before if code not in after]
        yield _("missing: %(layers)s", layers=layer_words(after))
        if gone:
            yield _("covered now: %(layers)s", layers=layer_words(gone))
    if "branch_id" in changes:
        before, after = (file.branches.get(id_) for id_ in changes["branch_id"])
        if before and after:
            yield _("from %(before)s to %(after)s", before=branch_name(before), after=branch_name(after))
    if "owner_id" in changes:
        owner = file.people.get(changes["owner_id"][1])
        if owner:
            yield _("%(name)s chases from now on", name=f"{owner.name} · {owner.staff_no}")
    if "taken_back" in changes:
        yield _("the list that brought the vehicle was taken back")
    if "vehicle_state" in changes:
        yield label(changes["vehicle_state"][1], "vehicle_state")
    if "line" in changes:
        yield label(changes["line"][1], "policy_line")
        yield _("%(first)s to %(last)s", first=changes["first_day"][1], last=changes["last_day"][1])


def layer_words(codes: Iterable[str]) -> str:
    """Layers by their names: `CTPL, third-party liability`."""
    return _(", ").join(label(code, "cover") for code in codes)


def missed_sheet(rows: Iterable[MissedRow], account: str, now: datetime) -> TableSheet:
    """The list as filtered, as a sheet."""
    columns = [
        Column(_("Case")),
        Column(_("Plate")),
        Column(_("Branch"), width=26),
        Column(_("Class")),
        Column(_("Missing cover"), width=30),
        Column(_("Without cover since"), "date", width=16),
        Column(_("Fine"), "money"),
        Column(_("Borne by the owner in one loss"), "money", width=18),
        Column(_("Chased by")),
        Column(_("Due"), "datetime"),
        Column(_("Last chased"), "datetime"),
        Column(_("Promised by"), "date"),
    ]
    title = _("Vehicles without cover: %(account)s", account=account)
    notes = [_("As of %(day)s", day=local_date(now).isoformat())]
    return TableSheet(_("Vehicles without cover"), title, columns, map(_sheet_row, rows), notes)


def _sheet_row(row: MissedRow) -> list[Any]:
    missed, case, exposure = row.missed, row.case, row.exposure
    return [
        case.number if case else "",
        missed.vehicle.plate or missed.vehicle.vin or "",
        branch_name(missed.branch),
        label(missed.vehicle.use_class, "use_class"),
        layer_words(layer.value for layer in missed.layers),
        local_date(missed.since_at) if missed.since_at else _("no cover known"),
        to_fen(exposure.penalty) if exposure and exposure.penalty is not None else None,
        to_fen(exposure.borne) if exposure else None,
        f"{row.owner.name} {row.owner.staff_no}" if row.owner else "",
        row.timer.due_at if row.timer else None,
        case.chased_at if case else None,
        case.promised_on if case else None,
    ]
