"""Quote sheets in the browser: made for a branch or a choice, floats and taxes, on paper, issued from; and who may not."""

import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import Workbook, load_workbook
from pdfminer.high_level import extract_text
from sqlalchemy import func, select, update

from service_desk.base.clock import local_date, utc_now
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import IssueBatch, Policy, QuoteLine, QuoteSheet
from service_desk.services.policies import rates
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


def asked(**changes: Any) -> dict[str, Any]:
    """The form of a new sheet as it would be sent."""
    fields = {
        "idempotency_key": "k1",
        "branch": "",
        "use_class": "",
        "q": "",
        "title": "续保报价",
        "lines": ["ctpl", "commercial", "carrier_liability"],
        "set_ctpl": "basic",
        "set_commercial": "tpl_1m",
        "set_carrier_liability": "seat_400k",
        "start": "after",
        "valid_until": (local_date(utc_now()) + timedelta(days=15)).isoformat(),
    }
    return fields | changes


def make(clerk: FlaskClient, **changes: Any) -> str:
    answer = clerk.post("/quotes/new", data=asked(**changes))
    assert answer.status_code == 303, words_on(answer)
    return str(answer.location)


def expire() -> None:
    """Let every quote sheet have been good until yesterday."""
    yesterday = local_date(utc_now()) - timedelta(days=1)
    db.session.execute(update(QuoteSheet).values(valid_until=yesterday))
    db.session.commit()


def float_list(*rows: tuple[Any, ...]) -> io.BytesIO:
    book = Workbook()
    for row in (("车牌号", "车架号", "交强险费率浮动", "车船税（元）"), *rows):
        book.worksheets[0].append(row)
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    return out


def test_a_branch_is_quoted_and_each_line_names_its_version(clerk: FlaskClient, world: World) -> None:
    sheet = make(clerk, branch=str(world.gongyi.id))
    page = words_on(clerk.get(sheet))
    for expected in (
        "报价单 QUO-",
        "报价有效",
        "续保报价",
        "豫A·12345",
        "4,690.00",
        "36 座及以上 · 交强险基础费率，自 2008-02-01",
    ):
        assert expected in page
    assert "豫A·D12345" not in page
    assert sheet.removeprefix("/quotes/") in words_on(clerk.get("/quotes"))
    assert "没有符合条件的报价单" in words_on(clerk.get("/quotes?state=expired"))


def test_vehicles_chosen_in_a_list_are_quoted(clerk: FlaskClient, world: World) -> None:
    page = clerk.post("/quotes/new", data={"vehicle_id": [world.coach.id, world.truck.id]})
    assert "已在清单中选择 2 辆车" in words_on(page)
    found = re.search(r'name="vehicle_ids"[^>]*value="([\d,]+)"', page.get_data(as_text=True))
    assert found
    sheet = make(clerk, vehicle_ids=found.group(1))
    assert db.session.scalars(select(QuoteSheet)).one().vehicle_count == 2
    assert "豫A·D12345" not in words_on(clerk.get(sheet))


def test_a_filtered_list_is_quoted_whole(clerk: FlaskClient, world: World) -> None:
    page = clerk.post("/quotes/new", data={"all": "1", "branch": str(world.gongyi.id), "use_class": "coach"})
    assert "已在清单中选择 1 辆车" in words_on(page)


def test_why_a_vehicle_is_not_priced_stands_on_its_line(clerk: FlaskClient, world: World) -> None:
    VehicleFactory(branch=world.gongyi, plate="豫A55555", seats=None)
    page = words_on(clerk.get(make(clerk)))
    assert "缺少核定载客人数" in page
    assert "未能报价 3" in page


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"lines": []}, "至少选择一个险种"),
        ({"q": "没有这辆车"}, "至少选择一辆车"),
        ({"valid_until": "2020-01-01"}, "不能是已过去的日期"),
        ({"valid_until": "2999-01-01"}, "最多保留 90 天"),
        ({"valid_until": "soon"}, "不是有效的日期值"),
        ({"start": "day"}, "请选择起保日期"),
        ({"start": "day", "start_on": "2020-01-01"}, "起保日期不能早于今天"),
        ({"title": "x" * 201}, "200"),
    ],
)
def test_a_wrong_request_keeps_what_was_typed(
    clerk: FlaskClient, changes: dict[str, Any], expected: str
) -> None:
    page = clerk.post("/quotes/new", data=asked(**{"title": "巩义明年", **changes}))
    assert page.status_code == 422
    assert expected in words_on(page)
    if "title" not in changes:
        assert 'value="巩义明年"' in page.get_data(as_text=True)
    assert not db.session.scalar(select(func.count()).select_from(QuoteSheet))


