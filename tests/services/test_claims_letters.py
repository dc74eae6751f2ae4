"""The letters that end a claim: due until sent, frozen as written, a clause in every refusal."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from service_desk.adapters import pdf
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.claim_letters import ClaimDenial, ClaimLetter
from service_desk.models.claims import Claim, ClaimCover, ReserveEntry
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.notices import Notice
from service_desk.models.sla import TimerState
from service_desk.presenters.claim_letters import print_letter
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.claim_letters import LetterKind, RefusalClause
from service_desk.rules.vocabulary import CoverCode, Fault
from service_desk.services import sla
from service_desk.services.claims import common, exits, letters, settlement
from service_desk.services.claims.calculating import CalculationInputs
from service_desk.services.claims.letters import SendLetter, WriteLetter
from tests.claim_cases import DENIAL, Journey, close_all, file_store, reported_claim, written_letter
from tests.world import World


@pytest.fixture
def journey(world: World, now: datetime) -> Journey:
    return Journey(world, reported_claim(world, now), now)


def closed_without_payment(journey: Journey) -> Claim:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    db.session.execute(delete(ClaimCover).where(ClaimCover.code == CoverCode.CTPL))
    number, world, now = journey.claim.number, journey.world, journey.now
    nought = CalculationInputs(fault=Fault.NONE, property_fen=50_00)
    made = settlement.calculate(number, nought, actor=world.claims1, now=now)
    settlement.approve(number, settlement.Approve(made.id), actor=world.claims2, now=now)
    close_all(journey.claim, world.claims1, now, zero_reason="无责，不赔")
    db.session.commit()
    return journey.claim


def test_a_refusal_names_a_clause(journey: Journey, world: World) -> None:
    journey.to(ClaimState.ASSESSED)

    with pytest.raises(Invalid, match="clause_missing"):
        exits.deny(journey.claim.number, exits.Denial((), "不赔"), actor=world.claims2, now=journey.now)

    assert journey.claim.state is ClaimState.ASSESSED


def test_a_letter_keeps_chinese_punctuation_as_it_was_typed(journey: Journey, world: World) -> None:
    journey.to(ClaimState.ASSESSED)
    clause, addressee = "第八条（二）：驾驶人", "郑州联运集团（保险部）"
    denial = exits.Denial(DENIAL.clauses, DENIAL.reason, clause)
    exits.deny(journey.claim.number, denial, actor=world.claims2, now=journey.now)

    letter = letters.write(
        journey.claim.number,
        WriteLetter(addressee),
        print_letter=lambda _content: dict.fromkeys(letters.LANGUAGES, b"%PDF-1.7 %%EOF"),
        files=file_store(),
        actor=world.claims1,
        now=journey.now,
    )

    assert (letter.content["clause_text"], letter.content["addressee"]) == (clause, addressee)


def test_a_claim_ends_and_is_reopened_with_a_reason_of_many_lines(journey: Journey, world: World) -> None:
    claim, long = journey.to(ClaimState.ASSESSED), "经复勘，事故车辆与报案不符。" * 60
    now = journey.now + timedelta(minutes=1)

    exits.deny(claim.number, exits.Denial(DENIAL.clauses, long), actor=world.claims2, now=now)
    exits.reopen(claim.number, exits.Reopen(long, 900_00), actor=world.claims1, now=now)
    exits.withdraw(claim.number, long, actor=world.claims1, now=now)
    db.session.commit()

    moved = select(ReserveEntry.reason).where(ReserveEntry.kind.in_(("release", "reopening")))
    assert db.session.scalars(moved).all() == [long[:200]] * 3


def test_the_letter_of_a_refusal_is_due_within_three_days_and_frozen(journey: Journey, world: World) -> None:
    journey.to(ClaimState.ASSESSED)
    claim, now = journey.claim, journey.now
    exits.deny(claim.number, DENIAL, actor=world.claims2, now=now)
    clock = next(
        timer
        for timer in sla.timers_of(common.MATTER_KIND, [claim.id])[claim.id]
        if timer.step is ClockStep.DENIAL_NOTICE
    )
    assert (clock.target_value, clock.target_unit, clock.state) == (3, "calendar_days", TimerState.RUNNING)
    assert letters.is_due(claim)

    letter = written_letter(claim, world.claims1, now)
    claim.place = "别处"
    db.session.commit()

    assert letter.content["clauses"] == ["own_damage_driver"]
    assert (letter.content["reason"], letter.content["place"]) == (DENIAL.reason, "G310 巩义站街路口")
    kinds = db.session.scalars(select(Document.kind).where(Document.matter_id == claim.id)).all()
    assert kinds.count(DocumentKind.CLAIM_LETTER) == 2
    newer = written_letter(claim, world.claims1, now)
    sent = SendLetter(now, "集团保险部", "EMS 1012")
    exits.send_denial_letter(claim.number, sent, actor=world.claims1, now=now)
    db.session.commit()
    assert (newer.sent_at, letter.sent_at, clock.state) == (now, None, TimerState.MET)
    assert not letters.is_due(claim)
    with pytest.raises(Conflict, match="letter_recorded"):
        written_letter(claim, world.claims1, now)


def test_a_denial_from_before_clauses_were_asked_for_gets_them_with_its_letter(
    journey: Journey, world: World
) -> None:
    journey.to(ClaimState.ASSESSED)
    exits.deny(journey.claim.number, DENIAL, actor=world.claims2, now=journey.now)
    db.session.execute(delete(ClaimDenial))
    with pytest.raises(Invalid, match="clause_missing"):
        written_letter(journey.claim, world.claims1, journey.now)

    command = WriteLetter("集团保险部", clauses=(RefusalClause.LATE_NOTICE,))
    letters.write(
        journey.claim.number,
        command,
        print_letter=lambda _content: {"zh": b"%PDF-1.7 %%EOF", "en": b"%PDF-1.7 %%EOF"},
        files=file_store(),
        actor=world.claims1,
        now=journey.now,
    )

    denial = letters.denial_of(journey.claim)
    assert denial is not None
    assert (denial.clauses, denial.reason, denial.decided_by_id) == (
        ["law_21"],
        DENIAL.reason,
        world.claims2.id,
    )


def test_a_claim_closed_without_a_payment_gets_its_notice(journey: Journey, world: World) -> None:
    claim = closed_without_payment(journey)
    sent = SendLetter(journey.now, "集团保险部", "面交")
    with pytest.raises(Conflict, match="letter_not_written"):
        letters.send(claim.number, sent, actor=world.claims1, now=journey.now)
    letter = written_letter(claim, world.claims1, journey.now)
    early = SendLetter(journey.now - timedelta(minutes=2), "集团保险部")
    with pytest.raises(Invalid, match="before_letter"):
        letters.send(claim.number, early, actor=world.claims1, now=journey.now)

    letters.send(claim.number, sent, actor=world.claims1, now=journey.now)

    assert (letter.kind, letter.content["calculation_version"]) == (LetterKind.ZERO_PAYMENT, 1)
    told = db.session.scalars(
        select(Notice.user_id).where(Notice.kind == "claim_letter_sent").order_by(Notice.id)
    ).all()
    assert set(told) == {world.safety_gongyi.id}


def test_a_claim_that_was_paid_needs_no_letter(journey: Journey, world: World) -> None:
    journey.to(ClaimState.CLOSED)

    with pytest.raises(Conflict, match="no_letter_due"):
        written_letter(journey.claim, world.claims1, journey.now)


def test_letters_are_written_by_staff_and_read_by_the_client_once_sent(
    journey: Journey, world: World
) -> None:
    exits.withdraw(journey.claim.number, "双方和解", actor=world.claims1, now=journey.now)
    number = journey.claim.number
    for actor, error in ((world.underwriter, Forbidden), (world.hq, Forbidden), (world.foreign_hq, NotFound)):
        with pytest.raises(error):
            written_letter(journey.claim, actor, journey.now)
    letter = written_letter(journey.claim, world.claims1, journey.now)
    with pytest.raises(NotFound):
        letters.get_document(number, letter.id, "zh", actor=world.hq)

    letters.send(number, SendLetter(journey.now, "安全科"), actor=world.claims1, now=journey.now)

    document = letters.get_document(number, letter.id, "zh", actor=world.safety_gongyi)
    assert document.filename == f"{number}-withdrawal-zh.pdf"
    assert db.session.scalars(select(ClaimLetter.sent_to)).all() == ["安全科"]
    with pytest.raises(NotFound):
        letters.get_document(number, letter.id, "zh", actor=world.foreign_hq)


@pytest.mark.parametrize(
    ("addressee", "greeting"),
    [("郑州联运集团", "To Zhengzhou Transport Group:"), ("巩义客运分公司安全科", "To 巩义客运分公司安全科:")],
)
def test_the_key_account_is_addressed_by_its_name_in_the_letters_language(
    journey: Journey, world: World, monkeypatch: pytest.MonkeyPatch, addressee: str, greeting: str
) -> None:
    world.account.name, world.account.name_en = "郑州联运集团", "Zhengzhou Transport Group"
    journey.to(ClaimState.ASSESSED)
    exits.deny(journey.claim.number, DENIAL, actor=world.claims2, now=journey.now)
    content = dict(written_letter(journey.claim, world.claims2, journey.now).content, addressee=addressee)
    printed: list[dict[str, Any]] = []
    monkeypatch.setattr(pdf, "render", lambda _sheet, data: printed.append(data) or b"")

    print_letter(content)

    assert printed[-1]["lang"] == "en"
    assert printed[-1]["paragraphs"][0] == greeting
