"""Endorsements on pages: preview, writing, paper, list, as of; who may not; and what no page sends."""

import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from pdfminer.high_level import extract_text
from sqlalchemy import func, select

from service_desk.base.clock import utc_now
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, EndorsementKind, Policy, PolicyState
from service_desk.models.premiums import PremiumRefund
from service_desk.presenters.endorsements import change_rows
from service_desk.rules.vocabulary import PolicyLine
from tests.endorsement_cases import endorse, issue
from tests.factories import PolicyFactory, VehicleFactory
from tests.web.test_premiums_pages import words_on
from tests.world import World

SignIn = Callable[[str], FlaskClient]
K = EndorsementKind
HUGE = "9" * 23


@pytest.fixture(autouse=True)
def _present(now: datetime) -> Iterator[None]:
    """Pages live in the present."""
    with time_machine.travel(now):
        yield


@pytest.fixture
def policy(world: World, now: datetime) -> Policy:
    """The coach's commercial policy, 14,340 a year, in force since a hundred days."""
    return issue(world, world.coach, now - timedelta(days=100))[PolicyLine.COMMERCIAL]


@pytest.fixture
def clerk(world: World, sign_in: SignIn) -> FlaskClient:
    return sign_in("underwriter")


def sent(policy: Policy, **changes: Any) -> dict[str, Any]:
    """A form as the page sends it."""
    fields = {
        "version": str(policy.version),
        "start": "now",
        "reason": "客户申请",
        "idempotency_key": "endorsement-1",
    }
    return fields | changes


def path(policy: Policy, kind: str, *, confirm: bool = False) -> str:
    return f"/policies/{policy.number}/endorse/{kind}{'/confirm' if confirm else ''}"


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Endorsement)) or 0


def test_what_can_be_done_is_offered(clerk: FlaskClient, policy: Policy) -> None:
    assert f"/policies/{policy.number}/endorse" in clerk.get(f"/policies/{policy.number}").text
    page = clerk.get(f"/policies/{policy.number}/endorse").text
    kinds = set(re.findall(rf"/policies/{policy.number}/endorse/(\w+)", page))
    assert kinds == {kind.value for kind in K} - {"add_cover"}


def test_each_form_opens(clerk: FlaskClient, policy: Policy) -> None:
    answers = [clerk.get(path(policy, kind.value)) for kind in K]
    assert {answer.status_code for answer in answers} == {200}
    assert all('name="reason"' in answer.text for answer in answers)


def test_a_preview_shows_amount_working_and_what_changes_and_writes_nothing(
    clerk: FlaskClient, policy: Policy
) -> None:
    answer = clerk.post(path(policy, "remove_cover"), data=sent(policy, cover_set="tpl_1m"))
    page = words_on(answer)
    assert answer.status_code == 200
    assert "(6,540.00 − 14,340.00) × 265 ÷ 365" in page
    assert "¥5,663.01" in page
    assert "车辆损失险 ¥780,000.00 未投保" in page
    assert count() == 0


def test_what_was_shown_is_written_and_printed(clerk: FlaskClient, policy: Policy) -> None:
    data = sent(policy, cover_set="tpl_1m", expected_fen="-566301")
    answer = clerk.post(path(policy, "remove_cover", confirm=True), data=data)
    assert answer.status_code == 303
    again = clerk.post(path(policy, "remove_cover", confirm=True), data=data)
    assert (again.location, count()) == (answer.location, 1)
    assert "(6,540.00 − 14,340.00) × 265 ÷ 365" in words_on(clerk.get(answer.location))
    paper = extract_text(io.BytesIO(clerk.get(f"{answer.location}.pdf").data))
    assert "人民币伍仟陆佰陆拾叁元零壹分" in paper
    printed = extract_text(io.BytesIO(clerk.get(f"/policies/{policy.number}.pdf").data))
    assert answer.location.rsplit("/", 1)[1] in printed
    assert "8,676.99" in printed