def test_a_double_click_makes_one_sheet(clerk: FlaskClient) -> None:
    assert make(clerk) == make(clerk)
    assert db.session.scalar(select(func.count()).select_from(QuoteSheet)) == 1


def test_floats_and_taxes_are_typed(clerk: FlaskClient, world: World) -> None:
    sheet = make(clerk)
    page = clerk.get(f"{sheet}/floats").get_data(as_text=True)
    fields = {f"float-{id_}": "A4" for id_ in re.findall(r'name="float-(\d+)"', page)}
    mine = {f"float-{world.coach.id}": "A3", f"tax-{world.coach.id}": "480"}
    wrong = clerk.post(f"{sheet}/floats", data=fields | mine | {f"tax-{world.bus.id}": "-1"})
    assert wrong.status_code == 422
    assert 'value="480"' in wrong.get_data(as_text=True)
    assert "金额不能小于零" in words_on(wrong)
    assert clerk.post(f"{sheet}/floats", data=fields | mine).status_code == 303
    shown = words_on(clerk.get(sheet))
    assert "4,690.00 A3 (-30%) 3,283.00 480.00" in shown
    odd = clerk.post(f"{sheet}/floats", data=fields | {f"float-{world.coach.id}": "A9"})
    assert odd.status_code == 422


def test_floats_and_taxes_come_from_a_list(clerk: FlaskClient, world: World) -> None:
    sheet = make(clerk)
    wrong = clerk.post(
        f"{sheet}/floats/file",
        data={
            "file": (
                float_list(
                    ("豫A12345", None, "A1", 360),
                    ("豫Z99999", None, "A1", None),
                    ("豫AD12345", None, "A7", "x"),
                ),
                "浮动.xlsx",
            )
        },
    )
    assert wrong.status_code == 422
    page = words_on(wrong)
    assert "第 3 行，车牌号：本报价单中没有已报交强险价格的车辆“豫Z99999”。" in page
    assert "第 4 行，费率浮动：“A7”不是 A1 到 A6。" in page
    assert "第 4 行，车船税：“x”不是" in page
    world.underwriter.language = "en"
    again = clerk.post(
        f"{sheet}/floats/file", data={"file": (float_list(("豫A12345", None, "B", 1)), "f.xlsx")}
    )
    assert "Row 2, CTPL float: “B” is none of A1 to A6." in words_on(again)
    world.underwriter.language = "zh"
    good = clerk.post(
        f"{sheet}/floats/file", data={"file": (float_list(("豫A·12345", None, "a1", 360)), "f.xlsx")}
    )
    assert good.status_code == 303
    assert "4,690.00 A1 (-10%) 4,221.00 360.00" in words_on(clerk.get(sheet))


def test_the_list_handed_out_is_the_list_taken_back(clerk: FlaskClient, world: World) -> None:
    sheet = make(clerk)
    for language in ("zh", "en"):
        world.underwriter.language = language
        sent = clerk.get(f"{sheet}/floats.xlsx").data
        answer = clerk.post(f"{sheet}/floats/file", data={"file": (io.BytesIO(sent), "f.xlsx")})
        assert answer.status_code == 303


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "请选择文件"),
        (b"GIF89a", "该文件无法按清单读取"),
        ("姓名\n张三\n".encode(), "没有工作表同时具有"),
        ("车牌号,车船税\n".encode(), "表头下没有数据行"),
    ],
)
def test_a_file_that_is_no_list_is_refused(clerk: FlaskClient, content: bytes, expected: str) -> None:
    sheet = make(clerk)
    name = "f.xlsx" if content else ""
    answer = clerk.post(f"{sheet}/floats/file", data={"file": (io.BytesIO(content), name)})
    assert answer.status_code == 422
    assert expected in words_on(answer)


