"""The managers' overview in words: figures beside the last ones and the market's, charts, the rows behind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from service_desk.models.market import MarketFigure
from service_desk.presenters import sla_compliance
from service_desk.presenters.labels import label
from service_desk.presenters.languages import named
from service_desk.presenters.measures import unit_words
from service_desk.presenters.report_documents.tiles import Change, TileWords, tile_words
from service_desk.presenters.report_documents.words import headline, measure_look, measure_name
from service_desk.rules.metrics import ALARM_LEVELS, MEASURES, MeasureCode, Ratio, alarm_of
from service_desk.rules.periods import Cut, Period
from service_desk.rules.report_document import Tile
from service_desk.services.dashboard import Behind, Compared, PremiumBehind
from service_desk.services.market import headlines, value_of
from service_desk.services.measures import Value
from service_desk.services.measures.trend import Point

Link = Callable[[MeasureCode, Period], str | None]


@dataclass(frozen=True)
class Figure:
    """A headline figure with the rows behind it and behind what it is compared with; None where no list has them."""

    tile: TileWords
    url: str | None
    then_url: str | None
    tone: str


@dataclass(frozen=True)
class MarketWords:
    """A published line beside the account's own figure."""

    measure: str
    code: str
    scope: str
    value: str
    published: str
    source: str


def figures(
    compared: Compared,
    codes: Sequence[MeasureCode],
    lines: Sequence[MarketFigure],
    zone: ZoneInfo,
    links: tuple[Link, Link],
) -> list[Figure]:
    """Some figures in their order. `links` find the rows of now, and of what it is compared with."""
    published = headlines(lines)
    found = []
    for code in codes:
        line, then = published.get(code), compared.then.get(code)
        tile = Tile(code, compared.now[code], then, value_of(line) if line else None)
        found.append(
            Figure(
                tile_words(tile, zone),
                links[0](code, compared.period),
                links[1](code, compared.before) if then is not None else None,
                _tone(code, compared.now[code]),
            )
        )
    return found


# Of these any at all is a matter for somebody.
_BAD_AT_ALL = frozenset(
    {
        MeasureCode.CLOCKS_LATE,
        MeasureCode.BREACHES_UNREVIEWED,
        MeasureCode.PREMIUM_OVERDUE,
        MeasureCode.UNINSURED_VEHICLES,
    }
)
_WARNS_AT_ALL = frozenset({MeasureCode.CLOCKS_AT_RISK})


def _tone(code: MeasureCode, value: Value) -> str:
    if isinstance(value, Ratio):
        return "bad" if code in ALARM_LEVELS and alarm_of(code, value) else ""
    if isinstance(value, int) and value > 0:
        return "bad" if code in _BAD_AT_ALL else "warn" if code in _WARNS_AT_ALL else ""
    return ""


def step_change(now: Ratio, then: Ratio) -> Change | None:
    """How the share of a step moved."""
    zone = ZoneInfo("UTC")
    return tile_words(Tile(MeasureCode.PROMISES_KEPT, now, then), zone).change


def share(value: Ratio) -> str:
    """`85.7% (6/7)`; a dash where nothing was judged."""
    found = value.percent()
    return "—" if found is None else f"{found}% ({value.part:,}/{value.whole:,})"


def own_values(
    compared: Compared, lines: Sequence[MarketFigure], zone: ZoneInfo
) -> list[tuple[str, str, str, list[MarketWords]]]:
    """By measure that the market publishes: code, name, the account's own figure, the lines."""
    found: dict[str, list[MarketWords]] = {}
    for line in market_lines(lines):
        found.setdefault(line.code, []).append(line)
    return [
        (code, own[0].measure, _own(compared.now, code, zone), own)
        for code, own in found.items()
        if code in compared.now
    ]


def _own(values: Mapping[MeasureCode, Value], code: str, zone: ZoneInfo) -> str:
    measure = MeasureCode(code)
    return headline(values[measure], measure_look(measure), zone).whole


def market_lines(lines: Sequence[MarketFigure]) -> list[MarketWords]:
    """Published lines in the reader's language. One of a measure that is counted no more is left out."""
    return [market_words(line) for line in lines if line.measure in set(MeasureCode)]


def market_words(line: MarketFigure) -> MarketWords:
    """One of them."""
    code = MeasureCode(line.measure)
    return MarketWords(
        measure=measure_name(code),
        code=code.value,
        scope=named(line.scope, line.scope_en),
        value=headline(value_of(line), measure_look(code), ZoneInfo("UTC")).text,
        published=line.published_for,
        source=named(line.source, line.source_en),
    )


def part_name(point: Point, cut: Cut) -> str:
    """A week or a month of the trend."""
    return f"{point.period.first:%m-%d}" if cut is Cut.WEEK else f"{point.period.first:%Y-%m}"


def kept_line(points: Sequence[Point]) -> list[float | None]:
    """Percentages for the line of promises kept."""
    shares = [point.kept.percent() for point in points]
    return [None if value is None else float(value) for value in shares]


def scale_percent(value: float) -> str:
    """A mark on the scale of shares."""
    return f"{value:g}%"


def kept_floor(points: Sequence[Point]) -> int:
    """Where its scale begins."""
    return sla_compliance.trend_floor(kept_line(points))


def kept_words(points: Sequence[Point], cut: Cut) -> str:
    """The line in words, for who does not see it."""
    return "; ".join(f"{part_name(point, cut)} {share(point.kept)}" for point in points)


def flow_words(points: Sequence[Point], cut: Cut) -> str:
    """What came and went in words."""
    return "; ".join(
        _(
            "%(part)s: %(reported)s reported, %(closed)s closed",
            part=part_name(point, cut),
            reported=point.reported,
            closed=point.closed,
        )
        for point in points
    )


def behind_title(behind: Behind | PremiumBehind) -> str:
    """What a list of rows is called."""
    return label(behind, "behind_premium" if isinstance(behind, PremiumBehind) else "behind_claims")


def measure_unit(measure: str) -> str:
    """What a value of a published line is in."""
    return unit_words(MEASURES[MeasureCode(measure)])
