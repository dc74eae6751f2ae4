"""Journey: a policy loses a cover and is then cancelled; each act is shown first, written, and printed."""

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from pdfminer.high_level import extract_text
from playwright.sync_api import Page, expect

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.policies import EndorsementKind, PolicyState
from service_desk.rules.vocabulary import PolicyLine
from tests.browser.axe import axe_problems
from tests.endorsement_cases import endorse, issue
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def paper_of(page: Page, link: str) -> str:
    """The text of the paper behind a link of the page."""
    address = page.get_by_role("link", name=link).get_attribute("href")
    assert address
    return extract_text(io.BytesIO(page.request.get(address).body()))


def test_an_endorsement_and_a_cancellation_with_their_papers(
    world: World, open_desk: Callable[..., Page]
) -> None:
    policy = issue(world, world.coach, utc_now() - timedelta(days=100))[PolicyLine.COMMERCIAL]
    page = open_desk("underwriter", language="en")
    page.goto(f"/policies/{policy.number}")
    page.get_by_role("link", name="Endorse or cancel").click()
    page.get_by_role("link", name="Cover removed").click()
    page.get_by_label("Covers").select_option("tpl_1m")
    page.get_by_label("Reason").fill("old vehicle")
    page.get_by_role("button", name="Show what it does").click()
    working = page.get_by_role("table", name="How the premium comes about")
    expect(working).to_contain_text("(6,540.00 − 14,340.00) × 265 ÷ 365")
    expect(page.get_by_role("table", name="What is changed")).to_contain_text("not insured")
    assert axe_problems(page) == []
    page.get_by_role("button", name="Write the endorsement").dblclick()
    expect(page.get_by_role("status").filter(has_text="The endorsement was written.")).to_be_visible()
    assert "¥5,663.01" in paper_of(page, "Print endorsement")

    page.goto(f"/policies/{policy.number}/endorse/cancellation")
    page.get_by_label("Why it is cancelled").select_option("sold")
    page.get_by_label("Reason").fill("sold to another carrier")
    page.get_by_role("button", name="Show what it does").click()
    page.get_by_role("button", name="Cancel the policy").click()
    expect(page.get_by_role("status").filter(has_text="The endorsement was written.")).to_be_visible()
    paper = paper_of(page, "Print endorsement")
    assert "Cancellation Endorsement" in paper
    assert "2014 model clause art. 68" in paper
    page.goto(f"/policies/{policy.number}")
    expect(page.locator("main")).to_contain_text("Cancelled")
    assert "END-" in paper_of(page, "Print policy")
    assert axe_problems(page) == []
    db.session.rollback()
    assert policy.state is PolicyState.CANCELLED


def test_a_client_reads_versions_on_a_phone(world: World, open_desk: Callable[..., Page]) -> None:
    issued_at = utc_now() - timedelta(days=100)
    policy = issue(world, world.coach, issued_at)[PolicyLine.COMMERCIAL]
    made = endorse(world, policy, utc_now(), EndorsementKind.PLATE, plate="豫A77889")
    page = open_desk("hq", phone=True)
    page.goto(f"/policies/{policy.number}")
    page.get_by_label("查看时点").fill(f"{issued_at + timedelta(days=9):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="查看").click()
    expect(page.locator("main")).to_contain_text("豫A12345")
    page.get_by_role("link", name="查看现在的保单").click()
    page.get_by_role("link", name="变更车牌号").click()
    expect(page).to_have_url(re.compile(f"{made.number}$"))
    expect(page.locator("main")).to_contain_text("豫A77889")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert axe_problems(page) == []
