"""Covers beside own damage: glass alone, and the theft of the whole vehicle."""

from dataclasses import dataclass
from decimal import Decimal

from service_desk.base.errors import Invalid
from service_desk.base.money import ZERO, round_yuan
from service_desk.rules.settlement.regimes import (
    THEFT_DEDUCTIBLES,
    THEFT_MISSING_DOCUMENT,
    CommercialClause,
)
from service_desk.rules.settlement.working import (
    Coverage,
    Source,
    Step,
    WorkingLine,
    percent,
    require_amount,
    yuan,
)


@dataclass(frozen=True)
class Theft:
    """A vehicle stolen and not found for 60 days, with the police's filing; papers that are missing each cost 1 %."""

    sum_insured: Decimal
    missing_documents: int = 0
    deductible_waiver: bool = False


def settle_glass(loss: Decimal, clause: CommercialClause) -> WorkingLine:
    """Glass alone: the actual loss, nothing deducted (2014 additional cover art. 1, 4).

    Invalid `glass_is_own_damage` under the clauses of 2020, which made it part of own damage.
    """
    require_amount(loss, "glass")
    if clause is CommercialClause.C2020:
        raise Invalid("glass_is_own_damage", field="glass")
    pay = round_yuan(loss)
    return WorkingLine(Step.GLASS_PAY, Coverage.GLASS, yuan(loss), pay, Source.COMMERCIAL_2014_GLASS)


def settle_theft(theft: Theft, clause: CommercialClause) -> tuple[Decimal, Decimal, WorkingLine]:
    """What is paid for a stolen vehicle, the rate deducted, and how (2014 model clause art. 54, 59).

    The waiver lifts the 20 %, never the 1 % of a missing paper.
    """
    require_amount(theft.sum_insured, "sum_insured")
    own = ZERO if theft.deductible_waiver else THEFT_DEDUCTIBLES[clause]
    each = THEFT_MISSING_DOCUMENT[clause]
    rate = min(own + each * theft.missing_documents, Decimal(1))
    pay = round_yuan(theft.sum_insured * (1 - rate))
    taken = [f" − {percent(own)}"] if own else []
    if theft.missing_documents and each:
        taken.append(f" − {percent(each)} × {theft.missing_documents}")
    formula = yuan(theft.sum_insured) + (f" × (1{''.join(taken)})" if taken else "")
    source = Source.COMMERCIAL_2014_54_59
    if clause is CommercialClause.C2020:
        source = Source.COMMERCIAL_2020_OWN_DAMAGE
    return pay, rate, WorkingLine(Step.THEFT_PAY, Coverage.THEFT, formula, pay, source)
