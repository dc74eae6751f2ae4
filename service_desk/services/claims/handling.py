"""From dispatch to assessment: who goes there, when they arrived, what they found, what it costs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid
from service_desk.models.claim_intake import Arrival
from service_desk.models.claims import Claim, Survey
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.enquiries import MatterKind
from service_desk.models.users import User
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.claim_flow import ClaimAction
from service_desk.rules.claim_losses import LossItem
from service_desk.rules.claim_photos import Position, distance_m
from service_desk.services import audit, documents, enquiries, notices, sla
from service_desk.services.claims import assessing, checklists, parties, party_costs, reserves
from service_desk.services.claims.common import (
    MATTER_KIND,
    begin,
    held_since,
    last_at,
    matter_of,
    perform,
    require_not_future,
    require_reason,
)
from service_desk.services.claims.people import basics, get_handler, tell_client
from service_desk.services.claims.places import position_of
from service_desk.services.documents import Upload

# A form that says "now" is sent a moment after it was opened.
_PRESENT = timedelta(minutes=2)


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
class ArrivalRecord:
    """The surveyor at the scene: now, by the server's clock, unless `at` says another time, which needs a reason.

    `position` is the phone's; None when it gave none, which stops nobody.
    """

    at: datetime | None = None
    reason: str = ""
    position: Position | None = None


@dataclass(frozen=True)
class SurveyRecord:
    """`arrived_at` (with its reason) is not used when the arrival was recorded before; None then means now.

    `features` decide the checklist. Findings may stay empty where a sketch tells them.
    """

    arrived_at: datetime | None
    is_first_scene: bool
    not_first_scene_reason: str
    findings: str
    estimate_fen: int
    features: frozenset[ClaimFeature]
    photos: tuple[Upload, ...] = ()
    arrival_reason: str = ""


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
        enquiries.take_back_former(MatterKind.CLAIM, claim.id, claim.owner_id, now=now)


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
    number: str, command: ArrivalRecord, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Record that the surveyor has reached the scene, which stops the survey clock. Once a round.

    Invalid: time_in_future, before_report, reason_missing (a typed time without one). Conflict arrival_recorded.
    """
    claim, _ = begin(number, ClaimAction.ARRIVE, actor=actor, version=version)
    arrival = _arrival(claim, command, actor, now)
    if claim.arrived_at is not None:
        raise Conflict("arrival_recorded")
    claim.arrived_at = arrival.at
    db.session.add(arrival)
    params = {
        "is_typed": arrival.is_typed,
        "distance_m": arrival.distance_m,
        "accuracy_m": arrival.accuracy_m,
        "has_position": arrival.latitude is not None,
    }
    perform(
        claim,
        ClaimAction.ARRIVE,
        actor=actor,
        at=arrival.at,
        now=now,
        stopped_at=max(arrival.at, held_since(claim)),
        params=params,
        note=arrival.reason,
    )
    changes = {"arrived_at": (None, arrival.at), "is_typed": (None, arrival.is_typed)}
    audit.record("claim_arrival_recorded", claim, actor=actor, now=now, changes=changes)
    return claim


def _arrival(
    claim: Claim, command: ArrivalRecord, actor: User, now: datetime, *, reason_field: str = "reason"
) -> Arrival:
    """The arrival as it is kept: stamped by the server, or typed with a reason."""
    is_typed = not _is_now(command.at, now)
    at = command.at if is_typed and command.at else now
    _require_arrival(claim, at, now)
    reason = require_reason(command.reason, field=reason_field) if is_typed else command.reason.strip()
    found, place = command.position, position_of(claim)
    return Arrival(
        claim_id=claim.id,
        round=claim.round,
        surveyor_id=actor.id,
        at=at,
        recorded_at=now,
        is_typed=is_typed,
        reason=reason[:200],
        latitude=found.latitude if found else None,
        longitude=found.longitude if found else None,
        accuracy_m=found.accuracy_m if found else None,
        distance_m=distance_m(found, place) if found and place else None,
    )


def _is_now(at: datetime | None, now: datetime) -> bool:
    """Whether no other time is meant: none was typed, or one that was the present when the form was opened."""
    return at is None or timedelta() <= now - at <= _PRESENT


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
    arrival = _told_arrival(claim, command, actor, now)
    arrived_at = arrival.at if arrival else claim.arrived_at or now
    if not command.is_first_scene:
        require_reason(command.not_first_scene_reason, field="not_first_scene_reason")
    if not command.findings.strip() and not _has_sketch(claim):
        raise Invalid("findings_or_sketch", field="findings")
    reserves.require_reserve(claim, command.estimate_fen, field="estimate")
    if arrival is not None:
        db.session.add(arrival)
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


def _told_arrival(claim: Claim, command: SurveyRecord, actor: User, now: datetime) -> Arrival | None:
    """The arrival as the survey tells it; None where it was recorded before."""
    if claim.arrived_at is not None:
        _require_arrival(claim, claim.arrived_at, now)
        return None
    told = ArrivalRecord(command.arrived_at, command.arrival_reason)
    return _arrival(claim, told, actor, now, reason_field="arrival_reason")


def _has_sketch(claim: Claim) -> bool:
    sketches = select(Document.id).where(
        Document.matter_kind == MATTER_KIND,
        Document.matter_id == claim.id,
        Document.kind == DocumentKind.SURVEY_SKETCH,
    )
    return db.session.scalar(sketches.limit(1)) is not None


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
    if not all(item.label.strip() for item in command.items):
        raise Invalid("assessment_item_unnamed", field="items")
    total_fen = sum(item.amount_fen for item in command.items)
    assessing.require_assessable(claim, total_fen)
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
