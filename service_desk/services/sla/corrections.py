"""Putting a time in a ledger right, on evidence, by a manager whose own verdict it does not mend."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerCorrection, TimerEntry, TimerState
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.sla import EventKind, TimerFacts, correct_time, evaluate
from service_desk.rules.sla.history import whole_second
from service_desk.services import access, audit, notices
from service_desk.services.sla import ledger, rejudging, starting, timers

CORRECTABLE = frozenset(
    {EventKind.START, EventKind.PAUSE, EventKind.RESUME, EventKind.HANDOVER, EventKind.STOP}
)
# Entries one act wrote on several clocks: a survey ends one and starts the next, a hand-over moves them all.
_SHARED = (EventKind.START, EventKind.HANDOVER, EventKind.STOP)


@dataclass(frozen=True)
class MatterLife:
    """Between which instants a clock's entries can lie: from the report to the end of the matter, both included."""

    from_at: datetime
    to_at: datetime


@dataclass(frozen=True)
class Correction:
    """The true time of an entry. `shown_at` is the time the page showed; evidence is a paper of the same matter."""

    entry_id: int
    shown_at: datetime
    at: datetime
    reason: str = ""
    evidence_id: int | None = None


@dataclass(frozen=True)
class Affected:
    """A clock whose entry is corrected, as it is and (once the true time is known) as it would be."""

    timer: Timer
    entry: TimerEntry
    before: TimerFacts
    after: TimerFacts | None = None


def correctable(timer: Timer, entries: Sequence[TimerEntry], *, actor: User) -> list[TimerEntry]:
    """The entries whose times the actor may put right; empty for who may not, and for a clock without a verdict."""
    if not access.may(actor, Action.CORRECT_CLOCKS) or timer.state is TimerState.CANCELLED:
        return []
    if actor.id in _holders(entries):
        return []
    return [entry for entry in entries if entry.kind in CORRECTABLE and entry.voided_at is None]


def read_affected(timer_id: int, entry_id: int, *, actor: User, now: datetime) -> list[Affected]:
    """The clock and every other whose entry is the same milestone: they are corrected together."""
    access.require(actor, Action.CORRECT_CLOCKS)
    timer = timers.get_timer(timer_id, actor=actor)
    pairs = _together(timer, entry_id)
    _require_no_party(pairs, actor)
    return [Affected(timer, entry, ledger.facts_of(timer, now)) for timer, entry in pairs]


def preview(
    timer_id: int, command: Correction, *, life: MatterLife, actor: User, now: datetime
) -> list[Affected]:
    """What a correction would do to each verdict. Refuses what `correct` would; evidence and reason may come later."""
    access.require(actor, Action.CORRECT_CLOCKS)
    pairs = _together(timers.get_timer(timer_id, actor=actor), command.entry_id)
    _check(pairs, command, life, actor, now)
    return [
        Affected(timer, entry, ledger.facts_of(timer, now), _facts_with(timer, entry, command.at, now))
        for timer, entry in pairs
    ]


def correct(
    timer_id: int, command: Correction, *, life: MatterLife, actor: User, now: datetime
) -> list[TimerCorrection]:
    """Put a time right on every clock whose milestone it is; both values are kept, each verdict is given anew.

    Forbidden `correction_of_own_clock` for whoever held one of the clocks. Conflict: time_corrected_meanwhile.
    Invalid: correction_before_report, correction_after_end, clock_event_future, correction_overlaps,
    correction_same, correction_pause_too_long, correction_reason_missing, correction_evidence_missing.
    """
    access.require(actor, Action.CORRECT_CLOCKS)
    timer = timers.get_timer(timer_id, actor=actor)
    for one, _ in sorted(_together(timer, command.entry_id), key=lambda pair: pair[0].id):
        timers.lock(one)
    pairs = _together(timer, command.entry_id)
    _check(pairs, command, life, actor, now)
    if not command.reason.strip():
        raise Invalid("correction_reason_missing", field="reason")
    if command.evidence_id is None:
        raise Invalid("correction_evidence_missing", field="evidence")
    timers.check_evidence(timer, command.evidence_id)
    corrections = [_write(one, entry, command, actor, now) for one, entry in pairs]
    _tell(pairs, corrections, actor, now)
    return corrections


def life_of_clocks(timer: Timer, now: datetime) -> MatterLife:
    """The life of a matter as its clocks know it: from the first that was started until now."""
    first = select(func.min(TimerEntry.at)).join(Timer, Timer.id == TimerEntry.timer_id)
    started_at = db.session.scalar(
        first.where(
            Timer.matter_kind == timer.matter_kind,
            Timer.matter_id == timer.matter_id,
            TimerEntry.kind == EventKind.START,
        )
    )
    return MatterLife(started_at or timer.started_at, now)


