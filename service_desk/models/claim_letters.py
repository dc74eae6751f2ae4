"""Denials with the clauses they stand on, and the letters that end a claim, frozen as they were written."""

from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Prose, enum_type
from service_desk.rules.claim_letters import LetterKind


class ClaimDenial(Base):
    """Why a round of a claim was denied: clauses by their codes, and the clause as the policy numbers it."""

    __tablename__ = "claim_denials"
    __table_args__ = (UniqueConstraint("claim_id", "round"),)

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    round: Mapped[int]
    clauses: Mapped[list[str]] = mapped_column(Json)
    clause_text: Mapped[Line] = mapped_column(default="")
    reason: Mapped[Prose]
    facts: Mapped[Prose] = mapped_column(default="")
    decided_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[Instant]


class ClaimLetter(Base):
    """A letter as it was written, in both languages. `content` is all it says; sent once, or overtaken by a newer."""

    __tablename__ = "claim_letters"

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    round: Mapped[int]
    kind: Mapped[LetterKind] = mapped_column(enum_type(LetterKind))
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    document_zh_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    document_en_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    written_at: Mapped[Instant]
    written_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    sent_at: Mapped[Instant | None]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    sent_to: Mapped[Line] = mapped_column(default="")
    means: Mapped[Line] = mapped_column(default="")
