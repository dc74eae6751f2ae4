"""Premium by day: what was open, unallocated and owed back at the end of a day, and what changed between two.

Days are China's. Everything follows from records that stay: policies and endorsements as issued, receipts by the
day the money came, what they settled and from when to when, refunds by the day they arose and were paid.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, case, func, literal, or_, select

from service_desk.base.clock import end_of_day, local_date, start_of_day
from service_desk.models.db import db
from service_desk.models.kept import built_once
from service_desk.models.policies import Endorsement, Policy, PolicyOrigin, PolicyState
from service_desk.models.premiums import (
    PremiumRefund,
    Receipt,
    ReceiptAllocation,
    Receivable,
    RefundState,
)
from service_desk.rules.premium import Balance

CREDIT = "credit"
"""The method of a receipt that was made of a refund: no new money."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What was open of a receivable at the end of a day."""

    receivable_id: int
    policy_id: int
    branch_id: int
    due_on: date
    open_fen: int


@dataclass(frozen=True)
class _Return:
    policy_id: int
    at: datetime
    fen: int


@dataclass(frozen=True)
class _Debt:
    """The receivables of a policy or of one endorsement; `missing_fen`: how much they were lowered.

    `is_taken_over`: of a policy issued before the desk kept the account.
    """

    policy_id: int
    branch_id: int
    created_at: datetime
    missing_fen: int
    is_taken_over: bool


@dataclass(frozen=True)
class _Lowering:
    """Premium an endorsement returned by lowering what was still open, in fen; the rest became a refund."""

    policy_id: int
    branch_id: int
    at: datetime
    fen: int


def settles_at(day: date) -> ColumnElement[bool]:
    """Whether an allocation settles at the end of a day."""
    return and_(
        ReceiptAllocation.allocated_on <= day,
        or_(ReceiptAllocation.taken_back_on.is_(None), ReceiptAllocation.taken_back_on > day),
    )


def open_at(account_id: int, day: date) -> list[OpenItem]:
    """What was open of an account at the end of a day, the oldest first."""
    rows = _open_items(_opened(account_id, day, end_of_day(day)).rows())
    return sorted(_raised(account_id, rows, end_of_day(day)), key=lambda one: (one.due_on, one.receivable_id))


@built_once
def _opened(account_id: int, day: date, day_end: datetime) -> Select[Any]:
    # From what is settled now: without what was allocated since, and with what was taken back since.
    since = case((settles_at(day), 0), else_=ReceiptAllocation.amount_fen)
    until = case((settles_at(day), ReceiptAllocation.amount_fen), else_=0)
    opened = (
        select(
            ReceiptAllocation.receivable_id,
            func.sum(case((ReceiptAllocation.taken_back_on.is_(None), since), else_=-until)).label("fen"),
        )
        .join(Receipt, Receipt.id == ReceiptAllocation.receipt_id)
        .where(
            Receipt.account_id == account_id,
            or_(ReceiptAllocation.allocated_on > day, ReceiptAllocation.taken_back_on > day),
        )
        .group_by(ReceiptAllocation.receivable_id)
        .subquery()
    )
    open_fen = Receivable.amount_fen - Receivable.settled_fen + func.coalesce(opened.c.fen, 0)
    return (
        _items(open_fen)
        .outerjoin(opened, opened.c.receivable_id == Receivable.id)
        .where(Receivable.account_id == account_id, Receivable.created_at < day_end, open_fen != 0)
    )


def _items(open_fen: Any) -> Select[Any]:
    return select(Receivable.id, Receivable.policy_id, Receivable.branch_id, Receivable.due_on, open_fen)


def _open_items(rows: Iterable[Any]) -> list[OpenItem]:
    return [
        OpenItem(receivable_id, policy_id, branch_id, due_on, int(fen))
        for receivable_id, policy_id, branch_id, due_on, fen in rows
    ]


