"""Claims with dates out of order: the database finds what the rule finds, and managers alone get the list."""

from datetime import datetime, timedelta
from random import Random

import pytest

from service_desk.base.clock import local_date
from service_desk.base.errors import Forbidden
from service_desk.base.paging import PageRequest
from service_desk.models.claims import ClaimEvent
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimAction, ClaimState
from service_desk.rules.date_order import Milestone
from service_desk.rules.periods import Preset, period_of
from service_desk.services.claims.date_order import DateOrderFilter, disorders_of, list_disordered
from service_desk.services.claims.files import read_file
from tests.claim_cases import Journey, reported_claim
from tests.world import World

# Between the report and the payment; the survey stands between them too.
EARLY = (ClaimAction.DISPATCH, ClaimAction.ASSESS, ClaimAction.CALCULATE, ClaimAction.APPROVE)


def test_a_claim_worked_by_the_services_is_in_order(world: World, now: datetime) -> None:
    claim = Journey(world, reported_claim(world, now), now).to(ClaimState.CLOSED)

    file = read_file(claim.number, actor=world.claims1)

    assert disorders_of(claim, file.events) == []


def test_the_database_finds_exactly_what_the_rule_finds(world: World, now: datetime) -> None:
    chance = Random(7)
    claims = [reported_claim(world, now, vehicle=chance.choice((world.coach, world.bus))) for _ in range(30)]
    expected = set()
    for number, claim in enumerate(claims):
        seconds = [chance.randrange(-90, 1200) for _ in range(5)]
        if number % 2:
            # In order, but for what falls on one minute.
            seconds = sorted(max(0, one) for one in seconds)
        arrived, dispatched, surveyed, paid, closed = (
            claim.reported_at + timedelta(seconds=one) for one in seconds
        )
        claim.arrived_at, claim.surveyed_at, claim.closed_at = arrived, surveyed, closed
        events = [
            ClaimEvent(
                claim_id=claim.id,
                round=chance.choice((1, 1, 1, 2)),
                at=at,
                recorded_at=now,
                kind=action.value,
                action=action,
            )
            for action, at in ((chance.choice(EARLY), dispatched), (ClaimAction.PAY, paid))
        ]
        db.session.add_all(events)
        if disorders_of(claim, events):
            expected.add(claim.number)
    db.session.commit()
    assert 0 < len(expected) < len(claims)
    wanted = DateOrderFilter(period_of(Preset.LAST_90_DAYS, local_date(now)))

    page = list_disordered(world.account.id, wanted, PageRequest(1, 50), actor=world.manager)

    assert {row.claim.number for row in page.rows} == expected
    assert page.total == len(expected)
    assert all(row.disorders for row in page.rows)
    in_gongyi = list_disordered(
        world.account.id,
        DateOrderFilter(wanted.period, world.gongyi.id),
        PageRequest(1, 50),
        actor=world.manager,
    )
    assert {row.claim.branch_id for row in in_gongyi.rows} == {world.gongyi.id}
    with pytest.raises(Forbidden):
        list_disordered(world.account.id, wanted, PageRequest(), actor=world.claims1)


def test_an_arrival_before_the_report_is_listed_and_left_as_it_is(world: World, now: datetime) -> None:
    claim = Journey(world, reported_claim(world, now), now).to(ClaimState.SURVEYED)
    claim.arrived_at = claim.reported_at - timedelta(minutes=5)
    db.session.commit()

    found = disorders_of(claim, read_file(claim.number, actor=world.claims1).events)

    assert [(one.earlier, one.later) for one in found] == [(Milestone.DISPATCH, Milestone.ARRIVAL)]
    assert found[0].later_at == claim.arrived_at
