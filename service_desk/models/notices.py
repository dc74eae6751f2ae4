"""The outbox: messages queued in the transaction that caused them, and every try to deliver them."""

from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Prose, Short, enum_type


class Channel(StrEnum):
    MAIL = "mail"
    IN_APP = "in_app"


class NoticeState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Notice(Base):
    """One message to one recipient on one channel. Rendered from `kind` and `params` in their language."""

    __tablename__ = "notices"
    __table_args__ = (
        Index(
            "ix_notices_due",
            "next_try_at",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(None, "user_id", "channel", "read_at"),
        Index(None, "account_id", "created_at"),
        Index(None, "matter_kind", "matter_id"),
    )

    id: Mapped[Id]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"))
    kind: Mapped[Short]
    channel: Mapped[Channel] = mapped_column(enum_type(Channel))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    address: Mapped[Line] = mapped_column(default="")
    recipient_name: Mapped[Line] = mapped_column(default="")
    language: Mapped[Short]
    params: Mapped[dict[str, Any]] = mapped_column(Json)
    matter_kind: Mapped[Short] = mapped_column(default="")
    matter_id: Mapped[int | None]
    dedupe_key: Mapped[Line] = mapped_column(unique=True)
    state: Mapped[NoticeState] = mapped_column(enum_type(NoticeState))
    created_at: Mapped[Instant]
    next_try_at: Mapped[Instant | None]
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[Instant | None]
    read_at: Mapped[Instant | None]
    message_id: Mapped[Line] = mapped_column(default="")


class DeliveryTry(Base):
    """One try to deliver a notice, and how it ended: the delivery log."""

    __tablename__ = "delivery_tries"

    id: Mapped[Id]
    notice_id: Mapped[int] = mapped_column(ForeignKey("notices.id"), index=True)
    at: Mapped[Instant]
    succeeded: Mapped[bool]
    detail: Mapped[Prose] = mapped_column(default="")
