"""What is to be got back after paying: from the other side, from the driver, from a vehicle without CTPL.

Subrogation (2014 model clause art. 18, Insurance Law art. 60): what the other side owes of the damage, at most what
was paid. It owes its CTPL property limit, and of the rest its share of fault. An advance and injuries paid for an
unfit driver come back whole (CTPL regulation art. 22; SPC art. 15).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from service_desk.base.money import ZERO, round_yuan
from service_desk.rules.settlement.ctpl import Driver, Standing
from service_desk.rules.settlement.own_damage import OwnDamageLoss
from service_desk.rules.settlement.regimes import NO_LIMITS, CtplRegime
from service_desk.rules.settlement.third_party import LiabilityResult, LiabilityTerms
from service_desk.rules.settlement.working import Coverage, Source, Step, WorkingLine, percent, yuan
from service_desk.rules.vocabulary import Fault


class RecoveryKind(StrEnum):
    """Why something is to be got back.

    CTPL recourse: rescue cost advanced or injuries paid for an unfit driver, or paid first for a vehicle without CTPL.
    """

    SUBROGATION = "subrogation"
    CTPL_RECOURSE = "ctpl_recourse"
    OVERPAID = "overpaid"


@dataclass(frozen=True)
class Recovery:
    """An amount to get back, the name of who owes it, and the step that gave it."""

    kind: RecoveryKind
    amount: Decimal
    debtor: str
    step: WorkingLine


def subrogation(
    loss: OwnDamageLoss,
    pay: Decimal,
    our_ratio: Decimal,
    regime: CtplRegime | None,
    our_fault: Fault,
    debtor: str,
) -> Iterator[Recovery]:
    """What the other side owes of the damage we paid for; nothing where it owes nothing."""
    limits = NO_LIMITS
    if regime is not None:
        limits = regime.no_fault if our_fault is Fault.FULL else regime.liable
    by_ctpl = min(loss.damage, limits.property)
    rest = loss.damage - by_ctpl
    received = loss.received_from_third_party + loss.other_ctpl_property
    owed = max(by_ctpl + rest * (1 - our_ratio) - received, ZERO)
    amount = round_yuan(min(pay, owed))
    if not amount:
        return
    taken = f" − {yuan(received)}" if received else ""
    formula = f"min({yuan(pay)}, {yuan(by_ctpl)} + {yuan(rest)} × (1 − {percent(our_ratio)}){taken})"
    step = WorkingLine(Step.SUBROGATION, Coverage.OWN_DAMAGE, formula, amount, Source.COMMERCIAL_2014_18)
    yield Recovery(RecoveryKind.SUBROGATION, amount, debtor, step)


def from_driver(result: LiabilityResult, terms: LiabilityTerms, debtor: str) -> Iterator[Recovery]:
    """All that CTPL paid for a driver it does not cover."""
    if terms.driver is Driver.FIT:
        return
    if result.advance:
        step = _step(Coverage.CTPL_ADVANCE, [result.advance], Source.CTPL_REGULATION_22)
        yield Recovery(RecoveryKind.CTPL_RECOURSE, result.advance, debtor, step)
    paid = [item.pay for item in result.items if item.pay]
    if paid:
        step = _step(None, paid, Source.COURT_TRAFFIC_15)
        yield Recovery(RecoveryKind.CTPL_RECOURSE, step.amount, debtor, step)


def from_uninsured(result: LiabilityResult, terms: LiabilityTerms) -> Iterator[Recovery]:
    """What was paid for vehicles without CTPL beyond our own share; one debt, theirs together."""
    beyond = [item for item in result.items if item.pay > item.due]
    names = [other.label for other in terms.others if other.standing is Standing.UNINSURED]
    if beyond and names and terms.driver is Driver.FIT:
        formula = " + ".join(f"({yuan(item.pay)} − {yuan(item.due)})" for item in beyond)
        amount = sum((item.pay - item.due for item in beyond), ZERO)
        step = WorkingLine(Step.RECOVERY, None, formula, amount, Source.COURT_TRAFFIC_18)
        yield Recovery(RecoveryKind.CTPL_RECOURSE, step.amount, ", ".join(filter(None, names)), step)


def _step(coverage: Coverage | None, amounts: list[Decimal], source: Source) -> WorkingLine:
    return WorkingLine(Step.RECOVERY, coverage, " + ".join(map(yuan, amounts)), sum(amounts, ZERO), source)
