"""The breach audit: broken promises to review, the reviewed ones, what they led to, and clocks at risk."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import aliased

from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.models.db import db
from service_desk.models.kept import built_once
from service_desk.models.sla import BreachReview, Timer, TimerEntry, TimerState
from service_desk.models.users import User, UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import CLIENT_ROLES, Action, Scope
from service_desk.rules.sla import EventKind
from service_desk.rules.sla.terms import HOLDER_CHANGES
from service_desk.rules.vocabulary import Severity
from service_desk.services import access

_TAKES_THE_CLOCK = (EventKind.START, *HOLDER_CHANGES)


class BreachView(StrEnum):
    """The lists of the audit page."""

    OPEN = "open"
    REVIEWED = "reviewed"
    CORRECTIONS = "corrections"
    AT_RISK = "at_risk"


class CorrectionState(StrEnum):
    """Where a correction that a review ordered stands. The due day itself is still in time."""

    OPEN = "open"
    OVERDUE = "overdue"
    DONE = "done"


@dataclass(frozen=True)
class BreachFilter:
    """Which breaches; None does not narrow. The period is of the breach, `from_at` included, `to_at` not.

    `holder_id` finds every breach in which the person held the clock at some time; of clocks at risk,
    those the person holds now.
    """

    view: BreachView = BreachView.OPEN
    account_id: int | None = None
    step: ClockStep | None = None
    branch_id: int | None = None
    holder_id: int | None = None
    cause: str | None = None
    severity: Severity | None = None
    is_urban: bool | None = None
    correction: CorrectionState | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


# What a list knows nothing of; such a filter is passed over there, so that it may stay in an address.
PASSED_OVER: dict[BreachView, frozenset[str]] = {
    BreachView.OPEN: frozenset({"cause", "correction"}),
    BreachView.REVIEWED: frozenset({"correction"}),
    BreachView.CORRECTIONS: frozenset(),
    BreachView.AT_RISK: frozenset({"cause", "correction", "from_at", "to_at"}),
}


@dataclass(frozen=True)
class BreachRow:
    """One line of the list. `owner` makes the correction, None where none was needed or nobody reviewed."""

    timer: Timer
    holder: User
    review: BreachReview | None
    owner: User | None


def list_breaches(wanted: BreachFilter, page: PageRequest, *, actor: User, now: datetime) -> Page[BreachRow]:
    """What the actor may review: open breaches oldest first, reviewed ones newest first, corrections as they fall due."""
    access.require(actor, Action.REVIEW_BREACHES)
    total = _count(_listed(wanted, actor, now))
    rows = _rows(wanted, actor, now).limit(page.size).offset(page.offset)
    return Page(_read(rows), total, page.number, page.size)


def count_views(wanted: BreachFilter, *, actor: User, now: datetime) -> dict[BreachView, int]:
    """How many rows each list has under the same filters."""
    access.require(actor, Action.REVIEW_BREACHES)
    return {view: _count(_listed(replace(wanted, view=view), actor, now)) for view in BreachView}


def count_open(actor: User, *, account_id: int) -> int:
    """How many breaches of an account await review."""
    if not access.may(actor, Action.REVIEW_BREACHES):
        return 0
    scope = access.require(actor, Action.REVIEW_BREACHES)
    return _open_of(account_id, scope).scalar(**access.reach(actor)) or 0


@built_once
def _open_of(account_id: int, scope: Scope) -> Select[tuple[int]]:
    """Made once for each scope: every page asks."""
    reviewable = _of_reviewers(access.visible_in(scope, Timer)).where(Timer.account_id == account_id)
    return _awaiting(reviewable).with_only_columns(func.count(Timer.id))


def holders_in(account_id: int) -> list[User]:
    """The insurer's people of an account, active or not, who may hold its clocks."""
    statement = (
        select(User)
        .join(UserAccount, UserAccount.user_id == User.id)
        .where(UserAccount.account_id == account_id, User.role.not_in(CLIENT_ROLES))
        .order_by(User.staff_no, User.id)
    )
    return list(db.session.scalars(statement))


