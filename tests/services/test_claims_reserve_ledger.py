"""The ledger of reserves against the claims themselves, and the same-day notice whichever way an estimate comes."""

from collections import defaultdict
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.clock import CHINA, local_date
from service_desk.base.errors import Forbidden, Invalid
from service_desk.models.claim_parties import ClaimParty
from service_desk.models.claims import Claim, ClaimPayment, ReserveEntry
from service_desk.models.db import db
from service_desk.models.notices import Notice
from service_desk.models.reserves import ReserveMovement
from service_desk.models.sla import Timer, TimerState
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.claim_losses import LossKind
from service_desk.rules.claim_parties import PartyKind, TreatmentStage
from service_desk.rules.periods import month_of, months_after
from service_desk.rules.reserve_ledger import MovementKind, ReserveItem
from service_desk.services.claims import (
    exits,
    handling,
    injuries,
    intake,
    parties,
    party_costs,
    reserve_book,
    reserves,
)
from service_desk.services.claims.injuries import FollowUpFacts
from service_desk.services.claims.party_costs import Estimate
from service_desk.services.claims.reserves import SetReserve
from tests.claim_cases import ASSESSMENT, Journey, file_store, reported_claim
from tests.world import World

K, I = MovementKind, ReserveItem  # noqa: E741 - two letters that read well in tables


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


@pytest.fixture
def journey(world: World, claim: Claim, now: datetime) -> Journey:
    return Journey(world, claim, now)


def movements(claim: Claim) -> list[tuple[MovementKind, ReserveItem, int]]:
    return [(row.kind, row.item, row.amount_fen) for row in reserves.list_movements(claim.id)]


def party(claim: Claim, kind: PartyKind) -> ClaimParty:
    found = db.session.scalar(
        select(ClaimParty).where(ClaimParty.claim_id == claim.id, ClaimParty.kind == kind)
    )
    assert found is not None
    return found


def large_losses_told() -> list[Notice]:
    return list(db.session.scalars(select(Notice).where(Notice.kind == "large_loss").order_by(Notice.id)))


def test_a_claims_life_is_in_the_ledger_and_adds_up_at_every_step(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.SURVEYED)
    assert movements(claim) == [(K.NEW, I.UNDIVIDED, 8_000_00)]
    journey.to(ClaimState.ASSESSED)
    reserves.set_reserve(
        claim.number,
        SetReserve(8_000_00, "fees", "公估费"),
        actor=world.claims1,
        now=journey.now,
    )
    assert reserves.outstanding_of(claim.id) == {
        I.OWN_VEHICLE: 0,
        I.THIRD_PARTY: 6_000_00,
        I.INJURY: 1_500_00,
        I.FEES: 500_00,
        I.UNDIVIDED: 0,
    }
    journey.to(ClaimState.PAID)
    assert sum(reserves.outstanding_of(claim.id).values()) == claim.reserve_fen - claim.paid_fen == 1_700_00
    journey.to(ClaimState.CLOSED)
    assert not any(reserves.outstanding_of(claim.id).values())
    exits.reopen(claim.number, exits.Reopen("伤者二次手术", 9_000_00), actor=world.claims1, now=journey.now)

    sums: dict[MovementKind, int] = defaultdict(int)
    for kind, _item, fen in movements(claim):
        sums[kind] += fen
    assert sums == {
        K.NEW: 8_000_00,
        K.DIVIDED: 0,
        K.DECREASE: 500_00,
        K.INCREASE: 500_00,
        K.PAID: 6_300_00,
        K.RELEASED: 1_700_00,
        K.REOPENED: 2_700_00,
    }
    assert sum(reserves.outstanding_of(claim.id).values()) == claim.reserve_fen - claim.paid_fen


def test_a_payment_that_came_back_is_a_negative_payment_and_nothing_is_posted_twice(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.PAID)
    before = reserves.outstanding_of(claim.id)

    for paid_fen in (claim.paid_fen - 1_000_00, claim.paid_fen):
        claim.paid_fen = paid_fen
        for _again in range(2):
            reserves.record_paid(claim, actor=world.claims2, now=journey.now)
        assert sum(reserves.outstanding_of(claim.id).values()) == claim.reserve_fen - paid_fen

    assert reserves.outstanding_of(claim.id) == before
    paid = [fen for kind, _item, fen in movements(claim) if kind is K.PAID]
    assert sum(paid) == claim.paid_fen
    assert min(paid) < 0


def test_a_payment_may_name_what_it_is_for(world: World, claim: Claim, journey: Journey) -> None:
    journey.to(ClaimState.APPROVED)
    claim.paid_fen = 1_000_00

    reserves.record_paid(claim, actor=world.claims2, now=journey.now, item=I.INJURY)

    assert reserves.outstanding_of(claim.id)[I.INJURY] == 500_00


