"""Breaches: the list, who held the clock, and the review a manager signs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.exc import IntegrityError

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import BreachReview, SlaEvent, Timer, TimerState
from service_desk.models.users import User, UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import CLIENT_ROLES, Action
from service_desk.services import access, audit
from service_desk.services.sla import starting, timers
from service_desk.services.sla.files import TimerFile, read_file


class BreachView(StrEnum):
    """The three lists of the audit page."""

    OPEN = "open"
    REVIEWED = "reviewed"
    AT_RISK = "at_risk"


class BreachCause(StrEnum):
    """Why a promise was broken, as reviews name it."""

    WORKLOAD = "workload"
    LATE_HANDOVER = "late_handover"
    WAITING_FOR_CLIENT = "waiting_for_client"
    WAITING_FOR_THIRD_PARTY = "waiting_for_third_party"
    PARTS_OR_PRICING = "parts_or_pricing"
    FORCE_MAJEURE = "force_majeure"
    OVERSIGHT = "oversight"
    SYSTEM_FAULT = "system_fault"
    OTHER = "other"


@dataclass(frozen=True)
class BreachFilter:
    """Which breaches; None does not narrow. Days are of the breach, the last included."""

    view: BreachView = BreachView.OPEN
    account_id: int | None = None
    step: ClockStep | None = None
    branch_id: int | None = None
    holder_id: int | None = None
    from_at: datetime | None = None
    to_at: datetime | None = None


@dataclass(frozen=True)
class BreachRow:
    """One line of the list."""

    timer: Timer
    holder: User
    review: BreachReview | None


@dataclass(frozen=True)
class BreachFile:
    """All a breach's page shows. `told_at` is when people heard of it; None until the sweep has been."""

    clock: TimerFile
    branch: Branch | None
    review: BreachReview | None
    told_at: datetime | None
    candidates: Sequence[User]


@dataclass(frozen=True)
class SignReview:
    """What a manager finds. `responsible_id` may not be the one who signs."""

    cause: BreachCause
    responsible_id: int
    explanation: str
    correction: str
    correction_due_on: date


def list_breaches(wanted: BreachFilter, page: PageRequest, *, actor: User, now: datetime) -> Page[BreachRow]:
    """Breaches (or clocks at risk) the actor may review: open ones oldest first, reviewed ones newest first."""
    access.require(actor, Action.REVIEW_BREACHES)
    statement = _listed(wanted, actor, now)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    order: dict[BreachView, tuple[Any, ...]] = {
        BreachView.OPEN: (Timer.breached_at, Timer.id),
        BreachView.REVIEWED: (Timer.breached_at.desc(), Timer.id.desc()),
        BreachView.AT_RISK: (Timer.due_at, Timer.id),
    }
    rows = db.session.execute(
        statement.add_columns(User, BreachReview)
        .join(User, User.id == Timer.holder_id)
        .outerjoin(BreachReview, BreachReview.timer_id == Timer.id)
        .order_by(*order[wanted.view])
        .limit(page.size)
        .offset(page.offset)
    )
    return Page([BreachRow(*row) for row in rows], total, page.number, page.size)


def count_views(wanted: BreachFilter, *, actor: User, now: datetime) -> dict[BreachView, int]:
    """How many rows each list has under the same filters."""
    access.require(actor, Action.REVIEW_BREACHES)
    counts = {}
    for view in BreachView:
        listed = _listed(_with_view(wanted, view), actor, now)
        counts[view] = db.session.scalar(select(func.count()).select_from(listed.subquery())) or 0
    return counts


def count_open(actor: User, *, account_id: int) -> int:
    """How many breaches of an account await review."""
    wanted = BreachFilter(account_id=account_id)
    statement = _listed(wanted, actor, None)
    return db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0


def holders_in(account_id: int) -> list[User]:
    """The insurer's people of an account, active or not, who may hold its clocks."""
    statement = (
        select(User)
        .join(UserAccount, UserAccount.user_id == User.id)
        .where(UserAccount.account_id == account_id, User.role.not_in(CLIENT_ROLES))
        .order_by(User.staff_no, User.id)
    )
    return list(db.session.scalars(statement))


