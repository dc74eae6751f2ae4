"""Working calendars as people edit them: provisional years, filling, bad hours, versions, previews."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.sla import CalendarDay, CalendarVersion, Timer, WorkingCalendarRow
from service_desk.presenters import sla as words
from service_desk.rules.calendar import differences
from service_desk.rules.calendar.hours import WEEKDAYS
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import PauseReason
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import calendar_edits, calendars
from service_desk.services.sla.calendar_edits import (
    Change,
    ConfirmYear,
    FillYear,
    NewCalendar,
    Plan,
    RemoveDay,
    SetDay,
    SetWeek,
    make_calendar,
)
from service_desk.services.sla.calendar_previews import Preview, preview_change
from tests.world import World

OFFICE_DAY = [["08:30", "12:00"], ["13:30", "17:30"]]
NIGHT = [["22:00", "06:00"]]


def china(text: str) -> datetime:
    return datetime.strptime(f"{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


@pytest.fixture(autouse=True)
def _defaults(session, now) -> None:
    """Statutory days of 2024 to 2027; in November 2026 those of 2027 are not announced."""
    sla.install_defaults(now)
    session.commit()


def change(world: World, what: Change, now: datetime, code: str = "office") -> Plan:
    version = calendars.get_calendar(code).version
    return calendar_edits.change_calendar(code, what, version=version, actor=world.admin, now=now)


def preview(world: World, what: Change, now: datetime, code: str = "office") -> Preview:
    version = calendars.get_calendar(code).version
    return preview_change(code, what, version=version, actor=world.admin, now=now)


def content(code: str = "office") -> calendars.Content:
    return calendars.content_of(calendars.get_calendar(code))


def rows_of(*models: type) -> list[int]:
    return [db.session.scalar(select(func.count()).select_from(model)) or 0 for model in models]


def start(world: World, at: datetime, *, step: ClockStep = ClockStep.FOLLOWUP, number: int = 1) -> Timer:
    matter = Matter("claim", number, f"CLM-2026-{number:06d}", world.account.id, world.gongyi.id)
    timer = sla.start(matter, step, holder_id=world.claims1.id, at=at, actor=None, now=at)
    assert timer is not None
    return timer


class TestProvisional:
    @pytest.mark.parametrize(
        ("code", "due", "depends"),
        [
            ("office", "2026-12-31 17:30", False),
            ("office", "2027-01-04 09:00", True),
            ("calendar-days", "2027-01-01 00:00", False),
            ("calendar-days", "2027-01-01 00:01", True),
            ("office", "2029-06-01 09:00", True),
            ("24x7", "2027-06-01 09:00", False),
        ],
    )
    def test_a_due_time_depends_on_a_year_not_announced(self, code, due, depends) -> None:
        from_at = china("2026-12-30 09:00")
        assert calendars.depends_on_provisional(code, from_at, china(due)) is depends

    def test_a_clock_says_so_in_its_pill(self, world) -> None:
        over_new_year = start(world, china("2026-12-31 16:00"))
        before = start(world, china("2026-11-23 09:00"), number=2)
        told = "not announced yet"

        assert calendars.counts_on_provisional(over_new_year)
        assert told in (words.pill(over_new_year, china("2026-12-31 16:01")).title or "")
        assert told not in (words.pill(before, china("2026-11-23 09:01")).title or "")

    def test_a_standing_clock_has_no_due_time_to_depend(self, world) -> None:
        timer = start(world, china("2026-12-31 16:00"))
        timer.due_at = None
        assert not calendars.counts_on_provisional(timer)


class TestFilling:
    def test_takes_the_official_days_of_a_year_and_says_that_they_are_provisional(self, world, now) -> None:
        plan = change(world, FillYear(2028), now)

        filled = content().days_of(2028)
        assert set(filled) == set(plan.changed_days)
        assert {said.is_provisional for said in filled.values()} == {True}
        assert filled[date(2028, 10, 1)].hours == []
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "calendar_year_filled")
        ).one()
        assert (entry.entity_label, entry.actor_id) == ("office", world.admin.id)
        assert entry.changes["2028-10-01"] == [None, []]

    def test_a_year_long_announced_brings_its_make_up_days_with_the_hours_of_a_weekday(
        self, world, now
    ) -> None:
        change(world, FillYear(2004), now)

        made_up = [said for said in content().days_of(2004).values() if said.hours]
        assert made_up
        assert all(said.hours == OFFICE_DAY for said in made_up)
        assert not any(said.is_provisional for said in made_up)

    def test_keeps_what_a_person_entered_and_lists_it(self, world, now) -> None:
        change(world, SetDay(date(2027, 10, 1), (("09:00", "12:00"),), "国庆值班"), now)
        change(world, SetDay(date(2027, 12, 24), (), "年会"), now)

        plan = change(world, FillYear(2027), now)

        assert plan.kept == (date(2027, 10, 1), date(2027, 12, 24))
        assert content().days[date(2027, 10, 1)].label == "国庆值班"
        assert content().days[date(2027, 12, 24)].label == "年会"

    def test_filling_again_changes_nothing_and_makes_no_version(self, world, now) -> None:
        before = rows_of(CalendarVersion, CalendarDay, AuditEntry)
        version = calendars.get_calendar("office").version
        change(world, FillYear(2026), now)
        assert rows_of(CalendarVersion, CalendarDay, AuditEntry) == before
        assert calendars.get_calendar("office").version == version

    def test_brings_back_a_statutory_day_that_was_taken_away(self, world, now) -> None:
        change(world, RemoveDay(date(2026, 10, 1)), now)
        change(world, FillYear(2026), now)
        assert content().days[date(2026, 10, 1)].label == "national"

    @pytest.mark.parametrize("year", [2003, 2029, 0])
    def test_knows_no_other_years(self, world, now, year) -> None:
        with pytest.raises(Invalid, match="calendar_year_not_known") as refusal:
            change(world, FillYear(year), now)
        assert (refusal.value.field, refusal.value.params) == ("year", {"first": 2004, "last": 2028})

    def test_the_notice_replaces_provisional_days_beside_entered_ones(self, world, now) -> None:
        """A day entered into a year that is still provisional must not keep the notice out later."""
        day = date(2027, 12, 24)
        change(world, SetDay(day, (), "年会"), now)
        office = calendars.get_calendar("office")
        db.session.execute(
            CalendarDay.__table__.update()
            .where(CalendarDay.calendar_id == office.id, CalendarDay.day >= date(2026, 1, 1))
            .where(CalendarDay.source != "")
            .values(is_provisional=True)
        )

        sla.install_defaults(now)

        assert not content().days[date(2026, 10, 1)].is_provisional
        assert content().days[date(2027, 10, 1)].is_provisional
        assert content().days[day].label == "年会"

    def test_a_provisional_year_is_confirmed_by_hand(self, world, now) -> None:
        due = china("2027-06-01 09:00")
        assert calendars.depends_on_provisional("office", now, due)

        change(world, ConfirmYear(2027), now)

        assert not calendars.depends_on_provisional("office", now, due)
        with pytest.raises(Invalid, match="calendar_year_not_provisional"):
            change(world, ConfirmYear(2027), now)


class TestBadInput:
    def refused(self, world: World, what: Change, now: datetime) -> list[Invalid]:
        before = rows_of(CalendarVersion, CalendarDay, AuditEntry)
        kept = content()
        with pytest.raises((Invalid, InvalidMany)) as refusal:
            change(world, what, now)
        assert rows_of(CalendarVersion, CalendarDay, AuditEntry) == before
        assert content() == kept
        error = refusal.value
        return error.problems if isinstance(error, InvalidMany) else [error]

    @pytest.mark.parametrize(
        ("week", "field", "named"),
        [
            (
                {"mon": [["08:30", "12:00"], ["11:30", "17:30"]]},
                "mon",
                ("mon", "08:30-12:00", "mon", "11:30-17:30"),
            ),
            (
                {"mon": NIGHT, "tue": [["05:00", "12:00"]]},
                "tue",
                ("mon", "22:00-06:00", "tue", "05:00-12:00"),
            ),
            (
                {"sun": NIGHT, "mon": [["05:00", "12:00"]]},
                "mon",
                ("sun", "22:00-06:00", "mon", "05:00-12:00"),
            ),
        ],
    )
    def test_hours_that_overlap_are_refused_at_their_weekday_naming_both(
        self, world, now, week, field, named
    ) -> None:
        [problem] = self.refused(world, SetWeek(week), now)
        assert (problem.code, problem.field) == ("calendar_hours_overlap", field)
        assert tuple(problem.params[name] for name in ("earlier_on", "earlier", "later_on", "later")) == named

    def test_a_weekly_night_must_not_run_into_a_dated_day(self, world, now) -> None:
        change(world, SetDay(date(2026, 12, 5), (("05:00", "12:00"),), "年终盘点"), now)
        [problem] = self.refused(world, SetWeek({"mon": OFFICE_DAY, "fri": NIGHT}), now)
        assert (problem.code, problem.field) == ("calendar_hours_overlap", "fri")
        assert (problem.params["earlier_on"], problem.params["later_on"]) == ("2026-12-04", "2026-12-05")

    @pytest.mark.parametrize(
        ("day", "hours", "named"),
        [
            (date(2026, 12, 5), (("09:00", "12:00"), ("11:00", "13:00")), ("2026-12-05", "2026-12-05")),
            (date(2026, 12, 6), (("22:00", "09:00"),), ("2026-12-06", "2026-12-07")),
            (date(2026, 12, 31), (("22:00", "09:00"),), None),
        ],
    )
    def test_a_dated_day_is_held_against_itself_and_its_neighbours(
        self, world, now, day, hours, named
    ) -> None:
        if named is None:
            # New Year's Day is closed, so the night before may run into it.
            change(world, SetDay(day, hours, "跨年值班"), now)
            return
        [problem] = self.refused(world, SetDay(day, hours, "盘点"), now)
        assert (problem.code, problem.field) == ("calendar_hours_overlap", "hours")
        assert (problem.params["earlier_on"], problem.params["later_on"]) == named

    def test_taking_a_holiday_away_must_not_uncover_an_overlap(self, world, now) -> None:
        change(world, SetDay(date(2026, 12, 31), (("22:00", "09:00"),), "跨年值班"), now)
        [problem] = self.refused(world, RemoveDay(date(2027, 1, 1)), now)
        assert (problem.params["earlier_on"], problem.params["later_on"]) == ("2026-12-31", "2027-01-01")

    def test_every_weekday_that_cannot_be_read_is_named(self, world, now) -> None:
        problems = self.refused(world, SetWeek({"mon": [["morning", ""]], "wed": [["25:00", "26:00"]]}), now)
        assert [(one.code, one.field) for one in problems] == [
            ("calendar_hours_invalid", "mon"),
            ("calendar_hours_invalid", "wed"),
        ]

    def test_a_calendar_needs_hours(self, world, now) -> None:
        [problem] = self.refused(world, SetWeek(dict.fromkeys(WEEKDAYS, ())), now)
        assert (problem.code, problem.field) == ("calendar_never_open", "mon")

    @pytest.mark.parametrize("year", [2003, 2100])
    def test_a_day_lies_in_the_years_that_are_kept(self, world, now, year) -> None:
        [problem] = self.refused(world, SetDay(date(year, 5, 1), (), "劳动节"), now)
        assert (problem.code, problem.field) == ("calendar_year_out_of_range", "day")

    def test_a_bad_time_on_a_day_is_told_at_its_hours(self, world, now) -> None:
        [problem] = self.refused(world, SetDay(date(2026, 12, 5), (("9", "12:00"),), "盘点"), now)
        assert (problem.code, problem.field) == ("calendar_hours_invalid", "hours")

    def test_only_the_administrator_changes_calendars(self, world, now) -> None:
        for actor in (world.manager, world.claims1, world.hq, world.safety_gongyi):
            with pytest.raises(Forbidden):
                preview_change("office", FillYear(2027), version=1, actor=actor, now=now)
            with pytest.raises(Forbidden):
                make_calendar(NewCalendar("x1", "值班", "", "UTC", {"mon": NIGHT}), actor=actor, now=now)

    def test_an_unknown_calendar_or_day_is_not_found_and_a_stale_one_is_told(self, world, now) -> None:
        with pytest.raises(NotFound):
            change(world, FillYear(2027), now, code="lunar")
        with pytest.raises(NotFound):
            change(world, RemoveDay(date(2026, 12, 5)), now)
        with pytest.raises(Conflict, match="stale"):
            preview_change("office", FillYear(2027), version=99, actor=world.admin, now=now)


class TestNewCalendar:
    def command(self, **changes: object) -> NewCalendar:
        values = {"code": "night-desk", "name": "夜班", "name_en": "Night desk", "zone": "Asia/Urumqi"}
        return NewCalendar(**{"week": {"mon": NIGHT, "tue": NIGHT}, **values, **changes})

    def test_is_made_with_its_first_version_and_clocks_can_count_by_it(self, world, now) -> None:
        row = make_calendar(self.command(), actor=world.admin, now=now)

        assert calendars.version_of(row.digest).number == 1
        night = calendars.working_calendar(calendars.current_digest("night-desk"))
        # Monday 22:00 in Urumqi is midnight in Shanghai.
        assert night.next_opening(now) == china("2026-11-24 00:00")
        assert not calendars.depends_on_provisional("night-desk", now, china("2031-01-01 09:00"))
        assert db.session.scalars(
            select(AuditEntry.entity_label)
            .where(AuditEntry.action == "calendar_made")
            .order_by(AuditEntry.id)
        ).all() == ["night-desk"]

    def test_is_called_by_its_name_in_the_pills_of_its_clocks(self, world, now) -> None:
        make_calendar(self.command(), actor=world.admin, now=now)
        timer = start(world, now)
        timer.calendar_code = "night-desk"
        assert "Night desk" in (words.pill(timer, now).title or "")

    @pytest.mark.parametrize(
        ("wrong", "code", "field"),
        [
            ({"code": "office"}, "calendar_code_taken", "code"),
            ({"code": "Night desk"}, "calendar_code_invalid", "code"),
            ({"code": "x"}, "calendar_code_invalid", "code"),
            ({"name": ""}, "calendar_name_missing", "name"),
            ({"zone": "Asia/Zhengzhou"}, "calendar_zone_unknown", "zone"),
            ({"zone": "localtime"}, "calendar_zone_unknown", "zone"),
            ({"week": {}}, "calendar_never_open", "mon"),
            ({"week": {"sun": NIGHT, "mon": [["00:00", "24:00"]]}}, "calendar_hours_overlap", "mon"),
            ({"week": {"sat": [["8", "9"]]}}, "calendar_hours_invalid", "sat"),
        ],
    )
    def test_refuses_what_is_wrong_at_its_field(self, world, now, wrong, code, field) -> None:
        before = rows_of(WorkingCalendarRow, CalendarVersion, AuditEntry)
        with pytest.raises(InvalidMany) as refusal:
            make_calendar(self.command(**wrong), actor=world.admin, now=now)
        assert [(one.code, one.field) for one in refusal.value.problems] == [(code, field)]
        assert rows_of(WorkingCalendarRow, CalendarVersion, AuditEntry) == before


class TestVersions:
    def test_each_change_is_a_version_that_can_be_compared_with_the_one_before(self, world, now) -> None:
        change(world, SetDay(date(2026, 12, 24), (), "年会"), now)
        change(world, SetWeek({**content().week, "sat": [["09:00", "12:00"]]}), now + timedelta(hours=1))

        first, second, third = calendars.list_versions("office")

        assert [first.number, second.number, third.number] == [1, 2, 3]
        assert (second.made_at, third.made_at) == (now, now + timedelta(hours=1))
        assert [one.day for one in differences(first.form, second.form).days] == [date(2026, 12, 24)]
        assert [one.weekday for one in differences(second.form, third.form).week] == ["sat"]


class TestPreview:
    DAY_OFF = SetDay(date(2026, 11, 24), (), "停电")

    def test_lists_the_clocks_that_would_move_and_by_how_much_and_writes_nothing(self, world, now) -> None:
        timer = start(world, now)
        start(world, now, step=ClockStep.SURVEY, number=2)
        before = rows_of(CalendarVersion, CalendarDay, AuditEntry)

        seen = preview(world, self.DAY_OFF, now)

        assert (seen.open_count, seen.broken_count, len(seen.moves)) == (1, 0, 1)
        move = seen.moves[0]
        assert (move.timer.id, move.old.due_at, move.new.due_at) == (
            timer.id,
            china("2026-11-26 09:00"),
            china("2026-11-27 09:00"),
        )
        assert seen.people[timer.holder_id].id == world.claims1.id
        assert rows_of(CalendarVersion, CalendarDay, AuditEntry) == before
        assert not db.session.dirty

    def test_saving_moves_nothing_and_the_preview_told_what_recomputing_would(self, world, now) -> None:
        timer = start(world, now)
        due_at = timer.due_at
        change(world, self.DAY_OFF, now)
        db.session.refresh(timer)
        assert timer.due_at == due_at

    @pytest.mark.parametrize(
        ("what", "days"),
        [
            (RemoveDay(date(2026, 10, 1)), -1),
            (SetWeek(dict.fromkeys(("mon", "tue", "wed", "thu"), OFFICE_DAY)), 2),
            (FillYear(2026), 0),
        ],
    )
    def test_of_every_kind_of_change(self, world, what, days) -> None:
        at = china("2026-09-30 16:30")
        start(world, at)

        moves = preview(world, what, at).moves

        assert [move.shift_seconds // 86_400 for move in moves] == ([days] if days else [])

    def test_counts_broken_ones_apart_and_leaves_ended_ones_out(self, world, now) -> None:
        start(world, now - timedelta(days=10))
        ended = start(world, now, number=2)
        matter = Matter("claim", 2, "CLM-2026-000002", world.account.id)
        sla.stop(matter, [ended.step], at=now, actor=None, now=now)

        seen = preview(world, self.DAY_OFF, now)

        assert (seen.open_count, seen.broken_count, seen.moves) == (1, 1, ())

    def test_a_pause_that_has_run_out_unseen_is_measured_as_running(self, world, now) -> None:
        timer = start(world, now)
        sla.pause(timer.id, PauseReason.VEHICLE_UNAVAILABLE, "", None, actor=world.claims1, now=now)
        later = now + timedelta(days=8)

        seen = preview(world, SetDay(date(2026, 12, 2), (), "停电"), later)

        assert [move.shift_seconds for move in seen.moves] == [86_400]
        assert seen.moves[0].old.due_at == china("2026-12-03 09:00")

    def test_does_not_take_the_credit_of_an_earlier_change(self, world, now) -> None:
        timer = start(world, now)
        change(world, self.DAY_OFF, now)

        assert preview(world, SetDay(date(2026, 12, 24), (), "年会"), now).moves == ()
        [move] = preview(world, SetDay(date(2026, 11, 25), (), "停电"), now).moves
        assert (move.old.due_at, move.new.due_at) == (timer.due_at, china("2026-11-30 09:00"))
        # Undoing the earlier change brings the clock back to what it counts on: it would not move.
        assert preview(world, RemoveDay(date(2026, 11, 24)), now).moves == ()

    def test_sees_every_account_for_a_calendar_is_everybodys(self, world, now) -> None:
        foreign = Matter("claim", 9, "CLM-2026-000009", world.foreign_account.id, world.foreign_branch.id)
        sla.start(foreign, ClockStep.FOLLOWUP, holder_id=world.claims1.id, at=now, actor=None, now=now)
        assert len(preview(world, self.DAY_OFF, now).moves) == 1
