"""Journey 2: a safety officer reports an accident from the roadside, on a phone, and knows whom to call."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.users import User
from service_desk.services import sla
from tests.browser.axe import axe_problems
from tests.browser.pages import photo, scrolls_sideways
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

STORY = "雨天跟车过近，追尾前方货车，左前大灯破碎"


@pytest.fixture
def phone(world: World, open_desk: Callable[..., Page]) -> Page:
    """The officer's phone, at the first step of a report."""
    sla.install_defaults(utc_now())
    db.session.commit()
    page = open_desk("safety-gongyi", phone=True, language="en")
    page.goto("/claims/report")
    return page


def to_the_last_step(page: Page) -> None:
    """Step 1, the vehicle; step 2, what happened, with a photo."""
    page.get_by_role("combobox", name="Plate").fill("A12345")
    page.get_by_role("option").filter(has_text="12345").click()
    page.get_by_role("button", name="Next: what happened").click()
    page.get_by_label("Place", exact=True).fill("G310 巩义站街路口")
    page.get_by_label("What happened").fill(STORY)
    # By the keyboard: the page may still move under a finger while the cover is looked up.
    page.get_by_role("radio", name="Nobody").press("Space")
    page.locator('input[type="file"]').set_input_files(photo())
    expect(page.locator("[data-photo-previews] img")).to_have_count(1)
    page.get_by_role("button", name="Next: who to call back").click()


def send(page: Page, *, double: bool = False) -> None:
    page.get_by_role("button", name="Send report").click(click_count=2 if double else 1)


def expect_answer(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("The report has arrived")


def claims() -> list[Claim]:
    db.session.rollback()
    return list(db.session.scalars(select(Claim)))


def photos_of(claim: Claim) -> list[Document]:
    return list(db.session.scalars(select(Document).filter_by(matter_kind="claim", matter_id=claim.id)))


def test_three_steps_with_a_photo_end_at_the_number_and_the_handler(phone: Page, world: World) -> None:
    to_the_last_step(phone)
    assert axe_problems(phone) == []
    assert not scrolls_sideways(phone)

    send(phone)

    expect_answer(phone)
    [claim] = claims()
    handler = db.session.get_one(User, claim.owner_id)
    assert handler.phone
    assert handler.staff_no
    for words in (claim.number, handler.name, handler.staff_no):
        expect(phone.locator("main")).to_contain_text(words)
    expect(phone.get_by_role("link", name=handler.phone)).to_have_attribute("href", f"tel:{handler.phone}")
    assert not scrolls_sideways(phone)
    assert axe_problems(phone) == []


def test_the_officer_follows_the_claim_with_its_photo(phone: Page) -> None:
    to_the_last_step(phone)
    send(phone)
    expect_answer(phone)

    phone.get_by_role("link", name="Follow the claim").click()

    expect(phone.locator("main")).to_contain_text(STORY)
    picture = phone.locator("main img").first
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
    assert not scrolls_sideways(phone)


def test_a_double_tap_is_one_claim(phone: Page) -> None:
    to_the_last_step(phone)

    send(phone, double=True)

    expect_answer(phone)
    assert len(claims()) == 1


def test_a_report_whose_answer_was_lost_is_sent_again_and_is_the_same_claim(phone: Page) -> None:
    to_the_last_step(phone)
    answer = phone.evaluate(
        """async () => {
            const form = document.querySelector("form[data-steps]");
            return (await fetch(location.href, {method: "POST", body: new FormData(form)})).url;
        }"""
    )

    send(phone)

    expect_answer(phone)
    assert phone.url == answer
    [claim] = claims()
    assert len(photos_of(claim)) == 1


def test_going_back_after_the_answer_makes_no_second_claim(phone: Page) -> None:
    to_the_last_step(phone)
    send(phone)
    expect_answer(phone)
    answer = phone.url

    phone.go_back()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Report an accident")
    phone.go_forward()

    assert phone.url == answer
    expect_answer(phone)
    assert len(claims()) == 1


def test_a_refused_report_keeps_what_was_typed_and_the_photo(phone: Page) -> None:
    to_the_last_step(phone)
    phone.get_by_label("Call back on").fill("nobody")

    send(phone)

    expect(phone.get_by_role("alert")).to_contain_text("Call back on")
    assert claims() == []
    expect(phone.get_by_label("Call back on")).to_have_value("nobody")
    assert axe_problems(phone) == []
    phone.get_by_label("Call back on").fill("139 3710 8891")
    phone.get_by_role("button", name="Back").click()
    expect(phone.get_by_label("What happened")).to_have_value(STORY)
    kept = phone.locator('li:has(input[name="kept"]) img')
    assert kept.evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
    phone.get_by_role("button", name="Next: who to call back").click()

    send(phone)

    expect_answer(phone)
    [claim] = claims()
    assert claim.description == STORY
    assert len(photos_of(claim)) == 1
