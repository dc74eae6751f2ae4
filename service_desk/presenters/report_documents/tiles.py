"""Headline figures in words: now, before, how they moved and whether that is good, and the market's line."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from service_desk.base.money import format_yuan
from service_desk.presenters.report_documents.words import (
    IN_DAYS,
    IN_YUAN,
    RATIOS,
    Look,
    Shown,
    headline,
    measure_name,
    plain,
    tile_look,
)
from service_desk.rules.metrics import MEASURES, MeasureCode, change_percent
from service_desk.rules.report_document import Tile


@dataclass(frozen=True)
class Change:
    """How a figure moved: `+2.4 points`, which way, and whether that is good where the measure says so."""

    text: str
    direction: Literal["up", "down", "same"]
    verdict: str = ""
    tone: Literal["ok", "bad", ""] = ""

    @property
    def sign(self) -> str:
        """A mark for the direction, so that it is seen without reading the figure."""
        return {"up": "▲", "down": "▼", "same": "＝"}[self.direction]

    @property
    def whole(self) -> str:
        """All in one line: `▲ +2.4 points, better`."""
        said = f"{self.sign} {self.text}"
        return _("%(change)s, %(verdict)s", change=said, verdict=self.verdict) if self.verdict else said


@dataclass(frozen=True)
class TileWords:
    """A headline figure in words; `before` and `market` are None where there is none.

    `code` is empty for a measure that is no longer counted: it has no definition to turn to.
    """

    code: str
    name: str
    now: Shown
    before: Shown | None
    change: Change | None
    market: Shown | None


def tile_words(tile: Tile, zone: ZoneInfo) -> TileWords:
    """A headline figure with what it is compared with."""
    look = tile_look(tile)
    return TileWords(
        code=tile.measure.value if isinstance(tile.measure, MeasureCode) else "",
        name=measure_name(tile.measure),
        now=headline(tile.value, look, zone),
        before=None if tile.before is None else headline(tile.before, look, zone),
        change=change(tile, look),
        market=None if tile.market is None else Shown(headline(tile.market, look, zone).text),
    )


def change(tile: Tile, look: Look) -> Change | None:
    """How the figure moved; None where one of the two says nothing."""
    now, before = plain(tile.value), plain(tile.before)
    if now is None or before is None:
        return None
    difference = now - before
    if not difference:
        return Change(_("no change"), "same")
    text, direction = _moved(now, before, look), _direction(difference)
    better = MEASURES[tile.measure].higher_is_better if isinstance(tile.measure, MeasureCode) else None
    if better is None:
        return Change(text, direction)
    if better is (difference > 0):
        return Change(text, direction, _("better"), "ok")
    return Change(text, direction, _("worse"), "bad")


def _direction(difference: Decimal) -> Literal["up", "down"]:
    return "up" if difference > 0 else "down"


def _moved(now: Decimal, before: Decimal, look: Look) -> str:
    difference = now - before
    if look in RATIOS:
        return _("%(difference)s points", difference=f"{difference:+,}")
    if look in IN_DAYS:
        return _("%(days)s days", days=f"{difference:+,}")
    if look in IN_YUAN:
        share = change_percent(int(now), int(before))
        if share is not None:
            return f"{share:+,}%"
        return f"{'+' if difference > 0 else '-'}¥{format_yuan(abs(int(difference)))}"
    return f"{difference:+,}"
