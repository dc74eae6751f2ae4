"""Number sequences, small settings, and the scheduler's lease and slots."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Prose, Short


class NumberSequence(Base):
    """The last number given out in a scope such as `PCT-2026`."""

    __tablename__ = "number_sequences"

    scope: Mapped[Short] = mapped_column(primary_key=True)
    last_value: Mapped[int]


class Setting(Base):
    __tablename__ = "settings"

    key: Mapped[Short] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(Json)


class SchedulerLease(Base):
    """Which process runs the jobs, and until when. One row, taken by one conditional UPDATE."""

    __tablename__ = "scheduler_leases"

    name: Mapped[Short] = mapped_column(primary_key=True)
    holder: Mapped[Short]
    until: Mapped[Instant]


class JobRun(Base):
    """One run of a job in one slot; the unique slot makes each run once whatever is restarted."""

    __tablename__ = "job_runs"
    __table_args__ = (UniqueConstraint("job", "slot"),)

    id: Mapped[Id]
    job: Mapped[Short]
    slot: Mapped[Short]
    started_at: Mapped[Instant]
    finished_at: Mapped[Instant | None]
    done: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    detail: Mapped[Prose] = mapped_column(default="")
