"""Around a claim's report: accidents with several of our vehicles, and the surveyor's arrival as it was stamped."""

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Line, Short


class AccidentEvent(Base):
    """One accident with several vehicles of an account, each with a claim of its own."""

    __tablename__ = "accident_events"

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    # Two vehicles of the account met each other: what one is owed the other's cover may owe.
    is_own_collision: Mapped[bool] = mapped_column(default=False)
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    opened_at: Mapped[Instant]


class EventClaim(Base):
    """A claim's place in an accident. A claim has at most one; who left it stands on the time line."""

    __tablename__ = "accident_event_claims"
    __table_args__ = (UniqueConstraint("claim_id"),)

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("accident_events.id"), index=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    linked_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    linked_at: Mapped[Instant]


class Arrival(Base):
    """The surveyor at the scene. `is_typed`: the time is a person's word, with a reason, not the server's clock."""

    __tablename__ = "claim_arrivals"
    __table_args__ = (UniqueConstraint("claim_id", "round"),)

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    round: Mapped[int]
    surveyor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[Instant]
    recorded_at: Mapped[Instant]
    is_typed: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[Line] = mapped_column(default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    accuracy_m: Mapped[int | None]
    # From the reported position, as the crow flies; None when either is not known.
    distance_m: Mapped[int | None]
