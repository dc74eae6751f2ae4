"""The life of a timer: start, stop, cancel, hand over, pause, resume. Each writes the ledger and the audit."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.claims import Claim, WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.sla import Timer, TimerEntry, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Side
from service_desk.rules.sla import EventKind, PauseReason
from service_desk.rules.vocabulary import Severity
from service_desk.services import access, audit
from service_desk.services.notices import Matter
from service_desk.services.sla import ledger, next_due, retelling, standing_in, starting, telling

# What somebody else did first, by the state it left: the refusal, and the entries that tell who and when.
_OVERTAKEN = {
    TimerState.PAUSED: ("clock_paused_meanwhile", (EventKind.PAUSE,)),
    TimerState.RUNNING: ("clock_resumed_meanwhile", (EventKind.RESUME,)),
}
_CLAIM = "claim"
_SHOWN = ("state", "holder_id", "covered_id", "due_at", "breached_at", "stopped_at")


def start(
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
    """Start the step's clock at `at`. The caller has checked that the actor may act on the matter.

    Answers the clock that still runs when there is one, and None when no service level fits.
    """
    return start_many(
        matter,
        {step: amount_fen},
        holder_id=holder_id,
        at=at,
        actor=actor,
        now=now,
        severity=severity,
        is_urban=is_urban,
    ).get(step)


def start_many(
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
    """What `start` does for one, for several steps of a matter, each with its amount in fen (None: not known)."""
    return starting.open_timers(
        matter,
        steps,
        holder_id=holder_id,
        at=at,
        actor=actor,
        now=now,
        severity=severity,
        is_urban=is_urban,
    )


def stop(
    matter: Matter, steps: Collection[ClockStep], *, at: datetime, actor: User | None, now: datetime
) -> list[Timer]:
    """Stop the open clocks of the steps and give their verdicts; steps without one are passed over.

    Invalid: clock_event_future, clock_event_overlaps. A breach no sweep has seen yet is told here; one told
    while nobody knew that the work was done in time is taken back.
    """
    stopped = [timer for timer in _hold_open(matter) if timer.step in steps]
    for timer in stopped:
        before = shown(timer)
        ledger.undo_own_entries(timer, after=at, now=now)
        facts = ledger.add_entry(
            timer, EventKind.STOP, holder_id=timer.holder_id, at=at, actor=actor, now=now
        )
        retelling.take_back_told(timer, facts, now)
        telling.tell_due(timer, facts, now=now)
        if timer.breached_at is None:
            drop_review_clock(timer, actor=actor, now=now)
        keep_audit("clock_stopped", timer, before, actor, now)
    return stopped


def cancel(
    matter: Matter, *, at: datetime, actor: User | None, now: datetime, besides: Collection[ClockStep] = ()
) -> list[Timer]:
    """Cancel the open clocks of a matter, `besides` some: no verdict, and no part in compliance figures."""
    cancelled = [timer for timer in _hold_open(matter) if timer.step not in besides]
    for timer in cancelled:
        _cancel(timer, at, actor, now)
    return cancelled


def _cancel(timer: Timer, at: datetime, actor: User | None, now: datetime) -> None:
    before = shown(timer)
    ledger.add_entry(timer, EventKind.CANCEL, holder_id=timer.holder_id, at=at, actor=actor, now=now)
    drop_review_clock(timer, actor=actor, now=now)
    keep_audit("clock_cancelled", timer, before, actor, now)


def call_off(
    matter: Matter, steps: Collection[ClockStep], *, at: datetime, actor: User | None, now: datetime
) -> None:
    """Cancel the open clocks of the steps, for what they promise is not owed any more.

    One that was broken before is stopped instead: nothing that comes later takes a breach out of the figures.
    """
    ended = [timer for timer in _hold_open(matter) if timer.step in steps]
    broken = [timer.step for timer in ended if _is_broken(timer, at)]
    if broken:
        stop(matter, broken, at=at, actor=actor, now=now)
    for timer in ended:
        if timer.step not in broken:
            _cancel(timer, at, actor, now)


def _is_broken(timer: Timer, at: datetime) -> bool:
    """Whether the promise was broken by then, though no sweep may have seen it. A clock that stands breaks nothing."""
    is_past = timer.state is TimerState.RUNNING and timer.due_at is not None and timer.due_at < at
    return timer.breached_at is not None or is_past


def hand_over(matter: Matter, *, to_id: int, at: datetime, actor: User | None, now: datetime) -> list[Timer]:
    """Give the open clocks of a matter to another holder; the time used stays with who used it.

    A stand-in keeps for good what is handed to them; what is handed to somebody away goes on to theirs.
    """
    handed = [timer for timer in _hold_open(matter) if (timer.covered_id or timer.holder_id) != to_id]
    for timer in handed:
        hand_over_one(timer, to_id=to_id, at=at, actor=actor, now=now)
    return handed


def hand_over_one(timer: Timer, *, to_id: int, at: datetime, actor: User | None, now: datetime) -> None:
    """Give one open clock, held by the caller, to another holder."""
    before = shown(timer)
    ledger.add_entry(timer, EventKind.HANDOVER, holder_id=to_id, at=at, actor=actor, now=now)
    standing_in.cover([timer], now=now)
    keep_audit("clock_handed_over", timer, before, actor, now)


def pause(
    timer_id: int,
    reason: PauseReason | str,
    note: str,
    evidence_id: int | None,
    *,
    actor: User,
    now: datetime,
    at: datetime | None = None,
) -> Timer:
    """Let a clock stand, by its holder or a manager, from now on or since `at`, which then needs evidence.

    A promise already broken stays broken, so no pause is entered for the time before it was.
    Invalid: pause_reason_missing, pause_without_notice, pause_nothing_missing, pause_evidence_missing; pause_in_future, pause_before_start, pause_overlaps,
    pause_before_breach, clock_event_overlaps, clock_event_backdated. Conflict: clock_paused_meanwhile,
    clock_ended_meanwhile.
    """
    timer = lock(get_timer_to_handle(timer_id, actor=actor))
    _require_state(timer, TimerState.RUNNING)
    chosen, since = _reason(reason), at or now
    if chosen is PauseReason.WAITING_FOR_CLIENT_DOCUMENTS:
        _require_asked(timer, since)
    check_evidence(timer, evidence_id)
    if timer.due_at is not None and since < timer.due_at < now:
        raise Invalid("pause_before_breach", field="at", at=timer.due_at)
    before = shown(timer)
    facts = ledger.add_entry(
        timer,
        EventKind.PAUSE,
        holder_id=timer.holder_id,
        at=since,
        actor=actor,
        now=now,
        reason=chosen,
        note=note,
        evidence_id=evidence_id,
    )
    if since < now:
        # A warning may have been told for a time in which the clock stood.
        retelling.take_back_told(timer, facts, now)
        telling.tell_due(timer, facts, now=now)
    keep_audit("clock_paused", timer, before, actor, now)
    return timer


def resume(timer_id: int, *, actor: User, now: datetime) -> Timer:
    """Let a standing clock run on; its due time follows from what is left.

    Conflict: clock_resumed_meanwhile, clock_ended_meanwhile.
    """
    timer = lock(get_timer_to_handle(timer_id, actor=actor))
    _require_state(timer, TimerState.PAUSED)
    before = shown(timer)
    ledger.add_entry(timer, EventKind.RESUME, holder_id=timer.holder_id, at=now, actor=actor, now=now)
    keep_audit("clock_resumed", timer, before, actor, now)
    return timer


def resume_waiting(
    matter: Matter, reason: PauseReason, *, at: datetime, actor: User | None, now: datetime
) -> list[Timer]:
    """Let the clocks of a matter run on that stand for this reason: what they waited for has come.

    The caller has checked that the actor may act on the matter.
    """
    waiting = [
        timer
        for timer in _hold_open(matter)
        if timer.state is TimerState.PAUSED and timer.pause_reason == reason
    ]
    for timer in waiting:
        before = shown(timer)
        ledger.add_entry(timer, EventKind.RESUME, holder_id=timer.holder_id, at=at, actor=actor, now=now)
        keep_audit("clock_resumed", timer, before, actor, now)
    return waiting


def lock(timer: Timer) -> Timer:
    """The timer as it is once nobody else changes it: of two who act at once, the second sees what the first did."""
    next_due.hold([timer])
    db.session.refresh(timer, with_for_update=True)
    return timer


def _require_state(timer: Timer, wanted: TimerState) -> None:
    """Refuse what somebody else has overtaken, and say who and when."""
    if timer.state is wanted:
        return
    code, kinds = _OVERTAKEN.get(timer.state, ("clock_ended_meanwhile", (EventKind.STOP, EventKind.CANCEL)))
    found = db.session.execute(
        select(TimerEntry.at, User.name)
        .outerjoin(User, User.id == TimerEntry.actor_id)
        .where(TimerEntry.timer_id == timer.id, TimerEntry.voided_at.is_(None), TimerEntry.kind.in_(kinds))
        .order_by(TimerEntry.at.desc(), TimerEntry.id.desc())
    ).first()
    if found is None:
        raise Invalid("clock_not_paused")
    raise Conflict(code, who=found.name, at=found.at)


def get_timer(timer_id: int, *, actor: User) -> Timer:
    """A timer of a matter the actor may see; NotFound otherwise, and for the client for a review's clock."""
    timer = access.get_visible(actor, Action.READ_CLOCKS, Timer, Timer.id == timer_id)
    if timer.matter_kind == starting.BREACH and actor.side is Side.CLIENT:
        raise NotFound("not_found")
    return timer


