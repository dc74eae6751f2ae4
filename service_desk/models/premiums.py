"""Premium receivable per policy and endorsement, receipts and what each settled, premium given back, what an
account agreed on paying, dunning notices, and releases from the credit limit.
"""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Instant, Json, Line, Short, Versioned, enum_type


class RefundState(StrEnum):
    """OWED to the client, PAID out, or CREDITED: kept as money received, to settle other premium."""

    OWED = "owed"
    PAID = "paid"
    CREDITED = "credited"


class ReleaseState(StrEnum):
    """ASKED for, then RELEASED or REFUSED by a manager; USED by the one batch it let through."""

    ASKED = "asked"
    RELEASED = "released"
    REFUSED = "refused"
    USED = "used"


class Receivable(Versioned, Base):
    """Premium (with vehicle tax) the client owes for a policy, or for an endorsement of it, or one instalment of either.

    Open while `settled_fen < amount_fen`. Premium returned lowers what is still open first. `branch_id` is the
    branch that owes it and does not move with the policy. `created_at` is when the premium arose: instalments
    split from it later keep it. An instalment that a later plan has no use for stays with an amount of 0.
    """

    __tablename__ = "receivables"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("settled_fen >= 0 AND settled_fen <= amount_fen", name="settled"),
        Index(None, "account_id", "branch_id", "due_on"),
        Index(
            "uq_receivables_policy",
            "policy_id",
            "instalment",
            unique=True,
            sqlite_where=text("endorsement_id IS NULL"),
            postgresql_where=text("endorsement_id IS NULL"),
        ),
        Index(
            "uq_receivables_endorsement",
            "endorsement_id",
            "instalment",
            unique=True,
            sqlite_where=text("endorsement_id IS NOT NULL"),
            postgresql_where=text("endorsement_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    policy_id: Mapped[int] = mapped_column(ForeignKey("policies.id"), index=True)
    endorsement_id: Mapped[int | None] = mapped_column(ForeignKey("endorsements.id"))
    instalment: Mapped[int] = mapped_column(default=1)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("instalment_plans.id"), index=True)
    amount_fen: Mapped[Fen]
    settled_fen: Mapped[Fen] = mapped_column(default=0)
    due_on: Mapped[date]
    created_at: Mapped[Instant]


class InstalmentPlan(Base):
    """An act of splitting what was still open into instalments. `parts`: `{due_on, weight}`, the earliest first."""

    __tablename__ = "instalment_plans"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    parts: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    receivable_count: Mapped[int]
    amount_fen: Mapped[Fen]
    reason: Mapped[Line]
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[Instant]


class Receipt(Base):
    """Money received. What is not allocated yet settles later receivables, or is paid back.

    `allocated_fen`: what settles receivables, and what was taken for refunds. A receipt recorded wrongly stays,
    reversed: it settles nothing and its money does not count from `reversed_on` on.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("allocated_fen >= 0 AND allocated_fen <= amount_fen", name="allocated"),
        Index(None, "account_id", "received_on"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    payer: Mapped[Line]
    amount_fen: Mapped[Fen]
    allocated_fen: Mapped[Fen] = mapped_column(default=0)
    received_on: Mapped[date]
    method: Mapped[Short]
    reference: Mapped[Line] = mapped_column(default="")
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    recorded_at: Mapped[Instant]
    reversed_on: Mapped[date | None]
    reversed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    reverse_reason: Mapped[Line] = mapped_column(default="")

    @property
    def unallocated_fen(self) -> int:
        """Money that settles nothing yet."""
        return 0 if self.reversed_on else self.amount_fen - self.allocated_fen


class ReceiptAllocation(Base):
    """What a receipt settled of a receivable, from `allocated_on` to `taken_back_on` (None: still).

    `allocated_on` is the day the money came, or later when it was allocated, or the premium arose, later.
    """

    __tablename__ = "receipt_allocations"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount"),)

    id: Mapped[Id]
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipts.id"), index=True)
    receivable_id: Mapped[int] = mapped_column(ForeignKey("receivables.id"), index=True)
    amount_fen: Mapped[Fen]
    allocated_on: Mapped[date]
    taken_back_on: Mapped[date | None]


class PremiumRefund(Versioned, Base):
    """Money to be given back: what an endorsement returned beyond what was still open of the policy, or money of
    a receipt (`from_receipt_id`) that settles nothing; the latter has no policy.

    `receipt_id` is the receipt a credited refund became.
    """

    __tablename__ = "premium_refunds"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        Index(None, "account_id", "state"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"), index=True)
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("policies.id"), index=True)
    endorsement_id: Mapped[int | None] = mapped_column(ForeignKey("endorsements.id"))
    from_receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipts.id"), index=True)
    reason: Mapped[Line] = mapped_column(default="")
    amount_fen: Mapped[Fen]
    state: Mapped[RefundState] = mapped_column(enum_type(RefundState), default=RefundState.OWED)
    created_at: Mapped[Instant]
    settled_on: Mapped[date | None]
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    method: Mapped[Short] = mapped_column(default="")
    reference: Mapped[Line] = mapped_column(default="")
    payee: Mapped[Line] = mapped_column(default="")
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipts.id"))


class PremiumTerms(Versioned, Base):
    """What an account agreed on paying; an account without a row has `rules.premium.USUAL_TERMS`.

    `age_days`: the last day overdue of each ageing column but the last. `dunning_days`: where each level begins,
    in days overdue, negative before the due day. `plan_parts`: `{days, weight}` of the usual instalment plan, days
    from the day it is asked for; empty when none is agreed.
    """

    __tablename__ = "premium_terms"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), unique=True)
    age_days: Mapped[list[int]] = mapped_column(Json)
    dunning_days: Mapped[list[int]] = mapped_column(Json)
    is_dunned_daily: Mapped[bool] = mapped_column(default=False)
    plan_parts: Mapped[list[dict[str, int]]] = mapped_column(Json, default=list)


class DunningNotice(Base):
    """A reminder (催缴通知) of what a branch had open at a level: from so many days overdue, up to the next level.

    `until_days` None: the last level. `sent_by_id` None: sent by the daily job.
    """

    __tablename__ = "dunning_notices"
    __table_args__ = (UniqueConstraint("branch_id", "from_days", "noticed_on"),)

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"))
    from_days: Mapped[int]
    until_days: Mapped[int | None]
    noticed_on: Mapped[date]
    line_count: Mapped[int]
    amount_fen: Mapped[Fen]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    sent_at: Mapped[Instant]


class DunningLine(Base):
    """A line of a notice as it was then."""

    __tablename__ = "dunning_lines"

    id: Mapped[Id]
    notice_id: Mapped[int] = mapped_column(ForeignKey("dunning_notices.id"), index=True)
    receivable_id: Mapped[int] = mapped_column(ForeignKey("receivables.id"), index=True)
    due_on: Mapped[date]
    open_fen: Mapped[Fen]


class CreditRelease(Versioned, Base):
    """A clerk's request to issue beyond the credit limit, and what a manager decided.

    `order` is the order as the page sent it, to go on with. Released: the order may go `amount_fen` beyond the
    limit until the end of `valid_until`; only who asked may use it, once.
    """

    __tablename__ = "credit_releases"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        CheckConstraint("exceeded_fen > 0 AND (amount_fen IS NULL OR amount_fen > 0)", name="amount"),
        Index(None, "account_id", "state"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    state: Mapped[ReleaseState] = mapped_column(enum_type(ReleaseState), default=ReleaseState.ASKED)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    asked_at: Mapped[Instant]
    order_fen: Mapped[Fen]
    exceeded_fen: Mapped[Fen]
    ask_reason: Mapped[Line]
    order: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    amount_fen: Mapped[Fen | None]
    reason: Mapped[Line] = mapped_column(default="")
    valid_until: Mapped[date | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[Instant | None]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("issue_batches.id"))
    used_at: Mapped[Instant | None]
