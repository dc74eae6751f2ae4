"""Journey 4: a promise is broken, the sweep sees it, and the manager finds out who held the clock and signs."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.jobs import sla_sweep
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.sla import BreachReview
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import PauseReason
from service_desk.services import sla
from service_desk.services.claims import common
from service_desk.services.sla import causes
from tests.breach_cases import finding, late_survey
from tests.browser.axe import axe_problems
from tests.browser.pages import rows_of, too_wide_tables
from tests.claim_cases import reported_claim
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def claim_late_by_an_hour(world: World, now: datetime) -> Claim:
    """Reported two hours ago; the survey was promised within one, and changed hands after forty minutes."""
    claim = reported_claim(world, now - timedelta(minutes=100))
    at = now - timedelta(minutes=80)
    sla.hand_over(common.matter_of(claim), to_id=world.claims2.id, at=at, actor=world.manager, now=at)
    db.session.commit()
    return claim


def test_a_broken_promise_is_found_explained_and_signed(world: World, open_desk: Callable[..., Page]) -> None:
    now = utc_now()
    claim = claim_late_by_an_hour(world, now)
    page = open_desk("manager", language="en")
    page.goto("/breaches")
    row = page.get_by_role("row").filter(has_text=claim.number).filter(has_text="Survey")
    expect(row).to_have_count(0)

    tally = sla_sweep.run(now)

    assert tally.failed == 0
    page.reload()
    expect(row).to_contain_text(world.claims2.name)
    row.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(claim.number)
    first, second, _total = rows_of(page.get_by_role("table", name="Who held the clock"))
    assert (first[0].split()[1], first[2], first[3]) == (world.claims1.name, "40 min", "—")
    assert (second[0].split()[1], second[2]) == (world.claims2.name, "20 min")
    assert second[3].startswith("1 h")
    assert axe_problems(page) == []

    page.get_by_label("Cause").select_option("workload")
    page.get_by_label("Person responsible").select_option(str(world.claims2.id))
    page.get_by_label("Explanation").fill("同时有三起事故，查勘员在另一现场")
    page.get_by_role("textbox", name="Correction").fill("增加一名机动查勘员")
    page.get_by_label("Correct by").fill(f"{now + timedelta(days=14):%Y-%m-%d}")
    page.get_by_role("button", name="Sign the review").dblclick()

    expect(page.get_by_role("status").filter(has_text="The review is signed.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("增加一名机动查勘员")
    expect(page.locator("main")).to_contain_text(world.manager.name)
    db.session.rollback()
    review = db.session.scalars(select(BreachReview)).one()
    assert (review.responsible_id, review.signed_by_id) == (world.claims2.id, world.manager.id)
    page.goto("/breaches?view=reviewed")
    expect(page.get_by_role("row").filter(has_text=claim.number)).to_have_count(1)


def test_last_years_clock_fits_its_pages(world: World, open_desk: Callable[..., Page]) -> None:
    at = utc_now() - timedelta(days=400)
    claim = reported_claim(world, at)
    matter, reason = common.matter_of(claim), PauseReason.WAITING_FOR_THIRD_PARTY
    timer = next(one for one in sla.timers_of("claim", [claim.id])[claim.id] if one.step is ClockStep.SURVEY)
    sla.pause(timer.id, reason, "等待修理厂报价", None, actor=world.claims1, now=at)
    later = at + timedelta(hours=5, seconds=7)
    sla.resume(timer.id, actor=world.claims1, now=later)
    sla.hand_over(matter, to_id=world.claims2.id, at=later, actor=world.manager, now=later)
    done = later + timedelta(hours=40, seconds=13)
    sla.stop(matter, [ClockStep.SURVEY], at=done, actor=world.claims2, now=done)
    db.session.commit()

    page = open_desk("manager", language="en")
    for path in (f"/timers/{timer.id}", f"/breaches/{timer.id}"):
        page.goto(path)
        expect(page.get_by_role("table", name="Who held the clock")).to_be_visible()
        assert too_wide_tables(page) == [], path


def test_the_handler_sees_the_broken_promise_wherever_the_claim_stands(
    world: World, open_desk: Callable[..., Page]
) -> None:
    now = utc_now()
    claim = claim_late_by_an_hour(world, now)
    sla_sweep.run(now)
    page = open_desk("claims2", language="en")

    page.goto("/claims")
    expect(page.get_by_role("row").filter(has_text=claim.number)).to_contain_text("over by")
    page.goto(f"/claims/{claim.number}")
    expect(page.locator("#clocks")).to_contain_text("over by 1 h")
    page.goto("/notices")
    expect(page.locator("main")).to_contain_text(claim.number)


def test_a_review_signed_without_network_stays_on_the_page_until_it_can_be_sent(
    world: World, open_desk: Callable[..., Page]
) -> None:
    now = utc_now()
    claim_late_by_an_hour(world, now)
    sla_sweep.run(now)
    page = open_desk("manager", language="en")
    page.goto("/breaches")
    page.get_by_role("table").get_by_role("link").first.click()
    page.get_by_label("Cause").select_option("workload")
    page.get_by_label("Person responsible").select_option(str(world.claims1.id))
    page.get_by_label("Explanation").fill("隧道里没有信号")
    page.get_by_role("textbox", name="Correction").fill("出隧道后再填")
    page.get_by_label("Correct by").fill(f"{now + timedelta(days=14):%Y-%m-%d}")
    page.context.set_offline(True)

    page.get_by_role("button", name="Sign the review").click()

    expect(page.get_by_role("alert")).to_contain_text("nothing was sent")
    expect(page.get_by_label("Explanation")).to_have_value("隧道里没有信号")
    assert axe_problems(page) == []
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="Sign the review").click()
    expect(page.get_by_role("status").filter(has_text="The review is signed.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("隧道里没有信号")


def test_the_longest_cause_fits_its_list(world: World, open_desk: Callable[..., Page]) -> None:
    now = utc_now()
    names = causes.CauseNames(
        "修理厂报价反复、配件缺货且客户要求更换为原厂配件并现场见证拆检确认损失程度后再定损的一类情形", ""
    )
    cause = causes.add(names, actor=world.manager, now=now)
    sla.install_defaults(now)
    timer = late_survey(world, now)
    sla.sign_review(timer.id, finding(world.claims1, cause=cause.code), actor=world.manager, now=now)
    db.session.commit()
    page = open_desk("manager")

    page.goto("/breaches?view=reviewed")

    expect(page.get_by_role("table")).to_contain_text(names.name)
    assert too_wide_tables(page) == []
