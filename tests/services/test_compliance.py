"""Compliance: what its figures mean at their edges, who may see which, and what leaves as a spreadsheet."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from service_desk.base.clock import local_date
from service_desk.base.errors import Forbidden, NotFound
from service_desk.base.paging import Page, PageRequest
from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period, Preset, period_of
from service_desk.rules.sla import Spent
from service_desk.services import dashboard, exports, sla
from service_desk.services.notices import Matter
from service_desk.services.sla import compliance
from service_desk.services.sla.compliance import (
    ClockRow,
    Compliance,
    ComplianceFilter,
    Dimension,
    Figures,
    RowsWanted,
    Times,
)
from tests.clock_history import make_history
from tests.factories import BranchFactory
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Thursday 19 November 2026, 12:00 in China.
THURSDAY = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)
EVERYTHING = PageRequest(1, 100_000)


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


def test_the_clocks_of_reviews_are_the_desks_own(world: World) -> None:
    survey(world, THURSDAY - 9 * DAY, 2 * HOUR)
    wanted = ComplianceFilter(world.account.id, period_of(Preset.THIS_MONTH, local_date(THURSDAY)))

    seen = compliance.read_compliance(wanted, Dimension.STEP, actor=world.hq, now=THURSDAY)

    assert [group.key for group in seen.groups] == [ClockStep.SURVEY]
    of_reviews = replace(wanted, step=ClockStep.BREACH_REVIEW)
    with pytest.raises(NotFound):
        compliance.list_clocks(of_reviews, RowsWanted(), EVERYTHING, actor=world.hq, now=THURSDAY)


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


def test_a_list_read_in_portions_is_the_whole_list(world: World) -> None:
    for number in range(1, 6):
        survey(world, THURSDAY - 3 * HOUR, number * 20 * MINUTE, number=number)
    wanted = ComplianceFilter(world.account.id, week("2026-11-16"))
    asked = RowsWanted(used_by_id=world.claims1.id)

    def read(page: PageRequest) -> Page[ClockRow]:
        return compliance.list_clocks(
            wanted, asked, page, sort="-used", actor=world.manager, now=THURSDAY
        ).page

    for portion in (1, 2, 5, 6):
        rows = list(exports.in_portions(read, portion=portion))
        assert [row.timer.matter_id for row in rows] == [5, 4, 3, 2, 1]
        assert [row.spent.total for row in rows if row.spent] == [6000, 4800, 3600, 2400, 1200]


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

    seen = dashboard.overview(world.account.id, this_week, actor=world.manager, now=now)

    assert seen.flow.now[C.PROMISES_KEPT] == found.total.kept
    assert seen.flow.then[C.PROMISES_KEPT] == found.total_before.kept
    assert {one.step: one.now for one in seen.steps if one.now.whole} == {
        group.key: group.figures.kept for group in found.groups if group.is_summed and group.figures.judged
    }
    standing = found.standing
    standing_now = [seen.state.now[code] for code in (C.CLOCKS_AT_RISK, C.CLOCKS_LATE, C.BREACHES_UNREVIEWED)]
    assert standing_now == [standing.at_risk, standing.late, standing.unreviewed_count]
    assert sla.count_open(world.manager, account_id=world.account.id) == standing.unreviewed_count
