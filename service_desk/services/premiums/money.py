"""Money of a receipt after it was recorded: allocated, taken back, paid back; and receipts reversed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.money import format_yuan
from service_desk.base.text import squeeze
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.premiums import PremiumRefund, Receipt, ReceiptAllocation, Receivable
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, numbers, submissions
from service_desk.services.premiums.history import CREDIT
from service_desk.services.premiums.ledger import open_rows
from service_desk.services.premiums.settling import settle, take_back

_ALLOCATED = "money_allocated"


@dataclass(frozen=True)
class AllocateCommand:
    """Receivables of the account, of any branch, to settle with unallocated money. `amount_fen` None: all it can.

    `is_another`: it is known that as much was allocated to them just now.
    """

    receivable_ids: tuple[int, ...]
    amount_fen: int | None = None
    is_another: bool = False


def allocate_money(
    number: str, command: AllocateCommand, *, key: str = "", actor: User, now: datetime
) -> str:
    """Settle receivables with money of a receipt that settles nothing yet, the oldest first.

    Invalid: `no_receivable_chosen`, `amount_not_positive`, `more_than_unallocated`, `more_than_owed`, `sent_alike`.
    Conflict: `nothing_unallocated`, `receivable_settled` when another clerk was quicker.
    """

    def act() -> str:
        receipt = _locked(number, actor)
        if not command.receivable_ids:
            raise Invalid("no_receivable_chosen")
        if not receipt.unallocated_fen:
            raise Conflict("nothing_unallocated")
        chosen = open_rows(
            select(Receivable.id).where(
                Receivable.id.in_(command.receivable_ids), Receivable.account_id == receipt.account_id
            ),
            lock=True,
        )
        if len(chosen) != len(set(command.receivable_ids)):
            raise Conflict("receivable_settled")
        owed = sum(one.open_fen for one in chosen)
        fen = _checked_amount(command.amount_fen, min(receipt.unallocated_fen, owed), receipt)
        _require_no_twin(receipt, command, fen, actor, now)
        used = settle(receipt, chosen, fen, on=local_date(now))
        audit.record(_ALLOCATED, receipt, actor=actor, now=now, changes={"amount_fen": (None, used)})
        return receipt.number

    access.require(actor, Action.RECEIVE_PREMIUM)
    return submissions.once("allocation", key, act, actor=actor, now=now)


def _require_no_twin(
    receipt: Receipt, command: AllocateCommand, fen: int, actor: User, now: datetime
) -> None:
    # A part that left all of them open went to one, and a second would go there too. Taken back, it was no slip.
    went_there = select(ReceiptAllocation.id).where(
        ReceiptAllocation.receipt_id == receipt.id,
        ReceiptAllocation.receivable_id.in_(command.receivable_ids),
        ReceiptAllocation.amount_fen == fen,
        ReceiptAllocation.taken_back_on.is_(None),
    )
    submissions.require_unlike(
        AuditEntry.at,
        AuditEntry.action == _ALLOCATED,
        AuditEntry.entity_kind == Receipt.__tablename__,
        AuditEntry.entity_id == receipt.id,
        AuditEntry.actor_id == actor.id,
        went_there.exists(),
        is_another=command.is_another,
        now=now,
    )


def pay_back(
    number: str,
    amount_fen: int | None,
    reason: str,
    *,
    is_another: bool = False,
    key: str = "",
    actor: User,
    now: datetime,
) -> str:
    """Owe unallocated money of a receipt back to the client; the number of the refund. None: all of it.

    Invalid: `amount_not_positive`, `more_than_unallocated`, `sent_alike` unless `is_another`.
    Conflict `nothing_unallocated`.
    """

    def act() -> str:
        receipt = _locked(number, actor)
        if not squeeze(reason):
            raise Invalid("required", field="reason")
        if not receipt.unallocated_fen:
            raise Conflict("nothing_unallocated")
        fen = _checked_amount(amount_fen, receipt.unallocated_fen, receipt)
        submissions.require_unlike(
            PremiumRefund.created_at,
            PremiumRefund.from_receipt_id == receipt.id,
            PremiumRefund.amount_fen == fen,
            PremiumRefund.reason == squeeze(reason)[:200],
            is_another=is_another,
            now=now,
        )
        refund = PremiumRefund(
            number=numbers.next_number("RFD", local_date(now).year),
            account_id=receipt.account_id,
            branch_id=receipt.branch_id,
            from_receipt_id=receipt.id,
            reason=squeeze(reason)[:200],
            amount_fen=fen,
            created_at=now,
        )
        receipt.allocated_fen += fen
        db.session.add(refund)
        audit.record("money_owed_back", refund, actor=actor, now=now, changes={"amount_fen": (None, fen)})
        return refund.number

    access.require(actor, Action.RECEIVE_PREMIUM)
    return submissions.once("pay_back", key, act, actor=actor, now=now)


def _checked_amount(asked_fen: int | None, most_fen: int, receipt: Receipt) -> int:
    fen = most_fen if asked_fen is None else asked_fen
    if fen <= 0:
        raise Invalid("amount_not_positive", field="amount")
    if fen > receipt.unallocated_fen:
        unallocated = format_yuan(receipt.unallocated_fen, sign=True)
        raise Invalid("more_than_unallocated", field="amount", unallocated=unallocated)
    if fen > most_fen:
        raise Invalid("more_than_owed", field="amount", owed=format_yuan(most_fen, sign=True))
    return fen


def release_money(number: str, reason: str, *, actor: User, now: datetime) -> None:
    """Take back what a receipt settles: its money is unallocated again, the premium open.

    Conflict `settles_nothing`. For a receipt that was right but settled the wrong lines.
    """
    access.require(actor, Action.RECEIVE_PREMIUM)
    receipt = _locked(number, actor)
    if not squeeze(reason):
        raise Invalid("required", field="reason")
    fen = take_back(receipt, on=local_date(now))
    if not fen:
        raise Conflict("settles_nothing")
    changes = {"amount_fen": (fen, None), "reason": (None, squeeze(reason)[:200])}
    audit.record("allocation_taken_back", receipt, actor=actor, now=now, changes=changes)


def reverse_receipt(number: str, reason: str, *, actor: User, now: datetime) -> None:
    """Take a receipt back that was recorded wrongly: it stays, marked, and what it settled is open again.

    Conflict: `receipt_reversed`, `receipt_paid_back` when money of it is owed or paid back,
    `receipt_of_refund` for one made of a refund: its money is paid back instead.
    """
    access.require(actor, Action.RECEIVE_PREMIUM)
    receipt = _locked(number, actor)
    if not squeeze(reason):
        raise Invalid("required", field="reason")
    if receipt.method == CREDIT:
        raise Conflict("receipt_of_refund")
    refunds = select(func.count()).where(PremiumRefund.from_receipt_id == receipt.id)
    if db.session.scalar(refunds):
        raise Conflict("receipt_paid_back")
    today = local_date(now)
    fen = take_back(receipt, on=today)
    changes = audit.change(
        receipt, reversed_on=today, reversed_by_id=actor.id, reverse_reason=squeeze(reason)[:200]
    )
    changes |= {"amount_fen": (receipt.amount_fen, None), "allocated_fen": (fen, None)}
    audit.record("receipt_reversed", receipt, actor=actor, now=now, changes=changes)


def _locked(number: str, actor: User) -> Receipt:
    """A receipt whose money nobody else moves meanwhile; Conflict when it was reversed."""
    known = access.get_visible(actor, Action.RECEIVE_PREMIUM, Receipt, Receipt.number == number)
    receipt = db.session.scalars(
        select(Receipt)
        .where(Receipt.id == known.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if receipt.reversed_on is not None:
        raise Conflict("receipt_reversed")
    return receipt
