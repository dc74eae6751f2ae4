"""The compulsory cover: each item within its limit, shared among vehicles and among victims.

`min(loss, limit)` per item, never multiplied by fault; all victims together share the limit by their losses
(CTPL clause art. 8; SPC interpretation on traffic damages art. 19). Several vehicles share a loss by their limits,
each its whole limit when the loss reaches the sum; insured vehicles pay first for one without CTPL, and recover
(art. 18). A driver who was drunk, without a licence, a thief, or who meant it: only rescue cost is advanced, injuries
are paid when a court orders it, property never, and all of it is recovered (CTPL regulation art. 22, SPC art. 15).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from service_desk.base.money import ZERO, round_yuan
from service_desk.rules.settlement.regimes import NO_LIMITS, CtplRegime, ItemAmounts
from service_desk.rules.settlement.shares import share_within, share_yuan
from service_desk.rules.settlement.working import Coverage, Source, Step, WorkingLine, yuan
from service_desk.rules.vocabulary import Fault


class Standing(StrEnum):
    """How another vehicle enters: with the limits of the liable, with those without fault, or without CTPL."""

    LIABLE = "liable"
    NO_FAULT = "no_fault"
    UNINSURED = "uninsured"


class Driver(StrEnum):
    """Who drove. All but `FIT` leave the victims rescue cost alone, and exclude the commercial covers."""

    FIT = "fit"
    DRUNK = "drunk"
    UNLICENSED = "unlicensed"
    STOLEN = "stolen"
    INTENT = "intent"


@dataclass(frozen=True)
class OtherVehicle:
    """A vehicle beside ours that has to bear part of the loss."""

    label: str
    standing: Standing


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
class Victim:
    """One injured person, or one owner of damaged property."""

    label: str
    loss: ThirdPartyLoss


@dataclass(frozen=True)
class CtplTerms:
    """Under what the compulsory cover pays. `regime` None: before there was CTPL."""

    regime: CtplRegime | None
    in_force: bool
    fault: Fault
    others: tuple[OtherVehicle, ...] = ()
    driver: Driver = Driver.FIT
    rescue_cost: Decimal = ZERO
    is_injury_ordered: bool = False

    @property
    def limits(self) -> ItemAmounts:
        """Our limits of the regime, in force or not; nought before there was CTPL."""
        return self.regime.limits(self.fault) if self.regime else NO_LIMITS

    def limits_of(self, standing: Standing) -> ItemAmounts:
        """The limits another vehicle enters with."""
        if self.regime is None:
            return NO_LIMITS
        return self.regime.no_fault if standing is Standing.NO_FAULT else self.regime.liable

    @property
    def source(self) -> Source:
        """The clause an item's limit rests on."""
        return Source.CTPL_CLAUSE_8_NO_FAULT if self.fault is Fault.NONE else Source.CTPL_CLAUSE_8


@dataclass(frozen=True)
class CtplItem:
    """One item: its loss, our limit, our payment and its parts by victim, the part above all limits.

    `due` is what we bear in the end; what is paid beyond it, for a vehicle without CTPL, is recovered.
    """

    coverage: Coverage
    loss: Decimal
    limit: Decimal
    due: Decimal
    pay: Decimal
    excess: Decimal
    parts: tuple[Decimal, ...]
    working: tuple[WorkingLine, ...] = ()


ITEMS = (
    (Coverage.CTPL_DEATH, "death"),
    (Coverage.CTPL_MEDICAL, "medical"),
    (Coverage.CTPL_PROPERTY, "property"),
)


def settle_items(victims: Sequence[Victim], terms: CtplTerms) -> tuple[CtplItem, ...]:
    """What the compulsory cover pays by item, with the steps of each."""
    return tuple(_item(coverage, name, victims, terms) for coverage, name in ITEMS)


