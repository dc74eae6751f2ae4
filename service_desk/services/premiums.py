"""The premium ledger: what branches owe and since when, and receipts that settle it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, insert, select, update

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.money import format_yuan
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import Policy
from service_desk.models.premiums import Receipt, ReceiptAllocation, Receivable
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.premium import AGE_DAYS, Age, Debt, allocate
from service_desk.services import access, audit, numbers, submissions

METHODS = ("transfer", "card", "cash", "cheque")


@dataclass(frozen=True)
class ReceiptCommand:
    """Money received from a branch for chosen receivables. The oldest is settled first.

    `amount_fen` None: all that is owed of them.
    """

    branch_id: int
    receivable_ids: tuple[int, ...]
    amount_fen: int | None
    received_on: date
    method: str
    payer: str
    reference: str = ""


@dataclass(frozen=True)
class LedgerRow:
    """What a branch owes, by age, in fen."""

    branch: Branch
    open_count: int
    by_age: dict[Age, int]

    @property
    def open_fen(self) -> int:
        return sum(self.by_age.values())


@dataclass(frozen=True)
class Credit:
    """What an account may owe, and owes. `limit_fen` None: no limit agreed."""

    limit_fen: int | None
    used_fen: int

    def exceeded_by(self, more_fen: int = 0) -> int:
        """How far the debt and `more_fen` go beyond the limit; 0 within it."""
        return 0 if self.limit_fen is None else max(0, self.used_fen + more_fen - self.limit_fen)


@dataclass(frozen=True)
class OpenReceivable:
    """A receivable with its policy."""

    receivable: Receivable
    policy: Policy

    @property
    def open_fen(self) -> int:
        return self.receivable.amount_fen - self.receivable.settled_fen


@dataclass(frozen=True)
class ReceiptView:
    """A receipt with what it settled."""

    receipt: Receipt
    account: KeyAccount
    branch: Branch
    recorded_by: User
    parts: Sequence[tuple[Policy, int]]


def ledger(account_id: int, *, actor: User, now: datetime) -> list[LedgerRow]:
    """The branches that owe premium, by name."""
    access.require(actor, Action.READ_PREMIUMS)
    today = local_date(now)
    ages = {age: func.sum(case((condition, _OPEN), else_=0)) for age, condition in _by_age(today).items()}
    statement = (
        select(Branch, func.count(Receivable.id), *ages.values())
        .join(Receivable, Receivable.branch_id == Branch.id)
        .where(Receivable.account_id == account_id, _OPEN > 0)
        .group_by(Branch.id)
        .order_by(Branch.name, Branch.id)
    )
    rows = db.session.execute(access.visible(actor, Action.READ_PREMIUMS, statement, Receivable))
    return [LedgerRow(row[0], row[1], dict(zip(ages, map(int, row[2:]), strict=True))) for row in rows]


_OPEN = Receivable.amount_fen - Receivable.settled_fen


def _by_age(today: date) -> dict[Age, ColumnElement[bool]]:
    """`rules.premium.age_of` as conditions."""
    conditions: dict[Age, ColumnElement[bool]] = {Age.NOT_DUE: Receivable.due_on >= today}
    newest = today
    for age, days in AGE_DAYS.items():
        oldest = today - timedelta(days=days)
        conditions[age] = and_(Receivable.due_on < newest, Receivable.due_on >= oldest)
        newest = oldest
    return conditions | {Age.OLDER: Receivable.due_on < newest}


def overdue_fen(account_id: int, *, now: datetime) -> int:
    """Premium past its due date, for overviews; the caller has checked that the account is visible."""
    statement = select(func.sum(_OPEN)).where(
        Receivable.account_id == account_id, _OPEN > 0, Receivable.due_on < local_date(now)
    )
    return int(db.session.scalar(statement) or 0)


def credit_of(account_id: int, *, actor: User) -> Credit:
    """The account's credit limit and what it owes."""
    account = access.get_account(actor, account_id)
    used = select(func.sum(_OPEN)).where(Receivable.account_id == account_id, _OPEN > 0)
    return Credit(account.credit_limit_fen, int(db.session.scalar(used) or 0))


def open_receivables(branch_id: int, *, actor: User) -> tuple[Branch, list[OpenReceivable]]:
    """What a branch owes, the oldest first."""
    branch = access.get_visible(actor, Action.READ_PREMIUMS, Branch, Branch.id == branch_id)
    return branch, _open(select(Receivable.id).where(Receivable.branch_id == branch_id))


def receivables_due(account_id: int, *, until: date, actor: User) -> list[OpenReceivable]:
    """Open receivables of an account that fall due by a day, that day included; the oldest first."""
    due = select(Receivable.id).where(Receivable.account_id == account_id, Receivable.due_on <= until)
    return _open(access.visible(actor, Action.READ_PREMIUMS, due, Receivable))


def _open(wanted: Select[tuple[int]], *, lock: bool = False) -> list[OpenReceivable]:
    statement = (
        select(Receivable, Policy)
        .join(Policy, Policy.id == Receivable.policy_id)
        .where(Receivable.id.in_(wanted), _OPEN > 0)
        .order_by(Receivable.due_on, Receivable.id)
    )
    if lock:
        statement = statement.with_for_update(of=Receivable).execution_options(populate_existing=True)
    return [OpenReceivable(row[0], row[1]) for row in db.session.execute(statement)]


def receive(command: ReceiptCommand, *, key: str = "", actor: User, now: datetime) -> str:
    """Record money received and return the receipt's number; the same key twice is one receipt."""
    return submissions.once(
        "receipt", key, lambda: record_receipt(command, actor=actor, now=now).number, actor=actor, now=now
    )


