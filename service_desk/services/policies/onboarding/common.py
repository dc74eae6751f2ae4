"""What every step of a request goes through: seen, allowed, done by the state table, in the register."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleRequest, VehicleRequestStep
from service_desk.models.policies import Policy
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Role
from service_desk.rules.vehicle_onboarding import (
    OnboardingAction,
    Transition,
    party_of,
    permission_for,
    transition,
)
from service_desk.services import access, audit, sla
from service_desk.services.fleet import vehicles
from service_desk.services.fleet.vehicles import VehicleDetails
from service_desk.services.notices import Matter

MATTER_KIND = "vehicle_request"
LONGEST_REASON = 200

_SENDS = (OnboardingAction.REQUEST, OnboardingAction.CORRECT)


def get_request(number: str, *, actor: User) -> VehicleRequest:
    """The request of a number, as the actor may see it; NotFound otherwise."""
    return access.get_visible(actor, Action.READ_FLEET, VehicleRequest, VehicleRequest.number == number)


def matter_of(request: VehicleRequest) -> Matter:
    """The request as clocks, notices and documents know it. It has its id: flush a new one first."""
    return Matter(MATTER_KIND, request.id, request.number, request.account_id, request.branch_id)


def details_of(request: VehicleRequest) -> VehicleDetails:
    """The vehicle as the present round states it."""
    return VehicleDetails(
        plate=request.plate or "",
        vin=request.vin or "",
        engine_no=request.engine_no,
        model=request.model,
        use_class=request.use_class,
        seats=request.seats,
        load_kg=request.load_kg,
        registered_on=request.registered_on,
        branch_id=request.branch_id,
    )


def begin(
    number: str, action: OnboardingAction, *, actor: User, version: int | None = None
) -> VehicleRequest:
    """The request, locked for one step that is possible now. Nothing is written.

    Forbidden without the permission or for another side's request, NotFound when not visible, Conflict
    `request_moved_on` when its state has no such step, `stale` when `version` (what the page showed) is no longer its.
    """
    access.require(actor, permission_for(action))
    request = get_request(number, actor=actor)
    if request.vehicle_id:
        # The vehicle first, as an order for it does: neither waits for what the other holds.
        db.session.execute(select(Vehicle.id).where(Vehicle.id == request.vehicle_id).with_for_update())
    # Of two people who decide at once, the second waits here and sees what the first did.
    db.session.refresh(request, with_for_update=True)
    require_step(request, action, actor=actor)
    if version is not None and version != request.version:
        raise Conflict("stale")
    return request


def require_step(request: VehicleRequest, action: OnboardingAction, *, actor: User) -> Transition:
    """What an action does to a request now; refused as by `begin`."""
    step = transition(request.state, action)
    if step is None:
        raise Conflict("request_moved_on")
    if step.by_requester and party_of(actor.role) is not request.party:
        raise Forbidden("request_of_other_side")
    return step


def perform(
    request: VehicleRequest,
    action: OnboardingAction,
    step: Transition,
    *,
    actor: User,
    now: datetime,
    holder: User | None = None,
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> Timer | None:
    """Apply a step of the table: clocks, state, a line of the register, an audit entry. Answer the clock it started.

    `holder` gets that clock.
    """
    before = request.state
    request.state = step.to or request.state
    line = VehicleRequestStep(
        request_id=request.id,
        round=request.round,
        at=now,
        action=action,
        party=party_of(actor.role),
        actor_id=actor.id,
        to_state=request.state,
        reason=reason,
        details=details or {},
    )
    db.session.add(line)
    changes: dict[str, tuple[Any, Any]] = {"state": (before, request.state)} if step.to else {}
    if reason:
        changes["reason"] = (None, reason)
    audit.record(f"vehicle_request_{action.value}", request, actor=actor, now=now, changes=changes)
    return _move_clocks(request, step, holder, actor, now)


def _move_clocks(
    request: VehicleRequest, step: Transition, holder: User | None, actor: User, now: datetime
) -> Timer | None:
    matter = matter_of(request)
    if step.stops:
        sla.stop(matter, (step.stops,), at=now, actor=actor, now=now)
    if step.cancels_all:
        sla.cancel(matter, at=now, actor=actor, now=now)
    if step.starts is None or holder is None:
        return None
    return sla.start(matter, step.starts, holder_id=holder.id, at=now, actor=actor, now=now)


def require_reason(reason: str) -> str:
    """The reason on one line; Invalid `reason_missing`, `words_too_long`."""
    words = one_line(reason)
    if not words:
        raise Invalid("reason_missing", field="reason")
    if len(words) > LONGEST_REASON:
        raise Invalid("words_too_long", field="reason", length=LONGEST_REASON)
    return words


def senders_of(request: VehicleRequest) -> set[int]:
    """Everybody who sent a round of the request. Nobody approves what they asked for themselves."""
    sent = select(VehicleRequestStep.actor_id).where(
        VehicleRequestStep.request_id == request.id, VehicleRequestStep.action.in_(_SENDS)
    )
    return set(db.session.scalars(sent))


def approvers_of(account_id: int, *, without: set[int]) -> list[User]:
    """The group's people who may approve, by staff number, without those who asked."""
    department = access.account_members(account_id, Role.GROUP_INSURANCE)
    return [user for user in department if user.id not in without]


def choose_underwriter(account_id: int) -> User:
    """Who insures the vehicle: the underwriter who holds the fewest such clocks; Conflict `nobody_issues`."""
    staff = access.account_members(account_id, Role.UNDERWRITER) or access.account_members(
        account_id, Role.MANAGER
    )
    if not staff:
        raise Conflict("nobody_issues")
    held = (
        select(Timer.holder_id, func.count())
        .where(
            Timer.holder_id.in_([user.id for user in staff]),
            Timer.step == ClockStep.VEHICLE_ISSUE,
            Timer.state.in_(sla.OPEN_STATES),
        )
        .group_by(Timer.holder_id)
    )
    loads = dict(db.session.execute(held).tuples().all())
    return min(staff, key=lambda user: (loads.get(user.id, 0), user.staff_no))


def require_no_policy(request: VehicleRequest, now: datetime) -> None:
    """Refuse to take a vehicle out that our policies cover: Conflict `request_has_cover`."""
    held = select(Policy.number).where(
        Policy.vehicle_id == request.vehicle_id, Policy.ends_at > now, Policy.ends_at > Policy.starts_at
    )
    numbers = db.session.scalars(held.order_by(Policy.id)).all()
    if numbers:
        raise Conflict("request_has_cover", policies=", ".join(numbers))


def take_out(request: VehicleRequest, *, actor: User, now: datetime) -> None:
    """Let a vehicle go that was approved and will not be insured; it is kept, retired, where something is known of it."""
    if request.vehicle_id is None:
        return
    vehicle = db.session.get_one(Vehicle, request.vehicle_id)
    request.vehicle_id = None
    if not vehicles.leave(vehicle, actor=actor, now=now):
        request.vehicle_id = vehicle.id
