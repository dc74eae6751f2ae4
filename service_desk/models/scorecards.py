"""Scorecards as they were frozen, the rules for cards, and the cards themselves."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Prose, Versioned, enum_type
from service_desk.rules.promises import Comparison
from service_desk.rules.scorecard import ScoreMeasure
from service_desk.rules.service_cards import CardColour, CardState


class Scorecard(Base):
    """A person's month for an account as it stood when the month was over; never changed afterwards.

    `month` is its first day. `figures` are the person's, `desk` the averages of all who were counted with it
    (`rules.scorecard` packs them). Nobody at the client reads it.
    """

    __tablename__ = "scorecards"
    __table_args__ = (
        UniqueConstraint("account_id", "user_id", "month"),
        Index(None, "account_id", "month"),
        Index(None, "user_id", "month"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    month: Mapped[date]
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    desk: Mapped[dict[str, Any]] = mapped_column(Json)
    frozen_at: Mapped[Instant]


class CardRuleRow(Versioned, Base):
    """When an account's figures propose a card. A change is a new row from a day on, the old one ends.

    `threshold_cents` are hundredths of percent, points or a count. An account without rows goes by the default set.
    """

    __tablename__ = "card_rules"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("threshold_cents >= 0", name="threshold"),
        CheckConstraint("months BETWEEN 1 AND 12", name="months"),
        Index(None, "account_id", "effective_on"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    measure: Mapped[ScoreMeasure] = mapped_column(enum_type(ScoreMeasure))
    comparison: Mapped[Comparison] = mapped_column(enum_type(Comparison))
    threshold_cents: Mapped[int]
    months: Mapped[int]
    colour: Mapped[CardColour] = mapped_column(enum_type(CardColour))
    effective_on: Mapped[date]
    ended_on: Mapped[date | None]


class ServiceCard(Versioned, Base):
    """A yellow or red card: proposed by a rule, decided by a manager, answered by the person, ended by its term.

    `grounds` are the rules that proposed it with the figures of then; empty for a red card that two yellow ones make.
    The person sees it once it is confirmed. `final_*` is the manager's word on the reply, the last one.
    """

    __tablename__ = "service_cards"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        UniqueConstraint("account_id", "user_id", "month", "colour"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided"),
        Index(None, "user_id", "month"),
        Index(
            "ix_service_cards_proposed",
            "account_id",
            sqlite_where=text("state = 'proposed'"),
            postgresql_where=text("state = 'proposed'"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    month: Mapped[date]
    colour: Mapped[CardColour] = mapped_column(enum_type(CardColour))
    grounds: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    state: Mapped[CardState] = mapped_column(enum_type(CardState), default=CardState.PROPOSED)
    proposed_at: Mapped[Instant]
    ends_on: Mapped[date]
    decided_at: Mapped[Instant | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reason: Mapped[Prose] = mapped_column(default="")
    reply: Mapped[Prose] = mapped_column(default="")
    replied_at: Mapped[Instant | None]
    final_word: Mapped[Prose] = mapped_column(default="")
    final_at: Mapped[Instant | None]
    final_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
