"""Cases of missed cover as pages show them: the list by urgency, those closed lately, one case with its log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import Select, func, select

from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.renewals import MISSED_COVER, CaseState, MissedCoverCase, MissedCoverEntry
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.exposure import Exposure
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import CoverCode
from service_desk.services import access, policies, sla
from service_desk.services.renewals.uninsured import Exposures, MissedCover, uninsured_among, uninsured_ids

CLOSED_SHOWN_FOR = timedelta(days=180)


@dataclass(frozen=True)
class MissedFilter:
    """Which vehicles without cover are wanted; None means any."""

    branch_id: int | None = None
    owner_id: int | None = None
    layer: CoverCode | None = None
    only_overdue: bool = False


@dataclass(frozen=True)
class MissedRow:
    """A vehicle without cover as the list shows it. `case` is None until the next pass of the watch opens one."""

    missed: MissedCover
    case: MissedCoverCase | None
    owner: User | None
    timer: Timer | None
    exposure: Exposure | None

    def is_overdue(self, now: datetime) -> bool:
        """Whether the promise to have it covered or stopped is broken."""
        return self.timer is not None and (
            self.timer.breached_at is not None or (self.timer.due_at is not None and self.timer.due_at < now)
        )


@dataclass(frozen=True)
class CaseFile:
    """One case with its log, the newest first. `missing` is what the vehicle lacks now: empty once it is covered."""

    case: MissedCoverCase
    branch: Branch
    vehicle: Vehicle | None
    owner: User | None
    entries: list[tuple[MissedCoverEntry, User | None]]
    branches: dict[int, Branch]
    people: dict[int, User]
    timers: list[Timer]
    missing: tuple[CoverCode, ...]
    exposure: Exposure | None


@dataclass(frozen=True)
class MissedList:
    """The vehicles without cover now with their cases, a page at a time.

    Overdue ones first, then those without CTPL, the longest without. Their order is found when the first page is read;
    what a page shows is read anew for its vehicles, so that no list of all is kept.
    """

    account_id: int
    wanted: MissedFilter
    actor: User
    now: datetime

    def read(self, page: PageRequest) -> Page[MissedRow]:
        """One page of them."""
        ids = [one.vehicle_id for one in self._places[page.offset : page.offset + page.size]]
        rows = {row.missed.vehicle.id: row for row in self._rows(ids)}
        # One of them may have been covered since their order was found.
        return Page([rows[id_] for id_ in ids if id_ in rows], len(self._places), page.number, page.size)

    @property
    def without_ctpl(self) -> int:
        return sum(one.lacks_ctpl for one in self._places)

    @property
    def overdue(self) -> int:
        return sum(one.is_overdue for one in self._places)

    @cached_property
    def _places(self) -> list["_Place"]:
        """The vehicles wanted in their order."""
        ids = uninsured_ids(self.account_id, actor=self.actor, now=self.now, branch_id=self.wanted.branch_id)
        found = (row for some in policies.portions(ids) for row in self._rows(some))
        places = [_place(row, self.now) for row in found if _is_wanted(row, self.wanted, self.now)]
        return sorted(
            places, key=lambda one: (not one.is_overdue, not one.lacks_ctpl, one.since, one.vehicle_id)
        )

    def _rows(self, ids: Sequence[int]) -> list[MissedRow]:
        missed = uninsured_among(self.account_id, ids, now=self.now)
        cases = _open_cases([one.vehicle.id for one in missed])
        owners = people_of(case.owner_id for case in cases.values())
        timers = sla.timers_of(MISSED_COVER, [case.id for case in cases.values()])
        rows = []
        for one in missed:
            case = cases.get(one.vehicle.id)
            owner = owners.get(case.owner_id or 0) if case else None
            timer = _open_timer(timers[case.id]) if case else None
            rows.append(MissedRow(one, case, owner, timer, self._exposures.of(one.vehicle, one.layers)))
        return rows

    @cached_property
    def _exposures(self) -> Exposures:
        return Exposures(self.account_id, local_date(self.now))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a vehicle stands in the list."""

    vehicle_id: int
    is_overdue: bool
    lacks_ctpl: bool
    since: datetime


def _place(row: MissedRow, now: datetime) -> _Place:
    since = row.missed.since_at or (row.case.opened_at if row.case else now)
    return _Place(row.missed.vehicle.id, row.is_overdue(now), row.missed.lacks_ctpl, since)


