"""Who is on duty, and the roster as its pages show it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, exists, func, select

from service_desk.base.clock import end_of_day, local_date, start_of_day
from service_desk.base.errors import Conflict
from service_desk.base.paging import Page, PageRequest
from service_desk.models.db import db
from service_desk.models.duty import DutyShift
from service_desk.models.sla import Absence
from service_desk.models.users import User, UserAccount
from service_desk.rules.duty import Assigned, DutyKind, Problem, Span, problems
from service_desk.rules.permissions import Action, Role, Side
from service_desk.rules.sla.absences import AwayTimes
from service_desk.services import access
from service_desk.services.duty.hours import schedule_of

ON_DUTY_ROLES = (Role.UNDERWRITER, Role.CLAIMS, Role.MANAGER)
_REACH = timedelta(days=4)

# Made once: every home page asks, and each report of an accident.
_NOW = (
    select(DutyShift, User)
    .join(User, User.id == DutyShift.user_id)
    .where(
        DutyShift.account_id.in_(bindparam("account_ids", expanding=True)),
        DutyShift.to_at > bindparam("at"),
        DutyShift.from_at <= bindparam("at"),
        User.is_active,
    )
    .order_by(DutyShift.from_at.desc(), DutyShift.id)
)
_STAFF = (
    select(
        User,
        select(DutyShift.id)
        .where(
            DutyShift.account_id == bindparam("account_id"),
            DutyShift.user_id == User.id,
            DutyShift.to_at > bindparam("at"),
            DutyShift.from_at <= bindparam("at"),
        )
        .exists(),
        exists().where(
            Absence.user_id == User.id,
            Absence.next_change_at.is_not(None),
            Absence.from_at <= bindparam("at"),
        ),
    )
    .join(UserAccount, UserAccount.user_id == User.id)
    .where(
        UserAccount.account_id == bindparam("account_id"),
        User.is_active,
        User.role.in_(bindparam("roles", expanding=True)),
    )
    .order_by(User.staff_no, User.id)
)


@dataclass(frozen=True)
class OnDuty:
    """Somebody on duty, and their shift."""

    user: User
    shift: DutyShift


@dataclass(frozen=True)
class StaffMember:
    """Somebody of the desk: whether they are on duty, and whether an absence of theirs has begun and may last."""

    user: User
    is_on: bool
    may_be_away: bool


@dataclass(frozen=True)
class ShiftRow:
    """A line of the roster."""

    shift: DutyShift
    user: User


@dataclass(frozen=True)
class Load:
    """How many shifts of each kind somebody has in a stretch of time, and their hours."""

    user: User
    counts: dict[DutyKind, int]
    hours: float

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Roster:
    """The shifts that begin from one day to another, what is wrong with them, who has how many."""

    from_on: date
    to_on: date
    rows: list[ShiftRow]
    problems: list[Problem]
    loads: list[Load]
    people: dict[int, User]


def on_now(account_id: int, at: datetime) -> list[OnDuty]:
    """Who is on duty for an account, the latest to begin first. The caller has checked that it is visible."""
    return on_duty([account_id], at)[account_id]


def on_duty(account_ids: Collection[int], at: datetime) -> dict[int, list[OnDuty]]:
    """Who is on duty for several accounts, in one query."""
    found: dict[int, list[OnDuty]] = {account_id: [] for account_id in account_ids}
    if found:
        for shift, user in db.session.execute(_NOW, {"account_ids": list(found), "at": at}).tuples():
            found[shift.account_id].append(OnDuty(user, shift))
    return found


def members(account_id: int, at: datetime, *roles: Role) -> list[StaffMember]:
    """Active users of an account in any of the roles, by staff number.

    One statement, the same as without a roster: the report of an accident asks.
    """
    asked = {"account_id": account_id, "at": at, "roles": roles}
    rows = db.session.execute(_STAFF, asked).tuples()
    return [StaffMember(user, bool(is_on), bool(may_be)) for user, is_on, may_be in rows]


def next_change(account_ids: Collection[int], after: datetime) -> datetime | None:
    """When a shift of one of the accounts next begins or ends; None when none is planned."""
    ahead = [
        select(func.min(column)).where(DutyShift.account_id.in_(account_ids), column > after)
        for column in (DutyShift.from_at, DutyShift.to_at)
    ]
    found = [db.session.scalar(statement) for statement in ahead]
    return min((at for at in found if at is not None), default=None)


def has_shifts(account_ids: Collection[int], span: Span) -> bool:
    """Whether anybody is on duty in a stretch of time."""
    statement = select(DutyShift.id).where(
        DutyShift.account_id.in_(account_ids), DutyShift.to_at > span.from_at, DutyShift.from_at < span.to_at
    )
    return db.session.scalar(statement.limit(1)) is not None


def who_is_on(account_id: int, *, actor: User, now: datetime) -> list[OnDuty]:
    """Who is on now, as both sides may know it."""
    access.require(actor, Action.READ_ROSTER)
    access.get_account(actor, account_id)
    return on_now(account_id, now)


def read_roster(account_id: int, from_on: date, to_on: date, *, actor: User, now: datetime) -> Roster:
    """The roster of the insurer's people, with what is wrong from `now` on; for the client there is none."""
    require_desk(account_id, actor)
    rows = _rows(
        DutyShift.account_id == account_id,
        DutyShift.from_at >= start_of_day(from_on),
        DutyShift.from_at < end_of_day(to_on),
    )
    people = {row.user.id: row.user for row in rows}
    return Roster(from_on, to_on, rows, _problems(account_id, from_on, to_on, now), _loads(rows), people)


