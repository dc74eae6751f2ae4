"""What an endorsement does to the premium ledger: more is owed, or what is still open is lowered and the rest given back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select

from service_desk.base.clock import local_date
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, Policy
from service_desk.models.premiums import PremiumRefund, Receivable
from service_desk.rules import premium as premium_rules
from service_desk.services import numbers


@dataclass(frozen=True)
class LedgerChange:
    """What a premium change does. `owed_fen` falls due on `due_on`; `lowered` are open receivables and by how much.

    `refunds` are fen by branch: premium was paid by the branch that had the vehicle then.
    """

    owed_fen: int = 0
    due_on: date | None = None
    lowered: tuple[tuple[Receivable, int], ...] = ()
    refunds: tuple[tuple[int, int], ...] = ()

    @property
    def lowered_fen(self) -> int:
        return sum(fen for _, fen in self.lowered)

    @property
    def refund_fen(self) -> int:
        return sum(fen for _, fen in self.refunds)


def ledger_change(
    policy: Policy, premium_fen: int, effective_at: datetime, *, now: datetime, lock: bool = False
) -> LedgerChange:
    """Say what a premium added (or returned, when negative) does to the ledger; `lock` keeps receipts waiting.

    Premium returned lowers what is open, the latest due first; vehicle tax is never returned, because only
    premium is.
    """
    if premium_fen >= 0:
        return LedgerChange(premium_fen, premium_rules.due_on(local_date(effective_at), local_date(now)))
    rows = _receivables(policy, lock=lock)
    left, lowered = -premium_fen, []
    for row in rows:
        part = min(left, row.amount_fen - row.settled_fen)
        if part:
            lowered.append((row, part))
        left -= part
    return LedgerChange(lowered=tuple(lowered), refunds=tuple(_refunds(policy, rows, left)))


def _receivables(policy: Policy, *, lock: bool) -> Sequence[Receivable]:
    statement: Select[tuple[Receivable]] = (
        select(Receivable)
        .where(Receivable.policy_id == policy.id)
        .order_by(Receivable.due_on.desc(), Receivable.id.desc())
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(statement).all()


def _refunds(policy: Policy, rows: Sequence[Receivable], left: int) -> list[tuple[int, int]]:
    """Share what is given back over the branches that paid, the last payer first."""
    if not left:
        return []
    paid: dict[int, int] = {}
    for row in rows:
        paid[row.branch_id] = paid.get(row.branch_id, 0) + row.settled_fen
    given = select(PremiumRefund.branch_id, func.sum(PremiumRefund.amount_fen)).where(
        PremiumRefund.policy_id == policy.id
    )
    for branch_id, fen in db.session.execute(given.group_by(PremiumRefund.branch_id)):
        paid[branch_id] = paid.get(branch_id, 0) - int(fen)
    found: dict[int, int] = {}
    for branch_id, fen in paid.items():
        part = min(left, max(fen, 0))
        found[branch_id] = part
        left -= part
    # A policy taken over may have been paid before the desk kept its premium.
    found[policy.branch_id] = found.get(policy.branch_id, 0) + left
    return [(branch_id, fen) for branch_id, fen in found.items() if fen]


def write_ledger(change: LedgerChange, endorsement: Endorsement, *, now: datetime) -> None:
    """Write what `ledger_change` said of an endorsement."""
    if change.owed_fen:
        db.session.add(
            Receivable(
                account_id=endorsement.account_id,
                branch_id=endorsement.branch_id,
                policy_id=endorsement.policy_id,
                endorsement_id=endorsement.id,
                amount_fen=change.owed_fen,
                due_on=change.due_on,
                created_at=now,
            )
        )
    for row, fen in change.lowered:
        row.amount_fen -= fen
    for branch_id, fen in change.refunds:
        db.session.add(
            PremiumRefund(
                number=numbers.next_number("RFD", local_date(now).year),
                account_id=endorsement.account_id,
                branch_id=branch_id,
                policy_id=endorsement.policy_id,
                endorsement_id=endorsement.id,
                amount_fen=fen,
                created_at=now,
            )
        )
