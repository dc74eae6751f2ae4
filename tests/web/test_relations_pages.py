"""The pages of meetings and visits, agreed items and the work log: who may open them, and what a form does."""

from datetime import datetime, timedelta
from io import BytesIO

import openpyxl
import pytest
from sqlalchemy import func, select

from service_desk.base.clock import CHINA, local_date, utc_now
from service_desk.models.db import db
from service_desk.models.relations import (
    AgreedItem,
    EventMinutes,
    ItemSource,
    RelationEvent,
    WorkEntry,
    WorkTarget,
)
from service_desk.rules.permissions import Role
from service_desk.rules.relation_flow import EventKind, EventState
from service_desk.rules.work_log import WorkKind
from service_desk.services.relations import NewItem, open_item
from service_desk.services.relations.targets import TargetWanted, set_target
from tests.claim_cases import picture
from tests.relation_cases import planned_meeting, write_minutes
from tests.world import World

DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return utc_now()


def typed(at: datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m-%dT%H:%M}"


def built(world: World, now: datetime) -> dict[str, object]:
    """A minuted visit of another branch with a paper, an item of that branch, and a target."""
    visit = planned_meeting(
        world,
        now - 3 * DAY,
        now - 9 * DAY,
        kind=EventKind.BRANCH_VISIT,
        title="中牟走访",
        branch_id=world.zhongmu.id,
    )
    write_minutes(world, visit, now, papers=[picture("签到表.jpg")])
    item = open_item(
        world.account.id,
        ItemSource.EVENT,
        visit.id,
        NewItem("补发批单", "", world.claims1.id, local_date(now) + 9 * DAY, world.zhongmu.id),
        actor=world.manager,
        now=now,
    )
    target = set_target(
        world.account.id,
        TargetWanted(Role.CLAIMS, None, WorkKind.VISIT, local_date(now), 8),
        actor=world.manager,
        now=now,
    )
    db.session.commit()
    return {"number": visit.number, "item": item.id, "target": target.id}


# Who gets what: managers, the desk, the group at the client, the officer of another branch, another account.
_WHO = ("manager", "claims1", "hq", "safety-gongyi", "foreign_hq")
_GET = {
    "/relations": (200, 200, 200, 200, 200),
    "/relations?view=list": (200, 200, 200, 200, 200),
    "/relations.xlsx": (200, 200, 200, 200, 200),
    "/relations/items": (200, 200, 200, 200, 200),
    "/relations/items.xlsx": (200, 200, 200, 200, 200),
    "/relations/new": (200, 200, 403, 403, 403),
    "/relations/cadence": (200, 200, 403, 403, 403),
    "/relations/{number}": (200, 200, 200, 404, 404),
    "/relations/{number}/edit": (200, 200, 403, 404, 404),
    "/relations/{number}/minutes": (200, 200, 403, 404, 404),
    "/relations/{number}/calendar.ics": (200, 200, 200, 404, 404),
    "/relations/{number}/papers/1": (200, 200, 200, 404, 404),
    "/relations/{number}/papers/99": (404, 404, 404, 404, 404),
    "/relations/items/{item}": (200, 200, 200, 404, 404),
    "/work-log": (200, 200, 403, 403, 403),
    "/work-log.xlsx": (200, 200, 403, 403, 403),
    "/work-log/targets": (200, 403, 403, 403, 403),
}
# Nothing here is whole: who may act is refused for what is missing or said so on the page (422, 303).
_POST = {
    "/relations/{number}/cancel": (303, 303, 403, 404, 404),
    "/relations/{number}/held": (303, 303, 403, 404, 404),
    "/relations/{number}/answer": (303, 303, 303, 404, 404),
    "/relations/{number}/minutes": (422, 422, 403, 404, 404),
    "/relations/items/{item}/drop": (422, 422, 422, 404, 404),
    "/relations/items/{item}/give": (422, 422, 422, 404, 404),
    "/relations/items/{item}/done": (422, 422, 422, 404, 404),
    "/relations/cadence/branch_visit": (422, 403, 403, 403, 403),
    "/work-log": (422, 422, 403, 403, 403),
    "/work-log/99/strike": (404, 404, 403, 403, 403),
    "/work-log/targets": (422, 403, 403, 403, 403),
    "/work-log/targets/{target}/remove": (303, 403, 403, 403, 403),
}


def test_who_may_open_and_send_what(world: World, sign_in, now: datetime) -> None:
    made = built(world, now)
    clients = [sign_in(world.foreign_hq.username if who == "foreign_hq" else who) for who in _WHO]
    wrong = []
    for method, table in (("GET", _GET), ("POST", _POST)):
        for address, wanted in table.items():
            path = address.format(**made)
            got = tuple(client.open(path, method=method).status_code for client in clients)
            if got != wanted:
                wrong.append(f"{method} {path}: {got} and not {wanted}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", ["claims1", "hq"])
def test_a_whole_form_of_what_is_the_managers_alone_is_refused(
    world: World, sign_in, now: datetime, who: str
) -> None:
    made = built(world, now)
    client = sign_in(who)
    sent = {"drop-reason": "不做了", "drop-version": "1"}
    assert client.post(f"/relations/items/{made['item']}/drop", data=sent).status_code == 403
    sent = {"give-owner_id": str(world.claims2.id), "give-reason": "休假", "give-version": "1"}
    assert client.post(f"/relations/items/{made['item']}/give", data=sent).status_code == 403
    sent = {"whose": "role:claims", "kind": "visit", "month": "2026-11", "times": "3"}
    assert client.post("/work-log/targets", data=sent).status_code == 403
    assert db.session.scalar(select(WorkTarget.times)) == 8


