"""Journey: a claim is offered, comes back with the reason, is accepted; at 23:00 the roster answers for who is on leave."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from playwright.sync_api import Page, expect
from time_machine import Traveller

from service_desk.jobs import absences
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from tests.browser.axe import axe_problems
from tests.browser.pages import scrolls_sideways, typed
from tests.claim_cases import reported_claim
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

AFTERNOON = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NIGHT = AFTERNOON + timedelta(hours=7)
MORNING = NIGHT + timedelta(hours=10)


@pytest.fixture
def traveller() -> Iterator[Traveller]:
    """The desk's own clock: 16:00 of a Monday in Zhengzhou."""
    with time_machine.travel(AFTERNOON, tick=False) as found:
        yield found


@pytest.fixture
def claim(world: World, traveller: Traveller) -> Claim:
    return reported_claim(world, AFTERNOON)


def test_handed_over_with_consent_and_covered_by_night(
    claim: Claim, world: World, traveller: Traveller, open_desk: Callable[..., Page]
) -> None:
    giver, taker = open_desk("claims1", language="en"), open_desk("claims2", language="en")
    phone, manager = open_desk("safety-gongyi", phone=True), open_desk("manager", language="en")
    offer(giver, claim, world.claims2)
    send_back(taker, "正在外地查勘")
    giver.goto("/handovers")
    expect(giver.locator("#refused")).to_contain_text("正在外地查勘")
    phone.goto(f"/claims/{claim.number}")
    expect(phone.locator(".person").first).to_contain_text("王建军")

    offer(giver, claim, world.claims2)
    accept_all(taker)
    phone.reload()
    expect(phone.locator(".person").first).to_contain_text("赵丽")
    phone.goto("/notices")
    expect(phone.get_by_text(f"{claim.number} 今后由赵丽负责")).to_be_visible()

    put_on_duty(manager, world.claims1)
    take_leave(taker)
    db.session.rollback()
    traveller.move_to(NIGHT)
    absences.run(NIGHT)
    phone.goto("/")
    on_duty = phone.locator("#on-duty")
    expect(on_duty).to_contain_text("王建军")
    expect(on_duty.get_by_role("link")).to_have_attribute("href", f"tel:{world.claims1.phone}")
    assert axe_problems(phone) == []
    assert not scrolls_sideways(phone)
    phone.goto(f"/claims/{claim.number}")
    expect(phone.get_by_text("按值班表").first).to_be_visible()
    giver.goto("/")
    expect(giver.get_by_role("table", name="To do, by due time")).to_contain_text("赵丽")
    db.session.rollback()


def offer(page: Page, claim: Claim, to: User) -> None:
    page.goto(f"/claims/{claim.number}")
    page.get_by_text("Hand over", exact=True).click()
    page.get_by_label("Offer to").select_option(str(to.id))
    page.get_by_role("button", name="Offer the claim").click()
    expect(page.get_by_text("It stays with its owner until it is accepted.")).to_be_visible()


def send_back(page: Page, reason: str) -> None:
    page.goto("/")
    page.get_by_text("Send back", exact=True).first.click()
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Send back").click()
    expect(page.get_by_text("The matter was sent back.")).to_be_visible()


def accept_all(page: Page) -> None:
    page.goto("/handovers")
    assert axe_problems(page) == []
    page.locator("#to-me").get_by_role("checkbox", name="Choose all").check()
    page.get_by_role("button", name="Accept what is ticked").click()
    expect(page.get_by_text("1 matter is yours now.")).to_be_visible()


def put_on_duty(page: Page, who: User) -> None:
    page.goto("/roster")
    page.get_by_text("Enter a shift").click()
    form = page.locator("#shift")
    form.get_by_label("Person").select_option(str(who.id))
    form.get_by_label("Begins at").fill(typed(AFTERNOON + timedelta(hours=1, minutes=30)))
    form.get_by_label("Ends at").fill(typed(MORNING))
    form.get_by_role("button", name="Enter the shift").click()
    expect(page.get_by_text("The shift was entered.")).to_be_visible()
    assert axe_problems(page) == []


def take_leave(page: Page) -> None:
    page.goto("/absences")
    form = page.locator("#plan")
    form.get_by_label("Kind").select_option(label="Leave")
    form.get_by_label("Away from").fill(typed(AFTERNOON + timedelta(hours=2)))
    form.get_by_label("Back at").fill(typed(MORNING + timedelta(days=1)))
    form.get_by_label("Stand-in").select_option(label="By the duty roster")
    form.get_by_role("button", name="Enter the absence").click()
    expect(page.get_by_text("The absence was entered")).to_be_visible()
