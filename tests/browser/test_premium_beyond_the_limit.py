"""A journey: an order beyond the limit is refused, released by a manager and issued; what is paid too much settles the next."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.premiums import Receivable
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies
from service_desk.services.policies import IssueRequest, LineChoice, rates
from tests.browser.axe import axe_problems
from tests.world import World

# The services' tests go over both databases; this is about pages.
pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def test_beyond_the_limit_to_money_that_settles_the_next(
    world: World, open_desk: Callable[..., Page]
) -> None:
    now = utc_now()
    rates.install_sample_rates(now=now)
    first = IssueRequest(world.account.id, (world.coach.id,), (LineChoice(PolicyLine.CTPL, "basic"),))
    policies.issue_many(first, actor=world.underwriter, now=now)
    world.account.credit_limit_fen = 5_000_00
    db.session.commit()
    clerk, manager = open_desk("underwriter", language="en"), open_desk("manager", language="en")

    address = ask_for_a_release(clerk, world)
    release(manager, address)
    go_on(clerk, address)
    pay_too_much(clerk, world)

    db.session.rollback()
    rows = db.session.execute(
        select(Receivable.amount_fen, Receivable.settled_fen).order_by(Receivable.id)
    ).all()
    assert [(amount, settled) for amount, settled in rows] == [(4_690_00, 4_690_00), (3_450_00, 310_00)]


def ask_for_a_release(page: Page, world: World) -> str:
    page.goto(f"/issue?vehicle_id={world.truck.id}&line=ctpl")
    page.locator('button[formaction="/issue/confirm"]').click()
    expect(page.get_by_role("alert")).to_contain_text("a manager must release it first")
    page.get_by_role("button", name="Ask for a release").click()
    page.get_by_label("Reason").fill("The client pays on Friday")
    assert axe_problems(page) == []
    page.get_by_role("button", name="Ask the managers").click()
    expect(page.get_by_role("status").filter(has_text="The managers were asked.")).to_be_visible()
    return page.url


def release(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("textbox", name="Reason").first.fill("Agreed by the general manager")
    assert axe_problems(page) == []
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="The order was released.")).to_be_visible()


def go_on(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Check and issue").click()
    page.locator('button[formaction="/issue/confirm"]').click()
    expect(page.get_by_role("status").filter(has_text="The policies were issued.")).to_be_visible()


def pay_too_much(page: Page, world: World) -> None:
    """5,000 for the coach's 4,690; the rest goes to the lorry's premium."""
    page.goto(f"/premiums/branches/{world.gongyi.id}")
    page.get_by_role("row").filter(has_text="豫A·12345").get_by_role("checkbox").check()
    page.get_by_label("Amount received").fill("5,000")
    page.get_by_label("Keep what goes beyond").check()
    # Without a network nothing is sent and nothing is lost, though a field of this form is called as a form's own part.
    page.context.set_offline(True)
    page.get_by_role("button", name="Record receipt").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was sent")
    page.context.set_offline(False)
    page.get_by_role("button", name="Record receipt").click()
    page.get_by_role("link", name="Allocate", exact=True).click()
    page.get_by_role("row").filter(has_text="豫A·67890").get_by_role("checkbox").check()
    page.get_by_role("button", name="Allocate", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="The money was allocated.")).to_be_visible()
