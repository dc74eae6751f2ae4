"""Whatever happens to a timer, its sums agree with each other."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from service_desk.rules.calendar import calendar_from_json
from service_desk.rules.sla import (
    EventKind,
    LedgerEvent,
    PauseReason,
    Target,
    TargetUnit,
    TimerState,
    Verdict,
    consumption,
    due_checks,
    evaluate,
    target_seconds,
)

OFFICE_DAY = [["08:30", "12:00"], ["13:30", "17:30"]]
OFFICE = calendar_from_json(
    {"tz": "Asia/Shanghai", "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_DAY)}
)
BEGIN = datetime(2026, 11, 16, tzinfo=UTC)
REASONS = [PauseReason.VEHICLE_UNAVAILABLE, PauseReason.WAITING_FOR_THIRD_PARTY]


@st.composite
def histories(draw: st.DrawFn) -> list[LedgerEvent]:
    """A start, then pauses, resumes and hand-overs at any pace, sometimes a stop."""
    at, paused = BEGIN + timedelta(minutes=draw(st.integers(0, 3000))), False
    events = [LedgerEvent(at, EventKind.START, 1)]
    for minutes in draw(st.lists(st.integers(0, 6000), max_size=6)):
        at += timedelta(minutes=minutes)
        turn = EventKind.RESUME if paused else EventKind.PAUSE
        kind = draw(st.sampled_from([turn, EventKind.HANDOVER]))
        reason = draw(st.sampled_from(REASONS)) if kind is EventKind.PAUSE else None
        paused = kind is EventKind.PAUSE or (paused and kind is EventKind.HANDOVER)
        events.append(LedgerEvent(at, kind, draw(st.integers(1, 3)), reason))
    if draw(st.booleans()):
        events.append(LedgerEvent(at + timedelta(minutes=draw(st.integers(0, 3000))), EventKind.STOP, 1))
    return events


targets = st.builds(Target, st.integers(1, 4), st.sampled_from([TargetUnit.HOURS, TargetUnit.WORKING_DAYS]))


@settings(max_examples=300, deadline=None)
@given(events=histories(), target=targets, later=st.integers(0, 20_000))
def test_used_left_and_over_add_up_to_the_promise(
    events: list[LedgerEvent], target: Target, later: int
) -> None:
    facts = evaluate(events, target, OFFICE, events[-1].at + timedelta(minutes=later))

    used = consumption(facts.segments).total

    assert used.total == facts.used_seconds
    assert used.after_due == facts.over_seconds
    assert used.before_due + facts.remaining_seconds == target_seconds(target, OFFICE)
    assert facts.over_seconds == 0 or facts.verdict is Verdict.BREACHED


@settings(max_examples=300, deadline=None)
@given(events=histories(), target=targets, later=st.integers(0, 20_000))
def test_the_ledger_has_no_hole_and_no_overlap(events: list[LedgerEvent], target: Target, later: int) -> None:
    now = events[-1].at + timedelta(minutes=later)

    facts = evaluate(events, target, OFFICE, now)

    ends = [facts.started_at, *(one.to_at for one in facts.segments)]
    assert [one.from_at for one in facts.segments] == ends[:-1]
    assert ends[-1] == (facts.ended_at or now)


@settings(max_examples=300, deadline=None)
@given(events=histories(), target=targets, later=st.integers(0, 20_000), more=st.integers(0, 20_000))
def test_once_broken_a_promise_stays_broken_at_the_same_instant(
    events: list[LedgerEvent], target: Target, later: int, more: int
) -> None:
    now = events[-1].at + timedelta(minutes=later)

    seen = evaluate(events, target, OFFICE, now)
    afterwards = evaluate(events, target, OFFICE, now + timedelta(minutes=more))

    if seen.breached_at:
        assert (afterwards.breached_at, afterwards.verdict) == (seen.breached_at, Verdict.BREACHED)


@settings(max_examples=300, deadline=None)
@given(events=histories(), target=targets, step=st.integers(60, 4000))
def test_a_sweep_that_wakes_only_at_the_next_check_misses_nothing(
    events: list[LedgerEvent], target: Target, step: int
) -> None:
    told: list[str] = []
    now = events[-1].at
    for _ in range(12):
        facts = evaluate(events, target, OFFICE, now, told)
        told += [one.code for one in due_checks(facts, told, now)]
        following = evaluate(events, target, OFFICE, now, told).next_check_at
        if following is None:
            break
        now = max(now, following) + timedelta(seconds=step)

    facts = evaluate(events, target, OFFICE, now, told)
    assert due_checks(facts, told, now) == []
    assert facts.state in (TimerState.MET, TimerState.BREACHED) or {"warning", "breach"} <= set(told)
    assert len(told) == len(set(told))
