"""A journey: beyond one's authority, approved by a manager, paid in two parts, one returned and paid again; a refusal."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from service_desk.base.clock import utc_now
from service_desk.models.claim_money import AuthorityTier
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.permissions import Role
from service_desk.services.claims import exits
from tests.browser.conftest import axe_problems
from tests.browser.pages import scrolls_sideways
from tests.claim_cases import DENIAL, Journey, reported_claim
from tests.world import World

# The services' tests go over both databases; this is about pages.
pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def told(page: Page, words: str) -> None:
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


def test_from_approval_to_a_payment_that_came_back(world: World, open_desk: Callable[..., Page]) -> None:
    claim = reported_claim(world, utc_now() - timedelta(minutes=30))
    Journey(world, claim, claim.reported_at + timedelta(minutes=20)).to(ClaimState.CALCULATED)
    # 6,300 is then beyond what claims staff decide.
    of_staff = update(AuthorityTier).where(AuthorityTier.role == Role.CLAIMS)
    db.session.execute(of_staff.values(limit_fen=5_000_00))
    db.session.commit()
    clerk, manager = open_desk("claims2", language="en"), open_desk("manager", language="en")

    clerk.goto(f"/claims/{claim.number}")
    expect(clerk.get_by_role("button", name="Approve calculation")).to_have_count(0)
    expect(clerk.locator("#approval")).to_contain_text("beyond your authority (up to ¥5,000.00)")
    expect(clerk.locator("#approval")).to_contain_text(world.manager.name)
    assert axe_problems(clerk) == []
    clerk.get_by_role("button", name="Ask for approval").click()
    told(clerk, "1 person was asked.")

    manager.goto("/")
    manager.locator("#approvals").get_by_role("link", name=claim.number).click()
    manager.get_by_role("button", name="Approve calculation", exact=True).click()
    told(manager, "The calculation was approved.")

    pay(clerk, claim, "2,000")
    pay(clerk, claim, "4,300")
    give_back(clerk, claim)
    pay(clerk, claim, "4,300")

    db.session.rollback()
    assert (claim.state, claim.approved_fen, claim.paid_fen) == (ClaimState.PAID, 6_300_00, 6_300_00)


def pay(page: Page, claim: Claim, amount: str) -> None:
    page.goto(f"/claims/{claim.number}")
    form = page.locator('#next form[action$="/pay"]')
    form.get_by_label("Amount").fill(amount)
    form.get_by_label("Payee").fill("郑州联运集团有限公司")
    form.get_by_label("Account number").fill("6222 0212 3456 7894")
    form.get_by_role("button", name="Record payment").click()
    told(page, "The payment was recorded.")


def give_back(page: Page, claim: Claim) -> None:
    page.locator("#payments").get_by_role("link", name="郑州联运集团有限公司").nth(1).click()
    expect(page.locator("main")).to_contain_text("6222 0212 3456 7894")
    page.get_by_label("Why the bank sent it back").fill("户名不符")
    assert axe_problems(page) == []
    page.get_by_role("button", name="Record a returned payment").click()
    told(page, "The payment is recorded as returned.")
    expect(page.locator("#payments")).to_contain_text("户名不符")
    expect(page.locator("#payments")).to_contain_text("¥4,300.00")


def test_the_letter_of_a_refused_claim_is_written_and_downloaded(
    world: World, open_desk: Callable[..., Page]
) -> None:
    claim = reported_claim(world, utc_now() - timedelta(minutes=30))
    journey = Journey(world, claim, claim.reported_at + timedelta(minutes=20))
    journey.to(ClaimState.ASSESSED)
    exits.deny(claim.number, DENIAL, actor=world.claims2, now=journey.now)
    db.session.commit()
    page, client = open_desk("claims1", language="en"), open_desk("hq", phone=True)

    page.goto(f"/claims/{claim.number}")
    page.locator("#next").get_by_role("link", name="Write the letter").click()
    expect(page.locator("main")).to_contain_text(DENIAL.reason)
    assert axe_problems(page) == []
    page.get_by_role("button", name="Write the letter").click()
    told(page, "The letter was written.")
    form = page.locator('#next form[action$="/send_denial_letter"]')
    form.get_by_label("Sent to").fill("集团保险部")
    form.get_by_role("button", name="Record the denial letter").click()
    told(page, "The letter was recorded.")

    client.goto(f"/claims/{claim.number}")
    assert not scrolls_sideways(client)
    with client.expect_download() as download:
        client.get_by_role("link", name="中文 PDF").click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")
