"""The words of a clock: targets, the events of its ledger, and what is computed from them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from service_desk.base.errors import Invalid


class TargetUnit(StrEnum):
    """How a promise is counted.

    Minutes and hours are working time of the level's calendar. N working days are N times the calendar's
    standard day of working time: three days from 14:20 are 22.5 office hours, due at 14:20 on the third
    working day after. Calendar days are the law's (Civil Code arts. 201, 203): the start day is not
    counted, the last day lasts until 24:00 and moves past the calendar's rest days; 0 means the same day.
    """

    MINUTES = "minutes"
    HOURS = "hours"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"


class EventKind(StrEnum):
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    HANDOVER = "handover"
    SUBSTITUTE = "substitute"
    RETURN = "return"
    STOP = "stop"
    CANCEL = "cancel"


HOLDER_CHANGES = frozenset({EventKind.HANDOVER, EventKind.SUBSTITUTE, EventKind.RETURN})


class TimerState(StrEnum):
    """Where a timer stands. `MET` and `BREACHED` are verdicts of stopped timers; a late one still runs."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    MET = "met"
    BREACHED = "breached"


class PauseReason(StrEnum):
    """Why a clock may stand; `PAUSE_RULES` says how long and on what evidence."""

    WAITING_FOR_CLIENT_DOCUMENTS = "waiting_for_client_documents"
    WAITING_FOR_THIRD_PARTY = "waiting_for_third_party"
    WAITING_FOR_AUTHORITY = "waiting_for_authority"
    VEHICLE_UNAVAILABLE = "vehicle_unavailable"
    FORCE_MAJEURE = "force_majeure"
    CLIENT_ASKED_TO_WAIT = "client_asked_to_wait"


class HappeningKind(StrEnum):
    WARNING = "warning"
    BREACH = "breach"
    ESCALATION = "escalation"
    PAUSE_END = "pause_end"


@dataclass(frozen=True)
class Target:
    """A promise: how much time, when to warn (percent of it used), and whom to tell when it is broken.

    `escalate_after_minutes`: for escalation levels 2, 3, …, working minutes after the due time. Level 1 is
    the breach itself.
    """

    value: int
    unit: TargetUnit
    warn_percent: int = 75
    escalate_after_minutes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        lowest = 0 if self.unit is TargetUnit.CALENDAR_DAYS else 1
        if self.value < lowest:
            raise Invalid("target_too_short", field="target_value", value=self.value)
        if not 1 <= self.warn_percent <= 100:
            raise Invalid("warn_percent_out_of_range", field="warn_percent", value=self.warn_percent)
        for number, (before, after) in enumerate(pairwise((0, *self.escalate_after_minutes)), start=1):
            if after <= before:
                raise Invalid("escalation_out_of_order", field="escalations", number=number)


@dataclass(frozen=True)
class LedgerEvent:
    """One entry of a timer's time line. `holder_id` answers for the clock from here on.

    `START`, `HANDOVER`, `SUBSTITUTE` (somebody stands in for an absent holder) and `RETURN` (the absent one is
    back) change the holder. `reason` belongs to a pause; `evidence` names what proves
    the pause, or a time entered afterwards.
    """

    at: datetime
    kind: EventKind
    holder_id: int
    reason: PauseReason | None = None
    evidence: str | None = None


@dataclass(frozen=True)
class Segment:
    """A stretch [from_at, to_at) of the ledger under one holder in one state.

    `working_seconds` is the calendar's time in it, also for a pause (what the pause kept off the clock); it
    is the sum of the seconds before and after the due time.
    """

    from_at: datetime
    to_at: datetime
    holder_id: int
    reason: PauseReason | None
    working_seconds: int
    seconds_before_due: int
    seconds_after_due: int

    @property
    def state(self) -> TimerState:
        """`RUNNING`, or `PAUSED` when there is a reason."""
        return TimerState.RUNNING if self.reason is None else TimerState.PAUSED


@dataclass(frozen=True)
class Happening:
    """Something that must be told once, at its true instant.

    `level` numbers escalations; the end of a pause has the second since 1970 at which the pause began, which
    stays the same when an earlier pause is struck off.
    """

    at: datetime
    kind: HappeningKind
    level: int = 0

    @property
    def code(self) -> str:
        """The name unique within one timer: `warning`, `breach`, `escalation_2`, `pause_end_1795399200`."""
        return f"{self.kind}_{self.level}" if self.level else str(self.kind)


@dataclass(frozen=True)
class TimerFacts:
    """All that follows from a timer's events, seen at one instant.

    `due_at` and `warn_at` are None while a pause leaves them open. `verdict` and `breached_at` are set as
    soon as the promise is broken, and `verdict` when the clock stops; never for a cancelled timer.
    `covered_id` is the absent holder for whom `holder_id` stands in. `remaining_seconds` and `used_seconds` count on the target's clock; `over_seconds` is the running time
    after the due time, and can be 0 for a breach in closed hours. `happenings` are in order, known future
    ones included.
    """

    state: TimerState
    holder_id: int
    covered_id: int | None
    started_at: datetime
    ended_at: datetime | None
    due_at: datetime | None
    warn_at: datetime | None
    pause_ends_at: datetime | None
    next_check_at: datetime | None
    used_seconds: int
    remaining_seconds: int
    over_seconds: int
    verdict: Verdict | None
    breached_at: datetime | None
    segments: tuple[Segment, ...]
    happenings: tuple[Happening, ...]
