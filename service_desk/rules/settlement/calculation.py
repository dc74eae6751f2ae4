"""The calculation of one claim: its payment lines, their working, the total, and what is to be got back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from service_desk.base.errors import Invalid
from service_desk.base.money import ZERO
from service_desk.rules.settlement.additional import Theft, settle_glass, settle_theft
from service_desk.rules.settlement.ctpl import Driver, OtherVehicle, ThirdPartyLoss, Victim
from service_desk.rules.settlement.own_damage import (
    OwnDamageLoss,
    RescueFee,
    settle_own_damage,
    settle_rescue_fee,
)
from service_desk.rules.settlement.recoveries import (
    Recovery,
    from_driver,
    from_uninsured,
    subrogation,
)
from service_desk.rules.settlement.regimes import (
    FAULT_DEDUCTIBLES,
    FAULT_RATIOS,
    CommercialClause,
    ctpl_regime_at,
)
from service_desk.rules.settlement.seats import (
    CarrierLiability,
    Occupants,
    OccupantTerms,
    settle_carrier,
    settle_occupants,
)
from service_desk.rules.settlement.shares import share_yuan
from service_desk.rules.settlement.third_party import (
    LiabilityResult,
    LiabilityTerms,
    Trailer,
    settle_third_party,
)
from service_desk.rules.settlement.working import Coverage, Source, Step, WorkingLine, require_share, yuan
from service_desk.rules.vocabulary import Fault


class Payer(StrEnum):
    """Who pays the CTPL property item; the total stays what it is.

    `KNOCK_FOR_KNOCK` (互碰自赔): each insurer pays its own vehicle. `NO_FAULT_ON_BEHALF` (无责代赔): the insurer of the
    liable side pays the limit without fault in our place.
    """

    ORDINARY = "ordinary"
    KNOCK_FOR_KNOCK = "knock_for_knock"
    NO_FAULT_ON_BEHALF = "no_fault_on_behalf"


@dataclass(frozen=True)
class ClaimInputs:
    """What a claim is calculated from. Money in yuan.

    `loss_on` is the date of loss in China: it picks the CTPL limits. `tpl_limit` None: no commercial
    third-party cover in force. `fault_ratio` is a court's decision and overrides the clause's share.
    `absolute_rates` add up and count for third-party liability and occupants; own damage states its own.
    `third_party` is one loss without a name, `victims` are several. `other_party` is who owes us what own damage paid.
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
    victims: tuple[Victim, ...] = ()
    vehicles: tuple[OtherVehicle, ...] = ()
    driver: Driver = Driver.FIT
    driver_name: str = ""
    rescue_cost: Decimal = ZERO
    is_injury_ordered: bool = False
    payer: Payer = Payer.ORDINARY
    trailer: Trailer | None = None
    rescue_fee: RescueFee | None = None
    other_party: str = ""
    occupants: Occupants | None = None
    carrier: CarrierLiability | None = None
    glass: Decimal | None = None
    theft: Theft | None = None

    @property
    def everybody(self) -> tuple[Victim, ...]:
        """All victims, the loss without a name last."""
        return self.victims + ((Victim("", self.third_party),) if self.third_party else ())

    @property
    def ratio(self) -> Decimal:
        """The share of fault: a court's, else the clause's."""
        return FAULT_RATIOS[self.fault] if self.fault_ratio is None else self.fault_ratio


@dataclass(frozen=True)
class CalculationLine:
    """One payment line. None where a figure has no meaning for the coverage.

    `loss` is what the line starts from: the item's loss for CTPL, the excess over the CTPL limits for
    third-party liability, the damage (at most the sum insured) for own damage. `limit` is the limit or sum insured
    of the line itself. `deductible_rate` is the combined rate, `deductible_amount` the fixed excess. `parts` are what
    each of several persons gets of `pay`.
    """

    coverage: Coverage
    loss: Decimal
    ctpl_limit: Decimal | None
    fault_ratio: Decimal | None
    limit: Decimal | None
    deductible_rate: Decimal
    deductible_amount: Decimal
    pay: Decimal
    parts: tuple[tuple[str, Decimal], ...] = ()
    payer: Payer = Payer.ORDINARY


@dataclass(frozen=True)
class Calculation:
    """The lines, every step that led to them, the sum of what is paid, and what is to be got back afterwards."""

    lines: tuple[CalculationLine, ...]
    working: tuple[WorkingLine, ...]
    total: Decimal
    recoveries: tuple[Recovery, ...] = ()


@dataclass
class _Sheet:
    """What is being written down while a claim is calculated."""

    lines: list[CalculationLine] = field(default_factory=list)
    working: list[WorkingLine] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)


