"""The figures of clocks by each single branch, for measures: whoever shows one has checked who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from service_desk.models.kept import built_once
from service_desk.models.sla import BreachReview, Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.periods import Period
from service_desk.rules.sla.history import whole_second
from service_desk.services.sla.compliance import figures
from service_desk.services.sla.compliance.figures import Figures, count_combined, count_rows
from service_desk.services.sla.compliance.grouping import in_parts, spans
from service_desk.services.sla.compliance.wanted import (
    ComplianceFilter,
    Scope,
    counted_at,
    is_at_risk,
    is_open,
)


@dataclass(frozen=True)
class Stand:
    """Clocks at an instant: broken without a signed review, broken and still open; at risk as of now."""

    unreviewed: int
    late: int
    at_risk: int


def count_each(wanted: ComplianceFilter, *, zone: ZoneInfo, now: datetime) -> dict[int | None, Figures]:
    """The counts of the compliance page by branch, each for itself; None: matters of no branch."""
    scope = Scope(wanted, zone, whole_second(now), has_reviews=False)
    return count_rows(scope, "branch_id")


def count_steps(wanted: ComplianceFilter, *, zone: ZoneInfo, now: datetime) -> dict[ClockStep, Figures]:
    """The same by step, in the steps' own order; steps without a clock are left out."""
    scope = Scope(wanted, zone, whole_second(now), has_reviews=False)
    found = count_rows(scope, "step")
    return {step: found[step] for step in ClockStep if step in found}


def count_parts(account_id: int, parts: Sequence[Period], *, zone: ZoneInfo, now: datetime) -> list[Figures]:
    """The same of each of some periods that adjoin, in one statement."""
    whole = ComplianceFilter(account_id, Period(parts[0].first, parts[-1].last))
    scope = Scope(whole, zone, whole_second(now), has_reviews=False)
    found = figures.count_parts(scope, tuple(spans(parts, scope)))
    return [found.get(number, Figures()) for number in range(len(parts))]


def count_steps_of_parts(
    account_id: int, parts: Sequence[Period], *, zone: ZoneInfo, now: datetime
) -> dict[tuple[int, ClockStep, int | None], Figures]:
    """The counts of each part, step and branch of some periods that adjoin, in one statement."""
    whole = ComplianceFilter(account_id, Period(parts[0].first, parts[-1].last))
    scope = Scope(whole, zone, whole_second(now), has_reviews=False)
    part = in_parts(counted_at(), spans(parts, scope))
    found = count_combined(scope, part, Timer.step.expression, Timer.branch_id.expression)
    return {(number, step, branch_id): figures for (number, step, branch_id), figures in found}


def count_people(account_id: int, period: Period, *, zone: ZoneInfo, now: datetime) -> dict[int, Figures]:
    """The counts of the compliance page by who holds a clock, or held it last."""
    scope = Scope(ComplianceFilter(account_id, period), zone, whole_second(now), has_reviews=False)
    return count_rows(scope, "holder_id")


def stand_each(account_id: int, *, at: datetime, now: datetime) -> dict[int | None, Stand]:
    """How an account's clocks stood before an instant, by branch. Reviews' own clocks are left out."""
    rows = _standing(account_id, at, whole_second(now)).rows()
    return {branch_id: Stand(*(int(count) for count in counts)) for branch_id, *counts in rows}


@built_once
def _standing(account_id: int, at: datetime, now: datetime) -> Select[Any]:
    review = select(BreachReview.id).where(BreachReview.timer_id == Timer.id, BreachReview.signed_at < at)
    untold = _is_broken_untold(at, now)
    is_unreviewed = and_(or_(Timer.breached_at < at, untold), ~review.exists())
    went_on = or_(Timer.stopped_at.is_(None), Timer.stopped_at >= at)
    is_late = or_(and_(Timer.breached_at < at, went_on), untold)
    kinds = (is_unreviewed, is_late, is_at_risk(now))
    return (
        select(Timer.branch_id, *(func.sum(case((kind, 1), else_=0)) for kind in kinds))
        .where(
            Timer.account_id == account_id,
            Timer.step != ClockStep.BREACH_REVIEW,
            # What each kind takes at least, as the indexes have it: for the kinds themselves every clock would be read.
            or_(Timer.breached_at < at, untold, is_at_risk(now)),
            or_(*kinds),
        )
        .group_by(Timer.branch_id)
    )


def _is_broken_untold(at: datetime, now: datetime) -> ColumnElement[bool]:
    """Broken before an instant and not stopped, where the sweep has not told it yet: the figures must not wait for it."""
    return and_(Timer.breached_at.is_(None), is_open(), Timer.due_at < at, Timer.due_at < now)
