"""Batches of issue: what was issued together, printed as bundles, and handed over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update

from service_desk.base.errors import Conflict, Invalid
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch
from service_desk.models.db import db, table_of
from service_desk.models.policies import IssueBatch, IssueRefusal, IssueRun, Policy, PolicyState
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.policies.planning import RefusedLine
from service_desk.services.policies.queries import PolicyRow, PolicyView, owed_fen, policy_rows, policy_views
from service_desk.services.policies.runs import find_run

MOST_REFUSALS_SHOWN = 50
# A vehicle may be refused for several lines and reasons, which belong on one row of a page: rows of a list stand
# for themselves (negative, so that they come first and are no vehicle's id).
_WHOLE = func.coalesce(IssueRefusal.vehicle_id, -IssueRefusal.id)


@dataclass(frozen=True)
class BatchRow:
    """A batch of a list, with who issued it and the run that may still be working on it."""

    batch: IssueBatch
    issued_by: User
    run: IssueRun | None


@dataclass(frozen=True)
class RefusedVehicles:
    """Refusals of a batch, whole vehicles, with the branches they name. `total` counts the vehicles and rows."""

    rows: list[RefusedLine]
    branches: dict[int, Branch]
    total: int


@dataclass(frozen=True)
class BatchView:
    """A batch with its policies, the first of its refusals, and how many of each reason there are.

    `branches`: those it has policies of, with their number, the most first.
    """

    batch: IssueBatch
    issued_by: User
    run: IssueRun | None
    policies: Page[PolicyRow]
    branches: list[tuple[Branch, int]]
    refused: RefusedVehicles
    reasons: list[tuple[str, int]]
    undone_by: User | None

    @property
    def is_open(self) -> bool:
        """Whether a run is still adding policies."""
        return self.run is not None and self.run.finished_at is None


def list_batches(account_id: int, page: PageRequest, *, actor: User) -> Page[BatchRow]:
    """Batches of an account, the latest first."""
    access.require(actor, Action.READ_POLICIES)
    statement = access.visible(
        actor,
        Action.READ_POLICIES,
        select(IssueBatch, User, IssueRun)
        .join(User, User.id == IssueBatch.issued_by_id)
        .outerjoin(IssueRun, IssueRun.batch_id == IssueBatch.id)
        .where(IssueBatch.account_id == account_id),
        IssueBatch,
    )
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.execute(
        statement.order_by(IssueBatch.issued_at.desc(), IssueBatch.id.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    return Page([BatchRow(*row) for row in rows.tuples()], total, page.number, page.size)


def find_batch(number: str, actor: User) -> IssueBatch:
    """The batch with a number; NotFound for another account's, and for branch users."""
    return access.get_visible(actor, Action.READ_POLICIES, IssueBatch, IssueBatch.number == number)


def get_batch(number: str, page: PageRequest, *, actor: User, now: datetime) -> BatchView:
    """One batch with a page of its policies; NotFound for another account's, and for branch users."""
    batch = find_batch(number, actor)
    statement = (
        select(Policy, Branch, owed_fen())
        .join(Branch, Branch.id == Policy.branch_id)
        .where(Policy.batch_id == batch.id)
        .order_by(Policy.id)
        .limit(page.size)
        .offset(page.offset)
    )
    return BatchView(
        batch=batch,
        issued_by=db.session.get_one(User, batch.issued_by_id),
        run=find_run(batch),
        policies=Page(
            policy_rows(statement, actor=actor, now=now), batch.policy_count, page.number, page.size
        ),
        branches=_branches_of(batch),
        refused=_refused(batch, limit=MOST_REFUSALS_SHOWN),
        reasons=_reasons(batch),
        undone_by=db.session.get_one(User, batch.undone_by_id) if batch.undone_by_id else None,
    )


def _branches_of(batch: IssueBatch) -> list[tuple[Branch, int]]:
    counted = (
        select(Branch, func.count())
        .join(Policy, Policy.branch_id == Branch.id)
        .where(Policy.batch_id == batch.id, Policy.state != PolicyState.VOIDED)
        .group_by(Branch.id)
        .order_by(func.count().desc(), Branch.id)
    )
    return list(db.session.execute(counted).tuples())


def _reasons(batch: IssueBatch) -> list[tuple[str, int]]:
    """How many vehicles and rows were refused for each reason, the most first."""
    number = func.count(_WHOLE.distinct())
    counted = (
        select(IssueRefusal.code, number)
        .where(IssueRefusal.batch_id == batch.id)
        .group_by(IssueRefusal.code)
        .order_by(number.desc(), IssueRefusal.code)
    )
    return list(db.session.execute(counted).tuples())


def list_refused(number: str, page: PageRequest, *, actor: User) -> RefusedVehicles:
    """A page of what was not issued: rows of its list that name no vehicle, then vehicles with every reason."""
    return _refused(find_batch(number, actor), limit=page.size, offset=page.offset)


