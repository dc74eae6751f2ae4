"""What a new version of a price table changes: lines added, changed and removed."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from service_desk.rules.rating import RateLine


@dataclass(frozen=True)
class LineChange:
    """A line before and after: `before` None for one added, `after` None for one removed."""

    before: RateLine | None
    after: RateLine | None

    @property
    def kind(self) -> str:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    @property
    def rate(self) -> RateLine:
        """The line as it will be, or as it was when it goes."""
        return self.after or self.before  # type: ignore[return-value]


def differences(old: Sequence[RateLine], new: Sequence[RateLine]) -> list[LineChange]:
    """Compare two versions; what is alike is left out.

    Lines of a cover set and class belong together when their bands begin alike; those left over are paired in
    their order, so that a band whose edge was moved is one change and not a line lost and a line won.
    """
    before, after = _by_series(old), _by_series(new)
    changes: list[LineChange] = []
    for key in dict.fromkeys([*before, *after]):
        changes += _of_series(before.get(key, []), after.get(key, []))
    return changes


def _by_series(lines: Sequence[RateLine]) -> dict[tuple[str, ...], list[RateLine]]:
    series: dict[tuple[str, ...], list[RateLine]] = defaultdict(list)
    for rate in lines:
        series[rate.cover_set, rate.use_class, rate.measure].append(rate)
    return series


def _of_series(old: list[RateLine], new: list[RateLine]) -> list[LineChange]:
    waiting = {rate.band_from: rate for rate in old}
    changes, unmatched = [], []
    for rate in new:
        before = waiting.pop(rate.band_from, None)
        if before is None:
            unmatched.append(rate)
        elif before != rate:
            changes.append(LineChange(before, rate))
    left = sorted(waiting.values(), key=lambda rate: rate.band_from)
    unmatched.sort(key=lambda rate: rate.band_from)
    changes += [LineChange(before, after) for before, after in zip_longest(left, unmatched)]
    return sorted(changes, key=lambda change: change.rate.band_from)
