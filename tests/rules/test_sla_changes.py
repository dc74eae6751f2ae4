"""What may be written into a timer's ledger, and what is refused with its reason."""

from datetime import UTC, datetime, timedelta

import pytest

from service_desk.base.errors import Invalid
from service_desk.rules.calendar import always_open
from service_desk.rules.sla import (
    PAUSE_RULES,
    EventKind,
    LedgerEvent,
    PauseReason,
    Target,
    TargetUnit,
    Verdict,
    check_event,
    correct_time,
    evaluate,
)

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=2)
START = LedgerEvent(EARLIER, EventKind.START, 1)
PAUSE = LedgerEvent(EARLIER + timedelta(hours=1), EventKind.PAUSE, 1, PauseReason.VEHICLE_UNAVAILABLE)
STOP = LedgerEvent(EARLIER + timedelta(hours=1), EventKind.STOP, 1)
RUNNING, PAUSED, ENDED = [START], [START, PAUSE], [START, STOP]


def new(kind: EventKind, at: datetime = NOW, *, holder: int = 1, evidence: str | None = None) -> LedgerEvent:
    reason = PauseReason.VEHICLE_UNAVAILABLE if kind is EventKind.PAUSE else None
    return LedgerEvent(at, kind, holder, reason, evidence)


def refusal(events: list[LedgerEvent], event: LedgerEvent, now: datetime = NOW) -> str | None:
    try:
        check_event(events, event, now)
    except Invalid as error:
        return error.code
    return None


K = EventKind
ANSWERS = {
    K.START: (None, "clock_already_started", "clock_already_started", "clock_ended"),
    K.PAUSE: ("clock_not_started", None, "clock_already_paused", "clock_ended"),
    K.RESUME: ("clock_not_started", "clock_not_paused", None, "clock_ended"),
    K.HANDOVER: ("clock_not_started", None, None, "clock_ended"),
    K.SUBSTITUTE: ("clock_not_started", None, None, "clock_ended"),
    K.RETURN: ("clock_not_started", "clock_not_covered", "clock_not_covered", "clock_ended"),
    K.STOP: ("clock_not_started", None, None, "clock_ended"),
    K.CANCEL: ("clock_not_started", None, None, "clock_ended"),
}


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_in_every_state(kind: EventKind) -> None:
    answers = tuple(refusal(events, new(kind, holder=2)) for events in ([], RUNNING, PAUSED, ENDED))

    assert answers == ANSWERS[kind]


def test_an_event_in_the_future_is_refused() -> None:
    assert refusal(RUNNING, new(K.STOP, NOW + timedelta(seconds=1), evidence="photo")) == "clock_event_future"


def test_an_event_entered_afterwards_needs_evidence() -> None:
    at = NOW - timedelta(seconds=1)

    assert refusal(RUNNING, new(K.STOP, at)) == "clock_event_backdated"
    assert refusal(RUNNING, new(K.STOP, at, evidence="survey photo 14")) is None


def test_an_event_before_one_already_recorded_is_refused_even_with_evidence() -> None:
    at = PAUSE.at - timedelta(seconds=1)

    assert refusal(PAUSED, new(K.STOP, at, evidence="photo")) == "clock_event_overlaps"


def test_a_hand_over_to_the_holder_is_refused() -> None:
    assert refusal(RUNNING, new(K.HANDOVER)) == "handover_to_same_holder"


def test_a_stand_in_may_be_given_the_clock_for_good() -> None:
    covered = [START, LedgerEvent(EARLIER, K.SUBSTITUTE, 2)]

    assert refusal(covered, new(K.HANDOVER, holder=2)) is None
    assert refusal(covered, new(K.SUBSTITUTE, holder=2)) == "handover_to_same_holder"


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NOW + timedelta(seconds=1), "pause_in_future"),
        (EARLIER - timedelta(seconds=1), "pause_before_start"),
        (EARLIER + timedelta(minutes=70), "pause_overlaps"),
        (EARLIER + timedelta(minutes=50), "pause_overlaps"),
        (EARLIER + timedelta(minutes=90), None),
    ],
)
def test_a_pause_lies_between_what_was_before_and_now(at: datetime, code: str | None) -> None:
    resumed = [*PAUSED, LedgerEvent(EARLIER + timedelta(minutes=80), K.RESUME, 1)]

    assert refusal(resumed, new(K.PAUSE, at, evidence="receipt")) == code


