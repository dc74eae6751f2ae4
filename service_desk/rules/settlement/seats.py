"""People on board: occupants by seat, and the carrier's liability to passengers.

Occupants (2014 model clause art. 43, 48): `min((loss − what CTPL owes) × fault, seat limit) × (1 − deductibles)`.
Carrier's liability is by its contract: `min(loss, limit) − max(fixed deductible, rate × that)` a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from service_desk.base.money import ZERO, round_yuan
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


@dataclass(frozen=True)
class PersonLoss:
    """What one person on board lost; `ctpl_due` is what another vehicle's CTPL owes of it."""

    label: str
    loss: Decimal
    ctpl_due: Decimal = ZERO


@dataclass(frozen=True)
class Occupants:
    """Occupants' liability: the persons, and the limit of each seat."""

    persons: tuple[PersonLoss, ...]
    limit_per_seat: Decimal


@dataclass(frozen=True)
class OccupantTerms:
    """The share of fault, and what is deducted: by fault unless waived, and the absolute rates."""

    ratio: Decimal
    fault_deductible: Decimal
    absolute_rate: Decimal
    source: Source


@dataclass(frozen=True)
class CarrierLiability:
    """Carrier's liability: the passengers, the limit and the deductible of each (whichever is larger)."""

    persons: tuple[PersonLoss, ...]
    limit_per_person: Decimal
    deductible_fixed: Decimal = ZERO
    deductible_rate: Decimal = ZERO


@dataclass(frozen=True)
class SeatsResult:
    """What is paid by person, together, and how."""

    pays: tuple[Decimal, ...]
    total: Decimal
    working: tuple[WorkingLine, ...]


def settle_occupants(occupants: Occupants, terms: OccupantTerms) -> SeatsResult:
    """Work out occupants' liability seat by seat. Invalid: amounts or rates that cannot be."""
    require_amount(occupants.limit_per_seat, "limit_per_seat")
    require_share(terms.ratio, "fault_ratio")
    require_share(terms.absolute_rate, "absolute_rates")
    _check(occupants.persons, "seat_losses")
    left = (1 - terms.fault_deductible) * (1 - terms.absolute_rate)
    cut = kept(terms.fault_deductible, terms.absolute_rate)
    pays, working = [], []
    for person in occupants.persons:
        base = max(person.loss - person.ctpl_due, ZERO) * terms.ratio
        pay = round_yuan(min(base, occupants.limit_per_seat) * left)
        formula = f"min({_uncovered(person)} × {percent(terms.ratio)}, {yuan(occupants.limit_per_seat)}){cut}"
        pays.append(pay)
        working.append(
            WorkingLine(Step.SEAT_PAY, Coverage.OCCUPANTS, formula, pay, terms.source, person.label)
        )
    return _together(pays, working, Step.OCCUPANTS_TOTAL, Coverage.OCCUPANTS, terms.source)


def settle_carrier(carrier: CarrierLiability) -> SeatsResult:
    """Work out carrier's liability passenger by passenger. Invalid: amounts or rates that cannot be."""
    require_amount(carrier.limit_per_person, "limit_per_person")
    require_amount(carrier.deductible_fixed, "deductible_fixed")
    require_share(carrier.deductible_rate, "deductible_rate")
    _check(carrier.persons, "loss_per_person")
    pays, working = [], []
    for person in carrier.persons:
        base = min(person.loss, carrier.limit_per_person)
        taken = max(carrier.deductible_fixed, base * carrier.deductible_rate)
        pay = round_yuan(max(base - taken, ZERO))
        formula = f"min({yuan(person.loss)}, {yuan(carrier.limit_per_person)}) − {_deductible(base, carrier)}"
        formula = not_below_nought(formula, base - taken)
        pays.append(pay)
        working.append(
            WorkingLine(
                Step.PASSENGER_PAY, Coverage.CARRIER, formula, pay, Source.CARRIER_CONTRACT, person.label
            )
        )
    return _together(pays, working, Step.CARRIER_TOTAL, Coverage.CARRIER, Source.CARRIER_CONTRACT)


def _uncovered(person: PersonLoss) -> str:
    """What the other vehicle's CTPL leaves of a loss, as the formula says it."""
    left = f"{yuan(person.loss)} − {yuan(person.ctpl_due)}"
    if person.ctpl_due > person.loss:
        return not_below_nought(left, person.loss - person.ctpl_due)
    return f"({left})" if person.ctpl_due else yuan(person.loss)


def _deductible(base: Decimal, carrier: CarrierLiability) -> str:
    return f"max({yuan(carrier.deductible_fixed)}, {yuan(base)} × {percent(carrier.deductible_rate)})"


def _check(persons: Sequence[PersonLoss], field: str) -> None:
    for person in persons:
        require_amount(person.loss, field)
        require_amount(person.ctpl_due, "ctpl_due")


def _together(
    pays: list[Decimal], working: list[WorkingLine], step: Step, coverage: Coverage, source: Source
) -> SeatsResult:
    total = sum(pays, ZERO)
    if len(pays) > 1:
        working.append(WorkingLine(step, coverage, " + ".join(map(yuan, pays)), total, source))
    return SeatsResult(tuple(pays), total, tuple(working))
