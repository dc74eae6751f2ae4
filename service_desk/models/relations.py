"""What both sides agreed: items with owner, measure, day and result."""

from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Line, Prose, Versioned, enum_type


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

    `branch_id` None concerns the whole account. `result` says what was done, or why it was dropped.
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
    state: Mapped[ItemState] = mapped_column(enum_type(ItemState), default=ItemState.OPEN)
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    opened_at: Mapped[Instant]
    result: Mapped[Prose] = mapped_column(default="")
    ended_at: Mapped[Instant | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
