"""Files of a matter: photos are re-encoded before anyone sees them, papers are photos or PDF."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

import filetype
from sqlalchemy import select

from service_desk.adapters import pdf_check, pictures
from service_desk.adapters.file_store import FileStore, Integrity, NoRoom
from service_desk.adapters.pdf_check import PdfFault
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.enquiries import Enquiry
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_photos import PhotoGroup
from service_desk.rules.permissions import Action, Side
from service_desk.services import access
from service_desk.services.notices import Matter

MAX_PHOTO_BYTES = 20 * 1024 * 1024
# Each photo is decoded while the request holds the database, and a small file may unpack to a large picture.
MAX_FILES = 20


@dataclass(frozen=True)
class Upload:
    """A file as it arrived: the name is the sender's and is only ever shown as text. `group`: what a photo is of."""

    filename: str
    content: bytes
    group: PhotoGroup | None = None


@dataclass(frozen=True)
class Difference:
    """A kept file that is not what it was. `part` is `original`, `shown` or `thumbnail`."""

    document_id: int
    matter_kind: str
    matter_id: int | None
    part: str
    key: str
    state: Integrity


def require_few(uploads: Sequence[Upload], *, field: str) -> None:
    """Refuse more files than one request may bring: Invalid `too_many_files`."""
    if len(uploads) > MAX_FILES:
        raise Invalid("too_many_files", field=field, most=MAX_FILES)


def store_photo(
    files: FileStore,
    upload: Upload,
    kind: DocumentKind,
    matter: Matter,
    *,
    field: str,
    actor: User,
    now: datetime,
) -> Document:
    """Keep a photo: the original with its hash, and the re-encoded copy that is shown.

    Invalid: photo_unreadable, photo_heic, photo_too_large, file_too_large. Conflict: no_room.
    """
    picture = _picture(upload, field, "photo_unreadable")
    return _keep(files, upload, kind, matter, (picture.content, "image/jpeg"), picture, actor, now)


def store_paper(
    files: FileStore,
    upload: Upload,
    kind: DocumentKind,
    matter: Matter,
    *,
    field: str,
    actor: User | None,
    now: datetime,
) -> Document:
    """Keep a paper: a photo of it, or a PDF that only shows pages, which is only ever served as a download.

    A PDF stays as it came, with the XML or OFD of an electronic invoice in it: to change it would break its signature.
    `actor` is None for what came by itself. Invalid as for a photo, and pdf_active, pdf_encrypted, pdf_unreadable.
    """
    if is_pdf(upload):
        _check_size(upload, field)
        _check_pdf(upload, field)
        paper = _keep(files, upload, kind, matter, (upload.content, "application/pdf"), None, actor, now)
        paper.enclosed = _names_inside(upload)
        return paper
    picture = _picture(upload, field, "paper_unreadable")
    return _keep(files, upload, kind, matter, (picture.content, "image/jpeg"), picture, actor, now)


def refusal_of_paper(upload: Upload) -> str:
    """The code of what `store_paper` would refuse a paper for; empty when it would be kept."""
    try:
        if is_pdf(upload):
            _check_size(upload, "")
            _check_pdf(upload, "")
        else:
            _picture(upload, "", "paper_unreadable")
    except Invalid as error:
        return error.code
    return ""


def is_pdf(upload: Upload) -> bool:
    """Whether the content is a PDF's, whatever the file is called."""
    guessed = filetype.guess(upload.content)
    return guessed is not None and guessed.mime == "application/pdf"


def store_file(
    files: FileStore, upload: Upload, kind: DocumentKind, matter: Matter, *, actor: User, now: datetime
) -> Document:
    """Keep bytes as they are (a fleet list); they are only ever served as a download."""
    return _keep(files, upload, kind, matter, (upload.content, "application/octet-stream"), None, actor, now)


