"""Journey 3: two of the claims staff bring a claim from dispatch to follow-up, and nobody approves their own sum."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from service_desk.base.clock import utc_now
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState
from tests.browser.axe import axe_problems
from tests.browser.pages import each, photo, typed
from tests.claim_cases import Journey, reported_claim
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


@pytest.fixture
def start() -> datetime:
    """A while ago, so that steps taken by the services lie in the past as well."""
    return utc_now() - timedelta(minutes=30)


@pytest.fixture
def claim(world: World, start: datetime) -> Claim:
    return reported_claim(world, start)


def open_claim(page: Page, claim: Claim) -> None:
    """From the queue, as people do."""
    page.goto("/claims")
    page.get_by_role("row").filter(has_text=claim.number).get_by_role("link").first.click()
    expect(page.locator("#next")).to_be_visible()


def step(page: Page, name: str) -> Locator:
    """The form of a step of this claim."""
    return page.locator(f'#next form[action$="/{name}"]')


def do(page: Page, name: str, button: str, said: str) -> None:
    step(page, name).get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()


def test_two_people_bring_a_claim_to_its_end(
    world: World, claim: Claim, open_desk: Callable[..., Page]
) -> None:
    first, second = open_desk("claims1", language="en"), open_desk("claims2", language="en")
    open_claim(first, claim)

    dispatch_and_survey(first, world)
    assess(first)
    collect_documents(first)
    calculate(first)
    expect(first.locator("#calculation")).to_contain_text("6,300.00")

    expect(first.locator("#next")).to_contain_text("Another person has to approve it.")
    expect(first.get_by_role("button", name="Approve calculation")).to_have_count(0)

    open_claim(second, claim)
    expect(second.locator("#next")).to_contain_text(f"¥6,300.00, calculated by {world.claims1.name}")
    do(second, "approve", "Approve calculation", "The calculation was approved.")
    pay(second)

    open_claim(first, claim)
    step(first, "close").get_by_label("Release the rest of the reserve").check()
    do(first, "close", "Close claim", "The claim was closed.")
    follow_up(first)

    line = first.locator(".timeline").first
    for name in (world.claims1.name, world.claims2.name, world.safety_gongyi.name):
        expect(line).to_contain_text(name)
    assert axe_problems(first) == []
    db.session.rollback()
    assert (claim.state, claim.paid_fen) == (ClaimState.CLOSED, 6_300_00)
    assert claim.followed_up_at is not None


def dispatch_and_survey(page: Page, world: World) -> None:
    step(page, "dispatch").get_by_label("Surveyor").select_option(str(world.claims1.id))
    do(page, "dispatch", "Name the surveyor", "The surveyor was named and told.")
    page.locator("summary", has_text="Record the arrival").click()
    do(page, "arrive", "Record the arrival", "The arrival was recorded.")
    survey = step(page, "survey")
    survey.get_by_label("Findings").fill("对方车后保险杠破损，一名乘客颈部扭伤")
    survey.get_by_label("First estimate").fill("8,000")
    for feature in each(survey.locator('input[name="survey-features"]')):
        feature.set_checked(feature.get_attribute("value") in {"third_party_property", "injury"})
    survey.locator('input[type="file"]').set_input_files(photo("后保险杠.jpg"))
    do(page, "survey", "Record survey", "The survey was recorded.")
    expect(page.locator("main")).to_contain_text("¥8,000.00")


def assess(page: Page) -> None:
    rows = step(page, "assess").locator(".item-row")
    for row, what, kind, amount in (
        (rows.nth(0), "后保险杠总成", "third_party_vehicle", "6000"),
        (rows.nth(1), "门诊治疗", "injury", "1500.00"),
    ):
        row.get_by_label("Damaged or hurt").fill(what)
        row.get_by_label("Kind").select_option(kind)
        row.get_by_label("Amount").fill(amount)
    do(page, "assess", "Record assessment", "The assessment was recorded.")


def collect_documents(page: Page) -> None:
    """One notice tells all that is missing; then all of it comes in."""
    page.locator("summary", has_text="Send the one-time notice").click()
    do(page, "request_documents", "Send the one-time notice", "The client was told what is missing.")
    papers = step(page, "receive_document")
    for box in each(papers.get_by_role("checkbox")):
        box.check()
    papers.locator('input[type="file"]').set_input_files(photo("单证.jpg"))
    do(page, "receive_document", "Take the documents in", "The documents were taken in.")
    do(page, "complete_documents", "Documents are complete", "The documents are complete.")


def pay(page: Page) -> None:
    form = step(page, "pay")
    expect(form.get_by_label("Amount")).to_have_value("6,300.00")
    form.get_by_label("Payee").fill("郑州联运集团有限公司")
    form.get_by_label("Account number").fill("6222 0212 3456 7894")
    do(page, "pay", "Record payment", "The payment was recorded.")
    expect(page.locator("#payments")).to_contain_text("6,300.00")


def follow_up(page: Page) -> None:
    form = step(page, "follow_up")
    expect(form.get_by_label("Spoken with")).to_have_value("郭永刚")
    form.get_by_label("4 satisfied").check()
    do(page, "follow_up", "Record follow-up", "The follow-up was recorded.")


def test_a_refused_step_keeps_what_was_typed(
    world: World, claim: Claim, start: datetime, open_desk: Callable[..., Page]
) -> None:
    Journey(world, claim, start).to(ClaimState.DISPATCHED)
    page = open_desk("claims1", language="en")
    open_claim(page, claim)
    survey = step(page, "survey")
    survey.get_by_label("Arrived at the scene").fill(typed(start + timedelta(minutes=20)))
    survey.get_by_label("Why the time is typed in").fill("隧道内无信号")
    survey.get_by_label("Findings").fill("左前大灯破碎")
    survey.get_by_label("First estimate").fill("-5")

    survey.get_by_role("button", name="Record survey").click()

    expect(page.get_by_role("alert").first).to_contain_text("First estimate")
    expect(step(page, "survey").get_by_label("Findings")).to_have_value("左前大灯破碎")
    db.session.rollback()
    assert claim.state is ClaimState.DISPATCHED


def test_a_page_that_was_overtaken_says_so_and_does_nothing_twice(
    world: World, claim: Claim, start: datetime, open_desk: Callable[..., Page]
) -> None:
    Journey(world, claim, start).to(ClaimState.CALCULATED)
    tabs = [open_desk(name, language="en") for name in ("claims2", "manager")]
    for tab in tabs:
        open_claim(tab, claim)
    do(tabs[0], "approve", "Approve calculation", "The calculation was approved.")

    step(tabs[1], "approve").get_by_role("button", name="Approve calculation", exact=True).click()

    expect(tabs[1].get_by_role("alert").first).to_be_visible()
    db.session.rollback()
    assert claim.state is ClaimState.APPROVED


def calculate(page: Page) -> None:
    """See what comes out before it is kept."""
    page.locator("#next").get_by_role("link", name="Calculate").click()
    page.get_by_label("Fault of our vehicle").select_option("main")
    page.get_by_role("button", name="Show what comes out").click()
    preview = page.locator("#preview")
    expect(preview).to_contain_text("¥6,300.00")
    assert axe_problems(page) == []
    preview.get_by_role("button", name="Keep as version 1").click()
    expect(page.get_by_role("status").filter(has_text="The claim was calculated.")).to_be_visible()
