"""Vehicles on the road and their cover, on the last day of a period and over its days; and what became of cover that ended."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.rules.cover_ratio import VehicleDays
from service_desk.rules.metrics import Cover
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.periods import Period
from service_desk.rules.renewal import RenewalFigures
from service_desk.services.measures import history
from service_desk.services.measures.span import By, Key, Reading, Source, Span, Value
from service_desk.services.policies.coverage import coverage_ratio
from service_desk.services.policies.ratios import account_days, account_days_of
from service_desk.services.renewals.success import SuccessDimension, account_figures

_ALL: Key = 0
_OF_DAY = frozenset({C.OPERATING_VEHICLES, C.COVERAGE, C.UNINSURED_VEHICLES})
_OF_DAYS = frozenset({C.COVERAGE_DAYS})
_DIMENSION = {By.BRANCH: SuccessDimension.BRANCH, By.USE_CLASS: SuccessDimension.USE_CLASS}


def read_cover(span: Span, codes: Collection[C], by: By | None) -> Reading:
    """As the coverage pages count it: a day as it ended, the day that runs as it stands now."""
    parts: dict[Key, Cover] = defaultdict(Cover)
    if span.until <= span.instants[0]:
        return history.reading(parts, Cover(), by)
    key_of = _keys(span.account_id, by)
    last_day = span.last_day
    if _OF_DAY & frozenset(codes) and by is None and not span.is_over:
        # The database says it of the present, without the history of every vehicle.
        ratio = coverage_ratio(span.account_id, span.now)
        parts[_ALL] += Cover(operating=ratio.whole, covered=ratio.part)
    elif _OF_DAY & frozenset(codes):
        for one in account_days(span.account_id, Period(last_day, last_day), now=span.now):
            parts[key_of(one)] += Cover(operating=one.operating, covered=one.covered)
    if _OF_DAYS & frozenset(codes):
        for one in account_days(span.account_id, Period(span.period.first, last_day), now=span.now):
            parts[key_of(one)] += Cover(operating_days=one.operating, covered_days=one.covered)
    return history.reading(parts, Cover(), by)


def cover_of_parts(span: Span, parts: Sequence[Period], codes: Collection[C]) -> list[dict[Key, Cover]]:
    """What `read_cover` says of each part, by branch; the vehicles' histories are read once."""
    spans = [replace(span, period=part) for part in parts]
    days = [Period(one.last_day, one.last_day) for one in spans] if _OF_DAY & frozenset(codes) else []
    wholes = [Period(one.period.first, one.last_day) for one in spans] if _OF_DAYS & frozenset(codes) else []
    found = account_days_of(span.account_id, [*days, *wholes], now=span.now)
    covers: list[dict[Key, Cover]] = [defaultdict(Cover) for _part in parts]
    for number, listed in enumerate(found):
        cover = covers[number % len(parts)]
        for branch_id, (operating, covered) in _added_up(listed).items():
            is_of_day = number < len(days)
            cover[branch_id] += (
                Cover(operating, covered)
                if is_of_day
                else Cover(operating_days=operating, covered_days=covered)
            )
    return covers


def _added_up(listed: Sequence[VehicleDays]) -> dict[int, tuple[int, int]]:
    """Vehicle-days on the road and covered, by branch."""
    sums: dict[int, tuple[int, int]] = {}
    for _vehicle_id, branch_id, operating, covered in listed:
        before = sums.get(branch_id, (0, 0))
        sums[branch_id] = before[0] + operating, before[1] + covered
    return sums


def _keys(account_id: int, by: By | None) -> Callable[[VehicleDays], Key]:
    if by is not By.USE_CLASS:
        return lambda one: one.branch_id
    statement = select(Vehicle.id, Vehicle.use_class).where(Vehicle.account_id == account_id)
    classes = dict(db.session.execute(statement).tuples().all())
    return lambda one: str(classes[one.vehicle_id] or "")


@dataclass(frozen=True)
class _Renewals:
    figures: RenewalFigures

    def measures(self) -> dict[C, Value]:
        return {C.RENEWAL_DUE: self.figures.due, C.RENEWAL_RATE: self.figures.rate}


def read_renewals(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """As the page of renewal success counts it, by what was known at the period's end.

    A vehicle whose policies are of two branches is in both, and once in the whole.
    """
    total = account_figures(span.account_id, span.period, as_of=span.until)[None]
    groups = {}
    if by is not None:
        found = account_figures(span.account_id, span.period, as_of=span.until, by=_DIMENSION[by])
        groups = {_plain(key): _Renewals(figures).measures() for key, figures in found.items()}
    return Reading(_Renewals(total).measures(), groups)


def _plain(key: int | str | None) -> Key:
    return "" if key is None else key if isinstance(key, int) else str(key)


SOURCES: tuple[tuple[frozenset[C], Source], ...] = (
    (_OF_DAY | _OF_DAYS, read_cover),
    (frozenset({C.RENEWAL_DUE, C.RENEWAL_RATE}), read_renewals),
)
