"""Quote, preview, issue, print and hand over, as a clerk does it in the browser; and who may not."""

import io
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from pdfminer.high_level import extract_text
from sqlalchemy import func, select

from service_desk.base.paging import PageRequest
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import IssueBatch, Policy
from service_desk.presenters.claims import plate
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies
from service_desk.services.policies import IssueRequest, LineChoice, queries, rates
from tests.factories import VehicleFactory
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    db.session.commit()


@pytest.fixture
def clerk(sign_in: SignIn) -> FlaskClient:
    return sign_in("underwriter")


def words_on(page: Any) -> str:
    """The text of a page without mark-up, blanks squeezed."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)).split())


def hidden(page: Any, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page.get_data(as_text=True))
    assert found, name
    return found.group(1)


def order(page: Any, **changes: Any) -> dict[str, Any]:
    """The form of a preview as it would be sent."""
    fields = {
        "idempotency_key": hidden(page, "idempotency_key"),
        "vehicle_ids": hidden(page, "vehicle_ids"),
        "expected_fen": hidden(page, "expected_fen"),
        "lines": ["ctpl"],
        "set_ctpl": "basic",
        "set_commercial": "tpl_1m",
        "set_carrier_liability": "seat_400k",
        "start": "after",
    }
    return fields | changes


def issue_ctpl(world: World, *vehicles: Vehicle) -> None:
    choice = (LineChoice(PolicyLine.CTPL, "basic"),)
    request = IssueRequest(world.account.id, tuple(vehicle.id for vehicle in vehicles), choice)
    policies.issue_many(request, actor=world.underwriter, now=datetime.now().astimezone())
    db.session.commit()


def test_quote_by_plate_shows_premium_table_and_cover(clerk: FlaskClient, world: World) -> None:
    page = words_on(clerk.get("/quote?plate=豫a·12345"))
    for expected in ("4,690.00", "2,790.00", "36 座及以上", "交强险基础费率", "样例费率", "今日没有任何保障"):
        assert expected in page


def test_quote_by_class_needs_no_plate(clerk: FlaskClient) -> None:
    page = words_on(clerk.get("/quote?use_class=goods&tonnes=9.99"))
    assert "3,450.00" in page
    assert "承运人责任险 每座" not in page


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/quote?plate=豫Z00000", "没有车牌号或车架号为"),
        ("/quote?use_class=coach", "缺少核定载客人数"),
        ("/quote?use_class=coach&seats=minus", "请输入车牌号"),
        ("/quote?use_class=spaceship&seats=4", "请输入车牌号"),
    ],
)
def test_quote_says_what_it_lacks(clerk: FlaskClient, address: str, expected: str) -> None:
    assert expected in words_on(clerk.get(address))


def test_twelve_vehicles_go_from_the_list_to_the_printed_bundle(clerk: FlaskClient, world: World) -> None:
    fleet = [VehicleFactory(branch=world.gongyi) for _ in range(12)]
    preview = clerk.post("/issue", data={"vehicle_id": [vehicle.id for vehicle in fleet]})
    assert "12" in words_on(preview)
    issued = clerk.post(
        "/issue/confirm",
        data=order(preview, lines=["ctpl", "commercial", "carrier_liability"], expected_fen=""),
    )
    assert (issued.status_code, issued.location) == (
        303,
        "/batches/BAT-2026-000001".replace("2026", str(datetime.now().year)),
    )
    bundle = clerk.get(f"{issued.location}.pdf")
    text = "".join(extract_text(io.BytesIO(bundle.data)).split())
    assert text.count("机动车交通事故责任强制保险单") == 12
    assert all(vehicle.plate in text for vehicle in fleet)
    assert "人民币肆仟陆佰玖拾元整" in text


def test_preview_names_each_vehicle_that_cannot_be_issued(clerk: FlaskClient, world: World) -> None:
    no_vin = VehicleFactory(branch=world.zhongmu, vin=None)
    retired = VehicleFactory(branch=world.gongyi, state=VehicleState.RETIRED)
    page = words_on(clerk.post("/issue", data={"vehicle_ids": f"{world.coach.id},{no_vin.id},{retired.id}"}))
    assert f"{plate(no_vin.plate)} 中牟公交分公司 缺少车架号" in page
    assert f"{plate(retired.plate)} 巩义客运分公司 车辆已报废" in page


def test_preview_opens_from_an_address_too(clerk: FlaskClient, world: World) -> None:
    page = clerk.get(f"/issue?vehicle_id={world.coach.id}&line=ctpl")
    assert "出具 1 份保单 · ¥4,690.00" in words_on(page)


def test_choices_of_the_preview_are_kept_when_it_is_shown_again(clerk: FlaskClient, world: World) -> None:
    preview = clerk.get(f"/issue?vehicle_id={world.coach.id}")
    page = clerk.post("/issue", data=order(preview, lines=["commercial"], set_commercial="tpl_2m"))
    assert "出具 1 份保单 · ¥8,500.00" in words_on(page)


def test_start_on_a_day_needs_the_day(clerk: FlaskClient, world: World) -> None:
    preview = clerk.get(f"/issue?vehicle_id={world.coach.id}")
    answer = clerk.post("/issue/confirm", data=order(preview, start="day"))
    assert answer.status_code == 422
    assert "请选择起保日期" in words_on(answer)
    assert not db.session.scalar(select(func.count()).select_from(Policy))


def test_a_double_click_makes_one_batch(clerk: FlaskClient, world: World) -> None:
    preview = clerk.get(f"/issue?vehicle_id={world.coach.id}&line=ctpl")
    answers = [clerk.post("/issue/confirm", data=order(preview)) for _ in range(2)]
    assert answers[0].location == answers[1].location
    assert db.session.scalar(select(func.count()).select_from(IssueBatch)) == 1


def test_a_changed_total_shows_the_preview_again(clerk: FlaskClient, world: World) -> None:
    preview = clerk.get(f"/issue?vehicle_id={world.coach.id}&line=ctpl")
    answer = clerk.post("/issue/confirm", data=order(preview, lines=["ctpl", "commercial"]))
    assert answer.status_code == 409
    assert "合计金额与预览时不同" in words_on(answer)
    assert hidden(answer, "expected_fen") == str(4_690_00 + 6_540_00)


def test_a_filter_of_many_pages_can_be_issued_whole(clerk: FlaskClient, world: World) -> None:
    for _ in range(30):
        VehicleFactory(branch=world.gongyi)
    first = clerk.get(f"/issue?branch={world.gongyi.id}&size=25")
    assert "全部 32 辆车" in words_on(first)
    page = clerk.post("/issue", data={"all": "1", "branch": world.gongyi.id, "line": "ctpl"})
    assert "出具 32 份保单" in words_on(page)


def test_vehicles_to_issue_are_filtered_by_cover(clerk: FlaskClient, world: World) -> None:
    issue_ctpl(world, world.coach)
    page = words_on(clerk.get("/issue?line=ctpl&cover=none"))
    assert "豫A·12345" not in page
    assert "豫A·D12345" in page


def test_beyond_the_credit_limit_the_preview_shows_by_how_much_and_nothing_is_issued(
    clerk: FlaskClient, world: World
) -> None:
    world.account.credit_limit_fen = 1_000_00
    db.session.commit()
    preview = clerk.get(f"/issue?vehicle_id={world.coach.id}&line=ctpl")
    assert "授信额度 ¥1,000.00 已用授信额度 ¥0.00 本次出单 ¥4,690.00 超出额度 ¥3,690.00" in words_on(preview)
    answer = clerk.post("/issue/confirm", data=order(preview))
    assert answer.status_code == 422
    assert "须先由主管放行" in words_on(answer)
    assert not db.session.scalars(select(Policy)).all()


def test_policy_page_and_print_are_in_the_readers_language(clerk: FlaskClient, world: World) -> None:
    issue_ctpl(world, world.coach)
    number = db.session.scalars(select(Policy.number)).one()
    page = words_on(clerk.get(f"/policies/{number}"))
    assert "郑州联运集团巩义客运分公司" in page
    world.underwriter.language = "en"
    text = extract_text(io.BytesIO(clerk.get(f"/policies/{number}.pdf").data))
    assert "Compulsory Traffic Accident Liability Policy" in text
    assert "人民币肆仟陆佰玖拾元整" in text


def test_policies_are_filtered_and_exported_as_shown(clerk: FlaskClient, world: World) -> None:
    issue_ctpl(world, world.coach, world.bus)
    address = f"?branch={world.gongyi.id}&line=ctpl&state=in_force&q=豫a12345"
    assert "豫A·D12345" not in words_on(clerk.get(f"/policies{address}"))
    sheet = load_workbook(io.BytesIO(clerk.get(f"/policies.xlsx{address}").data)).active
    assert sheet is not None
    plates = [row[4] for row in sheet.iter_rows(min_row=5, values_only=True) if row[4]]
    assert plates == ["豫A12345"]


def test_batch_is_handed_over(clerk: FlaskClient, world: World) -> None:
    issue_ctpl(world, world.coach)
    number = db.session.scalars(select(IssueBatch.number)).one()
    assert clerk.post(f"/batches/{number}/deliver", data={"delivered_to": ""}).status_code == 422
    clerk.post(f"/batches/{number}/deliver", data={"delivered_to": "郭永刚"})
    assert "郭永刚" in words_on(clerk.get(f"/batches/{number}"))
    assert "郭永刚" in words_on(clerk.get("/batches"))


def test_branch_officer_reads_own_policies_only(sign_in: SignIn, world: World) -> None:
    issue_ctpl(world, world.coach, world.bus)
    numbers = dict(db.session.execute(select(Policy.plate, Policy.number)).tuples().all())
    officer = sign_in("safety-gongyi")
    assert officer.get(f"/policies/{numbers['豫A12345']}").status_code == 200
    assert officer.get(f"/policies/{numbers['豫AD12345']}").status_code == 404
    assert officer.get(f"/policies/{numbers['豫AD12345']}.pdf").status_code == 404
    assert "豫A·D12345" not in words_on(officer.get("/policies"))


def test_what_is_owed_is_shown_to_those_who_may_see_premiums(world: World, now: datetime) -> None:
    issue_ctpl(world, world.coach)
    for actor, sees_it in ((world.hq, True), (world.safety_gongyi, False)):
        wanted = queries.PolicyFilter(account_id=world.account.id)
        row = queries.list_policies(wanted, PageRequest(), actor=actor, now=now).rows[0]
        assert (row.open_fen is not None) == sees_it


@pytest.mark.parametrize(
    "address", ["/policies/{number}", "/policies/{number}.pdf", "/batches/{batch}", "/batches/{batch}.pdf"]
)
def test_another_account_finds_nothing(sign_in: SignIn, world: World, address: str) -> None:
    issue_ctpl(world, world.coach)
    number, batch = db.session.execute(
        select(Policy.number, IssueBatch.number).join(IssueBatch, IssueBatch.id == Policy.batch_id)
    ).one()
    assert sign_in("foreign-hq").get(address.format(number=number, batch=batch)).status_code == 404


@pytest.mark.parametrize("name", ["hq", "safety-gongyi", "claims1"])
def test_who_does_not_issue_is_refused(sign_in: SignIn, world: World, name: str) -> None:
    browser = sign_in(name)
    assert browser.get("/issue").status_code == 403
    assert browser.post("/issue/confirm", data={"vehicle_ids": world.coach.id}).status_code in {403, 422}
    assert not db.session.scalar(select(func.count()).select_from(Policy))


def test_another_accounts_vehicle_is_not_previewed(clerk: FlaskClient, world: World) -> None:
    assert clerk.get(f"/issue?vehicle_id={world.foreign_vehicle.id}").status_code == 404
