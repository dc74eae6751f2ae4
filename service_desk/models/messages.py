"""What both sides write to each other on the page of a matter, and who has read how far."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Prose, Short, enum_type
from service_desk.rules.messaging import CameBy, MessageKind, ThreadKind
from service_desk.rules.permissions import Side


class MessageThread(Base):
    """The conversation about one matter. Its row is held while a message is written, so that numbers have no gaps.

    `last_number` is the number of the newest message, the others those of the newest of each side; 0 for none.
    Who may see it is who may see the matter.
    """

    __tablename__ = "message_threads"
    __table_args__ = (
        UniqueConstraint("matter_kind", "matter_id"),
        Index(None, "account_id", "last_at"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    matter_kind: Mapped[ThreadKind] = mapped_column(enum_type(ThreadKind))
    matter_id: Mapped[int]
    matter_number: Mapped[Short]
    last_number: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[Instant]
    last_client_number: Mapped[int] = mapped_column(default=0)
    last_desk_number: Mapped[int] = mapped_column(default=0)


class Message(Base):
    """One message; what was said stays said. `number` counts within the thread."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("thread_id", "number"),
        CheckConstraint("kind = 'word' OR side = 'insurer'", name="answered_by_desk"),
        Index(None, "author_id", "thread_id"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    thread_id: Mapped[int] = mapped_column(ForeignKey("message_threads.id"))
    number: Mapped[int]
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    side: Mapped[Side] = mapped_column(enum_type(Side))
    kind: Mapped[MessageKind] = mapped_column(enum_type(MessageKind))
    body: Mapped[Prose]
    came_by: Mapped[CameBy] = mapped_column(enum_type(CameBy), default=CameBy.PAGE)
    at: Mapped[Instant]

    @property
    def is_answer(self) -> bool:
        return self.kind is not MessageKind.WORD


class MessageRead(Base):
    """Somebody has seen a thread up to a message. Each time adds a row, so that it is known when each was read."""

    __tablename__ = "message_reads"
    __table_args__ = (UniqueConstraint("thread_id", "reader_id", "up_to"),)

    id: Mapped[Id]
    thread_id: Mapped[int] = mapped_column(ForeignKey("message_threads.id"))
    reader_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    up_to: Mapped[int]
    at: Mapped[Instant]


class MessageUnread(Base):
    """Somebody was told of a message and has not seen the thread since. The row goes when they do.

    Home pages ask for these alone: of many thousand threads a person has a few.
    """

    __tablename__ = "message_unread"
    __table_args__ = (UniqueConstraint("user_id", "thread_id"), Index(None, "thread_id"))

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    thread_id: Mapped[int] = mapped_column(ForeignKey("message_threads.id"))
