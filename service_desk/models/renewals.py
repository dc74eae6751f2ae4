"""Renewal reminders sent, what became of cover that was not renewed, feeds of ends of cover; missed cover and its chase."""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Prose, Short, Versioned, enum_type
from service_desk.rules.renewal import Outcome
from service_desk.rules.vocabulary import PolicyLine

MISSED_COVER = "missed_cover"
"""A case as a matter: what its clock, its notices and its papers belong to."""


class CaseState(StrEnum):
    """STOPPED: declared off the road, so that there is nothing more to chase."""

    OPEN = "open"
    COVERED = "covered"
    STOPPED = "stopped"


class ChaseKind(StrEnum):
    """What an entry of the log tells: what the watch saw, what people did, what the client said."""

    OPENED = "opened"
    LAYERS_CHANGED = "layers_changed"
    CONTACT = "contact"
    CLIENT_SAID = "client_said"
    COVER_NOTED = "cover_noted"
    REASSIGNED = "reassigned"
    COVERED = "covered"
    STOPPED = "stopped"


class ChaseChannel(StrEnum):
    """How somebody was reached."""

    CALL = "call"
    VISIT = "visit"
    MESSAGE = "message"
    MAIL = "mail"


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


class MissedCoverCase(Versioned, Base):
    """A vehicle that was operating without a required layer, until it is covered or off the road.

    One open case a vehicle. `since_at` is when the first of the missing layers ended, None when there never was any.
    `chased_at` and `promised_on` repeat the last of the log, for the list. `vehicle_id` is None after the list that
    brought the vehicle was taken back; `vehicle_name` stays. `owner_id` is None while nobody can chase.
    """

    __tablename__ = "missed_cover_cases"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        Index(None, "account_id", "state", "branch_id"),
        Index(
            "uq_missed_cover_cases_open",
            "vehicle_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicles.id"), index=True)
    vehicle_name: Mapped[Short]
    layers: Mapped[list[str]] = mapped_column(Json)
    since_at: Mapped[Instant | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    state: Mapped[CaseState] = mapped_column(enum_type(CaseState), default=CaseState.OPEN)
    opened_at: Mapped[Instant]
    closed_at: Mapped[Instant | None]
    chased_at: Mapped[Instant | None]
    promised_on: Mapped[date | None]


class MissedCoverEntry(Base):
    """A line of a case's log. `by_id` None: the watch. `changes` holds `{field: [before, after]}`."""

    __tablename__ = "missed_cover_entries"

    id: Mapped[Id]
    case_id: Mapped[int] = mapped_column(ForeignKey("missed_cover_cases.id"), index=True)
    kind: Mapped[ChaseKind] = mapped_column(enum_type(ChaseKind))
    at: Mapped[Instant]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    channel: Mapped[ChaseChannel | None] = mapped_column(enum_type(ChaseChannel))
    spoken_to: Mapped[Line] = mapped_column(default="")
    text: Mapped[Prose] = mapped_column(default="")
    promised_on: Mapped[date | None]
    changes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
