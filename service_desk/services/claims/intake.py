"""The accident report: taken whatever the cover, with a number and a named handler at once."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import CHINA, add_years, local_date
from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.text import like_pattern, one_line, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, ClaimCover, ReportChannel
from service_desk.models.db import db
from service_desk.models.documents import DocumentKind
from service_desk.models.fleet import PlateRecord, Vehicle, VehicleState
from service_desk.models.policies import Policy
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES, REPORT_STARTS, ClaimState
from service_desk.rules.identifiers import normalise_plate, suggest_plate
from service_desk.rules.permissions import Action, Role, Side
from service_desk.services import access, audit, documents, enquiries, notices, numbers, submissions
from service_desk.services.claims import people, reserves
from service_desk.services.claims.common import log_event, matter_of, start_clock
from service_desk.services.documents import Upload
from service_desk.services.policies.coverage import CoverAt, covers_at

OLDEST_LOSS_YEARS = 2
"""Claims under liability cover become time-barred two years after the loss is known (Insurance Law Art. 26)."""

MAX_INJURED = 200
_SUGGESTIONS = 10
# Lenient: mobile, area code with dashes or brackets, extension. What matters is that somebody can call it.
_PHONE = re.compile(r"[+(]?[0-9][0-9 ()\-]{5,24}[0-9]")


@dataclass(frozen=True)
class ReportCommand:
    """An accident as reported. A position may stand for a place. Clients report by portal whatever is stated."""

    account_id: int
    plate: str
    loss_at: datetime
    place: str
    description: str
    reporter_name: str
    callback_phone: str
    channel: ReportChannel = ReportChannel.PORTAL
    injured_count: int = 0
    other_party: str = ""
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: int | None = None
    # What the desk's own people expect it to cost, when they can tell on the telephone.
    estimate_fen: int | None = None

    @property
    def has_position(self) -> bool:
        return self.latitude is not None and self.longitude is not None


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
    required, phone_invalid, injured_invalid, too_many_photos, photo_unreadable, file_too_large.
    """
    access.require(actor, Action.REPORT_CLAIM)
    return submissions.once(
        "claim_report", key, lambda: _report(command, photos, actor, now, files), actor=actor, now=now
    )


def _report(
    command: ReportCommand, photos: Sequence[Upload], actor: User, now: datetime, files: FileStore
) -> str:
    vehicle = _checked_vehicle(command, photos, actor, now)
    handler = _handler(command.account_id, actor)
    claim = _claim(command, vehicle, handler, actor, now)
    db.session.add(claim)
    db.session.flush()
    matter = matter_of(claim)
    for photo in photos:
        documents.store_photo(
            files, photo, DocumentKind.SCENE_PHOTO, matter, field="photos", actor=actor, now=now
        )
    _keep_cover(claim)
    params = {"channel": claim.channel.value, "photos": len(photos)}
    log_event(claim, "reported", actor=actor, at=now, now=now, params=params)
    # Who took the call stays the first contact, even when another handles the claim.
    owner = actor if actor.side is Side.INSURER else handler
    subject = " ".join((claim.plate, one_line(claim.description)))
    enquiries.open_for_claim(claim, owner_id=owner.id, subject=subject, actor=actor, now=now)
    changes = {"owner_id": (None, handler.id), "loss_at": (None, claim.loss_at)}
    audit.record("claim_reported", claim, actor=actor, now=now, changes=changes)
    for step in REPORT_STARTS:
        start_clock(claim, step, at=now, actor=actor, now=now)
    if command.estimate_fen and actor.side is Side.INSURER:
        reserves.estimate(claim, command.estimate_fen, "report", actor=actor, now=now)
    _tell(claim, handler, actor, now)
    return claim.number


def _checked_vehicle(command: ReportCommand, photos: Sequence[Upload], actor: User, now: datetime) -> Vehicle:
    """Every refusal at once, so that nobody at the roadside mends them one by one."""
    problems: list[Invalid] = []
    vehicle = find_vehicle(command.account_id, command.plate, command.loss_at, actor=actor)
    if vehicle is None:
        problems.append(plate_refusal(command.plate))
    problems += _time_problems(command.loss_at, now)
    if not command.place.strip() and not command.has_position:
        problems.append(Invalid("place_missing", field="place"))
    problems += _wording_problems(command)
    if not 0 <= (command.estimate_fen or 0) <= reserves.MAX_RESERVE_FEN:
        problems.append(Invalid("reserve_out_of_range", field="estimate"))
    if not 0 <= command.injured_count <= MAX_INJURED:
        problems.append(Invalid("injured_invalid", field="injured_count", most=MAX_INJURED))
    if len(photos) > documents.MAX_FILES:
        problems.append(Invalid("too_many_photos", field="photos", most=documents.MAX_FILES))
    if problems or vehicle is None:
        raise InvalidMany(problems)
    return vehicle


def _time_problems(loss_at: datetime, now: datetime) -> list[Invalid]:
    if loss_at > now:
        return [Invalid("time_in_future", field="loss_at")]
    if local_date(loss_at) < add_years(local_date(now), -OLDEST_LOSS_YEARS):
        return [Invalid("loss_too_old", field="loss_at", years=OLDEST_LOSS_YEARS)]
    return []


def _wording_problems(command: ReportCommand) -> list[Invalid]:
    required = {
        "description": command.description,
        "reporter_name": command.reporter_name,
        "callback_phone": command.callback_phone,
    }
    problems = [Invalid("required", field=field) for field, words in required.items() if not words.strip()]
    phone = squeeze(command.callback_phone)
    if phone and not _PHONE.fullmatch(phone):
        problems.append(Invalid("phone_invalid", field="callback_phone", value=phone))
    lengths = {
        "place": (command.place, 200),
        "reporter_name": (command.reporter_name, 64),
        "other_party": (command.other_party, 200),
    }
    problems += [
        Invalid("words_too_long", field=field, length=length)
        for field, (words, length) in lengths.items()
        if len(squeeze(words)) > length
    ]
    return problems


