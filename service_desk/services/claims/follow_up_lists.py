"""Who is to be asked, who was, and how they answered: the list by saved filter, and the figures of a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal_column, or_, select
from sqlalchemy.orm import aliased

from service_desk.base.clock import CHINA
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, search_key, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, ClaimEvent, FollowUp
from service_desk.models.db import db
from service_desk.models.follow_ups import FollowUpLink, FollowUpPlan
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClaimState, ClockStep
from service_desk.rules.identifiers import number_key
from service_desk.rules.metrics import FollowUpFigures, follow_up_figures
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action
from service_desk.services import access, sla
from service_desk.services.claims.common import MATTER_KIND


class FollowUpView(StrEnum):
    """The saved filters of follow-ups. What is to be done is shown whole, what was done by its period."""

    DUE = "due"
    WAITING = "waiting"
    ANSWERED = "answered"
    DISSATISFIED = "dissatisfied"
    ALL = "all"
    REOPENED = "reopened"


# Work that waits must not hide behind a period.
TO_DO = frozenset({FollowUpView.DUE, FollowUpView.WAITING})


@dataclass(frozen=True)
class FollowUpFilter:
    """What is wanted. `period` is of the days on which claims ended, or were reopened."""

    period: Period
    view: FollowUpView = FollowUpView.DUE
    branch_id: int | None = None
    owner_id: int | None = None
    text: str = ""


@dataclass(frozen=True)
class FollowUpRow:
    """An ended claim with what is planned for its round, and what was answered. `timers` are the claim's."""

    claim: Claim
    branch: Branch
    owner: User
    plan: FollowUpPlan | None
    answer: FollowUp | None
    timers: Sequence[Timer]

    @property
    def clock(self) -> Timer | None:
        """The round's follow-up clock; None where no promise fitted."""
        own = [timer for timer in self.timers if timer.step is ClockStep.FOLLOWUP]
        return own[-1] if own else None


@dataclass(frozen=True)
class FiguresOf:
    """The figures of a branch or of a handler."""

    key: int
    figures: FollowUpFigures


@dataclass(frozen=True)
class Figures:
    """The figures of the period: all, by branch and by handler, and how many rounds were reopened in it."""

    total: FollowUpFigures
    by_branch: Sequence[FiguresOf]
    by_owner: Sequence[FiguresOf]
    branches: dict[int, Branch]
    owners: dict[int, User]
    reopened: int


NEEDS_ASKING = and_(
    Claim.closed_at.is_not(None),
    or_(
        Claim.state.in_((ClaimState.CLOSED, ClaimState.DENIED)),
        and_(Claim.state == ClaimState.WITHDRAWN, Claim.surveyed_at.is_not(None)),
    ),
)
_LATER = aliased(FollowUp)
# A round that was closed twice, because a payment came back, counts with its later answer.
_OF_ROUND = and_(
    FollowUp.claim_id == Claim.id,
    FollowUp.round == Claim.round,
    ~exists()
    .where(_LATER.claim_id == FollowUp.claim_id, _LATER.round == FollowUp.round, _LATER.id > FollowUp.id)
    .correlate(FollowUp),
)
_PLAN_OF_ROUND = and_(FollowUpPlan.claim_id == Claim.id, FollowUpPlan.round == Claim.round)


def list_follow_ups(
    account_id: int, wanted: FollowUpFilter, page: PageRequest, *, actor: User, now: datetime
) -> Page[FollowUpRow]:
    """A page of the claims a filter holds: what is to do by its clock, the rest the latest first."""
    access.require(actor, Action.HANDLE_CLAIMS)
    conditions = _conditions(account_id, wanted, now)
    counted = access.visible(
        actor, Action.HANDLE_CLAIMS, select(func.count(Claim.id)).where(*conditions), Claim
    )
    rows = _rows(conditions, wanted, actor).limit(page.size).offset(page.offset)
    return Page(_read(rows), db.session.scalar(counted) or 0, page.number, page.size)


def count_views(
    account_id: int, wanted: FollowUpFilter, *, actor: User, now: datetime
) -> dict[FollowUpView, int]:
    """How many claims each saved filter holds under the same branch, handler, text and period."""
    access.require(actor, Action.HANDLE_CLAIMS)
    counts = {
        view: access.visible(
            actor,
            Action.HANDLE_CLAIMS,
            select(func.count(Claim.id)).where(
                *_narrowed(account_id, wanted), *_view_conditions(view, wanted.period, now)
            ),
            Claim,
        ).scalar_subquery()
        for view in FollowUpView
    }
    row = db.session.execute(select(*(count.label(view.name) for view, count in counts.items()))).one()
    return dict(zip(FollowUpView, row, strict=True))


def read_figures(account_id: int, wanted: FollowUpFilter, *, actor: User) -> Figures:
    """Rate, average score and share of the dissatisfied of the claims that ended in the period.

    Counted in one query by branch and handler; sums first, then the rates.
    """
    access.require(actor, Action.HANDLE_CLAIMS)
    statement = (
        select(
            Claim.branch_id,
            Claim.owner_id,
            func.count(Claim.id).label("ended"),
            func.count(FollowUp.id).label("followed_up"),
            func.coalesce(func.sum(FollowUp.score), 0).label("score_sum"),
            func.coalesce(func.sum(case((FollowUp.is_dissatisfied, 1), else_=0)), 0).label("dissatisfied"),
        )
        .outerjoin(FollowUp, _OF_ROUND)
        .where(*_narrowed(account_id, wanted), NEEDS_ASKING, _ended_in(wanted.period))
        .group_by(Claim.branch_id, Claim.owner_id)
    )
    rows = db.session.execute(access.visible(actor, Action.HANDLE_CLAIMS, statement, Claim)).all()
    parts = [
        (
            row.branch_id,
            row.owner_id,
            follow_up_figures(
                ended=row.ended,
                followed_up=row.followed_up,
                score_sum=int(row.score_sum),
                dissatisfied=int(row.dissatisfied),
            ),
        )
        for row in rows
    ]
    by_branch, by_owner = (
        _summed((part[0], part[2]) for part in parts),
        _summed((part[1], part[2]) for part in parts),
    )
    return Figures(
        total=sum((part[2] for part in parts), FollowUpFigures()),
        by_branch=by_branch,
        by_owner=by_owner,
        branches=_by_id(Branch, by_branch),
        owners=_by_id(User, by_owner),
        reopened=_count_reopened(account_id, wanted, actor),
    )


