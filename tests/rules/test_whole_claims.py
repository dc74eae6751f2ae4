"""Whole claims: covers together, what is shared, what is excluded, what is got back; and what holds for all of them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_desk.base.errors import Invalid
from service_desk.rules.settlement import (
    Calculation,
    CarrierLiability,
    ClaimInputs,
    CommercialClause,
    Coverage,
    Driver,
    Fault,
    Occupants,
    OtherVehicle,
    OwnDamageLoss,
    Payer,
    PersonLoss,
    RecoveryKind,
    RescueFee,
    Standing,
    Step,
    Theft,
    ThirdPartyLoss,
    Trailer,
    Victim,
    calculate,
    claim_as_json,
    settle,
)
from service_desk.rules.settlement.shares import share_within, share_yuan

D = Decimal
amounts = st.integers(min_value=0, max_value=300_000_000).map(lambda fen: D(fen) / 100)
some = st.integers(min_value=1, max_value=300_000_000).map(lambda fen: D(fen) / 100)
losses = st.builds(ThirdPartyLoss, death=amounts, medical=amounts, property=some)
persons = st.lists(st.builds(PersonLoss, label=st.just("甲"), loss=some), min_size=1, max_size=4).map(tuple)
USUAL = ClaimInputs(loss_on=date(2026, 11, 22), fault=Fault.FULL, ctpl_in_force=True, tpl_limit=D(1_000_000))


def claim(**changes: object) -> ClaimInputs:
    return replace(USUAL, **changes)  # type: ignore[arg-type]


@st.composite
def claims(draw: st.DrawFn) -> ClaimInputs:
    """Any claim the form can state."""
    others = st.builds(OtherVehicle, label=st.just("豫B2"), standing=st.sampled_from(Standing))
    victims = st.builds(Victim, label=st.sampled_from("甲乙丙"), loss=losses)
    own = st.builds(
        OwnDamageLoss,
        repair_cost=some,
        sum_insured=some,
        total_loss=st.booleans(),
        absolute_amount=st.just(D(500)),
        received_from_third_party=amounts,
    )
    clause = draw(st.sampled_from(CommercialClause))
    return ClaimInputs(
        loss_on=draw(st.dates(date(2005, 1, 1), date(2027, 12, 31))),
        fault=draw(st.sampled_from(Fault)),
        ctpl_in_force=draw(st.booleans()),
        tpl_limit=draw(st.sampled_from([None, D(500_000), D(1_000_000)])),
        clause=clause,
        deductible_waiver=draw(st.booleans()),
        absolute_rates=draw(st.sampled_from([(), (D("0.1"),), (D("0.1"), D("0.3"))])),
        victims=draw(st.lists(victims, min_size=1, max_size=4).map(tuple)),
        vehicles=draw(st.lists(others, max_size=3).map(tuple)),
        driver=draw(st.sampled_from([Driver.FIT, Driver.FIT, *Driver])),
        rescue_cost=draw(amounts),
        is_injury_ordered=draw(st.booleans()),
        trailer=draw(st.sampled_from([None, Trailer(D(50_000)), Trailer(D(50_000), is_ours=False)])),
        own_damage=draw(st.none() | own),
        rescue_fee=draw(
            st.none() | st.builds(RescueFee, fee=amounts, vehicle_value=some, uninsured_value=amounts)
        ),
        other_party=draw(st.sampled_from(["", "对方"])),
        occupants=draw(st.none() | st.builds(Occupants, persons=persons, limit_per_seat=st.just(D(50_000)))),
        carrier=draw(
            st.none()
            | st.builds(
                CarrierLiability,
                persons=persons,
                limit_per_person=st.just(D(300_000)),
                deductible_fixed=st.just(D(500)),
                deductible_rate=st.just(D("0.05")),
            )
        ),
        glass=None if clause is CommercialClause.C2020 else draw(st.none() | some),
        theft=draw(st.none() | st.builds(Theft, sum_insured=some, missing_documents=st.integers(0, 5))),
    )


@settings(max_examples=80, deadline=None)
@given(claims())
def test_lines_and_their_parts_add_up_to_the_fen_and_never_exceed_their_limits(inputs: ClaimInputs) -> None:
    result = calculate(inputs)

    assert result.total == sum(line.pay for line in result.lines)
    assert (result.working[-1].label_key, result.working[-1].amount) == (Step.TOTAL, result.total)
    for line in result.lines:
        assert line.pay == line.pay.quantize(D("0.01"))
        assert line.limit is None or 0 <= line.pay <= line.limit
        assert not line.parts or sum(part for _, part in line.parts) == line.pay
    recovered = sum(one.amount for one in result.recoveries)
    assert 0 <= recovered <= result.total


@settings(max_examples=40, deadline=None)
@given(claims())
def test_a_kept_claim_is_answered_again_to_the_last_step(inputs: ClaimInputs) -> None:
    result = calculate(inputs)

    answer = settle("claim", claim_as_json(inputs))

    assert answer["working"] == [line.as_json() for line in result.working]
    assert answer["expected"]["total"] == f"{result.total:.2f}"


@settings(max_examples=40, deadline=None)
@given(claims(), some, st.sampled_from(["death", "medical", "property"]))
def test_a_larger_loss_is_never_paid_less(inputs: ClaimInputs, more: Decimal, item: str) -> None:
    first = inputs.victims[0]
    lost = replace(first.loss, **{item: getattr(first.loss, item) + more})
    larger = replace(inputs, victims=(Victim(first.label, lost), *inputs.victims[1:]))

    # A fen may fall to another vehicle when a share is rounded anew.
    assert calculate(larger).total >= calculate(inputs).total - D("0.03")


@given(amounts, st.lists(amounts, min_size=1, max_size=6))
def test_shares_add_up_to_what_is_payable_and_stay_within_the_limits(
    loss: Decimal, limits: list[Decimal]
) -> None:
    shares = share_within(loss, limits)

    assert sum(shares) == min(loss, sum(limits))
    assert all(0 <= share <= limit for share, limit in zip(shares, limits, strict=True))


def test_nothing_is_shared_where_nothing_weighs() -> None:
    assert share_yuan(D(5), [D(0), D(0)]) == (D(0), D(0))


def by_coverage(result: Calculation) -> dict[Coverage, Decimal]:
    return {line.coverage: line.pay for line in result.lines}


def test_one_calculation_covers_third_parties_the_own_vehicle_its_rescue_and_the_people_on_board() -> None:
    result = calculate(
        claim(
            clause=CommercialClause.C2014,
            loss_on=date(2019, 5, 1),
            victims=(
                Victim("甲", ThirdPartyLoss(medical=D(15_000))),
                Victim("乙", ThirdPartyLoss(medical=D(21_000), property=D(3000))),
            ),
            own_damage=OwnDamageLoss(D(32_000), D(260_000), absolute_amount=D(500)),
            rescue_fee=RescueFee(D(6000), D(240_000), D(60_000), D(260_000)),
            occupants=Occupants((PersonLoss("丙", D(12_000)), PersonLoss("丁", D(65_000))), D(50_000)),
            carrier=CarrierLiability((PersonLoss("戊", D(86_000)),), D(300_000), D(500), D("0.05")),
            glass=D(2800),
        )
    )
    assert by_coverage(result) == {
        Coverage.CTPL_MEDICAL: D(10_000),
        Coverage.CTPL_PROPERTY: D(2000),
        Coverage.TPL: D(21_600),
        Coverage.OWN_DAMAGE: D(25_100),
        Coverage.RESCUE_FEE: D(4800),
        Coverage.OCCUPANTS: D(49_600),
        Coverage.CARRIER: D(81_700),
        Coverage.GLASS: D(2800),
    }
    parts = {line.coverage: line.parts for line in result.lines}
    assert parts[Coverage.CTPL_MEDICAL] == (("甲", D("4166.67")), ("乙", D("5833.33")))
    assert sum(part for _, part in parts[Coverage.TPL]) == D(21_600)


def test_our_share_among_vehicles_goes_by_ctpl_limits_and_fault_counts_beyond_them() -> None:
    others = (OtherVehicle("豫B2", Standing.LIABLE), OtherVehicle("豫C3", Standing.NO_FAULT))
    victim = Victim("", ThirdPartyLoss(D(240_000), D(60_000), D(1000)))

    result = calculate(claim(fault=Fault.MAIN, victims=(victim,), vehicles=others))

    # Medical: 60,000 is more than 18,000 + 18,000 + 1,800, so each pays its limit, and fault shares what is left.
    assert by_coverage(result) == {
        Coverage.CTPL_DEATH: D("114285.72"),
        Coverage.CTPL_MEDICAL: D(18_000),
        Coverage.CTPL_PROPERTY: D("487.81"),
        Coverage.TPL: D("15540.00"),
    }


def test_insured_vehicles_pay_for_one_without_ctpl_and_recover() -> None:
    others = (OtherVehicle("豫B2", Standing.UNINSURED),)
    result = calculate(claim(victims=(Victim("", ThirdPartyLoss(property=D(3000))),), vehicles=others))

    assert by_coverage(result) == {Coverage.CTPL_PROPERTY: D(2000)}
    assert [(one.kind, one.amount, one.debtor) for one in result.recoveries] == [
        (RecoveryKind.CTPL_RECOURSE, D(500), "豫B2")
    ]


UNFIT = {
    "driver": Driver.DRUNK,
    "driver_name": "张三",
    "victims": (Victim("", ThirdPartyLoss(D(50_000), D(30_000), D(6000))),),
    "own_damage": OwnDamageLoss(D(10_000), D(200_000)),
    "occupants": Occupants((PersonLoss("", D(9000)),), D(10_000)),
}


def test_for_a_drunk_driver_ctpl_advances_rescue_cost_and_commercial_covers_pay_nothing() -> None:
    result = calculate(claim(rescue_cost=D(30_000), **UNFIT))

    assert result.total == by_coverage(result)[Coverage.CTPL_ADVANCE] == D(18_000)
    assert [(one.amount, one.debtor) for one in result.recoveries] == [(D(18_000), "张三")]
    steps = {line.label_key for line in result.working}
    assert {Step.TPL_EXCLUDED, Step.OWN_DAMAGE_EXCLUDED, Step.OCCUPANTS_EXCLUDED} <= steps


def test_a_court_may_order_injuries_to_be_paid_within_ctpl_and_never_property() -> None:
    result = calculate(claim(rescue_cost=D(30_000), is_injury_ordered=True, **UNFIT))

    assert {coverage: pay for coverage, pay in by_coverage(result).items() if pay} == {
        Coverage.CTPL_DEATH: D(50_000),
        Coverage.CTPL_MEDICAL: D(18_000),
    }
    assert sum(one.amount for one in result.recoveries) == result.total == D(68_000)


@pytest.mark.parametrize(("is_ours", "trailer_pays"), [(True, "30000.00"), (False, None)])
def test_tractor_and_trailer_share_by_their_limits(is_ours: bool, trailer_pays: str | None) -> None:
    inputs = claim(
        victims=(Victim("", ThirdPartyLoss(death=D(810_000))),), trailer=Trailer(D(50_000), is_ours)
    )
    paid = by_coverage(calculate(inputs))

    assert paid[Coverage.TPL] == D(600_000)
    assert paid.get(Coverage.TPL_TRAILER) == (D(trailer_pays) if trailer_pays else None)


@pytest.mark.parametrize(
    ("fault", "ratio", "received", "owed"),
    [
        (Fault.NONE, None, 0, "14000.00"),
        (Fault.NONE, None, 4000, "10000.00"),
        (Fault.MINOR, None, 0, "10400.00"),  # 2,000 by CTPL, 70 % of 12,000
        (Fault.EQUAL, "0.4", 0, "9200.00"),
        (Fault.FULL, None, 0, "100.00"),  # nothing but the other side's CTPL without fault
    ],
)
def test_what_own_damage_paid_is_recovered_as_far_as_the_other_side_owes_it(
    fault: Fault, ratio: str | None, received: int, owed: str
) -> None:
    loss = OwnDamageLoss(D(14_000), D(200_000), received_from_third_party=D(received))
    result = calculate(
        claim(fault=fault, fault_ratio=D(ratio) if ratio else None, own_damage=loss, other_party="对方")
    )

    assert result.total == D(14_000 - received)
    assert [one.amount for one in result.recoveries] == [D(owed)]


@pytest.mark.parametrize(
    ("payer", "fault", "lost", "is_possible"),
    [
        (Payer.KNOCK_FOR_KNOCK, Fault.EQUAL, ThirdPartyLoss(property=D(2000)), True),
        (Payer.KNOCK_FOR_KNOCK, Fault.EQUAL, ThirdPartyLoss(property=D("2000.01")), False),
        (Payer.KNOCK_FOR_KNOCK, Fault.EQUAL, ThirdPartyLoss(medical=D(1), property=D(10)), False),
        (Payer.KNOCK_FOR_KNOCK, Fault.FULL, ThirdPartyLoss(property=D(10)), False),
        (Payer.NO_FAULT_ON_BEHALF, Fault.NONE, ThirdPartyLoss(property=D(900)), True),
        (Payer.NO_FAULT_ON_BEHALF, Fault.MINOR, ThirdPartyLoss(property=D(900)), False),
    ],
)
def test_agreements_change_who_pays_and_never_the_total(
    payer: Payer, fault: Fault, lost: ThirdPartyLoss, is_possible: bool
) -> None:
    usual = claim(fault=fault, third_party=lost)
    agreed = replace(usual, payer=payer)
    if is_possible:
        assert calculate(agreed).total == calculate(usual).total
        assert Step.CTPL_PAYER in {line.label_key for line in calculate(agreed).working}
    else:
        with pytest.raises(Invalid, match="payer_not_possible"):
            calculate(agreed)


@pytest.mark.parametrize(
    ("clause", "waiver", "pay"),
    [
        (CommercialClause.C2014, False, "140400.00"),
        (CommercialClause.C2014, True, "176400.00"),
        (CommercialClause.C2020, False, "180000.00"),
    ],
)
def test_a_stolen_vehicle_is_paid_by_its_clause(clause: CommercialClause, waiver: bool, pay: str) -> None:
    assert calculate(claim(clause=clause, theft=Theft(D(180_000), 2, waiver))).total == D(pay)


def test_glass_is_own_damage_since_2020() -> None:
    with pytest.raises(Invalid, match="glass_is_own_damage"):
        calculate(claim(glass=D(2800)))


def test_occupants_are_capped_after_fault_and_what_ctpl_owes() -> None:
    occupants = Occupants((PersonLoss("", D(150_000), D(20_000)), PersonLoss("", D(60_000))), D(50_000))
    result = calculate(claim(fault=Fault.EQUAL, clause=CommercialClause.C2014, occupants=occupants))
    assert [part for _, part in result.lines[0].parts] == [D(45_000), D(27_000)]
