"""A journey of many: 600 renewals confirmed, the browser closed, the process killed, resumed, each vehicle once."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from service_desk.base.clock import utc_now
from service_desk.jobs import issue_runs
from service_desk.models.db import db
from service_desk.models.policies import IssueBatch, IssueRun, Policy
from service_desk.services.policies import rates, runs
from tests.browser.axe import axe_problems
from tests.conftest import SECRET_KEY
from tests.issue_cases import make_small, many_vehicles
from tests.processes import Desk, desk
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

VEHICLES, PORTION = 600, 100


@pytest.fixture
def workers(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Processes that issue on the database of this test."""
    with desk(DATABASE_URL=database_url, INSTANCE_DIR=str(tmp_path), SECRET_KEY=SECRET_KEY) as running:
        yield running


def test_renewals_go_on_without_browser_and_after_a_kill(
    world: World, open_desk: Callable[..., Page], workers: Desk
) -> None:
    rates.install_sample_rates(now=utc_now())
    make_small(at_once=200, portion=PORTION)
    many_vehicles([world.gongyi, world.zhongmu], VEHICLES)
    db.session.commit()
    page = open_desk("underwriter", language="en")
    number = confirm_all(page, VEHICLES + 3)

    # A worker that has written a portion and loses its power before it is kept; meanwhile nobody is looking.
    victim = workers.start("tests.jobs.issuer", utc_now().isoformat(), "issued")
    page.context.close()
    os.waitpid(victim.pid, os.WUNTRACED)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert count_of_policies() == 0

    page = open_desk("underwriter", language="en")
    page.goto("/")
    expect(page.locator("#runs")).to_contain_text(f"{number} 李静 0 of {VEHICLES + 3:,} vehicles")
    page.get_by_role("link", name=number).click()
    expect(page.locator("#progress")).to_contain_text(f"0 of {VEHICLES + 3:,} vehicles")
    assert axe_problems(page) == []
    issue_runs.run(utc_now() + runs.TAKEN_FOR + timedelta(seconds=1))

    expect(page.get_by_role("link", name="All bundles (.zip)")).to_be_visible()
    expect(page.locator("#progress")).to_have_count(0)
    assert axe_problems(page) == []
    assert count_of_policies() == VEHICLES + 3
    assert_each_once(number)


def confirm_all(page: Page, count: int) -> str:
    """Choose every vehicle of the filter, look at the sums, issue; the batch's number."""
    page.goto("/issue")
    page.get_by_role("button", name=f"Show premiums of all {count} filtered vehicles").click()
    for name in ("Commercial", "Carrier's liability"):
        page.get_by_role("checkbox", name=name).uncheck()
    page.get_by_role("button", name="Show again with these choices").click()
    expect(page.get_by_role("table", name="By branch")).to_contain_text("Gongyi Coach Branch")
    page.locator('button[formaction="/issue/confirm"]').click()
    expect(page.get_by_role("status").filter(has_text="The policies are being issued.")).to_be_visible()
    return page.url.rsplit("/", 1)[1]


def count_of_policies() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Policy)) or 0


def assert_each_once(number: str) -> None:
    batch = db.session.scalars(select(IssueBatch).where(IssueBatch.number == number)).one()
    distinct = select(func.count(Policy.vehicle_id.distinct()), func.count(Policy.number.distinct()))
    assert db.session.execute(distinct.where(Policy.batch_id == batch.id)).one() == (
        batch.policy_count,
        batch.policy_count,
    )
    assert db.session.scalars(select(IssueRun)).one().finished_at is not None