def test_estimates_of_parties_divide_the_whole_before_it_grows(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.SURVEYED)
    own = party(claim, PartyKind.OWN_VEHICLE)
    other = party(claim, PartyKind.OTHER_VEHICLE)
    for owner, kind, fen in (
        (own, LossKind.OWN_VEHICLE, 5_000_00),
        (other, LossKind.THIRD_PARTY_VEHICLE, 4_000_00),
    ):
        command = Estimate(owner.id, kind, "保险杠", fen)
        party_costs.estimate_item(claim.number, command, actor=world.claims1, now=journey.now)

    assert claim.reserve_fen == 9_000_00
    held = reserves.outstanding_of(claim.id)
    assert (held[I.OWN_VEHICLE], held[I.THIRD_PARTY], held[I.UNDIVIDED]) == (5_000_00, 4_000_00, 0)
    item = parties.list_parties(claim.id)[0].items[0]
    command = Estimate(own.id, LossKind.OWN_VEHICLE, "保险杠", 3_500_00, item.id)
    party_costs.estimate_item(claim.number, command, actor=world.claims1, now=journey.now)
    assert claim.reserve_fen == 7_500_00


def test_the_same_day_notice_goes_out_once_whichever_way_the_estimate_comes(
    world: World, claim: Claim, journey: Journey, now: datetime
) -> None:
    journey.to(ClaimState.SURVEYED)
    injured = party(claim, PartyKind.PERSON)
    facts = FollowUpFacts(
        injured.id, local_date(now), "骨折待手术", TreatmentStage.INPATIENT, 2_000_00, 9_999_99
    )
    injuries.follow_injured(claim.number, facts, actor=world.claims1, now=journey.now)
    assert (claim.reserve_fen, claim.large_loss_noticed_at) == (9_999_99, None)

    facts = FollowUpFacts(injured.id, local_date(now), "已手术", TreatmentStage.SURGERY, 5_000_00, 10_000_00)
    injuries.follow_injured(claim.number, facts, actor=world.claims1, now=journey.now)
    assert (claim.reserve_fen, claim.large_loss_noticed_at) == (10_000_00, journey.now)
    told = large_losses_told()
    assert {notice.user_id for notice in told} == {world.hq.id, None}
    own = party(claim, PartyKind.OWN_VEHICLE)
    command = Estimate(own.id, LossKind.OWN_VEHICLE, "前脸", 50_000_00)
    party_costs.estimate_item(claim.number, command, actor=world.claims1, now=journey.now)

    assert large_losses_told() == told
    assert claim.reserve_fen == 60_000_00


@pytest.mark.parametrize(("fen", "is_told"), [(9_999_99, False), (10_000_00, True)])
def test_a_report_with_an_estimate_is_told_the_same_day_even_before_midnight(
    world: World, claim: Claim, fen: int, is_told: bool
) -> None:
    late = datetime(2026, 11, 23, 23, 59, tzinfo=CHINA)
    number = intake.report(
        intake.ReportCommand(
            account_id=world.account.id,
            plate=world.coach.plate or "",
            loss_at=late - timedelta(minutes=30),
            place="G310",
            description="与货车相撞",
            reporter_name="郭永刚",
            callback_phone="13937108891",
            estimate_fen=fen,
            duplicate_answer="new",
        ),
        photos=[],
        key="",
        actor=world.claims1,
        now=late,
        files=file_store(),
    )

    made = db.session.scalars(select(Claim).where(Claim.number == number)).one()
    assert (made.reserve_fen, made.large_loss_noticed_at is not None) == (fen, is_told)


def test_with_nobody_to_tell_the_clock_of_the_notice_runs(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.SURVEYED)
    world.hq.is_active = False
    world.insurance_department.gets_large_losses = False
    db.session.flush()

    command = Estimate(party(claim, PartyKind.OWN_VEHICLE).id, LossKind.OWN_VEHICLE, "前脸", 12_000_00)
    party_costs.estimate_item(claim.number, command, actor=world.claims1, now=journey.now)

    timer = db.session.scalars(select(Timer).where(Timer.step == ClockStep.LARGE_LOSS_NOTICE)).one()
    assert (timer.state, claim.large_loss_noticed_at) == (TimerState.RUNNING, None)


def test_reopening_with_a_large_reserve_tells_it_too(world: World, claim: Claim, journey: Journey) -> None:
    journey.to(ClaimState.CLOSED)

    exits.reopen(claim.number, exits.Reopen("二次手术", 16_300_00), actor=world.claims1, now=journey.now)

    assert claim.large_loss_noticed_at == journey.now


