"""Pages of money, refunds, instalments, terms, dunning, releases and statements: done once, refused beside the field, and for whom."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from openpyxl import load_workbook
from pdfminer.high_level import extract_text
from sqlalchemy import func, select

from service_desk.base.clock import local_date, utc_now
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.policies import Policy
from service_desk.models.premiums import (
    CreditRelease,
    DunningNotice,
    PremiumRefund,
    Receipt,
    Receivable,
    RefundState,
)
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies
from service_desk.services.policies import IssueRequest, LineChoice, rates
from tests.standing import once
from tests.web.test_premiums_pages import words_on
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def _debts(world: World, now: datetime) -> Iterator[None]:
    """The coach owes 4,690 and the lorry 3,450 since fifty days ago; the bus 3,140 is not insured."""
    once(("debts", now), lambda: _owe(world, now - timedelta(days=60)))
    with time_machine.travel(now):
        yield


def _owe(world: World, at: datetime) -> None:
    rates.install_sample_rates(now=at)
    request = IssueRequest(
        world.account.id, (world.coach.id, world.truck.id), (LineChoice(PolicyLine.CTPL, "basic"),)
    )
    policies.issue_many(request, actor=world.underwriter, now=at)
    db.session.commit()


@pytest.fixture
def clerk(sign_in: SignIn) -> FlaskClient:
    return sign_in("underwriter")


def today() -> str:
    return local_date(utc_now()).isoformat()


def ids() -> list[int]:
    return list(db.session.scalars(select(Receivable.id).order_by(Receivable.id)))


def receive(clerk: FlaskClient, world: World, **changes: Any) -> str:
    """Record a receipt of 5,000 for the coach, the rest kept; its address."""
    fields = {
        "receivable_ids": ids()[:1],
        "amount": "5,000",
        "keeps_rest": "y",
        "received_on": today(),
        "method": "transfer",
        "payer": "巩义",
        "idempotency_key": "receipt-9",
    } | changes
    return str(clerk.post(f"/premiums/branches/{world.gongyi.id}", data=fields).location)


def count(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_money_beyond_the_lines_is_kept_allocated_and_printed(clerk: FlaskClient, world: World) -> None:
    address = receive(clerk, world)
    assert "待分配 ¥310.00" in words_on(clerk.get(address))
    assert "310.00" in words_on(clerk.get("/receipts?show=unallocated"))
    text = extract_text(io.BytesIO(clerk.get(f"{address}.pdf").data))
    assert "待分配" in text
    assert "人民币伍仟元整" in text
    page = clerk.get(f"{address}/allocate")
    assert "待分配 ¥310.00" in words_on(page)
    refused = clerk.post(f"{address}/allocate", data={"receivable_ids": ids()[1:], "amount": "311"})
    assert refused.status_code == 422
    assert "该收据待分配款仅 ¥310.00" in words_on(refused)
    form = {"receivable_ids": ids()[1:], "amount": "", "idempotency_key": "allocation-1"}
    for _ in range(2):
        assert clerk.post(f"{address}/allocate", data=form).status_code == 303
    settled = db.session.scalars(select(Receivable.settled_fen).order_by(Receivable.id)).all()
    assert settled == [4_690_00, 310_00]


def test_money_typed_again_is_asked_about_and_taken_when_it_is_another_payment(
    clerk: FlaskClient, world: World
) -> None:
    first = receive(clerk, world, amount="1,000").rpartition("/")[2]
    page = f"/premiums/branches/{world.gongyi.id}"
    again = {
        "receivable_ids": ids()[:1],
        "amount": "1,000",
        "received_on": today(),
        "method": "transfer",
        "payer": "巩义",
        "keeps_rest": "y",
    }
    assert 'name="is_another"' not in clerk.get(page).text

    asked = clerk.post(page, data=again | {"idempotency_key": "typed-anew"})

    assert asked.status_code == 422
    assert first in words_on(asked)
    assert 'name="is_another"' in asked.text
    assert count(Receipt) == 1
    for other in ({"is_another": "y"}, {"reference": "B-2"}, {"amount": "1,001"}):
        assert clerk.post(page, data=again | other).status_code == 303
    assert count(Receipt) == 4


def test_a_part_paid_back_again_from_a_second_tab_is_asked_about(clerk: FlaskClient, world: World) -> None:
    address = receive(clerk, world)
    part = {"amount": "100", "reason": "多付"}
    first = clerk.post(f"{address}/pay-back", data=part | {"idempotency_key": "first-tab"})
    assert 'name="is_another"' not in clerk.get(address).text

    asked = clerk.post(f"{address}/pay-back", data=part | {"idempotency_key": "second-tab"})

    assert (first.status_code, asked.status_code) == (303, 422)
    assert "已登记过完全相同的一笔" in words_on(asked)
    assert 'name="is_another"' in asked.text
    assert count(PremiumRefund) == 1
    for other in ({"is_another": "y", "idempotency_key": "second-tab"}, {"reason": "另一笔多付"}):
        assert clerk.post(f"{address}/pay-back", data=part | other).status_code == 303
    assert count(PremiumRefund) == 3


def test_a_part_allocated_again_from_a_second_tab_is_asked_about(clerk: FlaskClient, world: World) -> None:
    address = receive(clerk, world)
    part = {"receivable_ids": ids()[1:], "amount": "100"}
    assert clerk.post(f"{address}/allocate", data=part).status_code == 303

    asked = clerk.post(f"{address}/allocate", data=part)

    assert asked.status_code == 422
    assert "已登记过完全相同的一笔" in words_on(asked)
    assert 'name="is_another"' in asked.text
    assert "待分配 ¥210.00" in words_on(clerk.get(address))
    for other in ({"is_another": "y"}, {"amount": "110"}):
        assert clerk.post(f"{address}/allocate", data=part | other).status_code == 303
    assert db.session.scalars(select(Receipt)).one().unallocated_fen == 0


def test_what_was_taken_back_is_allocated_again_without_a_question(clerk: FlaskClient, world: World) -> None:
    address = receive(clerk, world)
    part = {"receivable_ids": ids()[1:], "amount": "100"}
    assert clerk.post(f"{address}/allocate", data=part).status_code == 303
    assert clerk.post(f"{address}/release", data={"reason": "错"}).status_code == 303
    assert clerk.post(f"{address}/allocate", data=part).status_code == 303


def test_what_a_refused_receipt_would_settle_is_still_owed_on_its_page(
    clerk: FlaskClient, world: World
) -> None:
    coach = ids()[:1]
    half = {
        "receivable_ids": coach,
        "amount": "2,345",
        "received_on": today(),
        "method": "transfer",
        "payer": "巩义",
    }
    page = f"/premiums/branches/{world.gongyi.id}"
    assert clerk.post(page, data=half).status_code == 303

    asked = clerk.post(page, data=half)

    assert asked.status_code == 422
    assert f'value="{coach[0]}"' in asked.text


def test_a_receipt_is_reversed_with_a_reason_and_stays(clerk: FlaskClient, world: World) -> None:
    address = receive(clerk, world)
    refused = clerk.post(f"{address}/reverse", data={"reason": ""})
    assert refused.status_code == 422
    assert clerk.post(f"{address}/reverse", data={"reason": "银行退票"}).status_code == 303
    page = words_on(clerk.get(address))
    assert "银行退票" in page
    assert "已冲销" in page
    assert "已冲销" in extract_text(io.BytesIO(clerk.get(f"{address}.pdf").data))
    again = clerk.post(f"{address}/reverse", data={"reason": "再来"})
    assert (again.status_code, "该收据已冲销" in words_on(again)) == (409, True)


def test_money_is_taken_back_and_paid_back_with_a_voucher(clerk: FlaskClient, world: World) -> None:
    address = receive(clerk, world)
    wrong = {"reason": "错", "idempotency_key": "release-1"}
    answers = [clerk.post(f"{address}/release", data=wrong) for _ in range(2)]
    assert [(one.status_code, one.location) for one in answers] == [(303, address)] * 2
    form = {"amount": "1,000", "reason": "多付", "idempotency_key": "back-1"}
    places = {clerk.post(f"{address}/pay-back", data=form).location for _ in range(2)}
    (refund,) = places
    assert count(PremiumRefund) == 1
    assert clerk.get(f"{refund}.pdf").status_code == 404
    assert "1,000.00" in words_on(clerk.get("/refunds"))
    sheet = load_workbook(io.BytesIO(clerk.get("/refunds.xlsx").data)).active
    assert sheet is not None
    assert [row[-1] for row in sheet.iter_rows(values_only=True)][-1] == 1000
    payout = {"paid_on": today(), "method": "transfer", "payee": "", "reference": "TK1"}
    refused = clerk.post(refund, data=payout)
    assert refused.status_code == 422
    assert 'value="TK1"' in refused.get_data(as_text=True)
    assert clerk.post(refund, data=payout | {"payee": "巩义客运分公司"}).status_code == 303
    assert "人民币壹仟元整" in extract_text(io.BytesIO(clerk.get(f"{refund}.pdf").data))
    again = clerk.post(refund, data=payout | {"payee": "巩义客运分公司"})
    assert (again.status_code, "已付款或已转收" in words_on(again)) == (409, True)


def test_a_refund_is_credited_and_allocated(clerk: FlaskClient, world: World) -> None:
    address = receive(clerk, world)
    refund = clerk.post(f"{address}/pay-back", data={"reason": "多付", "idempotency_key": "b"}).location
    answer = clerk.post(f"{refund}/credit", data={"idempotency_key": "c"})
    assert answer.location.endswith("/allocate")
    assert "退费转收" in words_on(clerk.get(answer.location.removesuffix("/allocate")))
    assert db.session.scalars(select(PremiumRefund.state)).one() is RefundState.CREDITED


def plan_form(**changes: Any) -> dict[str, Any]:
    start = local_date(utc_now())
    fields = {
        "receivable_ids": ",".join(map(str, ids())),
        "count": "2",
        "due_on_1": start.isoformat(),
        "due_on_2": (start + timedelta(days=30)).isoformat(),
        "percent_1": "60",
        "percent_2": "40",
        "reason": "集团资金安排",
        "idempotency_key": "plan-1",
    }
    return fields | changes


def test_premium_is_split_as_shown_before(clerk: FlaskClient, world: World) -> None:
    page = clerk.post("/premiums/instalments", data={"receivable_ids": ids()})
    assert "¥8,140.00" in words_on(page)
    shown = words_on(clerk.post("/premiums/instalments", data=plan_form(show="1")))
    assert "第 1 期 · ¥4,884.00" in shown
    for _ in range(2):
        answer = clerk.post("/premiums/instalments", data=plan_form(expected_fen="814000"))
        assert answer.status_code == 303
    amounts = db.session.scalars(select(Receivable.amount_fen).order_by(Receivable.amount_fen)).all()
    assert amounts == [1_380_00, 1_876_00, 2_070_00, 2_814_00]
    assert "第 2 期" in words_on(clerk.get(f"/premiums/branches/{world.gongyi.id}"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"percent_2": "39.5"}, "各期比例合计为 99.5，应为 100。"),
        ({"percent_2": "viel"}, "请输入百分比"),
        ({"due_on_1": "2020-01-01"}, "分期到期日不能早于今天。"),
        ({"due_on_2": ""}, "请填写此项"),
        ({"reason": ""}, "请填写此项"),
        ({"expected_fen": "1"}, "未收保费已有变化"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_what_was_typed_is_kept(
    clerk: FlaskClient, changes: dict[str, str], expected: str
) -> None:
    answer = clerk.post("/premiums/instalments", data=plan_form(**changes))
    assert answer.status_code in {409, 422}
    assert expected in words_on(answer)
    assert 'value="60"' in answer.get_data(as_text=True)
    assert count(Receivable) == 2


def test_terms_are_agreed_by_a_manager_and_used(sign_in: SignIn, clerk: FlaskClient, world: World) -> None:
    manager = sign_in("manager")
    fields = {
        "age_days": "45",
        "dunning_days": "-3, 1",
        "plan_days": "0, 90",
        "plan_percents": "70, 30",
        "reason": "2026 年协议",
        "version": "0",
    }
    refused = manager.post("/premiums/terms", data=fields | {"plan_percents": "70, 20"})
    assert "各期比例合计为 90，应为 100。" in words_on(refused)
    assert 'value="2026 年协议"' in refused.get_data(as_text=True)
    assert manager.post("/premiums/terms", data=fields).status_code == 303
    assert "逾期 1–45 天" in words_on(clerk.get("/premiums"))
    page = clerk.get(f"/premiums/instalments?branch={world.gongyi.id}").get_data(as_text=True)
    assert 'value="70"' in page
    assert clerk.get("/premiums/terms").status_code == 403


def test_the_ledger_of_a_day_is_exported_as_shown(clerk: FlaskClient) -> None:
    day = (local_date(utc_now()) - timedelta(days=59)).isoformat()
    page = words_on(clerk.get(f"/premiums?on={day}"))
    assert "未到期 ¥8,140.00" in page
    sheet = load_workbook(io.BytesIO(clerk.get(f"/premiums.xlsx?on={day}").data)).active
    assert sheet is not None
    rows = [row for row in sheet.iter_rows(values_only=True) if row[0] == "巩义客运分公司"]
    assert (rows[0][2], rows[0][-1]) == (8140, 8140)
    assert "没有未收保费" in words_on(clerk.get("/premiums?on=2020-01-01"))
    assert clerk.get("/premiums?on=nonsense").status_code == 200


def test_notices_are_sent_once_for_what_is_ticked_and_printed(clerk: FlaskClient, world: World) -> None:
    assert "逾期 30 天以上" in words_on(clerk.get("/premiums/dunning"))
    assert "至少勾选" in words_on(clerk.post("/premiums/dunning", data={"cases": ["x", "1:y"]}))
    chosen = {"cases": [f"{world.gongyi.id}:31"]}
    answers = [clerk.post("/premiums/dunning", data=chosen | {"idempotency_key": "dun-1"}) for _ in range(2)]
    assert [(one.status_code, one.location) for one in answers] == [(303, "/premiums/dunning/sent")] * 2
    assert clerk.post("/premiums/dunning", data=chosen).status_code == 409
    number = db.session.scalars(select(DunningNotice.number)).one()
    assert number in words_on(clerk.get("/premiums/dunning/sent"))
    assert "豫A·12345" in words_on(clerk.get(f"/premiums/dunning/{number}"))
    text = extract_text(io.BytesIO(clerk.get(f"/premiums/dunning/{number}.pdf").data))
    assert "保险费催缴通知书" in text
    assert "人民币捌仟壹佰肆拾元整" in text


def test_an_order_is_asked_for_released_and_gone_on_with(
    sign_in: SignIn, clerk: FlaskClient, world: World
) -> None:
    world.account.credit_limit_fen = 8_140_00
    db.session.commit()
    fields = {"vehicle_ids": str(world.bus.id), "lines": "ctpl", "set_ctpl": "basic", "start": "after"}
    page = clerk.post("/premiums/releases/ask", data=fields)
    assert "超出额度 ¥3,020.00" in words_on(page)
    order = json.dumps({name: [value] for name, value in fields.items()})
    ask = {"order": order, "reason": "", "idempotency_key": "ask-1"}
    refused = clerk.post("/premiums/releases/ask", data=ask)
    assert refused.status_code == 422
    places = {
        clerk.post("/premiums/releases/ask", data=ask | {"reason": "周五付款"}).location for _ in range(2)
    }
    (address,) = places
    assert count(CreditRelease) == 1
    assert clerk.post(address, data={"reason": "自批"}).status_code == 403
    manager = sign_in("manager")
    assert "周五付款" in words_on(manager.get(address))
    assert address.rpartition("/")[2] in words_on(manager.get("/premiums/releases"))
    decision = {"amount": "1", "valid_until": today(), "reason": "总经理同意"}
    assert "放行金额小于超出金额" in words_on(manager.post(address, data=decision))
    assert manager.post(address, data=decision | {"amount": "3,020"}).status_code == 303
    go_on = clerk.get(address).get_data(as_text=True)
    assert "核对并出单" in go_on
    assert f'name="vehicle_ids" value="{world.bus.id}"' in go_on
    fields["idempotency_key"] = "issue-1"
    assert "限用一次" in words_on(clerk.post("/issue", data=fields))
    assert clerk.post("/issue/confirm", data=fields).status_code == 303
    assert "已使用" in words_on(clerk.get(address))
    assert count(Policy) == 3


def test_a_release_is_refused_with_a_reason(sign_in: SignIn, clerk: FlaskClient, world: World) -> None:
    world.account.credit_limit_fen = 8_140_00
    db.session.commit()
    order = json.dumps(
        {"vehicle_ids": [str(world.bus.id)], "lines": ["ctpl"], "set_ctpl": ["basic"], "start": ["after"]}
    )
    ask = {"order": order, "reason": "周五付款", "idempotency_key": "ask-2"}
    address = clerk.post("/premiums/releases/ask", data=ask).location
    manager = sign_in("manager")
    assert manager.post(f"{address}/refuse", data={"reason": ""}).status_code == 422
    assert manager.post(f"{address}/refuse", data={"reason": "先收款"}).status_code == 303
    assert "先收款" in words_on(clerk.get(address))
    assert clerk.post("/premiums/releases/ask", data={"order": "[1]", "reason": "x"}).status_code == 422


def test_page_sheet_and_paper_of_a_statement_say_the_same(
    sign_in: SignIn, clerk: FlaskClient, world: World
) -> None:
    receive(clerk, world)
    start = (local_date(utc_now()) - timedelta(days=70)).isoformat()
    query = f"branch={world.gongyi.id}&start={start}&end={today()}"
    group = sign_in("hq")
    page = words_on(group.get(f"/premiums/statement?{query}"))
    assert "本期签单保费及代收车船税 8,140.00" in page
    assert "待分配款 -310.00" in page
    book = load_workbook(io.BytesIO(group.get(f"/premiums/statement.xlsx?{query}").data))
    sums = [row[1] for row in book.worksheets[0].iter_rows(values_only=True)]
    assert sums[-1] == 3140
    text = extract_text(io.BytesIO(group.get(f"/premiums/statement.pdf?{query}").data))
    assert "保险费对账单" in text
    assert "3,140.00" in text
    assert words_on(group.get(f"/premiums/statement?start={start}&end={today()}")).count("3,140.00") >= 2
    world.hq.language = "en"
    db.session.commit()
    english = extract_text(io.BytesIO(group.get(f"/premiums/statement.pdf?start={start}&end={today()}").data))
    assert "Premium Statement" in english
    refused = group.get(f"/premiums/statement?start={today()}&end={start}")
    assert refused.status_code == 422
    assert group.get("/premiums/statement").status_code == 200


@pytest.mark.parametrize("days", ["start=2026-13-45", "end=gestern", "start=0001-01-01"])
def test_no_file_is_made_of_days_that_cannot_be_read(sign_in: SignIn, days: str) -> None:
    group = sign_in("hq")
    for kind in ("xlsx", "pdf"):
        sent = group.get(f"/premiums/statement.{kind}?{days}")
        assert sent.status_code == 302, kind
        assert days in sent.location
        assert group.get(sent.location).status_code == 422
    taken = AuditEntry.action.in_({"exported", "file_taken"})
    assert not db.session.scalars(select(AuditEntry).where(taken)).all()


def test_client_reads_and_moves_nothing(sign_in: SignIn, clerk: FlaskClient, world: World) -> None:
    address = receive(clerk, world)
    clerk.post(f"{address}/pay-back", data={"reason": "多付", "idempotency_key": "b"})
    refund = f"/refunds/{db.session.scalars(select(PremiumRefund.number)).one()}"
    group, officer, stranger = sign_in("hq"), sign_in("safety-gongyi"), sign_in("foreign-hq")
    for place in (address, refund, "/refunds", "/premiums/dunning", "/premiums/statement"):
        assert group.get(place).status_code == 200
        assert officer.get(place).status_code in {403, 404}
    for place in (address, refund, f"{refund}.pdf", f"/premiums/statement?branch={world.gongyi.id}"):
        assert stranger.get(place).status_code == 404
    for place in (
        f"{address}/reverse",
        f"{address}/release",
        f"{address}/pay-back",
        f"{address}/allocate",
        refund,
        f"{refund}/credit",
        "/premiums/instalments",
        "/premiums/dunning",
        "/premiums/terms",
        "/premiums/releases/ask",
    ):
        assert group.post(place, data={"count": "1", "reason": "x"}).status_code == 403, place
    assert group.get("/premiums/releases").status_code == 403
    assert count(Receipt) == 1
