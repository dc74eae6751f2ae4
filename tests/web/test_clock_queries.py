"""The clock's pages ask the database as often for many rows as for few, and looking at them writes nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import event

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.sla import Absence, AbsenceKind, ServiceLevel, Timer
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.sla import TargetUnit
from service_desk.services import sla
from service_desk.services.claims import common
from service_desk.services.sla import objections
from tests.breach_cases import CORRECTION, MINUTE, finding, late_survey
from tests.claim_cases import reported_claim
from tests.factories import UserFactory
from tests.world import World

FEW, MANY = 2, 9

PAGES = {
    "manager": (
        *(f"/breaches?view={view}" for view in ("open", "reviewed", "corrections")),
        *(f"/compliance?period=last_90_days&by={by}" for by in ("step", "branch", "person", "week")),
        *(f"/compliance/timers?period=last_90_days&{only}" for only in ("", "used_by={claims1}")),
        "/claims/{number}",
        "/timers/{timer}",
        "/settings/levels",
        "/settings/levels/{level}",
        "/settings/recompute",
        "/absences",
        "/what-if?step=survey&from_on=2026-11-01&to_on=2026-11-30&target_value=500&target_unit=minutes",
    ),
    "claims2": ("/",),
    "hq": ("/claims/{number}", "/timers/{timer}", "/compliance/timers?period=last_90_days"),
}


@pytest.fixture
def claim(world: World, now: datetime) -> Iterator[Claim]:
    with time_machine.travel(now, tick=False):
        yield reported_claim(world, now)


def test_clock_pages_ask_as_often_for_many_rows_as_for_few(
    world: World, now: datetime, claim: Claim, sign_in: Callable[[str], FlaskClient]
) -> None:
    for number in range(FEW):
        _add_rows(world, now, claim, number)
    few = _counts(world, claim, sign_in)

    for number in range(FEW, MANY):
        _add_rows(world, now, claim, number)
    many = _counts(world, claim, sign_in)

    more = [
        f"{page}: {few[page]} for few, {count} for many" for page, count in many.items() if count > few[page]
    ]
    assert not more, "\n".join(more)


def _counts(world: World, claim: Claim, sign_in: Callable[[str], FlaskClient]) -> dict[str, int]:
    ids = {
        "claims1": world.claims1.id,
        "number": claim.number,
        "timer": _clock(claim).id,
        "level": _clock(claim).level_id,
    }
    counts = {}
    for username, pages in PAGES.items():
        client = sign_in(username)
        for page in pages:
            with _statements() as asked:
                assert client.get(page.format(**ids)).status_code == 200
            assert not [one for one in asked if one.startswith(("INSERT", "UPDATE", "DELETE"))]
            counts[f"{username} {page}"] = len(asked)
    return counts


@contextmanager
def _statements() -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def _clock(claim: Claim) -> Timer:
    clocks = sla.timers_of("claim", [claim.id])[claim.id]
    return next(clock for clock in clocks if clock.step is ClockStep.SURVEY)


def _add_rows(world: World, now: datetime, claim: Claim, number: int) -> None:
    """One more of each: breaches open and reviewed, a correction, a pause, a clock, a level, somebody away."""
    late_survey(world, now, number=1000 + number)
    reviewed = late_survey(world, now, number=2000 + number)
    sla.sign_review(reviewed.id, finding(world.claims2, correction=CORRECTION), actor=world.manager, now=now)
    _pause(world, now, claim, number)
    at = now - number * MINUTE
    sla.stop(common.matter_of(claim), (ClockStep.FOLLOWUP,), at=now, actor=world.claims1, now=now)
    common.start_clock(claim, ClockStep.FOLLOWUP, at=now, actor=world.claims1, now=now)
    person = UserFactory(username=f"away{number}", role=Role.CLAIMS, accounts=[world.account])
    db.session.add_all([_level(world, number), _absence(person.id, world.claims1.id, at)])
    db.session.commit()


def _pause(world: World, now: datetime, claim: Claim, number: int) -> None:
    """Short pauses of the survey's clock; every other one is objected to."""
    timer, begins = _clock(claim), now - (15 - number) * MINUTE
    sla.pause(timer.id, "vehicle_unavailable", "车主下周回场", None, actor=world.claims1, now=begins)
    sla.resume(timer.id, actor=world.claims1, now=begins + timedelta(seconds=20))
    if number % 2:
        last = [entry for entry in sla.entries_of([timer.id])[timer.id] if entry.kind == "pause"][-1]
        objections.object_to_pause(timer.id, last.id, "车辆一直在场", actor=world.hq, now=now)


def _level(world: World, number: int) -> ServiceLevel:
    return ServiceLevel(
        step=ClockStep.PAYMENT,
        account_id=world.account.id,
        amount_from_fen=number * 100,
        amount_to_fen=number * 100 + 50,
        target_value=5,
        target_unit=TargetUnit.HOURS,
        warn_percent=75,
        escalate_after_minutes=[60],
        escalate_to=[f"user:{world.claims1.id}"],
        calendar_code="office",
        effective_on=date(2027, 1, 1),
    )


def _absence(user_id: int, substitute_id: int, entered_at: datetime) -> Absence:
    from_at = entered_at + timedelta(days=1)
    return Absence(
        user_id=user_id,
        substitute_id=substitute_id,
        kind=AbsenceKind.LEAVE,
        from_at=from_at,
        to_at=from_at + timedelta(days=1),
        next_change_at=from_at,
        entered_by_id=user_id,
        entered_at=entered_at,
    )
