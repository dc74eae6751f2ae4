"""Reading lists of outstanding claims: the lists, their rows, what is gone since the last, the files."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.enquiries import Enquiry
from service_desk.models.outstanding import OutstandingList, OutstandingRow
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.outstanding_match import Change, RowKind
from service_desk.rules.permissions import Action
from service_desk.services import access, sla

_MATTER_KIND = "outstanding_list"


@dataclass(frozen=True)
class Progress:
    """Who did what with a list, and its clock."""

    people: dict[int, User]
    timer: Timer | None
    previous: OutstandingList | None
    gone: int


def get_list(number: str, *, actor: User) -> OutstandingList:
    """A list of an account the actor compares for; Forbidden without the permission, NotFound for others' lists."""
    access.require(actor, Action.COMPARE_OUTSTANDING)
    return access.get_visible(
        actor, Action.COMPARE_OUTSTANDING, OutstandingList, OutstandingList.number == number
    )


def list_lists(
    account_id: int, page: PageRequest, *, actor: User
) -> Page[tuple[OutstandingList, User, Timer | None]]:
    """The lists of an account, newest first, with their owner and clock."""
    access.require(actor, Action.COMPARE_OUTSTANDING)
    statement = select(OutstandingList).where(OutstandingList.account_id == account_id)
    statement = access.visible(actor, Action.COMPARE_OUTSTANDING, statement, OutstandingList)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.execute(
        statement.add_columns(User)
        .join(User, User.id == OutstandingList.owner_id)
        .order_by(OutstandingList.id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    timers = sla.timers_of(_MATTER_KIND, [row[0].id for row in rows])
    shown = [(row[0], row[1], timers[row[0].id][-1] if timers[row[0].id] else None) for row in rows]
    return Page(shown, total, page.number, page.size)


def list_rows(
    listed: OutstandingList,
    page: PageRequest,
    kind: RowKind | None = None,
    change: Change | None = None,
) -> Page[tuple[OutstandingRow, Enquiry | None]]:
    """The rows of one kind or change, in the file's order, with the enquiry that was made of them."""
    statement = select(OutstandingRow).where(OutstandingRow.list_id == listed.id)
    if kind is not None:
        statement = statement.where(OutstandingRow.kind == kind)
    if change is not None:
        statement = statement.where(OutstandingRow.change == change)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.execute(
        statement.add_columns(Enquiry)
        .outerjoin(Enquiry, Enquiry.id == OutstandingRow.enquiry_id)
        .order_by(OutstandingRow.id)
        .limit(page.size)
        .offset(page.offset)
    )
    return Page(list(rows.tuples()), total, page.number, page.size)


def all_rows(listed: OutstandingList) -> list[tuple[OutstandingRow, Enquiry | None]]:
    """Every row, in the file's order, with the enquiry that was made of it."""
    statement = (
        select(OutstandingRow, Enquiry)
        .outerjoin(Enquiry, Enquiry.id == OutstandingRow.enquiry_id)
        .where(OutstandingRow.list_id == listed.id)
        .order_by(OutstandingRow.id)
    )
    return list(db.session.execute(statement).tuples())


def _gone(listed: OutstandingList) -> list[OutstandingRow]:
    if listed.previous_id is None:
        return []
    present = select(OutstandingRow.key).where(
        OutstandingRow.list_id == listed.id, OutstandingRow.row_no.is_not(None)
    )
    statement = select(OutstandingRow).where(
        OutstandingRow.list_id == listed.previous_id,
        OutstandingRow.row_no.is_not(None),
        OutstandingRow.key.not_in(present),
    )
    return list(db.session.scalars(statement.order_by(OutstandingRow.id)))


def gone_rows(listed: OutstandingList, page: PageRequest) -> Page[tuple[OutstandingRow, Enquiry | None]]:
    """What the list before had and this one has no more."""
    found = _gone(listed)
    shown: list[tuple[OutstandingRow, Enquiry | None]] = [
        (row, None) for row in found[page.offset : page.offset + page.size]
    ]
    return Page(shown, len(found), page.number, page.size)


def candidates_of(rows: Sequence[OutstandingRow], *, actor: User) -> dict[int, Claim]:
    """The claims that rows are asked about, as far as the actor may see them."""
    ids = {claim_id for row in rows for claim_id in row.candidates}
    statement = access.visible(actor, Action.READ_CLAIMS, select(Claim).where(Claim.id.in_(ids)), Claim)
    return {claim.id: claim for claim in db.session.scalars(statement)}


def progress_of(listed: OutstandingList) -> Progress:
    """Who did what with a list, its clock, and how many rows of the last list are gone."""
    ids = {listed.owner_id, listed.handed_in_by_id, listed.answered_by_id}
    ids |= {one[3] for one in listed.decisions}
    people = db.session.scalars(select(User).where(User.id.in_(ids - {None})))
    previous = db.session.get(OutstandingList, listed.previous_id) if listed.previous_id else None
    timers = sla.timers_of(_MATTER_KIND, [listed.id])[listed.id]
    timer = timers[-1] if timers else None
    return Progress({user.id: user for user in people}, timer, previous, len(_gone(listed)))


def original(listed: OutstandingList, *, files: FileStore) -> bytes:
    """The file as it came."""
    return files.get(db.session.get_one(Document, listed.document_id).original_key)


def answer_file(listed: OutstandingList, *, files: FileStore) -> tuple[bytes, str]:
    """The file that was sent back, with its name, byte for byte; NotFound before the release."""
    if listed.answer_document_id is None:
        raise NotFound("not_found")
    document = db.session.get_one(Document, listed.answer_document_id)
    return files.get(document.original_key), document.filename
