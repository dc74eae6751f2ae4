"""Reporting an accident in the browser: nothing typed or sent is lost, and the answer names a person."""

import io
import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from service_desk.base.clock import CHINA, utc_now
from service_desk.models.claims import Claim, ReportChannel
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.services import sla
from service_desk.services.claims.common import matter_of
from tests.claim_cases import picture, reported_claim
from tests.factories import CoverageFactory, PolicyFactory
from tests.standing import early
from tests.world import World


@pytest.fixture(autouse=True)
def _levels(world: World) -> None:
    sla.install_defaults(early(utc_now()))
    db.session.commit()


def typed(**changes: object) -> MultiDict:
    """The form as filled in at the roadside, ten minutes after the accident."""
    at = utc_now().astimezone(CHINA) - timedelta(minutes=10)
    values: dict[str, object] = {
        "plate": "豫A·12345",
        "loss_at": f"{at:%Y-%m-%dT%H:%M}",
        "place": "G310 巩义站街路口",
        "description": "雨天追尾前方货车",
        "injured": "yes",
        "injured_count": "2",
        "reporter_name": "郭永刚",
        "callback_phone": "139 3710 8891",
        "idempotency_key": "one-and-the-same",
    }
    return MultiDict({**values, **changes})


def photo(filename: str = "现场.jpg") -> tuple[io.BytesIO, str]:
    return io.BytesIO(picture().content), filename


def one_claim() -> Claim:
    return db.session.scalars(select(Claim)).one()


def test_the_form_knows_the_person_and_lists_the_branchs_own_plates(world: World, sign_in) -> None:
    page = sign_in("safety-gongyi").get("/claims/report").text

    assert world.safety_gongyi.name in page
    assert world.safety_gongyi.phone in page
    assert "豫A12345" in page
    assert "豫AD12345" not in page
    assert page.count("data-step>") == 3


def test_a_report_leads_to_its_number_and_a_named_handler(world: World, sign_in) -> None:
    browser = sign_in("safety-gongyi")

    answer = browser.post("/claims/report", data=typed(photos=[photo()]))

    claim = one_claim()
    assert (answer.status_code, answer.location) == (303, f"/claims/{claim.number}/reported")
    assert (claim.injured_count, claim.channel) == (2, ReportChannel.PORTAL)
    page = browser.get(answer.location).text
    handler = world.claims1
    for words in (claim.number, handler.name, handler.staff_no, f'href="tel:{handler.phone}"'):
        assert words in page
    assert "该时间没有我司的交强险" in page


def test_the_cover_found_is_on_the_answer(world: World, sign_in) -> None:
    policy = PolicyFactory(
        vehicle=world.coach, issued_by=world.underwriter, starts_at=utc_now() - timedelta(days=5)
    )
    CoverageFactory(policy=policy)
    browser = sign_in("safety-gongyi")

    browser.post("/claims/report", data=typed())
    page = browser.get(f"/claims/{one_claim().number}/reported").text

    assert "¥200,000" in page
    assert "该时间没有我司的交强险" not in page


def test_the_same_form_twice_is_one_claim_with_the_same_answer(world: World, sign_in) -> None:
    browser = sign_in("safety-gongyi")

    first = browser.post("/claims/report", data=typed())
    second = browser.post("/claims/report", data=typed())

    assert first.location == second.location
    assert db.session.scalar(select(func.count(Claim.id))) == 1


def test_after_a_refusal_what_was_typed_and_the_photos_received_are_still_there(
    world: World, sign_in
) -> None:
    browser = sign_in("safety-gongyi")

    refused = browser.post(
        "/claims/report", data=typed(plate="豫AI2345", photos=[photo("一.jpg"), photo("二.jpg")])
    )

    assert refused.status_code == 422
    assert "豫A12345" in refused.text  # the plate that was probably meant
    assert "雨天追尾前方货车" in refused.text
    tokens = re.findall(r'name="kept" value="([^"]+)"', refused.text)
    assert len(tokens) == 2
    assert browser.get(f"/claims/report/photos/{tokens[0]}").content_type == "image/jpeg"
    assert db.session.scalar(select(func.count(Claim.id))) == 0

    sent_again = typed()
    sent_again.setlist("kept", [tokens[0]])
    sent_again.add("photos", photo("三.jpg"))
    assert browser.post("/claims/report", data=sent_again).status_code == 303
    assert set(db.session.scalars(select(Document.filename))) == {"一.jpg", "三.jpg"}


