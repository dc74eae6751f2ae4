"""The calculation of a claim: its lines, edges of regimes, and what must hold for every claim."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.base.errors import Invalid
from service_desk.rules.settlement import (
    ClaimInputs,
    CommercialClause,
    Coverage,
    Fault,
    OwnDamageLoss,
    Step,
    ThirdPartyLoss,
    calculate,
    commercial_clause_on,
    ctpl_regime_at,
)

D = Decimal
amounts = st.decimals(min_value=0, max_value=3_000_000, places=2)


def claim(**changes: object) -> ClaimInputs:
    usual = ClaimInputs(
        loss_on=date(2026, 11, 22),
        fault=Fault.FULL,
        ctpl_in_force=True,
        tpl_limit=D(1_000_000),
        third_party=ThirdPartyLoss(property=D(8600)),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("loss_on", "death_limit"),
    [
        (date(2006, 7, 1), 50_000),
        (date(2008, 1, 31), 50_000),
        (date(2008, 2, 1), 110_000),
        (date(2020, 9, 18), 110_000),
        (date(2020, 9, 19), 180_000),
        (date(2026, 11, 23), 180_000),
    ],
)
def test_ctpl_limits_follow_the_date_of_loss(loss_on: date, death_limit: int) -> None:
    regime = ctpl_regime_at(loss_on)
    assert regime is not None
    assert regime.liable.death == death_limit


def test_before_ctpl_the_commercial_cover_pays_from_the_first_yuan() -> None:
    assert ctpl_regime_at(date(2006, 6, 30)) is None
    result = calculate(claim(loss_on=date(2006, 6, 30), ctpl_in_force=False, fault=Fault.MAIN))
    assert result.total == D("6020.00")


@pytest.mark.parametrize(("day", "clause"), [(18, CommercialClause.C2014), (19, CommercialClause.C2020)])
def test_clause_follows_the_start_of_the_policy(day: int, clause: CommercialClause) -> None:
    assert commercial_clause_on(date(2020, 9, day)) is clause


def test_third_party_and_own_damage_come_as_one_calculation() -> None:
    loss = OwnDamageLoss(
        repair_cost=D(58_000),
        sum_insured=D(260_000),
        received_from_third_party=D(2000),
        salvage_kept_by_insured=D(1500),
    )
    result = calculate(claim(own_damage=loss))
    assert [(line.coverage, line.loss, line.limit, line.pay) for line in result.lines] == [
        (Coverage.CTPL_PROPERTY, D(8600), D(2000), D(2000)),
        (Coverage.TPL, D(6600), D(1_000_000), D(6600)),
        (Coverage.OWN_DAMAGE, D(58_000), D(260_000), D(54_500)),
    ]
    assert result.total == D(63_100)
    assert result.working[-1].label_key is Step.TOTAL
    assert result.working[-1].formula == "2,000.00 + 6,600.00 + 54,500.00"


def test_without_commercial_cover_only_ctpl_pays_and_the_excess_is_shown() -> None:
    result = calculate(claim(tpl_limit=None))
    assert result.total == D(2000)
    assert [line.coverage for line in result.lines] == [Coverage.CTPL_PROPERTY, Coverage.TPL]
    assert Step.TPL_ABSENT in [line.label_key for line in result.working]


def test_court_share_overrides_the_share_of_the_clause() -> None:
    assert calculate(claim(fault=Fault.MAIN, fault_ratio=D("0.8"))).total == D(2000) + D(5280)


def test_deductibles_come_after_the_cap() -> None:
    result = calculate(
        claim(
            clause=CommercialClause.C2014,
            tpl_limit=D(500_000),
            third_party=ThirdPartyLoss(death=D(2_000_000)),
            absolute_rates=(D("0.10"),),
        )
    )
    line = result.lines[-1]
    assert line.pay == D(360_000)
    assert line.deductible_rate == D("0.28")


def test_waiver_lifts_the_fault_deductible_and_leaves_rates_and_excess() -> None:
    loss = OwnDamageLoss(
        repair_cost=D(10_000),
        sum_insured=D(100_000),
        absolute_rates=(D("0.30"),),
        absolute_amount=D(500),
        deductible_waiver=True,
    )
    result = calculate(claim(third_party=None, own_damage=loss, clause=CommercialClause.C2014))
    assert result.total == D(6500)
    assert (result.lines[0].deductible_rate, result.lines[0].deductible_amount) == (D("0.30"), D(500))


@pytest.mark.parametrize(
    ("clause", "fault", "expected"),
    [
        (CommercialClause.C2014, Fault.MAIN, "8500.00"),
        (CommercialClause.C2014, Fault.NONE, "10000.00"),
        (CommercialClause.C2020, Fault.FULL, "10000.00"),
    ],
)
def test_own_damage_takes_the_fault_deductible_of_the_clause(
    clause: CommercialClause, fault: Fault, expected: str
) -> None:
    loss = OwnDamageLoss(repair_cost=D(10_000), sum_insured=D(100_000))
    result = calculate(claim(third_party=None, own_damage=loss, clause=clause, fault=fault))
    assert result.total == D(expected)


def test_repair_is_paid_up_to_the_sum_insured() -> None:
    loss = OwnDamageLoss(repair_cost=D(120_000), sum_insured=D(100_000))
    assert calculate(claim(third_party=None, own_damage=loss)).total == D(100_000)


def test_excess_above_the_damage_pays_nothing_and_never_less() -> None:
    loss = OwnDamageLoss(repair_cost=D(300), sum_insured=D(100_000), absolute_amount=D(500))
    assert calculate(claim(third_party=None, own_damage=loss)).total == D("0.00")


@pytest.mark.parametrize("third_party", [None, ThirdPartyLoss()])
def test_claim_without_any_loss_cannot_be_calculated(third_party: ThirdPartyLoss | None) -> None:
    with pytest.raises(Invalid, match="nothing_to_calculate"):
        calculate(claim(third_party=third_party))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"third_party": ThirdPartyLoss(death=D(-1))}, "loss.death"),
        ({"tpl_limit": D("Infinity")}, "tpl_limit"),
        ({"fault_ratio": D("1.1")}, "fault_ratio"),
        ({"absolute_rates": (D("-0.1"), D("0.2"))}, "absolute_rates"),
        ({"own_damage": OwnDamageLoss(D("NaN"), D(1))}, "repair_cost"),
        ({"own_damage": OwnDamageLoss(D(1), D(1), fault_deductible_rate=D(2))}, "fault_deductible_rate"),
    ],
)
def test_impossible_figures_are_refused_by_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        calculate(claim(**changes))
    assert refusal.value.field == field


@given(
    death=amounts,
    medical=amounts,
    goods=amounts,
    fault=st.sampled_from(Fault),
    clause=st.sampled_from(CommercialClause),
    lapsed=st.booleans(),
)
def test_payment_never_exceeds_loss_or_limits_and_lines_add_up(
    death: Decimal, medical: Decimal, goods: Decimal, fault: Fault, clause: CommercialClause, lapsed: bool
) -> None:
    loss = ThirdPartyLoss(death, medical, goods)
    if loss == ThirdPartyLoss():
        return
    result = calculate(claim(third_party=loss, fault=fault, clause=clause, ctpl_in_force=not lapsed))
    assert result.total == sum(line.pay for line in result.lines)
    assert 0 <= result.total <= death + medical + goods
    assert all(line.limit is not None and line.pay <= line.limit for line in result.lines)
    assert all(line.pay == line.pay.quantize(D("0.01")) for line in result.lines)


@given(loss=amounts, more=st.decimals(min_value=0, max_value=100_000, places=2))
def test_a_larger_loss_is_never_paid_less(loss: Decimal, more: Decimal) -> None:
    smaller, larger = (
        calculate(claim(third_party=ThirdPartyLoss(property=amount + 1), fault=Fault.MINOR)).total
        for amount in (loss, loss + more)
    )
    assert smaller <= larger
