"""Policies and receipts as data for their printed templates, in the reader's language."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters import pdf
from service_desk.base.clock import CHINA, start_of_day
from service_desk.base.money import capitals, format_yuan, to_fen
from service_desk.models.policies import PolicyState
from service_desk.presenters.insurer import insurer_name
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, current_language, named
from service_desk.presenters.policies import cover_set, limit_rows, table_words, vehicle_words
from service_desk.presenters.times import minute
from service_desk.rules.policy_flow import Term
from service_desk.rules.rating import FLOAT_RATES, CtplFloat
from service_desk.rules.settlement.regimes import ctpl_regime_at
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies.queries import PolicyView
from service_desk.services.premiums import ReceiptPart, ReceiptView


def policies_pdf(
    views: Sequence[PolicyView], address_of: Callable[[str], str], *, tagged: bool = True
) -> bytes:
    """Print policies, each on pages of its own. `address_of` gives the page of a number, for the QR code."""
    insurer = insurer_name()
    return pdf.render(
        "policy",
        {
            "lang": current_language(),
            "labels": _policy_labels(),
            "document_title": views[0].policy.number if len(views) == 1 else _("Policies"),
            "watermark": _("Cancelled") if _are_cancelled(views) else "",
            "policies": [
                {"insurer_name": insurer, **_policy(view, address_of(view.policy.number))} for view in views
            ],
        },
        tagged=tagged,
    )


def _are_cancelled(views: Sequence[PolicyView]) -> bool:
    return all(view.policy.state is not PolicyState.ISSUED for view in views)


def _policy_labels() -> dict[str, str]:
    return {
        "page": _("Page {page} of {pages}"),
        "policy_number": _("Policy number"),
        "coverage": _("Coverage"),
        "limit": _("Limit of liability / sum insured"),
        "premium": _("Premium (CNY)"),
        "premium_total": _("Total premium"),
        "in_words": _("In words"),
        "term": _("Policy period"),
        "clause_notice": _("Important"),
        "issued_on": _("Issued on"),
        "issued_by": _("Issued by"),
        "seal": _("Seal of the insurer"),
        "endorsements": _("Endorsements"),
        "endorsement": _("Endorsement"),
        "effective": _("Takes effect"),
        "change": _("Change"),
    }


def _policy(view: PolicyView, address: str) -> dict[str, Any]:
    policy = view.policy
    return {
        "title": label(policy.line, "policy_title"),
        "subtitle": "" if policy.line is PolicyLine.CTPL else cover_set(view.insured.cover_set),
        "number": policy.number,
        "qr_svg": pdf.qr_svg(address),
        "scan_hint": _("Scan to open the policy"),
        "blocks": [
            {"title": _("Insured"), "rows": _insured_rows(view)},
            {"title": _("Insured vehicle"), "rows": [list(row) for row in vehicle_words(view.insured)]},
        ],
        "term": term_sentence(view.term),
        "coverages": _coverages(view),
        "premium_figures": format_yuan(view.premium_fen, sign=True),
        "premium_capitals": capitals(view.premium_fen),
        "extra_rows": _extra_rows(view),
        "endorsements": [
            {
                "number": one.number,
                "effective": minute(one.effective_at),
                "what": label(one.kind, "endorsement_kind"),
                "premium": format_yuan(one.premium_fen),
            }
            for one in view.endorsements
        ],
        "notices": _notices(policy.line),
        "issued_on": f"{policy.issued_at.astimezone(CHINA):%Y-%m-%d %H:%M}",
        "issued_by": f"{view.issued_by.name} · {view.issued_by.staff_no}",
    }


def _insured_rows(view: PolicyView) -> list[list[str | bool]]:
    return [
        [_("Insured"), view.policy.insured_name, True],
        [_("Policyholder"), named(view.account.name, view.account.name_en)],
        [_("Credit code"), view.account.uscc],
        [_("Used by"), branch_name(view.branch)],
        [_("District"), view.branch.district or "—"],
    ]


def term_sentence(term: Term) -> str:
    """The policy period in words; the last day is covered to its end."""
    first, last = _long_day(term.first_day), _long_day(term.last_day)
    if term.starts_at == start_of_day(term.first_day):
        return _("From 00:00 on %(first)s to 24:00 on %(last)s", first=first, last=last)
    local: datetime = term.starts_at.astimezone(CHINA)
    return _(
        "From %(hour)s:%(minute)s on %(first)s to 24:00 on %(last)s",
        hour=f"{local:%H}",
        minute=f"{local:%M}",
        first=first,
        last=last,
    )


def _long_day(day: date) -> str:
    return _("%(year)s-%(month)s-%(day)s", year=day.year, month=f"{day:%m}", day=f"{day:%d}")


def _coverages(view: PolicyView) -> list[dict[str, str]]:
    rows = _ctpl_items(view) if view.policy.line is PolicyLine.CTPL else []
    rows = rows or [(name, limit, deductible) for name, limit, deductible in limit_rows(view.limits)]
    figures = format_yuan(view.premium_fen)
    return [
        {
            "name": name
            if deductible == "—"
            else _("%(cover)s (deductible %(sum)s)", cover=name, sum=deductible),
            "limit": limit,
            # One premium is charged for all covers of a set; it stands once, beside the last.
            "premium": figures if index == len(rows) - 1 else "",
        }
        for index, (name, limit, deductible) in enumerate(rows)
    ]


def _ctpl_items(view: PolicyView) -> list[tuple[str, str, str]]:
    regime = ctpl_regime_at(view.term.first_day)
    if regime is None:
        return []
    names = (_("Death and disability"), _("Medical expenses"), _("Property"))
    limits = (regime.liable.death, regime.liable.medical, regime.liable.property)
    return [(name, format_yuan(to_fen(limit)), "—") for name, limit in zip(names, limits, strict=True)]


def _extra_rows(view: PolicyView) -> list[list[str]]:
    rows = []
    if view.policy.tax_fen:
        rows.append([_("Vehicle tax collected"), format_yuan(view.policy.tax_fen, sign=True)])
    if view.policy.ctpl_float:
        percent = f"{FLOAT_RATES[CtplFloat(view.policy.ctpl_float)] * 100:+.0f}"
        rows.append(
            [
                _("Experience float"),
                _("%(code)s (%(percent)s%%)", code=view.policy.ctpl_float, percent=percent),
            ]
        )
    if view.rate_table is not None:
        words = table_words(view.rate_table)
        rows.append(
            [_("Price table"), _("%(table)s (sample)", table=words) if view.rate_table.is_sample else words]
        )
    if view.due_on is not None:
        rows.append([_("Premium due"), view.due_on.isoformat()])
    return rows


def _notices(line: PolicyLine) -> list[str]:
    notices = [
        _("Check this policy against your proposal; tell the desk at once if anything differs."),
        _(
            "Report an accident within 48 hours and keep the scene as it is; the code above leads to the desk."
        ),
        _("A change of owner, use or construction of the vehicle must be endorsed."),
    ]
    if line is PolicyLine.CTPL:
        notices.append(
            _("Carry this policy in the vehicle and put the sign of insurance where it can be seen.")
        )
    return notices


def receipt_pdf(view: ReceiptView, address: str) -> bytes:
    """Print a receipt for premium."""
    receipt = view.receipt
    return pdf.render(
        "receipt",
        {
            "lang": current_language(),
            "labels": _receipt_labels(),
            "document_title": receipt.number,
            "insurer_name": insurer_name(),
            "title": _("Premium Receipt"),
            "watermark": _("Reversed") if receipt.reversed_on else "",
            "number": receipt.number,
            "qr_svg": pdf.qr_svg(address),
            "scan_hint": _("Scan to open the receipt"),
            "rows": [
                [_("Received from"), receipt.payer, True],
                [_("Received on"), receipt.received_on.isoformat()],
                [_("Method of payment"), label(receipt.method, "money_method")],
                [_("Cashier"), f"{view.recorded_by.name} · {view.recorded_by.staff_no}"],
                [_("Bank reference"), receipt.reference or "—"],
            ],
            "items": [
                *(_receipt_item(part) for part in view.settling),
                *_unallocated_item(view),
            ],
            "total_figures": format_yuan(receipt.amount_fen, sign=True),
            "total_capitals": capitals(receipt.amount_fen),
            "notices": [_("This receipt is no tax invoice.")],
        },
    )


def _receipt_item(part: ReceiptPart) -> dict[str, str]:
    return {
        "policy": part.endorsement_number or part.policy.number,
        "subject": part.policy.plate or part.policy.vin or "—",
        "line": label(part.policy.line, "policy_line"),
        "amount": format_yuan(part.amount_fen),
    }


def _unallocated_item(view: ReceiptView) -> list[dict[str, str]]:
    """What settles nothing yet, and what is paid back, so that the lines add up to the sum received."""
    left = view.receipt.amount_fen - sum(part.amount_fen for part in view.settling)
    paid_back = sum(refund.amount_fen for refund in view.refunds)
    lines = [(_("Unallocated"), left - paid_back), (_("Paid back"), paid_back)]
    return [
        {"policy": words, "subject": "—", "line": "—", "amount": format_yuan(fen)}
        for words, fen in lines
        if fen
    ]


def _receipt_labels() -> dict[str, str]:
    return {
        "page": _("Page {page} of {pages}"),
        "receipt_number": _("Receipt number"),
        "policy": _("Policy"),
        "subject": _("Plate"),
        "line": _("Line"),
        "amount": _("Amount (CNY)"),
        "total": _("Total received"),
        "in_words": _("In words"),
        "seal": _("Received by"),
    }