def test_a_cancellation_is_written_and_its_paper_says_what_is_paid_out(
    clerk: FlaskClient, world: World, policy: Policy
) -> None:
    answer = clerk.post(path(policy, "cancellation", confirm=True), data=sent(policy, cause="not_needed"))
    assert answer.status_code == 303
    db.session.refresh(policy)
    assert policy.state is PolicyState.CANCELLED
    assert "退保批单" in extract_text(io.BytesIO(clerk.get(f"{answer.location}.pdf").data))
    assert "已退保" in words_on(clerk.get(f"/policies/{policy.number}"))


def test_a_replacement_shows_both_policies_and_each_page_names_the_other(
    clerk: FlaskClient, world: World, policy: Policy
) -> None:
    VehicleFactory(branch=world.gongyi, plate="豫A55667", seats=22)
    data = sent(policy, vehicle="豫A·55667", cause="replaced")
    page = words_on(clerk.post(path(policy, "replacement"), data=data))
    assert "9,800.00 × 265 ÷ 365" in page
    assert "自生效时起，豫A·12345 不再有该险种保障" in page
    answer = clerk.post(path(policy, "replacement", confirm=True), data=data)
    assert answer.status_code == 303
    new = db.session.scalars(select(Policy.number).where(Policy.replaces_id == policy.id)).one()
    assert new in words_on(clerk.get(answer.location))
    assert new in words_on(clerk.get(f"/policies/{policy.number}"))
    assert policy.number in words_on(clerk.get(f"/policies/{new}"))


def test_total_loss_and_another_class_are_previewed_with_their_price(
    clerk: FlaskClient, policy: Policy
) -> None:
    page = words_on(clerk.post(path(policy, "total_loss"), data=sent(policy)))
    assert "7,800.00 × 0" in page
    page = words_on(clerk.post(path(policy, "use"), data=sent(policy, use_class="city_bus")))
    assert "适用价目：36 座及以上" in page


@pytest.mark.parametrize("confirm", [False, True])
def test_a_policy_that_changed_meanwhile_answers_409_and_keeps_what_was_typed(
    clerk: FlaskClient, world: World, policy: Policy, confirm: bool
) -> None:
    data = sent(policy, plate="豫A77889", reason="换发号牌")
    endorse(world, policy, utc_now(), K.REMOVE_COVER, cover_set="tpl_1m")
    answer = clerk.post(path(policy, "plate", confirm=confirm), data=data)
    assert answer.status_code == 409
    assert 'value="豫A77889"' in answer.text
    assert 'value="换发号牌"' in answer.text
    # Sent again as it stands now, it goes through.
    version = re.search(r'name="version"[^>]*value="(\d+)"', answer.text)
    assert version is not None
    again = clerk.post(path(policy, "plate", confirm=True), data=data | {"version": version.group(1)})
    assert again.status_code == 303


def test_a_refusal_says_why_beside_the_field_in_words(
    clerk: FlaskClient, world: World, policy: Policy
) -> None:
    ctpl = db.session.scalars(
        select(Policy).where(Policy.vehicle_id == world.coach.id, Policy.line == PolicyLine.CTPL)
    ).one()
    answer = clerk.post(path(ctpl, "cancellation"), data=sent(ctpl, cause="sold"))
    assert answer.status_code == 422
    assert "《交强险条例》第16条" in words_on(answer)
    carrier = db.session.scalars(select(Policy).where(Policy.line == PolicyLine.CARRIER_LIABILITY)).one()
    answer = clerk.post(path(carrier, "use"), data=sent(carrier, use_class="goods"))
    assert answer.status_code == 422
    assert "tonnes" not in words_on(answer)


def test_a_plate_change_reaches_the_vehicle_and_the_fleet_page_names_the_others(
    clerk: FlaskClient, world: World, policy: Policy
) -> None:
    data = sent(policy, plate="豫A77889", with_vehicle="y")
    assert clerk.post(path(policy, "plate", confirm=True), data=data).status_code == 303
    page = clerk.get(f"/vehicles/{world.coach.id}").text
    pointed = set(re.findall(r"/policies/(P\w+-\d+)/endorse/plate", page))
    others = db.session.scalars(select(Policy.number).where(Policy.line != PolicyLine.COMMERCIAL))
    assert pointed == set(others)
    other = next(iter(pointed))
    assert 'value="豫A77889"' in clerk.get(f"/policies/{other}/endorse/plate").text


