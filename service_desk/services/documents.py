"""Files of a matter: photos are re-encoded before anyone sees them, papers are photos or PDF."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import filetype
from sqlalchemy import select

from service_desk.adapters import pictures
from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Side
from service_desk.services import access
from service_desk.services.notices import Matter

MAX_PHOTO_BYTES = 20 * 1024 * 1024
# Each photo is decoded while the request holds the database, and a small file may unpack to a large picture.
MAX_FILES = 20


@dataclass(frozen=True)
class Upload:
    """A file as it arrived: the name is the sender's and is only ever shown as text."""

    filename: str
    content: bytes


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
    """Keep a photo: the original with its hash, and the re-encoded copy that is shown."""
    picture = _picture(upload, field, "photo_unreadable")
    return _keep(files, upload, kind, matter, (picture.content, "image/jpeg"), picture, actor, now)


def store_paper(
    files: FileStore,
    upload: Upload,
    kind: DocumentKind,
    matter: Matter,
    *,
    field: str,
    actor: User,
    now: datetime,
) -> Document:
    """Keep a paper: a photo of it, or a PDF, which is only ever served as a download."""
    if is_pdf(upload):
        _check_size(upload, field)
        return _keep(files, upload, kind, matter, (upload.content, "application/pdf"), None, actor, now)
    picture = _picture(upload, field, "paper_unreadable")
    return _keep(files, upload, kind, matter, (picture.content, "image/jpeg"), picture, actor, now)


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
    except pictures.NotAPicture:
        raise Invalid(refusal, field=field, filename=upload.filename) from None


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
    actor: User,
    now: datetime,
) -> Document:
    content, content_type = shown
    original_key = files.put(upload.content)
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
        storage_key=original_key if content is upload.content else files.put(content),
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        uploaded_by_id=actor.id,
        uploaded_at=now,
    )
    db.session.add(document)
    db.session.flush()
    return document


# What may be read is what its matter lets be read: papers of a claim with the claim, lists with their
# import, what was signed at a delivery by whoever delivers.
_READ_WITH = {
    DocumentKind.FLEET_LIST: Action.IMPORT_FLEET,
    DocumentKind.POLICY_LIST: Action.IMPORT_FLEET,
    DocumentKind.DELIVERY_RECEIPT: Action.ISSUE_POLICIES,
    DocumentKind.OUTSTANDING_LIST: Action.COMPARE_OUTSTANDING,
    DocumentKind.REVIEW_EVIDENCE: Action.REVIEW_BREACHES,
    # A request for a new vehicle is read with the fleet.
    DocumentKind.VEHICLE_LICENCE: Action.READ_FLEET,
}
# The clock of a breach's review is the desk's own, and so are the papers that prove its pauses.
_OF_THE_DESK = "breach"


def get_document(document_id: int, *, actor: User) -> Document:
    """A document of a matter the actor may see; NotFound otherwise."""
    kind = db.session.scalar(select(Document.kind).where(Document.id == document_id))
    action = Action.READ_CLAIMS if kind is None else _READ_WITH.get(kind, Action.READ_CLAIMS)
    document = access.get_visible(actor, action, Document, Document.id == document_id)
    if document.matter_kind == _OF_THE_DESK and actor.side is Side.CLIENT:
        raise NotFound("not_found")
    return document


def list_for(matter_kind: str, matter_id: int) -> list[Document]:
    """All documents of a matter, oldest first. The caller has checked that the matter is visible."""
    statement = select(Document).where(Document.matter_kind == matter_kind, Document.matter_id == matter_id)
    return list(db.session.scalars(statement.order_by(Document.uploaded_at, Document.id)))
