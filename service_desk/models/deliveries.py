"""Papers on their way to the branches: runs, and what each brings."""

from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Line, Short, Versioned, enum_type


class RunState(StrEnum):
    """PLANNED, then OUT with the carrier; DELIVERED when anything stayed there, RETURNED when everything came back."""

    PLANNED = "planned"
    OUT = "out"
    DELIVERED = "delivered"
    RETURNED = "returned"


class PaperKind(StrEnum):
    """What is brought. A card is a vehicle's."""

    POLICY = "policy"
    ENDORSEMENT = "endorsement"
    RECEIPT = "receipt"
    CARD = "card"


class ItemState(StrEnum):
    """OPEN while its run is planned or out."""

    OPEN = "open"
    DELIVERED = "delivered"
    BROUGHT_BACK = "brought_back"


class DeliveryRun(Versioned, Base):
    """One way to one branch (送单): planned, carried, signed for."""

    __tablename__ = "delivery_runs"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (Index(None, "account_id", "state"),)

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"), index=True)
    planned_on: Mapped[date]
    carried_by: Mapped[Short]
    state: Mapped[RunState] = mapped_column(enum_type(RunState), default=RunState.PLANNED)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[Instant]
    out_at: Mapped[Instant | None]
    signed_at: Mapped[Instant | None]
    signed_by: Mapped[Short] = mapped_column(default="")
    signed_position: Mapped[Short] = mapped_column(default="")
    note: Mapped[Line] = mapped_column(default="")
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[Instant | None]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))


def _once_open(name: str, column: str) -> Index:
    """A paper is never in two open runs, whoever plans at the same time."""
    condition = text("state = 'open'")
    return Index(name, column, unique=True, sqlite_where=condition, postgresql_where=condition)


class DeliveryItem(Base):
    """One paper of a run: exactly one of the four ids is set, by its kind."""

    __tablename__ = "delivery_items"
    __table_args__ = (
        CheckConstraint(
            "(policy_id IS NOT NULL AND kind = 'policy') OR (endorsement_id IS NOT NULL AND kind = 'endorsement')"
            " OR (receipt_id IS NOT NULL AND kind = 'receipt') OR (vehicle_id IS NOT NULL AND kind = 'card')",
            name="paper",
        ),
        _once_open("uq_delivery_items_policy", "policy_id"),
        _once_open("uq_delivery_items_endorsement", "endorsement_id"),
        _once_open("uq_delivery_items_receipt", "receipt_id"),
        _once_open("uq_delivery_items_card", "vehicle_id"),
        Index(None, "receipt_id", "state"),
    )

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(ForeignKey("delivery_runs.id"), index=True)
    kind: Mapped[PaperKind] = mapped_column(enum_type(PaperKind))
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("policies.id"), index=True)
    endorsement_id: Mapped[int | None] = mapped_column(ForeignKey("endorsements.id"), index=True)
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipts.id"))
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicles.id"), index=True)
    state: Mapped[ItemState] = mapped_column(enum_type(ItemState), default=ItemState.OPEN)
    reason: Mapped[Line] = mapped_column(default="")