def _is_wanted(row: MissedRow, wanted: MissedFilter, now: datetime) -> bool:
    return (
        (wanted.owner_id is None or (row.owner is not None and row.owner.id == wanted.owner_id))
        and (wanted.layer is None or wanted.layer in row.missed.layers)
        and (not wanted.only_overdue or row.is_overdue(now))
    )


def _open_cases(vehicle_ids: Sequence[int]) -> dict[int, MissedCoverCase]:
    found: dict[int, MissedCoverCase] = {}
    for ids in policies.portions(vehicle_ids):
        statement = select(MissedCoverCase).where(
            MissedCoverCase.vehicle_id.in_(ids), MissedCoverCase.state == CaseState.OPEN
        )
        found |= {case.vehicle_id or 0: case for case in db.session.scalars(statement)}
    return found


def _open_timer(timers: Iterable[Timer]) -> Timer | None:
    return next((timer for timer in timers if timer.state in sla.OPEN_STATES), None)


def people_of(ids: Iterable[int | None]) -> dict[int, User]:
    """People by id, in one query."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(wanted)))}


def list_closed(
    account_id: int, page: PageRequest, *, actor: User, now: datetime, branch_id: int | None = None
) -> Page[tuple[MissedCoverCase, Branch, User | None]]:
    """The cases closed lately, the latest first."""
    access.require(actor, Action.READ_RENEWALS)
    statement = _visible(actor).where(
        MissedCoverCase.account_id == account_id,
        MissedCoverCase.state != CaseState.OPEN,
        MissedCoverCase.closed_at >= now - CLOSED_SHOWN_FOR,
    )
    if branch_id is not None:
        statement = statement.where(MissedCoverCase.branch_id.in_(access.branch_tree(branch_id)))
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.execute(
        statement.add_columns(Branch, User)
        .join(Branch, Branch.id == MissedCoverCase.branch_id)
        .outerjoin(User, User.id == MissedCoverCase.owner_id)
        .order_by(MissedCoverCase.closed_at.desc(), MissedCoverCase.id.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    return Page([tuple(row) for row in rows.all()], total, page.number, page.size)


def _visible(actor: User) -> Select[tuple[MissedCoverCase]]:
    return access.visible(actor, Action.READ_RENEWALS, select(MissedCoverCase), MissedCoverCase)


def get_case(number: str, *, actor: User) -> MissedCoverCase:
    """A case the actor may see; NotFound otherwise."""
    access.require(actor, Action.READ_RENEWALS)
    return access.get_visible(actor, Action.READ_RENEWALS, MissedCoverCase, MissedCoverCase.number == number)


def read_case(number: str, *, actor: User, now: datetime) -> CaseFile:
    """A case with everything its page shows."""
    case = get_case(number, actor=actor)
    entries: list[tuple[MissedCoverEntry, User | None]] = list(
        db.session.execute(
            select(MissedCoverEntry, User)
            .outerjoin(User, User.id == MissedCoverEntry.by_id)
            .where(MissedCoverEntry.case_id == case.id)
            .order_by(MissedCoverEntry.at.desc(), MissedCoverEntry.id.desc())
        ).tuples()
    )
    vehicle = db.session.get(Vehicle, case.vehicle_id) if case.vehicle_id else None
    missing: tuple[CoverCode, ...] = ()
    exposure = None
    if vehicle is not None and case.state is CaseState.OPEN:
        missing = policies.coverage_of([vehicle.id], now)[vehicle.id].missing_layers
        exposure = Exposures(case.account_id, local_date(now)).of(vehicle, missing)
    named = [value for entry, _ in entries for value in entry.changes.get("owner_id", [])]
    moved = [value for entry, _ in entries for value in entry.changes.get("branch_id", [])]
    people = people_of([case.owner_id, *named])
    branches = db.session.scalars(select(Branch).where(Branch.id.in_({case.branch_id, *moved})))
    by_id = {branch.id: branch for branch in branches}
    return CaseFile(
        case=case,
        branch=by_id[case.branch_id],
        vehicle=vehicle,
        owner=people.get(case.owner_id or 0),
        entries=entries,
        branches=by_id,
        people=people,
        timers=sla.timers_of(MISSED_COVER, [case.id])[case.id],
        missing=missing,
        exposure=exposure,
    )


def open_case_of(vehicle_id: int) -> MissedCoverCase | None:
    """The open case of a vehicle the caller has found visible."""
    return _open_cases([vehicle_id]).get(vehicle_id)
