"""Reports from a phone that may have waited for a signal: facts first, photos piece by piece, everything once.

The phone makes a key for the report and one for each photo. Whatever is sent again finds what it made before, so
that a lost answer, a second tap or two tabs lead to the same claim with the same photos.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.phone_reports import PhonePhoto, PhoneReport, PhotoState
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, documents
from service_desk.services.claims import intake
from service_desk.services.claims.common import MATTER_KIND, get_claim, log_event, matter_of
from service_desk.services.claims.intake import ReportCommand
from service_desk.services.documents import MAX_FILES, MAX_PHOTO_BYTES, Upload

MAX_PIECE_BYTES = 1024 * 1024
HALF_SENT_KEPT = timedelta(days=14)
"""A half-sent photo nobody went on with for so long is dropped; the phone would begin it again."""

_SWEPT_AT_A_TIME = 500
# A phone that says it waited longer has a wrong clock.
_LONGEST_WAIT = timedelta(days=366)


@dataclass(frozen=True)
class AnnouncedPhoto:
    """A photo the phone is going to send. `sha256` is empty where the phone cannot make it."""

    key: str
    filename: str
    size_bytes: int
    sha256: str = ""


@dataclass(frozen=True)
class PhoneCommand:
    """A report as the phone sends it. `facts` is what was typed, by field; `waited` since *send* was pressed.

    How long it waited rather than when it was typed: a phone's clock may be wrong, and runs evenly all the same.
    """

    report: ReportCommand
    key: str
    facts: dict[str, Any]
    photos: tuple[AnnouncedPhoto, ...]
    waited: timedelta


@dataclass(frozen=True)
class Received:
    """A report that has arrived, its claim, and how far each of its photos is."""

    report: PhoneReport
    claim: Claim
    photos: list[PhonePhoto]


def take(command: PhoneCommand, *, actor: User, now: datetime, files: FileStore) -> Received:
    """Take the facts and the announcement of the photos; the same key again answers with the first claim.

    What was changed on the phone after the first arrival stands on the claim's time line. The refusals of
    `intake.report`; Invalid `key_missing`, `too_many_photos`.
    """
    access.require(actor, Action.REPORT_CLAIM)
    if not command.key:
        raise Invalid("key_missing")
    report = _find(command.key, actor)
    if report is None:
        if len(command.photos) > MAX_FILES:
            raise Invalid("too_many_photos", field="photos", most=MAX_FILES)
        number = intake.report(command.report, photos=(), key=command.key, actor=actor, now=now, files=files)
        claim = get_claim(number, actor=actor)
        # Who waited for the first of two requests finds what that one has written.
        report = _find(command.key, actor) or _new(command, claim, actor, now)
    else:
        claim = _claim_of(report, actor)
    _note_changes(report, claim, command.facts, actor, now)
    _announce(report, claim, command.photos, now)
    return Received(report, claim, _photos(report))


def receive(
    key: str,
    photo_key: str,
    offset: int,
    piece: bytes,
    *,
    actor: User,
    now: datetime,
    files: FileStore,
) -> PhonePhoto:
    """Take a piece of a photo; with the last one the photo joins the claim, or is refused by its name.

    NotFound unless the actor announced it; Conflict `photo_offset` (with `received`) for a piece that does not
    begin where the last one ended; Invalid `piece_too_large`, `photo_too_long`.
    """
    report = _get(key, actor)
    photo = _photo(report, photo_key)
    claim = _claim_of(report, actor)
    if photo.state is not PhotoState.OPEN:
        return photo
    if len(piece) > MAX_PIECE_BYTES:
        raise Invalid("piece_too_large")
    # The store may have lost what the database knows of (a restored copy): then the phone begins again.
    received = photo.received_bytes if files.part_size(_part(photo)) >= photo.received_bytes else 0
    if offset != received:
        raise Conflict("photo_offset", received=received)
    if offset + len(piece) > photo.size_bytes:
        raise Invalid("photo_too_long")
    files.write_part(_part(photo), offset, piece)
    photo.received_bytes, photo.changed_at = offset + len(piece), now
    if photo.received_bytes == photo.size_bytes:
        _finish(photo, report, claim, actor, now, files)
    return photo


def find_photo(key: str, photo_key: str, *, actor: User) -> PhonePhoto:
    """How far a photo is; NotFound unless the actor announced it."""
    return _photo(_get(key, actor), photo_key)


def reports_of(claim_id: int) -> list[tuple[PhoneReport, list[PhonePhoto]]]:
    """The reports that phones sent for a claim, with their photos. The caller has checked that it is visible."""
    reports = list(
        db.session.scalars(
            select(PhoneReport).where(PhoneReport.claim_id == claim_id).order_by(PhoneReport.id)
        )
    )
    ids = [report.id for report in reports]
    photos = db.session.scalars(
        select(PhonePhoto).where(PhonePhoto.report_id.in_(ids)).order_by(PhonePhoto.id)
    ).all()
    return [(report, [photo for photo in photos if photo.report_id == report.id]) for report in reports]


def drop_half_sent(*, now: datetime, files: FileStore) -> int:
    """Delete the pieces of photos that nobody went on with; their rows stay, so that the claim says what is missing."""
    statement = select(PhonePhoto).where(
        PhonePhoto.state == PhotoState.OPEN,
        PhonePhoto.received_bytes > 0,
        PhonePhoto.changed_at < now - HALF_SENT_KEPT,
    )
    photos = db.session.scalars(
        statement.order_by(PhonePhoto.changed_at).limit(_SWEPT_AT_A_TIME).with_for_update(skip_locked=True)
    ).all()
    for photo in photos:
        files.drop_part(_part(photo))
        photo.received_bytes = 0
    return len(photos)


def _find(key: str, actor: User) -> PhoneReport | None:
    """The actor's report of a key, locked: two requests of one phone go one after the other."""
    found: PhoneReport | None = db.session.scalar(
        select(PhoneReport).where(PhoneReport.user_id == actor.id, PhoneReport.key == key).with_for_update()
    )
    return found


