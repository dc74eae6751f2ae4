"""Reports by the clock: once per account, kind and period, caught up when missed, whatever the clock does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from service_desk.jobs import scheduled_reports
from service_desk.jobs.runner import Tally
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.models.reports import ReportRun, ReportSchedule
from service_desk.rules.report_document import ReportKind
from service_desk.rules.schedule import FREQUENCY, Frequency
from service_desk.services.reports import makers, runs, schedules
from tests.world import World

WEEK = date(2026, 11, 16)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
# Monday 23 November 2026, 08:30 in China.
DUE = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)


@pytest.fixture
def scheduled(world: World) -> Callable[[date], None]:
    """Both accounts are on schedule since a day, by default the day the report of the week is due."""

    def start(starts_on: date = WEEK + 7 * DAY) -> None:
        schedules.ensure_schedules(DUE)
        db.session.execute(update(ReportSchedule).values(starts_on=starts_on))
        db.session.commit()

    return start


def periods(world: World, kind: ReportKind = ReportKind.WEEKLY_CLAIMS) -> list[date]:
    db.session.rollback()
    own = select(ReportRun.period_from).where(
        ReportRun.account_id == world.account.id, ReportRun.kind == kind
    )
    return list(db.session.scalars(own.order_by(ReportRun.id)))


def mails() -> int:
    statement = select(func.count()).select_from(Notice).where(Notice.channel == Channel.MAIL)
    return db.session.scalar(statement) or 0


def test_is_made_at_its_minute_and_not_before(world: World, scheduled) -> None:
    scheduled()

    assert scheduled_reports.run(DUE - timedelta(seconds=1)) == Tally()
    assert scheduled_reports.run(DUE) == Tally(done=2)

    assert periods(world) == [WEEK]


def test_is_made_once_however_often_the_job_runs(world: World, scheduled) -> None:
    scheduled()
    scheduled_reports.run(DUE)
    queued = mails()

    for minutes in (0, 1, 60, 60 * 24 * 6):
        assert scheduled_reports.run(DUE + minutes * MINUTE) == Tally()

    assert periods(world) == [WEEK]
    assert mails() == queued == 3


def test_missed_weeks_are_caught_up_oldest_first(world: World, scheduled) -> None:
    scheduled(WEEK - 7 * DAY)

    scheduled_reports.run(DUE + 2 * DAY)

    assert periods(world) == [WEEK - 14 * DAY, WEEK - 7 * DAY, WEEK]


def test_the_next_week_comes_after_it(world: World, scheduled) -> None:
    scheduled()
    scheduled_reports.run(DUE)

    scheduled_reports.run(DUE + 7 * DAY)

    assert periods(world) == [WEEK, WEEK + 7 * DAY]


def test_several_workers_make_it_once(app: Flask, world: World, scheduled) -> None:
    scheduled(WEEK - 7 * DAY)

    def work(_: int) -> Tally:
        with app.app_context():
            return scheduled_reports.run(DUE)

    with ThreadPoolExecutor(4) as pool:
        tallies = list(pool.map(work, range(4)))

    assert sum(tally.failed for tally in tallies) == 0
    assert periods(world) == [WEEK - 14 * DAY, WEEK - 7 * DAY, WEEK]
    assert mails() == 9


def test_an_account_that_fails_does_not_keep_the_others_from_theirs(world: World, scheduled) -> None:
    scheduled()
    db.session.execute(
        update(KeyAccount).where(KeyAccount.id == world.account.id).values(zone="Mars/Olympus_Mons")
    )
    db.session.commit()

    # None of its schedules can be read; each is counted.
    assert scheduled_reports.run(DUE) == Tally(done=1, failed=len(makers.kinds()))

    foreign = select(ReportRun.period_from).where(ReportRun.account_id == world.foreign_account.id)
    assert list(db.session.scalars(foreign)) == [WEEK]


def test_a_report_half_made_leaves_nothing_and_is_made_by_the_next_run(
    world: World, scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled()

    def fail(*_args: object, **_values: object) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(runs.notices, "queue_many", fail)
        assert scheduled_reports.run(DUE) == Tally(failed=2)
    assert periods(world) == []

    assert scheduled_reports.run(DUE + MINUTE) == Tally(done=2)
    assert periods(world) == [WEEK]


def test_a_new_account_gets_a_schedule_and_no_old_reports(world: World) -> None:
    scheduled_reports.run(DUE + 2 * DAY)

    assert periods(world) == []
    assert scheduled_reports.run(DUE + 7 * DAY) == Tally(done=2)
    assert periods(world) == [WEEK + 7 * DAY]


# Friday 15 January 2027, 09:00 in China: week, month, quarter and year have turned.
NEW_YEAR = datetime(2027, 1, 15, 1, 0, tzinfo=UTC)


def due_by_then() -> set[tuple[str, date]]:
    """What falls due from 31 December on by 15 January: the year's end crosses every kind of period."""
    firsts = {
        Frequency.WEEKLY: [date(2026, 12, 28), date(2027, 1, 4)],
        Frequency.MONTHLY: [date(2026, 12, 1)],
        Frequency.QUARTERLY: [date(2026, 10, 1)],
        Frequency.YEARLY: [date(2026, 1, 1)],
    }
    return {(kind.value, first) for kind in makers.kinds() for first in firsts[FREQUENCY[kind]]}


def leave_out_the_foreign_account(world: World) -> None:
    leave = update(KeyAccount).where(KeyAccount.id == world.foreign_account.id).values(is_active=False)
    db.session.execute(leave)
    db.session.commit()


def made(world: World) -> list[tuple[str, date]]:
    db.session.rollback()
    own = select(ReportRun.kind, ReportRun.period_from).where(ReportRun.account_id == world.account.id)
    return [(kind, first) for kind, first in db.session.execute(own)]


def test_after_an_outage_each_kind_is_made_once_by_many_at_once(app: Flask, world: World, scheduled) -> None:
    scheduled(date(2026, 12, 31))
    leave_out_the_foreign_account(world)

    def work(_: int) -> Tally:
        with app.app_context():
            return scheduled_reports.run(NEW_YEAR)

    with ThreadPoolExecutor(4) as pool:
        tallies = list(pool.map(work, range(4)))

    assert sum(tally.failed for tally in tallies) == 0
    assert sorted(made(world)) == sorted(due_by_then())
    assert scheduled_reports.run(NEW_YEAR + DAY) == Tally()


def test_a_clock_set_back_and_put_right_makes_nothing_twice_and_leaves_nothing_out(
    world: World, scheduled
) -> None:
    scheduled(date(2026, 12, 31))
    leave_out_the_foreign_account(world)

    # Day by day, with a jump back over the turn of the year in between.
    for days in (*range(-16, -8), *range(-14, 1)):
        assert scheduled_reports.run(NEW_YEAR + days * DAY).failed == 0

    assert sorted(made(world)) == sorted(due_by_then())
    assert mails() == len(
        db.session.scalars(select(Notice.dedupe_key).where(Notice.channel == Channel.MAIL).distinct()).all()
    )


def test_a_paused_schedule_and_an_account_that_left_make_nothing(world: World, scheduled) -> None:
    scheduled()
    db.session.execute(
        update(ReportSchedule).where(ReportSchedule.account_id == world.account.id).values(is_active=False)
    )
    db.session.execute(
        update(KeyAccount).where(KeyAccount.id == world.foreign_account.id).values(is_active=False)
    )
    db.session.commit()

    assert scheduled_reports.run(DUE) == Tally()
