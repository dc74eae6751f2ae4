"""The list of disputes: which are open, how old they are, who decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.disputes import Dispute
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, sla
from service_desk.services.claims.common import MATTER_KIND
from service_desk.services.claims.disputes.reading import clock_of


@dataclass(frozen=True)
class DisputeFilter:
    """`is_open` False: those decided. `decider_id`: those one person is to decide."""

    is_open: bool = True
    decider_id: int | None = None


@dataclass(frozen=True)
class DisputeRow:
    """A line of the list; `seconds` is its age, or how long it took."""

    dispute: Dispute
    claim: Claim
    branch: Branch
    owner: User
    decider: User | None
    timer: Timer | None
    seconds: int


def list_disputes(
    account_id: int, wanted: DisputeFilter, page: PageRequest, *, actor: User, now: datetime
) -> Page[DisputeRow]:
    """An account's disputes for the desk: the oldest open first, the latest decided first."""
    access.require(actor, Action.HANDLE_CLAIMS)
    statement = _statement(account_id, wanted, actor)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    order = Dispute.raised_at.asc() if wanted.is_open else Dispute.decided_at.desc()
    owner, decider = aliased(User), aliased(User)
    rows = db.session.execute(
        statement.add_columns(Claim, Branch, owner, decider)
        .join(Branch, Branch.id == Claim.branch_id)
        .join(owner, owner.id == Claim.owner_id)
        .outerjoin(decider, decider.id == Dispute.decider_id)
        .order_by(order, Dispute.id)
        .limit(page.size)
        .offset(page.offset)
    ).all()
    timers = sla.timers_of(MATTER_KIND, {row[1].id for row in rows})
    shown = [_row(row, timers[row[1].id], now) for row in rows]
    return Page(shown, total, page.number, page.size)


def _row(row: Any, timers: Sequence[Timer], now: datetime) -> DisputeRow:
    dispute, claim, branch, owner, decider = row
    seconds = int(((dispute.decided_at or now) - dispute.raised_at).total_seconds())
    return DisputeRow(dispute, claim, branch, owner, decider, clock_of(dispute, timers), seconds)


def _statement(account_id: int, wanted: DisputeFilter, actor: User) -> Select[tuple[Dispute]]:
    statement = (
        select(Dispute).join(Claim, Claim.id == Dispute.claim_id).where(Dispute.account_id == account_id)
    )
    decided = Dispute.decided_at.is_(None) if wanted.is_open else Dispute.decided_at.is_not(None)
    statement = access.visible(actor, Action.READ_CLAIMS, statement.where(decided), Claim)
    return statement.where(Dispute.decider_id == wanted.decider_id) if wanted.decider_id else statement


def count_open(account_id: int, *, actor: User, decider_id: int | None = None) -> int:
    """How many disputes are open, of all or of those one person is to decide."""
    statement = _statement(account_id, DisputeFilter(decider_id=decider_id), actor)
    return db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
