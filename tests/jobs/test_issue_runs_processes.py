"""Several issuing workers as real processes, some of them killed: every vehicle is issued, and once."""

import os
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service_desk.jobs import issue_runs
from service_desk.jobs.runner import Tally
from service_desk.models.db import db
from service_desk.models.policies import IssueBatch, IssueRun
from service_desk.models.premiums import Receivable
from service_desk.models.settings import NumberSequence
from service_desk.services.policies import rates, runs
from tests.conftest import SECRET_KEY
from tests.issue_cases import confirmed, issued, make_small, many_vehicles, order_for
from tests.processes import PATIENCE_SECONDS, Desk, desk
from tests.world import World

VEHICLES, PORTION = 60, 4


@pytest.fixture
def batch(world: World, now: datetime) -> IssueBatch:
    """An order of sixty vehicles in fifteen portions, confirmed and waiting."""
    rates.install_sample_rates(now=now)
    make_small(portion=PORTION)
    ids = many_vehicles([world.gongyi, world.zhongmu], VEHICLES)
    return confirmed(order_for(world, ids), world, now)


@pytest.fixture
def workers(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Processes that issue on the database of this test."""
    with desk(DATABASE_URL=database_url, INSTANCE_DIR=str(tmp_path), SECRET_KEY=SECRET_KEY) as running:
        yield running


def assert_each_issued_once(batch: IssueBatch) -> None:
    """One policy and one receivable a vehicle, numbers without a gap, counts that agree, a run that has ended."""
    found = issued(batch)
    assert len({policy.vehicle_id for policy in found}) == len(found) == VEHICLES
    assert sorted(policy.number for policy in found) == [
        f"PCT2026-{number:06d}" for number in range(1, VEHICLES + 1)
    ]
    assert db.session.get_one(NumberSequence, "PCT2026").last_value == VEHICLES
    assert db.session.scalar(select(func.count(Receivable.policy_id.distinct()))) == VEHICLES
    assert (batch.policy_count, batch.premium_fen) == (
        VEHICLES,
        sum(policy.premium_fen for policy in found),
    )
    run = db.session.scalars(select(IssueRun)).one()
    assert (run.done_count, run.finished_at is not None) == (VEHICLES, True)


def test_of_two_workers_one_is_killed_midway_and_every_vehicle_is_issued_once(
    batch: IssueBatch, workers: Desk, now: datetime
) -> None:
    victim, other = (workers.start("tests.jobs.issuer", now.isoformat(), "ready") for _ in range(2))
    for worker in (victim, other):
        os.waitpid(worker.pid, os.WUNTRACED)
    for worker in (victim, other):
        worker.send_signal(signal.SIGCONT)
    # After anybody's first portion: whoever waits for the other's lock may get its turn only at the end.
    workers.wait_for("issued")
    victim.kill()
    victim.wait()
    assert other.wait(PATIENCE_SECONDS) == 0
    # What the dead one had taken is free again after a moment.
    issue_runs.run(now + runs.TAKEN_FOR)

    assert_each_issued_once(batch)


@pytest.mark.parametrize("stops_at", ["taken", "issued"])
def test_the_portion_a_worker_held_when_it_was_killed_is_issued_by_another(
    batch: IssueBatch, workers: Desk, now: datetime, stops_at: str
) -> None:
    victim = workers.start("tests.jobs.issuer", now.isoformat(), stops_at)
    workers.wait_for(f"stopped {stops_at}")
    victim.kill()
    victim.wait()

    assert issue_runs.run(now, most=100) == Tally(done=VEHICLES // PORTION - 1)
    assert len(issued(batch)) == VEHICLES - PORTION
    assert issue_runs.run(now) == Tally()
    assert issue_runs.run(now + runs.TAKEN_FOR) == Tally(done=1)

    assert_each_issued_once(batch)
