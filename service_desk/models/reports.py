"""Report schedules and runs. A run keeps its figures for ever: what was sent can be shown again."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Short, Versioned


class ReportSchedule(Versioned, Base):
    """When an account's report is made. `weekday` 0 is Monday; the time is of the account's zone."""

    __tablename__ = "report_schedules"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        UniqueConstraint("account_id", "kind"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("hour BETWEEN 0 AND 23 AND minute BETWEEN 0 AND 59", name="time"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    kind: Mapped[Short]
    weekday: Mapped[int] = mapped_column(default=0)
    hour: Mapped[int] = mapped_column(default=8)
    minute: Mapped[int] = mapped_column(default=30)
    is_active: Mapped[bool] = mapped_column(default=True)
    starts_on: Mapped[date]


class ReportRun(Base):
    """One report of one period. `edition` 0 is the scheduled one; later editions were run by hand."""

    __tablename__ = "report_runs"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "period_from", "edition"),
        Index(None, "account_id", "made_at"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    kind: Mapped[Short]
    period_from: Mapped[date]
    period_to: Mapped[date]
    edition: Mapped[int] = mapped_column(default=0)
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    made_at: Mapped[Instant]
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
