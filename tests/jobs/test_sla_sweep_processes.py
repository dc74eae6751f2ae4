"""Several sweeping workers as real processes, some of them killed: everything is told, and once."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from service_desk.jobs import sla_sweep
from service_desk.jobs.runner import Tally
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.models.sla import SlaEvent, Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla.sweeping import TAKEN_FOR
from tests.conftest import SECRET_KEY
from tests.processes import PATIENCE_SECONDS, Desk, desk
from tests.world import World

HOUR = timedelta(hours=1)
WARNED_AFTER = timedelta(minutes=45)


@pytest.fixture
def start_many(world: World, now: datetime) -> Callable[[int], list[Timer]]:
    """Start so many survey clocks (60 minutes), a second apart, for two handlers by turns."""
    sla.install_defaults(now)

    def start(count: int) -> list[Timer]:
        handlers = (world.claims1.id, world.claims2.id)
        timers = []
        for number in range(1, count + 1):
            matter = Matter("claim", number, f"CLM-2026-{number:06d}", world.account.id)
            holder_id, at = handlers[number % 2], now + timedelta(seconds=number)
            timer = sla.start(matter, ClockStep.SURVEY, holder_id=holder_id, at=at, actor=None, now=at)
            assert timer is not None
            timers.append(timer)
        db.session.commit()
        return timers

    return start


@pytest.fixture
def workers(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Processes that sweep the database of this test."""
    with desk(DATABASE_URL=database_url, INSTANCE_DIR=str(tmp_path), SECRET_KEY=SECRET_KEY) as running:
        yield running


def assert_all_told_once(timers: list[Timer]) -> None:
    """Each clock has told its warning and its breach, each at its true instant, and each person was told once."""
    told = db.session.execute(select(SlaEvent.timer_id, SlaEvent.kind, SlaEvent.at)).all()
    assert Counter(tuple(row) for row in told) == Counter(
        (timer.id, kind, timer.started_at + after)
        for timer in timers
        for kind, after in (("warning", WARNED_AFTER), ("breach", HOUR))
    )
    in_app = select(Notice.user_id, Notice.matter_id).where(
        Notice.channel == Channel.IN_APP, Notice.kind == "clock_breach"
    )
    received = Counter(tuple(row) for row in db.session.execute(in_app))
    assert set(received.values()) == {1}
    assert len(received) == 2 * len(timers)
    reviews = select(Timer.matter_id).where(Timer.step == ClockStep.BREACH_REVIEW)
    assert sorted(db.session.scalars(reviews)) == sorted(timer.id for timer in timers)


def test_of_two_workers_one_is_killed_midway_and_everything_is_told_once(
    start_many, workers: Desk, now: datetime
) -> None:
    timers = start_many(60)
    late = now + 2 * HOUR

    victim, other = (workers.start("tests.jobs.sweeper", late.isoformat(), "2", "ready") for _ in range(2))
    for worker in (victim, other):
        os.waitpid(worker.pid, os.WUNTRACED)
    for worker in (victim, other):
        worker.send_signal(signal.SIGCONT)
    # After anybody's first batch: whoever waits for the other's lock may get its turn only at the end.
    workers.wait_for("swept")
    victim.kill()
    victim.wait()
    assert other.wait(PATIENCE_SECONDS) == 0
    # What the dead one had taken is free again after a while.
    sla_sweep.run(late + TAKEN_FOR)

    db.session.rollback()
    assert_all_told_once(timers)


@pytest.mark.parametrize("stops_at", ["taken", "checked"])
def test_what_a_worker_held_when_it_was_killed_is_told_by_another(
    start_many, workers: Desk, now: datetime, stops_at: str
) -> None:
    timers = start_many(12)
    late = now + 2 * HOUR
    victim = workers.start("tests.jobs.sweeper", late.isoformat(), "5", stops_at)
    workers.wait_for(f"stopped {stops_at}")
    victim.kill()
    victim.wait()

    assert sla_sweep.run(late) == Tally(done=7)
    assert sla_sweep.run(late + TAKEN_FOR - timedelta(seconds=1)) == Tally()
    assert sla_sweep.run(late + TAKEN_FOR) == Tally(done=5)

    db.session.rollback()
    assert_all_told_once(timers)
