"""The renewals board in words and as a spreadsheet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.adapters.spreadsheets import Column, TableSheet
from service_desk.models.accounts import Branch
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.rules.renewal import Bucket
from service_desk.rules.vocabulary import UseClass
from service_desk.services.renewals import BoardRow, Expiry

BUCKET_TONES: dict[Bucket, tuple[str, str]] = {
    Bucket.OVERDUE: ("bad", "over"),
    Bucket.WITHIN_7: ("warn", "clock"),
}


@dataclass
class BranchLine:
    """A branch over all buckets: how many vehicles each holds, and the premium of all of them."""

    branch: Branch
    vehicles: dict[Bucket, int] = field(default_factory=dict)
    premium_fen: int = 0


def branch_lines(board: Sequence[BoardRow]) -> list[BranchLine]:
    """The board with a line a branch instead of one for each bucket of it; the most urgent branch first."""
    lines: dict[int, BranchLine] = {}
    for row in board:
        line = lines.setdefault(row.branch.id, BranchLine(row.branch))
        line.vehicles[row.bucket] = row.vehicle_count
        line.premium_fen += row.premium_fen
    return list(lines.values())


def days_words(one: Expiry) -> str:
    """`in 5 days`, `today`, `4 days ago`: when cover ends or ended."""
    if one.days_left == 0:
        return _("today")
    if one.days_left > 0:
        return ngettext("in %(num)s day", "in %(num)s days", one.days_left)
    return ngettext("%(num)s day ago", "%(num)s days ago", -one.days_left)


def bucket_counts(board: Sequence[BoardRow]) -> list[tuple[Bucket, int]]:
    """The buckets of the board, the most urgent first, with the ends of lines in each."""
    counted = dict.fromkeys(Bucket, 0)
    for row in board:
        counted[row.bucket] += row.ends
    return [(bucket, count) for bucket, count in counted.items() if bucket is not Bucket.LATER]


def classes_on(board: Sequence[BoardRow]) -> list[UseClass | None]:
    """The classes that occur, in their usual order, unknown last."""
    found = {use_class for row in board for use_class in row.counts}
    return [use_class for use_class in (*UseClass, None) if use_class in found]


def board_sheet(found: Iterable[Expiry], account: str, today: date) -> TableSheet:
    """The cover to be renewed as filtered, in the reader's language."""
    columns = [
        Column(_("Days left"), "int", width=11),
        Column(_("Last day"), "date"),
        Column(_("Plate"), width=14),
        Column(_("Line"), width=16),
        Column(_("Class"), width=14),
        Column(_("Branch"), width=28),
        Column(_("Policy"), width=22),
        Column(_("Premium"), "money"),
    ]
    rows: Iterable[list[Any]] = (
        [
            one.days_left,
            one.last_day,
            one.plate,
            label(one.line, "policy_line"),
            label(one.use_class, "use_class"),
            branch_name(one.branch),
            one.number or _("not ours"),
            one.premium_fen,
        ]
        for one in found
    )
    notes = [_("As of %(day)s", day=today.isoformat())]
    title = _("Renewals of %(account)s", account=account)
    return TableSheet(_("Renewals"), title, columns, rows, notes)