def _get(key: str, actor: User) -> PhoneReport:
    access.require(actor, Action.REPORT_CLAIM)
    report = _find(key, actor)
    if report is None:
        raise NotFound("not_found")
    return report


def _claim_of(report: PhoneReport, actor: User) -> Claim:
    return access.get_visible(actor, Action.READ_CLAIMS, Claim, Claim.id == report.claim_id)


def _new(command: PhoneCommand, claim: Claim, actor: User, now: datetime) -> PhoneReport:
    report = PhoneReport(
        user_id=actor.id,
        key=command.key,
        claim_id=claim.id,
        typed_at=_typed_at(command.waited, claim, now),
        received_at=now,
        facts=command.facts,
    )
    db.session.add(report)
    db.session.flush()
    return report


def _typed_at(waited: timedelta, claim: Claim, now: datetime) -> datetime | None:
    """When *send* was pressed; None when that cannot be: before the accident, or longer ago than anyone waits."""
    if not timedelta(0) <= waited <= _LONGEST_WAIT:
        return None
    typed_at = now - waited
    return typed_at if typed_at >= claim.loss_at else None


def _note_changes(
    report: PhoneReport, claim: Claim, facts: dict[str, Any], actor: User, now: datetime
) -> None:
    """What the person changed without knowing that the report had arrived: noted, for the claim has its own course."""
    changed = {name: value for name, value in facts.items() if report.facts.get(name) != value}
    if not changed:
        return
    log_event(claim, "report_retyped", actor=actor, at=now, now=now, params={"changed": changed})
    audit.record(
        "claim_report_retyped",
        claim,
        actor=actor,
        now=now,
        changes={name: (report.facts.get(name), value) for name, value in changed.items()},
    )
    report.facts = facts


