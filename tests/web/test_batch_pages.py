"""Large orders as a clerk sees them: a list sent, the preview in sums, progress, reasons, bundles, taking back."""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from pdfminer.high_level import extract_text
from sqlalchemy import func, select

from service_desk.base.clock import CHINA, local_date, start_of_day, utc_now
from service_desk.jobs import issue_runs
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.policies import IssueBatch, IssueList, Policy, PolicyState
from service_desk.services.policies import rates
from tests.factories import PolicyFactory
from tests.issue_cases import confirmed, issued, make_small, many_vehicles, order_for
from tests.web.test_policies_pages import hidden, order, words_on
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    make_small()


@pytest.fixture
def clerk(sign_in: SignIn) -> FlaskClient:
    return sign_in("underwriter")


@pytest.fixture
def run(world: World) -> IssueBatch:
    """Eight vehicles of two branches and one without VIN, confirmed a moment ago and waiting."""
    ids = many_vehicles([world.gongyi, world.zhongmu], 8)
    bad = many_vehicles([world.gongyi], 1, prefix="豫X", vin=None)
    return confirmed(order_for(world, [*ids, *bad]), world, utc_now())


def send_list(clerk: FlaskClient, text: str) -> Any:
    upload = {"file": (io.BytesIO(text.encode("gbk")), "续保清单.csv"), "idempotency_key": "list-1"}
    return clerk.post("/issue/list", data=upload, content_type="multipart/form-data")


def sheet_of(answer: Any) -> list[list[Any]]:
    rows = load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True)
    return [list(row) for row in rows]


def test_a_list_is_read_previewed_and_issued(clerk: FlaskClient, world: World) -> None:
    sent = send_list(clerk, "车牌号,浮动等级,车船税\n豫A12345,A1,300\n豫Z99999,,\n豫AD12345,X,\n")
    assert sent.status_code == 303
    page = clerk.get(f"{sent.location}&line=ctpl")
    words = words_on(page)
    assert "续保清单.csv 清单中找到 1 辆车。" in words
    assert "豫Z·99999 第 3 行" in words
    assert "本客户车队中没有此车牌号或车架号的车辆" in words
    assert "车船税 ¥300.00" in words
    assert "“X”不是浮动等级" in words
    assert hidden(page, "vehicle_ids") == ""

    form = order(page, list_id=hidden(page, "list_id"))
    answer = clerk.post("/issue/confirm", data=form)

    assert answer.status_code == 303
    [policy] = db.session.scalars(select(Policy))
    assert (policy.plate, policy.ctpl_float, policy.tax_fen) == ("豫A12345", "A1", 300_00)
    assert "豫Z·99999" in words_on(clerk.get(answer.location))


def test_a_file_that_is_no_list_is_refused_in_words(clerk: FlaskClient) -> None:
    answer = send_list(clerk, "序号,金额\n1,2\n")
    assert answer.status_code == 422
    assert "未找到车牌号或车架号的表头" in words_on(answer)
    nothing = clerk.post("/issue/list", data={}, content_type="multipart/form-data")
    assert nothing.status_code == 422


def test_a_large_preview_shows_sums_reasons_and_all_refusals_as_a_file(
    clerk: FlaskClient, world: World
) -> None:
    ids = many_vehicles([world.gongyi, world.zhongmu], 6)
    bad = many_vehicles([world.gongyi], 60, prefix="豫X", vin=None)
    page = clerk.post("/issue", data={"vehicle_ids": ",".join(map(str, [*ids, *bad])), "line": "ctpl"})
    words = words_on(page)
    assert "缺少车架号 60" in words
    assert "显示前 50 条，共 60 条" in words
    assert "将在后台分批出单" in words
    for branch, number in (("巩义客运分公司", 3), ("中牟公交分公司", 3)):
        assert f"{branch} {number} 14,070.00" in words

    rows = sheet_of(clerk.post("/issue/refused.xlsx", data=order(page)))
    assert [row[1] for row in rows if row[1] and row[1].startswith("豫X")] == [
        f"豫X{n:05d}" for n in range(60)
    ]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "exported")).one()
    assert (entry.actor_id, entry.changes["export_rows"]) == (world.underwriter.id, [None, 60])


