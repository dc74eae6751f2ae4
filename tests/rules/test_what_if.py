"""A million timers judged at once are judged as each would be by itself."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_desk.base.errors import Invalid
from service_desk.rules.calendar import WorkingCalendar, always_open, calendar_from_json, openings
from service_desk.rules.calendar.openings import Openings, moment_of, seconds_of
from service_desk.rules.sla import (
    EventKind,
    LedgerEvent,
    PauseReason,
    Target,
    TargetUnit,
    TimerFacts,
    Verdict,
    evaluate,
)
from service_desk.rules.sla.what_if import (
    Histories,
    due_at,
    kept,
    least_promise,
    needed,
    over_seconds,
    promised,
)

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE_DAY = [["08:30", "12:00"], ["13:30", "17:30"]]
WHOLE_DAY = [["00:00", "24:00"]]
SMALL_HOURS = [["00:30", "03:15"], ["22:00", "24:00"]]
# The turn of 2026/27 with a holiday, its make-up Saturday and a half day, in China.
OFFICE = calendar_from_json(
    {
        "tz": "Asia/Shanghai",
        "week": dict.fromkeys(WORKDAYS, OFFICE_DAY),
        "holidays": ["2026-12-31", "2027-01-01", "2027-01-04"],
        "extra": {"2027-01-09": OFFICE_DAY, "2026-12-30": [["08:30", "12:00"]]},
    }
)
CALENDARS = {
    "office": OFFICE,
    "round the clock": always_open(),
    "nights": calendar_from_json(
        {
            "tz": "Asia/Shanghai",
            "week": {"fri": [["22:00", "06:00"]], "sat": [["22:00", "06:00"]], "tue": [["18:20", "02:07"]]},
        }
    ),
    "clocks change at night": calendar_from_json(
        {
            "tz": "America/New_York",
            "week": dict.fromkeys((*WORKDAYS, "sun"), SMALL_HOURS),
        }
    ),
    "half an hour of summer": calendar_from_json(
        {"tz": "Australia/Lord_Howe", "week": dict.fromkeys((*WORKDAYS, "sun"), WHOLE_DAY)}
    ),
    "legal days": calendar_from_json(
        {
            "tz": "Asia/Shanghai",
            "week": dict.fromkeys(WORKDAYS, WHOLE_DAY),
            "holidays": ["2026-12-31", "2027-01-01", "2027-01-04"],
            "extra": {"2027-01-09": WHOLE_DAY},
        }
    ),
}
BEGINS = [
    datetime(2026, 12, 24, tzinfo=UTC),
    datetime(2026, 10, 30, 12, tzinfo=UTC),  # New York and Lord Howe change their clocks hereabouts
    datetime(2027, 3, 12, tzinfo=UTC),
    datetime(2028, 2, 28, tzinfo=UTC),
]
LONG_ENOUGH = PauseReason.WAITING_FOR_CLIENT_DOCUMENTS


class Past:
    """A timer's past in both forms; `is_open` when it still ran, or stood, at `ended`."""

    def __init__(self, started: datetime, steps: list[timedelta], is_open: bool) -> None:
        """`steps` are the times between start, pause, resume, pause … and the end."""
        self.started, self.pauses = started, []
        at, paused_at = started, None
        self.events = [LedgerEvent(at, EventKind.START, 1)]
        for step in steps[:-1]:
            at += step
            kind = EventKind.RESUME if paused_at else EventKind.PAUSE
            self.events.append(LedgerEvent(at, kind, 1, None if paused_at else LONG_ENOUGH))
            if paused_at:
                self.pauses.append((paused_at, at))
            paused_at = None if paused_at else at
        self.ended = at + steps[-1]
        if paused_at:
            self.pauses.append((paused_at, self.ended))
        if not is_open:
            self.events.append(LedgerEvent(self.ended, EventKind.STOP, 1))
        self.stands = is_open and paused_at is not None

    def judged(self, target: Target, calendar: WorkingCalendar) -> TimerFacts:
        return evaluate(self.events, target, calendar, self.ended)


def columns(pasts: list[Past]) -> Histories:
    pauses = [(row, *pause) for row, past in enumerate(pasts) for pause in past.pauses]
    return Histories(
        np.array([seconds_of(past.started) for past in pasts], np.int64),
        np.array([seconds_of(past.ended) for past in pasts], np.int64),
        np.array([row for row, _, _ in pauses], np.intp),
        np.array([seconds_of(begins) for _, begins, _ in pauses], np.int64),
        np.array([seconds_of(ends) for _, _, ends in pauses], np.int64),
    )


