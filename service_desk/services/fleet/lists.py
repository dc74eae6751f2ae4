"""Lists on their way in, of whatever kind: kept with their dry run, looked at, put away, handed back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import aliased

from service_desk.adapters.file_store import FileStore
from service_desk.adapters.spreadsheets import annotate
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.fleet import FleetImport, FleetImportRow, ImportKind, ImportState, RowVerdict
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, documents
from service_desk.services.documents import Upload
from service_desk.services.fleet.queries import count_of
from service_desk.services.notices import Matter

MAX_LIST_BYTES = 20 * 1024 * 1024
_DOCUMENT_KINDS = {
    ImportKind.FLEET: DocumentKind.FLEET_LIST,
    ImportKind.POLICIES: DocumentKind.POLICY_LIST,
}


@dataclass(frozen=True)
class Judged:
    """A list as judged: how its columns were read, each row's values for `FleetImportRow`, and the counts.

    `sha256` is of the bytes, the columns and what the accepted rows say with them: the same list with a newly
    learnt branch name says more than before, so it is another content. `totals` are the file's own sums beside ours.
    """

    mapping: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    counts: dict[str, int]
    sha256: str
    totals: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class UnknownBranch:
    """A branch name that rows of a list hold and nobody knows."""

    name: str
    rows: int


def require_size(upload: Upload) -> None:
    """Refuse a file that is too large to be a list."""
    if len(upload.content) > MAX_LIST_BYTES:
        raise Invalid(
            "file_too_large", field="file", filename=upload.filename, megabytes=MAX_LIST_BYTES // 2**20
        )


def find_committed(account_id: int, sha256: str) -> FleetImport | None:
    """The committed import of the same content, if there is one. An undone one does not count."""
    statement = select(FleetImport).where(
        FleetImport.account_id == account_id,
        FleetImport.content_sha256 == sha256,
        FleetImport.state == ImportState.COMMITTED,
    )
    return db.session.scalar(statement.order_by(FleetImport.id.desc()).limit(1))


def keep(
    kind: ImportKind,
    upload: Upload,
    account_id: int,
    judged: Judged,
    files: FileStore,
    actor: User,
    now: datetime,
) -> FleetImport:
    """Write a list down with its dry run."""
    matter = Matter("fleet_import", 0, upload.filename, account_id)
    document = documents.store_file(files, upload, _DOCUMENT_KINDS[kind], matter, actor=actor, now=now)
    imported = FleetImport(
        account_id=account_id,
        kind=kind,
        document_id=document.id,
        filename=document.filename,
        content_sha256=judged.sha256,
        mapping=judged.mapping,
        state=ImportState.CHECKED,
        counts=judged.counts,
        totals=judged.totals,
        created_by_id=actor.id,
        created_at=now,
    )
    db.session.add(imported)
    db.session.flush()
    document.matter_id = imported.id
    write_rows(imported, judged)
    return imported


def write_rows(imported: FleetImport, judged: Judged) -> None:
    """Write the judged rows down."""
    if judged.rows:
        db.session.execute(insert(FleetImportRow), [{"import_id": imported.id, **row} for row in judged.rows])


def get_import(import_id: int, kind: ImportKind, *, actor: User) -> FleetImport:
    """One list of a kind, of an account the actor imports for."""
    access.require(actor, Action.IMPORT_FLEET)
    return access.get_visible(
        actor, Action.IMPORT_FLEET, FleetImport, FleetImport.id == import_id, FleetImport.kind == kind
    )


def list_imports(
    account_id: int, kind: ImportKind, page: PageRequest, *, actor: User
) -> Page[tuple[FleetImport, User]]:
    """The lists of an account, newest first, with who brought them."""
    access.require(actor, Action.IMPORT_FLEET)
    statement = access.visible(actor, Action.IMPORT_FLEET, select(FleetImport), FleetImport)
    statement = statement.where(FleetImport.account_id == account_id, FleetImport.kind == kind)
    by = aliased(User)
    rows = db.session.execute(
        statement.add_columns(by)
        .join(by, by.id == FleetImport.created_by_id)
        .order_by(FleetImport.id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    return Page([(row[0], row[1]) for row in rows], count_of(statement), page.number, page.size)


def list_rows(imported: FleetImport, verdict: RowVerdict, page: PageRequest) -> Page[FleetImportRow]:
    """The rows of one verdict in the file's order."""
    statement = select(FleetImportRow).where(
        FleetImportRow.import_id == imported.id, FleetImportRow.verdict == verdict
    )
    ordered = statement.order_by(FleetImportRow.id).limit(page.size).offset(page.offset)
    return Page(db.session.scalars(ordered).all(), count_of(statement), page.number, page.size)


def all_rows(imported: FleetImport) -> list[FleetImportRow]:
    """Every row of a list that was judged, in the file's order."""
    statement = select(FleetImportRow).where(FleetImportRow.import_id == imported.id)
    return list(db.session.scalars(statement.order_by(FleetImportRow.id)))


def unknown_branches(imported: FleetImport) -> list[UnknownBranch]:
    """The branch names nobody knows, with the number of rows each keeps out."""
    rows = db.session.scalars(
        select(FleetImportRow.value).where(
            FleetImportRow.import_id == imported.id, FleetImportRow.code == "branch_unknown"
        )
    ).all()
    return [UnknownBranch(name, rows.count(name)) for name in dict.fromkeys(rows) if name]


def lock(import_id: int, kind: ImportKind, actor: User) -> FleetImport:
    """The import for writing. Lists of one account are written one after another."""
    imported = get_import(import_id, kind, actor=actor)
    db.session.scalar(select(KeyAccount.id).where(KeyAccount.id == imported.account_id).with_for_update())
    db.session.refresh(imported, with_for_update=True)
    return imported


def require_open(imported: FleetImport) -> None:
    """Refuse a list that was imported or put away."""
    if imported.state is not ImportState.CHECKED:
        raise Conflict("import_closed", filename=imported.filename)


def original(imported: FleetImport, *, files: FileStore) -> bytes:
    """The file as it came."""
    document = db.session.get_one(Document, imported.document_id)
    return files.get(document.original_key)


def abandon(import_id: int, kind: ImportKind, action: str, *, actor: User, now: datetime) -> FleetImport:
    """Put a dry run away. The file and what was found stay readable. `action` names it in the trail."""
    imported = lock(import_id, kind, actor)
    require_open(imported)
    imported.state = ImportState.ABANDONED
    audit.record(action, imported, actor=actor, now=now, label=imported.filename)
    return imported


def annotated(
    imported: FleetImport, remarks: Mapping[str | None, Mapping[int, tuple[str, str]]], *, files: FileStore
) -> tuple[bytes, str]:
    """The file as it came with two columns added, and its new name."""
    return annotate(original(imported, files=files), imported.filename, remarks)
