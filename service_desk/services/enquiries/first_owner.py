"""Who first owns what the client writes: whoever is on duty, else of the desk who is there and has the fewest."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from service_desk.base.errors import Conflict
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryState
from service_desk.models.users import User
from service_desk.rules.duty import takers
from service_desk.rules.permissions import Role
from service_desk.services import duty
from service_desk.services.sla import standing_in


def first_owner(account_id: int, handler_id: int | None, now: datetime) -> int:
    """The handler of the claim it is about, unless they are away; else who may take a new matter now.

    A handler who is away keeps it only while nobody is on duty: their stand-in gets the clock. Conflict: nobody_at_desk.
    """
    members = duty.members(account_id, now, Role.UNDERWRITER, Role.CLAIMS, Role.MANAGER)
    on_duty = {user.id for user, is_on in members if is_on}
    desk = [user for user, is_on in members if is_on or user.role is not Role.MANAGER]
    away = standing_in.away_ids([*(user.id for user in desk), handler_id or 0], now)
    if handler_id is not None:
        handler = db.session.get_one(User, handler_id)
        if handler.is_active and (handler.id not in away or not on_duty - away):
            return handler.id
    if not desk:
        raise Conflict("nobody_at_desk")
    return _least_loaded(takers(desk, id_of=lambda user: user.id, away=away, on_duty=on_duty))


def _least_loaded(desk: Sequence[User]) -> int:
    """Who owns the fewest open contacts, by staff number among equals."""
    statement = (
        select(Enquiry.owner_id, func.count())
        .where(Enquiry.state == EnquiryState.OPEN, Enquiry.owner_id.in_([user.id for user in desk]))
        .group_by(Enquiry.owner_id)
    )
    loads = dict(db.session.execute(statement).tuples().all())
    return min(desk, key=lambda user: (loads.get(user.id, 0), user.staff_no)).id
