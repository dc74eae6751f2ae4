"""Disputes about a claim, what both sides say, and the evidence each brings."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Instant, Prose, Short, Versioned, enum_type
from service_desk.rules.disputes import Consequence, DisputeOutcome, DisputeSide, DisputeTopic


class Dispute(Versioned, Base):
    """What the client objects to, from the day it is raised until somebody has decided.

    `raised_for` is the client's person when the desk raises it for them. `offered_fen` and `calculation_id` are what
    stood when it was raised. `awarded_fen` is what the claim comes to by the decision.
    """

    __tablename__ = "disputes"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        # One open dispute a claim: the database keeps the promise when two people act at once.
        Index(
            "uq_disputes_open",
            "claim_id",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
        Index(None, "claim_id"),
        Index(None, "account_id", "decided_at", "raised_at"),
        CheckConstraint("claimed_fen IS NULL OR claimed_fen > 0", name="claimed"),
        CheckConstraint("(decided_at IS NULL) = (outcome IS NULL)", name="decided"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    round: Mapped[int]
    topic: Mapped[DisputeTopic] = mapped_column(enum_type(DisputeTopic))
    claimed_fen: Mapped[Fen | None]
    offered_fen: Mapped[Fen | None]
    calculation_id: Mapped[int | None] = mapped_column(ForeignKey("claim_calculations.id"))
    raised_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    raised_for: Mapped[Short] = mapped_column(default="")
    raised_at: Mapped[Instant]
    decider_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decider_named_at: Mapped[Instant | None]
    outcome: Mapped[DisputeOutcome | None] = mapped_column(enum_type(DisputeOutcome))
    reasons: Mapped[Prose] = mapped_column(default="")
    awarded_fen: Mapped[Fen | None]
    consequence: Mapped[Consequence | None] = mapped_column(enum_type(Consequence))
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[Instant | None]


class DisputeWord(Base):
    """What one side says. An internal note is the desk's own: the client never sees it."""

    __tablename__ = "dispute_words"
    __table_args__ = (CheckConstraint("NOT is_internal OR side = 'desk'", name="internal"),)

    id: Mapped[Id]
    dispute_id: Mapped[int] = mapped_column(ForeignKey("disputes.id"), index=True)
    side: Mapped[DisputeSide] = mapped_column(enum_type(DisputeSide))
    is_internal: Mapped[bool] = mapped_column(default=False)
    words: Mapped[Prose]
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[Instant]


class DisputeEvidence(Base):
    """A photo or paper that one side brings, and what it shows. Both sides see it."""

    __tablename__ = "dispute_evidence"

    id: Mapped[Id]
    dispute_id: Mapped[int] = mapped_column(ForeignKey("disputes.id"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    side: Mapped[DisputeSide] = mapped_column(enum_type(DisputeSide))
    words: Mapped[Prose] = mapped_column(default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[Instant]
