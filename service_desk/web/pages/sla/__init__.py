"""Clocks: breaches and their reviews, pausing, service levels, working calendars."""

from service_desk.web.pages.sla import breaches, calendars, causes, compliance, levels, recompute, timers
from service_desk.web.pages.sla.blueprint import bp

__all__ = ["bp", "breaches", "calendars", "causes", "compliance", "levels", "recompute", "timers"]
