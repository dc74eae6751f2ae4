"""In whatever order things become known, what was written, told, reviewed and counted says the same."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Invalid
from service_desk.jobs import absences as absences_job
from service_desk.jobs import sla_sweep
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice, NoticeState
from service_desk.models.sla import AbsenceKind, SlaEvent, Timer, TimerEntry, TimerSegment, TimerState
from service_desk.models.users import User
from service_desk.presenters import mail
from service_desk.presenters.languages import in_language
from service_desk.presenters.sla import caveat
from service_desk.presenters.sla_story import story
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import EventKind, PauseReason
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import absences, corrections
from service_desk.services.sla.absences import PlanAbsence
from service_desk.services.sla.corrections import Correction, MatterLife
from service_desk.services.sla.files import find_file
from tests.breach_cases import paper
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
K = EventKind


@pytest.fixture
def matter(world: World, now: datetime) -> Matter:
    sla.install_defaults(now)
    return Matter("claim", 7, "CLM-2026-000007", world.account.id, world.gongyi.id)


def start(world: World, matter: Matter, at: datetime, step: ClockStep = ClockStep.SURVEY) -> Timer:
    """A clock of claims1; a survey is promised in 60 minutes."""
    timer = sla.start(matter, step, holder_id=world.claims1.id, at=at, actor=world.claims1, now=at)
    assert timer is not None
    return timer


def sweep(at: datetime) -> None:
    """Commit what the test wrote, let both jobs run, and read anew."""
    db.session.commit()
    absences_job.run(at)
    sla_sweep.run(at)
    db.session.expire_all()


def told(timer: Timer) -> set[str]:
    return set(db.session.scalars(select(SlaEvent.kind).where(SlaEvent.timer_id == timer.id)))


def entries(timer: Timer) -> list[tuple[EventKind, datetime]]:
    """What counts."""
    statement = select(TimerEntry).where(TimerEntry.timer_id == timer.id, TimerEntry.voided_at.is_(None))
    rows = db.session.scalars(statement.order_by(TimerEntry.at, TimerEntry.id))
    return [(row.kind, row.at) for row in rows]


def review_states(timer: Timer) -> list[TimerState]:
    of_breach = (Timer.matter_kind == "breach", Timer.matter_id == timer.id)
    return list(db.session.scalars(select(Timer.state).where(*of_breach).order_by(Timer.id)))


def segments(timer: Timer) -> list[tuple[int, PauseReason | None, int]]:
    rows = db.session.scalars(
        select(TimerSegment).where(TimerSegment.timer_id == timer.id).order_by(TimerSegment.ordinal)
    )
    return [
        (row.holder_id, row.reason, (row.seconds_before_due + row.seconds_after_due) // 60) for row in rows
    ]


def correct_stop(timer: Timer, matter: Matter, to: datetime, *, actor: User, now: datetime) -> None:
    stop = db.session.scalars(
        select(TimerEntry).where(TimerEntry.timer_id == timer.id, TimerEntry.kind == K.STOP)
    ).one()
    command = Correction(stop.id, stop.at, to, "照片上的时间", paper(matter, now))
    life = MatterLife(timer.started_at, now)
    corrections.correct(timer.id, command, life=life, actor=actor, now=now)


class TestABreachThatWasNone:
    """The sweep told it, for nobody had entered yet that the work was done in time."""

    @pytest.fixture
    def survey(self, world, matter, now) -> Timer:
        """Done at minute 50, entered at minute 75, after the breach was told at minute 70."""
        timer = start(world, matter, now)
        sweep(now + 70 * MINUTE)
        assert told(timer) == {"warning", "breach"}
        sla.stop(
            matter,
            [ClockStep.SURVEY],
            at=now + 50 * MINUTE,
            actor=world.claims1,
            now=now + 75 * MINUTE,
        )
        return timer

    def test_is_taken_back_with_its_mails_and_its_review(self, session, survey) -> None:
        assert survey.state is TimerState.MET
        assert told(survey) == {"warning"}
        assert review_states(survey) == [TimerState.CANCELLED]
        audited = select(AuditEntry.entity_label).where(AuditEntry.action == "clock_cancelled")
        assert session.scalars(audited).all() == ["CLM-2026-000007 breach_review"]
        waiting = Notice.state == NoticeState.QUEUED
        assert not session.scalars(
            select(Notice).where(Notice.kind == "clock_breach", waiting).order_by(Notice.id)
        ).all()

    def test_is_told_and_reviewed_when_the_entry_proves_wrong(self, world, matter, survey, now) -> None:
        correct_stop(survey, matter, now + 72 * MINUTE, actor=world.manager, now=now + 80 * MINUTE)

        assert survey.state is TimerState.BREACHED
        assert told(survey) == {"warning", "breach"}
        assert review_states(survey) == [TimerState.CANCELLED, TimerState.RUNNING]

    def test_takes_its_escalations_with_it(self, world, matter, now) -> None:
        timer = start(world, matter, now)
        sweep(now + 5 * HOUR)
        assert "escalation_2" in told(timer)
        sla.stop(matter, [ClockStep.SURVEY], at=now + 5 * HOUR, actor=world.claims1, now=now + 5 * HOUR)

        correct_stop(timer, matter, now + 50 * MINUTE, actor=world.manager, now=now + 6 * HOUR)

        assert timer.state is TimerState.MET
        assert told(timer) == {"warning"}


class TestWorkDoneBeforeTheDeskActedByItself:
    """Nobody knew of it when a stand-in took over or a pause ran out: those did not happen to this clock."""

    def stand_in_from(self, world: World, from_at: datetime, now: datetime) -> None:
        command = PlanAbsence(
            world.claims1.id, world.claims2.id, AbsenceKind.OFF_DUTY, from_at, from_at + 12 * HOUR
        )
        absences.plan(command, actor=world.claims1, now=now)

    def test_a_stop_may_lie_before_the_stand_in_took_over(self, world, matter, now) -> None:
        timer = start(world, matter, now)
        self.stand_in_from(world, now + 10 * MINUTE, now)
        sweep(now + 11 * MINUTE)
        assert timer.holder_id == world.claims2.id

        sla.stop(matter, [ClockStep.SURVEY], at=now + 8 * MINUTE, actor=world.claims2, now=now + 15 * MINUTE)

        assert entries(timer) == [(K.START, now), (K.STOP, now + 8 * MINUTE)]
        assert (timer.holder_id, timer.covered_id) == (world.claims1.id, None)
        assert segments(timer) == [(world.claims1.id, None, 8)]

    def test_a_stop_may_be_corrected_to_a_time_before_the_stand_in_took_over(
        self, world, matter, now
    ) -> None:
        timer = start(world, matter, now)
        self.stand_in_from(world, now + 10 * MINUTE, now)
        sweep(now + 11 * MINUTE)
        sla.stop(matter, [ClockStep.SURVEY], at=now + 90 * MINUTE, actor=world.claims2, now=now + 90 * MINUTE)
        assert timer.state is TimerState.BREACHED

        correct_stop(timer, matter, now + 8 * MINUTE, actor=world.manager, now=now + 2 * HOUR)

        assert timer.state is TimerState.MET
        assert segments(timer) == [(world.claims1.id, None, 8)]
        assert timer.holder_id == world.claims1.id

    def test_a_stop_may_lie_before_its_pause_ran_out(self, world, matter, now) -> None:
        timer = start(world, matter, now)
        reason = PauseReason.VEHICLE_UNAVAILABLE
        sla.pause(timer.id, reason, "", None, actor=world.claims1, now=now + 20 * MINUTE)
        sweep(now + 8 * DAY)
        assert timer.breached_at is not None

        sla.stop(matter, [ClockStep.SURVEY], at=now + 3 * DAY, actor=world.claims1, now=now + 8 * DAY)

        assert timer.state is TimerState.MET
        assert segments(timer) == [
            (world.claims1.id, None, 20),
            (world.claims1.id, reason, 3 * 24 * 60 - 20),
        ]
        assert "breach" not in told(timer)

    def test_what_a_person_entered_for_a_later_time_still_stands_against_it(self, world, matter, now) -> None:
        timer = start(world, matter, now)
        self.stand_in_from(world, now + 10 * MINUTE, now)
        sweep(now + 11 * MINUTE)
        reason = PauseReason.VEHICLE_UNAVAILABLE
        sla.pause(timer.id, reason, "", None, actor=world.claims2, now=now + 12 * MINUTE)
        before = entries(timer)

        with pytest.raises(Invalid, match="clock_event_overlaps"):
            sla.stop(
                matter, [ClockStep.SURVEY], at=now + 8 * MINUTE, actor=world.claims2, now=now + 15 * MINUTE
            )

        assert entries(timer) == before


class TestADueTimeInAYearNotAnnounced:
    """Said beside it wherever it is told, as long as the clock is open."""

    @pytest.fixture
    def clock(self, world, matter) -> Timer:
        """Three office days from 30 December 2026: due in 2027, whose holidays are not known yet."""
        return start(world, matter, datetime(2026, 12, 30, 1, tzinfo=UTC), ClockStep.CALCULATION)

    @pytest.mark.parametrize(
        ("language", "words"),
        [("zh", "暂定：该年放假安排尚未公布"), ("en", "provisional: the holidays of that year")],
    )
    def test_is_said_in_mails_and_in_the_ledgers_words(self, session, world, clock, language, words) -> None:
        world.claims1.language = language
        assert clock.due_at is not None
        assert clock.due_at.year == 2027
        sweep(clock.warn_at)

        mails = select(Notice).where(Notice.kind == "clock_warning", Notice.channel == Channel.MAIL)
        rendered = mail.render(session.scalars(mails).one(), base_url="https://desk.example")
        with in_language(language):
            lines = story(find_file(clock.id, clock.warn_at))

        assert words in rendered.text
        assert words in rendered.html
        assert any(words in line for line in lines)

    def test_is_no_more_said_of_a_clock_that_stopped(self, world, matter, clock) -> None:
        at = clock.started_at + HOUR
        sla.stop(matter, [ClockStep.CALCULATION], at=at, actor=world.claims1, now=at)

        with in_language("en"):
            assert not any("provisional" in line for line in story(find_file(clock.id, at)))
            assert caveat(clock) == ""
