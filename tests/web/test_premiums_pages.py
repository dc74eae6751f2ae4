"""The ledger, a branch's debt and its receipt, on pages and on paper."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from pdfminer.high_level import extract_text
from sqlalchemy import func, select

from service_desk.models.db import db
from service_desk.models.premiums import Receipt, Receivable
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies
from service_desk.services.policies import IssueRequest, LineChoice, rates
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def _debts(world: World) -> None:
    """The coach and the lorry of Gongyi owe 4,690 and 3,450 since January 2026."""
    at = datetime(2026, 1, 12, 2, tzinfo=UTC)
    rates.install_sample_rates(now=at)
    ids = (world.coach.id, world.truck.id)
    request = IssueRequest(world.account.id, ids, (LineChoice(PolicyLine.CTPL, "basic"),))
    policies.issue_many(request, actor=world.underwriter, now=at)
    db.session.commit()


@pytest.fixture
def clerk(sign_in: SignIn) -> FlaskClient:
    return sign_in("underwriter")


def words_on(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)).split())


def ids() -> list[int]:
    return list(db.session.scalars(select(Receivable.id).order_by(Receivable.id)))


def receipt(world: World, **changes: Any) -> dict[str, Any]:
    fields = {
        "receivable_ids": ids(),
        "amount": "",
        "received_on": "2026-02-01",
        "method": "transfer",
        "payer": world.gongyi.name,
        "idempotency_key": "receipt-1",
    }
    return fields | changes


def test_ledger_shows_what_branches_owe(clerk: FlaskClient) -> None:
    page = words_on(clerk.get("/premiums"))
    assert "巩义客运分公司 2" in page
    assert "8,140.00" in page


def test_ledger_is_exported_as_shown(clerk: FlaskClient) -> None:
    sheet = load_workbook(io.BytesIO(clerk.get("/premiums.xlsx").data)).active
    assert sheet is not None
    rows = [row for row in sheet.iter_rows(values_only=True) if row[0] == "巩义客运分公司"]
    assert (rows[0][1], rows[0][-1]) == (2, 8140)


def test_receipt_settles_all_that_is_ticked_and_is_printed(clerk: FlaskClient, world: World) -> None:
    answer = clerk.post(f"/premiums/branches/{world.gongyi.id}", data=receipt(world))
    assert (answer.status_code, answer.location.startswith("/receipts/REC-")) == (303, True)
    assert "8,140.00" in words_on(clerk.get(answer.location))
    text = extract_text(io.BytesIO(clerk.get(f"{answer.location}.pdf").data))
    assert "人民币捌仟壹佰肆拾元整" in text
    assert "没有未收保费" in words_on(clerk.get("/premiums"))


def test_a_part_settles_the_oldest_first(clerk: FlaskClient, world: World) -> None:
    clerk.post(f"/premiums/branches/{world.gongyi.id}", data=receipt(world, amount="5,000"))
    settled = db.session.scalars(select(Receivable.settled_fen).order_by(Receivable.id)).all()
    assert sorted(settled) == [310_00, 4_690_00]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"amount": "8,140.01"}, "超过所选保单未收保费 ¥8,140.00"),
        ({"amount": "0"}, "金额必须大于零"),
        ({"amount": "many"}, "请输入"),
        ({"receivable_ids": []}, "请勾选本次收款对应的保单"),
        ({"received_on": "2099-01-01"}, "收款日期不能晚于今天"),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_is_kept(
    clerk: FlaskClient, world: World, changes: dict[str, Any], expected: str
) -> None:
    answer = clerk.post(
        f"/premiums/branches/{world.gongyi.id}", data=receipt(world, reference="2026020100871", **changes)
    )
    assert answer.status_code == 422
    assert expected in words_on(answer)
    assert 'value="2026020100871"' in answer.get_data(as_text=True)
    assert not db.session.scalar(select(func.count()).select_from(Receipt))


def test_a_double_click_makes_one_receipt(clerk: FlaskClient, world: World) -> None:
    address = f"/premiums/branches/{world.gongyi.id}"
    first, second = (clerk.post(address, data=receipt(world)) for _ in range(2))
    assert first.location == second.location
    assert db.session.scalar(select(func.count()).select_from(Receipt)) == 1


def test_group_reads_and_does_not_receive(sign_in: SignIn, world: World) -> None:
    group = sign_in("hq")
    page = group.get(f"/premiums/branches/{world.gongyi.id}")
    assert page.status_code == 200
    assert "登记收据" not in words_on(page)
    assert group.post(f"/premiums/branches/{world.gongyi.id}", data=receipt(world)).status_code == 403


def test_branch_officer_and_strangers_see_nothing(sign_in: SignIn, world: World) -> None:
    assert sign_in("safety-gongyi").get("/premiums").status_code == 403
    assert sign_in("foreign-hq").get(f"/premiums/branches/{world.gongyi.id}").status_code == 404
    number = (
        sign_in("underwriter").post(f"/premiums/branches/{world.gongyi.id}", data=receipt(world)).location
    )
    assert sign_in("foreign-hq").get(number).status_code == 404
    assert sign_in("foreign-hq").get(f"{number}.pdf").status_code == 404
