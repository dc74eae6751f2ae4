"""A price table goes out as a workbook, comes back changed and counts; a branch is quoted by it and issued from the quote."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service_desk.base.clock import local_date, utc_now
from service_desk.models.db import db
from service_desk.models.policies import Policy
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import rates
from tests.browser.axe import axe_problems
from tests.browser.pages import scrolls_sideways
from tests.price_sheets import LinesSheet, changed
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


@pytest.fixture(autouse=True)
def _tables(world: World) -> None:
    rates.install_sample_rates(now=utc_now())
    db.session.commit()


def test_a_changed_workbook_prices_a_branch_and_its_policies(
    open_desk: Callable[..., Page], world: World
) -> None:
    today = local_date(utc_now()).isoformat()
    make_a_version(open_desk("admin"), today)
    # What the test has read so far must not keep it from writing whose language the next desk has.
    db.session.rollback()
    clerk = open_desk("underwriter", phone=True)
    number = quote_the_branch(clerk, world, today)
    issue_from(clerk, number)
    db.session.rollback()
    premiums = {
        policy.line: policy.premium_fen
        for policy in db.session.scalars(select(Policy).where(Policy.vehicle_id == world.coach.id))
    }
    # 45 seats: the coach lies in the band that now begins at 40.
    assert premiums == {
        PolicyLine.CTPL: 3_283_00,
        PolicyLine.COMMERCIAL: 7_000_00,
        PolicyLine.CARRIER_LIABILITY: 2_790_00,
    }


def make_a_version(page: Page, today: str) -> None:
    """Download, change two prices and a band, upload, see the differences, confirm."""

    def change(sheet: LinesSheet) -> None:
        coach = {"承保方案": "tpl_1m", "使用性质": "公路客运"}
        sheet.set(sheet.row_of(**coach, **{"下限（含）": 6}), **{"年保费（元）": 2999})
        sheet.set(sheet.row_of(**coach, **{"下限（含）": 36}), **{"下限（含）": 40, "年保费（元）": 7000})
        sheet.set(sheet.row_of(**coach, **{"下限（含）": 20}), **{"上限（不含）": 40})

    page.goto("/rates")
    page.get_by_role("link", name="商业险").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="工作簿（.xlsx）").click()
    content = changed(Path(download.value.path()).read_bytes(), change)
    page.get_by_role("link", name="新版本").click()
    page.get_by_label("生效日期").fill(today)
    page.get_by_label("工作簿文件").set_input_files(
        {"name": "价格表.xlsx", "mimeType": "application/octet-stream", "buffer": content}
    )
    assert axe_problems(page) == []
    page.get_by_role("button", name="开始新版本").click()

    changes = page.get_by_role("table", name="变更内容一览")
    expect(changes.locator("tbody tr")).to_have_count(3)
    expect(changes).to_contain_text("6,540.00")
    expect(changes).to_contain_text("40 座及以上")
    assert axe_problems(page) == []
    page.get_by_role("button", name="生成此版本").click()
    expect(page.get_by_role("status").filter(has_text="新版本已生成")).to_be_visible()
    expect(page.locator("main")).to_contain_text("7,000.00")


def quote_the_branch(page: Page, world: World, today: str) -> str:
    """On a phone: a sheet for the branch that names the new version, and the coach's float."""
    page.goto("/quotes")
    page.get_by_role("link", name="新建报价单").first.click()
    page.get_by_label("分公司").select_option(label=world.gongyi.name)
    assert axe_problems(page) == []
    page.get_by_role("button", name="生成报价单").dblclick()
    expect(page.get_by_role("status").filter(has_text="报价单已生成")).to_be_visible()
    expect(page.locator("main")).to_contain_text(f"商业险价格表，自 {today} 起")
    assert not scrolls_sideways(page)
    number = page.url.rpartition("/")[2]
    page.get_by_role("link", name="费率浮动和车船税").click()
    page.get_by_label(f"{world.coach.plate} 的费率浮动").select_option("A3")
    assert axe_problems(page) == []
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="保存费率浮动和车船税").click()
    expect(page.get_by_role("status").filter(has_text="已保存")).to_be_visible()
    return number


def issue_from(page: Page, number: str) -> None:
    page.goto(f"/quotes/{number}")
    page.get_by_role("link", name="按此报价出单").click()
    expect(page.get_by_role("table", name="将出具")).to_contain_text("3,283.00")
    assert axe_problems(page) == []
    page.locator('button[formaction="/issue/confirm"]').click()
    expect(page.get_by_role("status").filter(has_text="保单已出具")).to_be_visible()