def test_a_policy_is_shown_as_of_any_instant(clerk: FlaskClient, world: World, policy: Policy) -> None:
    endorse(world, policy, utc_now(), K.PLATE, plate="豫A77889")
    assert "豫A77889" in words_on(clerk.get(f"/policies/{policy.number}"))
    earlier = f"{utc_now() - timedelta(days=9):%Y-%m-%dT%H:%M}"
    page = words_on(clerk.get(f"/policies/{policy.number}?at={earlier}"))
    assert "号牌号码 豫A12345" in page
    assert "时的保单" in page


def test_an_instant_that_is_none_shows_the_policy_as_it_stands(clerk: FlaskClient, policy: Policy) -> None:
    for at in ("", "soon", "0001-01-01T00:00", "9999-12-31T23:59", HUGE, "2026-02-30T10:00"):
        answer = clerk.get(f"/policies/{policy.number}", query_string={"at": at})
        assert (at, answer.status_code) == (at, 200)
        assert "时的保单" not in words_on(answer)


def test_the_list_is_filtered_and_exported(clerk: FlaskClient, world: World, policy: Policy) -> None:
    now = utc_now()
    endorse(world, policy, now, K.PLATE, plate="豫A77889")
    removed = endorse(world, policy, now, K.REMOVE_COVER, cover_set="tpl_1m")
    page = words_on(clerk.get("/endorsements?kind=remove_cover"))
    assert removed.number in page
    assert f"END-{removed.number[4:8]}-000001" not in page
    book = load_workbook(io.BytesIO(clerk.get("/endorsements.xlsx?q=豫A77889").data))
    sheet = book.active
    assert sheet is not None
    rows = [row for row in sheet.iter_rows(values_only=True) if str(row[0]).startswith("END-")]
    assert [row[7] for row in rows] == [removed.premium_fen / 100, 0]
    assert "没有符合条件的批单" in words_on(clerk.get(f"/endorsements?branch={world.zhongmu.id}"))


def test_a_filter_that_no_page_sends_is_answered(clerk: FlaskClient, policy: Policy) -> None:
    queries = [
        f"branch={HUGE}",
        "from_on=0001-01-01",
        "to_on=9999-12-31",
        "kind=x",
        "line=²",
        "q=%25",
        f"page={HUGE}",
    ]
    answers = {query: clerk.get(f"/endorsements?{query}").status_code for query in queries}
    assert set(answers.values()) == {200}, answers
    assert clerk.get(f"/endorsements.xlsx?{'&'.join(queries)}").status_code == 200


HOSTILE: list[tuple[str, dict[str, str]]] = [
    ("plate", {"plate": "x" * 500}),
    ("plate", {"plate": "豫A77889", "version": HUGE}),
    ("plate", {"plate": "豫A77889", "version": "-1"}),
    ("plate", {"plate": "豫A77889", "start": "day", "effective_on": "9999-12-31"}),
    ("plate", {"plate": "豫A77889", "start": "day", "effective_on": ""}),
    ("plate", {"plate": "豫A77889", "start": "never", "reason": ""}),
    ("plate", {"plate": "豫A77889", "idempotency_key": "k" * 500}),
    ("use", {"use_class": "tank"}),
    ("branch", {"branch": HUGE}),
    ("branch", {"branch": "²"}),
    ("sum_insured", {"cover_set": "agreed", "code": "ctpl", "limit": "1", "annual": "1"}),
    ("sum_insured", {"cover_set": "agreed", "code": "tpl", "limit": "-5", "annual": "-5"}),
    ("sum_insured", {"cover_set": "agreed", "code": "tpl", "limit": "1e30", "annual": "1"}),
    ("remove_cover", {"cover_set": "x"}),
    ("replacement", {"vehicle": "豫A67890", "tax": "-1", "ctpl_float": "A9", "cause": "x"}),
    ("cancellation", {"cause": "replaced"}),
]


