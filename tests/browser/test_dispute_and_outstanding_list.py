"""A dispute from the client's phone to the manager's decision; a list of sixty rows asked about, answered, fetched."""

import io
from collections.abc import Callable
from datetime import timedelta

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState
from tests.browser.conftest import axe_problems
from tests.claim_cases import Journey, picture, reported_claim
from tests.outstanding_cases import SIXTY, build_claims
from tests.world import World

OpenDesk = Callable[..., Page]

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def test_a_client_objects_on_the_phone_and_a_manager_decides(world: World, open_desk: OpenDesk) -> None:
    now = utc_now() - timedelta(hours=3)
    claim = reported_claim(world, now)
    number = Journey(world, claim, now).to(ClaimState.APPROVED).number
    decider = world.manager.name
    phone, desk = open_desk("safety-gongyi", phone=True), open_desk("claims1")
    manager = open_desk("manager", language="en")
    db.session.rollback()
    phone.goto(f"/claims/{number}")
    phone.get_by_role("link", name="提出争议").click()
    phone.get_by_label("有何异议").fill("修理厂发票为 9,000 元，只核了 6,300 元")
    phone.get_by_label("主张全案赔付金额（元）").fill("9000")
    photo = picture("发票.jpg")
    phone.get_by_label("证据：照片或 PDF").set_input_files(
        {"name": photo.filename, "mimeType": "image/jpeg", "buffer": photo.content}
    )
    phone.get_by_label("证据证明的内容").fill("修理发票")
    assert axe_problems(phone) == []
    phone.get_by_role("button", name="提出争议").dblclick()
    expect(phone.locator("#exchange")).to_contain_text("修理发票")
    expect(phone.locator("#undisputed")).to_contain_text("¥6,300.00")
    assert axe_problems(phone) == []

    desk.goto(f"/claims/{number}")
    expect(desk.locator("#dispute")).to_contain_text("尚未指定")
    desk.get_by_role("link", name="查看争议").click()
    desk.get_by_label("您的意见").fill("请客户补充配件进价单")
    desk.get_by_role("button", name="补充到争议").click()
    expect(desk.locator("#exchange")).to_contain_text("配件进价单")
    desk.locator("#decider summary").click()
    desk.get_by_role("button", name="指定并通知").click()
    expect(desk.locator("#decider")).to_contain_text(decider)

    manager.goto("/disputes?view=mine")
    manager.locator("tbody a").first.click()
    decide = manager.locator("#decide")
    decide.get_by_label("The client is partly right").check()
    decide.get_by_label("Reasons").fill("支持部分配件差价")
    decide.get_by_label("What the claim comes to (yuan)").fill("7000")
    decide.get_by_label("A new calculation").check()
    assert axe_problems(manager) == []
    decide.get_by_role("button", name="Decide the dispute").click()
    expect(manager.locator("main")).to_contain_text("¥7,000.00")

    phone.goto(f"/claims/{number}/dispute")
    expect(phone.locator("main")).to_contain_text("支持部分配件差价")


def test_a_list_of_sixty_rows_is_asked_about_answered_and_fetched(world: World, open_desk: OpenDesk) -> None:
    build_claims(world, utc_now())
    client, desk = open_desk("hq"), open_desk("claims1", language="en")
    phone = open_desk("hq", phone=True)
    db.session.rollback()
    client.goto("/outstanding")
    client.get_by_role("link", name="提交清单").first.click()
    client.locator('input[type="file"]').set_input_files(SIXTY)
    client.get_by_role("button", name="核对清单").click()
    questions = client.get_by_role("table", name="待答问题")
    expect(questions.locator("select")).to_have_count(7)
    for choice in questions.locator("select").all():
        choice.select_option(index=1)
    assert axe_problems(client) == []
    client.get_by_role("button", name="保存确认并重新核对").click()
    expect(client.get_by_role("status").filter(has_text="确认结果已保存")).to_be_visible()
    address = client.url.partition("?")[0]

    desk.goto(address)
    assert axe_problems(desk) == []
    desk.get_by_role("button", name="Send the answer").dblclick()
    expect(desk.get_by_role("link", name="Download the answer")).to_be_visible()

    phone.goto(address)
    assert axe_problems(phone) == []
    with phone.expect_download() as fetched:
        phone.get_by_role("link", name="下载答复文件").click()
    book = openpyxl.load_workbook(io.BytesIO(fetched.value.path().read_bytes()))
    assert book.sheetnames == ["2026年未决", "图例", "仅我方有"]
    assert book.worksheets[0].max_row == 66
