"""Outcomes, renewal rate, forecast and calendar feeds as pages: what is shown, to whom, and odd addresses."""

import html
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from service_desk.base.clock import end_of_day, local_date, utc_now
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import ExternalCover
from service_desk.models.renewals import RenewalOutcome
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import rates
from service_desk.web import faults
from service_desk.web.pages import renewals_calendar
from service_desk.web.throttle import Throttle
from tests.adapters.test_icalendar import parse
from tests.factories import PolicyFactory, VehicleFactory
from tests.world import World

SignIn = Callable[[str], FlaskClient]
HUGE = "9" * 23


@pytest.fixture
def now() -> datetime:
    return utc_now()


@pytest.fixture(autouse=True)
def _covers(world: World, now: datetime) -> None:
    """The coach's CTPL and commercial cover end in five days, the bus's ended two days ago."""
    rates.install_sample_rates(now=now)
    cover(world, world.coach, 5)
    cover(world, world.coach, 5, PolicyLine.COMMERCIAL)
    cover(world, world.bus, -2)
    db.session.commit()


def day(days: int) -> date:
    return local_date(utc_now()) + timedelta(days=days)


def cover(world: World, vehicle: Vehicle, days: int, line: PolicyLine = PolicyLine.CTPL) -> None:
    ends_at = end_of_day(day(days))
    PolicyFactory(
        vehicle=vehicle,
        issued_by=world.underwriter,
        line=line,
        starts_at=ends_at - timedelta(days=365),
        ends_at=ends_at,
        premium_fen=3_000_00,
    )


def words_on(page: Any) -> str:
    text = html.unescape(re.sub(r"<[^>]+>", " ", page.get_data(as_text=True)))
    return " ".join(text.split())


def sheets_of(answer: Any) -> list[list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    return [book.get_sheet_by_index(index).to_python() for index in range(len(book.sheet_names))]


def recording(**values: Any) -> dict[str, Any]:
    return {
        "lines": [f"ctpl:{day(5)}", f"commercial:{day(5)}"],
        "outcome": "switched",
        "insurer": "平安财险",
        "covered_until": f"{day(370)}",
        "idempotency_key": "one",
        **values,
    }


def test_an_outcome_is_recorded_corrected_and_taken_back(sign_in: SignIn, world: World) -> None:
    clerk = sign_in("underwriter")
    address = f"/renewals/vehicles/{world.coach.id}/outcome"
    assert "交强险，终保日期" in words_on(clerk.get(f"{address}?line=ctpl"))
    for _ in range(2):
        answer = clerk.post(address, data=recording())
        assert answer.location == "/renewals"
    board = words_on(clerk.get("/renewals"))
    assert "豫A·12345" not in board
    assert "转投其他公司 2" in board
    listed = words_on(clerk.get("/renewals/outcomes?outcome=switched"))
    assert f"平安财险，至 {day(370)}" in listed
    row = db.session.scalars(select(RenewalOutcome).where(RenewalOutcome.line == PolicyLine.CTPL)).one()
    correction = {"outcome": "sold", "version": str(row.version)}
    answer = clerk.post(f"/renewals/outcomes/{row.id}", data=correction)
    assert answer.location == "/renewals/outcomes"
    assert clerk.post(f"/renewals/outcomes/{row.id}", data=correction).status_code == 409
    assert [one.line for one in db.session.scalars(select(ExternalCover))] == [PolicyLine.COMMERCIAL]
    row = db.session.get_one(RenewalOutcome, row.id)
    refused = clerk.post(
        f"/renewals/outcomes/{row.id}/withdraw", data={"reason": "", "version": str(row.version)}
    )
    assert refused.status_code == 422
    taken_back = {"reason": "登记错误", "version": str(row.version)}
    assert clerk.post(f"/renewals/outcomes/{row.id}/withdraw", data=taken_back).location == "/renewals"
    assert "豫A·12345" in words_on(clerk.get("/renewals"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"insurer": " "}, "请填写现承保公司。"),
        ({"covered_until": ""}, "请填写其他公司保单的终保日期。"),
        ({"covered_until": "0001-01-01"}, ""),
        ({"outcome": "not_renewing"}, ""),
        ({"outcome": "nonsense"}, ""),
        ({"lines": []}, "请勾选不续保的险种。"),
        ({"lines": ["ctpl:tomorrow", f"{HUGE}:2026-01-01"]}, "请勾选不续保的险种。"),
        ({"lines": ["carrier_liability:2026-01-01"]}, "该车已续保或已登记去向"),
        ({"note": "长" * 201}, ""),
    ],
)
def test_a_wrong_outcome_is_refused_and_nothing_is_kept(
    sign_in: SignIn, world: World, changes: dict[str, Any], said: str
) -> None:
    answer = sign_in("underwriter").post(
        f"/renewals/vehicles/{world.coach.id}/outcome", data=recording(**changes)
    )
    assert answer.status_code in (409, 422)
    assert said in words_on(answer)
    assert db.session.scalars(select(RenewalOutcome)).all() == []


