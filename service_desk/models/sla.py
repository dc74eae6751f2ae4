"""Working calendars, service levels, timers with their ledger, what happened to them, breach reviews."""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Instant, Json, Line, Prose, Short, Versioned, enum_type
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import EventKind, PauseReason, TargetUnit, TimerState
from service_desk.rules.vocabulary import Severity

__all__ = [
    "Absence",
    "AbsenceKind",
    "BreachCause",
    "BreachReview",
    "CalendarDay",
    "CalendarVersion",
    "PauseObjection",
    "ServiceLevel",
    "SlaEvent",
    "Timer",
    "TimerCorrection",
    "TimerEntry",
    "TimerRecomputation",
    "TimerSegment",
    "TimerState",
    "WorkingCalendarRow",
]


class AbsenceKind(StrEnum):
    """Why somebody is away: days of leave, or the hours in which another is on duty."""

    LEAVE = "leave"
    SICKNESS = "sickness"
    TRAINING = "training"
    OFF_DUTY = "off_duty"


class CalendarVersion(Base):
    """What a calendar said at one time, never changed: timers count on the version they started under.

    The key is a digest of the content, so one version is kept once however many timers name it.
    """

    __tablename__ = "calendar_versions"

    digest: Mapped[Short] = mapped_column(primary_key=True)
    code: Mapped[Short]
    number: Mapped[int]
    form: Mapped[dict[str, Any]] = mapped_column(Json)
    made_at: Mapped[Instant]


class WorkingCalendarRow(Versioned, Base):
    """A calendar people edit. `week` is `{"mon": [["08:30", "12:00"], ...]}`; `digest` its latest version."""

    __tablename__ = "working_calendars"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Id]
    code: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[Line]
    name_en: Mapped[Line]
    zone: Mapped[Short]
    week: Mapped[dict[str, Any]] = mapped_column(Json)
    digest: Mapped[Short | None] = mapped_column(ForeignKey("calendar_versions.digest"))


class CalendarDay(Base):
    """A dated exception: closed when `hours` is empty, else open at its own hours."""

    __tablename__ = "calendar_days"
    __table_args__ = (UniqueConstraint("calendar_id", "day"),)

    id: Mapped[Id]
    calendar_id: Mapped[int] = mapped_column(ForeignKey("working_calendars.id"))
    day: Mapped[date]
    hours: Mapped[list[list[str]]] = mapped_column(Json)
    label: Mapped[Line] = mapped_column(default="")
    source: Mapped[Line] = mapped_column(default="")
    is_provisional: Mapped[bool] = mapped_column(default=False)