def _item(coverage: Coverage, name: str, victims: Sequence[Victim], terms: CtplTerms) -> CtplItem:
    losses = [getattr(victim.loss, name) for victim in victims]
    loss, limit = sum(losses, ZERO), getattr(terms.limits, name)
    others = [getattr(terms.limits_of(other.standing), name) for other in terms.others]
    excess = max(loss - limit - sum(others, ZERO), ZERO)
    if others:
        due, pay, steps = _shared(coverage, loss, (limit, *others), terms)
    else:
        due = pay = round_yuan(min(loss, limit))
        formula = f"min({yuan(loss)}, {yuan(limit)})"
        steps = [WorkingLine(Step.CTPL_ITEM, coverage, formula, pay, terms.source)]
    if not _pays(coverage, terms):
        return CtplItem(coverage, loss, limit, due, ZERO, excess, (ZERO,) * len(losses))
    if not loss:
        return CtplItem(coverage, loss, limit, ZERO, ZERO, excess, (ZERO,) * len(losses))
    parts = share_yuan(pay, losses) if len(victims) > 1 else (pay,)
    if len(victims) > 1:
        steps += _by_victim(coverage, pay, losses, [victim.label for victim in victims], parts)
    return CtplItem(coverage, loss, limit, due, pay, excess, parts, tuple(steps))


def _pays(coverage: Coverage, terms: CtplTerms) -> bool:
    is_excluded = terms.driver is not Driver.FIT and (
        coverage is Coverage.CTPL_PROPERTY or not terms.is_injury_ordered
    )
    return terms.in_force and not is_excluded


def _shared(
    coverage: Coverage, loss: Decimal, limits: Sequence[Decimal], terms: CtplTerms
) -> tuple[Decimal, Decimal, list[WorkingLine]]:
    """Our share among all vehicles, what we pay when those without CTPL do not, and the step."""
    due = share_within(loss, limits)[0]
    insured = [limits[0]] + [
        limit
        for other, limit in zip(terms.others, limits[1:], strict=True)
        if other.standing is not Standing.UNINSURED
    ]
    pay = share_within(loss, insured)[0]
    payable = min(round_yuan(loss), sum(insured, ZERO))
    formula = f"{yuan(payable)} × {yuan(limits[0])} ÷ ({' + '.join(map(yuan, insured))})"
    steps = [WorkingLine(Step.CTPL_SHARE, coverage, formula, pay, Source.COURT_TRAFFIC_18)]
    return due, pay, steps


def _by_victim(
    coverage: Coverage,
    pay: Decimal,
    losses: Sequence[Decimal],
    labels: Sequence[str],
    parts: Sequence[Decimal],
) -> Iterator[WorkingLine]:
    total = yuan(sum(losses, ZERO))
    for label, lost, part in zip(labels, losses, parts, strict=True):
        if lost:
            formula = f"{yuan(pay)} × {yuan(lost)} ÷ {total}"
            yield WorkingLine(Step.CTPL_VICTIM, coverage, formula, part, Source.COURT_TRAFFIC_19, label)


def rescue_advance(terms: CtplTerms) -> Decimal:
    """Rescue cost advanced for a driver whom CTPL does not cover; nought where injuries are paid by a court's order."""
    if terms.driver is Driver.FIT or terms.is_injury_ordered or not terms.in_force:
        return ZERO
    return round_yuan(min(terms.rescue_cost, terms.limits.medical))


def ctpl_working(items: Sequence[CtplItem], terms: CtplTerms) -> Iterator[WorkingLine]:
    """The steps of the compulsory cover, its sum last."""
    suffered = [item for item in items if item.loss]
    if not terms.in_force:
        formula = " + ".join(yuan(item.due) for item in suffered) or yuan(ZERO)
        borne = sum((item.due for item in suffered), ZERO)
        yield WorkingLine(Step.CTPL_LAPSED, None, formula, borne, Source.COMMERCIAL_2014_26)
        return
    for item in suffered:
        if _pays(item.coverage, terms):
            yield from item.working
        else:
            yield WorkingLine(
                Step.CTPL_EXCLUDED,
                item.coverage,
                f"{yuan(item.loss)} × 0%",
                ZERO,
                Source.CTPL_REGULATION_22,
            )
    pays = [item.pay for item in suffered]
    advance = rescue_advance(terms)
    if advance:
        formula = f"min({yuan(terms.rescue_cost)}, {yuan(terms.limits.medical)})"
        yield WorkingLine(
            Step.CTPL_ADVANCE, Coverage.CTPL_ADVANCE, formula, advance, Source.CTPL_REGULATION_22
        )
        pays.append(advance)
    formula = " + ".join(map(yuan, pays)) or yuan(ZERO)
    yield WorkingLine(Step.CTPL_TOTAL, None, formula, sum(pays, ZERO), terms.source)
