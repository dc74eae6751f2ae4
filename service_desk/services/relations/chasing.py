"""Chasing agreed items to the end: reminders to the owner, and managers who hear once that one is late."""

from datetime import datetime, timedelta

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.models.db import db
from service_desk.models.relations import AgreedItem, ItemState
from service_desk.models.users import User
from service_desk.rules.item_reminders import DAYS_BEFORE, Reminder, reminder_due
from service_desk.rules.permissions import Role
from service_desk.services import access
from service_desk.services.relations.items import tell


def send_reminders(account_id: int, *, now: datetime) -> int:
    """Remind of an account's open items, each once for what is due of it today; answer how many items that were.

    A day without a run is caught up with what is true now.
    """
    today = local_date(now)
    statement = select(AgreedItem).where(
        AgreedItem.account_id == account_id,
        AgreedItem.state == ItemState.OPEN,
        AgreedItem.due_on <= today + timedelta(days=DAYS_BEFORE),
    )
    due = db.session.scalars(statement.order_by(AgreedItem.due_on, AgreedItem.id)).all()
    managers = [user.id for user in access.account_members(account_id, Role.MANAGER)]
    for item in due:
        _remind(item, managers, now)
    return len(due)


def _remind(item: AgreedItem, managers: list[int], now: datetime) -> None:
    found = reminder_due(item.due_on, local_date(now))
    if found is None:
        return
    kind = "item_overdue" if found.reminder is Reminder.OVERDUE else "item_due"
    tell(kind, item, [item.owner_id], f"item:{item.id}:{found.key}", now, days=found.days)
    if found.tells_managers:
        others = [user_id for user_id in managers if user_id != item.owner_id]
        # Groups hear it with the owner, who may have left.
        is_unheard = not db.session.get_one(User, item.owner_id).is_active
        key = f"item:{item.id}:{item.due_on}:managers"
        tell(kind, item, others, key, now, days=found.days, is_shared=is_unheard)