class ServiceLevel(Versioned, Base):
    """A promise: step x conditions -> target. None in a condition matches everything.

    The amount band is from < amount <= to. `escalate_after_minutes` is working time after the due time;
    `escalate_to` says whom each of them tells, `role:manager` or `user:12`, managers where it says nothing.
    """

    __tablename__ = "service_levels"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Id]
    step: Mapped[ClockStep] = mapped_column(enum_type(ClockStep), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"))
    severity: Mapped[Severity | None] = mapped_column(enum_type(Severity))
    is_urban: Mapped[bool | None]
    amount_from_fen: Mapped[Fen | None]
    amount_to_fen: Mapped[Fen | None]
    target_value: Mapped[int]
    target_unit: Mapped[TargetUnit] = mapped_column(enum_type(TargetUnit))
    warn_percent: Mapped[int] = mapped_column(default=75)
    escalate_after_minutes: Mapped[list[int]] = mapped_column(Json, default=list)
    escalate_to: Mapped[list[str]] = mapped_column(Json, default=list)
    calendar_code: Mapped[Short]
    source: Mapped[Line] = mapped_column(default="")
    effective_on: Mapped[date]
    ended_on: Mapped[date | None]


class Timer(Versioned, Base):
    """One promise on one matter. Its entries are the truth; every instant after `started_at` follows from them.

    `used_seconds` and `over_seconds` are the sums at `measured_at`, for good once it has stopped. `paused_at`,
    `pause_reason` and `left_seconds` (what is left when it resumes) are set while it stands. `severity`,
    `is_urban` and `amount_fen` are the matter as it was at the start, which chose the level. `covered_id` is
    the absent holder for whom `holder_id` stands in.
    """

    __tablename__ = "timers"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        UniqueConstraint("matter_kind", "matter_id", "step", "cycle"),
        # Also all that the queue's filters ask of open clocks, so that counting them reads no row.
        Index(
            "ix_timers_standing",
            "account_id",
            "state",
            "due_at",
            "warn_at",
            "breached_at",
            "matter_kind",
            "matter_id",
        ),
        Index(
            "ix_timers_due",
            "next_check_at",
            sqlite_where=text("next_check_at IS NOT NULL"),
            postgresql_where=text("next_check_at IS NOT NULL"),
        ),
        Index(None, "holder_id", "state"),
        Index(None, "account_id", "started_at"),
        Index(None, "account_id", "stopped_at"),
        Index(
            "ix_timers_breached",
            "account_id",
            "breached_at",
            sqlite_where=text("breached_at IS NOT NULL"),
            postgresql_where=text("breached_at IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    matter_kind: Mapped[Short]
    matter_id: Mapped[int]
    matter_number: Mapped[Short]
    step: Mapped[ClockStep] = mapped_column(enum_type(ClockStep))
    cycle: Mapped[int] = mapped_column(default=1)
    level_id: Mapped[int] = mapped_column(ForeignKey("service_levels.id"))
    severity: Mapped[Severity | None] = mapped_column(enum_type(Severity))
    is_urban: Mapped[bool | None]
    amount_fen: Mapped[Fen | None]
    target_value: Mapped[int]
    target_unit: Mapped[TargetUnit] = mapped_column(enum_type(TargetUnit))
    warn_percent: Mapped[int]
    escalate_after_minutes: Mapped[list[int]] = mapped_column(Json, default=list)
    escalate_to: Mapped[list[str]] = mapped_column(Json, default=list)
    calendar_code: Mapped[Short]
    calendar_digest: Mapped[Short] = mapped_column(ForeignKey("calendar_versions.digest"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    covered_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    state: Mapped[TimerState] = mapped_column(enum_type(TimerState))
    started_at: Mapped[Instant]
    due_at: Mapped[Instant | None]
    warn_at: Mapped[Instant | None]
    next_check_at: Mapped[Instant | None]
    breached_at: Mapped[Instant | None]
    paused_at: Mapped[Instant | None]
    pause_reason: Mapped[Short] = mapped_column(default="")
    left_seconds: Mapped[int | None]
    stopped_at: Mapped[Instant | None]
    measured_at: Mapped[Instant]
    used_seconds: Mapped[int] = mapped_column(default=0)
    over_seconds: Mapped[int] = mapped_column(default=0)


class TimerEntry(Base):
    """One event of a timer's ledger (`EventKind`). `at` is when it took place, to the second.

    A corrected time stands in `at`, the former one in `TimerCorrection`. An entry struck off (`voided_at`: an
    objection was upheld, or the clock had ended before) stays readable and no longer counts.
    """

    __tablename__ = "timer_entries"
    __table_args__ = (Index(None, "timer_id", "at", "id"),)

    id: Mapped[Id]
    timer_id: Mapped[int] = mapped_column(ForeignKey("timers.id"))
    at: Mapped[Instant]
    kind: Mapped[EventKind] = mapped_column(enum_type(EventKind))
    holder_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[Short] = mapped_column(default="")
    note: Mapped[Prose] = mapped_column(default="")
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[Instant]
    voided_at: Mapped[Instant | None]


class TimerSegment(Base):
    """A stretch of a finished timer's ledger as it was measured at the end, so that hours can be summed in SQL.

    Standing time when there is a `reason`, else running time of `holder_id`.
    """

    __tablename__ = "timer_segments"
    __table_args__ = (UniqueConstraint("timer_id", "ordinal"),)

    id: Mapped[Id]
    timer_id: Mapped[int] = mapped_column(ForeignKey("timers.id"))
    ordinal: Mapped[int]
    from_at: Mapped[Instant]
    to_at: Mapped[Instant]
    holder_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    reason: Mapped[PauseReason | None] = mapped_column(enum_type(PauseReason))
    seconds_before_due: Mapped[int]
    seconds_after_due: Mapped[int]


class TimerCorrection(Base):
    """A time in a ledger put right: both values, why, on what evidence, and what it did to the verdict."""

    __tablename__ = "timer_corrections"

    id: Mapped[Id]
    timer_id: Mapped[int] = mapped_column(ForeignKey("timers.id"), index=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("timer_entries.id"))
    old_at: Mapped[Instant]
    new_at: Mapped[Instant]
    old_state: Mapped[Short]
    new_state: Mapped[Short]
    reason: Mapped[Prose]
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[Instant]


class PauseObjection(Versioned, Base):
    """The client's word against a pause. `is_upheld` None: not decided yet; upheld, the pause is struck off."""

    __tablename__ = "pause_objections"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Id]
    timer_id: Mapped[int] = mapped_column(ForeignKey("timers.id"), index=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("timer_entries.id"), unique=True)
    text: Mapped[Prose]
    raised_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    raised_at: Mapped[Instant]
    is_upheld: Mapped[bool | None]
    answer: Mapped[Prose] = mapped_column(default="")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[Instant | None]


class TimerRecomputation(Base):
    """An open clock moved to another promise or calendar version on a manager's word; both kept."""

    __tablename__ = "timer_recomputations"

    id: Mapped[Id]
    timer_id: Mapped[int] = mapped_column(ForeignKey("timers.id"), index=True)
    old_level_id: Mapped[int] = mapped_column(ForeignKey("service_levels.id"))
    new_level_id: Mapped[int] = mapped_column(ForeignKey("service_levels.id"))
    old_digest: Mapped[Short] = mapped_column(ForeignKey("calendar_versions.digest"))
    new_digest: Mapped[Short] = mapped_column(ForeignKey("calendar_versions.digest"))
    old_due_at: Mapped[Instant | None]
    new_due_at: Mapped[Instant | None]
    reason: Mapped[Prose]
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[Instant]


class Absence(Versioned, Base):
    """Somebody is away and another stands in: clocks go over at `from_at` and come back at `to_at`.

    `substitute_id` None: whoever is on duty by the roster stands in, and `next_change_at` is also when duty changes.

    With `repeats_until_on` the same hours of the day repeat daily until that day (nights off duty); `from_at`
    and `to_at` are the first time. `next_change_at` is when the sweep must act next, None when all is over;
    `has_begun` whether the stand-in is on now.
    """

    __tablename__ = "absences"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        Index(None, "user_id", "from_at"),
        Index(
            "ix_absences_due",
            "next_change_at",
            sqlite_where=text("next_change_at IS NOT NULL"),
            postgresql_where=text("next_change_at IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    substitute_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    kind: Mapped[AbsenceKind] = mapped_column(enum_type(AbsenceKind))
    from_at: Mapped[Instant]
    to_at: Mapped[Instant]
    repeats_until_on: Mapped[date | None]
    next_change_at: Mapped[Instant | None]
    has_begun: Mapped[bool] = mapped_column(default=False)
    note: Mapped[Line] = mapped_column(default="")
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    entered_at: Mapped[Instant]
    cancelled_at: Mapped[Instant | None]


class BreachCause(Versioned, Base):
    """A cause a review may name; managers add to the list and retire from it, reviews keep theirs."""

    __tablename__ = "breach_causes"
    __mapper_args__ = {"version_id_col": Versioned.version}

    code: Mapped[Short] = mapped_column(primary_key=True)
    name: Mapped[Line]
    name_en: Mapped[Line]
    ordinal: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)


class SlaEvent(Base):
    """A happening told once: `kind` is `warning`, `breach`, `escalation_2` … (`Happening.code`)."""

    __tablename__ = "sla_events"
    __table_args__ = (UniqueConstraint("timer_id", "kind"),)

    id: Mapped[Id]
    timer_id: Mapped[int] = mapped_column(ForeignKey("timers.id"))
    kind: Mapped[Short]
    at: Mapped[Instant]
    recorded_at: Mapped[Instant]


class BreachReview(Versioned, Base):
    """Why a promise was broken, who answers for it and what is corrected; signed by another manager.

    `responsible_id` is None when nobody of ours caused it: the client, a third party, force majeure. A correction
    has an owner and a day; without one (None both) none was needed. `corrected_at` is when it was reported
    done, `corrected_note` what was done.
    """

    __tablename__ = "breach_reviews"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        Index(None, "correction_owner_id"),
        Index(
            "ix_breach_reviews_due",
            "correction_due_on",
            sqlite_where=text("corrected_at IS NULL"),
            postgresql_where=text("corrected_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    timer_id: Mapped[int] = mapped_column(ForeignKey("timers.id"), unique=True)
    cause: Mapped[Short]
    explanation: Mapped[Prose]
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    correction: Mapped[Prose] = mapped_column(default="")
    correction_owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    correction_due_on: Mapped[date | None]
    signed_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    signed_at: Mapped[Instant]
    corrected_at: Mapped[Instant | None]
    corrected_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    corrected_note: Mapped[Prose] = mapped_column(default="")
