"""The life of a timer in the database: each event of the life table, its refusals, the audit."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Notice
from service_desk.models.sla import SlaEvent, Timer, TimerEntry, TimerState
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import EventKind, PauseReason
from service_desk.services import sla
from service_desk.services.notices import Matter
from tests.breach_cases import paper
from tests.world import World

MINUTE = timedelta(minutes=1)
DOCUMENTS = PauseReason.WAITING_FOR_CLIENT_DOCUMENTS


def china(text: str) -> datetime:
    """`11-16 14:20` of 2026 in Zhengzhou."""
    return datetime.strptime(f"2026-{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


@pytest.fixture
def matter(world: World, now: datetime) -> Matter:
    sla.install_defaults(now)
    return Matter("claim", 7, "CLM-2026-000007", world.account.id, world.gongyi.id)


@pytest.fixture
def survey(world: World, matter: Matter, now: datetime) -> Timer:
    timer = sla.start(
        matter,
        ClockStep.SURVEY,
        holder_id=world.claims1.id,
        at=now,
        actor=world.claims1,
        now=now,
        is_urban=False,
    )
    assert timer is not None
    return timer


class TestStart:
    def test_copies_the_promise_and_knows_when_to_look(self, survey: Timer, now: datetime) -> None:
        assert (survey.target_value, survey.target_unit, survey.state) == (60, "minutes", TimerState.RUNNING)
        assert survey.due_at == now + 60 * MINUTE
        assert survey.warn_at == survey.next_check_at == now + 45 * MINUTE

    @pytest.mark.parametrize(("is_urban", "minutes"), [(True, 30), (False, 60), (None, 60)])
    def test_chooses_the_most_specific_level(self, world, matter, now, is_urban, minutes) -> None:
        timer = sla.start(
            matter,
            ClockStep.SURVEY,
            holder_id=world.claims1.id,
            at=now,
            actor=None,
            now=now,
            is_urban=is_urban,
        )
        assert timer.target_value == minutes

    @pytest.mark.parametrize(
        ("fen", "value", "unit"),
        [
            (None, 3, "working_days"),
            (200_000, 60, "minutes"),
            (200_001, 3, "working_days"),
        ],
    )
    def test_chooses_by_amount_with_the_upper_edge_included(
        self, world, matter, now, fen, value, unit
    ) -> None:
        timer = sla.start(
            matter,
            ClockStep.ASSESSMENT,
            holder_id=world.claims1.id,
            at=now,
            actor=None,
            now=now,
            amount_fen=fen,
        )
        assert (timer.target_value, timer.target_unit) == (value, unit)

    def test_does_not_start_a_running_clock_twice(self, world, matter, survey, now) -> None:
        again = sla.start(
            matter, ClockStep.SURVEY, holder_id=world.claims2.id, at=now, actor=None, now=now + MINUTE
        )
        assert again is survey

    def test_a_stopped_clock_starts_a_new_cycle_and_keeps_its_verdict(
        self, world, matter, survey, now
    ) -> None:
        later = now + 10 * MINUTE
        sla.stop(matter, [ClockStep.SURVEY], at=later, actor=world.claims1, now=later)

        second = sla.start(
            matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=later, actor=None, now=later
        )

        assert (survey.cycle, survey.state, second.cycle, second.state) == (
            1,
            TimerState.MET,
            2,
            TimerState.RUNNING,
        )

    def test_without_a_level_there_is_no_clock(self, world, session, now) -> None:
        matter = Matter("claim", 7, "CLM-2026-000007", world.account.id)
        timer = sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=None, now=now)
        assert timer is None


class TestStop:
    @pytest.mark.parametrize(
        ("minutes", "seconds", "state", "over"),
        [
            (59, 59, TimerState.MET, 0),
            (60, 0, TimerState.MET, 0),
            (60, 1, TimerState.BREACHED, 1),
            (95, 0, TimerState.BREACHED, 35 * 60),
        ],
    )
    def test_gives_the_verdict_to_the_second(
        self, world, matter, survey, now, minutes, seconds, state, over
    ) -> None:
        at = now + timedelta(minutes=minutes, seconds=seconds)

        sla.stop(matter, [ClockStep.SURVEY], at=at, actor=world.claims1, now=at)

        assert (survey.state, survey.over_seconds) == (state, over)
        assert survey.used_seconds == (at - now).total_seconds()
        assert survey.next_check_at is None

    def test_tells_a_breach_no_sweep_has_seen(self, world, session, matter, survey, now) -> None:
        at = now + 90 * MINUTE

        sla.stop(matter, [ClockStep.SURVEY], at=at, actor=world.claims1, now=at)

        event = session.scalars(select(SlaEvent)).one()
        assert (event.kind, event.at, event.recorded_at) == ("breach", now + 60 * MINUTE, at)
        told = set(session.scalars(select(Notice.user_id).where(Notice.kind == "clock_breach")))
        assert told == {world.claims1.id, world.manager.id}
        review = sla.timers_of("breach", [survey.id])[survey.id][0]
        assert (review.step, review.holder_id) == (ClockStep.BREACH_REVIEW, world.manager.id)

    def test_a_late_entry_of_a_timely_arrival_takes_the_breach_back(
        self, world, session, matter, survey, now
    ) -> None:
        swept = now + 70 * MINUTE
        sla.check_timer(survey.id, swept)
        assert survey.breached_at == now + 60 * MINUTE

        sla.stop(
            matter,
            [ClockStep.SURVEY],
            at=now + 40 * MINUTE,
            actor=world.claims1,
            now=swept + MINUTE,
        )

        assert (survey.state, survey.breached_at, survey.used_seconds) == (TimerState.MET, None, 2400)
        assert not session.scalar(select(func.count()).select_from(SlaEvent).where(SlaEvent.kind == "breach"))
        assert sla.timers_of("breach", [survey.id])[survey.id][0].state is TimerState.CANCELLED
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "clock_stopped")).one()
        assert "breached_at" in entry.changes

    def test_ends_a_pause_whose_time_stays_off_the_clock(self, world, matter, survey, now) -> None:
        reason = PauseReason.VEHICLE_UNAVAILABLE
        sla.pause(survey.id, reason, "", None, actor=world.claims1, now=now + 50 * MINUTE)

        at = now + 90 * MINUTE
        sla.stop(matter, [ClockStep.SURVEY], at=at, actor=world.claims1, now=at)

        assert (survey.state, survey.used_seconds, survey.pause_reason) == (TimerState.MET, 3000, "")

    def test_refuses_the_future_and_a_time_before_the_last_event(self, world, matter, survey, now) -> None:
        later = now + 10 * MINUTE
        sla.hand_over(matter, to_id=world.claims2.id, at=later, actor=world.claims1, now=later)

        with pytest.raises(Invalid, match="clock_event_future"):
            sla.stop(matter, [ClockStep.SURVEY], at=later + MINUTE, actor=None, now=later)
        with pytest.raises(Invalid, match="clock_event_overlaps"):
            sla.stop(matter, [ClockStep.SURVEY], at=now + MINUTE, actor=None, now=later)


class TestCancelAndHandOver:
    def test_a_cancelled_clock_has_no_verdict(self, world, session, matter, survey, now) -> None:
        at = now + 90 * MINUTE
        sla.cancel(matter, at=at, actor=world.claims1, now=at)

        assert (survey.state, survey.breached_at, survey.next_check_at) == (TimerState.CANCELLED, None, None)
        assert session.scalar(select(func.count()).select_from(SlaEvent)) == 0

    def test_the_time_used_stays_with_who_used_it(self, world, matter, survey, now) -> None:
        at = now + 20 * MINUTE
        sla.hand_over(matter, to_id=world.claims2.id, at=at, actor=world.claims1, now=at)

        facts = sla.facts_of(survey, at + 15 * MINUTE)

        assert survey.holder_id == world.claims2.id
        assert [(part.holder_id, part.working_seconds) for part in facts.segments] == [
            (world.claims1.id, 1200),
            (world.claims2.id, 900),
        ]

    def test_a_cancelled_breach_needs_no_review(self, world, matter, survey, now) -> None:
        sla.check_timer(survey.id, now + 70 * MINUTE)

        at = now + 80 * MINUTE
        sla.cancel(matter, at=at, actor=world.claims1, now=at)

        assert survey.breached_at is None
        assert sla.timers_of("breach", [survey.id])[survey.id][0].state is TimerState.CANCELLED

    def test_a_cancelled_clock_that_starts_again_is_a_new_cycle_without_the_old_ones_time(
        self, world, matter, survey, now
    ) -> None:
        at = now + 30 * MINUTE
        sla.cancel(matter, at=at, actor=world.claims1, now=at)

        again = sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=at, actor=None, now=at)

        assert (survey.state, again.cycle, again.due_at) == (TimerState.CANCELLED, 2, at + 60 * MINUTE)

    def test_a_clock_that_stands_changes_hands_and_still_stands(self, world, matter, survey, now) -> None:
        reason = PauseReason.VEHICLE_UNAVAILABLE
        sla.pause(survey.id, reason, "", None, actor=world.claims1, now=now + 10 * MINUTE)
        at = now + 20 * MINUTE

        sla.hand_over(matter, to_id=world.claims2.id, at=at, actor=world.claims1, now=at)

        assert (survey.state, survey.holder_id, survey.left_seconds) == (
            TimerState.PAUSED,
            world.claims2.id,
            3000,
        )
        assert survey.paused_at == now + 10 * MINUTE

    def test_handing_to_the_same_person_changes_nothing(self, world, matter, survey, now) -> None:
        assert sla.hand_over(matter, to_id=world.claims1.id, at=now, actor=None, now=now) == []


class TestPause:
    def test_stands_and_runs_on_with_what_was_left(self, world, matter, survey, now) -> None:
        at, back = now + 20 * MINUTE, now + 200 * MINUTE
        sla.pause(survey.id, DOCUMENTS, "等客户补照片", paper(matter, at), actor=world.claims1, now=at)
        assert (survey.state, survey.due_at, survey.left_seconds) == (TimerState.PAUSED, None, 2400)
        assert (survey.paused_at, survey.pause_reason) == (at, DOCUMENTS)
        assert survey.next_check_at == at + timedelta(days=30)

        sla.resume(survey.id, actor=world.claims1, now=back)

        assert (survey.state, survey.due_at) == (TimerState.RUNNING, back + 40 * MINUTE)
        assert (survey.paused_at, survey.pause_reason, survey.left_seconds) == (None, "", None)

    def test_needs_evidence_of_this_matter(self, world, matter, survey, now) -> None:
        other = Matter("claim", 8, "CLM-2026-000008", world.account.id)
        with pytest.raises(Invalid, match="pause_evidence_missing"):
            sla.pause(survey.id, DOCUMENTS, "", None, actor=world.claims1, now=now)
        with pytest.raises(Invalid, match="pause_evidence_missing"):
            sla.pause(survey.id, DOCUMENTS, "", paper(other, now), actor=world.claims1, now=now)
        with pytest.raises(Invalid, match="pause_reason_missing"):
            sla.pause(survey.id, "lunch", "", None, actor=world.claims1, now=now)

    def test_does_not_undo_a_breach(self, world, survey, now) -> None:
        late = now + 70 * MINUTE

        sla.pause(survey.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=late)

        assert survey.breached_at == survey.due_at == now + 60 * MINUTE
        sla.check_timer(survey.id, late + MINUTE)
        assert (survey.state, survey.over_seconds) == (TimerState.PAUSED, 600)
        sla.resume(survey.id, actor=world.claims1, now=late + 30 * MINUTE)
        assert sla.seconds_over(survey, late + 40 * MINUTE) == 1200

    def test_is_for_the_holder_or_a_manager(self, world, survey, now) -> None:
        reason = PauseReason.VEHICLE_UNAVAILABLE
        with pytest.raises(Forbidden):
            sla.pause(survey.id, reason, "", None, actor=world.claims2, now=now)
        with pytest.raises(Forbidden):
            sla.pause(survey.id, reason, "", None, actor=world.hq, now=now)
        with pytest.raises(NotFound):
            sla.pause(survey.id, reason, "", None, actor=world.foreign_hq, now=now)
        assert sla.pause(survey.id, reason, "", None, actor=world.manager, now=now).state == "paused"

    def test_cannot_be_had_twice_nor_after_the_end(self, world, matter, survey, now) -> None:
        reason = PauseReason.VEHICLE_UNAVAILABLE
        sla.pause(survey.id, reason, "", None, actor=world.claims1, now=now)
        with pytest.raises(Conflict, match="clock_paused_meanwhile") as refused:
            sla.pause(survey.id, reason, "", None, actor=world.manager, now=now)
        assert refused.value.params == {"who": world.claims1.name, "at": now}
        sla.stop(matter, [ClockStep.SURVEY], at=now, actor=None, now=now)
        with pytest.raises(Conflict, match="clock_ended_meanwhile"):
            sla.resume(survey.id, actor=world.claims1, now=now)

    def test_cannot_be_ended_by_two(self, world, survey, now) -> None:
        with pytest.raises(Invalid, match="clock_not_paused"):
            sla.resume(survey.id, actor=world.claims1, now=now)
        sla.pause(survey.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=now + MINUTE)
        sla.resume(survey.id, actor=world.manager, now=now + 2 * MINUTE)
        with pytest.raises(Conflict, match="clock_resumed_meanwhile") as refused:
            sla.resume(survey.id, actor=world.claims1, now=now + 3 * MINUTE)
        assert refused.value.params == {"who": world.manager.name, "at": now + 2 * MINUTE}


class TestPauseSinceEarlier:
    """A pause entered later than it began: provable, after everything recorded, before nothing broken."""

    REASON = PauseReason.VEHICLE_UNAVAILABLE

    def test_takes_the_time_that_was_waited_off_the_clock(self, world, matter, survey, now) -> None:
        at, since = now + 30 * MINUTE, now + 20 * MINUTE

        sla.pause(survey.id, self.REASON, "", paper(matter, at), actor=world.claims1, now=at, at=since)

        assert (survey.state, survey.paused_at, survey.left_seconds) == (TimerState.PAUSED, since, 2400)
        entry = db.session.scalars(select(TimerEntry).where(TimerEntry.kind == EventKind.PAUSE)).one()
        assert (entry.at, entry.recorded_at) == (since, at)

    def test_takes_back_a_warning_told_for_that_time_and_warns_again_later(
        self, world, matter, survey, now
    ) -> None:
        at, since, back = now + 50 * MINUTE, now + 40 * MINUTE, now + 120 * MINUTE
        sla.check_timer(survey.id, now + 45 * MINUTE)

        sla.pause(survey.id, self.REASON, "", paper(matter, at), actor=world.claims1, now=at, at=since)
        sla.resume(survey.id, actor=world.claims1, now=back)

        assert survey.next_check_at == survey.warn_at == back + 5 * MINUTE
        assert [one.kind for one in sla.check_timer(survey.id, back + 5 * MINUTE)] == ["warning"]

    @pytest.mark.parametrize(
        ("since", "proved", "code"),
        [
            (60, True, "pause_in_future"),
            (-1, True, "pause_before_start"),
            (15, True, "pause_overlaps"),
            (23, True, "clock_event_overlaps"),
            (29, False, "clock_event_backdated"),
        ],
    )
    def test_is_refused_with_the_field(self, world, matter, survey, now, since, proved, code) -> None:
        sla.pause(survey.id, self.REASON, "", None, actor=world.claims1, now=now + 10 * MINUTE)
        sla.resume(survey.id, actor=world.claims1, now=now + 20 * MINUTE)
        handed = now + 25 * MINUTE
        sla.hand_over(matter, to_id=world.claims2.id, at=handed, actor=world.claims1, now=handed)
        at = now + 30 * MINUTE

        with pytest.raises(Invalid) as refused:
            sla.pause(
                survey.id,
                self.REASON,
                "",
                paper(matter, at) if proved else None,
                actor=world.claims2,
                now=at,
                at=now + since * MINUTE,
            )

        assert (refused.value.code, refused.value.field) == (code, "at")
        assert survey.state is TimerState.RUNNING

    def test_never_undoes_a_breach(self, world, matter, survey, now) -> None:
        late = now + 70 * MINUTE

        with pytest.raises(Invalid) as refused:
            sla.pause(
                survey.id,
                self.REASON,
                "",
                paper(matter, late),
                actor=world.claims1,
                now=late,
                at=now + 50 * MINUTE,
            )

        assert (refused.value.code, refused.value.field) == ("pause_before_breach", "at")


def test_every_event_is_in_the_ledger_and_the_audit(world, session, matter, survey, now) -> None:
    reason = PauseReason.VEHICLE_UNAVAILABLE
    sla.pause(survey.id, reason, "车在运营", None, actor=world.claims1, now=now + MINUTE)
    sla.resume(survey.id, actor=world.manager, now=now + 2 * MINUTE)
    sla.hand_over(
        matter, to_id=world.claims2.id, at=now + 3 * MINUTE, actor=world.claims1, now=now + 3 * MINUTE
    )
    sla.stop(matter, [ClockStep.SURVEY], at=now + 4 * MINUTE, actor=world.claims2, now=now + 4 * MINUTE)

    kinds = list(session.scalars(select(TimerEntry.kind).order_by(TimerEntry.at)))
    assert kinds == [
        EventKind.START,
        EventKind.PAUSE,
        EventKind.RESUME,
        EventKind.HANDOVER,
        EventKind.STOP,
    ]
    actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions == [
        "clock_started",
        "clock_paused",
        "clock_resumed",
        "clock_handed_over",
        "clock_stopped",
    ]


def test_timers_of_gives_each_matter_its_list(world, matter, survey) -> None:
    found = sla.timers_of("claim", [7, 8])
    assert {key: len(value) for key, value in found.items()} == {7: 1, 8: 0}


def test_the_breach_of_the_picture_adds_up(world, matter, now) -> None:
    """Three working days from 16 November 14:20, a pause of three hours, a hand-over, done on the 20th."""
    at = china("11-16 14:20")
    start = sla.start(matter, ClockStep.ASSESSMENT, holder_id=world.claims1.id, at=at, actor=None, now=at)
    paused = china("11-17 08:30")
    sla.pause(start.id, DOCUMENTS, "补照片", paper(matter, paused), actor=world.claims1, now=paused)
    sla.resume(start.id, actor=world.claims1, now=china("11-17 11:30"))
    handed = china("11-17 16:00")
    sla.hand_over(matter, to_id=world.claims2.id, at=handed, actor=world.claims1, now=handed)
    done = china("11-20 10:38")
    sla.stop(matter, [ClockStep.ASSESSMENT], at=done, actor=world.claims2, now=done)

    facts = sla.facts_of(start, done)

    assert start.due_at == china("11-19 17:20")
    assert start.over_seconds == 2 * 3600 + 18 * 60
    running = [part for part in facts.segments if part.reason is None]
    assert sum(part.seconds_before_due for part in running) == 22.5 * 3600
    assert sum(part.seconds_after_due for part in running) == start.over_seconds