def get_breach(timer_id: int, *, actor: User, now: datetime) -> BreachFile:
    """A breach with its ledger; NotFound for a clock that broke no promise or is not visible."""
    timer = _get_timer(timer_id, actor)
    return BreachFile(
        clock=read_file(timer, now),
        branch=db.session.get(Branch, timer.branch_id) if timer.branch_id else None,
        review=_find_review(timer.id),
        told_at=db.session.scalar(
            select(SlaEvent.recorded_at).where(SlaEvent.timer_id == timer.id, SlaEvent.kind == "breach")
        ),
        candidates=holders_in(timer.account_id),
    )


def sign_review(timer_id: int, command: SignReview, *, actor: User, now: datetime) -> BreachReview:
    """Sign why a promise was broken; it stops the review's own clock.

    Invalid: review_by_responsible, review_responsible_unknown, review_text_missing, review_due_past.
    Conflict("breach_reviewed") when another manager was first.
    """
    timer = _get_timer(timer_id, actor)
    _check_review(timer, command, actor, now)
    review = BreachReview(
        timer_id=timer.id,
        cause=command.cause,
        explanation=command.explanation.strip(),
        responsible_id=command.responsible_id,
        correction=command.correction.strip(),
        correction_due_on=command.correction_due_on,
        signed_by_id=actor.id,
        signed_at=now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(review)
    except IntegrityError:
        raise Conflict("breach_reviewed") from None
    timers.stop(starting.review_matter(timer), (ClockStep.BREACH_REVIEW,), at=now, actor=actor, now=now)
    audit.record(
        "breach_reviewed",
        review,
        actor=actor,
        now=now,
        label=starting.label_of(timer),
        account_id=timer.account_id,
        changes={"cause": (None, command.cause), "responsible_id": (None, command.responsible_id)},
    )
    return review


def _listed(wanted: BreachFilter, actor: User, now: datetime | None) -> Select[tuple[Timer]]:
    """The timers of a view under its filters, within what the actor may review."""
    statement = access.visible(actor, Action.REVIEW_BREACHES, select(Timer), Timer)
    statement = statement.where(Timer.step != ClockStep.BREACH_REVIEW, *_narrowing(wanted))
    reviewed = Timer.id.in_(select(BreachReview.timer_id))
    if wanted.view is BreachView.AT_RISK:
        return statement.where(Timer.state == TimerState.RUNNING, Timer.warn_at <= now, Timer.due_at >= now)
    statement = statement.where(Timer.breached_at.is_not(None))
    if wanted.view is BreachView.REVIEWED:
        return statement.where(reviewed)
    return statement.where(~reviewed)


def _narrowing(wanted: BreachFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.account_id is not None:
        conditions.append(Timer.account_id == wanted.account_id)
    if wanted.step is not None:
        conditions.append(Timer.step == wanted.step)
    if wanted.branch_id is not None:
        conditions.append(Timer.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.holder_id is not None:
        conditions.append(Timer.holder_id == wanted.holder_id)
    if wanted.from_at is not None:
        conditions.append(Timer.breached_at >= wanted.from_at)
    if wanted.to_at is not None:
        conditions.append(Timer.breached_at < wanted.to_at)
    return conditions


def _with_view(wanted: BreachFilter, view: BreachView) -> BreachFilter:
    return BreachFilter(**{**wanted.__dict__, "view": view})


def _get_timer(timer_id: int, actor: User) -> Timer:
    access.require(actor, Action.REVIEW_BREACHES)
    timer = access.get_visible(actor, Action.REVIEW_BREACHES, Timer, Timer.id == timer_id)
    if timer.breached_at is None or timer.step is ClockStep.BREACH_REVIEW:
        raise NotFound("not_found")
    return timer


def _check_review(timer: Timer, command: SignReview, actor: User, now: datetime) -> None:
    if _find_review(timer.id) is not None:
        raise Conflict("breach_reviewed")
    if command.responsible_id == actor.id:
        raise Invalid("review_by_responsible", field="responsible_id")
    if command.responsible_id not in {user.id for user in holders_in(timer.account_id)}:
        raise Invalid("review_responsible_unknown", field="responsible_id")
    for name in ("explanation", "correction"):
        if not getattr(command, name).strip():
            raise Invalid("review_text_missing", field=name)
    if command.correction_due_on < local_date(now):
        raise Invalid("review_due_past", field="correction_due_on")


def _find_review(timer_id: int) -> BreachReview | None:
    return db.session.scalar(select(BreachReview).where(BreachReview.timer_id == timer_id))
