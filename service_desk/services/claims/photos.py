"""Photos and sketches of a claim: added as they are taken, grouped, and looked at with what they say of themselves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.claim_photos import (
    PhotoFacts,
    PhotoGroup,
    PhotoWarning,
    Position,
    distance_m,
    warnings,
)
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, documents, submissions
from service_desk.services.claims.common import MATTER_KIND, get_claim, log_event, matter_of
from service_desk.services.claims.places import position_of
from service_desk.services.documents import Upload

PHOTO_KINDS = (
    DocumentKind.SCENE_PHOTO,
    DocumentKind.SURVEY_PHOTO,
    DocumentKind.SURVEY_SKETCH,
    DocumentKind.ASSESSMENT_PHOTO,
)


@dataclass(frozen=True)
class AddPhotos:
    """Photos of one group, or a sketch (`is_sketch`, drawn or photographed from paper)."""

    uploads: tuple[Upload, ...]
    group: PhotoGroup | None = None
    is_sketch: bool = False


@dataclass(frozen=True)
class PhotoView:
    """A photo with what is known of it. `elsewhere`: numbers of claims the actor sees that have the same file.

    `distance_m` is to the reported place; None when either position is not known.
    """

    document: Document
    uploader: User | None
    warnings: tuple[PhotoWarning, ...]
    distance_m: int | None
    elsewhere: tuple[str, ...]


def may_add(claim: Claim, user: User) -> bool:
    """Whether this person may add photos now: either side, while the claim is open."""
    return claim.state in OPEN_STATES and access.may(user, Action.UPLOAD_CLAIM_DOCUMENTS)


def add(number: str, command: AddPhotos, *, key: str, actor: User, now: datetime, files: FileStore) -> int:
    """Keep photos at once, before and apart from any form. How many; the same `key` again makes no more.

    Invalid: photos_missing, too_many_files and those of a photo. Conflict: claim_moved_on, no_room.
    """
    claim = get_claim(number, actor=actor)
    access.require(actor, Action.UPLOAD_CLAIM_DOCUMENTS)
    db.session.refresh(claim, with_for_update=True)
    return int(
        submissions.once(
            "claim_photos", key, lambda: str(_add(claim, command, actor, now, files)), actor=actor, now=now
        )
    )


def _add(claim: Claim, command: AddPhotos, actor: User, now: datetime, files: FileStore) -> int:
    if not may_add(claim, actor):
        raise Conflict("claim_moved_on")
    field = "sketch" if command.is_sketch else "photos"
    if not command.uploads:
        raise Invalid("photos_missing", field=field)
    documents.require_few(command.uploads, field=field)
    handles = access.may(actor, Action.HANDLE_CLAIMS)
    kind = DocumentKind.SURVEY_PHOTO if handles else DocumentKind.SCENE_PHOTO
    if command.is_sketch:
        kind = DocumentKind.SURVEY_SKETCH
    kept = [
        documents.store_photo(
            files,
            replace(upload, group=command.group),
            kind,
            matter_of(claim),
            field=field,
            actor=actor,
            now=now,
        )
        for upload in command.uploads
    ]
    params = {"photos": len(kept), "group": command.group.value if command.group else None}
    event = "sketch_added" if command.is_sketch else "photos_added"
    log_event(claim, event, actor=actor, at=now, now=now, params=params)
    audit.record("claim_photos_added", claim, actor=actor, now=now, changes={"photos": (None, len(kept))})
    return len(kept)


def regroup(
    number: str, document_ids: Collection[int], group: PhotoGroup, *, actor: User, now: datetime
) -> int:
    """Put photos into another group; how many changed. Each change is in the audit trail.

    NotFound when one is no photo of this claim. Invalid photos_missing when none is named.
    """
    claim = get_claim(number, actor=actor)
    access.require(actor, Action.HANDLE_CLAIMS)
    if not document_ids:
        raise Invalid("photos_missing", field="photos")
    found = {photo.id: photo for photo in _photos_of(claim, lock=True)}
    if not set(document_ids) <= found.keys():
        raise NotFound("not_found")
    moved = 0
    for document_id in sorted(set(document_ids)):
        changes = audit.change(found[document_id], photo_group=group)
        if changes:
            moved += 1
            name = f"{claim.number} {found[document_id].filename}"
            audit.record(
                "claim_photo_regrouped", found[document_id], label=name, actor=actor, now=now, changes=changes
            )
    return moved


def list_photos(number: str, *, actor: User) -> tuple[Claim, list[PhotoView]]:
    """A claim's photos, oldest first, in four queries however many there are."""
    claim = get_claim(number, actor=actor)
    return claim, views_of(claim, _photos_of(claim), actor=actor)


def views_of(claim: Claim, photos: Sequence[Document], *, actor: User) -> list[PhotoView]:
    """Photos with what should make a reader look twice."""
    ids = {photo.uploaded_by_id for photo in photos}
    people = {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}
    elsewhere = _elsewhere(claim, photos)
    seen = _numbers({claim_id for ids in elsewhere.values() for claim_id in ids}, actor)
    return [
        _view(claim, photo, people.get(photo.uploaded_by_id or 0), elsewhere.get(photo.sha256, set()), seen)
        for photo in photos
    ]


def _view(
    claim: Claim, photo: Document, uploader: User | None, elsewhere: set[int], seen: dict[int, str]
) -> PhotoView:
    place, taken = position_of(claim), _position(photo)
    facts = PhotoFacts(photo.taken_at, taken, is_elsewhere=bool(elsewhere))
    return PhotoView(
        document=photo,
        uploader=uploader,
        warnings=warnings(facts, claim.loss_at, place),
        distance_m=distance_m(taken, place) if taken and place else None,
        elsewhere=tuple(sorted(seen[claim_id] for claim_id in elsewhere if claim_id in seen)),
    )


def _position(photo: Document) -> Position | None:
    if photo.latitude is None or photo.longitude is None:
        return None
    return Position(photo.latitude, photo.longitude)


def _photos_of(claim: Claim, *, lock: bool = False) -> list[Document]:
    statement = (
        select(Document)
        .where(
            Document.matter_kind == MATTER_KIND,
            Document.matter_id == claim.id,
            Document.kind.in_(PHOTO_KINDS),
            Document.width.is_not(None),
        )
        .order_by(Document.uploaded_at, Document.id)
    )
    return list(db.session.scalars(statement.with_for_update() if lock else statement))


def _elsewhere(claim: Claim, photos: Sequence[Document]) -> dict[str, set[int]]:
    """By hash the other claims that have the same file."""
    statement = select(Document.sha256, Document.matter_id).where(
        Document.sha256.in_({photo.sha256 for photo in photos}),
        Document.matter_kind == MATTER_KIND,
        Document.matter_id != claim.id,
    )
    found: dict[str, set[int]] = {}
    for sha256, claim_id in db.session.execute(statement).tuples():
        if claim_id is not None:
            found.setdefault(sha256, set()).add(claim_id)
    return found


def _numbers(claim_ids: Collection[int], actor: User) -> dict[int, str]:
    statement = select(Claim.id, Claim.number).where(Claim.id.in_(claim_ids))
    rows = db.session.execute(access.visible(actor, Action.READ_CLAIMS, statement, Claim)).tuples()
    return dict(rows.all())
