"""Messages in the browser: written on the matter's page, noted as read, listed, exported and printed."""

import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.clock import utc_now
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.enquiries import Enquiry
from service_desk.models.messages import Message, MessageRead, MessageThread
from service_desk.models.notices import Notice
from tests.claim_cases import picture, reported_claim
from tests.world import World

PART = {"X-Fragment": "1"}


@pytest.fixture
def claim(world: World) -> Claim:
    return reported_claim(world, utc_now())


@pytest.fixture
def elsewhere(world: World) -> Claim:
    """A claim of the other branch."""
    return reported_claim(world, utc_now(), vehicle=world.bus)


def send(browser: Any, claim: Claim, words: str, headers: Any = None, **more: Any) -> Any:
    data = {"talk-body": words, "talk-idempotency_key": "one", **more}
    address = f"/messages/claim/{claim.number}"
    return browser.post(address, data=data, headers=headers, content_type="multipart/form-data")


def photo() -> tuple[io.BytesIO, str]:
    return io.BytesIO(picture().content), "保单.jpg"


def count(model: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(model.id))) or 0


def test_client_and_owner_talk_on_the_claims_page(world: World, sign_in: Any, claim: Claim) -> None:
    client, desk = sign_in("safety-gongyi"), sign_in("claims1")
    page = client.get(f"/claims/{claim.number}").text
    assert world.claims1.phone in page
    assert 'data-fragment="#conversation"' in page

    twice = [send(client, claim, "要复印件吗？", **{"talk-files": photo()}) for _time in range(2)]
    assert {answer.location for answer in twice} == {f"/claims/{claim.number}#messages"}
    assert (count(Message), count(Document)) == (1, 1)
    assert "对方未读" in client.get(f"/claims/{claim.number}").text

    assert "要复印件吗？" in desk.get("/").text
    seen = desk.get(f"/claims/{claim.number}").text
    assert "要复印件吗？" in seen
    assert "1 条留言" in seen
    assert f"已读：{world.claims1.name}" in client.get(f"/claims/{claim.number}").text
    assert count(MessageRead) == 1

    part = send(desk, claim, "不用", PART)
    assert part.status_code == 200
    assert "<html" not in part.text
    assert "留言已发送。" in part.text
    answered = client.get(f"/messages/claim/{claim.number}").text
    assert "不用" in answered
    assert "答复" in answered
    told = set(db.session.scalars(select(Notice.kind).where(Notice.kind.startswith("message_"))))
    assert told == {"message_written", "message_answered"}


@pytest.mark.parametrize("headers", [None, PART])
def test_what_was_typed_and_sent_survives_a_refusal(
    world: World, sign_in: Any, claim: Claim, headers: Any
) -> None:
    client = sign_in("safety-gongyi")
    files = [photo(), (io.BytesIO(b"MZ\x90\x00" * 40), "表.exe")]
    refused = send(client, claim, "请看附件", headers, **{"talk-files": files})
    assert refused.status_code == 422
    assert "请看附件" in refused.text
    assert ("<html" in refused.text) is (headers is None)
    (token,) = [part.split('"')[0] for part in refused.text.split('name="kept" value="')[1:]]
    assert count(Message) == 0

    assert send(client, claim, "请看附件", headers, kept=token).status_code in {200, 303}
    assert db.session.scalars(select(Document)).one().filename == "保单.jpg"


def test_no_answer_needed_needs_its_reason(world: World, sign_in: Any, claim: Claim) -> None:
    send(sign_in("safety-gongyi"), claim, "谢谢")
    desk = sign_in("claims1")
    address = f"/messages/claim/{claim.number}/no-answer"
    refused = desk.post(address, data={"talk-end-reason": ""})
    assert refused.status_code == 422
    assert desk.get(address).location == f"/messages/claim/{claim.number}"

    assert desk.post(address, data={"talk-end-reason": "致谢"}).status_code == 303
    assert "无需答复" in sign_in("safety-gongyi").get(f"/claims/{claim.number}").text


def test_the_list_its_file_and_the_paper(world: World, sign_in: Any, claim: Claim) -> None:
    send(sign_in("safety-gongyi"), claim, "要复印件吗？", **{"talk-files": photo()})
    desk = sign_in("claims1")
    listed = desk.get("/messages").text
    assert claim.number in listed
    assert "1 条新留言" in listed
    assert "没有符合筛选条件的留言" in desk.get("/messages?q=nothing&view=nonsense").text
    assert desk.get("/messages.xlsx").status_code == 200
    paper = desk.get(f"/messages/claim/{claim.number}/paper.pdf")
    assert (paper.status_code, paper.data[:4]) == (200, b"%PDF")


def test_a_contact_has_its_thread_and_the_one_of_a_claim_the_claims(
    world: World, sign_in: Any, claim: Claim
) -> None:
    client = sign_in("hq")
    contact = {"subject": "退保", "caller_name": "周敏", "body": "怎么办？", "idempotency_key": "k"}
    address = client.post("/enquiries/new", data=contact).location
    number = address.rpartition("/")[2]
    sent = client.post(f"/messages/enquiry/{number}", data={"talk-body": "补充一句"})
    assert sent.location == f"{address}#messages"
    assert "补充一句" in client.get(address).text

    of_claim = db.session.scalars(select(Enquiry).where(Enquiry.claim_id == claim.id)).one().number
    assert 'id="messages"' not in client.get(f"/enquiries/{of_claim}").text
    assert client.get(f"/messages/enquiry/{of_claim}").status_code == 404


@pytest.mark.parametrize(
    ("who", "reads", "writes"),
    [
        ("hq", 200, 303),
        ("claims2", 200, 303),
        ("underwriter", 200, 403),
        ("admin", 200, 403),
        ("safety-gongyi", 404, 404),
        ("foreign-hq", 404, 404),
    ],
)
def test_each_address_is_as_visible_as_the_matter(
    world: World, app: Flask, sign_in: Any, elsewhere: Claim, who: str, reads: int, writes: int
) -> None:
    send(sign_in("claims1"), elsewhere, "照片", **{"talk-files": photo()})
    document_id = db.session.scalars(select(Document.id)).one()
    browser, base = sign_in(who), f"/messages/claim/{elsewhere.number}"
    found = {
        address: browser.get(address).status_code
        for address in (
            base,
            f"{base}/paper.pdf",
            f"/documents/{document_id}",
            f"/documents/{document_id}/thumb",
        )
    }
    assert set(found.values()) == {reads}, found
    original = browser.get(f"/documents/{document_id}/original").status_code
    assert original == (403 if who == "hq" else reads)

    assert send(browser, elsewhere, "您好").status_code == writes
    end = browser.post(f"{base}/no-answer", data={"talk-end-reason": "不用"})
    # Nobody waits for the desk's word, and the client has nothing to end.
    assert end.status_code == (409 if writes == 303 else writes)
    assert elsewhere.number not in sign_in("safety-gongyi").get("/messages?view=all").text
    assert browser.get("/messages/policy/P-1").status_code == 404


def test_who_only_reads_is_shown_no_form(world: World, sign_in: Any, claim: Claim) -> None:
    page = sign_in("underwriter").get(f"/claims/{claim.number}").text
    assert 'id="messages"' in page
    assert "talk-body" not in page
    assert count(MessageThread) == 0
