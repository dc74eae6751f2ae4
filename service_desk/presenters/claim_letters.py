"""The letters that end a claim, from what was frozen with them to print, in both languages."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from service_desk.adapters import pdf
from service_desk.base.money import format_yuan
from service_desk.presenters.claims import plate
from service_desk.presenters.insurer import insurer_name
from service_desk.presenters.labels import label
from service_desk.presenters.languages import LANGUAGE_NAMES, current_language, in_language, named
from service_desk.presenters.times import minute
from service_desk.rules.claim_letters import REFUSAL_CLAUSES, Clause, ClauseSource, LetterKind, clauses_for

_CLAUSES = {clause.code.value: clause for clause in REFUSAL_CLAUSES}


def print_letter(content: Mapping[str, Any]) -> dict[str, bytes]:
    """A letter as PDF in every language of the desk, by its code."""
    printed = {}
    for language in LANGUAGE_NAMES:
        with in_language(language):
            printed[language] = pdf.render("sheet", _sheet(content))
    return printed


def clause_words(code: str) -> str:
    """A clause as it is chosen and printed: where it stands, its article, what it says."""
    clause = _CLAUSES[code]
    return f"{_place(clause)}: {label(code, 'refusal_clause')}"


def clause_choices(covers: Collection[str]) -> list[tuple[str, str]]:
    """The clauses to choose from for a claim with these covers, in the order of statutes and policies."""
    return [(clause.code.value, clause_words(clause.code.value)) for clause in clauses_for(covers)]


def _place(clause: Clause) -> str:
    where = label(clause.source, "clause_source")
    if not clause.article:
        return where
    if clause.source is ClauseSource.CTPL:
        return _("CTPL Regulation, art. %(number)s", number=clause.article)
    return _("%(statute)s, art. %(number)s", statute=where, number=clause.article)


def _sheet(content: Mapping[str, Any]) -> dict[str, Any]:
    kind = LetterKind(content["kind"])
    return {
        "lang": current_language(),
        "labels": {"page": _("Page {page} of {pages}"), "number": _("Claim")},
        "document_title": f"{label(kind, 'letter_title')} {content['number']}",
        "insurer_name": insurer_name(),
        "title": label(kind, "letter_title"),
        "number": content["number"],
        "rows": _rows(content),
        "paragraphs": [_("To %(name)s:", name=_addressee(content)), *_paragraphs(kind, content)],
        "tables": _tables(kind, content),
        "notices": _notices(kind, content),
        "signatures": [
            _("For the insurer: %(name)s", name=" ".join(content["signed_by"])),
            _("Signed for by"),
        ],
    }


def _addressee(content: Mapping[str, Any]) -> str:
    """Whoever was typed; the key account itself by its name in the letter's language."""
    name, name_en = content["account"]
    return named(name, name_en) if content["addressee"] == name else content["addressee"]


def _rows(content: Mapping[str, Any]) -> list[list[Any]]:
    return [
        [_("Policyholder"), named(*content["account"])],
        [_("Branch"), named(*content["branch"])],
        [_("Plate"), plate(content["plate"])],
        [_("Time of loss"), _minute(content["loss_at"])],
        [_("Reported"), _minute(content["reported_at"])],
        [_("Decided on"), _minute(content["decided_at"])],
        [_("Signed on"), _minute(content["written_at"]), True],
        [_("Place"), content["place"], True],
        [_("Story"), content["story"], True],
    ]


def _minute(text: str) -> str:
    return minute(datetime.fromisoformat(text))


def _paragraphs(kind: LetterKind, content: Mapping[str, Any]) -> list[str]:
    if kind is LetterKind.REFUSAL:
        lines = [
            _(
                "We have examined this claim (Insurance Law, articles 23 and 24). The loss is not covered, and we cannot pay it."
            ),
            _("Reason of the refusal: %(reason)s", reason=content["reason"]),
        ]
        if content["facts"]:
            lines.append(_("Facts found: %(facts)s", facts=content["facts"]))
        return lines
    if kind is LetterKind.WITHDRAWAL:
        lines = [_withdrawn(content)]
        if content["reason"]:
            lines.append(_("Reason given: %(reason)s", reason=content["reason"]))
        return [*lines, *_facts(content)]
    words = _(
        "The loss was calculated by the policy and nothing is due from us. The claim is closed without a payment."
    )
    if content["calculation_version"]:
        words += " " + _(
            "Every step stands in version %(number)s of the settlement sheet.",
            number=content["calculation_version"],
        )
    return [words, *_facts(content)]


def _withdrawn(content: Mapping[str, Any]) -> str:
    # Letters written before rounds could be taken back alone say nothing of them.
    if not content.get("paid_fen"):
        return _(
            "At your wish this claim was withdrawn. Nothing is paid on it, and it is no longer worked on."
        )
    return _(
        "At your wish round %(round)s of this claim, which had been reopened, was withdrawn and is no longer worked on. The earlier payment of %(amount)s stands; nothing more is paid, and the claim is closed as it was before.",
        round=content["round"],
        amount=format_yuan(content["paid_fen"], sign=True),
    )


def _facts(content: Mapping[str, Any]) -> list[str]:
    return [_("Remarks: %(facts)s", facts=content["facts"])] if content["facts"] else []


def _tables(kind: LetterKind, content: Mapping[str, Any]) -> list[dict[str, Any]]:
    if kind is not LetterKind.REFUSAL:
        return []
    rows = [[_place(_CLAUSES[code]), label(code, "refusal_clause")] for code in content["clauses"]]
    if content["clause_text"]:
        rows.append([_("As in your policy"), content["clause_text"]])
    return [
        {
            "title": _("Clauses this stands on"),
            "columns": [{"heading": _("Stands in")}, {"heading": _("Clause"), "wide": True}],
            "rows": rows,
        }
    ]


def _notices(kind: LetterKind, content: Mapping[str, Any]) -> list[str]:
    name, staff_no, phone = content["handler"]
    handler = " · ".join(part for part in (name, staff_no, phone) if part)
    if kind is LetterKind.REFUSAL:
        return [
            _(
                "You may object: tell the handler (%(handler)s) or the service desk in writing what you hold against it and send what proves it. The claim is then examined again.",
                handler=handler,
            ),
            _(
                "You may also complain to the supervisory authority (telephone %(phone)s), ask for mediation, or go to arbitration or to court as the policy says. The right to claim lapses two years after the accident became known (Insurance Law, article 26).",
                phone=content["supervision_phone"],
            ),
        ]
    return [
        _(
            "If you do not agree, tell the handler (%(handler)s). The claim can be reopened under its number.",
            handler=handler,
        ),
        _("The supervisory authority takes complaints under %(phone)s.", phone=content["supervision_phone"]),
    ]