def test_a_sheet_is_printed_and_exported_whole(clerk: FlaskClient, world: World) -> None:
    for number in range(60):
        VehicleFactory(branch=world.gongyi, plate=f"豫B{10000 + number}")
    sheet = make(clerk)
    for language, expected in (
        ("zh", ("报价单", "报价有效期至", "公路客运")),
        ("en", ("QuoteSheet", "Pricesarehelduntil")),
    ):
        text = "".join(extract_text(io.BytesIO(clerk.get(f"{sheet}.pdf?language={language}").data)).split())
        assert [words for words in (*expected, "豫B10059", "豫A12345") if words not in text] == []
    book = load_workbook(io.BytesIO(clerk.get(f"{sheet}.xlsx").data))
    vehicles = book.worksheets[0]
    lines = [row for row in vehicles.iter_rows(min_row=6, values_only=True) if row[8] is not None]
    kept = db.session.scalars(select(QuoteSheet)).one()
    assert len(lines) == db.session.scalar(select(func.count()).select_from(QuoteLine))
    assert round(sum(row[10] for row in lines) * 100) == kept.premium_fen
    assert [round(page.cell(page.max_row, 3).value * 100) for page in book.worksheets[1:]] == [
        kept.premium_fen,
        kept.premium_fen,
    ]


def issue_form(page: Any) -> dict[str, Any]:
    names = ("idempotency_key", "vehicle_ids", "expected_fen", "quote")
    text = page.get_data(as_text=True)
    fields = {name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', text) for name in names}
    return {name: found.group(1) for name, found in fields.items() if found} | {
        "lines": ["ctpl", "commercial", "carrier_liability"],
        "set_ctpl": "basic",
        "set_commercial": "tpl_1m",
        "set_carrier_liability": "seat_400k",
        "start": "after",
    }


def test_the_preview_opens_with_the_quote_and_issues_at_its_prices(clerk: FlaskClient, world: World) -> None:
    sheet = make(clerk, branch=str(world.gongyi.id), use_class="coach")
    number = sheet.removeprefix("/quotes/")
    clerk.post(f"{sheet}/floats", data={f"float-{world.coach.id}": "A3", f"tax-{world.coach.id}": "480"})
    preview = clerk.get(f"/issue?quote={number}")
    page = words_on(preview)
    assert f"以此报价单为准： {number}" in page
    assert "3,283.00 6,540.00 2,790.00 A3 480.00 13,093.00" in page
    assert "出具 3 份保单 · ¥13,093.00" in page
    confirmed = clerk.post("/issue/confirm", data=issue_form(preview))
    assert confirmed.status_code == 303
    batch = db.session.scalars(select(IssueBatch)).one()
    assert batch.premium_fen == 12_613_00
    assert batch.number in words_on(clerk.get(sheet))
    assert clerk.post(f"{sheet}/hold", data={"valid_until": asked()["valid_until"]}).status_code == 409


def test_from_an_expired_quote_nothing_is_issued_and_one_button_quotes_again(
    clerk: FlaskClient, world: World
) -> None:
    sheet = make(clerk, branch=str(world.gongyi.id))
    number = sheet.removeprefix("/quotes/")
    form = issue_form(clerk.get(f"/issue?quote={number}"))
    expire()
    page = words_on(clerk.get(sheet))
    assert "报价已过期" in page
    assert "按此报价出单" not in page
    refused = clerk.get(f"/issue?quote={number}")
    assert f"报价单 {number} 的有效期至" in words_on(refused)
    assert sheet in refused.get_data(as_text=True)
    assert clerk.post("/issue/confirm", data=form).status_code == 422
    assert not db.session.scalar(select(func.count()).select_from(Policy))
    again = clerk.post(f"{sheet}/again", data={"idempotency_key": "again"})
    assert again.status_code == 303
    assert again.location != sheet
    assert "按此报价出单" in words_on(clerk.get(again.location))


def test_the_day_is_changed_within_bounds(clerk: FlaskClient) -> None:
    sheet = make(clerk)
    later = (local_date(utc_now()) + timedelta(days=30)).isoformat()
    assert clerk.post(f"{sheet}/hold", data={"valid_until": later}).status_code == 303
    assert later in words_on(clerk.get(sheet))
    refused = clerk.post(f"{sheet}/hold", data={"valid_until": "2020-01-01"})
    assert refused.status_code == 422
    assert "不能是已过去的日期" in words_on(refused)


ADDRESSES = (
    ("GET", "/quotes"),
    ("GET", "/quotes/new"),
    ("POST", "/quotes/new"),
    ("GET", "{sheet}"),
    ("GET", "{sheet}.pdf"),
    ("GET", "{sheet}.xlsx"),
    ("GET", "{sheet}/floats"),
    ("POST", "{sheet}/floats"),
    ("GET", "{sheet}/floats.xlsx"),
    ("POST", "{sheet}/floats/file"),
    ("POST", "{sheet}/hold"),
    ("POST", "{sheet}/again"),
)


def test_clients_do_not_quote(clerk: FlaskClient, sign_in: SignIn) -> None:
    sheet = make(clerk)
    for name in ("hq", "safety-gongyi", "foreign-hq"):
        browser = sign_in(name)
        for method, address in ADDRESSES:
            answer = browser.open(address.format(sheet=sheet), method=method, data=asked())
            assert answer.status_code == 403 or (answer.status_code == 422 and method == "POST"), (
                name,
                address,
            )
    assert db.session.scalar(select(func.count()).select_from(QuoteSheet)) == 1


def test_who_quotes_without_issuing_is_offered_no_issue(clerk: FlaskClient, sign_in: SignIn) -> None:
    sheet = make(clerk)
    claims = sign_in("claims1")
    assert "按此报价出单" not in words_on(claims.get(sheet))
    assert claims.get(f"/issue?quote={sheet.removeprefix('/quotes/')}").status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "/quotes/QUO-1999-000001",
        "/quotes/x.pdf",
        "/quotes/%00",
        "/issue?quote=QUO-1999-000001",
        "/quotes/QUO%25",
    ],
)
def test_what_is_not_there_is_not_found(clerk: FlaskClient, address: str) -> None:
    assert clerk.get(address).status_code in {400, 404}