def calculate(inputs: ClaimInputs) -> Calculation:
    """Calculate a claim: CTPL first, then commercial third party, own damage, people on board, the rest.

    Invalid: `nothing_to_calculate`; `amount_invalid` or `rate_invalid` with the field; `payer_not_possible`,
    `glass_is_own_damage`.
    """
    sheet = _Sheet()
    require_share(inputs.ratio, "fault_ratio")
    for rate in inputs.absolute_rates:
        require_share(rate, "absolute_rates")
    if inputs.everybody or inputs.rescue_cost:
        _third_parties(inputs, sheet)
    if inputs.own_damage is not None:
        _own_damage(inputs, inputs.own_damage, sheet)
    if inputs.rescue_fee is not None:
        _rescue_fee(inputs, inputs.rescue_fee, sheet)
    if inputs.occupants is not None:
        _occupants(inputs, inputs.occupants, sheet)
    if inputs.carrier is not None:
        _carrier(inputs.carrier, sheet)
    if inputs.glass:
        _glass(inputs, inputs.glass, sheet)
    if inputs.theft is not None:
        _theft(inputs, inputs.theft, sheet)
    if not sheet.lines:
        raise Invalid("nothing_to_calculate")
    for recovery in sheet.recoveries:
        sheet.working.append(recovery.step)
    total = sum((line.pay for line in sheet.lines), ZERO)
    formula = " + ".join(yuan(line.pay) for line in sheet.lines)
    sheet.working.append(WorkingLine(Step.TOTAL, None, formula, total, Source.DESK_RULE))
    return Calculation(tuple(sheet.lines), tuple(sheet.working), total, tuple(sheet.recoveries))


def _third_parties(inputs: ClaimInputs, sheet: _Sheet) -> None:
    terms = LiabilityTerms(
        regime=ctpl_regime_at(inputs.loss_on),
        ctpl_in_force=inputs.ctpl_in_force,
        fault=inputs.fault,
        clause=inputs.clause,
        tpl_limit=inputs.tpl_limit,
        deductible_waiver=inputs.deductible_waiver,
        absolute_rate=sum(inputs.absolute_rates, ZERO),
        fault_ratio=inputs.fault_ratio,
        others=inputs.vehicles,
        driver=inputs.driver,
        rescue_cost=inputs.rescue_cost,
        is_injury_ordered=inputs.is_injury_ordered,
        trailer=inputs.trailer,
    )
    victims = inputs.everybody or (Victim("", ThirdPartyLoss()),)
    result = settle_third_party(victims, terms)
    labels = [victim.label for victim in victims]
    sheet.lines += _ctpl_lines(result, labels, inputs)
    sheet.lines += _tpl_lines(result, labels, terms)
    sheet.working += result.working
    if inputs.payer is not Payer.ORDINARY:
        sheet.working.append(_payer_step(inputs, result))
    sheet.recoveries += from_driver(result, terms, inputs.driver_name)
    sheet.recoveries += from_uninsured(result, terms)


def _ctpl_lines(result: LiabilityResult, labels: list[str], inputs: ClaimInputs) -> Iterator[CalculationLine]:
    for item in result.items:
        if item.loss:
            yield CalculationLine(
                item.coverage,
                item.loss,
                item.limit,
                None,
                item.limit,
                ZERO,
                ZERO,
                item.pay,
                _named(labels, item.parts),
                inputs.payer if item.coverage is Coverage.CTPL_PROPERTY else Payer.ORDINARY,
            )
    if result.advance:
        limit = result.items[1].limit
        yield CalculationLine(
            Coverage.CTPL_ADVANCE, inputs.rescue_cost, limit, None, limit, ZERO, ZERO, result.advance
        )


def _tpl_lines(
    result: LiabilityResult, labels: list[str], terms: LiabilityTerms
) -> Iterator[CalculationLine]:
    if not result.excess:
        return
    rate = 1 - (1 - terms.fault_deductible) * (1 - terms.absolute_rate)
    pays = [(Coverage.TPL, terms.tpl_limit, result.tpl_pay)]
    if terms.trailer is not None and terms.trailer.is_ours and result.trailer_pay:
        pays.append((Coverage.TPL_TRAILER, terms.trailer.limit, result.trailer_pay))
    for coverage, limit, pay in pays:
        parts = result.tpl_parts
        if pay != sum(parts, ZERO):
            parts = share_yuan(pay, parts)
        yield CalculationLine(
            coverage, result.excess, None, terms.ratio, limit, rate, ZERO, pay, _named(labels, parts)
        )


def _named(labels: list[str], parts: tuple[Decimal, ...]) -> tuple[tuple[str, Decimal], ...]:
    """Who gets what, where there are several."""
    return tuple(zip(labels, parts, strict=True)) if len(labels) > 1 else ()


def _payer_step(inputs: ClaimInputs, result: LiabilityResult) -> WorkingLine:
    """The line that says who pays the property item. Invalid `payer_not_possible` where the agreement does not reach."""
    death, medical, goods = result.items
    if inputs.payer is Payer.KNOCK_FOR_KNOCK:
        is_possible = (
            inputs.fault in {Fault.MAIN, Fault.EQUAL, Fault.MINOR}
            and not death.loss + medical.loss
            and goods.loss <= goods.limit
        )
    else:
        is_possible = inputs.fault is Fault.NONE
    if not is_possible:
        raise Invalid("payer_not_possible", field="payer")
    formula = f"min({yuan(goods.loss)}, {yuan(goods.limit)})"
    return WorkingLine(
        Step.CTPL_PAYER,
        Coverage.CTPL_PROPERTY,
        formula,
        goods.pay,
        Source.PAYER_AGREEMENT,
        inputs.payer.value,
    )


