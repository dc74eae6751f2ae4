"""The life of a timer: start, stop, cancel, hand over, pause, resume. Each writes the ledger and the audit."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Forbidden, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.documents import Document, DocumentKind
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Action, Side
from service_desk.rules.sla import EventKind, PauseReason
from service_desk.rules.vocabulary import Severity
from service_desk.services import access, audit
from service_desk.services.notices import Matter
from service_desk.services.sla import ledger, starting, telling

# What somebody must be allowed to do to pause a clock of such a matter; claims where nothing is said.
_WORK = {"enquiry": Action.ANSWER_ENQUIRIES, starting.BREACH: Action.REVIEW_BREACHES}
_SHOWN = ("state", "holder_id", "due_at", "breached_at", "stopped_at")


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
    return starting.open_timer(
        matter,
        step,
        holder_id=holder_id,
        at=at,
        actor=actor,
        now=now,
        severity=severity,
        is_urban=is_urban,
        amount_fen=amount_fen,
    )


def stop(
    matter: Matter, steps: Collection[ClockStep], *, at: datetime, actor: User | None, now: datetime
) -> list[Timer]:
    """Stop the open clocks of the steps and give their verdicts; steps without one are passed over.

    Invalid: clock_event_future, clock_event_overlaps. A breach no sweep has seen yet is told here.
    """
    stopped = [timer for timer in open_timers(matter) if timer.step in steps]
    for timer in stopped:
        before = _shown(timer)
        facts = ledger.add_entry(
            timer, EventKind.STOP, holder_id=timer.holder_id, at=at, actor=actor, now=now
        )
        telling.tell_due(timer, facts, now=now)
        if timer.breached_at is None:
            _drop_review_clock(timer, actor=actor, now=now)
        _audit("clock_stopped", timer, before, actor, now)
    return stopped


def cancel(matter: Matter, *, at: datetime, actor: User | None, now: datetime) -> list[Timer]:
    """Cancel the open clocks of a matter: no verdict, and no part in compliance figures."""
    cancelled = open_timers(matter)
    for timer in cancelled:
        before = _shown(timer)
        ledger.add_entry(timer, EventKind.CANCEL, holder_id=timer.holder_id, at=at, actor=actor, now=now)
        _drop_review_clock(timer, actor=actor, now=now)
        _audit("clock_cancelled", timer, before, actor, now)
    return cancelled


def hand_over(matter: Matter, *, to_id: int, at: datetime, actor: User | None, now: datetime) -> list[Timer]:
    """Give the open clocks of a matter to another holder; the time used stays with who used it."""
    handed = [timer for timer in open_timers(matter) if timer.holder_id != to_id]
    for timer in handed:
        before = _shown(timer)
        ledger.add_entry(timer, EventKind.HANDOVER, holder_id=to_id, at=at, actor=actor, now=now)
        _audit("clock_handed_over", timer, before, actor, now)
    return handed


def pause(
    timer_id: int,
    reason: PauseReason | str,
    note: str,
    evidence_id: int | None,
    *,
    actor: User,
    now: datetime,
) -> Timer:
    """Let a clock stand from `now` on, by its holder or a manager. A promise already broken stays broken.

    Invalid: pause_reason_missing, pause_evidence_missing, clock_already_paused, clock_ended.
    """
    timer = get_timer_to_handle(timer_id, actor=actor)
    chosen = _reason(reason)
    _check_evidence(timer, evidence_id)
    before = _shown(timer)
    ledger.add_entry(
        timer,
        EventKind.PAUSE,
        holder_id=timer.holder_id,
        at=now,
        actor=actor,
        now=now,
        reason=chosen,
        note=note,
        evidence_id=evidence_id,
    )
    _audit("clock_paused", timer, before, actor, now)
    return timer


def resume(timer_id: int, *, actor: User, now: datetime) -> Timer:
    """Let a standing clock run on; its due time follows from what is left."""
    timer = get_timer_to_handle(timer_id, actor=actor)
    before = _shown(timer)
    ledger.add_entry(timer, EventKind.RESUME, holder_id=timer.holder_id, at=now, actor=actor, now=now)
    _audit("clock_resumed", timer, before, actor, now)
    return timer


def get_timer(timer_id: int, *, actor: User) -> Timer:
    """A timer of a matter the actor may see; NotFound otherwise, and for the client for a review's clock."""
    timer = access.get_visible(actor, Action.READ_CLOCKS, Timer, Timer.id == timer_id)
    if timer.matter_kind == starting.BREACH and actor.side is Side.CLIENT:
        raise NotFound("not_found")
    return timer


def get_timer_to_handle(timer_id: int, *, actor: User) -> Timer:
    """A visible timer the actor may pause and resume: its holder, or who manages clocks."""
    timer = get_timer(timer_id, actor=actor)
    access.require(actor, _work_of(timer))
    if not may_handle(timer, actor=actor):
        raise Forbidden("clock_of_another")
    return timer


def may_handle(timer: Timer, *, actor: User) -> bool:
    """Whether the actor does this work, and holds the clock or manages clocks."""
    is_theirs = timer.holder_id == actor.id or access.may(actor, Action.MANAGE_CLOCKS)
    return is_theirs and access.may(actor, _work_of(timer))


def _work_of(timer: Timer) -> Action:
    return _WORK.get(timer.matter_kind, Action.HANDLE_CLAIMS)


def open_timers(matter: Matter) -> list[Timer]:
    """The clocks of a matter that run or stand."""
    statement = select(Timer).where(
        Timer.matter_kind == matter.kind,
        Timer.matter_id == matter.id,
        Timer.state.in_(ledger.OPEN_STATES),
    )
    return list(db.session.scalars(statement.order_by(Timer.started_at, Timer.id)))


def timers_of(matter_kind: str, ids: Iterable[int]) -> dict[int, list[Timer]]:
    """The timers of several matters in one query, in the order they started; every id has its list.

    The caller has checked that the matters are visible.
    """
    wanted = list(ids)
    found: dict[int, list[Timer]] = defaultdict(list, {matter_id: [] for matter_id in wanted})
    statement = select(Timer).where(Timer.matter_kind == matter_kind, Timer.matter_id.in_(wanted))
    for timer in db.session.scalars(statement.order_by(Timer.started_at, Timer.id)):
        found[timer.matter_id].append(timer)
    return dict(found)


def _reason(reason: PauseReason | str) -> PauseReason:
    try:
        return PauseReason(reason)
    except ValueError:
        raise Invalid("pause_reason_missing", field="reason") from None


def _check_evidence(timer: Timer, evidence_id: int | None) -> None:
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


def _drop_review_clock(timer: Timer, *, actor: User | None, now: datetime) -> None:
    """Without a breach there is nothing to review: a late entry proved the promise kept, or it was withdrawn."""
    for review in open_timers(starting.review_matter(timer)):
        ledger.add_entry(review, EventKind.CANCEL, holder_id=review.holder_id, at=now, actor=actor, now=now)


def _shown(timer: Timer) -> dict[str, object]:
    return {name: getattr(timer, name) for name in _SHOWN}


def _audit(action: str, timer: Timer, before: dict[str, object], actor: User | None, now: datetime) -> None:
    after = _shown(timer)
    changes = {name: (before[name], after[name]) for name in _SHOWN if before[name] != after[name]}
    audit.record(action, timer, actor=actor, now=now, label=starting.label_of(timer), changes=changes)
