"""Photos of a claim: kept as they came, shown as copies, grouped, looked at twice where something is odd."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from sqlalchemy import func, select

from service_desk.adapters.file_store import FileStore, Integrity, NoRoom
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.claim_intake import Arrival
from service_desk.models.claims import Claim, ClaimEvent, Survey
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.claim_photos import PhotoGroup, PhotoWarning, Position
from service_desk.services import documents
from service_desk.services.claims import handling, papers, photos, places
from service_desk.services.claims.handling import ArrivalRecord
from service_desk.services.claims.papers import ReceiveDocument
from service_desk.services.claims.photos import AddPhotos
from service_desk.services.documents import Difference, Upload
from tests.claim_cases import SURVEY, Journey, file_store, picture, reported_claim
from tests.world import World

PLACE = {"latitude": 34.7575, "longitude": 113.0225, "accuracy_m": 20}


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    claim = reported_claim(world, now, **PLACE)
    Journey(world, claim, now).to(ClaimState.DISPATCHED)
    return claim


def shot(filename: str = "a.jpg", *, at: str = "2026:11:23 08:40:00", latitude: float = 34.0) -> Upload:
    """A photo that says when and where it was taken: at `latitude` degrees, 45 minutes, 27 seconds north."""
    notes = Image.Exif()
    notes.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = at
    gps = notes.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", (latitude, 45.0, 27.0)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", (113.0, 1.0, 21.0)
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (len(filename), 90, 90)).save(out, "JPEG", exif=notes.tobytes())
    return Upload(filename, out.getvalue())


def add(world: World, claim: Claim, now: datetime, *uploads: Upload, key: str = "", **values: object) -> int:
    command = AddPhotos(uploads, **({"group": PhotoGroup.DAMAGE} | values))
    return photos.add(claim.number, command, key=key, actor=world.claims1, now=now, files=file_store())


def stored(claim: Claim) -> list[Document]:
    return list(
        db.session.scalars(select(Document).where(Document.matter_id == claim.id).order_by(Document.id))
    )


def test_a_photo_is_kept_as_it_came_with_its_own_time_and_place(
    world: World, claim: Claim, now: datetime
) -> None:
    sent = shot()

    assert add(world, claim, now, sent, key="k") == 1
    assert add(world, claim, now, sent, key="k") == 1

    (photo,) = stored(claim)
    assert (photo.kind, photo.photo_group, photo.uploaded_at) == (
        DocumentKind.SURVEY_PHOTO,
        PhotoGroup.DAMAGE,
        now,
    )
    assert photo.taken_at == datetime(2026, 11, 23, 0, 40, tzinfo=UTC)
    assert (photo.latitude, photo.longitude) == (34.7575, 113.0225)
    files = file_store()
    assert files.get(photo.original_key) == sent.content
    assert photo.thumb_key is not None
    for key in (photo.storage_key, photo.thumb_key):
        with Image.open(io.BytesIO(files.get(key))) as shown:
            assert not shown.getexif()
    line = db.session.scalars(select(ClaimEvent).where(ClaimEvent.kind == "photos_added")).one()
    assert line.params == {"photos": 1, "group": "damage"}


def test_what_is_odd_about_a_photo_is_shown_and_never_refused(
    world: World, claim: Claim, now: datetime
) -> None:
    other = reported_claim(world, now, vehicle=world.truck)
    unseen = reported_claim(world, now, vehicle=world.bus)
    old = shot("old.jpg", at="2026:11:20 08:00:00", latitude=35.0)
    add(world, claim, now, shot(), old)
    for twin in (other, unseen):
        twin.state = ClaimState.DISPATCHED
        add(world, twin, now, old)

    _, (plain, odd) = photos.list_photos(claim.number, actor=world.claims1)
    assert plain.warnings == ()
    assert plain.distance_m == 0
    assert odd.warnings == tuple(PhotoWarning)
    assert odd.elsewhere == tuple(sorted((other.number, unseen.number)))
    # The branch learns of its own other claim only.
    _, of_branch = photos.list_photos(claim.number, actor=world.safety_gongyi)
    assert of_branch[1].elsewhere == (other.number,)
    with pytest.raises(NotFound):
        photos.list_photos(claim.number, actor=world.foreign_hq)


def test_the_client_adds_to_its_own_open_claim_and_nobody_to_an_ended_one(
    world: World, claim: Claim, now: datetime
) -> None:
    command = AddPhotos((picture(),), PhotoGroup.SCENE)
    who = {"now": now, "files": file_store(), "key": ""}

    photos.add(claim.number, command, actor=world.safety_gongyi, **who)
    assert stored(claim)[0].kind is DocumentKind.SCENE_PHOTO
    with pytest.raises(NotFound):
        photos.add(claim.number, command, actor=world.foreign_hq, **who)
    with pytest.raises(Invalid, match="photos_missing"):
        add(world, claim, now)
    with pytest.raises(Invalid, match="too_many_files"):
        add(world, claim, now, *[picture()] * 21)
    claim.state = ClaimState.CLOSED
    db.session.commit()
    with pytest.raises(Conflict, match="claim_moved_on"):
        photos.add(claim.number, command, actor=world.safety_gongyi, **who)


def test_photos_are_regrouped_by_the_desk_and_each_change_is_kept(
    world: World, claim: Claim, now: datetime
) -> None:
    add(world, claim, now, shot("a.jpg"), shot("bb.jpg"))
    ids = [photo.id for photo in stored(claim)]

    assert photos.regroup(claim.number, ids, PhotoGroup.PLATE, actor=world.claims1, now=now) == 2
    assert photos.regroup(claim.number, ids, PhotoGroup.PLATE, actor=world.claims1, now=now) == 0

    trail = db.session.scalars(
        select(AuditEntry).where(AuditEntry.action == "claim_photo_regrouped").order_by(AuditEntry.id)
    ).all()
    assert [entry.changes for entry in trail] == [{"photo_group": ["damage", "plate"]}] * 2
    with pytest.raises(Forbidden):
        photos.regroup(claim.number, ids, PhotoGroup.VIN, actor=world.safety_gongyi, now=now)
    elsewhere = reported_claim(world, now, vehicle=world.truck)
    with pytest.raises(NotFound):
        photos.regroup(elsewhere.number, ids, PhotoGroup.VIN, actor=world.claims1, now=now)


def test_an_arrival_is_stamped_with_the_phones_position(world: World, claim: Claim, now: datetime) -> None:
    later = now + timedelta(minutes=9)
    here = Position(34.7605, 113.0225, accuracy_m=15)

    handling.record_arrival(claim.number, ArrivalRecord(position=here), actor=world.claims1, now=later)
    db.session.commit()

    arrival = places.find_arrival(claim)
    assert arrival is not None
    assert (arrival.at, arrival.is_typed, arrival.accuracy_m) == (later, False, 15)
    assert arrival.distance_m == pytest.approx(334, abs=2)
    assert claim.arrived_at == later


def test_no_position_stops_nobody_and_a_typed_time_needs_a_reason_and_is_marked(
    world: World, claim: Claim, now: datetime
) -> None:
    later = now + timedelta(minutes=30)
    earlier = later - timedelta(minutes=10)

    with pytest.raises(Invalid, match="reason_missing"):
        handling.record_arrival(claim.number, ArrivalRecord(earlier), actor=world.claims1, now=later)
    typed = ArrivalRecord(earlier, "隧道内无信号")
    handling.record_arrival(claim.number, typed, actor=world.claims1, now=later)
    db.session.commit()

    arrival = db.session.scalars(select(Arrival)).one()
    assert (arrival.at, arrival.recorded_at, arrival.is_typed) == (earlier, later, True)
    assert (arrival.reason, arrival.latitude, arrival.distance_m) == ("隧道内无信号", None, None)


def test_a_survey_needs_findings_or_a_sketch(world: World, claim: Claim, now: datetime) -> None:
    empty, later = replace(SURVEY, findings=" "), now + timedelta(minutes=5)
    who = {"actor": world.claims1, "now": later, "files": file_store()}

    with pytest.raises(Invalid, match="findings_or_sketch"):
        handling.record_survey(claim.number, empty, **who)
    db.session.rollback()
    add(world, claim, now, picture("sketch.png"), is_sketch=True, group=None)
    handling.record_survey(claim.number, empty, **who)
    db.session.commit()

    assert stored(claim)[0].kind is DocumentKind.SURVEY_SKETCH
    assert db.session.scalars(select(Survey.arrived_at)).one() == later
    # Recorded with the survey, the arrival is the server's time as well.
    assert not db.session.scalars(select(Arrival.is_typed)).one()


@pytest.mark.parametrize(
    ("upload", "code"),
    [
        (Upload("事故.jpg", b"MZ\x90\x00" + b"\0" * 200), "photo_unreadable"),
        (Upload("a.jpg", b"<html><script>alert(1)</script>"), "photo_unreadable"),
        (Upload("a.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"), "photo_unreadable"),
        (Upload("a.gif", b"GIF89a/*\x00\x00*/=1;alert(1)"), "photo_unreadable"),
        (Upload("a.jpg", picture().content[:300]), "photo_unreadable"),
        (Upload("a.zip", b"PK\x03\x04" + b"\0" * 100), "photo_unreadable"),
        (Upload("IMG_1.HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), "photo_heic"),
        (Upload("big.jpg", picture().content + b"\0" * 30 * 2**20), "file_too_large"),
    ],
)
def test_what_is_no_photo_is_named_and_nothing_is_kept(
    world: World, claim: Claim, now: datetime, upload: Upload, code: str
) -> None:
    with pytest.raises(Invalid, match=code) as refused:
        add(world, claim, now, picture(), upload)

    assert refused.value.params["filename"] == upload.filename
    db.session.rollback()
    assert stored(claim) == []


PDF = b"%PDF-1.7\n1 0 obj << /Type /Catalog {} >> endobj\ntrailer << /Root 1 0 R {} >>\n%%EOF\n"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (
            PDF.replace(b"{}", b"/OpenAction << /S /JavaScript /JS (1) >>", 1).replace(b"{}", b""),
            "pdf_active",
        ),
        (PDF.replace(b"{}", b"/Names << /EmbeddedFiles 2 0 R >>", 1).replace(b"{}", b""), "pdf_active"),
        (PDF.replace(b"{}", b"", 1).replace(b"{}", b"/Encrypt 3 0 R"), "pdf_encrypted"),
        (PDF.replace(b"{}", b"") + b"PK\x05\x06" + b"\0" * 18, "pdf_unreadable"),
        (b"PK\x03\x04 a zip that is called a PDF", "paper_unreadable"),
    ],
)
def test_a_paper_that_is_more_than_pages_is_refused_with_the_reason(
    world: World, claim: Claim, now: datetime, content: bytes, code: str
) -> None:
    command = ReceiveDocument((), (Upload("发票.pdf", content),))

    with pytest.raises(Invalid, match=code):
        papers.receive(claim.number, command, actor=world.hq, now=now, files=file_store())

    db.session.rollback()
    plain = ReceiveDocument((), (Upload("发票.pdf", PDF.replace(b"{}", b"")),))
    papers.receive(claim.number, plain, actor=world.hq, now=now, files=file_store())
    assert stored(claim)[0].content_type == "application/pdf"


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing a file fails as on a full disk."""

    def no_room(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_room)


