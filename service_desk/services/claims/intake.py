"""The accident report: taken whatever the cover, with a number and a named handler at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, func, insert, or_, select

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import CHINA
from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.text import like_pattern, one_line, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, ReportChannel
from service_desk.models.db import db, hold, table_of
from service_desk.models.documents import DocumentKind
from service_desk.models.fleet import PlateRecord, Vehicle, VehicleState
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES, REPORT_STARTS, ClaimState
from service_desk.rules.claim_intake import Accident, Likeness, is_late, plates_in
from service_desk.rules.duty import takers
from service_desk.rules.identifiers import normalise_plate, suggest_plate
from service_desk.rules.permissions import Action, Role, Scope, Side
from service_desk.services import access, audit, documents, duty, enquiries, notices, numbers, submissions
from service_desk.services.claims import (
    accidents,
    people,
    repeats,
    report_checks,
    report_numbers,
    reserves,
)
from service_desk.services.claims.common import get_claim, matter_of, start_first_clocks, write_first_event
from service_desk.services.claims.covers import keep_cover
from service_desk.services.claims.report_checks import MAX_INJURED, OLDEST_LOSS_YEARS, ReportCommand
from service_desk.services.claims.similar import Similar, find_similar
from service_desk.services.documents import Upload
from service_desk.services.sla import standing_in

__all__ = ["MAX_INJURED", "OLDEST_LOSS_YEARS", "ReportCommand", "report"]

# Answers to the question whether a report tells of an accident that is known already: it is another one, the same
# (nothing new is made), or another vehicle's part in it.
NEW, SAME, LINKED = "new", "same", "linked"
_SUGGESTIONS = 10

# What a report says of its claim; the branch says whether it lies in a city, the rest is as at every beginning.
_STATED = (
    "number",
    "report_no",
    "report_key",
    "account_id",
    "branch_id",
    "vehicle_id",
    "plate",
    "state",
    "loss_at",
    "reported_at",
    "place",
    "latitude",
    "longitude",
    "accuracy_m",
    "description",
    "injured_count",
    "other_party",
    "channel",
    "reporter_name",
    "callback_phone",
    "late_reason",
    "reported_by_id",
    "owner_id",
)
# Made once: every report asks.
_HELD = (
    select(Vehicle.id)
    .where(Vehicle.id.in_(bindparam("ids", expanding=True)))
    .order_by(Vehicle.id)
    .with_for_update(key_share=True)
)
_CLAIMS, _BRANCHES = table_of(Claim), table_of(Branch).c
_IS_URBAN = select(_BRANCHES.is_urban).where(_BRANCHES.id == bindparam("branch_id")).scalar_subquery()
_WRITE = select(Claim).from_statement(
    insert(_CLAIMS)
    .values({name: bindparam(name) for name in _STATED} | {"is_urban": _IS_URBAN})
    .returning(*_CLAIMS.c)
)


@dataclass(frozen=True)
class _Handler:
    """Who will handle a claim. `is_here`: known not to be away, so that nobody need ask again."""

    user: User
    is_here: bool = False


def report(
    command: ReportCommand,
    *,
    photos: Sequence[Upload],
    key: str,
    actor: User,
    now: datetime,
    files: FileStore,
) -> str:
    """Take a report and return the claim's number. The same `key` again returns the first number.

    Invalid (one or many): plate_unknown, plate_unknown_suggest, time_in_future, loss_too_old, place_missing,
    required, phone_invalid, injured_invalid, too_many_photos, too_many_in_report, plate_twice, photo_unreadable,
    photo_heic, photo_too_large, file_too_large, report_no_invalid, report_no_taken. Conflict `possible_duplicate` when claims may be about the same
    accident and `duplicate_answer` says nothing, `similar_unknown` when it names one that is not among them.
    """
    access.require(actor, Action.REPORT_CLAIM)
    return submissions.once(
        "claim_report", key, lambda: _report(command, photos, actor, now, files), actor=actor, now=now
    )


def _report(
    command: ReportCommand, photos: Sequence[Upload], actor: User, now: datetime, files: FileStore
) -> str:
    vehicles = _checked_vehicles(command, photos, actor, now)
    similar = _asked(command, vehicles, actor)
    linked = _answered(command, vehicles, similar, actor)
    is_same = linked is not None and command.duplicate_answer == SAME
    report_numbers.require_free(command, linked, actor)
    if linked is not None and is_same:
        repeats.add_to(linked, command, photos, actor=actor, now=now, files=files)
        told = {claim.vehicle_id for claim in similar.seen if claim.likeness == Likeness.SAME_VEHICLE}
        vehicles = [vehicle for vehicle in vehicles[1:] if vehicle.id not in told]
    chosen = _handler(command.account_id, actor, linked, now)
    # Photos and the estimate are of the first vehicle; the others' come with their own surveys.
    of_others = replace(command, estimate_fen=None)
    first = None if is_same else vehicles[0]
    made = [
        _make(command, vehicle, chosen, photos, similar, actor, now, files)
        if vehicle is first
        else _make(of_others, vehicle, chosen, (), similar, actor, now, files)
        for vehicle in vehicles
    ]
    together = [*([linked] if linked is not None else []), *made]
    if len(together) > 1:
        accidents.join(together, actor=actor, now=now, is_own_collision=command.is_own_collision)
    return together[0].number if is_same else made[0].number


def _make(
    command: ReportCommand,
    vehicle: Vehicle,
    chosen: _Handler,
    photos: Sequence[Upload],
    similar: Similar,
    actor: User,
    now: datetime,
    files: FileStore,
) -> Claim:
    """One vehicle's claim with its cover, first contact, clocks and messages."""
    handler = chosen.user
    number, contact = numbers.next_numbers(("CLM", "ENQ"), now.astimezone(CHINA).year)
    claim = _write_claim(number, command, vehicle, handler, actor, now)
    for photo in photos:
        documents.store_photo(
            files, photo, DocumentKind.SCENE_PHOTO, matter_of(claim), field="photos", actor=actor, now=now
        )
    keep_cover(claim)
    is_overdue = is_late(claim.loss_at, claim.reported_at)
    params = {"channel": claim.channel.value, "photos": len(photos), "is_late": is_overdue}
    write_first_event(claim, "reported", actor=actor, at=now, now=now, params=params)
    # Who took the call stays the first contact, even when another handles the claim.
    owner = actor if actor.side is Side.INSURER else handler
    subject = " ".join((claim.plate, one_line(claim.description) or claim.place)).strip()
    enquiries.write_for_claim(claim, number=contact, owner_id=owner.id, subject=subject, actor=actor, now=now)
    changes = {"owner_id": (None, handler.id), "loss_at": (None, claim.loss_at)}
    with audit.together():
        audit.record("claim_reported", claim, actor=actor, now=now, changes=changes)
        if similar and command.duplicate_answer == NEW:
            repeats.note_answer(claim, similar, actor=actor, now=now)
        start_first_clocks(claim, REPORT_STARTS, at=now, actor=actor, now=now, is_holder_here=chosen.is_here)
    if command.estimate_fen and actor.side is Side.INSURER:
        reserves.estimate(claim, command.estimate_fen, "report", actor=actor, now=now)
    _tell(claim, handler, actor, now)
    return claim


