"""What both sides do together and agreed: events with their people and minutes, items, and the log of the work."""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Prose, Short, Versioned, enum_type
from service_desk.rules.permissions import Role, Side
from service_desk.rules.relation_flow import EventKind, EventState, InviteAnswer, MailedAnswer
from service_desk.rules.relations_due import CadencePeriod
from service_desk.rules.work_log import WorkKind


class ItemSource(StrEnum):
    """Where an item comes from."""

    OPINION = "opinion"
    EVENT = "event"


class ItemState(StrEnum):
    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


class AgreedItem(Versioned, Base):
    """Something to be done about an opinion or decided at a meeting: by whom, how, by when, and what came of it.

    `branch_id` None concerns the whole account. `result` says what was done, or why it was dropped; `due_moves` is
    how often its day was moved.
    """

    __tablename__ = "agreed_items"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        Index(None, "account_id", "state", "due_on"),
        Index(None, "source", "source_id"),
        Index(
            "ix_agreed_items_due",
            "due_on",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    source: Mapped[ItemSource] = mapped_column(enum_type(ItemSource))
    source_id: Mapped[int]
    title: Mapped[Line]
    measure: Mapped[Prose] = mapped_column(default="")
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    due_on: Mapped[date]
    due_moves: Mapped[int] = mapped_column(default=0)
    state: Mapped[ItemState] = mapped_column(enum_type(ItemState), default=ItemState.OPEN)
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    opened_at: Mapped[Instant]
    result: Mapped[Prose] = mapped_column(default="")
    ended_at: Mapped[Instant | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class ItemStepKind(StrEnum):
    """What happened to an item after it was opened."""

    DUE_MOVED = "due_moved"
    GIVEN = "given"
    DONE = "done"
    DROPPED = "dropped"


class ItemStep(Base):
    """A line of an item's history. `note` is the result or the reason; the days are those of a moved day, the owner the new one."""

    __tablename__ = "item_steps"

    id: Mapped[Id]
    item_id: Mapped[int] = mapped_column(ForeignKey("agreed_items.id"), index=True)
    kind: Mapped[ItemStepKind] = mapped_column(enum_type(ItemStepKind))
    at: Mapped[Instant]
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    note: Mapped[Prose] = mapped_column(default="")
    due_before: Mapped[date | None]
    due_after: Mapped[date | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class RelationEvent(Versioned, Base):
    """A meeting, visit, talk or greeting of both sides. `branch_id` None concerns the whole account.

    `uid` and `sequence` are what calendar programs know an invitation by: the sequence rises with every change.
    `minutes_number` is the version of the minutes in force, 0 without any.
    """

    __tablename__ = "relation_events"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("from_at < to_at", name="times"),
        Index(None, "account_id", "from_at"),
        Index(None, "account_id", "kind", "state"),
        Index(None, "branch_id"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    kind: Mapped[EventKind] = mapped_column(enum_type(EventKind))
    state: Mapped[EventState] = mapped_column(enum_type(EventState), default=EventState.PLANNED)
    title: Mapped[Line]
    place: Mapped[Line] = mapped_column(default="")
    agenda: Mapped[Prose] = mapped_column(default="")
    from_at: Mapped[Instant]
    to_at: Mapped[Instant]
    organiser_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    uid: Mapped[Short] = mapped_column(unique=True)
    sequence: Mapped[int] = mapped_column(default=0)
    planned_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    planned_at: Mapped[Instant]
    held_at: Mapped[Instant | None]
    minutes_number: Mapped[int] = mapped_column(default=0)
    cancel_reason: Mapped[Line] = mapped_column(default="")
    change_reason: Mapped[Line] = mapped_column(default="")


class EventParticipant(Base):
    """Somebody invited: a login, or a guest by name and mail. `is_present` is known once there are minutes.

    `answer` is what a login said on the page, `mail_answer` what came from their address, which proves nobody.
    """

    __tablename__ = "event_participants"
    __table_args__ = (
        UniqueConstraint("event_id", "user_id"),
        Index(None, "user_id"),
        CheckConstraint("(answer = 'asked') = (answered_at IS NULL)", name="answered"),
        CheckConstraint("(mail_answer IS NULL) = (mail_answered_at IS NULL)", name="mailed"),
    )

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("relation_events.id"), index=True)
    side: Mapped[Side] = mapped_column(enum_type(Side))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[Short]
    email: Mapped[Line] = mapped_column(default="")
    language: Mapped[Short]
    answer: Mapped[InviteAnswer] = mapped_column(enum_type(InviteAnswer), default=InviteAnswer.ASKED)
    answered_at: Mapped[Instant | None]
    is_present: Mapped[bool | None]
    mail_answer: Mapped[MailedAnswer | None] = mapped_column(enum_type(MailedAnswer))
    mail_answered_at: Mapped[Instant | None]
    mail_words: Mapped[Prose | None]


class EventMinutes(Base):
    """The minutes of an event as written, kept for ever; a correction is another version with its reason.

    `present` is who was there, each `{"name": …, "side": …}`.
    """

    __tablename__ = "event_minutes"
    __table_args__ = (UniqueConstraint("event_id", "number"),)

    id: Mapped[Id]
    event_id: Mapped[int] = mapped_column(ForeignKey("relation_events.id"))
    number: Mapped[int]
    words: Mapped[Prose]
    present: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    reason: Mapped[Line] = mapped_column(default="")
    written_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    written_at: Mapped[Instant]


class RelationCadence(Versioned, Base):
    """A line of the table of what is promised, as agreed with an account; others stand as `rules.relations_due` has them."""

    __tablename__ = "relation_cadences"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (UniqueConstraint("account_id", "code"),)

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    code: Mapped[Short]
    times: Mapped[int]
    period: Mapped[CadencePeriod] = mapped_column(enum_type(CadencePeriod))
    notice_days: Mapped[int]
    source: Mapped[Line] = mapped_column(default="")


class RelationWarning(Base):
    """That the managers were told of something due and not planned. Once for each `key` of `rules.relations_due.Due`."""

    __tablename__ = "relation_warnings"
    __table_args__ = (UniqueConstraint("account_id", "key"),)

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    key: Mapped[Line]
    at: Mapped[Instant]


class WorkEntry(Versioned, Base):
    """Work that a person typed into their log. What is known from elsewhere is read from there, never copied."""

    __tablename__ = "work_entries"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (Index(None, "user_id", "at"), Index(None, "account_id", "at"))

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[WorkKind] = mapped_column(enum_type(WorkKind))
    at: Mapped[Instant]
    minutes: Mapped[int]
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    met: Mapped[Line] = mapped_column(default="")
    note: Mapped[Line]
    event_id: Mapped[int | None] = mapped_column(ForeignKey("relation_events.id"))
    claim_id: Mapped[int | None] = mapped_column(ForeignKey("claims.id"))
    enquiry_id: Mapped[int | None] = mapped_column(ForeignKey("enquiries.id"))


class WorkTarget(Versioned, Base):
    """How much of a kind of work a role, or one person instead, is to do a month, from a month on."""

    __tablename__ = "work_targets"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("(role IS NULL) <> (user_id IS NULL)", name="whose"),
        # Two, for what is NULL differs from every other NULL.
        Index(
            "uq_work_targets_of_role",
            "account_id",
            "role",
            "kind",
            "from_on",
            unique=True,
            sqlite_where=text("user_id IS NULL"),
            postgresql_where=text("user_id IS NULL"),
        ),
        Index(
            "uq_work_targets_of_person",
            "account_id",
            "user_id",
            "kind",
            "from_on",
            unique=True,
            sqlite_where=text("role IS NULL"),
            postgresql_where=text("role IS NULL"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    role: Mapped[Role | None] = mapped_column(enum_type(Role))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    kind: Mapped[WorkKind] = mapped_column(enum_type(WorkKind))
    from_on: Mapped[date]
    times: Mapped[int]
