"""Own damage: what the insured vehicle itself lost.

`(min(repair, sum insured), or the sum insured in a total loss, − received − salvage) × (1 − fault
deductible) × (1 − absolute rates) − excess`: 2014 model clause art. 11, 17, 19. There is no fault ratio: the
insurer pays and recovers from the other side (art. 18). The waiver lifts the fault deductible only.
"""

from dataclasses import dataclass
from decimal import Decimal

from service_desk.base.money import ZERO, round_yuan
from service_desk.rules.settlement.regimes import FAULT_DEDUCTIBLES, CommercialClause
from service_desk.rules.settlement.working import (
    Coverage,
    Source,
    Step,
    WorkingLine,
    kept,
    require_amount,
    require_share,
    yuan,
)
from service_desk.rules.vocabulary import Fault


@dataclass(frozen=True)
class OwnDamageLoss:
    """A loss of the insured vehicle, in yuan.

    `absolute_rates` (third party not found 30 %, unsafe loading 10 % …) add up; `absolute_amount` is the
    excess, taken off last. `fault_deductible_rate` None: by the clause and the fault.
    """

    repair_cost: Decimal
    sum_insured: Decimal
    total_loss: bool = False
    absolute_rates: tuple[Decimal, ...] = ()
    absolute_amount: Decimal = ZERO
    received_from_third_party: Decimal = ZERO
    salvage_kept_by_insured: Decimal = ZERO
    deductible_waiver: bool = False
    fault_deductible_rate: Decimal | None = None


@dataclass(frozen=True)
class OwnDamageResult:
    """What is paid for the vehicle. `loss` is the damage before anything is taken off; `base` is not rounded."""

    loss: Decimal
    base: Decimal
    deductible_rate: Decimal
    pay: Decimal
    working: tuple[WorkingLine, ...]


def settle_own_damage(
    loss: OwnDamageLoss, *, clause: CommercialClause = CommercialClause.C2014, fault: Fault = Fault.FULL
) -> OwnDamageResult:
    """Work out own damage. Invalid: amounts or rates that cannot be."""
    _check(loss)
    fault_rate, absolute_rate = _rates(loss, clause, fault)
    damage = loss.sum_insured if loss.total_loss else min(loss.repair_cost, loss.sum_insured)
    base = max(damage - loss.received_from_third_party - loss.salvage_kept_by_insured, ZERO)
    left = (1 - fault_rate) * (1 - absolute_rate)
    pay = round_yuan(max(base * left - loss.absolute_amount, ZERO))
    working = _working(loss, clause, (fault_rate, absolute_rate), (base, pay))
    return OwnDamageResult(damage, base, 1 - left, pay, working)


def _rates(loss: OwnDamageLoss, clause: CommercialClause, fault: Fault) -> tuple[Decimal, Decimal]:
    """The fault deductible that is not waived, and the sum of the absolute rates."""
    by_fault = loss.fault_deductible_rate
    if by_fault is None:
        by_fault = FAULT_DEDUCTIBLES[clause][fault]
    return ZERO if loss.deductible_waiver else by_fault, sum(loss.absolute_rates, ZERO)


def _check(loss: OwnDamageLoss) -> None:
    for name in (
        "repair_cost",
        "sum_insured",
        "absolute_amount",
        "received_from_third_party",
        "salvage_kept_by_insured",
    ):
        require_amount(getattr(loss, name), name)
    for rate in loss.absolute_rates:
        require_share(rate, "absolute_rates")
    require_share(sum(loss.absolute_rates, ZERO), "absolute_rates")
    require_share(loss.fault_deductible_rate or ZERO, "fault_deductible_rate")


def _working(
    loss: OwnDamageLoss,
    clause: CommercialClause,
    rates: tuple[Decimal, Decimal],
    figures: tuple[Decimal, Decimal],
) -> tuple[WorkingLine, ...]:
    base, pay = figures
    damage = (
        yuan(loss.sum_insured)
        if loss.total_loss
        else f"min({yuan(loss.repair_cost)}, {yuan(loss.sum_insured)})"
    )
    taken = "".join(
        f" − {yuan(part)}" for part in (loss.received_from_third_party, loss.salvage_kept_by_insured) if part
    )
    excess = f" − {yuan(loss.absolute_amount)}" if loss.absolute_amount else ""
    in_2014 = clause is CommercialClause.C2014
    base_source = Source.COMMERCIAL_2014_17_19 if in_2014 else Source.COMMERCIAL_2020_OWN_DAMAGE
    pay_source = Source.COMMERCIAL_2014_11_19 if in_2014 else Source.COMMERCIAL_2020_OWN_DAMAGE
    return (
        WorkingLine(Step.OWN_DAMAGE_BASE, Coverage.OWN_DAMAGE, damage + taken, round_yuan(base), base_source),
        WorkingLine(
            Step.OWN_DAMAGE_PAY, Coverage.OWN_DAMAGE, yuan(base) + kept(*rates) + excess, pay, pay_source
        ),
    )