def past(started: str, *hours: float, is_open: bool = False) -> Past:
    begins = datetime.fromisoformat(started).replace(tzinfo=OFFICE.zone)
    return Past(begins.astimezone(UTC), [timedelta(hours=hour) for hour in hours], is_open)


steps = st.one_of(
    st.integers(0, 40).map(lambda quarters: timedelta(minutes=15 * quarters)),
    st.integers(0, 200_000).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(0, 12).map(lambda days: timedelta(days=days)),
)
starts = st.builds(
    lambda begin, quarters, seconds: begin + timedelta(minutes=15 * quarters, seconds=seconds),
    st.sampled_from(BEGINS),
    st.integers(0, 1500),
    st.sampled_from([0, 0, 1, 899]),
)
pasts = st.builds(Past, starts, st.lists(steps, min_size=1, max_size=6), st.booleans())
targets = st.one_of(
    st.builds(Target, st.integers(1, 500), st.just(TargetUnit.MINUTES)),
    st.builds(Target, st.integers(1, 60), st.just(TargetUnit.HOURS)),
    st.builds(Target, st.integers(1, 6), st.just(TargetUnit.WORKING_DAYS)),
    st.builds(Target, st.integers(0, 12), st.just(TargetUnit.CALENDAR_DAYS)),
)
calendars = st.sampled_from(list(CALENDARS)).map(CALENDARS.__getitem__)


@settings(max_examples=600, deadline=None)
@given(many=st.lists(pasts, min_size=1, max_size=6), target=targets, calendar=calendars)
def test_each_timer_is_judged_as_by_itself(
    many: list[Past], target: Target, calendar: WorkingCalendar
) -> None:
    facts = [one.judged(target, calendar) for one in many]
    histories = columns(many)

    verdicts = kept(histories, target, calendar)
    due = due_at(histories, target, calendar)
    over = over_seconds(histories, due, target, calendar)

    assert verdicts.tolist() == [fact.verdict is not Verdict.BREACHED for fact in facts]
    assert over.tolist() == [fact.over_seconds for fact in facts]
    for found, fact, one in zip(due.tolist(), facts, many, strict=True):
        # A pause that lasts leaves the due time open; here it is as if resumed at the end.
        assert fact.due_at == moment_of(found) or (fact.due_at is None and one.stands)


@settings(max_examples=300, deadline=None)
@given(many=st.lists(pasts, min_size=1, max_size=6), target=targets, calendar=calendars)
def test_the_least_promise_is_the_least_that_was_kept(
    many: list[Past], target: Target, calendar: WorkingCalendar
) -> None:
    wanted = needed(columns(many), target.unit, calendar)

    unit = TargetUnit.CALENDAR_DAYS if target.unit is TargetUnit.CALENDAR_DAYS else TargetUnit.MINUTES
    size = 1 if unit is TargetUnit.CALENDAR_DAYS else 60
    for one, least in zip(many, wanted.tolist(), strict=True):
        enough = -(-least // size)
        assert one.judged(Target(enough, unit), calendar).verdict is not Verdict.BREACHED
        if enough > (0 if unit is TargetUnit.CALENDAR_DAYS else 1):
            assert one.judged(Target(enough - 1, unit), calendar).verdict is Verdict.BREACHED


@settings(max_examples=200, deadline=None)
@given(calendar=calendars, seconds=st.lists(st.integers(0, 40_000_000), min_size=1, max_size=20))
def test_working_time_by_steps_is_working_time_by_bisection(
    calendar: WorkingCalendar, seconds: list[int]
) -> None:
    first = seconds_of(BEGINS[1])
    instants = np.array([first + one for one in seconds], np.int64)
    compiled = Openings(calendar, first, first + 40_000_000)

    found = compiled.worked_by(instants)

    expected = [calendar.between(BEGINS[1], moment_of(one)) for one in instants.tolist()]
    assert found.tolist() == expected


def test_a_calendar_of_too_fine_steps_is_asked_by_bisection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openings, "_MOST_STEPS", 4)
    one = past("2026-12-25T16:00", 30)

    least = needed(columns([one]), TargetUnit.HOURS, OFFICE)

    assert least.tolist() == [OFFICE.between(one.started, one.ended - timedelta(seconds=1)) + 1]


