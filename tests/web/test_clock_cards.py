"""A matter's page says which level applies and why, and shows every clock, not only the nearest."""

import re
from datetime import timedelta

import pytest

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import EnquiryChannel
from service_desk.models.sla import Timer
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.sla import PauseReason
from service_desk.rules.vocabulary import Severity
from service_desk.services import enquiries, sla
from service_desk.services.claims import exits
from service_desk.services.claims.common import start_clock
from service_desk.services.sla import view_clocks
from tests.claim_cases import Journey, reported_claim
from tests.world import World


@pytest.fixture(autouse=True)
def _time_stands(monkeypatch, now) -> None:
    monkeypatch.setattr("service_desk.web.http.utc_now", lambda: now)


@pytest.fixture
def claim(world: World, now) -> Claim:
    """Reported 50 minutes ago in the countryside; the survey clock runs, the dispatch clock is over."""
    return reported_claim(world, now - timedelta(minutes=30))


def timers_of(claim: Claim) -> dict[ClockStep, Timer]:
    return {timer.step: timer for timer in sla.timers_of("claim", [claim.id])[claim.id]}


def card(page: str) -> str:
    """The Clocks card."""
    found = re.search(r'<section[^>]*id="clocks".*?</section>', page, re.S)
    assert found is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


@pytest.mark.parametrize("username", ["claims1", "manager", "safety-gongyi", "hq"])
def test_both_sides_see_every_running_clock_with_its_level_and_why(sign_in, claim, username) -> None:
    words = card(sign_in(username).get(f"/claims/{claim.number}").text)

    for step in ("查勘", "派工"):
        assert step in words
    assert "60 分钟 · 全天候 · 重庆车险理赔服务标准（试行）" in words
    assert "适用服务时限：其他情形（因出险地点不在市区或县城）" in words
    assert "5 分钟 · 全天候" in words
    assert "适用服务时限：本环节的所有案件" in words
    assert "应于 今天 09:10 完成" in words


def test_in_english_too(sign_in, world, claim) -> None:
    world.claims1.language = "en"
    words = card(sign_in("claims1").get(f"/claims/{claim.number}").text)
    assert "60 minutes · Round the clock · Chongqing motor claim service standard (trial)" in words
    assert "Level for everything else; chosen because the place is not in a city or county town" in words


def test_names_the_holder_with_number_and_phone_and_whom_they_stand_in_for(sign_in, world, claim) -> None:
    timers_of(claim)[ClockStep.SURVEY].covered_id = world.claims2.id
    words = card(sign_in("safety-gongyi").get(f"/claims/{claim.number}").text)
    assert f"王建军 · {world.claims1.staff_no} · {world.claims1.phone}" in words
    assert "赵丽" in words


def test_a_pause_says_its_reason_and_since_when(sign_in, world, claim, now) -> None:
    timer = timers_of(claim)[ClockStep.SURVEY]
    sla.pause(
        timer.id,
        PauseReason.WAITING_FOR_THIRD_PARTY,
        "等交警",
        None,
        actor=world.claims1,
        now=now - timedelta(minutes=20),
    )
    words = card(sign_in("hq").get(f"/claims/{claim.number}").text)
    assert "自 今天 08:40 起暂停：等待第三方" in words
    assert "恢复计时后剩 30 分" in words


def test_each_clock_leads_to_its_own_page(sign_in, claim) -> None:
    page = sign_in("claims1").get(f"/claims/{claim.number}").text
    for timer in timers_of(claim).values():
        assert f'href="/timers/{timer.id}"' in page


def test_finished_clocks_and_earlier_cycles_are_folded_below(sign_in, world, claim, now) -> None:
    journey = Journey(world, claim, now - timedelta(minutes=25))
    journey.to(ClaimState.CLOSED)
    exits.reopen(claim.number, exits.Reopen("伤情加重", 20_000_00), actor=world.claims1, now=journey.now)

    page = sign_in("claims1").get(f"/claims/{claim.number}").text

    running, _, ended = page.partition("已结束的时限")
    assert "定损 · 第 2 次" in running
    folded = ended.split("</details>")[0]
    for step in ("查勘", "联系报案人", "定损", "交强险核定", "支付"):
        assert step in folded


def test_a_due_time_on_days_not_announced_says_so(sign_in, world, claim, now) -> None:
    for step in (ClockStep.LIABILITY_DECISION, ClockStep.ADVANCE_PAYMENT):
        # Thirty days end this year, sixty in the next.
        start_clock(claim, step, at=now, actor=world.claims1, now=now)
    words = card(sign_in("claims1").get(f"/claims/{claim.number}").text)
    assert words.count("暂定") == 1


def test_a_contact_shows_its_clock_with_level_and_holder(sign_in, world, now) -> None:
    sla.install_defaults(now)
    details = enquiries.ContactDetails(
        EnquiryChannel.CALL, "郭永刚", "13937108891", "保单何时到期", "", "", None
    )
    contact = enquiries.log_contact(world.account.id, details, actor=world.claims1, now=now)
    db.session.commit()
    words = card(sign_in("claims1").get(f"/enquiries/{contact.number}").text)
    assert "首次答复" in words
    assert "30 分钟 · 全天候 · 服务台承诺" in words
    assert "适用服务时限：本环节的所有案件" in words
    assert "王建军" in words


def test_another_account_sees_no_clock(sign_in, claim) -> None:
    assert sign_in("foreign-hq").get(f"/claims/{claim.number}").status_code == 404


def test_the_level_is_explained_by_what_was_known_at_the_start(world, claim) -> None:
    timer = timers_of(claim)[ClockStep.SURVEY]
    claim.is_urban, claim.injured_count = True, 5
    db.session.flush()

    view = view_clocks([timer])[0]

    assert [condition.value for condition in view.deciding] == ["place"]
    assert (view.timer.is_urban, view.timer.severity) == (False, Severity.INJURY)


def test_no_clocks_cost_no_query(world) -> None:
    assert view_clocks([]) == []
