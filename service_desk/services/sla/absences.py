"""Planning who is away and who stands in, and what people hear of it. What happens to clocks: `covering.py`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import aliased

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.sla import Absence, AbsenceKind
from service_desk.models.users import User, UserAccount
from service_desk.rules.duty import Span
from service_desk.rules.permissions import CLIENT_ROLES, Action, Scope, may
from service_desk.rules.sla.absences import AwayTimes, Window, check_times, common_window
from service_desk.rules.sla.history import whole_second
from service_desk.services import access, audit, duty
from service_desk.services.sla import covering, standing_in
from service_desk.services.sla.standing_in import times_of

# Who stands in must be able to do the same work.
_WORK = (Action.HANDLE_CLAIMS, Action.ANSWER_ENQUIRIES)
SHOWN_AFTER = timedelta(days=30)
_SHOWN = ("user_id", "substitute_id", "kind", "from_at", "to_at", "repeats_until_on")


@dataclass(frozen=True)
class PlanAbsence:
    """Who is away from when to when, and who stands in: None is whoever is on duty by the roster.

    With `repeats_until_on` the same hours every day.
    """

    user_id: int
    substitute_id: int | None
    kind: AbsenceKind
    from_at: datetime
    to_at: datetime
    repeats_until_on: date | None = None
    note: str = ""

    @property
    def times(self) -> AwayTimes:
        return AwayTimes(whole_second(self.from_at), whole_second(self.to_at), self.repeats_until_on)


@dataclass(frozen=True)
class AbsenceRow:
    """A line of a list; `is_open` while it is to come or lasts."""

    absence: Absence
    user: User
    substitute: User | None

    @property
    def is_open(self) -> bool:
        return self.absence.next_change_at is not None


def plan(command: PlanAbsence, *, actor: User, now: datetime) -> Absence:
    """Enter an absence: one's own, or as a manager that of one's people. Clocks go over when it begins.

    Invalid: absence_ends_first, absence_past, absence_over, absence_too_long, absence_repeats_too_early,
    absence_repeats_too_long, absence_overlaps, absence_while_standing_in, substitute_self, substitute_unknown,
    substitute_other_account, substitute_other_work, substitute_away, roster_empty.
    """
    access.require(actor, Action.PLAN_ABSENCES)
    user = _get_person(command.user_id, actor)
    times = command.times
    check_times(times, now)
    _lock(command.user_id, command.substitute_id)
    _check_person(user, times, now)
    _check_cover(user, command.substitute_id, times, now)
    absence = Absence(
        user_id=user.id,
        substitute_id=command.substitute_id,
        kind=command.kind,
        from_at=times.from_at,
        to_at=times.to_at,
        repeats_until_on=times.repeats_until_on,
        next_change_at=times.from_at,
        note=command.note.strip(),
        entered_by_id=actor.id,
        entered_at=now,
    )
    db.session.add(absence)
    changes = {name: (None, getattr(absence, name)) for name in _SHOWN}
    audit.record("absence_planned", absence, actor=actor, now=now, label=user.name, changes=changes)
    covering.tell_plan(absence, "absence_planned", actor=actor, now=now)
    if absence.from_at <= now:
        covering.change(absence, now)
    return absence


def cancel(absence_id: int, version: int, *, actor: User, now: datetime) -> Absence:
    """Call an absence off, or end it early: the clocks that were covered go back at once."""
    absence = get_absence(absence_id, actor=actor, version=version)
    covering.end_early(absence, now)
    absence.cancelled_at, absence.next_change_at = now, None
    changes = {"cancelled_at": (None, now)}
    _record("absence_cancelled", absence, changes, actor, now)
    covering.tell_plan(absence, "absence_cancelled", actor=actor, now=now)
    return absence


def change_end(absence_id: int, to_at: datetime, version: int, *, actor: User, now: datetime) -> Absence:
    """Let an absence that does not repeat last longer or shorter; it cannot end in the past.

    Invalid: absence_repeats, absence_ends_first, absence_over, absence_too_long, absence_overlaps,
    absence_while_standing_in, substitute_away.
    """
    absence = get_absence(absence_id, actor=actor, version=version)
    if absence.repeats_until_on is not None:
        raise Invalid("absence_repeats", field="to_at")
    times = AwayTimes(absence.from_at, whole_second(to_at))
    check_times(times, min(now, absence.from_at))
    if times.to_at <= now:
        raise Invalid("absence_over", field="to_at")
    user = db.session.get_one(User, absence.user_id)
    _lock(absence.user_id, absence.substitute_id)
    _check_person(user, times, now, but=absence.id)
    _check_cover(user, absence.substitute_id, times, now)
    changes = audit.change(absence, to_at=times.to_at)
    if absence.has_begun:
        absence.next_change_at = times.to_at
        if absence.substitute_id is None:
            covering.pass_on(absence, now)
    _record("absence_changed", absence, changes, actor, now)
    covering.tell_plan(absence, "absence_changed", actor=actor, now=now)
    return absence


def name_another(
    absence_id: int, substitute_id: int | None, version: int, *, actor: User, now: datetime
) -> Absence:
    """Let another person, or None the roster, stand in from now on; the clocks that are covered go over at once.

    Invalid: substitute_self, substitute_unknown, substitute_other_account, substitute_other_work,
    substitute_away, roster_empty.
    """
    absence = get_absence(absence_id, actor=actor, version=version)
    user = db.session.get_one(User, absence.user_id)
    _lock(absence.user_id, substitute_id)
    _check_cover(user, substitute_id, times_of(absence), now)
    former_id = absence.substitute_id
    changes = audit.change(absence, substitute_id=substitute_id)
    if changes and absence.has_begun:
        covering.pass_on(absence, now)
    _record("absence_changed", absence, changes, actor, now)
    covering.tell_plan(absence, "absence_changed", actor=actor, now=now, also=former_id)
    return absence


def get_absence(absence_id: int, *, actor: User, version: int) -> Absence:
    """One's own absence or one of one's people, still open, locked; Conflict when it changed meanwhile."""
    access.require(actor, Action.PLAN_ABSENCES)
    absence = db.session.get(Absence, absence_id, with_for_update=True, populate_existing=True)
    if absence is None:
        raise NotFound("not_found")
    _get_person(absence.user_id, actor)
    if absence.version != version:
        raise Conflict("stale")
    if absence.next_change_at is None:
        raise Conflict("absence_ended")
    return absence


def list_mine(*, actor: User, now: datetime) -> list[AbsenceRow]:
    """One's own absences: those to come and that last, then those of the last weeks."""
    access.require(actor, Action.PLAN_ABSENCES)
    return _listed(Absence.user_id == actor.id, now)


