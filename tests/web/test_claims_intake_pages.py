"""The pages of intake, of the survey on site and of photos: nothing typed is lost, nothing served can run."""

import io
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from service_desk.base.clock import CHINA, utc_now
from service_desk.models.audit import AuditEntry
from service_desk.models.claim_intake import Arrival
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.notices import Notice
from service_desk.presenters import mail
from service_desk.rules.claim_flow import ClaimState
from service_desk.services import documents, sla
from service_desk.services.claims.common import matter_of
from tests.claim_cases import Journey, file_store, picture, reported_claim
from tests.world import World


@pytest.fixture
def now() -> datetime:
    """Pages ask the clock."""
    return utc_now()


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    """Reported an hour ago, so that the steps taken lie in the past."""
    claim = reported_claim(world, now - timedelta(hours=1), latitude=34.7575, longitude=113.0225)
    Journey(world, claim, now - timedelta(hours=1)).to(ClaimState.DISPATCHED)
    return claim


def photo(filename: str = "现场.jpg", *, padding: int = 0) -> tuple[io.BytesIO, str]:
    return io.BytesIO(picture().content + b"\0" * padding), filename


def report_form(**changes: object) -> dict[str, object]:
    at = utc_now().astimezone(CHINA) - timedelta(minutes=30)
    known: dict[str, object] = {
        "plate": "豫A12345",
        "loss_at": f"{at:%Y-%m-%dT%H:%M}",
        "place": "站街路口",
        "injured": "no",
        "callback_phone": "13937108891",
        "idempotency_key": "one",
    }
    return known | changes


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_possible_duplicate_is_shown_beside_what_was_typed_and_the_answer_counts(
    world: World, claim: Claim, sign_in: Any
) -> None:
    browser = sign_in("safety-gongyi")

    question = browser.post(
        "/claims/report", data=report_form(description="追尾货车", photos=[photo("一.jpg"), photo("二.jpg")])
    )

    assert question.status_code == 409
    for words in (claim.number, claim.place, world.claims1.name, "追尾货车", f'value="same:{claim.number}"'):
        assert words in question.text
    tokens = re.findall(r'name="kept" value="([^"]+)"', question.text)
    assert len(tokens) == 2
    assert count(Claim) == 1

    answer = report_form(description="追尾货车", kept=tokens, duplicate=f"same:{claim.number}")
    same = browser.post("/claims/report", data=answer)

    assert same.location == f"/claims/{claim.number}/reported"
    assert (count(Claim), count(Document)) == (1, 2)
    page = browser.get(f"/claims/{claim.number}").text
    assert "再次报案" in page
    for notice in db.session.scalars(
        select(Notice).where(Notice.kind == "claim_report_repeated").order_by(Notice.id)
    ):
        told = mail.render(notice, base_url="https://desk.example")
        assert claim.number in told.subject
        assert "追尾货车" in told.text
        assert "13937108891" in told.html
    assert browser.post(
        "/claims/report", data=report_form(duplicate="new", idempotency_key="two")
    ).location.endswith("/reported")
    assert count(Claim) == 2


def test_staff_on_the_phone_are_asked_the_same_and_link_vehicles(
    world: World, claim: Claim, sign_in: Any
) -> None:
    browser = sign_in("claims2")
    typed = report_form(plate="豫A67890", other_party="豫V D2035", channel="phone")

    assert f'value="linked:{claim.number}"' in browser.post("/claims/report", data=typed).text
    sent = typed | {"duplicate": f"linked:{claim.number}", "other_plates": "豫AD12345"}
    answer = browser.get(browser.post("/claims/report", data=sent).location).text

    assert claim.number in answer
    numbers = set(db.session.scalars(select(Claim.number)))
    assert len(numbers) == 3
    accident = browser.get(f"/claims/{claim.number}/accident").text
    assert all(number in accident for number in numbers)
    left = {"reason": "不是同一起", "idempotency_key": "leave"}
    assert browser.post(f"/claims/{claim.number}/accident/leave", data=left).status_code == 303
    other = next(number for number in numbers if number != claim.number)
    refused = browser.post(f"/claims/{claim.number}/accident", data={"other_number": other, "reason": ""})
    assert refused.status_code == 422
    link = {"other_number": other, "reason": "核实后是同一起", "idempotency_key": "link"}
    assert browser.post(f"/claims/{claim.number}/accident", data=link).status_code == 303


