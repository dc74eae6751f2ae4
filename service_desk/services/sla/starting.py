"""Starting a clock: the promise is chosen and copied, so that no later change moves it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, insert, select
from sqlalchemy.exc import IntegrityError

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, NotFound
from service_desk.models.db import db, table_of
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

# Made once: every report of an accident asks and writes these.
_WRITE = insert(table_of(Timer)).returning(table_of(Timer).c.step, table_of(Timer).c.id)

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
    rows = _rows(matter, wanted, holder_id=holder_id, at=at, now=now, severity=severity, is_urban=is_urban)
    for row in rows:
        row["cycle"] = last_cycles.get(row["step"], 0) + 1
    if not rows:
        return found
    try:
        with db.session.begin_nested():
            ids = _write(rows, at=at, actor=actor, now=now)
    except IntegrityError:
        raise Conflict("stale") from None
    made = _timers(ids)
    standing_in.cover(made, now=now)
    db.session.flush()
    _keep_audit(rows, {timer.step: (timer.id, timer.holder_id) for timer in made}, actor, now)
    return found | {timer.step: timer for timer in made}


def start_first(
    matter: Matter,
    steps: Mapping[ClockStep, int | None],
    *,
    holder_id: int,
    at: datetime,
    actor: User | None,
    now: datetime,
    severity: Severity | None = None,
    is_urban: bool | None = None,
    is_holder_here: bool = False,
) -> None:
    """Start the first clocks of a matter that was made in this unit of work.

    Nobody else knows of it, so it has no earlier clocks and nobody starts the same meanwhile: neither is asked.
    `is_holder_here`: the caller has just asked at `now`, and the holder is not away.
    """
    rows = _rows(matter, steps, holder_id=holder_id, at=at, now=now, severity=severity, is_urban=is_urban)
    if not rows:
        return
    ids = _write([{**row, "cycle": 1} for row in rows], at=at, actor=actor, now=now)
    held = {step: (timer_id, holder_id) for step, timer_id in ids.items()}
    if not is_holder_here and standing_in.away_now([holder_id], now):
        timers = _timers(ids)
        standing_in.cover(timers, now=now)
        db.session.flush()
        held = {timer.step: (timer.id, timer.holder_id) for timer in timers}
    _keep_audit(rows, held, actor, now)


def _rows(
    matter: Matter,
    steps: Mapping[ClockStep, int | None],
    *,
    holder_id: int,
    at: datetime,
    now: datetime,
    severity: Severity | None,
    is_urban: bool | None,
) -> list[dict[str, Any]]:
    """The rows of new clocks with all that follows from their start; a step without a promise has none."""
    chosen = levels.choose_for(
        steps, on=local_date(at), account_id=matter.account_id, severity=severity, is_urban=is_urban
    )
    for step in steps.keys() - chosen.keys():
        log.warning("clock_without_level", step=step.value, matter=matter.kind, matter_id=matter.id)
    rows = []
    for step, level in chosen.items():
        if level.digest is None:
            raise NotFound("not_found")
        first = first_values(matter, level, level.digest, holder_id=holder_id, at=at)
        about = {"severity": severity, "is_urban": is_urban, "amount_fen": steps[step]}
        calendar = calendars.working_calendar(level.digest)
        following = ledger.values_at_start(levels.target_of(level), calendar, holder_id, at=at, now=now)
        rows.append(first | about | following)
    return rows


def _write(
    rows: Sequence[Mapping[str, Any]], *, at: datetime, actor: User | None, now: datetime
) -> dict[ClockStep, int]:
    """Write new clocks of a matter with their first entries; their ids by step."""
    db.session.flush()
    ids = dict(db.session.execute(_WRITE, rows).tuples().all())
    ledger.add_first_entries(
        {ids[row["step"]]: row["holder_id"] for row in rows}, at=at, actor=actor, now=now
    )
    next_due.keep({(row["matter_kind"], row["matter_id"]) for row in rows})
    return ids


def _timers(ids: Mapping[ClockStep, int]) -> list[Timer]:
    return list(db.session.scalars(select(Timer).where(Timer.id.in_(ids.values())).order_by(Timer.id)))


def _keep_audit(
    rows: Sequence[Mapping[str, Any]],
    held: Mapping[ClockStep, tuple[int, int]],
    actor: User | None,
    now: datetime,
) -> None:
    """Keep in the trail what was started; `held` says the id and the present holder of each step's clock."""
    started = []
    for row in rows:
        timer_id, holder_id = held[row["step"]]
        label = f"{row['matter_number']} {row['step'].value}"
        changes = {"due_at": (None, row["due_at"]), "holder_id": (None, holder_id)}
        started.append(audit.Subject(Timer.__tablename__, timer_id, row["account_id"], label, changes))
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
    matter: Matter, level: ServiceLevel | Row[Any], digest: str, *, holder_id: int, at: datetime
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
