"""What each branch needs: its own claims and cover looked at by rules, and a proposal for each one that holds.

The lines are the desk's own and stand beside every proposal, so that a manager may judge them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from service_desk.rules.metrics.values import Ratio


class HourBand(StrEnum):
    """The hours of the day in which accidents happen, by the account's clock."""

    NIGHT = "night"
    MORNING_RUSH = "morning_rush"
    FORENOON = "forenoon"
    AFTERNOON = "afternoon"
    EVENING_RUSH = "evening_rush"
    EVENING = "evening"


_BAND_ENDS = (
    (5, HourBand.NIGHT),
    (9, HourBand.MORNING_RUSH),
    (12, HourBand.FORENOON),
    (16, HourBand.AFTERNOON),
    (20, HourBand.EVENING_RUSH),
    (23, HourBand.EVENING),
)


def hour_band(at: time) -> HourBand:
    """The band a time of day lies in. The night goes from 23:00 to 05:00."""
    return next((band for end, band in _BAND_ENDS if at.hour < end), HourBand.NIGHT)


class Proposal(StrEnum):
    """What is proposed to a branch, the most pressing first."""

    CLOSE_GAPS = "close_gaps"
    HIGHER_LIABILITY_LIMITS = "higher_liability_limits"
    DRIVER_TRAINING = "driver_training"
    REPEATING_VEHICLES = "repeating_vehicles"
    NIGHT_RULES = "night_rules"
    REPORT_AT_ONCE = "report_at_once"
    REVIEW_PRICE = "review_price"
    KEEP_AS_IS = "keep_as_is"


@dataclass(frozen=True)
class BranchDemand:
    """What the proposals to a branch are judged by, and the same of the whole account.

    `repeating`: claims of vehicles with at least three in the time looked at. `frequency` and `loss` are the measures.
    """

    frequency: Ratio = Ratio()
    loss: Ratio = Ratio()
    uncovered: Ratio = Ratio()
    injured: Ratio = Ratio()
    at_night: Ratio = Ratio()
    reported_late: Ratio = Ratio()
    repeating: Ratio = Ratio()

    @property
    def claims(self) -> int:
        return self.injured.whole


@dataclass(frozen=True)
class Proposed:
    """A proposal with the figure behind it, that of the whole account, and the line in percent it is judged by.

    Of a line against the account (`is_relative`) the percent is of the account's figure.
    """

    proposal: Proposal
    figure: Ratio
    account: Ratio
    line: int
    is_relative: bool = False


@dataclass(frozen=True)
class _Rule:
    """A proposal is made from `line` percent on, where at least so many claims say something."""

    proposal: Proposal
    line: int
    figure: Callable[[BranchDemand], Ratio]
    least_claims: int = 0
    is_relative: bool = False


REPEATING_FROM = 3
"""From so many claims of one vehicle on the vehicle, its route or its driver is looked at."""

# Fewer claims than these may be chance.
_FEW = 5
RULES: Sequence[_Rule] = (
    _Rule(Proposal.CLOSE_GAPS, 0, lambda one: one.uncovered),
    _Rule(Proposal.HIGHER_LIABILITY_LIMITS, 25, lambda one: one.injured, _FEW),
    _Rule(Proposal.DRIVER_TRAINING, 150, lambda one: one.frequency, _FEW, is_relative=True),
    _Rule(Proposal.REPEATING_VEHICLES, 20, lambda one: one.repeating, REPEATING_FROM),
    _Rule(Proposal.NIGHT_RULES, 30, lambda one: one.at_night, _FEW),
    _Rule(Proposal.REPORT_AT_ONCE, 10, lambda one: one.reported_late, _FEW),
    _Rule(Proposal.REVIEW_PRICE, 100, lambda one: one.loss, _FEW),
)


def proposals(branch: BranchDemand, account: BranchDemand) -> list[Proposed]:
    """What is proposed to a branch; where no rule holds, that all may stay as it is."""
    found = [
        Proposed(rule.proposal, rule.figure(branch), rule.figure(account), rule.line, rule.is_relative)
        for rule in RULES
        if branch.claims >= rule.least_claims and _holds(rule, rule.figure(branch), rule.figure(account))
    ]
    return found or [Proposed(Proposal.KEEP_AS_IS, branch.frequency, account.frequency, 0)]


def _holds(rule: _Rule, figure: Ratio, account: Ratio) -> bool:
    """Compared as whole numbers, so that a figure on the line is on it. Any gap in cover is one too many."""
    if not figure.whole:
        return False
    if rule.line == 0:
        return figure.part > 0
    if not rule.is_relative:
        return figure.part * 100 >= rule.line * figure.whole
    if account.part <= 0 or account.whole <= 0:
        return False
    return figure.part * account.whole * 100 >= rule.line * account.part * figure.whole
