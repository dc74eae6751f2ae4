"""Renewal reminders sent, what became of cover that was not renewed, and calendar feeds of ends of cover."""

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Short, Versioned, enum_type
from service_desk.rules.renewal import Outcome
from service_desk.rules.vocabulary import PolicyLine


class RenewalReminder(Base):
    """A reminder sent: once per vehicle, line, expiry and rung of the ladder."""

    __tablename__ = "renewal_reminders"
    __table_args__ = (UniqueConstraint("vehicle_id", "line", "expires_on", "days_before"),)

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    line: Mapped[PolicyLine] = mapped_column(enum_type(PolicyLine))
    expires_on: Mapped[date]
    days_before: Mapped[int]
    sent_at: Mapped[Instant]


class RenewalOutcome(Versioned, Base):
    """Why a vehicle's line is not renewed here at one end of its cover; an outcome for all lines is a row for each.

    `ends_at` is the end it speaks of, so that the next end is to do again. `cover_before` is what the cover known
    from elsewhere held before this outcome wrote it (empty: there was none), None when it wrote none; whoever
    corrects the outcome puts it back.
    """

    __tablename__ = "renewal_outcomes"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        UniqueConstraint("vehicle_id", "line", "ends_at"),
        Index(None, "account_id", "outcome", "ends_at"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    line: Mapped[PolicyLine] = mapped_column(enum_type(PolicyLine))
    ends_at: Mapped[Instant]
    outcome: Mapped[Outcome] = mapped_column(enum_type(Outcome))
    insurer: Mapped[Line] = mapped_column(default="")
    covered_until: Mapped[date | None]
    note: Mapped[Line] = mapped_column(default="")
    cover_before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[Instant]


class CalendarFeed(Base):
    """A secret address under which a calendar program reads the ends of cover of a branch, or of all (None).

    Only the token's hash is kept. It answers while it is not revoked and its maker may still see the branch.
    """

    __tablename__ = "calendar_feeds"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    token_sha256: Mapped[Short] = mapped_column(unique=True)
    language: Mapped[Short]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    revoked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