def list_covered(*, actor: User, now: datetime) -> list[AbsenceRow]:
    """The absences in which one stands in."""
    access.require(actor, Action.PLAN_ABSENCES)
    return [row for row in _listed(Absence.substitute_id == actor.id, now) if row.is_open]


def list_of_people(*, actor: User, now: datetime) -> list[AbsenceRow]:
    """The absences of a manager's people, one's own not among them; empty for others."""
    others = [user.id for user in people_of(actor) if user.id != actor.id]
    return _listed(Absence.user_id.in_(others), now)


def people_of(actor: User) -> list[User]:
    """Whose absences one may plan: one's own, a manager's also the insurer's people of the same accounts."""
    access.require(actor, Action.PLAN_ABSENCES)
    if not access.may(actor, Action.MANAGE_CLOCKS):
        return [actor]
    serving = select(User).where(User.is_active, User.role.not_in(CLIENT_ROLES))
    if access.require(actor, Action.MANAGE_CLOCKS) is not Scope.ALL:
        own = select(UserAccount.account_id).where(UserAccount.user_id == actor.id)
        with_us = select(UserAccount.user_id).where(UserAccount.account_id.in_(own))
        serving = serving.where(User.id.in_(with_us))
    return list(db.session.scalars(serving.order_by(User.staff_no, User.id)))


def possible_substitutes(users: Collection[User]) -> dict[int, list[User]]:
    """Who may stand in for each of some people: active, on all the same accounts, able to do the same work."""
    active = select(User).where(User.is_active, User.role.not_in(CLIENT_ROLES))
    colleagues = db.session.scalars(active.order_by(User.staff_no, User.id)).all()
    accounts = standing_in.accounts_of([user.id for user in (*users, *colleagues)])
    return {
        user.id: [
            one
            for one in colleagues
            if one.id != user.id and accounts[user.id] <= accounts[one.id] and not _lacking(user, one)
        ]
        for user in users
    }


