"""The client objects to a pause; a manager without a part in it decides; an upheld one changes the verdict."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, unit_of_work
from service_desk.models.notices import Channel, Notice
from service_desk.models.sla import PauseObjection, SlaEvent, Timer, TimerEntry, TimerSegment, TimerState
from service_desk.models.users import User
from service_desk.presenters import mail
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.sla import EventKind, PauseReason
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import objections
from tests.factories import UserFactory
from tests.world import World

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
REASON = PauseReason.VEHICLE_UNAVAILABLE


@pytest.fixture
def matter(world: World, now: datetime) -> Matter:
    sla.install_defaults(now)
    return Matter("claim", 7, "CLM-2026-000007", world.account.id, world.gongyi.id)


@pytest.fixture
def survey(world: World, matter: Matter, now: datetime) -> Timer:
    """Promised in 60 minutes, paused by its holder from minute 20 to minute 80."""
    timer = sla.start(
        matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=world.claims1, now=now
    )
    assert timer is not None
    sla.pause(timer.id, REASON, "车在外地", None, actor=world.claims1, now=now + 20 * MINUTE)
    sla.resume(timer.id, actor=world.claims1, now=now + 80 * MINUTE)
    return timer


@pytest.fixture
def at(now: datetime) -> datetime:
    """Minute 90: with the pause 30 minutes are left, without it the promise fell due at minute 60."""
    return now + 90 * MINUTE


def pause_of(timer: Timer) -> TimerEntry:
    return db.session.scalars(
        select(TimerEntry).where(TimerEntry.timer_id == timer.id, TimerEntry.kind == EventKind.PAUSE)
    ).one()


def object_to(timer: Timer, actor: User, at: datetime, text: str = "车一直在场内") -> PauseObjection:
    return objections.object_to_pause(timer.id, pause_of(timer).id, text, actor=actor, now=at)


def told(kind: str) -> set[int | None]:
    statement = select(Notice.user_id).where(Notice.kind == kind, Notice.channel == Channel.IN_APP)
    return set(db.session.scalars(statement))


class TestObjecting:
    def test_is_kept_audited_and_told_to_holder_and_managers(self, world, session, survey, at) -> None:
        objection = object_to(survey, world.safety_gongyi, at)

        assert (objection.text, objection.is_upheld, objection.raised_at) == ("车一直在场内", None, at)
        assert told("pause_objected") == {world.claims1.id, world.manager.id}
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "pause_objected")).one()
        assert (entry.account_id, entry.actor_id) == (world.account.id, world.safety_gongyi.id)

    def test_is_for_the_clients_people_who_see_the_matter(self, world, survey, at) -> None:
        other = UserFactory(
            username="s2", role=Role.BRANCH_SAFETY, accounts=[world.account], branch=world.zhongmu
        )
        for actor, refusal in (
            (world.claims1, Forbidden),
            (world.manager, Forbidden),
            (other, NotFound),
            (world.foreign_hq, NotFound),
        ):
            with pytest.raises(refusal):
                object_to(survey, actor, at)

    def test_needs_words_and_can_be_raised_once(self, world, survey, at) -> None:
        with pytest.raises(Invalid) as refused:
            object_to(survey, world.hq, at, "  ")
        assert (refused.value.code, refused.value.field) == ("objection_text_missing", "text")
        object_to(survey, world.hq, at)
        with pytest.raises(Conflict, match="pause_objected"):
            object_to(survey, world.safety_gongyi, at)

    def test_is_possible_for_thirty_days_after_the_clock_ended(self, world, matter, survey, at) -> None:
        sla.stop(matter, [ClockStep.SURVEY], at=at, actor=world.claims1, now=at)

        with pytest.raises(Conflict, match="objection_too_late"):
            object_to(survey, world.hq, at + 30 * DAY + timedelta(seconds=1))
        assert object_to(survey, world.hq, at + 30 * DAY).id

    def test_is_without_use_on_a_cancelled_clock(self, world, matter, survey, at) -> None:
        sla.cancel(matter, at=at, actor=world.claims1, now=at)

        with pytest.raises(Conflict, match="objection_without_verdict"):
            object_to(survey, world.hq, at)

    def test_finds_only_pauses_of_this_clock(self, world, survey, at) -> None:
        start = sla.entries_of([survey.id])[survey.id][0]
        with pytest.raises(NotFound):
            objections.object_to_pause(survey.id, start.id, "x", actor=world.hq, now=at)


class TestDeciding:
    def decide(
        self, objection: PauseObjection, actor: User, at: datetime, *, upheld: bool, answer=""
    ) -> None:
        objections.decide(objection.id, answer, objection.version, is_upheld=upheld, actor=actor, now=at)

    def test_upheld_strikes_the_pause_off_and_the_clock_runs_as_if_it_had_never_stood(
        self, world, session, survey, now, at
    ) -> None:
        objection = object_to(survey, world.hq, at)

        self.decide(objection, world.manager, at + MINUTE, upheld=True)

        assert (survey.due_at, survey.breached_at) == (now + 60 * MINUTE, now + 60 * MINUTE)
        struck = select(TimerEntry.kind).where(TimerEntry.voided_at == at + MINUTE).order_by(TimerEntry.at)
        assert list(session.scalars(struck)) == [EventKind.PAUSE, EventKind.RESUME]
        event = session.scalars(select(SlaEvent).where(SlaEvent.kind == "breach")).one()
        assert (event.at, event.recorded_at) == (now + 60 * MINUTE, at + MINUTE)
        assert told("clock_breach") == {world.claims1.id, world.manager.id}
        assert told("objection_decided") == {world.hq.id}
        review = sla.timers_of("breach", [survey.id])[survey.id][0]
        assert (review.state, review.started_at) == (TimerState.RUNNING, at + MINUTE)
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "objection_upheld")).one()
        assert entry.changes["breached_at"][1] is not None

    def test_upheld_turns_the_verdict_of_a_finished_clock_and_its_kept_segments(
        self, world, session, matter, survey, now, at
    ) -> None:
        sla.stop(matter, [ClockStep.SURVEY], at=at, actor=world.claims1, now=at)
        assert survey.state is TimerState.MET
        objection = object_to(survey, world.hq, at + DAY)

        self.decide(objection, world.manager, at + 2 * DAY, upheld=True)

        assert (survey.state, survey.over_seconds, survey.stopped_at) == (TimerState.BREACHED, 1800, at)
        assert survey.breached_at == now + 60 * MINUTE
        parts = session.scalars(select(TimerSegment).where(TimerSegment.timer_id == survey.id)).all()
        assert [(part.reason, part.seconds_before_due, part.seconds_after_due) for part in parts] == [
            (None, 3600, 1800)
        ]
        assert sla.timers_of("breach", [survey.id])[survey.id][0].state is TimerState.RUNNING

    def test_upheld_while_the_pause_lasts_lets_the_clock_run_at_once(self, world, matter, now) -> None:
        timer = sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=None, now=now)
        sla.pause(timer.id, REASON, "", None, actor=world.claims1, now=now + 20 * MINUTE)
        objection = object_to(timer, world.hq, now + 30 * MINUTE)

        self.decide(objection, world.manager, now + 40 * MINUTE, upheld=True)

        assert (timer.state, timer.due_at) == (TimerState.RUNNING, now + 60 * MINUTE)
        assert timer.next_check_at == now + 45 * MINUTE
        second = sla.pause(timer.id, REASON, "", None, actor=world.claims1, now=now + 41 * MINUTE)
        assert second.state is TimerState.PAUSED

    def test_the_end_of_a_later_pause_is_told_though_an_earlier_one_was_struck_off_after_its_end(
        self, world, session, matter, now
    ) -> None:
        step = ClockStep.LIABILITY_DECISION
        timer = sla.start(matter, step, holder_id=world.claims1.id, at=now, actor=None, now=now)
        sla.pause(timer.id, REASON, "", None, actor=world.claims1, now=now)
        sla.check_timer(timer.id, now + 7 * DAY)
        objection = object_to(timer, world.hq, now + 8 * DAY)
        self.decide(objection, world.manager, now + 8 * DAY, upheld=True)

        sla.pause(timer.id, REASON, "", None, actor=world.claims1, now=now + 9 * DAY)
        sla.check_timer(timer.id, now + 16 * DAY)

        ends = session.scalars(select(SlaEvent.at).where(SlaEvent.kind.startswith("pause_end")))
        assert list(ends) == [now + 7 * DAY, now + 16 * DAY]
        own = (Notice.kind == "pause_ended", Notice.channel == Channel.IN_APP)
        assert len(session.scalars(select(Notice.id).where(*own).order_by(Notice.id)).all()) == 2

    def test_rejected_needs_an_answer_and_leaves_everything_as_it_was(
        self, world, session, survey, now, at
    ) -> None:
        objection = object_to(survey, world.hq, at)
        with pytest.raises(Invalid) as refused:
            self.decide(objection, world.manager, at, upheld=False, answer=" ")
        assert (refused.value.code, refused.value.field) == ("objection_answer_missing", "answer")

        self.decide(objection, world.manager, at, upheld=False, answer="车辆当日在郑州")

        assert (objection.is_upheld, objection.answer) == (False, "车辆当日在郑州")
        assert (survey.due_at, survey.breached_at) == (now + 120 * MINUTE, None)
        assert told("objection_decided") == {world.hq.id}
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "objection_rejected")).one()

    def test_is_not_for_who_paused_who_held_nor_other_roles(self, world, matter, survey, at) -> None:
        second = UserFactory(username="m2", role=Role.MANAGER, accounts=[world.account])
        third = UserFactory(username="m3", role=Role.MANAGER, accounts=[world.account])
        sla.hand_over(matter, to_id=second.id, at=at, actor=world.claims1, now=at)
        sla.pause(survey.id, REASON, "", None, actor=world.manager, now=at + MINUTE)
        latest = sla.entries_of([survey.id])[survey.id][-1]
        later = at + 2 * MINUTE
        objection = objections.object_to_pause(survey.id, latest.id, "x", actor=world.hq, now=later)
        stranger = UserFactory(username="m4", role=Role.MANAGER, accounts=[world.foreign_account])

        for actor, refusal in (
            (world.manager, Forbidden),
            (second, Forbidden),
            (world.claims2, Forbidden),
            (world.hq, Forbidden),
            (stranger, NotFound),
        ):
            with pytest.raises(refusal):
                self.decide(objection, actor, later, upheld=True)
        self.decide(objection, third, later, upheld=True)
        assert survey.state is TimerState.RUNNING

    def test_waits_for_the_managers_who_may_decide_it(self, world, matter, survey, at) -> None:
        second = UserFactory(username="m2", role=Role.MANAGER, accounts=[world.account])
        stranger = UserFactory(username="m4", role=Role.MANAGER, accounts=[world.foreign_account])
        sla.hand_over(matter, to_id=second.id, at=at, actor=world.claims1, now=at)
        objection = object_to(survey, world.hq, at)

        def waiting(actor: User) -> list[PauseObjection]:
            found, count = objections.list_undecided(actor=actor, limit=10)
            assert count == len(found)
            return [one.objection for one in found]

        assert waiting(world.manager) == [objection]
        for actor in (second, stranger, world.claims1, world.hq):
            assert waiting(actor) == []
        self.decide(objection, world.manager, at, upheld=True)
        assert waiting(world.manager) == []

    def test_is_done_once_and_on_a_fresh_page(self, world, survey, at) -> None:
        objection = object_to(survey, world.hq, at)
        with pytest.raises(Conflict, match="stale"):
            objections.decide(
                objection.id, "x", objection.version + 1, is_upheld=False, actor=world.manager, now=at
            )
        self.decide(objection, world.manager, at, upheld=True)
        db.session.flush()
        with pytest.raises(Conflict, match="objection_decided"):
            self.decide(objection, world.manager, at, upheld=False, answer="x")

    def test_is_told_to_the_department_where_the_login_that_objected_is_closed(
        self, world, survey, at
    ) -> None:
        objection = object_to(survey, world.safety_gongyi, at)
        world.safety_gongyi.is_active = False
        db.session.flush()

        self.decide(objection, world.manager, at, upheld=False, answer="x")

        assert told("objection_decided") == {world.hq.id}


def test_of_two_who_object_at_once_one_wins_and_the_other_is_told(
    app: Flask, world, session, survey, at
) -> None:
    timer_id, entry_id = survey.id, pause_of(survey).id
    ids = [world.hq.id, world.safety_gongyi.id]
    session.commit()

    def raise_it(user_id: int) -> str:
        with app.app_context():
            try:
                with unit_of_work():
                    actor = db.session.get_one(User, user_id)
                    objections.object_to_pause(timer_id, entry_id, "x", actor=actor, now=at)
            except Conflict as refused:
                return refused.code
            finally:
                db.session.remove()
        return "raised"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(raise_it, ids)) == ["pause_objected", "raised"]
    assert len(session.scalars(select(PauseObjection)).all()) == 1


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("is_upheld", [True, False])
def test_every_message_reads_well_in_its_recipients_language(world, survey, at, language, is_upheld) -> None:
    for user in (world.claims1, world.manager, world.hq):
        user.language = language
    objection = object_to(survey, world.hq, at)
    objections.decide(
        objection.id, "已核对", objection.version, is_upheld=is_upheld, actor=world.manager, now=at
    )

    mails = db.session.scalars(select(Notice).where(Notice.channel == Channel.MAIL).order_by(Notice.id)).all()
    texts = {notice.kind: mail.render(notice, base_url="https://desk.example") for notice in mails}

    assert {"pause_objected", "objection_decided"} <= set(texts)
    assert "车一直在场内" in texts["pause_objected"].text
    assert "已核对" in texts["objection_decided"].html
    for one in texts.values():
        assert "CLM-2026-000007" in one.subject