def plate_refusal(plate: str) -> Invalid:
    """Why a plate was not found: with what was probably meant when O or I was typed for 0 or 1."""
    typed = normalise_plate(plate)
    if not typed:
        return Invalid("required", field="plate")
    likely = suggest_plate(typed)
    if likely:
        return Invalid("plate_unknown_suggest", field="plate", plate=typed, suggestion=likely)
    return Invalid("plate_unknown", field="plate", plate=typed)


def find_vehicle(account_id: int, plate: str, at: datetime, *, actor: User) -> Vehicle | None:
    """The visible vehicle that has a plate, else the one that had it at `at`; a VIN serves while a plate is pending."""
    typed = normalise_plate(plate)
    if not typed:
        return None
    vehicles = _visible_vehicles(account_id, actor)
    present = vehicles.where(or_(Vehicle.plate == typed, Vehicle.vin == typed))
    found: Vehicle | None = db.session.scalar(present.order_by(Vehicle.id).limit(1))
    if found is not None:
        return found
    formerly = select(PlateRecord.vehicle_id).where(
        PlateRecord.plate == typed,
        PlateRecord.from_at <= at,
        or_(PlateRecord.to_at.is_(None), PlateRecord.to_at > at),
    )
    former: Vehicle | None = db.session.scalar(
        vehicles.where(Vehicle.id.in_(formerly)).order_by(Vehicle.id).limit(1)
    )
    return former


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


def _handler(account_id: int, actor: User) -> User:
    """Who handles the claim: who took the report when they handle claims, else who has the fewest open ones."""
    if actor.role in (Role.CLAIMS, Role.MANAGER):
        return actor
    staff = access.account_members(account_id, Role.CLAIMS) or access.account_members(
        account_id, Role.MANAGER
    )
    if not staff:
        raise Conflict("nobody_handles_claims")
    statement = (
        select(Claim.owner_id, func.count())
        .where(Claim.owner_id.in_([user.id for user in staff]), Claim.state.in_(OPEN_STATES))
        .group_by(Claim.owner_id)
    )
    loads = dict(db.session.execute(statement).tuples().all())
    return min(staff, key=lambda user: (loads.get(user.id, 0), user.staff_no))


def _claim(command: ReportCommand, vehicle: Vehicle, handler: User, actor: User, now: datetime) -> Claim:
    return Claim(
        number=numbers.next_number("CLM", now.astimezone(CHINA).year),
        account_id=vehicle.account_id,
        branch_id=vehicle.branch_id,
        vehicle_id=vehicle.id,
        plate=vehicle.plate or vehicle.vin,
        state=ClaimState.REPORTED,
        loss_at=command.loss_at,
        reported_at=now,
        place=one_line(command.place),
        latitude=command.latitude if command.has_position else None,
        longitude=command.longitude if command.has_position else None,
        accuracy_m=command.accuracy_m if command.has_position else None,
        is_urban=db.session.get_one(Branch, vehicle.branch_id).is_urban,
        description=command.description.strip(),
        injured_count=command.injured_count,
        other_party=one_line(command.other_party),
        channel=_channel(command.channel, actor),
        reporter_name=one_line(command.reporter_name),
        callback_phone=squeeze(command.callback_phone),
        reported_by_id=actor.id,
        owner_id=handler.id,
    )


def _channel(stated: ReportChannel, actor: User) -> ReportChannel:
    if actor.side is Side.CLIENT:
        return ReportChannel.PORTAL
    return ReportChannel.PHONE if stated is ReportChannel.PORTAL else stated


def _keep_cover(claim: Claim) -> None:
    """Keep what our policies cover at the time of loss. None at all is an answer too: the report is taken."""
    # Who cancels or takes a policy back meanwhile waits for the claim, or we wait and then find its cover gone.
    held = select(Policy.id).where(
        Policy.vehicle_id == claim.vehicle_id, Policy.agreed_ends_at > claim.loss_at
    )
    db.session.scalars(held.order_by(Policy.id).with_for_update(read=True)).all()
    for cover in ours(covers_at(claim.vehicle_id, claim.loss_at)):
        for limit in cover.limits:
            db.session.add(
                ClaimCover(
                    claim_id=claim.id,
                    policy_id=cover.policy_id,
                    code=limit.code.value,
                    policy_number=cover.number,
                    limit_fen=limit.limit_fen,
                    per_seat_fen=limit.per_seat_fen,
                    deductible_fen=limit.deductible_fen,
                    absolute_deductible_percent=limit.absolute_deductible_percent,
                    ends_at=cover.ends_at,
                )
            )


def ours(covers: Sequence[CoverAt]) -> list[CoverAt]:
    """Those that a claim can be paid under: a policy of another insurer is only known to exist."""
    return [cover for cover in covers if cover.source is None]


def _tell(claim: Claim, handler: User, actor: User, now: datetime) -> None:
    """Tell the handler, unless they took the report, and the client's person with the handler's name."""
    if handler.id != actor.id:
        notices.queue(
            "claim_reported",
            notices.user_recipient(handler),
            people.basics(claim)
            | {
                "description": claim.description,
                "injured_count": claim.injured_count,
                "reporter_name": claim.reporter_name,
                "callback_phone": claim.callback_phone,
            },
            dedupe=f"claim_reported:{claim.id}",
            now=now,
            matter=matter_of(claim),
        )
    people.tell_client(claim, "claim_received", {}, dedupe="report", now=now)
