"""The reserve ledger in words: the roll-forward as tables and spreadsheet, and the movements of one claim."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.base.clock import CHINA
from service_desk.models.claims import ReserveEntry
from service_desk.models.reserves import ReserveMovement
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.reserve_ledger import MovementKind, ReserveItem, Roll, effect_of
from service_desk.services.claims.reserve_book import Book


@dataclass(frozen=True)
class RollColumn:
    """A column of the roll-forward."""

    heading: str
    of: Callable[[Roll], int]
    is_balance: bool = False


@dataclass(frozen=True)
class RollTable:
    """One cut of the ledger: its heading, rows, and the last row, which is its sum."""

    title: str
    heading: str
    rows: list[tuple[str, Roll, str | None]]
    total: Roll


def columns(*, with_divided: bool = False) -> list[RollColumn]:
    """The columns of the roll-forward, in the order of its formula."""
    shown = [
        RollColumn(_("Opening"), lambda roll: roll.opening_fen, is_balance=True),
        RollColumn(_("New reserves"), lambda roll: roll.new_fen),
        RollColumn(_("Reopened"), lambda roll: roll.reopened_fen),
        RollColumn(_("Increase"), lambda roll: roll.increase_fen),
        RollColumn(_("Decrease"), lambda roll: -roll.decrease_fen),
        RollColumn(_("Paid"), lambda roll: -roll.paid_fen),
        RollColumn(_("Reserve released"), lambda roll: -roll.released_fen),
        RollColumn(_("Closing reserve"), lambda roll: roll.closing_fen, is_balance=True),
    ]
    if with_divided:
        shown.insert(-1, RollColumn(_("Between items"), lambda roll: roll.divided_fen))
    return shown


def tables(book: Book, branch_url: Callable[[int], str]) -> list[RollTable]:
    """Month by month, by branch, by item."""
    by_month = [(f"{month.first:%Y-%m}", rolled, None) for month, rolled in book.months]
    by_branch = [(branch_name(branch), rolled, branch_url(branch.id)) for branch, rolled in book.by_branch]
    by_item = [(label(item, "ledger_item"), rolled, None) for item, rolled in book.by_item]
    return [
        RollTable(_("Month by month"), _("Month"), list(by_month), book.total),
        RollTable(_("By branch"), _("Branch"), list(by_branch), book.total),
        RollTable(_("By item"), _("Item"), list(by_item), book.total),
    ]


def sheets(book: Book, whose: str, now: datetime) -> list[TableSheet]:
    """The same tables as sheets."""
    shown = tables(book, lambda _branch: "")
    return [_sheet(table, whose, now, with_divided=table is shown[-1]) for table in shown]


def _sheet(table: RollTable, whose: str, now: datetime, *, with_divided: bool) -> TableSheet:
    shown = columns(with_divided=with_divided)
    return TableSheet(
        name=table.title,
        title=_("Reserve ledger: %(whose)s", whose=whose),
        columns=[Column(table.heading, width=24), *(Column(one.heading, "money") for one in shown)],
        rows=[[name, *(one.of(rolled) for one in shown)] for name, rolled, _url in table.rows],
        total=[_("Total"), *(one.of(table.total) for one in shown)],
        notes=[formula_words(), _("As of %(time)s", time=f"{now.astimezone(CHINA):%Y-%m-%d %H:%M}")],
    )


def formula_words() -> str:
    """What the columns add up to."""
    return _("Opening + new + reopened + increase − decrease − paid − released = closing.")


@dataclass(frozen=True)
class MovementLine:
    """A movement of a claim's ledger; `effect_fen` is what it adds to what is outstanding, `after_fen` what is then."""

    at: datetime
    kind: str
    item: str
    reason: str
    effect_fen: int
    after_fen: int
    actor_id: int


def movement_lines(
    movements: Sequence[ReserveMovement], entries: Sequence[ReserveEntry]
) -> list[MovementLine]:
    """A claim's ledger, oldest first."""
    of_entry = {entry.id: entry for entry in entries}
    left, lines = 0, []
    for one in movements:
        effect = effect_of(one.kind, one.amount_fen)
        left += effect
        entry = of_entry.get(one.entry_id) if one.entry_id else None
        lines.append(
            MovementLine(
                at=one.at,
                kind=label("paid_back" if _came_back(one) else one.kind, "movement_kind"),
                item=label(one.item, "ledger_item"),
                reason=_because(entry),
                effect_fen=effect,
                after_fen=left,
                actor_id=one.actor_id,
            )
        )
    return lines


def _came_back(movement: ReserveMovement) -> bool:
    return movement.kind is MovementKind.PAID and movement.amount_fen < 0


def _because(entry: ReserveEntry | None) -> str:
    if entry is None:
        return ""
    return " · ".join(part for part in (label(entry.item, "reserve_item"), entry.reason) if part)


def held_items(movements: Sequence[ReserveMovement]) -> list[tuple[str, int]]:
    """What is outstanding by item, nothing empty."""
    sums = dict.fromkeys(ReserveItem, 0)
    for one in movements:
        sums[one.item] += effect_of(one.kind, one.amount_fen)
    return [(label(item, "ledger_item"), fen) for item, fen in sums.items() if fen]
