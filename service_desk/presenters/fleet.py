"""Vehicles, their cover and the rows of a list, as pages, spreadsheets and suggestions show them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.fleet import FleetImport, FleetImportRow, RowVerdict, Vehicle
from service_desk.presenters.labels import label
from service_desk.presenters.languages import in_language, named
from service_desk.presenters.messages import sentence_for
from service_desk.rules.cover_needs import CARRIED_BY
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.fleet.covers import EXPIRING_WITHIN
from service_desk.services.fleet.queries import ListedVehicle
from service_desk.services.policies.coverage import VehicleCoverage

_NO_COVERAGE = VehicleCoverage({}, ())


@dataclass(frozen=True)
class CoverCell:
    """Cover of one line today: until when, or that it is missing. No tone: not needed, or far from its end."""

    code: str
    line: str
    text: str
    tone: str | None
    icon: str | None


@dataclass(frozen=True)
class VehicleRow:
    """A line of the fleet list."""

    id: int
    name: str
    vin: str
    model: str
    use_class: str
    size: str
    branch: str
    state: str
    state_tone: str
    is_operating: bool
    covers: list[CoverCell]


def vehicle_name(vehicle: Vehicle) -> str:
    """The plate; while that is pending, words and the end of the VIN."""
    return vehicle.plate or _("No plate yet (VIN …%(end)s)", end=(vehicle.vin or "")[-6:])


def vehicle_row(listed: ListedVehicle, coverage: VehicleCoverage | None, now: datetime) -> VehicleRow:
    """A vehicle with its cover today."""
    vehicle = listed.vehicle
    return VehicleRow(
        id=vehicle.id,
        name=vehicle_name(vehicle),
        vin=vehicle.vin or "—",
        model=vehicle.model or "—",
        use_class=label(vehicle.use_class, "use_class"),
        size=size_of(vehicle),
        branch=named(listed.branch, listed.branch_en),
        state=label(vehicle.state, "vehicle_state"),
        state_tone=STATE_TONES[vehicle.state.value],
        is_operating=vehicle.state.value == "operating",
        covers=cover_cells(coverage or _NO_COVERAGE, now),
    )


STATE_TONES = {"pending": "warn", "operating": "ok", "suspended": "warn", "retired": "idle"}


def size_of(vehicle: Vehicle) -> str:
    """`45 seats`, `9.99 t`, both, or a dash."""
    parts = []
    if vehicle.seats:
        parts.append(_("%(seats)s seats", seats=vehicle.seats))
    if vehicle.load_kg:
        parts.append(_("%(tonnes)s t", tonnes=f"{vehicle.load_kg / 1000:g}"))
    return " · ".join(parts) or "—"


def cover_cells(coverage: VehicleCoverage, now: datetime) -> list[CoverCell]:
    """One cell a line. Missing cover that the vehicle needs is red and said in words."""
    return [_cover_cell(line, coverage, now) for line in PolicyLine]


def _cover_cell(line: PolicyLine, coverage: VehicleCoverage, now: datetime) -> CoverCell:
    words = label(line, "policy_line")
    held = coverage.lines.get(line)
    if held is None:
        if line in coverage.missing:
            return CoverCell(line.value, words, _("no cover"), "bad", "over")
        return CoverCell(line.value, words, "—", None, None)
    if line in coverage.missing:
        # The policy holds, but not every layer that is required of it.
        lacking = [label(one, "cover") for one in coverage.missing_layers if CARRIED_BY[one] is line]
        return CoverCell(line.value, words, _("without %(layers)s", layers=", ".join(lacking)), "bad", "over")
    until = last_covered_day(held.unbroken_until)
    if held.unbroken_until - now <= EXPIRING_WITHIN:
        return CoverCell(line.value, words, _("until %(day)s", day=until), "warn", "clock")
    return CoverCell(line.value, words, until.isoformat(), None, None)


CoveredVehicle = tuple[ListedVehicle, VehicleCoverage]


def with_cover(rows: Iterable[ListedVehicle], covers: Mapping[int, VehicleCoverage]) -> list[CoveredVehicle]:
    """Vehicles of a list, each with its cover."""
    return [(one, covers.get(one.vehicle.id, _NO_COVERAGE)) for one in rows]


def vehicles_sheet(rows: Iterable[CoveredVehicle], account: str, now: datetime) -> TableSheet:
    """The filtered fleet, cover today by line."""
    columns = [
        Column(_("Plate")),
        Column(_("VIN"), width=22),
        Column(_("Engine number")),
        Column(_("Maker and model"), width=26),
        Column(_("Class")),
        Column(_("Rated seats"), "int"),
        Column(_("Rated load (kg)"), "int"),
        Column(_("First registration"), "date"),
        Column(_("Branch"), width=24),
        Column(_("State")),
        *(Column(label(line, "policy_line"), "date", width=16) for line in PolicyLine),
    ]
    return TableSheet(
        name=_("Vehicles"),
        title=_("Vehicles of %(account)s", account=account),
        columns=columns,
        rows=(_sheet_row(*row) for row in rows),
        notes=[_("Cover as of %(day)s", day=f"{now:%Y-%m-%d}")],
    )


def _sheet_row(listed: ListedVehicle, coverage: VehicleCoverage) -> list[str | int | date | None]:
    vehicle = listed.vehicle
    covers = [
        last_covered_day(coverage.lines[line].unbroken_until)
        if line in coverage.lines
        else (_("no cover") if line in coverage.missing else None)
        for line in PolicyLine
    ]
    return [
        vehicle.plate,
        vehicle.vin,
        vehicle.engine_no,
        vehicle.model,
        label(vehicle.use_class, "use_class"),
        vehicle.seats,
        vehicle.load_kg,
        vehicle.registered_on,
        named(listed.branch, listed.branch_en),
        label(vehicle.state, "vehicle_state"),
        *covers,
    ]


def suggestion(listed: ListedVehicle) -> dict[str, str]:
    """A vehicle for the list under an input."""
    vehicle = listed.vehicle
    detail = [vehicle.model, named(listed.branch, listed.branch_en)]
    if vehicle.state.value != "operating":
        detail.append(label(vehicle.state, "vehicle_state"))
    return {
        "value": vehicle.plate or vehicle.vin or "",
        "label": vehicle_name(vehicle),
        "detail": " · ".join(part for part in detail if part),
    }


@dataclass(frozen=True)
class ShownRow:
    """A row of a list. `changes` are (field, old, new); `facts` what a new vehicle's row says."""

    place: str
    name: str
    field: str
    value: str
    reason: str
    changes: list[tuple[str, str, str]]
    warnings: list[str]
    facts: str
    vehicle_id: int | None


