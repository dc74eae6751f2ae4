"""The reserve ledger: every movement of what is outstanding, by item. The sum of a claim's effects is what it still holds."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Instant, enum_type
from service_desk.rules.reserve_ledger import MovementKind, ReserveItem


class ReserveMovement(Base):
    """Written once and never changed. `entry_id` is the change of the whole reserve it belongs to; a payment has none."""

    __tablename__ = "reserve_movements"
    __table_args__ = (
        Index(None, "at"),
        Index(None, "claim_id", "at", "kind", "amount_fen"),
        CheckConstraint("amount_fen > 0 OR (amount_fen < 0 AND kind IN ('divided', 'paid'))", name="amount"),
    )

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    at: Mapped[Instant]
    kind: Mapped[MovementKind] = mapped_column(enum_type(MovementKind))
    item: Mapped[ReserveItem] = mapped_column(enum_type(ReserveItem))
    amount_fen: Mapped[Fen]
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("reserve_entries.id"), index=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
