"""The group's decision and the desk's refusal."""

from datetime import datetime

from service_desk.base.errors import Forbidden, InvalidMany
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleRequest, VehicleState
from service_desk.models.users import User
from service_desk.rules.vehicle_onboarding import OnboardingAction
from service_desk.services.fleet import vehicles
from service_desk.services.policies.onboarding import telling
from service_desk.services.policies.onboarding.common import (
    begin,
    choose_underwriter,
    details_of,
    perform,
    require_no_policy,
    require_reason,
    require_step,
    senders_of,
    take_out,
)


def approve(number: str, version: int, *, actor: User, now: datetime) -> VehicleRequest:
    """Approve a request for the group: the vehicle enters the fleet, not yet operating, and the desk's clock starts.

    Forbidden `own_vehicle_request` for who asked. Invalid (many) when a vehicle took the plate or VIN meanwhile.
    Conflict `nobody_issues`.
    """
    request = begin(number, OnboardingAction.APPROVE, actor=actor, version=version)
    step = require_step(request, OnboardingAction.APPROVE, actor=actor)
    _require_not_own(request, actor)
    details = details_of(request)
    # There is one already where an earlier round was approved and something is known of the vehicle since.
    vehicle = db.session.get(Vehicle, request.vehicle_id) if request.vehicle_id else None
    if problems := vehicles.problems_of(request.account_id, details, vehicle, now=now):
        raise InvalidMany(problems)
    underwriter = choose_underwriter(request.account_id)
    if vehicle is None:
        vehicle = vehicles.enter(request.account_id, details, VehicleState.PENDING, actor=actor, now=now)
    else:
        vehicles.write_details(vehicle, details, actor=actor, now=now, state=VehicleState.PENDING)
    request.vehicle_id = vehicle.id
    timer = perform(request, OnboardingAction.APPROVE, step, actor=actor, now=now, holder=underwriter)
    # While the underwriter is away somebody else got the clock.
    holder = db.session.get_one(User, timer.holder_id) if timer else underwriter
    telling.tell_approved(request, holder, actor=actor, now=now)
    return request


def refuse(number: str, reason: str, version: int, *, actor: User, now: datetime) -> VehicleRequest:
    """Refuse a request for the group, with a reason; whoever asked may correct it and send it again."""
    request = begin(number, OnboardingAction.REFUSE, actor=actor, version=version)
    step = require_step(request, OnboardingAction.REFUSE, actor=actor)
    _require_not_own(request, actor)
    words = require_reason(reason)
    perform(request, OnboardingAction.REFUSE, step, actor=actor, now=now, reason=words)
    telling.tell_refused(request, words, actor=actor, now=now)
    return request


def decline(number: str, reason: str, version: int, *, actor: User, now: datetime) -> VehicleRequest:
    """Refuse for the desk to insure an approved vehicle, with a reason: it leaves the fleet, and its approval ends.

    Conflict `request_has_cover` when something was issued for it.
    """
    request = begin(number, OnboardingAction.DECLINE, actor=actor, version=version)
    step = require_step(request, OnboardingAction.DECLINE, actor=actor)
    words = require_reason(reason)
    require_no_policy(request, now)
    take_out(request, actor=actor, now=now)
    perform(request, OnboardingAction.DECLINE, step, actor=actor, now=now, reason=words)
    telling.tell_refused(request, words, actor=actor, now=now)
    return request


def _require_not_own(request: VehicleRequest, actor: User) -> None:
    if actor.id in senders_of(request):
        raise Forbidden("own_vehicle_request")
