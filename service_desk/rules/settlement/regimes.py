"""What changed over the years, as data: CTPL limits, clause versions, fault ratios and deductibles.

A loss is settled by what was in force on its date. `verified` says whether the published text was read.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from service_desk.rules.vocabulary import Fault


class CommercialClause(StrEnum):
    """The model clause a commercial policy was written under."""

    C2014 = "2014"
    C2020 = "2020"


@dataclass(frozen=True)
class ItemAmounts:
    """Yuan by CTPL item: death and disability, medical, property."""

    death: Decimal
    medical: Decimal
    property: Decimal


@dataclass(frozen=True)
class CtplRegime:
    """CTPL limits from a date of loss on; `no_fault` when the insured vehicle bears no fault."""

    effective_on: date
    liable: ItemAmounts
    no_fault: ItemAmounts
    verified: bool

    def limits(self, fault: Fault) -> ItemAmounts:
        """The limits that count for a degree of fault."""
        return self.no_fault if fault is Fault.NONE else self.liable


def _items(death: int, medical: int, property_: int) -> ItemAmounts:
    return ItemAmounts(Decimal(death), Decimal(medical), Decimal(property_))


NO_LIMITS = _items(0, 0, 0)

CTPL_REGIMES: tuple[CtplRegime, ...] = (
    CtplRegime(date(2006, 7, 1), _items(50_000, 8_000, 2_000), _items(10_000, 1_600, 400), verified=False),
    CtplRegime(date(2008, 2, 1), _items(110_000, 10_000, 2_000), _items(11_000, 1_000, 100), verified=True),
    CtplRegime(date(2020, 9, 19), _items(180_000, 18_000, 2_000), _items(18_000, 1_800, 100), verified=True),
)

COMMERCIAL_2020_FROM = date(2020, 9, 19)

FAULT_RATIOS: dict[Fault, Decimal] = {
    Fault.FULL: Decimal(1),
    Fault.MAIN: Decimal("0.7"),
    Fault.EQUAL: Decimal("0.5"),
    Fault.MINOR: Decimal("0.3"),
    Fault.NONE: Decimal(0),
}
"""2014 model clause; a court's share overrides it."""

FAULT_DEDUCTIBLES: dict[CommercialClause, dict[Fault, Decimal]] = {
    CommercialClause.C2014: {
        Fault.FULL: Decimal("0.20"),
        Fault.MAIN: Decimal("0.15"),
        Fault.EQUAL: Decimal("0.10"),
        Fault.MINOR: Decimal("0.05"),
        Fault.NONE: Decimal(0),
    },
    CommercialClause.C2020: {fault: Decimal(0) for fault in Fault},
}
"""The clauses of 2020 have no fault deductible; the optional special clause is an absolute rate."""

THEFT_DEDUCTIBLES: dict[CommercialClause, Decimal] = {
    CommercialClause.C2014: Decimal("0.20"),
    CommercialClause.C2020: Decimal(0),
}
THEFT_MISSING_DOCUMENT: dict[CommercialClause, Decimal] = {
    CommercialClause.C2014: Decimal("0.01"),
    CommercialClause.C2020: Decimal(0),
}
"""2014 model clause art. 54; since 2020 theft is part of own damage (unverified: the text was not read)."""


def ctpl_regime_at(loss_on: date) -> CtplRegime | None:
    """The CTPL limits for a date of loss; None before 1 July 2006, when there was no CTPL."""
    return max(
        (regime for regime in CTPL_REGIMES if regime.effective_on <= loss_on),
        key=lambda regime: regime.effective_on,
        default=None,
    )


def commercial_clause_on(policy_starts_on: date) -> CommercialClause:
    """The clause a commercial policy that starts on a day was written under.

    Policies from before the clause of 2014 spread are taken as 2014; the desk has none of them.
    """
    return CommercialClause.C2020 if policy_starts_on >= COMMERCIAL_2020_FROM else CommercialClause.C2014