def _asked(command: ReportCommand, vehicles: Sequence[Vehicle], actor: User) -> Similar:
    """Claims that may be about this accident. Of two who report one vehicle at once the second sees the first's."""
    hold(_HELD, ids=[vehicle.id for vehicle in vehicles])
    others = plates_in(command.other_party)
    reported = [
        Accident(command.loss_at, vehicle.plate or vehicle.vin or "", vehicle.id, others)
        for vehicle in vehicles
    ]
    return find_similar(command.account_id, reported, actor=actor)


def _answered(
    command: ReportCommand, vehicles: Sequence[Vehicle], similar: Similar, actor: User
) -> Claim | None:
    """The claim that this report belongs to or with, by the answer given; None for an accident of its own.

    Only a claim of the same vehicle can be the same claim, only one of another can be linked.
    """
    if command.duplicate_answer in {SAME, LINKED}:
        ids = {vehicle.id for vehicle in vehicles}
        fitting = {
            claim.number: (claim.vehicle_id == vehicles[0].id)
            if command.duplicate_answer == SAME
            else claim.vehicle_id not in ids
            for claim in similar.seen
        }
        if not fitting.get(command.same_as):
            raise Conflict("similar_unknown")
        claim = get_claim(command.same_as, actor=actor)
        db.session.refresh(claim, with_for_update=True)
        return claim
    is_new_to_them = command.asked_about and not set(similar.numbers) <= set(command.asked_about)
    if similar and (command.duplicate_answer != NEW or is_new_to_them):
        raise similar.question()
    return None


