"""What every way of getting an opinion has in common: its number, its last day for a reply, who sees to it."""

from datetime import date, datetime

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.models.db import db
from service_desk.models.opinions import Opinion
from service_desk.models.sla import WorkingCalendarRow
from service_desk.models.users import User
from service_desk.rules.legal_days import never_rests
from service_desk.rules.opinions import reply_due_on
from service_desk.rules.permissions import Role
from service_desk.rules.sla import OFFICE
from service_desk.services import access, numbers
from service_desk.services.sla import calendars


def new_number(now: datetime) -> str:
    """The next number of an opinion."""
    return numbers.next_number("OPN", local_date(now).year)


def due_on(given_at: datetime) -> date:
    """The last day to reply to what was said at an instant, by the office's calendar."""
    digest = db.session.scalar(select(WorkingCalendarRow.digest).where(WorkingCalendarRow.code == OFFICE))
    rests = calendars.working_calendar(digest).is_rest_day if digest else never_rests
    return reply_due_on(local_date(given_at), rests)


def responsible(user_id: int, account_id: int) -> int:
    """Who sees to the reply: they, or a manager of the account where their login is closed."""
    if db.session.get_one(User, user_id).is_active:
        return user_id
    managers = access.account_members(account_id, Role.MANAGER)
    return managers[0].id if managers else user_id


def put(opinion: Opinion) -> Opinion:
    """Write a new opinion, so that it has an id."""
    db.session.add(opinion)
    db.session.flush()
    return opinion
