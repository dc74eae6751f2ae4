"""Absences: who may plan what, what is refused, and whose clocks and minutes they are meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, unit_of_work
from service_desk.models.notices import Channel, Notice
from service_desk.models.sla import Absence, AbsenceKind, Timer, TimerEntry
from service_desk.models.users import User, UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.sla import EventKind, consumption
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import absences, covering, standing_in
from service_desk.services.sla.absences import PlanAbsence
from tests.factories import KeyAccountFactory, UserFactory, make_uscc
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def china(text: str) -> datetime:
    """`11-23 18:00` of 2026 in Zhengzhou."""
    return datetime.strptime(f"2026-{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


def leave(user: User, substitute: User, from_at: datetime, to_at: datetime, **more: object) -> PlanAbsence:
    return PlanAbsence(user.id, substitute.id, AbsenceKind.LEAVE, from_at, to_at, **more)


def matter(world: World, number: int = 7) -> Matter:
    return Matter("claim", number, f"CLM-2026-{number:06d}", world.account.id, world.gongyi.id)


@pytest.fixture
def clock(world: World, now: datetime):
    """Start a survey clock (60 minutes) of claims1 for claim number n."""
    sla.install_defaults(now)

    def start(number: int = 7, *, at: datetime = now, holder: User = world.claims1) -> Timer:
        timer = sla.start(
            matter(world, number), ClockStep.SURVEY, holder_id=holder.id, at=at, actor=holder, now=at
        )
        assert timer is not None
        return timer

    return start


def begin(absence: Absence, now: datetime) -> None:
    assert covering.make_change(absence.id, absence.next_change_at, now)


def kinds(timer: Timer) -> list[tuple[EventKind, datetime, int]]:
    entries = sla.entries_of([timer.id])[timer.id]
    return [(entry.kind, entry.at, entry.holder_id) for entry in entries]


class TestPlan:
    def test_ones_own_is_kept_audited_and_told_to_the_stand_in(self, world, session, now) -> None:
        command = leave(world.claims1, world.claims2, now + HOUR, now + DAY, note="回老家")

        absence = absences.plan(command, actor=world.claims1, now=now)

        assert (absence.next_change_at, absence.has_begun) == (now + HOUR, False)
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "absence_planned")).one()
        assert entry.changes["substitute_id"] == [None, world.claims2.id]
        told = session.scalars(select(Notice).where(Notice.channel == Channel.IN_APP)).one()
        assert (told.kind, told.user_id) == ("absence_planned", world.claims2.id)
        assert "note" not in told.params

    def test_a_managers_word_for_their_people_is_told_to_both(self, world, session, now) -> None:
        command = leave(world.claims1, world.claims2, now, now + DAY)

        absences.plan(command, actor=world.manager, now=now)

        told = select(Notice.user_id).where(
            Notice.kind == "absence_planned", Notice.channel == Channel.IN_APP
        )
        assert set(session.scalars(told)) == {world.claims1.id, world.claims2.id}

    def test_is_not_for_colleagues_strangers_or_the_client(self, world, now) -> None:
        command = leave(world.claims1, world.claims2, now, now + DAY)
        stranger = UserFactory(username="m2", role=Role.MANAGER, accounts=[world.foreign_account])
        for actor, refusal in (
            (world.claims2, NotFound),
            (stranger, NotFound),
            (world.hq, Forbidden),
            (world.safety_gongyi, Forbidden),
        ):
            with pytest.raises(refusal):
                absences.plan(command, actor=actor, now=now)

    @pytest.mark.parametrize(
        ("substitute", "code"),
        [
            ("claims1", "substitute_self"),
            ("hq", "substitute_unknown"),
            ("underwriter", "substitute_other_work"),
        ],
    )
    def test_refuses_who_cannot_stand_in(self, world, now, substitute, code) -> None:
        command = leave(world.claims1, getattr(world, substitute), now, now + DAY)

        with pytest.raises(Invalid) as refused:
            absences.plan(command, actor=world.claims1, now=now)

        assert (refused.value.code, refused.value.field) == (code, "substitute_id")

    def test_refuses_a_closed_login_and_who_lacks_an_account(self, world, now) -> None:
        foreign = UserFactory(username="c9", role=Role.CLAIMS, accounts=[world.foreign_account])
        third = KeyAccountFactory(code="XXGJ", uscc=make_uscc(10003))
        db.session.add(UserAccount(user_id=world.claims1.id, account_id=third.id))
        world.claims2.is_active = False
        for substitute, code in (
            (world.claims2, "substitute_unknown"),
            (foreign, "substitute_unknown"),
            (world.manager, "substitute_other_account"),
        ):
            with pytest.raises(Invalid, match=code):
                absences.plan(leave(world.claims1, substitute, now, now + DAY), actor=world.claims1, now=now)

    def test_refuses_overlaps_chains_and_cycles(self, world, now) -> None:
        absences.plan(leave(world.claims1, world.claims2, now, now + DAY), actor=world.manager, now=now)

        for user, substitute, code, field in (
            (world.claims1, world.manager, "absence_overlaps", "from_at"),
            (world.manager, world.claims1, "substitute_away", "substitute_id"),
            (world.claims2, world.manager, "absence_while_standing_in", "from_at"),
            (world.claims2, world.claims1, "absence_while_standing_in", "from_at"),
        ):
            with pytest.raises(Invalid) as refused:
                absences.plan(
                    leave(user, substitute, now + HOUR, now + 2 * DAY), actor=world.manager, now=now
                )
            assert (refused.value.code, refused.value.field) == (code, field)

        after = leave(world.claims2, world.claims1, now + DAY, now + 2 * DAY)
        assert absences.plan(after, actor=world.manager, now=now).id

    def test_offers_only_who_may_stand_in(self, world) -> None:
        UserFactory(username="c9", role=Role.CLAIMS, accounts=[world.foreign_account])

        found = absences.possible_substitutes([world.claims1, world.underwriter])

        names = {key: {user.username for user in able} for key, able in found.items()}
        assert names == {
            world.claims1.id: {"claims2", "manager"},
            world.underwriter.id: {"manager", "claims1", "claims2"},
        }


class TestClocks:
    def test_go_over_at_the_beginning_even_when_the_job_is_late(self, world, session, clock, now) -> None:
        timer, from_at = clock(), now + 10 * MINUTE
        absence = absences.plan(
            leave(world.claims1, world.claims2, from_at, now + DAY), actor=world.claims1, now=now
        )

        begin(absence, now + 25 * MINUTE)

        assert (timer.holder_id, timer.covered_id) == (world.claims2.id, world.claims1.id)
        assert kinds(timer)[-1] == (EventKind.SUBSTITUTE, from_at, world.claims2.id)
        assert (absence.has_begun, absence.next_change_at) == (True, now + DAY)
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "clock_covered")).one()

    def test_go_over_no_earlier_than_their_last_entry(self, world, clock, now) -> None:
        timer, from_at, resumed = clock(), now + 10 * MINUTE, now + 15 * MINUTE
        absence = absences.plan(
            leave(world.claims1, world.claims2, from_at, now + DAY), actor=world.claims1, now=now
        )
        sla.pause(timer.id, "vehicle_unavailable", "", None, actor=world.claims1, now=now + 5 * MINUTE)
        sla.resume(timer.id, actor=world.claims1, now=resumed)

        begin(absence, now + 20 * MINUTE)

        assert kinds(timer)[-1] == (EventKind.SUBSTITUTE, resumed, world.claims2.id)

    def test_come_back_and_the_minutes_in_between_are_the_stand_ins(self, world, clock, now) -> None:
        timer, from_at, to_at = clock(), now + 10 * MINUTE, now + 40 * MINUTE
        absence = absences.plan(
            leave(world.claims1, world.claims2, from_at, to_at), actor=world.claims1, now=now
        )
        begin(absence, from_at)

        begin(absence, to_at + MINUTE)

        assert (timer.holder_id, timer.covered_id) == (world.claims1.id, None)
        assert (absence.has_begun, absence.next_change_at) == (False, None)
        spent = consumption(sla.facts_of(timer, now + 50 * MINUTE).segments).by_holder
        assert {user_id: one.total for user_id, one in spent.items()} == {
            world.claims1.id: 20 * 60,
            world.claims2.id: 30 * 60,
        }

    def test_that_start_meanwhile_go_to_the_stand_in_at_once(self, world, clock, now) -> None:
        absences.plan(leave(world.claims1, world.claims2, now, now + DAY), actor=world.claims1, now=now)

        timer = clock(8, at=now + HOUR)

        assert (timer.holder_id, timer.covered_id) == (world.claims2.id, world.claims1.id)
        assert [kind for kind, _, _ in kinds(timer)] == [EventKind.START, EventKind.SUBSTITUTE]

    def test_that_are_handed_over_meanwhile_go_on_to_the_stand_in(self, world, clock, now) -> None:
        timer = clock(holder=world.manager)
        absences.plan(leave(world.claims1, world.claims2, now, now + DAY), actor=world.claims1, now=now)

        sla.hand_over(
            matter(world), to_id=world.claims1.id, at=now + MINUTE, actor=world.manager, now=now + MINUTE
        )

        assert (timer.holder_id, timer.covered_id) == (world.claims2.id, world.claims1.id)

    def test_handed_to_the_stand_in_for_good_do_not_come_back(self, world, clock, now) -> None:
        timer = clock()
        absence = absences.plan(
            leave(world.claims1, world.claims2, now, now + DAY), actor=world.claims1, now=now
        )
        assert (timer.holder_id, timer.covered_id) == (world.claims2.id, world.claims1.id)

        at = now + MINUTE
        sla.hand_over(matter(world), to_id=world.claims2.id, at=at, actor=world.manager, now=at)
        begin(absence, now + DAY)

        assert (timer.holder_id, timer.covered_id) == (world.claims2.id, None)

    def test_go_back_at_once_when_the_absence_is_called_off(self, world, session, clock, now) -> None:
        timer, at = clock(), now + 15 * MINUTE
        absence = absences.plan(
            leave(world.claims1, world.claims2, now, now + DAY), actor=world.claims1, now=now
        )

        absences.cancel(absence.id, absence.version, actor=world.claims1, now=at)

        assert kinds(timer)[-1] == (EventKind.RETURN, at, world.claims1.id)
        assert (absence.cancelled_at, absence.next_change_at) == (at, None)
        assert standing_in.away_now([world.claims1.id], at) == {}
        told = select(Notice.kind, Notice.user_id).where(Notice.channel == Channel.IN_APP)
        assert {("clocks_returned", world.claims1.id), ("absence_cancelled", world.claims2.id)} <= {
            tuple(row) for row in session.execute(told)
        }

    def test_go_back_when_it_is_called_off_in_the_second_it_began(self, world, clock, now) -> None:
        timer = clock()
        absence = absences.plan(
            leave(world.claims1, world.claims2, now, now + DAY), actor=world.claims1, now=now
        )
        db.session.flush()
        assert timer.holder_id == world.claims2.id

        absences.cancel(absence.id, absence.version, actor=world.claims1, now=now)

        assert (timer.holder_id, timer.covered_id) == (world.claims1.id, None)

    def test_go_back_earlier_when_the_absence_is_shortened(self, world, clock, now) -> None:
        timer, sooner = clock(), now + 30 * MINUTE
        absence = absences.plan(
            leave(world.claims1, world.claims2, now, now + DAY), actor=world.claims1, now=now
        )

        absences.change_end(absence.id, sooner, absence.version, actor=world.claims1, now=now + MINUTE)
        begin(absence, sooner)

        assert kinds(timer)[-1] == (EventKind.RETURN, sooner, world.claims1.id)

    def test_pass_to_another_stand_in_and_come_back_from_them(self, world, clock, now) -> None:
        timer, at = clock(), now + 15 * MINUTE
        absence = absences.plan(
            leave(world.claims1, world.claims2, now, now + DAY), actor=world.claims1, now=now
        )

        absences.name_another(absence.id, world.manager.id, absence.version, actor=world.claims1, now=at)
        assert (timer.holder_id, timer.covered_id) == (world.manager.id, world.claims1.id)
        begin(absence, now + DAY)

        assert (timer.holder_id, timer.covered_id) == (world.claims1.id, None)

    def test_of_a_review_stay_with_who_may_sign_it(self, world, clock, now) -> None:
        late = clock(at=now - 95 * MINUTE)
        sla.check_timer(late.id, now)
        review = sla.timers_of("breach", [late.id])[late.id][0]

        absences.plan(leave(world.manager, world.claims2, now, now + DAY), actor=world.manager, now=now)

        assert (review.holder_id, review.covered_id) == (world.manager.id, None)

    def test_at_the_beginning_are_told_in_one_message(self, world, session, clock, now) -> None:
        for number in (1, 2, 3):
            clock(number)

        absences.plan(leave(world.claims1, world.claims2, now, now + DAY), actor=world.claims1, now=now)

        told = session.scalars(
            select(Notice).where(Notice.kind == "standing_in", Notice.channel == Channel.IN_APP)
        ).one()
        assert told.user_id == world.claims2.id
        assert told.params["count"] == 3
        assert [one["number"] for one in told.params["clocks"]] == [f"CLM-2026-00000{n}" for n in (1, 2, 3)]


class TestWhoIsAway:
    def test_says_who_answers_and_until_when(self, world, now) -> None:
        nights = leave(
            world.claims1,
            world.claims2,
            china("11-23 18:00"),
            china("11-24 08:30"),
            repeats_until_on=date(2026, 11, 30),
        )
        absences.plan(nights, actor=world.claims1, now=now)
        people = [world.claims1.id, world.claims2.id]

        away = standing_in.away_now(people, china("11-25 23:00"))

        assert set(away) == {world.claims1.id}
        assert away[world.claims1.id].substitute is world.claims2
        assert away[world.claims1.id].window.to_at == china("11-26 08:30")
        assert standing_in.away_now(people, china("11-25 12:00")) == {}
        assert (
            standing_in.stand_in_for(world.claims1.id, china("11-25 12:00"), account_id=world.account.id)
            is None
        )

    def test_a_manager_stands_in_where_the_stand_ins_login_is_closed(self, world, now) -> None:
        absences.plan(leave(world.claims1, world.claims2, now, now + DAY), actor=world.claims1, now=now)
        world.claims2.is_active = False
        db.session.flush()

        assert (
            standing_in.stand_in_for(world.claims1.id, now + HOUR, account_id=world.account.id)
            is world.manager
        )


class TestChanges:
    @pytest.fixture
    def absence(self, world, now) -> Absence:
        return absences.plan(
            leave(world.claims1, world.claims2, now + HOUR, now + DAY), actor=world.claims1, now=now
        )

    def test_are_refused_to_others_and_on_an_old_page(self, world, absence, now) -> None:
        with pytest.raises(NotFound):
            absences.cancel(absence.id, absence.version, actor=world.claims2, now=now)
        with pytest.raises(Conflict, match="stale"):
            absences.cancel(absence.id, absence.version + 1, actor=world.claims1, now=now)
        absences.cancel(absence.id, absence.version, actor=world.manager, now=now)
        db.session.flush()
        with pytest.raises(Conflict, match="absence_ended"):
            absences.cancel(absence.id, absence.version, actor=world.claims1, now=now)

    def test_of_the_end_are_checked_like_a_plan(self, world, absence, now) -> None:
        for to_at, code in ((now + HOUR, "absence_ends_first"), (now + 400 * DAY, "absence_too_long")):
            with pytest.raises(Invalid, match=code):
                absences.change_end(absence.id, to_at, absence.version, actor=world.claims1, now=now)
        nights = leave(
            world.manager,
            world.claims2,
            now + 2 * DAY,
            now + 2 * DAY + HOUR,
            repeats_until_on=date(2026, 11, 30),
        )
        repeating = absences.plan(nights, actor=world.manager, now=now)
        with pytest.raises(Invalid, match="absence_repeats"):
            absences.change_end(repeating.id, now + 3 * DAY, repeating.version, actor=world.manager, now=now)

    def test_to_a_stand_in_who_is_away_are_refused(self, world, absence, now) -> None:
        other = leave(world.manager, world.claims2, now + 2 * HOUR, now + 3 * HOUR)
        absences.plan(other, actor=world.manager, now=now)

        with pytest.raises(Invalid, match="substitute_away"):
            absences.name_another(absence.id, world.manager.id, absence.version, actor=world.claims1, now=now)


def test_lists_ones_own_those_one_covers_and_a_managers_people(world, now) -> None:
    absence = absences.plan(leave(world.claims1, world.claims2, now, now + DAY), actor=world.claims1, now=now)

    def ids(rows: list[absences.AbsenceRow]) -> list[int]:
        return [row.absence.id for row in rows]

    assert ids(absences.list_mine(actor=world.claims1, now=now)) == [absence.id]
    assert ids(absences.list_covered(actor=world.claims2, now=now)) == [absence.id]
    assert ids(absences.list_of_people(actor=world.manager, now=now)) == [absence.id]
    assert ids(absences.list_of_people(actor=world.claims2, now=now)) == []
    assert ids(absences.list_mine(actor=world.claims1, now=now + 32 * DAY)) == [absence.id]
    begin(absence, now + DAY)
    assert ids(absences.list_mine(actor=world.claims1, now=now + 32 * DAY)) == []


def test_of_two_who_plan_against_each_other_one_wins(app: Flask, world, session, now) -> None:
    ids = {name: getattr(world, name).id for name in ("claims1", "claims2", "manager")}
    session.commit()
    pairs = (("claims1", "claims2"), ("claims2", "claims1"))

    def plan(pair: tuple[str, str]) -> str:
        with app.app_context():
            try:
                with unit_of_work():
                    user, substitute = (ids[name] for name in pair)
                    command = PlanAbsence(user, substitute, AbsenceKind.LEAVE, now + HOUR, now + DAY)
                    absences.plan(command, actor=db.session.get_one(User, ids["manager"]), now=now)
            except Invalid as refused:
                return refused.code
            finally:
                db.session.remove()
        return "planned"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(plan, pairs))

    assert answers[-1] == "planned"
    assert answers[0] in {"substitute_away", "absence_while_standing_in"}
    assert len(session.scalars(select(Absence)).all()) == 1


def test_every_change_of_hands_is_in_the_ledger(world, session, clock, now) -> None:
    timer = clock()
    absence = absences.plan(
        leave(world.claims1, world.claims2, now, now + HOUR), actor=world.claims1, now=now
    )
    begin(absence, now + HOUR)

    entries = session.scalars(select(TimerEntry).where(TimerEntry.timer_id == timer.id)).all()
    assert [(entry.kind, entry.actor_id) for entry in entries[1:]] == [
        (EventKind.SUBSTITUTE, None),
        (EventKind.RETURN, None),
    ]
