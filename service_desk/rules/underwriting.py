"""The monthly underwriting figures (承保情况统计表): what counts in a month, and how it adds up.

A policy counts in the month of its issue with its premium as issued, an endorsement in the month it was made with
the premium it adds or returns, so that a month once over does not change. Vehicle tax is no premium and stands apart.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from service_desk.rules.metrics import change_percent
from service_desk.rules.vocabulary import PolicyLine, UseClass

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Act:
    """A policy issued, or an endorsement of one: where it counts, and what it brings in fen.

    `vehicle_id` is set for an issue and None for an endorsement. `branch_id` is the branch at that time.
    """

    branch_id: int
    use_class: UseClass | None
    line: PolicyLine
    cover_set: str
    premium_fen: int
    tax_fen: int = 0
    vehicle_id: int | None = None
    is_cancellation: bool = False


@dataclass(frozen=True)
class UnderwritingFigures:
    """A month's acts added up. `vehicles` are distinct ones that a policy was issued for.

    `endorsed_fen` is what endorsements added less what they returned, `cancelled_fen` what cancellations returned
    (nought or negative).
    """

    policies: int = 0
    vehicles: int = 0
    issued_fen: int = 0
    endorsements: int = 0
    endorsed_fen: int = 0
    cancellations: int = 0
    cancelled_fen: int = 0
    tax_fen: int = 0

    @property
    def written_fen(self) -> int:
        """Premium written (签单保费): issued, with what endorsements and cancellations changed."""
        return self.issued_fen + self.endorsed_fen + self.cancelled_fen


@dataclass(frozen=True)
class Compared:
    """A month beside the one before and the same month of the year before."""

    now: UnderwritingFigures
    month_before: UnderwritingFigures
    year_before: UnderwritingFigures

    @property
    def on_month(self) -> Decimal | None:
        """Premium written against the month before (环比), in percent."""
        return change_percent(self.now.written_fen, self.month_before.written_fen)

    @property
    def on_year(self) -> Decimal | None:
        """Premium written against the same month of the year before (同比), in percent."""
        return change_percent(self.now.written_fen, self.year_before.written_fen)


def figures_of(acts: Iterable[Act]) -> UnderwritingFigures:
    """Add acts up."""
    every = list(acts)
    issued = [act for act in every if act.vehicle_id is not None]
    cancelled = [act for act in every if act.is_cancellation]
    endorsed = [act for act in every if act.vehicle_id is None and not act.is_cancellation]
    return UnderwritingFigures(
        policies=len(issued),
        vehicles=len({act.vehicle_id for act in issued}),
        issued_fen=sum(act.premium_fen for act in issued),
        endorsements=len(endorsed),
        endorsed_fen=sum(act.premium_fen for act in endorsed),
        cancellations=len(cancelled),
        cancelled_fen=sum(act.premium_fen for act in cancelled),
        tax_fen=sum(act.tax_fen for act in issued),
    )


def figures_by(acts: Iterable[Act], key_of: Callable[[Act], Key]) -> dict[Key, UnderwritingFigures]:
    """Add acts up by what they have in common."""
    groups: dict[Key, list[Act]] = {}
    for act in acts:
        groups.setdefault(key_of(act), []).append(act)
    return {key: figures_of(group) for key, group in groups.items()}
