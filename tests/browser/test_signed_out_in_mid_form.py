"""A client writes on the phone while the sign-in ends: the words outlive it and are sent once, by pressing."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.messages import Message
from tests.browser.conftest import axe_problems
from tests.claim_cases import picture, reported_claim
from tests.factories import PASSWORD
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def sign_in_by_hand(page: Page, username: str) -> None:
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()


def test_what_was_typed_is_looked_over_and_sent_after_signing_in(
    world: World, open_desk: Callable[..., Page]
) -> None:
    number, username = reported_claim(world, utc_now()).number, world.safety_gongyi.username
    db.session.commit()
    phone = open_desk(phone=True)
    phone.goto("/sign-in")
    sign_in_by_hand(phone, username)
    expect(phone.get_by_role("heading", level=1)).not_to_have_text("登录")
    phone.goto(f"/claims/{number}")
    talk = phone.locator("#messages")
    talk.get_by_label("留言", exact=True).fill("对方保单要复印件吗？\n司机已回郑州")
    photo = {"name": "保单.jpg", "mimeType": "image/jpeg", "buffer": picture().content}
    talk.get_by_label("照片或 PDF").set_input_files(photo)
    phone.context.clear_cookies()

    talk.get_by_role("button", name="发送留言").click()
    expect(phone.locator("main")).to_contain_text("您填写的内容已保留")
    assert axe_problems(phone) == []
    sign_in_by_hand(phone, username)
    expect(phone.locator("main")).to_contain_text("司机已回郑州")
    expect(phone.locator("main")).to_contain_text("文件和密码不会保留")
    assert axe_problems(phone) == []
    assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    phone.get_by_role("button", name="重新发送").dblclick()

    expect(talk).to_contain_text("司机已回郑州")
    db.session.rollback()
    (body,) = db.session.scalars(select(Message.body))
    assert body.split() == ["对方保单要复印件吗？", "司机已回郑州"]
