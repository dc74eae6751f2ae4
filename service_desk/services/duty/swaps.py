"""Exchanging shifts: one's own is offered to a colleague, for nothing or for theirs; it counts when they accept."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.duty import DutyShift, DutySwap, SwapState
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit
from service_desk.services.duty import reading, telling

SHOWN = 50


@dataclass(frozen=True)
class SwapRow:
    """An exchange with both people."""

    swap: DutySwap
    giver: User
    taker: User


def ask(
    shift_id: int, to_id: int, other_id: int | None, note: str, *, actor: User, now: datetime
) -> DutySwap:
    """Offer one's own coming shift to a colleague, `other_id` for one of theirs. They are told.

    Invalid: duty_person_unsuitable, duty_other_shift. Conflict: duty_over, duty_swap_open. Forbidden: duty_not_yours.
    """
    shift = reading.get_shift(shift_id, actor=actor)
    if shift.user_id != actor.id:
        raise Forbidden("duty_not_yours")
    if shift.from_at <= now:
        raise Conflict("duty_over")
    suitable = {user.id for user in reading.possible_people(shift.account_id)}
    if to_id == actor.id or to_id not in suitable:
        raise Invalid("duty_person_unsuitable", field="to_id")
    swap = _swap(shift, _other(shift, to_id, other_id, now), to_id, note, now)
    try:
        with db.session.begin_nested():
            db.session.add(swap)
    except IntegrityError:
        raise Conflict("duty_swap_open") from None
    _record("duty_swap_asked", swap, {"to_id": (None, to_id)}, actor, now)
    telling.tell_swap(swap, to_id, now=now)
    return swap


def _swap(shift: DutyShift, other: DutyShift | None, to_id: int, note: str, now: datetime) -> DutySwap:
    return DutySwap(
        account_id=shift.account_id,
        shift_id=shift.id,
        from_at=shift.from_at,
        to_at=shift.to_at,
        other_id=other.id if other else None,
        other_from_at=other.from_at if other else None,
        other_to_at=other.to_at if other else None,
        giver_id=shift.user_id,
        to_id=to_id,
        state=SwapState.ASKED,
        note=one_line(note)[:200],
        asked_at=now,
    )


def _other(shift: DutyShift, to_id: int, other_id: int | None, now: datetime) -> DutyShift | None:
    if other_id is None:
        return None
    other = db.session.get(DutyShift, other_id)
    if (
        other is None
        or other.account_id != shift.account_id
        or other.user_id != to_id
        or other.from_at <= now
    ):
        raise Invalid("duty_other_shift", field="other_id")
    return other


def accept(swap_id: int, *, actor: User, now: datetime) -> DutySwap:
    """Take the shift, and give one's own where it was asked for; the managers see it.

    Conflict: duty_swap_decided, duty_swap_overtaken, duty_swap_away, duty_swap_busy.
    """
    swap = _asked_of(swap_id, actor)
    shift, other = _locked(swap)
    _check_as_asked(swap, shift, other, now)
    _check_able(swap.to_id, shift, other)
    if other is not None:
        _check_able(swap.giver_id, other, shift)
    changes = audit.change(swap, state=SwapState.ACCEPTED, decided_at=now)
    call_off([one.id for one in (shift, other) if one is not None], now=now, but=swap.id)
    shift.user_id = swap.to_id
    changes["user_id"] = (swap.giver_id, swap.to_id)
    if other is not None:
        other.user_id = swap.giver_id
    _record("duty_swap_accepted", swap, changes, actor, now)
    telling.tell_swap(swap, swap.giver_id, now=now)
    telling.tell_managers(swap, now=now)
    return swap


def refuse(swap_id: int, reason: str, *, actor: User, now: datetime) -> DutySwap:
    """Say no, with the reason: the shift stays where it was."""
    swap = _asked_of(swap_id, actor)
    if not reason.strip():
        raise Invalid("reason_missing", field="reason")
    changes = audit.change(
        swap, state=SwapState.REFUSED, decided_at=now, refusal_reason=one_line(reason)[:200]
    )
    _record("duty_swap_refused", swap, changes, actor, now)
    telling.tell_swap(swap, swap.giver_id, now=now)
    return swap


def withdraw(swap_id: int, *, actor: User, now: datetime) -> DutySwap:
    """Take it back before it is decided: who asked, or a manager."""
    swap = _open(swap_id, actor)
    if swap.giver_id != actor.id and not access.may(actor, Action.EDIT_ROSTER):
        raise Forbidden("duty_not_yours")
    changes = audit.change(swap, state=SwapState.WITHDRAWN, decided_at=now)
    _record("duty_swap_withdrawn", swap, changes, actor, now)
    return swap


def list_swaps(account_id: int, *, actor: User) -> list[SwapRow]:
    """The exchanges one asked for or is asked for, a manager all of the account; the open ones first."""
    reading.require_desk(account_id, actor)
    giver, taker = aliased(User), aliased(User)
    statement = (
        select(DutySwap, giver, taker)
        .join(giver, giver.id == DutySwap.giver_id)
        .join(taker, taker.id == DutySwap.to_id)
        .where(DutySwap.account_id == account_id)
        .order_by(DutySwap.state != SwapState.ASKED, DutySwap.asked_at.desc(), DutySwap.id.desc())
        .limit(SHOWN)
    )
    if not access.may(actor, Action.EDIT_ROSTER):
        statement = statement.where(or_(DutySwap.giver_id == actor.id, DutySwap.to_id == actor.id))
    return [SwapRow(*row) for row in db.session.execute(statement).tuples()]


def call_off(shift_ids: Collection[int], *, now: datetime, but: int = 0) -> None:
    """End the open exchanges of shifts that are changed otherwise."""
    touched = or_(DutySwap.shift_id.in_(shift_ids), DutySwap.other_id.in_(shift_ids))
    db.session.execute(
        update(DutySwap)
        .where(touched, DutySwap.state == SwapState.ASKED, DutySwap.id != but)
        .values(state=SwapState.WITHDRAWN, decided_at=now, version=DutySwap.version + 1)
    )


def _open(swap_id: int, actor: User) -> DutySwap:
    if actor.side is Side.CLIENT:
        access.require(actor, Action.EDIT_ROSTER)
    swap = access.get_visible(actor, Action.READ_ROSTER, DutySwap, DutySwap.id == swap_id)
    # The shifts before their exchange, as whoever edits a shift takes them: else each waits for the other.
    _hold_shifts(swap)
    db.session.refresh(swap, with_for_update=True)
    if swap.state is not SwapState.ASKED:
        raise Conflict("duty_swap_decided")
    return swap


def _asked_of(swap_id: int, actor: User) -> DutySwap:
    swap = _open(swap_id, actor)
    if swap.to_id != actor.id:
        raise NotFound("not_found")
    return swap


def _hold_shifts(swap: DutySwap) -> dict[int, DutyShift]:
    ids = [one for one in (swap.shift_id, swap.other_id) if one is not None]
    statement = select(DutyShift).where(DutyShift.id.in_(ids)).order_by(DutyShift.id).with_for_update()
    rows = db.session.scalars(statement, execution_options={"populate_existing": True})
    return {one.id: one for one in rows}


def _locked(swap: DutySwap) -> tuple[DutyShift, DutyShift | None]:
    found = _hold_shifts(swap)
    if not found.keys() >= {swap.shift_id, swap.other_id} - {None}:
        raise Conflict("duty_swap_overtaken")
    return found[swap.shift_id], found[swap.other_id] if swap.other_id is not None else None


def _check_as_asked(swap: DutySwap, shift: DutyShift, other: DutyShift | None, now: datetime) -> None:
    """Refuse when the roster is another than the one that was asked about, or a shift has begun."""
    is_same = shift.user_id == swap.giver_id and (shift.from_at, shift.to_at) == (swap.from_at, swap.to_at)
    if other is not None:
        times = (swap.other_from_at, swap.other_to_at)
        is_same = is_same and other.user_id == swap.to_id and (other.from_at, other.to_at) == times
    has_begun = shift.from_at <= now or (other is not None and other.from_at <= now)
    if not is_same or has_begun:
        raise Conflict("duty_swap_overtaken")


def _check_able(user_id: int, shift: DutyShift, given: DutyShift | None) -> None:
    """Refuse who may have no duty here any more, is away, or has another shift then, besides the one given for it."""
    if user_id not in {user.id for user in reading.possible_people(shift.account_id)}:
        raise Conflict("duty_swap_overtaken")
    reading.require_able(user_id, shift, given=given.id if given else 0)


def _record(
    action: str, swap: DutySwap, changes: dict[str, tuple[object, object]], actor: User, now: datetime
) -> None:
    audit.record(action, swap, actor=actor, now=now, label=f"{local_date(swap.from_at)}", changes=changes)
