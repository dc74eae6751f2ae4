"""Who is away and who answers for them: read for every page, and asked whenever somebody gets a clock."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import aliased

from service_desk.models.db import db, table_of
from service_desk.models.sla import Absence, Timer
from service_desk.models.users import User, UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Role
from service_desk.rules.sla import EventKind
from service_desk.rules.sla.absences import AwayTimes, Window
from service_desk.services import access
from service_desk.services.sla import ledger

# What the work on a matter asks for; claims where nothing is said.
_WORK = {
    "enquiry": Action.ANSWER_ENQUIRIES,
    "breach": Action.REVIEW_BREACHES,
    "missed_cover": Action.CHASE_COVER,
}
# A new vehicle is approved at the client and insured at the desk.
_WORK_OF_STEP = {
    ClockStep.VEHICLE_APPROVAL: Action.APPROVE_VEHICLE_REQUEST,
    ClockStep.VEHICLE_ISSUE: Action.ISSUE_POLICIES,
}


# Made once: an alias works its columns out anew, and each start of a clock asks.
_PERSON, _SUBSTITUTE = aliased(User), aliased(User)
_ABSENCES = table_of(Absence).c
_IS_AWAY = (
    _ABSENCES.user_id.in_(bindparam("people", expanding=True)),
    _ABSENCES.next_change_at.is_not(None),
    _ABSENCES.from_at <= bindparam("now"),
)
_ANYBODY = select(_ABSENCES.id).where(*_IS_AWAY).limit(1)
_MAY_BE_AWAY = exists().where(
    _ABSENCES.user_id == User.id, _ABSENCES.next_change_at.is_not(None), _ABSENCES.from_at <= bindparam("now")
)
_STAFF = access.MEMBERS_IN.add_columns(_MAY_BE_AWAY)
_AWAY = (
    select(Absence, _PERSON, _SUBSTITUTE)
    .join(_PERSON, _PERSON.id == Absence.user_id)
    .join(_SUBSTITUTE, _SUBSTITUTE.id == Absence.substitute_id)
    .where(*_IS_AWAY)
    .order_by(Absence.from_at, Absence.id)
)


@dataclass(frozen=True)
class Away:
    """Somebody is away now, until the end of this window; `substitute` answers."""

    absence: Absence
    user: User
    substitute: User
    window: Window


def times_of(absence: Absence) -> AwayTimes:
    """When an absence is, as the rules read it."""
    return AwayTimes(absence.from_at, absence.to_at, absence.repeats_until_on)


def away_now(user_ids: Collection[int], now: datetime) -> dict[int, Away]:
    """Those of some people who are away at `now`, with who answers for them. One query, two when there are some."""
    asked = {"people": [user_id for user_id in set(user_ids) if user_id], "now": now}
    # What is pending counts too; then the ids alone, for mostly nobody is away and the people are not needed.
    db.session.flush()
    if not asked["people"] or db.session.execute(_ANYBODY, asked).first() is None:
        return {}
    found = {}
    for absence, who, stand_in in db.session.execute(_AWAY, asked).tuples():
        window = times_of(absence).window_at(now)
        if window is not None:
            found[who.id] = Away(absence, who, stand_in, window)
    return found


def staff_and_away(account_id: int, role: Role, now: datetime) -> tuple[list[User], Collection[int]]:
    """The active users of an account in a role, by staff number, and the ids of those who are away.

    One query; two more when one of them may be away.
    """
    asked = {"account_id": account_id, "roles": [role], "now": now}
    rows = db.session.execute(_STAFF, asked).tuples().all()
    return [user for user, _ in rows], away_now([user.id for user, may_be in rows if may_be], now)


def stand_in_for(user_id: int, at: datetime) -> User | None:
    """Who gets the clocks of a person at an instant; None when the person is there to hold them."""
    away = away_now([user_id], at).get(user_id)
    return able_stand_in(away.absence) if away else None


def able_stand_in(absence: Absence) -> User | None:
    """The substitute; a manager of the absent person's account where the substitute's login is closed."""
    substitute = db.session.get_one(User, absence.substitute_id)
    if substitute.is_active:
        return substitute
    accounts = select(UserAccount.account_id).where(UserAccount.user_id == absence.user_id)
    managers = (
        select(User)
        .join(UserAccount, UserAccount.user_id == User.id)
        .where(
            UserAccount.account_id.in_(accounts),
            User.is_active,
            User.role == Role.MANAGER,
            User.id != absence.user_id,
        )
        .order_by(User.staff_no, User.id)
    )
    return db.session.scalar(managers.limit(1))


def cover(timers: Collection[Timer], *, now: datetime) -> None:
    """Give clocks on to the stand-in of a new holder who is away now, from when both are so."""
    away = away_now({timer.holder_id for timer in timers}, now)
    stand_ins = {user_id: able_stand_in(one.absence) for user_id, one in away.items()}
    for timer in timers:
        one, substitute = away.get(timer.holder_id), stand_ins.get(timer.holder_id)
        if one is not None and substitute is not None:
            give(timer, substitute, since=one.window.from_at, now=now)


def give(timer: Timer, substitute: User, *, since: datetime, now: datetime) -> bool:
    """Let a substitute hold a clock since then, but not before its last entry; False where they may not do the work."""
    if timer.holder_id == substitute.id or not may_take(substitute, timer):
        return False
    ledger.add_entry(
        timer,
        EventKind.SUBSTITUTE,
        holder_id=substitute.id,
        at=max(since, last_at(timer)),
        actor=None,
        now=now,
    )
    return True


def last_at(timer: Timer) -> datetime:
    """When the last entry of a ledger took place."""
    return max(entry.at for entry in ledger.entries_of([timer.id])[timer.id])


def may_take(user: User, timer: Timer) -> bool:
    """Whether a person may do the work a clock measures, on the account it belongs to."""
    serves = db.session.scalar(
        access.visible(user, Action.READ_CLOCKS, select(Timer.id).where(Timer.id == timer.id), Timer)
    )
    return serves is not None and access.may(user, work_of(timer))


def work_of(timer: Timer) -> Action:
    """What somebody must be allowed to do to work on what the clock is about."""
    return _WORK_OF_STEP.get(timer.step) or _WORK.get(timer.matter_kind, Action.HANDLE_CLAIMS)
