"""Service levels: which promise holds for a matter, and which two rules contradict each other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations

from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla.terms import Target
from service_desk.rules.vocabulary import Severity


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
    def specificity(self) -> int:
        """How many conditions it sets; the amount band is one."""
        single = (self.account_id, self.severity, self.is_urban)
        return sum(value is not None for value in single) + self._has_band

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

    @property
    def _has_band(self) -> bool:
        return self.amount_from is not None or self.amount_to is not None


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
    """The most specific level that matches; None when the step has no promise for this matter.

    A tie is refused when a level is saved (`find_ties`). Should one exist all the same, a clock must still
    start: the newer level wins, then the one whose code comes first.
    """
    matching = sorted((level for level in levels if _matches(level, facts)), key=lambda level: level.code)
    return max(matching, key=lambda level: (level.specificity, level.effective_on), default=None)


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
    in_force = level.effective_on <= facts.on and (level.ended_on is None or facts.on < level.ended_on)
    return in_force and level.step is facts.step and _conditions_hold(level, facts) and _in_band(level, facts)


def _conditions_hold(level: Level, facts: MatterFacts) -> bool:
    pairs = (
        (level.account_id, facts.account_id),
        (level.severity, facts.severity),
        (level.is_urban, facts.is_urban),
    )
    return all(wanted is None or wanted == found for wanted, found in pairs)


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
