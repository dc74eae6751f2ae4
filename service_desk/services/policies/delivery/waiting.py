"""What has been issued and is not with its branch yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    and_,
    case,
    exists,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)

from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import UtcDateTime, db
from service_desk.models.deliveries import DeliveryItem, DeliveryRun, ItemState, PaperKind
from service_desk.models.policies import Endorsement, Policy, PolicyOrigin, PolicyState
from service_desk.models.premiums import Receipt
from service_desk.models.users import User
from service_desk.rules import delivery as rules
from service_desk.rules.permissions import Action
from service_desk.services import access

# An older receipt was taken along at the counter.
RECEIPTS_SINCE = timedelta(days=30)


@dataclass(frozen=True)
class WaitingFilter:
    """Which papers of an account are wanted; None means any. `is_on_way` False: in no open run."""

    account_id: int
    branch_id: int | None = None
    is_late: bool = False
    is_on_way: bool | None = None


@dataclass(frozen=True)
class Waiting:
    """A paper that waits. `run` is the number of the open run it is in, empty for none; receipts are never late."""

    kind: PaperKind
    id: int
    number: str
    plate: str
    line: str
    vehicle_id: int | None
    branch: Branch
    since: datetime
    run: str
    age_days: int
    is_late: bool


@dataclass(frozen=True)
class BranchWaiting:
    """How many papers wait for a branch: all of them, those late, those in an open run; the oldest's instant."""

    branch: Branch
    count: int
    late: int
    on_way: int
    oldest: datetime
    age_days: int


def list_waiting(wanted: WaitingFilter, page: PageRequest, *, actor: User, now: datetime) -> Page[Waiting]:
    """Papers that wait, the oldest first."""
    access.require(actor, Action.ISSUE_POLICIES)
    statement = _wanted(wanted, actor, now)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    return Page(_rows(statement.limit(page.size).offset(page.offset), now), total, page.number, page.size)


def all_waiting(wanted: WaitingFilter, *, actor: User, now: datetime) -> list[Waiting]:
    """The same, all of them at once, to make a run of; a file is read in portions."""
    access.require(actor, Action.ISSUE_POLICIES)
    return _rows(_wanted(wanted, actor, now), now)


def by_branch(account_id: int, *, actor: User, now: datetime) -> list[BranchWaiting]:
    """What waits for each branch, the branch with the oldest paper first; nothing for who does not deliver."""
    if not access.may(actor, Action.ISSUE_POLICIES):
        return []
    papers = _papers(account_id, actor, now).subquery()
    statement = (
        select(
            Branch,
            func.count(),
            func.sum(case((_is_late(papers, now), 1), else_=0)),
            func.count(papers.c.run),
            func.min(papers.c.since),
        )
        .join(papers, papers.c.branch_id == Branch.id)
        .group_by(Branch.id)
        .order_by(func.min(papers.c.since), Branch.id)
    )
    return [
        BranchWaiting(branch, count, int(late), on_way, oldest, rules.age_days(oldest, now))
        for branch, count, late, on_way, oldest in db.session.execute(statement)
    ]


def _wanted(wanted: WaitingFilter, actor: User, now: datetime) -> Select[Any]:
    papers = _papers(wanted.account_id, actor, now).subquery()
    statement = select(papers, Branch).join(Branch, Branch.id == papers.c.branch_id)
    if wanted.branch_id is not None:
        statement = statement.where(papers.c.branch_id == wanted.branch_id)
    if wanted.is_late:
        statement = statement.where(_is_late(papers, now))
    if wanted.is_on_way is not None:
        statement = statement.where(papers.c.run.is_not(None) if wanted.is_on_way else papers.c.run.is_(None))
    return statement.order_by(papers.c.since, papers.c.kind, papers.c.id)


def _is_late(papers: Any, now: datetime) -> ColumnElement[bool]:
    """`rules.is_late` as a condition."""
    return and_(papers.c.kind != PaperKind.RECEIPT.value, papers.c.since < now - rules.LATE_AFTER)


def _rows(statement: Select[Any], now: datetime) -> list[Waiting]:
    return [
        Waiting(
            PaperKind(row.kind),
            row.id,
            row.number,
            row.plate or "",
            row.line,
            row.vehicle_id,
            row.Branch,
            row.since,
            row.run or "",
            rules.age_days(row.since, now),
            row.kind != PaperKind.RECEIPT and rules.is_late(row.since, now),
        )
        for row in db.session.execute(statement)
    ]


def _papers(account_id: int, actor: User, now: datetime) -> CompoundSelect[Any]:
    """The papers of an account that wait, of all kinds, with the open run each is in.

    A voided policy needs no delivery and a cancelled one only the endorsement that cancels it. What was taken
    over was delivered by whoever issued it, and a policy that has ended or a receipt reversed needs to go nowhere.
    """
    policies = _select(PaperKind.POLICY, Policy, Policy.issued_at, _plate(), DeliveryItem.policy_id).where(
        Policy.account_id == account_id,
        Policy.delivered_at.is_(None),
        Policy.origin == PolicyOrigin.ISSUED,
        Policy.state == PolicyState.ISSUED,
        Policy.ends_at > now,
    )
    endorsements = (
        _select(
            PaperKind.ENDORSEMENT, Endorsement, Endorsement.created_at, _plate(), DeliveryItem.endorsement_id
        )
        .join(Policy, Policy.id == Endorsement.policy_id)
        .where(
            Endorsement.account_id == account_id,
            Endorsement.delivered_at.is_(None),
            Policy.state != PolicyState.VOIDED,
        )
    )
    delivered = exists().where(
        DeliveryItem.receipt_id == Receipt.id, DeliveryItem.state == ItemState.DELIVERED
    )
    no_vehicle = (literal(""), literal(""), type_coerce(literal(None), Policy.vehicle_id.type))
    receipts = _select(
        PaperKind.RECEIPT, Receipt, Receipt.recorded_at, no_vehicle, DeliveryItem.receipt_id
    ).where(
        Receipt.account_id == account_id,
        Receipt.recorded_at > now - RECEIPTS_SINCE,
        Receipt.reversed_on.is_(None),
        # The condition's own DeliveryItem, not the open one that is joined.
        ~delivered.correlate(Receipt),
    )
    parts: Sequence[tuple[Select[Any], Any]] = (
        (policies, Policy),
        (endorsements, Endorsement),
        (receipts, Receipt),
    )
    return union_all(*(access.visible(actor, Action.ISSUE_POLICIES, one, model) for one, model in parts))


def _plate() -> tuple[Any, Any, Any]:
    return func.coalesce(Policy.plate, Policy.vin), type_coerce(Policy.line, String), Policy.vehicle_id


def _select(kind: PaperKind, model: Any, since: Any, vehicle: tuple[Any, Any, Any], item: Any) -> Select[Any]:
    plate, line, vehicle_id = vehicle
    return (
        select(
            literal(kind.value).label("kind"),
            model.id.label("id"),
            model.number.label("number"),
            plate.label("plate"),
            line.label("line"),
            vehicle_id.label("vehicle_id"),
            model.branch_id.label("branch_id"),
            type_coerce(since, UtcDateTime).label("since"),
            DeliveryRun.number.label("run"),
        )
        .select_from(model)
        .outerjoin(DeliveryItem, and_(item == model.id, DeliveryItem.state == ItemState.OPEN))
        .outerjoin(DeliveryRun, DeliveryRun.id == DeliveryItem.run_id)
    )
