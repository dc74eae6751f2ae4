"""The coverage ratio of an account over days, by branch, and the vehicles behind each figure (覆盖率)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from sqlalchemy import select

from service_desk.base.clock import end_of_day, start_of_day
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.users import User
from service_desk.rules.cover_needs import CoverNeeds
from service_desk.rules.cover_ratio import DayGrid, VehicleDays, VehicleHistory, days_of, needs_by_day
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.fleet import requirements
from service_desk.services.policies.histories import account_histories, histories_of
from service_desk.services.policies.portions import portions


@dataclass
class BranchCoverage:
    """A branch over the days asked for: vehicle-days covered among those on the road, and the vehicles of both."""

    branch: Branch
    days: Ratio = field(default_factory=Ratio)
    vehicles: int = 0
    missed_vehicles: int = 0


@dataclass(frozen=True)
class CoveredVehicle:
    """A vehicle's days behind a figure."""

    vehicle: Vehicle
    branch: Branch
    days: VehicleDays


def coverage_by_branch(
    account_id: int, period: Period, *, actor: User, now: datetime
) -> list[BranchCoverage]:
    """The branches the actor sees that had vehicles on the road in the period, by name. Days to come are left out."""
    branches = _branches(account_id, actor)
    found: dict[int, BranchCoverage] = {}
    for one in account_days(account_id, period, now=now):
        branch = branches.get(one.branch_id)
        if branch is not None:
            row = found.setdefault(branch.id, BranchCoverage(branch))
            row.days += Ratio(one.covered, one.operating)
            row.vehicles += 1
            row.missed_vehicles += one.missed > 0
    return sorted(found.values(), key=lambda row: (row.branch.name, row.branch.id))


@dataclass(frozen=True)
class CoveredVehicles:
    """The vehicles behind a figure, those with most days missed first, a page at a time.

    The days are counted when the first page is read; of the whole fleet only these counts are kept.
    """

    account_id: int
    period: Period
    actor: User
    now: datetime
    branch_id: int | None = None
    only_missed: bool = False

    def read(self, page: PageRequest) -> Page[CoveredVehicle]:
        """One page, vehicle-days with their vehicles."""
        wanted = self._in_order[page.offset : page.offset + page.size]
        vehicles = _vehicles({one.vehicle_id for one in wanted})
        rows = [
            CoveredVehicle(vehicles[one.vehicle_id], self._branches[one.branch_id], one) for one in wanted
        ]
        return Page(rows, len(self._in_order), page.number, page.size)

    @cached_property
    def _branches(self) -> dict[int, Branch]:
        return _branches(self.account_id, self.actor)

    @cached_property
    def _in_order(self) -> list[VehicleDays]:
        branches = self._branches
        plates = _plates(self.account_id)
        wanted = [
            one
            for one in _days_in_portions(self.account_id, plates, self.period, self.now)
            if one.branch_id in branches
            and self.branch_id in (None, one.branch_id)
            and (one.missed or not self.only_missed)
        ]
        return sorted(
            wanted,
            key=lambda one: (
                -one.missed,
                branches[one.branch_id].name,
                plates[one.vehicle_id] or "",
                one.vehicle_id,
            ),
        )


def _plates(account_id: int) -> dict[int, str | None]:
    statement = select(Vehicle.id, Vehicle.plate).where(Vehicle.account_id == account_id)
    return dict(db.session.execute(statement).tuples().all())


def _days_in_portions(
    account_id: int, vehicle_ids: Collection[int], period: Period, now: datetime
) -> Iterator[VehicleDays]:
    grid = DayGrid(period.first, period.last, now)
    if not grid.samples:
        return
    versions = requirements.over_time(account_id, grid.first, grid.last)
    since, until = start_of_day(grid.first), end_of_day(grid.last)
    for some in portions(vehicle_ids):
        yield from _days_on(grid, versions, histories_of(some, since=since, until=until).values())


def account_days(account_id: int, period: Period, *, now: datetime) -> list[VehicleDays]:
    """Each vehicle's days by branch, for no actor: what reports count from."""
    return account_days_of(account_id, [period], now=now)[0]


def account_days_of(account_id: int, periods: Sequence[Period], *, now: datetime) -> list[list[VehicleDays]]:
    """The same of each of several periods; the vehicles' histories are read once for all of them."""
    grids = [DayGrid(period.first, period.last, now) for period in periods]
    begun = [grid for grid in grids if grid.samples]
    if not begun:
        return [[] for _grid in grids]
    first, last = min(grid.first for grid in begun), max(grid.last for grid in begun)
    versions = requirements.over_time(account_id, first, last)
    histories = account_histories(account_id, since=start_of_day(first), until=end_of_day(last))
    return [_days_on(grid, versions, histories) if grid.samples else [] for grid in grids]


def _days_on(
    grid: DayGrid, versions: Sequence[tuple[date, CoverNeeds]], histories: Iterable[VehicleHistory]
) -> list[VehicleDays]:
    needed = needs_by_day(grid, versions)
    return [one for vehicle in histories for one in days_of(vehicle, grid, needed)]


def period_ratio(account_id: int, period: Period, *, now: datetime) -> Ratio:
    """Vehicle-days covered among those on the road, of a whole account."""
    counted = account_days(account_id, period, now=now)
    return Ratio(sum(one.covered for one in counted), sum(one.operating for one in counted))


def _branches(account_id: int, actor: User) -> dict[int, Branch]:
    access.require(actor, Action.READ_RENEWALS)
    statement = select(Branch).where(Branch.account_id == account_id)
    visible = access.visible(actor, Action.READ_RENEWALS, statement, Branch)
    return {branch.id: branch for branch in db.session.scalars(visible)}


def _vehicles(ids: Collection[int]) -> dict[int, Vehicle]:
    found: dict[int, Vehicle] = {}
    for some in portions(ids):
        statement = select(Vehicle).where(Vehicle.id.in_(some))
        found |= {vehicle.id: vehicle for vehicle in db.session.scalars(statement)}
    return found
