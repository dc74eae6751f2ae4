"""Accident reports that a phone kept until it had a signal, and their photos on the way."""

from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Short, enum_type


class PhotoState(StrEnum):
    OPEN = "open"
    TAKEN = "taken"
    REFUSED = "refused"


class PhoneReport(Base):
    """A report as a phone sent it. `key` was made on the phone: whoever sends it again finds this row.

    `typed_at` is when the person pressed *send*, None when the phone's clock cannot be believed; `facts` is what
    was typed; `event_id` the line of the time line that shows its photos.
    """

    __tablename__ = "phone_reports"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    key: Mapped[Short]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    typed_at: Mapped[Instant | None]
    received_at: Mapped[Instant]
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("claim_events.id"))


class PhonePhoto(Base):
    """A photo that a phone announced. Of an open one `received_bytes` have come; `refusal` is a message's code."""

    __tablename__ = "phone_photos"
    __table_args__ = (
        UniqueConstraint("report_id", "photo_key"),
        CheckConstraint("received_bytes >= 0 AND received_bytes <= size_bytes", name="received"),
        Index(
            "ix_phone_photos_half_sent",
            "changed_at",
            sqlite_where=text("state = 'open' AND received_bytes > 0"),
            postgresql_where=text("state = 'open' AND received_bytes > 0"),
        ),
    )

    id: Mapped[Id]
    report_id: Mapped[int] = mapped_column(ForeignKey("phone_reports.id"))
    photo_key: Mapped[Short]
    filename: Mapped[Line]
    size_bytes: Mapped[int]
    sha256: Mapped[Short] = mapped_column(default="")
    received_bytes: Mapped[int] = mapped_column(default=0)
    state: Mapped[PhotoState] = mapped_column(enum_type(PhotoState))
    refusal: Mapped[Short] = mapped_column(default="")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))
    changed_at: Mapped[Instant]
