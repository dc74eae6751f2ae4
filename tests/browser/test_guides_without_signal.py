"""The guides of the accident form are there on a phone without signal, those for other vehicles step aside."""

import pytest
from playwright.sync_api import expect

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.services.knowledge import starting_set
from tests.browser.conftest import axe_problems
from tests.browser.pages import scrolls_sideways
from tests.browser.test_report_without_signal import Phone, phone, stock

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")
__all__ = ["phone"]


def test_a_guide_is_read_at_the_roadside_without_signal(phone: Phone) -> None:
    starting_set.install_missing(utc_now())
    db.session.commit()
    with phone("safety-gongyi") as page:
        stock(page)
        page.context.set_offline(True)
        page.goto("/claims/report")
        guides = page.get_by_role("region", name="What to do and what to photograph")
        guides.get_by_text("What to do at the scene").click()
        expect(guides.get_by_text("Nobody stays in the vehicle")).to_be_visible()
        expect(guides.get_by_text("Taxi: a door opened into a cyclist")).to_be_visible()
        assert not scrolls_sideways(page)
        assert axe_problems(page) == []
        page.context.set_offline(False)
        page.goto("/claims/report?plate=豫A12345")
        expect(guides.get_by_text("Coach sliding on an icy expressway")).to_be_visible()
        expect(guides.get_by_text("Taxi: a door opened into a cyclist")).to_be_hidden()
