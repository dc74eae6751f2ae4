"""What an absence does to clocks: they go over when it begins and come back when it ends, at the true instants."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import or_, select, update

from service_desk.models.db import db
from service_desk.models.sla import Absence, Timer
from service_desk.models.users import User, UserAccount
from service_desk.rules.sla import EventKind
from service_desk.rules.sla.absences import Window
from service_desk.services import access, audit, duty, notices
from service_desk.services.sla import ledger, standing_in, timers
from service_desk.services.sla.standing_in import able_stand_in, give, last_at, times_of

log = structlog.get_logger()

# A message lists so many clocks and counts the rest.
LISTED = 20


def list_due(now: datetime) -> list[tuple[int, datetime]]:
    """The absences that begin or end by `now`, with when, in order; of one instant the ends come first."""
    statement = (
        select(Absence.id, Absence.next_change_at)
        .where(Absence.next_change_at <= now)
        .order_by(Absence.next_change_at, Absence.has_begun.desc(), Absence.id)
    )
    return [(absence_id, due_at) for absence_id, due_at in db.session.execute(statement).tuples() if due_at]


def list_without_stand_in() -> list[int]:
    """The absences that last and whose substitute's login was closed."""
    statement = select(Absence.id).join(User, User.id == Absence.substitute_id)
    return list(db.session.scalars(statement.where(Absence.has_begun, User.is_active.is_(False))))


def list_by_roster() -> list[int]:
    """The absences that last and are covered by the roster."""
    statement = select(Absence.id).where(Absence.has_begun, Absence.substitute_id.is_(None))
    return list(db.session.scalars(statement.order_by(Absence.id)))


def make_change(absence_id: int, due_at: datetime, now: datetime) -> bool:
    """Begin or end an absence as was due at `due_at`; False when another worker has.

    One conditional UPDATE takes the row until the unit of work ends: another worker waits for it, and then
    finds another instant there. A worker that dies leaves the row as it was.
    """
    taken = db.session.execute(
        update(Absence)
        .where(Absence.id == absence_id, Absence.next_change_at == due_at)
        .values(version=Absence.version + 1)
        .execution_options(synchronize_session=False)
    )
    if not taken.rowcount:  # type: ignore[attr-defined]
        return False
    change(db.session.get_one(Absence, absence_id, populate_existing=True), now)
    return True


def change(absence: Absence, now: datetime) -> None:
    """Begin an absence, let duty change in it, or end it, whichever comes next."""
    if not absence.has_begun:
        _begin(absence, now)
        return
    window = _lasting(absence)
    if window is None:
        _end(absence, now)
    else:
        _hand_on(absence, window, absence.next_change_at or now, now)


def end_early(absence: Absence, now: datetime) -> None:
    """Give back now what is covered, when the absence lasts."""
    # The job may not have been here yet: who got a clock meanwhile passed it on at once.
    if absence.has_begun or times_of(absence).window_at(now):
        _give_back(absence, now, now, is_over=True)
    absence.has_begun = False


def follow_roster(absence_id: int, now: datetime) -> None:
    """Follow a roster that was changed while somebody it covers is away: the clocks go to who is on duty now."""
    absence = db.session.get_one(Absence, absence_id, with_for_update=True, populate_existing=True)
    window = times_of(absence).window_at(now)
    if absence.has_begun and absence.substitute_id is None and window is not None:
        _hand_on(absence, window, now, now)


def pass_on(absence: Absence, now: datetime) -> None:
    """Give the clocks that are covered to a new substitute, and tell them."""
    window = times_of(absence).window_at(now)
    if absence.substitute_id is None:
        if window is not None:
            _hand_on(absence, window, now, now)
        return
    if window is not None:
        absence.next_change_at = window.to_at
    substitute = db.session.get_one(User, absence.substitute_id)
    covered = _open(Timer.covered_id == absence.user_id, Timer.holder_id != substitute.id)
    _tell_all(absence, substitute, _given(covered, substitute, now, now), now, now)


def replace_stand_in(absence_id: int, now: datetime) -> None:
    """Let a manager stand in where the substitute's login was closed; without one the clocks stay."""
    absence = db.session.get_one(Absence, absence_id, with_for_update=True, populate_existing=True)
    if absence.has_begun and _use_able_stand_in(absence, now):
        pass_on(absence, now)


