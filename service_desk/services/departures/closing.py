"""Closing a login, taking an account from it or changing its role: only when nothing is left that hangs on it."""

from collections import Counter
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.enquiries import MatterKind
from service_desk.models.users import User
from service_desk.rules.permissions import Role, Side, may, side_of
from service_desk.services import users
from service_desk.services.departures.reading import count_left, offered_to_person, open_swaps_of
from service_desk.services.enquiries import matters
from service_desk.services.users import UserDetails


def close_login(user_id: int, *, actor: User, now: datetime) -> None:
    """Close the login of somebody with whom nothing is left (administrator). Conflict: matters_left."""
    user = users.get_user(user_id, actor=actor)
    if user.id == actor.id:
        raise Invalid("own_rights", field="role")
    db.session.refresh(user, with_for_update=True)
    if user.is_active:
        _require_nothing(user, now)
        users.close_user(user, actor=actor, now=now, reason="")


def change_login(user_id: int, details: UserDetails, version: int, *, actor: User, now: datetime) -> User:
    """Change a login; closing it, or taking an account from it, is refused while matters are left with it.

    So is a role in which they could not go on with what is theirs. Conflict: matters_left, matters_of_account,
    matters_of_role.
    """
    user = users.get_user(user_id, actor=actor)
    closes = user.is_active and not details.is_active
    if closes and user.id != actor.id:
        _require_nothing(user, now)
    if user.is_active and not closes and user.id != actor.id:
        _require_fitting(user, details.role, now)
    if user.is_active and not closes and details.role is not Role.ADMIN:
        _require_nothing_of(user, set(users.account_ids_of(user)) - set(details.account_ids), now)
    return users.change_user(user_id, details, version, actor=actor, now=now, may_close=closes)


def close_by_command(username: str, reason: str, *, leaves_matters: bool, now: datetime) -> int:
    """Close a login from the command line; how many matters stay with it.

    Conflict `matters_left` unless it `leaves_matters`, which needs the reason. NotFound for an unknown name.
    """
    user = db.session.scalar(select(User).where(User.username == username.strip().casefold(), User.is_active))
    if user is None:
        raise NotFound("not_found")
    left = count_left(user.id, now)
    if left and not leaves_matters:
        raise Conflict("matters_left", name=user.name, count=left)
    if left and not reason.strip():
        raise Invalid("reason_missing", field="reason")
    users.close_user(user, actor=None, now=now, reason=one_line(reason)[:200], left=left)
    return left


def _require_nothing(user: User, now: datetime) -> None:
    left = count_left(user.id, now)
    if left:
        raise Conflict("matters_left", name=user.name, count=left)


def _require_nothing_of(user: User, account_ids: set[int], now: datetime) -> None:
    """Nobody keeps what they would not see any more."""
    if not account_ids:
        return
    held = [one.account_id for rows in matters.held_by(user.id, now).values() for one in rows]
    held += [row.account_id for row, _giver in offered_to_person(user.id)]
    left = sum(account_id in account_ids for account_id in held)
    if left:
        raise Conflict("matters_of_account", name=user.name, count=left)


def _require_fitting(user: User, role: Role, now: datetime) -> None:
    """Nobody keeps what they could not work on in another role."""
    if role is user.role:
        return
    counts: Counter[MatterKind] = Counter()
    for kind, rows in matters.held_by(user.id, now).items():
        counts[kind] += len(rows)
    counts.update(row.matter_kind for row, _giver in offered_to_person(user.id))
    counts[MatterKind.SHIFT] += len(open_swaps_of(user.id))
    left = {kind: count for kind, count in counts.items() if count and not _goes_on(user.role, role, kind)}
    if left:
        raise Conflict("matters_of_role", name=user.name, count=sum(left.values()), matters=left)


def _goes_on(before: Role, role: Role, kind: MatterKind) -> bool:
    rules = matters.KINDS[kind]
    stays_client = {side_of(before), side_of(role)} == {Side.CLIENT}
    return role in rules.takers or (stays_client and may(role, rules.work))
