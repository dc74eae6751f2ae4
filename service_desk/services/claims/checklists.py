"""The checklist of a claim: made from what the claim is about, changed with it, and the clocks that wait for it."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Invalid
from service_desk.models.claim_papers import ClaimChecklist, WantedFile
from service_desk.models.claims import Claim, WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.users import User
from service_desk.rules.claim_documents import (
    DOCUMENT_CODES,
    RULE_OF,
    ClaimFeature,
    features_of,
    wanted_documents,
)
from service_desk.rules.claim_flow import ClaimAction, ClaimState
from service_desk.rules.sla import PauseReason
from service_desk.services import audit, sla
from service_desk.services.claims.common import begin, log_event, matter_of, require_reason

MISSING = (WantedState.REQUIRED, WantedState.REJECTED)
_COLLECTING = frozenset({ClaimState.SURVEYED, ClaimState.ASSESSED})


def list_wanted(claim_id: int) -> list[WantedDocument]:
    """The checklist in its own order."""
    rows = db.session.scalars(select(WantedDocument).where(WantedDocument.claim_id == claim_id))
    return sorted(rows, key=lambda row: DOCUMENT_CODES.index(row.code))


def list_files(claim_id: int) -> dict[int, list[tuple[WantedFile, Document]]]:
    """The files that came, by the id of their line, in the order they came."""
    statement = (
        select(WantedFile, Document)
        .join(Document, Document.id == WantedFile.document_id)
        .join(WantedDocument, WantedDocument.id == WantedFile.wanted_id)
        .where(WantedDocument.claim_id == claim_id)
    )
    found: dict[int, list[tuple[WantedFile, Document]]] = defaultdict(list)
    for file, document in db.session.execute(statement.order_by(WantedFile.id)).tuples():
        found[file.wanted_id].append((file, document))
    return found


def make_checklist(
    claim: Claim, features: Collection[ClaimFeature], *, actor: User, now: datetime
) -> list[str]:
    """Add the lines that the claim needs and does not have yet (a reopened claim keeps its own); their codes.

    The features are kept, so that they can be changed later.
    """
    known = {row.code for row in list_wanted(claim.id)}
    _keep_features(claim, features, actor, now)
    codes = wanted_documents(features, claim.reserve_fen, is_first_scene=bool(claim.is_first_scene))
    added = [code for code in codes if code not in known]
    db.session.add_all(
        WantedDocument(claim_id=claim.id, code=code, state=WantedState.REQUIRED) for code in added
    )
    db.session.flush()
    return added


def add_by_amount(claim: Claim) -> None:
    """Add the lines that are wanted only above an amount, once the estimate has come there."""
    if claim.state not in _COLLECTING:
        return
    known = {row.code for row in list_wanted(claim.id)}
    wanted = wanted_documents(
        features_of_claim(claim.id), claim.reserve_fen, is_first_scene=bool(claim.is_first_scene)
    )
    db.session.add_all(
        WantedDocument(claim_id=claim.id, code=code, state=WantedState.REQUIRED)
        for code in wanted
        if code not in known and RULE_OF[code].above_fen is not None
    )
    db.session.flush()


def features_of_claim(claim_id: int) -> frozenset[ClaimFeature]:
    """What the checklist is made from; read off its lines where it was made before features were kept."""
    kept = db.session.scalar(select(ClaimChecklist.features).where(ClaimChecklist.claim_id == claim_id))
    if kept is not None:
        return frozenset(ClaimFeature(code) for code in kept)
    codes = [row.code for row in list_wanted(claim_id)]
    return features_of(codes) if codes else frozenset()


def _keep_features(claim: Claim, features: Collection[ClaimFeature], actor: User, now: datetime) -> None:
    found = db.session.scalar(select(ClaimChecklist).where(ClaimChecklist.claim_id == claim.id))
    kept = sorted(feature.value for feature in features)
    if found is None:
        found = ClaimChecklist(claim_id=claim.id)
        db.session.add(found)
    found.features, found.changed_at, found.changed_by_id = kept, now, actor.id


def change_features(
    number: str, features: Collection[ClaimFeature], reason: str, *, actor: User, now: datetime
) -> Claim:
    """Say anew what the claim is about: lines are added, lines wanted no more go unless something came for them.

    Invalid: `features_unchanged`, no reason.
    """
    claim, _ = begin(number, ClaimAction.REQUEST_DOCUMENTS, actor=actor)
    note, before = require_reason(reason), features_of_claim(claim.id)
    if before == frozenset(features):
        raise Invalid("features_unchanged", field="features")
    added = make_checklist(claim, features, actor=actor, now=now)
    removed = _drop_needless(claim, features, note, actor, now)
    log_event(
        claim,
        "checklist_changed",
        actor=actor,
        at=now,
        now=now,
        params={"added": added, "removed": removed},
        note=note,
    )
    listed = (sorted(before), sorted(features))
    audit.record("claim_checklist_changed", claim, actor=actor, now=now, changes={"features": listed})
    run_on(claim, actor=actor, now=now)
    return claim


def _drop_needless(
    claim: Claim, features: Collection[ClaimFeature], reason: str, actor: User, now: datetime
) -> list[str]:
    """Take out what is missing and wanted no more. A line with files that were sent back is waived, and keeps them."""
    wanted = wanted_documents(features, claim.reserve_fen, is_first_scene=bool(claim.is_first_scene))
    needless = [row for row in list_wanted(claim.id) if row.code not in wanted and row.state in MISSING]
    for row in needless:
        if row.document_ids:
            judge_line(row, WantedState.WAIVED, reason[:200], actor, now)
        else:
            db.session.delete(row)
    db.session.flush()
    return [row.code for row in needless]


def judge_line(line: WantedDocument, state: WantedState, reason: str, actor: User, now: datetime) -> None:
    """Say of a line how it stands, who says so and why."""
    line.state, line.reason, line.decided_by_id, line.decided_at = state, reason, actor.id, now


def run_on(claim: Claim, *, actor: User, now: datetime) -> None:
    """Let the clocks run on that stood for the client's documents, once none is missing any more."""
    if not any(row.state in MISSING for row in list_wanted(claim.id)):
        sla.resume_waiting(
            matter_of(claim), PauseReason.WAITING_FOR_CLIENT_DOCUMENTS, at=now, actor=actor, now=now
        )
