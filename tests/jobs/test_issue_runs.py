"""The job that issues large orders: bounded a run, quiet without work, and patient with a database that is away."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from service_desk.jobs import issue_runs
from service_desk.jobs.runner import Tally
from service_desk.models.db import db
from service_desk.models.policies import IssuePortion
from service_desk.scheduler import JOBS
from service_desk.services.policies import rates, runs
from tests.issue_cases import confirmed, issued, make_small, many_vehicles, order_for
from tests.world import World


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    make_small(portion=2)


def test_it_runs_every_few_seconds() -> None:
    assert [(seconds, job) for name, seconds, job in JOBS if name == issue_runs.NAME] == [(3, issue_runs.run)]


def test_nothing_to_issue_is_a_quiet_run(world: World, now: datetime) -> None:
    assert issue_runs.run(now) == Tally()


def test_a_run_of_the_job_is_bounded_and_the_next_goes_on(world: World, now: datetime) -> None:
    batch = confirmed(order_for(world, many_vehicles([world.gongyi], 10)), world, now)
    assert issue_runs.run(now, most=3) == Tally(done=3)
    assert issue_runs.run(now + timedelta(seconds=3)) == Tally(done=2)
    assert len(issued(batch)) == 10


def test_the_older_order_goes_first(world: World, now: datetime) -> None:
    ids = many_vehicles([world.gongyi], 8)
    first, second = (confirmed(order_for(world, some), world, now) for some in (ids[:4], ids[4:]))
    issue_runs.run(now, most=2)
    assert (len(issued(first)), len(issued(second))) == (4, 0)


def test_a_database_that_does_not_answer_splits_nothing(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = confirmed(order_for(world, many_vehicles([world.gongyi], 4)), world, now)

    def fail(*_: object) -> None:
        raise OperationalError("INSERT", {}, Exception("gone away"))

    with monkeypatch.context() as broken:
        broken.setattr(runs, "write_policies", fail)
        assert issue_runs.run(now) == Tally(failed=2)
    assert db.session.query(IssuePortion).count() == 2
    assert issue_runs.run(now + runs.TAKEN_FOR) == Tally(done=2)
    assert len(issued(batch)) == 4
