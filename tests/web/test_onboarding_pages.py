"""New vehicles in the browser: each side sees its turn and nobody another's, and nothing typed or sent is lost."""

import io
from datetime import date, timedelta

import openpyxl
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from service_desk.base.clock import local_date, utc_now
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.fleet import Vehicle, VehicleRequest, VehicleState
from service_desk.models.notices import Notice
from service_desk.models.policies import Policy
from service_desk.models.sla import Timer
from service_desk.presenters import mail
from service_desk.presenters.claims import plate
from service_desk.rules.permissions import Role
from service_desk.rules.vehicle_onboarding import OnboardingState
from service_desk.services import sla
from service_desk.services.policies.onboarding import deciding
from tests.claim_cases import picture
from tests.factories import UserFactory, make_vin
from tests.onboarding_cases import PLATE, VIN, approved, ask, insured, ready
from tests.world import World

S = OnboardingState


@pytest.fixture(autouse=True)
def _ready(world: World) -> None:
    ready(utc_now())


def photo(filename: str = "行驶证.jpg") -> tuple[io.BytesIO, str]:
    return io.BytesIO(picture().content), filename


def typed(world: World, **changes: object) -> MultiDict:
    values: dict[str, object] = {
        "branch_id": world.gongyi.id,
        "plate": "豫A·90001",
        "vin": VIN,
        "use_class": "coach",
        "model": "宇通 ZK6119H",
        "seats": "45",
        "wanted_start_on": local_date(utc_now()).isoformat(),
        "note": "明日上线",
        "photos": [photo()],
        "idempotency_key": "one-and-the-same",
    }
    return MultiDict({**values, **changes})


def decision(request: VehicleRequest, **values: object) -> dict[str, object]:
    return {"version": request.version, "idempotency_key": f"k{request.version}", **values}


def asked(world: World, **changes: object) -> VehicleRequest:
    request = ask(world, utc_now(), **changes)
    db.session.commit()
    return request


def only_request() -> VehicleRequest:
    return db.session.scalars(select(VehicleRequest)).one()


def test_the_fleets_page_leads_the_client_to_the_form(world: World, sign_in) -> None:
    browser = sign_in("safety-gongyi")

    assert 'href="/vehicle-requests/new"' in browser.get("/vehicles").text
    page = browser.get("/vehicle-requests/new").text
    assert "巩义客运分公司" in page
    assert "中牟公交分公司" not in page
    assert 'href="/vehicle-requests/new"' not in sign_in("underwriter").get("/vehicles").text


def test_a_request_sent_twice_is_one_and_is_shown_with_who_decides(world: World, sign_in) -> None:
    browser = sign_in("safety-gongyi")

    first = browser.post("/vehicle-requests/new", data=typed(world))
    second = browser.post("/vehicle-requests/new", data=typed(world))

    request = only_request()
    assert (first.status_code, first.location) == (303, f"/vehicle-requests/{request.number}")
    assert second.location == first.location
    page = browser.get(first.location).text
    for words in (PLATE, VIN, world.hq.name, world.hq.staff_no, world.hq.phone, "待集团审批", "明日上线"):
        assert words in page
    [picture_id] = db.session.scalars(select(Document.id)).all()
    assert browser.get(f"/documents/{picture_id}").status_code == 200
    assert f"/documents/{picture_id}" in page


def test_a_refused_form_keeps_what_was_typed_and_the_photo(world: World, sign_in) -> None:
    browser = sign_in("safety-gongyi")

    refused = browser.post("/vehicle-requests/new", data=typed(world, vin="LZYT", plate="豫A12345"))

    assert refused.status_code == 422
    assert "”不是有效的车架号" in refused.text
    assert "豫A12345" in refused.text
    token = refused.text.split('name="kept" value="')[1].split('"')[0]
    sent = typed(world, kept=token)
    sent.pop("photos")
    assert browser.post("/vehicle-requests/new", data=sent).status_code == 303
    assert db.session.scalar(select(func.count(Document.id))) == 1


def test_without_a_photo_it_is_not_sent(world: World, sign_in) -> None:
    sent = typed(world)
    sent.pop("photos")

    answer = sign_in("safety-gongyi").post("/vehicle-requests/new", data=sent)

    assert answer.status_code == 422
    assert "请上传行驶证照片" in answer.text


