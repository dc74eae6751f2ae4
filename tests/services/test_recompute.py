"""Clocks move to new terms on a manager's word only: what is listed, who may, what is kept, what is refused."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.notices import Notice
from service_desk.models.sla import ServiceLevel, SlaEvent, Timer, TimerRecomputation, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import PauseReason, TargetUnit
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import calendar_edits, calendars, levels
from service_desk.services.sla.calendar_edits import ConfirmYear, SetDay
from service_desk.services.sla.ledger import matter_of
from service_desk.services.sla.levels import LevelConditions, LevelTerms
from service_desk.services.sla.outdated import (
    Outdated,
    OutdatedView,
    Wanted,
    count_moving,
    list_outdated,
)
from service_desk.services.sla.recompute import recompute
from tests.world import World

DAY = timedelta(days=1)
REASON = "停电一天，经理同意顺延"


def china(text: str) -> datetime:
    return datetime.strptime(f"{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


@pytest.fixture(autouse=True)
def _defaults(session, now) -> None:
    sla.install_defaults(now - 30 * DAY)
    session.commit()


def start(
    world: World,
    at: datetime,
    *,
    step: ClockStep = ClockStep.FOLLOWUP,
    number: int = 1,
    foreign: bool = False,
    amount_fen: int | None = None,
) -> Timer:
    """A clock; a follow-up is promised in three working days of the office."""
    account, branch = (
        (world.foreign_account, world.foreign_branch) if foreign else (world.account, world.gongyi)
    )
    matter = Matter("claim", number, f"CLM-2026-{number:06d}", account.id, branch.id)
    timer = sla.start(
        matter, step, holder_id=world.claims1.id, at=at, actor=None, now=at, amount_fen=amount_fen
    )
    assert timer is not None
    return timer


def close_day(world: World, day: date, now: datetime) -> None:
    version = calendars.get_calendar("office").version
    change = SetDay(day, (), "停电")
    calendar_edits.change_calendar("office", change, version=version, actor=world.admin, now=now)
    db.session.commit()


def shown(actor: User, now: datetime, view: OutdatedView = OutdatedView.MOVES) -> list[Outdated]:
    return list(list_outdated(view, PageRequest(), actor=actor, now=now).page.rows)


def tick(actor: User, now: datetime, view: OutdatedView = OutdatedView.MOVES) -> list[Wanted]:
    return [one.wanted for one in shown(actor, now, view)]


class TestListing:
    def test_a_changed_calendar_lists_old_and_new_due_time_and_moves_nothing(self, world, now) -> None:
        timer = start(world, now)
        assert timer.due_at == china("2026-11-26 09:00")

        close_day(world, date(2026, 11, 24), now)

        found = shown(world.manager, now)
        assert [(one.timer.id, one.move.old.due_at, one.move.new.due_at) for one in found] == [
            (timer.id, china("2026-11-26 09:00"), china("2026-11-27 09:00"))
        ]
        assert found[0].move.shift_seconds == 86_400
        db.session.refresh(timer)
        assert timer.due_at == china("2026-11-26 09:00")

    def test_a_clock_the_change_does_not_reach_is_listed_apart(self, world, now) -> None:
        start(world, now)
        close_day(world, date(2026, 12, 24), now)

        listed = list_outdated(OutdatedView.MOVES, PageRequest(), actor=world.manager, now=now)

        assert (listed.page.total, listed.counts[OutdatedView.SAME]) == (0, 1)
        assert count_moving(actor=world.manager, now=now) == 0

    def test_a_standing_clock_is_measured_by_what_is_left(self, world, now) -> None:
        timer = start(world, now)
        sla.pause(
            timer.id,
            PauseReason.VEHICLE_UNAVAILABLE,
            "",
            None,
            actor=world.claims1,
            now=now + timedelta(hours=1),
        )
        version = calendars.get_calendar("office").version
        week = {**calendars.get_calendar("office").week}
        week |= {name: [["09:00", "12:00"], ["13:00", "18:00"]] for name in week}
        change = calendar_edits.SetWeek(week)
        calendar_edits.change_calendar("office", change, version=version, actor=world.admin, now=now)

        [found] = shown(world.manager, now + timedelta(hours=2))

        # Three days of 8 hours instead of three of 7.5, and one hour used from 09:00 in either.
        assert (found.move.old.left_seconds, found.move.new.left_seconds) == (21.5 * 3600, 23 * 3600)
        assert found.move.shift_seconds == 1.5 * 3600

    def test_a_stopped_or_cancelled_clock_is_never_listed(self, world, now) -> None:
        stopped, cancelled = start(world, now), start(world, now, number=2)
        sla.stop(Matter("claim", 1, "", world.account.id), [stopped.step], at=now, actor=None, now=now)
        sla.cancel(Matter("claim", cancelled.matter_id, "", world.account.id), at=now, actor=None, now=now)
        close_day(world, date(2026, 11, 24), now)

        assert count_moving(actor=world.admin, now=now) == 0

    def test_announced_days_lift_the_provisional_mark_only_by_recomputing(self, world) -> None:
        at = china("2026-12-31 16:00")
        timer = start(world, at)
        version = calendars.get_calendar("office").version
        calendar_edits.change_calendar(
            "office", ConfirmYear(2027), version=version, actor=world.admin, now=at
        )

        assert calendars.counts_on_provisional(timer)
        recompute(tick(world.manager, at, OutdatedView.SAME), REASON, actor=world.manager, now=at)
        assert not calendars.counts_on_provisional(timer)

    def test_each_sees_the_clocks_of_the_own_accounts(self, world, now) -> None:
        start(world, now)
        start(world, now, number=2, foreign=True)
        close_day(world, date(2026, 11, 24), now)

        assert [one.timer.account_id for one in shown(world.manager, now)] == [world.account.id]
        assert len(shown(world.admin, now)) == 2

    @pytest.mark.parametrize("name", ["claims1", "underwriter", "hq", "safety_gongyi"])
    def test_is_for_who_manages_clocks(self, world, now, name) -> None:
        with pytest.raises(Forbidden):
            shown(getattr(world, name), now)
        with pytest.raises(Forbidden):
            count_moving(actor=getattr(world, name), now=now)

    def test_pages_are_bounded_and_count_everything(self, world, now) -> None:
        for number in range(1, 4):
            start(world, now - number * timedelta(minutes=1), number=number)
        close_day(world, date(2026, 11, 24), now)

        listed = list_outdated(OutdatedView.MOVES, PageRequest(2, 2), actor=world.manager, now=now)

        assert (listed.page.total, [one.timer.matter_id for one in listed.page.rows]) == (3, [1])
        assert set(listed.people) == {world.claims1.id}


class TestLevels:
    def terms(self, on: date, value: int = 1) -> LevelTerms:
        return LevelTerms(value, TargetUnit.WORKING_DAYS, 75, "office", "", on)

    def test_a_promise_changed_for_all_moves_clocks_started_under_the_old_one(self, world, now) -> None:
        timer = start(world, now - timedelta(hours=1))
        old = db.session.get_one(ServiceLevel, timer.level_id)
        new = levels.change_level(
            old.id, self.terms(now.date()), version=old.version, actor=world.admin, now=now
        )

        [found] = shown(world.manager, now)

        assert (found.level.id, found.move.new.due_at) == (new.id, china("2026-11-23 17:30"))

    def test_a_promise_that_begins_later_moves_nothing_before(self, world, now) -> None:
        timer = start(world, now)
        old = db.session.get_one(ServiceLevel, timer.level_id)
        terms = self.terms(date(2026, 11, 24))
        levels.change_level(old.id, terms, version=old.version, actor=world.admin, now=now)

        assert count_moving(actor=world.manager, now=now) == 0
        assert count_moving(actor=world.manager, now=now + DAY) == 1

    def test_a_narrower_promise_counts_for_the_matters_it_fits(self, world, now) -> None:
        small = start(world, now, step=ClockStep.ASSESSMENT, amount_fen=500_000)
        start(world, now, step=ClockStep.ASSESSMENT, number=2, amount_fen=900_000)
        start(world, now, step=ClockStep.ASSESSMENT, number=3, amount_fen=500_000, foreign=True)
        band = LevelConditions(
            ClockStep.ASSESSMENT, account_id=world.account.id, amount_from_fen=200_000, amount_to_fen=600_000
        )
        levels.add_level(band, self.terms(date(2026, 11, 23)), actor=world.manager, now=now)

        assert [one.timer.id for one in shown(world.admin, now)] == [small.id]

    def test_the_same_promise_from_another_source_and_an_ended_one_move_nothing(self, world, now) -> None:
        timer = start(world, now)
        old = db.session.get_one(ServiceLevel, timer.level_id)
        same = LevelTerms(
            3,
            TargetUnit.WORKING_DAYS,
            75,
            "office",
            "合同第六条",
            now.date(),
            tuple(old.escalate_after_minutes),
        )
        new = levels.change_level(old.id, same, version=old.version, actor=world.admin, now=now)
        assert count_moving(actor=world.admin, now=now) == 0

        levels.end_level(new.id, date(2026, 11, 24), version=new.version, actor=world.admin, now=now)
        assert count_moving(actor=world.admin, now=now + DAY) == 0


class TestRecomputing:
    def test_moves_the_clock_and_keeps_both_due_times_with_who_and_why(self, world, now) -> None:
        timer = start(world, now)
        old_digest = timer.calendar_digest
        close_day(world, date(2026, 11, 24), now)

        recompute(tick(world.manager, now), REASON, actor=world.manager, now=now)

        assert timer.due_at == china("2026-11-27 09:00")
        assert timer.next_check_at == timer.warn_at
        row = db.session.scalars(select(TimerRecomputation)).one()
        assert (row.timer_id, row.actor_id, row.reason) == (timer.id, world.manager.id, REASON)
        assert (row.old_due_at, row.new_due_at) == (china("2026-11-26 09:00"), china("2026-11-27 09:00"))
        assert (row.old_digest, row.new_digest) == (old_digest, calendars.current_digest("office"))
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "clock_recomputed")).one()
        assert entry.actor_id == world.manager.id
        assert entry.changes["reason"] == [None, REASON]
        assert entry.changes["due_at"] == [row.old_due_at.isoformat(), row.new_due_at.isoformat()]
        assert count_moving(actor=world.manager, now=now) == 0

    def test_takes_the_whole_new_promise(self, world, now) -> None:
        timer = start(world, now - timedelta(hours=1))
        old = db.session.get_one(ServiceLevel, timer.level_id)
        terms = LevelTerms(40, TargetUnit.MINUTES, 50, "24x7", "", now.date(), (15,), ("role:manager",))
        new = levels.change_level(old.id, terms, version=old.version, actor=world.admin, now=now)
        at = now - timedelta(minutes=30)

        recompute(tick(world.manager, at), REASON, actor=world.manager, now=at)

        assert (timer.level_id, timer.target_value, timer.target_unit) == (new.id, 40, TargetUnit.MINUTES)
        assert (timer.calendar_code, timer.calendar_digest) == ("24x7", calendars.current_digest("24x7"))
        assert (timer.warn_percent, timer.escalate_after_minutes, timer.escalate_to) == (
            50,
            [15],
            ["role:manager"],
        )
        assert timer.due_at == now - timedelta(minutes=20)

    def test_a_due_time_that_has_passed_is_a_breach_at_that_instant_told_by_the_sweep(
        self, world, now
    ) -> None:
        timer = start(world, now - timedelta(hours=3))
        old = db.session.get_one(ServiceLevel, timer.level_id)
        terms = LevelTerms(60, TargetUnit.MINUTES, 75, "24x7", "", now.date())
        levels.change_level(old.id, terms, version=old.version, actor=world.admin, now=now)

        recompute(tick(world.manager, now), REASON, actor=world.manager, now=now)

        assert timer.breached_at == now - timedelta(hours=2)
        assert timer.next_check_at == timer.warn_at < now
        sla.check_timer(timer.id, now)
        told = {event.kind: event.at for event in db.session.scalars(select(SlaEvent))}
        assert told["breach"] == now - timedelta(hours=2)

    @pytest.mark.parametrize("swept", [True, False])
    def test_a_promise_once_broken_stays_broken(self, world, now, swept) -> None:
        at = now - 10 * DAY
        timer = start(world, at)
        if swept:
            sla.check_timer(timer.id, now)
        due_at = timer.due_at
        close_day(world, due_at.date(), now)

        assert shown(world.manager, now) == []
        with pytest.raises(Invalid, match="recompute_broken") as refusal:
            recompute(tick(world.manager, now, OutdatedView.BROKEN), REASON, actor=world.manager, now=now)

        assert refusal.value.params["numbers"] == timer.matter_number
        assert timer.due_at == due_at
        assert db.session.scalars(select(TimerRecomputation)).all() == []

    def test_nobody_gives_themselves_more_time(self, world, now) -> None:
        timer = start(world, now)
        sla.hand_over(matter_of(timer), to_id=world.manager.id, at=now, actor=None, now=now)
        due_at = timer.due_at
        close_day(world, date(2026, 11, 25), now)

        with pytest.raises(Invalid, match="recompute_own"):
            recompute(tick(world.manager, now), REASON, actor=world.manager, now=now)
        assert timer.due_at == due_at
        recompute(tick(world.admin, now), REASON, actor=world.admin, now=now)
        assert timer.due_at > due_at

    def test_a_warning_told_too_early_is_told_again_in_its_time(self, world, now) -> None:
        timer = start(world, now)
        warned_at = timer.warn_at
        sla.check_timer(timer.id, warned_at)
        close_day(world, date(2026, 11, 25), warned_at)

        recompute(tick(world.manager, warned_at), REASON, actor=world.manager, now=warned_at)
        assert timer.next_check_at == timer.warn_at > warned_at
        sla.check_timer(timer.id, timer.warn_at)

        assert [event.at for event in db.session.scalars(select(SlaEvent))] == [timer.warn_at]
        assert db.session.scalars(
            select(Notice).where(Notice.kind == "clock_warning").order_by(Notice.id)
        ).all()

    def test_a_pause_that_ran_out_stays_told(self, world, now) -> None:
        timer = start(world, now)
        sla.pause(timer.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=now)
        later = timer.next_check_at + timedelta(minutes=1)
        sla.check_timer(timer.id, later)
        close_day(world, (later + DAY).date(), later)

        recompute(tick(world.manager, later), REASON, actor=world.manager, now=later)

        assert [event.kind for event in db.session.scalars(select(SlaEvent))] == [
            f"pause_end_{now.timestamp():.0f}"
        ]
        assert timer.state is TimerState.RUNNING

    def test_a_standing_clock_has_its_rest_moved(self, world, now) -> None:
        timer = start(world, now)
        sla.pause(timer.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=now)
        office = calendars.get_calendar("office")
        week = {name: [["09:00", "12:00"]] for name in office.week}
        change = calendar_edits.SetWeek(week)
        calendar_edits.change_calendar("office", change, version=office.version, actor=world.admin, now=now)

        recompute(tick(world.manager, now), REASON, actor=world.manager, now=now)

        assert (timer.state, timer.due_at, timer.left_seconds) == (TimerState.PAUSED, None, 3 * 3 * 3600)


class TestRefusals:
    @pytest.fixture
    def wanted(self, world, now) -> list[Wanted]:
        start(world, now)
        close_day(world, date(2026, 11, 24), now)
        return tick(world.manager, now)

    def test_a_reason_and_a_clock_are_needed(self, world, now, wanted) -> None:
        with pytest.raises(Invalid, match="recompute_none_chosen"):
            recompute([], REASON, actor=world.manager, now=now)
        with pytest.raises(Invalid, match="recompute_reason_missing") as refusal:
            recompute(wanted, "  ", actor=world.manager, now=now)
        assert refusal.value.field == "reason"

    def test_only_who_manages_the_account_may(self, world, now, wanted) -> None:
        foreign = start(world, now, number=9, foreign=True)
        for name in ("claims1", "hq"):
            with pytest.raises(Forbidden):
                recompute(wanted, REASON, actor=getattr(world, name), now=now)
        other = Wanted(foreign.id, foreign.version, foreign.level_id, foreign.calendar_digest)
        with pytest.raises(NotFound):
            recompute([*wanted, other], REASON, actor=world.manager, now=now)
        assert db.session.scalars(select(TimerRecomputation)).all() == []

    def test_of_two_managers_one_wins_and_the_other_is_told(self, world, now, wanted) -> None:
        recompute(wanted, REASON, actor=world.manager, now=now)
        with pytest.raises(Conflict, match="recompute_stale") as refusal:
            recompute(wanted, REASON, actor=world.admin, now=now)
        assert refusal.value.params["numbers"] == "CLM-2026-000001"
        assert len(db.session.scalars(select(TimerRecomputation)).all()) == 1

    def test_a_calendar_changed_since_is_not_what_was_agreed_to(self, world, now, wanted) -> None:
        close_day(world, date(2026, 11, 25), now)
        with pytest.raises(Conflict, match="recompute_stale"):
            recompute(wanted, REASON, actor=world.manager, now=now)

    def test_a_clock_stopped_since_refuses_all_of_them(self, world, now, wanted) -> None:
        start(world, now - timedelta(minutes=1), number=2)
        close_day(world, date(2026, 11, 25), now)
        both = tick(world.manager, now)
        matter = Matter("claim", 2, "CLM-2026-000002", world.account.id)
        sla.stop(matter, [ClockStep.FOLLOWUP], at=now, actor=None, now=now)

        with pytest.raises(Conflict, match="recompute_stale") as refusal:
            recompute(both, REASON, actor=world.manager, now=now)

        assert refusal.value.params["numbers"] == "CLM-2026-000002"
        assert db.session.scalars(select(TimerRecomputation)).all() == []
