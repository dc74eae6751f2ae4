"""Times put right: who may, on what, what moves with it, and what becomes of verdict, review and the claim."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from service_desk.jobs import sla_sweep
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim, ClaimEvent, Survey
from service_desk.models.db import db, unit_of_work
from service_desk.models.enquiries import EnquiryChannel
from service_desk.models.notices import Channel, Notice
from service_desk.models.sla import (
    BreachReview,
    SlaEvent,
    Timer,
    TimerCorrection,
    TimerEntry,
    TimerSegment,
    TimerState,
)
from service_desk.models.users import User
from service_desk.presenters import mail
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.sla import EventKind, PauseReason
from service_desk.services import enquiries, sla
from service_desk.services.claims import corrections as of_claims
from service_desk.services.enquiries import corrections as of_enquiries
from service_desk.services.notices import Matter
from service_desk.services.sla import corrections
from service_desk.services.sla.corrections import Correction, MatterLife
from tests.breach_cases import paper
from tests.claim_cases import Journey, reported_claim
from tests.factories import UserFactory
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
REASON = "照片时间为 11:20，系统误录为提交时间"


@pytest.fixture
def matter(world: World, now: datetime) -> Matter:
    sla.install_defaults(now)
    return Matter("claim", 7, "CLM-2026-000007", world.account.id, world.gongyi.id)


@pytest.fixture
def at(now: datetime) -> datetime:
    """When the late entry was made: 95 minutes after the start of a clock of 60."""
    return now + 95 * MINUTE


@pytest.fixture
def survey(world: World, matter: Matter, now: datetime, at: datetime) -> Timer:
    """Done after 95 minutes as recorded, so broken."""
    timer = sla.start(
        matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=world.claims1, now=now
    )
    assert timer is not None
    sla.stop(matter, [ClockStep.SURVEY], at=at, actor=world.claims1, now=at)
    assert timer.state is TimerState.BREACHED
    return timer


def entry_of(timer: Timer, kind: EventKind) -> TimerEntry:
    statement = select(TimerEntry).where(TimerEntry.timer_id == timer.id, TimerEntry.kind == kind)
    return db.session.scalars(statement).one()


def correct(
    timer: Timer,
    kind: EventKind,
    right_at: datetime,
    *,
    actor: User,
    now: datetime,
    life: MatterLife | None = None,
    **changed: object,
) -> list[TimerCorrection]:
    entry = entry_of(timer, kind)
    matter = Matter(timer.matter_kind, timer.matter_id, timer.matter_number, timer.account_id)
    facts = {"reason": REASON, "evidence_id": paper(matter, now), "shown_at": entry.at} | changed
    command = Correction(entry_id=entry.id, at=right_at, **facts)
    life = life or corrections.life_of_clocks(timer, now)
    return corrections.correct(timer.id, command, life=life, actor=actor, now=now)


class TestVerdict:
    def test_a_breach_that_was_none_leaves_the_lists_and_its_review_clock_is_cancelled(
        self, world, session, survey, now, at
    ) -> None:
        later = at + HOUR

        made = correct(survey, EventKind.STOP, now + 50 * MINUTE, actor=world.manager, now=later)

        assert (survey.state, survey.breached_at, survey.used_seconds) == (TimerState.MET, None, 3000)
        kept = made[0]
        assert (kept.old_at, kept.new_at) == (at, now + 50 * MINUTE)
        assert (kept.old_state, kept.new_state) == ("breached", "met")
        assert (kept.reason, kept.actor_id, kept.recorded_at) == (REASON, world.manager.id, later)
        assert kept.evidence_id is not None
        assert sla.timers_of("breach", [survey.id])[survey.id][0].state is TimerState.CANCELLED
        assert not session.scalar(select(func.count()).where(SlaEvent.kind == "breach"))
        parts = session.scalars(select(TimerSegment).where(TimerSegment.timer_id == survey.id)).all()
        assert [(part.to_at, part.seconds_after_due) for part in parts] == [(now + 50 * MINUTE, 0)]

    def test_a_signed_review_of_it_stays_readable(self, world, session, survey, now, at) -> None:
        review = BreachReview(
            timer_id=survey.id,
            cause="workload",
            explanation="x",
            responsible_id=world.claims1.id,
            correction="y",
            correction_owner_id=world.claims1.id,
            correction_due_on=date(2026, 12, 1),
            signed_by_id=world.manager.id,
            signed_at=at,
        )
        session.add(review)
        session.flush()

        correct(survey, EventKind.STOP, now + 50 * MINUTE, actor=world.manager, now=at + HOUR)

        assert session.get(BreachReview, review.id) is not None

    def test_one_that_becomes_broken_is_told_with_its_true_instant_and_reviewed(
        self, world, session, matter, now
    ) -> None:
        timer = sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=None, now=now)
        early, later = now + 30 * MINUTE, now + 3 * HOUR
        sla.stop(matter, [ClockStep.SURVEY], at=early, actor=world.claims1, now=later)

        correct(timer, EventKind.STOP, now + 80 * MINUTE, actor=world.manager, now=later)

        assert (timer.state, timer.breached_at) == (TimerState.BREACHED, now + 60 * MINUTE)
        event = session.scalars(select(SlaEvent).where(SlaEvent.kind == "breach")).one()
        assert event.at == now + 60 * MINUTE
        assert sla.timers_of("breach", [timer.id])[timer.id][0].state is TimerState.RUNNING
        told = select(Notice.user_id).where(Notice.kind == "clock_breach", Notice.channel == Channel.IN_APP)
        assert set(session.scalars(told)) == {world.claims1.id, world.manager.id}

    def test_one_broken_again_after_all_is_told_again(self, world, session, survey, now, at) -> None:
        correct(survey, EventKind.STOP, now + 50 * MINUTE, actor=world.manager, now=at + HOUR)

        correct(survey, EventKind.STOP, now + 90 * MINUTE, actor=world.manager, now=at + 2 * HOUR)

        assert survey.state is TimerState.BREACHED
        reviews = sla.timers_of("breach", [survey.id])[survey.id]
        assert [one.state for one in reviews] == [TimerState.CANCELLED, TimerState.RUNNING]
        told = select(func.count()).where(
            Notice.kind == "clock_breach",
            Notice.channel == Channel.IN_APP,
            Notice.user_id == world.claims1.id,
        )
        assert session.scalar(told) == 2
        states = select(TimerCorrection.old_state, TimerCorrection.new_state).order_by(TimerCorrection.id)
        assert [tuple(row) for row in session.execute(states)] == [("breached", "met"), ("met", "breached")]

    def test_an_open_clock_is_due_later_and_warned_and_broken_anew(self, world, session, matter, now) -> None:
        timer = sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=None, now=now)
        session.commit()
        sla_sweep.run(now + 61 * MINUTE)
        timer = session.get(Timer, timer.id)

        correct(timer, EventKind.START, now + 40 * MINUTE, actor=world.manager, now=now + 62 * MINUTE)

        assert (timer.started_at, timer.due_at) == (now + 40 * MINUTE, now + 100 * MINUTE)
        assert (timer.breached_at, timer.next_check_at) == (None, now + 85 * MINUTE)
        session.commit()
        sla_sweep.run(now + 101 * MINUTE)
        events = session.execute(
            select(SlaEvent.kind, SlaEvent.at).where(SlaEvent.timer_id == timer.id).order_by(SlaEvent.at)
        )
        assert [tuple(row) for row in events] == [
            ("warning", now + 85 * MINUTE),
            ("breach", now + 100 * MINUTE),
        ]

    def test_a_pause_put_right_gives_back_what_it_took(self, world, matter, now) -> None:
        timer = sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=None, now=now)
        reason = PauseReason.VEHICLE_UNAVAILABLE
        sla.pause(timer.id, reason, "", None, actor=world.claims1, now=now + 30 * MINUTE)
        sla.resume(timer.id, actor=world.claims1, now=now + 50 * MINUTE)

        correct(timer, EventKind.PAUSE, now + 20 * MINUTE, actor=world.manager, now=now + 55 * MINUTE)

        assert timer.due_at == now + 90 * MINUTE

    def test_is_in_the_audit_with_both_values_and_told_to_who_held_the_clock(
        self, world, session, survey, now, at
    ) -> None:
        correct(survey, EventKind.STOP, now + 50 * MINUTE, actor=world.manager, now=at + HOUR)

        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "time_corrected")).one()
        assert entry.changes["stop_at"] == [at.isoformat(), (now + 50 * MINUTE).isoformat()]
        assert entry.changes["state"] == ["breached", "met"]
        told = select(Notice.user_id).where(Notice.kind == "time_corrected", Notice.channel == Channel.IN_APP)
        assert set(session.scalars(told)) == {world.claims1.id}


class TestRefusals:
    @pytest.mark.parametrize(
        ("minutes", "changed", "code", "field"),
        [
            (300, {}, "clock_event_future", "at"),
            (-1, {}, "correction_before_report", "at"),
            (140, {}, "correction_after_end", "at"),
            (95, {}, "correction_same", "at"),
            (50, {"reason": "  "}, "correction_reason_missing", "reason"),
            (50, {"evidence_id": None}, "correction_evidence_missing", "evidence"),
            (50, {"evidence_id": 0}, "pause_evidence_missing", "evidence"),
        ],
    )
    def test_name_the_field_and_the_reason(
        self, world, session, survey, now, at, minutes, changed, code, field
    ) -> None:
        life = MatterLife(now, now + 130 * MINUTE)

        with pytest.raises(Invalid) as refused:
            correct(
                survey,
                EventKind.STOP,
                now + minutes * MINUTE,
                actor=world.manager,
                now=at + HOUR,
                life=life,
                **changed,
            )

        assert (refused.value.code, refused.value.field) == (code, field)
        assert (survey.state, entry_of(survey, EventKind.STOP).at) == (TimerState.BREACHED, at)
        assert session.scalar(select(func.count()).select_from(TimerCorrection)) == 0

    def test_a_time_beyond_its_neighbours_is_refused(self, world, matter, now) -> None:
        timer = sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=None, now=now)
        sla.hand_over(matter, to_id=world.claims2.id, at=now + 10 * MINUTE, actor=None, now=now + 10 * MINUTE)
        at = now + 30 * MINUTE
        sla.stop(matter, [ClockStep.SURVEY], at=at, actor=None, now=at)

        for kind, right_at in (
            (EventKind.STOP, now + 5 * MINUTE),
            (EventKind.START, now + 11 * MINUTE),
            (EventKind.HANDOVER, at + MINUTE),
        ):
            with pytest.raises(Invalid, match="correction_overlaps"):
                correct(timer, kind, right_at, actor=world.manager, now=at + HOUR)

    def test_a_pause_cannot_be_stretched_beyond_its_longest(self, world, matter, now) -> None:
        timer = sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=None, now=now)
        begun = now + 30 * MINUTE
        sla.pause(timer.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=begun)
        sla.resume(timer.id, actor=world.claims1, now=begun + 7 * DAY - MINUTE)

        with pytest.raises(Invalid, match="correction_pause_too_long"):
            correct(timer, EventKind.PAUSE, now + 28 * MINUTE, actor=world.manager, now=now + 8 * DAY)

    def test_who_held_the_clock_and_other_roles_and_accounts_may_not(
        self, world, matter, survey, now, at
    ) -> None:
        holder = UserFactory(username="m2", role=Role.MANAGER, accounts=[world.account])
        stranger = UserFactory(username="m3", role=Role.MANAGER, accounts=[world.foreign_account])
        again = sla.start(matter, ClockStep.SURVEY, holder_id=holder.id, at=at, actor=None, now=at)
        sla.hand_over(matter, to_id=world.claims1.id, at=at + MINUTE, actor=None, now=at + MINUTE)
        later = at + HOUR
        for timer, actor, refusal in (
            (again, holder, Forbidden),
            (survey, world.claims1, Forbidden),
            (survey, world.claims2, Forbidden),
            (survey, world.admin, Forbidden),
            (survey, world.hq, Forbidden),
            (survey, stranger, NotFound),
        ):
            with pytest.raises(refusal):
                correct(timer, EventKind.START, at + timedelta(seconds=5), actor=actor, now=later)

    def test_only_entries_of_this_clock_that_count_and_have_a_verdict_can_be_put_right(
        self, world, matter, survey, now, at
    ) -> None:
        second = sla.start(
            matter, ClockStep.ASSESSMENT, holder_id=world.claims1.id, at=at, actor=None, now=at
        )
        foreign = entry_of(second, EventKind.START)
        with pytest.raises(NotFound):
            corrections.read_affected(survey.id, foreign.id, actor=world.manager, now=at)
        sla.cancel(matter, at=at + MINUTE, actor=None, now=at + MINUTE)
        with pytest.raises(NotFound):
            corrections.read_affected(second.id, foreign.id, actor=world.manager, now=at + MINUTE)
        entries = sla.entries_of([second.id])[second.id]
        assert corrections.correctable(second, entries, actor=world.manager) == []

    def test_an_old_page_is_told_the_new_time(self, world, survey, now, at) -> None:
        correct(survey, EventKind.STOP, now + 50 * MINUTE, actor=world.manager, now=at + HOUR)

        with pytest.raises(Conflict, match="time_corrected_meanwhile") as refused:
            correct(
                survey, EventKind.STOP, now + 40 * MINUTE, actor=world.manager, now=at + HOUR, shown_at=at
            )
        assert refused.value.params == {"at": now + 50 * MINUTE}


class TestTogether:
    def test_what_one_act_wrote_on_several_clocks_is_corrected_together(
        self, world, session, matter, survey, now, at
    ) -> None:
        assessment = sla.start(
            matter, ClockStep.ASSESSMENT, holder_id=world.claims1.id, at=at, actor=world.claims1, now=at
        )
        apart = sla.start(
            matter, ClockStep.CONTACT, holder_id=world.claims1.id, at=at, actor=None, now=at + MINUTE
        )
        right_at = now + 50 * MINUTE
        stop = entry_of(survey, EventKind.STOP)

        shown = corrections.read_affected(survey.id, stop.id, actor=world.manager, now=at + HOUR)
        made = correct(survey, EventKind.STOP, right_at, actor=world.manager, now=at + HOUR)

        assert [one.timer.id for one in shown] == [survey.id, assessment.id]
        assert [one.timer_id for one in made] == [survey.id, assessment.id]
        assert (assessment.started_at, entry_of(assessment, EventKind.START).at) == (right_at, right_at)
        assert apart.started_at == at

    def test_a_preview_says_what_would_come_of_it_and_writes_nothing(
        self, world, session, survey, now, at
    ) -> None:
        stop = entry_of(survey, EventKind.STOP)
        command = Correction(stop.id, stop.at, now + 50 * MINUTE)
        life = corrections.life_of_clocks(survey, at)

        affected = corrections.preview(survey.id, command, life=life, actor=world.manager, now=at)

        assert affected[0].before.state is TimerState.BREACHED
        assert affected[0].after is not None
        assert affected[0].after.state is TimerState.MET
        assert session.scalar(select(func.count()).select_from(TimerCorrection)) == 0
        assert survey.state is TimerState.BREACHED


class TestClaim:
    """A survey entered at 17:00 that took place at 11:20: the claim says so too."""

    @pytest.fixture
    def claim(self, world: World, now: datetime) -> Claim:
        return Journey(world, reported_claim(world, now), now).to(ClaimState.SURVEYED)

    def timer(self, claim: Claim, step: ClockStep) -> Timer:
        found = sla.timers_of("claim", [claim.id])[claim.id]
        return next(one for one in found if one.step is step)

    def correct(self, claim: Claim, right_at: datetime, world: World, now: datetime, step=ClockStep.SURVEY):
        timer = self.timer(claim, step)
        kind = EventKind.STOP if timer.stopped_at else EventKind.START
        entry = entry_of(timer, kind)
        matter = Matter("claim", claim.id, claim.number, claim.account_id, claim.branch_id)
        command = Correction(entry.id, entry.at, right_at, REASON, paper(matter, now))
        return of_claims.correct(timer.id, command, actor=world.manager, now=now)

    def test_keeps_the_true_arrival_and_a_line_with_both_values(self, world, session, claim, now) -> None:
        recorded, right_at = claim.arrived_at, claim.reported_at + 21 * MINUTE + timedelta(seconds=10)

        self.correct(claim, right_at, world, now + HOUR)

        assert claim.arrived_at == right_at
        survey = session.scalars(select(Survey).where(Survey.claim_id == claim.id)).one()
        assert survey.arrived_at == right_at
        line = session.scalars(select(ClaimEvent).where(ClaimEvent.kind == "time_corrected")).one()
        assert (line.params["old_at"], line.params["new_at"]) == (recorded.isoformat(), right_at.isoformat())
        assert (line.note, line.actor_id, line.is_internal) == (REASON, world.manager.id, False)
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "claim_time_corrected")).one()
        assert "arrived_at" in entry.changes

    def test_moves_what_was_recorded_as_the_same_instant(self, world, session, claim, now) -> None:
        right_at = claim.reported_at + 21 * MINUTE + timedelta(seconds=10)

        made = self.correct(claim, right_at, world, now + HOUR)

        steps = set(session.scalars(select(Timer.step).where(Timer.id.in_([one.timer_id for one in made]))))
        assert steps == {ClockStep.SURVEY, ClockStep.CONTACT, ClockStep.ASSESSMENT}
        assert self.timer(claim, ClockStep.CONTACT).stopped_at == right_at
        assert self.timer(claim, ClockStep.ASSESSMENT).started_at == claim.surveyed_at == right_at

    def test_lies_within_the_claims_life(self, world, session, claim, now) -> None:
        with pytest.raises(Invalid, match="correction_before_report"):
            self.correct(claim, claim.reported_at - MINUTE, world, now + HOUR, ClockStep.ASSESSMENT)
        claim.closed_at = now + 30 * MINUTE
        session.flush()
        with pytest.raises(Invalid, match="correction_after_end"):
            self.correct(claim, now + 40 * MINUTE, world, now + HOUR)

    def test_is_not_for_another_account(self, world, claim, now) -> None:
        stranger = UserFactory(username="m9", role=Role.MANAGER, accounts=[world.foreign_account])
        timer = self.timer(claim, ClockStep.SURVEY)
        entry = entry_of(timer, EventKind.STOP)
        with pytest.raises(NotFound):
            of_claims.correct(timer.id, Correction(entry.id, entry.at, now), actor=stranger, now=now)


class TestFirstContact:
    def test_keeps_when_it_was_truly_answered(self, world, session, now) -> None:
        sla.install_defaults(now)
        details = enquiries.ContactDetails(EnquiryChannel.CALL, "张", "1", "保单何时送达", "", "", None)
        contact = enquiries.log_contact(world.account.id, details, actor=world.claims1, now=now)
        session.flush()
        at = now + 40 * MINUTE
        enquiries.answer(contact.number, "已寄出", contact.version, actor=world.claims1, now=at)
        timer = sla.timers_of("enquiry", [contact.id])[contact.id][0]
        matter = enquiries.matter_of(contact)
        stop, right_at = entry_of(timer, EventKind.STOP), now + 10 * MINUTE
        command = Correction(stop.id, stop.at, right_at, REASON, paper(matter, at))

        of_enquiries.correct(timer.id, command, actor=world.manager, now=at)

        assert contact.answered_at == timer.stopped_at == right_at
        early = Correction(stop.id, right_at, now - MINUTE, REASON, paper(matter, at))
        with pytest.raises(Invalid, match="correction_before_report"):
            of_enquiries.correct(timer.id, early, actor=world.manager, now=at)


def test_of_two_who_correct_at_once_one_wins_and_the_other_is_told(
    app: Flask, world, session, matter, survey, now, at
) -> None:
    timer_id, manager_id, evidence = survey.id, world.manager.id, paper(matter, at)
    stop = entry_of(survey, EventKind.STOP)
    entry_id, shown_at = stop.id, stop.at
    session.commit()

    def put_right(minutes: int) -> str:
        with app.app_context():
            try:
                with unit_of_work():
                    actor = db.session.get_one(User, manager_id)
                    command = Correction(entry_id, shown_at, now + minutes * MINUTE, REASON, evidence)
                    life = MatterLife(now, at)
                    corrections.correct(timer_id, command, life=life, actor=actor, now=at)
            except DomainError as refused:
                return refused.code
            finally:
                db.session.remove()
        return "corrected"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(put_right, (40, 50)))

    assert answers == ["corrected", "time_corrected_meanwhile"]
    assert session.scalar(select(func.count()).select_from(TimerCorrection)) == 1


def test_of_two_who_pause_at_once_one_wins_and_the_other_is_told(
    app: Flask, world, session, matter, now
) -> None:
    timer = sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=None, now=now)
    timer_id, ids = timer.id, [world.claims1.id, world.manager.id]
    session.commit()

    def act(user_id: int, resumes: bool) -> str:
        with app.app_context():
            try:
                with unit_of_work():
                    actor = db.session.get_one(User, user_id)
                    if resumes:
                        sla.resume(timer_id, actor=actor, now=now + 2 * MINUTE)
                    else:
                        reason = PauseReason.VEHICLE_UNAVAILABLE
                        sla.pause(timer_id, reason, "", None, actor=actor, now=now + MINUTE)
            except Conflict as refused:
                return f"{refused.code} {refused.params['who']}"
            finally:
                db.session.remove()
        return "done"

    names = {world.claims1.name, world.manager.name}
    for resumes, code in ((False, "clock_paused_meanwhile"), (True, "clock_resumed_meanwhile")):
        with ThreadPoolExecutor(2) as pool:
            answers = sorted(pool.map(act, ids, (resumes, resumes)))
        assert "done" in answers
        answers.remove("done")
        assert answers[0] in {f"{code} {name}" for name in names}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_message_reads_well_in_its_recipients_language(world, survey, now, at, language) -> None:
    world.claims1.language = language
    correct(survey, EventKind.STOP, now + 50 * MINUTE, actor=world.manager, now=at + HOUR)

    notice = db.session.scalars(
        select(Notice).where(Notice.kind == "time_corrected", Notice.channel == Channel.MAIL)
    ).one()
    text = mail.render(notice, base_url="https://desk.example")

    assert "CLM-2026-000007" in text.subject
    assert {"zh": "超时 → 按时", "en": "Broken → Kept"}[language].split(" → ")[0] in text.text
    assert REASON in text.text