def record_receipt(command: ReceiptCommand, *, actor: User, now: datetime) -> Receipt:
    """Settle receivables of a branch, the oldest first; a part of the last when the money ends there.

    Invalid: `amount_not_positive`, `received_in_future`, `no_receivable_chosen`, `receipt_exceeds_debt`.
    Conflict `receivable_settled` when one chosen was settled meanwhile. Writes the receipt, what it settled,
    and the receivables.
    """
    access.require(actor, Action.RECEIVE_PREMIUM)
    branch = access.get_visible(actor, Action.RECEIVE_PREMIUM, Branch, Branch.id == command.branch_id)
    _check_shape(command, now)
    # Two clerks with the same list: the second waits here and then finds less open.
    chosen = _open(
        select(Receivable.id).where(
            Receivable.id.in_(command.receivable_ids), Receivable.branch_id == command.branch_id
        ),
        lock=True,
    )
    if len(chosen) != len(set(command.receivable_ids)):
        raise Conflict("receivable_settled")
    owed = sum(one.open_fen for one in chosen)
    amount_fen = owed if command.amount_fen is None else command.amount_fen
    if amount_fen > owed:
        raise Invalid(
            "receipt_exceeds_debt",
            field="amount",
            owed=format_yuan(owed, sign=True),
            amount=format_yuan(amount_fen, sign=True),
        )
    receipt = _add_receipt(branch, command, amount_fen, actor, now)
    _settle(receipt, chosen)
    audit.record(
        "premium_received", receipt, actor=actor, now=now, changes={"amount_fen": (None, receipt.amount_fen)}
    )
    return receipt


def _check_shape(command: ReceiptCommand, now: datetime) -> None:
    if command.amount_fen is not None and command.amount_fen <= 0:
        raise Invalid("amount_not_positive", field="amount")
    if command.received_on > local_date(now):
        raise Invalid("received_in_future", field="received_on")
    if command.method not in METHODS:
        raise Invalid("required", field="method")
    if not command.receivable_ids:
        raise Invalid("no_receivable_chosen")
    if not squeeze(command.payer):
        raise Invalid("required", field="payer")


def _add_receipt(
    branch: Branch, command: ReceiptCommand, amount_fen: int, actor: User, now: datetime
) -> Receipt:
    receipt = Receipt(
        number=numbers.next_number("REC", local_date(now).year),
        account_id=branch.account_id,
        branch_id=branch.id,
        payer=squeeze(command.payer)[:200],
        amount_fen=amount_fen,
        allocated_fen=amount_fen,
        received_on=command.received_on,
        method=command.method,
        reference=squeeze(command.reference)[:200],
        recorded_by_id=actor.id,
        recorded_at=now,
    )
    db.session.add(receipt)
    db.session.flush()
    return receipt


def _settle(receipt: Receipt, chosen: list[OpenReceivable]) -> None:
    debts = [Debt(one.receivable.id, one.receivable.due_on, one.open_fen) for one in chosen]
    parts = allocate(receipt.amount_fen, debts)
    # All but the last are settled whole: one statement, not one a policy.
    whole = [one.receivable.id for one in chosen if parts.get(one.receivable.id) == one.open_fen]
    db.session.execute(
        update(Receivable)
        .where(Receivable.id.in_(whole))
        .values(settled_fen=Receivable.amount_fen, version=Receivable.version + 1)
    )
    for one in chosen:
        if one.receivable.id not in whole:
            one.receivable.settled_fen += parts.get(one.receivable.id, 0)
    db.session.execute(
        insert(ReceiptAllocation),
        [
            {"receipt_id": receipt.id, "receivable_id": receivable_id, "amount_fen": part}
            for receivable_id, part in parts.items()
        ],
    )


def list_receipts(
    account_id: int, page: PageRequest, *, actor: User, branch_id: int | None = None
) -> Page[tuple[Receipt, Branch]]:
    """Receipts of an account with the branch, the latest first."""
    access.require(actor, Action.READ_PREMIUMS)
    statement: Select[Any] = (
        select(Receipt, Branch)
        .join(Branch, Branch.id == Receipt.branch_id)
        .where(Receipt.account_id == account_id)
    )
    if branch_id is not None:
        statement = statement.where(Receipt.branch_id == branch_id)
    statement = access.visible(actor, Action.READ_PREMIUMS, statement, Receipt)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.execute(
        statement.order_by(Receipt.received_on.desc(), Receipt.id.desc()).limit(page.size).offset(page.offset)
    )
    return Page([(row[0], row[1]) for row in rows], total, page.number, page.size)


def get_receipt(number: str, *, actor: User) -> ReceiptView:
    """One receipt with what it settled; NotFound when the actor may not see it."""
    receipt = access.get_visible(actor, Action.READ_PREMIUMS, Receipt, Receipt.number == number)
    statement = (
        select(Policy, ReceiptAllocation.amount_fen)
        .join(Receivable, Receivable.policy_id == Policy.id)
        .join(ReceiptAllocation, ReceiptAllocation.receivable_id == Receivable.id)
        .where(ReceiptAllocation.receipt_id == receipt.id)
        .order_by(ReceiptAllocation.id)
    )
    return ReceiptView(
        receipt,
        db.session.get_one(KeyAccount, receipt.account_id),
        db.session.get_one(Branch, receipt.branch_id),
        db.session.get_one(User, receipt.recorded_by_id),
        [(row[0], row[1]) for row in db.session.execute(statement)],
    )