def test_a_kept_photo_serves_only_who_sent_it(world: World, sign_in) -> None:
    page = sign_in("safety-gongyi").post("/claims/report", data=typed(place="", photos=[photo()])).text
    (token,) = re.findall(r'name="kept" value="([^"]+)"', page)

    other = sign_in("hq")
    assert other.get(f"/claims/report/photos/{token}").status_code == 404
    sent = typed()
    sent.setlist("kept", [token, "made-up"])
    assert other.post("/claims/report", data=sent).status_code == 303
    assert db.session.scalar(select(func.count(Document.id))) == 0


@pytest.mark.parametrize(
    ("content", "name", "advice"),
    [
        (b"%PDF-1.7 not a picture", "判决书.pdf", "请选择 JPEG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "IMG_1.HEIC", "设置 › 相机 › 格式 › 兼容性最佳"),
    ],
)
def test_a_file_that_is_no_photo_is_named_and_all_else_is_kept(
    world: World, sign_in, content: bytes, name: str, advice: str
) -> None:
    bad = (io.BytesIO(content), name)

    refused = sign_in("safety-gongyi").post("/claims/report", data=typed(photos=[photo(), bad]))

    assert refused.status_code == 422
    assert f"{name} " in refused.text
    assert advice in refused.text
    assert "雨天追尾前方货车" in refused.text
    assert refused.text.count('name="kept"') == 1
    assert db.session.scalar(select(func.count(Claim.id))) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"injured": ""}, "injured"),
        ({"injured": "yes", "injured_count": ""}, "injured_count"),
        ({"loss_at": "2099-01-01T00:00"}, "loss_at"),
        ({"loss_at": "gestern"}, "loss_at"),
        ({"plate": "豫AD12345"}, "plate"),
        ({"callback_phone": "abc"}, "callback_phone"),
        ({"place": ""}, "place"),
    ],
)
def test_each_refusal_stands_beside_its_field(world: World, sign_in, changes: dict, field: str) -> None:
    refused = sign_in("safety-gongyi").post("/claims/report", data=typed(**changes))

    assert refused.status_code == 422
    assert f'id="{field}-error"' in refused.text


def test_nobody_injured_needs_no_number(world: World, sign_in) -> None:
    sign_in("safety-gongyi").post("/claims/report", data=typed(injured="no", injured_count="7"))

    assert one_claim().injured_count == 0


def test_staff_take_the_same_report_by_phone_and_say_who_called(world: World, sign_in) -> None:
    browser = sign_in("claims2")
    form = browser.get("/claims/report").text
    assert 'name="channel"' in form
    assert world.claims2.phone not in form

    browser.post("/claims/report", data=typed(channel="visit"))

    claim = one_claim()
    assert (claim.channel, claim.owner_id) == (ReportChannel.VISIT, world.claims2.id)


def test_suggestions_and_cover_show_only_what_the_person_may_see(world: World, sign_in) -> None:
    browser = sign_in("safety-gongyi")

    found = browser.get("/api/report-vehicles?q=12345").json
    assert [row["value"] for row in found] == ["豫A12345"]
    assert "宇通" in browser.get("/api/claim-cover?plate=豫A12345").text
    for plate in ("豫AD12345", "豫C88661"):
        assert "宇通" not in browser.get(f"/api/claim-cover?plate={plate}").text
    assert browser.get("/api/claim-cover?plate=豫A12345&at=nonsense").status_code == 200


def test_the_answer_is_shown_to_who_may_see_the_claim(world: World, sign_in) -> None:
    sign_in("hq").post("/claims/report", data=typed(plate="豫AD12345"))
    path = f"/claims/{one_claim().number}/reported"

    assert sign_in("hq").get(path).status_code == 200
    for stranger in ("safety-gongyi", "foreign-hq"):
        assert sign_in(stranger).get(path).status_code == 404


def test_the_answer_can_be_opened_again_when_its_clocks_have_ended(
    world: World, sign_in, now: datetime
) -> None:
    claim = reported_claim(world, now)
    sla.cancel(matter_of(claim), at=now, actor=None, now=now)
    db.session.commit()

    assert sign_in("safety-gongyi").get(f"/claims/{claim.number}/reported").status_code == 200


def test_a_stranger_is_asked_to_sign_in(client) -> None:
    for path in (
        "/claims/report",
        "/api/claim-cover",
        "/api/report-vehicles",
        "/claims/CLM-2026-000001/reported",
    ):
        assert client.get(path).status_code in {302, 401}
    assert client.post("/claims/report").status_code in {302, 400, 401}


def test_the_page_speaks_english_too(world: World, sign_in, now: datetime) -> None:
    world.safety_gongyi.language = "en"
    page = sign_in("safety-gongyi").get("/claims/report").text

    assert "Report an accident" in page
    assert "Is anybody injured?" in page
