"""The list of missed cover, a case and its forms; the client's view; who may not."""

import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import func, select

from service_desk.models.db import db
from service_desk.models.fleet import VehicleState
from service_desk.models.notices import Channel, Notice
from service_desk.models.renewals import CaseState, ChaseKind, MissedCoverCase, MissedCoverEntry
from service_desk.presenters import mail
from service_desk.services import renewals, sla
from service_desk.services.policies import rates
from service_desk.services.renewals import cases
from tests.standing import early
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def _found(world: World) -> None:
    """Nothing is insured, and the watch has been round."""
    now = datetime.now(UTC) - timedelta(minutes=5)
    sla.install_defaults(early(now))
    rates.install_sample_rates(now=early(now))
    renewals.watch(world.account.id, now=now)
    db.session.commit()


def case_of(vehicle: Any) -> MissedCoverCase:
    return db.session.scalars(select(MissedCoverCase).where(MissedCoverCase.vehicle_id == vehicle.id)).one()


def words_on(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)).split())


def test_the_list_shows_exposure_owner_and_clock(sign_in: SignIn, world: World) -> None:
    page = words_on(sign_in("underwriter").get("/renewals/uninsured"))
    assert "豫A·12345" in page
    assert "¥9,380.00" in page
    assert "李静" in page
    assert "无保障记录" in page


def test_the_filter_stands_in_the_address(sign_in: SignIn, world: World) -> None:
    clerk = sign_in("underwriter")
    assert "豫A·D12345" not in words_on(clerk.get(f"/renewals/uninsured?branch={world.gongyi.id}"))
    assert "没有符合条件的车辆" in words_on(clerk.get("/renewals/uninsured?overdue=y"))
    assert "豫A·67890" not in words_on(clerk.get("/renewals/uninsured?layer=carrier_liability"))
    assert clerk.get("/renewals/uninsured?branch=x&owner=y&layer=z&page=0").status_code == 200


def test_the_spreadsheet_is_what_is_filtered(sign_in: SignIn, world: World) -> None:
    answer = sign_in("hq").get(f"/renewals/uninsured.xlsx?branch={world.gongyi.id}&overdue=y")
    assert answer.status_code == 200
    notes = [row[0] for row in load_workbook(io.BytesIO(answer.data)).active.values][:3]
    assert f"分公司：{world.gongyi.name} · 仅看超时：是" in notes


def test_a_chase_is_logged_and_stands_in_the_list(sign_in: SignIn, world: World) -> None:
    number, clerk = case_of(world.truck).number, sign_in("underwriter")
    promised = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    sent = {
        "chase-channel": "call",
        "chase-spoken_to": "郭永刚",
        "chase-text": "明天送保单",
        "chase-promised_on": promised,
        "chase-idempotency_key": "twice",
    }
    for _ in range(2):
        assert clerk.post(f"/renewals/missed/{number}/chase", data=sent).status_code == 303
    assert count(ChaseKind.CONTACT) == 1
    page = words_on(clerk.get(f"/renewals/missed/{number}"))
    assert "电话：郭永刚" in page
    assert "明天送保单" in page
    assert promised in words_on(clerk.get("/renewals/uninsured"))


def count(kind: ChaseKind) -> int:
    statement = select(func.count()).select_from(MissedCoverEntry).where(MissedCoverEntry.kind == kind)
    return db.session.scalar(statement) or 0


def test_what_was_typed_stays_when_a_chase_is_refused(sign_in: SignIn, world: World) -> None:
    number = case_of(world.truck).number
    answer = sign_in("underwriter").post(
        f"/renewals/missed/{number}/chase",
        data={
            "chase-channel": "visit",
            "chase-spoken_to": "马会计",
            "chase-promised_on": "2020-01-01",
            "chase-text": "好",
        },
    )
    assert answer.status_code == 422
    assert "马会计" in answer.get_data(as_text=True)
    assert "承诺日期已过" in words_on(answer)
    assert count(ChaseKind.CONTACT) == 0


def test_a_vehicle_is_declared_off_the_road(sign_in: SignIn, world: World) -> None:
    case, clerk = case_of(world.truck), sign_in("underwriter")
    sent = {"stop-how": "suspended", "stop-reason": "停驶检修"}
    assert clerk.post(f"/renewals/missed/{case.number}/stop", data=sent).status_code == 303
    db.session.refresh(world.truck)
    assert (case_of(world.truck).state, world.truck.state) == (CaseState.STOPPED, VehicleState.SUSPENDED)
    page = words_on(clerk.get(f"/renewals/missed/{case.number}"))
    assert "已停驶" in page
    assert "停驶检修" in page
    assert case.number in words_on(clerk.get("/renewals/missed"))
    assert clerk.post(f"/renewals/missed/{case.number}/stop", data=sent).status_code == 409


