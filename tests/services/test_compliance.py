"""Compliance: every figure equals a slow count over the ledgers, and every figure is its list's length."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from service_desk.base.clock import CHINA, local_date
from service_desk.base.errors import Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.sla import BreachReview, Timer, TimerState
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import Ratio, median, p90
from service_desk.rules.periods import Period, Preset, before, period_of, trend
from service_desk.rules.sla import Spent, TimerFacts, consumption
from service_desk.services import dashboard, sla
from service_desk.services.notices import Matter
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
    exporting,
)
from tests.clock_history import make_history
from tests.factories import BranchFactory
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Thursday 19 November 2026, 12:00 in China.
THURSDAY = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)
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


def week(monday: str) -> Period:
    first = date.fromisoformat(monday)
    return Period(first, first + timedelta(days=6))


def survey(
    world: World, started_at: datetime, stopped_after: timedelta | None, *, number: int = 1, **place: Any
) -> Timer:
    """A survey out of town, promised within an hour, of Gongyi unless another place is given."""
    sla.install_defaults(started_at)
    account_id = place.get("account_id", world.account.id)
    branch_id = place.get("branch_id", world.gongyi.id)
    matter = Matter("claim", number, f"CLM-2026-{number:06d}", account_id, branch_id)
    timer = sla.start(
        matter,
        ClockStep.SURVEY,
        holder_id=place.get("holder_id", world.claims1.id),
        at=started_at,
        actor=None,
        now=started_at,
        is_urban=False,
    )
    assert timer is not None
    if stopped_after is not None:
        at = started_at + stopped_after
        sla.stop(matter, (ClockStep.SURVEY,), at=at, actor=None, now=at)
    return timer


def read(world: World, period: Period, by: Dimension = Dimension.STEP, **narrowed: Any) -> Compliance:
    wanted = ComplianceFilter(world.account.id, period, **narrowed)
    return compliance.read_compliance(wanted, by, actor=world.manager, now=THURSDAY)


def test_a_promise_counts_in_the_week_it_was_broken_even_when_it_is_done_in_the_next(world: World) -> None:
    sunday_night = datetime(2026, 11, 15, 14, 30, tzinfo=UTC)
    survey(world, sunday_night, 2 * DAY)

    assert read(world, week("2026-11-09")).total == Figures(breached=1)
    assert read(world, week("2026-11-16")).total == Figures()


def test_a_breach_counts_before_any_sweep_has_told_it(world: World) -> None:
    survey(world, THURSDAY - HOUR - timedelta(seconds=1), None, number=1)
    survey(world, THURSDAY - HOUR, None, number=2)

    found = read(world, week("2026-11-16"))

    assert found.total == Figures(breached=1, still_open=1)
    assert (found.standing.late, found.standing.at_risk) == (1, 1)


def test_a_cancelled_clock_is_counted_beside_and_in_no_share(world: World) -> None:
    timer = survey(world, THURSDAY - HOUR, None)
    survey(world, THURSDAY - HOUR, 30 * MINUTE, number=2)
    matter = Matter("claim", timer.matter_id, timer.matter_number, timer.account_id, timer.branch_id)
    sla.cancel(matter, at=THURSDAY, actor=world.claims1, now=THURSDAY)

    found = read(world, week("2026-11-16"))

    assert found.total == Figures(met=1, cancelled=1)
    assert found.total.kept == Ratio(1, 1)


def test_median_p90_and_longest_are_of_clocks_that_have_stopped(world: World) -> None:
    for number, minutes in enumerate((10, 20, 31, 90), start=1):
        survey(world, THURSDAY - 3 * HOUR, minutes * MINUTE, number=number)
    survey(world, THURSDAY - 9 * HOUR, None, number=9)

    found = read(world, week("2026-11-16"))

    assert found.times == Times(median=25 * 60 + 30, p90=90 * 60, longest=90 * 60)
    assert found.total == Figures(met=3, breached=2, still_open=1)


def test_a_branch_is_counted_with_all_below_it_and_opens_into_itself_and_those(world: World) -> None:
    station = BranchFactory(account=world.account, parent=world.gongyi)
    garage = BranchFactory(account=world.account, parent=station)
    for number, branch in enumerate((world.gongyi, station, garage, garage, world.zhongmu), start=1):
        survey(world, THURSDAY - 2 * HOUR, 30 * MINUTE, number=number, branch_id=branch.id)

    roots = read(world, week("2026-11-16"), Dimension.BRANCH).groups
    below = read(world, week("2026-11-16"), Dimension.BRANCH, branch_id=world.gongyi.id).groups

    assert {group.key: group.figures.met for group in roots} == {world.gongyi.id: 4, world.zhongmu.id: 1}
    assert [(group.key, group.figures.met, group.wanted.is_alone) for group in below] == [
        (world.gongyi.id, 1, True),
        (station.id, 3, False),
    ]


def test_time_handed_over_stays_with_who_used_it(world: World) -> None:
    timer = survey(world, THURSDAY - 3 * HOUR, None)
    matter = Matter("claim", timer.matter_id, timer.matter_number, timer.account_id, timer.branch_id)
    handed_at = THURSDAY - 90 * MINUTE
    sla.hand_over(matter, to_id=world.claims2.id, at=handed_at, actor=world.manager, now=handed_at)

    hours = read(world, week("2026-11-16")).hours

    assert [(one.holder_id, one.clocks, one.spent) for one in hours.by_holder] == [
        (world.claims1.id, 1, Spent(3600, 1800)),
        (world.claims2.id, 1, Spent(0, 5400)),
    ]
    by_person = read(world, week("2026-11-16"), Dimension.PERSON).groups
    assert [(group.key, group.figures.breached) for group in by_person] == [(world.claims2.id, 1)]


def test_reviews_of_breaches_are_a_step_of_their_own_and_in_no_sum(world: World) -> None:
    survey(world, THURSDAY - 9 * DAY, 2 * HOUR)

    found = read(world, period_of(Preset.THIS_MONTH, local_date(THURSDAY)))
    reviews = read(world, found.wanted.period, step=ClockStep.BREACH_REVIEW)

    assert [(group.key, group.is_summed, group.figures.judged) for group in found.groups] == [
        (ClockStep.SURVEY, True, 1),
        (ClockStep.BREACH_REVIEW, False, 1),
    ]
    assert (found.total.judged, reviews.total.judged) == (1, 1)
    assert reviews.groups[0].is_summed


def test_another_account_is_neither_counted_nor_seen(world: World) -> None:
    foreign = {"account_id": world.foreign_account.id, "branch_id": world.foreign_branch.id}
    survey(world, THURSDAY - 3 * HOUR, 2 * HOUR, **foreign)
    survey(world, THURSDAY - 20 * MINUTE, None, number=2, **foreign)

    own = read(world, week("2026-11-16"))
    assert (own.total, own.standing.unreviewed_count, own.hours.by_holder) == (Figures(), 0, [])
    for wanted, reader in (
        (ComplianceFilter(world.foreign_account.id, week("2026-11-16")), world.manager),
        (ComplianceFilter(world.account.id, week("2026-11-16")), world.foreign_hq),
    ):
        with pytest.raises(NotFound):
            compliance.read_compliance(wanted, Dimension.STEP, actor=reader, now=THURSDAY)
        with pytest.raises(NotFound):
            compliance.list_clocks(wanted, RowsWanted(), EVERYTHING, actor=reader, now=THURSDAY)


def test_the_group_department_sees_the_same_without_any_comparison_of_people(world: World) -> None:
    survey(world, THURSDAY - 3 * HOUR, 2 * HOUR)
    wanted = ComplianceFilter(world.account.id, week("2026-11-16"))

    seen = compliance.read_compliance(wanted, Dimension.STEP, actor=world.hq, now=THURSDAY)
    managers = read(world, wanted.period)

    assert (seen.total, seen.times, seen.groups, seen.trend, seen.standing, seen.hours.by_reason) == (
        managers.total,
        managers.times,
        managers.groups,
        managers.trend,
        managers.standing,
        managers.hours.by_reason,
    )
    assert (managers.hours.by_holder[0].clocks, seen.hours.by_holder, seen.people) == (1, (), {})


def test_the_group_department_may_not_ask_for_one_person(world: World) -> None:
    wanted = ComplianceFilter(world.account.id, week("2026-11-16"))
    of_one = replace(wanted, holder_id=world.claims1.id)
    reader = {"actor": world.hq, "now": THURSDAY}
    for ask in (
        lambda: compliance.read_compliance(wanted, Dimension.PERSON, **reader),
        lambda: compliance.read_compliance(of_one, Dimension.STEP, **reader),
        lambda: compliance.count_by(wanted, Dimension.PERSON, **reader),
        lambda: compliance.list_clocks(of_one, RowsWanted(), EVERYTHING, **reader),
        lambda: compliance.list_clocks(wanted, RowsWanted(used_by_id=world.claims1.id), EVERYTHING, **reader),
        lambda: compliance.export_compliance(wanted, Dimension.PERSON, described="", **reader),
        lambda: compliance.export_clocks(of_one, RowsWanted(), sort="", described="", **reader),
    ):
        with pytest.raises(Forbidden) as refusal:
            ask()
        assert refusal.value.code == "compliance_no_ranking"


@pytest.mark.parametrize("username", ["admin", "underwriter", "claims1", "safety_gongyi"])
def test_only_managers_and_the_group_department_see_compliance(world: World, username: str) -> None:
    reader = getattr(world, username)
    wanted = ComplianceFilter(world.account.id, week("2026-11-16"))
    with pytest.raises(Forbidden):
        compliance.read_compliance(wanted, Dimension.STEP, actor=reader, now=THURSDAY)
    with pytest.raises(Forbidden):
        compliance.list_clocks(wanted, RowsWanted(), EVERYTHING, actor=reader, now=THURSDAY)


def test_a_list_is_sorted_as_asked_and_comes_in_pages(world: World) -> None:
    for number, minutes in enumerate((20, 90, 40), start=1):
        survey(world, THURSDAY - 3 * HOUR, minutes * MINUTE, number=number)
    wanted = ComplianceFilter(world.account.id, week("2026-11-16"))

    def numbers(sort: str, page: PageRequest = EVERYTHING) -> list[int]:
        found = compliance.list_clocks(
            wanted, RowsWanted(), page, sort=sort, actor=world.manager, now=THURSDAY
        )
        return [row.timer.matter_id for row in found.page.rows]

    assert numbers("-used") == [2, 3, 1]
    assert numbers("used") == [1, 3, 2]
    assert numbers("number") == [1, 2, 3]
    assert numbers("nonsense") == [2, 3, 1]
    assert numbers("used", PageRequest(2, 2)) == [2]


def test_an_export_holds_the_whole_list_and_is_written_down(world: World) -> None:
    for number in range(1, 6):
        survey(world, THURSDAY - 3 * HOUR, number * 20 * MINUTE, number=number)
    wanted = ComplianceFilter(world.account.id, week("2026-11-16"))

    exported = compliance.export_clocks(
        wanted,
        RowsWanted(used_by_id=world.claims1.id),
        sort="-used",
        described="used_by=1",
        actor=world.manager,
        now=THURSDAY,
    )
    rows = list(exported.rows)

    assert exported.total == 5
    assert [row.timer.matter_id for row in rows] == [5, 4, 3, 2, 1]
    assert [row.spent.total for row in rows if row.spent] == [6000, 4800, 3600, 2400, 1200]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "compliance_exported")).one()
    assert (entry.actor_id, entry.account_id, entry.changes) == (
        world.manager.id,
        world.account.id,
        {"filter": [None, "used_by=1"]},
    )


def test_a_list_too_long_for_a_spreadsheet_is_refused_and_nothing_is_written_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        survey(world, THURSDAY - 3 * HOUR, 20 * MINUTE, number=number)
    monkeypatch.setattr(exporting, "MOST_EXPORTED", 1)
    wanted = ComplianceFilter(world.account.id, week("2026-11-16"))

    with pytest.raises(Invalid) as refusal:
        compliance.export_clocks(
            wanted, RowsWanted(), sort="", described="", actor=world.manager, now=THURSDAY
        )

    assert refusal.value.code == "compliance_too_many_rows"
    assert not db.session.scalar(select(AuditEntry.id).where(AuditEntry.action == "compliance_exported"))


def test_the_page_asks_the_database_as_often_for_many_clocks_as_for_few(world: World) -> None:
    def count_queries() -> int:
        asked: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            asked.append(statement)

        db.session.commit()
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            read(world, week("2026-11-16"), Dimension.BRANCH)
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        return len(asked)

    survey(world, THURSDAY - 3 * HOUR, 2 * HOUR)
    survey(world, THURSDAY - 3 * HOUR, None, number=2)
    few = count_queries()
    for number in range(3, 9):
        survey(world, THURSDAY - 3 * HOUR, 2 * HOUR, number=number, branch_id=world.zhongmu.id)
    survey(world, THURSDAY - 3 * HOUR, None, number=9, holder_id=world.claims2.id)

    assert count_queries() == few < 25


def test_the_overview_and_the_breach_list_say_the_same(world: World, now: datetime) -> None:
    make_history(world, now, clocks=60, days=20)
    this_week = period_of(Preset.THIS_WEEK, local_date(now))
    wanted = ComplianceFilter(world.account.id, this_week)
    found = compliance.read_compliance(wanted, Dimension.STEP, actor=world.manager, now=now)

    seen = dashboard.overview(world.account.id, actor=world.manager, now=now)

    assert seen.this_week == found.total.kept
    assert seen.last_week == found.total_before.kept
    assert {one.step: one.this_week for one in seen.compliance if one.this_week.whole} == {
        group.key: group.figures.kept for group in found.groups if group.is_summed and group.figures.judged
    }
    standing = found.standing
    assert (seen.at_risk_count, seen.over_count) == (standing.at_risk, standing.late)
    assert seen.unreviewed == standing.unreviewed_count
    assert sla.count_open(world.manager, account_id=world.account.id) == standing.unreviewed_count