def _together(timer: Timer, entry_id: int) -> list[tuple[Timer, TimerEntry]]:
    """The entry, first, and those that the same act wrote at the same instant on clocks of the same matter."""
    entry = db.session.scalar(
        select(TimerEntry)
        .where(TimerEntry.id == entry_id, TimerEntry.timer_id == timer.id)
        .execution_options(populate_existing=True)
    )
    if entry is None or entry.kind not in CORRECTABLE or entry.voided_at is not None:
        raise NotFound("not_found")
    if timer.state is TimerState.CANCELLED:
        raise NotFound("not_found")
    if entry.kind not in _SHARED:
        return [(timer, entry)]
    statement = (
        select(Timer, TimerEntry)
        .join(TimerEntry, TimerEntry.timer_id == Timer.id)
        .where(
            Timer.matter_kind == timer.matter_kind,
            Timer.matter_id == timer.matter_id,
            Timer.state != TimerState.CANCELLED,
            TimerEntry.id != entry.id,
            TimerEntry.kind.in_(_SHARED),
            TimerEntry.at == entry.at,
            TimerEntry.recorded_at == entry.recorded_at,
            TimerEntry.voided_at.is_(None),
        )
        .order_by(Timer.id, TimerEntry.id)
    )
    return [(timer, entry), *db.session.execute(statement).tuples().all()]


def _holders(entries: Sequence[TimerEntry]) -> set[int]:
    return {entry.holder_id for entry in entries if entry.voided_at is None}


def _require_no_party(pairs: Sequence[tuple[Timer, TimerEntry]], actor: User) -> None:
    entries = ledger.entries_of([timer.id for timer, _ in pairs])
    if any(actor.id in _holders(of_one) for of_one in entries.values()):
        raise Forbidden("correction_of_own_clock")


def _check(
    pairs: Sequence[tuple[Timer, TimerEntry]],
    command: Correction,
    life: MatterLife,
    actor: User,
    now: datetime,
) -> None:
    """Refuse before anything is written; every clock must be able to take the new time."""
    _require_no_party(pairs, actor)
    entry = pairs[0][1]
    if entry.at != whole_second(command.shown_at):
        raise Conflict("time_corrected_meanwhile", at=entry.at)
    if command.at > now:
        raise Invalid("clock_event_future", field="at", at=command.at)
    if command.at < life.from_at:
        raise Invalid("correction_before_report", field="at", at=life.from_at)
    if command.at > life.to_at:
        raise Invalid("correction_after_end", field="at", at=life.to_at)
    for timer, one in pairs:
        _facts_with(timer, one, command.at, now)


def _facts_with(timer: Timer, entry: TimerEntry, at: datetime, now: datetime) -> TimerFacts:
    """The facts that a true time would give; Invalid where the ledger cannot take it."""
    entries, undone = ledger.entries_of([timer.id])[timer.id], _undone_by(timer, entry, at)
    events = ledger.events_of([one for one in entries if one not in undone])
    wrong = ledger.events_of([entry])[0]
    corrected = correct_time(events, wrong, at, evidence=ledger.PROVED_BY_MATTER, now=now)
    return evaluate(corrected, ledger.target_of(timer), ledger.calendar_of(timer), now)


def _undone_by(timer: Timer, entry: TimerEntry, at: datetime) -> list[TimerEntry]:
    """What the desk wrote by itself for a time at which, as is known now, the clock had ended."""
    if entry.kind is not EventKind.STOP:
        return []
    others = [one for one in ledger.entries_of([timer.id])[timer.id] if one.id != entry.id]
    return ledger.own_entries_after(others, at)


def _write(
    timer: Timer, entry: TimerEntry, command: Correction, actor: User, now: datetime
) -> TimerCorrection:
    old_at, old_state = entry.at, _verdict(timer)
    for one in _undone_by(timer, entry, command.at):
        one.voided_at = now
    entry.at = whole_second(command.at)
    db.session.flush()
    changes = rejudging.rejudge(timer, actor=actor, now=now)
    correction = TimerCorrection(
        timer_id=timer.id,
        entry_id=entry.id,
        old_at=old_at,
        new_at=entry.at,
        old_state=old_state,
        new_state=_verdict(timer),
        reason=command.reason.strip(),
        evidence_id=command.evidence_id,
        actor_id=actor.id,
        recorded_at=now,
    )
    db.session.add(correction)
    audit.record(
        "time_corrected",
        timer,
        actor=actor,
        now=now,
        label=starting.label_of(timer),
        changes={f"{entry.kind}_at": (old_at, entry.at), **changes},
    )
    return correction


def _verdict(timer: Timer) -> str:
    """The state as readers judge it: an open clock past its due time is broken already."""
    return TimerState.BREACHED.value if timer.breached_at else timer.state.value


def _tell(
    pairs: Sequence[tuple[Timer, TimerEntry]],
    corrections: Sequence[TimerCorrection],
    actor: User,
    now: datetime,
) -> None:
    """Tell everybody who held one of the clocks, once."""
    timer, entry = pairs[0]
    entries = ledger.entries_of([one.id for one, _ in pairs])
    ids = set().union(*(_holders(of_one) for of_one in entries.values())) - {actor.id}
    params = {
        "url": f"/timers/{timer.id}",
        "step": timer.step.value,
        "number": timer.matter_number,
        "kind": entry.kind.value,
        "old_at": corrections[0].old_at.isoformat(),
        "new_at": corrections[0].new_at.isoformat(),
        "old_state": corrections[0].old_state,
        "new_state": corrections[0].new_state,
        "reason": corrections[0].reason,
        "who": actor.name,
    }
    for user in db.session.scalars(select(User).where(User.id.in_(ids), User.is_active).order_by(User.id)):
        notices.queue(
            "time_corrected",
            notices.user_recipient(user),
            params,
            dedupe=f"time_corrected:{corrections[0].id}",
            now=now,
            matter=ledger.matter_of(timer),
            is_shared=not access.hidden_from([timer.matter_number]),
        )
