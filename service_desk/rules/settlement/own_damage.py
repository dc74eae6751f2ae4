"""Own damage: what the insured vehicle itself lost.

`(min(repair, sum insured), or the sum insured in a total loss, − received − salvage) × (1 − fault
deductible) × (1 − absolute rates) − excess`: 2014 model clause art. 11, 17, 19. There is no fault ratio: the
insurer pays and recovers from the other side (art. 18). The waiver lifts the fault deductible only. Clauses of 2006
did multiply by fault, after what the other side's CTPL pays; where a contract still says so, `uses_fault_ratio`.

The fee of a rescue is counted beside the damage: shared with what is not insured by value, at most the sum
insured (art. 7, 19).
"""

from dataclasses import dataclass
from decimal import Decimal

from service_desk.base.errors import Invalid
from service_desk.base.money import ZERO, round_yuan
from service_desk.rules.settlement.regimes import FAULT_DEDUCTIBLES, FAULT_RATIOS, CommercialClause
from service_desk.rules.settlement.working import (
    Coverage,
    Source,
    Step,
    WorkingLine,
    kept,
    not_below_nought,
    percent,
    require_amount,
    require_share,
    yuan,
)
from service_desk.rules.vocabulary import Fault


@dataclass(frozen=True)
class OwnDamageLoss:
    """A loss of the insured vehicle, in yuan.

    `absolute_rates` (third party not found 30 %, unsafe loading 10 % …) add up; `absolute_amount` is the
    excess, taken off last. `fault_deductible_rate` None: by the clause and the fault. `sum_insured` None: not told,
    and no cap.
    """

    repair_cost: Decimal
    sum_insured: Decimal | None
    total_loss: bool = False
    absolute_rates: tuple[Decimal, ...] = ()
    absolute_amount: Decimal = ZERO
    received_from_third_party: Decimal = ZERO
    salvage_kept_by_insured: Decimal = ZERO
    deductible_waiver: bool = False
    fault_deductible_rate: Decimal | None = None
    uses_fault_ratio: bool = False
    other_ctpl_property: Decimal = ZERO

    @property
    def taken_off(self) -> tuple[Decimal, ...]:
        """What others pay, and the wreck that is kept."""
        return (self.received_from_third_party, self.salvage_kept_by_insured, self.other_ctpl_property)

    @property
    def damage(self) -> Decimal:
        """The damage before anything is taken off: the sum insured in a total loss, else the repair up to it."""
        if self.sum_insured is None:
            return self.repair_cost
        return self.sum_insured if self.total_loss else min(self.repair_cost, self.sum_insured)


@dataclass(frozen=True)
class RescueFee:
    """The fee of a rescue, the values of what was rescued (the vehicle, and what is not insured here), the sum insured."""

    fee: Decimal
    vehicle_value: Decimal
    uninsured_value: Decimal = ZERO
    sum_insured: Decimal | None = None


@dataclass(frozen=True)
class OwnDamageResult:
    """What is paid for the vehicle. `loss` is the damage before anything is taken off; `base` is not rounded."""

    loss: Decimal
    base: Decimal
    deductible_rate: Decimal
    pay: Decimal
    working: tuple[WorkingLine, ...]


def settle_own_damage(
    loss: OwnDamageLoss,
    *,
    clause: CommercialClause = CommercialClause.C2014,
    fault: Fault = Fault.FULL,
    fault_ratio: Decimal | None = None,
) -> OwnDamageResult:
    """Work out own damage. `fault_ratio` overrides the share of the fault. Invalid: amounts or rates that cannot be."""
    _check(loss)
    fault_rate, absolute_rate = _rates(loss, clause, fault)
    ratio = (FAULT_RATIOS[fault] if fault_ratio is None else fault_ratio) if loss.uses_fault_ratio else None
    rest = loss.damage - sum(loss.taken_off, ZERO)
    base = max(rest, ZERO)
    left = (1 - fault_rate) * (1 - absolute_rate)
    share = base if ratio is None else base * ratio
    due = share * left - loss.absolute_amount
    working = _working(loss, clause, (fault_rate, absolute_rate), ratio, (rest, due))
    return OwnDamageResult(loss.damage, base, 1 - left, working[-1].amount, working)