def test_planned_twice_by_a_double_click_is_one_event(world: World, sign_in, now: datetime) -> None:
    client = sign_in("claims1")
    sent = {
        "kind": "branch_visit",
        "title": "走访巩义",
        "branch_id": str(world.gongyi.id),
        "from_at": typed(now + DAY),
        "to_at": typed(now + DAY + timedelta(hours=2)),
        "organiser_id": str(world.claims1.id),
        "theirs": [str(world.safety_gongyi.id)],
        "guests-0-name": "王科长",
        "guests-0-email": "wang@zzly.example",
        "guests-0-side": "client",
        "guests-0-language": "zh",
        "idempotency_key": "one click",
    }
    answers = [client.post("/relations/new", data=sent) for _click in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location
    assert db.session.scalar(select(func.count(RelationEvent.id))) == 1
    page = sign_in("safety-gongyi").get(answers[0].location).text
    assert "走访巩义" in page
    assert "王科长" in page


def test_a_refused_plan_keeps_what_was_typed(world: World, sign_in, now: datetime) -> None:
    sent = {"kind": "branch_visit", "title": "走访", "from_at": typed(now + DAY), "to_at": typed(now)}
    answer = sign_in("claims1").post(
        "/relations/new", data=sent | {"organiser_id": str(world.claims1.id), "guests-0-name": "王科长"}
    )
    assert answer.status_code == 422
    assert 'value="走访"' in answer.text
    assert 'value="王科长"' in answer.text


def test_minutes_with_three_decisions_and_an_answer_on_the_page(world: World, sign_in, now: datetime) -> None:
    event = planned_meeting(world, now - DAY, now - 3 * DAY)
    db.session.commit()
    client, number = sign_in("manager"), event.number
    due_on = (local_date(now) + 10 * DAY).isoformat()
    page = client.get(f"/relations/{number}/minutes").text
    assert page.count("checked") >= 4
    sent = {
        "version": str(event.version),
        "words": "议定三项。",
        "others_ours": "孙国强",
        "others_theirs": "陈慧敏、周主任",
        "idempotency_key": "k",
        **{f"decisions-{n}-title": f"事项{n}" for n in range(3)},
        **{f"decisions-{n}-owner_id": str(world.claims1.id) for n in range(3)},
        **{f"decisions-{n}-due_on": due_on for n in range(3)},
    }
    wrong = client.post(f"/relations/{number}/minutes", data=sent | {"decisions-1-due_on": ""})
    assert wrong.status_code == 422
    assert "事项2" in wrong.text
    assert db.session.scalar(select(func.count(EventMinutes.id))) == 0
    for _click in range(2):
        assert client.post(f"/relations/{number}/minutes", data=sent).status_code == 303
    assert db.session.scalar(select(func.count(AgreedItem.id))) == 3
    assert db.session.scalar(select(RelationEvent.state)) is EventState.MINUTED
    assert "周主任" in sign_in("hq").get(f"/relations/{number}").text


def test_exports_are_what_is_filtered(world: World, sign_in, now: datetime) -> None:
    built(world, now)
    planned_meeting(world, now + DAY, now)
    db.session.commit()
    answer = sign_in("hq").get("/relations.xlsx?kind=branch_visit")
    rows = list(openpyxl.load_workbook(BytesIO(answer.data)).active.iter_rows(values_only=True))
    titles = [row[3] for row in rows if row[0] and str(row[0]).startswith("REL-")]
    assert titles == ["中牟走访"]


def test_the_button_of_something_due_fills_the_form(world: World, sign_in) -> None:
    page = (
        sign_in("claims1")
        .get(f"/relations/new?kind=branch_visit&branch={world.gongyi.id}&day=2026-12-15")
        .text
    )
    assert '<option selected value="branch_visit">' in page
    assert f'<option selected value="{world.gongyi.id}">' in page
    assert 'value="2026-12-15T09:30"' in page


def test_work_is_logged_once_and_struck(world: World, sign_in, now: datetime) -> None:
    client = sign_in("claims1")
    sent = {
        "kind": "call",
        "at": typed(now - timedelta(minutes=5)),
        "minutes": "15",
        "note": "电话核对未决清单",
    }
    for _click in range(2):
        assert client.post("/work-log", data=sent | {"idempotency_key": "k"}).status_code == 303
    row = db.session.scalars(select(WorkEntry)).one()
    assert client.post(f"/work-log/{row.id}/strike", data={"version": "1"}).status_code == 303
    assert db.session.scalars(select(WorkEntry)).all() == []


def test_the_home_of_either_side_shows_what_waits_for_one(world: World, sign_in, now: datetime) -> None:
    event = planned_meeting(world, now + DAY, now)
    open_item(
        world.account.id,
        ItemSource.EVENT,
        event.id,
        NewItem("补发批单", "", world.hq.id, local_date(now) + DAY),
        actor=world.manager,
        now=now,
    )
    db.session.commit()
    page = sign_in("hq").get("/").text
    assert event.title in page
    assert "补发批单" in page
    assert event.title in sign_in("claims1").get("/").text
    assert event.title not in sign_in("claims2").get("/").text
