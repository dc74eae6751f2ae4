"""Who is away and who answers for them: read for every page, and asked whenever somebody gets a clock."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased

from service_desk.models.db import db, table_of
from service_desk.models.sla import Absence, Timer
from service_desk.models.users import User, UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.duty import answering
from service_desk.rules.permissions import Action, Role
from service_desk.rules.sla import EventKind
from service_desk.rules.sla.absences import AwayTimes, Window
from service_desk.services import access, duty
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
_AWAY = (
    select(Absence, _PERSON, _SUBSTITUTE)
    .join(_PERSON, _PERSON.id == Absence.user_id)
    .outerjoin(_SUBSTITUTE, _SUBSTITUTE.id == Absence.substitute_id)
    .where(*_IS_AWAY)
    .order_by(Absence.from_at, Absence.id)
)


@dataclass(frozen=True)
class Away:
    """Somebody is away now, until the end of this window; `substitute` answers, None while nobody can."""

    absence: Absence
    user: User
    substitute: User | None
    window: Window

    @property
    def is_by_roster(self) -> bool:
        return self.absence.substitute_id is None


def times_of(absence: Absence) -> AwayTimes:
    """When an absence is, as the rules read it."""
    return AwayTimes(absence.from_at, absence.to_at, absence.repeats_until_on)


def away_now(user_ids: Collection[int], now: datetime, *, account_id: int | None = None) -> dict[int, Away]:
    """Those of some people who are away at `now`, with who answers for them. One query, two when there are some.

    Whom the roster covers has who is on duty for `account_id`, or for any account of theirs when None.
    """
    rows = _absent(user_ids, now)
    covered = [who.id for absence, who, _, _ in rows if absence.substitute_id is None]
    by_roster = _by_roster(covered, now, account_id) if covered else {}
    return {
        who.id: Away(absence, who, stand_in or by_roster.get(who.id), window)
        for absence, who, stand_in, window in rows
    }


def away_past(user_id: int, now: datetime, *, account_id: int, barred: int | None) -> Away | None:
    """Whether the owner of a matter is away and who answers for them: never `barred`, whom a complaint is about."""
    away = away_now([user_id], now, account_id=account_id).get(user_id)
    if away is None or away.substitute is None or away.substitute.id != barred:
        return away
    return replace(away, substitute=_hearing_instead(account_id, {user_id, barred}, now))


def away_ids(user_ids: Collection[int], now: datetime) -> set[int]:
    """Those of some people who are away at `now`."""
    return {who.id for _, who, _, _ in _absent(user_ids, now)}


def _absent(user_ids: Collection[int], now: datetime) -> list[tuple[Absence, User, User | None, Window]]:
    asked = {"people": [user_id for user_id in set(user_ids) if user_id], "now": now}
    # What is pending counts too; then the ids alone, for mostly nobody is away and the people are not needed.
    db.session.flush()
    if not asked["people"] or db.session.execute(_ANYBODY, asked).first() is None:
        return []
    found: list[tuple[Absence, User, User | None, Window]] = []
    for absence, who, stand_in in db.session.execute(_AWAY, asked).tuples():
        window = times_of(absence).window_at(now)
        if window is not None:
            found.append((absence, who, stand_in, window))
    return found


def away_of(members: Collection[duty.StaffMember], now: datetime) -> set[int]:
    """The ids of those of some members who are away; no query when none of them may be."""
    return away_ids([one.user.id for one in members if one.may_be_away], now)


def _by_roster(user_ids: Collection[int], now: datetime, account_id: int | None) -> dict[int, User]:
    """Who answers for people whom the roster covers, as far as somebody does."""
    accounts = accounts_of(user_ids)
    wanted = {one for ids in accounts.values() for one in ids} if account_id is None else {account_id}
    able = answering_at(wanted, now)
    found = {}
    for user_id in user_ids:
        of_user = sorted(accounts[user_id] & wanted)
        answers = [person for one in of_user for person in able[one] if person.id != user_id]
        if answers:
            found[user_id] = answers[0]
    return found


def accounts_of(user_ids: Collection[int]) -> dict[int, set[int]]:
    """The key accounts each of some people works for."""
    found: dict[int, set[int]] = {user_id: set() for user_id in user_ids}
    statement = select(UserAccount.user_id, UserAccount.account_id).where(UserAccount.user_id.in_(found))
    for user_id, account_id in db.session.execute(statement).tuples():
        found[user_id].add(account_id)
    return found


def answering_at(account_ids: Collection[int], at: datetime) -> dict[int, list[User]]:
    """Who answers for somebody whom the roster covers, for each account, the first choice first (`rules.duty`)."""
    on_duty = duty.on_duty(account_ids, at)
    managers = access.members_of_accounts(account_ids, Role.MANAGER)
    people = {one.user.id for rows in on_duty.values() for one in rows}
    away = away_ids(people | {user.id for rows in managers.values() for user in rows}, at)
    return {
        account_id: answering(
            [one.user for one in on_duty[account_id]],
            managers[account_id],
            id_of=lambda user: user.id,
            away=away,
        )
        for account_id in account_ids
    }


def stand_in_for(user_id: int, at: datetime, *, account_id: int, barred: int | None = None) -> User | None:
    """Who gets the clock of a person's matter at an instant; None when the person is there to hold it.

    Where that is `barred`, whom a complaint is about, it is who hears it instead.
    """
    away = away_now([user_id], at, account_id=account_id).get(user_id)
    if away is None:
        return None
    found = away.substitute if away.is_by_roster else able_stand_in(away.absence)
    is_barred = found is not None and found.id == barred
    return _hearing_instead(account_id, {user_id, barred}, at) if is_barred else found


def _hearing_instead(account_id: int, but: Collection[int | None], now: datetime) -> User | None:
    """Who answers a complaint where the stand-in is whom it is about: a manager who is here, else an administrator."""
    hearing = [*access.account_members(account_id, Role.MANAGER), *access.administrators()]
    away = away_ids([user.id for user in hearing], now)
    return next((user for user in hearing if user.id not in away and user.id not in but), None)


def able_stand_in(absence: Absence) -> User | None:
    """The substitute; a manager of the absent person's account where the substitute's login is closed."""
    substitute = db.session.get(User, absence.substitute_id) if absence.substitute_id else None
    if substitute is None or substitute.is_active:
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
    named = {user_id: able_stand_in(one.absence) for user_id, one in away.items() if not one.is_by_roster}
    for timer in timers:
        one = away.get(timer.holder_id)
        if one is None:
            continue
        if one.is_by_roster:
            give_to_first(timer, answering_at([timer.account_id], now)[timer.account_id], since=now, now=now)
            continue
        substitute = named.get(timer.holder_id)
        if substitute is not None:
            give(timer, substitute, since=one.window.from_at, now=now)


def give_to_first(timer: Timer, people: Collection[User], *, since: datetime, now: datetime) -> bool:
    """Let the first of some people who may do the work hold a clock; False when it stays where it is."""
    absent_id = timer.covered_id or timer.holder_id
    for user in people:
        if user.id == timer.holder_id:
            # Who is asked again and again in the same shift: nothing to look up.
            return False
        if user.id != absent_id and may_take(user, timer):
            return give(timer, user, since=since, now=now)
    # Somebody answers, but nobody who may: as where whoever is on duty is whom a complaint is about.
    return any(give(timer, user, since=since, now=now) for user in people if user.id != absent_id)


def give(timer: Timer, substitute: User, *, since: datetime, now: datetime) -> bool:
    """Let a substitute hold a clock since then, but not before its last entry; False where they may not do the work.

    The clock of a complaint about the substitute goes to who hears it instead.
    """
    if timer.holder_id == substitute.id:
        return False
    taker = substitute if may_take(substitute, timer) else _instead_of(substitute, timer, now)
    if taker is None or taker.id == timer.holder_id:
        return False
    ledger.add_entry(
        timer,
        EventKind.SUBSTITUTE,
        holder_id=taker.id,
        at=max(since, last_at(timer)),
        actor=None,
        now=now,
    )
    return True


def _instead_of(substitute: User, timer: Timer, now: datetime) -> User | None:
    barred = access.hidden_from([timer.matter_number]).get(timer.matter_number)
    if substitute.id != barred:
        return None
    taker = _hearing_instead(timer.account_id, {timer.covered_id or timer.holder_id, barred}, now)
    return taker if taker is not None and may_take(taker, timer) else None


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