def get_timer_to_handle(timer_id: int, *, actor: User) -> Timer:
    """A visible timer the actor may pause and resume: its holder, or who manages clocks."""
    timer = get_timer(timer_id, actor=actor)
    access.require(actor, standing_in.work_of(timer))
    if not may_handle(timer, actor=actor):
        raise Forbidden("clock_of_another")
    return timer


def may_handle(timer: Timer, *, actor: User) -> bool:
    """Whether the actor does this work, and holds the clock or manages clocks."""
    is_theirs = timer.holder_id == actor.id or access.may(actor, Action.MANAGE_CLOCKS)
    return is_theirs and access.may(actor, standing_in.work_of(timer))


def _hold_open(matter: Matter) -> list[Timer]:
    """The clocks of a matter that run or stand, as they are once nobody else changes them.

    The sweep may be telling one just now: whoever stops it waits, and is not refused for what the desk did.
    """
    statement = select(Timer).where(
        Timer.matter_kind == matter.kind,
        Timer.matter_id == matter.id,
        Timer.state.in_(ledger.OPEN_STATES),
    )
    # In the order in which the sweep and absences hold them, too: nobody waits for who waits for them.
    held = statement.order_by(Timer.id).with_for_update().execution_options(populate_existing=True)
    return sorted(db.session.scalars(held), key=lambda timer: (timer.started_at, timer.id))