def list_shifts(
    account_id: int, from_on: date, to_on: date, page: PageRequest, *, actor: User
) -> Page[ShiftRow]:
    """The shifts of some days for the list and its file, in order."""
    require_desk(account_id, actor)
    conditions = (
        DutyShift.account_id == account_id,
        DutyShift.from_at >= start_of_day(from_on),
        DutyShift.from_at < end_of_day(to_on),
    )
    total = db.session.scalar(select(func.count(DutyShift.id)).where(*conditions)) or 0
    return Page(_rows(*conditions, limit=page.size, offset=page.offset), total, page.number, page.size)


def list_mine(*, actor: User, now: datetime, limit: int = 400) -> list[DutyShift]:
    """One's own shifts that are not over, in order, of all accounts."""
    access.require(actor, Action.READ_ROSTER)
    statement = (
        select(DutyShift)
        .where(DutyShift.user_id == actor.id, DutyShift.to_at > now)
        .order_by(DutyShift.from_at, DutyShift.id)
        .limit(limit)
    )
    return list(db.session.scalars(statement))


def list_others(account_id: int, *, actor: User, now: datetime, limit: int = 200) -> list[ShiftRow]:
    """The coming shifts of colleagues, for exchanging one's own."""
    require_desk(account_id, actor)
    ahead = (DutyShift.account_id == account_id, DutyShift.from_at > now, DutyShift.user_id != actor.id)
    return _rows(*ahead, limit=limit)


def possible_people(account_id: int) -> list[User]:
    """Who may be on duty for an account, by staff number."""
    return access.account_members(account_id, *ON_DUTY_ROLES)


def get_shift(shift_id: int, *, actor: User) -> DutyShift:
    """A shift of an account of the actor's, locked; NotFound otherwise, and for the client always."""
    if actor.side is Side.CLIENT:
        access.require(actor, Action.EDIT_ROSTER)
    shift = access.get_visible(actor, Action.READ_ROSTER, DutyShift, DutyShift.id == shift_id)
    db.session.refresh(shift, with_for_update=True)
    return shift


def require_desk(account_id: int, actor: User) -> None:
    """Only the insurer's people of an account read the roster; the client is told who is on."""
    access.require(actor, Action.READ_ROSTER)
    access.get_account(actor, account_id)
    if actor.side is Side.CLIENT:
        access.require(actor, Action.EDIT_ROSTER)


