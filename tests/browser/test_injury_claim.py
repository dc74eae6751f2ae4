"""A whole claim with an injured person, page by page: from the branch's phone to a bad score that somebody answers for."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from pdfminer.high_level import extract_text
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from service_desk.base.clock import local_date, utc_now
from service_desk.models.claims import Claim, WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.vocabulary import CoverCode
from service_desk.services import sla
from service_desk.services.claims import authority, papers, plans, reserves
from tests.browser.pages import each, photo, scrolls_sideways
from tests.factories import CoverageFactory, PolicyFactory
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

HERE = {"latitude": 34.7605, "longitude": 113.0225, "accuracy": 12}
INJURED, OTHER_PLATE = "李秀英", "豫VD2035"
OpenDesk = Callable[..., Page]


@pytest.fixture(autouse=True)
def _cover(world: World) -> None:
    """The coach has CTPL and third-party cover, the desk its promises and its authority."""
    now = utc_now()
    sla.install_defaults(now - timedelta(days=1))
    authority.install_defaults()
    policy = PolicyFactory(
        vehicle=world.coach,
        issued_by=world.underwriter,
        starts_at=now - timedelta(days=90),
        number="PDAA-1",
        insured_name=world.account.name,
    )
    for code, limit_fen in ((CoverCode.CTPL, 200_000_00), (CoverCode.TPL, 1_000_000_00)):
        CoverageFactory(policy=policy, code=code, limit_fen=limit_fen)
    db.session.commit()


def said(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


def step(page: Page, name: str) -> Locator:
    """The form of a step of the claim that is open."""
    return page.locator(f'#next form[action$="/{name}"]')


def do(page: Page, name: str, button: str, words: str) -> None:
    step(page, name).get_by_role("button", name=button, exact=True).click()
    said(page, words)


def test_an_injury_claim_from_the_roadside_to_a_bad_score(world: World, open_desk: OpenDesk) -> None:
    handler, client = world.claims1.name, world.account.name
    branch, surveyor = open_desk("safety-gongyi", phone=True, language="en"), open_desk("claims1", phone=True)
    desk, second = open_desk("claims1", language="en"), open_desk("claims2", language="en")
    manager, phone = open_desk("manager", language="en"), open_desk(phone=True)
    db.session.rollback()

    number = report(branch)
    at = f"/claims/{number}"
    desk.goto(at)
    surveyors = step(desk, "dispatch").get_by_label("Surveyor")
    surveyors.select_option(label=surveyors.locator("option").filter(has_text=handler).inner_text())
    do(desk, "dispatch", "Name the surveyor", "The surveyor was named and told.")
    survey_on_site(surveyor, at)
    follow_the_injured(desk, at)
    assess(desk, at)
    collect_papers(desk, branch, at, number)
    calculate(desk, at)

    expect(desk.get_by_role("button", name="Approve calculation")).to_have_count(0)
    second.goto(at)
    expect(second.locator("#approval")).to_contain_text("beyond your authority (up to ¥10,000.00)")
    expect(second.get_by_role("button", name="Approve calculation")).to_have_count(0)
    manager.goto(at)
    expect(manager.locator("#next")).to_contain_text("¥13,800.00")
    do(manager, "approve", "Approve calculation", "The calculation was approved.")

    pay(second, at, "9,000", INJURED)
    pay(second, at, "4,800", client)
    read_settlement_sheet(branch, at)

    address = close(desk, at, number)
    answer_badly(phone, address)

    desk.goto("/")
    expect(desk.locator("main")).to_contain_text("等了三周才到账")
    desk.goto("/enquiries")
    expect(desk.get_by_role("row").filter(has_text="等了三周才到账")).to_contain_text(handler)
    check_the_end(number)


def report(phone: Page) -> str:
    """From the roadside: the coach, one injured, the other side's plate, a photo; the claim's number."""
    phone.goto("/claims/report")
    phone.get_by_role("combobox", name="Plate").fill("豫A12345")
    phone.get_by_role("button", name="Next: what happened").click()
    phone.get_by_label("Place", exact=True).fill("G310 巩义站街路口")
    phone.get_by_label("What happened").fill("雨天追尾，前车乘客颈部受伤")
    phone.get_by_label("The other side").fill(OTHER_PLATE)
    # By the keyboard: the page may still move under a finger while the cover is looked up.
    phone.get_by_role("radio", name="Somebody").press("Space")
    phone.get_by_label("How many?").fill("1")
    phone.locator('input[type="file"]').set_input_files(photo())
    phone.get_by_role("button", name="Next: who to call back").click()
    phone.get_by_label("Call back on").fill("139 3710 8891")
    phone.get_by_role("button", name="Send report").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("The report has arrived")
    number = db.session.scalars(select(Claim.number)).one()
    db.session.rollback()
    return number


def survey_on_site(phone: Page, at: str) -> None:
    phone.context.grant_permissions(["geolocation"])
    phone.context.set_geolocation(HERE)
    phone.goto(at)
    phone.get_by_role("link", name="Survey on the phone").click()
    phone.get_by_role("button", name="I am here").click()
    expect(phone.locator("#arrival")).to_contain_text("Stamped")
    survey = phone.locator("#survey")
    survey.get_by_label("Findings").fill("对方车后保险杠破损，一名乘客颈部扭伤")
    survey.get_by_label("First estimate").fill("8,000")
    survey.get_by_role("button", name="Record survey").click()
    expect(phone.locator("#survey [data-draft-done]")).to_be_visible()
    assert not scrolls_sideways(phone)


def follow_the_injured(desk: Page, at: str) -> None:
    """The nameless person of the report gets a name, and a forecast that takes the reserve past the large-loss line."""
    desk.goto(f"{at}/parties")
    person = desk.locator("section.panel").filter(has=desk.get_by_text("Enter a follow-up")).first
    person.locator("summary", has_text="Complete").click()
    party = person.locator('form[action$="/change"]')
    party.get_by_label("Name", exact=True).fill(INJURED)
    party.get_by_role("button", name="Save the party").click()
    said(desk, "The party was changed.")
    person.locator("summary", has_text="Enter a follow-up").click()
    entry = person.locator('form[action$="/follow"]')
    entry.locator('[name$="on_day"]').fill(local_date(utc_now()).isoformat())
    entry.get_by_label("Stage of treatment").select_option("inpatient")
    entry.get_by_label("Hospital").fill("巩义市人民医院")
    entry.get_by_label("Cost so far").fill("3,200")
    entry.get_by_label("Forecast in all").fill("12,000")
    entry.get_by_label("Condition").fill("颈部挥鞭样损伤，住院观察")
    entry.get_by_role("button", name="Enter the follow-up").click()
    expect(person).to_contain_text("¥12,000.00")


def assess(desk: Page, at: str) -> None:
    desk.goto(at)
    rows = step(desk, "assess").locator(".item-row")
    for row, what, kind, amount in (
        (rows.nth(0), "后保险杠总成", "third_party_vehicle", "6000"),
        (rows.nth(1), "住院治疗", "injury", "9000"),
    ):
        row.get_by_label("Damaged or hurt").fill(what)
        row.get_by_label("Kind").select_option(kind)
        row.get_by_label("Amount").fill(amount)
    do(desk, "assess", "Record assessment", "The assessment was recorded.")


def collect_papers(desk: Page, branch: Page, at: str, number: str) -> None:
    """Told once; the branch photographs one paper, a scan of all the others lies on the desk."""
    desk.goto(f"{at}/documents")
    desk.get_by_role("button", name="Send the one-time notice").click()
    said(desk, "The client was told what is missing.")

    branch.goto(f"{at}/documents")
    line = branch.locator("#line-diagnosis")
    line.locator('input[type="file"]').set_input_files(photo("诊断证明.jpg"))
    line.get_by_role("button", name="Send", exact=True).click()
    said(branch, "The documents were sent.")

    desk.goto(at)
    rest = step(desk, "receive_document")
    for box in each(rest.get_by_role("checkbox")):
        box.check()
    rest.locator('input[type="file"]').set_input_files(photo("单证.jpg"))
    do(desk, "receive_document", "Take the documents in", "The documents were taken in.")
    do(desk, "complete_documents", "Documents are complete", "The documents are complete.")
    db.session.rollback()
    claim = db.session.scalars(select(Claim).where(Claim.number == number)).one()
    assert [notice.is_later_demand for notice in papers.list_notices(claim.id)] == [False]
    states = db.session.scalars(select(WantedDocument.state).where(WantedDocument.claim_id == claim.id))
    assert set(states) == {WantedState.RECEIVED}


def calculate(desk: Page, at: str) -> None:
    """The form starts with the parties' names; what comes out is seen before it is kept."""
    desk.goto(at)
    desk.locator("#next").get_by_role("link", name="Calculate").click()
    labels = [box.input_value() for box in each(desk.locator('#section-victims input[name$="-label"]'))]
    assert {INJURED, OTHER_PLATE} <= set(labels)
    desk.get_by_label("Fault of our vehicle").select_option("main")
    desk.get_by_role("button", name="Show what comes out").click()
    preview = desk.locator("#preview")
    expect(preview).to_contain_text("¥13,800.00")
    expect(preview).to_contain_text(INJURED)
    preview.get_by_role("button", name="Keep as version 1").click()
    said(desk, "The claim was calculated.")