def test_the_assessment_keeps_fees_and_a_forecast_beyond_it(
    world: World, claim: Claim, journey: Journey, now: datetime
) -> None:
    journey.to(ClaimState.SURVEYED)
    injured = party(claim, PartyKind.PERSON)
    facts = FollowUpFacts(injured.id, local_date(now), "住院", TreatmentStage.INPATIENT, 1_000_00, 4_000_00)
    injuries.follow_injured(claim.number, facts, actor=world.claims1, now=journey.now)
    fees = SetReserve(claim.reserve_fen + 300_00, "fees", "公估费")
    reserves.set_reserve(claim.number, fees, actor=world.claims1, now=journey.now)

    handling.record_assessment(
        claim.number, ASSESSMENT, actor=world.claims1, now=journey.now, files=file_store()
    )

    held = reserves.outstanding_of(claim.id)
    assert (held[I.THIRD_PARTY], held[I.INJURY], held[I.FEES]) == (6_000_00, 4_000_00, 300_00)
    assert claim.reserve_fen == 10_300_00


def test_an_estimate_no_desk_holds_is_refused_and_nothing_written(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.SURVEYED)
    command = Estimate(
        party(claim, PartyKind.OWN_VEHICLE).id, LossKind.OWN_VEHICLE, "前脸", reserves.MAX_RESERVE_FEN + 1
    )

    with pytest.raises(Invalid, match="reserve_out_of_range"):
        party_costs.estimate_item(claim.number, command, actor=world.claims1, now=journey.now)


class TestBook:
    def test_equals_a_slow_count_of_entries_and_payments(self, world: World, now: datetime) -> None:
        claims = [
            reported_claim(world, now - timedelta(days=70)),
            reported_claim(world, now - timedelta(days=40), vehicle=world.bus),
            reported_claim(world, now - timedelta(days=9)),
        ]
        for claim, state in zip(
            claims, (ClaimState.CLOSED, ClaimState.PAID, ClaimState.ASSESSED), strict=True
        ):
            Journey(world, claim, claim.reported_at + timedelta(days=3)).to(state)
        exits.reopen(claims[0].number, exits.Reopen("二次手术", 9_000_00), actor=world.claims1, now=now)
        months = [months_after(date(2026, 9, 1), number) for number in range(3)]

        book = reserve_book.read_book(world.account.id, months, actor=world.manager)

        for month, rolled in book.months:
            start, end = month.instants(CHINA)
            assert rolled.opening_fen == held_at(start)
            assert rolled.closing_fen == held_at(end)
            assert rolled.paid_fen == paid_between(start, end)
        assert book.total.closing_fen == sum(c.reserve_fen - c.paid_fen for c in claims)
        assert sum(rolled.closing_fen for _b, rolled in book.by_branch) == book.total.closing_fen
        assert sum(rolled.closing_fen for _i, rolled in book.by_item) == book.total.closing_fen
        assert (book.total.reopened_fen, book.total.divided_fen) == (2_700_00, 0)
        of_bus = reserve_book.read_book(
            world.account.id, months, branch_id=world.zhongmu.id, actor=world.manager
        )
        assert of_bus.total.closing_fen == claims[1].reserve_fen - claims[1].paid_fen

    def test_is_for_those_who_handle_claims_and_of_their_account(self, world: World, now: datetime) -> None:
        Journey(world, reported_claim(world, now), now).to(ClaimState.SURVEYED)
        months = [month_of(local_date(now))]
        for user in (world.hq, world.safety_gongyi, world.underwriter, world.foreign_hq):
            with pytest.raises(Forbidden):
                reserve_book.read_book(world.account.id, months, actor=user)

        assert reserve_book.read_book(world.foreign_account.id, months, actor=world.manager).by_branch == []


def held_at(at: datetime) -> int:
    """What was outstanding at an instant, counted from the entries and payments one by one."""
    total = 0
    for claim in db.session.scalars(select(Claim)):
        entries = db.session.scalars(
            select(ReserveEntry)
            .where(ReserveEntry.claim_id == claim.id, ReserveEntry.at < at)
            .order_by(ReserveEntry.at, ReserveEntry.id)
        ).all()
        total += entries[-1].after_fen if entries else 0
    return total - paid_between(datetime(2020, 1, 1, tzinfo=CHINA), at)


def paid_between(start: datetime, end: datetime) -> int:
    rows = db.session.scalars(
        select(ClaimPayment).where(ClaimPayment.paid_at >= start, ClaimPayment.paid_at < end)
    )
    return sum(row.amount_fen for row in rows)


def test_every_movement_belongs_to_its_entry_or_to_a_payment(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.CLOSED)

    for entry in db.session.scalars(select(ReserveEntry)):
        own = db.session.scalars(select(ReserveMovement).where(ReserveMovement.entry_id == entry.id)).all()
        change = sum(-m.amount_fen if m.kind in {K.DECREASE, K.RELEASED} else m.amount_fen for m in own)
        assert change == entry.after_fen - entry.before_fen