def tell_plan(absence: Absence, kind: str, *, actor: User, now: datetime, also: int | None = None) -> None:
    """Tell who is away and who stands in what was planned or changed, except whoever did it."""
    ids = {absence.user_id, absence.substitute_id, also} - {actor.id, None}
    for user in db.session.scalars(select(User).where(User.id.in_(ids), User.is_active).order_by(User.id)):
        params = _params(absence) | {"is_absent": user.id == absence.user_id}
        _queue(kind, user, params, f"{kind}:{absence.id}:{now:%Y%m%dT%H%M%S}", now)


def _begin(absence: Absence, now: datetime) -> None:
    window = next(one for one in times_of(absence).windows() if one.from_at == absence.next_change_at)
    absence.has_begun, absence.next_change_at = True, window.to_at
    _use_able_stand_in(absence, now)
    if absence.substitute_id is None:
        _record("absence_began", absence, _hand_on(absence, window, window.from_at, now), now)
        return
    substitute = db.session.get_one(User, absence.substitute_id)
    if not substitute.is_active:
        log.warning("nobody_stands_in", absence_id=absence.id)
        return
    held = [timer for timer in _open(Timer.holder_id == absence.user_id) if last_at(timer) < window.to_at]
    given = _given(held, substitute, window.from_at, now)
    _record("absence_began", absence, len(given), now)
    if window.holds(now):
        _tell_all(absence, substitute, given, window.from_at, now)


def _lasting(absence: Absence) -> Window | None:
    """The time away in which the roster's duty changes next; None when what comes next is its end."""
    if absence.substitute_id is not None or absence.next_change_at is None:
        return None
    return times_of(absence).window_at(absence.next_change_at)


def _hand_on(absence: Absence, window: Window, at: datetime, now: datetime) -> int:
    """Give the clocks of somebody whom the roster covers to who answers since `at`; how many went over.

    A clock that nobody who answers may work on stays where it is. The next change is when duty changes.
    """
    boundary = duty.next_change(standing_in.accounts_of([absence.user_id])[absence.user_id], at)
    absence.next_change_at = min(boundary, window.to_at) if boundary else window.to_at
    of_person = or_(Timer.holder_id == absence.user_id, Timer.covered_id == absence.user_id)
    # Only long after its end can a clock have an entry that is later still.
    is_lasting = window.to_at > now
    clocks = [timer for timer in _open(of_person) if is_lasting or last_at(timer) < window.to_at]
    able = standing_in.answering_at({timer.account_id for timer in clocks}, at)
    given: dict[int, list[Timer]] = {}
    for timer in clocks:
        before = timers.shown(timer)
        if standing_in.give_to_first(timer, able[timer.account_id], since=at, now=now):
            timers.keep_audit("clock_covered", timer, before, None, now)
            given.setdefault(timer.holder_id, []).append(timer)
    answering = {user.id for people in able.values() for user in people}
    if window.holds(now):
        for user_id, taken in given.items():
            user, is_complaint = db.session.get_one(User, user_id), user_id not in answering
            _tell_stand_in(absence, user, taken, at, now, is_complaint=is_complaint)
    return sum(map(len, given.values()))


def _end(absence: Absence, now: datetime) -> None:
    ended_at = absence.next_change_at or now
    returned = _give_back(absence, ended_at, now)
    upcoming = times_of(absence).window_after(ended_at)
    absence.has_begun, absence.next_change_at = False, upcoming.from_at if upcoming else None
    _record("absence_ended", absence, len(returned), now)


def _use_able_stand_in(absence: Absence, now: datetime) -> bool:
    """Name a manager where the substitute cannot stand in; whether that changed anything."""
    substitute = able_stand_in(absence)
    if substitute is None or substitute.id == absence.substitute_id:
        return False
    changes = audit.change(absence, substitute_id=substitute.id)
    name = db.session.get_one(User, absence.user_id).name
    audit.record("absence_changed", absence, actor=None, now=now, label=name, changes=changes)
    return True


def _given(held: Iterable[Timer], substitute: User, since: datetime, now: datetime) -> list[Timer]:
    given = []
    for timer in held:
        before = timers.shown(timer)
        if give(timer, substitute, since=since, now=now):
            timers.keep_audit("clock_covered", timer, before, None, now)
            given.append(timer)
    return given


def _give_back(absence: Absence, ended_at: datetime, now: datetime, *, is_over: bool = False) -> list[Timer]:
    """Return the clocks covered for somebody; unless all is over, not those given on in a later time away."""
    owner = db.session.get_one(User, absence.user_id)
    if not owner.is_active:
        return []
    returned = []
    for timer in _open(Timer.covered_id == owner.id):
        if not is_over and _covered_since(timer) >= ended_at:
            continue
        before = timers.shown(timer)
        at = max(ended_at, last_at(timer))
        ledger.add_entry(timer, EventKind.RETURN, holder_id=owner.id, at=at, actor=None, now=now)
        timers.keep_audit("clock_returned", timer, before, None, now)
        returned.append(timer)
    _tell_returned(absence, owner, returned, ended_at, now)
    return returned