@pytest.mark.parametrize(
    "changes",
    [
        {"vehicle_ids": "1,²,-5,x"},
        {"lines": ["spaceship"]},
        {"set_commercial": "<b>"},
        {"branch": "9" * 30, "use_class": "'--", "q": "%_\\"},
        {"idempotency_key": "k" * 65},
    ],
)
def test_hostile_input_prices_nothing_that_is_not_sold(clerk: FlaskClient, changes: dict[str, Any]) -> None:
    answer = clerk.post("/quotes/new", data=asked(**changes))
    assert answer.status_code in {303, 404, 422}
    sold = {"basic", "tpl_1m", "seat_400k"}
    assert set(db.session.scalars(select(QuoteLine.cover_set))) <= sold


def test_another_accounts_vehicles_are_not_quoted(clerk: FlaskClient, world: World) -> None:
    assert clerk.post("/quotes/new", data=asked(vehicle_ids=str(world.foreign_vehicle.id))).status_code == 404


def test_a_vehicle_waiting_for_its_first_cover_is_quoted(clerk: FlaskClient, world: World) -> None:
    db.session.execute(update(Vehicle).where(Vehicle.id == world.coach.id).values(state=VehicleState.PENDING))
    db.session.commit()
    assert "豫A·12345" in words_on(clerk.get(make(clerk, branch=str(world.gongyi.id))))


def test_what_a_link_leads_to_stands_in_the_trail_of_its_own_account(
    clerk: FlaskClient, sign_in: SignIn, world: World, now: datetime
) -> None:
    price = next(iter(rates.in_force(world.account.id, local_date(now)).values()))
    price.table.account_id = world.account.id
    table, quote = f"/rates/{price.table.id}", make(clerk)
    db.session.commit()
    reader = sign_in("admin")
    with reader.session_transaction() as cookie:
        cookie["account_id"] = world.foreign_account.id

    places = [f"{quote}.xlsx", f"{quote}.pdf", f"{quote}/floats.xlsx", f"{table}.xlsx", f"{table}.pdf"]
    answers = [reader.get(place) for place in places]

    assert [answer.status_code for answer in answers] == [200] * len(places)
    taken = AuditEntry.action.in_({"exported", "file_taken"})
    entries = db.session.scalars(select(AuditEntry).where(taken))
    assert [entry.account_id for entry in entries] == [world.account.id] * len(places)
    assert world.account.name in extract_text(io.BytesIO(answers[-1].data))
