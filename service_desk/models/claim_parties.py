"""The parties of a claim, what each of them lost item by item, and how the injured are doing."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Instant, Line, Prose, Short, Versioned, enum_type
from service_desk.rules.claim_losses import LossKind
from service_desk.rules.claim_parties import InjurySeverity, PartyKind, PersonRole, TreatmentStage


class ClaimParty(Versioned, Base):
    """A vehicle, a person or a property. Entered with what is known, completed later.

    `name` is the person's, the driver's or the owner's; `what` is the vehicle's model or the property.
    """

    __tablename__ = "claim_parties"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    kind: Mapped[PartyKind] = mapped_column(enum_type(PartyKind))
    name: Mapped[Short] = mapped_column(default="")
    phone: Mapped[Short] = mapped_column(default="")
    id_number: Mapped[Short] = mapped_column(default="")
    what: Mapped[Line] = mapped_column(default="")
    plate: Mapped[Short] = mapped_column(default="")
    insurer: Mapped[Line] = mapped_column(default="")
    policy_number: Mapped[Short] = mapped_column(default="")
    age: Mapped[int | None]
    role: Mapped[PersonRole | None] = mapped_column(enum_type(PersonRole))
    severity: Mapped[InjurySeverity | None] = mapped_column(enum_type(InjurySeverity))
    hospital: Mapped[Line] = mapped_column(default="")
    created_at: Mapped[Instant]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    # Entered by mistake: kept with the reason, shown no more.
    removed_at: Mapped[Instant | None]
    removed_reason: Mapped[Line] = mapped_column(default="")


class PartyItem(Base):
    """What one thing of a party costs: first estimated, then assessed, then reviewed. The latest that is known counts."""

    __tablename__ = "party_items"
    __table_args__ = (
        CheckConstraint("first_fen >= 0 AND assessed_fen >= 0 AND reviewed_fen >= 0", name="amounts"),
    )

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("claim_parties.id"), index=True)
    kind: Mapped[LossKind] = mapped_column(enum_type(LossKind))
    label: Mapped[Line]
    first_fen: Mapped[Fen | None]
    assessed_fen: Mapped[Fen | None]
    reviewed_fen: Mapped[Fen | None]
    created_at: Mapped[Instant]
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))

    @property
    def amount_fen(self) -> int:
        """The latest that is known."""
        amounts = (self.reviewed_fen, self.assessed_fen, self.first_fen)
        return next((fen for fen in amounts if fen is not None), 0)


class InjuryFollowUp(Base):
    """How an injured person was on a day. Entries are added, never changed: together they are the history."""

    __tablename__ = "injury_follow_ups"
    __table_args__ = (CheckConstraint("cost_fen >= 0 AND forecast_fen >= 0", name="amounts"),)

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"), index=True)
    party_id: Mapped[int] = mapped_column(ForeignKey("claim_parties.id"), index=True)
    on_day: Mapped[date]
    hospital: Mapped[Line] = mapped_column(default="")
    condition: Mapped[Prose]
    stage: Mapped[TreatmentStage] = mapped_column(enum_type(TreatmentStage))
    cost_fen: Mapped[Fen]
    forecast_fen: Mapped[Fen]
    next_on: Mapped[date | None]
    recorded_at: Mapped[Instant]
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
