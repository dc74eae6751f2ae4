"""Report schedules, who gets them, and runs. A run keeps its figures for ever: what was sent can be shown again."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Short, Versioned


class ReportSchedule(Versioned, Base):
    """When an account's report of a kind is made; the time is of the account's zone.

    A weekly report has a `weekday` (0 is Monday), every other a `month_day` of the month after its period.
    """

    __tablename__ = "report_schedules"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        UniqueConstraint("account_id", "kind"),
        CheckConstraint("(weekday IS NULL) <> (month_day IS NULL)", name="day"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("month_day BETWEEN 1 AND 28", name="month_day"),
        CheckConstraint("hour BETWEEN 0 AND 23 AND minute BETWEEN 0 AND 59", name="time"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    kind: Mapped[Short]
    weekday: Mapped[int | None]
    month_day: Mapped[int | None]
    hour: Mapped[int] = mapped_column(default=8)
    minute: Mapped[int] = mapped_column(default=30)
    is_active: Mapped[bool] = mapped_column(default=True)
    starts_on: Mapped[date]

    @property
    def day(self) -> int:
        """The weekday or the day of the month, whichever it has."""
        return self.weekday if self.weekday is not None else self.month_day or 1


class ReportRecipient(Base):
    """A login or contact person whom a schedule treats otherwise than its audience: added, left out, or in a way of their own.

    `language` and `channel` are empty where the person's own hold.
    """

    __tablename__ = "report_recipients"
    __table_args__ = (
        UniqueConstraint("schedule_id", "user_id"),
        UniqueConstraint("schedule_id", "contact_id"),
        CheckConstraint("(user_id IS NULL) <> (contact_id IS NULL)", name="person"),
        CheckConstraint("language IN ('', 'zh', 'en')", name="language"),
        CheckConstraint("channel IN ('', 'mail', 'in_app')", name="channel"),
    )

    id: Mapped[Id]
    schedule_id: Mapped[int] = mapped_column(ForeignKey("report_schedules.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), index=True)
    is_muted: Mapped[bool] = mapped_column(default=False)
    language: Mapped[Short] = mapped_column(default="")
    channel: Mapped[Short] = mapped_column(default="")


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


class ReportFault(Base):
    """A scheduled report that could not be made, until it is: since when, how often, and when it is tried again.

    `code` is the kind of the fault without its words, which may speak of people. `told_at`: the managers know.
    """

    __tablename__ = "report_faults"
    __table_args__ = (UniqueConstraint("account_id", "kind", "period_from"),)

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    kind: Mapped[Short]
    period_from: Mapped[date]
    period_to: Mapped[date]
    code: Mapped[Short]
    tries: Mapped[int] = mapped_column(default=1)
    since_at: Mapped[Instant]
    failed_at: Mapped[Instant]
    next_try_at: Mapped[Instant]
    told_at: Mapped[Instant | None]
