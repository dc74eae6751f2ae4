"""Whom a clock tells what: the holder, the managers, and whom an escalation step names."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import delete, update

from service_desk.models.db import db
from service_desk.models.sla import ServiceLevel, Timer
from service_desk.models.users import User, UserAccount
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.sla import Happening, HappeningKind
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla.people import People
from tests.world import World

Start = Callable[[list[str]], Timer]


@pytest.fixture
def start(world: World, now: datetime) -> Start:
    """A survey clock of the first handler whose level escalates to these, one after the other."""
    sla.install_defaults(now)

    def start_survey(escalate_to: list[str]) -> Timer:
        after = [60 * count for count, _ in enumerate(escalate_to, start=1)] or [60]
        db.session.execute(update(ServiceLevel).values(escalate_after_minutes=after, escalate_to=escalate_to))
        matter = Matter("claim", 7, "CLM-2026-000007", world.account.id, world.gongyi.id)
        timer = sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=now, actor=None, now=now)
        assert timer is not None
        return timer

    return start_survey


def told(timer: Timer, kind: HappeningKind, level: int = 0) -> list[str]:
    happening = Happening(timer.started_at, kind, level)
    return [user.username for user in People([timer]).recipients(timer, happening)]


def escalated(timer: Timer, level: int = 2) -> list[str]:
    return told(timer, HappeningKind.ESCALATION, level)


def dismiss(user: User) -> None:
    user.is_active = False
    db.session.flush()


def test_warning_and_end_of_pause_go_to_the_holder_and_a_breach_to_the_managers_too(start) -> None:
    timer = start([])
    assert told(timer, HappeningKind.WARNING) == ["claims1"]
    assert told(timer, HappeningKind.PAUSE_END, 1) == ["claims1"]
    assert told(timer, HappeningKind.BREACH) == ["claims1", "manager"]


def test_each_escalation_goes_where_its_own_step_says(start, world) -> None:
    timer = start(["role:claims", f"user:{world.underwriter.id}", "role:admin"])
    assert escalated(timer, 2) == ["claims1", "claims2"]
    assert escalated(timer, 3) == ["underwriter"]
    assert escalated(timer, 4) == ["admin"]


def test_an_escalation_that_names_nobody_goes_to_the_managers(start) -> None:
    assert escalated(start([])) == ["manager"]
    assert escalated(start(["role:claims"]), 3) == ["manager"]


def test_a_role_of_another_account_is_not_told(start, world) -> None:
    world.claims2.role = Role.MANAGER
    db.session.execute(
        update(UserAccount)
        .where(UserAccount.user_id == world.claims2.id)
        .values(account_id=world.foreign_account.id)
    )
    assert escalated(start(["role:manager"])) == ["manager"]


def test_one_who_left_the_account_is_not_told_and_the_managers_are(start, world) -> None:
    timer = start([f"user:{world.underwriter.id}"])
    db.session.execute(delete(UserAccount).where(UserAccount.user_id == world.underwriter.id))
    assert escalated(timer) == ["manager"]


def test_people_no_longer_active_are_never_told_and_others_are_in_their_place(start, world) -> None:
    timer = start([f"user:{world.underwriter.id}", "role:claims"])
    dismiss(world.underwriter)
    dismiss(world.claims1)
    assert told(timer, HappeningKind.WARNING) == ["manager"]
    assert told(timer, HappeningKind.BREACH) == ["manager"]
    assert escalated(timer, 2) == ["manager"]
    assert escalated(timer, 3) == ["claims2"]


def test_without_managers_the_administrators_hear_of_it(start, world) -> None:
    timer = start(["role:manager"])
    dismiss(world.manager)
    assert escalated(timer) == ["admin"]
    assert told(timer, HappeningKind.BREACH) == ["claims1", "admin"]
    dismiss(world.claims1)
    assert told(timer, HappeningKind.WARNING) == ["admin"]


def test_one_who_is_addressed_twice_is_told_once(start, world) -> None:
    timer = start([])
    timer.holder_id = world.manager.id
    assert told(timer, HappeningKind.BREACH) == ["manager"]
