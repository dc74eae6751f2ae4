"""Telling the other side of a message: who answers at the desk; at the client who wrote and the branch's officers."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.messages import Message, MessageRead, MessageThread, MessageUnread
from service_desk.models.users import User, UserAccount
from service_desk.rules.messaging import MessageKind, ThreadKind, is_mailed
from service_desk.rules.permissions import CLIENT_ROLES, Role, Side
from service_desk.services.messages import matters
from service_desk.services.messages.matters import Talked
from service_desk.services.notices import Recipient, queue, user_recipient

# A mail says so much of a message; the page has all of it.
_SHOWN_WORDS = 600


def tell(
    talked: Talked, thread: MessageThread, row: Message, *, files: int, actor: User, now: datetime
) -> None:
    """Tell the other side at once, in the app; by mail unless it continues a conversation not read yet.

    Who has no login cannot read on, so they get every message by mail, without a link.
    """
    people = _desk(talked) if row.side is Side.CLIENT else _client(talked, thread)
    ids = {person.user_id for person in people if person.user_id}
    _keep_unread(thread, ids)
    told, read = _last_told(row), _read_up_to(thread, ids)
    kind = "message_answered" if row.is_answer else "message_written"
    params = _params(talked, row, files, actor)
    for person in people:
        up_to = read.get(person.user_id or 0, 0)
        queue(
            kind,
            person,
            params if person.user_id else params | {"url": ""},
            dedupe=f"message:{row.id}",
            now=now,
            matter=talked.matter,
            mail=not person.user_id or is_mailed(row.kind, told=told, read_up_to=up_to, now=now),
            is_shared=False,
        )


def _keep_unread(thread: MessageThread, ids: Collection[int]) -> None:
    known = set(db.session.scalars(select(MessageUnread.user_id).where(MessageUnread.thread_id == thread.id)))
    db.session.add_all(
        MessageUnread(user_id=user_id, thread_id=thread.id) for user_id in sorted(set(ids) - known)
    )


def _desk(talked: Talked) -> list[Recipient]:
    """Who is to answer, and who holds the clock of the answer when that is somebody else."""
    clock, answerer_id = matters.clock_of(talked), matters.answerer_of(talked)
    ids = {answerer_id, clock.holder_id if clock else answerer_id}
    people = db.session.scalars(select(User).where(User.id.in_(ids), User.is_active).order_by(User.id))
    return [user_recipient(user) for user in people]


def _client(talked: Talked, thread: MessageThread) -> list[Recipient]:
    """Who of the client wrote, reported or asked; of a claim the branch's safety officers too. Managers only if they wrote.

    Of a contact that came by telephone or mail: who it came from, as they can be reached, else the officers.
    """
    above = _branches_above(talked.matter.branch_id)
    is_officer = (User.role == Role.BRANCH_SAFETY) & User.branch_id.in_(above)
    wrote = select(Message.author_id).where(Message.thread_id == thread.id, Message.side == Side.CLIENT)
    members = select(UserAccount.user_id).where(UserAccount.account_id == thread.account_id)
    sees = User.id.in_(members) & or_(User.role == Role.GROUP_INSURANCE, is_officer)
    statement = select(User).where(User.role.in_(CLIENT_ROLES), User.is_active, sees).order_by(User.id)
    concerned = or_(User.id.in_(wrote), User.id == talked.opened_by_id)
    if talked.kind is ThreadKind.CLAIM:
        concerned |= is_officer
    found = db.session.scalars(statement.where(concerned)).all()
    asked = matters.asked_by(talked) if not found else None
    if asked is not None:
        return [asked]
    return [user_recipient(user) for user in found or db.session.scalars(statement.where(is_officer))]


def _branches_above(branch_id: int | None) -> list[int]:
    """A branch and those above it."""
    path = db.session.scalar(select(Branch.path).where(Branch.id == branch_id)) or ""
    return [int(part) for part in path.split("/") if part]


def _last_told(row: Message) -> tuple[int, datetime] | None:
    """Number and time of what the same side said before."""
    statement = (
        select(Message.number, Message.at)
        .where(Message.thread_id == row.thread_id, Message.side == row.side, Message.number < row.number)
        .order_by(Message.number.desc())
        .limit(1)
    )
    found = db.session.execute(statement).tuples().first()
    return (found[0], found[1]) if found else None


def _read_up_to(thread: MessageThread, ids: Collection[int]) -> dict[int, int]:
    statement = (
        select(MessageRead.reader_id, func.max(MessageRead.up_to))
        .where(MessageRead.thread_id == thread.id, MessageRead.reader_id.in_(ids))
        .group_by(MessageRead.reader_id)
    )
    return dict(db.session.execute(statement).tuples().all())


def _params(talked: Talked, row: Message, files: int, actor: User) -> dict[str, Any]:
    return {
        "number": talked.number,
        "about": talked.title,
        "matter": talked.kind.value,
        "words": row.body[:_SHOWN_WORDS],
        "files": files,
        "needs_none": row.kind is MessageKind.NO_ANSWER,
        "writer": {"name": actor.name, "staff_no": actor.staff_no, "phone": actor.phone},
        "url": f"{talked.url}#messages",
    }