def _raised(account_id: int, rows: list[OpenItem], until: datetime) -> Iterable[OpenItem]:
    """Add what was open then and lowered since, to the last instalment of its policy and branch."""
    returns = _returns(account_id)
    debts = _lowered_debts(account_id, returns)
    added: dict[tuple[int, int], int] = defaultdict(int)
    for debt in debts:
        if debt.created_at < until:
            added[debt.policy_id, debt.branch_id] += debt.missing_fen
    for one in _taken(returns, debts):
        if one.at < until:
            added[one.policy_id, one.branch_id] -= one.fen
    if not any(added.values()):
        return rows
    own = _items(literal(0)).where(Receivable.policy_id.in_(_changed(account_id)))
    ordered = own.where(Receivable.created_at < until).order_by(Receivable.due_on, Receivable.id)
    last = {(item.policy_id, item.branch_id): item for item in _open_items(db.session.execute(ordered))}
    by_id = {row.receivable_id: row for row in rows}
    for key, fen in added.items():
        if fen:
            row = by_id.get(last[key].receivable_id, last[key])
            by_id[row.receivable_id] = replace(row, open_fen=row.open_fen + fen)
    return [row for row in by_id.values() if row.open_fen]


def _returns(account_id: int) -> list[_Return]:
    """Endorsements that returned premium, with what of it did not become a refund, the earliest first."""
    rows = _lowering_endorsements(account_id).rows()
    return [_Return(policy_id, at, int(fen)) for policy_id, at, fen in rows]


@built_once
def _lowering_endorsements(account_id: int) -> Select[Any]:
    refunded = (
        select(PremiumRefund.endorsement_id, func.sum(PremiumRefund.amount_fen).label("fen"))
        .where(PremiumRefund.account_id == account_id)
        .group_by(PremiumRefund.endorsement_id)
        .subquery()
    )
    lowered = -Endorsement.premium_fen - func.coalesce(refunded.c.fen, 0)
    return (
        select(Endorsement.policy_id, Endorsement.created_at, lowered)
        .join(Policy, Policy.id == Endorsement.policy_id)
        .outerjoin(refunded, refunded.c.endorsement_id == Endorsement.id)
        .where(Endorsement.account_id == account_id, Endorsement.premium_fen < 0, lowered > 0, _counts())
        .order_by(Endorsement.created_at, Endorsement.id)
    )


def _lowered_debts(account_id: int, returns: Iterable[_Return]) -> list[_Debt]:
    """Of policies and their endorsements: what their receivables fall short of what was asked for, the latest first.

    Of a policy taken over the desk asked for what was not paid yet, which nobody kept: its receivables fall
    short of what the returns did not take elsewhere.
    """
    left: dict[int, int] = defaultdict(int)
    for one in returns:
        left[one.policy_id] += one.fen
    if not left:
        return []
    asked = func.coalesce(Endorsement.premium_fen, Policy.premium_fen + Policy.tax_fen)
    since = func.min(Receivable.created_at)
    statement = (
        select(
            Receivable.policy_id,
            func.min(Receivable.branch_id),
            since,
            asked - func.sum(Receivable.amount_fen),
            and_(Receivable.endorsement_id.is_(None), Policy.origin == PolicyOrigin.TAKEN_OVER),
        )
        .join(Policy, Policy.id == Receivable.policy_id)
        .outerjoin(Endorsement, Endorsement.id == Receivable.endorsement_id)
        .where(Receivable.policy_id.in_(_changed(account_id)), _counts())
        .group_by(Receivable.policy_id, Receivable.endorsement_id, asked, Policy.origin)
        .order_by(since.desc(), Receivable.endorsement_id.desc())
    )
    found = [
        _Debt(row[0], row[1], row[2], int(row[3]), bool(row[4])) for row in db.session.execute(statement)
    ]
    for debt in found:
        if not debt.is_taken_over:
            left[debt.policy_id] -= debt.missing_fen
    return [replace(debt, missing_fen=left[debt.policy_id]) if debt.is_taken_over else debt for debt in found]


def _changed(account_id: int) -> Select[tuple[int]]:
    """Policies of which premium was returned."""
    return select(Endorsement.policy_id).where(
        Endorsement.account_id == account_id, Endorsement.premium_fen < 0
    )


