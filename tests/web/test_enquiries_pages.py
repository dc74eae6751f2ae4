"""First contacts in the browser: who owns what, answers, and hand-overs that count when accepted."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service_desk.base.clock import utc_now
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.enquiries import (
    AnswerTemplate,
    Enquiry,
    EnquiryChannel,
    EnquiryRepeat,
    EnquiryState,
    Handover,
    HandoverState,
    MatterKind,
)
from service_desk.models.notices import Channel, Notice
from service_desk.models.users import User
from service_desk.presenters import mail
from service_desk.services import enquiries, sla
from service_desk.services.claims import intake
from service_desk.services.enquiries import ContactDetails
from tests.claim_cases import file_store, reported_claim
from tests.standing import early
from tests.world import World

CALL = {
    "channel": "call",
    "subject": "过户要带哪些材料",
    "body": "车卖给中牟分公司",
    "caller_name": "郭永刚",
    "caller_phone": "13937108891",
    "idempotency_key": "the-same",
}


@pytest.fixture(autouse=True)
def _levels(world: World) -> None:
    sla.install_defaults(early(utc_now()))
    db.session.commit()


def one() -> Enquiry:
    return db.session.scalars(select(Enquiry)).one()


def test_a_call_is_logged_once_and_owned_by_who_took_it(world: World, sign_in) -> None:
    browser = sign_in("underwriter")

    first = browser.post("/enquiries/new", data=CALL)
    second = browser.post("/enquiries/new", data=CALL)

    assert first.location == second.location == f"/enquiries/{one().number}"
    page = browser.get(first.location).text
    assert world.underwriter.staff_no in page
    assert "车卖给中牟分公司" in page


def test_what_was_typed_survives_a_refusal(world: World, sign_in) -> None:
    refused = sign_in("claims1").post("/enquiries/new", data=CALL | {"about": "豫X00000"})

    assert refused.status_code == 422
    assert 'id="about-error"' in refused.text
    assert "车卖给中牟分公司" in refused.text
    assert db.session.scalar(select(func.count(Enquiry.id))) == 0


def test_a_client_writes_and_sees_who_owns_it_with_number_and_phone(world: World, sign_in) -> None:
    browser = sign_in("safety-gongyi")
    form = browser.get("/enquiries/new").text
    assert 'name="channel"' not in form

    answer = browser.post("/enquiries/new", data=CALL)

    enquiry = one()
    owner = db.session.get_one(type(world.claims1), enquiry.owner_id)
    page = browser.get(answer.location).text
    assert enquiry.channel is EnquiryChannel.MESSAGE
    for words in (owner.name, owner.staff_no, f'href="tel:{owner.phone}"'):
        assert words in page
    assert "/answer" not in page


def test_an_answer_by_the_owner_is_read_by_the_client(world: World, sign_in) -> None:
    sign_in("safety-gongyi").post("/enquiries/new", data=CALL)
    enquiry = one()
    owner = db.session.get_one(type(world.claims1), enquiry.owner_id)
    path = f"/enquiries/{enquiry.number}"

    sent = sign_in(owner.username).post(
        f"{path}/answer", data={"answer": "带上登记证书", "version": enquiry.version}
    )

    assert sent.status_code == 303
    assert "带上登记证书" in sign_in("safety-gongyi").get(path).text
    assert one().state is EnquiryState.ANSWERED


def test_an_answer_from_a_stale_page_keeps_the_words(world: World, sign_in) -> None:
    browser = sign_in("claims1")
    browser.post("/enquiries/new", data=CALL)
    path = f"/enquiries/{one().number}"
    browser.post(f"{path}/answer", data={"answer": "一份", "version": one().version})

    refused = browser.post(f"{path}/answer", data={"answer": "两份材料", "version": 1})

    assert refused.status_code == 409
    assert "两份材料" in refused.text
    assert one().answer == "一份"


def test_closing_needs_an_answer_and_then_ends_it(world: World, sign_in) -> None:
    browser = sign_in("claims1")
    browser.post("/enquiries/new", data=CALL)
    path = f"/enquiries/{one().number}"

    too_early = browser.post(f"{path}/close", data={"version": one().version})
    assert too_early.location == path
    assert "请先填写答复" in browser.get(path).text
    browser.post(f"{path}/answer", data={"answer": "好", "version": one().version})
    shown = one().version
    for _ in range(2):
        browser.post(f"{path}/close", data={"version": shown})

    assert one().state is EnquiryState.CLOSED
    page = browser.get(path).text
    assert "来询已办结" in page
    assert "他人已修改" not in page


def test_others_do_not_answer_and_strangers_do_not_see(world: World, sign_in) -> None:
    sign_in("claims1").post("/enquiries/new", data=CALL | {"about": "豫AD12345"})
    path = f"/enquiries/{one().number}"

    assert sign_in("claims2").get(path).status_code == 200
    assert sign_in("claims2").post(f"{path}/answer", data={"answer": "x", "version": "1"}).status_code == 403
    for stranger in ("safety-gongyi", "foreign-hq"):
        assert sign_in(stranger).get(path).status_code == 404
        assert sign_in(stranger).post(f"{path}/answer", data={"answer": "x"}).status_code == 404


def test_a_claim_is_offered_from_its_page_refused_with_a_reason_and_accepted(world: World, sign_in) -> None:
    claim = reported_claim(world, utc_now() - timedelta(minutes=1))
    owner, taker = sign_in("claims1"), sign_in("claims2")
    offer = {"kind": "claim", "number": claim.number, "to_id": world.claims2.id, "note": "休假"}

    asked = owner.post("/handovers", data=offer)
    assert asked.location == f"/claims/{claim.number}"
    again = owner.post("/handovers", data=offer, follow_redirects=False)
    assert again.status_code == 303
    (first,) = db.session.scalars(select(Handover)).all()

    assert owner.post(f"/handovers/{first.id}/accept").status_code == 404
    taker.post(f"/handovers/{first.id}/refuse", data={"reason": ""})
    assert db.session.get_one(Handover, first.id).state is HandoverState.ASKED
    taker.post(f"/handovers/{first.id}/refuse", data={"reason": "在外地"})
    owner.post("/handovers", data=offer)
    second = db.session.scalars(select(Handover).where(Handover.state == HandoverState.ASKED)).one()
    taker.post(f"/handovers/{second.id}/accept")

    assert db.session.get_one(Claim, claim.id).owner_id == world.claims2.id


def test_an_offer_is_seen_decided_and_shown_in_the_chain(world: World, sign_in) -> None:
    owner, taker = sign_in("claims1"), sign_in("underwriter")
    owner.post("/enquiries/new", data=CALL)
    number = one().number
    owner.post("/handovers", data={"kind": "enquiry", "number": number, "to_id": world.underwriter.id})
    offer = db.session.scalars(select(Handover)).one()

    assert f"/handovers/{offer.id}/accept" in taker.get(f"/enquiries/{number}").text
    assert f"/handovers/{offer.id}/withdraw" in owner.get(f"/enquiries/{number}").text
    taker.post(f"/handovers/{offer.id}/accept")

    assert one().owner_id == world.underwriter.id
    page = owner.get(f"/enquiries/{number}").text
    assert world.claims1.name in page
    assert world.underwriter.staff_no in page


@pytest.mark.parametrize(
    "data", [{}, {"kind": "policy", "number": "X"}, {"kind": "claim", "number": "CLM-1"}]
)
def test_an_offer_of_nothing_is_not_found(world: World, sign_in, data: dict) -> None:
    assert sign_in("claims1").post("/handovers", data=data).status_code == 404


def test_the_client_hands_nothing_over(world: World, sign_in) -> None:
    claim = reported_claim(world, utc_now())
    offer = {"kind": "claim", "number": claim.number, "to_id": world.claims2.id}

    assert sign_in("hq").post("/handovers", data=offer).status_code == 403
    assert sign_in("foreign-hq").post("/handovers", data=offer).status_code == 404


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_message_about_owners_reads_as_a_mail(world: World, app, language: str) -> None:
    """Report, question, answer, offer, refusal and acceptance: seven kinds of mail, each rendered as delivered."""
    now = utc_now()
    command = intake.ReportCommand(
        world.account.id, "豫A12345", now, "G310", "追尾", "郭永刚", "13937108891", injured_count=0
    )
    number = intake.report(command, photos=[], key="", actor=world.safety_gongyi, now=now, files=file_store())
    claim = db.session.scalars(select(Claim).where(Claim.number == number)).one()
    question = ContactDetails(EnquiryChannel.MESSAGE, "郭永刚", "", "何时到现场", "", number, None)
    asked = enquiries.log_contact(world.account.id, question, actor=world.safety_gongyi, now=now)
    owner = db.session.get_one(User, claim.owner_id)
    enquiries.answer(asked.number, "十点", asked.version, actor=owner, now=now)
    for decide in (enquiries.refuse, enquiries.accept):
        offer = enquiries.ask_handover(
            MatterKind.CLAIM, number, world.claims2.id, "休假", actor=owner, now=now
        )
        reason = ("在外地",) if decide is enquiries.refuse else ()
        decide(offer.id, *reason, actor=world.claims2, now=now)
    db.session.commit()

    notices = db.session.scalars(
        select(Notice).where(Notice.channel == Channel.MAIL).order_by(Notice.id)
    ).all()
    for notice in notices:
        notice.language = language
    mails = {notice.kind: mail.render(notice, base_url="https://desk.example") for notice in notices}

    assert mails.keys() >= {
        "claim_reported",
        "claim_received",
        "enquiry_assigned",
        "enquiry_answered",
        "handover_asked",
        "handover_refused",
        "handover_accepted",
    }
    assert owner.staff_no in mails["claim_received"].text
    assert number in mails["claim_received"].subject
    assert mails["handover_refused"].html.count("在外地") == 1
    assert mails["handover_refused"].text.count("在外地") == 1
    for one_mail in mails.values():
        assert "https://desk.example/" in one_mail.text
        assert "%(" not in one_mail.subject + one_mail.text


def test_the_list_filters_and_stands_up_to_nonsense(world: World, sign_in) -> None:
    browser = sign_in("claims1")
    browser.post("/enquiries/new", data=CALL)

    assert "过户" in browser.get("/enquiries").text
    assert "过户" in browser.get("/enquiries?view=all&q=过户").text
    assert "过户" not in browser.get("/enquiries?view=closed").text
    assert browser.get("/enquiries?view=nonsense&branch=x&page=-3").status_code == 200
    assert "过户" not in sign_in("safety-gongyi").get("/enquiries?view=all").text


def test_a_second_call_is_asked_about_and_keeps_what_was_typed(world: World, sign_in) -> None:
    browser = sign_in("underwriter")
    browser.post("/enquiries/new", data=CALL)
    number = one().number
    again = CALL | {"idempotency_key": "another", "subject": "再问一次"}

    asked = browser.post("/enquiries/new", data=again)

    assert asked.status_code == 409
    assert number in asked.text
    assert "再问一次" in asked.text
    joined = browser.post("/enquiries/new", data=again | {"repeat": f"join:{number}", "shown": number})
    assert joined.location == f"/enquiries/{number}"
    call = {"channel": "call", "words": "第三次", "idempotency_key": "third"}
    for _ in range(2):
        assert browser.post(f"/enquiries/{number}/calls", data=call).status_code == 303
    assert db.session.scalar(select(func.count(EnquiryRepeat.id))) == 2
    page = browser.get("/enquiries?view=all&repeated=1&kind=question&channel=call").text
    assert number in page
    assert number not in browser.get("/enquiries?view=all&kind=complaint").text


def test_templates_fill_the_answer_without_a_script(world: World, sign_in) -> None:
    manager = sign_in("manager")
    fields = {
        "topic": "保单",
        "title": "退费",
        "body": "{caller}您好",
        "title_en": "Refund",
        "body_en": "Hello {caller}",
    }
    assert manager.post("/answer-templates/new", data=fields | {"body": "{x}"}).status_code == 422
    assert manager.post("/answer-templates/new", data=fields | {"is_active": "y"}).status_code == 303
    template = db.session.scalars(select(AnswerTemplate)).one()
    assert "退费" in manager.get("/answer-templates").text
    assert "{caller}您好" in manager.get(f"/answer-templates/{template.id}").text
    assert manager.get("/answer-templates.xlsx").status_code == 200
    desk = sign_in("underwriter")
    desk.post("/enquiries/new", data=CALL)
    number = one().number

    filled = desk.get(f"/enquiries/{number}?template={template.id}").text

    assert "郭永刚您好" in filled
    assert "Hello 郭永刚" in desk.get(f"/enquiries/{number}?template={template.id}&lang=en").text
    desk.post(
        f"/enquiries/{number}/answer",
        data={"answer": "郭永刚您好", "version": one().version, "template_id": template.id},
    )
    assert one().template_id == template.id
    assert sign_in("claims1").get(f"/answer-templates/{template.id}").status_code == 403
    for stranger in ("hq", "safety-gongyi"):
        assert sign_in(stranger).get("/answer-templates").status_code == 403


def test_a_complaint_is_seen_by_all_but_whom_it_is_about(world: World, sign_in) -> None:
    claim = reported_claim(world, early(utc_now()))
    number_of_claim = claim.number
    db.session.commit()
    client = sign_in("hq")
    said = {"kind": "complaint", "subject": "迟到", "about": number_of_claim, "caller_name": "周敏"}
    address = client.post("/enquiries/new", data=said).location
    statuses = {name: sign_in(name).get(address).status_code for name in ("manager", "claims2", "claims1")}
    assert statuses == {"manager": 200, "claims2": 200, "claims1": 404}
    for path in ("answer", "close", "word", "link", "calls"):
        assert sign_in("claims1").post(f"{address}/{path}").status_code == 404
        assert sign_in("foreign-hq").post(f"{address}/{path}").status_code == 404
    number = address.rsplit("/", 1)[1]
    assert number in sign_in("claims2").get(f"/claims/{number_of_claim}").text
    assert number not in sign_in("claims1").get(f"/claims/{number_of_claim}").text
    about_me = said | {"about": "", "person_id": world.claims1.id, "channel": "call"}
    assert sign_in("claims1").post("/enquiries/new", data=about_me).location == "/enquiries"


def test_the_client_says_whether_it_is_settled(world: World, sign_in) -> None:
    client = sign_in("safety-gongyi")
    client.post("/enquiries/new", data={"subject": "发票", "caller_name": "郭永刚"})
    made = one()
    owner = db.session.get_one(User, made.owner_id).username
    sign_in(owner).post(f"/enquiries/{made.number}/answer", data={"answer": "已寄", "version": made.version})
    db.session.expire_all()
    page = client.get(f"/enquiries/{made.number}").text
    assert "未解决：再次询问" in page or "Not settled: ask again" in page
    no = {"is_satisfied": "no", "version": made.version}
    assert client.post(f"/enquiries/{made.number}/word", data=no).status_code == 422
    assert client.post(f"/enquiries/{made.number}/word", data=no | {"note": "没收到"}).status_code == 303
    db.session.expire_all()
    assert made.state is EnquiryState.OPEN


def test_what_is_missing_is_called_as_the_form_calls_it(world: World, sign_in) -> None:
    empty = {"kind": "question", "subject": "", "caller_name": ""}

    assert "请填写“您的姓名”。" in sign_in("safety-gongyi").post("/enquiries/new", data=empty).text
    assert "请填写“询问人”。" in sign_in("claims1").post("/enquiries/new", data=empty).text


def test_what_is_missing_is_summed_up_in_the_order_of_the_page(sign_in) -> None:
    page = sign_in("claims1").post("/enquiries/new", data={"kind": "question"}).text

    assert page.index("请填写“事项”。") < page.index("请填写“询问人”。")


def test_an_answer_sent_twice_is_recorded_once_and_nobody_else_is_blamed(world: World, sign_in) -> None:
    browser = sign_in("claims1")
    browser.post("/enquiries/new", data=CALL)
    path = f"/enquiries/{one().number}"
    sent = {"answer": "带上登记证书", "version": one().version, "idempotency_key": "answer-1"}

    answers = [browser.post(f"{path}/answer", data=sent) for _ in range(2)]
    changed = browser.post(f"{path}/answer", data=sent | {"answer": "另带行驶证"})

    assert [(answer.status_code, answer.location) for answer in answers] == [(303, path)] * 2
    answered = select(func.count(AuditEntry.id)).where(AuditEntry.action == "enquiry_answered")
    assert db.session.scalar(answered) == 1
    # What was written anew is not lost behind "recorded".
    assert changed.status_code == 409
    assert "另带行驶证" in changed.text
    assert one().answer == "带上登记证书"


def test_who_accepts_or_refuses_twice_reads_no_refusal(world: World, sign_in) -> None:
    claim = reported_claim(world, utc_now() - timedelta(minutes=1))
    owner, taker = sign_in("claims1"), sign_in("claims2")
    offer = {"kind": "claim", "number": claim.number, "to_id": world.claims2.id}
    decided = "已被处理或撤回"

    owner.post("/handovers", data=offer)
    first = db.session.scalars(select(Handover)).one()
    for _ in range(2):
        taker.post(f"/handovers/{first.id}/refuse", data={"reason": "在外地"})
    assert decided not in taker.get(f"/claims/{claim.number}").text
    taker.post(f"/handovers/{first.id}/refuse", data={"reason": "休假"})
    assert decided in taker.get(f"/claims/{claim.number}").text

    owner.post("/handovers", data=offer)
    second = db.session.scalars(select(Handover).where(Handover.state == HandoverState.ASKED)).one()
    for _ in range(2):
        taker.post(f"/handovers/{second.id}/accept")
    page = taker.get(f"/claims/{claim.number}").text

    assert "现由您负责" in page
    assert decided not in page
    accepted = select(func.count(AuditEntry.id)).where(AuditEntry.action == "handover_accepted")
    assert db.session.scalar(accepted) == 1
