"""Premium receivable per policy, receipts, and what each receipt settled."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Instant, Line, Short, Versioned


class Receivable(Versioned, Base):
    """Premium the client owes for one policy. Open while `settled_fen < amount_fen`."""

    __tablename__ = "receivables"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("settled_fen >= 0 AND settled_fen <= amount_fen", name="settled"),
        Index(None, "account_id", "branch_id", "due_on"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    policy_id: Mapped[int] = mapped_column(ForeignKey("policies.id"), unique=True)
    amount_fen: Mapped[Fen]
    settled_fen: Mapped[Fen] = mapped_column(default=0)
    due_on: Mapped[date]
    created_at: Mapped[Instant]


class Receipt(Base):
    __tablename__ = "receipts"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        Index(None, "account_id", "received_on"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    payer: Mapped[Line]
    amount_fen: Mapped[Fen]
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
