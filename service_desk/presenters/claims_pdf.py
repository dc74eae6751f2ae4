"""The settlement sheet of a claim as data for its printed template."""

from collections.abc import Sequence

from flask_babel import gettext as _

from service_desk.adapters import pdf
from service_desk.base.clock import CHINA
from service_desk.base.money import capitals, format_yuan
from service_desk.models.claims import ClaimCalculation
from service_desk.presenters.claim_calculations import calculation_table
from service_desk.presenters.claims import covers, plate
from service_desk.presenters.insurer import insurer_name
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, current_language
from service_desk.services.claims.files import ClaimFile


def settlement_sheet(
    file: ClaimFile, calculation: ClaimCalculation, versions: Sequence[ClaimCalculation], page_url: str
) -> bytes:
    """Print a calculation with every step; a draft is marked until another person has approved it.

    `versions`: those the reader may see, up to this one. Whom money goes to is not on the sheet.
    """
    sheet = calculation_table(calculation)
    is_approved = calculation.approved_at is not None
    return pdf.render(
        "settlement",
        {
            "lang": current_language(),
            "labels": _labels(),
            "watermark": "" if is_approved else _("Draft"),
            "insurer_name": insurer_name(),
            "title": _("Settlement sheet"),
            "number": f"{file.claim.number} / {sheet.version}",
            "qr_svg": pdf.qr_svg(page_url),
            "scan_hint": _("Scan to open the claim"),
            "blocks": [
                {"title": _("What happened"), "rows": _loss_rows(file)},
                {"title": _("Cover at the time of loss"), "rows": _cover_rows(file)},
                {"title": _("What it is calculated from"), "rows": [list(row) for row in sheet.facts]},
            ],
            "lines": sheet.lines,
            "working": sheet.working,
            "recoveries": sheet.recoveries,
            "versions": _version_rows(versions) if len(versions) > 1 else [],
            "total_figures": format_yuan(sheet.total_fen, sign=True),
            "total_capitals": capitals(sheet.total_fen),
            "notices": [
                _("CTPL pays first, then the commercial cover by its contract."),
                _("Each payment line is rounded to the fen, half up."),
                _(
                    "Anybody can do this calculation again: the desk's page gives its inputs as a file, and every step is above."
                ),
            ],
            "signatures": _signatures(file, calculation),
        },
    )


def _labels() -> dict[str, str]:
    return {
        "page": _("Page {page} of {pages}"),
        "claim_number": _("Claim"),
        "lines": _("What each cover pays"),
        "coverage": _("Paid under"),
        "loss": _("Loss"),
        "ctpl_limit": _("CTPL limit"),
        "fault_ratio": _("Fault ratio"),
        "limit": _("Limit"),
        "deductible": _("Deductible"),
        "pay": _("Pays"),
        "working": _("Every step"),
        "step": _("Step"),
        "formula": _("How"),
        "amount": _("Result"),
        "clause": _("Rule"),
        "total": _("Paid together"),
        "in_words": _("In words"),
        "signatures": _("Signatures"),
        "recoveries": _("What is to be recovered afterwards"),
        "recovery": _("To recover"),
        "from": _("Recover from"),
        "versions": _("Versions"),
        "version": _("Version"),
        "calculated": _("Calculated"),
        "approved": _("Approved"),
        "difference": _("Difference"),
    }


def _version_rows(versions: Sequence[ClaimCalculation]) -> list[dict[str, str]]:
    """Each version with its total, and how far it moved from the one before."""
    rows, before_fen = [], None
    for one in versions:
        moved = "" if before_fen is None else format_yuan(one.total_fen - before_fen)
        rows.append(
            {
                "version": str(one.calculation_version),
                "calculated": f"{one.calculated_at.astimezone(CHINA):%Y-%m-%d}",
                "approved": f"{one.approved_at.astimezone(CHINA):%Y-%m-%d}" if one.approved_at else "—",
                "total": format_yuan(one.total_fen),
                "difference": moved or "—",
            }
        )
        before_fen = one.total_fen
    return rows


def _loss_rows(file: ClaimFile) -> list[list[str | bool]]:
    claim = file.claim
    return [
        [_("Report number"), claim.report_no or "—"],
        [_("Plate"), plate(claim.plate)],
        [_("Branch"), branch_name(file.branch)],
        [_("Time of loss"), f"{claim.loss_at.astimezone(CHINA):%Y-%m-%d %H:%M}"],
        [_("Place"), claim.place],
        [_("Story"), claim.description, True],
    ]


def _cover_rows(file: ClaimFile) -> list[list[str | bool]]:
    """A cover a line: policy, limit, deductible and last day are read together."""
    return [[name, words, True] for name, words, _insured in covers(file)]


def _signatures(file: ClaimFile, calculation: ClaimCalculation) -> list[dict[str, str]]:
    by = [
        (_("Calculated by"), calculation.calculated_by_id, calculation.calculated_at),
        (_("Approved by"), calculation.approved_by_id, calculation.approved_at),
        (label("group_insurance", "role"), None, None),
    ]
    return [
        {
            "role": role,
            "name": f"{file.people[user_id].name} {file.people[user_id].staff_no}" if user_id else "",
            "date": f"{at.astimezone(CHINA):%Y-%m-%d}" if at else "",
        }
        for role, user_id, at in by
    ]
