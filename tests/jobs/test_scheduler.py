"""Which process runs the jobs: one of many, another when it dies or stops; daily jobs once a day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.jobs import daily, housekeeping
from service_desk.jobs.daily import DailyJob
from service_desk.jobs.runner import Tally, each, run_job
from service_desk.models.db import db, unit_of_work
from service_desk.models.settings import JobRun, Setting
from service_desk.models.users import SignInAttempt, Submission
from service_desk.scheduler import DAILY_JOBS, JOBS, Scheduler
from service_desk.services import leases, settings
from tests.world import World

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
# 07:00 in China.
SEVEN = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)


def take(app: Flask, holder: str, now: datetime) -> bool:
    with app.app_context(), unit_of_work():
        return leases.take_or_renew(holder, now=now)


def test_of_four_that_begin_at_once_one_leads(app: Flask, now: datetime) -> None:
    with ThreadPoolExecutor(4) as pool:
        led = list(pool.map(lambda holder: take(app, holder, now), ("a", "b", "c", "d")))

    assert sum(led) == 1


def test_the_leader_keeps_the_lease_while_it_renews_it(app: Flask, now: datetime) -> None:
    take(app, "a", now)

    for seconds in range(0, 60, 5):
        assert take(app, "a", now + seconds * SECOND)
        assert not take(app, "b", now + (seconds + 1) * SECOND)


def test_another_takes_over_when_the_leader_has_died(app: Flask, now: datetime) -> None:
    take(app, "a", now)

    assert not take(app, "b", now + leases.LASTS)
    assert take(app, "b", now + leases.LASTS + SECOND)
    assert not take(app, "a", now + leases.LASTS + SECOND)


def test_a_leader_that_died_before_the_clock_was_set_back_is_not_waited_for(
    app: Flask, now: datetime
) -> None:
    take(app, "a", now + 60 * MINUTE)

    with app.app_context():
        assert leases.state(now).is_alive is False
    assert take(app, "b", now)
    assert not take(app, "c", now + SECOND)


def test_a_clean_stop_leaves_the_lease_to_the_next_at_once(app: Flask, session) -> None:
    first, second = Scheduler(app), Scheduler(app)
    first.start()
    second.start()
    assert (first.is_leader, second.is_leader) == (True, False)

    first.stop()

    assert not first.is_leader
    third = Scheduler(app)
    third.start()
    second.stop()
    third.stop()
    assert leases.state(datetime.now(UTC)).is_alive is False


def test_who_does_not_lead_runs_no_job(app: Flask, session, now: datetime) -> None:
    ran: list[datetime] = []

    def job(at: datetime) -> Tally:
        ran.append(at)
        return Tally(done=1)

    scheduler = Scheduler(app, clock=lambda: now)
    scheduler._run("job", job)
    assert ran == []

    scheduler._renew()
    scheduler._run("job", job)
    assert ran == [now]


def test_clocks_are_swept_before_reports_are_made() -> None:
    names = [name for name, _, _ in JOBS]

    assert names.index("sla_sweep") < names.index("scheduled_reports")
    assert len({*names, *(one.name for one in DAILY_JOBS)}) == len(names) + len(DAILY_JOBS)


def test_a_bad_item_is_counted_and_the_others_are_done(session, now: datetime) -> None:
    def act(item: int) -> None:
        settings.write(f"item-{item}", item)
        if item == 2:
            raise RuntimeError("bad row")

    assert each("test", [1, 2, 3], act) == Tally(done=2, failed=1)

    db.session.rollback()
    assert list(db.session.scalars(select(Setting.key).order_by(Setting.key))) == ["item-1", "item-3"]


def test_a_job_that_fails_does_not_take_the_scheduler_with_it(app: Flask, session, now: datetime) -> None:
    def fail(_now: datetime) -> Tally:
        raise RuntimeError("no such table")

    assert run_job(app, "test", fail, now) == Tally(failed=1)


class Counted:
    """A job that counts how often it ran."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, _now: datetime) -> Tally:
        self.times += 1
        return Tally(done=3)


@pytest.fixture
def job() -> Counted:
    return Counted()


def look(job: Counted, now: datetime) -> Tally:
    return daily.run_due(DailyJob("test", job, time(7, 0)), now, clock=lambda: now)


def test_a_daily_job_runs_at_its_local_time_and_once_a_day(session, job: Counted) -> None:
    assert look(job, SEVEN - SECOND) == Tally()
    assert look(job, SEVEN) == Tally(done=3)
    assert look(job, SEVEN + MINUTE) == Tally()
    assert look(job, SEVEN + DAY) == Tally(done=3)

    assert job.times == 2


def test_a_missed_daily_job_runs_at_the_first_chance_of_the_day(session, job: Counted) -> None:
    assert look(job, SEVEN + timedelta(hours=9)) == Tally(done=3)
    run = db.session.scalars(select(JobRun)).one()

    assert (run.slot, run.done, run.finished_at) == ("2026-11-23", 3, SEVEN + timedelta(hours=9))


def test_of_several_processes_one_runs_a_daily_job(app: Flask, session, job: Counted) -> None:
    def work(_: int) -> Tally:
        with app.app_context():
            return look(job, SEVEN)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    assert job.times == 1
    assert db.session.scalar(select(func.count()).select_from(JobRun)) == 1


def test_a_daily_job_whose_process_died_is_run_again_after_a_while(session, job: Counted) -> None:
    def die(_now: datetime) -> Tally:
        raise SystemExit

    with pytest.raises(SystemExit):
        daily.run_due(DailyJob("test", die, time(7, 0)), SEVEN, clock=lambda: SEVEN)

    assert look(job, SEVEN + leases.ABANDONED_AFTER) == Tally()
    assert look(job, SEVEN + leases.ABANDONED_AFTER + SECOND) == Tally(done=3)


def test_housekeeping_deletes_only_what_is_past_its_time(world: World, now: datetime) -> None:
    for age in (89, 91):
        db.session.add(SignInAttempt(username_key="manager", at=now - age * DAY, succeeded=False))
    for age in (59, 61):
        db.session.add(
            Submission(user_id=world.claims1.id, key=f"k{age}", kind="claim", result="1", at=now - age * DAY)
        )
    db.session.commit()

    assert housekeeping.run(now) == Tally(done=2)

    assert db.session.scalars(select(SignInAttempt.at)).all() == [now - 89 * DAY]
    assert db.session.scalars(select(Submission.key)).all() == ["k59"]