def test_each_side_sees_its_own_buttons_only(world: World, sign_in) -> None:
    request = asked(world)
    address = f"/vehicle-requests/{request.number}"

    def buttons(username: str) -> set[str]:
        page = sign_in(username).get(address)
        assert page.status_code == 200
        steps = {"approve", "refuse", "decline", "withdraw", "complete", "correct"}
        return {step for step in steps if f'{address}/{step}"' in page.text}

    assert buttons("hq") == {"approve", "refuse"}
    assert buttons("safety-gongyi") == {"withdraw"}
    assert buttons("underwriter") == buttons("claims1") == set()
    deciding.approve(request.number, request.version, actor=world.hq, now=utc_now())
    db.session.commit()
    assert buttons("hq") == set()
    assert buttons("underwriter") == {"decline"}
    assert f"/issue?vehicle_id={request.vehicle_id}" in sign_in("underwriter").get(address).text
    assert "/issue?" not in sign_in("safety-gongyi").get(address).text


@pytest.mark.parametrize(
    ("username", "step"),
    [
        ("safety-gongyi", "approve"),
        ("underwriter", "approve"),
        ("manager", "approve"),
        ("manager", "refuse"),
        ("hq", "decline"),
        ("hq", "complete"),
        ("hq", "withdraw"),
        ("claims1", "decline"),
        ("underwriter", "withdraw"),
    ],
)
def test_nobody_acts_for_another_side(world: World, sign_in, username: str, step: str) -> None:
    request = asked(world)

    answer = sign_in(username).post(
        f"/vehicle-requests/{request.number}/{step}", data=decision(request, reason="x")
    )

    assert answer.status_code == 403
    assert only_request().state is S.REQUESTED


def test_others_do_not_find_it(world: World, sign_in) -> None:
    request = asked(world)
    UserFactory(
        username="safety-zhongmu", role=Role.BRANCH_SAFETY, accounts=[world.account], branch=world.zhongmu
    )
    [picture_id] = db.session.scalars(select(Document.id)).all()
    number = request.number

    for username in ("safety-zhongmu", "foreign-hq"):
        browser = sign_in(username)
        for address in (f"/vehicle-requests/{number}", f"/vehicle-requests/{number}/correct"):
            assert browser.get(address).status_code == 404
        assert browser.get(f"/documents/{picture_id}").status_code == 404
        assert number not in browser.get("/vehicle-requests?view=all").text
        assert number not in browser.get("/vehicle-requests/register").text
        answer = browser.post(f"/vehicle-requests/{number}/withdraw", data=decision(request, reason="x"))
        assert answer.status_code == 404
    assert sign_in("underwriter").get("/vehicle-requests/new").status_code == 403
    assert sign_in("hq").get("/issue").status_code == 403


def test_an_approval_sent_twice_is_one_and_answers_alike(world: World, sign_in) -> None:
    request, browser = asked(world), sign_in("hq")
    sent = decision(request)

    answers = [browser.post(f"/vehicle-requests/{request.number}/approve", data=sent) for _ in range(2)]

    assert [(answer.status_code, answer.location) for answer in answers] == [
        (303, f"/vehicle-requests/{request.number}")
    ] * 2
    assert only_request().state is S.APPROVED


def test_a_refusal_without_a_reason_is_shown_again_at_its_button(world: World, sign_in) -> None:
    request = asked(world)

    answer = sign_in("hq").post(f"/vehicle-requests/{request.number}/refuse", data=decision(request))

    assert answer.status_code == 422
    assert "请填写原因" in answer.text or "原因" in answer.text
    assert '<details class="fold-button" open>' in answer.text
    assert only_request().state is S.REQUESTED


def test_a_decision_on_an_old_page_is_refused_and_says_so(world: World, sign_in) -> None:
    request = asked(world)
    sent = decision(request)
    deciding.refuse(request.number, "照片不清", request.version, actor=world.hq, now=utc_now())
    db.session.commit()

    answer = sign_in("hq").post(f"/vehicle-requests/{request.number}/approve", data=sent)

    assert answer.status_code == 409
    assert "申请状态已变更" in answer.text


def test_a_refused_request_is_corrected_from_its_own_page(world: World, sign_in) -> None:
    request = asked(world)
    deciding.refuse(request.number, "座位数不符", request.version, actor=world.hq, now=utc_now())
    db.session.commit()
    browser = sign_in("safety-gongyi")
    address = f"/vehicle-requests/{request.number}/correct"
    form = browser.get(address).text
    assert "座位数不符" in form
    assert f'value="{VIN}"' in form

    sent = typed(world, seats="43", version=str(request.version))
    sent.pop("photos")
    answer = browser.post(address, data=sent)

    assert (answer.status_code, answer.location) == (303, f"/vehicle-requests/{request.number}")
    assert (only_request().seats, only_request().round) == (43, 2)
    assert browser.get(address).status_code == 409
    assert sign_in("hq").get(address).status_code == 409


