"""Threads as a list: what waits for the reader first, then the newest."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, or_, select, true
from sqlalchemy.orm import aliased

from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, search_key, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.messages import Message, MessageRead, MessageThread, MessageUnread
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.messaging import ThreadKind
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, sla
from service_desk.services.messages import matters


class ThreadListView(StrEnum):
    """The saved filters. MINE: those I answer for; at the client those of my branch or that I wrote in."""

    MINE = "mine"
    NEW = "new"
    WAITING = "waiting"
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True)
class ThreadFilter:
    """Which threads are wanted; None means any."""

    view: ThreadListView = ThreadListView.MINE
    branch_id: int | None = None
    text: str = ""


@dataclass(frozen=True)
class ThreadRow:
    """A line of the list. `last` is the newest message, `new` how many wait to be seen by the reader, `clock` the answer's."""

    thread: MessageThread
    claim: Claim | None
    enquiry: Enquiry | None
    owner: User
    branch: Branch | None
    last: Message
    author: User
    new: int
    clock: Timer | None

    @property
    def title(self) -> str:
        return self.claim.plate if self.claim else self.enquiry.subject if self.enquiry else ""

    @property
    def is_closed(self) -> bool:
        row = self.claim or self.enquiry
        return row is not None and row.closed_at is not None


# Made once: an alias works its columns out anew. ANY is a message of the thread, beside the newest that a list shows.
_AUTHOR, _ANY = aliased(User), aliased(Message)
_owner = func.coalesce(Claim.owner_id, Enquiry.owner_id)
_branch = func.coalesce(Claim.branch_id, Enquiry.branch_id)
_closed_at = func.coalesce(Claim.closed_at, Enquiry.closed_at)


def list_threads(account_id: int, wanted: ThreadFilter, page: PageRequest, *, actor: User) -> Page[ThreadRow]:
    """Threads of an account about what the actor sees: those with something new first, then the last written in."""
    conditions = (*_conditions(account_id, actor), _view(wanted.view, actor), *_narrowing(wanted))
    total = db.session.scalar(_joined(select(func.count(MessageThread.id))).where(*conditions)) or 0
    rows = _with_people(_joined(select(MessageThread, Claim, Enquiry)), actor).where(*conditions)
    order = (case((_is_new(actor), 0), else_=1), MessageThread.last_at.desc(), MessageThread.id.desc())
    found = db.session.execute(rows.order_by(*order).limit(page.size).offset(page.offset)).all()
    return Page(_with_clocks(found), total, page.number, page.size)


def count_views(account_id: int, wanted: ThreadFilter, *, actor: User) -> dict[ThreadListView, int]:
    """How many threads each saved filter holds under the same branch and text, in one statement."""
    counts = [func.count(MessageThread.id).filter(_view(view, actor)) for view in ThreadListView]
    statement = _joined(select(*counts)).where(*_conditions(account_id, actor), *_narrowing(wanted))
    return dict(zip(ThreadListView, db.session.execute(statement).one(), strict=True))


def _joined(statement: Select[Any]) -> Select[Any]:
    """With the matter of each thread, whichever it is."""
    of_claim = and_(MessageThread.matter_kind == ThreadKind.CLAIM, Claim.id == MessageThread.matter_id)
    of_enquiry = and_(MessageThread.matter_kind == ThreadKind.ENQUIRY, Enquiry.id == MessageThread.matter_id)
    return statement.select_from(MessageThread).outerjoin(Claim, of_claim).outerjoin(Enquiry, of_enquiry)


def _with_people(statement: Select[Any], actor: User) -> Select[Any]:
    is_last = and_(Message.thread_id == MessageThread.id, Message.number == MessageThread.last_number)
    return (
        statement.add_columns(User, Branch, Message, _AUTHOR, _count_new(actor))
        .join(User, User.id == _owner)
        .outerjoin(Branch, Branch.id == _branch)
        .join(Message, is_last)
        .join(_AUTHOR, _AUTHOR.id == Message.author_id)
    )


def _with_clocks(found: Sequence[Row[Any]]) -> list[ThreadRow]:
    """The rows with the clock of each, read in one query a kind of matter."""
    clocks: dict[tuple[str, int], Timer | None] = {}
    for kind in ThreadKind:
        ids = [row[0].matter_id for row in found if row[0].matter_kind is kind]
        if ids:
            timers = sla.timers_of(kind.value, ids, only_open=True)
            clocks |= {(kind.value, matter_id): matters.clock_among(of) for matter_id, of in timers.items()}
    rows = []
    for thread, claim, enquiry, owner, branch, last, author, new in found:
        clock = clocks.get((thread.matter_kind.value, thread.matter_id))
        rows.append(ThreadRow(thread, claim, enquiry, owner, branch, last, author, new, clock))
    return rows


