"""The managers' overview of one account, the rows behind its figures, and the counts of the left rail."""

from service_desk.services.dashboard.behind import (
    AS_OF,
    AsOf,
    Behind,
    BehindClaim,
    BehindClaims,
    BehindFilter,
    BehindPremium,
    PremiumBehind,
    PremiumRow,
    list_claims,
    list_premium,
)
from service_desk.services.dashboard.overview import (
    OF_MONTH,
    OF_NOW,
    OF_PERIOD,
    AtRisk,
    Beginning,
    Compared,
    Overview,
    StepCompliance,
    overview,
)
from service_desk.services.dashboard.rail import nav_counts

__all__ = [
    "AS_OF",
    "OF_MONTH",
    "OF_NOW",
    "OF_PERIOD",
    "AsOf",
    "AtRisk",
    "Beginning",
    "Behind",
    "BehindClaim",
    "BehindClaims",
    "BehindFilter",
    "BehindPremium",
    "Compared",
    "Overview",
    "PremiumBehind",
    "PremiumRow",
    "StepCompliance",
    "list_claims",
    "list_premium",
    "nav_counts",
    "overview",
]