def test_progress_is_shown_until_the_run_ends(clerk: FlaskClient, run: IssueBatch) -> None:
    page = clerk.get(f"/batches/{run.number}")
    assert "0 / 8 辆" in words_on(page)
    assert f'data-poll="/batches/{run.number}/progress"' in page.get_data(as_text=True)
    assert f"/batches/{run.number}.pdf" not in page.get_data(as_text=True)
    assert "出单中：0 / 8" in words_on(clerk.get("/batches"))
    assert f"{run.number} 李静 0 / 8 辆" in words_on(clerk.get("/"))

    issue_runs.run(utc_now(), most=1)
    part = clerk.get(f"/batches/{run.number}/progress")
    assert "4 / 8 辆" in words_on(part)
    assert "data-poll-done" not in part.get_data(as_text=True)

    issue_runs.run(utc_now())
    done = clerk.get(f"/batches/{run.number}/progress").get_data(as_text=True)
    assert f'data-poll-done="/batches/{run.number}"' in done
    after = words_on(clerk.get(f"/batches/{run.number}"))
    assert "8 份保单" in after
    assert "缺少车架号" in after
    assert "豫X·00000" in after
    assert f"{run.number} 李静" not in words_on(clerk.get("/"))


def test_confirming_a_large_order_leads_to_its_progress(clerk: FlaskClient, world: World) -> None:
    ids = many_vehicles([world.gongyi], 5)
    page = clerk.post("/issue", data={"vehicle_ids": ",".join(map(str, ids)), "line": "ctpl"})
    answers = [clerk.post("/issue/confirm", data=order(page)) for _ in range(2)]
    assert answers[0].location == answers[1].location
    assert "正在出单。" in words_on(clerk.get(answers[0].location))
    assert db.session.scalar(select(func.count()).select_from(Policy)) == 0
    assert db.session.scalar(select(func.count()).select_from(IssueBatch)) == 1


def test_what_was_not_issued_is_paged_and_downloaded(clerk: FlaskClient, world: World) -> None:
    bad = many_vehicles([world.gongyi], 30, prefix="豫X", vin=None)
    batch = confirmed(order_for(world, [world.coach.id, *bad]), world, utc_now())
    first = words_on(clerk.get(f"/batches/{batch.number}/refused?size=25"))
    second = words_on(clerk.get(f"/batches/{batch.number}/refused?size=25&page=2"))
    assert "豫X·00024" in first
    assert "豫X·00025" not in first
    assert "豫X·00029" in second
    rows = sheet_of(clerk.get(f"/batches/{batch.number}/refused.xlsx"))
    assert len([row for row in rows if row[1] and row[1].startswith("豫X")]) == 30


def test_bundles_by_branch_hold_each_branchs_policies(clerk: FlaskClient, world: World) -> None:
    order_of_two = order_for(world, [world.coach.id, world.bus.id])
    batch = confirmed(order_of_two, world, utc_now())
    page = clerk.get(f"/batches/{batch.number}").get_data(as_text=True)
    address = f"/batches/{batch.number}/branches/{world.gongyi.id}.pdf"
    assert address in page
    text = extract_text(io.BytesIO(clerk.get(address).data))
    assert "豫A12345" in text
    assert "豫AD12345" not in text
    assert clerk.get(f"{address}?part=2").status_code == 404
    assert clerk.get(f"/batches/{batch.number}/branches/{world.foreign_branch.id}.pdf").status_code == 404

    answer = clerk.get(f"/batches/{batch.number}.zip")
    assert answer.mimetype == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert sorted(archive.namelist()) == ["中牟公交分公司.pdf", "巩义客运分公司.pdf"]
        assert archive.testzip() is None
        assert "豫AD12345" in extract_text(io.BytesIO(archive.read("中牟公交分公司.pdf")))


