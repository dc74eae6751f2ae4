"""The papers of a claim: told once what is missing, received, and each rejected or waived with a reason."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.models.claim_papers import DocumentNotice, FileState, WantedFile
from service_desk.models.claims import Claim, WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClaimState, ClockStep
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit, documents
from service_desk.services.claims.checklists import MISSING, judge_line, list_wanted, run_on
from service_desk.services.claims.common import (
    begin,
    last_at,
    log_event,
    matter_of,
    perform,
    require_reason,
)
from service_desk.services.claims.people import tell_client
from service_desk.services.documents import Upload

MAX_LINE_FILES = 40

__all__ = [
    "MAX_LINE_FILES",
    "MISSING",
    "JudgeDocument",
    "JudgeFile",
    "LaterDemand",
    "ReceiveDocument",
    "complete",
    "judge_file",
    "list_later_demands",
    "list_notices",
    "list_wanted",
    "receive",
    "reject",
    "request_documents",
    "see_original",
    "waive",
]


@dataclass(frozen=True)
class ReceiveDocument:
    """Papers for lines of the checklist; a scan may hold several. No code: a paper that is none of its lines."""

    codes: tuple[str, ...]
    files: tuple[Upload, ...] = ()


@dataclass(frozen=True)
class JudgeDocument:
    """`line_version` is the line's as the page showed it; None where the page showed none."""

    code: str
    reason: str
    line_version: int | None = None


@dataclass(frozen=True)
class JudgeFile:
    """One file of a line, good or not; a refusal says why."""

    file_id: int
    is_accepted: bool
    reason: str
    line_version: int


