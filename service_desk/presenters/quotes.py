"""Quote sheets in words, as workbooks and as printed papers, in the reader's language."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters import pdf
from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import local_date
from service_desk.base.money import capitals, format_yuan, from_fen
from service_desk.models.accounts import Branch
from service_desk.models.policies import QuoteLine
from service_desk.presenters.insurer import insurer_name
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, current_language, named
from service_desk.presenters.policies import band_words, cover_set, reason, size_words, table_words
from service_desk.rules.price_sheet.floats import HEADS
from service_desk.rules.rating import FLOAT_RATES, CtplFloat
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies.quote_queries import QuotedVehicle, SheetView, Total
from service_desk.services.policies.rates import PricedBy

STATE_TONES = {"open": ("ok", "check"), "expired": ("bad", "over"), "issued": ("idle", "shield")}


def float_words(code: str | None) -> str:
    """`A3 (-30%)`; nothing for a line without a float."""
    if code is None:
        return ""
    share = FLOAT_RATES[CtplFloat(code)]
    return f"{code} ({share * 100:+.0f}%)" if share else code


def float_choices() -> list[tuple[str, str]]:
    """The floats for a select."""
    return [(code.value, float_words(code.value)) for code in CtplFloat]


def line_words(line: QuoteLine, priced_by: Mapping[int, PricedBy]) -> str:
    """The version and line that priced it, or why it is not priced."""
    if line.rate_line_id is None:
        return reason(line.refusal, line.params)
    by = priced_by[line.rate_line_id]
    words = [band_words(by.rate)]
    if by.rate.per_seat:
        words.append(_("%(fen)s a seat", fen=format_yuan(by.rate.premium_fen, sign=True)))
    return " · ".join([*words, table_words(by.table)])


def vehicle_name(line: QuoteLine) -> str:
    """The plate, else the VIN."""
    return line.plate or line.vin or "—"


def size_of(line: QuoteLine) -> str:
    """Class and size of the vehicle as it was priced."""
    return f"{label(line.use_class, 'use_class')} · {size_words(line.seats, line.load_kg)}"


@dataclass(frozen=True)
class TotalRow:
    """A total by line or branch, and its name."""

    name: str
    total: Total


def totals_by_line(view: SheetView) -> list[TotalRow]:
    """Totals by line with the cover set quoted."""
    return [
        TotalRow(f"{label(line, 'policy_line')} · {cover_set(view.sheet.lines[line])}", total)
        for line, total in sorted(view.by_line.items(), key=lambda one: list(PolicyLine).index(one[0]))
    ]


def totals_by_branch(view: SheetView) -> list[TotalRow]:
    """Totals by branch in the order of the sheet."""
    return [TotalRow(branch_name(view.branches[id_]), total) for id_, total in view.by_branch.items()]


def start_words(view: SheetView) -> str:
    """When the quoted terms begin."""
    start_on = view.sheet.start_on
    return start_on.isoformat() if start_on else _("when each one's present cover ends")


def quote_sheets(view: SheetView, vehicles: Iterable[QuotedVehicle]) -> list[TableSheet]:
    """All of a sheet's `vehicles`, a row a vehicle and line, and the totals on sheets of their own."""
    columns = [
        Column(_("Plate"), width=12),
        Column(_("VIN"), width=20),
        Column(_("Branch"), width=24),
        Column(_("Class"), width=14),
        Column(_("Rated seats or load"), width=16),
        Column(_("Line"), width=16),
        Column(_("Cover set"), width=26),
        Column(_("First day"), "date"),
        Column(_("Base premium"), "money"),
        Column(_("Float"), width=12),
        Column(_("Premium"), "money"),
        Column(_("Vehicle tax"), "money"),
        Column(_("Priced by, or why not"), width=44),
    ]
    rows = (_cells(line, vehicle, view.branches) for vehicle in vehicles for line in vehicle.lines)
    sheet = view.sheet
    total: list[Any] = [_("Total"), *[None] * 9, sheet.premium_fen, sheet.tax_fen, None]
    title = _("Quote sheet %(number)s", number=sheet.number)
    notes = [
        named(view.account.name, view.account.name_en),
        _("Prices are held until %(day)s.", day=sheet.valid_until.isoformat()),
    ]
    if sheet.title:
        notes.insert(1, sheet.title)
    return [
        TableSheet(_("Vehicles"), title, columns, rows, notes, total),
        _totals_sheet(_("By line"), title, totals_by_line(view)),
        _totals_sheet(_("By branch"), title, totals_by_branch(view)),
    ]


