"""Random histories of one claim through the services of all parts, counted again after every step.

What the claim's own row says (paid, approved, reserved, disputed, next due) is worked out anew from the rows it stands
for, by ways that share nothing with the services.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import DomainError
from service_desk.models.audit import AuditEntry
from service_desk.models.claim_money import (
    AdvanceBasis,
    AdvanceState,
    ClaimAdvance,
    Recovery,
    RecoveryKind,
    RecoveryReceipt,
    RecoveryState,
)
from service_desk.models.claim_parties import ClaimParty, PartyItem
from service_desk.models.claims import (
    Claim,
    ClaimCalculation,
    ClaimEvent,
    ClaimPayment,
    ReserveEntry,
)
from service_desk.models.db import db
from service_desk.models.disputes import Dispute
from service_desk.models.reserves import ReserveMovement
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.claim_losses import LossItem, LossKind
from service_desk.rules.claim_parties import PartyKind, TreatmentStage
from service_desk.rules.disputes import DECISIONS, Consequence, DisputeTopic
from service_desk.rules.periods import month_of
from service_desk.rules.permissions import Role
from service_desk.rules.reserve_ledger import MovementKind, ReserveItem
from service_desk.rules.vocabulary import Fault
from service_desk.services.claims import (
    advances,
    assessing,
    disputes,
    exits,
    handling,
    injuries,
    party_costs,
    recoveries,
    reserve_book,
    reserves,
    settlement,
)
from service_desk.services.claims.advances import ProposeAdvance
from service_desk.services.claims.injuries import FollowUpFacts
from service_desk.services.claims.party_costs import Estimate
from service_desk.services.claims.paying import ReturnPayment
from service_desk.services.claims.recoveries import NewRecovery, Receive
from tests.claim_cases import (
    CALCULATION,
    DENIAL,
    PAYMENT,
    SURVEY,
    Journey,
    close_all,
    file_store,
    reported_claim,
)
from tests.factories import UserFactory
from tests.world import World

STEPS = 110
_LEAVES = {MovementKind.DECREASE, MovementKind.PAID, MovementKind.RELEASED}
_ENDED = {ClaimState.CLOSED, ClaimState.WITHDRAWN, ClaimState.DENIED}
_DECIDED = {ClaimState.APPROVED, ClaimState.PAID, ClaimState.CLOSED}


@dataclass
class History:
    """One claim, a source of chance and the people who act. A step that is refused changes nothing."""

    world: World
    journey: Journey
    chance: random.Random
    managers: list[User]
    done: Counter[str] = field(default_factory=Counter)

    @property
    def claim(self) -> Claim:
        return self.journey.claim

    @property
    def now(self) -> datetime:
        return self.journey.now

    def amount(self) -> int:
        """Whole, broken, small and large amounts."""
        return self.chance.choice((1, 99, 1_000_00, 2_000_01, 6_300_00, 9_999_99, 10_000_00, 33_333_33))

    def anyone(self) -> User:
        return self.chance.choice((self.world.claims1, self.world.claims2, *self.managers))

    def one_of(self, model: Any, *where: Any) -> int | None:
        wanted = select(model.id).where(model.claim_id == self.claim.id, *where)
        ids = db.session.scalars(wanted.order_by(model.id)).all()
        return self.chance.choice(ids) if ids else None

    # The way to the end

    def dispatch(self) -> None:
        self.journey.dispatch()

    def survey(self) -> None:
        command = replace(SURVEY, estimate_fen=self.amount())
        handling.record_arrival(
            self.claim.number, handling.ArrivalRecord(), actor=self.world.claims1, now=self.now
        )
        handling.record_survey(
            self.claim.number, command, actor=self.world.claims1, now=self.now, files=file_store()
        )

    def assess(self) -> None:
        kinds = (LossKind.OWN_VEHICLE, LossKind.THIRD_PARTY_VEHICLE, LossKind.INJURY, LossKind.PROPERTY)
        items = tuple(LossItem(kind.value, kind, self.amount()) for kind in self.chance.sample(kinds, 2))
        command = handling.AssessmentRecord("核定", items)
        handling.record_assessment(
            self.claim.number, command, actor=self.world.claims1, now=self.now, files=file_store()
        )

    def review(self) -> None:
        found = assessing.latest(self.claim.id)
        if found:
            assessing.review(
                self.claim.number, found.id, {0: self.amount()}, "复核", actor=self.anyone(), now=self.now
            )

    def complete(self) -> None:
        self.journey.complete()

    def calculate(self) -> None:
        command = replace(
            CALCULATION,
            fault=self.chance.choice((Fault.FULL, Fault.MAIN, Fault.EQUAL, Fault.NONE)),
            property_fen=self.amount(),
            medical_fen=self.amount(),
        )
        settlement.calculate(self.claim.number, command, actor=self.world.claims1, now=self.now)

    def approve(self) -> None:
        latest = settlement.latest_calculation(self.claim.id)
        if latest:
            command = settlement.Approve(latest.id)
            settlement.approve(self.claim.number, command, actor=self.managers[0], now=self.now)

    def send_back(self) -> None:
        settlement.send_back(self.claim.number, "重算", actor=self.anyone(), now=self.now)

    def pay(self) -> None:
        left = self.claim.approved_fen - self.claim.paid_fen
        fen = self.chance.choice((left, max(left // 3, 1), left + 1, 1))
        settlement.pay(self.claim.number, replace(PAYMENT, amount_fen=fen), actor=self.anyone(), now=self.now)

    def return_payment(self) -> None:
        payment_id = self.one_of(ClaimPayment)
        if payment_id:
            command = ReturnPayment(payment_id, "户名不符")
            settlement.return_payment(self.claim.number, command, actor=self.anyone(), now=self.now)

    def close(self) -> None:
        close_all(self.claim, self.world.claims1, self.now, zero_reason="无应赔")

    def withdraw(self) -> None:
        exits.withdraw(self.claim.number, "客户撤回", actor=self.world.claims1, now=self.now)

    def deny(self) -> None:
        exits.deny(self.claim.number, DENIAL, actor=self.managers[0], now=self.now)

    def reopen(self) -> None:
        reserve_fen = self.claim.paid_fen + self.chance.choice((0, self.amount()))
        command = exits.Reopen("新伤情", reserve_fen)
        exits.reopen(self.claim.number, command, actor=self.world.claims1, now=self.now)

    # Estimates and the reserve

    def set_reserve(self) -> None:
        item = self.chance.choice(("vehicle", "property", "injury", "fees", "whole"))
        command = reserves.SetReserve(self.amount(), item, "调整")
        reserves.set_reserve(self.claim.number, command, actor=self.anyone(), now=self.now)

    def estimate(self) -> None:
        kind, loss = self.chance.choice(
            (
                (PartyKind.OWN_VEHICLE, LossKind.OWN_VEHICLE),
                (PartyKind.OTHER_VEHICLE, LossKind.THIRD_PARTY_VEHICLE),
                (PartyKind.PERSON, LossKind.INJURY),
            )
        )
        party_id = self.one_of(ClaimParty, ClaimParty.kind == kind)
        if party_id:
            item_id = self.chance.choice((None, self.one_of(PartyItem, PartyItem.party_id == party_id)))
            command = Estimate(party_id, loss, "估损", self.amount(), item_id)
            party_costs.estimate_item(self.claim.number, command, actor=self.anyone(), now=self.now)

    def forecast(self) -> None:
        party_id = self.one_of(ClaimParty, ClaimParty.kind == PartyKind.PERSON)
        if party_id:
            facts = FollowUpFacts(
                party_id, local_date(self.now), "住院", TreatmentStage.INPATIENT, 1, self.amount()
            )
            injuries.follow_injured(self.claim.number, facts, actor=self.anyone(), now=self.now)

    # Money before the decision

    def propose(self) -> None:
        command = ProposeAdvance(self.chance.choice(list(AdvanceBasis)), self.amount() // 4 + 1, "发票已核")
        advances.propose(self.claim.number, command, actor=self.anyone(), now=self.now)

    def decide_advance(self) -> None:
        advance_id = self.one_of(ClaimAdvance, ClaimAdvance.state == AdvanceState.PROPOSED)
        if advance_id:
            approves = self.chance.random() < 0.8
            advances.decide(
                self.claim.number,
                advance_id,
                approves=approves,
                note="意见",
                actor=self.managers[0],
                now=self.now,
            )

    def pay_advance(self) -> None:
        advance_id = self.one_of(ClaimAdvance)
        if advance_id:
            fen = db.session.get_one(ClaimAdvance, advance_id).amount_fen
            command = replace(PAYMENT, amount_fen=fen)
            settlement.pay_advance(self.claim.number, advance_id, command, actor=self.anyone(), now=self.now)

    # Disputes

    def dispute(self) -> None:
        topic = self.chance.choice((DisputeTopic.FAULT, DisputeTopic.AMOUNT))
        command = disputes.RaiseDispute(topic, "不同意", 99_999_00, raised_for="郭安全")
        actor = self.chance.choice((self.world.claims1, self.world.safety_gongyi))
        disputes.raise_dispute(self.claim.number, command, files=file_store(), actor=actor, now=self.now)

    def decide_dispute(self) -> None:
        decider = self.chance.choice(self.managers)
        disputes.name_decider(self.claim.number, decider.id, actor=self.world.claims1, now=self.now)
        command = disputes.Decision(
            self.chance.choice(DECISIONS), "理由", self.chance.choice(list(Consequence)), 99_999_00
        )
        disputes.decide(self.claim.number, command, actor=decider, now=self.now)

    def take_back(self) -> None:
        disputes.take_back(self.claim.number, "不再争议", actor=self.world.safety_gongyi, now=self.now)

    # Money to get back

    def add_recovery(self) -> None:
        command = NewRecovery(RecoveryKind.SALVAGE, "残值买家", self.amount())
        recoveries.add(self.claim.number, command, actor=self.anyone(), now=self.now)

    def receive(self) -> None:
        recovery_id = self.one_of(Recovery)
        if recovery_id:
            command = Receive(self.amount(), local_date(self.now))
            recoveries.receive(recovery_id, command, actor=self.anyone(), now=self.now)

    def strike(self) -> None:
        recovery_id = self.one_of(Recovery)
        if recovery_id:
            ids = db.session.scalars(
                select(RecoveryReceipt.id)
                .where(RecoveryReceipt.recovery_id == recovery_id)
                .order_by(RecoveryReceipt.id)
            ).all()
            if ids:
                recoveries.strike(
                    recovery_id, self.chance.choice(ids), "录错", actor=self.anyone(), now=self.now
                )

    def write_off(self) -> None:
        recovery_id = self.one_of(Recovery)
        if recovery_id:
            recoveries.write_off(recovery_id, self.amount(), "无力偿还", actor=self.anyone(), now=self.now)

    def step(self) -> None:
        """Do something that may be possible; the way to the end is taken oftener than the side ways."""
        onward, aside = _onward(self.claim.state), _ASIDE
        chosen: Callable[[History], None] = self.chance.choice(
            onward if self.chance.random() < 0.5 else aside
        )
        self.journey.now += timedelta(minutes=self.chance.choice((1, 7, 600, 3_000)))
        was = self.claim.state, _count(ClaimEvent), _count(AuditEntry)
        try:
            chosen(self)
            db.session.commit()
        except DomainError:
            db.session.rollback()
            return
        self.done[chosen.__name__] += 1
        self.was_told(*was)

    def was_told(self, state: ClaimState, events: int, entries: int) -> None:
        """Whatever wrote a line of the time line is in the audit trail, and each change of the state is a line."""
        if _count(ClaimEvent) > events:
            assert _count(AuditEntry) > entries
        if self.claim.state is state:
            return
        moved = db.session.execute(
            select(ClaimEvent.from_state, ClaimEvent.to_state)
            .where(ClaimEvent.claim_id == self.claim.id, ClaimEvent.from_state != ClaimEvent.to_state)
            .order_by(ClaimEvent.id.desc())
        ).first()
        assert moved is not None
        assert moved.to_state == self.claim.state.value
        assert _count(AuditEntry) > entries


def _count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


H = History
_ASIDE = (
    H.set_reserve,
    H.estimate,
    H.forecast,
    H.review,
    H.propose,
    H.decide_advance,
    H.pay_advance,
    H.return_payment,
    H.send_back,
    H.dispute,
    H.decide_dispute,
    H.take_back,
    H.add_recovery,
    H.receive,
    H.strike,
    H.write_off,
    H.withdraw,
    H.deny,
)
_ONWARD: dict[ClaimState, tuple[Callable[[History], None], ...]] = {
    ClaimState.REPORTED: (H.dispatch,),
    ClaimState.DISPATCHED: (H.survey,),
    ClaimState.SURVEYED: (H.assess,),
    ClaimState.ASSESSED: (H.complete, H.complete, H.propose),
    ClaimState.DOCUMENTS_COMPLETE: (H.calculate, H.calculate, H.decide_advance, H.pay_advance),
    ClaimState.CALCULATED: (H.approve, H.calculate),
    ClaimState.APPROVED: (H.pay, H.pay, H.set_reserve, H.close),
    ClaimState.PAID: (H.close, H.return_payment),
    ClaimState.CLOSED: (H.reopen, H.return_payment, H.dispute),
}


def _onward(state: ClaimState) -> tuple[Callable[[History], None], ...]:
    return _ONWARD.get(state, (H.reopen, H.return_payment))


def recount(claim: Claim) -> None:
    """Count everything about the claim again."""
    _recount_payments(claim)
    _recount_ledger(claim)
    _recount_recoveries(claim)
    running = select(func.min(Timer.due_at)).where(
        Timer.matter_kind == "claim", Timer.matter_id == claim.id, Timer.state == TimerState.RUNNING
    )
    assert claim.next_due_at == db.session.scalar(running)
    is_open = Dispute.claim_id == claim.id, Dispute.decided_at.is_(None)
    assert claim.is_disputed == (db.session.scalar(select(func.count()).where(*is_open)) == 1)
    clocks = db.session.execute(
        select(Timer.step).where(
            Timer.matter_kind == "claim", Timer.matter_id == claim.id, Timer.state == TimerState.RUNNING
        )
    ).scalars()
    assert max(Counter(clocks).values(), default=0) <= 1


def _recount_payments(claim: Claim) -> None:
    payments = db.session.scalars(select(ClaimPayment).where(ClaimPayment.claim_id == claim.id)).all()
    assert claim.paid_fen == sum(one.amount_fen for one in payments if one.returned_at is None)
    assert claim.paid_fen <= claim.approved_fen
    assert claim.paid_fen <= claim.reserve_fen
    advanced = db.session.scalars(select(ClaimAdvance).where(ClaimAdvance.claim_id == claim.id)).all()
    approved = sum(one.amount_fen for one in advanced if one.state is AdvanceState.APPROVED)
    if claim.state in _DECIDED:
        latest = db.session.scalars(
            select(ClaimCalculation)
            .where(ClaimCalculation.claim_id == claim.id)
            .order_by(ClaimCalculation.calculation_version.desc())
        ).first()
        assert latest is not None
        assert claim.approved_fen == max(latest.total_fen, claim.paid_fen)
        assert approved == 0
    if claim.state in _ENDED:
        assert claim.approved_fen == claim.paid_fen
        assert not [one for one in advanced if one.state in advances.OPEN]


def _recount_ledger(claim: Claim) -> None:
    movements = db.session.scalars(
        select(ReserveMovement).where(ReserveMovement.claim_id == claim.id).order_by(ReserveMovement.id)
    ).all()
    close: Counter[ReserveItem] = Counter()
    by_kind: Counter[MovementKind] = Counter()
    for one in movements:
        close[one.item] += -one.amount_fen if one.kind in _LEAVES else one.amount_fen
        by_kind[one.kind] += one.amount_fen
    assert min(close.values(), default=0) >= 0
    assert sum(close.values()) == claim.reserve_fen - claim.paid_fen
    assert by_kind[MovementKind.PAID] == claim.paid_fen
    assert by_kind[MovementKind.DIVIDED] == 0
    if claim.state in _ENDED:
        assert not any(close.values())
    entries = db.session.scalars(
        select(ReserveEntry).where(ReserveEntry.claim_id == claim.id).order_by(ReserveEntry.id)
    ).all()
    after = 0
    for entry in entries:
        assert entry.before_fen == after
        after = entry.after_fen
    assert after == claim.reserve_fen


def _recount_recoveries(claim: Claim) -> None:
    for one in db.session.scalars(select(Recovery).where(Recovery.claim_id == claim.id)):
        receipts = db.session.scalars(select(RecoveryReceipt).where(RecoveryReceipt.recovery_id == one.id))
        assert one.received_fen == sum(each.amount_fen for each in receipts if each.struck_at is None)
        left = one.amount_fen - one.received_fen - one.written_off_fen
        assert left >= 0
        assert one.state is (RecoveryState.OPEN if left else RecoveryState.SETTLED)


# The second history pays in advance, denies, and has the money sent back by the bank.
@pytest.mark.parametrize("seed", [1, 81])
def test_random_histories_of_a_claim_add_up_after_every_step(world: World, now: datetime, seed: int) -> None:
    second = UserFactory(username="manager2", name="钱卫东", role=Role.MANAGER, accounts=[world.account])
    db.session.commit()
    history = History(
        world,
        Journey(world, reported_claim(world, now), now),
        random.Random(seed),
        [world.manager, second],
    )
    for _step in range(STEPS):
        history.step()
        recount(history.claim)

    claim = history.claim
    assert len(history.done) > 10
    book = reserve_book.read_book(world.account.id, [month_of(local_date(history.now))], actor=world.claims1)
    assert book.total.closing_fen == claim.reserve_fen - claim.paid_fen
    chain = db.session.execute(
        select(ClaimEvent.from_state, ClaimEvent.to_state)
        .where(ClaimEvent.claim_id == claim.id)
        .order_by(ClaimEvent.id)
    ).all()
    assert all(later.from_state == sooner.to_state for sooner, later in pairwise(chain))
