"""A new vehicle from the branch's phone to its cover: asked for, approved, insured, and three people in the register."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleRequest, VehicleState
from service_desk.models.policies import Policy
from service_desk.presenters.claims import plate
from service_desk.rules.vehicle_onboarding import OnboardingState
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies
from tests.browser.axe import axe_problems
from tests.browser.pages import photo, rows_of, scrolls_sideways
from tests.onboarding_cases import PLATE, VIN, ready
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


@pytest.fixture(autouse=True)
def _ready(world: World) -> None:
    ready(utc_now())


def fill(page: Page) -> None:
    page.locator('input[type="file"]').set_input_files(photo("行驶证.jpg"))
    expect(page.locator("[data-photo-previews] img")).to_have_count(1)
    page.get_by_label("号牌号码").fill(PLATE)
    page.get_by_label("车架号").fill(VIN)
    page.get_by_label("使用性质").select_option("coach")
    page.get_by_label("厂牌型号").fill("宇通 ZK6119H")
    page.get_by_label("核定载客（人）").fill("45")


def request_from_the_phone(page: Page) -> str:
    page.goto("/vehicles")
    page.get_by_role("link", name="申请新车入户").click()
    fill(page)
    assert axe_problems(page) == []
    assert not scrolls_sideways(page)

    page.get_by_role("button", name="提交申请").click(click_count=2)

    expect(page.get_by_role("status").filter(has_text="已提交集团保险部")).to_be_visible()
    expect(page.locator("main")).to_contain_text("待集团审批")
    picture = page.locator("main .photo-strip img").first
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
    assert axe_problems(page) == []
    assert not scrolls_sideways(page)
    return page.url.rpartition("/")[2]


def approve(page: Page, number: str) -> None:
    page.goto("/vehicle-requests")
    page.get_by_role("link", name=plate(PLATE)).click()
    page.get_by_role("button", name="审批通过").click()
    expect(page.locator("main")).to_contain_text("已审批，待出单")
    expect(page).to_have_url(re.compile(f"{number}$"))


def insure(page: Page) -> None:
    page.goto("/")
    page.locator("#new-vehicles").get_by_role("link", name=plate(PLATE)).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(plate(PLATE))
    assert axe_problems(page) == []
    page.locator("main").get_by_role("link", name="出单", exact=True).click()
    expect(page.locator("main")).to_contain_text(plate(PLATE))
    page.get_by_role("button", name="出具 3 份保单").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("BAT-")


def test_a_new_vehicle_from_request_to_cover(world: World, open_desk: Callable[..., Page]) -> None:
    phone, group, desk = open_desk("safety-gongyi", phone=True), open_desk("hq"), open_desk("underwriter")

    number = request_from_the_phone(phone)
    approve(group, number)
    insure(desk)

    phone.reload()

    expect(phone.locator("main")).to_contain_text("已入户承保")
    people = [row[2] for row in rows_of(phone.locator("#register table"))]
    assert people == [
        f"{who.name} · {who.staff_no}" for who in (world.safety_gongyi, world.hq, world.underwriter)
    ]
    assert not scrolls_sideways(phone)
    db.session.rollback()
    [request] = db.session.scalars(select(VehicleRequest)).all()
    vehicle = db.session.get_one(Vehicle, request.vehicle_id)
    assert (request.number, request.state, vehicle.state) == (
        number,
        OnboardingState.DONE,
        VehicleState.OPERATING,
    )
    assert set(db.session.scalars(select(Policy.line).filter_by(vehicle_id=vehicle.id))) == set(PolicyLine)
    assert policies.coverage_of([vehicle.id], utc_now())[vehicle.id].missing == ()
