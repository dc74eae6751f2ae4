"""Claims whose dates are out of order: found by the rule, listed for managers, mended by corrections with evidence only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, union_all

from service_desk.base.clock import CHINA
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db, whole_minute
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction
from service_desk.rules.date_order import RANKS, Disorder, Milestone, disorders
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action
from service_desk.services import access

# Where a date stands: on the claim itself, or as the last event of an action in the present round.
_ON_CLAIM: dict[Milestone, Any] = {
    Milestone.LOSS: Claim.loss_at,
    Milestone.REPORT: Claim.reported_at,
    Milestone.ARRIVAL: Claim.arrived_at,
    Milestone.SURVEY: Claim.surveyed_at,
    Milestone.CLOSING: Claim.closed_at,
    Milestone.FOLLOW_UP: Claim.followed_up_at,
}
_BY_EVENT: dict[Milestone, tuple[ClaimAction, ...]] = {
    Milestone.DISPATCH: (ClaimAction.DISPATCH,),
    Milestone.ASSESSMENT: (ClaimAction.ASSESS,),
    Milestone.DOCUMENTS: (ClaimAction.COMPLETE_DOCUMENTS,),
    Milestone.CALCULATION: (ClaimAction.CALCULATE,),
    Milestone.APPROVAL: (ClaimAction.APPROVE,),
    Milestone.PAYMENT: (ClaimAction.PAY_PART, ClaimAction.PAY),
}


@dataclass(frozen=True)
class DateOrderFilter:
    """Whose dates are looked at: claims reported in the period, of a branch and below it."""

    period: Period
    branch_id: int | None = None


@dataclass(frozen=True)
class DisorderedClaim:
    """A claim with what is out of order."""

    claim: Claim
    branch: Branch
    owner: User
    disorders: Sequence[Disorder]


def disorders_of(claim: Claim, events: Iterable[ClaimEvent]) -> list[Disorder]:
    """What is out of order in a claim's present round, by its own record and its events."""
    dates: dict[Milestone, datetime | None] = {
        milestone: getattr(claim, column.key) for milestone, column in _ON_CLAIM.items()
    }
    own = [event for event in events if event.round == claim.round]
    for milestone, actions in _BY_EVENT.items():
        dates[milestone] = max((event.at for event in own if event.action in actions), default=None)
    return disorders(dates.items())


def list_disordered(
    account_id: int, wanted: DateOrderFilter, page: PageRequest, *, actor: User
) -> Page[DisorderedClaim]:
    """A page of the claims whose dates are out of order, the latest report first. For managers."""
    access.require(actor, Action.READ_DASHBOARD)
    found = _found(account_id, wanted)
    counted = access.visible(
        actor, Action.READ_DASHBOARD, select(func.count(Claim.id)).where(Claim.id.in_(found)), Claim
    )
    rows = _rows(found, actor).limit(page.size).offset(page.offset)
    return Page(_with_disorders(rows), db.session.scalar(counted) or 0, page.number, page.size)


def _found(account_id: int, wanted: DateOrderFilter) -> Select[tuple[int]]:
    """The ids of the claims where a date lies before the latest of those that should precede it.

    The rule's question put to the database, so that only what is found is read; a test holds both together.
    """
    since, until = wanted.period.instants(CHINA)
    looked_at: list[ColumnElement[bool]] = [
        Claim.account_id == account_id,
        Claim.reported_at >= since,
        Claim.reported_at < until,
    ]
    if wanted.branch_id:
        looked_at.append(Claim.branch_id.in_(access.branch_tree(wanted.branch_id)))
    dates = union_all(*_dates(looked_at)).subquery("dates")
    minute = whole_minute(dates.c.at)
    before = func.max(minute).over(partition_by=dates.c.claim_id, order_by=dates.c.rank, rows=(None, -1))
    judged = select(dates.c.claim_id, minute.label("minute"), before.label("before")).subquery("judged")
    return select(judged.c.claim_id).where(judged.c.minute < judged.c.before).distinct()


def _dates(looked_at: Sequence[ColumnElement[bool]]) -> list[Select[Any]]:
    """Each date as claim, rank and instant."""
    parts = [
        select(Claim.id.label("claim_id"), literal(RANKS[milestone]).label("rank"), column.label("at")).where(
            *looked_at, column.is_not(None)
        )
        for milestone, column in _ON_CLAIM.items()
    ]
    for milestone, actions in _BY_EVENT.items():
        of_round = and_(ClaimEvent.claim_id == Claim.id, ClaimEvent.round == Claim.round)
        parts.append(
            select(Claim.id, literal(RANKS[milestone]), func.max(ClaimEvent.at))
            .join(ClaimEvent, of_round)
            .where(*looked_at, ClaimEvent.action.in_(actions))
            .group_by(Claim.id)
        )
    return parts


def _rows(found: Select[tuple[int]], actor: User) -> Select[tuple[Claim, Branch, User]]:
    statement = (
        select(Claim, Branch, User)
        .join(Branch, Branch.id == Claim.branch_id)
        .join(User, User.id == Claim.owner_id)
        .where(Claim.id.in_(found))
    )
    seen = access.visible(actor, Action.READ_DASHBOARD, statement, Claim)
    return seen.order_by(Claim.reported_at.desc(), Claim.id.desc())


def _with_disorders(statement: Select[tuple[Claim, Branch, User]]) -> list[DisorderedClaim]:
    rows = db.session.execute(statement).all()
    events: dict[int, list[ClaimEvent]] = defaultdict(list)
    wanted = select(ClaimEvent).where(ClaimEvent.claim_id.in_([row[0].id for row in rows]))
    for event in db.session.scalars(wanted):
        events[event.claim_id].append(event)
    return [
        DisorderedClaim(claim, branch, owner, disorders_of(claim, events[claim.id]))
        for claim, branch, owner in rows
    ]
