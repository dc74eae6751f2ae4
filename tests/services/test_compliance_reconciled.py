"""Every figure of compliance equals a slow count over the ledgers, and the length of the list behind it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import CHINA, local_date
from service_desk.base.paging import PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import BreachReview, Timer, TimerState
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import Ratio, median, p90
from service_desk.rules.periods import Period, Preset, before, period_of, trend
from service_desk.rules.sla import Spent, TimerFacts, consumption
from service_desk.services import sla
from service_desk.services.sla import compliance
from service_desk.services.sla.compliance import (
    NOT_SAID,
    Compliance,
    ComplianceFilter,
    Dimension,
    Figures,
    ReviewAge,
    RowsWanted,
    Times,
    Verdicts,
)
from tests.clock_history import make_history
from tests.world import World

DAY = timedelta(days=1)
EVERYTHING = PageRequest(1, 100_000)


@dataclass(frozen=True)
class Seen:
    """A clock as its ledger alone tells it."""

    timer: Timer
    facts: TimerFacts
    branches: frozenset[int]
    is_reviewed: bool

    @property
    def counted_at(self) -> datetime | None:
        if self.facts.state in (TimerState.MET, TimerState.CANCELLED):
            return self.facts.ended_at
        return self.facts.breached_at


def all_seen(now: datetime) -> list[Seen]:
    paths = {branch.id: branch.path for branch in db.session.scalars(select(Branch))}
    reviewed = set(db.session.scalars(select(BreachReview.timer_id)))
    return [
        Seen(
            timer,
            sla.facts_of(timer, now),
            frozenset(int(part) for part in paths.get(timer.branch_id, "").split("/") if part),
            timer.id in reviewed,
        )
        for timer in db.session.scalars(select(Timer))
    ]


def fits(one: Seen, wanted: ComplianceFilter, *, with_reviews: bool = False) -> bool:
    """The filter but for its period, asked in Python."""
    timer = one.timer
    zone = {True: "urban", False: "elsewhere", None: NOT_SAID}[timer.is_urban]
    if wanted.step is None and timer.step is ClockStep.BREACH_REVIEW and not with_reviews:
        return False
    if wanted.branch_id is not None:
        is_there = wanted.branch_id in one.branches
        if wanted.is_alone:
            is_there = timer.branch_id == wanted.branch_id
    else:
        is_there = timer.branch_id is None if wanted.is_alone else True
    return (
        timer.account_id == wanted.account_id
        and wanted.step in (None, timer.step)
        and is_there
        and wanted.holder_id in (None, one.facts.holder_id)
        and wanted.severity in (None, timer.severity or NOT_SAID)
        and wanted.zone_code in (None, zone)
    )


def counted(seen: Iterable[Seen], wanted: ComplianceFilter, **with_reviews: bool) -> list[Seen]:
    found = []
    for one in seen:
        at = one.counted_at
        if at and wanted.period.first <= at.astimezone(CHINA).date() <= wanted.period.last:
            found.append(one)
    return [one for one in found if fits(one, wanted, **with_reviews)]


def figures_of(clocks: list[Seen]) -> Figures:
    states = [one.facts.state for one in clocks]
    late = [one for one in clocks if one.facts.ended_at is None]
    met, cancelled = states.count(TimerState.MET), states.count(TimerState.CANCELLED)
    return Figures(met, len(clocks) - met - cancelled, cancelled, len(late))


def times_of(clocks: list[Seen]) -> Times | None:
    used = [
        one.facts.used_seconds for one in clocks if one.facts.state in (TimerState.MET, TimerState.BREACHED)
    ]
    middle, ninth = median(used), p90(used)
    return Times(int(middle), ninth, max(used)) if middle is not None and ninth is not None else None


def hours_of(clocks: list[Seen], by: str) -> dict[Any, tuple[int, Spent]]:
    sums: dict[Any, tuple[int, Spent]] = {}
    for one in clocks:
        if one.facts.state is TimerState.CANCELLED:
            continue
        for key, spent in getattr(consumption(one.facts.segments), by).items():
            clocks_so_far, so_far = sums.get(key, (0, Spent()))
            sums[key] = clocks_so_far + 1, so_far + spent
    return sums


KEYS: dict[Dimension, Callable[[Seen], Any]] = {
    Dimension.STEP: lambda one: one.timer.step,
    Dimension.PERSON: lambda one: one.facts.holder_id,
    Dimension.SEVERITY: lambda one: one.timer.severity or NOT_SAID,
    Dimension.ZONE: lambda one: {True: "urban", False: "elsewhere", None: NOT_SAID}[one.timer.is_urban],
}


def test_every_figure_equals_a_slow_count_and_opens_as_many_rows(world: World, now: datetime) -> None:
    history = make_history(world, now, clocks=240)
    seen = all_seen(now)
    base = ComplianceFilter(world.account.id, period_of(Preset.LAST_90_DAYS, local_date(now)))
    filters = [
        (base, Dimension.STEP),
        (base, Dimension.BRANCH),
        (base, Dimension.PERSON),
        (base, Dimension.SEVERITY),
        (base, Dimension.ZONE),
        (base, Dimension.WEEK),
        (replace(base, period=Period(date(2026, 7, 20), date(2026, 11, 23))), Dimension.MONTH),
        (replace(base, step=ClockStep.BREACH_REVIEW), Dimension.STEP),
        (replace(base, branch_id=world.gongyi.id), Dimension.BRANCH),
        (replace(base, branch_id=history.station.id, is_alone=True), Dimension.WEEK),
        (replace(base, is_alone=True), Dimension.BRANCH),
        (replace(base, severity=NOT_SAID, holder_id=world.claims1.id), Dimension.ZONE),
        (replace(base, zone_code="urban", step=ClockStep.SURVEY), Dimension.PERSON),
        (replace(base, period=period_of(Preset.THIS_WEEK, local_date(now))), Dimension.SEVERITY),
    ]
    for wanted, by in filters:
        found = compliance.read_compliance(wanted, by, actor=world.manager, now=now)
        check_totals(found, seen, now)
        check_groups(found, seen)
        check_trend(found, seen, now)
        check_hours(found, seen)
        check_standing(found, seen, now)
        check_rows(world, found, now)
        if wanted is base and by is Dimension.STEP:
            check_history_has_everything(found)


def check_history_has_everything(found: Compliance) -> None:
    """Else the comparisons would be of empty figures."""
    total, standing = found.total, found.standing
    assert min(total.met, total.breached, total.cancelled, total.still_open, total.finished) > 3
    assert min(standing.at_risk, standing.late, *standing.unreviewed.values()) > 0
    assert len(found.hours.by_holder) == len(found.hours.by_reason) == 2


def check_totals(found: Compliance, seen: list[Seen], now: datetime) -> None:
    clocks = counted(seen, found.wanted)
    assert found.total == figures_of(clocks)
    assert found.times == times_of(clocks)
    earlier = replace(found.wanted, period=before(found.wanted.period))
    assert found.total_before == figures_of(counted(seen, earlier))


def check_groups(found: Compliance, seen: list[Seen]) -> None:
    by_step = found.by is Dimension.STEP
    clocks = counted(seen, found.wanted, with_reviews=by_step)
    for group in found.groups:
        own = counted(seen, group.wanted)
        assert (group.figures, group.times) == (figures_of(own), times_of(own)), (found.by, group.key)
        if found.by in KEYS:
            assert {one.timer.id for one in own} == {
                one.timer.id for one in clocks if KEYS[found.by](one) == group.key
            }
    assert sum(group.figures.judged + group.figures.cancelled for group in found.groups) == len(clocks)
    kept = sum((group.figures.kept for group in found.groups if group.is_summed), Ratio())
    assert kept == found.total.kept
    if found.by is Dimension.WEEK:
        assert [group.key.first.weekday() for group in found.groups[1:]] == [0] * (len(found.groups) - 1)


def check_trend(found: Compliance, seen: list[Seen], now: datetime) -> None:
    _by, parts = trend(found.wanted.period, local_date(now))
    assert [group.key for group in found.trend] == parts
    for group in found.trend:
        assert group.figures == figures_of(counted(seen, replace(found.wanted, period=group.key)))


def check_hours(found: Compliance, seen: list[Seen]) -> None:
    clocks = counted(seen, found.wanted)
    by_holder = {one.holder_id: (one.clocks, one.spent) for one in found.hours.by_holder}
    by_reason = {one.reason: (one.clocks, one.spent) for one in found.hours.by_reason}
    assert by_holder == hours_of(clocks, "by_holder")
    assert by_reason == hours_of(clocks, "by_reason")
    judged = [one for one in clocks if one.facts.state is not TimerState.CANCELLED]
    assert sum(spent.total for _number, spent in by_holder.values()) == sum(
        one.facts.used_seconds for one in judged
    )


def check_standing(found: Compliance, seen: list[Seen], now: datetime) -> None:
    clocks = [one for one in seen if fits(one, found.wanted)]
    open_ones = [one for one in clocks if one.facts.ended_at is None]
    late = [one for one in open_ones if one.facts.breached_at]
    at_risk = [
        one
        for one in open_ones
        if one.facts.state is TimerState.RUNNING
        and not one.facts.breached_at
        and one.facts.warn_at
        and one.facts.warn_at <= now
    ]
    ages: dict[ReviewAge, int] = defaultdict(int)
    for one in clocks:
        if one.facts.breached_at and not one.is_reviewed and one.timer.step is not ClockStep.BREACH_REVIEW:
            days = (now - one.facts.breached_at) / DAY
            band = [limit for limit in (2, 7, 30) if days <= limit]
            ages[
                {2: ReviewAge.TWO_DAYS, 7: ReviewAge.WEEK, 30: ReviewAge.MONTH}[band[0]]
                if band
                else ReviewAge.OLDER
            ] += 1
    standing = found.standing
    assert (standing.at_risk, standing.late) == (len(at_risk), len(late))
    assert {age: number for age, number in standing.unreviewed.items() if number} == ages


def check_rows(world: World, found: Compliance, now: datetime) -> None:
    """Each figure's list has as many lines as the figure says, and their time adds up to its hours."""

    def number(wanted: ComplianceFilter, **rows: Any) -> int:
        listed = compliance.list_clocks(wanted, RowsWanted(**rows), EVERYTHING, actor=world.manager, now=now)
        assert len(listed.page.rows) == listed.page.total
        return listed.page.total

    for wanted, figures in [
        (found.wanted, found.total),
        *((group.wanted, group.figures) for group in found.groups),
    ]:
        assert number(wanted, verdicts=Verdicts.MET) == figures.met
        assert number(wanted, verdicts=Verdicts.BREACHED) == figures.breached
        assert number(wanted, verdicts=Verdicts.JUDGED) == figures.judged
    total = found.total
    assert number(found.wanted, verdicts=Verdicts.CANCELLED) == total.cancelled
    assert number(found.wanted, verdicts=Verdicts.STILL_OPEN) == total.still_open
    assert number(found.wanted, verdicts=Verdicts.FINISHED) == total.finished
    assert number(found.wanted, verdicts=Verdicts.AT_RISK) == found.standing.at_risk
    assert number(found.wanted, verdicts=Verdicts.LATE) == found.standing.late
    assert number(found.wanted, verdicts=Verdicts.UNREVIEWED) == found.standing.unreviewed_count
    for age, unreviewed in found.standing.unreviewed.items():
        assert number(found.wanted, verdicts=Verdicts.UNREVIEWED, age=age) == unreviewed
    for wanted_rows, clocks, spent in [
        *((RowsWanted(used_by_id=one.holder_id), one.clocks, one.spent) for one in found.hours.by_holder),
        *((RowsWanted(paused_for=one.reason), one.clocks, one.spent) for one in found.hours.by_reason),
    ]:
        listed = compliance.list_clocks(found.wanted, wanted_rows, EVERYTHING, actor=world.manager, now=now)
        assert listed.page.total == clocks
        assert sum((row.spent for row in listed.page.rows if row.spent), Spent()) == spent
