"""Working out what is paid: by coverage, with every step shown.

`calculate` is for the claim service, `settle` and `settle_document` for auditors on the command line.
"""

from service_desk.rules.settlement.additional import Theft
from service_desk.rules.settlement.audit import settle, settle_document
from service_desk.rules.settlement.calculation import (
    Calculation,
    CalculationLine,
    ClaimInputs,
    Payer,
    calculate,
)
from service_desk.rules.settlement.claim_json import claim_as_json
from service_desk.rules.settlement.ctpl import Driver, OtherVehicle, Standing, ThirdPartyLoss, Victim
from service_desk.rules.settlement.own_damage import OwnDamageLoss, RescueFee
from service_desk.rules.settlement.recoveries import Recovery, RecoveryKind
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
from service_desk.rules.settlement.seats import CarrierLiability, Occupants, PersonLoss
from service_desk.rules.settlement.third_party import Trailer
from service_desk.rules.settlement.working import Coverage, Source, Step, WorkingLine
from service_desk.rules.vocabulary import Fault

__all__ = [
    "COMMERCIAL_2020_FROM",
    "CTPL_REGIMES",
    "Calculation",
    "CalculationLine",
    "CarrierLiability",
    "ClaimInputs",
    "CommercialClause",
    "Coverage",
    "CtplRegime",
    "Driver",
    "Fault",
    "ItemAmounts",
    "Occupants",
    "OtherVehicle",
    "OwnDamageLoss",
    "Payer",
    "PersonLoss",
    "PremiumPart",
    "Recovery",
    "RecoveryKind",
    "Refund",
    "RescueFee",
    "Source",
    "Standing",
    "Step",
    "Theft",
    "ThirdPartyLoss",
    "Trailer",
    "Victim",
    "WorkingLine",
    "calculate",
    "claim_as_json",
    "commercial_clause_on",
    "ctpl_regime_at",
    "earned_premium",
    "refund_before_start",
    "refund_by_day",
    "settle",
    "settle_document",
]