def request_documents(
    number: str, reason: str, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Tell the client everything that is missing, in one notice (Insurance Law art. 22).

    Another one in the same round is a later demand, which needs a reason and is counted against the desk.
    Invalid `nothing_missing`; `second_notice` for another one without a reason.
    """
    claim, _ = begin(number, ClaimAction.REQUEST_DOCUMENTS, actor=actor, version=version)
    missing = [row.code for row in list_wanted(claim.id) if row.state in MISSING]
    if not missing:
        raise Invalid("nothing_missing")
    if claim.deficiency_notice_at is not None and not reason.strip():
        raise Invalid("second_notice", field="reason")
    before, claim.deficiency_notice_at = claim.deficiency_notice_at, now
    notice = _notice(claim, missing, reason.strip(), before is not None, actor, now)
    perform(
        claim,
        ClaimAction.REQUEST_DOCUMENTS,
        actor=actor,
        at=now,
        now=now,
        params={"codes": missing, "count": len(missing), "is_repeated": notice.is_later_demand},
        note=reason.strip(),
    )
    params = {"codes": missing, "reason": reason.strip()}
    tell_client(claim, "documents_wanted", params, dedupe=str(notice.number), now=now)
    changes = {"deficiency_notice_at": (before, now)}
    audit.record("claim_documents_requested", claim, actor=actor, now=now, changes=changes)
    return claim


def _notice(
    claim: Claim, codes: list[str], reason: str, is_later_demand: bool, actor: User, now: datetime
) -> DocumentNotice:
    notice = DocumentNotice(
        claim_id=claim.id,
        round=claim.round,
        number=len(list_notices(claim.id)) + 1,
        is_later_demand=is_later_demand,
        at=now,
        by_id=actor.id,
        codes=codes,
        reason=reason,
    )
    db.session.add(notice)
    db.session.flush()
    return notice


def list_notices(claim_id: int) -> list[DocumentNotice]:
    """The notices of what is missing, in the order they were sent."""
    statement = select(DocumentNotice).where(DocumentNotice.claim_id == claim_id)
    return list(db.session.scalars(statement.order_by(DocumentNotice.number)))


@dataclass(frozen=True)
class LaterDemand:
    """A notice after the one-time notice, on whose claim, and by whom."""

    notice: DocumentNotice
    claim: Claim
    by: User


def list_later_demands(account_id: int, page: PageRequest, *, actor: User) -> Page[LaterDemand]:
    """What was asked of the client a second time (against Insurance Law art. 22), newest first.

    For managers: Forbidden for others.
    """
    access.require(actor, Action.READ_DASHBOARD)
    statement = (
        select(DocumentNotice, Claim, User)
        .join(Claim, Claim.id == DocumentNotice.claim_id)
        .join(User, User.id == DocumentNotice.by_id)
        .where(Claim.account_id == account_id, DocumentNotice.is_later_demand)
    )
    wanted = access.visible(actor, Action.READ_CLAIMS, statement, Claim)
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    ordered = wanted.order_by(DocumentNotice.at.desc(), DocumentNotice.id.desc())
    rows = db.session.execute(ordered.limit(page.size).offset(page.offset)).tuples()
    return Page([LaterDemand(*row) for row in rows], total, page.number, page.size)


def receive(
    number: str,
    command: ReceiveDocument,
    *,
    actor: User,
    now: datetime,
    files: FileStore,
    version: int | None = None,
) -> Claim:
    """Take papers in, from either side. The client sends files; staff may also tick off what lies on the desk.

    The clocks of the list of what is missing start with the first paper that leaves something missing.
    """
    claim, _ = begin(number, ClaimAction.RECEIVE_DOCUMENT, actor=actor, version=version)
    documents.require_few(command.files, field="files")
    lines = [_line(claim, code) for code in command.codes]
    if not command.files and (not lines or actor.side is Side.CLIENT):
        raise Invalid("paper_missing", field="files")
    if any(len(line.document_ids) + len(command.files) > MAX_LINE_FILES for line in lines):
        raise Invalid("line_full", field="files", most=MAX_LINE_FILES)
    kept = [
        documents.store_paper(
            files, upload, DocumentKind.CLAIM_DOCUMENT, matter_of(claim), field="files", actor=actor, now=now
        ).id
        for upload in command.files
    ]
    _receive(claim, lines, kept, actor, now)
    audit.record("claim_document_received", claim, actor=actor, now=now)
    return claim


def _receive(
    claim: Claim, lines: list[WantedDocument], document_ids: list[int], actor: User, now: datetime
) -> None:
    """Take papers in for lines: the clocks that start with the first of them, and those that waited for the last."""
    # Papers of an earlier round lie here from the beginning; this one's first starts the clocks again.
    since = last_at(claim, "reopen") or claim.reported_at
    is_first = not any(
        row.state is WantedState.RECEIVED and (row.decided_at or since) >= since
        for row in list_wanted(claim.id)
    )
    for line in lines:
        _take_in(line, document_ids, actor, now)
    missing = sum(row.state in MISSING for row in list_wanted(claim.id))
    needs_notice = bool(lines) and is_first and missing > 0 and claim.deficiency_notice_at is None
    codes = [line.code for line in lines]
    perform(
        claim,
        ClaimAction.RECEIVE_DOCUMENT,
        actor=actor,
        at=now,
        now=now,
        without=() if needs_notice else (ClockStep.DEFICIENCY_NOTICE, ClockStep.CTPL_DOCUMENT_LIST),
        params={"codes": codes, "files": len(document_ids), "missing": missing},
    )
    run_on(claim, actor=actor, now=now)


def _take_in(line: WantedDocument, document_ids: list[int], actor: User, now: datetime) -> None:
    """Add files to a line; without a file it is the paper itself that lies on the desk."""
    line.document_ids = [*line.document_ids, *document_ids]
    db.session.add_all(
        WantedFile(wanted_id=line.id, document_id=number, state=FileState.RECEIVED) for number in document_ids
    )
    if not document_ids:
        line.original_at = now
    judge_line(line, WantedState.RECEIVED, "", actor, now)


def see_original(number: str, code: str, *, actor: User, now: datetime) -> Claim:
    """Tick off that the paper itself has come. Forbidden for the client. Conflict when it was ticked off before."""
    claim, _ = begin(number, ClaimAction.RECEIVE_DOCUMENT, actor=actor)
    access.require(actor, Action.HANDLE_CLAIMS)
    line = _line(claim, code)
    if line.original_at is not None:
        raise Conflict("stale")
    if line.state is WantedState.RECEIVED:
        line.original_at = now
        _tell(claim, "original_seen", code, actor, now)
    else:
        _receive(claim, [line], [], actor, now)
    audit.record("claim_original_seen", claim, actor=actor, now=now, changes={code: (None, now)})
    return claim


def judge_file(number: str, command: JudgeFile, *, actor: User, now: datetime) -> Claim:
    """Accept one file of a line or send it back with the reason the client reads.

    The line is rejected once nothing of it holds. Conflict `stale` when somebody judged the line meanwhile.
    """
    claim, _ = begin(number, ClaimAction.REJECT_DOCUMENT, actor=actor)
    file = db.session.scalar(
        select(WantedFile)
        .join(WantedDocument, WantedDocument.id == WantedFile.wanted_id)
        .where(WantedFile.id == command.file_id, WantedDocument.claim_id == claim.id)
    )
    if file is None:
        raise NotFound("not_found")
    line = db.session.get_one(WantedDocument, file.wanted_id)
    _require_seen(line, command.line_version)
    reason = "" if command.is_accepted else require_reason(command.reason)[:200]
    if line.state is WantedState.WAIVED or file.state is FileState.REJECTED:
        raise Invalid("document_not_received")
    file.state = FileState.ACCEPTED if command.is_accepted else FileState.REJECTED
    file.reason, file.decided_by_id, file.decided_at = reason, actor.id, now
    db.session.flush()
    if command.is_accepted:
        judge_line(line, WantedState.RECEIVED, "", actor, now)
        _tell(claim, "file_accepted", line.code, actor, now)
        audit.record("claim_file_accepted", claim, actor=actor, now=now, changes={line.code: (None, "")})
        return claim
    _after_refusal(claim, line, reason, actor, now)
    return claim


def _after_refusal(claim: Claim, line: WantedDocument, reason: str, actor: User, now: datetime) -> None:
    """Where another file or the paper itself holds, the line stays received; the client is told either way."""
    left = select(WantedFile.id).where(
        WantedFile.wanted_id == line.id, WantedFile.state != FileState.REJECTED
    )
    holds = line.original_at is not None or db.session.scalar(left.limit(1)) is not None
    judge_line(
        line, WantedState.RECEIVED if holds else WantedState.REJECTED, "" if holds else reason, actor, now
    )
    _note(claim, ClaimAction.REJECT_DOCUMENT, line.code, reason, actor, now)


def reject(
    number: str, command: JudgeDocument, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Send a received paper back with all its files, with the reason the client reads. Invalid when it has not come."""
    claim, _ = begin(number, ClaimAction.REJECT_DOCUMENT, actor=actor, version=version)
    line, reason = _line(claim, command.code), require_reason(command.reason)
    _require_seen(line, command.line_version)
    if line.state is not WantedState.RECEIVED:
        raise Invalid("document_not_received")
    standing = select(WantedFile).where(
        WantedFile.wanted_id == line.id, WantedFile.state != FileState.REJECTED
    )
    for file in db.session.scalars(standing):
        file.state, file.reason, file.decided_by_id, file.decided_at = (
            FileState.REJECTED,
            reason[:200],
            actor.id,
            now,
        )
    line.original_at = None
    judge_line(line, WantedState.REJECTED, reason, actor, now)
    _note(claim, ClaimAction.REJECT_DOCUMENT, line.code, reason, actor, now)
    return claim


def waive(
    number: str, command: JudgeDocument, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Do without a missing paper, with a reason. Invalid when it is there or waived already."""
    claim, _ = begin(number, ClaimAction.WAIVE_DOCUMENT, actor=actor, version=version)
    line, reason = _line(claim, command.code), require_reason(command.reason)
    _require_seen(line, command.line_version)
    if line.state not in MISSING:
        raise Invalid("document_not_missing")
    judge_line(line, WantedState.WAIVED, reason, actor, now)
    _note(claim, ClaimAction.WAIVE_DOCUMENT, line.code, reason, actor, now)
    run_on(claim, actor=actor, now=now)
    return claim


def _require_seen(line: WantedDocument, version: int | None) -> None:
    """Of two who judge one line at once the second sees first what the other said."""
    if version is not None and version != line.version:
        raise Conflict("stale")


def complete(number: str, *, actor: User, now: datetime, version: int | None = None) -> Claim:
    """State that nothing is missing: the clocks of calculation and decision start. Invalid while lines are open."""
    claim, _ = begin(number, ClaimAction.COMPLETE_DOCUMENTS, actor=actor, version=version)
    missing = sum(row.state in MISSING for row in list_wanted(claim.id))
    if missing:
        raise Invalid("documents_missing", count=missing)
    perform(claim, ClaimAction.COMPLETE_DOCUMENTS, actor=actor, at=now, now=now)
    changes = {"state": (ClaimState.ASSESSED, claim.state)}
    audit.record("claim_documents_complete", claim, actor=actor, now=now, changes=changes)
    return claim


def _line(claim: Claim, code: str) -> WantedDocument:
    """A line of this claim's checklist; NotFound for another code."""
    found = db.session.scalar(
        select(WantedDocument).where(WantedDocument.claim_id == claim.id, WantedDocument.code == code)
    )
    if found is None:
        raise NotFound("not_found")
    return found


def _tell(claim: Claim, kind: str, code: str, actor: User, now: datetime) -> None:
    log_event(claim, kind, actor=actor, at=now, now=now, params={"code": code})


def _note(claim: Claim, action: ClaimAction, code: str, reason: str, actor: User, now: datetime) -> None:
    perform(claim, action, actor=actor, at=now, now=now, params={"code": code}, note=reason)
    audit.record(f"claim_{action.value}", claim, actor=actor, now=now, changes={code: (None, reason)})
