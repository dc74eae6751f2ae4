"""The pages of claims' money: by form, masked, and not for everybody."""

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from pdfminer.high_level import extract_text
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from service_desk.base.clock import CHINA, utc_now
from service_desk.models.claim_letters import ClaimLetter
from service_desk.models.claim_money import AuthorityTier, ClaimAdvance, Recovery
from service_desk.models.claims import ClaimPayment
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.permissions import Role
from service_desk.services.claims import authority, exits, reserves
from service_desk.services.claims.reserves import SetReserve
from tests.claim_cases import DENIAL, Journey, reported_claim
from tests.world import World


@pytest.fixture
def now() -> datetime:
    """Half an hour ago: pages live in the present, and steps taken by the services lie before it."""
    return utc_now() - timedelta(minutes=30)


@pytest.fixture
def journey(world: World, now: datetime) -> Journey:
    return Journey(world, reported_claim(world, now), now)


def version(row: Any) -> str:
    db.session.refresh(row)
    return str(row.version)


def test_an_advance_goes_through_its_pages_and_is_paid_once(sign_in: Any, journey: Journey) -> None:
    journey.to(ClaimState.SURVEYED)
    first, second = sign_in("claims1"), sign_in("claims2")
    address = f"/claims/{journey.claim.number}"
    sent = {
        "basis": "certain_part",
        "amount": "2,000",
        "reason": "票据已核",
        "version": version(journey.claim),
    }
    assert first.post(f"{address}/advance", data=sent).status_code == 303
    one = db.session.scalars(select(ClaimAdvance)).one()
    page = f"{address}/advances/{one.id}"
    decided = {"decide-version": version(journey.claim), "approve": "1"}
    assert second.post(page, data=decided).status_code == 303
    values = {
        "advance-version": version(journey.claim), "advance-amount": "2000", "advance-payee": "巩义修理厂",
        "advance-account_number": "6222021234567890", "advance-idempotency_key": "k1", "pay": "1",
    }  # fmt: skip
    refused = first.post(page, data=values)
    assert refused.status_code == 422
    assert "卡号校验位不符" in refused.text
    ticks = {"advance-account_confirmed": "y", "advance-payee_confirmed": "y"}
    for _click in range(2):
        assert first.post(page, data=values | ticks).status_code == 303

    assert [one.amount_fen for one in db.session.scalars(select(ClaimPayment))] == [2_000_00]


def test_the_client_sees_payments_masked_and_only_letters_that_were_sent(
    sign_in: Any, journey: Journey, world: World
) -> None:
    journey.to(ClaimState.PAID)
    payment = db.session.scalars(select(ClaimPayment)).one()
    client, address = sign_in("hq"), f"/claims/{journey.claim.number}"
    page = client.get(address).text
    assert "************7894" in page
    assert "6222021234567894" not in page
    assert "追偿" not in page
    assert client.get(f"{address}/payments/{payment.id}").status_code == 403
    assert "6222 0212 3456 7894" in sign_in("claims2").get(f"{address}/payments/{payment.id}").text
    assert sign_in("foreign-hq").get(f"{address}/payments/{payment.id}").status_code == 404
    for path in (f"{address}/advance", f"{address}/recovery", "/recoveries", "/settings/authority"):
        assert client.get(path).status_code == 403


def test_a_denial_beyond_authority_is_refused_with_all_that_was_typed(
    sign_in: Any, journey: Journey, world: World
) -> None:
    journey.to(ClaimState.ASSESSED)
    reserve = SetReserve(30_000_00, "vehicle", "复勘")
    reserves.set_reserve(journey.claim.number, reserve, actor=world.claims1, now=journey.now)
    db.session.commit()
    typed = {
        "deny-clauses": DENIAL.clauses[0].value, "deny-reason": "经复勘，驾驶人无从业资格。",
        "deny-version": version(journey.claim),
    }  # fmt: skip

    answer = sign_in("claims2").post(f"/claims/{journey.claim.number}/deny", data=typed)

    assert answer.status_code == 403
    assert "经复勘，驾驶人无从业资格。" in answer.text
    assert "有权决定的人：" in answer.text
    assert sign_in("hq").post(f"/claims/{journey.claim.number}/deny", data=typed).status_code == 403
    db.session.refresh(journey.claim)
    assert journey.claim.state is ClaimState.ASSESSED