def test_outcomes_are_recorded_by_underwriting_and_seen_by_branch(sign_in: SignIn, world: World) -> None:
    clerk = sign_in("underwriter")
    assert clerk.get(f"/renewals/vehicles/{world.foreign_vehicle.id}/outcome").status_code == 404
    clerk.post(f"/renewals/vehicles/{world.coach.id}/outcome", data=recording())
    row = db.session.scalars(select(RenewalOutcome)).first()
    assert row is not None
    for username in ("hq", "safety-gongyi", "claims1"):
        client = sign_in(username)
        assert client.get(f"/renewals/vehicles/{world.coach.id}/outcome").status_code == 403
        assert client.post(f"/renewals/outcomes/{row.id}", data={}).status_code == 403
        assert "平安财险" in words_on(client.get("/renewals/outcomes"))
        assert "/outcome?line=" not in client.get("/renewals").get_data(as_text=True)
    assert "平安财险" not in words_on(sign_in("foreign-hq").get("/renewals/outcomes"))


def test_lists_export_what_is_filtered(sign_in: SignIn, world: World) -> None:
    clerk = sign_in("underwriter")
    clerk.post(f"/renewals/vehicles/{world.coach.id}/outcome", data=recording(lines=[f"ctpl:{day(5)}"]))
    (board,) = sheets_of(clerk.get("/renewals.xlsx?line=commercial"))
    assert [row[2] for row in board if row[3] == "商业险"] == ["豫A12345"]
    assert not [row for row in board if row[3] == "交强险"]
    (outcomes,) = sheets_of(clerk.get("/renewals/outcomes.xlsx?outcome=switched"))
    assert [row[6] for row in outcomes if row[0] == "豫A12345"] == ["平安财险"]
    assert "豫AD12345" not in str(sheets_of(sign_in("safety-gongyi").get("/renewals.xlsx")))


def test_the_rate_opens_the_vehicles_behind_its_numbers(sign_in: SignIn, world: World) -> None:
    ended = day(-2)
    month = f"{ended:%Y-%m}"
    client = sign_in("hq")
    page = client.get(f"/renewals/rate?month={month}")
    assert "中牟公交分公司 1 0 0.0% 0 1" in words_on(page)
    links = re.findall(r'href="(/renewals/rate/policies[^"]*)"', page.get_data(as_text=True))
    lost = next(link for link in links if "lapsed" in link and f"branch={world.zhongmu.id}" in link)
    listed = words_on(client.get(html.unescape(lost)))
    assert "豫A·D12345" in listed
    assert "豫A·12345" not in listed
    first, *_rest = sheets_of(client.get(f"/renewals/rate.xlsx?month={month}"))
    assert ["中牟公交分公司", 1, 0, 0, 0, 1] in [row[:6] for row in first]
    (policies,) = sheets_of(client.get(f"/renewals/rate/policies.xlsx?month={month}&status=lapsed"))
    assert [row[0] for row in policies if row[3] == "交强险"] == ["豫AD12345"]
    own = words_on(sign_in("safety-gongyi").get(f"/renewals/rate?month={month}"))
    assert "中牟公交分公司" not in own


def test_the_forecast_equals_its_spreadsheet(sign_in: SignIn, world: World) -> None:
    page = words_on(sign_in("hq").get("/renewals/forecast"))
    months, branches, cells = sheets_of(sign_in("hq").get("/renewals/forecast.xlsx"))
    month = f"{day(5):%Y-%m}"
    row = next(row for row in months if row[0] == month)
    assert row[1] == 2
    assert f"{month} 2 {row[2]:,.2f} {row[3]:,.2f} — {row[5]:,.2f}" in page
    assert next(row for row in branches if row[0] == "巩义客运分公司")[5] == row[5]
    assert sum(one[4] for one in cells if one[0] == month) == row[5]
    assert sign_in("safety-gongyi").get("/renewals/forecast").status_code == 403
    assert "保费预测" not in words_on(sign_in("safety-gongyi").get("/renewals"))


def make_feed(client: FlaskClient, branch: str = "", key: str = "k") -> str:
    page = client.post("/renewals/calendar", data={"branch": branch, "idempotency_key": key})
    found = re.search(r'value="http://[^/"]+(/calendar/[^"]+\.ics)"', page.get_data(as_text=True))
    assert found, page.status
    return found[1]


