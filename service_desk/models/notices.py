"""The outbox: messages queued in the transaction that caused them, and every try to deliver them."""

from datetime import time
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Prose, Short, Versioned, enum_type
from service_desk.rules.hooks import HookKind
from service_desk.rules.permissions import Side


class Channel(StrEnum):
    """How a message goes out. All but the first two go to a `MessageChannel` of an account."""

    MAIL = "mail"
    IN_APP = "in_app"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    WEBHOOK = "webhook"


class NoticeState(StrEnum):
    """`HELD` waits for its reader's digest; `SET_ASIDE` cannot be put into words until somebody mends it."""

    QUEUED = "queued"
    HELD = "held"
    SENT = "sent"
    FAILED = "failed"
    SET_ASIDE = "set_aside"


class FailReason(StrEnum):
    """Why a notice was not delivered and is not tried any more."""

    GAVE_UP = "gave_up"
    REFUSED = "refused"
    BAD_ADDRESS = "bad_address"
    BOUNCING = "bouncing"
    CHANNEL_OFF = "channel_off"
    NOT_RENDERED = "not_rendered"
    LOGIN_CLOSED = "login_closed"


class MessageChannel(Versioned, Base):
    """A group bot or a webhook of an account. Its address holds a key: neither it nor the secret is ever shown.

    `subjects` are codes of `NoticeSubject`: what it is told. One read by the client's people (`audience`) is told
    only what they are told themselves. With an `inbound_ref` (the last part of its own address here) the bot also
    hears what is said to it: `inbound_token` and `inbound_key` prove that it was its vendor who called.
    """

    __tablename__ = "message_channels"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (UniqueConstraint("account_id", "name"),)

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    kind: Mapped[HookKind] = mapped_column(enum_type(HookKind))
    name: Mapped[Short]
    hook_url: Mapped[str] = mapped_column(String(1000))
    hook_secret: Mapped[Line] = mapped_column(default="")
    inbound_ref: Mapped[Short | None] = mapped_column(unique=True)
    inbound_token: Mapped[Line] = mapped_column(default="")
    inbound_key: Mapped[Line] = mapped_column(default="")
    inbound_receiver: Mapped[Line] = mapped_column(default="")
    language: Mapped[Short] = mapped_column(default="zh")
    audience: Mapped[Side] = mapped_column(enum_type(Side), default=Side.INSURER)
    subjects: Mapped[list[str]] = mapped_column(Json)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[Instant]


class Notice(Base):
    """One message to one recipient on one channel. Rendered from `kind` and `params` in their language.

    `digest_id` is the mail that told a held one.
    """

    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint("(channel IN ('mail', 'in_app')) = (channel_id IS NULL)", name="channel_id"),
        Index(
            "ix_notices_due",
            "next_try_at",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(None, "user_id", "channel", "read_at"),
        Index(None, "account_id", "created_at"),
        Index(None, "matter_kind", "matter_id"),
        Index(None, "account_id", "matter_number"),
        Index(None, "created_at"),
        Index(None, "channel_id", "created_at"),
        Index(None, "message_id"),
        Index(
            "ix_notices_held",
            "user_id",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        Index(
            "ix_notices_digest_id",
            "digest_id",
            sqlite_where=text("digest_id IS NOT NULL"),
            postgresql_where=text("digest_id IS NOT NULL"),
        ),
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
    matter_number: Mapped[Short] = mapped_column(default="")
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("message_channels.id"))
    digest_id: Mapped[int | None] = mapped_column(ForeignKey("notices.id"))
    dedupe_key: Mapped[Line] = mapped_column(unique=True)
    state: Mapped[NoticeState] = mapped_column(enum_type(NoticeState))
    fail_reason: Mapped[FailReason | None] = mapped_column(enum_type(FailReason))
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


class NoticePreference(Versioned, Base):
    """How a person wants their mails: a choice per subject, quiet hours and the digest's time, by the local clock.

    `choices` holds what differs from "at once". Without quiet hours both ends are None.
    """

    __tablename__ = "notice_preferences"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet_hours"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    choices: Mapped[dict[str, str]] = mapped_column(Json)
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    digest_at: Mapped[time]


class BouncingAddress(Base):
    """A mail address whose server refused it for good. Nothing more is sent there until somebody says so."""

    __tablename__ = "bouncing_addresses"

    id: Mapped[Id]
    address: Mapped[Line] = mapped_column(unique=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notices.id"))
    since_at: Mapped[Instant]
    said: Mapped[Prose]
