"""What work with the client is: its kinds, and what an event of both sides counts as."""

from enum import StrEnum

from service_desk.rules.relation_flow import EventKind


class WorkKind(StrEnum):
    VISIT = "visit"
    CALL = "call"
    MEETING = "meeting"
    TRAINING = "training"


class WorkSource(StrEnum):
    """Where an entry of the log comes from: typed by hand, or read from what is kept elsewhere."""

    TYPED = "typed"
    CONTACT = "contact"
    EVENT = "event"
    FOLLOW_UP = "follow_up"


EVENT_WORK: dict[EventKind, WorkKind] = {
    EventKind.QUARTERLY_MEETING: WorkKind.MEETING,
    EventKind.SENIOR_VISIT_OURS: WorkKind.VISIT,
    EventKind.SENIOR_VISIT_THEIRS: WorkKind.MEETING,
    EventKind.BRANCH_VISIT: WorkKind.VISIT,
    EventKind.SAFETY_TALK: WorkKind.TRAINING,
    EventKind.GREETING: WorkKind.VISIT,
    EventKind.TRAINING: WorkKind.TRAINING,
}