def test_a_late_report_is_badged_listed_and_completed(
    world: World, claim: Claim, sign_in: Any, now: datetime
) -> None:
    claim.loss_at = claim.reported_at - timedelta(hours=60)
    db.session.commit()
    browser = sign_in("claims1")

    assert claim.number in browser.get("/claims?view=late").text
    assert "迟报案" in browser.get(f"/claims/{claim.number}").text
    form = browser.get(f"/claims/{claim.number}/complete").text
    version = re.search(r'name="version"[^>]*value="(\d+)"', form)
    assert version
    at = (claim.reported_at - timedelta(hours=1)).astimezone(CHINA)
    typed = {
        "loss_at": f"{at:%Y-%m-%dT%H:%M}",
        "place": claim.place,
        "description": claim.description,
        "callback_phone": claim.callback_phone,
        "version": version[1],
    }
    assert (
        browser.post(f"/claims/{claim.number}/complete", data=typed | {"place": "x" * 300}).status_code == 422
    )
    done = browser.post(f"/claims/{claim.number}/complete", data=typed)
    assert "新的出险时间没有我司保障" in browser.get(done.location).text
    assert browser.post(f"/claims/{claim.number}/complete", data=typed).status_code == 409
    assert sign_in("hq").get(f"/claims/{claim.number}/complete").status_code == 403
    assert sign_in("foreign-hq").get(f"/claims/{claim.number}/complete").status_code == 404


def test_a_photo_of_thirty_megabytes_is_named_with_the_limit_and_the_rest_is_kept(
    world: World, sign_in: Any, now: datetime
) -> None:
    sla.install_defaults(now)
    sent = report_form(description="追尾", photos=[photo("好.jpg"), photo("太大.jpg", padding=31 * 2**20)])

    refused = sign_in("safety-gongyi").post("/claims/report", data=sent)

    assert refused.status_code == 422
    assert "太大.jpg" in refused.text
    assert "20 MB" in refused.text
    assert "追尾" in refused.text
    assert refused.text.count('name="kept"') == 1


def test_the_surveyors_page_from_arrival_to_survey(world: World, claim: Claim, sign_in: Any) -> None:
    browser, address = sign_in("claims1"), f"/claims/{claim.number}/on-site"

    page = browser.get(address).text
    version = re.search(r'name="arrive-version"[^>]*value="(\d+)"', page)
    assert version
    here = {"arrive-latitude": "34.7605", "arrive-longitude": "113.0225", "arrive-accuracy": "12"}
    tapped = browser.post(f"{address}/arrival", data=here | {"arrive-version": version[1]})
    assert (tapped.status_code, tapped.location) == (303, address)
    assert not db.session.scalars(select(Arrival.is_typed)).one()
    assert "距报案地点" in browser.get(address).text

    sent = {"group": "vin", "photos": [photo(), photo("b.jpg")], "idempotency_key": "p"}
    kept = browser.post(f"/claims/{claim.number}/photos?to=site", data=sent)
    assert kept.location == address
    drawn = browser.post(f"{address}/sketch", data={"sketch": photo("sketch.png"), "idempotency_key": "s"})
    assert drawn.status_code == 303
    db.session.refresh(claim)
    survey = {
        "survey-version": str(claim.version),
        "survey-is_first_scene": "yes",
        "survey-findings": "",
        "survey-estimate": "-5",
    }
    refused = browser.post(f"{address}/survey", data=survey)
    assert refused.status_code == 422
    assert "data-draft-refused" in refused.text
    done = browser.post(f"{address}/survey", data=survey | {"survey-estimate": "800"})
    assert done.status_code == 303
    assert "data-draft-done" in browser.get(address).text
    db.session.refresh(claim)
    assert claim.state is ClaimState.SURVEYED
    kinds = set(db.session.scalars(select(Document.kind)))
    assert kinds == {DocumentKind.SURVEY_PHOTO, DocumentKind.SURVEY_SKETCH}
    assert sign_in("safety-gongyi").get(address).status_code == 403
    assert sign_in("foreign-hq").get(address).status_code == 404


