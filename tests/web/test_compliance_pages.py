"""The compliance pages: every number opens as many rows, the spreadsheets say what the screen says, who sees what."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from io import BytesIO

import pytest
import time_machine
from flask.testing import FlaskClient
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.presenters import sla_compliance
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import Ratio
from service_desk.services import sla
from service_desk.services.notices import Matter
from tests.clock_history import make_history
from tests.standing import once
from tests.world import World

SignIn = Callable[[str], FlaskClient]

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Thursday 19 November 2026, 12:00 in China.
THURSDAY = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)
_LINK = re.compile(r'<a[^>]*href="([^"]*/compliance/timers\?[^"]*)"[^>]*>(.*?)</a>', re.S)
_TAGS = re.compile(r"<[^>]+>")


@pytest.fixture
def thursday(world: World) -> Iterator[None]:
    with time_machine.travel(THURSDAY, tick=False):
        yield


@pytest.fixture
def history(world: World, now: datetime) -> Iterator[None]:
    """Forty-five days of clocks, seen at `now`."""
    once(("history", now), lambda: make_history(world, now, clocks=45, days=45), is_common=True)
    with time_machine.travel(now, tick=False):
        yield


def survey(world: World, minutes: int | None, *, number: int = 1, hours_ago: int = 3) -> Timer:
    """A survey started on Thursday morning and recorded after so many minutes; sixty were promised."""
    at = THURSDAY - hours_ago * HOUR
    sla.install_defaults(at)
    matter = Matter("claim", number, f"CLM-2026-{number:06d}", world.account.id, world.gongyi.id)
    timer = sla.start(
        matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=at, actor=None, now=at, is_urban=False
    )
    assert timer is not None
    if minutes is not None:
        sla.stop(matter, (ClockStep.SURVEY,), at=at + minutes * MINUTE, actor=None, now=at + minutes * MINUTE)
    db.session.commit()
    return timer


def numbers(page: str) -> list[tuple[str, int]]:
    """The links to clocks whose words are a count, with the count."""
    found = []
    for address, inside in _LINK.findall(page):
        words = _TAGS.sub(" ", re.sub(r'<span class="figure-(label|note)">.*?</span>', "", inside))
        if re.fullmatch(r"[\d,]+", words.strip()):
            found.append((unescape(address), int(words.replace(",", ""))))
    return found


def row_count(client: FlaskClient, address: str) -> int:
    answer = client.get(address)
    assert answer.status_code == 200, address
    total = re.search(r'<span class="list-total">(?:共 )?([\d,]+)', answer.text)
    assert total is not None
    return int(total[1].replace(",", ""))


@pytest.mark.parametrize("by", ["step", "branch", "person", "severity", "zone", "week", "month"])
def test_every_number_opens_as_many_clocks(history: None, sign_in: SignIn, by: str) -> None:
    manager = sign_in("manager")

    found = numbers(manager.get(f"/compliance?period=last_90_days&by={by}").text)

    assert len(found) > 20
    differing = {a: (n, rows) for a, n in dict(found).items() if (rows := row_count(manager, a)) != n}
    assert not differing


def test_the_numbers_open_the_same_clocks_under_a_filter(
    history: None, world: World, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    query = f"from_on=2026-10-20&to_on=2026-11-20&branch={world.gongyi.id}&person={world.claims1.id}"

    found = numbers(manager.get(f"/compliance?{query}&by=week").text)

    assert any(number for _address, number in found)
    assert all(row_count(manager, address) == number for address, number in found)


def test_a_manager_reads_shares_times_and_the_change(world: World, thursday: None, sign_in: SignIn) -> None:
    for number, minutes in enumerate((20, 40, 90), start=1):
        survey(world, minutes, number=number)
    survey(world, 30, number=4, hours_ago=7 * 24)
    world.manager.language = "en"

    page = sign_in("manager").get("/compliance?period=this_week").text

    words = " ".join(unescape(_TAGS.sub(" ", page)).split())
    assert "Promises kept in time 66.7% -33.3 points against 2026-11-09 – 11-15" in words
    assert "Median time 40 min" in words
    assert "P90 1 h 30 min" in words
    assert "Survey 2 1 66.7% 40 min 1 h 30 min 1 h 30 min 0" in words
    assert f"{world.claims1.name} · {world.claims1.staff_no}" in words


def test_a_period_without_verdicts_claims_no_change(world: World, thursday: None, sign_in: SignIn) -> None:
    world.manager.language = "en"

    page = sign_in("manager").get("/compliance?from_on=2026-01-05&to_on=2026-01-11").text

    assert "No promise was kept or broken in these days." in page
    assert "points against" not in page


def test_no_change_is_neither_plus_nor_minus() -> None:
    assert sla_compliance.points(Ratio(3, 4), Ratio(6, 8)) == "0.0"
    assert sla_compliance.points(Ratio(1, 2), Ratio(1, 4)) == "+25.0"
    assert sla_compliance.points(Ratio(1, 2), Ratio()) == "—"


def test_rows_lead_to_the_matter_the_clock_and_the_breach(
    world: World, thursday: None, sign_in: SignIn
) -> None:
    late = survey(world, 90)

    page = sign_in("manager").get("/compliance/timers?verdict=breached&period=this_week").text

    for address in (f"/timers/{late.id}", "/claims/CLM-2026-000001", f"/breaches/{late.id}"):
        assert f'href="{address}"' in page


def test_filters_stand_in_the_address_as_chips_that_take_them_off(
    world: World, thursday: None, sign_in: SignIn
) -> None:
    query = f"period=this_week&step=survey&branch={world.gongyi.id}&severity=none&zone=elsewhere"

    page = sign_in("manager").get(f"/compliance?{query}&person={world.claims1.id}").text

    chips = re.findall(r'<a class="chip" href="([^"]+)"', page)
    assert len(chips) == 5
    assert all(unescape(chip).count("=") == 5 for chip in chips)


def test_a_table_is_sorted_by_the_address(history: None, sign_in: SignIn) -> None:
    manager = sign_in("manager")

    def broken(sort: str) -> list[int]:
        page = manager.get(f"/compliance?period=last_90_days&by=step&sort={sort}").text
        table = page.split('id="by"')[1].split("</section>")[0].split('class="total"')[0]
        return [int(n) for address, n in numbers(table) if "verdict=breached" in address]

    assert broken("-breached") == sorted(broken(""), reverse=True) != broken("")
    assert broken("breached") == sorted(broken(""))


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("from_on=2026-11-20&to_on=2026-11-01", "The period ends before it begins."),
        ("from_on=2010-01-01&to_on=2026-11-01", "Choose at most 5 years."),
        ("from_on=1950-01-01", "Choose at most 5 years."),
        ("from_on=2026-13-45", "Not a valid date value."),
    ],
)
def test_days_that_cannot_be_are_refused_beside_the_field(
    world: World, thursday: None, sign_in: SignIn, query: str, refusal: str
) -> None:
    world.manager.language = "en"

    answer = sign_in("manager").get(f"/compliance?{query}")

    assert answer.status_code == 200
    assert refusal in unescape(answer.text)
    assert "2026-11-01 – 11-30" in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "by=nonsense&period=nonsense&step=nonsense&sort=nonsense&severity=x&zone=x&branch=x&person=x&alone=x",
        "branch=99999999&person=99999999&used_by=99999999",
        f"branch={'9' * 40}&person=-1&page=-1&size=0",
        "verdict=nonsense&age=nonsense&paused_for=nonsense&used_by=abc",
        "to_on=2999-12-31&by=week",
        "from_on=1900-01-01&to_on=1900-01-01&by=month",
    ],
)
def test_nonsense_in_the_address_does_no_harm(
    world: World, thursday: None, sign_in: SignIn, query: str
) -> None:
    manager = sign_in("manager")
    for path in ("/compliance", "/compliance/timers"):
        assert manager.get(f"{path}?{query}").status_code == 200, path


def test_the_spreadsheet_says_what_the_screen_says(world: World, thursday: None, sign_in: SignIn) -> None:
    for number, minutes in enumerate((20, 40, 90), start=1):
        survey(world, minutes, number=number)
    world.manager.language = "en"

    answer = sign_in("manager").get("/compliance.xlsx?period=this_week&by=step&step=survey")

    book = opened(answer.data)
    assert book.sheetnames == [
        "Figures",
        "By step",
        "Trend",
        "Hours by person",
        "Hours by pause reason",
        "Breaches not reviewed",
        "Breaks next",
    ]
    figures = {row[0]: row[1] for row in book["Figures"].values}
    assert (figures["Compliance rate (%)"], figures["Promises kept"], figures["Promises broken"]) == (
        66.7,
        2,
        1,
    )
    assert figures["P90 (h)"] == 1.5
    steps = list(book["By step"].values)
    assert "2026-11-16 – 11-22, Step: Survey. As of 2026-11-19 12:00." in [row[0] for row in steps]
    assert steps[-2][:5] == ("Survey", 2, 1, 0, pytest.approx(2 / 3))
    assert steps[-1][:5] == ("Total", 2, 1, 0, pytest.approx(2 / 3))
    assert book["By step"].freeze_panes == "A5"
    [person] = [row for row in book["Hours by person"].values if str(row[0]).startswith("王建军")]
    assert person[1:] == (3, pytest.approx(1 / 3 + 2 / 3 + 1), 0.5, 2.5, 1)


def test_the_list_of_clocks_is_exported_whole_in_the_readers_language(
    world: World, thursday: None, sign_in: SignIn
) -> None:
    for number in range(1, 31):
        survey(world, 90, number=number)
    manager = sign_in("manager")
    address = "/compliance/timers{}?verdict=breached&period=this_week&size=25&page=2&sort=number"

    shown = re.findall(r'href="/claims/(CLM-\d+-\d+)"', manager.get(address.format("")).text)
    answer = manager.get(address.format(".xlsx"))

    sheet = opened(answer.data).active
    rows = list(sheet.values)
    assert rows[3][:4] == ("环节", "编号", "分公司", "经办人")
    assert [row[1] for row in rows[4:]] == [f"CLM-2026-{number:06d}" for number in range(1, 31)]
    assert shown == [f"CLM-2026-{number:06d}" for number in range(26, 31)]
    assert rows[4][9:11] == (1.5, 0.5)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "exported")).one()
    path, _mark, query = entry.changes["filter"][1].partition("?")
    assert path == "/compliance/timers.xlsx"
    assert {"verdict=breached", "from_on=2026-11-16", "to_on=2026-11-22"} <= set(query.split("&"))
    assert (entry.actor_id, entry.account_id) == (world.manager.id, world.account.id)
    assert entry.changes["export_rows"] == [None, 30]


def test_reading_is_not_written_down_and_a_spreadsheet_is(
    world: World, thursday: None, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    exported = select(AuditEntry.actor_id).where(AuditEntry.action == "exported")
    assert manager.get("/compliance").status_code == 200
    assert not db.session.scalar(exported)
    assert manager.get("/compliance.xlsx").status_code == 200
    assert db.session.scalars(exported).all() == [world.manager.id]


def test_the_group_department_sees_figures_and_lists_but_no_ranking(
    world: World, thursday: None, sign_in: SignIn
) -> None:
    survey(world, 90)
    world.hq.language = "en"
    hq = sign_in("hq")

    page = hq.get("/compliance?period=this_week").text
    rows = hq.get("/compliance/timers?period=this_week&verdict=breached").text
    book = opened(hq.get("/compliance.xlsx?period=this_week").data)

    assert all(row_count(hq, address) == number for address, number in numbers(page))
    for words in ("Hours by person", "By person", 'name="person"', "used_by=", "/breaches"):
        assert words not in page
    assert "王建军" not in page
    assert "王建军" in rows
    assert "/breaches" not in rows
    assert "Hours by person" not in book.sheetnames


@pytest.mark.parametrize(
    "address",
    [
        "/compliance?by=person",
        "/compliance?person={id}",
        "/compliance/timers?person={id}",
        "/compliance/timers?used_by={id}",
    ],
)
def test_the_group_department_is_refused_one_persons_figures(
    world: World, thursday: None, sign_in: SignIn, address: str
) -> None:
    world.hq.language = "en"
    hq, path = sign_in("hq"), address.format(id=world.claims1.id)

    answer = hq.get(path)

    assert answer.status_code == 403
    assert "They do not compare its people." in unescape(answer.text)
    assert hq.get(path.replace("?", ".xlsx?")).status_code == 403


@pytest.mark.parametrize("username", ["safety-gongyi", "claims1", "underwriter", "admin"])
def test_others_are_refused(world: World, thursday: None, sign_in: SignIn, username: str) -> None:
    client = sign_in(username)

    for path in ("/compliance", "/compliance/timers"):
        assert client.get(path).status_code == 403
        assert client.get(f"{path}.xlsx").status_code == 403
    assert 'href="/compliance"' not in client.get("/").text


def test_a_stranger_signs_in_first(world: World, client: FlaskClient) -> None:
    assert client.get("/compliance").location.startswith("/sign-in")


def test_another_accounts_department_reads_its_own_figures_only(
    world: World, thursday: None, sign_in: SignIn
) -> None:
    survey(world, 90)
    stranger = sign_in("foreign-hq")

    assert row_count(stranger, "/compliance/timers?verdict=judged&period=this_week") == 0
    assert "CLM-2026-000001" not in stranger.get("/compliance/timers?verdict=unreviewed").text


def test_managers_and_the_department_find_the_page_in_the_rail_and_managers_its_tabs(
    world: World, thursday: None, sign_in: SignIn
) -> None:
    manager, hq = sign_in("manager"), sign_in("hq")

    assert 'href="/compliance"' in manager.get("/").text
    assert 'href="/compliance"' in hq.get("/").text
    for path in ("/compliance", "/breaches"):
        tabs = manager.get(path).text.split("时效审计各页")[1].split("</nav>")[0]
        current = re.findall(r'href="([^"]+)" aria-current="page"', tabs)
        assert current == [path]
    assert "时效审计各页" not in hq.get("/compliance").text


def test_a_name_is_given_only_of_people_of_the_account(world: World, thursday: None, sign_in: SignIn) -> None:
    stranger = db.session.scalars(select(User).where(User.username == "foreign-hq")).one()

    page = sign_in("manager").get(f"/compliance?person={stranger.id}").text

    assert stranger.name not in page


def opened(data: bytes) -> Workbook:
    return load_workbook(BytesIO(data))
