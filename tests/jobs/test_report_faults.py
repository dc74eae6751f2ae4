"""A report that keeps failing: growing delays, told once, tried at once when asked, and never made twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import select, update

from service_desk.base.errors import Forbidden, NotFound
from service_desk.jobs import runner, scheduled_reports
from service_desk.jobs.runner import Tally
from service_desk.models.accounts import KeyAccount
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, unit_of_work
from service_desk.models.notices import Notice
from service_desk.models.reports import ReportFault, ReportRun, ReportSchedule
from service_desk.rules.report_document import ReportKind
from service_desk.services.reports import faults, runs, schedules
from service_desk.services.reports.overview import failing, read_overview
from tests.world import World

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# Monday 23 November 2026, 08:30 in China.
DUE = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
WEEKLY = ReportKind.WEEKLY_CLAIMS


@pytest.fixture
def mend(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """One account whose weekly report cannot be made, until it is mended."""
    with unit_of_work():
        schedules.ensure_schedules(DUE)
        db.session.execute(update(ReportSchedule).values(starts_on=DUE.date()))
        db.session.execute(
            update(KeyAccount).where(KeyAccount.id == world.foreign_account.id).values(is_active=False)
        )
    good = runs.MAKERS[WEEKLY]

    def fail(*_args: object, **_values: object) -> None:
        raise ZeroDivisionError("the claim of 张三, 13812345678")

    # Faults are wanted here, and their tracebacks take longer than the job.
    monkeypatch.setattr(runner, "log", SimpleNamespace(exception=lambda *_args, **_values: None))
    monkeypatch.setitem(runs.MAKERS, WEEKLY, SimpleNamespace(make=fail))
    return lambda: monkeypatch.setitem(runs.MAKERS, WEEKLY, good)


def known() -> ReportFault | None:
    db.session.rollback()
    return db.session.scalar(select(ReportFault))


def told(world: World) -> list[str]:
    statement = select(Notice.channel).where(Notice.kind == "report_not_made", Notice.user_id.is_not(None))
    return sorted(db.session.scalars(statement.where(Notice.user_id == world.manager.id)))


def made() -> int:
    db.session.rollback()
    return len(db.session.scalars(select(ReportRun.id)).all())


def test_delays_grow_and_the_code_says_nothing_of_people(world: World, mend) -> None:
    tried = [
        minutes
        for minutes in (0, 1, 2, 5, 6, 7, 20, 21, 80, 81, 260, 261, 440, 441)
        if scheduled_reports.run(DUE + minutes * MINUTE) == Tally(failed=1)
    ]

    assert tried == [0, 1, 6, 21, 81, 261, 441]
    fault = known()
    assert (fault.code, fault.tries, fault.since_at) == ("ZeroDivisionError", 7, DUE)
    assert fault.next_try_at == DUE + 621 * MINUTE


def test_managers_are_told_once_and_the_report_is_made_once_it_can_be(world: World, mend) -> None:
    for minutes in (0, 1, 6, 59):
        scheduled_reports.run(DUE + minutes * MINUTE)
    assert told(world) == []
    for minutes in (60, 61, 81, 300):
        scheduled_reports.run(DUE + minutes * MINUTE)
    assert told(world) == ["in_app", "mail"]
    mend()

    assert scheduled_reports.run(DUE + 301 * MINUTE) == Tally()
    assert scheduled_reports.run(DUE + 480 * MINUTE) == Tally(done=1)

    assert known() is None
    assert made() == 1
    assert scheduled_reports.run(DUE + 481 * MINUTE) == Tally()


def test_a_manager_lets_it_be_tried_at_once(world: World, mend) -> None:
    for minutes in (0, 1, 6, 21):
        scheduled_reports.run(DUE + minutes * MINUTE)
    mend()
    at = DUE + 30 * MINUTE
    own = (ReportSchedule.account_id == world.account.id, ReportSchedule.kind == WEEKLY)
    schedule = db.session.scalars(select(ReportSchedule).where(*own)).one()

    for actor, error in (
        (world.claims1, Forbidden),
        (world.hq, Forbidden),
        (world.foreign_hq, (Forbidden, NotFound)),
    ):
        with pytest.raises(error):
            faults.try_now(schedule.id, actor=actor, now=at)
    shown = [one.fault for one in read_overview(world.account, actor=world.manager, now=at) if one.fault]
    assert [fault.code for fault in shown] == ["ZeroDivisionError"]
    assert not [one for one in read_overview(world.account, actor=world.hq, now=at) if one.fault]
    assert [fault.tries for fault in failing(schedule, world.account, at)] == [4]
    counts = [faults.try_now(schedule.id, actor=world.manager, now=at) for _ in range(2)]
    db.session.commit()

    assert counts == [1, 0]
    assert (
        len(
            db.session.scalars(
                select(AuditEntry).where(AuditEntry.action == "report_try_asked").order_by(AuditEntry.id)
            ).all()
        )
        == 1
    )
    assert scheduled_reports.run(at) == Tally(done=1)
    assert made() == 1


def test_several_workers_that_fail_together_count_one_try(app: Flask, world: World, mend) -> None:
    def work(_: int) -> Tally:
        with app.app_context():
            return scheduled_reports.run(DUE)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    fault = known()
    assert (fault.tries, fault.next_try_at) == (1, DUE + MINUTE)
    mend()

    def again(_: int) -> Tally:
        with app.app_context():
            return scheduled_reports.run(DUE + MINUTE)

    with ThreadPoolExecutor(4) as pool:
        assert sum(tally.failed for tally in pool.map(again, range(4))) == 0
    assert made() == 1
    assert known() is None


def test_a_clock_that_was_ahead_holds_nothing_up(world: World, mend) -> None:
    scheduled_reports.run(DUE + 48 * HOUR)
    mend()

    assert scheduled_reports.run(DUE) == Tally(done=1)
