"""Instalment plans: what is still open of policies and endorsements, split over several due days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, bindparam, func, insert, select, update

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch
from service_desk.models.db import db, table_of
from service_desk.models.policies import IssueBatch, Policy
from service_desk.models.premiums import InstalmentPlan, Receivable
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.premium import Instalment, Terms, plan_faults, split, weights_of
from service_desk.services import access, audit, submissions

_OPEN = Receivable.amount_fen - Receivable.settled_fen


@dataclass(frozen=True)
class PlanScope:
    """What to split: ticked receivables, or all that is open of a batch or of a branch."""

    account_id: int
    receivable_ids: tuple[int, ...] = ()
    batch_number: str | None = None
    branch_id: int | None = None


@dataclass(frozen=True)
class PlanPreview:
    """What a plan would do: of how many policies and endorsements, and each instalment's sum in fen."""

    group_count: int
    open_fen: int
    parts_fen: tuple[int, ...] = ()


@dataclass
class _Group:
    """The receivables of one policy or endorsement: all its instalments, by number."""

    rows: list[Receivable]
    tax_fen: int

    @property
    def open_fen(self) -> int:
        return sum(row.amount_fen - row.settled_fen for row in self.rows)

    @property
    def open_tax_fen(self) -> int:
        """Vehicle tax is settled first."""
        return max(0, self.tax_fen - sum(row.settled_fen for row in self.rows))


def usual_plan(terms: Terms, today: date) -> list[Instalment]:
    """The plan an account agreed on, asked for today; empty when it agreed none."""
    return [
        Instalment(today + timedelta(days=part.days), Decimal(part.weight) / 100) for part in terms.plan_parts
    ]


def preview_plan(scope: PlanScope, plan: Sequence[Instalment], *, actor: User, now: datetime) -> PlanPreview:
    """What a plan would do; without sums for a plan that cannot be. Writes nothing."""
    access.require(actor, Action.RECEIVE_PREMIUM)
    groups = _groups(scope, actor)
    open_fen = sum(group.open_fen for group in groups)
    if plan_faults(plan, local_date(now)):
        return PlanPreview(len(groups), open_fen)
    weights = weights_of(plan)
    parts = [split(group.open_fen, group.open_tax_fen, weights) for group in groups]
    return PlanPreview(len(groups), open_fen, tuple(map(sum, zip(*parts, strict=True))))


def make_plan(
    scope: PlanScope,
    plan: Sequence[Instalment],
    reason: str,
    *,
    expected_fen: int | None = None,
    key: str = "",
    actor: User,
    now: datetime,
) -> str:
    """Split what is open into instalments; the number of receivables it concerned. The sum never changes.

    What was paid stays where it was; a plan made earlier is replaced as far as it is unpaid. `expected_fen` is the
    open sum the clerk saw: Conflict `plan_sum_changed` when it is another now. Invalid: the faults of
    `rules.premium.plan_faults`, `reason` missing, `nothing_open`.
    """

    def act() -> str:
        faults = plan_faults(plan, local_date(now))
        if not squeeze(reason):
            faults.append(Invalid("required", field="reason"))
        if faults:
            raise InvalidMany(faults)
        groups = _groups(scope, actor, lock=True)
        if not groups:
            raise Invalid("nothing_open")
        open_fen = sum(group.open_fen for group in groups)
        if expected_fen is not None and expected_fen != open_fen:
            raise Conflict("plan_sum_changed")
        made = _add_plan(scope, plan, reason, groups, actor, now)
        _write(made, groups, plan)
        changes = {"amount_fen": (None, open_fen), "reason": (None, made.reason)}
        audit.record("instalments_planned", made, actor=actor, now=now, label=_label(plan), changes=changes)
        return str(len(groups))

    access.require(actor, Action.RECEIVE_PREMIUM)
    return submissions.once("instalments", key, act, actor=actor, now=now)


def _label(plan: Sequence[Instalment]) -> str:
    return ", ".join(f"{one.due_on}" for one in plan)[:200]


def _groups(scope: PlanScope, actor: User, *, lock: bool = False) -> list[_Group]:
    """All receivables of the policies and endorsements of which something chosen is open."""
    chosen = access.visible(actor, Action.RECEIVE_PREMIUM, _chosen(scope, actor), Receivable)
    keys = {(row.policy_id, row.endorsement_id) for row in db.session.execute(chosen)}
    statement = (
        select(Receivable, Policy.tax_fen)
        .join(Policy, Policy.id == Receivable.policy_id)
        .where(Receivable.policy_id.in_(chosen.with_only_columns(Receivable.policy_id)))
        .order_by(Receivable.due_on, Receivable.id)
    )
    if lock:
        statement = statement.with_for_update(of=Receivable).execution_options(populate_existing=True)
    found: dict[tuple[int, int | None], _Group] = {}
    for row, tax_fen in db.session.execute(statement):
        key = (row.policy_id, row.endorsement_id)
        if key in keys:
            group = found.setdefault(key, _Group([], tax_fen if row.endorsement_id is None else 0))
            group.rows.append(row)
    for group in found.values():
        group.rows.sort(key=lambda row: row.instalment)
    return [group for group in found.values() if group.open_fen]


