"""The market's published figures: read beside an account's own, kept by who keeps settings."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Select, func, select

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.kept import built_once
from service_desk.models.market import MarketFigure
from service_desk.models.users import User
from service_desk.rules.metrics import (
    COMPARABLE,
    PUBLISHED,
    PUBLISHED_FOR,
    PUBLISHER,
    PUBLISHER_EN,
    MeasureCode,
)
from service_desk.rules.permissions import Action
from service_desk.services import access, audit

# More is no share and no number of days.
_MOST_CENTS = 1_000_000_00


@dataclass(frozen=True)
class MarketLine:
    """A published figure as it is typed. Readers of English see the Chinese words where there are no English ones."""

    measure: MeasureCode
    scope: str
    scope_en: str
    value: Decimal
    published_for: str
    source: str
    source_en: str


def value_of(row: MarketFigure) -> Decimal:
    """The figure in its measure's unit: percent, days, points."""
    return Decimal(row.value_cents).scaleb(-2)


def shown_lines() -> Sequence[MarketFigure]:
    """What stands beside figures, by measure in the order of the lines. For no actor: it was published."""
    return _shown().objects().scalars().all()


@built_once
def _shown() -> Select[tuple[MarketFigure]]:
    return _in_order(select(MarketFigure).where(MarketFigure.is_shown))


def headlines(lines: Sequence[MarketFigure]) -> dict[MeasureCode, MarketFigure]:
    """The first of some lines of each measure: the one beside the figure itself."""
    found: dict[MeasureCode, MarketFigure] = {}
    for line in lines:
        if line.measure in set(MeasureCode):
            found.setdefault(MeasureCode(line.measure), line)
    return found


def list_lines(*, actor: User) -> Sequence[MarketFigure]:
    """All of them, hidden ones too, for who keeps them."""
    access.require(actor, Action.MANAGE_SETTINGS)
    return db.session.scalars(_in_order(select(MarketFigure))).all()


def _in_order(statement: Select[tuple[MarketFigure]]) -> Select[tuple[MarketFigure]]:
    return statement.order_by(MarketFigure.measure.desc(), MarketFigure.ordinal, MarketFigure.id)


def get_line(line_id: int, *, actor: User) -> MarketFigure:
    """One line, to correct it."""
    access.require(actor, Action.MANAGE_SETTINGS)
    row = db.session.get(MarketFigure, line_id)
    if row is None:
        raise NotFound("not_found")
    return row


def add(line: MarketLine, *, actor: User, now: datetime) -> MarketFigure:
    """Publish a line here, after those of its measure. Invalid: market_*."""
    access.require(actor, Action.MANAGE_SETTINGS)
    values = _checked(line)
    last = select(func.max(MarketFigure.ordinal)).where(MarketFigure.measure == line.measure.value)
    row = MarketFigure(**values, ordinal=(db.session.scalar(last) or 0) + 1)
    db.session.add(row)
    changes = {name: (None, value) for name, value in values.items()}
    audit.record("market_figure_added", row, actor=actor, now=now, label=row.scope, changes=changes)
    return row


def correct(line_id: int, line: MarketLine, *, version: int, actor: User, now: datetime) -> MarketFigure:
    """State a line otherwise; what was sent with the former one stays as it was sent."""
    row = _get_current(line_id, version, actor)
    changes = audit.change(row, **_checked(line))
    if changes:
        audit.record("market_figure_corrected", row, actor=actor, now=now, label=row.scope, changes=changes)
    return row


def show(line_id: int, *, is_shown: bool, version: int, actor: User, now: datetime) -> MarketFigure:
    """Hide a line, or show it again."""
    row = _get_current(line_id, version, actor)
    changes = audit.change(row, is_shown=is_shown)
    if changes:
        action = "market_figure_shown" if is_shown else "market_figure_hidden"
        audit.record(action, row, actor=actor, now=now, label=row.scope, changes=changes)
    return row


def _get_current(line_id: int, version: int, actor: User) -> MarketFigure:
    row = get_line(line_id, actor=actor)
    if row.version != version:
        raise Conflict("stale")
    return row


def _checked(line: MarketLine) -> dict[str, str | int]:
    if line.measure not in COMPARABLE:
        raise Invalid("market_measure", field="measure")
    words = {
        name: one_line(text)
        for name, text in asdict(line).items()
        if name in ("scope", "scope_en", "published_for", "source", "source_en")
    }
    for name in ("scope", "published_for", "source"):
        if not words[name]:
            raise Invalid("market_words_missing", field=name)
    cents = line.value.scaleb(2)
    if not 0 <= cents <= _MOST_CENTS or cents != cents.to_integral_value():
        raise Invalid("market_value", field="value")
    return {"measure": line.measure.value, **words, "value_cents": int(cents)}


def install_published() -> None:
    """The lines of a new desk, as its first migration writes them; nothing where there are any."""
    if db.session.scalar(select(func.count(MarketFigure.id))):
        return
    places: dict[MeasureCode, int] = {}
    for line in PUBLISHED:
        places[line.measure] = places.get(line.measure, 0) + 1
        db.session.add(
            MarketFigure(
                measure=line.measure.value,
                scope=line.scope,
                scope_en=line.scope_en,
                value_cents=line.cents,
                published_for=PUBLISHED_FOR,
                source=PUBLISHER,
                source_en=PUBLISHER_EN,
                ordinal=places[line.measure],
            )
        )
    db.session.flush()
