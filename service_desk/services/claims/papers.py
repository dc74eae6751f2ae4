"""The checklist of documents: made at the survey, told once, received, rejected or waived line by line."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Invalid, NotFound
from service_desk.models.claims import Claim, ClaimEvent, WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.users import User
from service_desk.rules.claim_documents import DOCUMENT_CODES, ClaimFeature, wanted_documents
from service_desk.rules.claim_flow import ClaimAction, ClaimState, ClockStep
from service_desk.rules.permissions import Side
from service_desk.services import audit, documents
from service_desk.services.claims.common import begin, matter_of, perform, require_reason
from service_desk.services.claims.people import tell_client
from service_desk.services.documents import Upload

MISSING = (WantedState.REQUIRED, WantedState.REJECTED)


@dataclass(frozen=True)
class ReceiveDocument:
    """Papers for lines of the checklist; a scan may hold several. No code: a paper that is none of its lines."""

    codes: tuple[str, ...]
    files: tuple[Upload, ...] = ()


@dataclass(frozen=True)
class JudgeDocument:
    code: str
    reason: str


def list_wanted(claim_id: int) -> list[WantedDocument]:
    """The checklist in its own order."""
    rows = db.session.scalars(select(WantedDocument).where(WantedDocument.claim_id == claim_id))
    return sorted(rows, key=lambda row: DOCUMENT_CODES.index(row.code))


def make_checklist(claim: Claim, features: Collection[ClaimFeature]) -> None:
    """Add the lines that the claim needs and does not have yet (a reopened claim keeps its own)."""
    known = {row.code for row in list_wanted(claim.id)}
    codes = wanted_documents(features, claim.reserve_fen, is_first_scene=bool(claim.is_first_scene))
    db.session.add_all(
        WantedDocument(claim_id=claim.id, code=code, state=WantedState.REQUIRED)
        for code in codes
        if code not in known
    )


def request_documents(
    number: str, reason: str, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Tell the client everything that is missing, in one notice (Insurance Law art. 22).

    Invalid `nothing_missing`; `second_notice` for another one without a reason.
    """
    claim, _ = begin(number, ClaimAction.REQUEST_DOCUMENTS, actor=actor, version=version)
    missing = [row.code for row in list_wanted(claim.id) if row.state in MISSING]
    if not missing:
        raise Invalid("nothing_missing")
    if claim.deficiency_notice_at is not None and not reason.strip():
        raise Invalid("second_notice", field="reason")
    count = _requests(claim) + 1
    before, claim.deficiency_notice_at = claim.deficiency_notice_at, now
    perform(
        claim,
        ClaimAction.REQUEST_DOCUMENTS,
        actor=actor,
        at=now,
        now=now,
        params={"codes": missing, "count": len(missing), "is_repeated": before is not None},
        note=reason.strip(),
    )
    params = {"codes": missing, "reason": reason.strip()}
    tell_client(claim, "documents_wanted", params, dedupe=str(count), now=now)
    changes = {"deficiency_notice_at": (before, now)}
    audit.record("claim_documents_requested", claim, actor=actor, now=now, changes=changes)
    return claim


def _requests(claim: Claim) -> int:
    statement = select(func.count(ClaimEvent.id)).where(
        ClaimEvent.claim_id == claim.id, ClaimEvent.action == ClaimAction.REQUEST_DOCUMENTS
    )
    return db.session.scalar(statement) or 0


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
    is_first = not any(row.state is WantedState.RECEIVED for row in list_wanted(claim.id))
    kept = [
        documents.store_paper(
            files, upload, DocumentKind.CLAIM_DOCUMENT, matter_of(claim), field="files", actor=actor, now=now
        ).id
        for upload in command.files
    ]
    for line in lines:
        line.document_ids = [*line.document_ids, *kept]
        _judge(line, WantedState.RECEIVED, "", actor, now)
    missing = sum(row.state in MISSING for row in list_wanted(claim.id))
    needs_notice = bool(lines) and is_first and missing > 0 and claim.deficiency_notice_at is None
    perform(
        claim,
        ClaimAction.RECEIVE_DOCUMENT,
        actor=actor,
        at=now,
        now=now,
        without=() if needs_notice else (ClockStep.DEFICIENCY_NOTICE, ClockStep.CTPL_DOCUMENT_LIST),
        params={"codes": list(command.codes), "files": len(kept), "missing": missing},
    )
    audit.record("claim_document_received", claim, actor=actor, now=now)
    return claim


def reject(
    number: str, command: JudgeDocument, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Send a received paper back, with the reason the client reads. Invalid when it has not come."""
    claim, _ = begin(number, ClaimAction.REJECT_DOCUMENT, actor=actor, version=version)
    line, reason = _line(claim, command.code), require_reason(command.reason)
    if line.state is not WantedState.RECEIVED:
        raise Invalid("document_not_received")
    _judge(line, WantedState.REJECTED, reason, actor, now)
    _note(claim, ClaimAction.REJECT_DOCUMENT, line.code, reason, actor, now)
    return claim


def waive(
    number: str, command: JudgeDocument, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Do without a missing paper, with a reason. Invalid when it is there or waived already."""
    claim, _ = begin(number, ClaimAction.WAIVE_DOCUMENT, actor=actor, version=version)
    line, reason = _line(claim, command.code), require_reason(command.reason)
    if line.state not in MISSING:
        raise Invalid("document_not_missing")
    _judge(line, WantedState.WAIVED, reason, actor, now)
    _note(claim, ClaimAction.WAIVE_DOCUMENT, line.code, reason, actor, now)
    return claim


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


def _judge(line: WantedDocument, state: WantedState, reason: str, actor: User, now: datetime) -> None:
    line.state, line.reason, line.decided_by_id, line.decided_at = state, reason, actor.id, now


def _note(claim: Claim, action: ClaimAction, code: str, reason: str, actor: User, now: datetime) -> None:
    perform(claim, action, actor=actor, at=now, now=now, params={"code": code}, note=reason)
    audit.record(f"claim_{action.value}", claim, actor=actor, now=now, changes={code: (None, reason)})
