"""Service commitments (服务承诺): what may be promised, and whether a month's figure keeps a promise."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import MEASURES, Mean, MeasureCode, MeasureGroup, Ratio, Unit


class Comparison(StrEnum):
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Verdict(StrEnum):
    KEPT = "kept"
    NOT_KEPT = "not_kept"
    NO_CASES = "no_cases"


# What the desk itself does for the client. What a year of claims costs is nobody's promise.
_NOT_SERVICE = frozenset(
    {MeasureGroup.CLAIMS_MONEY, MeasureGroup.RESERVES, MeasureGroup.RESULTS, MeasureGroup.RECEIVABLES}
)
# Known of the present alone: there is no month of it.
_OF_NOW = frozenset({MeasureCode.CLOCKS_AT_RISK})
# Parts of these add up to the whole, so that a branch's figure is that of all below it.
_ADDS_UP = frozenset({Unit.COUNT, Unit.RATIO, Unit.MEAN})

PROMISABLE = frozenset(
    code
    for code, one in MEASURES.items()
    if one.higher_is_better is not None
    and one.unit in _ADDS_UP
    and one.group not in _NOT_SERVICE
    and code not in _OF_NOW
)
"""The measures a promise may be of: those that say how well the desk does, and that add up branch by branch."""

PROMISABLE_STEPS = tuple(step for step in ClockStep if step is not ClockStep.BREACH_REVIEW)
"""The clocks a promise may be of: all but the desk's own reviews."""


@dataclass(frozen=True)
class Tie:
    """What a promise is measured by: a measure, or how often the clock of a step is kept. One of both."""

    measure: MeasureCode | None = None
    step: ClockStep | None = None

    @property
    def code(self) -> str:
        """`measure:followed_up`, `step:survey`: as forms and addresses name it."""
        return f"measure:{self.measure.value}" if self.measure else f"step:{self.step}"

    @property
    def unit(self) -> Unit:
        return MEASURES[self.measure].unit if self.measure else Unit.RATIO

    @property
    def comparison(self) -> Comparison:
        """The way in which it can be promised: at least where more is better."""
        is_better = MEASURES[self.measure].higher_is_better if self.measure else True
        return Comparison.AT_LEAST if is_better else Comparison.AT_MOST


def tie_of(code: str) -> Tie | None:
    """The tie that `Tie.code` names; None for anything that cannot be promised."""
    kind, _colon, name = code.partition(":")
    if kind == "measure" and name in set(MeasureCode) and MeasureCode(name) in PROMISABLE:
        return Tie(measure=MeasureCode(name))
    if kind == "step" and name in set(PROMISABLE_STEPS):
        return Tie(step=ClockStep(name))
    return None


TIES = tuple(
    [Tie(step=step) for step in PROMISABLE_STEPS]
    + [Tie(measure=code) for code in MEASURES if code in PROMISABLE]
)
"""All of them, clocks first, each in its own order."""


def judge(value: int | Decimal | Ratio | Mean | None, comparison: Comparison, target: Decimal) -> Verdict:
    """Whether a figure keeps a promise; `target` in percent, points, days or a count.

    Judged by what the figure is made of, not by the rounded figure: 94.96 % does not keep 95 %.
    """
    match value:
        case Ratio() if value.whole > 0:
            found, wanted = Decimal(value.part) * 100, target * value.whole
        case Mean() if value.count > 0:
            found, wanted = Decimal(value.total), target * value.count
        case int() | Decimal():
            found, wanted = Decimal(value), target
        case _:
            return Verdict.NO_CASES
    is_kept = found >= wanted if comparison is Comparison.AT_LEAST else found <= wanted
    return Verdict.KEPT if is_kept else Verdict.NOT_KEPT


_MOST = {Unit.RATIO: Decimal(100), Unit.MEAN: Decimal(10_000), Unit.COUNT: Decimal(1_000_000)}


def is_possible_target(tie: Tie, target: Decimal) -> bool:
    """Whether a target can be meant: a share between 0 and 100, a whole count, at most two decimals."""
    if not 0 <= target <= _MOST[tie.unit]:
        return False
    step = Decimal(1) if tie.unit is Unit.COUNT else Decimal("0.01")
    return target == target.quantize(step)