def _chosen(scope: PlanScope, actor: User) -> Select[tuple[int, int | None]]:
    statement = select(Receivable.policy_id, Receivable.endorsement_id).where(
        Receivable.account_id == scope.account_id, _OPEN > 0
    )
    if scope.batch_number:
        batch = access.get_visible(
            actor, Action.RECEIVE_PREMIUM, IssueBatch, IssueBatch.number == scope.batch_number
        )
        return statement.join(Policy, Policy.id == Receivable.policy_id).where(Policy.batch_id == batch.id)
    if scope.branch_id is not None:
        branch = access.get_visible(actor, Action.RECEIVE_PREMIUM, Branch, Branch.id == scope.branch_id)
        return statement.where(Receivable.branch_id == branch.id)
    return statement.where(Receivable.id.in_(_own(scope, actor)))


def _own(scope: PlanScope, actor: User) -> set[int]:
    """The ticked receivables; NotFound when one is of another account."""
    ids = set(scope.receivable_ids)
    statement = select(func.count()).where(Receivable.id.in_(ids), Receivable.account_id == scope.account_id)
    if db.session.scalar(access.visible(actor, Action.RECEIVE_PREMIUM, statement, Receivable)) != len(ids):
        raise NotFound("not_found")
    return ids


def _add_plan(
    scope: PlanScope,
    plan: Sequence[Instalment],
    reason: str,
    groups: Sequence[_Group],
    actor: User,
    now: datetime,
) -> InstalmentPlan:
    made = InstalmentPlan(
        account_id=scope.account_id,
        parts=[
            {"due_on": str(one.due_on), "weight": weight}
            for one, weight in zip(plan, weights_of(plan), strict=True)
        ],
        receivable_count=len(groups),
        amount_fen=sum(group.open_fen for group in groups),
        reason=squeeze(reason)[:200],
        made_by_id=actor.id,
        made_at=now,
    )
    db.session.add(made)
    db.session.flush()
    return made


def _write(made: InstalmentPlan, groups: Sequence[_Group], plan: Sequence[Instalment]) -> None:
    """Change and add receivables in two statements, however many there are."""
    weights = weights_of(plan)
    changed: list[dict[str, Any]] = []
    added: list[dict[str, Any]] = []
    for group in groups:
        parts = split(group.open_fen, group.open_tax_fen, weights)
        due = [(one.due_on, part) for one, part in zip(plan, parts, strict=True) if part and one.due_on]
        _replan(made.id, group, due, changed, added)
    table = table_of(Receivable)
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("amount_fen", "due_on", "plan_id")}
    db.session.execute(
        update(table).where(table.c.id == bindparam("row_id")).values(**values, version=table.c.version + 1),
        changed,
    )
    if added:
        db.session.execute(insert(table), added)
    db.session.expire_all()


def _replan(
    plan_id: int,
    group: _Group,
    due: list[tuple[date, int]],
    changed: list[dict[str, Any]],
    added: list[dict[str, Any]],
) -> None:
    """Close what is partly paid at what was paid, use rows without money again, and add what is lacking."""
    left = list(due)
    for row in group.rows:
        if row.settled_fen and row.settled_fen == row.amount_fen:
            continue
        amount_fen, due_on = row.settled_fen, row.due_on
        if not row.settled_fen:
            due_on, amount_fen = left.pop(0) if left else (row.due_on, 0)
        changed.append(
            {"row_id": row.id, "new_amount_fen": amount_fen, "new_due_on": due_on, "new_plan_id": plan_id}
        )
    first = group.rows[0]
    number = group.rows[-1].instalment
    for place, (due_on, amount_fen) in enumerate(left, start=1):
        added.append(
            {
                "account_id": first.account_id,
                "branch_id": first.branch_id,
                "policy_id": first.policy_id,
                "endorsement_id": first.endorsement_id,
                "instalment": number + place,
                "plan_id": plan_id,
                "amount_fen": amount_fen,
                "settled_fen": 0,
                "due_on": due_on,
                "created_at": first.created_at,
                "version": 1,
            }
        )