def away_spans(user_ids: Collection[int], span: Span) -> dict[int, list[Span]]:
    """When some people are entered as away within a stretch of time."""
    found: dict[int, list[Span]] = {user_id: [] for user_id in user_ids}
    statement = select(Absence).where(
        Absence.user_id.in_(found), Absence.next_change_at.is_not(None), Absence.from_at < span.to_at
    )
    for absence in db.session.scalars(statement.order_by(Absence.id)):
        times = AwayTimes(absence.from_at, absence.to_at, absence.repeats_until_on)
        windows = (Span(window.from_at, window.to_at) for window in times.windows())
        found[absence.user_id] += [window for window in windows if window.meets(span)]
    return found


def require_able(user_id: int, shift: DutyShift, *, given: int = 0) -> None:
    """Refuse who cannot take a shift: is away then, or has another one, of any account, besides the one `given` for it.

    Conflict: duty_swap_away, duty_swap_busy.
    """
    span = Span(shift.from_at, shift.to_at)
    told = {"who": db.session.get_one(User, user_id).name, "day": local_date(shift.from_at).isoformat()}
    if away_spans([user_id], span)[user_id]:
        raise Conflict("duty_swap_away", **told)
    if any(one.id not in (shift.id, given) for one in shifts_meeting(user_id, span)):
        raise Conflict("duty_swap_busy", **told)


def shifts_meeting(user_id: int, span: Span) -> list[DutyShift]:
    """The shifts somebody has in a stretch of time, of all accounts: nobody is on duty at two places at once."""
    statement = select(DutyShift).where(
        DutyShift.user_id == user_id, DutyShift.to_at > span.from_at, DutyShift.from_at < span.to_at
    )
    return list(db.session.scalars(statement.order_by(DutyShift.from_at, DutyShift.id)))


def assigned(rows: Iterable[DutyShift]) -> list[Assigned]:
    """Shifts as the rules read them."""
    return [Assigned(row.id, row.user_id, row.kind, Span(row.from_at, row.to_at)) for row in rows]


def _problems(account_id: int, from_on: date, to_on: date, now: datetime) -> list[Problem]:
    wanted = [turn.span for turn in schedule_of(account_id).turns(from_on, to_on)]
    whole = Span(start_of_day(from_on), max(wanted[-1].to_at, end_of_day(to_on)))
    statement = select(DutyShift).where(
        DutyShift.account_id == account_id, DutyShift.to_at > whole.from_at, DutyShift.from_at < whole.to_at
    )
    shifts = db.session.scalars(statement.order_by(DutyShift.from_at, DutyShift.id)).all()
    if not shifts and not _has_any(account_id):
        # No roster is kept: that is not an error of each night.
        return []
    away = away_spans({one.user_id for one in shifts}, whole)
    serving = {user.id for user in possible_people(account_id)}
    found = problems(wanted, assigned(shifts), away=away, serving=serving)
    # What is over cannot be mended.
    return [one for one in found if one.span.to_at > now]


def _has_any(account_id: int) -> bool:
    statement = select(DutyShift.id).where(DutyShift.account_id == account_id).limit(1)
    return db.session.scalar(statement) is not None


def _loads(rows: Sequence[ShiftRow]) -> list[Load]:
    people = {row.user.id: row.user for row in rows}
    counts = {user_id: dict.fromkeys(DutyKind, 0) for user_id in people}
    hours = dict.fromkeys(people, 0.0)
    for row in rows:
        counts[row.user.id][row.shift.kind] += 1
        hours[row.user.id] += (row.shift.to_at - row.shift.from_at) / timedelta(hours=1)
    ordered = sorted(people.values(), key=lambda user: (user.staff_no, user.id))
    return [Load(user, counts[user.id], hours[user.id]) for user in ordered]


def _rows(*conditions: ColumnElement[bool], limit: int = 1000, offset: int = 0) -> list[ShiftRow]:
    statement = (
        select(DutyShift, User)
        .join(User, User.id == DutyShift.user_id)
        .where(*conditions)
        .order_by(DutyShift.from_at, DutyShift.id)
        .limit(limit)
        .offset(offset)
    )
    return [ShiftRow(*row) for row in db.session.execute(statement).tuples()]