def _taken(returns: Iterable[_Return], debts: Iterable[_Debt]) -> Iterator[_Lowering]:
    """What each return took off which debt.

    Where a policy's debts belong to several branches (it moved), returns in their order take what is missing now
    from the latest debts there were first.
    """
    left = [(debt, [debt.missing_fen]) for debt in debts]
    for one in returns:
        fen = one.fen
        for debt, missing in left:
            part = min(fen, missing[0])
            if debt.policy_id == one.policy_id and debt.created_at <= one.at and part > 0:
                missing[0] -= part
                fen -= part
                yield _Lowering(one.policy_id, debt.branch_id, one.at, part)


def _counts() -> ColumnElement[bool]:
    """A batch undone is as if it had not been issued."""
    return Policy.state != PolicyState.VOIDED


@dataclass(frozen=True)
class _Source:
    """Where changes of a kind come from: rows with a branch, an amount and a day or an instant."""

    kind: str
    branch_id: Any
    fen: Any
    when: Any
    rows: Select[Any]


def balances(account_id: int, start: date, end: date) -> dict[int, Balance]:
    """The sums of a statement by branch, from `start` to the end of `end`."""
    sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for source in _sources(account_id):
        is_day = isinstance(source.when.type, Date)
        first, after = (start, None) if is_day else (start_of_day(start), end_of_day(end))
        until = source.when <= end if after is None else source.when < after
        before = source.when < first
        statement = source.rows.with_only_columns(
            source.branch_id,
            func.sum(case((before, source.fen), else_=0)),
            func.sum(case((before, 0), else_=source.fen)),
        )
        for branch_id, opening, within in db.session.execute(
            statement.where(until).group_by(source.branch_id)
        ):
            sums[branch_id]["opening_fen"] += int(opening)
            sums[branch_id][source.kind] += int(within)
    returns = _returns(account_id)
    debts = _lowered_debts(account_id, returns)
    changes = [("returned_fen", one.branch_id, one.at, -one.fen) for one in _taken(returns, debts)]
    changes += [
        ("premium_fen", debt.branch_id, debt.created_at, debt.missing_fen)
        for debt in debts
        if debt.is_taken_over
    ]
    for kind, branch_id, at, fen in changes:
        if (day := local_date(at)) <= end:
            sums[branch_id]["opening_fen" if day < start else kind] += fen
    return {branch_id: Balance(**own) for branch_id, own in sums.items()}


def _sources(account_id: int) -> Iterator[_Source]:
    yield _premiums(account_id)
    yield _endorsements(account_id)
    refunds = select(PremiumRefund.id).where(PremiumRefund.account_id == account_id)
    returned = refunds.where(PremiumRefund.endorsement_id.is_not(None))
    branch_id, fen = PremiumRefund.branch_id, PremiumRefund.amount_fen
    yield _Source("returned_fen", branch_id, -fen, PremiumRefund.created_at, returned)
    paid = refunds.where(PremiumRefund.state == RefundState.PAID)
    yield _Source("refunded_fen", branch_id, fen, PremiumRefund.settled_on, paid)
    yield from _money(account_id)
    yield from _moves(account_id)


def _money(account_id: int) -> Iterator[_Source]:
    """Money that came in, and receipts that turned out to be wrong."""
    money = select(Receipt.id).where(Receipt.account_id == account_id, Receipt.method != CREDIT)
    yield _Source("received_fen", Receipt.branch_id, -Receipt.amount_fen, Receipt.received_on, money)
    taken_back = money.where(Receipt.reversed_on.is_not(None))
    yield _Source("reversed_fen", Receipt.branch_id, Receipt.amount_fen, Receipt.reversed_on, taken_back)


def received_within(account_id: int, start: date, end: date) -> dict[int, int]:
    """Money received from `start` to the end of `end` less receipts reversed in it, in fen by branch.

    What `balances` calls received and reversed, with the sign of money that came.
    """
    found: dict[int, int] = defaultdict(int)
    for source in _money(account_id):
        statement = source.rows.with_only_columns(source.branch_id, -func.sum(source.fen))
        for branch_id, fen in db.session.execute(
            statement.where(source.when.between(start, end)).group_by(source.branch_id)
        ):
            found[branch_id] += int(fen)
    return dict(found)


