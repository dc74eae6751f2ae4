"""What measures are made of: a count among a count, a sum over a count. Parts are added up before they are divided."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


@dataclass(frozen=True)
class Ratio:
    """A count among a count. Add ratios of parts to get the ratio of the whole."""

    part: int = 0
    whole: int = 0

    def __add__(self, other: "Ratio") -> "Ratio":
        return Ratio(self.part + other.part, self.whole + other.whole)

    def percent(self, places: int = 1) -> Decimal | None:
        """The share in percent, half-up to `places`; None when there is nothing, or less, to divide by."""
        if self.whole <= 0:
            return None
        step = Decimal(1).scaleb(-places)
        return (Decimal(self.part) * 100 / self.whole).quantize(step, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Mean:
    """A sum over a count. Add means of parts to get the mean of the whole."""

    total: int = 0
    count: int = 0

    def __add__(self, other: "Mean") -> "Mean":
        return Mean(self.total + other.total, self.count + other.count)

    def value(self, places: int = 2) -> Decimal | None:
        """The average, half-up to `places`; None when there is nothing to divide by."""
        if not self.count:
            return None
        step = Decimal(1).scaleb(-places)
        return (Decimal(self.total) / self.count).quantize(step, rounding=ROUND_HALF_UP)