def _conditions(account_id: int, actor: User) -> tuple[ColumnElement[bool], ...]:
    """Of the account, and about a matter that the actor sees."""
    sees_claim = and_(Claim.id.is_not(None), access.visible_clause(actor, Action.READ_CLAIMS, Claim))
    sees_enquiry = and_(Enquiry.id.is_not(None), access.visible_clause(actor, Action.READ_ENQUIRIES, Enquiry))
    return (MessageThread.account_id == account_id, or_(sees_claim, sees_enquiry))


def _view(view: ThreadListView, actor: User) -> ColumnElement[bool]:
    is_open = _closed_at.is_(None)
    meanings: dict[ThreadListView, ColumnElement[bool]] = {
        # What ended and still waits for somebody is not out of sight.
        ThreadListView.MINE: or_(_is_new(actor), and_(_is_mine(actor), or_(is_open, _has_clock()))),
        ThreadListView.NEW: _is_new(actor),
        ThreadListView.WAITING: _has_clock(),
        ThreadListView.CLOSED: _closed_at.is_not(None),
        ThreadListView.ALL: true(),
    }
    return meanings[view]


def _is_mine(actor: User) -> ColumnElement[bool]:
    """Staff: they own the matter or hold its clock. The client's: of their branch; of the group what they take part in."""
    if actor.side is Side.INSURER:
        return or_(_owner == actor.id, _holds_clock(actor))
    if actor.role is Role.BRANCH_SAFETY:
        return true()
    wrote = exists().where(_ANY.thread_id == MessageThread.id, _ANY.author_id == actor.id)
    return or_(wrote, func.coalesce(Claim.reported_by_id, Enquiry.opened_by_id) == actor.id)


def _has_clock() -> ColumnElement[bool]:
    return exists().where(
        Timer.matter_kind == MessageThread.matter_kind,
        Timer.matter_id == MessageThread.matter_id,
        Timer.step == ClockStep.MESSAGE_REPLY,
        Timer.state.in_(sla.OPEN_STATES),
    )


def _seen(actor: User) -> Any:
    mine = (MessageRead.thread_id == MessageThread.id, MessageRead.reader_id == actor.id)
    # Said outright: within the count of new messages it would else read all threads.
    read = select(func.max(MessageRead.up_to)).where(*mine).correlate(MessageThread)
    return func.coalesce(read.scalar_subquery(), 0)


def _is_new(actor: User) -> ColumnElement[bool]:
    """Whether the actor was told of something in the thread, or got its clock from somebody, and has not seen it."""
    told = select(MessageUnread.thread_id).where(MessageUnread.user_id == actor.id)
    was_told: ColumnElement[bool] = MessageThread.id.in_(told)
    if actor.side is Side.CLIENT:
        return was_told
    return or_(was_told, and_(_holds_clock(actor), MessageThread.last_client_number > _seen(actor)))


def _holds_clock(actor: User) -> ColumnElement[bool]:
    """Asked once of the few clocks a person holds, not once a thread."""
    held = (
        Timer.holder_id == actor.id,
        Timer.step == ClockStep.MESSAGE_REPLY,
        Timer.state.in_(sla.OPEN_STATES),
    )
    return or_(
        *(
            and_(
                MessageThread.matter_kind == kind,
                MessageThread.matter_id.in_(
                    select(Timer.matter_id).where(Timer.matter_kind == kind.value, *held)
                ),
            )
            for kind in ThreadKind
        )
    )


def _count_new(actor: User) -> Any:
    others = (
        _ANY.thread_id == MessageThread.id,
        _ANY.side != actor.side,
        _ANY.number > _seen(actor),
    )
    count = select(func.count(_ANY.id)).where(*others).correlate(MessageThread).scalar_subquery()
    return case((_is_new(actor), count), else_=0)


def _narrowing(wanted: ThreadFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.branch_id:
        conditions.append(_branch.in_(access.branch_tree(wanted.branch_id)))
    text = squeeze(wanted.text)
    if text:
        pattern, plate = like_pattern(text), like_pattern(search_key(text).upper())
        said = exists().where(_ANY.thread_id == MessageThread.id, _ANY.body.ilike(pattern, escape="\\"))
        conditions.append(
            or_(
                MessageThread.matter_number.ilike(pattern, escape="\\"),
                Claim.plate.like(plate, escape="\\"),
                Enquiry.subject.ilike(pattern, escape="\\"),
                said,
            )
        )
    return conditions
