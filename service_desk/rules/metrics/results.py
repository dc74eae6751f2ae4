"""Premium against loss: loss ratios, frequency and average loss (domain.md section 7). Sums first, then one division."""

from service_desk.rules.metrics.values import Mean, Ratio

EXPOSURE_YEAR = 365 * 366
"""A year of cover in the units exposure is counted in: a day of a year of 365 days, and of one of 366, is a whole number."""


def earned_fen(premium_fen: int, elapsed_days: int, term_days: int) -> int:
    """What of a premium is earned after some days of its term, half away from nought to the fen."""
    doubled = 2 * abs(premium_fen) * elapsed_days
    rounded = (doubled + term_days) // (2 * term_days)
    return rounded if premium_fen >= 0 else -rounded


def loss_fen(*, is_settled: bool, paid_fen: int, reserve_fen: int) -> int:
    """The reported loss of a claim: what was paid once it ended, before that its reserve with what is paid of it."""
    return paid_fen if is_settled else reserve_fen


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
