"""A clerk on the phone learns that a vehicle goes to another insurer: it leaves the list to be renewed.

On SQLite only: what is done here hangs on no database, the services' tests see to both.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from service_desk.base.clock import end_of_day, local_date, utc_now
from service_desk.models.db import db
from tests.browser.axe import axe_problems
from tests.browser.pages import scrolls_sideways
from tests.factories import PolicyFactory
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def test_a_vehicle_that_goes_elsewhere_leaves_the_list_to_be_renewed(
    world: World, open_desk: Callable[..., Page]
) -> None:
    today = local_date(utc_now())
    for vehicle in (world.coach, world.bus):
        PolicyFactory(
            vehicle=vehicle,
            issued_by=world.underwriter,
            starts_at=end_of_day(today - timedelta(days=345)),
            ends_at=end_of_day(today + timedelta(days=20)),
        )
    db.session.commit()
    page = open_desk("underwriter", phone=True)
    page.goto("/renewals")
    assert not scrolls_sideways(page)
    card = page.get_by_role("row").filter(has_text="豫A·12345")

    card.get_by_role("link", name="登记去向").click()
    expect(page.get_by_label("转投其他公司")).to_be_visible()
    assert not scrolls_sideways(page)
    assert axe_problems(page) == []
    expect(page.get_by_label("承保公司")).to_be_hidden()
    page.get_by_label("转投其他公司").check()
    page.get_by_label("承保公司").fill("平安财险")
    page.get_by_label("保障至").fill(f"{today + timedelta(days=385)}")
    page.get_by_role("button", name="登记去向").click()

    expect(page.get_by_text("续保去向已登记。")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="豫A·D12345")).to_be_visible()
    expect(card).to_have_count(0)
    page.get_by_role("link", name="转投其他公司 1").click()
    expect(card).to_contain_text("平安财险")
    assert not scrolls_sideways(page)
