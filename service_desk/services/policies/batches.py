"""Batches of issue: what was issued together, printed as one bundle, and handed over."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Invalid
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.policies import IssueBatch, Policy
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.policies.queries import PolicyRow, PolicyView, owed_fen, policy_rows, policy_views


@dataclass(frozen=True)
class BatchView:
    """A batch with its policies and the branches of those refused."""

    batch: IssueBatch
    issued_by: User
    policies: Page[PolicyRow]
    branches: dict[int, Branch]


def list_batches(account_id: int, page: PageRequest, *, actor: User) -> Page[tuple[IssueBatch, User]]:
    """Batches of an account, the latest first."""
    access.require(actor, Action.READ_POLICIES)
    statement = access.visible(
        actor,
        Action.READ_POLICIES,
        select(IssueBatch, User)
        .join(User, User.id == IssueBatch.issued_by_id)
        .where(IssueBatch.account_id == account_id),
        IssueBatch,
    )
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.execute(
        statement.order_by(IssueBatch.issued_at.desc(), IssueBatch.id.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    return Page([(row[0], row[1]) for row in rows], total, page.number, page.size)


def get_batch(number: str, page: PageRequest, *, actor: User, now: datetime) -> BatchView:
    """One batch with a page of its policies; NotFound for another account's, and for branch users."""
    batch = access.get_visible(actor, Action.READ_POLICIES, IssueBatch, IssueBatch.number == number)
    statement = (
        select(Policy, Branch, owed_fen())
        .join(Branch, Branch.id == Policy.branch_id)
        .where(Policy.batch_id == batch.id)
        .order_by(Policy.id)
        .limit(page.size)
        .offset(page.offset)
    )
    refused_branches = {row["branch_id"] for row in batch.refused}
    branches = db.session.scalars(select(Branch).where(Branch.id.in_(refused_branches)))
    return BatchView(
        batch,
        db.session.get_one(User, batch.issued_by_id),
        Page(policy_rows(statement, actor=actor, now=now), batch.policy_count, page.number, page.size),
        {branch.id: branch for branch in branches},
    )


def policies_to_print(number: str, *, first: int, count: int, actor: User, now: datetime) -> list[PolicyView]:
    """Some policies of a batch, in the order of their numbers; `first` is 0 for the first."""
    batch = access.get_visible(actor, Action.READ_POLICIES, IssueBatch, IssueBatch.number == number)
    statement = (
        select(Policy).where(Policy.batch_id == batch.id).order_by(Policy.id).limit(count).offset(first)
    )
    return policy_views(db.session.scalars(statement).all(), actor=actor, now=now)


def deliver(number: str, delivered_to: str, *, actor: User, now: datetime) -> IssueBatch:
    """Note that the printed batch was handed over, and to whom."""
    access.require(actor, Action.ISSUE_POLICIES)
    batch = access.get_visible(actor, Action.ISSUE_POLICIES, IssueBatch, IssueBatch.number == number)
    name = squeeze(delivered_to)
    if not name:
        raise Invalid("required", field="delivered_to")
    if batch.delivered_at is not None:
        raise Conflict("batch_delivered_already", name=batch.delivered_to)
    changes = audit.change(batch, delivered_at=now, delivered_to=name[:64])
    audit.record("batch_delivered", batch, actor=actor, now=now, changes=changes)
    return batch
