"""A client writes from the phone with a photo, through a lost network; the owner reads and answers, the clock is met."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.messages import Message
from service_desk.models.sla import Timer, TimerState
from service_desk.rules.claim_flow import ClockStep
from tests.browser.conftest import axe_problems
from tests.claim_cases import picture, reported_claim
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def test_the_client_writes_and_the_owner_reads_and_answers(
    world: World, open_desk: Callable[..., Page]
) -> None:
    number, owner = reported_claim(world, utc_now()).number, world.claims1.name
    phone, desk = open_desk("safety-gongyi", phone=True), open_desk("claims1", language="en")
    db.session.rollback()

    phone.goto(f"/claims/{number}")
    talk = phone.locator("#messages")
    talk.get_by_label("留言", exact=True).fill("对方保单要复印件吗？")
    photo = picture("保单.jpg")
    talk.get_by_label("照片或 PDF").set_input_files(
        {"name": photo.filename, "mimeType": "image/jpeg", "buffer": photo.content}
    )
    send = talk.get_by_role("button", name="发送留言")
    phone.context.set_offline(True)
    send.click()
    expect(talk).to_contain_text("网络")
    phone.context.set_offline(False)
    send.dblclick()
    expect(talk).to_contain_text("留言已发送。")
    expect(talk.get_by_role("link", name="保单.jpg")).to_be_visible()
    expect(talk).to_contain_text("对方未读")
    assert axe_problems(phone) == []

    desk.goto("/")
    desk.locator("#unread").get_by_role("link", name="复印件").click()
    answer = desk.locator("#messages")
    expect(answer).to_contain_text("对方保单要复印件吗？")
    answer.get_by_label("Answer", exact=True).fill("不用，照片清楚")
    answer.get_by_role("button", name="Answer the message").click()
    expect(answer).to_contain_text("Your message was sent.")
    expect(answer).to_contain_text("not read yet")
    assert axe_problems(desk) == []

    phone.reload()
    expect(talk).to_contain_text("不用，照片清楚")
    expect(talk).to_contain_text(f"已读：{owner}")
    desk.reload()
    expect(answer).to_contain_text(f"read by {world.safety_gongyi.name}")

    db.session.rollback()
    assert db.session.scalar(select(func.count(Message.id))) == 2
    clock = db.session.scalars(select(Timer).where(Timer.step == ClockStep.MESSAGE_REPLY)).one()
    assert clock.state is TimerState.MET
