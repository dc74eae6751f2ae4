"""When the owner of an agreed item is reminded, and when a manager hears of it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

DAYS_BEFORE = 3
OVERDUE_EVERY_DAYS = 7


class Reminder(StrEnum):
    """`SOON` within three days before, `TODAY` on the day, `OVERDUE` from the day after, again every week."""

    SOON = "soon"
    TODAY = "today"
    OVERDUE = "overdue"


@dataclass(frozen=True)
class ReminderDue:
    """A reminder of an open item. `key` is the same for what is to be told once; `tells_managers` once an item is late."""

    reminder: Reminder
    key: str
    days: int
    tells_managers: bool = False


def reminder_due(due_on: date, today: date) -> ReminderDue | None:
    """What is to be told of an open item on a day; None when nothing is.

    A day without a run is caught up with what is true now. A moved day is chased anew.
    """
    days = (due_on - today).days
    if days > DAYS_BEFORE:
        return None
    if days > 0:
        return ReminderDue(Reminder.SOON, f"{due_on}:soon", days)
    if days == 0:
        return ReminderDue(Reminder.TODAY, f"{due_on}:today", 0)
    week = (-days - 1) // OVERDUE_EVERY_DAYS
    return ReminderDue(Reminder.OVERDUE, f"{due_on}:overdue-{week}", days, tells_managers=True)
