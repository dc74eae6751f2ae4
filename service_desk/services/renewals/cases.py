"""What people do with a case of missed cover until the vehicle is covered or off the road."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select

from service_desk.base.clock import end_of_day, local_date, start_of_day
from service_desk.base.errors import Conflict, Forbidden, Invalid
from service_desk.base.text import squeeze
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import CoverSource, ExternalCover
from service_desk.models.renewals import (
    CaseState,
    ChaseChannel,
    ChaseKind,
    MissedCoverCase,
)
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Role, Side
from service_desk.rules.policy_flow import last_covered_day
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, audit, notices, sla, submissions
from service_desk.services.fleet import vehicles
from service_desk.services.policies import chase
from service_desk.services.renewals.case_views import get_case

_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class ChaseCommand:
    """Somebody was spoken to: how, whom, what was said, and by when they promised to act."""

    channel: ChaseChannel | None
    spoken_to: str
    text: str
    promised_on: date | None = None


@dataclass(frozen=True)
class NotedCover:
    """Cover of another insurer that the client proved, both days included."""

    line: PolicyLine | None
    insurer: str
    number: str
    first_day: date
    last_day: date


class OffRoad(StrEnum):
    """How a vehicle may be declared stopped."""

    SUSPENDED = "suspended"
    RETIRED = "retired"


def log_chase(number: str, command: ChaseCommand, *, actor: User, now: datetime, key: str = "") -> None:
    """Write down that somebody was spoken to.

    Invalid: chase_channel_missing, chase_person_missing, chase_text_missing, promise_in_past.
    """
    case = _to_chase(number, actor)

    def make() -> str:
        problems = _chase_problems(command, now)
        if problems:
            raise problems[0]
        chase.add_entry(
            case,
            ChaseKind.CONTACT,
            actor=actor,
            now=now,
            channel=command.channel,
            spoken_to=squeeze(command.spoken_to),
            text=command.text.strip(),
            promised_on=command.promised_on,
        )
        changes = audit.change(case, chased_at=now, promised_on=command.promised_on or case.promised_on)
        audit.record("missed_cover_chased", case, actor=actor, now=now, changes=changes)
        return case.number

    submissions.once("missed_cover_chase", key, make, actor=actor, now=now)


def _chase_problems(command: ChaseCommand, now: datetime) -> list[Invalid]:
    problems = []
    if command.channel is None:
        problems.append(Invalid("chase_channel_missing", field="channel"))
    if not command.spoken_to.strip():
        problems.append(Invalid("chase_person_missing", field="spoken_to"))
    problems += _text_problems(command.text)
    if command.promised_on is not None and command.promised_on < local_date(now):
        problems.append(Invalid("promise_in_past", field="promised_on"))
    return problems


def _text_problems(text: str) -> list[Invalid]:
    if not text.strip():
        return [Invalid("chase_text_missing", field="text")]
    if len(text) > _LONGEST_TEXT:
        return [Invalid("chase_text_too_long", field="text", most=_LONGEST_TEXT)]
    return []


def client_says(number: str, text: str, *, actor: User, now: datetime, key: str = "") -> None:
    """The client's word in the log: that the vehicle stands, that proof of cover is on its way.

    The owner hears of it. Forbidden for the desk, which logs whom it spoke to.
    """
    if actor.side is not Side.CLIENT:
        raise Forbidden("not_allowed", action=Action.READ_RENEWALS.value)
    case = _open_locked(number, actor)

    def make() -> str:
        for problem in _text_problems(text):
            raise problem
        entry = chase.add_entry(case, ChaseKind.CLIENT_SAID, actor=actor, now=now, text=text.strip())
        audit.record("missed_cover_client_said", case, actor=actor, now=now)
        _tell_owner("missed_cover_word", case, actor, f"{case.id}:{entry.id}", now)
        return case.number

    submissions.once("missed_cover_word", key, make, actor=actor, now=now)


def reassign(number: str, to_id: int | None, reason: str, *, actor: User, now: datetime) -> None:
    """Give a case to another who may chase; the clock's time so far stays with who had it.

    Invalid: chaser_missing, reason_missing; Conflict: chaser_has_it.
    """
    case = _to_chase(number, actor)
    to = next((user for user in possible_owners(case.account_id) if user.id == to_id), None)
    if to is None:
        raise Invalid("chaser_missing", field="owner_id")
    if not reason.strip():
        raise Invalid("reason_missing", field="reason")
    if case.owner_id == to.id:
        raise Conflict("chaser_has_it", field="owner_id")
    had_owner = case.owner_id is not None
    changes = audit.change(case, owner_id=to.id)
    entry = chase.add_entry(
        case, ChaseKind.REASSIGNED, actor=actor, now=now, text=squeeze(reason), changes=changes
    )
    matter = chase.matter_of(case)
    if had_owner:
        sla.hand_over(matter, to_id=to.id, at=now, actor=actor, now=now)
    else:
        sla.start(matter, ClockStep.COVER_CHASE, holder_id=to.id, at=now, actor=actor, now=now)
    changes["reason"] = (None, squeeze(reason))
    audit.record("missed_cover_reassigned", case, actor=actor, now=now, changes=changes)
    _tell_owner("missed_cover_assigned", case, actor, f"{case.id}:{entry.id}", now)


def possible_owners(account_id: int) -> list[User]:
    """Who may chase a case of an account: its underwriters and managers."""
    return access.account_members(account_id, Role.UNDERWRITER, Role.MANAGER)


def declare_stopped(number: str, how: OffRoad | None, reason: str, *, actor: User, now: datetime) -> None:
    """Take the vehicle off the road, which ends the case. Invalid: off_road_missing, reason_missing."""
    case = _to_chase(number, actor)
    if how is None:
        raise Invalid("off_road_missing", field="how")
    if not reason.strip():
        raise Invalid("reason_missing", field="reason")
    vehicle = db.session.scalars(select(Vehicle).where(Vehicle.id == case.vehicle_id).with_for_update()).one()
    state = VehicleState(how.value)
    vehicles.set_state(vehicle.id, state, reason, vehicle.version, actor=actor, now=now)
    chase.close(case, CaseState.STOPPED, actor=actor, now=now, reason=squeeze(reason), vehicle_state=state)


def note_cover(number: str, noted: NotedCover, *, actor: User, now: datetime) -> bool:
    """Write down cover of another insurer; answers whether the vehicle is covered now, which closes the case.

    Invalid: line_missing, insurer_missing, cover_ends_before, cover_not_now, cover_known_later.
    """
    case = _to_chase(number, actor)
    line = noted.line
    if line is None:
        raise Invalid("line_not_chosen", field="line")
    if not noted.insurer.strip():
        raise Invalid("insurer_missing", field="insurer")
    if noted.last_day < noted.first_day:
        raise Invalid("cover_ends_before", field="last_day")
    starts_at, ends_at = start_of_day(noted.first_day), end_of_day(noted.last_day)
    if ends_at <= now:
        raise Invalid("cover_not_now", field="last_day")
    row = db.session.scalar(
        select(ExternalCover)
        .where(ExternalCover.vehicle_id == case.vehicle_id, ExternalCover.line == line)
        .with_for_update()
    )
    if row is not None and row.ends_at > ends_at:
        # One row a line: what is known to last longer must not be lost.
        raise Invalid("cover_known_later", field="last_day", day=last_covered_day(row.ends_at).isoformat())
    if row is None:
        row = ExternalCover(account_id=case.account_id, vehicle_id=case.vehicle_id, line=line)
        db.session.add(row)
    values = {"starts_at": starts_at, "ends_at": ends_at, "insurer": squeeze(noted.insurer)}
    changes = audit.change(row, **values, number=squeeze(noted.number), source=CoverSource.OTHER_INSURER)
    row.noted_at = now
    audit.record("external_cover_noted", row, actor=actor, now=now, label=case.vehicle_name, changes=changes)
    told = {
        "line": (None, line.value),
        "first_day": (None, noted.first_day.isoformat()),
        "last_day": (None, noted.last_day.isoformat()),
    }
    chase.add_entry(
        case,
        ChaseKind.COVER_NOTED,
        actor=actor,
        now=now,
        text=" ".join(part for part in (row.insurer, row.number) if part),
        changes=told,
    )
    return bool(chase.settle([case.vehicle_id or 0], actor=actor, now=now))


def _to_chase(number: str, actor: User) -> MissedCoverCase:
    access.require(actor, Action.CHASE_COVER)
    return _open_locked(number, actor)


def _open_locked(number: str, actor: User) -> MissedCoverCase:
    """An open case, held. Conflict: missed_cover_closed, when somebody or the watch was quicker."""
    case = get_case(number, actor=actor)
    db.session.refresh(case, with_for_update=True)
    if case.state is not CaseState.OPEN:
        raise Conflict("missed_cover_closed", state=case.state.value)
    return case


def _tell_owner(kind: str, case: MissedCoverCase, actor: User, dedupe: str, now: datetime) -> None:
    owner = db.session.get(User, case.owner_id) if case.owner_id else None
    if owner is None or owner.id == actor.id:
        return
    params = {
        "url": f"/renewals/missed/{case.number}",
        "number": case.number,
        "plate": case.vehicle_name,
        "name": actor.name,
    }
    notices.queue(
        kind,
        notices.user_recipient(owner),
        params,
        dedupe=f"{kind}:{dedupe}",
        now=now,
        matter=chase.matter_of(case),
    )
