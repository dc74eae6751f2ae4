"""Price tables in the browser: a new version from the page and from a workbook, on paper, and who may not."""

import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from pdfminer.high_level import extract_text
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from service_desk.base.clock import local_date, utc_now
from service_desk.models.db import db
from service_desk.models.policies import RateDraft, RateTable, RateTableLine
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import rates
from tests.price_sheets import Change, LinesSheet, changed
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    db.session.commit()


@pytest.fixture
def admin(sign_in: SignIn) -> FlaskClient:
    return sign_in("admin")


def words_on(page: Any) -> str:
    """The text of a page without mark-up, blanks squeezed."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)).split())


def table_id(line: PolicyLine = PolicyLine.COMMERCIAL) -> int:
    return db.session.scalars(select(RateTable.id).where(RateTable.line == line)).one()


def next_month() -> str:
    return (local_date(utc_now()) + timedelta(days=30)).isoformat()


def begin(
    admin: FlaskClient, content: bytes | None = None, line: PolicyLine = PolicyLine.COMMERCIAL, **fields: Any
) -> TestResponse:
    data: dict[str, Any] = {"effective_on": next_month(), "source": "2027 年协议"} | fields
    if content is not None:
        data["file"] = (io.BytesIO(content), "价格表.xlsx")
    return admin.post(f"/rates/{table_id(line)}/new-version", data=data)


def edited(admin: FlaskClient, change: Change, cover_sets: list[tuple[str, str, str]] | None = None) -> bytes:
    return changed(admin.get(f"/rates/{table_id()}.xlsx").data, change, cover_sets)


def test_prices_are_changed_in_the_page_and_made_a_version(admin: FlaskClient) -> None:
    draft = begin(admin, line=PolicyLine.CTPL).location
    page = admin.get(draft).get_data(as_text=True)
    fields = dict(re.findall(r'name="(premium-\d+)"[^>]*value="([^"]*)"', page))
    assert len(fields) == 25
    saved = admin.post(f"{draft}/prices", data={**fields, "premium-1": "2,400", "remove-2": "y"})
    assert saved.status_code == 303
    shown = words_on(admin.get(draft))
    assert "修改 法定责任限额 公路客运" in shown
    assert "2,350.00 2,400.00" in shown
    assert "10 座至 20 座以下 没有价格" in shown
    unseen = admin.post(f"{draft}/confirm", data={})
    assert unseen.status_code == 422
    assert "勾选" in words_on(unseen)
    made = admin.post(f"{draft}/confirm", data={"accepts_holes": "y"})
    assert made.status_code == 303
    assert "2,400.00" in words_on(admin.get(made.location))
    assert f"自 {next_month()}" in words_on(admin.get("/rates"))
    assert admin.get(draft).status_code == 404


def test_a_price_that_is_none_is_shown_again_beside_its_field(admin: FlaskClient) -> None:
    draft = begin(admin).location
    page = admin.post(f"{draft}/prices", data={"premium-1": "lots <b>", "premium-2": "3,700"})
    assert page.status_code == 422
    text = page.get_data(as_text=True)
    assert 'value="lots &lt;b&gt;"' in text
    assert 'value="3,700"' in text
    assert "“lots &lt;b&gt;”不是金额" in text


def test_an_edited_workbook_shows_each_refused_row_with_the_reason(admin: FlaskClient, world: World) -> None:
    def change(sheet: LinesSheet) -> None:
        sheet.set(5, **{"年保费（元）": -1})
        sheet.set(6, **{"上限（不含）": 2})

    draft = begin(admin, edited(admin, change)).location
    page = words_on(admin.get(draft))
    assert "第 5 行 年保费（元） -1 “-1”：此处金额必须大于零。" in page
    assert "第 6 行 上限（不含） 2 区间止于 2，不大于其下限（10）。" in page
    world.admin.language = "en"
    page = words_on(admin.get(draft))
    assert "row 5 Premium a year (yuan) -1 “-1”: an amount of more than zero must stand here." in page
    assert admin.post(f"{draft}/confirm", data={}).status_code == 422
    mending = admin.get(f"{draft}/lines/1").get_data(as_text=True)
    assert 'value="-1"' in mending


def test_a_line_is_added_in_the_page_with_covers_and_deductibles(admin: FlaskClient) -> None:
    draft = begin(admin).location
    assert admin.post(f"{draft}/cover-sets", data={"code-0": "vip", "zh-0": "全面保障"}).status_code == 422
    names = admin.get(f"{draft}/cover-sets").get_data(as_text=True)
    fields = dict(re.findall(r'name="((?:code|zh|en)-\d+)"[^>]*value="([^"]*)"', names))
    fields |= {"code-0": "vip", "zh-0": "全面保障", "en-0": "Full cover"}
    assert admin.post(f"{draft}/cover-sets", data=fields).status_code == 303
    line = {
        "cover_set": "vip",
        "use_class": "coach",
        "measure": "seats",
        "band_from": "6",
        "premium": "9,000",
        "tpl_limit": "300万",
        "own_damage_deductible": "1000",
    }
    refused = admin.post(f"{draft}/lines/new", data=line)
    assert refused.status_code == 422
    assert "填了免赔或限额单位，但没有限额" in words_on(refused)
    assert 'value="9,000"' in refused.get_data(as_text=True)
    line |= {"own_damage_limit": "780,000", "own_damage_absolute": "5"}
    assert admin.post(f"{draft}/lines/new", data=line).status_code == 303
    page = words_on(admin.get(draft))
    assert "车辆损失险 ¥780,000（免赔 ¥1,000 + 5%）" in page
    made = admin.post(f"{draft}/confirm", data={}).location
    assert "全面保障" in words_on(admin.get(made))


def test_lines_that_overlap_are_both_named(admin: FlaskClient) -> None:
    draft = begin(admin, edited(admin, lambda sheet: sheet.set(5, **{"上限（不含）": 12}))).location
    page = words_on(admin.get(draft))
    assert "6 座至 12 座以下（第 5 行）与" in page
    assert "10 座至 20 座以下（第 6 行）对 10 座至 12 座以下 同时定价" in page


@pytest.mark.parametrize(
    ("fields", "content", "expected"),
    [
        ({"effective_on": "2020-01-01"}, None, "新费率最早从今天"),
        ({"effective_on": ""}, None, "请填写“生效日期”。"),
        ({"effective_on": "31.02.2027"}, None, "不是有效的日期值"),
        ({}, b"\x89PNG\r\n\x1a\n000", "该文件无法按清单读取"),
        ({}, b"   ", "文件是空的"),
        ({}, "姓名,电话\n张三,1\n".encode(), "没有任何工作表具有本价格表的列"),
    ],
)
def test_a_beginning_that_is_wrong_keeps_what_was_typed(
    admin: FlaskClient, fields: dict[str, str], content: bytes | None, expected: str
) -> None:
    page = begin(admin, content, **fields)
    assert page.status_code == 422
    assert expected in words_on(page)
    assert 'value="2027 年协议"' in page.get_data(as_text=True)
    assert not db.session.scalar(select(func.count()).select_from(RateDraft))


def test_another_workbook_takes_the_place_of_the_first(admin: FlaskClient) -> None:
    draft = begin(admin, edited(admin, lambda sheet: sheet.set(5, **{"年保费（元）": -1}))).location
    wrong = admin.post(f"{draft}/file", data={"file": (io.BytesIO(b"x,y\n1,2\n"), "x.csv")})
    assert wrong.status_code == 422
    good = edited(admin, lambda sheet: sheet.set(5, **{"年保费（元）": 2900}))
    assert admin.post(f"{draft}/file", data={"file": (io.BytesIO(good), "x.xlsx")}).status_code == 303
    page = words_on(admin.get(draft))
    assert "未通过的行" not in page
    assert "2,860.00 2,900.00" in page


def test_the_first_day_may_be_changed_before_the_version_is_made(admin: FlaskClient) -> None:
    draft = begin(admin).location
    past = admin.post(f"{draft}/details", data={"effective_on": "2020-01-01", "source": "甲"})
    assert past.status_code == 422
    assert 'value="甲"' in past.get_data(as_text=True)
    later = (local_date(utc_now()) + timedelta(days=60)).isoformat()
    assert admin.post(f"{draft}/details", data={"effective_on": later, "source": "甲"}).status_code == 303
    assert f"自 {later} 起" in words_on(admin.get(draft))


def test_a_version_that_has_not_begun_is_withdrawn_or_replaced(admin: FlaskClient) -> None:
    draft = begin(admin).location
    admin.post(f"{draft}/prices", data={"premium-1": "1,000"})
    made = admin.post(f"{draft}/confirm", data={}).location
    assert "替换此版本" in words_on(admin.get(made))
    assert "取而代之" in words_on(admin.get(f"{made}/new-version"))
    assert admin.post(f"{made}/withdraw").status_code == 303
    assert "已撤回" in words_on(admin.get(made))
    assert admin.post(f"{made}/withdraw").status_code == 409
    begun = table_id(PolicyLine.CTPL)
    assert admin.post(f"/rates/{begun}/withdraw").status_code == 409
    assert "撤回此版本" not in words_on(admin.get(f"/rates/{begun}"))


def test_a_draft_is_thrown_away(admin: FlaskClient) -> None:
    draft = begin(admin).location
    assert draft.removeprefix("/rates") in admin.get("/rates").get_data(as_text=True)
    assert admin.post(f"{draft}/lines/1/remove").status_code == 303
    assert admin.post(f"{draft}/discard").status_code == 303
    assert not db.session.scalar(select(func.count()).select_from(RateDraft))
    assert db.session.scalar(select(func.count()).select_from(RateTable)) == 3


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/rates.pdf?language=zh", ["价格表", "公路客运", "三者险200万元", "14,340", "A1−10%"]),
        ("/rates.pdf?language=en", ["Pricetable", "Intercitycoach", "Owndamage¥780,000", "14,340"]),
        ("/rates/{id}.pdf?language=en", ["Commercialgoods", "10tandmore"]),
        ("/rates/{id}.pdf?language=xx", ["营业货车"]),
    ],
)
def test_the_table_is_printed_on_one_page_in_either_language(
    sign_in: SignIn, address: str, expected: list[str]
) -> None:
    answer = sign_in("claims1").get(address.format(id=table_id()))
    assert answer.mimetype == "application/pdf"
    text = "".join(extract_text(io.BytesIO(answer.data)).split())
    assert [words for words in expected if words not in text] == []
    assert text.count("第1页共1页") + text.count("Page1of1") == 1


def test_the_workbook_is_in_the_readers_language_and_holds_numbers(admin: FlaskClient, world: World) -> None:
    world.admin.language = "en"
    book = load_workbook(io.BytesIO(admin.get(f"/rates/{table_id()}.xlsx").data))
    sheet, names = book.worksheets
    heads = [cell.value for cell in sheet[4]]
    assert heads[:4] == ["Cover set", "Use class", "Counted in", "From (included)"]
    assert [cell.value for cell in sheet[5]][:6] == ["tpl_1m", "Intercity coach", "seats", 6, 10, 2860]
    assert names["A3"].value == "tpl_1m"


ADDRESSES = (
    ("GET", "/rates/{table}/new-version"),
    ("POST", "/rates/{table}/new-version"),
    ("POST", "/rates/{table}/withdraw"),
    ("GET", "/rates/drafts/{draft}"),
    ("POST", "/rates/drafts/{draft}/prices"),
    ("POST", "/rates/drafts/{draft}/details"),
    ("POST", "/rates/drafts/{draft}/file"),
    ("GET", "/rates/drafts/{draft}/lines/new"),
    ("POST", "/rates/drafts/{draft}/lines/1"),
    ("POST", "/rates/drafts/{draft}/lines/1/remove"),
    ("POST", "/rates/drafts/{draft}/cover-sets"),
    ("POST", "/rates/drafts/{draft}/confirm"),
    ("POST", "/rates/drafts/{draft}/discard"),
)


def test_only_the_administrator_may_change_prices(admin: FlaskClient, sign_in: SignIn) -> None:
    draft = begin(admin).location.rpartition("/")[2]
    table = table_id()
    for name in ("underwriter", "manager", "claims1", "hq", "foreign-hq"):
        browser = sign_in(name)
        for method, address in ADDRESSES:
            answer = browser.open(address.format(table=table, draft=draft), method=method, data={})
            assert answer.status_code in {403, 404}, (name, method, address)
    assert db.session.scalar(select(func.count()).select_from(RateDraft)) == 1


@pytest.mark.parametrize(
    "address", ["/rates", "/rates/{id}", "/rates/{id}.xlsx", "/rates/{id}.pdf", "/rates.pdf"]
)
def test_clients_do_not_read_price_tables_here(sign_in: SignIn, address: str) -> None:
    for name in ("hq", "safety-gongyi"):
        assert sign_in(name).get(address.format(id=table_id())).status_code == 403


@pytest.mark.parametrize(
    ("address", "data"),
    [
        ("/prices", {"premium-²": "1", "premium-999999999": "1", "remove-x": "y"}),
        ("/lines/new", {"band_from": "９" * 40, "premium": "=1+1", "tpl_limit": "NaN", "cover_set": "<b>"}),
        ("/lines/new", {"use_class": "'; DROP TABLE", "measure": "\u202eseats", "premium": "1e400"}),
        ("/cover-sets", {"code-0": "=cmd()", "zh-0": "<script>", "en-0": "x" * 5000}),
        ("/file", {"file": "no file"}),
        ("/details", {"effective_on": "9999-12-31"}),
    ],
)
def test_hostile_input_is_refused_and_nothing_of_it_is_kept(
    admin: FlaskClient, address: str, data: dict[str, str]
) -> None:
    draft = begin(admin).location
    before = db.session.scalars(select(RateDraft)).one().rows
    answer = admin.post(f"{draft}{address}", data=data)
    assert answer.status_code in {303, 422}
    assert "<script>" not in answer.get_data(as_text=True)
    assert db.session.scalars(select(RateDraft)).one().rows == before


@pytest.mark.parametrize(
    "address", ["/rates/0", "/rates/999999999999999999", "/rates/drafts/0", "/rates/drafts/7/lines/9"]
)
def test_what_is_not_there_is_not_found(admin: FlaskClient, address: str) -> None:
    assert admin.get(address).status_code == 404


def test_a_workbook_that_cannot_be_a_table_writes_no_line(admin: FlaskClient) -> None:
    before = db.session.scalar(select(func.count()).select_from(RateTableLine))

    def empty_all(sheet: LinesSheet) -> None:
        sheet.sheet.delete_rows(5, 500)

    assert begin(admin, edited(admin, empty_all)).status_code == 422
    assert db.session.scalar(select(func.count()).select_from(RateTableLine)) == before


def test_a_version_may_begin_today(admin: FlaskClient) -> None:
    today = local_date(utc_now())
    draft = begin(admin, effective_on=today.isoformat()).location
    admin.post(f"{draft}/prices", data={"premium-1": "1,000"})
    assert admin.post(f"{draft}/confirm", data={}).status_code == 303
    assert rates.in_force(None, today)[PolicyLine.COMMERCIAL].table.effective_on == today
