"""The pages of a claim: the queue, the file, every step by form, and who may not."""

import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import time_machine
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from service_desk.base.clock import CHINA, utc_now
from service_desk.models.claims import Claim, ClaimEvent, ClaimPayment
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.enquiries import Handover
from service_desk.rules.claim_flow import ClaimState
from service_desk.services import documents
from service_desk.services.claims import common, papers, settlement
from service_desk.services.documents import Upload
from tests.claim_cases import Journey, file_store, picture, reported_claim
from tests.world import World


@pytest.fixture(autouse=True)
def _present(now: datetime) -> Iterator[None]:
    """Pages live in the present."""
    with time_machine.travel(now):
        yield


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


def fields(action: str, **values: Any) -> dict[str, Any]:
    """A form's fields as the page names them."""
    return {f"{action}-{name}": value for name, value in values.items()}


def post(client: Any, claim: Claim, action: str, *, version: int | None = None, **values: Any) -> Any:
    db.session.refresh(claim)
    values.setdefault("version", str(claim.version if version is None else version))
    return client.post(f"/claims/{claim.number}/{action}", data=fields(action, **values))


PLAN = {"means": "call", "name": "郭永刚", "phone": "13937108891", "language": "zh"}


def typed(moment: datetime) -> str:
    return f"{moment.astimezone(CHINA):%Y-%m-%dT%H:%M}"


