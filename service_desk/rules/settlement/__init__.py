"""Working out what is paid: by coverage, with every step shown.

`calculate` is for the claim service, `settle` and `settle_document` for auditors on the command line.
"""

from service_desk.rules.settlement.audit import settle, settle_document
from service_desk.rules.settlement.calculation import (
    Calculation,
    CalculationLine,
    ClaimInputs,
    calculate,
)
from service_desk.rules.settlement.own_damage import OwnDamageLoss
from service_desk.rules.settlement.refunds import (
    PremiumPart,
    Refund,
    earned_premium,
    refund_before_start,
    refund_by_day,
)
from service_desk.rules.settlement.regimes import (
    COMMERCIAL_2020_FROM,
    CTPL_REGIMES,
    CommercialClause,
    CtplRegime,
    ItemAmounts,
    commercial_clause_on,
    ctpl_regime_at,
)
from service_desk.rules.settlement.third_party import ThirdPartyLoss
from service_desk.rules.settlement.working import Coverage, Source, Step, WorkingLine
from service_desk.rules.vocabulary import Fault

__all__ = [
    "COMMERCIAL_2020_FROM",
    "CTPL_REGIMES",
    "Calculation",
    "CalculationLine",
    "ClaimInputs",
    "CommercialClause",
    "Coverage",
    "CtplRegime",
    "Fault",
    "ItemAmounts",
    "OwnDamageLoss",
    "PremiumPart",
    "Refund",
    "Source",
    "Step",
    "ThirdPartyLoss",
    "WorkingLine",
    "calculate",
    "commercial_clause_on",
    "ctpl_regime_at",
    "earned_premium",
    "refund_before_start",
    "refund_by_day",
    "settle",
    "settle_document",
]
