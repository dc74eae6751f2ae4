"""A quarterly meeting: due, planned, accepted at the client, held, minuted with three decisions, chased until all are done."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from service_desk.base.clock import local_date, utc_now
from service_desk.jobs import notice_delivery, relations_watch
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.models.relations import AgreedItem, ItemState, RelationEvent
from service_desk.models.users import User
from tests.browser.conftest import axe_problems
from tests.browser.pages import photo, scrolls_sideways, too_wide_tables, typed
from tests.world import World

OpenDesk = Callable[..., Page]

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")


def test_a_quarterly_meeting_from_its_planning_to_its_last_decision(
    world: World, app: Flask, open_desk: OpenDesk
) -> None:
    now = utc_now()
    for user in (world.manager, world.claims1, world.hq, world.underwriter):
        user.email = f"{user.username}@desk.example"
    db.session.commit()
    manager, client = open_desk("manager", language="en"), open_desk("hq", phone=True)
    db.session.rollback()

    plan_it(manager, world, now)
    number = db.session.scalars(select(RelationEvent.number)).one()
    assert b"METHOD:REQUEST" in calendar_files(app, now)["hq@desk.example"]
    accept(client, number)

    hold_it(number, now)
    write_minutes(manager, world, number, now)
    chase_to_the_end(manager, client, open_desk, world, now)


def plan_it(manager: Page, world: World, now: datetime) -> None:
    manager.goto("/relations")
    assert axe_problems(manager) == []
    manager.get_by_role("link", name="Plan a meeting or visit").first.click()
    manager.get_by_role("textbox", name="Title").fill("四季度联席会议")
    manager.get_by_label("Begins at").fill(typed(now + timedelta(days=3)))
    manager.get_by_label("Ends at").fill(typed(now + timedelta(days=3, hours=2)))
    manager.get_by_role("textbox", name="Place").fill("集团三楼会议室")
    manager.get_by_label(world.claims1.name).check()
    manager.get_by_label(world.hq.name).check()
    assert axe_problems(manager) == []
    manager.get_by_role("button", name="Plan and invite").dblclick()
    expect(manager.get_by_role("heading", level=1)).to_have_text("四季度联席会议")
    db.session.rollback()


def calendar_files(app: Flask, now: datetime) -> dict[str, bytes]:
    """Deliver the outbox, and read who got which calendar file."""
    notice_delivery.run(now + timedelta(minutes=1))
    files = {}
    for path in (app.extensions["desk_config"].instance_dir / "outbox").glob("*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        for part in message.iter_attachments():
            files[message["To"].addresses[0].addr_spec] = part.get_payload(decode=True)
    return files


def accept(client: Page, number: str) -> None:
    client.goto("/relations")
    client.get_by_role("link", name="四季度联席会议").last.click()
    client.get_by_role("button", name="参加", exact=True).click()
    expect(client.locator("#people")).to_contain_text("已接受")
    assert axe_problems(client) == []
    assert not scrolls_sideways(client)


def hold_it(number: str, now: datetime) -> None:
    """Three days pass: no browser waits for them."""
    db.session.execute(
        update(RelationEvent)
        .where(RelationEvent.number == number)
        .values(from_at=now - timedelta(hours=3), to_at=now - timedelta(hours=1))
    )
    db.session.commit()


def write_minutes(manager: Page, world: World, number: str, now: datetime) -> None:
    manager.goto(f"/relations/{number}")
    manager.get_by_role("button", name="It took place").click()
    expect(manager.get_by_role("status").filter(has_text="noted as held")).to_be_visible()
    manager.get_by_role("link", name="Write the minutes").click()
    manager.get_by_role("textbox", name="Minutes").fill("双方通报情况。\n议定三项。")
    for place, owner in enumerate((world.claims1, world.underwriter, world.hq)):
        row = manager.get_by_role("group", name=f"Decision {place + 1}")
        row.get_by_label("Decision taken").fill(f"议定事项{place + 1}")
        row.get_by_label("Measure agreed").fill("按会议要求落实")
        row.get_by_label("Owner").select_option(str(owner.id))
        row.get_by_label("To be done by").fill((local_date(now) + timedelta(days=3)).isoformat())
    manager.get_by_label("Papers").set_input_files(photo("签到表.jpg"))
    assert axe_problems(manager) == []
    manager.get_by_role("button", name="Keep and mail the minutes").dblclick()
    items = manager.get_by_role("table", name="Agreed items")
    expect(items.locator("tbody tr")).to_have_count(3)
    expect(manager.get_by_role("link", name="签到表.jpg")).to_be_visible()
    assert axe_problems(manager) == []
    assert too_wide_tables(manager) == []
    db.session.rollback()
    minuted = select(Notice.address).where(Notice.kind == "relation_minutes", Notice.channel == Channel.MAIL)
    assert set(db.session.scalars(minuted)) == {
        "manager@desk.example",
        "claims1@desk.example",
        "hq@desk.example",
    }


def chase_to_the_end(manager: Page, client: Page, open_desk: OpenDesk, world: World, now: datetime) -> None:
    """The owner is reminded, then it is late and the manager hears of it; each owner reports what came of it."""
    db.session.rollback()
    for days in (0, 3, 4):
        relations_watch.run(now + timedelta(days=days))
    late = select(Notice.user_id).where(Notice.kind == "item_overdue", Notice.channel == Channel.IN_APP)
    assert set(db.session.scalars(late)) == {
        world.claims1.id,
        world.underwriter.id,
        world.hq.id,
        world.manager.id,
    }
    owners: list[tuple[Page, User, str, str]] = [
        (client, world.hq, "落实结果", "已完成"),
        (open_desk("claims1"), world.claims1, "落实结果", "已完成"),
        (open_desk("underwriter"), world.underwriter, "落实结果", "已完成"),
    ]
    db.session.rollback()
    for page, user, result, done in owners:
        page.goto(f"/relations/items?owner={user.id}")
        page.locator("tbody a").first.click()
        page.get_by_label(result).fill("已按期落实")
        page.get_by_role("button", name=done).click()
        expect(page.get_by_role("main")).to_contain_text("已按期落实")
    assert axe_problems(client) == []
    db.session.rollback()
    assert set(db.session.scalars(select(AgreedItem.state))) == {ItemState.DONE}
    manager.goto("/relations/items?view=done")
    expect(manager.get_by_role("table", name="Agreed items").locator("tbody tr")).to_have_count(3)
    assert axe_problems(manager) == []
    manager.goto("/work-log?who=everybody")
    expect(manager.get_by_role("table", name="Work log")).to_contain_text("四季度联席会议")
    assert axe_problems(manager) == []
    assert too_wide_tables(manager) == []
