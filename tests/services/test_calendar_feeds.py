"""Calendar feeds: who makes and ends them, what they hold, and when they answer no more."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, NotFound
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.renewals import CalendarFeed
from service_desk.models.users import User
from service_desk.presenters.renewals_calendar import feed_text
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.renewals import calendar
from tests.adapters.test_icalendar import parse
from tests.factories import PolicyFactory, VehicleFactory
from tests.world import World

LAST_DAY = date(2026, 12, 31)


def cover(world: World, vehicle: Vehicle, last_day: date, line: PolicyLine = PolicyLine.CTPL) -> None:
    # 24:00 of the last day in China.
    ends_at = datetime(last_day.year, last_day.month, last_day.day, 16, tzinfo=UTC)
    PolicyFactory(
        vehicle=vehicle,
        issued_by=world.underwriter,
        line=line,
        starts_at=ends_at - timedelta(days=365),
        ends_at=ends_at,
    )
    db.session.commit()


def make(world: World, actor: User, now: datetime, branch_id: int | None = None, **values: Any) -> str:
    given = {"language": "zh", **values}
    token = calendar.make(world.account.id, branch_id, actor=actor, now=now, **given)
    db.session.commit()
    assert token is not None
    return token


def text_of(app: Flask, token: str, now: datetime) -> str:
    with app.test_request_context():
        return feed_text(
            calendar.read(token, now=now), lambda branch_id: f"https://desk.example/{branch_id}", now=now
        )


def test_a_feed_has_an_event_for_each_branch_day_and_line(app: Flask, world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    cover(world, world.truck, LAST_DAY)
    cover(world, world.truck, LAST_DAY, PolicyLine.COMMERCIAL)
    cover(world, world.bus, LAST_DAY)
    cover(world, VehicleFactory(branch=world.gongyi, plate="豫A00001"), LAST_DAY - timedelta(days=1))
    info, events = parse(text_of(app, make(world, world.hq, now), now))
    assert info["NAME"] == "续保到期：郑州联运集团"
    assert Counter(event["DTSTART;VALUE=DATE"] for event in events) == {"20261230": 1, "20261231": 3}
    told = {event["SUMMARY"]: event["DESCRIPTION"] for event in events}
    assert told["交强险到期 2 辆 · 巩义客运分公司"] == "豫A12345\n豫A67890"
    assert told["商业险到期 1 辆 · 巩义客运分公司"] == "豫A67890"
    assert told["交强险到期 1 辆 · 中牟公交分公司"] == "豫AD12345"


def test_events_keep_their_names_and_the_text_is_the_same_all_day(
    app: Flask, world: World, now: datetime
) -> None:
    cover(world, world.coach, LAST_DAY)
    of_branch = make(world, world.safety_gongyi, now, world.gongyi.id)
    of_group = make(world, world.hq, now)
    first = text_of(app, of_branch, now)
    assert first == text_of(app, of_branch, now + timedelta(hours=10))
    uid = parse(first)[1][0]["UID"]
    assert parse(text_of(app, of_group, now))[1][0]["UID"] == uid
    cover(world, world.truck, LAST_DAY)
    (event,) = parse(text_of(app, of_branch, now + timedelta(days=1)))[1]
    assert event["UID"] == uid
    assert event["SUMMARY"].startswith("交强险到期 2 辆")


def test_a_feed_speaks_the_language_it_was_made_in(app: Flask, world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    token = make(world, world.underwriter, now, world.gongyi.id, language="en")
    (event,) = parse(text_of(app, token, now))[1]
    assert event["SUMMARY"] == "Compulsory (CTPL) of 1 vehicle ends · Gongyi Coach Branch"


def test_it_tells_plates_and_no_person(app: Flask, world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    text = text_of(app, make(world, world.hq, now), now)
    people = [world.hq, world.underwriter, world.safety_gongyi]
    assert not [
        word for person in people for word in (person.name, person.phone, person.email) if word in text
    ]


def test_a_branch_officer_makes_a_feed_of_the_own_branch_only(world: World, now: datetime) -> None:
    make(world, world.safety_gongyi, now, world.gongyi.id)
    with pytest.raises(NotFound):
        make(world, world.safety_gongyi, now, world.zhongmu.id)
    with pytest.raises(Forbidden):
        make(world, world.safety_gongyi, now)
    with pytest.raises(NotFound):
        make(world, world.foreign_hq, now, world.gongyi.id)
    with pytest.raises(NotFound):
        make(world, world.hq, now, world.foreign_branch.id)
    assert make(world, world.hq, now)


def test_only_the_hash_is_kept_and_the_token_is_told_once(world: World, now: datetime) -> None:
    token = make(world, world.hq, now, key="k")
    again = calendar.make(world.account.id, None, language="zh", key="k", actor=world.hq, now=now)
    assert again is None
    feed = db.session.scalars(select(CalendarFeed)).one()
    assert token not in {str(value) for value in vars(feed).values()}
    assert len(feed.token_sha256) == 64


def test_a_revoked_feed_answers_no_more(world: World, now: datetime) -> None:
    token = make(world, world.hq, now, world.gongyi.id)
    (row,) = calendar.list_feeds(world.account.id, actor=world.safety_gongyi)
    calendar.revoke(row.feed.id, actor=world.safety_gongyi, now=now)
    db.session.commit()
    with pytest.raises(NotFound):
        calendar.read(token, now=now)
    with pytest.raises(NotFound):
        calendar.read("no such token", now=now)
    with pytest.raises(Conflict):
        calendar.revoke(row.feed.id, actor=world.hq, now=now)


def test_a_feed_ends_with_what_its_maker_may_see(world: World, now: datetime) -> None:
    token = make(world, world.safety_gongyi, now, world.gongyi.id)
    world.safety_gongyi.branch_id = world.zhongmu.id
    db.session.commit()
    with pytest.raises(NotFound):
        calendar.read(token, now=now)
    world.safety_gongyi.branch_id = world.gongyi.id
    world.safety_gongyi.is_active = False
    db.session.commit()
    with pytest.raises(NotFound):
        calendar.read(token, now=now)
    assert [row.answers for row in calendar.list_feeds(world.account.id, actor=world.hq)] == [False]


def test_a_feed_of_all_branches_is_not_a_branch_officers_to_end(world: World, now: datetime) -> None:
    make(world, world.hq, now)
    assert calendar.list_feeds(world.account.id, actor=world.safety_gongyi) == []
    feed = db.session.scalars(select(CalendarFeed)).one()
    for stranger in (world.safety_gongyi, world.foreign_hq):
        with pytest.raises(NotFound):
            calendar.revoke(feed.id, actor=stranger, now=now)
