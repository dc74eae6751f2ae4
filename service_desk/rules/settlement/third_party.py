"""Third-party losses: CTPL first, item by item, then commercial third-party liability.

Commercial: what exceeds the CTPL limits, times fault, capped by the limit, and only then the deductibles
(2014 model clause art. 35). The excess is counted over the CTPL limits of all vehicles even where CTPL had
lapsed: the insured bears that layer himself (art. 26). With a trailer, the sum is capped by the tractor's limit and
shared by the two limits (art. 29).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from service_desk.base.money import ZERO, round_yuan
from service_desk.rules.settlement.ctpl import (
    CtplItem,
    CtplTerms,
    Driver,
    OtherVehicle,
    ThirdPartyLoss,
    Victim,
    ctpl_working,
    rescue_advance,
    settle_items,
)
from service_desk.rules.settlement.regimes import (
    FAULT_DEDUCTIBLES,
    FAULT_RATIOS,
    CommercialClause,
    CtplRegime,
)
from service_desk.rules.settlement.shares import share_yuan
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

__all__ = ["LiabilityResult", "LiabilityTerms", "ThirdPartyLoss", "Trailer", "settle_third_party"]


@dataclass(frozen=True)
class Trailer:
    """A trailer on our tractor: its own third-party limit, and whether we insure it."""

    limit: Decimal
    is_ours: bool = True


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
    others: tuple[OtherVehicle, ...] = ()
    driver: Driver = Driver.FIT
    rescue_cost: Decimal = ZERO
    is_injury_ordered: bool = False
    trailer: Trailer | None = None

    @property
    def ratio(self) -> Decimal:
        """The fault ratio: a court's, else the clause's."""
        return FAULT_RATIOS[self.fault] if self.fault_ratio is None else self.fault_ratio

    @property
    def fault_deductible(self) -> Decimal:
        """The fault deductible that is not waived."""
        return ZERO if self.deductible_waiver else FAULT_DEDUCTIBLES[self.clause][self.fault]

    @property
    def ctpl(self) -> CtplTerms:
        """The part of the terms the compulsory cover asks for."""
        return CtplTerms(
            self.regime,
            self.ctpl_in_force,
            self.fault,
            self.others,
            self.driver,
            self.rescue_cost,
            self.is_injury_ordered,
        )


@dataclass(frozen=True)
class LiabilityResult:
    """What is paid to third parties. `excess`, `after_fault` and `after_cap` are not rounded.

    `tpl_pay` is our vehicle's share, `trailer_pay` the trailer's; `tpl_parts` are both together, by victim.
    """

    items: tuple[CtplItem, ...]
    advance: Decimal
    excess: Decimal
    after_fault: Decimal
    after_cap: Decimal
    tpl_pay: Decimal
    trailer_pay: Decimal
    tpl_parts: tuple[Decimal, ...]
    working: tuple[WorkingLine, ...]

    @property
    def ctpl_total(self) -> Decimal:
        """All items and the rescue cost advanced."""
        return sum((item.pay for item in self.items), self.advance)

    @property
    def total(self) -> Decimal:
        """CTPL and commercial together, the trailer's share left out."""
        return self.ctpl_total + self.tpl_pay


def settle_third_party(losses: ThirdPartyLoss | Sequence[Victim], terms: LiabilityTerms) -> LiabilityResult:
    """Work out CTPL and commercial third-party liability, for one loss or for several victims.

    Invalid: amounts or rates that cannot be.
    """
    victims = (Victim("", losses),) if isinstance(losses, ThirdPartyLoss) else tuple(losses)
    _check(victims, terms)
    items = settle_items(victims, terms.ctpl)
    excess = sum((item.excess for item in items), ZERO)
    after_fault = excess * terms.ratio
    after_cap = min(after_fault, terms.tpl_limit or ZERO)
    pay = round_yuan(after_cap * (1 - terms.fault_deductible) * (1 - terms.absolute_rate))
    if terms.driver is not Driver.FIT:
        pay = ZERO
    tractor, trailer = _tractor_and_trailer(pay, terms)
    parts, uncovered = _tpl_parts(pay, victims, items)
    working = [
        *ctpl_working(items, terms.ctpl),
        *_tpl_working(items, terms, (excess, after_fault, after_cap, pay)),
        *_split_working(pay, tractor, trailer, terms),
    ]
    if len(victims) > 1 and pay:
        working += _victim_working(pay, victims, uncovered, parts)
    advance = rescue_advance(terms.ctpl)
    return LiabilityResult(
        items, advance, excess, after_fault, after_cap, tractor, trailer, parts, tuple(working)
    )


