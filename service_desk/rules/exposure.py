"""What a vehicle on the road without compulsory cover risks: the fine, and the CTPL layer of a loss, borne by its owner."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from service_desk.rules.settlement.regimes import ItemAmounts, ctpl_regime_at

PENALTY_PREMIUMS = 2


@dataclass(frozen=True)
class Exposure:
    """Yuan. `penalty` is None where the premium is not known; `limits` is what CTPL would have paid in a loss."""

    premium: Decimal | None
    penalty: Decimal | None
    limits: ItemAmounts | None

    @property
    def borne(self) -> Decimal:
        """The most the owner bears of one loss that CTPL would have paid."""
        if self.limits is None:
            return Decimal(0)
        return self.limits.death + self.limits.medical + self.limits.property


def uninsured_penalty(premium: Decimal) -> Decimal:
    """The fine for a vehicle without CTPL: twice the premium due (CTPL Regulation art. 38)."""
    return premium * PENALTY_PREMIUMS


def exposure_without_ctpl(premium: Decimal | None, on: date) -> Exposure:
    """What a vehicle without CTPL risks on a day, by the limits in force then."""
    regime = ctpl_regime_at(on)
    penalty = None if premium is None else uninsured_penalty(premium)
    return Exposure(premium, penalty, regime.liable if regime else None)