def settle_rescue_fee(rescue: RescueFee) -> tuple[Decimal, WorkingLine]:
    """The vehicle's share of a rescue fee, at most the sum insured. Invalid `amount_invalid` where nothing has a value."""
    for name in ("fee", "vehicle_value", "uninsured_value"):
        require_amount(getattr(rescue, name), f"rescue_{name}")
    together = rescue.vehicle_value + rescue.uninsured_value
    if not rescue.vehicle_value:
        raise Invalid("amount_invalid", field="rescue_vehicle_value", value=yuan(ZERO))
    part = rescue.fee * rescue.vehicle_value / together
    formula = yuan(rescue.fee)
    if rescue.uninsured_value:
        formula = (
            f"{formula} × {yuan(rescue.vehicle_value)} ÷ "
            f"({yuan(rescue.vehicle_value)} + {yuan(rescue.uninsured_value)})"
        )
    if rescue.sum_insured is not None:
        require_amount(rescue.sum_insured, "sum_insured")
        formula = f"min({formula}, {yuan(rescue.sum_insured)})"
        part = min(part, rescue.sum_insured)
    pay = round_yuan(part)
    return pay, WorkingLine(
        Step.RESCUE_FEE_SHARE, Coverage.RESCUE_FEE, formula, pay, Source.COMMERCIAL_2014_7_19
    )


def _rates(loss: OwnDamageLoss, clause: CommercialClause, fault: Fault) -> tuple[Decimal, Decimal]:
    """The fault deductible that is not waived, and the sum of the absolute rates."""
    by_fault = loss.fault_deductible_rate
    if by_fault is None:
        by_fault = FAULT_DEDUCTIBLES[clause][fault]
    return ZERO if loss.deductible_waiver else by_fault, sum(loss.absolute_rates, ZERO)


def _check(loss: OwnDamageLoss) -> None:
    for name in (
        "repair_cost",
        "absolute_amount",
        "received_from_third_party",
        "salvage_kept_by_insured",
        "other_ctpl_property",
    ):
        require_amount(getattr(loss, name), name)
    if loss.sum_insured is not None:
        require_amount(loss.sum_insured, "sum_insured")
    for rate in loss.absolute_rates:
        require_share(rate, "absolute_rates")
    require_share(sum(loss.absolute_rates, ZERO), "absolute_rates")
    require_share(loss.fault_deductible_rate or ZERO, "fault_deductible_rate")


def _working(
    loss: OwnDamageLoss,
    clause: CommercialClause,
    rates: tuple[Decimal, Decimal],
    ratio: Decimal | None,
    figures: tuple[Decimal, Decimal],
) -> tuple[WorkingLine, ...]:
    """The two steps. `figures`: what is left of the damage, and what is due of it, both before nought bounds them."""
    rest, due = figures
    base, pay = max(rest, ZERO), round_yuan(max(due, ZERO))
    damage = yuan(loss.repair_cost)
    if loss.sum_insured is not None:
        damage = yuan(loss.sum_insured) if loss.total_loss else f"min({damage}, {yuan(loss.sum_insured)})"
    taken = "".join(f" − {yuan(part)}" for part in loss.taken_off if part)
    excess = f" − {yuan(loss.absolute_amount)}" if loss.absolute_amount else ""
    by_fault = "" if ratio is None else f" × {percent(ratio)}"
    base_source = pay_source = Source.COMMERCIAL_2020_OWN_DAMAGE
    if clause is CommercialClause.C2014:
        base_source, pay_source = Source.COMMERCIAL_2014_17_19, Source.COMMERCIAL_2014_11_19
    if ratio is not None:
        base_source = pay_source = Source.COMMERCIAL_2006_FAULT
    formulas = (
        not_below_nought(damage + taken, rest),
        not_below_nought(yuan(base) + by_fault + kept(*rates) + excess, due),
    )
    return (
        WorkingLine(Step.OWN_DAMAGE_BASE, Coverage.OWN_DAMAGE, formulas[0], round_yuan(base), base_source),
        WorkingLine(Step.OWN_DAMAGE_PAY, Coverage.OWN_DAMAGE, formulas[1], pay, pay_source),
    )