def _picture(upload: Upload, field: str, refusal: str) -> pictures.Picture:
    _check_size(upload, field)
    try:
        return pictures.make_safe(upload.content)
    except pictures.HeifPicture:
        raise Invalid("photo_heic", field=field, filename=upload.filename) from None
    except pictures.TooManyPixels:
        most = pictures.MAX_PIXELS // 1_000_000
        raise Invalid("photo_too_large", field=field, filename=upload.filename, megapixels=most) from None
    except pictures.NotAPicture:
        raise Invalid(refusal, field=field, filename=upload.filename) from None


_PDF_REFUSALS = {
    PdfFault.ACTIVE: "pdf_active",
    PdfFault.ENCRYPTED: "pdf_encrypted",
    PdfFault.UNREADABLE: "pdf_unreadable",
}


def _check_pdf(upload: Upload, field: str) -> None:
    fault = pdf_check.fault_of(upload.content)
    if fault is not None:
        raise Invalid(_PDF_REFUSALS[fault], field=field, filename=upload.filename)


def _names_inside(upload: Upload) -> list[str]:
    """The files within a PDF, each called after it, with a number where there are several."""
    stem = PurePath(upload.filename).stem[:80]
    inside = pdf_check.enclosed_in(upload.content)
    return [f"{stem}{f'-{n}' if n > 1 else ''}{file.suffix}" for n, file in enumerate(inside, 1)]


def read_enclosed(files: FileStore, document: Document, number: int) -> bytes:
    """A file that a paper carries inside, counted from 1; NotFound when there is none. The caller has checked that the
    paper may be read.
    """
    if not 1 <= number <= len(document.enclosed):
        raise NotFound("not_found")
    return pdf_check.enclosed_in(files.get(document.original_key))[number - 1].content


def _check_size(upload: Upload, field: str) -> None:
    if len(upload.content) > MAX_PHOTO_BYTES:
        raise Invalid(
            "file_too_large", field=field, filename=upload.filename, megabytes=MAX_PHOTO_BYTES // 2**20
        )


def _keep(
    files: FileStore,
    upload: Upload,
    kind: DocumentKind,
    matter: Matter,
    shown: tuple[bytes, str],
    picture: pictures.Picture | None,
    actor: User | None,
    now: datetime,
) -> Document:
    content, content_type = shown
    original_key = _put(files, upload.content)
    document = Document(
        account_id=matter.account_id,
        branch_id=matter.branch_id,
        matter_kind=matter.kind,
        matter_id=matter.id or None,
        kind=kind,
        filename=upload.filename[-200:],
        content_type=content_type,
        size_bytes=len(upload.content),
        sha256=original_key,
        original_key=original_key,
        storage_key=original_key if content is upload.content else _put(files, content),
        **_of_picture(files, picture, upload.group),
        uploaded_by_id=actor.id if actor else None,
        uploaded_at=now,
    )
    db.session.add(document)
    db.session.flush()
    return document


def _of_picture(
    files: FileStore, picture: pictures.Picture | None, group: PhotoGroup | None
) -> dict[str, object]:
    if picture is None:
        return {}
    return {
        "width": picture.width,
        "height": picture.height,
        "thumb_key": _put(files, picture.thumb),
        "taken_at": picture.taken_at,
        "latitude": picture.latitude,
        "longitude": picture.longitude,
        "photo_group": group,
    }


def _put(files: FileStore, content: bytes) -> str:
    try:
        return files.put(content)
    except NoRoom:
        raise Conflict("no_room") from None


