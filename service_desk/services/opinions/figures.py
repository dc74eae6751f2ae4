"""Figures of opinions by theme and branch for a span of days, against the span before, and who answered of those asked."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Select, case, func, select

from service_desk.base.clock import local_date
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.opinions import Opinion, OpinionCampaign, OpinionInvitation
from service_desk.models.users import User
from service_desk.rules.metrics import Ratio
from service_desk.rules.opinions import Figures, Given, OpinionState, Theme, figures_of
from service_desk.rules.periods import Period, before
from service_desk.rules.permissions import Action, Scope
from service_desk.services import access
from service_desk.services.opinions.visibility import named_to, opinions_seen

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Part:
    """The figures of a theme or branch, and those of the span before. `response`: of the forms sent in it."""

    now: Figures
    before: Figures
    response: Ratio = field(default_factory=Ratio)


@dataclass(frozen=True)
class Analysis:
    """Figures of an account's opinions; a branch of None are those that name none to the reader."""

    period: Period
    compared: Period
    total: Part
    response_before: Ratio
    by_theme: Mapping[Theme, Part]
    by_branch: Mapping[int | None, Part]
    branches: Mapping[int, Branch]


def analyse(account_id: int, period: Period, *, actor: User, zone: ZoneInfo) -> Analysis:
    """The opinions given in a span as the actor sees them, compared with the span before."""
    access.get_account(actor, account_id)
    earlier = before(period)
    rows, rows_before = (_given(account_id, one, actor, zone) for one in (period, earlier))
    response, response_before = (_response(account_id, one, actor) for one in (period, earlier))
    themes = _parts(rows, rows_before, lambda row: row.theme, {})
    branches = _parts(rows, rows_before, lambda row: row.branch_id, response)
    named = [key for key in branches if key is not None]
    found = db.session.scalars(select(Branch).where(Branch.id.in_(named)).order_by(Branch.name))
    names = {branch.id: branch for branch in found}
    order: list[int | None] = [*names, None]
    return Analysis(
        period=period,
        compared=earlier,
        total=Part(figures_of(rows), figures_of(rows_before), sum(response.values(), Ratio())),
        response_before=sum(response_before.values(), Ratio()),
        by_theme={theme: themes[theme] for theme in Theme if theme in themes},
        by_branch={key: branches[key] for key in order if key in branches},
        branches=names,
    )


def read_themes(account_id: int, period: Period, *, zone: ZoneInfo, until: datetime) -> dict[Theme, Figures]:
    """The figures by theme for a report: all opinions of the account up to an instant. The caller has checked access."""
    rows = _read(
        _columns(None).where(Opinion.account_id == account_id, Opinion.given_at < until), period, zone
    )
    found = {theme: figures_of([row for row in rows if row.theme is theme]) for theme in Theme}
    return {theme: figures for theme, figures in found.items() if figures.opinions or figures.scores.count}


def _given(account_id: int, period: Period, actor: User, zone: ZoneInfo) -> list[Given]:
    statement = _columns(actor).where(Opinion.account_id == account_id, opinions_seen(actor))
    return _read(statement, period, zone)


def _columns(actor: User | None) -> Select[Any]:
    branch = Opinion.branch_id if actor is None else case((named_to(actor), Opinion.branch_id))
    return select(
        Opinion.theme, branch, Opinion.state, Opinion.score, Opinion.given_at, Opinion.replied_at
    ).where(Opinion.state != OpinionState.WITHDRAWN)


def _read(statement: Select[Any], period: Period, zone: ZoneInfo) -> list[Given]:
    begins, ends = period.instants(zone)
    found = db.session.execute(statement.where(Opinion.given_at >= begins, Opinion.given_at < ends)).tuples()
    return [
        Given(theme, branch_id, state, score, _days(given_at, replied_at, zone))
        for theme, branch_id, state, score, given_at, replied_at in found
    ]


def _days(given_at: datetime, replied_at: datetime | None, zone: ZoneInfo) -> int | None:
    return (local_date(replied_at, zone) - local_date(given_at, zone)).days if replied_at else None


def _response(account_id: int, period: Period, actor: User) -> dict[int | None, Ratio]:
    """Who answered of those asked, by branch, of the forms that began in the span."""
    conditions = [
        OpinionCampaign.account_id == account_id,
        OpinionCampaign.sent_at.is_not(None),
        OpinionCampaign.from_on.between(period.first, period.last),
    ]
    if access.require(actor, Action.READ_RELATIONS) is Scope.OWN_BRANCHES:
        conditions.append(OpinionInvitation.branch_id.in_(access.branch_tree(actor.branch_id)))
    statement = (
        select(
            OpinionInvitation.branch_id,
            func.count(OpinionInvitation.id),
            func.count(OpinionInvitation.answered_at),
        )
        .join(OpinionCampaign, OpinionCampaign.id == OpinionInvitation.campaign_id)
        .where(*conditions)
        .group_by(OpinionInvitation.branch_id)
    )
    found = db.session.execute(statement).tuples()
    return {branch_id: Ratio(answered, asked) for branch_id, asked, answered in found}


def _parts(
    rows: list[Given],
    rows_before: list[Given],
    key_of: Callable[[Given], Key],
    response: Mapping[Key, Ratio],
) -> dict[Key, Part]:
    now, earlier = _grouped(rows, key_of), _grouped(rows_before, key_of)
    keys = {**now, **earlier, **dict.fromkeys(response)}
    return {
        key: Part(figures_of(now.get(key, [])), figures_of(earlier.get(key, [])), response.get(key, Ratio()))
        for key in keys
    }


def _grouped(rows: list[Given], key_of: Callable[[Given], Key]) -> dict[Key, list[Given]]:
    groups: dict[Key, list[Given]] = defaultdict(list)
    for row in rows:
        groups[key_of(row)].append(row)
    return groups