def is_running(matter: Matter, step: ClockStep) -> bool:
    """Whether a step's clock of a matter runs or stands. The caller has checked that the matter is visible."""
    open_ones = select(Timer.id).where(
        Timer.matter_kind == matter.kind,
        Timer.matter_id == matter.id,
        Timer.step == step,
        Timer.state.in_(ledger.OPEN_STATES),
    )
    return db.session.scalar(open_ones.limit(1)) is not None


def timers_of(matter_kind: str, ids: Iterable[int], *, only_open: bool = False) -> dict[int, list[Timer]]:
    """The timers of several matters in one query, in the order they started; every id has its list.

    Lists that show the clock to look at first take the open ones alone: most of a matter's clocks have ended.
    The caller has checked that the matters are visible.
    """
    wanted = list(ids)
    found: dict[int, list[Timer]] = defaultdict(list, {matter_id: [] for matter_id in wanted})
    statement = select(Timer).where(Timer.matter_kind == matter_kind, Timer.matter_id.in_(wanted))
    if only_open:
        statement = statement.where(Timer.state.in_(ledger.OPEN_STATES))
    for timer in db.session.scalars(statement.order_by(Timer.started_at, Timer.id)):
        found[timer.matter_id].append(timer)
    return dict(found)


def _reason(reason: PauseReason | str) -> PauseReason:
    try:
        return PauseReason(reason)
    except ValueError:
        raise Invalid("pause_reason_missing", field="reason") from None


def _require_asked(timer: Timer, since: datetime) -> None:
    """A claim waits for its client only once the client was told what is missing, and while something is.

    Invalid: pause_without_notice, pause_before_notice, pause_nothing_missing.
    """
    if timer.matter_kind != _CLAIM:
        return
    told = select(Claim.deficiency_notice_at).where(Claim.id == timer.matter_id)
    found = db.session.execute(told).first()
    if found is None:
        return
    if found.deficiency_notice_at is None:
        raise Invalid("pause_without_notice", field="reason")
    if since < found.deficiency_notice_at:
        raise Invalid("pause_before_notice", field="at", at=found.deficiency_notice_at)
    missing = select(WantedDocument.id).where(
        WantedDocument.claim_id == timer.matter_id,
        WantedDocument.state.in_((WantedState.REQUIRED, WantedState.REJECTED)),
    )
    if db.session.scalar(missing.limit(1)) is None:
        raise Invalid("pause_nothing_missing", field="reason")


def check_evidence(timer: Timer, evidence_id: int | None) -> None:
    """Only a paper of this very matter proves its pause."""
    if evidence_id is None:
        return
    found = db.session.scalar(
        select(Document.id).where(
            Document.id == evidence_id,
            Document.kind == DocumentKind.PAUSE_EVIDENCE,
            Document.matter_kind == timer.matter_kind,
            Document.matter_id == timer.matter_id,
        )
    )
    if found is None:
        raise Invalid("pause_evidence_missing", field="evidence")


def drop_review_clock(timer: Timer, *, actor: User | None, now: datetime) -> None:
    """Cancel the clock of a review nobody needs: without a breach there is nothing to review."""
    for review in _hold_open(starting.review_matter(timer)):
        before = shown(review)
        ledger.add_entry(review, EventKind.CANCEL, holder_id=review.holder_id, at=now, actor=actor, now=now)
        keep_audit("clock_cancelled", review, before, actor, now)


def shown(timer: Timer) -> dict[str, Any]:
    """What the audit trail keeps of a timer."""
    return {name: getattr(timer, name) for name in _SHOWN}


def changes_since(before: dict[str, Any], timer: Timer) -> dict[str, tuple[Any, Any]]:
    """What is no longer as it was, for the audit trail."""
    after = shown(timer)
    return {name: (before[name], after[name]) for name in _SHOWN if before[name] != after[name]}


def keep_audit(action: str, timer: Timer, before: dict[str, Any], actor: User | None, now: datetime) -> None:
    """Write into the audit trail what an act has changed of a timer."""
    changes = changes_since(before, timer)
    audit.record(action, timer, actor=actor, now=now, label=starting.label_of(timer), changes=changes)
