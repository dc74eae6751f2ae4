"""Calendars and service levels in the database: the starting set, versions, ties."""

import itertools
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.sla import CalendarDay, CalendarVersion, ServiceLevel, Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import TargetUnit
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import calendar_edits, calendars, levels
from service_desk.services.sla.calendar_edits import RemoveDay, SetDay
from service_desk.services.sla.levels import LevelConditions, LevelTerms
from tests.world import World


@pytest.fixture
def defaults(session, now) -> None:
    sla.install_defaults(now)
    session.commit()


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def china(text: str) -> datetime:
    return datetime.strptime(f"{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


def terms(**changes: object) -> LevelTerms:
    """One working day from today on."""
    values = {
        "target_value": 1,
        "target_unit": TargetUnit.WORKING_DAYS,
        "warn_percent": 75,
        "calendar_code": "office",
        "source": "",
        "effective_on": date(2026, 11, 23),
    }
    return LevelTerms(**{**values, **changes})


class TestStartingSet:
    def test_installing_again_adds_nothing(self, defaults, now) -> None:
        before = [count(model) for model in (ServiceLevel, CalendarDay, CalendarVersion)]

        sla.install_defaults(now)

        assert [count(model) for model in (ServiceLevel, CalendarDay, CalendarVersion)] == before

    def test_every_step_has_a_promise(self, defaults) -> None:
        assert set(db.session.scalars(select(ServiceLevel.step))) == set(ClockStep)

    def test_a_make_up_saturday_is_worked_and_a_holiday_is_not(self, defaults) -> None:
        office = calendars.working_calendar(calendars.current_digest("office"))
        assert office.is_open(china("2026-10-10 09:00"))
        assert not office.is_open(china("2026-10-01 09:00"))
        assert not office.is_open(china("2027-10-01 09:00"))

    def test_next_years_days_are_provisional_until_the_notice(self, defaults) -> None:
        marks = db.session.execute(select(CalendarDay.day, CalendarDay.is_provisional)).all()
        assert {mark for day, mark in marks if day.year == 2027} == {True}
        assert {mark for day, mark in marks if day.year < 2027} == {False}

    def test_a_new_year_is_filled_without_touching_what_people_changed(self, defaults, world, now) -> None:
        office = calendars.get_calendar("office")
        command = SetDay(date(2026, 12, 24), (), "年会")
        calendar_edits.change_calendar("office", command, version=office.version, actor=world.admin, now=now)

        sla.install_defaults(now + timedelta(days=365))

        years = {day.year for day in db.session.scalars(select(CalendarDay.day))}
        assert 2028 in years
        assert calendars.content_of(office).days[date(2026, 12, 24)].label == "年会"


class TestCalendars:
    def test_a_change_makes_a_version_and_leaves_running_clocks_alone(self, defaults, world, now) -> None:
        matter = Matter("claim", 1, "CLM-2026-000001", world.account.id)
        old = start(world, matter, now)
        office = calendars.get_calendar("office")
        digest, due_at = old.calendar_digest, old.due_at

        command = SetDay(date(2026, 11, 24), (), "停电")
        calendar_edits.change_calendar("office", command, version=office.version, actor=world.admin, now=now)
        new = start(world, Matter("claim", 2, "CLM-2026-000002", world.account.id), now)

        assert (old.calendar_digest, old.due_at) == (digest, due_at)
        assert new.calendar_digest != digest
        assert new.due_at == old.due_at + timedelta(days=1)

    def test_a_stale_change_is_refused(self, defaults, world, now) -> None:
        version = calendars.get_calendar("office").version
        command = SetDay(date(2026, 11, 24), (), "停电")
        calendar_edits.change_calendar("office", command, version=version, actor=world.admin, now=now)
        with pytest.raises(Conflict, match="stale"):
            calendar_edits.change_calendar("office", command, version=version, actor=world.admin, now=now)

    def test_removing_a_day_brings_the_earlier_version_back(self, defaults, world, now) -> None:
        office = calendars.get_calendar("office")
        digest = office.digest
        day = date(2026, 11, 24)
        calendar_edits.change_calendar(
            "office", SetDay(day, (), "停电"), version=office.version, actor=world.admin, now=now
        )
        calendar_edits.change_calendar(
            "office", RemoveDay(day), version=office.version, actor=world.admin, now=now
        )
        assert office.digest == digest

    def test_an_unknown_calendar_or_day_is_not_found(self, defaults, world, now) -> None:
        with pytest.raises(NotFound):
            calendars.get_calendar("lunar")
        version = calendars.get_calendar("office").version
        with pytest.raises(NotFound):
            calendar_edits.change_calendar(
                "office", RemoveDay(date(2026, 11, 24)), version=version, actor=world.admin, now=now
            )


class TestLevels:
    def test_an_own_promise_to_an_account_beats_the_general_one(self, defaults, world, now) -> None:
        conditions = LevelConditions(ClockStep.FOLLOWUP, account_id=world.account.id)
        levels.add_level(conditions, terms(), actor=world.manager, now=now)

        chosen = levels.choose(
            ClockStep.FOLLOWUP,
            on=date(2026, 11, 23),
            account_id=world.account.id,
            severity=None,
            is_urban=None,
            amount_fen=None,
        )
        other = levels.choose(
            ClockStep.FOLLOWUP,
            on=date(2026, 11, 23),
            account_id=world.foreign_account.id,
            severity=None,
            is_urban=None,
            amount_fen=None,
        )
        assert (chosen.target_value, other.target_value) == (1, 3)

    @pytest.mark.parametrize(
        "conditions",
        [
            LevelConditions(ClockStep.FOLLOWUP),
            LevelConditions(ClockStep.ASSESSMENT, amount_to_fen=500_000),
            LevelConditions(ClockStep.ASSESSMENT, is_urban=True),
        ],
    )
    def test_a_tie_is_refused_when_saved(self, defaults, world, now, conditions) -> None:
        with pytest.raises(Invalid, match="level_tie") as refusal:
            levels.add_level(conditions, terms(), actor=world.admin, now=now)
        assert db.session.get(ServiceLevel, refusal.value.params["level_id"]).step is conditions.step

    def test_bands_that_only_touch_do_not_tie(self, defaults, world, now) -> None:
        conditions = LevelConditions(ClockStep.ASSESSMENT, amount_from_fen=200_000, amount_to_fen=500_000)
        levels.add_level(conditions, terms(), actor=world.admin, now=now)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"target_value": 0}, "target_too_short"),
            ({"warn_percent": 0}, "warn_percent_out_of_range"),
            ({"effective_on": date(2026, 11, 22)}, "level_date_past"),
        ],
    )
    def test_refuses_terms_that_cannot_be_kept(self, defaults, world, now, changes, code) -> None:
        conditions = LevelConditions(ClockStep.FOLLOWUP, account_id=world.account.id)
        with pytest.raises(Invalid, match=code):
            levels.add_level(conditions, terms(**changes), actor=world.admin, now=now)

    def test_promises_to_all_accounts_are_the_administrators(self, defaults, world, now) -> None:
        row = db.session.scalars(select(ServiceLevel).where(ServiceLevel.step == ClockStep.FOLLOWUP)).one()
        later = terms(effective_on=date(2026, 12, 1))
        with pytest.raises(Forbidden):
            levels.change_level(row.id, later, version=row.version, actor=world.manager, now=now)
        with pytest.raises(Forbidden):
            levels.change_level(row.id, later, version=row.version, actor=world.claims1, now=now)
        new = levels.change_level(row.id, later, version=row.version, actor=world.admin, now=now)
        assert (row.ended_on, new.ended_on) == (date(2026, 12, 1), None)
        assert chosen_on(world, date(2026, 11, 30)) == row.id
        assert chosen_on(world, date(2026, 12, 1)) == new.id


