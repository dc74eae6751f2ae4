"""Who hears of a request: the department that decides, the underwriter who insures, the branch of every decision."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleRequest
from service_desk.models.policies import Policy
from service_desk.models.users import User
from service_desk.rules.permissions import Role
from service_desk.services import access, notices
from service_desk.services.policies.onboarding.common import approvers_of, matter_of, senders_of


def tell_requested(request: VehicleRequest, holder: User, *, now: datetime) -> None:
    """Tell the group's people who may approve; the manager who holds the clock where there is nobody."""
    approvers = approvers_of(request.account_id, without=senders_of(request))
    params = _basics(request) | {"note": request.note, "nobody_approves": not approvers}
    _queue("vehicle_requested", approvers or [holder], request, params, f"round {request.round}", now)


def tell_approved(request: VehicleRequest, holder: User, *, actor: User, now: datetime) -> None:
    """Tell the underwriter that the vehicle is theirs to insure, and the branch that the group has approved."""
    params = _basics(request) | {"approved_by": actor.name, "approver_phone": actor.phone}
    _queue("vehicle_to_insure", [holder], request, params, f"round {request.round}", now)
    next_person = {"holder": holder.name, "holder_no": holder.staff_no, "holder_phone": holder.phone}
    params = _basics(request) | _decision(request, "", actor) | next_person
    _queue("vehicle_request_decided", _branch(request), request, params, _key_of_decision(request), now)


def tell_refused(request: VehicleRequest, reason: str, *, actor: User, now: datetime) -> None:
    """Tell the branch, and of the desk's refusal the department too, for it had approved."""
    params = _basics(request) | _decision(request, reason, actor)
    people = [*_branch(request), *_department(request, without=actor)]
    _queue("vehicle_request_decided", people, request, params, _key_of_decision(request), now)


def tell_operating(request: VehicleRequest, vehicle: Vehicle, *, actor: User, now: datetime) -> None:
    """Tell branch and department that the cover is issued and the vehicle operates, with the policies."""
    held = select(Policy).where(
        Policy.vehicle_id == vehicle.id, Policy.ends_at > now, Policy.ends_at > Policy.starts_at
    )
    policies = [
        {"line": policy.line.value, "number": policy.number, "from": local_date(policy.starts_at).isoformat()}
        for policy in db.session.scalars(held.order_by(Policy.id))
    ]
    _tell_of_operation(request, vehicle, actor, now, policies=policies)


def tell_not_operating(
    request: VehicleRequest, vehicle: Vehicle, reason: str, *, actor: User, now: datetime
) -> None:
    """Tell the same people that the cover was taken back, and that the vehicle must not be on the road."""
    _tell_of_operation(request, vehicle, actor, now, reason=reason)


def _tell_of_operation(
    request: VehicleRequest,
    vehicle: Vehicle,
    actor: User,
    now: datetime,
    *,
    policies: Sequence[dict[str, str]] = (),
    reason: str = "",
) -> None:
    params = _basics(request) | {
        "plate": vehicle.plate or vehicle.vin or "",
        "policies": list(policies),
        "reason": reason,
        "holder": actor.name,
        "holder_no": actor.staff_no,
        "holder_phone": actor.phone,
    }
    people = [*_branch(request), *_department(request, without=actor)]
    _queue("vehicle_operating", people, request, params, now.isoformat(), now)


def _key_of_decision(request: VehicleRequest) -> str:
    return f"round {request.round}:{request.state.value}"


def _basics(request: VehicleRequest) -> dict[str, Any]:
    """What every message about a request says: which vehicle, whose, and who asked."""
    branch = db.session.get_one(Branch, request.branch_id)
    requester = db.session.get_one(User, request.requested_by_id)
    return {
        "url": f"/vehicle-requests/{request.number}",
        "number": request.number,
        "plate": request.plate or request.vin or "",
        "model": request.model,
        "use_class": request.use_class.value,
        "branch": branch.name,
        "branch_en": branch.name_en,
        "wanted_start_on": request.wanted_start_on.isoformat(),
        "requester": requester.name,
        "requester_phone": requester.phone,
    }


def _decision(request: VehicleRequest, reason: str, actor: User) -> dict[str, Any]:
    return {
        "state": request.state.value,
        "reason": reason,
        "decided_by": actor.name,
        "decided_by_no": actor.staff_no,
        "decided_by_phone": actor.phone,
        "holder": "",
        "holder_no": "",
        "holder_phone": "",
    }


def _branch(request: VehicleRequest) -> list[User]:
    """Who asked, and the safety officers of the branch and of those above it."""
    requester = db.session.get_one(User, request.requested_by_id)
    path = db.session.get_one(Branch, request.branch_id).path
    above = [int(part) for part in path.split("/") if part]
    officers = [
        user
        for user in access.account_members(request.account_id, Role.BRANCH_SAFETY)
        if user.branch_id in above
    ]
    return [requester, *officers] if requester.is_active else officers


def _department(request: VehicleRequest, *, without: User) -> list[User]:
    """The group's insurance department, but for who decided and knows."""
    members = access.account_members(request.account_id, Role.GROUP_INSURANCE)
    return [user for user in members if user.id != without.id]


def _queue(
    kind: str,
    people: Iterable[User],
    request: VehicleRequest,
    params: dict[str, Any],
    key: str,
    now: datetime,
) -> None:
    dedupe = f"{kind}:{request.id}:{key}"
    notices.queue_many(
        [
            notices.Message(kind, notices.user_recipient(user), params, dedupe, matter_of(request))
            for user in dict.fromkeys(people)
        ],
        now=now,
    )
