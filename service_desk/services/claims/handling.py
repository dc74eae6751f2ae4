"""From dispatch to assessment: who goes there, when they arrived, what they found, what it costs."""

from dataclasses import dataclass
from datetime import datetime

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid
from service_desk.models.claims import Claim, Survey
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.users import User
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.claim_flow import ClaimAction
from service_desk.rules.claim_losses import LossItem
from service_desk.services import audit, documents, notices, sla
from service_desk.services.claims import assessing, checklists, parties, party_costs, reserves
from service_desk.services.claims.common import (
    begin,
    held_since,
    last_at,
    matter_of,
    perform,
    require_not_future,
    require_reason,
)
from service_desk.services.claims.people import basics, get_handler, tell_client
from service_desk.services.documents import Upload


@dataclass(frozen=True)
class Dispatch:
    surveyor_id: int
    note: str = ""


@dataclass(frozen=True)
class Assign:
    handler_id: int
    reason: str


@dataclass(frozen=True)
class Contact:
    """The surveyor's call back. `at` is when they spoke."""

    at: datetime
    spoken_with: str
    note: str = ""


@dataclass(frozen=True)
class SurveyRecord:
    """`arrived_at` is not used when the arrival was recorded before. `features` decide the checklist."""

    arrived_at: datetime | None
    is_first_scene: bool
    not_first_scene_reason: str
    findings: str
    estimate_fen: int
    features: frozenset[ClaimFeature]
    photos: tuple[Upload, ...] = ()


@dataclass(frozen=True)
class AssessmentRecord:
    method: str
    items: tuple[LossItem, ...]
    photos: tuple[Upload, ...] = ()