def _premiums(account_id: int) -> _Source:
    arose = (
        select(
            Receivable.policy_id,
            func.min(Receivable.branch_id).label("branch_id"),
            func.min(Receivable.created_at).label("at"),
            func.sum(Receivable.amount_fen).label("fen"),
        )
        .where(Receivable.account_id == account_id, Receivable.endorsement_id.is_(None))
        .group_by(Receivable.policy_id)
        .subquery()
    )
    rows = select(Policy.id).join(arose, arose.c.policy_id == Policy.id).where(_counts())
    # Of a policy taken over the desk asks only for what was not paid before.
    asked = case(
        (Policy.origin == PolicyOrigin.TAKEN_OVER, arose.c.fen), else_=Policy.premium_fen + Policy.tax_fen
    )
    return _Source("premium_fen", arose.c.branch_id, asked, arose.c.at, rows)


def _endorsements(account_id: int) -> _Source:
    arose = (
        select(Receivable.endorsement_id, func.min(Receivable.branch_id).label("branch_id"))
        .where(Receivable.account_id == account_id, Receivable.endorsement_id.is_not(None))
        .group_by(Receivable.endorsement_id)
        .subquery()
    )
    rows = (
        select(Endorsement.id)
        .join(arose, arose.c.endorsement_id == Endorsement.id)
        .join(Policy, Policy.id == Endorsement.policy_id)
        .where(Endorsement.premium_fen > 0, _counts())
    )
    return _Source("endorsed_fen", arose.c.branch_id, Endorsement.premium_fen, Endorsement.created_at, rows)


def _moves(account_id: int) -> Iterator[_Source]:
    """Money of one branch that settles premium of another, and back again when it was taken back."""
    rows = (
        select(ReceiptAllocation.id)
        .join(Receipt, Receipt.id == ReceiptAllocation.receipt_id)
        .join(Receivable, Receivable.id == ReceiptAllocation.receivable_id)
        .where(Receipt.account_id == account_id, Receipt.branch_id != Receivable.branch_id)
    )
    back = rows.where(ReceiptAllocation.taken_back_on.is_not(None))
    fen = ReceiptAllocation.amount_fen
    for branch_id, sign in ((Receipt.branch_id, 1), (Receivable.branch_id, -1)):
        yield _Source("moved_fen", branch_id, sign * fen, ReceiptAllocation.allocated_on, rows)
        yield _Source("moved_fen", branch_id, -sign * fen, ReceiptAllocation.taken_back_on, back)


def unallocated_at(account_id: int, day: date) -> dict[int, int]:
    """Money of receipts that settled nothing at the end of a day, in fen by branch."""
    live = or_(Receipt.reversed_on.is_(None), Receipt.reversed_on > day)
    found: dict[int, int] = defaultdict(int)
    received = (
        select(Receipt.branch_id, func.sum(Receipt.amount_fen))
        .where(Receipt.account_id == account_id, Receipt.received_on <= day, live)
        .group_by(Receipt.branch_id)
    )
    allocated = (
        select(Receipt.branch_id, -func.sum(ReceiptAllocation.amount_fen))
        .join(ReceiptAllocation, ReceiptAllocation.receipt_id == Receipt.id)
        .where(Receipt.account_id == account_id, settles_at(day))
        .group_by(Receipt.branch_id)
    )
    paid_back = (
        select(PremiumRefund.branch_id, -func.sum(PremiumRefund.amount_fen))
        .where(
            PremiumRefund.account_id == account_id,
            PremiumRefund.from_receipt_id.is_not(None),
            PremiumRefund.created_at < end_of_day(day),
        )
        .group_by(PremiumRefund.branch_id)
    )
    for statement in (received, allocated, paid_back):
        for branch_id, fen in db.session.execute(statement):
            found[branch_id] += int(fen)
    return {branch_id: fen for branch_id, fen in found.items() if fen}


def owed_back_at(account_id: int, day: date) -> dict[int, int]:
    """Refunds owed to the client at the end of a day, in fen by branch."""
    statement = (
        select(PremiumRefund.branch_id, func.sum(PremiumRefund.amount_fen))
        .where(
            PremiumRefund.account_id == account_id,
            PremiumRefund.created_at < end_of_day(day),
            or_(PremiumRefund.settled_on.is_(None), PremiumRefund.settled_on > day),
        )
        .group_by(PremiumRefund.branch_id)
    )
    return {branch_id: int(fen) for branch_id, fen in db.session.execute(statement)}