def _covered_since(timer: Timer) -> datetime:
    entries = ledger.entries_of([timer.id])[timer.id]
    return max(entry.at for entry in entries if entry.kind is EventKind.SUBSTITUTE)


def _open(*conditions: Any) -> Sequence[Timer]:
    """Open clocks, locked: nobody stops one while it changes hands."""
    statement = select(Timer).where(Timer.state.in_(ledger.OPEN_STATES), *conditions)
    return db.session.scalars(
        statement.order_by(Timer.id).with_for_update().execution_options(populate_existing=True)
    ).all()


def _tell_all(
    absence: Absence, substitute: User, given: Sequence[Timer], since: datetime, now: datetime
) -> None:
    """Tell the substitute what came to them, and of a complaint about them who has its clock instead."""
    own = [timer for timer in given if timer.holder_id == substitute.id]
    _tell_stand_in(absence, substitute, own, since, now)
    others = {timer.holder_id for timer in given} - {substitute.id}
    for user_id in sorted(others):
        taken = [timer for timer in given if timer.holder_id == user_id]
        _tell_stand_in(absence, db.session.get_one(User, user_id), taken, since, now, is_complaint=True)


def _tell_stand_in(
    absence: Absence,
    stand_in: User,
    given: Sequence[Timer],
    since: datetime,
    now: datetime,
    *,
    is_complaint: bool = False,
) -> None:
    """One message, however many clocks; a mail only where there are some.

    `is_complaint`: they have these alone, since the substitute is whom they are about.
    """
    dedupe = f"standing_in:{absence.id}:{since:%Y%m%dT%H%M%S}"
    params = _params(absence) | _listed(given) | {"is_complaint": is_complaint}
    _queue("standing_in", stand_in, params, dedupe, now, mail=bool(given))


def _tell_returned(
    absence: Absence, owner: User, returned: Sequence[Timer], ended_at: datetime, now: datetime
) -> None:
    dedupe = f"clocks_returned:{absence.id}:{ended_at:%Y%m%dT%H%M%S}"
    params = _params(absence) | _listed(returned)
    _queue("clocks_returned", owner, params, dedupe, now, mail=bool(returned))


def _queue(
    kind: str, user: User, params: dict[str, Any], dedupe: str, now: datetime, *, mail: bool = True
) -> None:
    first_account = select(UserAccount.account_id).where(UserAccount.user_id == user.id)
    account_id = db.session.scalar(first_account.order_by(UserAccount.account_id).limit(1))
    notices.queue(
        kind,
        notices.user_recipient(user),
        params,
        dedupe=dedupe,
        now=now,
        account_id=account_id,
        mail=mail,
        # No group reads that there is a complaint about one of its own.
        is_shared=not access.hidden_from([one["number"] for one in params.get("clocks", ())]),
    )


def _params(absence: Absence) -> dict[str, Any]:
    """What every message about an absence says; instants are ISO strings. Why somebody is away is theirs."""
    user = db.session.get_one(User, absence.user_id)
    substitute = db.session.get(User, absence.substitute_id) if absence.substitute_id else None
    ends_at = absence.next_change_at if absence.has_begun and substitute else absence.to_at
    return {
        "url": "/absences",
        "name": user.name,
        "staff_no": user.staff_no,
        "substitute": substitute.name if substitute else "",
        "substitute_no": substitute.staff_no if substitute else "",
        "from_at": absence.from_at.isoformat(),
        "to_at": (ends_at or absence.to_at).isoformat(),
        "repeats_until": absence.repeats_until_on.isoformat() if absence.repeats_until_on else None,
    }


def _listed(clocks: Sequence[Timer]) -> dict[str, Any]:
    return {
        "count": len(clocks),
        "clocks": [
            {
                "number": timer.matter_number,
                "step": timer.step.value,
                "due_at": timer.due_at.isoformat() if timer.due_at else None,
            }
            for timer in clocks[:LISTED]
        ],
    }


def _record(action: str, absence: Absence, clocks: int, now: datetime) -> None:
    name = db.session.get_one(User, absence.user_id).name
    audit.record(action, absence, actor=None, now=now, label=name, changes={"clocks": (None, clocks)})