def test_a_pause_needs_a_reason_and_some_reasons_need_evidence() -> None:
    bare = LedgerEvent(NOW, K.PAUSE, 1)
    unproved = LedgerEvent(NOW, K.PAUSE, 1, PauseReason.WAITING_FOR_AUTHORITY)
    proved = LedgerEvent(NOW, K.PAUSE, 1, PauseReason.WAITING_FOR_AUTHORITY, "receipt of the traffic police")

    assert refusal(RUNNING, bare) == "pause_reason_missing"
    assert refusal(RUNNING, unproved) == "pause_evidence_missing"
    assert refusal(RUNNING, proved) is None


def test_every_reason_has_a_rule() -> None:
    assert set(PAUSE_RULES) == set(PauseReason)
    assert all(rule.max_days > 0 for rule in PAUSE_RULES.values())


def test_resuming_after_the_longest_pause_is_too_late_but_its_end_may_be_recorded_later() -> None:
    limit = PAUSE.at + timedelta(days=PAUSE_RULES[PauseReason.VEHICLE_UNAVAILABLE].max_days)
    now = limit + timedelta(hours=3)

    assert refusal(PAUSED, new(K.RESUME, now), now) == "clock_not_paused"
    assert refusal(PAUSED, new(K.RESUME, limit), now) is None


def test_the_end_of_the_longest_pause_is_recorded_once_and_may_follow_a_later_event() -> None:
    limit = PAUSE.at + timedelta(days=PAUSE_RULES[PauseReason.VEHICLE_UNAVAILABLE].max_days)
    now = limit + timedelta(hours=3)
    handover = new(K.HANDOVER, limit + timedelta(hours=1), holder=2)
    resume = new(K.RESUME, limit)

    assert refusal([*PAUSED, handover], resume, now) is None
    assert refusal([*PAUSED, handover, resume], resume, now) == "clock_event_overlaps"


class TestCorrection:
    """A survey entered at 17:00 that took place at 11:20."""

    def test_the_verdict_is_recomputed_and_both_histories_remain(self) -> None:
        target, calendar = Target(30, TargetUnit.MINUTES), always_open()
        right_at = START.at + timedelta(minutes=20)

        corrected = correct_time(ENDED, STOP, right_at, evidence="photo taken 11:20", now=NOW)

        assert evaluate(ENDED, target, calendar, NOW).verdict is Verdict.BREACHED
        assert evaluate(corrected, target, calendar, NOW).verdict is Verdict.MET
        assert corrected[-1].evidence == "photo taken 11:20"

    @pytest.mark.parametrize(
        ("right_at", "evidence", "code"),
        [
            (EARLIER + timedelta(minutes=5), " ", "correction_evidence_missing"),
            (NOW + timedelta(minutes=5), "photo", "clock_event_future"),
            (EARLIER - timedelta(minutes=5), "photo", "correction_overlaps"),
            (STOP.at, "photo", "correction_same"),
        ],
    )
    def test_it_is_refused_without_evidence_in_the_future_or_out_of_order(
        self, right_at: datetime, evidence: str, code: str
    ) -> None:
        with pytest.raises(Invalid) as error:
            correct_time(ENDED, STOP, right_at, evidence=evidence, now=NOW)

        assert error.value.code == code

    def test_an_event_may_not_pass_the_one_after_it(self) -> None:
        with pytest.raises(Invalid, match="correction_overlaps"):
            correct_time(ENDED, START, STOP.at + timedelta(seconds=1), evidence="photo", now=NOW)

    def test_a_pause_may_not_become_longer_than_its_longest(self) -> None:
        limit = PAUSE.at + timedelta(days=PAUSE_RULES[PauseReason.VEHICLE_UNAVAILABLE].max_days)
        resume = LedgerEvent(limit, EventKind.RESUME, 1)
        now = limit + timedelta(hours=1)

        with pytest.raises(Invalid, match="correction_pause_too_long"):
            correct_time([*PAUSED, resume], PAUSE, PAUSE.at - timedelta(seconds=1), evidence="photo", now=now)
        later = correct_time(
            [*PAUSED, resume], PAUSE, PAUSE.at + timedelta(seconds=1), evidence="photo", now=now
        )
        assert later[1].at == PAUSE.at + timedelta(seconds=1)
