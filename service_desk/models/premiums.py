"""Premium receivable per policy and endorsement, receipts, what each receipt settled, and premium given back."""

from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Instant, Line, Short, Versioned, enum_type


class RefundState(StrEnum):
    """OWED to the client, PAID out, or CREDITED: kept as money received, to settle other premium."""

    OWED = "owed"
    PAID = "paid"
    CREDITED = "credited"


class Receivable(Versioned, Base):
    """Premium (with vehicle tax) the client owes for a policy, or for an endorsement of it, or one instalment of either.

    Open while `settled_fen < amount_fen`. Premium returned lowers what is still open first. `branch_id` is the
    branch that owes it and does not move with the policy.
    """

    __tablename__ = "receivables"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("settled_fen >= 0 AND settled_fen <= amount_fen", name="settled"),
        Index(None, "account_id", "branch_id", "due_on"),
        Index(
            "uq_receivables_policy",
            "policy_id",
            "instalment",
            unique=True,
            sqlite_where=text("endorsement_id IS NULL"),
            postgresql_where=text("endorsement_id IS NULL"),
        ),
        Index(
            "uq_receivables_endorsement",
            "endorsement_id",
            "instalment",
            unique=True,
            sqlite_where=text("endorsement_id IS NOT NULL"),
            postgresql_where=text("endorsement_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    policy_id: Mapped[int] = mapped_column(ForeignKey("policies.id"), index=True)
    endorsement_id: Mapped[int | None] = mapped_column(ForeignKey("endorsements.id"))
    instalment: Mapped[int] = mapped_column(default=1)
    amount_fen: Mapped[Fen]
    settled_fen: Mapped[Fen] = mapped_column(default=0)
    due_on: Mapped[date]
    created_at: Mapped[Instant]


class Receipt(Base):
    """Money received. What is not allocated yet (`amount_fen - allocated_fen`) settles later receivables."""

    __tablename__ = "receipts"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("allocated_fen >= 0 AND allocated_fen <= amount_fen", name="allocated"),
        Index(None, "account_id", "received_on"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    payer: Mapped[Line]
    amount_fen: Mapped[Fen]
    allocated_fen: Mapped[Fen] = mapped_column(default=0)
    received_on: Mapped[date]
    method: Mapped[Short]
    reference: Mapped[Line] = mapped_column(default="")
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[Instant]


class ReceiptAllocation(Base):
    __tablename__ = "receipt_allocations"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount"),)

    id: Mapped[Id]
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipts.id"), index=True)
    receivable_id: Mapped[int] = mapped_column(ForeignKey("receivables.id"), index=True)
    amount_fen: Mapped[Fen]


class PremiumRefund(Versioned, Base):
    """Premium to be given back: what an endorsement returned beyond what was still open of the policy."""

    __tablename__ = "premium_refunds"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        Index(None, "account_id", "state"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"), index=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("policies.id"), index=True)
    endorsement_id: Mapped[int | None] = mapped_column(ForeignKey("endorsements.id"))
    amount_fen: Mapped[Fen]
    state: Mapped[RefundState] = mapped_column(enum_type(RefundState), default=RefundState.OWED)
    created_at: Mapped[Instant]
    settled_on: Mapped[date | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    method: Mapped[Short] = mapped_column(default="")
    reference: Mapped[Line] = mapped_column(default="")
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipts.id"))
