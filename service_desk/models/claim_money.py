"""The money of claims beside the payments: who may decide it, what is paid in advance, what is to be got back."""

from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Instant, Line, Versioned, enum_type
from service_desk.rules.permissions import Role


class AuthorityTier(Versioned, Base):
    """Up to which amount a role or a person decides. A change ends the row and begins another."""

    __tablename__ = "authority_tiers"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("role IS NOT NULL OR user_id IS NOT NULL", name="holder"),
        CheckConstraint("limit_fen >= 0", name="limit"),
        CheckConstraint("ended_on >= effective_on", name="days"),
    )

    id: Mapped[Id]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"))
    role: Mapped[Role | None] = mapped_column(enum_type(Role))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    limit_fen: Mapped[Fen | None]
    effective_on: Mapped[date]
    ended_on: Mapped[date | None]


class AdvanceBasis(StrEnum):
    """Why money is paid before the decision."""

    CERTAIN_PART = "certain_part"
    RESCUE_COSTS = "rescue_costs"


class AdvanceState(StrEnum):
    """Cancelled: overtaken by the decision on the claim, or by its end."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    PAID = "paid"
    CANCELLED = "cancelled"


class ClaimAdvance(Versioned, Base):
    """A sum to be paid before the decision: proposed by one person, approved by another."""

    __tablename__ = "claim_advances"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount"),)

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    round: Mapped[int]
    basis: Mapped[AdvanceBasis] = mapped_column(enum_type(AdvanceBasis))
    amount_fen: Mapped[Fen]
    reason: Mapped[Line]
    state: Mapped[AdvanceState] = mapped_column(enum_type(AdvanceState), default=AdvanceState.PROPOSED)
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    proposed_at: Mapped[Instant]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[Instant | None]
    decision_note: Mapped[Line] = mapped_column(default="")


class RecoveryKind(StrEnum):
    """Subrogation against who caused the loss, recourse of CTPL, money paid too much, or other."""

    SUBROGATION = "subrogation"
    CTPL_RECOURSE = "ctpl_recourse"
    OVERPAID = "overpaid"
    SALVAGE = "salvage"
    OTHER = "other"


class RecoveryState(StrEnum):
    """Settled: all of it came in or was written off."""

    OPEN = "open"
    SETTLED = "settled"


class Recovery(Versioned, Base):
    """An amount to get back. What is still open is the amount less what came in and what was written off."""

    __tablename__ = "recoveries"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        Index(None, "account_id", "state", "made_at"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint(
            "received_fen >= 0 AND written_off_fen >= 0 AND received_fen + written_off_fen <= amount_fen",
            name="rest",
        ),
    )

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    # Made by a decision on the claim; otherwise somebody wrote it by hand.
    is_automatic: Mapped[bool] = mapped_column(default=False)
    calculation_id: Mapped[int | None] = mapped_column(ForeignKey("claim_calculations.id"))
    kind: Mapped[RecoveryKind] = mapped_column(enum_type(RecoveryKind))
    owed_by: Mapped[Line]
    amount_fen: Mapped[Fen]
    received_fen: Mapped[Fen] = mapped_column(default=0)
    written_off_fen: Mapped[Fen] = mapped_column(default=0)
    state: Mapped[RecoveryState] = mapped_column(enum_type(RecoveryState), default=RecoveryState.OPEN)
    note: Mapped[Line] = mapped_column(default="")
    write_off_reason: Mapped[Line] = mapped_column(default="")
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[Instant]

    @property
    def open_fen(self) -> int:
        """What is still to come in."""
        return self.amount_fen - self.received_fen - self.written_off_fen


class RecoveryReceipt(Base):
    """Money that came in for a recovery; one entered by mistake is struck off, not deleted."""

    __tablename__ = "recovery_receipts"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount"),)

    id: Mapped[Id]
    recovery_id: Mapped[int] = mapped_column(ForeignKey("recoveries.id"), index=True)
    amount_fen: Mapped[Fen]
    received_on: Mapped[date]
    reference: Mapped[Line] = mapped_column(default="")
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[Instant]
    struck_at: Mapped[Instant | None]
    struck_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    strike_reason: Mapped[Line] = mapped_column(default="")
