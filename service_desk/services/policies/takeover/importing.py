"""A list of policies on its way in: upload and dry run, answers, commit, undo."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import one_line
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import FleetImport, FleetImportRow, ImportKind, ImportState, RowVerdict
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts, audit, submissions
from service_desk.services.documents import Upload
from service_desk.services.fleet import lists
from service_desk.services.fleet.lists import Judged
from service_desk.services.policies.takeover.applying import apply_rows
from service_desk.services.policies.takeover.judging import (
    Choices,
    answers_of,
    choices_of,
    judge,
    writes,
)
from service_desk.services.policies.takeover.undoing import blockers, revert

_NAMED_AT_MOST = 10


@dataclass(frozen=True)
class Said:
    """Answers to a list's questions: by row id whether the vehicle asked about is meant, the VINs to add, and the
    names of insurers that mean us."""

    is_meant: Mapping[int, bool]
    add: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()


def upload_list(
    upload: Upload, account_id: int, *, files: FileStore, actor: User, now: datetime, key: str = ""
) -> FleetImport:
    """Keep a list with its dry run. A list that was taken over before, content for content, gives that import."""
    _require(actor)
    access.get_visible(actor, Action.IMPORT_FLEET, KeyAccount, KeyAccount.id == account_id)
    lists.require_size(upload)

    def make() -> str:
        judged = judge(upload.content, account_id)
        earlier = lists.find_committed(account_id, judged.sha256)
        if earlier is not None:
            return str(earlier.id)
        imported = lists.keep(ImportKind.POLICIES, upload, account_id, judged, files, actor, now)
        audit.record("policy_list_checked", imported, actor=actor, now=now, label=imported.filename)
        return str(imported.id)

    return get_import(int(submissions.once("policy_list", key, make, actor=actor, now=now)), actor=actor)


def _require(actor: User) -> None:
    """Taking over writes vehicles and policies, so it needs leave for both."""
    access.require(actor, Action.IMPORT_FLEET)
    access.require(actor, Action.ISSUE_POLICIES)


def get_import(import_id: int, *, actor: User) -> FleetImport:
    """One list of policies of an account the actor takes over for."""
    _require(actor)
    return lists.get_import(import_id, ImportKind.POLICIES, actor=actor)


def list_imports(account_id: int, page: PageRequest, *, actor: User) -> Page[tuple[FleetImport, User]]:
    """The lists of policies of an account, newest first, with who brought them."""
    _require(actor)
    return lists.list_imports(account_id, ImportKind.POLICIES, page, actor=actor)


def _lock(import_id: int, actor: User) -> FleetImport:
    _require(actor)
    return lists.lock(import_id, ImportKind.POLICIES, actor)


def recheck(
    import_id: int, choices: Choices | None = None, *, files: FileStore, actor: User, now: datetime
) -> FleetImport:
    """Judge a kept list again, with other columns when `choices` are given, against the present data."""
    imported = _lock(import_id, actor)
    lists.require_open(imported)
    judged = _judged(imported, files, choices)
    db.session.execute(delete(FleetImportRow).where(FleetImportRow.import_id == imported.id))
    imported.content_sha256 = judged.sha256
    imported.mapping = judged.mapping
    imported.counts = judged.counts
    imported.totals = judged.totals
    lists.write_rows(imported, judged)
    audit.record("policy_list_checked", imported, actor=actor, now=now, label=imported.filename)
    return imported


def _judged(imported: FleetImport, files: FileStore, choices: Choices | None = None) -> Judged:
    content = lists.original(imported, files=files)
    wanted = choices or choices_of(imported.mapping)
    return judge(content, imported.account_id, wanted, answers_of(imported.answers))


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


def answer(import_id: int, said: Said, *, files: FileStore, actor: User, now: datetime) -> FleetImport:
    """Keep what a person said about the rows, then judge the list again. Invalid `nothing_answered`."""
    imported = _lock(import_id, actor)
    lists.require_open(imported)
    kept = {name: list(imported.answers.get(name, [])) for name in ("vehicles", "add", "ours")}
    kept["ours"] += [name for name, _count in other_insurers(imported) if name in said.ours]
    for row in lists.all_rows(imported):
        if row.verdict is RowVerdict.QUESTION and row.id in said.is_meant:
            meant = row.params["vehicle"] if said.is_meant[row.id] else 0
            kept["vehicles"].append([row.sheet, row.row_no, meant])
        if row.code == "vehicle_may_be_added" and row.params.get("vin") in said.add:
            kept["add"].append(row.params["vin"])
    if all(len(kept[name]) == len(imported.answers.get(name, [])) for name in kept):
        raise Invalid("nothing_answered")
    imported.answers = {**kept, "add": sorted(set(kept["add"]))}
    db.session.flush()
    return recheck(import_id, files=files, actor=actor, now=now)


def other_insurers(imported: FleetImport) -> list[tuple[str, int]]:
    """The names in the column of insurers that were not taken for ours, with the policies each stands beside."""
    stated = db.session.scalars(
        select(FleetImportRow.values)
        .where(FleetImportRow.import_id == imported.id)
        .order_by(FleetImportRow.id)
    )
    return list(Counter(one["insurer"] for one in stated if one.get("is_ours") is False).items())


def addable_vins(imported: FleetImport) -> list[str]:
    """The VINs of vehicles that are not on record and could be added, each once."""
    statement = select(FleetImportRow.params).where(
        FleetImportRow.import_id == imported.id, FleetImportRow.code == "vehicle_may_be_added"
    )
    found = db.session.scalars(statement.order_by(FleetImportRow.id))
    return list(dict.fromkeys(params["vin"] for params in found))


def differences(imported: FleetImport) -> list[dict[str, Any]]:
    """The figures of the file's own totals that the accepted rows do not come to."""
    return [one for one in imported.totals if one["differs"]]


