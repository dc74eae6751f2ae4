"""Service levels and their clocks: a timer's history is the truth, everything else is computed from it."""

from service_desk.rules.sla.changes import check_event, correct_time
from service_desk.rules.sla.defaults import (
    CALENDAR_DAYS,
    DEFAULT_CALENDARS,
    DEFAULT_CAUSES,
    DEFAULT_LEVELS,
    OFFICE,
    ROUND_THE_CLOCK,
    STEP_MILESTONES,
    DefaultCalendar,
    Milestone,
)
from service_desk.rules.sla.ledger import Consumption, Spent, consumption, ledger
from service_desk.rules.sla.levels import Level, MatterFacts, choose_level, find_ties
from service_desk.rules.sla.pauses import PAUSE_RULES, PauseRule
from service_desk.rules.sla.terms import (
    EventKind,
    Happening,
    HappeningKind,
    LedgerEvent,
    PauseReason,
    Segment,
    Target,
    TargetUnit,
    TimerFacts,
    TimerState,
    Verdict,
)
from service_desk.rules.sla.timer import due_checks, evaluate, measuring_calendar, target_seconds

__all__ = [
    "CALENDAR_DAYS",
    "DEFAULT_CALENDARS",
    "DEFAULT_CAUSES",
    "DEFAULT_LEVELS",
    "OFFICE",
    "PAUSE_RULES",
    "ROUND_THE_CLOCK",
    "STEP_MILESTONES",
    "Consumption",
    "DefaultCalendar",
    "EventKind",
    "Happening",
    "HappeningKind",
    "LedgerEvent",
    "Level",
    "MatterFacts",
    "Milestone",
    "PauseReason",
    "PauseRule",
    "Segment",
    "Spent",
    "Target",
    "TargetUnit",
    "TimerFacts",
    "TimerState",
    "Verdict",
    "check_event",
    "choose_level",
    "consumption",
    "correct_time",
    "due_checks",
    "evaluate",
    "find_ties",
    "ledger",
    "measuring_calendar",
    "target_seconds",
]