@pytest.mark.parametrize("confirm", [False, True])
def test_a_form_that_no_page_sends_is_refused_and_writes_nothing(
    clerk: FlaskClient, policy: Policy, confirm: bool
) -> None:
    for number, (kind, data) in enumerate(HOSTILE):
        fields = sent(policy, idempotency_key=f"k{number}") | data
        status = clerk.post(path(policy, kind, confirm=confirm), data=fields).status_code
        assert (kind, data, status in {404, 409, 422}) == (kind, data, True)
    assert count() == 0


def test_a_premium_that_is_another_by_now_is_not_written(clerk: FlaskClient, policy: Policy) -> None:
    data = sent(policy, plate="豫A77889", expected_fen="-5")
    assert clerk.post(path(policy, "plate", confirm=True), data=data).status_code == 409
    assert count() == 0


def test_a_changed_deductible_is_told_where_the_limit_stays(app: Flask, session: Any) -> None:
    cover = {
        "code": "own_damage",
        "limit_fen": 780_000_00,
        "per_seat_fen": None,
        "deductible_fen": 500_00,
        "absolute_deductible_percent": 0,
    }
    with app.test_request_context():
        rows = change_rows({"covers": [cover]}, {"covers": [cover | {"deductible_fen": 2_000_00}]}, {})
    assert [(row.before, row.after) for row in rows] == [
        ("¥780,000.00（免赔 ¥500.00）", "¥780,000.00（免赔 ¥2,000.00）")
    ]


def test_a_kind_that_there_is_not_is_not_found(clerk: FlaskClient, policy: Policy) -> None:
    assert clerk.get(path(policy, "magic")).status_code == 404


@pytest.mark.parametrize("username", ["claims1", "hq", "safety-gongyi", "admin"])
def test_others_read_endorsements_and_write_none(
    sign_in: SignIn, world: World, policy: Policy, username: str
) -> None:
    made = endorse(world, policy, utc_now(), K.PLATE, plate="豫A77889")
    reader = sign_in(username)
    assert reader.get(f"/endorsements/{made.number}").status_code == 200
    assert reader.get(f"/endorsements/{made.number}.pdf").status_code == 200
    if username != "admin":
        # An administrator's first account is the other one.
        assert made.number in words_on(reader.get("/endorsements"))
    assert f"{policy.number}/endorse" not in reader.get(f"/policies/{policy.number}").text
    for address in (f"/policies/{policy.number}/endorse", path(policy, "plate")):
        assert reader.get(address).status_code == 403
    answer = reader.post(path(policy, "plate", confirm=True), data=sent(policy, plate="豫A77888"))
    assert answer.status_code == 403


def test_strangers_find_neither_policy_nor_endorsement(sign_in: SignIn, world: World, policy: Policy) -> None:
    made = endorse(world, policy, utc_now(), K.BRANCH, branch_id=world.zhongmu.id)
    for username in ("foreign-hq", "safety-gongyi"):
        reader = sign_in(username)
        assert reader.get(f"/endorsements/{made.number}").status_code == 404
        assert reader.get(f"/endorsements/{made.number}.pdf").status_code == 404
        assert made.number not in words_on(reader.get("/endorsements"))


def test_another_accounts_policy_cannot_be_endorsed(clerk: FlaskClient, world: World) -> None:
    policy = PolicyFactory(vehicle=world.foreign_vehicle, issued_by=world.underwriter)
    db.session.commit()
    assert clerk.get(path(policy, "plate")).status_code == 404
    assert clerk.post(path(policy, "plate", confirm=True), data=sent(policy)).status_code == 404


def test_lists_count_premium_with_its_endorsements(clerk: FlaskClient, world: World, policy: Policy) -> None:
    endorse(world, policy, utc_now(), K.REMOVE_COVER, cover_set="tpl_1m")
    left = "8,676.99"
    assert left in words_on(clerk.get("/policies"))
    assert left in words_on(clerk.get(f"/vehicles/{world.coach.id}"))
    sheet = load_workbook(io.BytesIO(clerk.get("/policies.xlsx").data)).active
    assert sheet is not None
    rows = [row for row in sheet.iter_rows(values_only=True) if row[0] == policy.number]
    assert rows[0][9] == 8676.99
    assert db.session.scalar(select(func.count()).select_from(PremiumRefund)) == 0