def _checked_vehicles(
    command: ReportCommand, photos: Sequence[Upload], actor: User, now: datetime
) -> list[Vehicle]:
    """Every refusal at once, so that nobody at the roadside mends them one by one."""
    problems: list[Invalid] = []
    found: list[Vehicle] = []
    plates = [("plate", command.plate), *(("other_plates", plate) for plate in command.other_plates)]
    if len(plates) > accidents.MAX_VEHICLES:
        problems.append(Invalid("too_many_in_report", field="other_plates", most=accidents.MAX_VEHICLES))
        plates = plates[: accidents.MAX_VEHICLES]
    for field, plate in plates:
        vehicle = find_vehicle(command.account_id, plate, command.loss_at, actor=actor)
        if vehicle is None:
            problems.append(plate_refusal(plate, field=field))
        elif vehicle in found:
            problems.append(Invalid("plate_twice", field=field, plate=normalise_plate(plate)))
        else:
            found.append(vehicle)
    problems += report_checks.problems_of(command, now)
    if len(photos) > documents.MAX_FILES:
        problems.append(Invalid("too_many_photos", field="photos", most=documents.MAX_FILES))
    if problems:
        raise InvalidMany(problems)
    return found


def plate_refusal(plate: str, *, field: str = "plate") -> Invalid:
    """Why a plate was not found: with what was probably meant when O or I was typed for 0 or 1."""
    typed = normalise_plate(plate)
    if not typed:
        return Invalid("required", field=field)
    likely = suggest_plate(typed)
    if likely:
        return Invalid("plate_unknown_suggest", field=field, plate=typed, suggestion=likely)
    return Invalid("plate_unknown", field=field, plate=typed)


def find_vehicle(account_id: int, plate: str, at: datetime, *, actor: User) -> Vehicle | None:
    """The visible vehicle that has a plate, else the one that had it at `at`; a VIN serves while a plate is pending."""
    typed = normalise_plate(plate)
    if not typed:
        return None
    asked = {**access.reach(actor), "account_id": account_id, "typed": typed, "at": at}
    for statement in _found_in(access.require(actor, Action.REPORT_CLAIM)):
        found: Vehicle | None = db.session.scalar(statement, asked)
        if found is not None:
            return found
    return None


@cache
def _found_in(scope: Scope) -> tuple[Select[tuple[Vehicle]], ...]:
    """The vehicle that has the plate or VIN typed, and the one that had it then. Made once for each scope."""
    typed: BindParameter[str] = bindparam("typed")
    at: BindParameter[datetime] = bindparam("at")
    formerly = select(PlateRecord.vehicle_id).where(
        PlateRecord.plate == typed,
        PlateRecord.from_at <= at,
        or_(PlateRecord.to_at.is_(None), PlateRecord.to_at > at),
    )
    conditions = (or_(Vehicle.plate == typed, Vehicle.vin == typed), Vehicle.id.in_(formerly))
    within = (Vehicle.account_id == bindparam("account_id"), access.visible_in(scope, Vehicle))
    return tuple(
        select(Vehicle).where(*within, condition).order_by(Vehicle.id).limit(1) for condition in conditions
    )


def suggest_vehicles(account_id: int, text: str, *, actor: User, limit: int = _SUGGESTIONS) -> list[Vehicle]:
    """Vehicles on the road whose plate holds what was typed, as far as the actor sees; all of them for nothing."""
    wanted: list[ColumnElement[bool]] = [Vehicle.plate.is_not(None), Vehicle.state != VehicleState.RETIRED]
    typed = normalise_plate(text)
    if typed:
        wanted.append(Vehicle.plate.like(like_pattern(typed), escape="\\"))
    statement = _visible_vehicles(account_id, actor).where(*wanted)
    return list(db.session.scalars(statement.order_by(Vehicle.plate).limit(limit)))


def _visible_vehicles(account_id: int, actor: User) -> Select[tuple[Vehicle]]:
    statement = select(Vehicle).where(Vehicle.account_id == account_id)
    return access.visible(actor, Action.REPORT_CLAIM, statement, Vehicle)


