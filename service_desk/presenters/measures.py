"""The page of measures: every figure with its definition and formula, made from the registry itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from service_desk.presenters.labels import label
from service_desk.rules.metrics import ALARM_LEVELS, MEANS_OF_DAYS, MEASURES, Measure, MeasureGroup


@dataclass(frozen=True)
class MeasureWords:
    """One measure in the reader's language. `code` is its place on the page."""

    code: str
    name: str
    definition: str
    formula: str
    unit: str
    direction: str
    source: str


@dataclass(frozen=True)
class GroupWords:
    code: str
    name: str
    measures: Sequence[MeasureWords]


def glossary() -> list[GroupWords]:
    """All measures under their headings, in the registry's order."""
    return [
        GroupWords(
            group.value,
            label(group, "measure_group"),
            [_words(one) for one in MEASURES.values() if one.group is group],
        )
        for group in MeasureGroup
    ]


def _words(measure: Measure) -> MeasureWords:
    return MeasureWords(
        code=measure.code.value,
        name=label(measure.code, "measure"),
        definition=label(measure.code, "measure_definition"),
        formula=label(measure.code, "measure_formula"),
        unit=unit_words(measure),
        direction=_direction(measure),
        source=label(measure.source, "measure_source"),
    )


def unit_words(measure: Measure) -> str:
    """What its values are in: an average alone does not say of what."""
    return label("mean_days" if measure.code in MEANS_OF_DAYS else measure.unit, "measure_unit")


def _direction(measure: Measure) -> str:
    """Which way is better, and from where on somebody looks at it."""
    better = {True: _("higher is better"), False: _("lower is better"), None: "—"}[measure.higher_is_better]
    level = ALARM_LEVELS.get(measure.code)
    if level is None:
        return better
    if level.act is None:
        return _("%(better)s; watched from %(watch)s%%", better=better, watch=level.watch)
    return _(
        "%(better)s; watched from %(watch)s%%, to be acted on from %(act)s%%",
        better=better,
        watch=level.watch,
        act=level.act,
    )