def test_the_order_is_limited_to_the_vehicle_its_lines_and_its_day(world: World, sign_in) -> None:
    day = local_date(utc_now()) + timedelta(days=5)
    request = approved(world, utc_now(), wanted_start_on=day)
    db.session.commit()
    browser = sign_in("underwriter")
    page = browser.get(f"/vehicle-requests/{request.number}").text
    link = page.split('href="/issue?')[1].split('"')[0].replace("&amp;", "&")

    preview = browser.get(f"/issue?{link}").text

    assert f'name="vehicle_ids" type="hidden" value="{request.vehicle_id}"' in preview
    assert f'value="{day}"' in preview
    assert preview.count("checked") >= 4  # three lines and the day
    assert plate(PLATE) in preview


def test_issuing_from_the_preview_lets_the_vehicle_operate(world: World, sign_in) -> None:
    request = approved(world, utc_now())
    db.session.commit()
    browser = sign_in("underwriter")
    sent = MultiDict(
        {
            "vehicle_ids": str(request.vehicle_id),
            "lines": ["ctpl", "commercial", "carrier_liability"],
            "set_ctpl": "basic",
            "set_commercial": "tpl_1m_od",
            "set_carrier_liability": "seat_400k",
            "start": "after",
            "idempotency_key": "k",
        }
    )

    assert browser.post("/issue/confirm", data=sent).status_code == 303

    assert only_request().state is S.DONE
    vehicle = db.session.get_one(Vehicle, only_request().vehicle_id)
    assert vehicle.state is VehicleState.OPERATING
    assert db.session.scalar(select(func.count(Policy.id))) == 3
    page = sign_in("safety-gongyi").get(f"/vehicle-requests/{only_request().number}").text
    for words in ("已入户承保", "PCT", "PCM", "PCL", world.underwriter.name, world.hq.name):
        assert words in page


def test_the_rail_counts_what_waits_for_each(world: World, sign_in) -> None:
    def counted(username: str) -> bool:
        page = sign_in(username).get("/vehicle-requests?view=all").text
        rail = page.split('href="/vehicle-requests"')[1].split("</a>")[0]
        return ">1<" in rail

    request = asked(world)
    people = ("safety-gongyi", "hq", "underwriter", "claims1")
    assert [counted(who) for who in people] == [False, True, False, False]
    deciding.approve(request.number, request.version, actor=world.hq, now=utc_now())
    db.session.commit()
    assert [counted(who) for who in people] == [False, False, True, False]
    deciding.decline(request.number, "x", request.version, actor=world.underwriter, now=utc_now())
    db.session.commit()
    assert [counted(who) for who in people] == [True, False, False, False]


def test_the_homes_show_what_waits(world: World, sign_in) -> None:
    request = asked(world)
    assert "新车入户待我方处理" in sign_in("hq").get("/").text

    deciding.approve(request.number, request.version, actor=world.hq, now=utc_now())
    db.session.commit()

    page = sign_in("underwriter").get("/").text
    assert "待承保新车" in page
    assert page.count(f'href="/vehicle-requests/{request.number}"') == 2  # the task and the card
    assert "待承保新车" not in sign_in("claims1").get("/").text


def test_the_register_is_filtered_by_state_branch_and_period_and_exported_as_filtered(
    world: World, sign_in
) -> None:
    early = utc_now() - timedelta(days=40)
    old = ask(world, early, plate="豫A90009", vin=make_vin(900_109))
    deciding.refuse(old.number, "资料不清", old.version, actor=world.hq, now=early)
    insured(world, approved(world, utc_now()), now=utc_now())
    db.session.commit()
    browser = sign_in("hq")

    def rows(query: str) -> list[tuple[str, str]]:
        book = openpyxl.load_workbook(
            io.BytesIO(browser.get(f"/vehicle-requests/register.xlsx?{query}").data)
        )
        found = [
            row for row in book.active.iter_rows(values_only=True) if row[1] and row[1].startswith("REQ")
        ]
        shown = browser.get(f"/vehicle-requests/register?{query}").text
        assert shown.count('class="row-link"') == len(found)
        return [(row[1], row[7]) for row in found]

    assert len(rows("")) == 5
    assert rows("state=refused_by_group") == [(old.number, "集团退回"), (old.number, "提出申请")]
    assert len(rows(f"branch={world.gongyi.id}")) == 5
    assert rows(f"branch={world.zhongmu.id}") == []
    assert len(rows(f"from_on={date.today() - timedelta(days=10)}")) == 3
    assert len(rows(f"to_on={date.today() - timedelta(days=10)}")) == 2
    assert len(rows("state=nonsense&from_on=nonsense&branch=x")) == 5


