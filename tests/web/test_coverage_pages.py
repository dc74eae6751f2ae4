"""The coverage ratio, the vehicles behind it, gaps and overlaps, required cover, and a vehicle's calendar."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import CoverRequirement, Policy
from service_desk.rules.vocabulary import PolicyLine
from tests.factories import PolicyFactory
from tests.world import World

SignIn = Callable[[str], FlaskClient]


def insure(world: World, vehicle: Vehicle, line: PolicyLine, begin: int, end: int) -> Policy:
    """A policy from so many days before now to so many after."""
    now = datetime.now(UTC)
    policy: Policy = PolicyFactory(
        vehicle=vehicle,
        issued_by=world.underwriter,
        line=line,
        starts_at=now - timedelta(days=begin),
        ends_at=now + timedelta(days=end),
    )
    return policy


@pytest.fixture(autouse=True)
def _covers(world: World) -> None:
    """The coach is covered, the lorry has overlapping CTPL and nothing else, the bus nothing."""
    for line in PolicyLine:
        insure(world, world.coach, line, 200, 165)
    insure(world, world.truck, PolicyLine.CTPL, 200, 5)
    insure(world, world.truck, PolicyLine.CTPL, 3, 362)
    db.session.commit()


def words_on(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)).split())


def test_the_ratio_is_told_by_branch_and_in_total(sign_in: SignIn, world: World) -> None:
    page = sign_in("manager").get("/coverage")
    words = words_on(page)
    assert "33.33%" in words
    assert "50.00%" in words
    assert f"/coverage/vehicles?branch={world.gongyi.id}" in page.get_data(as_text=True)


def test_a_branch_sees_its_own_ratio(sign_in: SignIn) -> None:
    page = words_on(sign_in("safety-gongyi").get("/coverage"))
    assert "巩义客运分公司" in page
    assert "中牟公交分公司" not in page
    assert "33.33%" not in page


def test_a_figure_opens_its_vehicles(sign_in: SignIn, world: World) -> None:
    today = local_date(datetime.now(UTC)).isoformat()
    address = f"/coverage/vehicles?which=missed&from_on={today}&to_on={today}"
    page = words_on(sign_in("hq").get(address))
    assert "豫A·67890" in page
    assert "豫A·12345" not in page
    assert "豫A·D12345" not in words_on(sign_in("safety-gongyi").get(address))
    foreign = words_on(sign_in("foreign-hq").get(address))
    assert "豫A·67890" not in foreign
    assert "豫C·88661" in foreign


def test_days_that_cannot_be_used_give_way_to_the_usual_ones(sign_in: SignIn) -> None:
    clerk = sign_in("underwriter")
    for query in (
        "from_on=x",
        "from_on=2026-12-31&to_on=2026-01-01",
        "to_on=9999-01-01",
        "branch=zz",
        "page=0",
    ):
        for path in ("/coverage", "/coverage/vehicles", "/coverage/gaps"):
            assert clerk.get(f"{path}?{query}").status_code == 200


def test_gaps_and_overlaps_are_listed(sign_in: SignIn, world: World) -> None:
    page = words_on(sign_in("underwriter").get(f"/coverage/gaps?branch={world.gongyi.id}"))
    assert "豫A·67890" in page
    assert "重叠" in page
    assert "中断" in page
    only = words_on(sign_in("underwriter").get("/coverage/gaps?kind=overlap"))
    assert "豫A·D12345" not in only
    assert "豫A·67890" not in words_on(sign_in("foreign-hq").get("/coverage/gaps"))


@pytest.mark.parametrize("path", ["/coverage.xlsx", "/coverage/vehicles.xlsx", "/coverage/gaps.xlsx"])
@pytest.mark.parametrize("who", ["manager", "safety-gongyi"])
def test_each_list_is_a_spreadsheet_too(sign_in: SignIn, who: str, path: str) -> None:
    answer = sign_in(who).get(path)
    assert (answer.status_code, answer.data[:2]) == (200, b"PK")


def test_required_cover_is_set_by_who_keeps_settings(sign_in: SignIn, world: World) -> None:
    sent = {
        "scope": "all",
        "use_class": "goods",
        "layers": ["ctpl", "tpl", "own_damage"],
        "effective_on": local_date(datetime.now(UTC)).isoformat(),
        "source": "2026 年统保协议",
    }
    assert sign_in("manager").post("/coverage/needs", data=sent).status_code == 403
    admin = sign_in("admin")
    refused = admin.post("/coverage/needs", data={**sent, "layers": ["tpl"]})
    assert refused.status_code == 422
    assert "交强险是法定险种" in words_on(refused)
    assert "2026 年统保协议" in refused.get_data(as_text=True)
    assert admin.post("/coverage/needs", data=sent).status_code == 303
    assert db.session.scalar(select(func.count()).select_from(CoverRequirement)) == 1
    page = words_on(sign_in("underwriter").get("/coverage/needs"))
    assert "交强险、第三者责任险、车辆损失险" in page
    assert "设定必备险种" not in page


def test_a_vehicles_calendar_has_bars_a_table_and_links(sign_in: SignIn, world: World) -> None:
    page = sign_in("underwriter").get(f"/vehicles/{world.truck.id}")
    html = page.get_data(as_text=True)
    assert html.count('class="time-bar"') == 2
    assert "time-double" in html
    assert "time-gap" in html
    assert 'style="' not in html
    words = words_on(page)
    assert "重叠" in words
    assert "至今" in words
    assert "尚未续保" in words
    number = db.session.scalars(select(Policy.number).where(Policy.vehicle_id == world.truck.id)).first()
    assert f'href="/policies/{number}"' in html


def test_a_calendar_of_other_days(sign_in: SignIn, world: World) -> None:
    page = words_on(
        sign_in("underwriter").get(f"/vehicles/{world.truck.id}?from_on=2020-01-01&to_on=2020-12-31")
    )
    assert "2020-12-31" in page
    assert "这段时间没有该险种的保障记录" in page