def _summed(parts: Any) -> list[FiguresOf]:
    """By key, the lowest rate first: that is where something is to be done."""
    sums: dict[int, FollowUpFigures] = {}
    for key, figures in parts:
        sums[key] = sums.get(key, FollowUpFigures()) + figures
    ordered = sorted(sums.items(), key=lambda item: (item[1].followed_up.percent(3) or 0, item[0]))
    return [FiguresOf(key, figures) for key, figures in ordered]


def _by_id(model: Any, rows: Sequence[FiguresOf]) -> dict[int, Any]:
    found = db.session.scalars(select(model).where(model.id.in_([row.key for row in rows])))
    return {row.id: row for row in found}


def _count_reopened(account_id: int, wanted: FollowUpFilter, actor: User) -> int:
    statement = select(func.count(Claim.id)).where(
        *_narrowed(account_id, wanted), *_reopened_in(wanted.period)
    )
    return db.session.scalar(access.visible(actor, Action.HANDLE_CLAIMS, statement, Claim)) or 0


def _conditions(account_id: int, wanted: FollowUpFilter, now: datetime) -> list[ColumnElement[bool]]:
    return [*_narrowed(account_id, wanted), *_view_conditions(wanted.view, wanted.period, now)]


def _narrowed(account_id: int, wanted: FollowUpFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Claim.account_id == account_id]
    if wanted.branch_id:
        conditions.append(Claim.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.owner_id:
        conditions.append(Claim.owner_id == wanted.owner_id)
    text = squeeze(wanted.text)
    if text:
        pattern = like_pattern(text)
        conditions.append(
            or_(
                Claim.plate.like(like_pattern(search_key(text).upper()), escape="\\"),
                Claim.report_key == number_key(text),
                *(
                    column.ilike(pattern, escape="\\")
                    for column in (Claim.number, Claim.reporter_name, Claim.callback_phone)
                ),
            )
        )
    return conditions


def _view_conditions(view: FollowUpView, period: Period, now: datetime) -> list[ColumnElement[bool]]:
    # The list itself reads plans and answers too: these ask of the claim alone.
    is_out = (
        exists()
        .where(
            _PLAN_OF_ROUND,
            FollowUpLink.plan_id == FollowUpPlan.id,
            FollowUpLink.revoked_at.is_(None),
            FollowUpLink.answered_at.is_(None),
            FollowUpLink.ends_at > now,
        )
        .correlate(Claim)
    )
    is_bad = exists().where(_OF_ROUND, FollowUp.is_dissatisfied).correlate(Claim)
    not_asked = (NEEDS_ASKING, Claim.followed_up_at.is_(None))
    ended = (NEEDS_ASKING, _ended_in(period))
    meanings: dict[FollowUpView, list[ColumnElement[bool]]] = {
        FollowUpView.DUE: [*not_asked, ~is_out],
        FollowUpView.WAITING: [*not_asked, is_out],
        FollowUpView.ANSWERED: [*ended, Claim.followed_up_at.is_not(None)],
        FollowUpView.DISSATISFIED: [*ended, is_bad],
        FollowUpView.ALL: [*ended],
        FollowUpView.REOPENED: _reopened_in(period),
    }
    return meanings[view]


def _ended_in(period: Period) -> ColumnElement[bool]:
    since, until = period.instants(CHINA)
    return and_(Claim.closed_at >= since, Claim.closed_at < until)


def _reopened_in(period: Period) -> list[ColumnElement[bool]]:
    since, until = period.instants(CHINA)
    reopened = exists().where(
        ClaimEvent.claim_id == Claim.id,
        ClaimEvent.action == ClaimAction.REOPEN,
        ClaimEvent.at >= since,
        ClaimEvent.at < until,
    )
    # Said as the partial index says it, so that only claims of several rounds are looked at.
    return [Claim.round > literal_column("1"), reopened]


def _rows(conditions: Sequence[ColumnElement[bool]], wanted: FollowUpFilter, actor: User) -> Select[Any]:
    statement = (
        select(Claim, Branch, User, FollowUpPlan, FollowUp)
        .join(Branch, Branch.id == Claim.branch_id)
        .join(User, User.id == Claim.owner_id)
        .outerjoin(FollowUpPlan, _PLAN_OF_ROUND)
        .outerjoin(FollowUp, _OF_ROUND)
        .where(*conditions)
    )
    order: tuple[Any, ...] = (Claim.closed_at.desc().nulls_last(), Claim.id.desc())
    if wanted.view in TO_DO:
        order = (Claim.next_due_at.asc().nulls_last(), Claim.id)
    return access.visible(actor, Action.HANDLE_CLAIMS, statement, Claim).order_by(*order)


def _read(statement: Select[Any]) -> list[FollowUpRow]:
    rows = db.session.execute(statement).all()
    timers = sla.timers_of(MATTER_KIND, [row[0].id for row in rows])
    return [
        FollowUpRow(claim, branch, owner, plan, answer, timers[claim.id])
        for claim, branch, owner, plan, answer in rows
    ]
