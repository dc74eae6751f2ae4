"""The statement (对账单) of a branch or of the group for a period: its sums, its money, and what is open at its end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Select, Subquery, func, literal, select, union_all

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.base.paging import Page, PageRequest
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
class MoneyLines:
    """Money that came or went in a period, in its order, a page at a time. `by_id`: the branches it may be of."""

    account_id: int
    start: date
    end: date
    by_id: Mapping[int, Branch]

    def __len__(self) -> int:
        return self._sums[0]

    @property
    def total_fen(self) -> int:
        return self._sums[1]

    def read(self, page: PageRequest) -> Page[MoneyLine]:
        """One page of it."""
        rows = self._rows
        ordered = select(rows).order_by(rows.c.day, rows.c.number, rows.c.kind)
        found = db.session.execute(ordered.limit(page.size).offset(page.offset))
        lines = [
            MoneyLine(day, number, kind, self.by_id[branch_id], int(fen))
            for day, number, kind, branch_id, fen in found
        ]
        return Page(lines, len(self), page.number, page.size)

    @cached_property
    def _sums(self) -> tuple[int, int]:
        rows = self._rows
        count, fen = db.session.execute(select(func.count(), func.sum(rows.c.fen)).select_from(rows)).one()
        return count, int(fen or 0)

    @cached_property
    def _rows(self) -> Subquery:
        is_money, is_paid = Receipt.method != CREDIT, PremiumRefund.state == RefundState.PAID
        return union_all(
            self._of("received", Receipt, Receipt.received_on, -Receipt.amount_fen).where(is_money),
            self._of("reversed", Receipt, Receipt.reversed_on, Receipt.amount_fen).where(is_money),
            self._of("refunded", PremiumRefund, PremiumRefund.settled_on, PremiumRefund.amount_fen).where(
                is_paid
            ),
        ).subquery()

    def _of(self, kind: str, model: type[Receipt] | type[PremiumRefund], day: Any, fen: Any) -> Select[Any]:
        return select(
            day.label("day"),
            model.number.label("number"),
            literal(kind).label("kind"),
            model.branch_id.label("branch_id"),
            fen.label("fen"),
        ).where(
            model.account_id == self.account_id,
            model.branch_id.in_(self.by_id),
            day.between(self.start, self.end),
        )


@dataclass(frozen=True)
class OpenPolicies:
    """What is open at the end of a period by policy and branch, the oldest first, a page at a time.

    Kept of each are four numbers; policies are read for a page.
    """

    sums: Sequence[OpenItem]
    by_id: Mapping[int, Branch]

    def __len__(self) -> int:
        return len(self.sums)

    @property
    def total_fen(self) -> int:
        return sum(one.open_fen for one in self.sums)

    def read(self, page: PageRequest) -> Page[OpenPolicy]:
        """One page of them."""
        shown = self.sums[page.offset : page.offset + page.size]
        wanted = select(Policy).where(Policy.id.in_({one.policy_id for one in shown}))
        policies = {policy.id: policy for policy in db.session.scalars(wanted)}
        rows = [
            OpenPolicy(policies[one.policy_id], self.by_id[one.branch_id], one.due_on, one.open_fen)
            for one in shown
        ]
        return Page(rows, len(self), page.number, page.size)


@dataclass(frozen=True)
class Statement:
    """A statement from the beginning of `start` to the end of `end`. `branch` None: the group."""

    account: KeyAccount
    branch: Branch | None
    start: date
    end: date
    balance: Balance
    by_branch: Sequence[tuple[Branch, Balance]]
    money: MoneyLines
    open_policies: OpenPolicies
    unallocated_fen: int
    owed_back_fen: int

    @property
    def open_fen(self) -> int:
        return self.open_policies.total_fen

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
        MoneyLines(account.id, start, end, branches),
        OpenPolicies(_open_sums(open_at(account.id, end), branches), branches),
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


def _open_sums(items: Iterable[OpenItem], branches: Mapping[int, Branch]) -> list[OpenItem]:
    """By policy and branch, the oldest first."""
    found: dict[tuple[int, int], OpenItem] = {}
    for item in items:
        if item.branch_id in branches:
            key = (item.policy_id, item.branch_id)
            known = found.get(key)
            found[key] = replace(known, open_fen=known.open_fen + item.open_fen) if known else item
    return [one for one in found.values() if one.open_fen]
