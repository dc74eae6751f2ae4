"""The renewals board in words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.models.accounts import Branch
from service_desk.rules.renewal import Bucket
from service_desk.rules.vocabulary import UseClass
from service_desk.services.renewals import BoardRow, Expiry, MissedCover

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
        line.vehicles[row.bucket] = len(row.vehicle_ids)
        line.premium_fen += row.premium_fen
    return list(lines.values())


def days_words(one: Expiry) -> str:
    """`in 5 days`, `today`, `4 days ago`: when cover ends or ended."""
    if one.days_left == 0:
        return _("today")
    if one.days_left > 0:
        return ngettext("in %(num)s day", "in %(num)s days", one.days_left)
    return ngettext("%(num)s day ago", "%(num)s days ago", -one.days_left)


def since_words(missed: MissedCover, now: datetime) -> str:
    """For how long the most important missing line has been missing."""
    days = missed.days_without(missed.missing[0], now)
    if days is None:
        return _("no cover known")
    return ngettext("for %(num)s day", "for %(num)s days", max(days, 1))


def bucket_counts(every: Sequence[Expiry]) -> list[tuple[Bucket, int]]:
    """The buckets of the board, the most urgent first, with the ends in each."""
    counted = Counter(one.bucket for one in every)
    return [(bucket, counted[bucket]) for bucket in Bucket if bucket is not Bucket.LATER]


def classes_on(board: Sequence[BoardRow]) -> list[UseClass | None]:
    """The classes that occur, in their usual order, unknown last."""
    found = {use_class for row in board for use_class in row.counts}
    return [use_class for use_class in (*UseClass, None) if use_class in found]
