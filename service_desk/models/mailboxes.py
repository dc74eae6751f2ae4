"""The desk's own mailboxes, and what came by itself: every mail and every word to a bot, with what became of it."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Prose, Short, Versioned, enum_type


class MailSecurity(StrEnum):
    """How the connection to a mail server is kept private."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class MailOutcome(StrEnum):
    """What became of a mail. UNSORTED waits for a person to say whose it is, SET_ASIDE for somebody to mend a fault."""

    CONTACT = "contact"
    FURTHER_CALL = "further_call"
    MESSAGE = "message"
    CALENDAR_REPLY = "calendar_reply"
    UNSORTED = "unsorted"
    BOUNCE = "bounce"
    AUTOMATIC = "automatic"
    REFUSED = "refused"
    SET_ASIDE = "set_aside"
    DISMISSED = "dismissed"


class Mailbox(Versioned, Base):
    """A mailbox that is read for one account, or (`account_id` None) for all. It is only ever read, never changed.

    `next_poll_at` is when it is due and, while it is being read, until when nobody else may. Up to `last_uid` of the
    folder's `uidvalidity` all mails are known. The password is never shown.
    """

    __tablename__ = "mailboxes"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        Index(
            "ix_mailboxes_due",
            "next_poll_at",
            sqlite_where=text("is_active"),
            postgresql_where=text("is_active"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    name: Mapped[Short] = mapped_column(unique=True)
    address: Mapped[Line]
    host: Mapped[Line]
    port: Mapped[int]
    security: Mapped[MailSecurity] = mapped_column(enum_type(MailSecurity))
    username: Mapped[Line]
    mail_password: Mapped[Line]
    folder: Mapped[Line] = mapped_column(default="INBOX")
    poll_minutes: Mapped[int] = mapped_column(default=2)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[Instant]
    next_poll_at: Mapped[Instant]
    uidvalidity: Mapped[int | None] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger, default=0)
    last_polled_at: Mapped[Instant | None]
    last_ok_at: Mapped[Instant | None]
    last_error: Mapped[Prose] = mapped_column(default="")
    failures: Mapped[int] = mapped_column(default=0)


class ReceivedMail(Base):
    """A mail that came to a mailbox, once however often it is read. The sender is what the mail says, which proves nothing.

    `message_key` is its Message-ID, or the hash of a mail without one. `raw_key` is the whole mail in the file store
    (and its SHA-256), empty where it was too large. `refused_files` are the attachments that were not taken, each with
    the code of why. `matter_number` is what it was added to or made.
    """

    __tablename__ = "received_mails"
    __table_args__ = (
        UniqueConstraint("mailbox_id", "message_key"),
        Index(None, "account_id", "taken_at"),
        Index(None, "outcome", "taken_at"),
        Index(None, "from_address", "taken_at"),
        Index(None, "message_key"),
    )

    id: Mapped[Id]
    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailboxes.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"))
    uid: Mapped[int] = mapped_column(BigInteger)
    uidvalidity: Mapped[int] = mapped_column(BigInteger)
    message_key: Mapped[Line]
    from_name: Mapped[Line] = mapped_column(default="")
    from_address: Mapped[Line] = mapped_column(default="")
    subject: Mapped[Line] = mapped_column(default="")
    words: Mapped[Prose] = mapped_column(default="")
    at: Mapped[Instant]
    taken_at: Mapped[Instant]
    outcome: Mapped[MailOutcome] = mapped_column(enum_type(MailOutcome))
    reason: Mapped[Line] = mapped_column(default="")
    raw_key: Mapped[Short] = mapped_column(default="")
    size_bytes: Mapped[int]
    refused_files: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    matter_number: Mapped[Short] = mapped_column(default="")
    enquiry_id: Mapped[int | None] = mapped_column(ForeignKey("enquiries.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notices.id"), index=True)


class ReceivedChat(Base):
    """What was said to a bot of a channel; `event_key` is the vendor's number of it, so that a repeat makes nothing."""

    __tablename__ = "received_chats"
    __table_args__ = (UniqueConstraint("channel_id", "event_key"),)

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    channel_id: Mapped[int] = mapped_column(ForeignKey("message_channels.id"))
    event_key: Mapped[Line]
    said_by: Mapped[Line]
    words: Mapped[Prose]
    at: Mapped[Instant]
    matter_number: Mapped[Short] = mapped_column(default="")
    enquiry_id: Mapped[int] = mapped_column(ForeignKey("enquiries.id"), index=True)
