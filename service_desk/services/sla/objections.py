"""The client's word against a pause: raised once a pause, decided by a manager who has no part in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.exc import IntegrityError

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.sla import PauseObjection, Timer, TimerEntry, TimerState
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role
from service_desk.rules.sla import EventKind
from service_desk.services import access, audit, notices
from service_desk.services.sla import ledger, rejudging, starting, telling, timers
from service_desk.services.sla.life import PauseTold, end_of_pause

# A verdict must come to rest some day.
OPEN_AFTER_END = timedelta(days=30)


def object_to_pause(timer_id: int, entry_id: int, text: str, *, actor: User, now: datetime) -> PauseObjection:
    """Object to a pause while its clock is open and for 30 days after; holder and managers are told.

    Invalid: objection_text_missing. Conflict: pause_objected (once a pause), objection_too_late,
    objection_without_verdict (the clock was cancelled).
    """
    access.require(actor, Action.OBJECT_TO_PAUSES)
    timer = timers.get_timer(timer_id, actor=actor)
    pause = _get_pause(timer, entry_id)
    if not text.strip():
        raise Invalid("objection_text_missing", field="text")
    _require_open_to_objection(timer, pause, now)
    objection = PauseObjection(
        timer_id=timer.id, entry_id=pause.id, text=text.strip(), raised_by_id=actor.id, raised_at=now
    )
    try:
        with db.session.begin_nested():
            db.session.add(objection)
    except IntegrityError:
        raise Conflict("pause_objected") from None
    _record("pause_objected", objection, timer, {}, actor, now)
    holder = db.session.get_one(User, timer.holder_id)
    for user in dict.fromkeys([holder, *telling.managers_of(timer)]):
        if user.is_active:
            _tell("pause_objected", user, objection, pause, timer, now)
    return objection


@dataclass(frozen=True)
class Undecided:
    """An objection that waits for a decision, with its pause and clock."""

    objection: PauseObjection
    pause: TimerEntry
    timer: Timer


def list_undecided(*, actor: User, limit: int) -> tuple[list[Undecided], int]:
    """Objections that this manager may decide, the oldest first, and how many there are; none for others."""
    if not access.may(actor, Action.REVIEW_BREACHES):
        return [], 0
    held = TimerEntry.__table__.alias()
    took_part = exists().where(
        held.c.timer_id == PauseObjection.timer_id,
        or_(
            (held.c.holder_id == actor.id)
            & (held.c.voided_at.is_(None) | (held.c.id == PauseObjection.entry_id)),
            (held.c.id == PauseObjection.entry_id) & (held.c.actor_id == actor.id),
        ),
    )
    statement = (
        select(PauseObjection, TimerEntry, Timer)
        .join(TimerEntry, TimerEntry.id == PauseObjection.entry_id)
        .join(Timer, Timer.id == PauseObjection.timer_id)
        .where(PauseObjection.is_upheld.is_(None), ~took_part)
    )
    waiting = access.visible(actor, Action.READ_CLOCKS, statement, Timer)
    total = db.session.scalar(
        select(func.count()).select_from(waiting.with_only_columns(PauseObjection.id).subquery())
    )
    rows = db.session.execute(waiting.order_by(PauseObjection.raised_at, PauseObjection.id).limit(limit))
    return [Undecided(*row) for row in rows.tuples()], total or 0


def may_object(timer: Timer, pause: PauseTold, *, actor: User, now: datetime) -> bool:
    """Whether the form is worth showing; `object_to_pause` decides."""
    if not access.may(actor, Action.OBJECT_TO_PAUSES) or pause.objection is not None:
        return False
    try:
        _require_open_to_objection(timer, pause.entry, now)
    except Conflict:
        return False
    return True


def decide(
    objection_id: int, answer: str, version: int, *, is_upheld: bool, actor: User, now: datetime
) -> PauseObjection:
    """Uphold an objection: the pause is struck off and the clock judged anew; or reject it, with the answer why.

    Forbidden `objection_decided_by_party` for who paused and whoever held the clock.
    Invalid: objection_answer_missing. Conflict: objection_decided, stale.
    """
    access.require(actor, Action.REVIEW_BREACHES)
    objection = db.session.get(PauseObjection, objection_id)
    if objection is None:
        raise NotFound("not_found")
    timer = timers.get_timer(objection.timer_id, actor=actor)
    # The clock first, as everybody who changes its ledger: a pause may end while it is struck off.
    timers.lock(timer)
    db.session.refresh(objection, with_for_update=True)
    entries = ledger.entries_of([timer.id])[timer.id]
    if actor.id in parties(objection, entries):
        raise Forbidden("objection_decided_by_party")
    if objection.is_upheld is not None:
        raise Conflict("objection_decided")
    if objection.version != version:
        raise Conflict("stale")
    if not is_upheld and not answer.strip():
        raise Invalid("objection_answer_missing", field="answer")
    objection.is_upheld, objection.answer = is_upheld, answer.strip()
    objection.decided_by_id, objection.decided_at = actor.id, now
    pause = next(entry for entry in entries if entry.id == objection.entry_id)
    changes = _strike_off(timer, pause, entries, actor, now) if is_upheld else {}
    _record("objection_upheld" if is_upheld else "objection_rejected", objection, timer, changes, actor, now)
    _tell_client(objection, pause, timer, now)
    return objection


def parties(objection: PauseObjection, entries: list[TimerEntry]) -> set[int]:
    """Who may not decide: who paused, and everybody whose minutes the pause may cost."""
    pause = next(entry for entry in entries if entry.id == objection.entry_id)
    holders = {entry.holder_id for entry in entries if entry.voided_at is None or entry.id == pause.id}
    return holders | ({pause.actor_id} if pause.actor_id else set())


def _get_pause(timer: Timer, entry_id: int) -> TimerEntry:
    pause = db.session.scalar(
        select(TimerEntry).where(
            TimerEntry.id == entry_id, TimerEntry.timer_id == timer.id, TimerEntry.kind == EventKind.PAUSE
        )
    )
    if pause is None:
        raise NotFound("not_found")
    return pause


def _require_open_to_objection(timer: Timer, pause: TimerEntry, now: datetime) -> None:
    if pause.voided_at is not None:
        raise Conflict("pause_objected")
    if timer.state is TimerState.CANCELLED:
        raise Conflict("objection_without_verdict")
    if timer.stopped_at is not None and now > timer.stopped_at + OPEN_AFTER_END:
        raise Conflict("objection_too_late", days=OPEN_AFTER_END.days)


def _strike_off(
    timer: Timer, pause: TimerEntry, entries: list[TimerEntry], actor: User, now: datetime
) -> dict[str, tuple[Any, Any]]:
    """Let the pause and its end no longer count; what follows from it for the clock."""
    ended_by = end_of_pause(entries, pause)
    pause.voided_at = now
    if ended_by is not None and ended_by.kind is EventKind.RESUME:
        ended_by.voided_at = now
    db.session.flush()
    return rejudging.rejudge(timer, actor=actor, now=now)


def _record(
    action: str,
    objection: PauseObjection,
    timer: Timer,
    changes: dict[str, tuple[Any, Any]],
    actor: User,
    now: datetime,
) -> None:
    label = starting.label_of(timer)
    audit.record(
        action, objection, actor=actor, now=now, label=label, changes=changes, account_id=timer.account_id
    )


def _tell_client(objection: PauseObjection, pause: TimerEntry, timer: Timer, now: datetime) -> None:
    """Tell who objected; the group's insurance department where that login is closed by now."""
    raiser = db.session.get_one(User, objection.raised_by_id)
    department = access.account_members(timer.account_id, Role.GROUP_INSURANCE)
    for user in [raiser] if raiser.is_active else department:
        _tell("objection_decided", user, objection, pause, timer, now)


def _tell(
    kind: str, user: User, objection: PauseObjection, pause: TimerEntry, timer: Timer, now: datetime
) -> None:
    raiser = db.session.get_one(User, objection.raised_by_id)
    params = {
        "url": f"/timers/{timer.id}",
        "step": timer.step.value,
        "number": timer.matter_number,
        "reason": pause.reason,
        "since": pause.at.isoformat(),
        "who": raiser.name,
        "text": objection.text,
        "is_upheld": objection.is_upheld,
        "answer": objection.answer or "",
        "verdict": timer.state.value,
        "breached_at": timer.breached_at.isoformat() if timer.breached_at else None,
    }
    notices.queue(
        kind,
        notices.user_recipient(user),
        params,
        dedupe=f"{kind}:{objection.id}",
        now=now,
        matter=ledger.matter_of(timer),
        is_shared=not access.hidden_from([timer.matter_number]),
    )
