"""A surveyor's phone from arrival to survey; an accident reported twice; two vehicles in one accident."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.models.claim_intake import Arrival, EventClaim
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.claim_photos import PhotoGroup
from tests.browser.conftest import axe_problems
from tests.browser.pages import photo, scrolls_sideways, until
from tests.claim_cases import Journey, reported_claim
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

HERE = {"latitude": 34.7605, "longitude": 113.0225, "accuracy": 12}


@pytest.fixture
def claim(world: World) -> Claim:
    """Dispatched half an hour ago, with a reported position."""
    start = utc_now() - timedelta(minutes=30)
    claim = reported_claim(world, start, latitude=34.7575, longitude=113.0225)
    Journey(world, claim, start).to(ClaimState.DISPATCHED)
    return claim


def test_a_surveyors_phone_from_arrival_to_survey(
    world: World, claim: Claim, open_desk: Callable[..., Page]
) -> None:
    page = open_desk("claims1", phone=True, language="en")
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation(HERE)
    page.goto(f"/claims/{claim.number}")
    page.get_by_role("link", name="Survey on the phone").click()

    page.get_by_role("button", name="I am here").click()
    expect(page.locator("#arrival")).to_contain_text("334 m from the reported place, exact to 12 m")
    expect(page.locator("#arrival")).to_contain_text("Stamped")

    for group, name in (("VIN", "vin.jpg"), ("Damage", "damage.jpg")):
        page.locator("#photos").get_by_text(group, exact=True).last.click()
        page.locator('#photos input[type="file"]').set_input_files(photo(name))
        # The page that comes says the same of the second photo as of the first.
        with page.expect_navigation():
            page.get_by_role("button", name="Add photos").last.click()
        expect(page.get_by_role("status").filter(has_text="1 photo was kept.")).to_be_visible()
    draw(page)
    expect(page.get_by_role("status").filter(has_text="The sketch was kept.")).to_be_visible()
    assert not scrolls_sideways(page)
    assert axe_problems(page) == []

    survey = page.locator("#survey")
    survey.get_by_label("First estimate").fill("1,800")
    page.reload()
    expect(survey.get_by_label("First estimate")).to_have_value("1,800")
    survey.get_by_role("button", name="Record survey").click()
    expect(page.locator("#survey [data-draft-done]")).to_be_visible()
    until(lambda: page.evaluate("localStorage.length") == 0)

    db.session.rollback()
    assert claim.state is ClaimState.SURVEYED
    assert not db.session.scalars(select(Arrival.is_typed)).one()
    kept = (
        db.session.execute(select(Document.kind, Document.photo_group).order_by(Document.id)).tuples().all()
    )
    assert kept == [
        (DocumentKind.SURVEY_PHOTO, PhotoGroup.VIN),
        (DocumentKind.SURVEY_PHOTO, PhotoGroup.DAMAGE),
        (DocumentKind.SURVEY_SKETCH, None),
    ]
    page.get_by_role("link", name="Look at them").click()
    expect(page.locator(".photo-grid img")).to_have_count(3)
    assert not scrolls_sideways(page)
    page.locator(".photo-grid a").first.click()
    expect(page.locator("main")).to_contain_text("SHA-256")
    assert not scrolls_sideways(page)


def draw(page: Page) -> None:
    """A line and a dot on the pad, as a finger makes them."""
    pad = page.locator(".sketch-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 120, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Keep the sketch").click()


def test_an_accident_told_twice_is_one_claim_and_another_vehicle_is_linked(
    world: World, claim: Claim, open_desk: Callable[..., Page]
) -> None:
    page = open_desk("safety-gongyi", phone=True, language="en")
    fill_in(page, "豫A12345")

    same = page.locator("#similar")
    expect(same).to_contain_text(claim.number)
    expect(same).to_contain_text("The same vehicle, near in time")
    assert not scrolls_sideways(page)
    assert axe_problems(page) == []
    same.get_by_role("button", name="The same accident: add to it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The report has arrived")
    expect(page.locator("main")).to_contain_text(claim.number)

    fill_in(page, "豫A67890", other_party="小轿车 豫V·D2035")
    page.locator("#similar").get_by_role("button", name="The same accident, another vehicle").click()

    expect(page.locator("main")).to_contain_text("Other vehicles of this accident")
    db.session.rollback()
    assert len(db.session.scalars(select(Claim.id)).all()) == 2
    assert len(db.session.scalars(select(EventClaim.event_id).distinct()).all()) == 1


def fill_in(page: Page, plate: str, other_party: str = "") -> None:
    """A report with what it needs at least, and a photo."""
    page.goto("/claims/report")
    page.get_by_role("combobox", name="Plate").fill(plate)
    page.get_by_role("button", name="Next: what happened").click()
    page.get_by_label("Place", exact=True).fill("G310 巩义站街路口")
    page.get_by_label("The other side").fill(other_party)
    # By the keyboard: the page may still move under a finger while the cover is looked up.
    page.get_by_role("radio", name="Nobody").press("Space")
    page.locator('input[type="file"]').set_input_files(photo())
    page.get_by_role("button", name="Next: who to call back").click()
    page.get_by_role("button", name="Send report").click()
