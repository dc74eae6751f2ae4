"""Another vehicle in a policy's place: one act, two policies, each naming the other."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Invalid
from service_desk.models.db import db
from service_desk.models.fleet import VehicleState
from service_desk.models.policies import EndorsementKind, Policy, PolicyState
from service_desk.rules.settlement.cancellation import CancelReason
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services.policies import LineChoice, coverage, queries
from tests.endorsement_cases import endorse, issue, ledger, premium_with_tax
from tests.factories import VehicleFactory
from tests.world import World

K = EndorsementKind
TPL_ONLY = (LineChoice(PolicyLine.COMMERCIAL, "tpl_1m"),)


@pytest.fixture
def commercial(world: World, now: datetime) -> Policy:
    """The coach's commercial policy: 14,340 a year from 23 November 2026."""
    return issue(world, world.coach, now)[PolicyLine.COMMERCIAL]


@pytest.fixture
def later(now: datetime) -> datetime:
    """3 March 2027: 265 of 365 days remain."""
    return now + timedelta(days=100)


def test_a_replacement_goes_on_to_the_same_end_and_each_policy_names_the_other(
    world: World, commercial: Policy, later: datetime
) -> None:
    spare = VehicleFactory(branch=world.gongyi, plate="豫A55667", seats=22)
    db.session.commit()
    made = endorse(world, commercial, later, K.REPLACEMENT, vehicle="豫A55667")
    new = db.session.scalars(select(Policy).where(Policy.replaces_id == commercial.id)).one()
    assert made.after["replaced_by"] == new.number
    assert (new.starts_at, new.ends_at) == (later, commercial.agreed_ends_at)
    assert (commercial.state, commercial.ends_at) == (PolicyState.CANCELLED, later)
    assert made.premium_fen == -(14_340_00 - round(14_340_00 * 100 / 365))
    assert new.premium_fen == round((5_180_00 + 4_620_00) * 265 / 365)
    assert (new.annual_fen, new.year_days, new.vehicle_id) == (9_800_00, 365, spare.id)
    assert [one.code for one in coverage.limits_of([new.id])[new.id]] == [
        CoverCode.TPL,
        CoverCode.OWN_DAMAGE,
    ]
    for policy in (commercial, new):
        assert ledger(policy)[0] == premium_with_tax(policy)
    old_view, new_view = (
        queries.get_policy(policy.number, actor=world.underwriter, now=later) for policy in (commercial, new)
    )
    assert (old_view.replaced_by, new_view.replaces) == (new.number, commercial.number)


def test_a_policy_that_replaced_another_is_endorsed_by_the_days_of_its_year(
    world: World, commercial: Policy, later: datetime
) -> None:
    VehicleFactory(branch=world.gongyi, plate="豫A55667", seats=22)
    db.session.commit()
    endorse(world, commercial, later, K.REPLACEMENT, vehicle="豫A55667")
    new = db.session.scalars(select(Policy).where(Policy.replaces_id == commercial.id)).one()
    made = endorse(world, new, later + timedelta(days=65), K.REMOVE_COVER, cover_set="tpl_1m")
    assert made.premium_fen == -round(4_620_00 * 200 / 365)


def test_a_vehicle_with_cover_of_its_own_replaces_none(
    world: World, commercial: Policy, now: datetime, later: datetime
) -> None:
    issue(world, world.truck, now, lines=TPL_ONLY)
    with pytest.raises(Invalid, match="overlaps_cover_in_force"):
        endorse(world, commercial, later, K.REPLACEMENT, vehicle="豫A67890")


def test_ctpl_is_replaced_only_when_the_old_vehicle_is_gone(
    world: World, now: datetime, later: datetime
) -> None:
    policy = issue(world, world.coach, now)[PolicyLine.CTPL]
    VehicleFactory(branch=world.gongyi, plate="豫A55667", seats=22)
    db.session.commit()
    with pytest.raises(Invalid, match="ctpl_cancel_reason"):
        endorse(world, policy, later, K.REPLACEMENT, vehicle="豫A55667")
    db.session.rollback()
    reason = CancelReason.DEREGISTERED
    endorse(world, policy, later, K.REPLACEMENT, vehicle="豫A55667", cause=reason, tax_fen=300_00)
    new = db.session.scalars(select(Policy).where(Policy.replaces_id == policy.id)).one()
    assert new.premium_fen == round(3_420_00 * 265 / 365)
    assert ledger(new)[0] == new.premium_fen + 300_00


@pytest.mark.parametrize("state", [VehicleState.PENDING, VehicleState.SUSPENDED, VehicleState.RETIRED])
def test_only_an_operating_vehicle_takes_over(
    world: World, commercial: Policy, later: datetime, state: VehicleState
) -> None:
    VehicleFactory(branch=world.gongyi, plate="豫A55667", seats=22, state=state)
    db.session.commit()
    with pytest.raises(Invalid, match="replacement_not_operating"):
        endorse(world, commercial, later, K.REPLACEMENT, vehicle="豫A55667")
