"""A reopened round that the client takes back after an earlier one was paid: it ends alone, the payment stands."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid
from service_desk.models.audit import AuditEntry
from service_desk.models.claim_money import AdvanceBasis, AdvanceState, ClaimAdvance, Recovery
from service_desk.models.claims import Claim, ClaimEvent, ClaimPayment
from service_desk.models.db import db
from service_desk.models.reserves import ReserveMovement
from service_desk.models.sla import Timer, TimerState
from service_desk.presenters.claim_letters import print_letter
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.claim_letters import LetterKind
from service_desk.rules.disputes import Consequence, DisputeOutcome
from service_desk.rules.follow_up import FollowUpMeans
from service_desk.rules.periods import month_of
from service_desk.rules.reserve_ledger import MovementKind
from service_desk.services.claims import (
    advances,
    common,
    disputes,
    exits,
    files,
    letters,
    paying,
    plans,
    recoveries,
    reserve_book,
    reserves,
    settlement,
)
from service_desk.services.claims.recoveries import Receive
from tests.claim_cases import (
    CALCULATION,
    DENIAL,
    PAYMENT,
    Journey,
    close_all,
    dispute,
    file_store,
    reported_claim,
)
from tests.world import World

PAID = 6_300_00


@pytest.fixture
def journey(world: World, now: datetime) -> Journey:
    """Closed with 6,300 paid, and reopened three days later for 9,000."""
    journey = Journey(world, reported_claim(world, now), now)
    journey.to(ClaimState.CLOSED)
    journey.now += timedelta(days=3)
    reopen(journey)
    return journey


def reopen(journey: Journey, fen: int = 9_000_00) -> None:
    exits.reopen(
        journey.claim.number, exits.Reopen("伤者复诊", fen), actor=journey.world.claims1, now=journey.now
    )
    journey.done = ["dispatched", "surveyed"]
    db.session.commit()


def withdraw(journey: Journey, reason: str = "伤者自愿放弃", **values: Any) -> Claim:
    journey.now += timedelta(minutes=1)
    actor = values.pop("actor", journey.world.claims1)
    claim = exits.withdraw(journey.claim.number, reason, actor=actor, now=journey.now, **values)
    db.session.commit()
    return claim


def agreed_advance(journey: Journey) -> ClaimAdvance:
    world, number = journey.world, journey.claim.number
    command = advances.ProposeAdvance(AdvanceBasis.CERTAIN_PART, 1_000_00, "费用已确定")
    made = advances.propose(number, command, actor=world.claims1, now=journey.now)
    advances.decide(number, made.id, approves=True, note="", actor=world.claims2, now=journey.now)
    return made


def paid_advance(journey: Journey) -> None:
    made, pay = agreed_advance(journey), replace(PAYMENT, amount_fen=1_000_00)
    settlement.pay_advance(journey.claim.number, made.id, pay, actor=journey.world.claims2, now=journey.now)
    db.session.commit()


def money(claim: Claim) -> tuple[int, int, int]:
    return claim.reserve_fen, claim.approved_fen, claim.paid_fen


@pytest.mark.parametrize(
    "state",
    [ClaimState.SURVEYED, ClaimState.ASSESSED, ClaimState.DOCUMENTS_COMPLETE, ClaimState.CALCULATED],
)
def test_the_round_ends_alone_and_the_claim_is_closed_as_it_was(journey: Journey, state: ClaimState) -> None:
    journey.to(state)
    payments = [(one.id, one.amount_fen) for one in db.session.scalars(select(ClaimPayment))]

    claim = withdraw(journey)

    assert (claim.state, claim.round, claim.closed_at) == (ClaimState.CLOSED, 2, journey.now)
    assert money(claim) == (PAID, PAID, PAID)
    kept = db.session.scalars(select(ClaimPayment))
    assert [(one.id, one.amount_fen) for one in kept] == payments
    event = db.session.scalars(select(ClaimEvent).order_by(ClaimEvent.id.desc()).limit(1)).one()
    assert (event.kind, event.from_state, event.to_state) == ("withdraw_round", state.value, "closed")
    assert (event.note, event.params) == ("伤者自愿放弃", {"round": 2, "paid_fen": PAID})
    action = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert action == "claim_round_withdrawn"


def test_its_clocks_stop_and_the_client_is_asked_how_it_was(journey: Journey, world: World) -> None:
    plan = replace(plans.suggested(journey.claim), means=FollowUpMeans.FORM, email="guo@example.com")
    plans.plan(journey.claim.number, plan, actor=world.claims1, now=journey.now)

    claim = withdraw(journey)

    of_claim = Timer.matter_kind == common.MATTER_KIND, Timer.matter_id == claim.id
    running = db.session.scalars(select(Timer.step).where(*of_claim, Timer.state == TimerState.RUNNING))
    assert list(running) == [ClockStep.FOLLOWUP]
    assert claim.next_due_at is not None
    planned = plans.find_plan(claim)
    assert planned is not None
    assert plans.find_link(planned) is not None


def test_the_reserve_ledger_closes_to_nothing_and_rolls_forward(journey: Journey, world: World) -> None:
    journey.to(ClaimState.ASSESSED)

    claim = withdraw(journey)

    assert not any(reserves.outstanding_of(claim.id).values())
    sums: dict[MovementKind, int] = defaultdict(int)
    for one in db.session.scalars(select(ReserveMovement)):
        sums[one.kind] += one.amount_fen
    gained = sums[MovementKind.NEW] + sums[MovementKind.REOPENED] + sums[MovementKind.INCREASE]
    lost = sums[MovementKind.DECREASE] + sums[MovementKind.RELEASED]
    assert (gained - lost, sums[MovementKind.DIVIDED]) == (sums[MovementKind.PAID], 0)
    assert sums[MovementKind.PAID] == PAID
    book = reserve_book.read_book(world.account.id, [month_of(local_date(journey.now))], actor=world.manager)
    assert (book.total.closing_fen, book.total.reopened_fen) == (0, 9_000_00 - PAID)


def test_the_letter_says_that_the_earlier_payment_stands(app: Any, journey: Journey, world: World) -> None:
    claim = withdraw(journey)
    assert (letters.kind_for(claim), letters.is_due(claim)) == (LetterKind.WITHDRAWAL, True)

    with app.test_request_context():
        letter = letters.write(
            claim.number,
            letters.WriteLetter("郑州联运集团保险部"),
            print_letter=print_letter,
            files=file_store(),
            actor=world.claims1,
            now=journey.now,
        )
    letters.send(
        claim.number, letters.SendLetter(journey.now, "安全科"), actor=world.claims1, now=journey.now
    )

    assert (letter.content["round"], letter.content["paid_fen"]) == (2, PAID)
    assert (letter.content["reason"], letter.round) == ("伤者自愿放弃", 2)
    assert not letters.is_due(claim)
    # Reopened once more and paid, the new round has no letter of this kind.
    reopen(journey, 19_000_00)
    assert letters.kind_for(claim) is None


def test_what_was_worked_out_in_the_round_counts_no_more(journey: Journey, world: World) -> None:
    journey.to(ClaimState.CALCULATED)
    draft = settlement.latest_calculation(journey.claim.id)
    assert draft is not None
    assert draft.calculation_version == 2

    claim = withdraw(journey)

    standing = settlement.latest_calculation(claim.id)
    assert standing is not None
    assert standing.calculation_version == 1
    file = files.read_file(claim.number, actor=world.claims1)
    assert file.calculation is not None
    assert file.calculation.calculation_version == 1
    # The bank sends the earlier payment back: it is due again by the version that granted it.
    payment = db.session.scalars(select(ClaimPayment)).one()
    paying.return_payment(
        claim.number, paying.ReturnPayment(payment.id, "账号错误"), actor=world.claims2, now=journey.now
    )
    assert (claim.state, claim.approved_fen, claim.paid_fen) == (ClaimState.APPROVED, PAID, 0)
    settlement.pay(claim.number, PAYMENT, actor=world.claims2, now=journey.now)
    close_all(claim, world.claims1, journey.now)
    assert money(claim) == (PAID, PAID, PAID)
    reopen(journey)
    journey.to(ClaimState.CALCULATED)
    again = settlement.latest_calculation(claim.id)
    assert again is not None
    assert (again.calculation_version, again.round) == (3, 3)


def test_an_advance_that_was_agreed_and_not_paid_falls_away(journey: Journey, world: World) -> None:
    agreed_advance(journey)

    claim = withdraw(journey)

    assert money(claim) == (PAID, PAID, PAID)
    assert db.session.scalars(select(ClaimAdvance.state)).all() == [AdvanceState.CANCELLED]


def test_a_round_that_was_paid_for_itself_stays(journey: Journey, world: World) -> None:
    paid_advance(journey)

    assert not exits.may_withdraw(journey.claim)
    with pytest.raises(Invalid, match="already_paid"):
        withdraw(journey)
    db.session.rollback()
    assert journey.claim.state is ClaimState.SURVEYED
    assert journey.claim.reserve_fen == 9_000_00


def test_an_advance_of_a_denied_round_was_never_granted_and_stands_against_it(
    world: World, now: datetime
) -> None:
    journey = Journey(world, reported_claim(world, now), now)
    journey.to(ClaimState.ASSESSED)
    paid_advance(journey)
    exits.deny(journey.claim.number, DENIAL, actor=world.claims2, now=journey.now)
    reopen(journey)
    db.session.commit()

    with pytest.raises(Invalid, match="already_paid"):
        withdraw(journey)
    db.session.rollback()


def test_a_reason_a_permission_and_the_claim_as_shown_are_asked_for(journey: Journey, world: World) -> None:
    for values, error in (
        ({"reason": "  "}, Invalid),
        ({"actor": world.underwriter}, Forbidden),
        ({"actor": world.hq}, Forbidden),
        ({"version": journey.claim.version - 1}, Conflict),
    ):
        with pytest.raises(error):
            withdraw(journey, **values)
        db.session.rollback()
    dispute(journey.claim, world.claims1, journey.now)
    db.session.commit()
    with pytest.raises(Conflict, match="dispute_open"):
        withdraw(journey)
    db.session.rollback()
    assert journey.claim.state is ClaimState.SURVEYED


def test_what_a_lower_decision_of_the_round_asked_back_falls_away_with_it(
    journey: Journey, world: World
) -> None:
    lower(journey, world)
    assert db.session.scalars(select(Recovery.amount_fen)).one() == 1_500_00

    claim = withdraw(journey)

    assert money(claim) == (PAID, PAID, PAID)
    assert db.session.scalars(select(func.sum(Recovery.amount_fen - Recovery.written_off_fen))).one() == 0


def test_money_that_the_client_paid_back_for_it_must_be_paid_out_first(
    journey: Journey, world: World
) -> None:
    lower(journey, world, received_fen=1_000_00)

    with pytest.raises(Invalid, match="paid_back_is_due"):
        withdraw(journey)
    db.session.rollback()


def lower(journey: Journey, world: World, received_fen: int = 0) -> None:
    """A lower calculation of the round is approved, and a dispute sends it back to be made again."""
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    number, now = journey.claim.number, journey.now
    less = replace(CALCULATION, medical_fen=0)
    made = settlement.calculate(number, less, actor=world.claims1, now=now)
    settlement.approve(number, settlement.Approve(made.id), actor=world.claims2, now=now)
    if received_fen:
        owed = db.session.scalars(select(Recovery)).one()
        recoveries.receive(owed.id, Receive(received_fen, local_date(now)), actor=world.claims1, now=now)
    dispute(journey.claim, world.claims1, now)
    disputes.name_decider(number, world.manager.id, actor=world.claims1, now=now)
    decision = disputes.Decision(DisputeOutcome.CLIENT_RIGHT, "重新理算", Consequence.NEW_CALCULATION)
    disputes.decide(number, decision, actor=world.manager, now=now)
    db.session.commit()
    assert journey.claim.state is ClaimState.DOCUMENTS_COMPLETE
