"""Yellow and red cards: which months of figures propose one, how long it lasts, and what may be done with it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.periods import months_after
from service_desk.rules.promises import Comparison, Verdict, judge
from service_desk.rules.scorecard import SCORES, Figure, Figures, ScoreMeasure, ScoreUnit


class CardColour(StrEnum):
    YELLOW = "yellow"
    RED = "red"


class CardState(StrEnum):
    """Proposed by a rule; confirmed or waived by a manager; lifted when the reply convinced."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    WAIVED = "waived"
    LIFTED = "lifted"


# Whole months after the one it is for, until it is past.
TERM_MONTHS = {CardColour.YELLOW: 3, CardColour.RED: 6}
YELLOWS_FOR_RED = 2
MOST_MONTHS = 12


@dataclass(frozen=True)
class CardRule:
    """A card when a figure is below (`AT_LEAST`) or above (`AT_MOST`) its threshold so many months in a row.

    The threshold is in percent, points or a count; months without a case are no reason and break the row.
    """

    measure: ScoreMeasure
    comparison: Comparison
    threshold: Decimal
    months: int
    colour: CardColour


@dataclass(frozen=True)
class Ground:
    """Why a card: the rule, and the figure of each of its months, the latest first."""

    rule: CardRule
    figures: Sequence[Figure]


DEFAULT_RULES = (
    CardRule(ScoreMeasure.CLOCKS_KEPT, Comparison.AT_LEAST, Decimal(85), 2, CardColour.YELLOW),
    CardRule(ScoreMeasure.FIRST_CONTACT_CLOSED, Comparison.AT_LEAST, Decimal(70), 2, CardColour.YELLOW),
    CardRule(ScoreMeasure.REPEAT_CONTACTS, Comparison.AT_MOST, Decimal(20), 2, CardColour.YELLOW),
    CardRule(ScoreMeasure.FOLLOW_UP_SCORE, Comparison.AT_LEAST, Decimal("3.5"), 2, CardColour.YELLOW),
    CardRule(ScoreMeasure.BREACHES_ANSWERED_FOR, Comparison.AT_MOST, Decimal(2), 1, CardColour.YELLOW),
    CardRule(ScoreMeasure.CORRECTIONS_OVERDUE, Comparison.AT_MOST, Decimal(0), 2, CardColour.YELLOW),
    CardRule(ScoreMeasure.CLOCKS_KEPT, Comparison.AT_LEAST, Decimal(60), 3, CardColour.RED),
)
"""What holds for an account until its manager sets something else."""


def comparison_of(measure: ScoreMeasure) -> Comparison:
    """The way a figure is held against its threshold: at least where more is better."""
    return Comparison.AT_LEAST if SCORES[measure].higher_is_better else Comparison.AT_MOST


_HIGHEST = {ScoreUnit.RATIO: Decimal(100), ScoreUnit.MEAN: Decimal(5), ScoreUnit.COUNT: Decimal(10_000)}


def is_possible_threshold(measure: ScoreMeasure, threshold: Decimal) -> bool:
    """Whether a threshold can be meant: within what the figure can be, a count whole."""
    unit = SCORES[measure].unit
    step = Decimal(1) if unit is ScoreUnit.COUNT else Decimal("0.01")
    return 0 <= threshold <= _HIGHEST[unit] and threshold == threshold.quantize(step)


@dataclass(frozen=True)
class Given:
    """A card there was before: for what, and how many months ago."""

    colour: CardColour
    measure: ScoreMeasure
    months_ago: int


def proposals(
    months: Sequence[Figures], rules: Iterable[CardRule], given: Collection[Given] = ()
) -> dict[CardColour, list[Ground]]:
    """The cards that a person's months propose, each with all its grounds; `months` the latest first.

    Fewer months than a rule asks for are no reason, and no month counts twice: those that a card was proposed for
    stand for no second one of the same colour and measure. Of both colours the red one is proposed alone.
    """
    found: dict[CardColour, list[Ground]] = {}
    for rule in rules:
        figures = [month[rule.measure] for month in months[: rule.months]]
        is_used = any(
            one.colour is rule.colour and one.measure is rule.measure and one.months_ago < rule.months
            for one in given
        )
        if len(figures) == rule.months and not is_used and all(_is_missed(rule, one) for one in figures):
            found.setdefault(rule.colour, []).append(Ground(rule, figures))
    return {CardColour.RED: found[CardColour.RED]} if CardColour.RED in found else found


def _is_missed(rule: CardRule, figure: Figure) -> bool:
    return judge(figure, rule.comparison, rule.threshold) is Verdict.NOT_KEPT


def ends_on(colour: CardColour, month: date) -> date:
    """The last day on which a card for a month counts."""
    return months_after(month, TERM_MONTHS[colour]).last


def makes_red(yellow_months: Iterable[date], month: date) -> bool:
    """Whether a yellow card for a month is one too many beside the confirmed ones of other months still running then."""
    running = {other for other in yellow_months if other < month <= ends_on(CardColour.YELLOW, other)}
    return len(running) + 1 >= YELLOWS_FOR_RED


def pack_figure(figure: Figure) -> str:
    """A figure in one word, for the grounds that a card keeps: `12`, `11/13`, `17:4`."""
    match figure:
        case Ratio():
            return f"{figure.part}/{figure.whole}"
        case Mean():
            return f"{figure.total}:{figure.count}"
        case _:
            return str(figure)


def unpack_figure(word: str) -> Figure:
    """What `pack_figure` wrote."""
    for mark, kind in (("/", Ratio), (":", Mean)):
        if mark in word:
            first, second = word.split(mark)
            return kind(int(first), int(second))
    return int(word)
