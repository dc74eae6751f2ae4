"""The managers' overview: every number opens exactly the rows it counts, for managers of the account alone."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from flask.testing import FlaskClient

from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.premiums import Receivable
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.periods import Preset, period_of
from service_desk.services import dashboard, market
from tests.report_cases import add_claim, move, pay, reserve, survey_clock
from tests.result_cases import insure
from tests.services.test_dashboard import THURSDAY
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_TOGETHER = re.compile(r"合计¥([\d,.]+)。")


@pytest.fixture
def thursday(world: World) -> Iterator[None]:
    with time_machine.travel(THURSDAY, tick=False):
        yield


@pytest.fixture
def busy(world: World, thursday: None) -> None:
    """Ten weeks of claims, clocks, policies and premium, some of it late."""
    market.install_published()
    for number, days in enumerate(range(0, 70, 3)):
        vehicle = (world.coach, world.bus)[number % 2]
        claim = add_claim(world, THURSDAY - days * DAY - 3 * HOUR, vehicle)
        reserve(claim, claim.reported_at + HOUR, (days + 4) * 900_00)
        after = {0: 90, 6: None}.get(days, 20 + days)
        survey_clock(world, claim, stopped_after=after and after * MINUTE, seen_at=THURSDAY)
        if number % 3:
            pay(claim, claim.reported_at + 2 * HOUR, 700_00)
            move(claim, min(claim.reported_at + 5 * DAY, THURSDAY - MINUTE), ClaimState.CLOSED)
    survey_clock(world, add_claim(world, THURSDAY - 50 * MINUTE), stopped_after=None, seen_at=THURSDAY)
    for vehicle, days in ((world.coach, 340), (world.bus, 3)):
        first = (THURSDAY - days * DAY).date()
        policy = insure(world, vehicle, first, 3_650_00)
        _owe(world, vehicle, policy.id, days)
    db.session.commit()


def _owe(world: World, vehicle: Vehicle, policy_id: int, days: int) -> None:
    db.session.add(
        Receivable(
            account_id=world.account.id,
            branch_id=vehicle.branch_id,
            policy_id=policy_id,
            amount_fen=3_650_00,
            settled_fen=0,
            due_on=(THURSDAY - (days - 30) * DAY).date(),
            created_at=THURSDAY - days * DAY,
        )
    )


def row_count(client: FlaskClient, address: str) -> int:
    answer = client.get(address)
    assert answer.status_code == 200, address
    total = re.search(r'<span class="list-total">(?:共 )?([\d,]+)', answer.text)
    assert total is not None, address
    return int(total[1].replace(",", ""))


def together(client: FlaskClient, address: str) -> int:
    """The sum under a list, in fen."""
    page = client.get(address).text
    found = _TOGETHER.search(page)
    assert found is not None, page
    return int(found[1].replace(",", "").replace(".", ""))


def rows_of(value: object) -> int | None:
    """How many rows are behind a value; None for an amount."""
    if isinstance(value, Ratio):
        return value.whole
    return value.count if isinstance(value, Mean) else None


@pytest.mark.parametrize("preset", [Preset.THIS_WEEK, Preset.LAST_MONTH])
def test_every_figure_opens_as_many_rows_as_it_counts(
    busy: None, world: World, sign_in, preset: Preset
) -> None:
    manager = sign_in("manager")
    page = manager.get(f"/overview?period={preset.value}")
    seen = dashboard.overview(
        world.account.id, period_of(preset, THURSDAY.date()), actor=world.manager, now=THURSDAY
    )
    links = {
        C(code): unescape(address)
        for address, code in re.findall(r'<a href="([^"]+)" data-figure="(\w+)">', page.text)
    }
    assert set(links) == {*dashboard.OF_NOW, *dashboard.OF_PERIOD, *dashboard.OF_MONTH}

    now, flow = seen.state.now, seen.flow.now
    count = {code: row_count(manager, address) for code, address in links.items() if code not in _SUMS}
    open_count = sum(one.count for one in seen.ageing.from_report.values())
    assert count.pop(C.OUTSTANDING) == open_count
    assert count.pop(C.OUTSTANDING_LARGE) == seen.large.page.total
    losses = {count.pop(C.EARNED_LOSS_RATIO), count.pop(C.SIMPLE_LOSS_RATIO), count[C.CLAIMS_REPORTED]}
    assert losses == {flow[C.CLAIMS_REPORTED]}
    dissatisfied = flow[C.DISSATISFIED]
    assert isinstance(dissatisfied, Ratio)
    assert count.pop(C.DISSATISFIED) == dissatisfied.part
    for code, rows in count.items():
        value = now[code] if code in now else flow[code]
        assert rows == (value if isinstance(value, int) else rows_of(value)), code
    if preset is Preset.THIS_WEEK:
        assert all(count[code] for code in _TOLD), count

    # Amounts: the sums under the lists.
    for code, which in ((C.EARNED_LOSS_RATIO, "earned"), (C.SIMPLE_LOSS_RATIO, "written")):
        value = flow[code]
        assert isinstance(value, Ratio)
        [address] = re.findall(rf'href="([^"]*/overview/premium/{which}[^"]*)"', page.text)
        if value.whole:
            assert together(manager, unescape(address)) == value.whole
        if value.part:
            assert together(manager, links[code]) == value.part
    ledger = manager.get(links[C.PREMIUM_OVERDUE]).text
    assert now[C.PREMIUM_OVERDUE] == 3_650_00
    assert "3,650.00" in ledger
    renewals = seen.months.now[C.RENEWAL_DUE]
    assert str(renewals) in manager.get(links[C.RENEWAL_DUE]).text


def test_claims_as_of_a_day_say_which_and_of_a_period_that_runs_that_it_is_now(busy: None, sign_in) -> None:
    manager, days = sign_in("manager"), "/overview/claims/rolling?from_on={}&to_on={}"
    running = manager.get(days.format(THURSDAY.date(), THURSDAY.date() + timedelta(days=3))).text
    over = manager.get(days.format("2026-10-01", "2026-10-31")).text

    assert ">当前<" in running.replace(" ", "").replace("\n", "")
    assert "日终" not in running
    assert "截至2026-10-31日终" in over


_SUMS = {C.PREMIUM_OVERDUE, C.RENEWAL_DUE, C.RENEWAL_RATE}
# Of these the busy week has some: a link that always opens nothing would prove nothing.
_TOLD = (C.PROMISES_KEPT, C.BREACHES, C.CLAIMS_REPORTED, C.CLAIMS_CLOSED, C.ROLLING_CLOSING_RATE, C.CLOSING_CYCLE,
         C.FOLLOWED_UP, C.CLOCKS_AT_RISK, C.CLOCKS_LATE, C.BREACHES_UNREVIEWED, C.COVERAGE)  # fmt: skip


def test_every_number_of_the_tables_opens_its_rows(busy: None, sign_in) -> None:
    manager = sign_in("manager")
    page = manager.get("/overview?period=last_90_days").text

    cells = re.findall(
        r'<a href="([^"]+/(?:overview/claims|compliance/timers)[^"]*)">([\d,.]+)(?:% \([\d,]+/([\d,]+)\))?</a>',
        page,
    )
    cells += re.findall(
        r'<a href="(/(?:overview/claims|compliance/timers)[^"]*)">([\d,.]+)(?:% \([\d,]+/([\d,]+)\))?</a>',
        page,
    )
    told = {unescape(address): int((whole or number).replace(",", "")) for address, number, whole in cells}

    assert len(told) > 30
    assert sum(number > 0 for number in told.values()) > 15
    differing = {a: (n, rows) for a, n in told.items() if (rows := row_count(manager, a)) != n}
    assert not differing


def test_a_manager_reads_what_changed_and_the_market(busy: None, world: World, sign_in) -> None:
    world.manager.language = "en"
    db.session.commit()

    page = sign_in("manager").get("/overview?period=last_month").text

    words = " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
    assert "October 2026, compared with September 2026" in words
    assert "market: 93.07%" in words
    assert "market: 29.26 days" in words
    assert "all members, claims up to ¥5,000 96.37% 2018 Q2 Jiangxi Insurance Association" in words
    assert "style=" not in page
    assert page.count("<svg") >= 3
    assert "/settings/market" not in page


def test_an_account_without_anything_says_what_comes_next(world: World, thursday: None, sign_in) -> None:
    world.manager.language = "en"
    db.session.commit()

    page = sign_in("manager").get("/overview").text

    assert "This account is just beginning" in page
    assert "Report the first accident" in page
    assert "Issue policies for its vehicles" in page
    assert "Import the fleet" not in page


@pytest.mark.parametrize("username", ["claims1", "hq", "safety-gongyi", "admin", "underwriter"])
def test_only_managers_see_the_overview_and_what_is_behind(world: World, sign_in, username: str) -> None:
    client = sign_in(username)

    for address in ("/overview", "/overview/claims/open", "/overview/premium/written"):
        assert client.get(address).status_code == 403, address
    assert sign_in("manager").get("/overview/claims/nonsense").status_code == 404