def _check(victims: Sequence[Victim], terms: LiabilityTerms) -> None:
    for victim in victims:
        for name in ("death", "medical", "property"):
            require_amount(getattr(victim.loss, name), f"loss.{name}")
    if terms.tpl_limit is not None:
        require_amount(terms.tpl_limit, "tpl_limit")
    if terms.trailer is not None:
        require_amount(terms.trailer.limit, "trailer_limit")
    require_amount(terms.rescue_cost, "rescue_cost")
    require_share(terms.absolute_rate, "absolute_deductible_rate")
    require_share(terms.ratio, "fault_ratio")


def _tractor_and_trailer(pay: Decimal, terms: LiabilityTerms) -> tuple[Decimal, Decimal]:
    if terms.trailer is None or not terms.tpl_limit:
        return pay, ZERO
    tractor, trailer = share_yuan(pay, (terms.tpl_limit, terms.trailer.limit))
    return tractor, trailer


def _tpl_parts(
    pay: Decimal, victims: Sequence[Victim], items: Sequence[CtplItem]
) -> tuple[tuple[Decimal, ...], tuple[Decimal, ...]]:
    """Each victim's part of the commercial payment, and what CTPL left uncovered of each loss, which it goes by."""
    if len(victims) == 1:
        return (pay,), (ZERO,)
    uncovered = [ZERO] * len(victims)
    for name, item in zip(("death", "medical", "property"), items, strict=True):
        if item.excess:
            for index, part in enumerate(
                share_yuan(item.excess, [getattr(victim.loss, name) for victim in victims])
            ):
                uncovered[index] += part
    return share_yuan(pay, uncovered), tuple(uncovered)


def _tpl_working(
    items: Sequence[CtplItem], terms: LiabilityTerms, figures: tuple[Decimal, Decimal, Decimal, Decimal]
) -> Iterator[WorkingLine]:
    excess, after_fault, after_cap, pay = figures
    over = [f"({yuan(item.loss)} − {yuan(item.loss - item.excess)})" for item in items if item.excess]
    source = (
        Source.COMMERCIAL_2014_35 if terms.clause is CommercialClause.C2014 else Source.COMMERCIAL_2020_TPL
    )

    def line(step: Step, formula: str, amount: Decimal, clause: Source = source) -> WorkingLine:
        return WorkingLine(step, Coverage.TPL, formula, round_yuan(amount), clause)

    yield line(Step.EXCESS_OVER_CTPL, " + ".join(over) or yuan(ZERO), excess)
    if terms.tpl_limit is None:
        yield line(Step.TPL_ABSENT, yuan(ZERO), ZERO)
        return
    if terms.driver is not Driver.FIT:
        yield line(Step.TPL_EXCLUDED, f"{yuan(excess)} × 0%", ZERO, Source.COMMERCIAL_2014_24)
        return
    yield line(Step.AFTER_FAULT, f"{yuan(excess)} × {percent(terms.ratio)}", after_fault)
    yield line(Step.AFTER_CAP, f"min({yuan(after_fault)}, {yuan(terms.tpl_limit)})", after_cap)
    yield line(Step.TPL_PAY, yuan(after_cap) + kept(terms.fault_deductible, terms.absolute_rate), pay)


def _split_working(
    pay: Decimal, tractor: Decimal, trailer: Decimal, terms: LiabilityTerms
) -> Iterator[WorkingLine]:
    if terms.trailer is None or not pay:
        return
    ours, theirs = yuan(terms.tpl_limit or ZERO), yuan(terms.trailer.limit)
    for step, coverage, limit, part in (
        (Step.TRACTOR_SHARE, Coverage.TPL, ours, tractor),
        (Step.TRAILER_SHARE, Coverage.TPL_TRAILER, theirs, trailer),
    ):
        formula = f"{yuan(pay)} × {limit} ÷ ({ours} + {theirs})"
        yield WorkingLine(step, coverage, formula, part, Source.COMMERCIAL_2014_29)


def _victim_working(
    pay: Decimal,
    victims: Sequence[Victim],
    uncovered: Sequence[Decimal],
    parts: Sequence[Decimal],
) -> Iterator[WorkingLine]:
    total = yuan(sum(uncovered, ZERO))
    for victim, left, part in zip(victims, uncovered, parts, strict=True):
        if left:
            formula = f"{yuan(pay)} × {yuan(left)} ÷ {total}"
            yield WorkingLine(
                Step.TPL_VICTIM, Coverage.TPL, formula, part, Source.SHARED_BY_LOSS, victim.label
            )
