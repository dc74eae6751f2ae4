"""Looking policies up: lists, their export, and all that a policy's page and print show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from service_desk.base.clock import end_of_day, local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, search_key, squeeze
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.claims import Claim, ClaimCover
from service_desk.models.db import db
from service_desk.models.policies import (
    Endorsement,
    IssueBatch,
    Policy,
    PolicyState,
    RateTable,
    RateTableLine,
)
from service_desk.models.premiums import PremiumRefund, Receipt, ReceiptAllocation, Receivable
from service_desk.models.users import User
from service_desk.rules import policy_flow
from service_desk.rules.permissions import Action
from service_desk.rules.policy_flow import Term
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access
from service_desk.services.policies import coverage, endorsing
from service_desk.services.policies.coverage import Limit
from service_desk.services.policies.endorsing import InsuredFacts
from service_desk.services.policies.portions import portions


@dataclass(frozen=True)
class PolicyFilter:
    """Which policies of an account are wanted; None means any. `standing` is a derived state of `policy_flow`."""

    account_id: int
    branch_id: int | None = None
    line: PolicyLine | None = None
    standing: policy_flow.PolicyState | None = None
    ends_within_days: int | None = None
    text: str = ""


@dataclass(frozen=True)
class PolicyRow:
    """A policy of a list: with its branch, its state now, its premium with all endorsements, and what is owed."""

    policy: Policy
    branch: Branch
    standing: policy_flow.PolicyState
    open_fen: int | None
    premium_fen: int


@dataclass(frozen=True)
class PolicyView:
    """A policy with all its page and its print show.

    `at` None: after its last endorsement, and `standing` is that of now. Otherwise `insured`, `branch`, `limits`,
    `premium_fen` and `standing` are those of that instant; money owed and claims are always those of now.
    """

    policy: Policy
    account: KeyAccount
    branch: Branch
    issued_by: User
    standing: policy_flow.PolicyState
    insured: InsuredFacts
    limits: tuple[Limit, ...]
    premium_fen: int
    earned_fen: int
    endorsements: Sequence[Endorsement]
    at: datetime | None
    replaces: str | None
    replaced_by: str | None
    refunds: Sequence[PremiumRefund]
    batch_number: str | None
    receivables: Sequence[Receivable]
    rate_table: RateTable | None
    receipts: Sequence[tuple[Receipt, int]]
    claims: Sequence[Claim]

    @property
    def term(self) -> Term:
        """The term agreed at issue, as printed; a cancellation may have cut the cover."""
        return Term(self.policy.starts_at, self.policy.agreed_ends_at)

    @property
    def amount_fen(self) -> int:
        """What was asked for it, over its endorsements and instalments."""
        return sum(row.amount_fen for row in self.receivables)

    @property
    def settled_fen(self) -> int:
        return sum(row.settled_fen for row in self.receivables)

    @property
    def due_on(self) -> date | None:
        """When the next open part falls due; when nothing is open, when the last part did."""
        still_open = [row.due_on for row in self.receivables if row.settled_fen < row.amount_fen]
        return min(still_open, default=max((row.due_on for row in self.receivables), default=None))


def standing_of(policy: Policy, now: datetime) -> policy_flow.PolicyState:
    """The state of a policy at an instant."""
    kept = policy_flow.PolicyState(policy.state.value)
    return policy_flow.state_at(kept, Term(policy.starts_at, policy.ends_at), now)


def list_policies(wanted: PolicyFilter, page: PageRequest, *, actor: User, now: datetime) -> Page[PolicyRow]:
    """Policies, the latest issued first."""
    access.require(actor, Action.READ_POLICIES)
    statement = _policies(wanted, actor, now)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = policy_rows(statement.limit(page.size).offset(page.offset), actor=actor, now=now)
    return Page(rows, total, page.number, page.size)


def _policies(wanted: PolicyFilter, actor: User, now: datetime) -> Select[Any]:
    statement = (
        select(Policy, Branch, owed_fen())
        .join(Branch, Branch.id == Policy.branch_id)
        .where(Policy.account_id == wanted.account_id, *_policy_conditions(wanted, now))
        .order_by(Policy.issued_at.desc(), Policy.id.desc())
    )
    return access.visible(actor, Action.READ_POLICIES, statement, Policy)


def owed_fen() -> ColumnElement[int]:
    """What is still owed of a policy, over its endorsements and instalments."""
    owed = select(func.sum(Receivable.amount_fen - Receivable.settled_fen))
    return func.coalesce(owed.where(Receivable.policy_id == Policy.id).scalar_subquery(), 0)


def _policy_conditions(wanted: PolicyFilter, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.branch_id is not None:
        conditions.append(Policy.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.line is not None:
        conditions.append(Policy.line == wanted.line)
    if wanted.standing is not None:
        conditions.append(_stands(wanted.standing, now))
    if wanted.ends_within_days is not None:
        until = end_of_day(local_date(now) + timedelta(days=wanted.ends_within_days))
        conditions.append(and_(Policy.ends_at > now, Policy.ends_at <= until))
    if wanted.text.strip():
        key = like_pattern(search_key(wanted.text).upper())
        number = like_pattern(squeeze(wanted.text).upper())
        conditions.append(
            or_(
                Policy.number.like(number, escape="\\"),
                Policy.plate.like(key, escape="\\"),
                Policy.vin.like(key, escape="\\"),
            )
        )
    return conditions


def _stands(standing: policy_flow.PolicyState, now: datetime) -> ColumnElement[bool]:
    """`policy_flow.state_at` as a condition."""
    covers = Policy.ends_at > Policy.starts_at
    match standing:
        case policy_flow.PolicyState.VOIDED:
            return Policy.state == PolicyState.VOIDED
        case policy_flow.PolicyState.CANCELLED:
            return (Policy.state == PolicyState.CANCELLED) & ((Policy.ends_at <= now) | ~covers)
        case policy_flow.PolicyState.ISSUED:
            return covers & (Policy.starts_at > now)
        case policy_flow.PolicyState.IN_FORCE:
            return (Policy.starts_at <= now) & (Policy.ends_at > now)
        case policy_flow.PolicyState.EXPIRED:
            return (Policy.state == PolicyState.ISSUED) & (Policy.ends_at <= now)


def policy_rows(statement: Select[Any], *, actor: User, now: datetime) -> list[PolicyRow]:
    """Rows of a select of policy, branch and fen owed; what is owed only for those who may see premiums."""
    sees_owed = access.may(actor, Action.READ_PREMIUMS)
    rows = db.session.execute(statement).all()
    changes = premium_changes([row[0].id for row in rows])
    return [
        PolicyRow(
            policy,
            branch,
            standing_of(policy, now),
            open_fen if sees_owed else None,
            policy.premium_fen + changes.get(policy.id, 0),
        )
        for policy, branch, open_fen in rows
    ]


def premium_changes(policy_ids: Sequence[int]) -> dict[int, int]:
    """What endorsements added to policies or took from them, in fen by policy id; none: not in the answer."""
    found: dict[int, int] = {}
    for ids in portions(policy_ids):
        statement = (
            select(Endorsement.policy_id, func.sum(Endorsement.premium_fen))
            .where(Endorsement.policy_id.in_(ids))
            .group_by(Endorsement.policy_id)
        )
        found |= {policy_id: int(fen) for policy_id, fen in db.session.execute(statement)}
    return found


def get_policy(number: str, *, actor: User, now: datetime, at: datetime | None = None) -> PolicyView:
    """One policy and everything about it, as of an instant; NotFound when the actor may not see it."""
    policy = access.get_visible(actor, Action.READ_POLICIES, Policy, Policy.number == number)
    return policy_views([policy], now=now, actor=actor, at=at)[0]


def policy_views(
    policies: Sequence[Policy], *, actor: User, now: datetime, at: datetime | None = None
) -> list[PolicyView]:
    """Policies that were found visible, with everything about each, in a few statements for all."""
    ids = [policy.id for policy in policies]
    limits = coverage.limits_of(ids, at)
    receivables = _lists_of(Receivable, ids, Receivable.due_on, Receivable.id)
    refunds = _lists_of(PremiumRefund, ids, PremiumRefund.id)
    endorsed = _lists_of(Endorsement, ids, Endorsement.ordinal)
    insured = {one.id: endorsing.insured_at(one, endorsed.get(one.id, []), at) for one in policies}
    replaced, replacing = _replacements({one.replaces_id for one in policies if one.replaces_id}, ids)
    accounts = _by_id(KeyAccount, KeyAccount.id, {policy.account_id for policy in policies})
    branches = _by_id(Branch, Branch.id, {facts.branch_id for facts in insured.values()})
    users = _by_id(User, User.id, {policy.issued_by_id for policy in policies})
    batches = _by_id(IssueBatch, IssueBatch.id, {policy.batch_id for policy in policies if policy.batch_id})
    tables = _tables_of({policy.rate_line_id for policy in policies if policy.rate_line_id})
    receipts = _receipts_of(ids)
    claims = _claims_of(ids, actor)
    return [
        PolicyView(
            policy=policy,
            account=accounts[policy.account_id],
            branch=branches[insured[policy.id].branch_id],
            issued_by=users[policy.issued_by_id],
            standing=standing_of(policy, at or now),
            insured=insured[policy.id],
            limits=limits.get(policy.id, ()),
            premium_fen=endorsing.premium_fen(policy, endorsed.get(policy.id, []), at),
            earned_fen=endorsing.earned_fen(policy, endorsed.get(policy.id, []), local_date(at or now)),
            endorsements=endorsed.get(policy.id, []),
            at=at,
            replaces=replaced.get(policy.replaces_id or 0),
            replaced_by=replacing.get(policy.id),
            refunds=refunds.get(policy.id, []),
            batch_number=batches[policy.batch_id].number if policy.batch_id else None,
            receivables=receivables.get(policy.id, []),
            rate_table=tables.get(policy.rate_line_id or 0),
            receipts=receipts.get(policy.id, []),
            claims=claims.get(policy.id, []),
        )
        for policy in policies
    ]


def _by_id(model: Any, column: Any, ids: Any) -> dict[int, Any]:
    rows: list[Any] = list(db.session.scalars(select(model).where(column.in_(ids)))) if ids else []
    return {getattr(row, column.key): row for row in rows}


def _tables_of(line_ids: set[int]) -> dict[int, RateTable]:
    statement = (
        select(RateTableLine.id, RateTable)
        .join(RateTable, RateTable.id == RateTableLine.table_id)
        .where(RateTableLine.id.in_(line_ids))
    )
    return dict(db.session.execute(statement).tuples().all())


def _lists_of(model: Any, policy_ids: list[int], *order: Any) -> dict[int, list[Any]]:
    """The rows of a table that belong to policies, by policy id."""
    found: dict[int, list[Any]] = {}
    for row in db.session.scalars(select(model).where(model.policy_id.in_(policy_ids)).order_by(*order)):
        found.setdefault(row.policy_id, []).append(row)
    return found


def _replacements(old_ids: set[int], ids: list[int]) -> tuple[dict[int, str], dict[int, str]]:
    """The numbers of the policies that these go on from, and of those that go on from these."""
    statement = select(Policy.id, Policy.replaces_id, Policy.number).where(
        or_(Policy.id.in_(old_ids), Policy.replaces_id.in_(ids))
    )
    rows = db.session.execute(statement).all()
    return (
        {row.id: row.number for row in rows},
        {row.replaces_id: row.number for row in rows if row.replaces_id},
    )


def _receipts_of(policy_ids: list[int]) -> dict[int, list[tuple[Receipt, int]]]:
    """The receipts that settled something of a policy, each with the fen it settled."""
    statement = (
        select(Receivable.policy_id, Receipt, func.sum(ReceiptAllocation.amount_fen))
        .join(ReceiptAllocation, ReceiptAllocation.receivable_id == Receivable.id)
        .join(Receipt, Receipt.id == ReceiptAllocation.receipt_id)
        .where(Receivable.policy_id.in_(policy_ids), ReceiptAllocation.taken_back_on.is_(None))
        .group_by(Receivable.policy_id, Receipt.id)
        .order_by(Receipt.received_on, Receipt.id)
    )
    found: dict[int, list[tuple[Receipt, int]]] = {}
    for policy_id, receipt, amount_fen in db.session.execute(statement):
        found.setdefault(policy_id, []).append((receipt, int(amount_fen)))
    return found


def _claims_of(policy_ids: list[int], actor: User) -> dict[int, list[Claim]]:
    statement = (
        select(ClaimCover.policy_id, Claim)
        .join(Claim, Claim.id == ClaimCover.claim_id)
        .where(ClaimCover.policy_id.in_(policy_ids))
        .order_by(Claim.loss_at.desc(), Claim.id.desc())
    )
    found: dict[int, list[Claim]] = {}
    for policy_id, claim in db.session.execute(access.visible(actor, Action.READ_CLAIMS, statement, Claim)):
        # A policy with several covers stands in a claim once for each.
        if claim not in found.setdefault(policy_id, []):
            found[policy_id].append(claim)
    return found