def _listed(whose: ColumnElement[bool], now: datetime) -> list[AbsenceRow]:
    person, substitute = aliased(User), aliased(User)
    recent = or_(Absence.next_change_at.is_not(None), Absence.to_at > now - SHOWN_AFTER)
    statement = (
        select(Absence, person, substitute)
        .join(person, person.id == Absence.user_id)
        .outerjoin(substitute, substitute.id == Absence.substitute_id)
        .where(whose, recent)
        .order_by(Absence.next_change_at.is_(None), Absence.from_at, Absence.id)
        .limit(200)
    )
    return [AbsenceRow(*row) for row in db.session.execute(statement).tuples()]


def _get_person(user_id: int, actor: User) -> User:
    for user in people_of(actor):
        if user.id == user_id:
            return user
    raise NotFound("not_found")


def _lock(*user_ids: int | None) -> None:
    """Two plans about the same people are made one after the other, or each could miss the other.

    Their keys stay free: the sweep, which holds clocks this may want next, goes on writing rows that name them.
    """
    statement = select(User.id).where(User.id.in_(user_ids)).order_by(User.id)
    db.session.execute(statement.with_for_update(key_share=True)).all()


def _check_person(user: User, times: AwayTimes, now: datetime, *, but: int = 0) -> None:
    for other in _open_absences(Absence.user_id == user.id, Absence.id != but):
        window = common_window(times, times_of(other), after=now)
        if window is not None:
            raise Invalid("absence_overlaps", field="from_at", at=window.from_at)
    for other in _open_absences(Absence.substitute_id == user.id):
        window = common_window(times, times_of(other), after=now)
        if window is not None:
            who = db.session.get_one(User, other.user_id).name
            raise Invalid("absence_while_standing_in", field="from_at", who=who, at=window.from_at)


def check_cover(absence: Absence, substitute_id: int, now: datetime) -> None:
    """Refuse who cannot stand in for what is left of an absence. Invalid as for `name_another`."""
    _lock(absence.user_id, substitute_id)
    _check_cover(db.session.get_one(User, absence.user_id), substitute_id, times_of(absence), now)


def _check_cover(user: User, substitute_id: int | None, times: AwayTimes, now: datetime) -> None:
    """Refuse a stand-in who cannot, and the roster where nobody is on it in that time."""
    if substitute_id is not None:
        _check_substitute(user, db.session.get(User, substitute_id), times, now)
        return
    accounts = standing_in.accounts_of([user.id])[user.id]
    if not any(duty.has_shifts(accounts, Span(one.from_at, one.to_at)) for one in _ahead(times, now)):
        raise Invalid("roster_empty", field="substitute_id")


def _ahead(times: AwayTimes, now: datetime) -> list[Window]:
    """The first and the last time away that are still to come: enough to know that a roster was made."""
    windows = [one for one in times.windows() if one.to_at > now]
    return [windows[0], windows[-1]] if windows else []


def _check_substitute(user: User, substitute: User | None, times: AwayTimes, now: datetime) -> None:
    if substitute is None or not substitute.is_active or substitute.role in CLIENT_ROLES:
        raise Invalid("substitute_unknown", field="substitute_id")
    if substitute.id == user.id:
        raise Invalid("substitute_self", field="substitute_id")
    accounts = standing_in.accounts_of([user.id, substitute.id])
    if accounts[user.id] and accounts[user.id].isdisjoint(accounts[substitute.id]):
        # Nobody learns a name by sending the number of somebody they never work with.
        raise Invalid("substitute_unknown", field="substitute_id")
    if not accounts[user.id] <= accounts[substitute.id]:
        raise Invalid("substitute_other_account", field="substitute_id", who=substitute.name)
    if _lacking(user, substitute):
        raise Invalid("substitute_other_work", field="substitute_id", who=substitute.name)
    for other in _open_absences(Absence.user_id == substitute.id):
        window = common_window(times, times_of(other), after=now)
        if window is not None:
            raise Invalid("substitute_away", field="substitute_id", who=substitute.name, at=window.from_at)


def _open_absences(*conditions: ColumnElement[bool]) -> Sequence[Absence]:
    statement = select(Absence).where(Absence.next_change_at.is_not(None), *conditions)
    return db.session.scalars(statement.order_by(Absence.from_at, Absence.id)).all()


def _lacking(user: User, substitute: User) -> bool:
    return any(may(user.role, action) and not may(substitute.role, action) for action in _WORK)


def _record(
    action: str, absence: Absence, changes: dict[str, tuple[Any, Any]], actor: User, now: datetime
) -> None:
    name = db.session.get_one(User, absence.user_id).name
    audit.record(action, absence, actor=actor, now=now, label=name, changes=changes)
