"""Reading a thread: its messages with their files and who has read them, and noting that somebody has."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.enquiries import Enquiry
from service_desk.models.mailboxes import ReceivedMail
from service_desk.models.messages import Message, MessageRead, MessageThread, MessageUnread
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.messaging import CameBy, last_day, may_write
from service_desk.rules.permissions import Action, Side
from service_desk.services import access
from service_desk.services.messages import matters
from service_desk.services.messages.matters import Talked
from service_desk.services.messages.writing import MATTER_KIND
from service_desk.services.sla import standing_in
from service_desk.services.sla.standing_in import Away

# A page shows so many of the newest; those before are asked for.
SHOWN = 50
# Nobody writes more about one matter; a paper has an end.
MOST_PRINTED = 2000


@dataclass(frozen=True)
class Reading:
    """Somebody of the other side saw a message then."""

    reader: User
    at: datetime


@dataclass(frozen=True)
class MessageView:
    """A message as shown. `readings` are the other side's, each person's first.

    `refused` are the files of its mail that were not taken: each a filename and the code of why.
    """

    message: Message
    author: User
    files: Sequence[Document]
    readings: Sequence[Reading]
    is_new: bool
    refused: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class ThreadView:
    """A matter's conversation for one reader, oldest message first.

    `clock` runs while the client waits. `total` counts all messages, `new` those of the other side not read before.
    `may_write` also says that the matter has not been closed for too long; `until` is then the last day.
    """

    talked: Talked
    owner: User
    away: Away | None
    thread: MessageThread | None
    messages: Sequence[MessageView]
    total: int
    new: int
    clock: Timer | None
    may_write: bool
    is_writer: bool
    until: date | None

    @property
    def earlier(self) -> int | None:
        """The number before which there are more messages; None when all are shown."""
        first = self.messages[0].message.number if self.messages else 1
        return first if first > 1 else None


def read_thread(
    talked: Talked, *, actor: User, now: datetime, most: int = SHOWN, before: int | None = None
) -> ThreadView:
    """The newest messages about a matter the actor sees (`matters.get_talked`), or the newest `before` one of them.

    What is new to the actor is among them even where it is more than `most`, up to SHOWN.
    """
    thread = _thread_of(talked)
    clock = matters.clock_of(talked)
    is_writer = access.may(actor, Action.WRITE_MESSAGES) and (
        actor.side is Side.CLIENT or matters.may_answer(talked, actor=actor, now=now)
    )
    is_open = may_write(talked.kind, talked.closed_at, now) or (
        actor.side is Side.INSURER and clock is not None
    )
    seen = _read_up_to(thread, actor)
    new = _count_new(thread, actor, seen) if thread else 0
    return ThreadView(
        talked=talked,
        owner=db.session.get_one(User, talked.owner_id),
        away=_away(talked, now),
        thread=thread,
        messages=_messages(thread, actor, seen, max(most, min(new, SHOWN)), before) if thread else [],
        total=thread.last_number if thread else 0,
        new=new,
        clock=clock,
        may_write=is_writer and is_open,
        is_writer=is_writer,
        until=last_day(talked.kind, talked.closed_at),
    )


def _away(talked: Talked, now: datetime) -> Away | None:
    """Who answers while the owner is away; never whom a complaint is about."""
    barred = talked.row.hidden_from_id if isinstance(talked.row, Enquiry) else None
    return standing_in.away_past(talked.owner_id, now, account_id=talked.matter.account_id, barred=barred)


def read_whole(talked: Talked, *, actor: User, now: datetime) -> ThreadView:
    """All that was written about a matter the actor sees."""
    return read_thread(talked, actor=actor, now=now, most=MOST_PRINTED)


def days_of(talked: Talked) -> list[tuple[datetime, Side]]:
    """When who wrote about a matter, oldest first: for the one time line of a claim."""
    statement = (
        select(Message.at, Message.side)
        .join(MessageThread, MessageThread.id == Message.thread_id)
        .where(MessageThread.matter_kind == talked.kind, MessageThread.matter_id == talked.matter.id)
        .order_by(Message.number)
    )
    return [(at, side) for at, side in db.session.execute(statement).tuples()]


def mark_read(view: ThreadView, *, actor: User, now: datetime) -> None:
    """Note that the actor has seen what `view` shows. Nothing to note when it shows nothing new."""
    if view.thread is None or not any(one.is_new for one in view.messages):
        return
    up_to = view.messages[-1].message.number
    # Held, so that who writes just now either waits or has told of a newer message, which is then not seen.
    last = select(MessageThread.last_number).where(MessageThread.id == view.thread.id).with_for_update()
    if db.session.scalar(last) == up_to:
        mine = (MessageUnread.thread_id == view.thread.id, MessageUnread.user_id == actor.id)
        db.session.execute(delete(MessageUnread).where(*mine))
    try:
        with db.session.begin_nested():
            db.session.add(MessageRead(thread_id=view.thread.id, reader_id=actor.id, up_to=up_to, at=now))
    except IntegrityError:
        # Shown in two windows at once: the first has noted it.
        return


def find_file(document_id: int, *, actor: User) -> Document | None:
    """A file sent along with a message, for who may see its matter; None when it is no message's file.

    NotFound when it is one and the matter is not visible.
    """
    statement = (
        select(Document, MessageThread.matter_kind, MessageThread.matter_id)
        .join(Message, Message.id == Document.matter_id)
        .join(MessageThread, MessageThread.id == Message.thread_id)
        .where(
            Document.id == document_id,
            Document.kind == DocumentKind.MESSAGE_FILE,
            Document.matter_kind == MATTER_KIND,
        )
    )
    found = db.session.execute(statement).tuples().first()
    if found is None:
        return None
    document, kind, matter_id = found
    matters.get_by_id(kind, matter_id, actor=actor)
    return document


def _thread_of(talked: Talked) -> MessageThread | None:
    return db.session.scalar(
        select(MessageThread).where(
            MessageThread.matter_kind == talked.kind, MessageThread.matter_id == talked.matter.id
        )
    )


def _read_up_to(thread: MessageThread | None, actor: User) -> int:
    if thread is None:
        return 0
    mine = (MessageRead.thread_id == thread.id, MessageRead.reader_id == actor.id)
    return db.session.scalar(select(func.max(MessageRead.up_to)).where(*mine)) or 0


def _count_new(thread: MessageThread, actor: User, seen: int) -> int:
    last = thread.last_desk_number if actor.side is Side.CLIENT else thread.last_client_number
    if last <= seen:
        return 0
    others = (Message.thread_id == thread.id, Message.side != actor.side, Message.number > seen)
    return db.session.scalar(select(func.count(Message.id)).where(*others)) or 0


def _messages(
    thread: MessageThread, actor: User, seen: int, most: int, before: int | None
) -> list[MessageView]:
    statement = (
        select(Message, User)
        .join(User, User.id == Message.author_id)
        .where(Message.thread_id == thread.id)
        .order_by(Message.number.desc())
        .limit(most)
    )
    if before is not None:
        statement = statement.where(Message.number < before)
    rows = db.session.execute(statement).tuples().all()[::-1]
    files = _files_of([message.id for message, _author in rows])
    reads = _reads_of(thread)
    refused = _refused_files([message.id for message, _author in rows if message.came_by is CameBy.MAIL])
    return [
        MessageView(
            message=message,
            author=author,
            files=files[message.id],
            readings=_readings(message, reads),
            is_new=message.side is not actor.side and message.number > seen,
            refused=refused.get(message.id, ()),
        )
        for message, author in rows
    ]


def _files_of(message_ids: Collection[int]) -> dict[int, list[Document]]:
    found: dict[int, list[Document]] = defaultdict(list)
    if message_ids:
        of_messages = (Document.matter_kind == MATTER_KIND, Document.matter_id.in_(message_ids))
        for document in db.session.scalars(select(Document).where(*of_messages).order_by(Document.id)):
            found[document.matter_id or 0].append(document)
    return found


def _refused_files(message_ids: Collection[int]) -> dict[int, Sequence[dict[str, Any]]]:
    """What came with the mails behind some messages and was not taken."""
    if not message_ids:
        return {}
    statement = select(ReceivedMail).where(ReceivedMail.message_id.in_(message_ids))
    return {mail.message_id or 0: mail.refused_files for mail in db.session.scalars(statement)}


def _reads_of(thread: MessageThread) -> Sequence[tuple[MessageRead, User]]:
    """All readings of a thread, the earliest first."""
    statement = (
        select(MessageRead, User)
        .join(User, User.id == MessageRead.reader_id)
        .where(MessageRead.thread_id == thread.id)
        .order_by(MessageRead.at, MessageRead.id)
    )
    return db.session.execute(statement).tuples().all()


def _readings(message: Message, reads: Sequence[tuple[MessageRead, User]]) -> list[Reading]:
    """Who of the other side saw the message, each with the first time they did."""
    first: dict[int, Reading] = {}
    for read, reader in reads:
        if read.up_to >= message.number and reader.side is not message.side:
            first.setdefault(reader.id, Reading(reader, read.at))
    return list(first.values())