def test_photos_by_group_one_large_and_regrouped(world: World, claim: Claim, sign_in: Any) -> None:
    browser, address = sign_in("claims1"), f"/claims/{claim.number}/photos"
    browser.post(address, data={"group": "scene", "photos": [photo("a.jpg"), photo("b.jpg")]})
    ids = db.session.scalars(select(Document.id).order_by(Document.id)).all()

    assert browser.get(address).text.count("/thumb") == 2
    assert browser.get(f"{address}?group=vin").text.count("/thumb") == 0
    moved = browser.post(f"{address}/regroup", data={"group": "vin", "photo_id": [str(ids[0])]})
    assert moved.location == f"{address}?group=vin"
    assert browser.get(f"{address}?group=vin").text.count("/thumb") == 1
    assert browser.post(f"{address}/regroup", data={"group": "vin"}).status_code == 422

    one = browser.get(f"{address}/{ids[0]}").text
    sha256 = db.session.get_one(Document, ids[0]).sha256
    assert sha256 in one
    assert f"/documents/{ids[0]}/original" in one
    by_client = sign_in("safety-gongyi")
    assert f"/documents/{ids[0]}/original" not in by_client.get(f"{address}/{ids[0]}").text
    assert by_client.post(f"{address}/regroup", data={"group": "vin", "photo_id": ids}).status_code == 403
    assert by_client.get(f"{address}/999999").status_code == 404
    assert sign_in("foreign-hq").get(address).status_code == 404


def test_only_copies_are_shown_and_everything_is_served_in_a_sandbox(
    world: World, claim: Claim, sign_in: Any, now: datetime
) -> None:
    script = b"<script>alert(1)</script>"
    sent = documents.Upload("现场.html", picture().content + script)
    shown = documents.store_photo(
        file_store(),
        sent,
        DocumentKind.SCENE_PHOTO,
        matter_of(claim),
        field="photos",
        actor=world.hq,
        now=now,
    )
    paper = documents.store_paper(
        file_store(),
        documents.Upload("发票.pdf", b"%PDF-1.7\ntrailer << >>\n%%EOF"),
        DocumentKind.CLAIM_DOCUMENT,
        matter_of(claim),
        field="files",
        actor=world.hq,
        now=now,
    )
    db.session.commit()
    browser = sign_in("claims1")

    for address in (f"/documents/{shown.id}", f"/documents/{shown.id}/thumb"):
        answer = browser.get(address)
        assert answer.content_type == "image/jpeg"
        assert script not in answer.data
        _assert_sandboxed(answer)
    original = browser.get(f"/documents/{shown.id}/original")
    assert original.data == sent.content
    assert original.content_type == "application/octet-stream"
    assert original.headers["X-Content-SHA256"] == shown.sha256
    assert f"{shown.sha256[:12]}.jpg" in original.headers["Content-Disposition"]
    pdf = browser.get(f"/documents/{paper.id}")
    for answer in (original, pdf):
        assert answer.headers["Content-Disposition"].startswith("attachment")
        _assert_sandboxed(answer)
    known = {"If-None-Match": pdf.headers["ETag"]}
    assert browser.get(f"/documents/{paper.id}", headers=known).status_code == 304
    taken = select(AuditEntry).where(AuditEntry.action == "file_taken").order_by(AuditEntry.id)
    assert [
        (one.actor_id, one.account_id, one.changes["taken_from"][1]) for one in db.session.scalars(taken)
    ] == [
        (world.claims1.id, world.account.id, address)
        for address in (f"/documents/{shown.id}/original", f"/documents/{paper.id}")
    ]
    assert sign_in("hq").get(f"/documents/{shown.id}/original").status_code == 403
    assert sign_in("foreign-hq").get(f"/documents/{shown.id}/original").status_code == 404


