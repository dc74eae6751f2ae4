"""Making the roster: a year's plan in turns, and single shifts entered, changed and taken out. Managers and administrators."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from service_desk.base.clock import end_of_day, local_date, start_of_day
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.text import one_line
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.duty import DutyShift
from service_desk.models.users import User
from service_desk.rules.duty import (
    DutyHours,
    DutyKind,
    Span,
    Turn,
    check_hours,
    check_plan,
    check_span,
    gaps,
    rotate,
)
from service_desk.rules.permissions import Action
from service_desk.rules.sla import OFFICE
from service_desk.services import access, audit
from service_desk.services.duty import hours as duty_hours
from service_desk.services.duty import reading, swaps, telling

# What people had in the year before decides whose turn it is.
_LOOK_BACK = timedelta(days=366)
_SHOWN = ("user_id", "kind", "from_at", "to_at")


@dataclass(frozen=True)
class Plan:
    """Who takes turns from one day to another. `replaces`: what was planned for these days is made anew."""

    from_on: date
    to_on: date
    people: tuple[int, ...]
    hours: DutyHours = field(default_factory=DutyHours)
    calendar_code: str = OFFICE
    replaces: bool = False


@dataclass(frozen=True)
class Planned:
    """How many shifts were entered and taken out, and for how many turns nobody was free."""

    entered: int
    removed: int
    unfilled: int


@dataclass(frozen=True)
class ShiftDetails:
    """A shift as typed."""

    user_id: int
    kind: DutyKind
    from_at: datetime
    to_at: datetime
    note: str = ""


def plan(account_id: int, command: Plan, *, actor: User, now: datetime) -> Planned:
    """Fill the hours that want somebody, in turns. Hours that are covered stay as they are unless it `replaces`.

    Invalid: duty_plan_past, duty_plan_reversed, duty_plan_long, duty_nobody, duty_hours_order,
    duty_person_unsuitable, duty_calendar_unknown.
    """
    account = _require(account_id, actor)
    check_plan(command.from_on, command.to_on, command.people, local_date(now))
    check_hours(command.hours)
    suitable = {user.id for user in reading.possible_people(account_id)}
    if not suitable.issuperset(command.people):
        raise Invalid("duty_person_unsuitable", field="people")
    if command.calendar_code not in {row.code for row in duty_hours.calendars()}:
        raise Invalid("duty_calendar_unknown", field="calendar_code")
    # Of two who plan at once the second finds what the first has planned. What refers to the account is not held up.
    db.session.refresh(account, with_for_update={"key_share": True})
    duty_hours.keep(account_id, command.calendar_code, command.hours)
    removed = _take_out(account_id, command, actor, now) if command.replaces else 0
    made, unfilled = _fill(account_id, command, actor, now)
    db.session.add_all(made)
    db.session.flush()
    changes = {
        "from_on": (None, command.from_on),
        "to_on": (None, command.to_on),
        "shifts": (removed, len(made)),
    }
    audit.record("duty_planned", account, actor=actor, now=now, changes=changes, account_id=account_id)
    telling.tell_planned(account_id, made, command.from_on, command.to_on, actor=actor, now=now)
    return Planned(len(made), removed, unfilled)


def add(account_id: int, details: ShiftDetails, *, actor: User, now: datetime) -> DutyShift:
    """Enter a shift by hand. What it leaves double or puts on somebody's leave is shown as an error of the roster.

    Invalid: duty_shift_past, duty_person_unsuitable, duty_swap_busy, and what the rules say of its length.
    """
    _require(account_id, actor)
    _check(account_id, details, now)
    shift = DutyShift(account_id=account_id, entered_by_id=actor.id, entered_at=now, **_values(details))
    db.session.add(shift)
    _record("duty_shift_added", shift, {name: (None, getattr(shift, name)) for name in _SHOWN}, actor, now)
    telling.tell_changed(shift, "added", {shift.user_id}, actor=actor, now=now)
    return shift


def change(shift_id: int, details: ShiftDetails, version: int, *, actor: User, now: datetime) -> DutyShift:
    """Change a shift that is not over; an exchange that was asked for with it is off."""
    shift = _to_edit(shift_id, version, actor, now)
    _check(shift.account_id, details, now)
    before = shift.user_id
    changes = audit.change(shift, **_values(details))
    if changes:
        swaps.call_off([shift.id], now=now)
        _record("duty_shift_changed", shift, changes, actor, now)
        telling.tell_changed(shift, "changed", {before, shift.user_id}, actor=actor, now=now)
    return shift


def remove(shift_id: int, version: int, *, actor: User, now: datetime) -> None:
    """Take a shift out."""
    shift = _to_edit(shift_id, version, actor, now)
    swaps.call_off([shift.id], now=now)
    _record("duty_shift_removed", shift, {name: (getattr(shift, name), None) for name in _SHOWN}, actor, now)
    telling.tell_changed(shift, "removed", {shift.user_id}, actor=actor, now=now)
    db.session.delete(shift)


def _require(account_id: int, actor: User) -> KeyAccount:
    access.require(actor, Action.EDIT_ROSTER)
    return access.get_account(actor, account_id)


def _to_edit(shift_id: int, version: int, actor: User, now: datetime) -> DutyShift:
    access.require(actor, Action.EDIT_ROSTER)
    shift = reading.get_shift(shift_id, actor=actor)
    if shift.version != version:
        raise Conflict("stale")
    if shift.to_at <= now:
        raise Conflict("duty_over")
    return shift


def _check(account_id: int, details: ShiftDetails, now: datetime) -> None:
    check_span(Span(details.from_at, details.to_at))
    if details.to_at <= now:
        raise Invalid("duty_shift_past", field="to_at")
    if details.user_id not in {user.id for user in reading.possible_people(account_id)}:
        raise Invalid("duty_person_unsuitable", field="user_id")
    _require_free_elsewhere(account_id, details)


def _require_free_elsewhere(account_id: int, details: ShiftDetails) -> None:
    """Refuse who is on duty for another account then: no roster would show it, each is of one account."""
    span = Span(details.from_at, details.to_at)
    others = reading.shifts_meeting(details.user_id, span)
    if any(one.account_id != account_id for one in others):
        who, day = db.session.get_one(User, details.user_id).name, local_date(details.from_at)
        raise Invalid("duty_swap_busy", field="user_id", who=who, day=day.isoformat())


def _values(details: ShiftDetails) -> dict[str, Any]:
    return {
        "user_id": details.user_id,
        "kind": details.kind,
        "from_at": details.from_at,
        "to_at": details.to_at,
        "note": one_line(details.note)[:200],
    }


def _take_out(account_id: int, command: Plan, actor: User, now: datetime) -> int:
    """Take the shifts out that begin on these days and have not begun; each goes into the trail."""
    old = _of_days(account_id, command, after=now)
    swaps.call_off([one.id for one in old], now=now)
    subjects = [
        audit.Subject(
            DutyShift.__tablename__,
            one.id,
            account_id,
            f"{local_date(one.from_at)}",
            {name: (getattr(one, name), None) for name in _SHOWN},
        )
        for one in old
    ]
    audit.record_many("duty_shift_removed", subjects, actor=actor, now=now)
    for one in old:
        db.session.delete(one)
    db.session.flush()
    return len(old)


def _of_days(account_id: int, command: Plan, *, after: datetime) -> Sequence[DutyShift]:
    statement = select(DutyShift).where(
        DutyShift.account_id == account_id,
        DutyShift.from_at >= max(after, start_of_day(command.from_on)),
        DutyShift.from_at < end_of_day(command.to_on),
    )
    return db.session.scalars(statement.order_by(DutyShift.from_at, DutyShift.id).with_for_update()).all()


def _fill(account_id: int, command: Plan, actor: User, now: datetime) -> tuple[list[DutyShift], int]:
    wanted = [
        turn
        for turn in duty_hours.schedule_of(account_id).turns(command.from_on, command.to_on)
        if turn.span.to_at > now
    ]
    if not wanted:
        return [], 0
    whole = Span(wanted[0].span.from_at - _LOOK_BACK, wanted[-1].span.to_at)
    known = _between(account_id, whole)
    away = reading.away_spans(command.people, whole)
    # Of all accounts: nobody is on duty at two places at once.
    busy = _busy(command.people, whole)
    turns = rotate(
        _uncovered(wanted, [Span(one.from_at, one.to_at) for one in known]),
        command.people,
        is_free=lambda user_id, span: (
            not any(span.meets(one) for one in (*away[user_id], *busy.get(user_id, ())))
        ),
        before=reading.assigned(known),
    )
    chosen = list(turns)
    made = [_shift(account_id, turn, user_id, actor, now) for turn, user_id in chosen if user_id is not None]
    return made, len(chosen) - len(made)


def _shift(account_id: int, turn: Turn, user_id: int, actor: User, now: datetime) -> DutyShift:
    return DutyShift(
        account_id=account_id,
        user_id=user_id,
        kind=turn.kind,
        from_at=turn.span.from_at,
        to_at=turn.span.to_at,
        entered_by_id=actor.id,
        entered_at=now,
    )


def _uncovered(wanted: Sequence[Turn], taken: Sequence[Span]) -> list[Turn]:
    """The turns, or what of them nobody has yet."""
    found = []
    for turn in wanted:
        near = [one for one in taken if one.meets(turn.span)]
        found += [Turn(turn.day, turn.kind, part) for part in gaps([turn.span], near)]
    return found


def _between(account_id: int, span: Span) -> list[DutyShift]:
    statement = select(DutyShift).where(
        DutyShift.account_id == account_id, DutyShift.to_at > span.from_at, DutyShift.from_at < span.to_at
    )
    return list(db.session.scalars(statement.order_by(DutyShift.from_at, DutyShift.id)))


def _busy(people: Sequence[int], span: Span) -> dict[int, list[Span]]:
    statement = select(DutyShift).where(
        DutyShift.user_id.in_(people), DutyShift.to_at > span.from_at, DutyShift.from_at < span.to_at
    )
    found: dict[int, list[Span]] = {}
    for one in db.session.scalars(statement):
        found.setdefault(one.user_id, []).append(Span(one.from_at, one.to_at))
    return found


def _record(
    action: str, shift: DutyShift, changes: dict[str, tuple[Any, Any]], actor: User, now: datetime
) -> None:
    label = f"{local_date(shift.from_at)}"
    audit.record(action, shift, actor=actor, now=now, label=label, changes=changes)
