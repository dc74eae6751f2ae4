"""The branch's side: ask for a new vehicle, correct what was refused, withdraw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.fleet import Vehicle, VehicleRequest
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role
from service_desk.rules.rating import VehicleFacts
from service_desk.rules.vehicle_onboarding import (
    TRANSITIONS,
    UNDECIDED,
    OnboardingAction,
    OnboardingState,
    Party,
    party_of,
    size_lacking,
)
from service_desk.services import access, audit, documents, numbers, submissions
from service_desk.services.documents import Upload
from service_desk.services.fleet import vehicles
from service_desk.services.fleet.vehicles import VehicleDetails
from service_desk.services.policies.onboarding import telling
from service_desk.services.policies.onboarding.common import (
    MATTER_KIND,
    approvers_of,
    begin,
    matter_of,
    perform,
    require_no_policy,
    require_reason,
    require_step,
    senders_of,
    take_out,
)
from service_desk.services.policies.planning import DAYS_AHEAD

LONGEST_NOTE = 2000


@dataclass(frozen=True)
class RequestCommand:
    """A new vehicle as the branch states it. Cover is wanted from 00:00 of `wanted_start_on`; today: at once."""

    details: VehicleDetails
    wanted_start_on: date | None
    note: str = ""


def request_vehicle(
    account_id: int,
    command: RequestCommand,
    *,
    photos: Sequence[Upload],
    key: str,
    actor: User,
    now: datetime,
    files: FileStore,
) -> str:
    """Ask for a new vehicle and return the request's number. The same `key` again returns the first number.

    Invalid (one or many): those of `services.fleet.vehicles.problems_of`, required, start_in_the_past, start_too_far,
    words_too_long, photo_missing, too_many_files, plate_requested, vin_requested. Conflict `nobody_else_approves`,
    `nobody_approves`. NotFound for a branch that is not the actor's.
    """
    access.require(actor, Action.REQUEST_VEHICLE)
    access.get_visible(actor, Action.REQUEST_VEHICLE, KeyAccount, KeyAccount.id == account_id)
    return submissions.once(
        MATTER_KIND,
        key,
        lambda: _request(account_id, command, photos, actor, now, files),
        actor=actor,
        now=now,
    )


def _request(
    account_id: int,
    command: RequestCommand,
    photos: Sequence[Upload],
    actor: User,
    now: datetime,
    files: FileStore,
) -> str:
    _hold(account_id)
    _require_branch(account_id, command.details.branch_id, actor)
    problems = [*_problems(account_id, command, None, now), *_photo_problems(photos, had=0)]
    if problems:
        raise InvalidMany(problems)
    holder = _approver(account_id, {actor.id}, party_of(actor.role))
    request = VehicleRequest(
        number=numbers.next_number("REQ", local_date(now).year),
        account_id=account_id,
        branch_id=command.details.branch_id,
        state=OnboardingState.REQUESTED,
        round=1,
        party=party_of(actor.role),
        created_at=now,
        **_values(command, actor, now),
    )
    db.session.add(request)
    db.session.flush()
    _keep_photos(request, photos, actor, now, files)
    step = TRANSITIONS[None, OnboardingAction.REQUEST]
    perform(request, OnboardingAction.REQUEST, step, actor=actor, now=now, holder=holder)
    telling.tell_requested(request, holder, now=now)
    return request.number


def correct(
    number: str,
    command: RequestCommand,
    version: int,
    *,
    photos: Sequence[Upload],
    key: str,
    actor: User,
    now: datetime,
    files: FileStore,
) -> str:
    """Send a refused request again with what was corrected: the same number, a new round, approved anew.

    The branch stays as it was. Refusals are those of `request_vehicle` and of a step that is not possible.
    """
    access.require(actor, Action.REQUEST_VEHICLE)
    return submissions.once(
        f"{MATTER_KIND}_correct",
        key,
        lambda: _correct(number, command, version, photos, actor, now, files),
        actor=actor,
        now=now,
    )


def _correct(
    number: str,
    command: RequestCommand,
    version: int,
    photos: Sequence[Upload],
    actor: User,
    now: datetime,
    files: FileStore,
) -> str:
    request = begin(number, OnboardingAction.CORRECT, actor=actor, version=version)
    _hold(request.account_id)
    if command.details.branch_id != request.branch_id:
        raise NotFound("not_found", field="branch_id")
    kept = len(documents.list_for(MATTER_KIND, request.id))
    problems = [*_problems(request.account_id, command, request, now), *_photo_problems(photos, had=kept)]
    if problems:
        raise InvalidMany(problems)
    holder = _approver(request.account_id, senders_of(request) | {actor.id}, request.party)
    step = require_step(request, OnboardingAction.CORRECT, actor=actor)
    changes = audit.change(request, round=request.round + 1, **_values(command, actor, now))
    audit.record("vehicle_request_changed", request, actor=actor, now=now, changes=changes)
    _keep_photos(request, photos, actor, now, files)
    corrected = [name for name in changes if name not in {"round", "requested_by_id", "requested_at"}]
    perform(
        request,
        OnboardingAction.CORRECT,
        step,
        actor=actor,
        now=now,
        holder=holder,
        details={"corrected": corrected, "photos": len(photos)},
    )
    telling.tell_requested(request, holder, now=now)
    return request.number


def withdraw(number: str, reason: str, version: int, *, actor: User, now: datetime) -> VehicleRequest:
    """Take a request back, with a reason; an approved vehicle leaves the fleet again.

    Conflict `request_has_cover` when something was issued for it.
    """
    request = begin(number, OnboardingAction.WITHDRAW, actor=actor, version=version)
    step = require_step(request, OnboardingAction.WITHDRAW, actor=actor)
    words = require_reason(reason)
    require_no_policy(request, now)
    take_out(request, actor=actor, now=now)
    perform(request, OnboardingAction.WITHDRAW, step, actor=actor, now=now, reason=words)
    return request


def _hold(account_id: int) -> None:
    """Of two who ask for the same vehicle at once, the second waits here and then sees the first's request."""
    db.session.execute(select(KeyAccount.id).where(KeyAccount.id == account_id).with_for_update())


