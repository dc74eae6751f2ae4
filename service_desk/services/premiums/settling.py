"""What a receipt settles: written and taken back here only, so that receipts, receivables and allocations agree."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import insert, select, update

from service_desk.base.clock import local_date
from service_desk.models.db import db
from service_desk.models.premiums import Receipt, ReceiptAllocation, Receivable
from service_desk.rules.premium import Debt, allocate
from service_desk.services.premiums.ledger import OpenReceivable


def settle(receipt: Receipt, chosen: Sequence[OpenReceivable], amount_fen: int, *, on: date) -> int:
    """Settle open receivables that are locked with money of a receipt, the oldest first; what was used, in fen."""
    debts = [Debt(one.receivable.id, one.receivable.due_on, one.open_fen) for one in chosen]
    parts = allocate(amount_fen, debts)
    # All but the last are settled whole: one statement, not one a policy.
    whole = {one.receivable.id for one in chosen if parts.get(one.receivable.id) == one.open_fen}
    db.session.execute(
        update(Receivable)
        .where(Receivable.id.in_(whole))
        .values(settled_fen=Receivable.amount_fen, version=Receivable.version + 1)
    )
    for one in chosen:
        if one.receivable.id not in whole:
            one.receivable.settled_fen += parts.get(one.receivable.id, 0)
    values = [
        {
            "receipt_id": receipt.id,
            "receivable_id": one.receivable.id,
            "amount_fen": parts[one.receivable.id],
            # Money that came before the premium arose settles it from then on.
            "allocated_on": max(on, local_date(one.receivable.created_at)),
        }
        for one in chosen
        if one.receivable.id in parts
    ]
    if values:
        db.session.execute(insert(ReceiptAllocation), values)
    used = sum(parts.values())
    receipt.allocated_fen += used
    return used


def take_back(receipt: Receipt, *, on: date) -> int:
    """Open again what a receipt settles; its allocations stay, marked. What was taken back, in fen."""
    live = (ReceiptAllocation.receipt_id == receipt.id) & ReceiptAllocation.taken_back_on.is_(None)
    parts = db.session.scalars(
        select(ReceiptAllocation).where(live).order_by(ReceiptAllocation.receivable_id)
    ).all()
    ids = {part.receivable_id for part in parts}
    rows = {
        row.id: row
        for row in db.session.scalars(
            select(Receivable)
            .where(Receivable.id.in_(ids))
            .order_by(Receivable.due_on, Receivable.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    for part in parts:
        rows[part.receivable_id].settled_fen -= part.amount_fen
        part.taken_back_on = max(on, part.allocated_on)
    total = sum(part.amount_fen for part in parts)
    receipt.allocated_fen -= total
    return total
