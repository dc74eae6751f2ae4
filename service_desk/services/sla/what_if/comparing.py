"""As it was beside as it would have been: counted for all clocks and for any groups of them."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from service_desk.rules.metrics import Ratio
from service_desk.services.sla.what_if.columns import Columns, Flags, Numbers
from service_desk.services.sla.what_if.judging import Judged


class Flip(StrEnum):
    """How a verdict would have changed; the last: broken, and by the other promise still in time so far."""

    BROKEN = "broken"
    KEPT = "kept"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Comparison:
    """Kept among judged, as it was and as it would have been, and how many verdicts flip which way."""

    was: Ratio
    would: Ratio
    flips: dict[Flip, int]

    @property
    def flipped(self) -> int:
        return sum(self.flips.values())


def flips_of(columns: Columns, judged: Judged) -> dict[Flip, Flags]:
    """Which clocks flip, each way."""
    saved = ~columns.was_kept & judged.would_keep
    return {
        Flip.BROKEN: columns.was_kept & ~judged.would_keep,
        Flip.KEPT: saved & ~columns.is_open,
        Flip.UNDECIDED: saved & columns.is_open,
    }


def compare(columns: Columns, judged: Judged, group: Numbers, number: int) -> list[Comparison]:
    """Count by group; `group` is each clock's, below `number`."""
    flips = {flip: _count(group, which, number) for flip, which in flips_of(columns, judged).items()}
    whole = np.bincount(group, minlength=number)
    was = _count(group, columns.was_kept, number)
    # What is undecided is neither kept nor judged.
    would_whole = whole - flips[Flip.UNDECIDED]
    would = _count(group, judged.would_keep & ~columns.is_open, number)
    return [
        Comparison(
            Ratio(int(was[index]), int(whole[index])),
            Ratio(int(would[index]), int(would_whole[index])),
            {flip: int(counts[index]) for flip, counts in flips.items()},
        )
        for index in range(number)
    ]


def _count(group: Numbers, which: Flags, number: int) -> Numbers:
    return np.bincount(group[which], minlength=number)