def dispatch(
    number: str, command: Dispatch, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Name the surveyor, who owns the claim from here on, and tell them and the client."""
    claim, _ = begin(number, ClaimAction.DISPATCH, actor=actor, version=version)
    surveyor = get_handler(claim, command.surveyor_id, field="surveyor_id")
    before, claim.owner_id = claim.owner_id, surveyor.id
    perform(
        claim,
        ClaimAction.DISPATCH,
        actor=actor,
        at=now,
        now=now,
        params={"name": surveyor.name, "staff_no": surveyor.staff_no},
        note=command.note.strip(),
    )
    _hand_clocks(claim, before, actor, now)
    _tell_assigned(claim, surveyor, actor, now)
    audit.record("claim_dispatched", claim, actor=actor, now=now, changes={"owner_id": (before, surveyor.id)})
    return claim


def assign(number: str, command: Assign, *, actor: User, now: datetime, version: int | None = None) -> Claim:
    """Give the claim to another handler, with a reason. Invalid when they have it already."""
    claim, _ = begin(number, ClaimAction.ASSIGN, actor=actor, version=version)
    reason = require_reason(command.reason)
    handler = get_handler(claim, command.handler_id, field="handler_id")
    if handler.id == claim.owner_id:
        raise Invalid("already_theirs", field="handler_id", name=handler.name)
    before, claim.owner_id = claim.owner_id, handler.id
    perform(
        claim,
        ClaimAction.ASSIGN,
        actor=actor,
        at=now,
        now=now,
        params={"name": handler.name, "staff_no": handler.staff_no},
        note=reason,
    )
    _hand_clocks(claim, before, actor, now)
    _tell_assigned(claim, handler, actor, now)
    audit.record("claim_assigned", claim, actor=actor, now=now, changes={"owner_id": (before, handler.id)})
    return claim


def _hand_clocks(claim: Claim, before_id: int, actor: User, now: datetime) -> None:
    """Move the clocks that go on. Called after the step has stopped its own: those stay with who held them."""
    if claim.owner_id != before_id:
        sla.hand_over(matter_of(claim), to_id=claim.owner_id, at=now, actor=actor, now=now)


def _tell_assigned(claim: Claim, handler: User, actor: User, now: datetime) -> None:
    dedupe = f"{handler.id}:{now.isoformat()}"
    tell_client(claim, "claim_assigned", {"to_handler": False}, dedupe=dedupe, now=now)
    if handler.id != actor.id:
        notices.queue(
            "claim_assigned",
            notices.user_recipient(handler),
            basics(claim) | {"to_handler": True},
            dedupe=f"claim_assigned:{claim.id}:{dedupe}",
            now=now,
            matter=matter_of(claim),
        )


def record_contact(
    number: str, command: Contact, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Record that the surveyor has called the person at the scene. Once a round."""
    claim, _ = begin(number, ClaimAction.CONTACT, actor=actor, version=version)
    require_not_future(command.at, field="at", now=now)
    _require_after_report(claim, command.at, field="at")
    if last_at(claim, "contact"):
        raise Conflict("contact_recorded")
    perform(
        claim,
        ClaimAction.CONTACT,
        actor=actor,
        at=command.at,
        now=now,
        stopped_at=max(command.at, held_since(claim)),
        params={"spoken_with": command.spoken_with.strip()},
        note=command.note.strip(),
    )
    audit.record("claim_contact_recorded", claim, actor=actor, now=now)
    return claim


def record_arrival(
    number: str, at: datetime, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Record that the surveyor has reached the scene, which stops the survey clock. Once a round."""
    claim, _ = begin(number, ClaimAction.ARRIVE, actor=actor, version=version)
    _require_arrival(claim, at, now)
    if claim.arrived_at is not None:
        raise Conflict("arrival_recorded")
    claim.arrived_at = at
    perform(claim, ClaimAction.ARRIVE, actor=actor, at=at, now=now, stopped_at=max(at, held_since(claim)))
    audit.record("claim_arrival_recorded", claim, actor=actor, now=now, changes={"arrived_at": (None, at)})
    return claim


def record_survey(
    number: str,
    command: SurveyRecord,
    *,
    actor: User,
    now: datetime,
    files: FileStore,
    version: int | None = None,
) -> Claim:
    """Record the survey: arrival, findings, photos, the first estimate; the checklist of papers is made from it."""
    claim, _ = begin(number, ClaimAction.SURVEY, actor=actor, version=version)
    documents.require_few(command.photos, field="photos")
    arrived_at = claim.arrived_at or command.arrived_at
    if arrived_at is None:
        raise Invalid("required", field="arrived_at")
    _require_arrival(claim, arrived_at, now)
    if not command.is_first_scene:
        require_reason(command.not_first_scene_reason, field="not_first_scene_reason")
    reserves.require_reserve(claim, command.estimate_fen, field="estimate")
    changes = audit.change(
        claim, arrived_at=arrived_at, surveyed_at=now, is_first_scene=command.is_first_scene
    )
    _keep_photos(files, claim, command.photos, DocumentKind.SURVEY_PHOTO, actor, now)
    db.session.add(_survey_row(claim, command, arrived_at, actor, now))
    _follow_first_estimate(claim, command.estimate_fen, actor, now)
    perform(
        claim,
        ClaimAction.SURVEY,
        actor=actor,
        at=now,
        now=now,
        stopped_at=max(arrived_at, held_since(claim)),
        params={
            "is_first_scene": command.is_first_scene,
            "photos": len(command.photos),
            "estimate_fen": command.estimate_fen,
            "reason": command.not_first_scene_reason.strip(),
        },
    )
    checklists.make_checklist(claim, command.features, actor=actor, now=now)
    audit.record("claim_surveyed", claim, actor=actor, now=now, changes=changes)
    return claim


def _follow_first_estimate(claim: Claim, estimate_fen: int, actor: User, now: datetime) -> None:
    """The surveyor's estimate is of the whole; what parties were estimated at before stays a part of it."""
    parties.begin_parties(claim, actor=actor, now=now)
    reserves.estimate(claim, estimate_fen, "survey", actor=actor, now=now)


def _survey_row(
    claim: Claim, command: SurveyRecord, arrived_at: datetime, actor: User, now: datetime
) -> Survey:
    reason = command.not_first_scene_reason.strip()
    return Survey(
        claim_id=claim.id,
        round=claim.round,
        surveyor_id=actor.id,
        arrived_at=arrived_at,
        recorded_at=now,
        is_first_scene=command.is_first_scene,
        findings=command.findings.strip() + (f"\n{reason}" if reason and not command.is_first_scene else ""),
        estimate_fen=command.estimate_fen,
    )


def record_assessment(
    number: str,
    command: AssessmentRecord,
    *,
    actor: User,
    now: datetime,
    files: FileStore,
    version: int | None = None,
) -> Claim:
    """Record what was agreed to be the damage, item by item; the reserve becomes their sum."""
    claim, _ = begin(number, ClaimAction.ASSESS, actor=actor, version=version)
    documents.require_few(command.photos, field="photos")
    if not command.items:
        raise Invalid("assessment_empty", field="items")
    if any(item.amount_fen <= 0 for item in command.items):
        raise Invalid("amount_not_positive", field="items")
    total_fen = sum(item.amount_fen for item in command.items)
    reserves.require_reserve(claim, total_fen, field="items")
    before = claim.reserve_fen
    items = party_costs.settle_items(claim, command.items, actor=actor, now=now)
    _keep_photos(files, claim, command.photos, DocumentKind.ASSESSMENT_PHOTO, actor, now)
    assessing.keep(claim, items, command.method.strip(), item="assessment", actor=actor, now=now)
    perform(
        claim,
        ClaimAction.ASSESS,
        actor=actor,
        at=now,
        now=now,
        params={"total_fen": total_fen, "items": len(command.items)},
        note=command.method.strip(),
    )
    changes = {"reserve_fen": (before, claim.reserve_fen)}
    audit.record("claim_assessed", claim, actor=actor, now=now, changes=changes)
    return claim


def _require_arrival(claim: Claim, at: datetime, now: datetime) -> None:
    require_not_future(at, field="arrived_at", now=now)
    _require_after_report(claim, at, field="arrived_at")


def _require_after_report(claim: Claim, at: datetime, *, field: str) -> None:
    # Times are typed to the minute: the minute of the report counts as after it.
    if at < claim.reported_at.replace(second=0, microsecond=0):
        raise Invalid("before_report", field=field)


def _keep_photos(
    files: FileStore, claim: Claim, photos: tuple[Upload, ...], kind: DocumentKind, actor: User, now: datetime
) -> None:
    matter = matter_of(claim)
    for photo in photos:
        documents.store_photo(files, photo, kind, matter, field="photos", actor=actor, now=now)
