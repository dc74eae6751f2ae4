"""Premium by day: what was open, unallocated and owed back at the end of a day, and what changed between two.

Days are China's. Everything follows from records that stay: policies and endorsements as issued, receipts by the
day the money came, what they settled and from when to when, refunds by the day they arose and were paid.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select

from service_desk.base.clock import end_of_day, local_date, start_of_day
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, Policy, PolicyState
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


@dataclass(frozen=True)
class OpenItem:
    """What was open of a receivable at the end of a day."""

    receivable_id: int
    policy_id: int
    branch_id: int
    due_on: date
    open_fen: int


@dataclass(frozen=True)
class Lowering:
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
    statement = (
        _items(open_fen)
        .outerjoin(opened, opened.c.receivable_id == Receivable.id)
        .where(Receivable.account_id == account_id, Receivable.created_at < end_of_day(day), open_fen != 0)
    )
    rows = _read(statement)
    later = [one for one in lowerings(account_id) if one.at >= end_of_day(day)]
    return sorted(_raised(rows, later), key=lambda one: (one.due_on, one.receivable_id))


def _items(open_fen: Any) -> Select[Any]:
    return select(Receivable.id, Receivable.policy_id, Receivable.branch_id, Receivable.due_on, open_fen)


def _read(statement: Select[Any]) -> list[OpenItem]:
    return [
        OpenItem(receivable_id, policy_id, branch_id, due_on, int(fen))
        for receivable_id, policy_id, branch_id, due_on, fen in db.session.execute(statement)
    ]


def _raised(rows: list[OpenItem], later: list[Lowering]) -> Iterable[OpenItem]:
    """Add what was open then and lowered since, to the last instalment of its policy and branch."""
    added: dict[tuple[int, int], int] = defaultdict(int)
    for one in later:
        added[one.policy_id, one.branch_id] += one.fen
    if not added:
        return rows
    by_id = {row.receivable_id: row for row in rows}
    own = _items(literal(0)).where(Receivable.policy_id.in_({one.policy_id for one in later}))
    ordered = own.order_by(Receivable.due_on, Receivable.id)
    last = {(item.policy_id, item.branch_id): item for item in _read(ordered)}
    for key, fen in added.items():
        if key in last:
            row = by_id.get(last[key].receivable_id, last[key])
            by_id[row.receivable_id] = OpenItem(row.receivable_id, *key, row.due_on, row.open_fen + fen)
    return by_id.values()


def lowerings(account_id: int) -> list[Lowering]:
    """What endorsements of an account took off receivables, with the branch whose debt it was.

    Where a policy's receivables belong to several branches (it moved), returns in their order take what is
    missing from the latest receivables first.
    """
    refunded = dict(
        db.session.execute(
            select(PremiumRefund.endorsement_id, func.sum(PremiumRefund.amount_fen))
            .where(PremiumRefund.account_id == account_id, PremiumRefund.endorsement_id.is_not(None))
            .group_by(PremiumRefund.endorsement_id)
        )
        .tuples()
        .all()
    )
    returns = db.session.execute(
        select(Endorsement.id, Endorsement.policy_id, Endorsement.created_at, -Endorsement.premium_fen)
        .join(Policy, Policy.id == Endorsement.policy_id)
        .where(Endorsement.account_id == account_id, Endorsement.premium_fen < 0, _counts())
        .order_by(Endorsement.created_at, Endorsement.id)
    ).all()
    missing = _missing({row.policy_id for row in returns})
    found = []
    for endorsement_id, policy_id, at, fen in returns:
        left = fen - int(refunded.get(endorsement_id, 0))
        for branch_id, part in _take(missing.get(policy_id, []), left):
            found.append(Lowering(policy_id, branch_id, at, part))
    return found


def _missing(policy_ids: set[int]) -> dict[int, list[list[int]]]:
    """By policy: [branch, fen] that its receivables fall short of what was asked for, the latest first."""
    asked = func.coalesce(Endorsement.premium_fen, Policy.premium_fen + Policy.tax_fen)
    statement = (
        select(
            Receivable.policy_id,
            Receivable.endorsement_id,
            func.min(Receivable.branch_id),
            asked - func.sum(Receivable.amount_fen),
        )
        .join(Policy, Policy.id == Receivable.policy_id)
        .outerjoin(Endorsement, Endorsement.id == Receivable.endorsement_id)
        .where(Receivable.policy_id.in_(policy_ids))
        .group_by(Receivable.policy_id, Receivable.endorsement_id, asked)
    )
    found: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for policy_id, endorsement_id, branch_id, fen in db.session.execute(statement):
        found[policy_id].append((endorsement_id or 0, branch_id, int(fen)))
    return {
        policy_id: [[branch_id, fen] for _, branch_id, fen in sorted(groups, reverse=True)]
        for policy_id, groups in found.items()
    }


def _take(groups: list[list[int]], fen: int) -> Iterator[tuple[int, int]]:
    for group in groups:
        part = min(fen, group[1])
        if part > 0:
            group[1] -= part
            fen -= part
            yield group[0], part


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
        is_day = source.when.type.python_type is date
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
    for one in lowerings(account_id):
        day = local_date(one.at)
        if day <= end:
            sums[one.branch_id]["opening_fen" if day < start else "returned_fen"] -= one.fen
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
    money = select(Receipt.id).where(Receipt.account_id == account_id, Receipt.method != CREDIT)
    yield _Source("received_fen", Receipt.branch_id, -Receipt.amount_fen, Receipt.received_on, money)
    taken_back = money.where(Receipt.reversed_on.is_not(None))
    yield _Source("reversed_fen", Receipt.branch_id, Receipt.amount_fen, Receipt.reversed_on, taken_back)
    yield from _moves(account_id)


def _premiums(account_id: int) -> _Source:
    arose = (
        select(
            Receivable.policy_id,
            func.min(Receivable.branch_id).label("branch_id"),
            func.min(Receivable.created_at).label("at"),
        )
        .where(Receivable.account_id == account_id, Receivable.endorsement_id.is_(None))
        .group_by(Receivable.policy_id)
        .subquery()
    )
    rows = select(Policy.id).join(arose, arose.c.policy_id == Policy.id).where(_counts())
    return _Source("premium_fen", arose.c.branch_id, Policy.premium_fen + Policy.tax_fen, arose.c.at, rows)


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
