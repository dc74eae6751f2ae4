"""Receipts: money received, what it settles at once, and looking receipts up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.money import format_yuan
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, Policy
from service_desk.models.premiums import PremiumRefund, Receipt, ReceiptAllocation, Receivable
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, numbers, submissions
from service_desk.services.premiums.ledger import open_rows
from service_desk.services.premiums.settling import settle

METHODS = ("transfer", "card", "cash", "cheque")


@dataclass(frozen=True)
class ReceiptCommand:
    """Money received from a branch for chosen receivables. The oldest is settled first.

    `amount_fen` None: all that is owed of them. `keeps_rest`: what goes beyond them stays as unallocated money;
    otherwise a sum that is too large is refused. `is_another`: it is known that one just like it was recorded.
    """

    branch_id: int
    receivable_ids: tuple[int, ...]
    amount_fen: int | None
    received_on: date
    method: str
    payer: str
    reference: str = ""
    keeps_rest: bool = False
    is_another: bool = False


@dataclass(frozen=True)
class ReceiptPart:
    """What a receipt settled of a policy's receivable; `is_taken_back`: and does not any more."""

    policy: Policy
    amount_fen: int
    endorsement_number: str | None = None
    instalment: int = 1
    is_taken_back: bool = False


@dataclass(frozen=True)
class ReceiptView:
    """A receipt with what it settled and what of it is paid back."""

    receipt: Receipt
    account: KeyAccount
    branch: Branch
    recorded_by: User
    parts: Sequence[ReceiptPart]
    refunds: Sequence[PremiumRefund] = ()
    made_of: PremiumRefund | None = None
    reversed_by: User | None = None

    @property
    def settling(self) -> list[ReceiptPart]:
        """What it settles now."""
        return [part for part in self.parts if not part.is_taken_back]


def receive(command: ReceiptCommand, *, key: str = "", actor: User, now: datetime) -> str:
    """Record money received and return the receipt's number; the same key twice is one receipt.

    Invalid `receipt_alike` for one just like it under another key, unless it is said to be another payment.
    """

    def record() -> str:
        receipt = record_receipt(command, actor=actor, now=now)
        if not command.is_another:
            _require_no_twin(receipt, now)
        return receipt.number

    return submissions.once("receipt", key, record, actor=actor, now=now)


def _require_no_twin(receipt: Receipt, now: datetime) -> None:
    names = "branch_id", "amount_fen", "received_on", "method", "payer", "reference", "recorded_by_id"
    alike = (getattr(Receipt, name) == getattr(receipt, name) for name in names)
    stands = Receipt.reversed_on.is_(None)
    twin = submissions.find_alike(Receipt.recorded_at, *alike, stands, now=now, besides=receipt.id)
    if twin is not None:
        raise Invalid("receipt_alike", field="is_another", number=twin.number)


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
    chosen = open_rows(
        select(Receivable.id).where(
            Receivable.id.in_(command.receivable_ids), Receivable.branch_id == command.branch_id
        ),
        lock=True,
    )
    if len(chosen) != len(set(command.receivable_ids)):
        raise Conflict("receivable_settled")
    owed = sum(one.open_fen for one in chosen)
    amount_fen = owed if command.amount_fen is None else command.amount_fen
    if amount_fen > owed and not command.keeps_rest:
        raise Invalid(
            "receipt_exceeds_debt",
            field="amount",
            owed=format_yuan(owed, sign=True),
            amount=format_yuan(amount_fen, sign=True),
        )
    receipt = add_receipt(branch, command, amount_fen, actor, now)
    settle(receipt, chosen, amount_fen, on=command.received_on)
    changes = {"amount_fen": (None, receipt.amount_fen), "allocated_fen": (None, receipt.allocated_fen)}
    audit.record("premium_received", receipt, actor=actor, now=now, changes=changes)
    return receipt


def _check_shape(command: ReceiptCommand, now: datetime) -> None:
    if command.amount_fen is not None and command.amount_fen <= 0:
        raise Invalid("amount_not_positive", field="amount")
    if command.received_on > local_date(now):
        raise Invalid("received_in_future", field="received_on")
    if command.method not in METHODS:
        raise Invalid("required", field="method")
    if not command.receivable_ids and not (command.keeps_rest and command.amount_fen):
        raise Invalid("no_receivable_chosen")
    if not squeeze(command.payer):
        raise Invalid("required", field="payer")


def add_receipt(
    branch: Branch, command: ReceiptCommand, amount_fen: int, actor: User, now: datetime
) -> Receipt:
    """Write a receipt that settles nothing yet; the caller has checked the command."""
    receipt = Receipt(
        number=numbers.next_number("REC", local_date(now).year),
        account_id=branch.account_id,
        branch_id=branch.id,
        payer=squeeze(command.payer)[:200],
        amount_fen=amount_fen,
        allocated_fen=0,
        received_on=command.received_on,
        method=command.method,
        reference=squeeze(command.reference)[:200],
        recorded_by_id=actor.id,
        recorded_at=now,
    )
    db.session.add(receipt)
    db.session.flush()
    return receipt


def list_receipts(
    account_id: int,
    page: PageRequest,
    *,
    actor: User,
    branch_id: int | None = None,
    only_unallocated: bool = False,
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
    if only_unallocated:
        statement = statement.where(Receipt.reversed_on.is_(None), Receipt.amount_fen > Receipt.allocated_fen)
    statement = access.visible(actor, Action.READ_PREMIUMS, statement, Receipt)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.execute(
        statement.order_by(Receipt.received_on.desc(), Receipt.id.desc()).limit(page.size).offset(page.offset)
    )
    return Page([(row[0], row[1]) for row in rows], total, page.number, page.size)


def get_receipt(number: str, *, actor: User) -> ReceiptView:
    """One receipt with what it settled; NotFound when the actor may not see it."""
    receipt = access.get_visible(actor, Action.READ_PREMIUMS, Receipt, Receipt.number == number)
    refunds = db.session.scalars(
        select(PremiumRefund).where(PremiumRefund.from_receipt_id == receipt.id).order_by(PremiumRefund.id)
    )
    return ReceiptView(
        receipt,
        db.session.get_one(KeyAccount, receipt.account_id),
        db.session.get_one(Branch, receipt.branch_id),
        db.session.get_one(User, receipt.recorded_by_id),
        _parts(receipt.id),
        refunds.all(),
        db.session.scalar(select(PremiumRefund).where(PremiumRefund.receipt_id == receipt.id)),
        db.session.get_one(User, receipt.reversed_by_id) if receipt.reversed_by_id else None,
    )


def _parts(receipt_id: int) -> list[ReceiptPart]:
    statement = (
        select(
            Policy,
            ReceiptAllocation.amount_fen,
            Endorsement.number,
            Receivable.instalment,
            ReceiptAllocation.taken_back_on.is_not(None),
        )
        .join(Receivable, Receivable.policy_id == Policy.id)
        .join(ReceiptAllocation, ReceiptAllocation.receivable_id == Receivable.id)
        .outerjoin(Endorsement, Endorsement.id == Receivable.endorsement_id)
        .where(ReceiptAllocation.receipt_id == receipt_id)
        .order_by(ReceiptAllocation.id)
    )
    return [ReceiptPart(*row) for row in db.session.execute(statement).tuples()]
