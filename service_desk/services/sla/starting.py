"""Starting a clock: the promise is chosen and copied, so that no later change moves it."""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict
from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel, Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import EventKind
from service_desk.rules.sla.history import whole_second
from service_desk.rules.vocabulary import Severity
from service_desk.services import audit
from service_desk.services.notices import Matter
from service_desk.services.sla import calendars, ledger, levels, standing_in

log = structlog.get_logger()

BREACH = "breach"


def review_matter(timer: Timer) -> Matter:
    """A breach as a matter of its own: its clock is the review's."""
    return Matter(BREACH, timer.id, timer.matter_number, timer.account_id, timer.branch_id)


def open_timer(
    matter: Matter,
    step: ClockStep,
    *,
    holder_id: int,
    at: datetime,
    actor: User | None,
    now: datetime,
    severity: Severity | None = None,
    is_urban: bool | None = None,
    amount_fen: int | None = None,
) -> Timer | None:
    """Start the step's clock at `at`; the one that still runs when there is one; None without a promise.

    A clock that had stopped starts a new cycle, and the old one keeps its verdict for ever.
    """
    running, cycle = _earlier(matter, step)
    if running is not None:
        return running
    level = levels.choose(
        step,
        on=local_date(at),
        account_id=matter.account_id,
        severity=severity,
        is_urban=is_urban,
        amount_fen=amount_fen,
    )
    if level is None:
        log.warning("clock_without_level", step=step.value, matter=matter.kind, matter_id=matter.id)
        return None
    digest = calendars.current_digest(level.calendar_code)
    timer = Timer(**first_values(matter, level, digest, holder_id=holder_id, at=at), cycle=cycle)
    timer.severity, timer.is_urban, timer.amount_fen = severity, is_urban, amount_fen
    try:
        with db.session.begin_nested():
            db.session.add(timer)
    except IntegrityError:
        raise Conflict("stale") from None
    ledger.add_entry(timer, EventKind.START, holder_id=holder_id, at=at, actor=actor, now=now)
    standing_in.cover(timer, now=now)
    changes = {"due_at": (None, timer.due_at), "holder_id": (None, timer.holder_id)}
    audit.record("clock_started", timer, actor=actor, now=now, label=label_of(timer), changes=changes)
    return timer


def label_of(timer: Timer) -> str:
    """How the audit trail calls a timer."""
    return f"{timer.matter_number} {timer.step.value}"


def _earlier(matter: Matter, step: ClockStep) -> tuple[Timer | None, int]:
    """The step's open timer, if any, and the next free cycle."""
    of_step = (Timer.matter_kind == matter.kind, Timer.matter_id == matter.id, Timer.step == step)
    running = db.session.scalar(select(Timer).where(*of_step, Timer.state.in_(ledger.OPEN_STATES)))
    last = db.session.scalar(select(func.max(Timer.cycle)).where(*of_step)) or 0
    return running, last + 1


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
