"""Journey of one contact: a call logged, its owner on the client's page, a second call recognised, handed over with
consent only, answered from a template, closed by the client's word. And a complaint past the owner."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.services import enquiries, sla
from service_desk.services.enquiries import TemplateText
from tests.browser.conftest import axe_problems
from tests.browser.pages import scrolls_sideways
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def log_call(page: Page, subject: str) -> None:
    page.goto("/enquiries/new?about=豫A12345")
    page.get_by_label("事项").fill(subject)
    page.get_by_label("询问人").fill("郭永刚")
    page.get_by_label("电话").fill("139 3710 8891")
    page.get_by_role("button", name="登记来询").click()


def offer(page: Page, address: str, to: User) -> None:
    page.goto(address)
    page.locator("#main").get_by_text("转交", exact=True).click()
    page.get_by_label("转交给").select_option(str(to.id))
    page.get_by_role("button", name="转交来询").click()
    expect(page.get_by_text(f"已转交 {to.name}，待接受").first).to_be_visible()


def test_a_matter_from_the_first_call_to_the_clients_word(
    world: World, open_desk: Callable[..., Page]
) -> None:
    sla.install_defaults(utc_now() - timedelta(days=1))
    text = TemplateText(
        "保单", "停驶退费", "Refund", "{caller}您好：{plate} 今日退费。", "{plate} is refunded today."
    )
    enquiries.save_template(None, world.account.id, text, 0, actor=world.manager, now=utc_now())
    owner_id, phone_of_owner = str(world.underwriter.id), world.underwriter.phone
    owner_words = f"{world.underwriter.name} · 工号 {world.underwriter.staff_no}"
    db.session.commit()
    first, second, manager = (open_desk(name) for name in ("underwriter", "claims1", "manager"))
    client = open_desk("safety-gongyi", phone=True)

    log_call(first, "停驶退费何时到账")
    expect(first.get_by_role("heading", level=1)).to_contain_text("停驶退费何时到账")
    address = first.url

    client.goto(address)
    expect(client.get_by_text(owner_words).last).to_be_visible()
    expect(client.get_by_role("link", name=phone_of_owner).first).to_be_visible()
    assert not scrolls_sideways(client)
    assert axe_problems(client) == []

    log_call(second, "退费还没到")
    expect(second.get_by_text("此前是否已来询过？")).to_be_visible()
    assert axe_problems(second) == []
    expect(second.get_by_text(owner_words)).to_be_visible()
    second.get_by_role("button", name="同一事项：追加到此来询").click()
    expect(second).to_have_url(address)
    expect(second.locator("#said")).to_contain_text("退费还没到")
    second.goto("/enquiries?view=all&repeated=1")
    expect(second.get_by_role("row").filter(has_text="停驶退费何时到账")).to_contain_text("再次来询 1 次")

    offer(first, address, world.claims1)
    second.goto(address)
    second.locator("summary").get_by_text("退回").click()
    second.get_by_label("原因").fill("保单不归我管")
    second.get_by_role("button", name="退回").click()
    first.goto("/handovers")
    expect(first.locator("#refused")).to_contain_text("保单不归我管")
    client.reload()
    expect(client.locator(".person").first).to_contain_text(world.underwriter.name)

    offer(first, address, world.claims1)
    second.goto(address)
    second.get_by_role("button", name="接受").click()
    client.reload()
    expect(client.locator(".person").first).to_contain_text(world.claims1.name)
    expect(client.get_by_role("link", name=world.claims1.phone).first).to_be_visible()

    second.goto(address)
    second.get_by_role("button", name="填入").click()
    expect(second.locator("#answer-card").get_by_role("textbox")).to_have_value(
        "郭永刚您好：豫A·12345 今日退费。"
    )
    second.get_by_role("button", name="记录答复").click()
    expect(second.locator("#answer-card")).to_contain_text("豫A·12345 今日退费。")
    assert axe_problems(second) == []

    client.reload()
    client.get_by_role("button", name="是，已解决").click()
    expect(client.locator("#said")).to_contain_text("客户：已解决")

    client.goto("/enquiries/new?kind=complaint")
    client.get_by_label("事项").fill("电话里态度生硬")
    client.get_by_label("被投诉人").select_option(owner_id)
    client.get_by_role("button", name="发送留言").click()
    expect(client.get_by_text("服务台已收到您的留言。")).to_be_visible()
    complaint = client.url
    answer = first.goto(complaint)
    assert answer is not None
    assert answer.status == 404
    manager.goto(complaint)
    manager.locator("#answer-card").get_by_role("textbox").fill("已当面提醒，向您致歉")
    manager.get_by_role("button", name="记录答复").click()
    manager.get_by_text("是，已解决").check()
    manager.get_by_role("button", name="记录客户意见").click()
    expect(manager.locator("#said")).to_contain_text("客户：已解决")
