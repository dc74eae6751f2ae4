"""Whatever is done to policies one after the other: ledger, premium and covers agree at every step."""

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import select

from service_desk.base.errors import DomainError
from service_desk.models.db import db
from service_desk.models.policies import EndorsementKind, Policy
from service_desk.rules.rating import CtplFloat
from service_desk.rules.settlement.cancellation import CancelReason
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services.policies import VehicleTerms, coverage
from service_desk.services.policies.endorsing import AgreedCover
from tests.endorsement_cases import endorse, issue, ledger, pay, premium_with_tax
from tests.factories import VehicleFactory
from tests.world import World

K, R = EndorsementKind, CancelReason


@pytest.mark.parametrize("seed", range(4))
def test_ledger_premium_and_covers_agree_after_any_sequence(world: World, now: datetime, seed: int) -> None:
    """What was asked less what is given back is the premium with its endorsements and tax, always."""
    random = Random(seed)
    terms = {world.coach.id: VehicleTerms(CtplFloat.A2, tax_fen=480_00)}
    issued = issue(world, world.coach, now, terms=terms)
    for serial in range(3):
        VehicleFactory(branch=world.zhongmu, plate=f"豫A5566{serial}", seats=20 + 10 * serial)
    db.session.commit()
    written = 0
    at = now
    for _ in range(14):
        at += timedelta(days=random.randrange(0, 25), minutes=random.randrange(600))
        known = db.session.scalars(select(Policy).order_by(Policy.id)).all()
        policy = random.choice(known)
        if random.random() < 0.4:
            pay(world, policy, random.randrange(1, policy.premium_fen), at)
        else:
            written += try_to_endorse(world, policy, at, random)
        for one in known:
            db.session.refresh(one)
            asked, settled, given = ledger(one)
            assert asked - given == premium_with_tax(one)
            assert 0 <= settled <= asked
        assert_no_instant_has_two_terms(world, [one.id for one in known])
    assert written
    assert set(issued) == set(PolicyLine)


def try_to_endorse(world: World, policy: Policy, at: datetime, random: Random) -> int:
    """One endorsement of a kind by chance; 1 when it was possible."""
    choices = [
        {"kind": K.PLATE, "plate": f"豫A{random.randrange(10000, 99999)}"},
        {"kind": K.BRANCH, "branch_id": random.choice([world.gongyi.id, world.zhongmu.id])},
        {"kind": K.SUM_INSURED, "cover_set": random.choice(["tpl_1m", "tpl_2m"])},
        {"kind": K.ADD_COVER, "cover_set": "tpl_1m_od"},
        {"kind": K.REMOVE_COVER, "cover_set": "tpl_1m"},
        {"kind": K.TOTAL_LOSS},
        {
            "kind": K.SUM_INSURED,
            "agreed": AgreedCover(CoverCode.OWN_DAMAGE, random.randrange(1, 9) * 100_000_00),
            "annual_fen": random.randrange(1_00, 30_000_00),
        },
        {"kind": K.REPLACEMENT, "vehicle": f"豫A5566{random.randrange(3)}", "cause": R.DEREGISTERED},
        {"kind": K.CANCELLATION, "cause": R.CONFIRMED_LOST},
    ]
    try:
        endorse(world, policy, at, **random.choices(choices, [3, 3, 3, 3, 3, 2, 3, 1, 1])[0])
    except DomainError:
        db.session.rollback()
        return 0
    return 1


def assert_no_instant_has_two_terms(world: World, policy_ids: list[int]) -> None:
    rows = db.session.scalars(select(Policy).where(Policy.id.in_(policy_ids))).all()
    spans = sorted(
        (one.vehicle_id, one.line.value, one.starts_at, one.ends_at)
        for one in rows
        if one.ends_at > one.starts_at
    )
    for first, second in pairwise(spans):
        if first[:2] == second[:2]:
            assert first[3] <= second[2]
    for moment in {edge for one in rows for edge in (one.starts_at, one.ends_at)}:
        for limits in coverage.limits_of(policy_ids, moment).values():
            codes = [limit.code for limit in limits]
            assert len(codes) == len(set(codes))