def _cells(line: QuoteLine, vehicle: QuotedVehicle, branches: Mapping[int, Branch]) -> list[Any]:
    return [
        line.plate,
        line.vin,
        branch_name(branches[line.branch_id]),
        label(line.use_class, "use_class"),
        size_words(line.seats, line.load_kg),
        label(line.line, "policy_line"),
        cover_set(line.cover_set),
        line.first_day,
        line.base_fen,
        float_words(line.ctpl_float),
        line.premium_fen,
        line.tax_fen if line.tax_fen else None,
        line_words(line, vehicle.priced_by),
    ]


def _totals_sheet(name: str, title: str, rows: Sequence[TotalRow]) -> TableSheet:
    columns = [
        Column(name, width=44),
        Column(_("Policies"), "int"),
        Column(_("Premium"), "money"),
        Column(_("Vehicle tax"), "money"),
    ]
    body: list[list[Any]] = [
        [row.name, row.total.count, row.total.premium_fen, row.total.tax_fen] for row in rows
    ]
    total: list[Any] = [_("Total"), *(sum(cells[place] for cells in body) for place in (1, 2, 3))]
    return TableSheet(name, title, columns, body, (), total)


def floats_sheet(number: str, vehicles: Iterable[QuotedVehicle]) -> TableSheet:
    """A sheet's vehicles with their CTPL floats and taxes, to be filled in and sent back in either language."""
    language = 0 if current_language() == "zh" else -1
    heads = {
        "plate": HEADS["plate"][language],
        "vin": HEADS["vin"][language],
        "float": HEADS["float"][language],
        "tax": HEADS["tax"][0 if language == 0 else 2],
    }
    columns = [
        Column(heads["plate"], width=14),
        Column(heads["vin"], width=22),
        Column(_("Class"), width=24),
        Column(heads["float"], width=16),
        Column(heads["tax"], "money", width=16),
    ]
    rows: Iterable[list[Any]] = (
        [line.plate, line.vin, size_of(line), line.ctpl_float, line.tax_fen]
        for vehicle in vehicles
        for line in vehicle.lines
        if line.line is PolicyLine.CTPL and line.base_fen is not None
    )
    title = _("Floats and taxes of %(number)s", number=number)
    notes = [_("Floats A1 to A6; tax in yuan. An empty cell leaves what is there.")]
    return TableSheet(_("Floats and taxes"), title, columns, rows, notes)


def quote_pdf(view: SheetView, address: str) -> bytes:
    """Print a whole sheet, to hand to the client."""
    sheet = view.sheet
    lines = [line for line in PolicyLine if line in view.by_line]
    due_fen = sheet.premium_fen + sheet.tax_fen
    return pdf.render(
        "quote",
        {
            "lang": current_language(),
            "labels": _labels(),
            "document_title": sheet.number,
            "watermark": _("Expired") if view.state == "expired" else "",
            "insurer_name": insurer_name(),
            "title": _("Quote Sheet"),
            "subtitle": sheet.title,
            "number": sheet.number,
            "qr_svg": pdf.qr_svg(address),
            "scan_hint": _("Scan to open the quote"),
            "rows": _fact_rows(view),
            "total_figures": format_yuan(due_fen, sign=True),
            "total_capitals": capitals(due_fen),
            "totals": [
                _totals_part(_("By line"), totals_by_line(view)),
                _totals_part(_("By branch"), totals_by_branch(view)),
            ],
            "line_heads": [label(line, "policy_line") for line in lines],
            "vehicles": [_vehicle_row(one, lines, view) for one in view.page.rows],
            "refused": [
                _refused_row(line, view) for one in view.page.rows for line in one.lines if line.refusal
            ],
            "notices": _notices(view),
        },
        # A sheet of thousands of vehicles is only printed: the structure for screen readers would be most of it.
        tagged=len(view.page.rows) <= 200,
    )