def test_a_full_disk_loses_nothing_that_was_acknowledged_and_says_so(
    world: World, claim: Claim, now: datetime, request: pytest.FixtureRequest
) -> None:
    add(world, claim, now, shot("kept.jpg"))
    db.session.commit()
    (kept,) = stored(claim)
    request.getfixturevalue("full_disk")

    with pytest.raises(Conflict, match="no_room"):
        add(world, claim, now, shot("lost-for-now.jpg"))

    db.session.rollback()
    assert [photo.filename for photo in stored(claim)] == ["kept.jpg"]
    assert file_store().check(kept.original_key) is Integrity.INTACT


def test_a_store_without_room_leaves_no_half_file(tmp_path: Path, full_disk: None) -> None:
    with pytest.raises(NoRoom):
        FileStore(tmp_path).put(b"content")

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_files_that_are_gone_or_changed_are_found(world: World, claim: Claim, now: datetime) -> None:
    add(world, claim, now, shot("a.jpg"), shot("bb.jpg"))
    db.session.commit()
    first, second = stored(claim)
    ids, keys = (first.id, second.id), (first.original_key, str(second.thumb_key))
    files = file_store()
    assert not [one for one in documents.verify(files) if isinstance(one, Difference)]

    files._path(keys[0]).write_bytes(b"somebody else's")
    files._path(keys[1]).unlink()

    found = {
        (one.document_id, one.part, one.state)
        for one in documents.verify(files)
        if isinstance(one, Difference)
    }
    assert found == {
        (ids[0], "original", Integrity.CHANGED),
        (ids[1], "thumbnail", Integrity.MISSING),
    }
    assert db.session.scalar(select(func.count(Document.id))) == 2
