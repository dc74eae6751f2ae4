"""Clocks: breaches and their reviews, pausing, service levels, working calendars."""

from service_desk.web.pages.sla import (
    absences,
    breaches,
    calendars,
    causes,
    compliance,
    corrections,
    levels,
    recompute,
    timers,
    what_if,
)
from service_desk.web.pages.sla.blueprint import bp

__all__ = [
    "absences",
    "bp",
    "breaches",
    "calendars",
    "causes",
    "compliance",
    "corrections",
    "levels",
    "recompute",
    "timers",
    "what_if",
]
