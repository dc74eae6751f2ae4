"""Cover for an approved vehicle: what of it is still missing, and when nothing is, the vehicle operates."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Conflict
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleRequest, VehicleRequestStep, VehicleState
from service_desk.models.policies import IssueBatch, Policy
from service_desk.models.users import User
from service_desk.rules.vehicle_onboarding import OnboardingAction, OnboardingState
from service_desk.services import audit
from service_desk.services.fleet import states, vehicles
from service_desk.services.policies import coverage
from service_desk.services.policies.coverage import VehicleCoverage
from service_desk.services.policies.onboarding import telling
from service_desk.services.policies.onboarding.common import begin, choose_underwriter, perform, require_step


def approved_vehicle_ids(candidates: Iterable[Vehicle]) -> set[int]:
    """Those of some vehicles that wait for their cover with the group's approval."""
    pending = [vehicle.id for vehicle in candidates if vehicle.state is VehicleState.PENDING]
    if not pending:
        return set()
    approved = select(VehicleRequest.vehicle_id).where(
        VehicleRequest.vehicle_id.in_(pending), VehicleRequest.state == OnboardingState.APPROVED
    )
    return {id_ for id_ in db.session.scalars(approved) if id_ is not None}


def cover_to_come(vehicle_ids: Collection[int], now: datetime) -> dict[int, VehicleCoverage]:
    """The cover of each vehicle once all that is issued has begun: what begins on a later day counts as well."""
    if not vehicle_ids:
        return {}
    begun: dict[datetime, list[int]] = defaultdict(list)
    for vehicle_id, periods in coverage.periods_of(vehicle_ids, since=now).items():
        begun[max(now, *(period.starts_at for period in periods))].append(vehicle_id)
    begun[now] += [id_ for id_ in vehicle_ids if id_ not in {one for ids in begun.values() for one in ids}]
    # One query an instant: the vehicles of an order begin together, so there are one or two.
    return {
        vehicle_id: one
        for at, ids in begun.items()
        for vehicle_id, one in coverage.coverage_of(ids, at).items()
    }


def after_issue(batch: IssueBatch, insured: Iterable[Vehicle], *, actor: User, now: datetime) -> None:
    """Take note of policies just issued: a new vehicle with all the cover it needs begins to operate.

    Part of the order's own transaction. Vehicles that operate already cost nothing here.
    """
    pending = {vehicle.id: vehicle for vehicle in insured if vehicle.state is VehicleState.PENDING}
    if not pending:
        return
    statement = select(VehicleRequest).where(
        VehicleRequest.vehicle_id.in_(pending), VehicleRequest.state == OnboardingState.APPROVED
    )
    held = statement.order_by(VehicleRequest.id).with_for_update().execution_options(populate_existing=True)
    requests = db.session.scalars(held).all()
    numbers = _numbers(batch, pending)
    covers = cover_to_come(pending, now)
    for request in requests:
        vehicle = pending[request.vehicle_id or 0]
        missing = covers[vehicle.id].missing
        details = {"policies": numbers[vehicle.id], "missing": [line.value for line in missing]}
        action = OnboardingAction.ISSUE_PART if missing else OnboardingAction.COMPLETE
        _finish(request, vehicle, action, details, actor, now)


def _numbers(batch: IssueBatch, vehicle_ids: Collection[int]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    issued = select(Policy.vehicle_id, Policy.number).where(
        Policy.batch_id == batch.id, Policy.vehicle_id.in_(vehicle_ids)
    )
    for vehicle_id, number in db.session.execute(issued.order_by(Policy.id)):
        found[vehicle_id].append(number)
    return found


def complete(number: str, version: int, *, actor: User, now: datetime) -> VehicleRequest:
    """Let an approved vehicle operate for which nothing is missing, some of it being covered elsewhere.

    Conflict `cover_still_missing`.
    """
    request = begin(number, OnboardingAction.COMPLETE, actor=actor, version=version)
    vehicle = db.session.get_one(Vehicle, request.vehicle_id, with_for_update=True, populate_existing=True)
    if cover_to_come([vehicle.id], now)[vehicle.id].missing:
        raise Conflict("cover_still_missing")
    _finish(request, vehicle, OnboardingAction.COMPLETE, {"policies": [], "missing": []}, actor, now)
    return request


def _finish(
    request: VehicleRequest,
    vehicle: Vehicle,
    action: OnboardingAction,
    details: dict[str, list[str]],
    actor: User,
    now: datetime,
) -> None:
    step = require_step(request, action, actor=actor)
    perform(request, action, step, actor=actor, now=now, details=details)
    if action is not OnboardingAction.COMPLETE:
        return
    _move(vehicle, VehicleState.OPERATING, actor, now)
    telling.tell_operating(request, vehicle, actor=actor, now=now)


def after_undo(batch: IssueBatch, reason: str, *, actor: User, now: datetime) -> None:
    """Take note that a batch was taken back: a vehicle it let operate waits for its cover again, approved as it is.

    A vehicle that operated before the batch, or has all its cover without it, stays as it is.
    """
    completed = select(VehicleRequestStep.request_id).where(
        VehicleRequestStep.action == OnboardingAction.COMPLETE, VehicleRequestStep.at >= batch.issued_at
    )
    statement = (
        select(Vehicle, VehicleRequest)
        .join(VehicleRequest, VehicleRequest.vehicle_id == Vehicle.id)
        .where(
            Vehicle.id.in_(select(Policy.vehicle_id).where(Policy.batch_id == batch.id)),
            Vehicle.state == VehicleState.OPERATING,
            VehicleRequest.state == OnboardingState.DONE,
            VehicleRequest.id.in_(completed),
        )
        .order_by(Vehicle.id)
        # Not against those who only refer to the vehicle, such as a claim that waits for its policies.
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    found = db.session.execute(statement).tuples().all()
    covers = cover_to_come([vehicle.id for vehicle, _ in found], now)
    for vehicle, request in found:
        if covers[vehicle.id].missing:
            _take_back(request, vehicle, reason, actor, now)


def _take_back(request: VehicleRequest, vehicle: Vehicle, reason: str, actor: User, now: datetime) -> None:
    action = OnboardingAction.TAKE_BACK
    step = require_step(request, action, actor=actor)
    holder = choose_underwriter(request.account_id)
    perform(request, action, step, actor=actor, now=now, holder=holder, reason=reason)
    _move(vehicle, VehicleState.PENDING, actor, now)
    telling.tell_not_operating(request, vehicle, reason, actor=actor, now=now)


def _move(vehicle: Vehicle, state: VehicleState, actor: User, now: datetime) -> None:
    changes = {"state": (vehicle.state, state)}
    states.move_to(vehicle, state, now=now)
    label = vehicles.name_of(vehicle)
    audit.record("vehicle_state_changed", vehicle, actor=actor, now=now, label=label, changes=changes)