def test_a_stop_at_the_due_instant_is_in_time_and_a_second_later_is_not() -> None:
    four_hours = Target(4, TargetUnit.HOURS)
    on_time = past("2026-12-24T08:30", 5.5)  # four working hours, the noon left out
    late = Past(on_time.started, [timedelta(hours=5.5, seconds=1)], is_open=False)

    assert kept(columns([on_time, late]), four_hours, OFFICE).tolist() == [True, False]


def test_due_at_closing_and_done_in_closed_time_is_late_without_working_time_over() -> None:
    one = past("2026-12-24T13:30", 6)  # four hours end at 17:30, done at 19:30
    histories, target = columns([one]), Target(4, TargetUnit.HOURS)

    due = due_at(histories, target, OFFICE)

    assert kept(histories, target, OFFICE).tolist() == [False]
    assert moment_of(int(due[0])) == datetime(2026, 12, 24, 9, 30, tzinfo=UTC)
    assert over_seconds(histories, due, target, OFFICE).tolist() == [0]


def test_a_start_in_closed_time_begins_to_count_at_the_opening() -> None:
    one = past("2026-12-26T11:00", 48)  # Saturday noon to Monday 11:00: two and a half working hours

    assert needed(columns([one]), TargetUnit.HOURS, OFFICE).tolist() == [9000]


def test_a_pause_after_the_due_time_does_not_undo_a_breach() -> None:
    one = past("2026-12-24T08:30", 2, 1, 0.25)

    assert kept(columns([one]), Target(2, TargetUnit.HOURS), OFFICE).tolist() == [False]
    assert kept(columns([one]), Target(135, TargetUnit.MINUTES), OFFICE).tolist() == [True]


def test_overlapping_pauses_count_once_and_reach_not_beyond_their_timer() -> None:
    start, end = seconds_of(datetime(2026, 12, 24, 0, 30, tzinfo=UTC)), 0
    end = start + 3 * 3600
    histories = Histories(
        np.array([start, start]),
        np.array([end, end]),
        np.array([0, 0, 0]),
        np.array([start - 600, start + 600, start + 900]),
        np.array([start + 1200, start + 1800, start + 1000]),
    )

    assert needed(histories, TargetUnit.MINUTES, OFFICE).tolist() == [3 * 3600 - 1800, 3 * 3600]


def test_an_empty_history_has_no_verdicts() -> None:
    nothing, target = columns([]), Target(1, TargetUnit.HOURS)

    assert needed(nothing, TargetUnit.HOURS, OFFICE).tolist() == []
    assert due_at(nothing, target, OFFICE).tolist() == []
    assert over_seconds(nothing, np.empty(0, np.int64), target, OFFICE).tolist() == []


def test_a_due_time_beyond_the_last_opening_is_refused() -> None:
    fair = calendar_from_json({"tz": "Asia/Shanghai", "extra": {"2026-12-24": [["09:00", "12:00"]]}})

    with pytest.raises(Invalid, match="calendar_runs_out"):
        due_at(columns([past("2026-12-24T10:00", 1)]), Target(4, TargetUnit.HOURS), fair)


def test_the_least_promise_of_a_share_is_its_nearest_rank() -> None:
    needs = np.array([40, 10, 30, 20, 50, 60, 70, 80, 100, 90])

    assert [least_promise(needs, percent) for percent in (90, 95, 99, 50)] == [90, 100, 100, 50]


def test_a_promise_is_measured_as_its_unit_says() -> None:
    assert promised(Target(2, TargetUnit.WORKING_DAYS), OFFICE) == 54_000
    assert promised(Target(10, TargetUnit.CALENDAR_DAYS), OFFICE) == 10


def test_a_legal_term_rolls_over_the_rest_days_at_new_year() -> None:
    legal = CALENDARS["legal days"]
    # Three days from 2026-12-29 end on New Year's Day; the first day after all the rest is 2027-01-05.
    in_time, late = past("2026-12-29T15:00", 24 * 7 + 9), past("2026-12-29T15:00", 24 * 7 + 9.01)
    target = Target(3, TargetUnit.CALENDAR_DAYS)

    due = due_at(columns([in_time]), target, legal)

    assert moment_of(int(due[0])).astimezone(legal.zone).date() == date(2027, 1, 6)
    assert kept(columns([in_time, late]), target, legal).tolist() == [True, False]
