"""Scorecards in words: figures beside the desk's, cards with their grounds, and the spreadsheet of the list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.scorecards import CardRuleRow, ServiceCard
from service_desk.models.users import User
from service_desk.presenters.exports import Getter, person, table
from service_desk.presenters.labels import choices, label
from service_desk.rules.metrics import Mean, Ratio
from service_desk.rules.promises import Comparison
from service_desk.rules.scorecard import SCORES, Figure, Figures, ScoreMeasure, ScoreUnit
from service_desk.rules.service_cards import CardColour, CardRule, CardState, unpack_figure
from service_desk.services.scorecards import ListedPerson, Listing, MonthFigures, PersonFile

_TONES = {CardColour.YELLOW: "warn", CardColour.RED: "bad"}


@dataclass(frozen=True)
class ScoreWords:
    """A measure of the chosen month: the person's, what it would be today where that differs, the desk's average."""

    code: str
    name: str
    definition: str
    own: str
    corrected: str
    desk: str


@dataclass(frozen=True)
class CardWords:
    """A card. `grounds` are sentences; the last three are who decided, and what was said."""

    card: ServiceCard
    name: str
    tone: str
    state: str
    month: str
    grounds: Sequence[str]
    term: str
    decider: User | None
    final_decider: User | None


def figure(value: Figure | None) -> str:
    """`87.5% (7/8)`, `4.25 (of 12)`, `9`; a dash for nothing."""
    match value:
        case Ratio():
            percent = value.percent()
            return "—" if percent is None else f"{percent}% ({value.part}/{value.whole})"
        case Mean():
            average = value.value()
            return (
                "—"
                if average is None
                else _("%(average)s (of %(count)s)", average=average, count=value.count)
            )
        case None:
            return "—"
        case _:
            return f"{value:,}"


def average(measure: ScoreMeasure, value: Figure) -> str:
    """The desk's: a count a head, to one decimal; how many heads is nobody's name but is not said either."""
    if SCORES[measure].unit is ScoreUnit.COUNT and isinstance(value, Mean):
        found = value.value(1)
        return "—" if found is None else _("%(number)s a head", number=found)
    return figure(value)


def month_words(month: date) -> str:
    """`2026-10`."""
    return f"{month:%Y-%m}"


def month_names(months: Sequence[MonthFigures]) -> list[str]:
    """Under the picture."""
    return [month_words(one.month) for one in months]


def score_rows(file: PersonFile) -> list[ScoreWords]:
    """The chosen month, measure by measure."""
    chosen = file.chosen
    return [
        ScoreWords(
            code=measure.value,
            name=label(measure, "score_measure"),
            definition=label(measure, "score_definition"),
            own=figure(chosen.figures[measure]),
            corrected=figure(file.corrected[measure]) if measure in file.corrected else "",
            desk=average(measure, chosen.desk[measure]),
        )
        for measure in SCORES
    ]


def measures() -> list[tuple[ScoreMeasure, str]]:
    """All measures with their names, in their order."""
    return [(measure, label(measure, "score_measure")) for measure in SCORES]


def line(
    months: Sequence[MonthFigures], measure: ScoreMeasure, *, of_desk: bool = False
) -> list[float | None]:
    """The way of a measure over some months; shares in percent."""
    return [_number((one.desk if of_desk else one.figures)[measure]) for one in months]


def _number(value: Figure) -> float | None:
    found: Any = value
    if isinstance(value, Ratio):
        found = value.percent()
    elif isinstance(value, Mean):
        found = value.value()
    return None if found is None else float(found)


def line_words(months: Sequence[MonthFigures], measure: ScoreMeasure) -> str:
    """The same in words."""
    return "; ".join(f"{month_words(one.month)} {figure(one.figures[measure])}" for one in months)


CHARTS = (ScoreMeasure.CLOCKS_KEPT, ScoreMeasure.FIRST_CONTACT_CLOSED, ScoreMeasure.FOLLOW_UP_SCORE)
"""What is drawn; the others stand in the table beside."""


def high_of(measure: ScoreMeasure) -> float | None:
    """Where the scale ends."""
    return {ScoreUnit.RATIO: 100.0, ScoreUnit.MEAN: 5.0, ScoreUnit.COUNT: None}[SCORES[measure].unit]


def card_words(card: ServiceCard, deciders: dict[int, User], today: date) -> CardWords:
    """A card in words; one whose term is over has no colour any more."""
    is_running = card.state is CardState.CONFIRMED and today <= card.ends_on
    return CardWords(
        card=card,
        name=label(card.colour, "card_colour"),
        tone=_TONES[card.colour] if is_running or card.state is CardState.PROPOSED else "idle",
        state=label(card.state, "card_state"),
        month=month_words(card.month),
        grounds=[_ground(one) for one in card.grounds]
        or [_("A second yellow card while the first one still runs.")],
        term=_("counts until %(day)s", day=card.ends_on.isoformat()),
        decider=deciders.get(card.decided_by_id or 0),
        final_decider=deciders.get(card.final_by_id or 0),
    )


def _ground(packed: dict[str, Any]) -> str:
    rule = CardRule(
        ScoreMeasure(packed["measure"]),
        Comparison(packed["comparison"]),
        Decimal(packed["threshold"]),
        packed["months"],
        CardColour.YELLOW,
    )
    figures = ", ".join(figure(unpack_figure(one)) for one in packed["figures"])
    return _("%(rule)s: %(figures)s", rule=rule_words(rule), figures=figures)


def rule_words(rule: CardRule | CardRuleRow) -> str:
    """`Clocks kept under 85% for 2 months in a row`."""
    threshold = rule.threshold if isinstance(rule, CardRule) else Decimal(rule.threshold_cents).scaleb(-2)
    number = f"{threshold.normalize():f}"
    if SCORES[rule.measure].unit is ScoreUnit.RATIO:
        number += "%"
    name = label(rule.measure, "score_measure")
    way = (
        _("%(name)s under %(number)s", name=name, number=number)
        if rule.comparison is Comparison.AT_LEAST
        else _("%(name)s over %(number)s", name=name, number=number)
    )
    return ngettext("%(way)s for one month", "%(way)s for %(num)s months in a row", rule.months, way=way)


def badge_of(card: ServiceCard) -> tuple[str, str]:
    """A card beside a name: words and tone."""
    return f"{label(card.colour, 'card_colour')} {month_words(card.month)}", _TONES[card.colour]


def tone_of(colour: CardColour) -> str:
    return _TONES[colour]


def measure_choices() -> list[tuple[str, str]]:
    """The measures a card may be given for, for a select."""
    return [
        (code, words)
        for code, words in choices("score_measure")
        if SCORES[ScoreMeasure(code)].higher_is_better is not None
    ]


def people_sheet(listing: Listing, now: datetime) -> tuple[Sequence[ListedPerson], Any]:
    """The rows of the list and how they become a sheet."""

    def sheet(rows: Iterable[ListedPerson]) -> TableSheet:
        fields: list[tuple[Column, Getter[ListedPerson]]] = [
            (Column(_("Person"), width=22), lambda row: person(row.user)),
            *((Column(name, width=18), _figure_of(measure)) for measure, name in measures()),
            (Column(_("Cards"), width=30), lambda row: ", ".join(badge_of(card)[0] for card in row.running)),
        ]
        return table(_("Scorecards"), fields, rows, now)

    return listing.people, sheet


def _figure_of(measure: ScoreMeasure) -> Getter[ListedPerson]:
    return lambda row: figure(row.figures[measure])


def months_sheet(rows: Iterable[MonthFigures], now: datetime) -> TableSheet:
    """One person's months."""
    fields: list[tuple[Column, Getter[MonthFigures]]] = [
        (Column(_("Month")), lambda row: month_words(row.month)),
        (Column(_("Kept at"), "datetime"), lambda row: row.frozen_at),
        *((Column(name, width=18), _month_figure_of(measure)) for measure, name in measures()),
    ]
    return table(_("Scorecard"), fields, rows, now)


def _month_figure_of(measure: ScoreMeasure) -> Getter[MonthFigures]:
    return lambda row: figure(row.figures[measure])


def desk_row(figures: Figures) -> list[str]:
    """The desk's averages in the order of the measures."""
    return [average(measure, figures[measure]) for measure in SCORES]
