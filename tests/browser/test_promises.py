"""A manager publishes promises; the client reads them on the phone, equal to the measures, and complains.

On SQLite only: what is done here hangs on no database, the services' tests see to both.
"""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service_desk.base.clock import local_date, utc_now
from service_desk.models.commitments import Commitment
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.periods import month_of, months_after
from service_desk.services.measures import Span, read_months
from tests.browser.axe import axe_problems
from tests.browser.pages import scrolls_sideways, too_wide_tables
from tests.report_cases import add_claim, survey_clock
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

HOUR = timedelta(hours=1)


def test_what_is_promised_stands_beside_what_was_measured(
    world: World, open_desk: Callable[..., Page]
) -> None:
    now = utc_now()
    for number, at in enumerate((now - 3 * HOUR, now - 4 * HOUR, now - timedelta(days=40))):
        claim = add_claim(world, at, world.coach if number else world.bus)
        survey_clock(world, claim, stopped_after=HOUR * (2 if number == 1 else 0.5), seen_at=now)
    db.session.commit()
    manager = open_desk("manager")
    _publish(manager)

    db.session.rollback()
    client = open_desk("hq", phone=True)
    client.goto("/promises")
    expect(client.get_by_role("heading", name="服务承诺")).to_be_visible()
    promise = client.get_by_role("row").filter(has_text="查勘及时到达")
    expect(promise).to_contain_text("不低于 90%")
    for month, place in ((0, "本月至今"), (-1, "上月")):
        expect(promise.locator(f"td[data-label='{place}']")).to_contain_text(_measured(world, month))
    expect(promise).to_contain_text("未兑现")
    chart = client.get_by_role("img", name="查勘及时到达：近十二个月")
    expect(chart).to_be_visible()
    client.get_by_text("十二个月的数字").click()
    expect(client.get_by_role("table", name="查勘及时到达：近十二个月").get_by_role("row")).to_have_count(13)
    assert not scrolls_sideways(client)
    assert too_wide_tables(client) == []
    assert axe_problems(client) == []

    client.get_by_role("link", name="向主管投诉").click()
    expect(client).to_have_url(
        "**/enquiries/new?kind=complaint".replace("**", client.url.partition("/enq")[0])
    )
    answer = client.goto(f"/scorecards/{world.claims1.id}")
    assert answer is not None
    assert answer.status == 403
    db.session.rollback()
    colleague = open_desk("claims2")
    answer = colleague.goto(f"/scorecards/{world.claims1.id}")
    assert answer is not None
    assert answer.status == 404
    colleague.goto("/scorecards")
    expect(colleague.get_by_role("heading", name="我的记分卡")).to_be_visible()
    assert axe_problems(colleague) == []


def _publish(page: Page) -> None:
    """A version from today on, with one promise, its figures seen before it is published."""
    page.goto("/promises")
    page.get_by_role("button", name="新版本").click()
    page.get_by_role("link", name="添加承诺").first.click()
    page.locator("#title").fill("查勘及时到达")
    page.get_by_label("衡量指标").select_option("step:survey")
    page.get_by_label("目标值").fill("90")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("row").filter(has_text="查勘及时到达")).to_contain_text("50.0%")
    page.get_by_label("生效日期").fill(f"{local_date(utc_now())}")
    page.get_by_label("服务监督人").fill("何文涛")
    page.get_by_label("监督电话").fill("0371 6595 5501")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_text("草稿已保存")).to_be_visible()
    assert axe_problems(page) == []
    page.get_by_role("link", name="发布…").click()
    expect(page.get_by_role("main")).to_contain_text("查勘及时到达")
    assert axe_problems(page) == []
    page.get_by_role("button", name="发布").click()
    expect(page.get_by_text("第 1 版已发布。")).to_be_visible()


def _measured(world: World, back: int) -> str:
    """The share of a month as the measures have it."""
    db.session.rollback()
    now, zone = utc_now(), ZoneInfo(world.account.zone)
    month = months_after(local_date(now, zone), back)
    found = read_months(Span(world.account.id, month_of(month.first), zone, now), [month], [])
    kept = found.steps[0].get(ClockStep.SURVEY)
    assert db.session.scalars(select(Commitment.step)).all() == [ClockStep.SURVEY]
    return f"{kept.percent()}%" if kept else "—"
