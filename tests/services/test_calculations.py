"""Calculations as they are kept: what they start from, what is to be recovered, versions compared, previews."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.base.errors import Forbidden, Invalid
from service_desk.models.claims import Claim, ClaimCover
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.settlement import Driver
from service_desk.rules.vocabulary import CoverCode, Fault
from service_desk.services.claims import calculation_versions, settlement
from service_desk.services.claims.stated import CalculationInputs, PersonOnBoard, stated_again
from tests.claim_cases import CALCULATION, Journey, reported_claim
from tests.world import World

EXAMPLES = Path(__file__).parents[1] / "data" / "settlement_examples.json"


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


@pytest.fixture
def journey(world: World, claim: Claim, now: datetime) -> Journey:
    return Journey(world, claim, now)


def test_the_command_line_answers_every_worked_example_by_the_calendar_of_the_state(app: Flask) -> None:
    answer = app.test_cli_runner().invoke(args=["rules", "settle", str(EXAMPLES)])

    wanted = {one["id"]: one["expected"] for one in json.loads(EXAMPLES.read_text("utf-8"))["examples"]}
    assert {one["id"]: one.get("expected") for one in json.loads(answer.stdout_bytes)} == wanted


def test_for_an_unfit_driver_the_calculation_names_who_pays_back(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    command = CalculationInputs(
        Fault.FULL, medical_fen=30_000_00, driver=Driver.DRUNK, rescue_cost_fen=9_000_00
    )
    with pytest.raises(Invalid, match="driver_name_missing"):
        settlement.calculate(claim.number, command, actor=world.claims1, now=journey.now)

    named = replace(command, driver_name="张三")
    kept = settlement.calculate(claim.number, named, actor=world.claims1, now=journey.now)

    assert kept.total_fen == 9_000_00
    assert kept.recoveries == [{"kind": "ctpl_recourse", "amount_fen": 9_000_00, "from": "张三"}]
    assert stated_again(kept.inputs) == named


@pytest.mark.parametrize(
    "damage",
    [
        {"own_damage_fen": 3_000_00},
        {"is_total_loss": True},
        {"rescue_fee_fen": 800_00},
        {"glass_fen": 500_00},
    ],
)
def test_a_stolen_vehicle_is_not_paid_as_damaged_as_well(
    world: World, claim: Claim, journey: Journey, damage: dict[str, int]
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    stolen = CalculationInputs(Fault.FULL, is_stolen=True, theft_sum_fen=100_000_00)

    with pytest.raises(Invalid, match="theft_and_damage") as refused:
        settlement.calculate(claim.number, replace(stolen, **damage), actor=world.claims1, now=journey.now)

    assert refused.value.field == "is_stolen"
    # What the thief did to others is paid beside it.
    beside = replace(stolen, property_fen=1_000_00)
    kept = settlement.calculate(claim.number, beside, actor=world.claims1, now=journey.now)
    assert kept.total_fen == 101_000_00


def test_a_cover_taken_over_without_its_limit_is_asked_about_and_never_pays_nothing_for_it(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    for code in (CoverCode.TPL, CoverCode.OWN_DAMAGE):
        found = select(ClaimCover).where(ClaimCover.claim_id == claim.id, ClaimCover.code == code)
        db.session.scalars(found).one().limit_fen = None
    command = CalculationInputs(Fault.FULL, property_fen=5_000_00, own_damage_fen=3_000_00)
    with pytest.raises(Invalid, match="contract_limit_missing") as own:
        settlement.calculate(claim.number, command, actor=world.claims1, now=journey.now)
    own_told = replace(command, own_sum_fen=80_000_00)
    with pytest.raises(Invalid, match="contract_limit_missing") as tpl:
        settlement.calculate(claim.number, own_told, actor=world.claims1, now=journey.now)

    told = replace(own_told, tpl_limit_fen=1_000_000_00)
    kept = settlement.calculate(claim.number, told, actor=world.claims1, now=journey.now)

    assert (own.value.field, tpl.value.field) == ("own_sum", "tpl_limit")
    assert kept.total_fen == 2_000_00 + 3_000_00 + 3_000_00
    assert stated_again(kept.inputs) == told


def test_a_limit_that_is_typed_does_not_change_the_one_the_policy_has(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    typed = CalculationInputs(
        Fault.FULL, property_fen=3_000_000_00, tpl_limit_fen=9_000_000_00, own_sum_fen=9_000_000_00
    )

    kept = settlement.calculate(claim.number, typed, actor=world.claims1, now=journey.now)

    assert kept.total_fen == 2_000_00 + 1_000_000_00


def test_the_carriers_contract_comes_from_its_cover_and_a_typed_figure_wins(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    command = CalculationInputs(Fault.FULL, passengers=(PersonOnBoard("赵敏", 86_000_00),))
    with pytest.raises(Invalid, match="contract_limit_missing"):
        settlement.calculate(claim.number, command, actor=world.claims1, now=journey.now)
    db.session.add(
        ClaimCover(
            claim_id=claim.id,
            code=CoverCode.CARRIER_LIABILITY.value,
            per_seat_fen=300_000_00,
            deductible_fen=500_00,
            absolute_deductible_percent=5,
            ends_at=claim.loss_at + timedelta(days=90),
        )
    )
    db.session.flush()

    by_cover = settlement.calculate(claim.number, command, actor=world.claims1, now=journey.now)
    typed = replace(command, passenger_limit_fen=50_000_00, passenger_deductible_percent=0)
    by_hand = settlement.calculate(claim.number, typed, actor=world.claims1, now=journey.now)

    assert (by_cover.total_fen, by_hand.total_fen) == (81_700_00, 49_500_00)


def test_two_versions_are_compared_by_what_was_stated_and_paid(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    first, second = (
        settlement.calculate(claim.number, command, actor=world.claims1, now=journey.now)
        for command in (CALCULATION, replace(CALCULATION, property_fen=5_000_00))
    )

    found = calculation_versions.difference(first, second)

    assert found.inputs == [("property_fen", 6_000_00, 5_000_00)]
    assert found.lines == [("tpl", 2_800_00, 2_100_00)]
    assert found.total_fen == -700_00


def test_a_preview_refuses_who_may_not_calculate_and_writes_nothing(
    world: World, claim: Claim, journey: Journey
) -> None:
    journey.to(ClaimState.DOCUMENTS_COMPLETE)
    with pytest.raises(Forbidden):
        calculation_versions.preview(claim.number, CALCULATION, actor=world.hq)

    shown = calculation_versions.preview(claim.number, CALCULATION, actor=world.claims1)

    assert shown.total_fen == 6_300_00
    assert settlement.latest_calculation(claim.id) is None
    assert claim.state is ClaimState.DOCUMENTS_COMPLETE
