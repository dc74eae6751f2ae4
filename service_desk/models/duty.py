"""The duty roster: who answers when the office is closed, and shifts exchanged with consent."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Line, Versioned, enum_type
from service_desk.rules.duty import DutyKind


class SwapState(StrEnum):
    ASKED = "asked"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class DutyShift(Versioned, Base):
    """Somebody is on duty for an account, [from_at, to_at)."""

    __tablename__ = "duty_shifts"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("from_at < to_at", name="order"),
        Index(None, "account_id", "to_at"),
        Index(None, "user_id", "to_at"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[DutyKind] = mapped_column(enum_type(DutyKind))
    from_at: Mapped[Instant]
    to_at: Mapped[Instant]
    note: Mapped[Line] = mapped_column(default="")
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    entered_at: Mapped[Instant]


class DutySwap(Versioned, Base):
    """A shift offered to a colleague, for nothing or for one of theirs (`other_*`); it counts when they accept.

    The times are kept with it: the roster may be planned anew afterwards, and a shift that is removed takes no
    history along.
    """

    __tablename__ = "duty_swaps"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        # A shift is offered to one colleague at a time, whoever acts at once.
        Index(
            "uq_duty_swaps_open",
            "shift_id",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
        CheckConstraint(
            "(other_id IS NULL) = (other_from_at IS NULL) AND (other_id IS NULL) = (other_to_at IS NULL)",
            name="other",
        ),
        Index(None, "account_id", "asked_at"),
        Index(None, "to_id", "state"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    shift_id: Mapped[int]
    from_at: Mapped[Instant]
    to_at: Mapped[Instant]
    other_id: Mapped[int | None]
    other_from_at: Mapped[Instant | None]
    other_to_at: Mapped[Instant | None]
    giver_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    to_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    state: Mapped[SwapState] = mapped_column(enum_type(SwapState))
    note: Mapped[Line] = mapped_column(default="")
    asked_at: Mapped[Instant]
    decided_at: Mapped[Instant | None]
    refusal_reason: Mapped[Line] = mapped_column(default="")