def test_two_people_take_a_claim_through_its_pages(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    # 13,620 is beyond what claims staff approve.
    first, second = sign_in("claims1"), sign_in("manager")

    assert post(first, claim, "dispatch", surveyor_id=world.claims1.id).status_code == 303
    assert post(first, claim, "contact", at=typed(now), spoken_with="郭永刚").status_code == 303
    survey = post(
        first, claim, "survey", arrived_at=typed(now), is_first_scene="yes", findings="后保险杠破损",
        estimate="26,800", features=["third_party_property"], photos=(io.BytesIO(picture().content), "现场.jpg"),
    )  # fmt: skip
    assert survey.status_code == 303
    items = {"items-0-label": "后保险杠", "items-0-kind": "third_party_vehicle", "items-0-amount": "1.86万"}
    assert post(first, claim, "assess", method="更换", **items).status_code == 303
    codes = [line.code for line in papers.list_wanted(claim.id)]
    assert post(first, claim, "receive_document", codes=codes).status_code == 303
    assert post(first, claim, "complete_documents").status_code == 303
    calculated = post(first, claim, "calculate", fault="main", property_loss="18,600", own_damage="0")
    assert calculated.status_code == 303
    made = settlement.latest_calculation(claim.id)
    assert made is not None
    assert post(second, claim, "approve", calculation_id=made.id).status_code == 303
    paid = post(
        second, claim, "pay", amount="13620", payee="郑州联运集团有限公司", account_number="6222021234567894"
    )
    assert paid.status_code == 303
    assert post(first, claim, "close", releases_reserve="y", **PLAN).status_code == 303
    followed = post(first, claim, "follow_up", at=typed(utc_now()), spoken_with="郭永刚", score="5")
    assert followed.status_code == 303

    db.session.refresh(claim)
    assert (claim.state, claim.paid_fen, claim.reserve_fen) == (ClaimState.CLOSED, 13_620_00, 13_620_00)
    page = first.get(f"/claims/{claim.number}").text
    assert "¥13,620.00" in page
    assert "6222021234567894" not in page
    assert "************7894" in page


@pytest.mark.parametrize(
    "state", [s for s in ClaimState if s not in {ClaimState.WITHDRAWN, ClaimState.DENIED}]
)
@pytest.mark.parametrize("username", ["claims1", "claims2", "manager", "underwriter", "hq", "safety-gongyi"])
def test_the_page_shows_every_state_to_everyone_who_may_see_it(
    sign_in: Any, world: World, claim: Claim, now: datetime, state: ClaimState, username: str
) -> None:
    Journey(world, claim, now).to(state)

    answer = sign_in(username).get(f"/claims/{claim.number}")

    assert answer.status_code == 200
    assert claim.number in answer.text
    # One primary button at most: whose step it is not, sees none.
    primary = len(re.findall(r'class="btn btn-primary"', answer.text))
    assert primary <= 1


def test_a_refused_form_comes_back_as_it_was_typed_and_nothing_is_kept(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.DISPATCHED)
    before = db.session.scalar(select(func.count(ClaimEvent.id)))

    answer = post(
        sign_in("claims1"), claim, "survey", arrived_at=typed(now), is_first_scene="no", findings="前保险杠破损",
        estimate="abc", features=["injury"], photos=(io.BytesIO(b"not a picture"), "a.jpg"),
    )  # fmt: skip

    assert answer.status_code == 422
    assert "前保险杠破损" in answer.text
    assert 'value="abc"' in answer.text
    assert "请填写金额" in answer.text or "1,200.00" in answer.text
    assert db.session.scalar(select(func.count(ClaimEvent.id))) == before


def test_a_photo_that_is_none_is_refused_beside_its_field(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.DISPATCHED)

    answer = post(
        sign_in("claims1"), claim, "survey", arrived_at=typed(now), is_first_scene="yes", findings="破损",
        estimate="100", photos=(io.BytesIO(b"GIF89a=1;alert(1)"), "a.gif"),
    )  # fmt: skip

    assert answer.status_code == 422
    assert "a.gif" in answer.text
    db.session.refresh(claim)
    assert claim.state is ClaimState.DISPATCHED


def test_a_stale_page_is_told_and_shows_the_claim_as_it_is(sign_in: Any, world: World, claim: Claim) -> None:
    seen = claim.version
    client = sign_in("claims1")
    post(client, claim, "dispatch", surveyor_id=world.claims1.id)

    answer = post(client, claim, "set_reserve", version=seen, amount="5000", item="vehicle", reason="初估")

    assert answer.status_code == 409
    assert "5000" in answer.text
    db.session.refresh(claim)
    assert claim.reserve_fen == 0


def test_a_step_somebody_else_has_done_meanwhile_is_told_with_what_was_typed(
    sign_in: Any, world: World, claim: Claim
) -> None:
    seen = claim.version
    post(sign_in("claims2"), claim, "dispatch", surveyor_id=world.claims2.id)

    answer = post(
        sign_in("claims1"), claim, "dispatch", version=seen, surveyor_id=world.claims1.id, note="雨天路滑"
    )

    assert answer.status_code == 409
    assert 'role="alert"' in answer.text
    assert "雨天路滑" in answer.text
    db.session.refresh(claim)
    assert claim.owner_id == world.claims2.id


def test_the_same_form_sent_twice_pays_once(sign_in: Any, world: World, claim: Claim, now: datetime) -> None:
    Journey(world, claim, now).to(ClaimState.APPROVED)
    client = sign_in("claims2")
    form = fields(
        "pay", version=str(claim.version), idempotency_key="twice", amount="1000", payee="郑州联运集团有限公司",
        account_number="6222021234567894",
    )  # fmt: skip

    answers = [client.post(f"/claims/{claim.number}/pay", data=form) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert db.session.scalar(select(func.count(ClaimPayment.id))) == 1


def test_nobody_approves_their_own_calculation(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.CALCULATED)
    made = settlement.latest_calculation(claim.id)
    assert made is not None
    client = sign_in("claims1")

    assert post(client, claim, "approve", calculation_id=made.id).status_code == 403
    assert f'action="/claims/{claim.number}/approve"' not in client.get(f"/claims/{claim.number}").text
    db.session.refresh(claim)
    assert claim.state is ClaimState.CALCULATED


@pytest.mark.parametrize("username", ["foreign"])
def test_another_accounts_claim_is_not_there(sign_in: Any, world: World, claim: Claim, username: str) -> None:
    client = sign_in(world.foreign_hq.username)

    assert client.get(f"/claims/{claim.number}").status_code == 404
    assert client.get(f"/claims/{claim.number}/settlement.pdf").status_code == 404
    assert post(client, claim, "dispute", reason="x").status_code == 404


def test_another_branchs_claim_is_not_there(sign_in: Any, world: World, now: datetime) -> None:
    other = reported_claim(world, now, vehicle=world.bus)
    client = sign_in("safety-gongyi")

    assert client.get(f"/claims/{other.number}").status_code == 404
    assert other.number not in client.get("/claims").text


@pytest.mark.parametrize("step", ["dispatch", "survey", "pay", "deny", "no_such_step", "pay_part"])
def test_what_a_client_may_not_do_is_refused(
    sign_in: Any, world: World, claim: Claim, now: datetime, step: str
) -> None:
    expected = {"no_such_step": {404}, "pay_part": {404}}.get(step, {403, 409})

    answer = post(
        sign_in("safety-gongyi"), claim, step, surveyor_id=world.claims1.id, reason="x", amount="1", payee="x",
        account_number="12345678", findings="x", estimate="1", is_first_scene="yes", arrived_at=typed(now),
    )  # fmt: skip

    assert answer.status_code in expected
    db.session.refresh(claim)
    assert claim.state is ClaimState.REPORTED


def test_the_client_sends_a_document_and_sees_what_is_missing_but_nothing_internal(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.ASSESSED)
    common.log_event(claim, "set_reserve", actor=world.claims1, at=now, now=now, is_internal=True,
                     params={"before_fen": 0, "after_fen": 77_777_77, "item": "fees"})  # fmt: skip
    client = sign_in("safety-gongyi")

    sent = post(
        client,
        claim,
        "receive_document",
        codes=["diagnosis"],
        files=(io.BytesIO(picture().content), "诊断.jpg"),
    )

    assert sent.status_code == 303
    page = client.get(f"/claims/{claim.number}").text
    assert "诊断.jpg" in page
    assert "77,777.77" not in page
    assert world.claims1.phone in page
    assert "77,777.77" in sign_in("claims1").get(f"/claims/{claim.number}").text


def test_the_client_sees_the_calculation_once_it_is_approved(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    journey = Journey(world, claim, now)
    client = sign_in("hq")
    journey.to(ClaimState.CALCULATED)
    assert client.get(f"/claims/{claim.number}/settlement.pdf").status_code == 404
    assert "6,300.00" not in client.get(f"/claims/{claim.number}").text

    journey.to(ClaimState.APPROVED)

    assert "6,300.00" in client.get(f"/claims/{claim.number}").text
    sheet = client.get(f"/claims/{claim.number}/settlement.pdf")
    assert sheet.data.startswith(b"%PDF")
    assert sheet.headers["Content-Type"] == "application/pdf"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_settlement_sheet_is_printed_in_the_readers_language(
    sign_in: Any, world: World, claim: Claim, now: datetime, language: str
) -> None:
    Journey(world, claim, now).to(ClaimState.CALCULATED)
    world.claims1.language = language

    sheet = sign_in("claims1").get(f"/claims/{claim.number}/settlement.pdf")

    assert sheet.status_code == 200
    assert sheet.data.startswith(b"%PDF")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?view=mine",
        "?view=nonsense&page=-4",
        "?view=closed&sort=-estimate",
        "?q=豫A12345",
        "?q=%25",
        "?branch=9999",
    ],
)
def test_the_queue_answers_every_address(sign_in: Any, world: World, claim: Claim, query: str) -> None:
    for username in ("claims1", "manager", "hq", "safety-gongyi", "underwriter"):
        assert sign_in(username).get(f"/claims{query}").status_code == 200


def test_the_queue_is_exported_as_filtered(sign_in: Any, world: World, claim: Claim, now: datetime) -> None:
    other = reported_claim(world, now, vehicle=world.bus)

    answer = sign_in("claims1").get(f"/claims.xlsx?branch={world.zhongmu.id}")

    assert answer.status_code == 200
    assert answer.mimetype.endswith("spreadsheetml.sheet")
    texts = _texts(answer.data)
    assert other.number in texts
    assert claim.number not in texts


def _texts(xlsx: bytes) -> str:
    book = CalamineWorkbook.from_filelike(io.BytesIO(xlsx))
    return str(book.get_sheet_by_index(0).to_python())


def test_the_handler_offers_the_claim_and_the_other_takes_it(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    first, second = sign_in("claims1"), sign_in("claims2")
    assert 'action="/handovers"' in first.get(f"/claims/{claim.number}").text
    assert 'action="/handovers"' not in second.get(f"/claims/{claim.number}").text
    form = {"kind": "claim", "number": claim.number, "to_id": str(world.claims2.id), "note": "休假"}

    assert first.post("/handovers", data=form).status_code == 303

    offer = db.session.scalars(select(Handover)).one()
    assert f"/handovers/{offer.id}/accept" in second.get(f"/claims/{claim.number}").text
    assert f"/handovers/{offer.id}/withdraw" in first.get(f"/claims/{claim.number}").text
    assert second.post(f"/handovers/{offer.id}/accept").status_code == 303
    db.session.refresh(claim)
    assert claim.owner_id == world.claims2.id
    assert second.get(f"/claims/{claim.number}").status_code == 200


def test_files_are_served_as_what_they_are_and_only_to_who_may_see_the_claim(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    matter, store = common.matter_of(claim), file_store()
    photo = documents.store_photo(
        store, picture(), DocumentKind.SCENE_PHOTO, matter, field="photos", actor=world.claims1, now=now
    )
    pdf = documents.store_paper(
        store, Upload("判决书.pdf", b"%PDF-1.7\n%%EOF"), DocumentKind.CLAIM_DOCUMENT, matter,
        field="files", actor=world.claims1, now=now,
    )  # fmt: skip
    client = sign_in("safety-gongyi")

    shown, saved = client.get(f"/documents/{photo.id}"), client.get(f"/documents/{pdf.id}")

    assert (shown.mimetype, shown.headers["Content-Disposition"].split(";")[0]) == ("image/jpeg", "inline")
    assert (saved.mimetype, saved.headers["Content-Disposition"].split(";")[0]) == (
        "application/pdf",
        "attachment",
    )
    assert {answer.headers["X-Content-Type-Options"] for answer in (shown, saved)} == {"nosniff"}
    assert shown.headers["Cache-Control"] == "private, no-cache"
    again = {"If-None-Match": shown.headers["ETag"]}
    assert client.get(f"/documents/{photo.id}", headers=again).status_code == 304
    stranger = sign_in(world.foreign_hq.username)
    assert stranger.get(f"/documents/{photo.id}", headers=again).status_code == 404
    assert client.get("/documents/999999").status_code == 404


def test_the_address_of_a_refused_step_leads_back_to_the_claim(
    sign_in: Any, world: World, claim: Claim
) -> None:
    answer = sign_in("claims1").get(f"/claims/{claim.number}/close")

    assert (answer.status_code, answer.location) == (302, f"/claims/{claim.number}")


def test_papers_sent_twice_are_taken_in_once_and_not_refused(
    sign_in: Any, world: World, claim: Claim, now: datetime
) -> None:
    Journey(world, claim, now).to(ClaimState.ASSESSED)
    codes = [line.code for line in papers.list_wanted(claim.id)]
    db.session.refresh(claim)
    sent = fields("receive_document", codes=codes, version=str(claim.version), idempotency_key="papers-1")
    client = sign_in("claims1")

    answers = [
        client.post(
            f"/claims/{claim.number}/receive_document",
            data=sent | {"receive_document-files": (io.BytesIO(picture().content), "单证.jpg")},
        )
        for _ in range(2)
    ]

    assert [(answer.status_code, answer.location) for answer in answers] == [
        (303, f"/claims/{claim.number}")
    ] * 2
    kept = select(func.count(Document.id)).where(
        Document.matter_kind == "claim", Document.matter_id == claim.id, Document.filename == "单证.jpg"
    )
    assert db.session.scalar(kept) == 1