def _count(statement: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0


def _read(statement: Select[Any]) -> list[BreachRow]:
    return [BreachRow(*row) for row in db.session.execute(statement).tuples()]


def _rows(wanted: BreachFilter, actor: User, now: datetime) -> Select[Any]:
    owner = aliased(User)
    order: dict[BreachView, tuple[Any, ...]] = {
        BreachView.OPEN: (Timer.breached_at,),
        BreachView.REVIEWED: (BreachReview.signed_at.desc(),),
        BreachView.CORRECTIONS: (BreachReview.corrected_at.is_not(None), BreachReview.correction_due_on),
        BreachView.AT_RISK: (Timer.due_at,),
    }
    return (
        _listed(wanted, actor, now)
        .add_columns(User, BreachReview, owner)
        .join(User, User.id == Timer.holder_id)
        .outerjoin(owner, owner.id == BreachReview.correction_owner_id)
        .order_by(*order[wanted.view], Timer.id)
    )


def _listed(wanted: BreachFilter, actor: User, now: datetime) -> Select[Any]:
    """The timers of a view under its filters, joined with their reviews, within what the actor may review."""
    statement = _of_filter(wanted, actor)
    if wanted.view is BreachView.AT_RISK:
        return statement.where(Timer.state == TimerState.RUNNING, Timer.warn_at <= now, Timer.due_at >= now)
    if wanted.view is BreachView.OPEN:
        return _awaiting(statement)
    if wanted.view is BreachView.REVIEWED:
        return statement.where(BreachReview.id.is_not(None))
    return statement.where(BreachReview.correction_owner_id.is_not(None), *_standing(wanted.correction, now))


def _awaiting(statement: Select[Any]) -> Select[Any]:
    return statement.where(Timer.breached_at.is_not(None), BreachReview.id.is_(None))


def _standing(state: CorrectionState | None, now: datetime) -> list[ColumnElement[bool]]:
    if state is None:
        return []
    if state is CorrectionState.DONE:
        return [BreachReview.corrected_at.is_not(None)]
    is_overdue = BreachReview.correction_due_on < local_date(now)
    return [
        BreachReview.corrected_at.is_(None),
        is_overdue if state is CorrectionState.OVERDUE else ~is_overdue,
    ]


def _of_filter(wanted: BreachFilter, actor: User) -> Select[Any]:
    nothing: dict[str, Any] = dict.fromkeys(PASSED_OVER[wanted.view])
    wanted = replace(wanted, **nothing)
    visible = access.visible_clause(actor, Action.REVIEW_BREACHES, Timer)
    return _of_reviewers(visible).where(*_narrowing(wanted))


def _of_reviewers(visible: ColumnElement[bool]) -> Select[Any]:
    statement = select(Timer).outerjoin(BreachReview, BreachReview.timer_id == Timer.id)
    return statement.where(visible, Timer.step != ClockStep.BREACH_REVIEW)


def _narrowing(wanted: BreachFilter) -> list[ColumnElement[bool]]:
    equal: list[tuple[Any, Any]] = [
        (Timer.account_id, wanted.account_id),
        (Timer.step, wanted.step),
        (Timer.severity, wanted.severity),
        (Timer.is_urban, wanted.is_urban),
        (BreachReview.cause, wanted.cause),
    ]
    conditions = [column == value for column, value in equal if value is not None]
    if wanted.branch_id is not None:
        conditions.append(Timer.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.holder_id is not None:
        conditions.append(_held_by(wanted.holder_id, now_only=wanted.view is BreachView.AT_RISK))
    if wanted.from_at is not None:
        conditions.append(Timer.breached_at >= wanted.from_at)
    if wanted.to_at is not None:
        conditions.append(Timer.breached_at < wanted.to_at)
    return conditions


def _held_by(user_id: int, *, now_only: bool) -> ColumnElement[bool]:
    """By the ledger: who passed a clock on still answers for the time it was theirs."""
    if now_only:
        return Timer.holder_id == user_id
    return exists().where(
        and_(
            TimerEntry.timer_id == Timer.id,
            TimerEntry.holder_id == user_id,
            TimerEntry.kind.in_(_TAKES_THE_CLOCK),
            TimerEntry.voided_at.is_(None),
        )
    )
