"""A list of policies is taken over with a difference in its totals; a delivery run is planned, printed and signed for."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from pdfminer.high_level import extract_text
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.policies import Policy
from service_desk.presenters.claims import plate
from service_desk.services import settings
from tests.browser.axe import axe_problems
from tests.factories import PolicyFactory
from tests.world import World

LIST = Path(__file__).parent.parent / "data" / "policy_lists" / "01-ledger-subtotals.xlsx"
OpenDesk = Callable[..., Page]

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


@pytest.fixture
def _insurer(world: World) -> None:
    settings.write(settings.INSURER_NAME, {"zh": "中州联合财产保险股份有限公司", "en": "Zhongzhou"})
    db.session.commit()


@pytest.mark.usefixtures("_insurer")
def test_a_list_with_a_difference_in_its_totals_is_taken_over(world: World, open_desk: OpenDesk) -> None:
    page = open_desk("underwriter", language="en")
    page.goto("/policies")
    page.get_by_role("link", name="Take-over").click()
    page.get_by_role("link", name="Take over a list").first.click()
    page.locator('input[type="file"]').set_input_files(LIST)
    page.get_by_role("button", name="Check the list").click()
    totals = page.get_by_role("table", name="The file's own totals")
    expect(totals).to_contain_text("46,770.00")
    expect(totals).to_contain_text("33,420.00")
    assert axe_problems(page) == []

    take_over = page.get_by_role("button", name="Take over 5 policies")
    take_over.click()
    expect(page.get_by_role("alert")).to_contain_text("do not come to the file's own totals")
    page.get_by_label("Why it is taken over with this difference").fill("三行另行补录")
    take_over.dblclick()

    expect(page.get_by_role("status").filter(has_text="The policies were taken over.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("三行另行补录")
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Policy)) == 4
    with page.expect_download() as handed_back:
        page.get_by_role("link", name="Download with results").click()
    assert handed_back.value.suggested_filename == "01-ledger-subtotals-checked.xlsx"


def test_a_run_is_planned_printed_and_signed_on_a_phone(world: World, open_desk: OpenDesk) -> None:
    now = utc_now()
    stays, back = (
        PolicyFactory(
            vehicle=vehicle,
            issued_by=world.underwriter,
            issued_at=now - timedelta(hours=50),
            starts_at=now + timedelta(days=1),
        )
        for vehicle in (world.coach, world.truck)
    )
    db.session.commit()
    desk = open_desk("underwriter", language="en")
    desk.goto("/deliveries")
    desk.get_by_role("link", name=world.gongyi.name_en).click()
    expect(desk.get_by_role("heading", level=1)).to_have_text(world.gongyi.name_en)
    assert axe_problems(desk) == []
    desk.get_by_role("button", name="Plan a run with everything").dblclick()
    expect(desk.get_by_role("status").filter(has_text="The run was planned.")).to_be_visible()
    assert axe_problems(desk) == []
    address = desk.get_by_role("link", name="Print run sheet").get_attribute("href")
    assert address
    sheet = extract_text(io.BytesIO(desk.request.get(address).body()))
    assert all(policy.number in sheet for policy in (stays, back))

    # What was read before the desk wrote is let go, so that the phone's user can be written.
    db.session.rollback()
    phone = open_desk("underwriter", phone=True, language="en")
    phone.goto(address.removesuffix(".pdf") + "/hand-over")
    phone.get_by_label("Signed for by").fill("郭永刚")
    phone.get_by_label("Position").fill("安全科长")
    phone.get_by_text("Something came back").click()
    phone.get_by_label(f"{plate(world.truck.plate)} Policy").check()
    phone.get_by_label("Why it came back").fill("车牌有误")
    assert axe_problems(phone) == []
    phone.get_by_role("button", name="Record the hand-over").dblclick()

    expect(phone.get_by_role("status").filter(has_text="The hand-over was recorded.")).to_be_visible()
    expect(phone.locator("main")).to_contain_text("车牌有误")
    db.session.rollback()
    assert stays.delivered_at is not None
    assert back.delivered_at is None