def test_a_feed_is_read_without_signing_in_until_it_is_revoked(
    sign_in: SignIn, client: FlaskClient, world: World
) -> None:
    officer = sign_in("safety-gongyi")
    address = make_feed(officer, str(world.gongyi.id))
    again = officer.post("/renewals/calendar", data={"branch": str(world.gongyi.id), "idempotency_key": "k"})
    assert again.location == "/renewals/calendar"
    answer = client.get(address)
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, max-age=3600"
    _info, events = parse(answer.get_data(as_text=True))
    assert [event["DESCRIPTION"] for event in events] == ["豫A12345", "豫A12345"]
    assert {event["DTSTART;VALUE=DATE"] for event in events} == {f"{day(5):%Y%m%d}"}
    assert client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    page = officer.get("/renewals/calendar")
    assert address not in page.get_data(as_text=True)
    revoke = re.search(r'action="(/renewals/calendar/\d+/revoke)"', page.get_data(as_text=True))
    assert revoke
    assert sign_in("foreign-hq").post(revoke[1]).status_code == 404
    assert officer.post(revoke[1]).status_code == 303
    assert client.get(address).status_code == 404
    assert "已停用" in words_on(officer.get("/renewals/calendar"))


def test_a_branch_officer_is_offered_the_own_branch_only(sign_in: SignIn, world: World) -> None:
    officer = sign_in("safety-gongyi")
    assert "全部分公司" not in words_on(officer.get("/renewals/calendar"))
    for branch in ("", str(world.zhongmu.id), HUGE):
        answer = officer.post("/renewals/calendar", data={"branch": branch, "idempotency_key": branch})
        assert answer.status_code == 422
    assert make_feed(sign_in("hq"), key="group")


@pytest.mark.parametrize("token", ["x", "a" * 5000, "%00", "..%2F..%2Fetc", "é" * 40, "' OR 1=1 --"])
def test_a_token_that_none_was_given_is_not_found(client: FlaskClient, token: str) -> None:
    assert client.get(f"/calendar/{token}.ics").status_code in (400, 404)


def test_who_asks_without_end_is_told_to_wait(
    client: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewals_calendar, "_throttle", Throttle(limit=2, seconds=60))
    answers = [client.get("/calendar/nothing.ics") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60


def test_a_throttle_forgets_in_time_and_stays_small() -> None:
    clock = [0.0]
    throttle = Throttle(limit=1, seconds=10, clock=lambda: clock[0])
    assert [throttle.wait("a"), throttle.wait("a"), throttle.wait("b")] == [0, 10, 0]
    clock[0] = 10.0
    assert throttle.wait("a") == 0
    for number in range(20_000):
        throttle.wait(f"address {number}")
    assert len(throttle._asked) <= 10_000


@pytest.mark.parametrize(
    "address",
    [
        f"/renewals?branch={HUGE}&bucket=within_90&page={HUGE}&size=25",
        "/renewals?bucket=later&line=x&use_class=unknown",
        f"/renewals/outcomes?outcome=nonsense&page={HUGE}&branch=²",
        f"/renewals/outcomes?outcome=renewed_early&page={HUGE}",
        "/renewals/outcomes.xlsx?outcome=nonsense&branch=x",
        *(
            f"/renewals/rate?month={month}"
            for month in ("9999-99", "9999-12", "0001-01", "2026-1", "２０２６-11")
        ),
        f"/renewals/rate/policies?month=9999-99&status=x&page={HUGE}&branch={HUGE}&alone=1",
        "/renewals/rate/policies.xlsx?month=x&use_class=unknown",
        f"/renewals/forecast?branch={HUGE}",
        "/renewals/forecast.xlsx?branch=x",
    ],
)
def test_an_address_that_no_page_makes_is_answered(sign_in: SignIn, world: World, address: str) -> None:
    assert sign_in("manager").get(address).status_code == 200


def test_the_board_pages_in_the_database_with_a_bounded_number_of_queries(
    sign_in: SignIn, world: World
) -> None:
    for number in range(30):
        cover(world, VehicleFactory(branch=world.gongyi, plate=f"豫A90{number:03}"), 40)
    page = sign_in("underwriter").get("/renewals?size=25&page=2&bucket=within_60")
    text = words_on(page)
    assert "第 26–30 条，共 30 条" in text
    assert "豫A·90029" in text
    assert "豫A·90001" not in text
    ids = re.search(r'name="vehicle_ids" value="([\d,]+)"', page.get_data(as_text=True))
    assert ids
    assert len(ids[1].split(",")) == 30


def test_the_log_of_a_fault_does_not_tell_a_feeds_address(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[dict[str, Any]] = []
    monkeypatch.setattr(faults.log, "error", lambda event, **values: logged.append(values))
    monkeypatch.setattr(renewals_calendar.calendar, "read", lambda token, now: 1 / 0)

    assert client.get("/calendar/a-secret.ics").status_code == 500

    assert [one["path"] for one in logged] == ["/calendar/<token>.ics"]
