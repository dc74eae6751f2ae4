"""How each measure is worked out of counts and sums. Rates are never averaged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from service_desk.base.money import from_fen, to_fen
from service_desk.rules.metrics.results import earned_fen
from service_desk.rules.metrics.values import Mean, Ratio


def first_scene_rate(surveys: Iterable[tuple[bool, bool]]) -> Ratio:
    """Surveyed at the first scene among claims that needed a survey (第一现场查勘率).

    Each pair is (needs a survey, was surveyed at the first scene). Glass alone, self-handled and late
    reported claims need none (domain.md section 7).
    """
    needed = [first_scene for needs_survey, first_scene in surveys if needs_survey]
    return Ratio(sum(needed), len(needed))


def in_time_rate(verdicts: Iterable[bool | None]) -> Ratio:
    """Met among met and breached. None is a clock without a verdict yet and is left out."""
    judged = [met for met in verdicts if met is not None]
    return Ratio(sum(judged), len(judged))


def closing_rate(*, open_start: int, reported: int, reopened: int, closed: int) -> Ratio:
    """Closed among all that there was to close (结案率): open at the start, reported and reopened since."""
    return Ratio(closed, open_start + reported + reopened)


def closing_rate_amount(*, closed_fen: int, open_fen: int) -> Ratio:
    """The same by amount: what the closed came to, among that and what the open ones are estimated at."""
    return Ratio(closed_fen, closed_fen + open_fen)


def rolling_closing_rate(*, registered: int, closed: int) -> Ratio:
    """Closed among those registered in twelve months (滚动立案结案率); withdrawn and zero-paid claims are in neither."""
    return Ratio(closed, registered)


def closing_cycle(days: Sequence[int]) -> Mean:
    """Days from report to closing of the closed (结案周期), zero-paid claims left out by the caller."""
    return Mean(sum(days), len(days))


REGISTERED_WITHIN_DAYS = 7


def registered_in_time(days: Iterable[int | None]) -> Ratio:
    """Registered within seven days of the report (立案及时率). None is a claim that is not registered."""
    counted = list(days)
    return Ratio(sum(one is not None and one <= REGISTERED_WITHIN_DAYS for one in counted), len(counted))


def estimate_deviation(cases: Iterable[tuple[int, int]]) -> Ratio:
    """How far estimates were off, case by case (估损偏差率): Σ|estimate − paid| / Σ paid of (estimate, paid)."""
    pairs = list(cases)
    return Ratio(
        sum(abs(estimate - paid) for estimate, paid in pairs), sum(paid for _estimate, paid in pairs)
    )


def estimate_deviation_net(*, estimate_fen: int, paid_fen: int) -> Ratio:
    """How far the estimates were off in all: |Σ estimate − Σ paid| / Σ paid."""
    return Ratio(abs(estimate_fen - paid_fen), paid_fen)


def injury_share(*, injury_fen: int, outstanding_fen: int) -> Ratio:
    """What is outstanding for claims in which somebody was hurt, among all that is outstanding."""
    return Ratio(injury_fen, outstanding_fen)


def open_to_closed_average(outstanding: Mean, paid: Mean) -> Ratio:
    """The average outstanding of open claims against the average paid on closed ones; of nothing where one is missing.

    Both averages are rounded to the fen first, so that it can be worked out again from what is shown. Unlike other
    ratios, those of parts cannot be added up.
    """
    above, below = outstanding.value(0), paid.value(0)
    return Ratio() if above is None or below is None else Ratio(int(above), int(below))


N = TypeVar("N", int, Decimal)


def reserve_close(*, open: N, came: Sequence[N], went: Sequence[N]) -> N:  # noqa: A002 - as the ledger says it
    """The reserve at the end: what was open, and new, reopened and increased, less decreased, paid and released."""
    close = open
    for amount in came:
        close += amount
    for amount in went:
        close -= amount
    return close


@dataclass(frozen=True)
class FollowUpFigures:
    """How ended claims were asked after (domain.md section 7). Add those of parts to get those of the whole.

    `followed_up` 回访率: followed up among those ended that need it, by the day they ended. `score`: the average of
    the overall scores. `dissatisfied`: any score below the line or a call back wanted, among those followed up.
    """

    followed_up: Ratio = Ratio()
    score: Mean = Mean()
    dissatisfied: Ratio = Ratio()

    def __add__(self, other: "FollowUpFigures") -> "FollowUpFigures":
        return FollowUpFigures(
            self.followed_up + other.followed_up,
            self.score + other.score,
            self.dissatisfied + other.dissatisfied,
        )


def follow_up_figures(*, ended: int, followed_up: int, score_sum: int, dissatisfied: int) -> FollowUpFigures:
    """The figures of some ended claims from their counts; every one followed up has an overall score."""
    return FollowUpFigures(
        Ratio(followed_up, ended),
        Mean(score_sum, followed_up),
        Ratio(dissatisfied, followed_up),
    )


def median(values: Sequence[int]) -> Decimal | None:
    """The middle value, or halfway between the two middle ones; None for no values."""
    if not values:
        return None
    ordered, middle = sorted(values), len(values) // 2
    if len(values) % 2:
        return Decimal(ordered[middle])
    return Decimal(ordered[middle - 1] + ordered[middle]) / 2


def p90(values: Sequence[int]) -> int | None:
    """The smallest value that at least nine in ten do not exceed (nearest rank); None for no values."""
    if not values:
        return None
    rank = -(-len(values) * 9 // 10)
    return sorted(values)[rank - 1]


def change_percent(now: int, before: int, places: int = 1) -> Decimal | None:
    """How far a figure moved from an earlier one, in percent, half-up; None when that was nought or less."""
    return Ratio(now - before, before).percent(places) if before > 0 else None


def earned_premium(premium: Decimal, starts_on: date, term_days: int, as_of: date) -> Decimal:
    """Premium earned by the start of a day (满期保费): by day over the term, the day itself excluded.

    `term_days` is 365, or 366 when the term holds a 29 February. Half-up to the fen.
    """
    elapsed = min(max((as_of - starts_on).days, 0), term_days)
    return from_fen(earned_fen(to_fen(premium), elapsed, term_days))