def shown_row(row: FleetImportRow, branches: Mapping[int, str]) -> ShownRow:
    """A row of a list in the reader's language."""
    return ShownRow(
        place=place_of(row.sheet, row.row_no),
        name=row.values.get("plate") or row.values.get("vin") or "",
        field=label(row.field, "fleet_field") if row.field else "",
        value=row.value,
        reason=reason_of(row),
        changes=changes_of(row, branches),
        warnings=[label(code, "import_warning") for code in row.params.get("warnings", [])],
        facts=_facts(row, branches),
        vehicle_id=row.vehicle_id,
    )


def place_of(sheet: str | None, row_no: int) -> str:
    """`车辆台账 row 18`; in a text file `line 18`."""
    if sheet is None:
        return _("line %(row)s", row=row_no)
    return _("%(sheet)s row %(row)s", sheet=sheet, row=row_no)


def reason_of(row: FleetImportRow) -> str:
    """Why a row is refused or skipped; empty for the others. A likely correction is named, never made."""
    if not row.code:
        return ""
    others = [place_of(sheet, number) for sheet, number in row.params.get("others", [])]
    params = {**row.params, "value": row.value, "places": ", ".join(others)}
    has_words_for_it = row.params.get("suggestion") and row.code in {"plate_invalid", "vin_invalid"}
    return sentence_for(f"{row.code}_perhaps" if has_words_for_it else row.code, params)


def changes_of(row: FleetImportRow, branches: Mapping[int, str]) -> list[tuple[str, str, str]]:
    """What a row changes: field, old, new, in words."""
    if row.verdict is not RowVerdict.CHANGED:
        return []
    return [
        (
            label(name, "fleet_field"),
            _shown(name, old, branches),
            _shown(name, row.values.get(name), branches),
        )
        for name, old in (row.before or {}).items()
    ]


def _shown(name: str, value: Any, branches: Mapping[int, str]) -> str:
    if value is None or value == "":
        return "—"
    if name == "branch_id":
        return branches.get(value, str(value))
    if name == "use_class":
        return label(value, "use_class")
    return str(value)


def _facts(row: FleetImportRow, branches: Mapping[int, str]) -> str:
    names = ("vin", "model", "use_class", "seats", "branch_id")
    return " · ".join(_shown(name, row.values[name], branches) for name in names if name in row.values)


Remarks = dict[str | None, dict[int, tuple[str, str]]]


def remarks(imported: FleetImport, rows: Iterable[FleetImportRow], branches: Mapping[int, str]) -> Remarks:
    """What the two added columns say of each row, in Chinese and English, with the headings over them."""
    return remarks_with(
        imported, rows, lambda row: (label(row.verdict, "row_verdict"), _remark(row, branches))
    )


def remarks_with(
    imported: FleetImport,
    rows: Iterable[FleetImportRow],
    words: Callable[[FleetImportRow], tuple[str, str]],
) -> Remarks:
    """The two added columns of a list of any kind. `words` are a row's in the language being spoken.

    A row of the file that was judged in several parts has all their remarks, each once.
    """
    rows = list(rows)
    said = {}
    for language in ("zh", "en"):
        with in_language(language):
            said[language] = [words(row) for row in rows]
    found: Remarks = {sheet["sheet"]: {sheet["header_row"]: _headings()} for sheet in imported.mapping}
    for row, chinese, english in zip(rows, said["zh"], said["en"], strict=True):
        both = [zh if zh == en else f"{zh} / {en}" for zh, en in zip(chinese, english, strict=True)]
        of_sheet = found.setdefault(row.sheet, {})
        earlier = of_sheet.get(row.row_no)
        if earlier:
            both = ["; ".join(dict.fromkeys(filter(None, pair))) for pair in zip(earlier, both, strict=True)]
        of_sheet[row.row_no] = (both[0], both[1])
    return found


def _headings() -> tuple[str, str]:
    words = []
    for language in ("zh", "en"):
        with in_language(language):
            words.append((_("Import result"), _("Reason or change")))
    (chinese_result, chinese_reason), (result, reason) = words
    return f"{chinese_result} / {result}", f"{chinese_reason} / {reason}"


def _remark(row: FleetImportRow, branches: Mapping[int, str]) -> str:
    changes = [f"{name}: {old} → {new}" for name, old, new in changes_of(row, branches)]
    reason = [f"{label(row.field, 'fleet_field')}: {reason_of(row)}" if row.field else reason_of(row)]
    warnings = [label(code, "import_warning") for code in row.params.get("warnings", [])]
    return "; ".join(part for part in [*reason, *changes, *warnings] if part)
