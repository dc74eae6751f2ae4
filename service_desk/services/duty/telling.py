"""What people hear of the roster: a plan, a shift of theirs that changed, an exchange."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from service_desk.models.db import db
from service_desk.models.duty import DutyShift, DutySwap
from service_desk.models.users import User
from service_desk.rules.permissions import Role
from service_desk.services import access, notices

_URL = "/roster"


def tell_planned(
    account_id: int, made: Sequence[DutyShift], from_on: date, to_on: date, *, actor: User, now: datetime
) -> None:
    """Tell each person how many shifts they have in a new plan; only in the app, their calendar has the days."""
    counts = Counter(one.user_id for one in made)
    first = {one.user_id: one for one in reversed(made)}
    for user in _active(set(counts) - {actor.id}):
        params = {
            "url": _URL,
            "change": "planned",
            "count": counts[user.id],
            "from_on": from_on.isoformat(),
            "to_on": to_on.isoformat(),
            **_times(first[user.id]),
        }
        dedupe = f"duty_shift:planned:{account_id}:{now:%Y%m%dT%H%M%S}"
        notices.queue(
            "duty_shift",
            notices.user_recipient(user),
            params,
            dedupe=dedupe,
            now=now,
            account_id=account_id,
            is_shared=False,
        )


def tell_changed(
    shift: DutyShift, change: str, user_ids: Collection[int], *, actor: User, now: datetime
) -> None:
    """Tell whose shift was added, changed or taken out, except whoever did it."""
    owner = db.session.get_one(User, shift.user_id)
    for user in _active(set(user_ids) - {actor.id}):
        # Who had it before somebody else got it is told that it is no longer theirs.
        is_theirs = user.id == owner.id
        params = {
            "url": _URL,
            "change": change if is_theirs else "removed",
            "count": 1,
            "from_on": "",
            "to_on": "",
            **_times(shift),
        }
        notices.queue(
            "duty_shift",
            notices.user_recipient(user),
            params,
            dedupe=f"duty_shift:{shift.id}:{now:%Y%m%dT%H%M%S}",
            now=now,
            account_id=shift.account_id,
            is_shared=False,
        )


def tell_swap(swap: DutySwap, user_id: int, *, now: datetime) -> None:
    """Tell who is asked, or who asked, how an exchange stands."""
    for user in _active({user_id}):
        _queue_swap(swap, user, now)


def tell_managers(swap: DutySwap, *, now: datetime) -> None:
    """Let the managers see an exchange that counts; in the app only."""
    known = {swap.giver_id, swap.to_id}
    for user in access.account_members(swap.account_id, Role.MANAGER):
        if user.id not in known:
            _queue_swap(swap, user, now, mail=False)


def _queue_swap(swap: DutySwap, user: User, now: datetime, *, mail: bool = True) -> None:
    giver, taker = db.session.get_one(User, swap.giver_id), db.session.get_one(User, swap.to_id)
    params = {
        "url": f"{_URL}#swaps",
        "state": swap.state.value,
        "giver": giver.name,
        "giver_no": giver.staff_no,
        "taker": taker.name,
        "taker_no": taker.staff_no,
        "from_at": swap.from_at.isoformat(),
        "to_at": swap.to_at.isoformat(),
        "other_from_at": swap.other_from_at.isoformat() if swap.other_from_at else None,
        "other_to_at": swap.other_to_at.isoformat() if swap.other_to_at else None,
        "note": swap.note,
        "reason": swap.refusal_reason or "",
    }
    notices.queue(
        "duty_swap",
        notices.user_recipient(user),
        params,
        dedupe=f"duty_swap:{swap.id}:{swap.state.value}",
        now=now,
        account_id=swap.account_id,
        mail=mail,
        is_shared=False,
    )


def _times(shift: DutyShift) -> dict[str, Any]:
    return {
        "from_at": shift.from_at.isoformat(),
        "to_at": shift.to_at.isoformat(),
        "duty_kind": shift.kind.value,
    }


def _active(user_ids: Collection[int]) -> Sequence[User]:
    statement = select(User).where(User.id.in_(user_ids), User.is_active)
    return db.session.scalars(statement.order_by(User.id)).all()
