"""Scorecards: what a person's month is measured by, how it is compared, and how it is kept as JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from service_desk.rules.metrics import Mean, Ratio

Figure = int | Ratio | Mean


class ScoreMeasure(StrEnum):
    """What stands on a scorecard, in this order."""

    OPEN_MATTERS = "open_matters"
    CLAIMS_WORKED = "claims_worked"
    CONTACTS_TAKEN = "contacts_taken"
    CLOCKS_KEPT = "clocks_kept"
    FIRST_CONTACT_CLOSED = "first_contact_closed"
    REPEAT_CONTACTS = "repeat_contacts"
    FOLLOW_UP_SCORE = "follow_up_score"
    BREACHES_ANSWERED_FOR = "breaches_answered_for"
    CORRECTIONS_OVERDUE = "corrections_overdue"


class ScoreUnit(StrEnum):
    COUNT = "count"
    RATIO = "ratio"
    MEAN = "mean"


@dataclass(frozen=True)
class ScoreKind:
    """How a measure is shown and read. `higher_is_better` None: load, which is neither good nor bad.

    `is_of_moment`: as of the end of the month, and known only then, for nobody can tell later who held what.
    """

    unit: ScoreUnit
    higher_is_better: bool | None = None
    is_of_moment: bool = False


SCORES: Mapping[ScoreMeasure, ScoreKind] = {
    ScoreMeasure.OPEN_MATTERS: ScoreKind(ScoreUnit.COUNT, is_of_moment=True),
    ScoreMeasure.CLAIMS_WORKED: ScoreKind(ScoreUnit.COUNT),
    ScoreMeasure.CONTACTS_TAKEN: ScoreKind(ScoreUnit.COUNT),
    ScoreMeasure.CLOCKS_KEPT: ScoreKind(ScoreUnit.RATIO, higher_is_better=True),
    ScoreMeasure.FIRST_CONTACT_CLOSED: ScoreKind(ScoreUnit.RATIO, higher_is_better=True),
    ScoreMeasure.REPEAT_CONTACTS: ScoreKind(ScoreUnit.RATIO, higher_is_better=False),
    ScoreMeasure.FOLLOW_UP_SCORE: ScoreKind(ScoreUnit.MEAN, higher_is_better=True),
    ScoreMeasure.BREACHES_ANSWERED_FOR: ScoreKind(ScoreUnit.COUNT, higher_is_better=False),
    ScoreMeasure.CORRECTIONS_OVERDUE: ScoreKind(ScoreUnit.COUNT, higher_is_better=False),
}
JUDGED = tuple(one for one, kind in SCORES.items() if kind.higher_is_better is not None)
"""The measures that a card may be given for: never for how much somebody has on the desk."""

Figures = Mapping[ScoreMeasure, Figure]
_NOTHING: Mapping[ScoreUnit, Figure] = {ScoreUnit.COUNT: 0, ScoreUnit.RATIO: Ratio(), ScoreUnit.MEAN: Mean()}


def nothing_yet() -> dict[ScoreMeasure, Figure]:
    """The figures of who did nothing that is counted."""
    return {measure: _NOTHING[kind.unit] for measure, kind in SCORES.items()}


def desk_average(people: Iterable[Figures]) -> dict[ScoreMeasure, Figure]:
    """What the desk comes to, without names: shares and means of all work together, counts a head."""
    found, heads = nothing_yet(), 0
    for figures in people:
        heads += 1
        for measure in SCORES:
            found[measure] = found[measure] + figures[measure]  # type: ignore[operator]
    return {
        measure: Mean(value, heads) if isinstance(value, int) else value for measure, value in found.items()
    }


def to_json(figures: Figures) -> dict[str, Any]:
    """Figures as JSON keeps them; `from_json` gives them back equal."""
    return {measure.value: _pack(value) for measure, value in figures.items()}


def from_json(data: Mapping[str, Any]) -> dict[ScoreMeasure, Figure]:
    """Figures as they were kept. What a later desk counts and an earlier did not is nothing."""
    known = {ScoreMeasure(code): _unpack(value) for code, value in data.items() if code in set(ScoreMeasure)}
    return {**nothing_yet(), **known}


def _pack(value: Figure) -> Any:
    match value:
        case Ratio():
            return {"ratio": [value.part, value.whole]}
        case Mean():
            return {"mean": [value.total, value.count]}
        case _:
            return value


def _unpack(value: Any) -> Figure:
    if isinstance(value, dict):
        return Ratio(*value["ratio"]) if "ratio" in value else Mean(*value["mean"])
    return int(value)
