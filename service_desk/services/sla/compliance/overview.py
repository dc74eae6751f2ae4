"""All that the compliance page shows, from one filter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select

from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.periods import Cut, Period, before, trend
from service_desk.services.sla.compliance.figures import (
    Figures,
    Group,
    Times,
    count_all,
    count_groups,
    measure_all,
    open_groups,
    total_of,
)
from service_desk.services.sla.compliance.hours import Hours, sum_hours
from service_desk.services.sla.compliance.standing import Standing, count_standing, list_at_risk
from service_desk.services.sla.compliance.wanted import ComplianceFilter, Dimension, Scope, may_rank_staff

_DIMENSION_OF = {Cut.WEEK: Dimension.WEEK, Cut.MONTH: Dimension.MONTH}


@dataclass(frozen=True)
class Compliance:
    """The audit page. `hours.by_holder` is empty for a reader who may not compare people.

    `people` and `branches` are those the groups and hours name, by id.
    """

    wanted: ComplianceFilter
    by: Dimension
    total: Figures
    times: Times | None
    before: Period
    total_before: Figures
    groups: Sequence[Group]
    trend_by: Cut
    trend: Sequence[Group]
    hours: Hours
    standing: Standing
    at_risk: Sequence[tuple[Timer, User]]
    people: dict[int, User]
    branches: dict[int, Branch]


def read_compliance(wanted: ComplianceFilter, by: Dimension, *, actor: User, now: datetime) -> Compliance:
    """The figures of the filter, grouped; a fixed number of queries, whatever the number of clocks."""
    scope = open_groups(wanted, by, actor=actor, now=now)
    groups = count_groups(scope, by, with_times=True)
    earlier = before(wanted.period)
    trend_by, points = trend_of(scope)
    hours = sum_hours(scope)
    if not may_rank_staff(actor):
        hours = replace(hours, by_holder=())
    return Compliance(
        wanted=wanted,
        by=by,
        total=total_of(groups),
        times=measure_all(scope),
        before=earlier,
        total_before=count_all(replace(scope, wanted=replace(wanted, period=earlier))),
        groups=groups,
        trend_by=trend_by,
        trend=points,
        hours=hours,
        standing=count_standing(scope),
        at_risk=list_at_risk(scope),
        people=_people(groups if by is Dimension.PERSON else (), hours),
        branches=_branches(groups if by is Dimension.BRANCH else ()),
    )


def trend_of(scope: Scope) -> tuple[Cut, list[Group]]:
    """The whole weeks or months around the filter's period, oldest first."""
    by, parts = trend(scope.wanted.period, scope.today)
    around = replace(scope.wanted, period=Period(parts[0].first, parts[-1].last))
    return by, count_groups(replace(scope, wanted=around), _DIMENSION_OF[by])


def _people(groups: Sequence[Group], hours: Hours) -> dict[int, User]:
    ids = {group.key for group in groups} | {one.holder_id for one in hours.by_holder}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def _branches(groups: Sequence[Group]) -> dict[int, Branch]:
    ids = [group.key for group in groups if group.key is not None]
    return {branch.id: branch for branch in db.session.scalars(select(Branch).where(Branch.id.in_(ids)))}
