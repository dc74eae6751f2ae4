"""Opinions of the client's people: forms sent out, who was asked, what was said, and what became of it."""

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Prose, Short, Versioned, enum_type
from service_desk.rules.opinions import (
    CampaignState,
    OpinionAction,
    OpinionSource,
    OpinionState,
    ReplyMeans,
    Theme,
)


class OpinionCampaign(Versioned, Base):
    """A feedback form sent to many. `questions` is what it asks, each `{"theme": …, "text": …, "text_en": …}`.

    It takes answers from `from_on` (when it is sent) to the end of `until_on`.
    """

    __tablename__ = "opinion_campaigns"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("from_on <= until_on", name="days"),
        Index(None, "account_id", "state"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    state: Mapped[CampaignState] = mapped_column(enum_type(CampaignState), default=CampaignState.PLANNED)
    title: Mapped[Line]
    title_en: Mapped[Line]
    intro: Mapped[Prose] = mapped_column(default="")
    intro_en: Mapped[Prose] = mapped_column(default="")
    questions: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    from_on: Mapped[date]
    until_on: Mapped[date]
    remind_days: Mapped[int]
    planned_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    planned_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]
    closed_at: Mapped[Instant | None]


class OpinionInvitation(Base):
    """Somebody asked by a form: a login, or a person with the secret address of their own form.

    Only the token's hash is kept; the token follows from the desk's key and the `nonce`. `answered_at` is when they
    first answered, `corrected_at` when they last changed it.
    """

    __tablename__ = "opinion_invitations"
    __table_args__ = (
        UniqueConstraint("campaign_id", "user_id"),
        Index(None, "user_id"),
        Index(None, "branch_id"),
    )

    id: Mapped[Id]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("opinion_campaigns.id"), index=True)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[Short]
    email: Mapped[Line] = mapped_column(default="")
    language: Mapped[Short]
    nonce: Mapped[Short] = mapped_column(default="")
    token_sha256: Mapped[Short | None] = mapped_column(unique=True)
    revoked_at: Mapped[Instant | None]
    reminded_at: Mapped[Instant | None]
    answered_at: Mapped[Instant | None]
    corrected_at: Mapped[Instant | None]
    is_anonymous: Mapped[bool] = mapped_column(default=False)


class Opinion(Versioned, Base):
    """What somebody of the client thinks of a theme, and the reply to it.

    `given_by_id` is their login where they have one. `is_anonymous`: their name is the desk's only, never shown to
    others of the client. `source_id` is the invitation, event, contact or follow-up it comes from. Several may share
    an item. `owner_id` sees to the reply until `due_on`.
    """

    __tablename__ = "opinions"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("score IS NULL OR score BETWEEN 1 AND 5", name="score"),
        CheckConstraint("(reply = '') = (replied_at IS NULL)", name="replied"),
        Index(None, "account_id", "state", "given_at"),
        Index(None, "source", "source_id"),
        Index(None, "branch_id"),
        Index(None, "item_id"),
        Index(None, "given_by_id"),
        Index(
            "ix_opinions_owed",
            "due_on",
            sqlite_where=text("state IN ('new', 'taken_up')"),
            postgresql_where=text("state IN ('new', 'taken_up')"),
        ),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    theme: Mapped[Theme] = mapped_column(enum_type(Theme))
    state: Mapped[OpinionState] = mapped_column(enum_type(OpinionState))
    source: Mapped[OpinionSource] = mapped_column(enum_type(OpinionSource))
    source_id: Mapped[int]
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("opinion_campaigns.id"), index=True)
    words: Mapped[Prose] = mapped_column(default="")
    score: Mapped[int | None]
    given_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    given_by: Mapped[Short]
    email: Mapped[Line] = mapped_column(default="")
    phone: Mapped[Short] = mapped_column(default="")
    language: Mapped[Short]
    is_anonymous: Mapped[bool] = mapped_column(default=False)
    given_at: Mapped[Instant]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    due_on: Mapped[date]
    item_id: Mapped[int | None] = mapped_column(ForeignKey("agreed_items.id"))
    reply: Mapped[Prose] = mapped_column(default="")
    replied_at: Mapped[Instant | None]
    replied_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reply_means: Mapped[ReplyMeans | None] = mapped_column(enum_type(ReplyMeans))
    result: Mapped[Prose] = mapped_column(default="")
    ended_at: Mapped[Instant | None]


class OpinionStep(Base):
    """What the desk did with an opinion, and its words."""

    __tablename__ = "opinion_steps"

    id: Mapped[Id]
    opinion_id: Mapped[int] = mapped_column(ForeignKey("opinions.id"), index=True)
    action: Mapped[OpinionAction] = mapped_column(enum_type(OpinionAction))
    at: Mapped[Instant]
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    note: Mapped[Prose] = mapped_column(default="")
