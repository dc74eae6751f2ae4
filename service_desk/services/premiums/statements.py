"""The statement (对账单) of a branch or of the group for a period: its sums, its money, and what is open at its end."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import Policy
from service_desk.models.premiums import PremiumRefund, Receipt, RefundState
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.premium import Balance
from service_desk.services import access
from service_desk.services.premiums.history import (
    CREDIT,
    OpenItem,
    balances,
    open_at,
    owed_back_at,
    unallocated_at,
)

_PORTION = 5_000


@dataclass(frozen=True)
class OpenPolicy:
    """What is open of a policy, with the day its oldest open part falls due."""

    policy: Policy
    branch: Branch
    due_on: date
    open_fen: int


@dataclass(frozen=True)
class MoneyLine:
    """A receipt, its reversal, or a refund paid, as it changes what the client owes. `kind` names which."""

    day: date
    number: str
    kind: str
    branch: Branch
    fen: int


@dataclass(frozen=True)
class Statement:
    """A statement from the beginning of `start` to the end of `end`. `branch` None: the group."""

    account: KeyAccount
    branch: Branch | None
    start: date
    end: date
    balance: Balance
    by_branch: Sequence[tuple[Branch, Balance]]
    money: Sequence[MoneyLine]
    open_policies: Sequence[OpenPolicy]
    unallocated_fen: int
    owed_back_fen: int

    @property
    def open_fen(self) -> int:
        return sum(one.open_fen for one in self.open_policies)

    @property
    def is_proven(self) -> bool:
        """Whether the closing balance is what is open less the client's money that lies with us."""
        return self.balance.closing_fen == self.open_fen - self.unallocated_fen - self.owed_back_fen


def statement(
    account_id: int, start: date, end: date, *, branch_id: int | None = None, actor: User, now: datetime
) -> Statement:
    """The statement of a period, both days included.

    Invalid: `period_backwards`, `period_in_future`.
    """
    access.require(actor, Action.READ_PREMIUMS)
    account = access.get_visible(actor, Action.READ_PREMIUMS, KeyAccount, KeyAccount.id == account_id)
    if end < start:
        raise Invalid("period_backwards", field="end")
    if end > local_date(now):
        raise Invalid("period_in_future", field="end")
    branches = _branches(account.id, branch_id, actor)
    by_branch = [
        (branches[id_], balance)
        for id_, balance in balances(account.id, start, end).items()
        if id_ in branches
    ]
    by_branch.sort(key=lambda one: (one[0].name, one[0].id))
    return Statement(
        account,
        branches[branch_id] if branch_id is not None else None,
        start,
        end,
        total_of(balance for _, balance in by_branch),
        by_branch,
        _money(account.id, start, end, branches),
        _open_policies(open_at(account.id, end), branches),
        _own(unallocated_at(account.id, end), branches),
        _own(owed_back_at(account.id, end), branches),
    )


def total_of(parts: Iterable[Balance]) -> Balance:
    """The sum of balances."""
    return Balance(*(sum(column) for column in zip(*map(astuple, parts), strict=True)))


def _branches(account_id: int, branch_id: int | None, actor: User) -> dict[int, Branch]:
    if branch_id is not None:
        own = access.get_visible(
            actor, Action.READ_PREMIUMS, Branch, Branch.id == branch_id, Branch.account_id == account_id
        )
        return {own.id: own}
    wanted = access.visible(
        actor, Action.READ_PREMIUMS, select(Branch).where(Branch.account_id == account_id), Branch
    )
    return {branch.id: branch for branch in db.session.scalars(wanted)}


def _own(by_branch: dict[int, int], branches: dict[int, Branch]) -> int:
    return sum(fen for branch_id, fen in by_branch.items() if branch_id in branches)


def _money(account_id: int, start: date, end: date, branches: dict[int, Branch]) -> list[MoneyLine]:
    receipts = select(Receipt).where(
        Receipt.account_id == account_id, Receipt.branch_id.in_(branches), Receipt.method != CREDIT
    )
    received = db.session.scalars(receipts.where(Receipt.received_on.between(start, end))).all()
    taken_back = db.session.scalars(receipts.where(Receipt.reversed_on.between(start, end))).all()
    refunds = db.session.scalars(
        select(PremiumRefund).where(
            PremiumRefund.account_id == account_id,
            PremiumRefund.branch_id.in_(branches),
            PremiumRefund.state == RefundState.PAID,
            PremiumRefund.settled_on.between(start, end),
        )
    ).all()
    lines = [
        MoneyLine(one.received_on, one.number, "received", branches[one.branch_id], -one.amount_fen)
        for one in received
    ]
    lines += [
        MoneyLine(one.reversed_on or end, one.number, "reversed", branches[one.branch_id], one.amount_fen)
        for one in taken_back
    ]
    lines += [
        MoneyLine(one.settled_on or end, one.number, "refunded", branches[one.branch_id], one.amount_fen)
        for one in refunds
    ]
    return sorted(lines, key=lambda line: (line.day, line.number, line.kind))


def _open_policies(items: Sequence[OpenItem], branches: dict[int, Branch]) -> list[OpenPolicy]:
    """By policy and branch, the oldest first."""
    own = [item for item in items if item.branch_id in branches]
    policies = _policies({item.policy_id for item in own})
    found: dict[tuple[int, int], OpenPolicy] = {}
    for item in own:
        key = (item.policy_id, item.branch_id)
        due_on, fen = (found[key].due_on, found[key].open_fen) if key in found else (item.due_on, 0)
        found[key] = OpenPolicy(
            policies[item.policy_id], branches[item.branch_id], due_on, fen + item.open_fen
        )
    return [one for one in found.values() if one.open_fen]


def _policies(ids: Iterable[int]) -> dict[int, Policy]:
    """In portions: a statement takes so many values at once."""
    found: dict[int, Policy] = {}
    left = sorted(ids)
    for start in range(0, len(left), _PORTION):
        wanted = select(Policy).where(Policy.id.in_(left[start : start + _PORTION]))
        found |= {policy.id: policy for policy in db.session.scalars(wanted)}
    return found
