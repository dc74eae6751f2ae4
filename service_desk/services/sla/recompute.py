"""Moving open clocks to the promise and calendar in force now, on a manager's word only.

A change of a level or a calendar moves no clock by itself. Closed clocks are never touched. A promise once
broken stays broken: recomputing it would rewrite a breach that people have been told of and must review, so
it is refused. A clock whose new due time has passed already is broken at that instant, and the next sweep
tells it.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.errors import Conflict, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerRecomputation
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit
from service_desk.services.sla import calendars, ledger, next_due, retelling, starting
from service_desk.services.sla.outdated import TERMS, Outdated, Wanted, judge

_SHOWN = ("target_value", "target_unit", "due_at", "left_seconds", "breached_at")


def recompute(
    wanted: Collection[Wanted], reason: str, *, actor: User, now: datetime
) -> list[TimerRecomputation]:
    """Move clocks to the terms in force, all of them or none; both due times are kept with the reason.

    Invalid: recompute_none_chosen, recompute_reason_missing, recompute_own (nobody gives themselves more time),
    recompute_broken. NotFound for a clock the
    actor may not manage. Conflict("recompute_stale", numbers=…) when a clock, its level or its calendar has
    changed since the actor looked: what would happen now is not what they agreed to.
    """
    access.require(actor, Action.MANAGE_CLOCKS)
    if not wanted:
        raise Invalid("recompute_none_chosen")
    if not reason.strip():
        raise Invalid("recompute_reason_missing", field="reason")
    timers = _manageable(wanted, actor)
    own = [timer for timer in timers.values() if timer.holder_id == actor.id]
    if own:
        raise Invalid("recompute_own", numbers=_numbers(own))
    found = {one.timer.id: one for one in judge(timers.values(), now)}
    changed = _changed_since(wanted, found)
    if changed:
        raise Conflict("recompute_stale", numbers=_numbers(timers[timer_id] for timer_id in changed))
    broken = [one.timer for one in found.values() if one.move.is_broken]
    if broken:
        raise Invalid("recompute_broken", numbers=_numbers(broken))
    return [_carry_out(found[one.timer_id], reason.strip(), actor, now) for one in dict.fromkeys(wanted)]


def _manageable(wanted: Iterable[Wanted], actor: User) -> dict[int, Timer]:
    ids = {one.timer_id for one in wanted}
    statement = select(Timer).where(Timer.id.in_(ids)).order_by(Timer.id)
    visible = access.visible(actor, Action.MANAGE_CLOCKS, statement, Timer)
    next_due.hold(db.session.scalars(visible))
    # Read anew and held: another manager, or the sweep, may be at the same clocks.
    held = visible.with_for_update()
    timers = db.session.scalars(held.execution_options(populate_existing=True)).all()
    if len(timers) != len(ids):
        raise NotFound("not_found")
    return {timer.id: timer for timer in timers}


def _changed_since(wanted: Iterable[Wanted], found: Mapping[int, Outdated]) -> list[int]:
    return [one.timer_id for one in wanted if one.timer_id not in found or found[one.timer_id].wanted != one]


def _numbers(timers: Iterable[Timer]) -> str:
    return ", ".join(dict.fromkeys(timer.matter_number for timer in timers))


def _carry_out(outdated: Outdated, reason: str, actor: User, now: datetime) -> TimerRecomputation:
    timer, level = outdated.timer, outdated.level
    before = _shown(timer)
    row = TimerRecomputation(
        timer_id=timer.id,
        old_level_id=timer.level_id,
        new_level_id=level.id,
        old_digest=timer.calendar_digest,
        new_digest=outdated.digest,
        old_due_at=timer.due_at,
        reason=reason,
        actor_id=actor.id,
        recorded_at=now,
    )
    for name in TERMS:
        setattr(timer, name, getattr(level, name))
    timer.level_id, timer.calendar_digest = level.id, outdated.digest
    _bring_up_to_date(timer, now)
    row.new_due_at = timer.due_at
    db.session.add(row)
    changes = {name: (before[name], said) for name, said in _shown(timer).items() if before[name] != said}
    label = starting.label_of(timer)
    changes["reason"] = (None, reason)
    audit.record("clock_recomputed", timer, actor=actor, now=now, label=label, changes=changes)
    return row


def _bring_up_to_date(timer: Timer, now: datetime) -> None:
    events = ledger.events_of(ledger.entries_of([timer.id])[timer.id])
    facts = ledger.refresh(timer, events, now)
    # A warning that came too early by the new terms is told again when its time comes.
    retelling.take_back_told(timer, facts, now)
    ledger.refresh(timer, events, now)


def _shown(timer: Timer) -> dict[str, Any]:
    version = calendars.version_of(timer.calendar_digest)
    return {
        **{name: getattr(timer, name) for name in _SHOWN},
        "calendar_version": f"{version.code} v{version.number}",
    }
