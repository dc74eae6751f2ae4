"""The page of a claim's documents, and the one-time notice as a printed paper."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from service_desk.adapters import pdf
from service_desk.base.money import format_yuan
from service_desk.models.accounts import Branch
from service_desk.models.claim_papers import DocumentNotice, FileState, WantedFile
from service_desk.models.claims import Claim, WantedDocument, WantedState
from service_desk.models.documents import Document
from service_desk.models.users import User
from service_desk.presenters import times
from service_desk.presenters.claims import plate
from service_desk.presenters.insurer import insurer_name
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name, current_language
from service_desk.rules.claim_documents import RULE_OF

LINE_TONES = {WantedState.RECEIVED: "ok", WantedState.REJECTED: "bad", WantedState.WAIVED: "idle"}
FILE_TONES = {FileState.ACCEPTED: "ok", FileState.REJECTED: "bad"}


@dataclass(frozen=True)
class FileLine:
    """A file of a line: what it is called, how it stands, why it was sent back, and what it carries inside."""

    id: int
    document_id: int
    url: str
    name: str
    is_picture: bool
    state: FileState
    words: str
    tone: str
    reason: str
    enclosed: list[str]


@dataclass(frozen=True)
class PaperLine:
    """A line of the checklist as its page shows it. `hint`: who makes the paper out, and whether a copy will do."""

    code: str
    name: str
    hint: str
    state: WantedState
    words: str
    tone: str
    reason: str
    decided: str
    original: str
    needs_original: bool
    version: int
    files: list[FileLine]

    @property
    def is_missing(self) -> bool:
        return self.state in {WantedState.REQUIRED, WantedState.REJECTED}


def paper_line(
    row: WantedDocument, files: list[tuple[WantedFile, Document]], people: dict[int, User]
) -> PaperLine:
    """A line in words."""
    rule = RULE_OF[row.code]
    decider = people.get(row.decided_by_id) if row.decided_by_id else None
    return PaperLine(
        code=row.code,
        name=label(row.code, "document_code"),
        hint=line_hint(row.code),
        state=row.state,
        words=label(row.state, "wanted_state"),
        tone=LINE_TONES.get(row.state, "warn"),
        reason=row.reason,
        decided=f"{decider.name} · {times.minute(row.decided_at)}" if decider and row.decided_at else "",
        original=times.minute(row.original_at) if row.original_at else "",
        needs_original=rule.original,
        version=row.version,
        files=[_file_line(file, document) for file, document in files],
    )


def line_hint(code: str) -> str:
    """`original · from the hospital`, with from which estimate on where that matters."""
    rule = RULE_OF[code]
    parts = [_("original") if rule.original else _("copy or photo"), label(rule.issuer, "paper_issuer")]
    if rule.above_fen is not None:
        parts.append(_("above %(amount)s", amount=format_yuan(rule.above_fen, sign=True)))
    return " · ".join(parts)


def _file_line(file: WantedFile, document: Document) -> FileLine:
    return FileLine(
        id=file.id,
        document_id=document.id,
        url=url_for("documents.show", document_id=document.id),
        name=document.filename,
        is_picture=document.width is not None,
        state=file.state,
        words=label(file.state, "file_state"),
        tone=FILE_TONES.get(file.state, "idle"),
        reason=file.reason,
        enclosed=document.enclosed,
    )


def notice_title(notice: DocumentNotice) -> str:
    """What a notice is: the one-time notice, or a later demand with its number."""
    if notice.is_later_demand:
        return _("Later demand, notice %(number)s", number=notice.number)
    return _("One-time notice")


def notice_pdf(claim: Claim, branch: Branch, handler: User, notice: DocumentNotice, page_url: str) -> bytes:
    """Print a notice as it was sent, in the reader's language."""
    number = f"{claim.number}-N{notice.number}"
    return pdf.render(
        "sheet",
        {
            "lang": current_language(),
            "labels": {"page": _("Page {page} of {pages}"), "number": _("Notice no.")},
            "watermark": "",
            "insurer_name": insurer_name(),
            "document_title": f"{_notice_heading(notice)} {number}",
            "title": _notice_heading(notice),
            "number": number,
            "qr_svg": pdf.qr_svg(page_url),
            "scan_hint": _("Scan to send the documents"),
            "rows": _notice_rows(claim, branch, handler, notice),
            "paragraphs": _notice_words(claim, notice),
            "tables": [_notice_table(notice)],
            "notices": _notice_notes(),
            "signatures": [_("Seal of the insurer"), _("Received by the client, date")],
        },
    )


def _notice_heading(notice: DocumentNotice) -> str:
    if notice.is_later_demand:
        return _("Further request for claim documents")
    return _("One-time notice of missing claim documents")


def _notice_rows(claim: Claim, branch: Branch, handler: User, notice: DocumentNotice) -> list[list[Any]]:
    return [
        [_("Claim"), claim.number],
        [_("Plate"), plate(claim.plate)],
        [_("Branch"), branch_name(branch)],
        [_("Time of loss"), times.minute(claim.loss_at)],
        [_("Handler"), f"{handler.name} {handler.staff_no} {handler.phone}".strip()],
        [_("Sent"), times.minute(notice.at)],
    ]


def _notice_words(claim: Claim, notice: DocumentNotice) -> list[str]:
    words = [
        _(
            "For claim %(number)s we still need the documents listed below. By article 22 of the Insurance Law we "
            "tell you of all of them in this one notice.",
            number=claim.number,
        )
    ]
    if notice.reason:
        words.append(_("Reason for asking again: %(reason)s", reason=notice.reason))
    return words


def _notice_table(notice: DocumentNotice) -> dict[str, Any]:
    columns = [
        {"heading": _("No.")},
        {"heading": _("Document"), "wide": True},
        {"heading": _("Original or copy")},
        {"heading": _("Issued by")},
    ]
    rows = []
    for number, code in enumerate(notice.codes, 1):
        rule = RULE_OF[code]
        form = _("original") if rule.original else _("copy or photo")
        rows.append([str(number), label(code, "document_code"), form, label(rule.issuer, "paper_issuer")])
    return {"title": _("Missing documents"), "columns": columns, "rows": rows}


def _notice_notes() -> list[str]:
    return [
        _("Photograph each document at the address behind the code, or bring it to the desk."),
        _("Once all of them are complete, the terms of the law for our decision begin."),
    ]


@dataclass(frozen=True)
class NoticeLine:
    """A notice that was sent."""

    number: int
    title: str
    at: datetime
    by: str
    count: int
    reason: str
    is_later_demand: bool


def notice_line(notice: DocumentNotice, people: dict[int, User]) -> NoticeLine:
    """A notice in words."""
    return NoticeLine(
        number=notice.number,
        title=notice_title(notice),
        at=notice.at,
        by=people[notice.by_id].name if notice.by_id in people else "",
        count=len(notice.codes),
        reason=notice.reason,
        is_later_demand=notice.is_later_demand,
    )
