"""The checklist of a claim beside its lines: what it was made from, each file that came, each notice that was sent."""

from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Prose, enum_type


class FileState(StrEnum):
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class ClaimChecklist(Base):
    """The features a claim's checklist is made from, as they are now."""

    __tablename__ = "claim_checklists"

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), unique=True)
    features: Mapped[list[str]] = mapped_column(Json)
    changed_at: Mapped[Instant]
    changed_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class WantedFile(Base):
    """A file that came for a line of the checklist, and what was said of it."""

    __tablename__ = "wanted_files"
    __table_args__ = (UniqueConstraint("wanted_id", "document_id"),)

    id: Mapped[Id]
    wanted_id: Mapped[int] = mapped_column(ForeignKey("wanted_documents.id"))
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    state: Mapped[FileState] = mapped_column(enum_type(FileState))
    reason: Mapped[Line] = mapped_column(default="")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[Instant | None]


class DocumentNotice(Base):
    """A notice of all that is missing. The first of a round is the one-time notice, each later one a later demand."""

    __tablename__ = "document_notices"
    __table_args__ = (UniqueConstraint("claim_id", "number"),)

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    round: Mapped[int]
    number: Mapped[int]
    is_later_demand: Mapped[bool]
    at: Mapped[Instant]
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    codes: Mapped[list[Any]] = mapped_column(Json)
    reason: Mapped[Prose] = mapped_column(default="")
