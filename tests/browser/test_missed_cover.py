"""Journey: a vehicle without cover is found, its branch is called and writes, and a policy closes the case."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service_desk.base.clock import local_date, utc_now
from service_desk.jobs import uninsured_watch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.renewals import CaseState, MissedCoverCase
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import sla
from service_desk.services.policies import rates
from tests.browser.axe import axe_problems
from tests.browser.pages import scrolls_sideways
from tests.factories import PolicyFactory
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

PLATE = "豫A·67890"


@pytest.fixture
def lorry(world: World) -> Vehicle:
    """The group is covered but for a lorry, whose CTPL ended three days ago."""
    now = utc_now()
    sla.install_defaults(now)
    rates.install_sample_rates(now=now)
    for vehicle in (world.coach, world.bus, world.truck):
        for line in PolicyLine:
            ends_at = now + timedelta(days=-3 if (vehicle, line) == (world.truck, PolicyLine.CTPL) else 200)
            PolicyFactory(
                vehicle=vehicle,
                issued_by=world.underwriter,
                line=line,
                starts_at=ends_at - timedelta(days=365),
                ends_at=ends_at,
            )
    db.session.commit()
    uninsured_watch.run_pass(now - timedelta(minutes=1))
    return world.truck


def test_a_missed_vehicle_is_found_chased_and_covered(lorry: Vehicle, open_desk: Callable[..., Page]) -> None:
    desk, phone = open_desk("underwriter", language="en"), open_desk("safety-gongyi", phone=True)
    find_on_the_desk(desk)
    call_the_branch(desk)
    let_the_branch_write(phone)
    desk.reload()
    expect(desk.locator(".timeline")).to_contain_text("车辆停在场内")
    issue_the_policy(desk)

    db.session.rollback()
    case = db.session.scalars(select(MissedCoverCase).where(MissedCoverCase.vehicle_id == lorry.id)).one()
    assert case.state is CaseState.COVERED
    desk.goto(f"/renewals/missed/{case.number}")
    expect(desk.locator(".timeline")).to_contain_text("Covered: the case is closed")
    desk.goto("/coverage")
    expect(desk.locator(".figures")).to_contain_text("100.00%")
    assert axe_problems(desk) == []


def find_on_the_desk(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("table", name="To do, by due time")).to_contain_text("Missed cover")
    page.goto("/coverage")
    page.get_by_role("link", name="Vehicles without cover").click()
    row = page.get_by_role("row").filter(has_text=PLATE)
    expect(row).to_contain_text("¥6,900.00")
    expect(row).to_contain_text("for 3 days")
    assert axe_problems(page) == []
    row.get_by_role("link", name=PLATE).click()


def call_the_branch(page: Page) -> None:
    expect(page.get_by_text("Without CTPL the vehicle must not be on the road.")).to_be_visible()
    assert axe_problems(page) == []
    page.get_by_label("With whom").fill("郭永刚")
    page.get_by_label("What was said").fill("Will renew tomorrow")
    promised = (local_date(utc_now()) + timedelta(days=1)).isoformat()
    page.get_by_label("Promised by").fill(promised)
    page.get_by_role("button", name="Log the contact").click()
    expect(page.locator(".timeline")).to_contain_text(f"promised by {promised}")


def let_the_branch_write(phone: Page) -> None:
    phone.goto("/renewals/uninsured")
    expect(phone.get_by_role("row").filter(has_text=PLATE)).to_contain_text("李静")
    phone.get_by_role("link", name=PLATE).click()
    phone.get_by_label("留言内容").fill("车辆停在场内，续保后再出车")
    assert axe_problems(phone) == []
    assert not scrolls_sideways(phone)
    phone.get_by_role("button", name="告知服务台").click()
    expect(phone.locator(".timeline")).to_contain_text("车辆停在场内")


def issue_the_policy(page: Page) -> None:
    page.get_by_role("link", name="Vehicle and its cover").click()
    expect(page.get_by_role("table", name="Cover: Compulsory liability (CTPL)")).to_contain_text("goes on")
    assert axe_problems(page) == []
    page.get_by_role("link", name="Who follows this").click()
    page.get_by_role("link", name="Issue policies").click()
    page.locator('button[formaction="/issue/confirm"]').click()
    expect(page.get_by_role("status").filter(has_text="The policies were issued.")).to_be_visible()