def _assert_sandboxed(answer: Any) -> None:
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_command_lists_files_that_are_not_what_they_were(
    app: Any, world: World, claim: Claim, now: datetime
) -> None:
    kept = documents.store_photo(
        file_store(),
        picture(),
        DocumentKind.SCENE_PHOTO,
        matter_of(claim),
        field="photos",
        actor=world.hq,
        now=now,
    )
    db.session.commit()
    run = app.test_cli_runner().invoke
    document_id, path = kept.id, file_store()._path(kept.original_key)

    whole = run(args=["files", "verify"])
    assert (whole.exit_code, whole.output) == (0, "1 documents checked, 0 files missing or changed.\n")
    content = path.read_bytes()
    path.write_bytes(b"changed")
    try:
        broken = run(args=["files", "verify"])
    finally:
        # Other tests share the store, and this content.
        path.write_bytes(content)
    assert broken.exit_code == 1
    assert f"document {document_id} (claim {claim.id}): original changed" in broken.output


def test_the_report_number_is_entered_on_the_claims_page_and_read_by_both_sides(
    sign_in: Any, world: World, claim: Claim
) -> None:
    browser, address = sign_in("claims1"), f"/claims/{claim.number}/report-no"
    assert address in browser.get(f"/claims/{claim.number}").text

    saved = browser.post(address, data={"report_no": " rdza-2026410100001234", "version": claim.version})

    assert saved.status_code == 303
    for username in ("claims1", "hq", "safety-gongyi"):
        page = sign_in(username).get(f"/claims/{claim.number}").text
        assert "RDZA2026410100001234" in page
        assert (address in page) == (username == "claims1")
    assert 'value="RDZA2026410100001234"' in browser.get(address).text
    assert claim.number in browser.get("/claims?q=RDZA-2026410100001234").text
    assert _in_sheet(browser.get("/claims.xlsx").data, "RDZA2026410100001234")
    assert sign_in("hq").get(address).status_code == 403
    assert sign_in("foreign-hq").get(address).status_code == 404


def _in_sheet(xlsx: bytes, text: str) -> bool:
    book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx))
    return any(text in row for row in book.get_sheet_by_index(0).to_python())


def test_a_wrong_or_taken_report_number_is_kept_as_typed_and_says_why(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    other = reported_claim(world, now, vehicle=world.bus, report_no="RDZA111111", report_key="RDZA111111")
    browser, address = sign_in("claims1"), f"/claims/{claim.number}/report-no"

    for typed, words in (("1.23457E+20", "科学计数"), ("rdza 111111", f"{other.number} 已使用此报案号")):
        refused = browser.post(address, data={"report_no": typed, "version": claim.version})
        assert refused.status_code == 422
        assert words in refused.text
        assert f'value="{typed}"' in refused.text


def test_only_the_desk_is_asked_for_a_report_number_with_the_report(sign_in: Any, world: World) -> None:
    sla.install_defaults(utc_now())
    db.session.commit()

    assert 'name="report_no"' in sign_in("claims1").get("/claims/report").text
    assert 'name="report_no"' not in sign_in("safety-gongyi").get("/claims/report").text
    sent = sign_in("claims1").post(
        "/claims/report", data=report_form(report_no="RDZA-111111", channel="phone")
    )
    assert sent.status_code == 303
    sneaked = report_form(plate="豫A67890", report_no="RDZA222222", idempotency_key="two")
    assert sign_in("hq").post("/claims/report", data=sneaked).status_code == 303
    found = db.session.scalars(select(Claim.report_no).order_by(Claim.id))
    assert list(found) == ["RDZA111111", None]
