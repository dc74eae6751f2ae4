"""The monthly underwriting figures as a page and as a spreadsheet, which say the same."""

import html
import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from service_desk.base.clock import CHINA, local_date, utc_now
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, EndorsementKind
from service_desk.rules.periods import months_after
from tests.factories import PolicyFactory
from tests.world import World

SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def _last_month(world: World) -> None:
    """Last month: two policies of 4,000 and 3,000, one returned 500; 5,600 the month before."""
    today = local_date(utc_now())
    last, before = months_after(today, -1), months_after(today, -2)
    issued_at = datetime.combine(last.first, datetime.min.time(), CHINA) + timedelta(hours=9)
    policy = PolicyFactory(
        vehicle=world.coach,
        issued_by=world.underwriter,
        issued_at=issued_at,
        premium_fen=4_000_00,
        tax_fen=480_00,
    )
    PolicyFactory(vehicle=world.bus, issued_by=world.underwriter, issued_at=issued_at, premium_fen=3_000_00)
    PolicyFactory(
        vehicle=world.truck,
        issued_by=world.underwriter,
        issued_at=datetime.combine(before.first, datetime.min.time(), CHINA),
        premium_fen=5_600_00,
    )
    db.session.add(
        Endorsement(
            number="E-1",
            account_id=policy.account_id,
            branch_id=policy.branch_id,
            policy_id=policy.id,
            ordinal=1,
            kind=EndorsementKind.CANCELLATION,
            effective_at=issued_at,
            premium_fen=-500_00,
            created_by_id=world.underwriter.id,
            created_at=issued_at,
        )
    )
    db.session.commit()


def words_on(page: Any) -> str:
    text = html.unescape(re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)))
    return " ".join(text.split())


def test_the_page_shows_the_last_full_month_beside_others(sign_in: SignIn) -> None:
    page = words_on(sign_in("hq").get("/reports/underwriting"))
    code = f"{months_after(local_date(utc_now()), -1).first:%Y-%m}"
    assert f"{code} 承保情况统计表" in page
    assert "合计 2 2 7,000.00 — -500.00 1 件 6,500.00 5,600.00 +16.1% — 480.00" in page
    assert "巩义客运分公司 1 1 4,000.00 — -500.00 1 件 3,500.00 5,600.00 -37.5% — 480.00" in page


def test_the_spreadsheet_has_the_same_figures(sign_in: SignIn) -> None:
    answer = sign_in("hq").get("/reports/underwriting.xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    assert book.sheet_names == ["按分公司", "按使用性质", "按险种", "按险别"]
    for name in book.sheet_names:
        total = next(row for row in book.get_sheet_by_name(name).to_python() if row[0] == "合计")
        assert total[1:10] == [2, 2, 7000, 0, 0, -500, 1, 6500, 5600]
        assert round(total[10], 3) == 0.161
        assert total[11:] == [0, "", 480]


def test_who_sees_them(sign_in: SignIn) -> None:
    for username in ("hq", "manager", "underwriter"):
        client = sign_in(username)
        assert "/reports/underwriting" in client.get("/reports").get_data(as_text=True)
        assert client.get("/reports/underwriting").status_code == 200
    assert sign_in("safety-gongyi").get("/reports/underwriting").status_code == 403
    assert "7,000.00" not in words_on(sign_in("foreign-hq").get("/reports/underwriting"))


@pytest.mark.parametrize("month", ["9999-99", "9999-12", "0000-00", "2026-13", "x", "２０２６-10", "1" * 300])
def test_a_month_that_is_none_shows_the_last_one(sign_in: SignIn, month: str) -> None:
    for page in ("/reports/underwriting", "/reports/underwriting.xlsx"):
        answer = sign_in("manager").get(f"{page}?month={month}")
        assert answer.status_code == 200
    assert "7,000.00" in words_on(sign_in("manager").get(f"/reports/underwriting?month={month}"))


def test_the_present_month_says_that_it_is_not_over(sign_in: SignIn) -> None:
    today = local_date(utc_now())
    page = words_on(sign_in("hq").get(f"/reports/underwriting?month={today:%Y-%m}"))
    assert f"本月尚未结束，数据截至 {today.isoformat()}。" in page
