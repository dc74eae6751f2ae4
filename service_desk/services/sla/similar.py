"""What happened in similar cases: the same step of the same account in the last 90 days."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, select

from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerEntry, TimerState
from service_desk.rules.metrics import Ratio, median, p90
from service_desk.rules.sla import EventKind, TargetUnit, target_seconds
from service_desk.services.sla import ledger

SIMILAR_DAYS = 90


@dataclass(frozen=True)
class Similar:
    """The same step of the same account in the last 90 days; None where there is nothing to measure.

    `kept_if_longer` is the share that would have kept `longer_value` of the target's unit.
    """

    kept: Ratio
    median_seconds: int | None
    p90_seconds: int | None
    late_after_handover: int
    longer_value: int | None
    kept_if_longer: Ratio


def similar_to(timer: Timer, *, now: datetime) -> Similar:
    """How the same step of the account went in the last 90 days."""
    since = now - timedelta(days=SIMILAR_DAYS)
    of_step = (
        Timer.account_id == timer.account_id,
        Timer.step == timer.step,
        Timer.state.in_((TimerState.MET, TimerState.BREACHED)),
        Timer.stopped_at > since,
        Timer.stopped_at <= now,
    )
    judged = db.session.execute(select(Timer.state, Timer.used_seconds).where(*of_step)).all()
    used = [row.used_seconds for row in judged]
    kept = Ratio(sum(row.state is TimerState.MET for row in judged), len(judged))
    middle = median(used)
    longer, seconds = _longer(timer)
    return Similar(
        kept=kept,
        median_seconds=None if middle is None else int(middle),
        p90_seconds=p90(used),
        late_after_handover=_late_after_handover(of_step),
        longer_value=longer,
        kept_if_longer=Ratio(sum(one <= seconds for one in used), len(used)) if longer else Ratio(),
    )


def _late_after_handover(of_step: tuple[ColumnElement[bool], ...]) -> int:
    handed = exists().where(TimerEntry.timer_id == Timer.id, TimerEntry.kind == EventKind.HANDOVER)
    statement = select(func.count()).select_from(Timer)
    return db.session.scalar(statement.where(*of_step, Timer.state == TimerState.BREACHED, handed)) or 0


def _longer(timer: Timer) -> tuple[int | None, int]:
    """A promise a step longer, and its seconds on the clock: one working day more, or half as much again."""
    target = ledger.target_of(timer)
    if target.unit is TargetUnit.CALENDAR_DAYS:
        return None, 0
    more = 1 if target.unit is TargetUnit.WORKING_DAYS else max(1, target.value // 2)
    calendar = ledger.calendar_of(timer)
    return target.value + more, target_seconds(target, calendar) * (target.value + more) // target.value
