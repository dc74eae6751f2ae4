"""Premium and money owed back to the client: paid out once, or credited to settle other premium."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, Policy
from service_desk.models.premiums import PremiumRefund, Receipt, RefundState
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, submissions
from service_desk.services.premiums.history import CREDIT
from service_desk.services.premiums.receipts import METHODS, ReceiptCommand, add_receipt


@dataclass(frozen=True)
class Payout:
    """How a refund was paid out."""

    paid_on: date
    method: str
    payee: str
    reference: str = ""


@dataclass(frozen=True)
class RefundRow:
    """A refund with what it comes from: an endorsement of a policy, or a receipt's unallocated money."""

    refund: PremiumRefund
    branch: Branch
    policy: Policy | None
    endorsement_number: str | None
    from_receipt_number: str | None


@dataclass(frozen=True)
class RefundView:
    """A refund with all its page and its voucher show."""

    row: RefundRow
    account: KeyAccount
    settled_by: User | None
    receipt: Receipt | None


def list_refunds(
    account_id: int,
    page: PageRequest,
    *,
    actor: User,
    state: RefundState | None = None,
    branch_id: int | None = None,
) -> Page[RefundRow]:
    """Refunds of an account, the latest first."""
    statement = _refunds(account_id, actor, state, branch_id)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = _rows(statement.limit(page.size).offset(page.offset))
    return Page(rows, total, page.number, page.size)


def owed_by_branch(account_id: int, *, actor: User) -> list[tuple[Branch, int, int]]:
    """The branches that are owed something back, by name, with how many refunds and how much, in fen."""
    access.require(actor, Action.READ_PREMIUMS)
    statement = (
        select(Branch, func.count(PremiumRefund.id), func.sum(PremiumRefund.amount_fen))
        .join(PremiumRefund, PremiumRefund.branch_id == Branch.id)
        .where(PremiumRefund.account_id == account_id, PremiumRefund.state == RefundState.OWED)
        .group_by(Branch.id)
        .order_by(Branch.name, Branch.id)
    )
    rows = db.session.execute(access.visible(actor, Action.READ_PREMIUMS, statement, PremiumRefund))
    return [(row[0], row[1], int(row[2])) for row in rows]


def get_refund(number: str, *, actor: User) -> RefundView:
    """One refund; NotFound when the actor may not see it."""
    refund = access.get_visible(actor, Action.READ_PREMIUMS, PremiumRefund, PremiumRefund.number == number)
    (row,) = _rows(_joined().where(PremiumRefund.id == refund.id))
    return RefundView(
        row,
        db.session.get_one(KeyAccount, refund.account_id),
        db.session.get_one(User, refund.settled_by_id) if refund.settled_by_id else None,
        db.session.get_one(Receipt, refund.receipt_id) if refund.receipt_id else None,
    )


def pay_refund(number: str, payout: Payout, *, actor: User, now: datetime) -> None:
    """Note that a refund was paid out. Conflict `refund_settled` when it was paid or credited already."""
    access.require(actor, Action.RECEIVE_PREMIUM)
    refund = _locked(number, actor)
    _check_payout(payout, refund, now)
    changes = audit.change(
        refund,
        state=RefundState.PAID,
        settled_on=payout.paid_on,
        settled_by_id=actor.id,
        method=payout.method,
        payee=squeeze(payout.payee)[:200],
        reference=squeeze(payout.reference)[:200],
    )
    audit.record("refund_paid", refund, actor=actor, now=now, changes=changes)


def _check_payout(payout: Payout, refund: PremiumRefund, now: datetime) -> None:
    faults = []
    if payout.paid_on > local_date(now):
        faults.append(Invalid("paid_in_future", field="paid_on"))
    elif payout.paid_on < local_date(refund.created_at):
        faults.append(Invalid("paid_before_owed", field="paid_on", day=local_date(refund.created_at)))
    if payout.method not in METHODS:
        faults.append(Invalid("required", field="method"))
    if not squeeze(payout.payee):
        faults.append(Invalid("required", field="payee"))
    if faults:
        raise InvalidMany(faults)


def credit_refund(number: str, *, key: str = "", actor: User, now: datetime) -> str:
    """Keep a refund as money received, to settle other premium; the number of its receipt."""

    def act() -> str:
        refund = _locked(number, actor)
        branch = db.session.get_one(Branch, refund.branch_id)
        today = local_date(now)
        command = ReceiptCommand(branch.id, (), refund.amount_fen, today, CREDIT, branch.name, refund.number)
        receipt = add_receipt(branch, command, refund.amount_fen, actor, now)
        changes = audit.change(
            refund,
            state=RefundState.CREDITED,
            settled_on=today,
            settled_by_id=actor.id,
            method=CREDIT,
            receipt_id=receipt.id,
        )
        audit.record("refund_credited", refund, actor=actor, now=now, changes=changes)
        return receipt.number

    access.require(actor, Action.RECEIVE_PREMIUM)
    return submissions.once("refund_credit", key, act, actor=actor, now=now)


def _locked(number: str, actor: User) -> PremiumRefund:
    known = access.get_visible(actor, Action.RECEIVE_PREMIUM, PremiumRefund, PremiumRefund.number == number)
    refund = db.session.scalars(
        select(PremiumRefund)
        .where(PremiumRefund.id == known.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if refund.state is not RefundState.OWED:
        raise Conflict("refund_settled")
    return refund


def _refunds(
    account_id: int, actor: User, state: RefundState | None, branch_id: int | None
) -> Select[tuple[PremiumRefund, Branch, Policy, str, str]]:
    access.require(actor, Action.READ_PREMIUMS)
    statement = _joined().where(PremiumRefund.account_id == account_id)
    if state is not None:
        statement = statement.where(PremiumRefund.state == state)
    if branch_id is not None:
        statement = statement.where(PremiumRefund.branch_id == branch_id)
    return access.visible(actor, Action.READ_PREMIUMS, statement, PremiumRefund)


def _joined() -> Select[tuple[PremiumRefund, Branch, Policy, str, str]]:
    return (
        select(PremiumRefund, Branch, Policy, Endorsement.number, Receipt.number)
        .join(Branch, Branch.id == PremiumRefund.branch_id)
        .outerjoin(Policy, Policy.id == PremiumRefund.policy_id)
        .outerjoin(Endorsement, Endorsement.id == PremiumRefund.endorsement_id)
        .outerjoin(Receipt, Receipt.id == PremiumRefund.from_receipt_id)
        .order_by(PremiumRefund.created_at.desc(), PremiumRefund.id.desc())
    )


def _rows(statement: Select[tuple[PremiumRefund, Branch, Policy, str, str]]) -> list[RefundRow]:
    return [RefundRow(*row) for row in db.session.execute(statement).tuples()]
