"""Where a phone sends the reports it kept: once, whole, by who typed them, whatever is sent again or cut off."""

import hashlib
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from service_desk.base.clock import CHINA, utc_now
from service_desk.forms.claim_reports import PhoneReportForm
from service_desk.jobs import housekeeping
from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.phone_reports import PhonePhoto, PhoneReport, PhotoState
from service_desk.presenters.labels import LABELS
from service_desk.services import sla
from service_desk.services.claims.phone_reports import HALF_SENT_KEPT, MAX_PIECE_BYTES
from service_desk.services.documents import MAX_PHOTO_BYTES
from tests.claim_cases import file_store, picture
from tests.factories import CoverageFactory, PolicyFactory
from tests.world import World

REPORTS = "/api/phone/reports"
KEY = "made-on-the-phone"
JPEG = picture().content
SignIn = Callable[[str], FlaskClient]


@pytest.fixture(autouse=True)
def _levels(world: World) -> None:
    sla.install_defaults(utc_now())
    db.session.commit()


def announced(*photos: tuple[str, bytes]) -> str:
    return json.dumps(
        [
            {
                "key": key,
                "name": f"{key}.jpg",
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for key, content in photos
        ]
    )


def typed(world: World, **changes: Any) -> dict[str, Any]:
    """What the phone sends of a report typed two hours ago, ten minutes after the accident."""
    at = utc_now().astimezone(CHINA) - timedelta(minutes=130)
    values = {
        "plate": "豫A·12345",
        "loss_at": f"{at:%Y-%m-%dT%H:%M}",
        "place": "连霍高速巩义隧道",
        "description": "隧道内追尾",
        "injured": "no",
        "reporter_name": "郭永刚",
        "callback_phone": "139 3710 8891",
        "idempotency_key": KEY,
        "person": str(world.safety_gongyi.id),
        "account": str(world.account.id),
        "waited_seconds": "7200.5",
        "photos": announced(("one", JPEG)),
    }
    return {**values, **changes}


def piece(
    phone: FlaskClient, content: bytes, offset: int = 0, *, photo: str = "one", key: str = KEY
) -> TestResponse:
    return phone.post(
        f"{REPORTS}/{key}/photos/{photo}",
        data={"offset": str(offset), "piece": (io.BytesIO(content), "piece")},
    )


def count(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_facts_then_the_photo_in_pieces_are_one_claim_with_its_photo(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")
    half = len(JPEG) // 2

    taken = phone.post(REPORTS, data=typed(world)).json
    first = piece(phone, JPEG[:half]).json
    asked = phone.get(f"{REPORTS}/{KEY}/photos/one").json
    last = piece(phone, JPEG[half:], half).json

    claim = db.session.scalars(select(Claim)).one()
    assert (taken["state"], taken["number"]) == ("taken", claim.number)
    assert taken["photos"] == {"one": {"state": "open", "received": 0, "message": ""}}
    assert (first["received"], asked["received"]) == (half, half)
    assert last["state"] == "taken"
    document = db.session.scalars(select(Document)).one()
    assert (document.matter_id, document.filename) == (claim.id, "one.jpg")
    assert document.sha256 == hashlib.sha256(JPEG).hexdigest()
    page = phone.get(f"/claims/{claim.number}").text
    assert f"/documents/{document.id}" in page


def test_the_time_of_typing_is_kept_beside_the_servers(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")

    number = phone.post(REPORTS, data=typed(world)).json["number"]

    report = db.session.scalars(select(PhoneReport)).one()
    assert abs((report.received_at - report.typed_at).total_seconds() - 7200.5) < 1
    claim = db.session.scalars(select(Claim)).one()
    assert claim.reported_at == report.received_at
    minute = f"{report.typed_at.astimezone(CHINA):%H:%M}"
    for path in (f"/claims/{number}", f"/claims/{number}/reported"):
        page = phone.get(path).text
        assert "无信号时填写" in page
        assert minute in page


@pytest.mark.parametrize("waited", ["-5", "4e7", "1e300", "nan", "12000"])
def test_a_clock_that_cannot_be_right_says_nothing(world: World, sign_in: SignIn, waited: str) -> None:
    sign_in("safety-gongyi").post(REPORTS, data=typed(world, waited_seconds=waited))

    assert db.session.scalars(select(PhoneReport)).one().typed_at is None


def test_whatever_is_sent_again_finds_what_it_made(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")
    numbers = [phone.post(REPORTS, data=typed(world)).json["number"] for _ in range(2)]
    states = [piece(phone, JPEG).json["state"] for _ in range(2)]
    again = phone.post(REPORTS, data=typed(world)).json

    assert len({*numbers, again["number"]}) == 1
    assert states == ["taken", "taken"]
    assert again["photos"]["one"]["state"] == "taken"
    assert (count(Claim), count(Document), count(PhonePhoto)) == (1, 1, 1)


def test_a_report_that_the_ordinary_form_had_brought_is_the_same_claim(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")
    with_photo = {**typed(world, photos=""), "photos": (io.BytesIO(JPEG), "one.jpg")}
    answer = phone.post("/claims/report", data=with_photo)

    taken = phone.post(REPORTS, data=typed(world)).json

    assert taken["number"] in answer.location
    assert taken["photos"]["one"]["state"] == "taken"
    assert (count(Claim), count(Document)) == (1, 1)


def test_one_photo_chosen_twice_is_kept_once(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")
    phone.post(REPORTS, data=typed(world, photos=announced(("one", JPEG), ("two", JPEG))))

    states = [piece(phone, JPEG, photo=key).json["state"] for key in ("one", "two")]

    assert states == ["taken", "taken"]
    assert count(Document) == 1


def test_a_change_made_without_knowing_of_the_arrival_stands_on_the_time_line(
    world: World, sign_in: SignIn
) -> None:
    phone = sign_in("safety-gongyi")
    phone.post(REPORTS, data=typed(world))

    changed = typed(world, place="连霍高速出口", photos=announced(("one", JPEG), ("two", b"x")))
    for _ in range(2):
        answer = phone.post(REPORTS, data=changed).json

    event = db.session.scalars(select(ClaimEvent).where(ClaimEvent.kind == "report_retyped")).one()
    assert event.params["changed"] == {"place": "连霍高速出口"}
    assert set(answer["photos"]) == {"one", "two"}
    assert "连霍高速出口" in phone.get(f"/claims/{answer['number']}").text


def test_a_piece_elsewhere_than_at_the_end_of_the_last_is_told_where_to_go_on(
    world: World, sign_in: SignIn
) -> None:
    phone = sign_in("safety-gongyi")
    phone.post(REPORTS, data=typed(world))
    piece(phone, JPEG[:100])

    for offset in (0, 50, 101):
        answer = piece(phone, JPEG[:10], offset)
        assert (answer.status_code, answer.json["received"]) == (409, 100)
    assert piece(phone, JPEG[100:], 100).json["state"] == "taken"


def test_a_store_that_lost_a_half_sent_photo_begins_it_again(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")
    phone.post(REPORTS, data=typed(world))
    piece(phone, JPEG[:100])
    file_store().drop_part(f"photo-{db.session.scalars(select(PhonePhoto)).one().id}")

    assert piece(phone, JPEG[100:], 100).json["received"] == 0
    assert piece(phone, JPEG).json["state"] == "taken"


def test_pieces_are_bounded_and_no_longer_than_announced(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")
    large = announced(("one", b"\xff" * (MAX_PIECE_BYTES + 2)))
    phone.post(REPORTS, data=typed(world, photos=large))
    phone.post(
        REPORTS, data=typed(world, idempotency_key="other", plate="豫A67890", photos=announced(("one", JPEG)))
    )

    assert piece(phone, b"\xff" * (MAX_PIECE_BYTES + 1)).status_code == 422
    assert piece(phone, JPEG + b"more", key="other").status_code == 422
    assert phone.post(f"{REPORTS}/{KEY}/photos/one", data={"offset": "no"}).status_code == 422
    assert {photo.received_bytes for photo in db.session.scalars(select(PhonePhoto))} == {0}


def test_a_renamed_program_is_refused_by_its_name_and_the_rest_goes_on(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")
    program = b"MZ\x90\x00" + b"\0" * 400
    phone.post(REPORTS, data=typed(world, photos=announced(("program", program), ("one", JPEG))))

    refused = [piece(phone, program, photo="program").json for _ in range(2)]
    good = piece(phone, JPEG).json

    assert [one["state"] for one in refused] == ["refused", "refused"]
    assert "program.jpg" in refused[0]["message"]
    assert good["state"] == "taken"
    assert count(Document) == 1
    assert "program.jpg" in phone.get(f"/claims/{db.session.scalars(select(Claim)).one().number}").text


def test_every_fact_that_may_change_has_its_words(app: Flask) -> None:
    with app.test_request_context():
        assert set(PhoneReportForm().facts()) == set(LABELS["report_field"])


def test_bytes_that_changed_on_the_way_are_no_evidence(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")
    phone.post(REPORTS, data=typed(world))

    refused = piece(phone, JPEG[:-1] + b"\0").json

    assert refused["state"] == "refused"
    assert count(Document) == 0


def test_too_large_and_too_many_photos_are_said_before_they_are_sent(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")
    huge = json.dumps([{"key": "huge", "name": "大.jpg", "size": MAX_PHOTO_BYTES + 1}])
    taken = phone.post(REPORTS, data=typed(world, photos=huge)).json
    assert taken["photos"]["huge"]["state"] == "refused"
    assert "大.jpg" in taken["photos"]["huge"]["message"]

    many = announced(*((f"n{n}", JPEG) for n in range(21)))
    refused = phone.post(REPORTS, data=typed(world, idempotency_key="many", photos=many))
    assert refused.status_code == 422
    assert "photos" in refused.json["fields"] or refused.json["messages"]
    assert count(Claim) == 1


@pytest.mark.parametrize(
    "photos",
    [
        "no json",
        "[1]",
        '[{"key": 1, "name": "x", "size": 1}]',
        f'[{{"key": "{"k" * 65}", "name": "x", "size": 1}}]',
    ],
)
def test_photos_announced_in_another_way_are_refused(world: World, sign_in: SignIn, photos: str) -> None:
    assert sign_in("safety-gongyi").post(REPORTS, data=typed(world, photos=photos)).status_code == 422
    assert count(Claim) == 0


def test_refusals_come_by_field_and_nothing_is_written(world: World, sign_in: SignIn) -> None:
    refused = sign_in("safety-gongyi").post(
        REPORTS, data=typed(world, plate="豫AI2345", callback_phone="nobody")
    )

    assert refused.status_code == 422
    assert refused.json["state"] == "refused"
    assert set(refused.json["fields"]) == {"plate", "callback_phone"}
    assert (count(Claim), count(PhoneReport)) == (0, 0)


def test_only_who_typed_a_report_sends_it(world: World, sign_in: SignIn) -> None:
    as_somebody_else = sign_in("hq").post(REPORTS, data=typed(world))
    assert as_somebody_else.status_code == 409

    # A claimed person is checked against the one signed in, and what they see against the account.
    stranger = str(world.foreign_hq.id)
    assert sign_in("foreign-hq").post(REPORTS, data=typed(world, person=stranger)).status_code == 404
    own = typed(world, person=stranger, account=str(world.foreign_account.id))
    assert sign_in("foreign-hq").post(REPORTS, data=own).status_code == 422
    other_branch = typed(world, plate="豫AD12345")
    assert sign_in("safety-gongyi").post(REPORTS, data=other_branch).status_code == 422
    assert count(Claim) == 0


def test_a_photo_is_continued_by_its_sender_alone(world: World, sign_in: SignIn) -> None:
    sign_in("safety-gongyi").post(REPORTS, data=typed(world))

    for somebody_else in ("hq", "claims1", "foreign-hq"):
        other = sign_in(somebody_else)
        assert piece(other, JPEG).status_code == 404
        assert other.get(f"{REPORTS}/{KEY}/photos/one").status_code == 404
    assert count(Document) == 0


def test_a_stale_token_is_told_apart_and_a_fresh_one_is_at_hand(
    app: Any, world: World, sign_in: SignIn
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    phone = sign_in("safety-gongyi")
    stale = phone.post(REPORTS, data=typed(world), headers={"X-CSRFToken": "of-yesterday"})
    session = phone.get("/api/phone/session").json

    answer = phone.post(REPORTS, data=typed(world), headers={"X-CSRFToken": session["csrf_token"]})

    assert stale.status_code == 400
    assert session["person"] == str(world.safety_gongyi.id)
    assert answer.json["state"] == "taken"


def test_the_phone_keeps_the_vehicles_of_the_branch_with_their_cover(world: World, sign_in: SignIn) -> None:
    policy = PolicyFactory(vehicle=world.coach, issued_by=world.underwriter)
    CoverageFactory(policy=policy)
    db.session.commit()

    kept = sign_in("safety-gongyi").get("/api/phone/vehicles").json

    lines = {vehicle["value"]: vehicle["lines"] for vehicle in kept["vehicles"]}
    assert set(lines) == {"豫A12345", "豫A67890"}
    assert lines["豫A12345"][0][0] == "ok"
    assert "bad" in {tone for tone, _words in lines["豫A67890"]}
    assert sign_in("foreign-hq").get("/api/phone/vehicles").json["vehicles"][0]["value"] == "豫C88661"


def test_half_sent_photos_are_dropped_after_their_time(world: World, sign_in: SignIn) -> None:
    phone = sign_in("safety-gongyi")
    phone.post(REPORTS, data=typed(world))
    piece(phone, JPEG[:100])

    housekeeping.run(utc_now() + HALF_SENT_KEPT - timedelta(hours=1))
    db.session.rollback()
    assert db.session.scalars(select(PhonePhoto)).one().received_bytes == 100
    housekeeping.run(utc_now() + HALF_SENT_KEPT + timedelta(hours=1))

    db.session.rollback()
    photo = db.session.scalars(select(PhonePhoto)).one()
    assert (photo.received_bytes, photo.state) == (0, PhotoState.OPEN)
    assert file_store().part_size(f"photo-{photo.id}") == 0
    assert piece(phone, JPEG).json["state"] == "taken"


def test_the_app_names_itself_in_both_languages_and_its_worker_serves_every_page(client: FlaskClient) -> None:
    english, chinese = (client.get(f"/manifest.webmanifest?lang={code}") for code in ("en", "zh"))
    assert english.mimetype == "application/manifest+json"
    assert (english.json["name"], chinese.json["name"]) == ("Service Desk", "大客户保险服务台")
    for icon in english.json["icons"]:
        assert client.get(icon["src"]).content_type == icon["type"]

    worker = client.get("/service-worker.js")
    assert worker.mimetype == "text/javascript"
    assert worker.headers["Cache-Control"] == "no-cache"
    assert "script-src 'self'" in worker.headers["Content-Security-Policy"]
    shell = json.loads(worker.text.partition("start(")[2].rpartition(");")[0])
    assert "/static/js/phone/form.js" in shell["shell"]
    assert client.get(shell["offline"]).status_code == 200


def test_two_senders_at_once_make_one_claim_and_one_photo(world: World, sign_in: SignIn) -> None:
    phones = [sign_in("safety-gongyi") for _ in range(2)]
    data = typed(world)

    def at_once(act: Callable[[FlaskClient], TestResponse]) -> list[Any]:
        with ThreadPoolExecutor(2) as pool:
            return [answer.json for answer in pool.map(act, phones)]

    taken = at_once(lambda phone: FlaskClient.open(phone, REPORTS, method="POST", data=dict(data)))
    path = f"{REPORTS}/{KEY}/photos/one"
    sent = at_once(
        lambda phone: FlaskClient.open(
            phone, path, method="POST", data={"offset": "0", "piece": (io.BytesIO(JPEG), "piece")}
        )
    )

    assert len({answer["number"] for answer in taken}) == 1
    assert [answer["state"] for answer in sent] == ["taken", "taken"]
    db.session.rollback()
    assert (count(Claim), count(Document), count(PhoneReport), count(PhonePhoto)) == (1, 1, 1, 1)
