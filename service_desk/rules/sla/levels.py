"""Service levels: which promise holds for a matter, and which two rules contradict each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import combinations

from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla.terms import Target
from service_desk.rules.vocabulary import Severity


class Condition(StrEnum):
    """What a level may ask of a matter."""

    ACCOUNT = "account"
    SEVERITY = "severity"
    PLACE = "place"
    AMOUNT = "amount"


@dataclass(frozen=True)
class Level:
    """A promise for one step under conditions; None in a condition matches everything.

    The amount band is `amount_from` < amount <= `amount_to`, in yuan. It holds from `effective_on` until
    the day before `ended_on`. Levels with the same conditions are versions of one promise: the newest in
    force holds.
    """

    code: str
    step: ClockStep
    target: Target
    calendar_code: str
    account_id: int | None = None
    severity: Severity | None = None
    is_urban: bool | None = None
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    effective_on: date = date.min
    ended_on: date | None = None
    source: str = ""

    @property
    def asks(self) -> tuple[Condition, ...]:
        """The conditions it sets."""
        is_set = {
            Condition.ACCOUNT: self.account_id is not None,
            Condition.SEVERITY: self.severity is not None,
            Condition.PLACE: self.is_urban is not None,
            Condition.AMOUNT: self.amount_from is not None or self.amount_to is not None,
        }
        return tuple(condition for condition, wanted in is_set.items() if wanted)

    @property
    def specificity(self) -> int:
        """How many conditions it sets; the amount band is one."""
        return len(self.asks)

    @property
    def conditions(self) -> tuple[object, ...]:
        """What makes it the same promise in another version."""
        return (
            self.step,
            self.account_id,
            self.severity,
            self.is_urban,
            self.amount_from,
            self.amount_to,
        )


@dataclass(frozen=True)
class MatterFacts:
    """What is known of a matter when its clock starts; None is unknown and meets no condition."""

    step: ClockStep
    on: date
    account_id: int | None = None
    severity: Severity | None = None
    is_urban: bool | None = None
    amount: Decimal | None = None


def choose_level(levels: Iterable[Level], facts: MatterFacts) -> Level | None:
    """The most specific level that matches; None when the step has no promise for this matter."""
    return next(iter(matching_levels(levels, facts)), None)


def matching_levels(levels: Iterable[Level], facts: MatterFacts) -> list[Level]:
    """All that match a matter: the one that holds first, then the less and less specific ones.

    A tie is refused when a level is saved (`find_ties`). Should one exist all the same, a clock must still
    start: the newer level wins, then the one whose code comes first.
    """
    by_code = sorted((level for level in levels if _matches(level, facts)), key=lambda level: level.code)
    return sorted(by_code, key=lambda level: (level.specificity, level.effective_on), reverse=True)


def deciding_conditions(chosen: Level, levels: Iterable[Level], facts: MatterFacts) -> tuple[Condition, ...]:
    """Why a level holds for a matter: what it asks for, and what narrower ones asked for in vain.

    Empty where the step has no narrower level: then it holds for every case. Levels for other accounts are
    not spoken of.
    """
    unmet = {
        condition
        for level in levels
        if level.step is chosen.step and _is_in_force(level, facts.on)
        if level.specificity > chosen.specificity and _meets(level, Condition.ACCOUNT, facts)
        for condition in level.asks
        if not _meets(level, condition, facts)
    }
    return tuple(condition for condition in Condition if condition in unmet or condition in chosen.asks)


def find_ties(levels: Sequence[Level]) -> list[tuple[Level, Level]]:
    """List each pair that could both be the most specific level of one matter on one day."""
    ends = {id(level): _end_of_version(level, levels) for level in levels}
    return [
        (one, other)
        for one, other in combinations(levels, 2)
        if one.specificity == other.specificity
        and max(one.effective_on, other.effective_on) < min(ends[id(one)], ends[id(other)])
        and _could_both_match(one, other)
    ]


def _matches(level: Level, facts: MatterFacts) -> bool:
    if level.step is not facts.step or not _is_in_force(level, facts.on):
        return False
    return all(_meets(level, condition, facts) for condition in level.asks)


def _is_in_force(level: Level, on: date) -> bool:
    return level.effective_on <= on and (level.ended_on is None or on < level.ended_on)


def _meets(level: Level, condition: Condition, facts: MatterFacts) -> bool:
    if condition is Condition.AMOUNT:
        return _in_band(level, facts)
    wanted, found = {
        Condition.ACCOUNT: (level.account_id, facts.account_id),
        Condition.SEVERITY: (level.severity, facts.severity),
        Condition.PLACE: (level.is_urban, facts.is_urban),
    }[condition]
    return wanted is None or wanted == found


def _in_band(level: Level, facts: MatterFacts) -> bool:
    if level.amount_from is None and level.amount_to is None:
        return True
    if facts.amount is None:
        return False
    above = level.amount_from is None or facts.amount > level.amount_from
    return above and (level.amount_to is None or facts.amount <= level.amount_to)


def _end_of_version(level: Level, levels: Iterable[Level]) -> date:
    """The first day it no longer holds: its own end, or the beginning of its next version."""
    later = [
        other.effective_on
        for other in levels
        if other.conditions == level.conditions and other.effective_on > level.effective_on
    ]
    return min([level.ended_on or date.max, *later])


def _could_both_match(one: Level, other: Level) -> bool:
    if one.step is not other.step:
        return False
    pairs = (
        (one.account_id, other.account_id),
        (one.severity, other.severity),
        (one.is_urban, other.is_urban),
    )
    if any(first is not None and second is not None and first != second for first, second in pairs):
        return False
    return _bands_overlap(one, other)


def _bands_overlap(one: Level, other: Level) -> bool:
    lowest = max(one.amount_from or Decimal(0), other.amount_from or Decimal(0))
    highest = min(one.amount_to or Decimal("Infinity"), other.amount_to or Decimal("Infinity"))
    return lowest < highest