def test_a_refusal_is_written_sent_and_downloaded(sign_in: Any, journey: Journey, world: World) -> None:
    journey.to(ClaimState.ASSESSED)
    exits.deny(journey.claim.number, DENIAL, actor=world.claims2, now=journey.now)
    db.session.commit()
    staff, client, address = sign_in("claims1"), sign_in("hq"), f"/claims/{journey.claim.number}"
    assert "待送达：拒赔通知书" in staff.get(address).text

    sent = {"addressee": "郑州联运集团", "version": version(journey.claim)}
    assert staff.post(f"{address}/letter", data=sent).status_code == 303
    letter = db.session.scalars(select(ClaimLetter)).one()
    paths = [f"{address}/letters/{letter.id}/{language}.pdf" for language in ("zh", "en")]

    assert [client.get(path).status_code for path in paths] == [404, 404]
    assert client.get(f"/documents/{letter.document_zh_id}").status_code == 404
    step = {
        "send_denial_letter-version": version(journey.claim), "send_denial_letter-sent_to": "集团保险部",
        "send_denial_letter-at": f"{utc_now().astimezone(CHINA):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    assert staff.post(f"{address}/send_denial_letter", data=step).status_code == 303
    answers = [client.get(path) for path in paths]
    assert [(answer.status_code, answer.data[:5]) for answer in answers] == [(200, b"%PDF-")] * 2
    assert client.get(f"{address}/letters/{letter.id}/fr.pdf").status_code == 404
    assert sign_in("foreign-hq").get(paths[0]).status_code == 404
    assert "待送达" not in staff.get(address).text
    needless = staff.get(f"{address}/letter")
    assert needless.status_code == 409
    assert '<h1 class="error-heading">当前不能这样操作</h1>' in needless.text


def test_a_withdrawal_has_its_confirmation(sign_in: Any, journey: Journey, world: World) -> None:
    exits.withdraw(journey.claim.number, "双方和解", actor=world.claims1, now=journey.now)
    db.session.commit()
    staff, address = sign_in("claims1"), f"/claims/{journey.claim.number}"
    sent = {"addressee": "郑州联运集团", "version": version(journey.claim)}
    assert staff.post(f"{address}/letter", data=sent).status_code == 303
    moment = f"{utc_now().astimezone(CHINA):%Y-%m-%dT%H:%M}"
    form = {"letter-version": version(journey.claim), "letter-at": moment, "letter-sent_to": ""}
    assert staff.post(f"{address}/letter/sent", data=form).status_code == 422
    assert staff.post(f"{address}/letter/sent", data=form | {"letter-sent_to": "安全科"}).status_code == 303

    letter = db.session.scalars(select(ClaimLetter)).one()
    assert (letter.sent_to, letter.content["reason"]) == ("安全科", "双方和解")


def test_recoveries_are_listed_summed_and_exported(sign_in: Any, journey: Journey, world: World) -> None:
    journey.to(ClaimState.PAID)
    staff = sign_in("claims1")
    sent = {"kind": "subrogation", "owed_by": "豫VD2035 车主", "amount": "1,000", "idempotency_key": "r"}
    for _click in range(2):
        assert staff.post(f"/claims/{journey.claim.number}/recovery", data=sent).status_code == 303
    one = db.session.scalars(select(Recovery)).one()
    today = f"{utc_now().astimezone(CHINA):%Y-%m-%d}"
    money = {"receive-amount": "400", "receive-received_on": today, "receive-version": version(one)}
    assert staff.post(f"/recoveries/{one.id}/receive", data=money).status_code == 303
    more = {"correct-amount": "1,200", "correct-reason": "判决书金额", "correct-version": version(one)}
    assert staff.post(f"/recoveries/{one.id}/correct", data=more).status_code == 303
    less = {"correct-amount": "1,000", "correct-reason": "录入有误", "correct-version": version(one)}
    assert staff.post(f"/recoveries/{one.id}/correct", data=less).status_code == 403
    assert sign_in("manager").post(f"/recoveries/{one.id}/correct", data=less).status_code == 303
    off = {"off-amount": "600", "off-reason": "无力偿还", "off-version": version(one)}
    assert staff.post(f"/recoveries/{one.id}/write-off", data=off).status_code == 403
    assert "¥600.00" in staff.get("/recoveries?q=VD2035").text
    assert sign_in("manager").post(f"/recoveries/{one.id}/write-off", data=off).status_code == 303

    assert "车主" not in staff.get("/recoveries").text
    assert staff.get(f"/recoveries/{one.id}").status_code == 200
    book = CalamineWorkbook.from_filelike(io.BytesIO(staff.get("/recoveries.xlsx?state=all").data))
    rows = book.get_sheet_by_index(0).to_python()
    assert any(1000 in row and 400 in row and 600 in row for row in rows)


def asked_about(answer: Any) -> bool:
    """Whether just the same was recorded, and one may tick that this is another."""
    return (
        answer.status_code == 422 and "已登记过完全相同的一笔" in answer.text and "这是另一笔" in answer.text
    )


def test_a_part_paid_again_from_a_second_tab_is_asked_about(sign_in: Any, journey: Journey) -> None:
    journey.to(ClaimState.APPROVED)
    staff, page = sign_in("claims1"), f"/claims/{journey.claim.number}"
    part = {
        "pay-amount": "1,000",
        "pay-payee": "巩义客运分公司",
        "pay-account_number": "6222021234567894",
        "pay-account_confirmed": "y",
        "pay-payee_confirmed": "y",
        "pay-reference": "F-1",
    }

    def pay(**other: str) -> Any:
        values = part | {f"pay-{name}": value for name, value in other.items()}
        return staff.post(f"{page}/pay", data=values | {"pay-version": version(journey.claim)})

    first = pay()
    assert "is_another" not in staff.get(page).text

    asked = pay()

    assert (first.status_code, asked_about(asked)) == (303, True)
    assert len(db.session.scalars(select(ClaimPayment)).all()) == 1
    for other in ({"is_another": "y"}, {"reference": "F-2"}, {"amount": "999"}):
        assert pay(**other).status_code == 303
    assert len(db.session.scalars(select(ClaimPayment)).all()) == 4


def test_an_advance_proposed_again_from_a_second_tab_is_asked_about(sign_in: Any, journey: Journey) -> None:
    journey.to(ClaimState.SURVEYED)
    staff, page = sign_in("claims1"), f"/claims/{journey.claim.number}/advance"
    sent = {"basis": "certain_part", "amount": "500", "reason": "票据已核"}

    def propose(**other: str) -> Any:
        return staff.post(page, data=sent | {"version": version(journey.claim)} | other)

    first, asked = propose(), propose()

    assert (first.status_code, asked_about(asked)) == (303, True)
    assert len(db.session.scalars(select(ClaimAdvance)).all()) == 1
    for other in ({"is_another": "y"}, {"reason": "施救费用票据"}):
        assert propose(**other).status_code == 303


def test_money_to_get_back_written_again_from_a_second_tab_is_asked_about(
    sign_in: Any, journey: Journey
) -> None:
    journey.to(ClaimState.PAID)
    manager, page = sign_in("manager"), f"/claims/{journey.claim.number}/recovery"
    sent = {"kind": "subrogation", "owed_by": "豫VD2035 车主", "amount": "1,000"}
    assert manager.post(page, data=sent).status_code == 303
    assert asked_about(manager.post(page, data=sent))
    assert manager.post(page, data=sent | {"owed_by": "其保险人"}).status_code == 303
    assert manager.post(page, data=sent | {"is_another": "y"}).status_code == 303
    assert len(db.session.scalars(select(Recovery)).all()) == 3


@pytest.mark.parametrize(
    ("step", "prefix", "values", "another"),
    [
        ("receive", "receive", {"amount": "100", "reference": "回单一"}, {"reference": "回单二"}),
        ("write-off", "off", {"amount": "100", "reason": "无力偿还"}, {"reason": "和解让步"}),
    ],
)
def test_a_part_got_back_or_given_up_again_from_a_second_tab_is_asked_about(
    sign_in: Any, journey: Journey, step: str, prefix: str, values: dict[str, str], another: dict[str, str]
) -> None:
    journey.to(ClaimState.PAID)
    manager = sign_in("manager")
    sent = {"kind": "subrogation", "owed_by": "豫VD2035 车主", "amount": "1,000"}
    assert manager.post(f"/claims/{journey.claim.number}/recovery", data=sent).status_code == 303
    one = db.session.scalars(select(Recovery)).one()
    today = {"received_on": f"{utc_now().astimezone(CHINA):%Y-%m-%d}"}

    def send(**other: str) -> Any:
        fields = today | values | {"version": version(one)} | other
        named = {f"{prefix}-{name}": value for name, value in fields.items()}
        return manager.post(f"/recoveries/{one.id}/{step}", data=named)

    first, asked = send(), send()

    assert (first.status_code, asked_about(asked)) == (303, True)
    assert (db.session.refresh(one), one.open_fen)[1] == 900_00
    assert send(**another).status_code == 303
    assert send(**values, is_another="y").status_code == 303
    assert (db.session.refresh(one), one.open_fen)[1] == 700_00


def test_the_administrator_keeps_authority_and_a_contradiction_names_both(
    sign_in: Any, world: World, now: datetime
) -> None:
    authority.install_defaults()
    db.session.commit()
    admin, day = sign_in("admin"), f"{utc_now().astimezone(CHINA):%Y-%m-%d}"
    for path in ("/settings/authority?ended=1", "/settings/authority/new"):
        assert admin.get(path).status_code == 200
    twice = {"role": "claims", "user_id": "", "account_id": "", "limit": "5,000", "effective_on": day}
    refused = admin.post("/settings/authority/new", data=twice)
    assert refused.status_code == 422
    assert "¥5,000.00 以内" in refused.text
    assert "¥10,000.00 以内" in refused.text
    person = twice | {"role": "", "user_id": str(world.claims2.id)}
    assert admin.post("/settings/authority/new", data=person).status_code == 303
    staff = db.session.scalars(select(AuthorityTier).where(AuthorityTier.role == Role.CLAIMS)).one()
    changed = {"limit": "", "effective_on": day, "version": str(staff.version)}
    assert admin.post(f"/settings/authority/{staff.id}", data=changed).status_code == 303
    assert admin.post("/settings/authority", data={"phone": "0371-12378"}).status_code == 303
    assert "0371-12378" in admin.get("/settings/authority").text
    assert sign_in("manager").get("/settings/authority").status_code == 403


def test_a_round_after_a_payment_is_withdrawn_alone_and_its_letter_is_due(
    sign_in: Any, journey: Journey, world: World
) -> None:
    claim = journey.to(ClaimState.CLOSED)
    exits.reopen(claim.number, exits.Reopen("复诊", 9_000_00), actor=world.claims1, now=journey.now)
    journey.done = ["dispatched", "surveyed"]
    journey.to(ClaimState.CALCULATED)
    desk, address = sign_in("claims1"), f"/claims/{claim.number}"
    page = desk.get(address).text
    assert "注销本轮" in page
    assert "此前已付赔款 ¥6,300.00 不变" in page

    sent = {"withdraw-reason": "伤者自愿放弃", "withdraw-version": version(claim)}
    assert desk.post(f"{address}/withdraw", data=sent).status_code == 303

    db.session.refresh(claim)
    assert (claim.state, claim.paid_fen) == (ClaimState.CLOSED, 6_300_00)
    page = desk.get(address).text
    for words in ("第 2 轮注销；此前已付赔款 ¥6,300.00 不变", "注销确认", f"{address}/letter"):
        assert words in page
    letter = {"addressee": "郑州联运集团保险部", "version": version(claim)}
    assert desk.post(f"{address}/letter", data=letter).status_code == 303
    kept = db.session.scalars(select(ClaimLetter)).one()
    texts = {
        language: "".join(
            extract_text(io.BytesIO(desk.get(f"{address}/letters/{kept.id}/{language}.pdf").data)).split()
        )
        for language in ("zh", "en")
    }
    assert "此前已付赔款¥6,300.00不变" in texts["zh"]
    assert "Theearlierpaymentof¥6,300.00stands" in texts["en"]
    # The version that was paid is what both sides find, not what the round had come to.
    for username in ("claims1", "hq"):
        assert "第 1 版" in sign_in(username).get(address).text
    sheet = desk.get(f"{address}/settlement.pdf")
    assert "-v1" in sheet.headers["Content-Disposition"]
