"""The calculation of one claim: its payment lines, their working, the total."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from service_desk.base.errors import Invalid
from service_desk.base.money import ZERO
from service_desk.rules.settlement.own_damage import OwnDamageLoss, OwnDamageResult, settle_own_damage
from service_desk.rules.settlement.regimes import CommercialClause, ctpl_regime_at
from service_desk.rules.settlement.third_party import (
    LiabilityResult,
    LiabilityTerms,
    ThirdPartyLoss,
    settle_third_party,
)
from service_desk.rules.settlement.working import Coverage, Source, Step, WorkingLine, require_share, yuan
from service_desk.rules.vocabulary import Fault


@dataclass(frozen=True)
class ClaimInputs:
    """What a claim is calculated from. Money in yuan.

    `loss_on` is the date of loss in China: it picks the CTPL limits. `tpl_limit` None: no commercial
    third-party cover in force. `fault_ratio` is a court's decision and overrides the clause's share.
    `absolute_rates` add up and count for third-party liability; own damage states its own.
    """

    loss_on: date
    fault: Fault
    ctpl_in_force: bool
    third_party: ThirdPartyLoss | None = None
    own_damage: OwnDamageLoss | None = None
    tpl_limit: Decimal | None = None
    clause: CommercialClause = CommercialClause.C2020
    deductible_waiver: bool = False
    absolute_rates: tuple[Decimal, ...] = ()
    fault_ratio: Decimal | None = None


@dataclass(frozen=True)
class CalculationLine:
    """One payment line. None where a figure has no meaning for the coverage.

    `loss` is what the line starts from: the item's loss for CTPL, the excess over the CTPL limits for
    third-party liability, the damage (at most the sum insured) for own damage. `limit` is the limit or sum insured
    of the line itself. `deductible_rate` is the combined rate, `deductible_amount` the fixed excess.
    """

    coverage: Coverage
    loss: Decimal
    ctpl_limit: Decimal | None
    fault_ratio: Decimal | None
    limit: Decimal | None
    deductible_rate: Decimal
    deductible_amount: Decimal
    pay: Decimal


@dataclass(frozen=True)
class Calculation:
    """The lines, every step that led to them, and the sum of what is paid."""

    lines: tuple[CalculationLine, ...]
    working: tuple[WorkingLine, ...]
    total: Decimal


def calculate(inputs: ClaimInputs) -> Calculation:
    """Calculate a claim: CTPL first, then commercial third party, then own damage.

    Invalid: `nothing_to_calculate`; `amount_invalid` or `rate_invalid` with the field.
    """
    lines: list[CalculationLine] = []
    working: list[WorkingLine] = []
    if inputs.third_party is not None:
        terms = _terms(inputs)
        liability = settle_third_party(inputs.third_party, terms)
        lines += _liability_lines(liability, terms)
        working += liability.working
    if inputs.own_damage is not None:
        damage = settle_own_damage(inputs.own_damage, clause=inputs.clause, fault=inputs.fault)
        lines.append(_own_damage_line(inputs.own_damage, damage))
        working += damage.working
    if not lines:
        raise Invalid("nothing_to_calculate")
    total = sum((line.pay for line in lines), ZERO)
    formula = " + ".join(yuan(line.pay) for line in lines)
    working.append(WorkingLine(Step.TOTAL, None, formula, total, Source.DESK_RULE))
    return Calculation(tuple(lines), tuple(working), total)


def _terms(inputs: ClaimInputs) -> LiabilityTerms:
    for rate in inputs.absolute_rates:
        require_share(rate, "absolute_rates")
    return LiabilityTerms(
        regime=ctpl_regime_at(inputs.loss_on),
        ctpl_in_force=inputs.ctpl_in_force,
        fault=inputs.fault,
        clause=inputs.clause,
        tpl_limit=inputs.tpl_limit,
        deductible_waiver=inputs.deductible_waiver,
        absolute_rate=sum(inputs.absolute_rates, ZERO),
        fault_ratio=inputs.fault_ratio,
    )


def _liability_lines(result: LiabilityResult, terms: LiabilityTerms) -> list[CalculationLine]:
    lines = [
        CalculationLine(item.coverage, item.loss, item.limit, None, item.limit, ZERO, ZERO, item.pay)
        for item in result.items
        if item.loss
    ]
    if result.excess:
        rate = 1 - (1 - terms.fault_deductible) * (1 - terms.absolute_rate)
        lines.append(
            CalculationLine(
                Coverage.TPL, result.excess, None, terms.ratio, terms.tpl_limit, rate, ZERO, result.tpl_pay
            )
        )
    return lines


def _own_damage_line(loss: OwnDamageLoss, result: OwnDamageResult) -> CalculationLine:
    return CalculationLine(
        coverage=Coverage.OWN_DAMAGE,
        loss=result.loss,
        ctpl_limit=None,
        fault_ratio=None,
        limit=loss.sum_insured,
        deductible_rate=result.deductible_rate,
        deductible_amount=loss.absolute_amount,
        pay=result.pay,
    )
