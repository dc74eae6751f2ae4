"""The clock as a service: promises, timers with their ledger, the sweep, breaches and their reviews."""

from service_desk.services.sla.breaches import BreachFilter, BreachView, count_open, list_breaches
from service_desk.services.sla.clock_views import ClockView, view_clocks
from service_desk.services.sla.defaults import install_defaults
from service_desk.services.sla.ledger import OPEN_STATES, entries_of, facts_of, seconds_left, seconds_over
from service_desk.services.sla.reviews import CorrectionAsked, SignReview, get_breach, sign_review
from service_desk.services.sla.starting import start_first
from service_desk.services.sla.sweeping import check_timer, check_timers, claim_due_timers
from service_desk.services.sla.timers import (
    call_off,
    cancel,
    hand_over,
    is_running,
    pause,
    resume,
    resume_waiting,
    start,
    start_many,
    stop,
    timers_of,
)

__all__ = [
    "OPEN_STATES",
    "BreachFilter",
    "BreachView",
    "ClockView",
    "CorrectionAsked",
    "SignReview",
    "call_off",
    "cancel",
    "check_timer",
    "check_timers",
    "claim_due_timers",
    "count_open",
    "entries_of",
    "facts_of",
    "get_breach",
    "hand_over",
    "install_defaults",
    "is_running",
    "list_breaches",
    "pause",
    "resume",
    "resume_waiting",
    "seconds_left",
    "seconds_over",
    "sign_review",
    "start",
    "start_first",
    "start_many",
    "stop",
    "timers_of",
    "view_clocks",
]