def pay(page: Page, at: str, amount: str, payee: str) -> None:
    page.goto(at)
    form = step(page, "pay")
    form.get_by_label("Amount").fill(amount)
    form.get_by_label("Payee").fill(payee)
    form.get_by_label("Account number").fill("6222 0212 3456 7894")
    do(page, "pay", "Record payment", "The payment was recorded.")


def read_settlement_sheet(phone: Page, at: str) -> None:
    """The client reads on paper who gets how much."""
    phone.goto(at)
    link = phone.get_by_role("link", name="Settlement sheet in Chinese").get_attribute("href")
    words = extract_text(io.BytesIO(phone.context.request.get(link or "").body()))
    for expected in (INJURED, OTHER_PLATE, "13,800.00"):
        assert expected in words


def close(desk: Page, at: str, number: str) -> str:
    """Close with a form to be sent; the address of the form, as it would be copied into a message."""
    desk.goto(at)
    form = step(desk, "close")
    form.get_by_label("Release the rest of the reserve").check()
    form.get_by_role("radio", name="Feedback form").press("Space")
    form.locator('[name$="email"]').fill("guo@fleet.example")
    do(desk, "close", "Close claim", "The claim was closed.")
    text = desk.locator("#form-link").input_value()
    assert number in text
    return "/feedback/" + text.rpartition("/feedback/")[2].strip()


def answer_badly(phone: Page, address: str) -> None:
    """The form speaks the language of whom it asks: here the reporter's."""
    phone.goto(address)
    phone.get_by_label("2 dissatisfied").check()
    phone.get_by_label("What went well, what did not").fill("等了三周才到账")
    phone.get_by_role("button", name="Send answer").click()
    expect(phone.get_by_text("Thank you, we have your answer.")).to_be_visible()


def check_the_end(number: str) -> None:
    """What the pages said is what is kept, to the fen."""
    db.session.rollback()
    claim = db.session.scalars(select(Claim).where(Claim.number == number)).one()
    assert (claim.state, claim.paid_fen, claim.reserve_fen) == (ClaimState.CLOSED, 13_800_00, 13_800_00)
    assert sum(reserves.outstanding_of(claim.id).values()) == 0
    assert claim.large_loss_noticed_at is not None
    assert claim.followed_up_at is not None
    assert plans.find_plan(claim) is not None