def _own_damage(inputs: ClaimInputs, loss: OwnDamageLoss, sheet: _Sheet) -> None:
    result = settle_own_damage(loss, clause=inputs.clause, fault=inputs.fault, fault_ratio=inputs.fault_ratio)
    pay, working = result.pay, result.working
    if inputs.driver is not Driver.FIT:
        pay, working = ZERO, (_excluded(Step.OWN_DAMAGE_EXCLUDED, Coverage.OWN_DAMAGE, loss.damage),)
    sheet.working += working
    sheet.lines.append(
        CalculationLine(
            coverage=Coverage.OWN_DAMAGE,
            loss=result.loss,
            ctpl_limit=None,
            fault_ratio=inputs.ratio if loss.uses_fault_ratio else None,
            limit=loss.sum_insured,
            deductible_rate=result.deductible_rate,
            deductible_amount=loss.absolute_amount,
            pay=pay,
        )
    )
    if inputs.other_party and pay:
        regime = ctpl_regime_at(inputs.loss_on)
        sheet.recoveries += subrogation(loss, pay, inputs.ratio, regime, inputs.fault, inputs.other_party)


def _excluded(step: Step, coverage: Coverage, loss: Decimal) -> WorkingLine:
    sources = {
        Coverage.OWN_DAMAGE: Source.COMMERCIAL_2014_8,
        Coverage.GLASS: Source.COMMERCIAL_2014_8,
        Coverage.OCCUPANTS: Source.COMMERCIAL_2014_41,
    }
    return WorkingLine(step, coverage, f"{yuan(loss)} × 0%", ZERO, sources[coverage])


def _rescue_fee(inputs: ClaimInputs, rescue: RescueFee, sheet: _Sheet) -> None:
    """The fee goes with own damage: excluded with it, and capped by its sum insured."""
    pay, step = settle_rescue_fee(rescue)
    if inputs.driver is not Driver.FIT:
        return
    sheet.working.append(step)
    sheet.lines.append(
        CalculationLine(Coverage.RESCUE_FEE, rescue.fee, None, None, rescue.sum_insured, ZERO, ZERO, pay)
    )


def _occupants(inputs: ClaimInputs, occupants: Occupants, sheet: _Sheet) -> None:
    in_2014 = inputs.clause is CommercialClause.C2014
    terms = OccupantTerms(
        ratio=inputs.ratio,
        fault_deductible=ZERO if inputs.deductible_waiver else FAULT_DEDUCTIBLES[inputs.clause][inputs.fault],
        absolute_rate=sum(inputs.absolute_rates, ZERO),
        source=Source.COMMERCIAL_2014_43_48 if in_2014 else Source.COMMERCIAL_2020_OCCUPANTS,
    )
    result = settle_occupants(occupants, terms)
    loss = sum((person.loss for person in occupants.persons), ZERO)
    pay, pays = result.total, result.pays
    if inputs.driver is not Driver.FIT:
        pay, pays = ZERO, (ZERO,) * len(pays)
        sheet.working.append(_excluded(Step.OCCUPANTS_EXCLUDED, Coverage.OCCUPANTS, loss))
    else:
        sheet.working += result.working
    sheet.lines.append(
        CalculationLine(
            Coverage.OCCUPANTS,
            loss,
            None,
            terms.ratio,
            occupants.limit_per_seat * len(pays),
            1 - (1 - terms.fault_deductible) * (1 - terms.absolute_rate),
            ZERO,
            pay,
            _named([person.label for person in occupants.persons], pays),
        )
    )


def _carrier(carrier: CarrierLiability, sheet: _Sheet) -> None:
    result = settle_carrier(carrier)
    sheet.working += result.working
    sheet.lines.append(
        CalculationLine(
            Coverage.CARRIER,
            sum((person.loss for person in carrier.persons), ZERO),
            None,
            None,
            carrier.limit_per_person * len(carrier.persons),
            carrier.deductible_rate,
            carrier.deductible_fixed,
            result.total,
            _named([person.label for person in carrier.persons], result.pays),
        )
    )


def _glass(inputs: ClaimInputs, loss: Decimal, sheet: _Sheet) -> None:
    step = settle_glass(loss, inputs.clause)
    if inputs.driver is not Driver.FIT:
        step = _excluded(Step.GLASS_EXCLUDED, Coverage.GLASS, loss)
    sheet.working.append(step)
    sheet.lines.append(CalculationLine(Coverage.GLASS, loss, None, None, None, ZERO, ZERO, step.amount))


def _theft(inputs: ClaimInputs, theft: Theft, sheet: _Sheet) -> None:
    pay, rate, step = settle_theft(theft, inputs.clause)
    sheet.working.append(step)
    sheet.lines.append(
        CalculationLine(Coverage.THEFT, theft.sum_insured, None, None, theft.sum_insured, rate, ZERO, pay)
    )
