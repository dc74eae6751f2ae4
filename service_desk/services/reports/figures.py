"""The weekly claim report as values: what page, mail and spreadsheet all show, and the JSON a run keeps."""

from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from types import UnionType
from typing import Any, Self, get_args, get_type_hints
from zoneinfo import ZoneInfo

from service_desk.rules.metrics import Ratio

KIND = "weekly_claim_report"


class _Kept:
    """A dataclass that goes into JSON and comes back equal."""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The value as it was kept."""
        hints = get_type_hints(cls)
        return cls(**{name: _read(hints[name], value) for name, value in data.items()})


@dataclass(frozen=True)
class Person(_Kept):
    name: str
    staff_no: str
    phone: str


@dataclass(frozen=True)
class BranchFigures(_Kept):
    """One branch's week, or the sum of all (`branch_id` None).

    `open_start + reported + reopened - closed = open_end` holds on every line. Closed are withdrawn and
    denied claims too. Rates are kept as their two counts, so that lines can be added up.
    """

    branch_id: int | None
    name: str
    name_en: str
    open_start: int = 0
    reported: int = 0
    reopened: int = 0
    closed: int = 0
    open_end: int = 0
    estimate_fen: int = 0
    large_losses: int = 0
    surveys_judged: int = 0
    surveys_in_time: int = 0
    scenes_needed: int = 0
    scenes_first: int = 0
    paid_fen: int = 0
    oldest_days: int | None = None

    @property
    def in_time(self) -> Ratio:
        return Ratio(self.surveys_in_time, self.surveys_judged)

    @property
    def first_scene(self) -> Ratio:
        return Ratio(self.scenes_first, self.scenes_needed)

    @property
    def adds_up(self) -> bool:
        return self.open_start + self.reported + self.reopened - self.closed == self.open_end

    @property
    def is_empty(self) -> bool:
        """Nothing happened and nothing is open."""
        return not any(getattr(self, name) for name in _SUMMED)


_SUMMED = [
    one.name
    for one in fields(BranchFigures)
    if one.name not in ("branch_id", "name", "name_en", "oldest_days")
]


def total_of(lines: list[BranchFigures]) -> BranchFigures:
    """The sum of the lines; the oldest open claim is the oldest of all."""
    sums = {name: sum(getattr(line, name) for line in lines) for name in _SUMMED}
    oldest = max((line.oldest_days for line in lines if line.oldest_days is not None), default=None)
    return BranchFigures(branch_id=None, name="", name_en="", oldest_days=oldest, **sums)


@dataclass(frozen=True)
class WeekClaim(_Kept):
    """A claim reported in the week, with its state and estimate at the week's end."""

    number: str
    plate: str
    branch: str
    branch_en: str
    loss_at: datetime
    reported_at: datetime
    place: str
    state: str
    estimate_fen: int
    is_large: bool
    owner: Person


@dataclass(frozen=True)
class OpenClaim(_Kept):
    """A claim open at the week's end: its state and nearest clock then, and who answers for it when the report is made.

    `step` is empty when no clock ran; `due_at` is None when the clock was paused or none ran.
    """

    number: str
    plate: str
    branch: str
    branch_en: str
    reported_at: datetime
    days: int
    state: str
    step: str
    due_at: datetime | None
    estimate_fen: int
    owner: Person


@dataclass(frozen=True)
class Breach(_Kept):
    """A promise broken in the week. `over_seconds` is None while its step is not done; `cause` empty before review."""

    timer_id: int
    number: str
    plate: str
    branch: str
    branch_en: str
    step: str
    holder: Person
    breached_at: datetime
    stopped_at: datetime | None
    over_seconds: int | None
    cause: str


@dataclass(frozen=True)
class WeeklyReport(_Kept):
    """One account's week from `period_from` (a Monday) to `period_to` (its Sunday), both included."""

    account_id: int
    account_name: str
    account_name_en: str
    zone: str
    period_from: date
    period_to: date
    made_at: datetime
    branches: tuple[BranchFigures, ...]
    total: BranchFigures
    claims: tuple[WeekClaim, ...]
    open_claims: tuple[OpenClaim, ...]
    breaches: tuple[Breach, ...]

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def as_json(report: WeeklyReport) -> dict[str, Any]:
    """The report as JSON keeps it."""
    plain: dict[str, Any] = _plain(asdict(report))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def _read(kind: Any, value: Any) -> Any:
    """Turn plain JSON into what a field holds."""
    if value is None:
        return None
    if isinstance(kind, UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_args(kind):
        return tuple(_read(get_args(kind)[0], one) for one in value)
    if kind in (date, datetime):
        return kind.fromisoformat(value)
    return kind.from_json(value) if issubclass(kind, _Kept) else value
