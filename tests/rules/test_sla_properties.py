"""Whatever happens to a timer, its sums agree with each other."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from service_desk.rules.calendar import WorkingCalendar, calendar_from_json
from service_desk.rules.sla import (
    EventKind,
    HappeningKind,
    LedgerEvent,
    PauseReason,
    Target,
    TargetUnit,
    TimerState,
    Verdict,
    consumption,
    due_checks,
    evaluate,
    measuring_calendar,
    target_seconds,
)

OFFICE_DAY = [["08:30", "12:00"], ["13:30", "17:30"]]
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_DAY)
OFFICE = calendar_from_json({"tz": "Asia/Shanghai", "week": WEEK})
ALL_DAY = [["00:00", "24:00"]]
ROUND_THE_CLOCK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ALL_DAY)
# Each calendar with a day shortly after which its clocks change, February has 29 days, or the year turns.
GROUNDS = [
    (OFFICE, datetime(2026, 11, 16, tzinfo=UTC)),
    (OFFICE, datetime(2026, 12, 29, tzinfo=UTC)),
    (OFFICE, datetime(2028, 2, 27, tzinfo=UTC)),
    *(
        (calendar_from_json({"tz": zone, "week": week}), begin)
        for zone, begin in (
            ("America/New_York", datetime(2026, 3, 6, tzinfo=UTC)),
            ("America/New_York", datetime(2026, 10, 30, tzinfo=UTC)),
            ("Europe/Berlin", datetime(2026, 10, 23, tzinfo=UTC)),
            ("Australia/Lord_Howe", datetime(2026, 4, 3, tzinfo=UTC)),
        )
        for week in (WEEK, ROUND_THE_CLOCK)
    ),
]
BEGIN = datetime(2026, 11, 16, tzinfo=UTC)
CHANGES = [EventKind.HANDOVER, EventKind.SUBSTITUTE, EventKind.RETURN]
REASONS = [PauseReason.VEHICLE_UNAVAILABLE, PauseReason.WAITING_FOR_THIRD_PARTY]


@st.composite
def histories(draw: st.DrawFn, begin: datetime = BEGIN) -> list[LedgerEvent]:
    """A start, then pauses, resumes, hand-overs and stand-ins at any pace, sometimes a stop."""
    at, paused = begin + timedelta(minutes=draw(st.integers(0, 3000))), False
    events = [LedgerEvent(at, EventKind.START, 1)]
    for minutes in draw(st.lists(st.integers(0, 6000), max_size=6)):
        at += timedelta(minutes=minutes)
        turn = EventKind.RESUME if paused else EventKind.PAUSE
        kind = draw(st.sampled_from([turn, *CHANGES]))
        reason = draw(st.sampled_from(REASONS)) if kind is EventKind.PAUSE else None
        paused = kind is EventKind.PAUSE or (paused and kind in CHANGES)
        events.append(LedgerEvent(at, kind, draw(st.integers(1, 3)), reason))
    if draw(st.booleans()):
        events.append(LedgerEvent(at + timedelta(minutes=draw(st.integers(0, 3000))), EventKind.STOP, 1))
    return events


targets = st.builds(Target, st.integers(1, 4), st.sampled_from([TargetUnit.HOURS, TargetUnit.WORKING_DAYS]))
all_targets = st.builds(
    Target,
    st.integers(1, 4),
    st.sampled_from(list(TargetUnit)),
    st.integers(1, 100),
    st.sampled_from([(), (30,), (60, 480)]),
)


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


@settings(max_examples=400, deadline=None)
@given(data=st.data(), ground=st.sampled_from(GROUNDS), target=all_targets, later=st.integers(0, 20_000))
def test_segments_have_no_hole_no_overlap_and_sum_to_the_elapsed_time(
    data: st.DataObject, ground: tuple[WorkingCalendar, datetime], target: Target, later: int
) -> None:
    calendar, begin = ground
    events = data.draw(histories(begin))
    now = events[-1].at + timedelta(minutes=later)

    facts = evaluate(events, target, calendar, now)

    until = facts.ended_at or now
    ends = [facts.started_at, *(one.to_at for one in facts.segments)]
    assert [one.from_at for one in facts.segments] == ends[:-1]
    assert ends[-1] == until
    assert all(one.from_at < one.to_at for one in facts.segments)
    elapsed = [one.to_at - one.from_at for one in facts.segments]
    assert sum(elapsed, timedelta()) == until - facts.started_at
    clock = measuring_calendar(target, calendar)
    spent = consumption(facts.segments)
    measured = spent.total.total + sum(one.total for one in spent.by_reason.values())
    assert measured == clock.between(facts.started_at, until)
    assert all(
        one.seconds_before_due + one.seconds_after_due == one.working_seconds for one in facts.segments
    )


@settings(max_examples=300, deadline=None)
@given(events=histories(), later=st.integers(0, 20_000))
def test_every_minute_belongs_to_who_held_the_clock_then(events: list[LedgerEvent], later: int) -> None:
    now = events[-1].at + timedelta(minutes=later)

    facts = evaluate(events, Target(2, TargetUnit.WORKING_DAYS), OFFICE, now)

    for segment in facts.segments:
        came_before = [
            event
            for event in events
            if event.at <= segment.from_at and event.kind in (*CHANGES, EventKind.START)
        ]
        assert segment.holder_id == came_before[-1].holder_id


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


def swept(
    events: list[LedgerEvent], target: Target, calendar: WorkingCalendar, sweeps: list[datetime]
) -> tuple[list[LedgerEvent], dict[str, datetime]]:
    """What sweeps at these instants leave behind, each knowing only what had happened by then.

    The ledger with the ends of pauses they wrote down, and what they told.
    """
    written: list[LedgerEvent] = []
    told: dict[str, datetime] = {}
    for now in sweeps:
        known = [*(event for event in events if event.at <= now), *written]
        facts = evaluate(known, target, calendar, now, told)
        for one in due_checks(facts, told, now):
            told[one.code] = one.at
            if one.kind is HappeningKind.PAUSE_END:
                written.append(LedgerEvent(one.at, EventKind.RESUME, facts.holder_id))
    return [*events, *written], told


@settings(max_examples=400, deadline=None)
@given(
    data=st.data(),
    ground=st.sampled_from(GROUNDS),
    target=all_targets,
    minutes=st.lists(st.integers(0, 60_000), max_size=8).map(sorted),
)
def test_the_verdict_does_not_depend_on_when_the_sweep_came(
    data: st.DataObject, ground: tuple[WorkingCalendar, datetime], target: Target, minutes: list[int]
) -> None:
    calendar, begin = ground
    events = data.draw(histories(begin))
    sweeps = [events[0].at + timedelta(minutes=count) for count in minutes]
    end = max([events[-1].at, *sweeps]) + timedelta(minutes=data.draw(st.integers(0, 20_000)))

    often, told_often = swept(events, target, calendar, [*sweeps, end])
    once, told_once = swept(events, target, calendar, [end])

    left, right = evaluate(often, target, calendar, end), evaluate(once, target, calendar, end)
    for name in ("verdict", "breached_at", "due_at", "used_seconds", "over_seconds", "segments", "state"):
        assert getattr(left, name) == getattr(right, name), name
    assert told_often.get("breach") == told_once.get("breach") == left.breached_at
    if left.ended_at is None:
        # Of a stopped clock only the breach is still told; a warning would come too late to help.
        if target.unit is TargetUnit.CALENDAR_DAYS:
            # Its warning point is counted back from the due time, so a pause after it moves it all the same.
            told_often.pop("warning", None)
            told_once.pop("warning", None)
        assert told_often == told_once
