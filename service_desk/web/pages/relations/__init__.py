"""What both sides do together: the calendar, events with their minutes, agreed items, what is promised."""

from service_desk.web.pages.relations import cadence, calendar, events, items, minutes
from service_desk.web.pages.relations.blueprint import bp

__all__ = ["bp", "cadence", "calendar", "events", "items", "minutes"]
