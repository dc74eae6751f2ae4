"""A timer's facts from its history: due, warning, pauses, verdict, what must be told and when."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from service_desk.base.clock import CHINA
from service_desk.base.errors import Invalid
from service_desk.rules.calendar import WorkingCalendar, always_open, calendar_from_json
from service_desk.rules.sla import (
    EventKind,
    LedgerEvent,
    PauseReason,
    Target,
    TargetUnit,
    TimerFacts,
    TimerState,
    Verdict,
    consumption,
    due_checks,
    evaluate,
    ledger,
    measuring_calendar,
    target_seconds,
)

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "clock_vectors.json").read_text(encoding="utf-8"))
OFFICE = calendar_from_json(VECTORS["calendars"]["cn-office-2024-2026"])
ZHOU, MA = 1031, 1026
DOCUMENTS = PauseReason.WAITING_FOR_CLIENT_DOCUMENTS
THREE_DAYS = Target(3, TargetUnit.WORKING_DAYS)
HALF_HOUR = Target(30, TargetUnit.MINUTES, warn_percent=80, escalate_after_minutes=(15, 60))


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=CHINA)


def start(text: str, holder: int = ZHOU) -> LedgerEvent:
    return LedgerEvent(at(text), EventKind.START, holder)


def pause(text: str, reason: PauseReason = DOCUMENTS) -> LedgerEvent:
    return LedgerEvent(at(text), EventKind.PAUSE, ZHOU, reason, "notice 31")


def event(text: str, kind: EventKind, holder: int = ZHOU) -> LedgerEvent:
    return LedgerEvent(at(text), kind, holder)


def codes(facts: TimerFacts, done: set[str], now: datetime) -> list[tuple[str, datetime]]:
    return [(one.code, one.at) for one in due_checks(facts, done, now)]


def evaluate_plain(events: list[LedgerEvent], target: Target, now: datetime) -> TimerFacts:
    return evaluate(events, target, always_open(), now)


ASSESSMENT = [
    start("11-16 14:20"),
    pause("11-17 08:30"),
    event("11-17 11:30", EventKind.RESUME),
    event("11-17 16:00", EventKind.HANDOVER, MA),
    event("11-20 10:38", EventKind.STOP, MA),
]


class TestTheReviewedAssessment:
    """The breach of the review page: three working days, three hours' pause, a hand-over, 2 h 18 min over."""

    def test_three_working_days_are_twenty_two_and_a_half_office_hours(self) -> None:
        assert target_seconds(THREE_DAYS, OFFICE) == 22.5 * 3600

    def test_without_a_pause_it_is_due_at_the_same_hour_three_working_days_later(self) -> None:
        assert evaluate(ASSESSMENT[:1], THREE_DAYS, OFFICE, at("11-16 15:00")).due_at == at("11-19 14:20")

    def test_the_verdict_and_the_time_over(self) -> None:
        facts = evaluate(ASSESSMENT, THREE_DAYS, OFFICE, at("11-22 09:00"))

        assert facts.due_at == facts.breached_at == at("11-19 17:20")
        assert (facts.state, facts.verdict) == (TimerState.BREACHED, Verdict.BREACHED)
        assert facts.over_seconds == (2 * 60 + 18) * 60
        assert facts.ended_at == at("11-20 10:38")

    def test_who_used_the_time(self) -> None:
        facts = evaluate(ASSESSMENT, THREE_DAYS, OFFICE, at("11-22 09:00"))

        used = consumption(facts.segments)

        assert used.by_holder[ZHOU].before_due == (6 * 60 + 10) * 60
        assert used.by_holder[ZHOU].after_due == 0
        assert used.by_holder[MA].before_due == (16 * 60 + 20) * 60
        assert used.by_holder[MA].after_due == (2 * 60 + 18) * 60
        assert used.by_reason[DOCUMENTS].total == 3 * 3600
        assert used.total.before_due == 22.5 * 3600
        assert round(100 * used.share(ZHOU)) == 25

    def test_the_ledger_is_cut_at_each_event(self) -> None:
        segments = ledger(ASSESSMENT, OFFICE, at("11-22 09:00"), at("11-19 17:20"))

        assert [(one.holder_id, one.state, one.working_seconds // 60) for one in segments] == [
            (ZHOU, TimerState.RUNNING, 190),
            (ZHOU, TimerState.PAUSED, 180),
            (ZHOU, TimerState.RUNNING, 180),
            (MA, TimerState.RUNNING, 16 * 60 + 20 + 138),
        ]
        assert [one.to_at for one in segments[:-1]] == [one.from_at for one in segments[1:]]

    def test_judged_against_another_target_the_same_history_is_in_time(self) -> None:
        facts = evaluate(ASSESSMENT, Target(4, TargetUnit.WORKING_DAYS), OFFICE, at("11-22 09:00"))

        assert facts.verdict is Verdict.MET


class TestVerdict:
    @pytest.mark.parametrize(
        ("stopped", "verdict"),
        [
            ("11-16 10:29:59", Verdict.MET),
            ("11-16 10:30", Verdict.MET),
            ("11-16 10:30:01", Verdict.BREACHED),
        ],
    )
    def test_the_due_instant_itself_is_in_time(self, stopped: str, verdict: Verdict) -> None:
        events = [start("11-16 10:00"), event(stopped, EventKind.STOP)]

        assert evaluate_plain(events, HALF_HOUR, at("11-16 12:00")).verdict is verdict

    def test_there_is_no_verdict_while_it_can_still_be_kept(self) -> None:
        facts = evaluate_plain([start("11-16 10:00")], HALF_HOUR, at("11-16 10:30"))

        assert (facts.verdict, facts.breached_at, facts.remaining_seconds) == (None, None, 0)

    def test_a_running_timer_is_breached_from_the_first_second_after(self) -> None:
        facts = evaluate_plain([start("11-16 10:00")], HALF_HOUR, at("11-16 10:30:01"))

        assert (facts.state, facts.verdict) == (TimerState.RUNNING, Verdict.BREACHED)
        assert (facts.breached_at, facts.over_seconds) == (at("11-16 10:30"), 1)

    def test_due_at_a_closing_and_done_at_the_weekend_is_late_by_no_working_time(self) -> None:
        events = [start("11-20 16:30"), event("11-21 10:00", EventKind.STOP)]

        facts = evaluate(events, Target(1, TargetUnit.HOURS), OFFICE, at("11-21 10:00"))

        assert (facts.verdict, facts.over_seconds) == (Verdict.BREACHED, 0)

    def test_a_cancelled_timer_has_none_even_when_late(self) -> None:
        events = [start("11-16 10:00"), event("11-16 12:00", EventKind.CANCEL)]

        facts = evaluate_plain(events, HALF_HOUR, at("11-16 13:00"))

        assert (facts.state, facts.verdict, facts.breached_at) == (TimerState.CANCELLED, None, None)
        assert facts.happenings == ()

    def test_part_seconds_are_dropped_so_segments_add_up(self) -> None:
        events = [
            LedgerEvent(at("11-16 10:00:00.900"), EventKind.START, ZHOU),
            LedgerEvent(at("11-16 10:10:00.800"), EventKind.HANDOVER, MA),
            LedgerEvent(at("11-16 10:30:00.700"), EventKind.STOP, MA),
        ]

        facts = evaluate_plain(events, HALF_HOUR, at("11-16 11:00"))

        assert facts.verdict is Verdict.MET
        assert [one.working_seconds for one in facts.segments] == [600, 1200]


class TestPause:
    def test_while_it_lasts_the_due_time_is_open_and_the_time_left_stands(self) -> None:
        events = [start("11-16 10:00"), pause("11-16 10:10")]

        facts = evaluate_plain(events, HALF_HOUR, at("11-16 18:00"))

        assert (facts.state, facts.due_at, facts.warn_at) == (TimerState.PAUSED, None, None)
        assert (facts.remaining_seconds, facts.used_seconds) == (1200, 600)
        assert facts.pause_ends_at == facts.next_check_at == at("12-16 10:10")

    def test_resuming_gives_back_what_was_left(self) -> None:
        events = [start("11-16 10:00"), pause("11-16 10:10"), event("11-16 18:00", EventKind.RESUME)]

        facts = evaluate_plain(events, HALF_HOUR, at("11-16 18:05"))

        assert (facts.due_at, facts.warn_at) == (at("11-16 18:20"), at("11-16 18:14"))

    def test_pausing_after_the_due_time_never_undoes_the_breach(self) -> None:
        events = [start("11-16 10:00"), pause("11-16 11:00"), event("11-16 12:00", EventKind.RESUME)]

        during = evaluate_plain(events[:2], HALF_HOUR, at("11-16 11:30"))
        after = evaluate_plain(events, HALF_HOUR, at("11-16 12:30"))

        assert (during.state, during.verdict) == (TimerState.PAUSED, Verdict.BREACHED)
        assert during.due_at == after.due_at == after.breached_at == at("11-16 10:30")
        assert (during.over_seconds, after.over_seconds) == (30 * 60, 60 * 60)

    def test_the_last_warning_before_a_pause_stays_where_it_was(self) -> None:
        events = [start("11-16 10:00"), pause("11-16 10:25")]

        facts = evaluate_plain(events, HALF_HOUR, at("11-16 11:00"))

        assert (facts.warn_at, facts.due_at) == (at("11-16 10:24"), None)

    def test_a_pause_ends_by_itself_at_its_longest_and_says_so_with_its_true_instant(self) -> None:
        events = [start("11-16 10:00"), pause("11-16 10:10", PauseReason.VEHICLE_UNAVAILABLE)]
        limit = at("11-23 10:10")

        facts = evaluate_plain(events, HALF_HOUR, limit + timedelta(minutes=5))

        assert (facts.state, facts.due_at) == (TimerState.RUNNING, limit + timedelta(minutes=20))
        code = f"pause_end_{at('11-16 10:10').timestamp():.0f}"
        assert codes(facts, set(), limit + timedelta(minutes=5)) == [(code, limit)]

    def test_a_recorded_end_at_the_limit_changes_nothing_but_the_notice(self) -> None:
        limit = at("11-23 10:10")
        implied = [start("11-16 10:00"), pause("11-16 10:10", PauseReason.VEHICLE_UNAVAILABLE)]
        recorded = [*implied, LedgerEvent(limit, EventKind.RESUME, ZHOU)]
        now = limit + timedelta(minutes=5)

        assert (
            evaluate_plain(implied, HALF_HOUR, now).segments
            == evaluate_plain(recorded, HALF_HOUR, now).segments
        )
        assert codes(evaluate_plain(recorded, HALF_HOUR, now), set(), now) == []

    def test_a_hand_over_in_a_pause_cuts_it_and_the_clock_still_stands(self) -> None:
        events = [
            start("11-16 10:00"),
            pause("11-16 10:10"),
            event("11-16 10:20", EventKind.HANDOVER, MA),
            event("11-16 10:30", EventKind.RESUME, MA),
        ]

        facts = evaluate_plain(events, HALF_HOUR, at("11-16 10:40"))

        assert [(one.holder_id, one.reason, one.working_seconds) for one in facts.segments] == [
            (ZHOU, None, 600),
            (ZHOU, DOCUMENTS, 600),
            (MA, DOCUMENTS, 600),
            (MA, None, 600),
        ]
        assert facts.due_at == at("11-16 10:50")

    def test_stopping_in_a_pause_is_in_time(self) -> None:
        events = [start("11-16 10:00"), pause("11-16 10:10"), event("11-18 10:00", EventKind.STOP)]

        facts = evaluate_plain(events, HALF_HOUR, at("11-18 10:00"))

        assert (facts.verdict, facts.used_seconds) == (Verdict.MET, 600)


class TestChecks:
    def test_after_an_outage_everything_comes_in_order_with_its_true_instant(self) -> None:
        now = at("11-16 12:00")
        facts = evaluate_plain([start("11-16 10:00")], HALF_HOUR, now)

        assert codes(facts, set(), now) == [
            ("warning", at("11-16 10:24")),
            ("breach", at("11-16 10:30")),
            ("escalation_2", at("11-16 10:45")),
            ("escalation_3", at("11-16 11:30")),
        ]

    def test_what_was_told_is_not_told_again_and_the_next_check_moves_on(self) -> None:
        events, now = [start("11-16 10:00")], at("11-16 10:31")
        facts = evaluate(events, HALF_HOUR, always_open(), now, {"warning"})

        assert codes(facts, {"warning"}, now) == [("breach", at("11-16 10:30"))]
        assert facts.next_check_at == at("11-16 10:30")
        later = evaluate(events, HALF_HOUR, always_open(), now, {"warning", "breach"})
        assert later.next_check_at == at("11-16 10:45")

    def test_at_the_due_instant_only_the_warning_is_told(self) -> None:
        facts = evaluate_plain([start("11-16 10:00")], HALF_HOUR, at("11-16 10:30"))

        assert [code for code, _ in codes(facts, set(), at("11-16 10:30"))] == ["warning"]

    def test_a_pause_does_not_hush_an_escalation(self) -> None:
        events, now = [start("11-16 10:00"), pause("11-16 10:35")], at("11-16 10:45")

        assert ("escalation_2", now) in codes(evaluate_plain(events, HALF_HOUR, now), set(), now)

    def test_of_a_timer_that_stopped_late_only_the_breach_is_told(self) -> None:
        events, now = [start("11-16 10:00"), event("11-16 10:40", EventKind.STOP)], at("11-16 12:00")
        facts = evaluate_plain(events, HALF_HOUR, now)

        assert codes(facts, set(), now) == [("breach", at("11-16 10:30"))]
        assert facts.next_check_at == at("11-16 10:30")
        assert evaluate(events, HALF_HOUR, always_open(), now, {"breach"}).next_check_at is None

    def test_a_timer_that_stopped_in_time_needs_no_check(self) -> None:
        events = [start("11-16 10:00"), event("11-16 10:20", EventKind.STOP)]

        assert evaluate_plain(events, HALF_HOUR, at("11-16 12:00")).next_check_at is None

    def test_the_warning_comes_in_working_time(self) -> None:
        facts = evaluate([start("11-20 17:00")], Target(1, TargetUnit.HOURS), OFFICE, at("11-20 17:10"))

        assert (facts.warn_at, facts.due_at) == (at("11-23 08:45"), at("11-23 09:00"))


class TestCalendarDays:
    """Terms of law: the start day is not counted, the last one lasts until 24:00 and is no rest day."""

    def facts(
        self, days: int, *events: LedgerEvent, now: str, calendar: WorkingCalendar = OFFICE
    ) -> TimerFacts:
        return evaluate(events, Target(days, TargetUnit.CALENDAR_DAYS), calendar, at(now))

    @pytest.mark.parametrize(
        ("days", "began", "due"),
        [
            (5, "06-08 15:00", "06-16 00:00"),
            (10, "06-12 09:00", "06-23 00:00"),
            (30, "01-15 00:00", "02-15 00:00"),
            (3, "04-07 23:59:59", "04-11 00:00"),
        ],
    )
    def test_the_worked_examples(self, days: int, began: str, due: str) -> None:
        assert self.facts(days, start(began), now=began).due_at == at(due)

    def test_done_at_the_last_second_of_the_last_day_is_in_time(self) -> None:
        done = event("06-15 23:59:59", EventKind.STOP)

        assert self.facts(5, start("06-08 15:00"), done, now="06-20 00:00").verdict is Verdict.MET

    def test_no_days_is_the_same_day_even_on_a_saturday_round_the_clock(self) -> None:
        facts = self.facts(0, start("11-21 18:00"), now="11-21 18:00", calendar=always_open())

        assert (facts.due_at, facts.warn_at) == (at("11-22 00:00"), at("11-21 22:30"))

    def test_a_pause_moves_the_last_day_by_the_days_it_lasted(self) -> None:
        events = [start("06-08 15:00"), pause("06-09 10:00"), event("06-11 09:00", EventKind.RESUME)]

        paused = self.facts(5, *events[:2], now="06-10 10:00")
        resumed = self.facts(5, *events, now="06-11 10:00")

        assert (paused.due_at, paused.remaining_seconds) == (None, 6 * 86_400 + 14 * 3600)
        assert resumed.due_at == at("06-16 00:00")

    def test_a_pause_begun_on_the_rest_days_that_delay_it_leaves_the_day_of_resuming(self) -> None:
        events = [start("06-08 15:00"), pause("06-14 10:00"), event("06-17 09:00", EventKind.RESUME)]

        assert self.facts(5, *events, now="06-17 09:00").due_at == at("06-18 00:00")

    def test_a_pause_after_the_last_day_moves_nothing(self) -> None:
        events = [start("06-08 15:00"), pause("06-16 10:00"), event("06-18 09:00", EventKind.RESUME)]

        facts = self.facts(5, *events, now="06-18 10:00")

        assert (facts.due_at, facts.verdict) == (at("06-16 00:00"), Verdict.BREACHED)

    @pytest.mark.parametrize(
        ("paused", "resumed", "warned"),
        [
            ("06-15 10:00", "06-18 09:00", "06-14 03:45"),
            ("06-14 03:45", "06-18 09:00", "06-14 03:45"),
            ("06-14 03:44", "06-18 09:00", "06-18 09:00"),
            ("06-09 10:00", "06-14 09:00", "06-17 03:45"),
        ],
    )
    def test_a_pause_moves_the_warning_unless_it_was_given(self, paused, resumed, warned) -> None:
        """Due at 24:00 on the 15th, so that a quarter of the term begins on the 14th at 03:45."""
        events = [start("06-08 15:00"), pause(paused), event(resumed, EventKind.RESUME)]

        assert self.facts(5, *events, now="06-18 10:00").warn_at == at(warned)

    def test_time_is_counted_round_the_clock(self) -> None:
        target = Target(5, TargetUnit.CALENDAR_DAYS)

        assert measuring_calendar(target, OFFICE) is always_open(CHINA)
        assert self.facts(5, start("06-08 15:00"), now="06-16 01:00").over_seconds == 3600
        with pytest.raises(ValueError, match="no fixed length"):
            target_seconds(target, OFFICE)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ((0, TargetUnit.MINUTES, 75, ()), "target_too_short"),
        ((-1, TargetUnit.CALENDAR_DAYS, 75, ()), "target_too_short"),
        ((1, TargetUnit.HOURS, 0, ()), "warn_percent_out_of_range"),
        ((1, TargetUnit.HOURS, 101, ()), "warn_percent_out_of_range"),
        ((1, TargetUnit.HOURS, 75, (60, 15)), "escalation_out_of_order"),
        ((1, TargetUnit.HOURS, 75, (60, 60)), "escalation_out_of_order"),
        ((1, TargetUnit.HOURS, 75, (0,)), "escalation_out_of_order"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(
    target: tuple[int, TargetUnit, int, tuple[int, ...]], code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        Target(*target)

    assert refusal.value.code == code


def test_a_history_must_begin_with_a_start() -> None:
    with pytest.raises(Invalid, match="clock_not_started"):
        evaluate_plain([pause("11-16 10:00")], HALF_HOUR, at("11-16 11:00"))


def test_the_office_calendar_of_the_vectors_rests_at_national_day() -> None:
    assert OFFICE.is_rest_day(date(2026, 10, 1))
    assert not OFFICE.is_rest_day(date(2026, 10, 10))
