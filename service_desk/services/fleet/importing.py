"""A client's list on its way in: upload and dry run, other columns, commit, undo."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import FleetImport, FleetImportRow, ImportKind, ImportState
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts, audit, submissions
from service_desk.services.documents import Upload
from service_desk.services.fleet import lists
from service_desk.services.fleet.applying import apply_rows
from service_desk.services.fleet.judging import (
    Choices,
    choices_of,
    judge,
    known_vehicles,
    outcome_values,
    statements_of,
)
from service_desk.services.fleet.lists import (
    Judged,
    UnknownBranch,
    all_rows,
    annotated,
    list_rows,
    original,
    unknown_branches,
)
from service_desk.services.fleet.planning import plan
from service_desk.services.fleet.undoing import blockers, revert

__all__ = [
    "Judged",
    "UnknownBranch",
    "abandon",
    "all_rows",
    "annotated",
    "commit",
    "get_import",
    "learn_branches",
    "list_imports",
    "list_rows",
    "original",
    "preview",
    "recheck",
    "undo",
    "unknown_branches",
    "upload_list",
]

_NAMED_AT_MOST = 10


def preview(upload: Upload, account_id: int) -> Judged:
    """Judge a list and write nothing."""
    lists.require_size(upload)
    return judge(upload.content, account_id)


def upload_list(
    upload: Upload, account_id: int, *, files: FileStore, actor: User, now: datetime, key: str = ""
) -> FleetImport:
    """Keep a list with its dry run. A list that was imported before, content for content, gives that import."""
    access.require(actor, Action.IMPORT_FLEET)
    access.get_visible(actor, Action.IMPORT_FLEET, KeyAccount, KeyAccount.id == account_id)
    lists.require_size(upload)

    def make() -> str:
        judged = judge(upload.content, account_id)
        earlier = lists.find_committed(account_id, judged.sha256)
        return str((earlier or _keep(upload, account_id, judged, files, actor, now)).id)

    return get_import(int(submissions.once("fleet_import", key, make, actor=actor, now=now)), actor=actor)


def _keep(
    upload: Upload, account_id: int, judged: Judged, files: FileStore, actor: User, now: datetime
) -> FleetImport:
    imported = lists.keep(ImportKind.FLEET, upload, account_id, judged, files, actor, now)
    audit.record("fleet_list_checked", imported, actor=actor, now=now, label=imported.filename)
    return imported


def get_import(import_id: int, *, actor: User) -> FleetImport:
    """One fleet list of an account the actor imports for."""
    return lists.get_import(import_id, ImportKind.FLEET, actor=actor)


def list_imports(account_id: int, page: PageRequest, *, actor: User) -> Page[tuple[FleetImport, User]]:
    """The fleet lists of an account, newest first, with who brought them."""
    return lists.list_imports(account_id, ImportKind.FLEET, page, actor=actor)


def abandon(import_id: int, *, actor: User, now: datetime) -> FleetImport:
    """Put a dry run away. The file and what was found stay readable."""
    return lists.abandon(import_id, ImportKind.FLEET, "fleet_list_abandoned", actor=actor, now=now)


def recheck(
    import_id: int, choices: Choices | None = None, *, files: FileStore, actor: User, now: datetime
) -> FleetImport:
    """Judge a kept list again, with other columns when `choices` are given, against the present data."""
    imported = lists.lock(import_id, ImportKind.FLEET, actor)
    lists.require_open(imported)
    content = lists.original(imported, files=files)
    judged = judge(content, imported.account_id, choices or choices_of(imported.mapping))
    db.session.execute(delete(FleetImportRow).where(FleetImportRow.import_id == imported.id))
    imported.content_sha256 = judged.sha256
    imported.mapping = judged.mapping
    imported.counts = judged.counts
    lists.write_rows(imported, judged)
    audit.record("fleet_list_checked", imported, actor=actor, now=now, label=imported.filename)
    return imported


def learn_branches(
    import_id: int, branch_of: Mapping[str, int], *, files: FileStore, actor: User, now: datetime
) -> FleetImport:
    """Remember what a list calls branches, then judge it again. `branch_of` gives names their branch."""
    imported = get_import(import_id, actor=actor)
    lists.require_open(imported)
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
    imported = lists.lock(import_id, ImportKind.FLEET, actor)
    if imported.state is ImportState.COMMITTED:
        return imported
    lists.require_open(imported)
    if imported.version != version:
        raise Conflict("stale")
    earlier = lists.find_committed(imported.account_id, imported.content_sha256)
    if earlier is not None:
        imported.state = ImportState.ABANDONED
        return earlier
    rows = lists.all_rows(imported)
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


def undo(import_id: int, reason: str, *, actor: User, now: datetime) -> FleetImport:
    """Take a committed list back. Conflict naming the vehicles that were changed or insured since."""
    imported = lists.lock(import_id, ImportKind.FLEET, actor)
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
