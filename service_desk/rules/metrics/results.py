"""Premium against loss: loss ratios, frequency and average loss (domain.md section 7). Sums first, then one division."""

from dataclasses import dataclass, fields

from service_desk.rules.metrics.registry import MeasureCode as C
from service_desk.rules.metrics.values import Mean, Ratio

EXPOSURE_YEAR = 365 * 366
"""A year of cover in the units exposure is counted in: a day of a year of 365 days, and of one of 366, is a whole number."""


def earned_fen(premium_fen: int, elapsed_days: int, term_days: int) -> int:
    """What of a premium is earned after some days of its term, half away from nought to the fen."""
    doubled = 2 * abs(premium_fen) * elapsed_days
    rounded = (doubled + term_days) // (2 * term_days)
    return rounded if premium_fen >= 0 else -rounded


def earned_loss_ratio(reported_loss_fen: int, earned_premium_fen: int) -> Ratio:
    """Reported loss ÷ earned premium (满期赔付率)."""
    return Ratio(reported_loss_fen, earned_premium_fen)


def simple_loss_ratio(reported_loss_fen: int, written_premium_fen: int) -> Ratio:
    """Paid and outstanding ÷ written premium (简单赔付率)."""
    return Ratio(reported_loss_fen, written_premium_fen)


def exposure(days: int, year_days: int) -> int:
    """Days of cover out of a year of 365 or 366, in units of which `EXPOSURE_YEAR` are a year."""
    return days * (EXPOSURE_YEAR // year_days)


def claim_frequency(claims: int, exposed: int) -> Ratio:
    """(claims ÷ policies) × (term ÷ elapsed), of terms that differ: claims ÷ the years of cover elapsed (满期出险率)."""
    return Ratio(claims * EXPOSURE_YEAR, exposed)


def average_loss(reported_loss_fen: int, claims: int) -> Mean:
    """Reported loss ÷ claims (案均赔款), in fen."""
    return Mean(reported_loss_fen, claims)


def coverage_ratio(covered: int, operating: int) -> Ratio:
    """Vehicles (or vehicle-days) with every required layer ÷ those on the road (覆盖率)."""
    return Ratio(covered, operating)


@dataclass(frozen=True)
class Results:
    """What was written and earned in a period, and what the claims reported in it come to. Parts add up to the whole.

    `endorsed_fen` is what endorsements added less what they returned, `returned_fen` what cancellations did (nought or
    negative), both in `written_fen`. `loss_fen` of `claims` is paid on the ended, reserved for those still open.
    `exposed` is in units of which `EXPOSURE_YEAR` are a vehicle's year of cover.
    """

    policies: int = 0
    written_fen: int = 0
    endorsed_fen: int = 0
    returned_fen: int = 0
    earned_fen: int = 0
    claims: int = 0
    loss_fen: int = 0
    exposed: int = 0

    def __add__(self, other: "Results") -> "Results":
        return Results(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def measures(self) -> dict[C, int | Ratio | Mean]:
        """The figures by their codes."""
        return {
            C.POLICIES_ISSUED: self.policies,
            C.WRITTEN_PREMIUM: self.written_fen,
            C.ENDORSEMENT_PREMIUM: self.endorsed_fen,
            C.RETURNED_PREMIUM: self.returned_fen,
            C.EARNED_PREMIUM: self.earned_fen,
            C.REPORTED_LOSS: self.loss_fen,
            C.EARNED_LOSS_RATIO: earned_loss_ratio(self.loss_fen, self.earned_fen),
            C.SIMPLE_LOSS_RATIO: simple_loss_ratio(self.loss_fen, self.written_fen),
            C.CLAIM_FREQUENCY: claim_frequency(self.claims, self.exposed),
            C.AVERAGE_LOSS: average_loss(self.loss_fen, self.claims),
        }


@dataclass(frozen=True)
class Cover:
    """Vehicles on the road on a day and those of them with every required layer; and the same in vehicle-days."""

    operating: int = 0
    covered: int = 0
    operating_days: int = 0
    covered_days: int = 0

    def __add__(self, other: "Cover") -> "Cover":
        return Cover(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def measures(self) -> dict[C, int | Ratio]:
        """The figures by their codes."""
        return {
            C.OPERATING_VEHICLES: self.operating,
            C.COVERAGE: coverage_ratio(self.covered, self.operating),
            C.COVERAGE_DAYS: coverage_ratio(self.covered_days, self.operating_days),
            C.UNINSURED_VEHICLES: self.operating - self.covered,
        }


@dataclass(frozen=True)
class Receivables:
    """Premium with vehicle tax: received in a period, open at its end, and what of that is past its due day."""

    received_fen: int = 0
    open_fen: int = 0
    overdue_fen: int = 0

    def __add__(self, other: "Receivables") -> "Receivables":
        return Receivables(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def measures(self) -> dict[C, int]:
        """The figures by their codes."""
        return {
            C.PREMIUM_RECEIVED: self.received_fen,
            C.PREMIUM_OUTSTANDING: self.open_fen,
            C.PREMIUM_OVERDUE: self.overdue_fen,
        }
