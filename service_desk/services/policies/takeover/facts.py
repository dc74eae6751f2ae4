"""What a list of policies is compared with, what a person said about it, and what becomes of a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from datetime import datetime, timedelta
from typing import Any

from service_desk.models.fleet import RowVerdict
from service_desk.rules.fleet_list import Place
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services.fleet.planning import Known

LAYERS: dict[PolicyLine, frozenset[CoverCode]] = {
    PolicyLine.CTPL: frozenset({CoverCode.CTPL}),
    PolicyLine.COMMERCIAL: frozenset({CoverCode.TPL, CoverCode.OWN_DAMAGE}),
    PolicyLine.CARRIER_LIABILITY: frozenset({CoverCode.CARRIER_LIABILITY}),
}
# What is known only by its end is taken for a year's term.
_USUAL_TERM = timedelta(days=366)


@dataclass(frozen=True)
class Held:
    """Cover on record. `is_noted`: only an expiry from a client's list, which a policy replaces."""

    line: PolicyLine
    layers: frozenset[CoverCode]
    starts_at: datetime | None
    ends_at: datetime
    name: str
    is_noted: bool = False
    is_external: bool = False
    premium_fen: int | None = None

    @property
    def begins(self) -> datetime:
        return self.starts_at or self.ends_at - _USUAL_TERM


@dataclass(frozen=True)
class KnownPolicy:
    """A policy on record under its number. `vehicle_id` None: of another account, of which no more is told."""

    vehicle_id: int | None
    line: PolicyLine
    starts_at: datetime
    ends_at: datetime
    premium_fen: int


@dataclass(frozen=True)
class Record:
    """All that is on record and a list can speak of."""

    vehicles: Sequence[Known]
    numbers: Mapping[str, KnownPolicy]
    covers: Mapping[int, Sequence[Held]]
    branch_ids: Mapping[str, int]
    is_ours: Callable[[str | None], bool]


@dataclass(frozen=True)
class Answers:
    """What a person said: the vehicle a row means (0: none of ours) by place, the VINs of vehicles to add, and names
    in the column of insurers that mean us."""

    vehicles: Mapping[Place, int] = made(default_factory=dict)
    add: frozenset[str] = frozenset()
    ours: frozenset[str] = frozenset()


@dataclass
class Outcome:
    """What a row does. `before` holds the noted covers it replaces; `values` what is written."""

    verdict: RowVerdict = RowVerdict.NEW
    vehicle_id: int | None = None
    code: str = ""
    field: str = ""
    value: str = ""
    params: dict[str, Any] = made(default_factory=dict)
    values: dict[str, Any] = made(default_factory=dict)
    before: dict[str, Any] | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether what the row says holds after the import: new, changed, known already, or part of another row."""
        kept = {RowVerdict.NEW, RowVerdict.CHANGED, RowVerdict.UNCHANGED}
        return self.verdict in kept or self.code == "part_of"

    def refuse(self, code: str, field: str = "", value: str = "", **params: Any) -> None:
        """Turn it into a refusal."""
        self.verdict, self.code, self.field, self.value = RowVerdict.REJECTED, code, field, value[:200]
        self.params = {**self.params, **params}
        self.before = None

    def warn(self, code: str) -> None:
        """Add a warning; the row is imported all the same."""
        self.params = {**self.params, "warnings": [*self.params.get("warnings", []), code]}
