"""Third-party losses: CTPL first, item by item, then commercial third-party liability.

CTPL: `min(loss, limit)` per item, never multiplied by fault; all victims together share the limit (CTPL
clause art. 8). Commercial: what exceeds the CTPL limits, times fault, capped by the limit, and only then
the deductibles (2014 model clause art. 35). The excess is counted over the CTPL limits even where CTPL
had lapsed: the insured bears that layer himself (art. 26).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from service_desk.base.money import ZERO, round_yuan
from service_desk.rules.settlement.regimes import (
    FAULT_DEDUCTIBLES,
    FAULT_RATIOS,
    NO_LIMITS,
    CommercialClause,
    CtplRegime,
    ItemAmounts,
)
from service_desk.rules.settlement.working import (
    Coverage,
    Source,
    Step,
    WorkingLine,
    kept,
    percent,
    require_amount,
    require_share,
    yuan,
)
from service_desk.rules.vocabulary import Fault


@dataclass(frozen=True)
class ThirdPartyLoss:
    """What third parties lost, yuan by CTPL item.

    death: funeral, compensation, nursing, lost income and the like; medical: treatment, hospital food,
    follow-up, nutrition.
    """

    death: Decimal = ZERO
    medical: Decimal = ZERO
    property: Decimal = ZERO


@dataclass(frozen=True)
class LiabilityTerms:
    """Under what third-party losses are settled. `tpl_limit` None: no commercial cover in force."""

    regime: CtplRegime | None
    ctpl_in_force: bool
    fault: Fault
    clause: CommercialClause
    tpl_limit: Decimal | None
    deductible_waiver: bool = False
    absolute_rate: Decimal = ZERO
    fault_ratio: Decimal | None = None

    @property
    def ratio(self) -> Decimal:
        """The fault ratio: a court's, else the clause's."""
        return FAULT_RATIOS[self.fault] if self.fault_ratio is None else self.fault_ratio

    @property
    def limits(self) -> ItemAmounts:
        """The CTPL limits of the regime, in force or not; nought before there was CTPL."""
        return self.regime.limits(self.fault) if self.regime else NO_LIMITS

    @property
    def fault_deductible(self) -> Decimal:
        """The fault deductible that is not waived."""
        return ZERO if self.deductible_waiver else FAULT_DEDUCTIBLES[self.clause][self.fault]


@dataclass(frozen=True)
class CtplItem:
    """One CTPL item: its loss, limit, payment, and the part of the loss above the limit."""

    coverage: Coverage
    loss: Decimal
    limit: Decimal
    pay: Decimal
    excess: Decimal


@dataclass(frozen=True)
class LiabilityResult:
    """What is paid to third parties. `excess`, `after_fault` and `after_cap` are not rounded."""

    items: tuple[CtplItem, ...]
    ctpl_total: Decimal
    excess: Decimal
    after_fault: Decimal
    after_cap: Decimal
    tpl_pay: Decimal
    working: tuple[WorkingLine, ...]

    @property
    def total(self) -> Decimal:
        """CTPL and commercial together."""
        return self.ctpl_total + self.tpl_pay


def settle_third_party(loss: ThirdPartyLoss, terms: LiabilityTerms) -> LiabilityResult:
    """Work out CTPL and commercial third-party liability. Invalid: amounts or rates that cannot be."""
    _check(loss, terms)
    items = tuple(_ctpl_items(loss, terms))
    excess = sum((item.excess for item in items), ZERO)
    after_fault = excess * terms.ratio
    after_cap = min(after_fault, terms.tpl_limit or ZERO)
    pay = round_yuan(after_cap * (1 - terms.fault_deductible) * (1 - terms.absolute_rate))
    ctpl_total = sum((item.pay for item in items), ZERO)
    working = (
        *_ctpl_working(items, terms),
        *_tpl_working(items, terms, (excess, after_fault, after_cap, pay)),
    )
    return LiabilityResult(items, ctpl_total, excess, after_fault, after_cap, pay, working)


def _check(loss: ThirdPartyLoss, terms: LiabilityTerms) -> None:
    for name in ("death", "medical", "property"):
        require_amount(getattr(loss, name), f"loss.{name}")
    if terms.tpl_limit is not None:
        require_amount(terms.tpl_limit, "tpl_limit")
    require_share(terms.absolute_rate, "absolute_deductible_rate")
    require_share(terms.ratio, "fault_ratio")


def _ctpl_items(loss: ThirdPartyLoss, terms: LiabilityTerms) -> Iterator[CtplItem]:
    limits = terms.limits
    for coverage, lost, limit in (
        (Coverage.CTPL_DEATH, loss.death, limits.death),
        (Coverage.CTPL_MEDICAL, loss.medical, limits.medical),
        (Coverage.CTPL_PROPERTY, loss.property, limits.property),
    ):
        pay = round_yuan(min(lost, limit)) if terms.ctpl_in_force else ZERO
        yield CtplItem(coverage, lost, limit, pay, max(lost - limit, ZERO))


def _ctpl_working(items: tuple[CtplItem, ...], terms: LiabilityTerms) -> Iterator[WorkingLine]:
    source = Source.CTPL_CLAUSE_8_NO_FAULT if terms.fault is Fault.NONE else Source.CTPL_CLAUSE_8
    suffered = [item for item in items if item.loss]
    if not terms.ctpl_in_force:
        borne = [min(item.loss, item.limit) for item in suffered]
        formula = " + ".join(yuan(part) for part in borne) or yuan(ZERO)
        yield WorkingLine(
            Step.CTPL_LAPSED, None, formula, round_yuan(sum(borne, ZERO)), Source.COMMERCIAL_2014_26
        )
        return
    for item in suffered:
        formula = f"min({yuan(item.loss)}, {yuan(item.limit)})"
        yield WorkingLine(Step.CTPL_ITEM, item.coverage, formula, item.pay, source)
    pays = [item.pay for item in suffered]
    formula = " + ".join(yuan(pay) for pay in pays) or yuan(ZERO)
    yield WorkingLine(Step.CTPL_TOTAL, None, formula, sum(pays, ZERO), source)


def _tpl_working(
    items: tuple[CtplItem, ...], terms: LiabilityTerms, figures: tuple[Decimal, Decimal, Decimal, Decimal]
) -> Iterator[WorkingLine]:
    excess, after_fault, after_cap, pay = figures
    over = [f"({yuan(item.loss)} − {yuan(item.limit)})" for item in items if item.excess]
    source = (
        Source.COMMERCIAL_2014_35 if terms.clause is CommercialClause.C2014 else Source.COMMERCIAL_2020_TPL
    )

    def line(step: Step, formula: str, amount: Decimal) -> WorkingLine:
        return WorkingLine(step, Coverage.TPL, formula, round_yuan(amount), source)

    yield line(Step.EXCESS_OVER_CTPL, " + ".join(over) or yuan(ZERO), excess)
    if terms.tpl_limit is None:
        yield line(Step.TPL_ABSENT, yuan(ZERO), ZERO)
        return
    yield line(Step.AFTER_FAULT, f"{yuan(excess)} × {percent(terms.ratio)}", after_fault)
    yield line(Step.AFTER_CAP, f"min({yuan(after_fault)}, {yuan(terms.tpl_limit)})", after_cap)
    yield line(Step.TPL_PAY, yuan(after_cap) + kept(terms.fault_deductible, terms.absolute_rate), pay)
