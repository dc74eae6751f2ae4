"""A client answers the link on a phone with a bad score; a contact with an owner appears on the desk."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.follow_up import FollowUpMeans
from service_desk.services.claims import plans
from service_desk.services.claims.plans import PlanFollowUp
from tests.browser.conftest import axe_problems
from tests.claim_cases import Journey, reported_claim
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def test_a_bad_answer_on_a_phone_becomes_a_contact_with_an_owner(
    world: World, open_desk: Callable[..., Page]
) -> None:
    start = utc_now() - timedelta(minutes=30)
    claim = Journey(world, reported_claim(world, start), start).to(ClaimState.CLOSED)
    plan = plans.plan(
        claim.number, PlanFollowUp(FollowUpMeans.FORM, "郭永刚"), actor=world.claims1, now=utc_now()
    )
    link = plans.find_link(plan)
    assert link is not None
    address = f"/feedback/{plans.token_of(link)}"
    number, handler = claim.number, world.claims1.name
    db.session.commit()

    phone = open_desk(phone=True)
    phone.goto(address)
    expect(phone.get_by_role("heading", level=1)).to_have_text("您对本次理赔满意吗？")
    assert axe_problems(phone) == []
    phone.get_by_label("2 不满意").check()
    phone.get_by_label("哪里满意，哪里不满意").fill("等了三周才到账")
    phone.get_by_label("请给我回电").check()
    phone.get_by_role("button", name="提交").click()
    expect(phone.get_by_text("谢谢，您的意见已收到。")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    desk = open_desk("claims1")
    desk.goto("/enquiries")
    expect(desk.get_by_role("row").filter(has_text="等了三周才到账")).to_contain_text(handler)
    desk.goto(f"/claims/{number}")
    expect(desk.locator("#follow-up")).to_contain_text("等了三周才到账")
