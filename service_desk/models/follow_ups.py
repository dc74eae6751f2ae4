"""Asking after ended claims: what is planned, the links of forms, the calls that brought no answer."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Line, Short, Versioned, enum_type
from service_desk.rules.follow_up import CallOutcome, FollowUpMeans


class FollowUpPlan(Versioned, Base):
    """Whom the desk asks after one round of a claim, and how. A form has a link; a call its tries.

    `user_id` is the recipient's login where they have one. `next_try_at` is when to call, None for a form.
    """

    __tablename__ = "follow_up_plans"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (UniqueConstraint("claim_id", "round"),)

    id: Mapped[Id]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claims.id"))
    round: Mapped[int]
    means: Mapped[FollowUpMeans] = mapped_column(enum_type(FollowUpMeans))
    name: Mapped[Short]
    phone: Mapped[Short] = mapped_column(default="")
    email: Mapped[Line] = mapped_column(default="")
    language: Mapped[Short]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    planned_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    planned_at: Mapped[Instant]
    next_try_at: Mapped[Instant | None]
    tries: Mapped[int] = mapped_column(default=0)


class FollowUpLink(Base):
    """The secret address of a form, of one plan. It takes one answer until it ends or is revoked.

    Only the token's hash is kept. The token follows from the desk's key and the `nonce`, so that the desk can
    show the address again and the database alone does not tell it.
    """

    __tablename__ = "follow_up_links"
    __table_args__ = (Index(None, "plan_id"),)

    id: Mapped[Id]
    plan_id: Mapped[int] = mapped_column(ForeignKey("follow_up_plans.id"))
    nonce: Mapped[Short]
    token_sha256: Mapped[Short] = mapped_column(unique=True)
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    answered_at: Mapped[Instant | None]


class FollowUpCall(Base):
    """A call that brought no answer: when, by whom, why, and what was heard."""

    __tablename__ = "follow_up_calls"
    __table_args__ = (Index(None, "plan_id"),)

    id: Mapped[Id]
    plan_id: Mapped[int] = mapped_column(ForeignKey("follow_up_plans.id"))
    at: Mapped[Instant]
    by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    outcome: Mapped[CallOutcome] = mapped_column(enum_type(CallOutcome))
    note: Mapped[Line] = mapped_column(default="")