def commit(
    import_id: int, version: int, reason: str = "", *, files: FileStore, actor: User, now: datetime
) -> FleetImport:
    """Take the whole list over, or nothing.

    `version` is that of the dry run the person saw; `reason` why it is taken over with a difference from the
    file's own totals. Gives the import that holds the content, also when it was sent twice. Invalid
    `difference_unexplained`, Conflict `import_outdated` when vehicles, policies or covers have changed since the dry run.
    """
    imported = _lock(import_id, actor)
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
    _require_still_true(imported, rows, files)
    words = one_line(reason)[:200]
    if differences(imported) and not words:
        raise Invalid("difference_unexplained", field="reason")
    written = [row for row in rows if writes(row)]
    if not written:
        raise Invalid("nothing_to_take_over")
    apply_rows(imported.account_id, written, actor=actor, now=now)
    imported.state = ImportState.COMMITTED
    imported.committed_at = now
    imported.totals_reason = words
    _tell(imported, actor, now)
    db.session.flush()
    db.session.expire_all()
    return imported


def _require_still_true(imported: FleetImport, rows: list[FleetImportRow], files: FileStore) -> None:
    """Judge the file once more: what is written is what was shown, or nothing is."""
    judged = _judged(imported, files)
    names = ("sheet", "row_no", "verdict", "vehicle_id", "code", "values", "before")
    shown = [tuple(getattr(row, name) for name in names) for row in rows]
    if shown != [tuple(row[name] for name in names) for row in judged.rows]:
        raise Conflict("import_outdated", filename=imported.filename)


def _tell(imported: FleetImport, actor: User, now: datetime) -> None:
    changes: dict[str, tuple[Any, Any]] = {
        name: (None, imported.counts[name]) for name in ("new", "changed", "rejected")
    }
    if imported.totals_reason:
        changes["reason"] = (None, imported.totals_reason)
        changes["differences"] = (None, len(differences(imported)))
    audit.record(
        "policy_list_taken_over", imported, actor=actor, now=now, label=imported.filename, changes=changes
    )


def abandon(import_id: int, *, actor: User, now: datetime) -> FleetImport:
    """Put a dry run away. The file and what was found stay readable."""
    _require(actor)
    return lists.abandon(import_id, ImportKind.POLICIES, "policy_list_abandoned", actor=actor, now=now)


def undo(import_id: int, reason: str, *, actor: User, now: datetime) -> FleetImport:
    """Take a list back. Conflict naming the policies and vehicles on which something hangs by now."""
    imported = _lock(import_id, actor)
    if imported.state is not ImportState.COMMITTED:
        raise Conflict("import_not_committed", filename=imported.filename)
    words = one_line(reason)
    if not words:
        raise Invalid("reason_missing", field="reason")
    rows = [row for row in lists.all_rows(imported) if writes(row)]
    found = blockers(imported, rows)
    if found:
        names = ", ".join(one.name for one in found[:_NAMED_AT_MOST])
        raise Conflict("take_over_undo_refused", count=len(found), names=names)
    revert(imported, rows, now=now)
    imported.state = ImportState.UNDONE
    imported.undone_at = now
    changes = {"reason": (None, words[:200])}
    audit.record(
        "policy_list_undone", imported, actor=actor, now=now, label=imported.filename, changes=changes
    )
    db.session.flush()
    db.session.expire_all()
    return imported
