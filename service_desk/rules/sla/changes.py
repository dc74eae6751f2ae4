"""What may be added to a timer's ledger, and how a wrong time in it is put right."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from service_desk.base.errors import Invalid
from service_desk.rules.sla.history import History, in_order, replay, whole_second
from service_desk.rules.sla.pauses import PAUSE_RULES
from service_desk.rules.sla.terms import EventKind, LedgerEvent

_GIVES_AWAY = frozenset({EventKind.HANDOVER, EventKind.SUBSTITUTE})
_OF_PAUSES = frozenset({EventKind.PAUSE, EventKind.RESUME})
# What each kind may not meet, and the code that says so.
_WHEN_PAUSED: Mapping[EventKind, str] = {
    EventKind.START: "clock_already_started",
    EventKind.PAUSE: "clock_already_paused",
}
_WHEN_RUNNING: Mapping[EventKind, str] = {
    EventKind.START: "clock_already_started",
    EventKind.RESUME: "clock_not_paused",
}


def check_event(events: Sequence[LedgerEvent], new_event: LedgerEvent, now: datetime) -> None:
    """Refuse an event that cannot follow this history; silent when it can.

    Invalid: clock_event_future; clock_event_overlaps (before an event already recorded);
    clock_event_backdated (before now without evidence); clock_not_started, clock_already_started,
    clock_ended, clock_already_paused, clock_not_paused, clock_not_covered, handover_to_same_holder; for a
    pause pause_in_future, pause_before_start, pause_overlaps, pause_reason_missing, pause_evidence_missing.
    A resume exactly at the end of the longest pause needs no evidence: the rule itself says so.
    """
    event = replace(new_event, at=whole_second(new_event.at))
    ordered = in_order(events)
    if event.kind is EventKind.PAUSE:
        _check_pause(ordered, event, whole_second(now))
    _check_instant(ordered, event, whole_second(now))
    _check_kind(events, event)


def correct_time(
    events: Sequence[LedgerEvent], wrong: LedgerEvent, right_at: datetime, *, evidence: str, now: datetime
) -> tuple[LedgerEvent, ...]:
    """Give a recorded event the time at which it truly took place; both histories stay comparable.

    The event keeps its place between its neighbours. Invalid: clock_event_future, correction_overlaps,
    correction_same, correction_pause_too_long, correction_evidence_missing; ValueError when `wrong` is not
    one of the events.
    """
    if not evidence.strip():
        raise Invalid("correction_evidence_missing", field="evidence")
    ordered = in_order(events)
    index = ordered.index(replace(wrong, at=whole_second(wrong.at)))
    at = whole_second(right_at)
    if at > whole_second(now):
        raise Invalid("clock_event_future", field="at", at=at)
    if at == ordered[index].at:
        raise Invalid("correction_same", field="at", at=at)
    before, after = ordered[:index], ordered[index + 1 :]
    if (before and at < before[-1].at) or (after and at > after[0].at):
        raise Invalid("correction_overlaps", field="at", at=at)
    corrected = (*before, replace(ordered[index], at=at, evidence=evidence), *after)
    _check_pause_lengths(corrected)
    return corrected


def _check_pause_lengths(events: Iterable[LedgerEvent]) -> None:
    """A pause ends by itself at its limit; no correction may stretch it further."""
    pause: LedgerEvent | None = None
    for event in events:
        if event.kind is EventKind.PAUSE:
            pause = event
        elif event.kind is EventKind.RESUME and pause and pause.reason:
            days = PAUSE_RULES[pause.reason].max_days
            if event.at > pause.at + timedelta(days=days):
                raise Invalid("correction_pause_too_long", field="at", days=days)


def _check_instant(ordered: Sequence[LedgerEvent], event: LedgerEvent, now: datetime) -> None:
    if event.at > now:
        raise Invalid("clock_event_future", field="at", at=event.at)
    if _ends_longest_pause(ordered, event, now):
        return
    if ordered and event.at < ordered[-1].at:
        raise Invalid("clock_event_overlaps", field="at", at=event.at, last_at=ordered[-1].at)
    if event.at < now and not event.evidence:
        raise Invalid("clock_event_backdated", field="at", at=event.at)


def _check_kind(events: Sequence[LedgerEvent], event: LedgerEvent) -> None:
    if not events:
        if event.kind is not EventKind.START:
            raise Invalid("clock_not_started")
        return
    if _ends_longest_pause(events, event, event.at):
        return
    history = replay(events, event.at)
    refusal = _refusal(history, event)
    if refusal:
        raise Invalid(refusal)


def _refusal(history: History, event: LedgerEvent) -> str | None:
    if history.end is not None:
        return "clock_ended"
    if event.kind in _GIVES_AWAY and event.holder_id == history.holder_id:
        # A stand-in may be given the clock for good.
        is_for_good = event.kind is EventKind.HANDOVER and history.covered_id is not None
        return None if is_for_good else "handover_to_same_holder"
    if event.kind is EventKind.RETURN and history.covered_id is None:
        return "clock_not_covered"
    return (_WHEN_PAUSED if history.open_pause else _WHEN_RUNNING).get(event.kind)


def _check_pause(ordered: Sequence[LedgerEvent], event: LedgerEvent, now: datetime) -> None:
    if event.reason is None:
        raise Invalid("pause_reason_missing", field="reason")
    if PAUSE_RULES[event.reason].needs_evidence and not event.evidence:
        raise Invalid("pause_evidence_missing", field="evidence", reason=event.reason)
    if event.at > now:
        raise Invalid("pause_in_future", field="at", at=event.at)
    if ordered and event.at < ordered[0].at:
        raise Invalid("pause_before_start", field="at", at=ordered[0].at)
    if any(event.at < one.at and one.kind in _OF_PAUSES for one in ordered):
        raise Invalid("pause_overlaps", field="at", at=event.at)


def _ends_longest_pause(events: Sequence[LedgerEvent], event: LedgerEvent, now: datetime) -> bool:
    if event.kind is not EventKind.RESUME or not events:
        return False
    return any(pause.ran_out and pause.limit_at == event.at for pause in replay(events, now).pauses)
