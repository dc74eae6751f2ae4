"""From a timer's events to everything the desk shows: due, warning, verdict, and what to do next."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from service_desk.base.clock import end_of_day, local_date
from service_desk.rules.calendar import WorkingCalendar, always_open
from service_desk.rules.legal_days import last_day, roll_over
from service_desk.rules.sla.history import History, replay, whole_second
from service_desk.rules.sla.ledger import measured
from service_desk.rules.sla.terms import (
    EventKind,
    Happening,
    HappeningKind,
    LedgerEvent,
    Target,
    TargetUnit,
    TimerFacts,
    TimerState,
    Verdict,
)

_SECONDS_IN = {TargetUnit.MINUTES: 60, TargetUnit.HOURS: 3600}


def evaluate(
    events: Iterable[LedgerEvent],
    target: Target,
    calendar: WorkingCalendar,
    now: datetime,
    checks_done: Collection[str] = frozenset(),
) -> TimerFacts:
    """Compute a timer's facts at `now` (not before its last event) from nothing but its history.

    A stop at the due instant itself is in time; one second later is not. A pause that begins after the due
    time does not undo the breach. `checks_done` are codes of happenings already told (`Happening.code`).
    For calendar days `calendar` gives the zone and the rest days, and time is counted round the clock.
    """
    history = replay(events, now)
    clock = measuring_calendar(target, calendar)
    term = _term(history, target, calendar)
    segments = tuple(measured(history.stretches, clock, term.due_at))
    running = [segment for segment in segments if segment.reason is None]
    used = sum(segment.working_seconds for segment in running)
    breached = _is_breached(history, term)
    happenings = tuple(sorted(_happenings(history, term, target, clock), key=lambda one: one.at))
    pause = history.open_pause
    return TimerFacts(
        state=_state(history, breached=breached),
        holder_id=history.holder_id,
        covered_id=history.covered_id,
        started_at=history.started_at,
        ended_at=history.until if history.end else None,
        due_at=term.due_at,
        warn_at=term.warn_at,
        pause_ends_at=pause.limit_at if pause else None,
        next_check_at=next_check(happenings, checks_done),
        used_seconds=used,
        remaining_seconds=_remaining(history, term, clock),
        over_seconds=sum(segment.seconds_after_due for segment in running),
        verdict=_verdict(history, breached=breached),
        breached_at=term.due_at if breached else None,
        segments=segments,
        happenings=happenings,
    )


def due_checks(facts: TimerFacts, done: Collection[str], now: datetime) -> list[Happening]:
    """List what must be told by `now` and has not been, in order, each with the instant it became true.

    A breach is told from the first second after the due time: at the due instant the promise can still be
    kept. Of a stopped timer only its breach is told; warnings would come too late to help.
    """
    at = whole_second(now)
    return [one for one in facts.happenings if one.code not in done and _has_come(one, at)]


def next_check(happenings: Iterable[Happening], done: Collection[str]) -> datetime | None:
    """When the first happening comes that was not told; None when there is nothing left to tell."""
    return min((one.at for one in happenings if one.code not in done), default=None)


def measuring_calendar(target: Target, calendar: WorkingCalendar) -> WorkingCalendar:
    """The calendar whose seconds a target counts: its own, or round the clock for calendar days."""
    return always_open(calendar.zone) if target.unit is TargetUnit.CALENDAR_DAYS else calendar


def target_seconds(target: Target, calendar: WorkingCalendar) -> int:
    """The working seconds promised; not for calendar days, whose length depends on the start (ValueError)."""
    if target.unit is TargetUnit.CALENDAR_DAYS:
        raise ValueError("calendar days have no fixed length")
    if target.unit is TargetUnit.WORKING_DAYS:
        return target.value * calendar.standard_day_seconds
    return target.value * _SECONDS_IN[target.unit]


@dataclass(frozen=True)
class _Term:
    """When the promise falls due by the pauses that are over, and whether a lasting pause leaves it open."""

    due_if_running_at: datetime
    due_at: datetime | None
    warn_at: datetime | None


def _term(history: History, target: Target, calendar: WorkingCalendar) -> _Term:
    if target.unit is TargetUnit.CALENDAR_DAYS:
        due_at, warn_at = _calendar_days_term(history, target, calendar)
    else:
        seconds = target_seconds(target, calendar)
        # The same sum for both: a warning found by another walk would drift from its due time.
        due_at = calendar.add(history.started_at, seconds, history.stood)
        warn_at = calendar.add(history.started_at, seconds * target.warn_percent // 100, history.stood)
    pause = history.open_pause
    if pause is None:
        return _Term(due_at, due_at, warn_at)
    return _Term(
        due_at,
        due_at if due_at <= pause.from_at else None,
        warn_at if warn_at <= pause.from_at else None,
    )


def _calendar_days_term(
    history: History, target: Target, calendar: WorkingCalendar
) -> tuple[datetime, datetime]:
    """Due at 24:00 of the last day; a pause moves it by the days whose end the clock did not see.

    The warning moves with it until a pause finds it given.
    """
    zone = calendar.zone
    start_day = local_date(history.started_at, zone)
    counted = start_day + timedelta(days=target.value)
    due_at = end_of_day(last_day(start_day, target.value, calendar.is_rest_day), zone)
    after_warning = (due_at - history.started_at) * (100 - target.warn_percent) / 100
    warn_at = due_at - after_warning
    for from_at, to_at in history.stood:
        if from_at >= due_at:
            break
        counted = _moved(counted, local_date(from_at, zone), local_date(to_at, zone))
        due_at = end_of_day(roll_over(counted, calendar.is_rest_day), zone)
        if from_at < warn_at:
            warn_at = max(due_at - after_warning, to_at)
    return due_at, whole_second(warn_at)


def _moved(counted: date, paused_on: date, resumed_on: date) -> date:
    # A pause begun on the rest days after the counted last day must not end with the due time behind it.
    return max(counted + (resumed_on - paused_on), resumed_on)


def _is_breached(history: History, term: _Term) -> bool:
    if history.end is EventKind.CANCEL:
        return False
    return term.due_at is not None and history.until > term.due_at


def _state(history: History, *, breached: bool) -> TimerState:
    if history.end is EventKind.CANCEL:
        return TimerState.CANCELLED
    if history.end is EventKind.STOP:
        return TimerState.BREACHED if breached else TimerState.MET
    return TimerState.PAUSED if history.open_pause else TimerState.RUNNING


def _verdict(history: History, *, breached: bool) -> Verdict | None:
    if breached:
        return Verdict.BREACHED
    return Verdict.MET if history.end is EventKind.STOP else None


def _remaining(history: History, term: _Term, clock: WorkingCalendar) -> int:
    """What is left on the clock; in a pause, what was left when it began."""
    pause = history.open_pause
    return clock.between(pause.from_at if pause else history.until, term.due_if_running_at)


def _happenings(history: History, term: _Term, target: Target, clock: WorkingCalendar) -> Iterator[Happening]:
    if history.end is not None:
        if term.due_at and _is_breached(history, term):
            yield Happening(term.due_at, HappeningKind.BREACH)
        return
    for pause in history.pauses:
        if pause.to_at is None or pause.ran_out:
            yield Happening(pause.limit_at, HappeningKind.PAUSE_END, int(pause.from_at.timestamp()))
    if term.warn_at:
        yield Happening(term.warn_at, HappeningKind.WARNING)
    if term.due_at:
        yield Happening(term.due_at, HappeningKind.BREACH)
        # A later pause does not hush an escalation: the promise is already broken.
        for level, minutes in enumerate(target.escalate_after_minutes, start=2):
            yield Happening(clock.add(term.due_at, minutes * 60), HappeningKind.ESCALATION, level)


def _has_come(happening: Happening, now: datetime) -> bool:
    if happening.kind is HappeningKind.BREACH:
        return happening.at < now
    return happening.at <= now
