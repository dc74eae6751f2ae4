"""Two people who change the clock's settings at the same moment: one wins, the other is told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.errors import DomainError
from service_desk.models.db import db, unit_of_work
from service_desk.models.sla import CalendarDay, ServiceLevel, WorkingCalendarRow
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import TargetUnit
from service_desk.services import sla
from service_desk.services.sla import calendar_edits, calendars, levels
from service_desk.services.sla.calendar_edits import NewCalendar, SetDay
from service_desk.services.sla.levels import LevelConditions, LevelTerms
from tests.world import World

Act = Callable[[User, int], object]


@pytest.fixture
def both(app: Flask, world: World, session, now: datetime) -> Callable[[str, Act], list[str]]:
    """`both(username, act)`: two act at once, as number 1 and 2; what became of each, refusals by their codes."""
    sla.install_defaults(now)
    session.commit()

    def run(username: str, act: Act) -> list[str]:
        user_id, start = getattr(world, username).id, Barrier(2)
        session.commit()

        def one(number: int) -> str:
            with app.app_context():
                try:
                    start.wait()
                    with unit_of_work():
                        act(db.session.get_one(User, user_id), number)
                except DomainError as refused:
                    return getattr(refused, "problems", [refused])[0].code
                finally:
                    db.session.remove()
            return "done"

        with ThreadPoolExecutor(2) as pool:
            return sorted(pool.map(one, (1, 2)))

    return run


def test_a_day_is_written_once(both, now: datetime) -> None:
    version = calendars.get_calendar("office").version
    change = SetDay(date(2027, 5, 20), (("08:00", "12:00"),), "值班")

    answers = both(
        "admin",
        lambda actor, _number: calendar_edits.change_calendar(
            "office", change, version=version, actor=actor, now=now
        ),
    )

    assert answers == ["done", "stale"]
    assert _count(CalendarDay.id, CalendarDay.day == change.day) == 1


def test_a_code_is_given_to_one_calendar(both, now: datetime) -> None:
    command = NewCalendar("night", "夜班", "Night", "Asia/Shanghai", {"mon": [["22:00", "06:00"]]})

    answers = both(
        "admin", lambda actor, _number: calendar_edits.make_calendar(command, actor=actor, now=now)
    )

    assert answers == ["calendar_code_taken", "done"]
    assert _count(WorkingCalendarRow.id, WorkingCalendarRow.code == "night") == 1


def test_two_levels_that_tie_are_not_both_promised(both, world: World, now: datetime) -> None:
    conditions = LevelConditions(ClockStep.DISPATCH, account_id=world.account.id)

    def add(actor: User, number: int) -> None:
        terms = LevelTerms(number, TargetUnit.HOURS, 75, "office", "", date(2027, 1, 1))
        levels.add_level(conditions, terms, actor=actor, now=now)

    assert both("manager", add) == ["done", "level_tie"]
    assert _count(ServiceLevel.id, ServiceLevel.account_id == conditions.account_id) == 1


def _count(column, condition) -> int | None:
    return db.session.scalar(select(func.count(column)).where(condition))
