"""The weekly claim report: balances that add up, a past week right whenever it is run, runs and who sees them."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import event, select

from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.services.reports import weekly
from service_desk.services.reports.figures import BranchFigures, WeeklyReport, as_json
from tests.report_cases import add_claim, move, pay, reserve, survey, survey_clock
from tests.world import World

WEEK = date(2026, 11, 16)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Monday 00:00 in China, as UTC; Thursday noon of the week.
START = datetime(2026, 11, 15, 16, 0, tzinfo=UTC)
END = START + 7 * DAY
THURSDAY = START + 3 * DAY + 12 * HOUR


def line_of(report: WeeklyReport, branch) -> BranchFigures:
    return next(line for line in report.branches if line.branch_id == branch.id)


def full_week(world: World) -> None:
    """Two old claims (one closed in the week, one open), one reopened, three new, one closed long ago."""
    closed = add_claim(world, START - 20 * DAY)
    move(closed, START - 19 * DAY, ClaimState.DISPATCHED)
    move(closed, THURSDAY, ClaimState.CLOSED)
    add_claim(world, START - 30 * DAY, world.bus)
    reopened = add_claim(world, START - 40 * DAY)
    move(reopened, START - 35 * DAY, ClaimState.CLOSED)
    move(reopened, THURSDAY + DAY, ClaimState.SURVEYED)
    add_claim(world, START)
    withdrawn = add_claim(world, THURSDAY)
    move(withdrawn, THURSDAY + HOUR, ClaimState.WITHDRAWN)
    add_claim(world, END - timedelta(seconds=1), world.bus)
    forgotten = add_claim(world, START - 60 * DAY)
    move(forgotten, START - 50 * DAY, ClaimState.CLOSED)
    add_claim(world, END)


def test_balance_of_the_week_adds_up_by_branch_and_in_all(world: World, now: datetime) -> None:
    full_week(world)

    report = weekly.compute(world.account.id, WEEK, now=now)

    gongyi, zhongmu = line_of(report, world.gongyi), line_of(report, world.zhongmu)
    assert (gongyi.open_start, gongyi.reported, gongyi.reopened, gongyi.closed, gongyi.open_end) == (
        1,
        2,
        1,
        2,
        2,
    )
    assert (zhongmu.open_start, zhongmu.reported, zhongmu.closed, zhongmu.open_end) == (1, 1, 0, 2)
    assert all(line.adds_up for line in (*report.branches, report.total))
    assert report.total.open_end == len(report.open_claims) == 4
    assert report.total.reported == len(report.claims) == 3


def test_a_past_week_is_the_same_whenever_it_is_run(world: World, now: datetime) -> None:
    full_week(world)
    on_monday = weekly.compute(world.account.id, WEEK, now=now)

    for claim in db.session.scalars(select(type(add_claim(world, now)))).all():
        if claim.state not in (ClaimState.CLOSED, ClaimState.WITHDRAWN):
            move(claim, now + HOUR, ClaimState.CLOSED)
            reserve(claim, now + HOUR, 90_000_00)
    weeks_later = weekly.compute(world.account.id, WEEK, now=now + 30 * DAY)

    assert weeks_later.branches == on_monday.branches
    assert weeks_later.claims == on_monday.claims
    assert weeks_later.open_claims == on_monday.open_claims


def test_week_begins_and_ends_at_midnight_of_the_accounts_zone(world: World, now: datetime) -> None:
    add_claim(world, START - timedelta(seconds=1))
    first = add_claim(world, START)
    last = add_claim(world, END - timedelta(seconds=1))
    add_claim(world, END)

    report = weekly.compute(world.account.id, WEEK, now=now)

    assert [claim.number for claim in report.claims] == [first.number, last.number]


def test_estimate_is_the_reserve_at_the_weeks_end_and_large_is_whatever_once_reached_the_line(
    world: World, now: datetime
) -> None:
    claim = add_claim(world, THURSDAY)
    reserve(claim, THURSDAY + HOUR, 12_000_00)
    reserve(claim, THURSDAY + 2 * HOUR, 8_000_00)
    reserve(claim, END + HOUR, 30_000_00)
    edge = add_claim(world, THURSDAY)
    reserve(edge, THURSDAY + HOUR, 10_000_00)
    small = add_claim(world, THURSDAY)
    reserve(small, THURSDAY + HOUR, 9_999_99)

    report = weekly.compute(world.account.id, WEEK, now=now)

    assert [line.estimate_fen for line in report.claims] == [8_000_00, 10_000_00, 9_999_99]
    assert [line.is_large for line in report.claims] == [True, True, False]
    assert (report.total.estimate_fen, report.total.large_losses) == (27_999_99, 2)


def test_paid_counts_the_payments_of_the_week_whenever_their_claims_were_reported(
    world: World, now: datetime
) -> None:
    pay(add_claim(world, START - 90 * DAY), THURSDAY, 5_600_00)
    pay(add_claim(world, START - 90 * DAY), END, 7_700_00)

    report = weekly.compute(world.account.id, WEEK, now=now)

    assert line_of(report, world.gongyi).paid_fen == report.total.paid_fen == 5_600_00


def test_a_survey_is_judged_in_the_week_its_clock_was_kept_or_ran_out(world: World, now: datetime) -> None:
    in_time, late = add_claim(world, THURSDAY), add_claim(world, THURSDAY)
    survey_clock(world, in_time, stopped_after=59 * MINUTE, seen_at=now)
    broken = survey_clock(world, late, stopped_after=None, seen_at=now)
    before = add_claim(world, START - 2 * DAY)
    survey_clock(world, before, stopped_after=3 * HOUR, seen_at=now)

    report = weekly.compute(world.account.id, WEEK, now=now)

    assert (report.total.surveys_in_time, report.total.surveys_judged) == (1, 2)
    assert [(b.number, b.step, b.breached_at) for b in report.breaches] == [
        (late.number, ClockStep.SURVEY.value, broken.breached_at)
    ]
    assert report.breaches[0].holder.staff_no == world.claims1.staff_no


def test_a_claim_reported_too_late_for_the_scene_does_not_count_in_the_first_scene_rate(
    world: World, now: datetime
) -> None:
    survey(add_claim(world, THURSDAY), THURSDAY + HOUR, first_scene=True)
    survey(add_claim(world, THURSDAY), THURSDAY + HOUR, first_scene=False)
    survey(add_claim(world, THURSDAY, loss_at=THURSDAY - 3 * DAY), THURSDAY + HOUR, first_scene=False)

    report = weekly.compute(world.account.id, WEEK, now=now)

    assert (report.total.scenes_first, report.total.scenes_needed) == (1, 2)


def test_open_claims_tell_the_nearest_clock_of_the_weeks_end(world: World, now: datetime) -> None:
    old = add_claim(world, START - 10 * DAY)
    move(old, START - 9 * DAY, ClaimState.SURVEYED)
    claim = add_claim(world, END - 10 * MINUTE)
    timer = survey_clock(world, claim, stopped_after=30 * MINUTE, seen_at=now)

    report = weekly.compute(world.account.id, WEEK, now=now)

    first, second = report.open_claims
    assert (first.number, first.step, first.due_at) == (claim.number, "survey", timer.due_at)
    assert (second.number, second.step, second.state, second.days) == (old.number, "", "surveyed", 16)
    assert report.total.oldest_days == 16


def test_another_accounts_claims_are_not_in_it(world: World, now: datetime) -> None:
    add_claim(world, THURSDAY, world.foreign_vehicle)

    report = weekly.compute(world.account.id, WEEK, now=now)

    assert report.total.is_empty
    assert weekly.compute(world.foreign_account.id, WEEK, now=now).total.reported == 1


def test_figures_come_back_from_json_as_they_went_in(world: World, now: datetime) -> None:
    full_week(world)
    survey_clock(world, add_claim(world, THURSDAY), stopped_after=None, seen_at=now)
    report = weekly.compute(world.account.id, WEEK, now=now)

    assert WeeklyReport.from_json(as_json(report)) == report


def test_number_of_queries_does_not_grow_with_the_claims(world: World, now: datetime) -> None:
    def queries() -> int:
        seen: list[str] = []

        def count(_c, _cursor, statement, *_) -> None:
            seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", count)
        try:
            weekly.compute(world.account.id, WEEK, now=now)
        finally:
            event.remove(db.engine, "before_cursor_execute", count)
        return len(seen)

    full_week(world)
    db.session.expire_all()
    few = queries()
    for _ in range(4):
        full_week(world)
    db.session.expire_all()

    assert queries() == few <= 12