def _labels() -> dict[str, str]:
    return {
        "page": _("Page {page} of {pages}"),
        "quote_number": _("Quote number"),
        "total": _("Premium and tax"),
        "in_words": _("In words"),
        "vehicle": _("Plate"),
        "vehicles": _("Vehicles"),
        "branch": _("Branch"),
        "class": _("Class"),
        "line": _("Line"),
        "tax": _("Vehicle tax"),
        "sum": _("Total"),
        "reason": _("Reason"),
        "refused": _("Not priced"),
    }


def _fact_rows(view: SheetView) -> list[list[str | bool]]:
    sheet = view.sheet
    return [
        [_("Key account"), named(view.account.name, view.account.name_en), True],
        [_("Vehicles"), f"{sheet.vehicle_count:,}"],
        [_("Cover begins"), start_words(view)],
        [_("Premium"), format_yuan(sheet.premium_fen, sign=True)],
        [_("Vehicle tax"), format_yuan(sheet.tax_fen, sign=True)],
        [_("Made on"), local_date(sheet.created_at).isoformat()],
        [_("Prices held until"), sheet.valid_until.isoformat()],
        [_("Made by"), f"{view.made_by.name} · {view.made_by.staff_no}", True],
    ]


def _totals_part(title: str, rows: Sequence[TotalRow]) -> dict[str, Any]:
    return {
        "title": title,
        "heads": [title, _("Policies"), _("Premium"), _("Vehicle tax")],
        "rows": [
            [
                row.name,
                f"{row.total.count:,}",
                format_yuan(row.total.premium_fen),
                format_yuan(row.total.tax_fen),
            ]
            for row in rows
        ],
    }


def _vehicle_row(one: QuotedVehicle, lines: Sequence[PolicyLine], view: SheetView) -> dict[str, Any]:
    own = {line.line: line for line in one.lines}
    return {
        "plate": vehicle_name(one.first),
        "branch": branch_name(view.branches[one.first.branch_id]),
        "class": size_of(one.first),
        "lines": [_line_cell(own.get(line)) for line in lines],
        "tax": format_yuan(one.tax_fen) if one.tax_fen else "",
        "sum": format_yuan(one.premium_fen + one.tax_fen),
    }


def _line_cell(line: QuoteLine | None) -> dict[str, str]:
    if line is None or line.premium_fen is None:
        return {"premium": "—", "note": ""}
    has_float = line.ctpl_float is not None and line.premium_fen != line.base_fen
    note = (
        _("%(base)s, %(float)s", base=from_fen(line.base_fen or 0), float=float_words(line.ctpl_float))
        if has_float
        else ""
    )
    return {"premium": format_yuan(line.premium_fen), "note": note}


def _refused_row(line: QuoteLine, view: SheetView) -> list[str]:
    return [
        vehicle_name(line),
        branch_name(view.branches[line.branch_id]),
        label(line.line, "policy_line"),
        reason(line.refusal, line.params),
    ]


def _notices(view: SheetView) -> list[str]:
    versions = dict.fromkeys(
        table_words(vehicle.priced_by[line.rate_line_id].table)
        for vehicle in view.page.rows
        for line in vehicle.lines
        if line.rate_line_id is not None
    )
    notices = [
        _("Prices are held until %(day)s.", day=view.sheet.valid_until.isoformat()),
        _("This is an offer and no policy: cover begins only with the policy issued."),
    ]
    return notices + [_("Priced by: %(table)s", table=words) for words in versions]
