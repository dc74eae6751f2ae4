"""The watch over missed cover: a case for each vehicle without a required layer, closed when it is covered."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.renewals import CaseState, ChaseKind, MissedCoverCase
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Role
from service_desk.services import access, audit, numbers, sla
from service_desk.services.policies import chase
from service_desk.services.renewals.uninsured import MissedCover, account_uninsured

log = structlog.get_logger()

# So many cases a pass: each starts a clock. Those without CTPL come first, and the next pass takes up the rest.
MOST_OPENED = 500


def watch(account_id: int, *, now: datetime) -> list[MissedCover]:
    """Open, change and close cases as cover stands now; return the vehicles for which cases were opened.

    A second watcher waits at the account's row and then finds the cases of the first.
    """
    # Not against those who only refer to the account, such as who logs a call and holds a case meanwhile.
    held = select(KeyAccount.id).where(KeyAccount.id == account_id).with_for_update(key_share=True)
    db.session.scalars(held).one()
    missed = account_uninsured(account_id, now=now)
    cases = {case.vehicle_id: case for case in _open_cases(account_id)}
    fresh = []
    for one in missed:
        case = cases.pop(one.vehicle.id, None)
        if case is None:
            fresh.append(one)
        else:
            _keep_up(case, one, now)
    _close_rest(list(cases.values()), now)
    opened = fresh[:MOST_OPENED]
    if len(fresh) > len(opened):
        log.warning("missed_cover_cases_wait", account_id=account_id, count=len(fresh) - len(opened))
    owners = _Owners(account_id)
    for one in opened:
        _open(one, owners.for_branch(one.branch.id), now)
    return opened


def _open_cases(account_id: int) -> Sequence[MissedCoverCase]:
    statement = select(MissedCoverCase).where(
        MissedCoverCase.account_id == account_id, MissedCoverCase.state == CaseState.OPEN
    )
    held = statement.order_by(MissedCoverCase.id).with_for_update()
    return db.session.scalars(held.execution_options(populate_existing=True)).all()


def _keep_up(case: MissedCoverCase, missed: MissedCover, now: datetime) -> None:
    """What changed of an open case: other layers, another branch, another plate."""
    chase.update_layers(case, missed.layers, actor=None, now=now)
    case.vehicle_name = _name(missed.vehicle)
    if case.branch_id != missed.branch.id:
        changes = audit.change(case, branch_id=missed.branch.id)
        chase.add_entry(case, ChaseKind.LAYERS_CHANGED, actor=None, now=now, changes=changes)
        audit.record("missed_cover_changed", case, actor=None, now=now, changes=changes)


def _close_rest(cases: list[MissedCoverCase], now: datetime) -> None:
    """Open cases whose vehicles lack nothing any more: covered, or off the road."""
    ids = [case.vehicle_id for case in cases]
    states: dict[int | None, VehicleState] = dict(
        db.session.execute(select(Vehicle.id, Vehicle.state).where(Vehicle.id.in_(ids))).tuples().all()
    )
    for case in cases:
        state = states.get(case.vehicle_id)
        if state is VehicleState.OPERATING:
            chase.close(case, CaseState.COVERED, actor=None, now=now)
        else:
            chase.close(case, CaseState.STOPPED, actor=None, now=now, vehicle_state=state)


def _open(missed: MissedCover, owner: User | None, now: datetime) -> None:
    vehicle = missed.vehicle
    case = MissedCoverCase(
        number=numbers.next_number("COV", local_date(now).year),
        account_id=vehicle.account_id,
        branch_id=vehicle.branch_id,
        vehicle_id=vehicle.id,
        vehicle_name=_name(vehicle),
        layers=[layer.value for layer in missed.layers],
        since_at=missed.since_at,
        owner_id=owner.id if owner else None,
        state=CaseState.OPEN,
        opened_at=now,
    )
    db.session.add(case)
    db.session.flush()
    chase.add_entry(case, ChaseKind.OPENED, actor=None, now=now, changes={"layers": ([], case.layers)})
    audit.record(
        "missed_cover_opened",
        case,
        actor=None,
        now=now,
        changes={"layers": (None, case.layers), "owner_id": (None, case.owner_id)},
    )
    if owner is not None:
        sla.start(
            chase.matter_of(case), ClockStep.COVER_CHASE, holder_id=owner.id, at=now, actor=None, now=now
        )


def _name(vehicle: Vehicle) -> str:
    return vehicle.plate or vehicle.vin or ""


class _Owners:
    """Who chases: whoever chases another vehicle of the branch, so that it gets one call; else who has least to chase."""

    def __init__(self, account_id: int) -> None:
        self._people = {user.id: user for user in chasers(account_id)}
        rows = db.session.execute(
            select(MissedCoverCase.branch_id, MissedCoverCase.owner_id)
            .where(MissedCoverCase.account_id == account_id, MissedCoverCase.state == CaseState.OPEN)
            .order_by(MissedCoverCase.id)
        ).tuples()
        self._of_branch: dict[int, User] = {}
        self._load: Counter[int] = Counter()
        for branch_id, owner_id in rows:
            if owner_id in self._people:
                self._note(branch_id, self._people[owner_id])

    def for_branch(self, branch_id: int) -> User | None:
        found = self._of_branch.get(branch_id)
        if found is None and self._people:
            found = min(self._people.values(), key=lambda user: (self._load[user.id], user.staff_no, user.id))
        if found is not None:
            self._note(branch_id, found)
        return found

    def _note(self, branch_id: int, user: User) -> None:
        self._of_branch.setdefault(branch_id, user)
        self._load[user.id] += 1


def chasers(account_id: int) -> list[User]:
    """Who may chase for an account: its underwriters, where there are none its managers."""
    return access.account_members(account_id, Role.UNDERWRITER) or access.account_members(
        account_id, Role.MANAGER
    )
