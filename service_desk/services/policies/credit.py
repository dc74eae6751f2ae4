"""The credit limit of an account over all its branches, and the release that lets an order beyond it.

The premium ledger stands above policies, so what of the limit is used is worked out here for both.
"""

from datetime import datetime

from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.base.money import format_yuan
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import IssueBatch, IssuePortion, IssueRun
from service_desk.models.premiums import (
    CreditRelease,
    PremiumRefund,
    Receipt,
    Receivable,
    RefundState,
    ReleaseState,
)
from service_desk.models.users import User
from service_desk.rules.premium import Credit


def credit_of(account: KeyAccount) -> Credit:
    """The account's credit limit and what of it is used now. The caller has checked the account."""
    open_fen = Receivable.amount_fen - Receivable.settled_fen
    unallocated = Receipt.amount_fen - Receipt.allocated_fen
    return Credit(
        account.credit_limit_fen,
        _sum(select(func.sum(open_fen)).where(Receivable.account_id == account.id, open_fen > 0)),
        _sum(
            select(func.sum(unallocated)).where(
                Receipt.account_id == account.id, Receipt.reversed_on.is_(None), unallocated > 0
            )
        ),
        _sum(
            select(func.sum(PremiumRefund.amount_fen)).where(
                PremiumRefund.account_id == account.id, PremiumRefund.state == RefundState.OWED
            )
        ),
        _sum(
            select(func.sum(IssuePortion.due_fen))
            .join(IssueRun, IssueRun.id == IssuePortion.run_id)
            .where(IssueRun.account_id == account.id, IssuePortion.done_at.is_(None))
        ),
    )


def _sum(statement: object) -> int:
    return int(db.session.scalar(statement) or 0)  # type: ignore[call-overload]


def check_credit(account_id: int, order_fen: int, *, actor: User, now: datetime) -> CreditRelease | None:
    """Refuse an order that goes beyond the limit unless a release covers it; the release to use, if one is needed.

    Invalid `credit_exceeded`. Two orders at once: the second waits for the account's row, and then counts the first.
    """
    account = db.session.scalars(
        select(KeyAccount)
        .where(KeyAccount.id == account_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    credit = credit_of(account)
    exceeded = credit.exceeded_by(order_fen)
    if not exceeded:
        return None
    release = usable_release(account_id, exceeded, actor=actor, now=now, lock=True)
    if release is None:
        raise Invalid(
            "credit_exceeded",
            limit=format_yuan(credit.limit_fen, sign=True),
            used=format_yuan(credit.used_fen, sign=True),
            order=format_yuan(order_fen, sign=True),
            exceeded=format_yuan(exceeded, sign=True),
        )
    return release


def usable_release(
    account_id: int, exceeded_fen: int, *, actor: User, now: datetime, lock: bool = False
) -> CreditRelease | None:
    """The smallest release of the actor's own requests that covers so much beyond the limit today.

    Nobody releases for themselves: one decided by the actor does not count.
    """
    statement = (
        select(CreditRelease)
        .where(
            CreditRelease.account_id == account_id,
            CreditRelease.state == ReleaseState.RELEASED,
            CreditRelease.asked_by_id == actor.id,
            CreditRelease.decided_by_id != actor.id,
            CreditRelease.valid_until >= local_date(now),
            CreditRelease.amount_fen >= exceeded_fen,
        )
        .order_by(CreditRelease.amount_fen, CreditRelease.id)
        .limit(1)
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(statement)


def use_release(release: CreditRelease | None, batch: IssueBatch, *, now: datetime) -> None:
    """Note which batch a release let through; it lets no other one."""
    if release is not None:
        release.state, release.batch_id, release.used_at = ReleaseState.USED, batch.id, now
