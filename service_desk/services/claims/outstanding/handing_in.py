"""A list handed in: compared at once, kept with its file, its clock started, its owner told."""

import hashlib
from collections import Counter
from datetime import datetime

from sqlalchemy import func, insert, select

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import CHINA
from service_desk.base.errors import Conflict, Invalid
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db, table_of
from service_desk.models.documents import DocumentKind
from service_desk.models.outstanding import ListState, OutstandingList, OutstandingRow
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, audit, documents, notices, numbers, sla
from service_desk.services.claims.outstanding.comparing import Compared, compare
from service_desk.services.claims.people import list_handlers
from service_desk.services.documents import Upload
from service_desk.services.notices import Matter

MATTER_KIND = "outstanding_list"
MAX_LIST_BYTES = 20 * 1024 * 1024


def matter_of(listed: OutstandingList) -> Matter:
    """The list as clocks and notices know it."""
    return Matter(MATTER_KIND, listed.id, listed.number, listed.account_id)


def hand_in(
    upload: Upload, account_id: int, *, files: FileStore, actor: User, now: datetime
) -> OutstandingList:
    """Keep a list with its comparison, which starts its clock; the same file again gives the same comparison.

    Invalid with the file's verdict when nothing of it can be read; then nothing is kept.
    """
    access.require(actor, Action.COMPARE_OUTSTANDING)
    access.get_visible(actor, Action.COMPARE_OUTSTANDING, KeyAccount, KeyAccount.id == account_id)
    if len(upload.content) > MAX_LIST_BYTES:
        raise Invalid(
            "file_too_large", field="file", filename=upload.filename, megabytes=MAX_LIST_BYTES // 2**20
        )
    # Lists of one account come one after another: two of the same file at once are one comparison.
    db.session.scalar(select(KeyAccount.id).where(KeyAccount.id == account_id).with_for_update())
    digest = hashlib.sha256(upload.content).hexdigest()
    known = select(OutstandingList).where(
        OutstandingList.account_id == account_id, OutstandingList.file_sha256 == digest
    )
    earlier = db.session.scalar(known)
    if earlier is not None:
        return earlier
    previous_id = _latest_id(account_id)
    compared = compare(upload.content, account_id, previous_id=previous_id)
    owner = _owner(account_id, actor)
    listed = _keep(upload, account_id, digest, compared, owner, previous_id, files, actor, now)
    sla.start(matter_of(listed), ClockStep.OUTSTANDING_LIST, holder_id=owner.id, at=now, actor=actor, now=now)
    if owner.id != actor.id:
        _tell_owner(listed, owner, actor, now)
    return listed


def _latest_id(account_id: int) -> int | None:
    statement = select(OutstandingList.id).where(OutstandingList.account_id == account_id)
    return db.session.scalar(statement.order_by(OutstandingList.id.desc()).limit(1))


def _owner(account_id: int, actor: User) -> User:
    """Who answers: the desk's person who brought it, else whoever has the fewest lists to answer."""
    if actor.side is Side.INSURER and access.may(actor, Action.HANDLE_CLAIMS):
        return actor
    handlers = list_handlers(account_id)
    staff = [user for user in handlers if user.role is Role.CLAIMS] or handlers
    if not staff:
        raise Conflict("nobody_at_desk")
    statement = (
        select(OutstandingList.owner_id, func.count())
        .where(OutstandingList.state == ListState.CHECKED)
        .group_by(OutstandingList.owner_id)
    )
    loads = Counter(dict(db.session.execute(statement).tuples().all()))
    return min(staff, key=lambda user: (loads[user.id], user.staff_no, user.id))


def _keep(
    upload: Upload,
    account_id: int,
    digest: str,
    compared: Compared,
    owner: User,
    previous_id: int | None,
    files: FileStore,
    actor: User,
    now: datetime,
) -> OutstandingList:
    matter = Matter(MATTER_KIND, 0, upload.filename, account_id)
    document = documents.store_file(
        files, upload, DocumentKind.OUTSTANDING_LIST, matter, actor=actor, now=now
    )
    listed = OutstandingList(
        number=numbers.next_number("OSL", now.astimezone(CHINA).year),
        account_id=account_id,
        document_id=document.id,
        filename=document.filename,
        file_sha256=digest,
        state=ListState.CHECKED,
        mapping=compared.mapping,
        counts=compared.counts,
        owner_id=owner.id,
        handed_in_by_id=actor.id,
        handed_in_at=now,
        previous_id=previous_id,
    )
    db.session.add(listed)
    db.session.flush()
    document.matter_id = listed.id
    write_rows(listed, compared)
    changes = {"owner_id": (None, owner.id)}
    audit.record("outstanding_list_handed_in", listed, actor=actor, now=now, changes=changes)
    return listed


def write_rows(listed: OutstandingList, compared: Compared) -> None:
    """Write the compared rows down, in the file's order."""
    rows = [{"list_id": listed.id, **row} for row in compared.rows]
    db.session.execute(insert(table_of(OutstandingRow)), rows)


def _tell_owner(listed: OutstandingList, owner: User, actor: User, now: datetime) -> None:
    params = {
        "number": listed.number,
        "filename": listed.filename,
        "sender": actor.name,
        "rows": sum(
            count for name, count in listed.counts.items() if not name.startswith(("change_", "only_"))
        ),
        "questions": listed.counts.get("unsure", 0),
        "url": f"/outstanding/{listed.number}",
    }
    notices.queue(
        "outstanding_handed_in",
        notices.user_recipient(owner),
        params,
        dedupe=f"outstanding_handed_in:{listed.id}",
        now=now,
        matter=matter_of(listed),
    )
