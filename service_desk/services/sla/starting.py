"""Starting a clock: the promise is chosen and copied, so that no later change moves it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel, Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla.history import whole_second
from service_desk.rules.vocabulary import Severity
from service_desk.services import audit
from service_desk.services.notices import Matter
from service_desk.services.sla import calendars, ledger, levels, next_due, standing_in

log = structlog.get_logger()

BREACH = "breach"

_EARLIER = (
    select(Timer.step, Timer.cycle, Timer.state, Timer.id)
    .where(
        Timer.matter_kind == bindparam("kind"),
        Timer.matter_id == bindparam("id"),
        Timer.step.in_(bindparam("steps", expanding=True)),
    )
    .order_by(Timer.cycle)
)


def review_matter(timer: Timer) -> Matter:
    """A breach as a matter of its own: its clock is the review's."""
    return Matter(BREACH, timer.id, timer.matter_number, timer.account_id, timer.branch_id)


def open_timers(
    matter: Matter,
    steps: Mapping[ClockStep, int | None],
    *,
    holder_id: int,
    at: datetime,
    actor: User | None,
    now: datetime,
    severity: Severity | None = None,
    is_urban: bool | None = None,
) -> dict[ClockStep, Timer]:
    """Start the clocks of some steps at `at`, each with its amount; those that still run are answered as they are.

    A step without a promise gets no clock. A clock that had stopped starts a new cycle, and the old one keeps its
    verdict for ever.
    """
    found, last_cycles = _earlier(matter, steps)
    wanted = {step: amount_fen for step, amount_fen in steps.items() if step not in found}
    chosen = levels.choose_for(
        wanted,
        on=local_date(at),
        account_id=matter.account_id,
        severity=severity,
        is_urban=is_urban,
    )
    for step in wanted.keys() - chosen.keys():
        log.warning("clock_without_level", step=step.value, matter=matter.kind, matter_id=matter.id)
    digests = calendars.digests_of({level.calendar_code for level in chosen.values()})
    made: dict[ClockStep, Timer] = {}
    for step, level in chosen.items():
        first = first_values(matter, level, digests[level.calendar_code], holder_id=holder_id, at=at)
        about = {"severity": severity, "is_urban": is_urban, "amount_fen": steps[step]}
        made[step] = Timer(**first, **about, cycle=last_cycles.get(step, 0) + 1)
    if made:
        _write(list(made.values()), at=at, actor=actor, now=now)
    return found | made


def _write(timers: Sequence[Timer], *, at: datetime, actor: User | None, now: datetime) -> None:
    """Write new clocks with their first entries, give them on where their holder is away, and keep the audit."""
    for timer in timers:
        ledger.begin(timer, at=at, now=now)
    try:
        with db.session.begin_nested():
            db.session.add_all(timers)
    except IntegrityError:
        raise Conflict("stale") from None
    for timer in timers:
        ledger.add_first_entry(timer, at=at, actor=actor, now=now)
    next_due.keep({(timer.matter_kind, timer.matter_id) for timer in timers})
    standing_in.cover(timers, now=now)
    db.session.flush()
    started = [
        audit.Subject(
            Timer.__tablename__,
            timer.id,
            timer.account_id,
            label_of(timer),
            {"due_at": (None, timer.due_at), "holder_id": (None, timer.holder_id)},
        )
        for timer in timers
    ]
    audit.record_many("clock_started", started, actor=actor, now=now)


def label_of(timer: Timer) -> str:
    """How the audit trail calls a timer."""
    return f"{timer.matter_number} {timer.step.value}"


def _earlier(
    matter: Matter, steps: Collection[ClockStep]
) -> tuple[dict[ClockStep, Timer], dict[ClockStep, int]]:
    """The open timers of the steps, and the last cycle of those that had any."""
    known = db.session.execute(_EARLIER, {"kind": matter.kind, "id": matter.id, "steps": list(steps)})
    running: dict[ClockStep, Timer] = {}
    cycles: dict[ClockStep, int] = {}
    for step, cycle, state, timer_id in known.tuples():
        cycles[step] = cycle
        if state in ledger.OPEN_STATES:
            running[step] = db.session.get_one(Timer, timer_id)
    return running, cycles


def first_values(
    matter: Matter, level: ServiceLevel, digest: str, *, holder_id: int, at: datetime
) -> dict[str, Any]:
    """What a clock's row is told at its start: the matter, and the promise copied with the calendar's version."""
    return {
        "account_id": matter.account_id,
        "branch_id": matter.branch_id,
        "matter_kind": matter.kind,
        "matter_id": matter.id,
        "matter_number": matter.number,
        "step": level.step,
        "level_id": level.id,
        "target_value": level.target_value,
        "target_unit": level.target_unit,
        "warn_percent": level.warn_percent,
        "escalate_after_minutes": list(level.escalate_after_minutes),
        "escalate_to": list(level.escalate_to),
        "calendar_code": level.calendar_code,
        "calendar_digest": digest,
        "holder_id": holder_id,
        "state": TimerState.RUNNING,
        "started_at": whole_second(at),
        "measured_at": whole_second(at),
    }
