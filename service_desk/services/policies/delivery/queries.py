"""Looking runs up: the list, one with its papers, and where a policy's papers are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.deliveries import DeliveryItem, DeliveryRun, ItemState, PaperKind, RunState
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Endorsement, Policy, PolicyOrigin, PolicyState
from service_desk.models.premiums import Receipt
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access
from service_desk.services.policies.delivery.runs import OPEN_STATES


@dataclass(frozen=True)
class RunRow:
    """A run of a list, with its branch and how many papers it brings."""

    run: DeliveryRun
    branch: Branch
    papers: int


@dataclass(frozen=True)
class RunItem:
    """A paper of a run as it is called; a card has no number. `line` is the policy's."""

    item: DeliveryItem
    number: str
    plate: str
    line: PolicyLine | None


@dataclass(frozen=True)
class RunView:
    """A run with all its page and its sheet show."""

    run: DeliveryRun
    branch: Branch
    created_by: User
    recorded_by: User | None
    items: Sequence[RunItem]

    @property
    def is_open(self) -> bool:
        return self.run.state in OPEN_STATES


@dataclass(frozen=True)
class Whereabouts:
    """Where a policy's paper is: with the desk, on its way since the run was planned, or delivered."""

    state: str
    run: DeliveryRun | None
    delivered_at: datetime | None


def list_runs(
    account_id: int, page: PageRequest, *, actor: User, is_open: bool | None = None
) -> Page[RunRow]:
    """Runs of an account, the latest first."""
    access.require(actor, Action.ISSUE_POLICIES)
    papers = select(func.count()).where(DeliveryItem.run_id == DeliveryRun.id).scalar_subquery()
    statement = (
        select(DeliveryRun, Branch, papers)
        .join(Branch, Branch.id == DeliveryRun.branch_id)
        .where(DeliveryRun.account_id == account_id)
    )
    if is_open is not None:
        wanted = DeliveryRun.state.in_(OPEN_STATES)
        statement = statement.where(wanted if is_open else ~wanted)
    statement = access.visible(actor, Action.ISSUE_POLICIES, statement, DeliveryRun)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    ordered = statement.order_by(DeliveryRun.id.desc()).limit(page.size).offset(page.offset)
    return Page([RunRow(*row) for row in db.session.execute(ordered).tuples()], total, page.number, page.size)


def get_run(number: str, *, actor: User) -> RunView:
    """One run; NotFound when the actor may not see it."""
    access.require(actor, Action.ISSUE_POLICIES)
    run = access.get_visible(actor, Action.ISSUE_POLICIES, DeliveryRun, DeliveryRun.number == number)
    recorded_by = db.session.get(User, run.recorded_by_id) if run.recorded_by_id else None
    return RunView(
        run,
        db.session.get_one(Branch, run.branch_id),
        db.session.get_one(User, run.created_by_id),
        recorded_by,
        _items(run),
    )


def _items(run: DeliveryRun) -> list[RunItem]:
    """The papers by vehicle: policy, endorsement and card of one beside each other, receipts last."""
    statement = (
        select(DeliveryItem, Policy, Endorsement, Receipt, Vehicle)
        .select_from(DeliveryItem)
        .outerjoin(Endorsement, Endorsement.id == DeliveryItem.endorsement_id)
        .outerjoin(Policy, Policy.id == func.coalesce(DeliveryItem.policy_id, Endorsement.policy_id))
        .outerjoin(Receipt, Receipt.id == DeliveryItem.receipt_id)
        .outerjoin(Vehicle, Vehicle.id == DeliveryItem.vehicle_id)
        .where(DeliveryItem.run_id == run.id)
        .order_by(DeliveryItem.id)
    )
    order = list(PaperKind)
    items = [_run_item(*row) for row in db.session.execute(statement).tuples()]
    return sorted(items, key=lambda one: (not one.plate, one.plate, order.index(one.item.kind), one.number))


def _run_item(
    item: DeliveryItem,
    policy: Policy | None,
    endorsement: Endorsement | None,
    receipt: Receipt | None,
    vehicle: Vehicle | None,
) -> RunItem:
    named: Any = endorsement or policy or receipt
    of: Any = policy or vehicle
    return RunItem(
        item,
        named.number if named else "",
        (of.plate or of.vin or "") if of else "",
        policy.line if policy else None,
    )


def whereabouts(policy: Policy) -> Whereabouts | None:
    """Where a policy's paper is, for whoever may see the policy; None when there is none to deliver."""
    if policy.origin is PolicyOrigin.TAKEN_OVER:
        return None
    statement = (
        select(DeliveryRun)
        .join(DeliveryItem, DeliveryItem.run_id == DeliveryRun.id)
        .where(DeliveryItem.policy_id == policy.id, DeliveryItem.state != ItemState.BROUGHT_BACK)
    )
    run = db.session.scalar(statement.order_by(DeliveryRun.id.desc()).limit(1))
    if policy.delivered_at is not None:
        return Whereabouts("delivered", run, policy.delivered_at)
    if policy.state is not PolicyState.ISSUED:
        return None
    is_out = run is not None and run.state is RunState.OUT
    return Whereabouts("out" if is_out else "planned" if run else "waiting", run, None)
