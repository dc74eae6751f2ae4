"""The paper of an endorsement (批单) as data for its printed template, in the reader's language."""

from flask_babel import gettext as _

from service_desk.adapters import pdf
from service_desk.base.clock import CHINA, start_of_day
from service_desk.base.money import capitals, format_yuan
from service_desk.models.policies import EndorsementKind
from service_desk.presenters.endorsements import change_rows, is_priced, price_words, working_rows
from service_desk.presenters.insurer import insurer_name
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, current_language, named
from service_desk.presenters.pdf_documents import term_sentence
from service_desk.presenters.policies import vehicle_words
from service_desk.presenters.times import minute
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies.endorsements import EndorsementView
from service_desk.services.policies.endorsing import CLOSING_KINDS


def endorsement_pdf(view: EndorsementView, address: str) -> bytes:
    """Print an endorsement. `address` is that of its page, for the QR code."""
    endorsement = view.endorsement
    fen = abs(endorsement.premium_fen)
    return pdf.render(
        "endorsement",
        {
            "lang": current_language(),
            "labels": _labels(),
            "document_title": endorsement.number,
            "insurer_name": insurer_name(),
            "title": _title(endorsement.kind),
            "subtitle": label(endorsement.kind, "endorsement_kind"),
            "number": endorsement.number,
            "qr_svg": pdf.qr_svg(address),
            "scan_hint": _("Scan to open the endorsement"),
            "blocks": [
                {"title": _("Policy"), "rows": _policy_rows(view)},
                {"title": _("Insured vehicle"), "rows": [list(row) for row in vehicle_words(view.insured)]},
            ],
            "effective": _("From %(moment)s", moment=_effective(view)),
            "changes": [
                {"name": row.name, "before": row.before, "after": row.after}
                for row in change_rows(endorsement.before, endorsement.after, view.branches)
            ],
            "working": [vars(row) for row in working_rows(endorsement.working)],
            "sum_label": _sum_label(endorsement.premium_fen),
            "sum_figures": format_yuan(fen, sign=True),
            "sum_capitals": capitals(fen),
            "extra_rows": _extra_rows(view),
            "notices": _notices(view),
            "issued_on": f"{endorsement.created_at.astimezone(CHINA):%Y-%m-%d %H:%M}",
            "issued_by": f"{view.created_by.name} · {view.created_by.staff_no}",
        },
    )


def _title(kind: EndorsementKind) -> str:
    return _("Cancellation Endorsement") if kind in CLOSING_KINDS else _("Endorsement")


def _labels() -> dict[str, str]:
    return {
        "page": _("Page {page} of {pages}"),
        "endorsement_number": _("Endorsement number"),
        "effective": _("Takes effect"),
        "changes": _("What is changed"),
        "subject": _("Subject"),
        "before": _("So far"),
        "after": _("From now on"),
        "working": _("How the premium comes about"),
        "step": _("Step"),
        "formula": _("How"),
        "amount": _("Result"),
        "clause": _("Rule"),
        "in_words": _("In words"),
        "clause_notice": _("Important"),
        "issued_on": _("Issued on"),
        "issued_by": _("Issued by"),
        "seal": _("Seal of the insurer"),
    }


def _policy_rows(view: EndorsementView) -> list[list[str | bool]]:
    policy = view.policy
    return [
        [_("Policy number"), policy.number],
        [_("Line"), label(policy.line, "policy_line")],
        [_("Insured"), policy.insured_name, True],
        [_("Policyholder"), named(view.account.name, view.account.name_en)],
        [_("Used by"), branch_name(view.branch)],
        [_("Policy period"), term_sentence(view.term), True],
    ]


def _effective(view: EndorsementView) -> str:
    at = view.endorsement.effective_at
    local = at.astimezone(CHINA)
    return minute(at) if at != start_of_day(local.date()) else f"{local:%Y-%m-%d} 00:00"


def _sum_label(fen: int) -> str:
    if fen < 0:
        return _("Premium given back")
    return _("Additional premium") if fen else _("Premium")


def _extra_rows(view: EndorsementView) -> list[list[str | bool]]:
    rows: list[list[str | bool]] = [[_("Reason"), view.endorsement.reason, True]]
    if is_priced(view.endorsement):
        rows.append([_("Price line"), price_words(view), True])
    rows += [[_("Due on"), row.due_on.isoformat()] for row in view.receivables]
    if view.refunds:
        rows.append(
            [
                _("To be paid out"),
                format_yuan(sum(row.amount_fen for row in view.refunds), sign=True),
            ]
        )
    return rows


def _notices(view: EndorsementView) -> list[str]:
    if view.endorsement.kind not in CLOSING_KINDS:
        return [
            _("This endorsement is part of the policy; all that it does not change stays as agreed."),
            _("Keep it with the policy."),
        ]
    notices = [_("Cover ends at the time stated above; the insurer answers for losses up to then.")]
    if view.policy.line is PolicyLine.CTPL:
        notices.append(_("Vehicle tax collected with the policy is not returned."))
        notices.append(_("Return the policy and the sign of insurance to the insurer."))
    return notices