def test_cover_of_another_insurer_is_noted(sign_in: SignIn, world: World) -> None:
    number, clerk = case_of(world.truck).number, sign_in("underwriter")
    today = datetime.now(UTC).date()
    sent = {
        "cover-insurer": "平安财险",
        "cover-number": "PA-1",
        "cover-first_day": (today - timedelta(days=1)).isoformat(),
        "cover-last_day": (today + timedelta(days=300)).isoformat(),
    }
    first = clerk.post(f"/renewals/missed/{number}/cover", data={**sent, "cover-line": "ctpl"})
    assert first.status_code == 303
    assert case_of(world.truck).state is CaseState.OPEN
    clerk.post(f"/renewals/missed/{number}/cover", data={**sent, "cover-line": "commercial"})
    assert case_of(world.truck).state is CaseState.COVERED


def test_a_case_is_given_to_the_manager(sign_in: SignIn, world: World) -> None:
    number = case_of(world.truck).number
    sent = {"give-owner_id": str(world.manager.id), "give-reason": "休假"}
    answer = sign_in("underwriter").post(f"/renewals/missed/{number}/reassign", data=sent)
    assert answer.status_code == 303
    assert case_of(world.truck).owner_id == world.manager.id
    assert number in words_on(sign_in("manager").get("/"))


def test_the_client_sees_who_follows_it_and_writes(sign_in: SignIn, world: World) -> None:
    number, officer = case_of(world.truck).number, sign_in("safety-gongyi")
    page = words_on(officer.get(f"/renewals/missed/{number}"))
    assert "李静" in page
    assert world.underwriter.phone[-4:] in page
    assert "申报停驶" not in page
    assert "转交他人" not in page
    answer = officer.post(f"/renewals/missed/{number}/word", data={"word-text": "车辆已停驶"})
    assert answer.status_code == 303
    assert "车辆已停驶" in words_on(sign_in("underwriter").get(f"/renewals/missed/{number}"))
    assert "客户就漏保留言：豫A67890" in words_on(sign_in("underwriter").get("/notices"))


@pytest.mark.parametrize("act", ["chase", "reassign", "stop", "cover"])
@pytest.mark.parametrize("who", ["safety-gongyi", "hq", "claims1"])
def test_the_client_and_claims_do_not_act(sign_in: SignIn, world: World, who: str, act: str) -> None:
    number = case_of(world.truck).number
    assert sign_in(who).post(f"/renewals/missed/{number}/{act}", data={}).status_code == 403


@pytest.mark.parametrize("path", ["", "/word"])
def test_strangers_find_nothing(sign_in: SignIn, world: World, path: str) -> None:
    elsewhere = case_of(world.bus).number
    for who, number in (("foreign-hq", elsewhere), ("safety-gongyi", elsewhere), ("underwriter", "COV-0")):
        browser = sign_in(who)
        if path:
            expected = {404, 403} if who == "underwriter" else {404}
            answer = browser.post(f"/renewals/missed/{number}{path}", data={"word-text": "停了"})
            assert answer.status_code in expected
        else:
            assert browser.get(f"/renewals/missed/{number}").status_code == 404


def test_the_vehicles_page_says_what_is_missing_and_leads_to_the_case(sign_in: SignIn, world: World) -> None:
    page = sign_in("underwriter").get(f"/vehicles/{world.truck.id}").get_data(as_text=True)
    assert f"/renewals/missed/{case_of(world.truck).number}" in page
    assert "今日缺：" in page


@pytest.mark.parametrize("kind", ["missed_cover_assigned", "missed_cover_word"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_mails_read_in_both_languages(world: World, app: Any, kind: str, language: str) -> None:
    now = datetime.now(UTC)
    number = case_of(world.truck).number
    world.underwriter.language = world.manager.language = language
    if kind == "missed_cover_word":
        cases.client_says(number, "停驶", actor=world.safety_gongyi, now=now)
    else:
        cases.reassign(number, world.manager.id, "休假", actor=world.underwriter, now=now)
    notice = db.session.scalars(
        select(Notice).where(Notice.kind == kind, Notice.channel == Channel.MAIL)
    ).one()
    sent = mail.render(notice, base_url="https://desk.example")
    assert "豫A67890" in sent.subject
    assert f"https://desk.example/renewals/missed/{number}" in sent.text
    assert number in sent.html


def test_a_promise_of_a_past_year_is_no_date(sign_in: SignIn, world: World) -> None:
    number = case_of(world.truck).number
    sent = {"chase-spoken_to": "郭", "chase-text": "好", "chase-promised_on": str(date(1, 1, 1))}
    assert sign_in("underwriter").post(f"/renewals/missed/{number}/chase", data=sent).status_code == 422


def test_the_audit_trail_tells_it_in_words(sign_in: SignIn, world: World) -> None:
    sent = {"stop-how": "suspended", "stop-reason": "停驶检修"}
    sign_in("underwriter").post(f"/renewals/missed/{case_of(world.truck).number}/stop", data=sent)
    page = words_on(sign_in("manager").get("/audit"))
    assert "漏保销号" in page
    assert "已停驶" in page
    assert "交强险、第三者责任险" in page