def _handler(account_id: int, actor: User, linked: Claim | None, now: datetime) -> _Handler:
    """Who handles the claim: who handles the other one of the accident, who took the report when they handle
    claims, else who is on duty, else who has the fewest open ones of those who are not away."""
    if linked is not None and linked.state in OPEN_STATES:
        return _Handler(db.session.get_one(User, linked.owner_id))
    if actor.role in (Role.CLAIMS, Role.MANAGER):
        return _Handler(actor)
    members = duty.members(account_id, now, Role.CLAIMS, Role.MANAGER)
    on_duty = {one.user.id for one in members if one.is_on}
    everybody = [one.user for one in members]
    handling = [user for user in everybody if user.role is Role.CLAIMS] or everybody
    staff = [user for user in everybody if user in handling or user.id in on_duty]
    if not staff:
        raise Conflict("nobody_handles_claims")
    # The client is told at once whom to call.
    away = standing_in.away_of(members, now)
    free = takers(staff, id_of=lambda user: user.id, away=away, on_duty=on_duty)
    is_here = not away.issuperset(user.id for user in free)
    # A manager on duty who is away all the same is no reason to pass over those who handle claims.
    chosen = free if is_here else handling
    return _Handler(_least_loaded(chosen), is_here=is_here)


def _least_loaded(staff: Sequence[User]) -> User:
    """Who has the fewest open claims, by staff number among equals."""
    if len(staff) == 1:
        return staff[0]
    statement = (
        select(Claim.owner_id, func.count())
        .where(Claim.owner_id.in_([user.id for user in staff]), Claim.state.in_(OPEN_STATES))
        .group_by(Claim.owner_id)
    )
    loads = dict(db.session.execute(statement).tuples().all())
    return min(staff, key=lambda user: (loads.get(user.id, 0), user.staff_no))


def _write_claim(
    number: str, command: ReportCommand, vehicle: Vehicle, handler: User, actor: User, now: datetime
) -> Claim:
    stated = {
        "number": number,
        **report_numbers.stated(command, actor),
        "account_id": vehicle.account_id,
        "branch_id": vehicle.branch_id,
        "vehicle_id": vehicle.id,
        "plate": vehicle.plate or vehicle.vin,
        "state": ClaimState.REPORTED,
        "loss_at": command.loss_at,
        "reported_at": now,
        "place": one_line(command.place),
        "latitude": command.latitude if command.has_position else None,
        "longitude": command.longitude if command.has_position else None,
        "accuracy_m": command.accuracy_m if command.has_position else None,
        "description": command.description.strip(),
        "injured_count": command.injured_count,
        "other_party": one_line(command.other_party),
        "channel": _channel(command.channel, actor),
        "reporter_name": _reporter(command, actor),
        "callback_phone": squeeze(command.callback_phone),
        "late_reason": one_line(command.late_reason),
        "reported_by_id": actor.id,
        "owner_id": handler.id,
    }
    claim: Claim = db.session.scalars(_WRITE, stated).one()
    return claim


def _reporter(command: ReportCommand, actor: User) -> str:
    """The name to ask for; where nobody gave one, the client's own person, or whoever answers that phone."""
    nobody = actor.name if actor.side is Side.CLIENT else squeeze(command.callback_phone)
    return one_line(command.reporter_name) or nobody


def _channel(stated: ReportChannel, actor: User) -> ReportChannel:
    if actor.side is Side.CLIENT:
        return ReportChannel.PORTAL
    return ReportChannel.PHONE if stated is ReportChannel.PORTAL else stated


def _tell(claim: Claim, handler: User, actor: User, now: datetime) -> None:
    """Tell the handler, unless they took the report, and the client's person with the handler's name."""
    messages = people.client_messages(claim, "claim_received", {}, dedupe="report")
    if handler.id != actor.id:
        told = people.basics(claim) | {
            "description": claim.description,
            "injured_count": claim.injured_count,
            "reporter_name": claim.reporter_name,
            "callback_phone": claim.callback_phone,
        }
        recipient, key = notices.user_recipient(handler), f"claim_reported:{claim.id}"
        messages.insert(0, notices.Message("claim_reported", recipient, told, key, matter_of(claim)))
    notices.queue_many(messages, now=now)