def test_the_fleets_list_shows_and_filters_the_waiting_vehicle(world: World, sign_in) -> None:
    request = approved(world, utc_now())
    db.session.commit()
    browser: FlaskClient = sign_in("underwriter")

    page = browser.get("/vehicles?state=pending").text
    assert PLATE in page
    assert "豫A12345" not in page
    detail = browser.get(f"/vehicles/{request.vehicle_id}").text
    assert f"/vehicle-requests/{request.number}" in detail
    assert f"/vehicles/{request.vehicle_id}/state" not in detail
    assert PLATE not in browser.get("/issue").text


def test_the_clocks_own_page_leads_back_to_the_request(world: World, sign_in) -> None:
    request = asked(world)
    browser = sign_in("safety-gongyi")
    page = browser.get(f"/vehicle-requests/{request.number}").text
    timer = page.split('href="/timers/')[1].split('"')[0]

    assert f"/vehicle-requests/{request.number}" in browser.get(f"/timers/{timer}").text


def test_a_broken_promise_of_the_groups_is_shown_where_promises_are_audited(world: World, sign_in) -> None:
    request = ask(world, utc_now() - timedelta(days=9))
    db.session.flush()
    timer = db.session.scalars(
        select(Timer).filter_by(matter_id=request.id, matter_kind="vehicle_request")
    ).one()
    sla.check_timer(timer.id, now=utc_now())
    db.session.commit()
    number, timer_id = request.number, timer.id
    browser = sign_in("manager")

    for address in ("/breaches", f"/breaches/{timer_id}", f"/timers/{timer_id}", "/compliance/timers"):
        page = browser.get(address)
        assert (page.status_code, number in page.text) == (200, True), address
    assert f"/vehicle-requests/{number}" in browser.get(f"/breaches/{timer_id}").text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_are_whole_in_both_languages(world: World, sign_in, language: str) -> None:
    request = approved(world, utc_now(), plate="")
    for user in (world.hq, world.safety_gongyi, world.underwriter):
        user.language = language
    db.session.commit()
    title = {"zh": "新车入户", "en": "New vehicles"}[language]

    for username in ("hq", "safety-gongyi", "underwriter"):
        browser = sign_in(username)
        for address in ("", "/register", f"/{request.number}"):
            page = browser.get(f"/vehicle-requests{address}")
            assert page.status_code == 200
            assert title in page.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_mail_reads_whole_in_the_language_of_who_gets_it(app, world: World, language: str) -> None:
    now = utc_now()
    for user in (world.hq, world.safety_gongyi, world.underwriter):
        user.language = language
    first = ask(world, now)
    deciding.refuse(first.number, "照片不清", first.version, actor=world.hq, now=now)
    db.session.flush()
    second = approved(world, now)
    deciding.decline(second.number, "资料不全", second.version, actor=world.underwriter, now=now)
    db.session.flush()
    third = approved(world, now)
    insured(world, third, now=now)
    kinds = {"vehicle_requested", "vehicle_to_insure", "vehicle_request_decided", "vehicle_operating"}
    notices = db.session.scalars(
        select(Notice).where(Notice.kind.in_(kinds), Notice.channel == "mail").order_by(Notice.id)
    ).all()

    with app.test_request_context():
        mails = [(notice.kind, mail.render(notice, base_url="https://desk.example")) for notice in notices]

    assert {kind for kind, _ in mails} == kinds
    for _, one in mails:
        assert PLATE in one.subject
        assert "https://desk.example/vehicle-requests/REQ-" in one.text
        assert {"zh": "申请", "en": "Request"}[language] in one.text
    texts = "\n".join(one.text for _, one in mails)
    for words in ("照片不清", "资料不全", "PCT2026", world.underwriter.phone, world.hq.phone):
        assert words in texts
