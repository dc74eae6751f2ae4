"""Delivery runs, what waits for them, and certificate cards, as pages, spreadsheets and papers show them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.adapters import pdf
from service_desk.base.clock import local_date
from service_desk.models.deliveries import PaperKind, RunState
from service_desk.models.policies import Policy
from service_desk.presenters.insurer import insurer_name, insurer_phone
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, current_language
from service_desk.presenters.policies import size_words
from service_desk.rules.policy_flow import last_covered_day
from service_desk.services.policies.cards import Card
from service_desk.services.policies.delivery.queries import RunItem, RunView, Whereabouts
from service_desk.services.policies.delivery.waiting import Waiting

RUN_TONES = {
    RunState.PLANNED: ("idle", "clock"),
    RunState.OUT: ("warn", "truck"),
    RunState.DELIVERED: ("ok", "check"),
    RunState.RETURNED: ("bad", "back"),
}
# What fits on a card; the next terms of a vehicle with more policies are on its next card.
_COVERS_ON_A_CARD = 4


def age_words(days: int) -> str:
    """`today`, `3 days`."""
    return _("today") if not days else ngettext("%(num)s day", "%(num)s days", days)


def paper_words(paper: Waiting) -> str:
    """What a paper is: `Policy · CTPL`."""
    words = label(paper.kind, "paper_kind")
    return f"{words} · {label(paper.line, 'policy_line')}" if paper.line else words


def counted(items: Sequence[RunItem]) -> str:
    """`12 policies · 1 endorsement · 4 cards`: how many papers of each kind."""
    counts = Counter(one.item.kind for one in items)
    words = {
        PaperKind.POLICY: lambda n: ngettext("%(num)s policy", "%(num)s policies", n),
        PaperKind.ENDORSEMENT: lambda n: ngettext("%(num)s endorsement", "%(num)s endorsements", n),
        PaperKind.RECEIPT: lambda n: ngettext("%(num)s receipt", "%(num)s receipts", n),
        PaperKind.CARD: lambda n: ngettext("%(num)s card", "%(num)s cards", n),
    }
    return " · ".join(words[kind](counts[kind]) for kind in PaperKind if counts[kind])


def run_sheet_pdf(view: RunView, address: str) -> bytes:
    """Print the sheet that a run is made with."""
    run = view.run
    return pdf.render(
        "delivery",
        {
            "lang": current_language(),
            "labels": _sheet_labels(),
            "document_title": run.number,
            "insurer_name": insurer_name(),
            "title": _("Delivery Sheet"),
            "number": run.number,
            "qr_svg": pdf.qr_svg(address),
            "scan_hint": _("Scan to record the hand-over"),
            "rows": [
                [_("Deliver to"), branch_name(view.branch), True],
                [_("Planned for"), run.planned_on.isoformat()],
                [_("Carried by"), run.carried_by],
                [_("Planned by"), f"{view.created_by.name} · {view.created_by.staff_no}"],
                [_("Desk's phone"), view.created_by.phone or "—"],
            ],
            "items": [
                {
                    "paper": label(one.item.kind, "paper_kind"),
                    "number": one.number or "—",
                    "plate": one.plate or "—",
                    "line": label(one.line, "policy_line"),
                }
                for one in view.items
            ],
            "summary": _("In all: %(papers)s", papers=counted(view.items)),
            "notices": [
                _(
                    "Check each paper against this list before signing; tell the carrier what is missing or wrong."
                ),
                _(
                    "Papers that are not accepted go back with the carrier, with the reason written beside them."
                ),
            ],
        },
    )


def _sheet_labels() -> dict[str, Any]:
    return {
        "page": _("Page {page} of {pages}"),
        "run_number": _("Run number"),
        "position": _("No."),
        "paper": _("Paper"),
        "number": _("Number"),
        "plate": _("Plate"),
        "line": _("Line"),
        "received": _("Received"),
        "signatures": [_("Received by (signature)"), _("Name and position"), _("Date and time")],
    }


def cards_pdf(cards: Sequence[Card], address_of: Callable[[str], str]) -> bytes:
    """Print certificate cards. `address_of` gives the page on which an accident of a plate is reported."""
    insurer = {"insurer_name": insurer_name(), "phone": insurer_phone()}
    return pdf.render(
        "card",
        {
            "lang": current_language(),
            "labels": {
                "title": _("Insurance Card"),
                "vin": _("VIN"),
                "cover": _("Cover"),
                "number": _("Policy number"),
                "term": _("From – to"),
            },
            "document_title": _("Insurance cards"),
            "cards": [{**insurer, **part} for card in cards for part in _card_parts(card, address_of)],
        },
        tagged=False,
    )


def _card_parts(card: Card, address_of: Callable[[str], str]) -> list[dict[str, Any]]:
    vehicle, rows = card.vehicle, list(card.policies)
    common = {
        "plate": vehicle.plate or _("pending"),
        "vin": vehicle.vin or "—",
        "detail": " · ".join(
            part
            for part in (branch_name(card.branch), vehicle.model, size_words(vehicle.seats, vehicle.load_kg))
            if part and part != "—"
        ),
        "note": _("After an accident: secure the scene, scan the code or call."),
        "qr_svg": pdf.qr_svg(address_of(vehicle.plate or vehicle.vin or "")),
        "scan_hint": _("Report an accident"),
    }
    return [
        {**common, "covers": [_card_cover(policy) for policy in rows[start : start + _COVERS_ON_A_CARD]]}
        for start in range(0, len(rows), _COVERS_ON_A_CARD)
    ]


def _card_cover(policy: Policy) -> dict[str, str]:
    first, last = local_date(policy.starts_at), last_covered_day(policy.ends_at)
    return {
        "name": label(policy.line, "policy_line"),
        "number": policy.number,
        "term": f"{first:%Y-%m-%d} – {last:%Y-%m-%d}",
    }


@dataclass(frozen=True)
class Standing:
    """Where a policy's paper is, as its page shows it."""

    found: Whereabouts
    words: str


def standing(found: Whereabouts | None) -> Standing | None:
    """Where a policy's paper is, in words; None when there is none to deliver."""
    if found is None:
        return None
    if found.delivered_at is not None:
        return Standing(found, _("Delivered on %(day)s", day=local_date(found.delivered_at).isoformat()))
    return Standing(found, label(found.state, "paper_standing"))
