"""Every step of a working can be done again from what stands in it: the formula gives the amount, to the fen."""

import re
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from service_desk.base.money import FEN, ZERO, round_yuan
from service_desk.rules.settlement import (
    CarrierLiability,
    ClaimInputs,
    CommercialClause,
    Occupants,
    OtherVehicle,
    OwnDamageLoss,
    PersonLoss,
    RescueFee,
    Standing,
    Step,
    Theft,
    ThirdPartyLoss,
    Trailer,
    Victim,
    calculate,
)
from service_desk.rules.vocabulary import Fault

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SHARES = {Step.CTPL_SHARE, Step.CTPL_VICTIM, Step.TPL_VICTIM, Step.TRACTOR_SHARE, Step.TRAILER_SHARE}


def worked_out(formula: str) -> Decimal:
    """What a reader with a pocket calculator gets."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", formula).replace("×", "*").replace("÷", "/").replace("−", "-")
    typed = _NUMBER.sub(lambda number: f"D('{number.group()}')", plain).replace("%", "/100")
    return round_yuan(eval(typed, {"D": Decimal, "min": min, "max": max}))


amounts = st.integers(0, 3_000_000).map(lambda fen: Decimal(fen) / 100)
some = amounts.map(lambda yuan: yuan + 1)
rates = st.sampled_from([Decimal(0), Decimal("0.05"), Decimal("0.1"), Decimal("0.3")])
losses = st.builds(ThirdPartyLoss, amounts, amounts, amounts)
claims = st.builds(
    ClaimInputs,
    loss_on=st.just(date(2026, 11, 1)),
    fault=st.sampled_from(Fault),
    ctpl_in_force=st.booleans(),
    victims=st.lists(st.builds(Victim, st.just("甲"), losses), min_size=1, max_size=3).map(tuple),
    vehicles=st.lists(st.builds(OtherVehicle, st.just("豫B2"), st.sampled_from(Standing)), max_size=1).map(
        tuple
    ),
    tpl_limit=st.none() | some,
    trailer=st.none() | st.builds(Trailer, some),
    clause=st.sampled_from(CommercialClause),
    absolute_rates=st.tuples(rates),
    fault_ratio=st.none() | st.integers(0, 100).map(lambda percent: Decimal(percent) / 100),
    own_damage=st.builds(
        OwnDamageLoss,
        repair_cost=amounts,
        sum_insured=amounts,
        absolute_rates=st.tuples(rates),
        absolute_amount=amounts,
        received_from_third_party=amounts,
        uses_fault_ratio=st.booleans(),
    ),
    other_party=st.just("豫A12345"),
    rescue_fee=st.builds(RescueFee, amounts, some, amounts, amounts),
    occupants=st.builds(Occupants, st.tuples(st.builds(PersonLoss, st.just("乙"), amounts, amounts)), some),
    carrier=st.builds(
        CarrierLiability, st.tuples(st.builds(PersonLoss, st.just("丙"), amounts)), some, amounts, rates
    ),
    theft=st.builds(Theft, amounts, st.integers(0, 5)),
)


@settings(max_examples=200, deadline=None)
@given(claims)
def test_each_formula_gives_its_amount(inputs: ClaimInputs) -> None:
    for line in calculate(inputs).working:
        # A share is floored, or has the fen that is left over.
        off = FEN if line.label_key in _SHARES else ZERO
        assert abs(worked_out(line.formula) - line.amount) <= off, line


def test_a_later_step_shows_the_parts_of_a_fen_it_goes_on_with() -> None:
    """50.005 × 90 % is 45.00; 50.01 × 90 % would be 45.01, and the client would ask for a fen more."""
    inputs = ClaimInputs(
        date(2026, 11, 1),
        Fault.EQUAL,
        ctpl_in_force=True,
        third_party=ThirdPartyLoss(property=Decimal("2100.01")),
        tpl_limit=Decimal(1_000_000),
        absolute_rates=(Decimal("0.1"),),
    )

    steps = {line.label_key: line for line in calculate(inputs).working}

    assert steps[Step.AFTER_FAULT].amount == Decimal("50.01")
    assert steps[Step.TPL_PAY].formula == "50.005 × (1 − 10%)"
    assert steps[Step.TPL_PAY].amount == Decimal("45.00")


def test_what_comes_to_less_than_nought_says_that_nought_is_paid() -> None:
    inputs = ClaimInputs(
        date(2026, 11, 1),
        Fault.FULL,
        ctpl_in_force=True,
        own_damage=OwnDamageLoss(Decimal(300), Decimal(80_000), absolute_amount=Decimal(500)),
    )

    assert calculate(inputs).working[1].formula == "max(300.00 − 500.00, 0)"
