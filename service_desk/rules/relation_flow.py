"""The life of a meeting, visit or greeting of both sides: planned, held, minuted, or cancelled."""

from dataclasses import dataclass
from enum import StrEnum

from service_desk.base.errors import Conflict
from service_desk.rules.permissions import Action


class EventKind(StrEnum):
    """What both sides do together. `OURS` and `THEIRS`: whose senior people come to the other side."""

    QUARTERLY_MEETING = "quarterly_meeting"
    SENIOR_VISIT_OURS = "senior_visit_ours"
    SENIOR_VISIT_THEIRS = "senior_visit_theirs"
    BRANCH_VISIT = "branch_visit"
    SAFETY_TALK = "safety_talk"
    GREETING = "greeting"
    TRAINING = "training"


class EventState(StrEnum):
    PLANNED = "planned"
    HELD = "held"
    MINUTED = "minuted"
    CANCELLED = "cancelled"


class EventAction(StrEnum):
    CHANGE = "change"
    CANCEL = "cancel"
    HOLD = "hold"
    MINUTE = "minute"
    CORRECT = "correct"


class InviteAnswer(StrEnum):
    """What somebody invited said; `ASKED` until they say anything."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class MailedAnswer(StrEnum):
    """What a calendar program answers for its reader by mail."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    TENTATIVE = "tentative"


@dataclass(frozen=True)
class Step:
    """Where an act leads, who may do it, and whether only once the event has begun."""

    state: EventState
    permission: Action = Action.PLAN_RELATIONS
    needs_begun: bool = False


TRANSITIONS: dict[tuple[EventState, EventAction], Step] = {
    (EventState.PLANNED, EventAction.CHANGE): Step(EventState.PLANNED),
    (EventState.PLANNED, EventAction.CANCEL): Step(EventState.CANCELLED),
    (EventState.PLANNED, EventAction.HOLD): Step(EventState.HELD, needs_begun=True),
    (EventState.PLANNED, EventAction.MINUTE): Step(EventState.MINUTED, needs_begun=True),
    (EventState.HELD, EventAction.MINUTE): Step(EventState.MINUTED, needs_begun=True),
    (EventState.MINUTED, EventAction.CORRECT): Step(EventState.MINUTED, needs_begun=True),
}

TOOK_PLACE = frozenset({EventState.HELD, EventState.MINUTED})
COUNTS_AS_PLANNED = frozenset({EventState.PLANNED, *TOOK_PLACE})
"""What meets a promise, or will. A cancelled event does not."""


def step_for(state: EventState, action: EventAction, *, has_begun: bool) -> Step:
    """What an act does to an event in a state; Conflict `event_state` or `event_not_begun` when it may not be done."""
    step = TRANSITIONS.get((state, action))
    if step is None:
        raise Conflict("event_state")
    if step.needs_begun and not has_begun:
        raise Conflict("event_not_begun")
    return step


def actions_for(state: EventState, *, has_begun: bool) -> tuple[EventAction, ...]:
    """What may be done with an event: the buttons of its page."""
    return tuple(
        action
        for (known, action), step in TRANSITIONS.items()
        if known is state and (has_begun or not step.needs_begun)
    )
