"""The answer: compared once more, enquiries opened for what we lack, the file kept, the clock stopped, the client told."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import update

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Invalid
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.outstanding import ListState, OutstandingList, OutstandingRow
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.outstanding_match import RowKind, single_enquiries
from service_desk.services import audit, documents, enquiries, notices, sla
from service_desk.services.claims.outstanding.deciding import locked, recompare, require_handler
from service_desk.services.claims.outstanding.handing_in import matter_of
from service_desk.services.claims.outstanding.lists import all_rows, original
from service_desk.services.documents import Upload
from service_desk.services.enquiries import ContactDetails

Answer = Callable[
    [OutstandingList, Sequence[tuple[OutstandingRow, Enquiry | None]], bytes], tuple[bytes, str]
]
"""Writes the file sent back, with its name, from the list, its rows with their enquiries, and the file as it came."""

_ROWS_NAMED = 50


def release(
    number: str,
    write: Answer,
    *,
    files: FileStore,
    actor: User,
    now: datetime,
    version: int | None = None,
) -> OutstandingList:
    """Answer a list for good. Invalid `questions_open` while a row is unsure: it is asked, not guessed.

    The claims are looked at once more, so that the answer says how they stand now.
    """
    require_handler(actor)
    listed = locked(number, actor=actor, version=version)
    compared = recompare(listed, files)
    if compared.counts.get(RowKind.UNSURE.value):
        raise Invalid("questions_open", count=compared.counts[RowKind.UNSURE.value])
    _open_enquiries(listed, [row for row, _none in all_rows(listed)], actor, now)
    content, filename = write(listed, all_rows(listed), original(listed, files=files))
    upload = Upload(filename, content)
    document = documents.store_file(
        files, upload, DocumentKind.OUTSTANDING_LIST, matter_of(listed), actor=actor, now=now
    )
    changes = audit.change(
        listed,
        state=ListState.RELEASED,
        answered_by_id=actor.id,
        answered_at=now,
        answer_document_id=document.id,
        answer_sha256=hashlib.sha256(content).hexdigest(),
    )
    audit.record("outstanding_list_answered", listed, actor=actor, now=now, changes=changes)
    sla.stop(matter_of(listed), [ClockStep.OUTSTANDING_LIST], at=now, actor=actor, now=now)
    _tell(listed, actor, now)
    return listed


def _open_enquiries(
    listed: OutstandingList, rows: Sequence[OutstandingRow], actor: User, now: datetime
) -> None:
    """One for each row of a vehicle of ours, where they are few; one for all the others."""
    lacking = [row for row in rows if row.kind is RowKind.NOT_OURS]
    single = set(single_enquiries([row.vehicle_id for row in lacking]))
    for index in sorted(single):
        _link(listed, [lacking[index]], lacking[index].said["plate"], actor, now)
    others = [row for index, row in enumerate(lacking) if index not in single]
    if others:
        _link(listed, others, "", actor, now)


def _link(
    listed: OutstandingList, rows: Sequence[OutstandingRow], about: str, actor: User, now: datetime
) -> None:
    sender = db.session.get_one(User, listed.handed_in_by_id)
    named = [_row_words(row) for row in rows[:_ROWS_NAMED]]
    what = named[0] if len(rows) == 1 else f"× {len(rows)}"
    details = ContactDetails(
        channel=EnquiryChannel.MESSAGE,
        caller_name=sender.name[:64],
        caller_phone=sender.phone,
        subject=f"{listed.number} · {what}"[:200],
        body="\n".join([listed.filename, *named]),
        about=about,
        branch_id=None,
    )
    enquiry = enquiries.log_contact(listed.account_id, details, actor=actor, now=now)
    db.session.flush()
    ids = [row.id for row in rows]
    for start in range(0, len(ids), 900):
        some = ids[start : start + 900]
        db.session.execute(
            update(OutstandingRow).where(OutstandingRow.id.in_(some)).values(enquiry_id=enquiry.id)
        )


def _row_words(row: OutstandingRow) -> str:
    """Where the row stands and what it says, in the list's own words."""
    said = row.said
    place = f"{row.sheet}!{row.row_no}" if row.sheet else f"{row.row_no}"
    parts = (place, said["claim_no"], said["report_no"], said["plate"], said["loss_on"])
    return " · ".join(part for part in parts if part)


def _tell(listed: OutstandingList, actor: User, now: datetime) -> None:
    """Whoever handed the list in can fetch the answer."""
    sender = db.session.get_one(User, listed.handed_in_by_id)
    if sender.id == actor.id:
        return
    counts = {kind.value: listed.counts.get(kind.value, 0) for kind in RowKind}
    params = {
        "number": listed.number,
        "filename": listed.filename,
        "counts": counts,
        "url": f"/outstanding/{listed.number}",
    }
    notices.queue(
        "outstanding_answered",
        notices.user_recipient(sender),
        params,
        dedupe=f"outstanding_answered:{listed.id}",
        now=now,
        matter=matter_of(listed),
    )