def _require_branch(account_id: int, branch_id: int, actor: User) -> None:
    access.get_visible(
        actor,
        Action.REQUEST_VEHICLE,
        Branch,
        Branch.id == branch_id,
        Branch.account_id == account_id,
        Branch.is_active.is_(True),
    )


def _problems(
    account_id: int, command: RequestCommand, own: VehicleRequest | None, now: datetime
) -> Iterator[Invalid]:
    """Every refusal at once, so that nobody on a phone mends them one by one."""
    details = command.details
    vehicle = db.session.get(Vehicle, own.vehicle_id) if own and own.vehicle_id else None
    yield from vehicles.problems_of(account_id, details, vehicle, now=now)
    yield from _requested_already(account_id, details, own)
    if details.use_class is None:
        yield Invalid("required", field="use_class")
    elif lacking := size_lacking(VehicleFacts(details.use_class, details.seats, details.load_kg)):
        yield Invalid("required", field=lacking)
    if not details.model.strip():
        yield Invalid("required", field="model")
    yield from _start_problems(command.wanted_start_on, local_date(now))
    if len(command.note) > LONGEST_NOTE:
        yield Invalid("words_too_long", field="note", length=LONGEST_NOTE)


def _start_problems(wanted: date | None, today: date) -> Iterator[Invalid]:
    if wanted is None:
        yield Invalid("required", field="wanted_start_on")
    elif wanted < today:
        yield Invalid("start_in_the_past", field="wanted_start_on")
    elif wanted > today + timedelta(days=DAYS_AHEAD):
        yield Invalid("start_too_far", field="wanted_start_on", days=DAYS_AHEAD)


def _requested_already(
    account_id: int, details: VehicleDetails, own: VehicleRequest | None
) -> Iterator[Invalid]:
    values = vehicles.values_of(details)
    for field in ("plate", "vin"):
        other = select(VehicleRequest.number).where(
            VehicleRequest.account_id == account_id,
            VehicleRequest.state.in_(UNDECIDED),
            getattr(VehicleRequest, field) == values[field],
        )
        if own is not None:
            other = other.where(VehicleRequest.id != own.id)
        number = db.session.scalar(other.limit(1)) if values[field] else None
        if number is not None:
            yield Invalid(f"{field}_requested", field=field, value=values[field], number=number)


def _photo_problems(photos: Sequence[Upload], *, had: int) -> Iterator[Invalid]:
    if not photos and not had:
        yield Invalid("photo_missing", field="photos")
    if len(photos) + had > documents.MAX_FILES:
        yield Invalid("too_many_files", field="photos", most=documents.MAX_FILES)


def _approver(account_id: int, senders: set[int], party: Party) -> User:
    """Who holds the clock of the approval: the first of the group's people who may give it.

    A group that has nobody for it can still be asked: the account's manager holds the clock until it has. Within
    the department itself nobody asks who has no colleague to approve.
    """
    if approvers := approvers_of(account_id, without=senders):
        return approvers[0]
    if party is Party.GROUP:
        raise Conflict("nobody_else_approves")
    managers = access.account_members(account_id, Role.MANAGER) or access.administrators()
    if not managers:
        raise Conflict("nobody_approves")
    return managers[0]


def _values(command: RequestCommand, actor: User, now: datetime) -> dict[str, Any]:
    """What a round states, and who sent it; the branch is the request's own."""
    values = vehicles.values_of(command.details)
    del values["branch_id"]
    return {
        **values,
        "wanted_start_on": command.wanted_start_on,
        "note": command.note.strip(),
        "requested_by_id": actor.id,
        "requested_at": now,
    }


def _keep_photos(
    request: VehicleRequest, photos: Sequence[Upload], actor: User, now: datetime, files: FileStore
) -> None:
    for photo in photos:
        documents.store_photo(
            files,
            photo,
            DocumentKind.VEHICLE_LICENCE,
            matter_of(request),
            field="photos",
            actor=actor,
            now=now,
        )
