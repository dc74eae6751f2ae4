"""Published service commitments: versions of a list, each promise tied to what measures it."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Line, Prose, Short, Versioned, enum_type
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.promises import Comparison


class CommitmentList(Versioned, Base):
    """One version of what is promised to an account, in force from its day until the next one's.

    A draft until `published_at`; from then on nothing in it changes. `supervision_*` is whom the client calls when
    the desk itself is the trouble.
    """

    __tablename__ = "commitment_lists"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        UniqueConstraint("account_id", "number"),
        CheckConstraint("(published_at IS NULL) = (published_by_id IS NULL)", name="published"),
        # One draft an account: two managers work on the same one.
        Index(
            "uq_commitment_lists_draft",
            "account_id",
            unique=True,
            sqlite_where=text("published_at IS NULL"),
            postgresql_where=text("published_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    number: Mapped[int]
    effective_on: Mapped[date]
    preface: Mapped[Prose] = mapped_column(default="")
    preface_en: Mapped[Prose] = mapped_column(default="")
    supervision_name: Mapped[Line] = mapped_column(default="")
    supervision_phone: Mapped[Short] = mapped_column(default="")
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[Instant]
    published_at: Mapped[Instant | None]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class Commitment(Base):
    """One promise. It is measured by a measure of the registry or by the clock of a step: one of both.

    `target_cents` are hundredths of the unit people type: percent, points, days, a count. The figure is of a
    calendar month.
    """

    __tablename__ = "commitments"
    __table_args__ = (
        UniqueConstraint("list_id", "ordinal"),
        CheckConstraint("(measure IS NULL) <> (step IS NULL)", name="tie"),
        CheckConstraint("target_cents >= 0", name="target"),
    )

    id: Mapped[Id]
    list_id: Mapped[int] = mapped_column(ForeignKey("commitment_lists.id"))
    ordinal: Mapped[int]
    title: Mapped[Line]
    title_en: Mapped[Line] = mapped_column(default="")
    words: Mapped[Prose] = mapped_column(default="")
    words_en: Mapped[Prose] = mapped_column(default="")
    measure: Mapped[Short | None]
    step: Mapped[ClockStep | None] = mapped_column(enum_type(ClockStep))
    comparison: Mapped[Comparison] = mapped_column(enum_type(Comparison))
    target_cents: Mapped[int]
