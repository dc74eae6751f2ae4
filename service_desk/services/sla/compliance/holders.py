"""The people a filter may name."""

from collections.abc import Sequence

from sqlalchemy import or_, select

from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerSegment
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import CLIENT_ROLES


def list_holders(account_id: int, *, also: Sequence[int] = ()) -> list[User]:
    """The insurer's people of an account, and of `also` those who once held or used a clock of it.

    Somebody who has left the account still stands in its figures, and is only looked for when asked for.
    """
    works_here = select(UserAccount.user_id).where(UserAccount.account_id == account_id)
    of_staff = User.id.in_(works_here) & User.role.not_in(CLIENT_ROLES)
    held = select(Timer.id).where(Timer.account_id == account_id, Timer.holder_id == User.id)
    used = (
        select(TimerSegment.id)
        .join(Timer, Timer.id == TimerSegment.timer_id)
        .where(Timer.account_id == account_id, TimerSegment.holder_id == User.id)
    )
    once_here = User.id.in_(also) & or_(held.exists(), used.exists())
    statement = select(User).where(or_(of_staff, once_here)) if also else select(User).where(of_staff)
    return list(db.session.scalars(statement.order_by(User.staff_no, User.id)))