def list_refused_lines(
    number: str, page: PageRequest, *, actor: User
) -> Page[tuple[RefusedLine, Branch | None]]:
    """The same line by line, each with the branch of its vehicle: a page counts lines, not vehicles."""
    is_own = IssueRefusal.batch_id == find_batch(number, actor).id
    statement = (
        select(IssueRefusal, Branch)
        .outerjoin(Branch, Branch.id == IssueRefusal.branch_id)
        .where(is_own)
        .order_by(_WHOLE, IssueRefusal.id)
        .limit(page.size)
        .offset(page.offset)
    )
    total = db.session.scalar(select(func.count()).select_from(IssueRefusal).where(is_own)) or 0
    rows = [(_as_line(row), branch) for row, branch in db.session.execute(statement)]
    return Page(rows, total, page.number, page.size)


def _refused(batch: IssueBatch, *, limit: int, offset: int = 0) -> RefusedVehicles:
    wanted = select(_WHOLE.label("whole")).where(IssueRefusal.batch_id == batch.id).distinct()
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    on_page = wanted.order_by(_WHOLE).limit(limit).offset(offset).subquery()
    statement = select(IssueRefusal).where(
        IssueRefusal.batch_id == batch.id, _WHOLE.in_(select(on_page.c.whole))
    )
    rows = [_as_line(row) for row in db.session.scalars(statement.order_by(_WHOLE, IssueRefusal.id))]
    ids = {row.branch_id for row in rows if row.branch_id is not None}
    branches = db.session.scalars(select(Branch).where(Branch.id.in_(ids))) if ids else ()
    return RefusedVehicles(rows, {branch.id: branch for branch in branches}, total)


def _as_line(row: IssueRefusal) -> RefusedLine:
    return RefusedLine(
        row.vehicle_id,
        row.plate,
        row.branch_id,
        row.line,
        row.code,
        row.params,
        row_no=row.row_no,
        row_field=row.field,
    )


def find_progress(number: str, *, actor: User) -> IssueRun | None:
    """The run that is or was working on a batch; None when it was issued at once."""
    return find_run(find_batch(number, actor))


def policies_to_print(
    number: str, *, first: int, count: int, actor: User, now: datetime, branch_id: int | None = None
) -> list[PolicyView]:
    """Some policies of a batch, or of one branch in it, in the order of their numbers; `first` is 0 for the first.

    Voided ones are not printed.
    """
    statement = _printed(find_batch(number, actor), branch_id).limit(count).offset(first)
    return policy_views(db.session.scalars(statement).all(), actor=actor, now=now)


def _printed(batch: IssueBatch, branch_id: int | None) -> Select[Any]:
    statement = select(Policy).where(Policy.batch_id == batch.id, Policy.state != PolicyState.VOIDED)
    if branch_id is not None:
        statement = statement.where(Policy.branch_id == branch_id)
    return statement.order_by(Policy.id)


def branches_to_print(number: str, *, actor: User) -> Sequence[tuple[Branch, int]]:
    """The branches a batch has policies of, with their number: what its bundles are parted by."""
    return _branches_of(find_batch(number, actor))


def deliver(number: str, delivered_to: str, *, actor: User, now: datetime) -> IssueBatch:
    """Note that the printed batch was handed over, and to whom: each of its policies is delivered with it.

    Conflict `batch_still_running`, `batch_undone_already`, `batch_delivered_already`.
    """
    access.require(actor, Action.ISSUE_POLICIES)
    batch = locked_batch(number, actor)
    name = squeeze(delivered_to)
    if not name:
        raise Invalid("required", field="delivered_to")
    check_settled(batch)
    if batch.delivered_at is not None:
        raise Conflict("batch_delivered_already", name=batch.delivered_to)
    changes = audit.change(batch, delivered_at=now, delivered_to=name[:64])
    policies = table_of(Policy)
    # A policy that was handed over by itself keeps its own instant.
    db.session.execute(
        update(policies)
        .where(policies.c.batch_id == batch.id, policies.c.delivered_at.is_(None))
        .values(delivered_at=now, version=policies.c.version + 1)
    )
    audit.record("batch_delivered", batch, actor=actor, now=now, changes=changes)
    return batch


def locked_batch(number: str, actor: User) -> IssueBatch:
    """The batch, while nobody else delivers it or takes it back."""
    statement = select(IssueBatch).where(IssueBatch.id == find_batch(number, actor).id).with_for_update()
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def check_settled(batch: IssueBatch) -> None:
    """Conflict when a run still adds policies to a batch, or when it was taken back."""
    run = find_run(batch)
    if run is not None and run.finished_at is None:
        raise Conflict("batch_still_running", done=run.done_count, count=run.vehicle_count)
    if batch.undone_at is not None:
        raise Conflict("batch_undone_already")