def test_a_batch_is_taken_back_with_a_reason(clerk: FlaskClient, world: World) -> None:
    batch = confirmed(order_for(world, [world.coach.id, world.bus.id]), world, utc_now())
    assert "撤销本批次" in words_on(clerk.get(f"/batches/{batch.number}"))
    missing = clerk.post(f"/batches/{batch.number}/undo", data={"reason": ""})
    assert missing.status_code == 422

    answer = clerk.post(f"/batches/{batch.number}/undo", data={"reason": "清单有误"})

    assert answer.status_code == 303
    words = words_on(clerk.get(answer.location))
    assert "· 清单有误 本批次保单视为从未承保" in words
    assert "打印整批" not in words
    assert {policy.state for policy in issued(batch)} == {PolicyState.VOIDED}
    assert "已撤销" in words_on(clerk.get("/batches"))
    assert clerk.get(f"/batches/{batch.number}.pdf").status_code == 404
    assert clerk.get(f"/batches/{batch.number}.zip").status_code == 404
    assert batch.number not in words_on(clerk.get("/"))


def test_a_batch_that_something_came_of_says_what(clerk: FlaskClient, world: World) -> None:
    batch = confirmed(order_for(world, [world.coach.id, world.bus.id]), world, utc_now())
    policy = issued(batch)[0]
    policy.delivered_at = utc_now()
    db.session.commit()
    answer = clerk.post(f"/batches/{batch.number}/undo", data={"reason": "清单有误"})
    assert answer.status_code == 422
    assert f"1 份保单的单证已交付：{policy.number}。" in words_on(answer)
    assert {one.state for one in issued(batch)} == {PolicyState.ISSUED}


def test_the_renewals_board_is_issued_for_whole(clerk: FlaskClient, world: World) -> None:
    soon = start_of_day(local_date(utc_now()) + timedelta(days=20))
    for vehicle in (world.coach, world.bus, world.truck):
        PolicyFactory(
            vehicle=vehicle,
            issued_by=world.underwriter,
            starts_at=soon - timedelta(days=365),
            ends_at=soon,
        )
    sent = {"renewals": "1", "branch": str(world.gongyi.id), "line": "ctpl"}
    page = clerk.post("/issue", data=sent)
    assert {int(one) for one in hidden(page, "vehicle_ids").split(",")} == {world.coach.id, world.truck.id}
    assert f"豫A·12345 巩义客运分公司 公路客运 · 45 座 {soon.astimezone(CHINA).date()}" in words_on(page)


@pytest.mark.parametrize(
    ("name", "status"), [("claims1", 403), ("hq", 403), ("safety_gongyi", 403), ("admin", 403)]
)
def test_who_may_not_send_lists_or_take_back(
    sign_in: SignIn, world: World, run: IssueBatch, name: str, status: int
) -> None:
    visitor = sign_in(getattr(world, name).username)
    assert send_list(visitor, "车牌号\n豫A12345\n").status_code == status
    assert visitor.post(f"/batches/{run.number}/undo", data={"reason": "x"}).status_code == status
    assert visitor.post("/issue/refused.xlsx", data={}).status_code == status
    assert not db.session.scalar(select(func.count()).select_from(IssueList))


def test_strangers_to_the_account_find_no_batch(sign_in: SignIn, world: World, run: IssueBatch) -> None:
    stranger, officer = sign_in("foreign-hq"), sign_in("safety-gongyi")
    for visitor in (stranger, officer):
        for address in (
            "",
            "/progress",
            "/refused",
            "/refused.xlsx",
            ".zip",
            f"/branches/{world.gongyi.id}.pdf",
        ):
            assert visitor.get(f"/batches/{run.number}{address}").status_code == 404
    assert sign_in("hq").get(f"/batches/{run.number}/progress").status_code == 200


def test_another_accounts_list_is_no_order(sign_in: SignIn, clerk: FlaskClient, world: World) -> None:
    send_list(clerk, "车牌号\n豫A12345\n")
    list_id = db.session.scalar(select(IssueList.id))
    db.session.get_one(IssueList, list_id).account_id = world.foreign_account.id
    db.session.commit()
    assert clerk.get(f"/issue?list={list_id}").status_code == 404


def test_the_trail_says_who_took_a_batch_back_and_why(sign_in: SignIn, world: World) -> None:
    batch = confirmed(order_for(world, [world.coach.id]), world, utc_now())
    sign_in("underwriter").post(f"/batches/{batch.number}/undo", data={"reason": "清单有误"})
    words = words_on(sign_in("manager").get("/audit"))
    assert "撤销批次" in words
    assert "清单有误" in words
    assert "undo" not in words