_FILE = Path(__file__).parents[1] / "data" / "settlement_examples.json"
EXAMPLES = {example["id"]: example for example in json.loads(_FILE.read_text("utf-8"))["examples"]}


class TestPublishedTerms:
    """The worked examples of legal terms hold from the start of a clock to its due time."""

    def last_day(self, world: World, step: ClockStep, start: str) -> str:
        """The last day of the step's term for a clock started at eleven on the day; it ends at 24:00."""
        at = china(f"{start} 11:00")
        matter = Matter("claim", 1, "CLM-2026-000001", world.account.id)
        timer = sla.start(matter, step, holder_id=world.claims1.id, at=at, actor=None, now=at)
        assert timer is not None
        assert timer.due_at is not None
        assert timer.due_at == china(f"{local_date(timer.due_at)} 00:00")
        return (local_date(timer.due_at) - timedelta(days=1)).isoformat()

    def test_d01_the_ctpl_chain(self, defaults, world) -> None:
        given, expected = EXAMPLES["D01"]["inputs"], EXAMPLES["D01"]["expected"]

        listed = self.last_day(world, ClockStep.CTPL_DOCUMENT_LIST, given["application"])
        decided = self.last_day(world, ClockStep.CTPL_DECISION, given["documents_received"])
        paid = self.last_day(world, ClockStep.PAYMENT, given["agreement"])

        assert listed == expected["document_list_due"]
        assert decided == expected["decision_due_rolled"]
        assert paid == expected["payment_due"]

    def test_d02_the_commercial_terms(self, defaults, world) -> None:
        given, expected = EXAMPLES["D02"]["inputs"], EXAMPLES["D02"]["expected"]

        decided = self.last_day(world, ClockStep.LIABILITY_DECISION, given["request"])
        refused = self.last_day(world, ClockStep.DENIAL_NOTICE, given["refusal_decision"])
        advanced = self.last_day(world, ClockStep.ADVANCE_PAYMENT, given["documents_complete"])

        assert decided == expected["decision_due"]
        assert refused == expected["refusal_notice_due"]
        assert advanced == expected["advance_due"]

    def test_d03_assessment_targets_by_amount(self, defaults, world, now) -> None:
        amounts, days = EXAMPLES["D03"]["inputs"]["assessed"], EXAMPLES["D03"]["expected"]["working_days"]
        bands = itertools.pairwise([None, *amounts[:-1], None])
        for (low, high), target in zip(bands, days, strict=True):
            conditions = LevelConditions(
                ClockStep.ASSESSMENT,
                account_id=world.account.id,
                amount_from_fen=low and low * 100,
                amount_to_fen=high and high * 100,
            )
            levels.add_level(conditions, terms(target_value=target), actor=world.manager, now=now)

        promised = []
        for claim_id, amount in enumerate(amounts, start=1):
            matter = Matter("claim", claim_id, f"CLM-2026-{claim_id:06d}", world.account.id)
            timer = sla.start(
                matter,
                ClockStep.ASSESSMENT,
                holder_id=world.claims1.id,
                at=now,
                actor=None,
                now=now,
                amount_fen=amount * 100,
            )
            assert timer is not None
            promised.append((timer.target_value, timer.target_unit))

        assert promised == [(target, TargetUnit.WORKING_DAYS) for target in days]


def chosen_on(world: World, day: date) -> int:
    chosen = levels.choose(
        ClockStep.FOLLOWUP,
        on=day,
        account_id=world.account.id,
        severity=None,
        is_urban=None,
        amount_fen=None,
    )
    assert chosen is not None
    return chosen.id


def start(world: World, matter: Matter, at: datetime) -> Timer:
    timer = sla.start(matter, ClockStep.FOLLOWUP, holder_id=world.claims1.id, at=at, actor=None, now=at)
    assert timer is not None
    return timer