# What may be read is what its matter lets be read: papers of a claim with the claim, lists with their
# import, what was signed at a delivery by whoever delivers.
_READ_WITH = {
    DocumentKind.FLEET_LIST: Action.IMPORT_FLEET,
    DocumentKind.POLICY_LIST: Action.IMPORT_FLEET,
    DocumentKind.DELIVERY_RECEIPT: Action.ISSUE_POLICIES,
    DocumentKind.OUTSTANDING_LIST: Action.COMPARE_OUTSTANDING,
    DocumentKind.REVIEW_EVIDENCE: Action.REVIEW_BREACHES,
    # A letter not yet sent is the desk's own; `claims.letters` gives the client those that were sent.
    DocumentKind.CLAIM_LETTER: Action.HANDLE_CLAIMS,
    # A request for a new vehicle is read with the fleet.
    DocumentKind.VEHICLE_LICENCE: Action.READ_FLEET,
    DocumentKind.ENQUIRY_FILE: Action.READ_ENQUIRIES,
    DocumentKind.MEETING_PAPER: Action.READ_RELATIONS,
}
# What was sent along with a message is read with the matter that was talked about: `messages.find_file`; the scan of
# an opinion with the opinion, for it may be anonymous: `opinions.recording.get_paper`; a file of an article with the
# article, which may be for all accounts: `knowledge.find_file`.
_READ_ELSEWHERE = frozenset(
    {DocumentKind.MESSAGE_FILE, DocumentKind.OPINION_FORM, DocumentKind.KNOWLEDGE_FILE}
)
# The clock of a breach's review is the desk's own, and so are the papers that prove its pauses.
_OF_THE_DESK = "breach"
_OF_A_CONTACT = "enquiry"


def get_document(document_id: int, *, actor: User) -> Document:
    """A document of a matter the actor may see; NotFound otherwise."""
    kind = db.session.scalar(select(Document.kind).where(Document.id == document_id))
    if kind in _READ_ELSEWHERE:
        raise NotFound("not_found")
    action = Action.READ_CLAIMS if kind is None else _READ_WITH.get(kind, Action.READ_CLAIMS)
    document = access.get_visible(actor, action, Document, Document.id == document_id)
    # A complaint is kept from whom it is about, and so is what came with it or with the review of its clock.
    if document.matter_kind == _OF_THE_DESK:
        if actor.side is Side.CLIENT:
            raise NotFound("not_found")
        access.get_visible(actor, action, Timer, Timer.id == document.matter_id)
    if document.matter_kind == _OF_A_CONTACT:
        access.get_visible(actor, action, Enquiry, Enquiry.id == document.matter_id)
    return document


def list_for(matter_kind: str, matter_id: int) -> list[Document]:
    """All documents of a matter, oldest first. The caller has checked that the matter is visible."""
    statement = select(Document).where(Document.matter_kind == matter_kind, Document.matter_id == matter_id)
    return list(db.session.scalars(statement.order_by(Document.uploaded_at, Document.id)))


def require_original(*, actor: User) -> None:
    """Refuse the bytes as received to who is not of the insurer: Forbidden."""
    if actor.side is not Side.INSURER:
        raise Forbidden("not_allowed", action=Action.READ_CLAIMS.value)


_CHECKED_AT_ONCE = 500


def verify(files: FileStore) -> Iterator[Document | Difference]:
    """Read every kept file again: each document once it is done, and before it what of it is not what it was."""
    last = 0
    while documents := _some_after(last):
        for document in documents:
            yield from _differences(files, document)
            yield document
        last = documents[-1].id
        # A desk has many; those that are done are not held in memory.
        for document in documents:
            db.session.expunge(document)


def _some_after(document_id: int) -> list[Document]:
    statement = select(Document).where(Document.id > document_id).order_by(Document.id)
    return list(db.session.scalars(statement.limit(_CHECKED_AT_ONCE)))


def _differences(files: FileStore, document: Document) -> Iterator[Difference]:
    keys = {"original": document.sha256, "shown": document.storage_key, "thumbnail": document.thumb_key}
    for part, key in keys.items():
        if key is None or (part != "original" and key == document.sha256):
            continue
        state = files.check(key)
        if state is not Integrity.INTACT:
            yield Difference(document.id, document.matter_kind, document.matter_id, part, key, state)