def _announce(report: PhoneReport, claim: Claim, photos: Sequence[AnnouncedPhoto], now: datetime) -> None:
    """Write down the photos that are new to us. One the claim has already, byte for byte, need not be sent."""
    known = {photo.photo_key for photo in _photos(report)}
    held = _documents_by_hash(claim)
    for photo in photos:
        if photo.key in known:
            continue
        refusal = _refusal(photo, len(known))
        document_id = held.get(photo.sha256) if photo.sha256 and not refusal else None
        row = PhonePhoto(
            report_id=report.id,
            photo_key=photo.key,
            filename=photo.filename[-200:],
            size_bytes=photo.size_bytes,
            sha256=photo.sha256,
            state=PhotoState.REFUSED if refusal else PhotoState.TAKEN if document_id else PhotoState.OPEN,
            refusal=refusal,
            document_id=document_id,
            changed_at=now,
        )
        db.session.add(row)
        known.add(photo.key)
    db.session.flush()


def _refusal(photo: AnnouncedPhoto, already: int) -> str:
    if already >= MAX_FILES:
        return "too_many_photos"
    if photo.size_bytes > MAX_PHOTO_BYTES:
        return "file_too_large"
    return "" if photo.size_bytes > 0 else "photo_unreadable"


def _documents_by_hash(claim: Claim) -> dict[str, int]:
    rows = db.session.execute(
        select(Document.sha256, Document.id).where(
            Document.matter_kind == MATTER_KIND,
            Document.matter_id == claim.id,
            Document.kind == DocumentKind.SCENE_PHOTO,
        )
    )
    return dict(rows.tuples().all())


def _photos(report: PhoneReport) -> list[PhonePhoto]:
    statement = select(PhonePhoto).where(PhonePhoto.report_id == report.id)
    return list(db.session.scalars(statement.order_by(PhonePhoto.id)))


def _photo(report: PhoneReport, photo_key: str) -> PhonePhoto:
    found = db.session.scalar(
        select(PhonePhoto).where(PhonePhoto.report_id == report.id, PhonePhoto.photo_key == photo_key)
    )
    if found is None:
        raise NotFound("not_found")
    return found


def _part(photo: PhonePhoto) -> str:
    return f"photo-{photo.id}"


def _finish(
    photo: PhonePhoto, report: PhoneReport, claim: Claim, actor: User, now: datetime, files: FileStore
) -> None:
    """The photo is whole: it joins the claim once, or is refused with the reason."""
    content = files.read_part(_part(photo))
    held = _documents_by_hash(claim).get(hashlib.sha256(content).hexdigest())
    try:
        if photo.sha256 and hashlib.sha256(content).hexdigest() != photo.sha256:
            raise Invalid("photo_damaged", field="photos", filename=photo.filename)
        photo.document_id = held or _store(photo, content, report, claim, actor, now, files)
        photo.state = PhotoState.TAKEN
    except Invalid as error:
        photo.state, photo.refusal = PhotoState.REFUSED, error.code
    files.drop_part(_part(photo))


def _store(
    photo: PhonePhoto,
    content: bytes,
    report: PhoneReport,
    claim: Claim,
    actor: User,
    now: datetime,
    files: FileStore,
) -> int:
    document = documents.store_photo(
        files,
        Upload(photo.filename, content),
        DocumentKind.SCENE_PHOTO,
        matter_of(claim),
        field="photos",
        actor=actor,
        now=now,
    )
    event = db.session.get(ClaimEvent, report.event_id) if report.event_id else None
    if event is None:
        event = log_event(claim, "phone_photos", actor=actor, at=now, now=now, params={"document_ids": []})
        db.session.flush()
        report.event_id = event.id
    event.params = {"document_ids": [*event.params["document_ids"], document.id]}
    audit.record(
        "claim_photo_received", claim, actor=actor, now=now, changes={"filename": (None, photo.filename)}
    )
    return document.id
