"""A client's list on its way in: upload and dry run, other columns, commit, undo."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import aliased

from service_desk.adapters.file_store import FileStore
from service_desk.adapters.spreadsheets import annotate
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.fleet import FleetImport, FleetImportRow, ImportState, RowVerdict
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts, audit, documents, submissions
from service_desk.services.documents import Upload
from service_desk.services.fleet.applying import apply_rows
from service_desk.services.fleet.judging import (
    Choices,
    Judged,
    choices_of,
    judge,
    known_vehicles,
    outcome_values,
    statements_of,
)
from service_desk.services.fleet.planning import plan
from service_desk.services.fleet.queries import count_of
from service_desk.services.fleet.undoing import blockers, revert
from service_desk.services.notices import Matter

MAX_LIST_BYTES = 20 * 1024 * 1024
_NAMED_AT_MOST = 10


@dataclass(frozen=True)
class UnknownBranch:
    """A branch name that rows of a list hold and nobody knows."""

    name: str
    rows: int


def preview(upload: Upload, account_id: int) -> Judged:
    """Judge a list and write nothing."""
    _check_size(upload)
    return judge(upload.content, account_id)


def upload_list(
    upload: Upload, account_id: int, *, files: FileStore, actor: User, now: datetime, key: str = ""
) -> FleetImport:
    """Keep a list with its dry run. A list that was imported before, content for content, gives that import."""
    access.require(actor, Action.IMPORT_FLEET)
    access.get_visible(actor, Action.IMPORT_FLEET, KeyAccount, KeyAccount.id == account_id)
    _check_size(upload)

    def make() -> str:
        judged = judge(upload.content, account_id)
        earlier = find_committed(account_id, judged.sha256)
        return str((earlier or _keep(upload, account_id, judged, files, actor, now)).id)

    return get_import(int(submissions.once("fleet_import", key, make, actor=actor, now=now)), actor=actor)


def _check_size(upload: Upload) -> None:
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


def _keep(
    upload: Upload, account_id: int, judged: Judged, files: FileStore, actor: User, now: datetime
) -> FleetImport:
    matter = Matter("fleet_import", 0, upload.filename, account_id)
    document = documents.store_file(files, upload, DocumentKind.FLEET_LIST, matter, actor=actor, now=now)
    imported = FleetImport(
        account_id=account_id,
        document_id=document.id,
        filename=document.filename,
        content_sha256=judged.sha256,
        mapping=judged.mapping,
        state=ImportState.CHECKED,
        counts=judged.counts,
        created_by_id=actor.id,
        created_at=now,
    )
    db.session.add(imported)
    db.session.flush()
    document.matter_id = imported.id
    _write_rows(imported, judged)
    audit.record("fleet_list_checked", imported, actor=actor, now=now, label=imported.filename)
    return imported


def _write_rows(imported: FleetImport, judged: Judged) -> None:
    if judged.rows:
        db.session.execute(insert(FleetImportRow), [{"import_id": imported.id, **row} for row in judged.rows])


def get_import(import_id: int, *, actor: User) -> FleetImport:
    """One import of an account the actor imports for."""
    access.require(actor, Action.IMPORT_FLEET)
    return access.get_visible(actor, Action.IMPORT_FLEET, FleetImport, FleetImport.id == import_id)


def list_imports(account_id: int, page: PageRequest, *, actor: User) -> Page[tuple[FleetImport, User]]:
    """The lists of an account, newest first, with who brought them."""
    access.require(actor, Action.IMPORT_FLEET)
    statement = access.visible(actor, Action.IMPORT_FLEET, select(FleetImport), FleetImport)
    statement = statement.where(FleetImport.account_id == account_id)
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


def recheck(
    import_id: int, choices: Choices | None = None, *, files: FileStore, actor: User, now: datetime
) -> FleetImport:
    """Judge a kept list again, with other columns when `choices` are given, against the present data."""
    imported = _lock(import_id, actor)
    _require_open(imported)
    content = _content(imported, files)
    judged = judge(content, imported.account_id, choices or choices_of(imported.mapping))
    db.session.execute(delete(FleetImportRow).where(FleetImportRow.import_id == imported.id))
    imported.content_sha256 = judged.sha256
    imported.mapping = judged.mapping
    imported.counts = judged.counts
    _write_rows(imported, judged)
    audit.record("fleet_list_checked", imported, actor=actor, now=now, label=imported.filename)
    return imported


def _lock(import_id: int, actor: User) -> FleetImport:
    """The import for writing. Lists of one account are written one after another."""
    imported = get_import(import_id, actor=actor)
    db.session.scalar(select(KeyAccount.id).where(KeyAccount.id == imported.account_id).with_for_update())
    db.session.refresh(imported, with_for_update=True)
    return imported


def _require_open(imported: FleetImport) -> None:
    if imported.state is not ImportState.CHECKED:
        raise Conflict("import_closed", filename=imported.filename)


def _content(imported: FleetImport, files: FileStore) -> bytes:
    document = db.session.get_one(Document, imported.document_id)
    return files.get(document.original_key)


def learn_branches(
    import_id: int, branch_of: Mapping[str, int], *, files: FileStore, actor: User, now: datetime
) -> FleetImport:
    """Remember what a list calls branches, then judge it again. `branch_of` gives names their branch."""
    imported = get_import(import_id, actor=actor)
    _require_open(imported)
    for name, branch_id in branch_of.items():
        accounts.add_alias(imported.account_id, branch_id, name, actor=actor, now=now)
    db.session.flush()
    return recheck(import_id, files=files, actor=actor, now=now)


def commit(import_id: int, version: int, *, actor: User, now: datetime) -> FleetImport:
    """Write the whole list to the fleet, or nothing.

    `version` is that of the dry run the person saw. Gives the import that holds the content: this one, also
    when it was sent twice, or an earlier one of the same content. Conflict when vehicles have changed
    since the dry run, so that nothing is written that nobody has seen.
    """
    imported = _lock(import_id, actor)
    if imported.state is ImportState.COMMITTED:
        return imported
    _require_open(imported)
    if imported.version != version:
        raise Conflict("stale")
    earlier = find_committed(imported.account_id, imported.content_sha256)
    if earlier is not None:
        imported.state = ImportState.ABANDONED
        return earlier
    rows = all_rows(imported)
    known = known_vehicles(imported.account_id)
    _require_still_true(imported, rows, known)
    apply_rows(imported.account_id, rows, known, now=now)
    imported.state = ImportState.COMMITTED
    imported.committed_at = now
    counts = {name: (None, imported.counts[name]) for name in ("new", "changed", "rejected")}
    audit.record(
        "fleet_list_imported", imported, actor=actor, now=now, label=imported.filename, changes=dict(counts)
    )
    db.session.flush()
    db.session.expire_all()
    return imported


def _require_still_true(imported: FleetImport, rows: list[FleetImportRow], known: list[Any]) -> None:
    planned = [row for row in rows if row.values]
    for row, outcome in zip(planned, plan(statements_of(planned), known), strict=True):
        now_true = outcome_values(outcome)
        if any(now_true[name] != getattr(row, name) for name in ("verdict", "vehicle_id", "before", "code")):
            raise Conflict("import_outdated", filename=imported.filename)


def abandon(import_id: int, *, actor: User, now: datetime) -> FleetImport:
    """Put a dry run away. The file and what was found stay readable."""
    imported = _lock(import_id, actor)
    _require_open(imported)
    imported.state = ImportState.ABANDONED
    audit.record("fleet_list_abandoned", imported, actor=actor, now=now, label=imported.filename)
    return imported


def undo(import_id: int, reason: str, *, actor: User, now: datetime) -> FleetImport:
    """Take a committed list back. Conflict naming the vehicles that were changed or insured since."""
    imported = _lock(import_id, actor)
    if imported.state is not ImportState.COMMITTED:
        raise Conflict("import_not_committed", filename=imported.filename)
    if not reason.strip():
        raise Invalid("reason_missing", field="reason")
    found = blockers(imported)
    if found:
        names = ", ".join(blocker.name for blocker in found[:_NAMED_AT_MOST])
        raise Conflict("undo_refused", count=len(found), vehicles=names)
    revert(imported, now=now)
    imported.state = ImportState.UNDONE
    imported.undone_at = now
    changes = {"reason": (None, reason.strip())}
    audit.record(
        "fleet_list_undone", imported, actor=actor, now=now, label=imported.filename, changes=changes
    )
    db.session.flush()
    db.session.expire_all()
    return imported


def annotated(
    imported: FleetImport, remarks: Mapping[str | None, Mapping[int, tuple[str, str]]], *, files: FileStore
) -> tuple[bytes, str]:
    """The file as it came with two columns added, and its new name."""
    return annotate(_content(imported, files), imported.filename, remarks)


def original(imported: FleetImport, *, files: FileStore) -> bytes:
    """The file as it came."""
    return _content(imported, files)
