"""Lists of policies to take over, as pages and the file that goes back show them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from service_desk.base.clock import local_date
from service_desk.base.money import format_yuan, to_fen
from service_desk.models.fleet import FleetImport, FleetImportRow
from service_desk.presenters.fleet import Remarks, place_of, remarks_with
from service_desk.presenters.labels import label
from service_desk.presenters.messages import sentence_for
from service_desk.rules.policy_flow import last_covered_day
from service_desk.services.policies.takeover.judging import moment

_COUNTS = frozenset({"count", "vehicles"})
_MAY_HAVE_SUGGESTION = frozenset({"plate_invalid", "vin_invalid"})


@dataclass(frozen=True)
class ShownRow:
    """A policy of a list in words."""

    id: int
    place: str
    number: str
    vehicle: str
    vehicle_id: int | None
    facts: str
    field: str
    value: str
    reason: str
    warnings: list[str]
    notes: list[str]


def shown_row(row: FleetImportRow) -> ShownRow:
    """A policy of a list in the reader's language."""
    values = row.values
    return ShownRow(
        id=row.id,
        place=place_of(row.sheet, row.row_no),
        number=values.get("number") or "",
        vehicle=values.get("plate") or values.get("vin") or "",
        vehicle_id=row.vehicle_id,
        facts=_facts(row),
        field=label(row.field, "policy_list_field") if row.field else "",
        value=row.value,
        reason=reason_of(row),
        warnings=warnings_of(row),
        notes=_notes(row),
    )


def _facts(row: FleetImportRow) -> str:
    """`CTPL · 2026-03-01 – 2027-02-28 · ¥4,690.00 · not paid ¥1,450.00`, as far as the row could be read."""
    values = row.values
    parts = [label(values.get("line"), "policy_line")] if values.get("line") else []
    if values.get("starts_at"):
        first, last = local_date(moment(values["starts_at"])), last_covered_day(moment(values["ends_at"]))
        parts.append(f"{first} – {last}")
    if values.get("premium_fen") is not None:
        parts.append(format_yuan(values["premium_fen"], sign=True))
    if values.get("tax_fen"):
        parts.append(_("vehicle tax %(fen)s", fen=format_yuan(values["tax_fen"], sign=True)))
    if values.get("unpaid_fen"):
        parts.append(_("not paid %(fen)s", fen=format_yuan(values["unpaid_fen"], sign=True)))
    if values.get("is_ours") is False:
        parts.append(_("with %(insurer)s", insurer=values["insurer"]))
    return " · ".join(parts)


def reason_of(row: FleetImportRow) -> str:
    """Why a row is refused, skipped or asked about; empty for the others."""
    if not row.code:
        return ""
    params: dict[str, Any] = {**row.params, "value": row.value}
    params["places"] = ", ".join(place_of(sheet, number) for sheet, number in row.params.get("others", []))
    for name in ("differs", "missing"):
        if name in params:
            params[name] = ", ".join(label(one, "policy_list_field") for one in params[name])
    if row.code == "overlaps_cover" and not params["name"]:
        params["name"] = _("another insurer")
    has_suggestion = row.params.get("suggestion") and row.code in _MAY_HAVE_SUGGESTION
    return sentence_for(f"{row.code}_perhaps" if has_suggestion else row.code, params)


def warnings_of(row: FleetImportRow) -> list[str]:
    """What a person should look at, though the row is taken over."""
    return [_warning(code, row.params) for code in row.params.get("warnings", [])]


def _warning(code: str, params: Mapping[str, Any]) -> str:
    if code == "cover_hole":
        return _("Nothing is known to have covered the %(days)s days before.", days=params["hole_days"])
    return label(code, "takeover_warning")


def _notes(row: FleetImportRow) -> list[str]:
    notes = []
    if "adds" in row.values:
        notes.append(_("The vehicle is added to the fleet."))
    if row.before and row.before.get("until"):
        until = last_covered_day(moment(row.before["until"])).isoformat()
        notes.append(_("Replaces the cover until %(until)s noted from a list.", until=until))
    return notes


def remarks(imported: FleetImport, rows: Iterable[FleetImportRow]) -> Remarks:
    """What the two added columns say of each row of the file, in Chinese and English."""
    return remarks_with(imported, rows, _remark)


def _remark(row: FleetImportRow) -> tuple[str, str]:
    reason = reason_of(row)
    if row.field and reason:
        reason = f"{label(row.field, 'policy_list_field')}: {reason}"
    line = label(row.values["line"], "policy_line") if row.values.get("line") else ""
    words = [part for part in [reason, *_notes(row), *warnings_of(row)] if part]
    return label(row.verdict, "takeover_verdict"), ": ".join(
        filter(None, [line, "; ".join(words)])
    ) if words else ""


@dataclass(frozen=True)
class ShownTotal:
    """A figure of the file beside the same of its accepted rows."""

    place: str
    label: str
    figure: str
    stated: str
    found: str
    difference: str
    differs: bool


def totals_of(imported: FleetImport) -> list[ShownTotal]:
    """The file's own totals beside ours."""
    return [_total(one) for one in imported.totals]


def _total(one: Mapping[str, Any]) -> ShownTotal:
    stated, found = Decimal(one["stated"]), Decimal(one["found"])
    return ShownTotal(
        place=place_of(one["sheet"], one["row_no"]),
        label=one["label"],
        figure=label(one["field"], "policy_list_field"),
        stated=_figure(stated, one["field"]),
        found=_figure(found, one["field"]),
        difference=_figure(found - stated, one["field"]),
        differs=one["differs"],
    )


def _figure(value: Decimal, name: str) -> str:
    return f"{value:f}" if name in _COUNTS else format_yuan(to_fen(value))
