"""The monthly underwriting figures, recounted row by row, and what they leave out."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service_desk.base.clock import CHINA
from service_desk.base.errors import Forbidden, NotFound
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Endorsement, EndorsementKind, Policy, PolicyOrigin, PolicyState
from service_desk.rules.periods import month_of, months_after
from service_desk.rules.underwriting import UnderwritingFigures
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.reports.underwriting import MonthlyUnderwriting, month_figures
from tests.factories import PolicyFactory
from tests.world import World

NOVEMBER = month_of(date(2026, 11, 1))
CTPL, COMMERCIAL = PolicyLine.CTPL, PolicyLine.COMMERCIAL


def at(year: int, month: int, day: int, hour: int = 10) -> datetime:
    return datetime(year, month, day, hour, tzinfo=CHINA).astimezone(UTC)


def issue(world: World, vehicle: Vehicle, issued_at: datetime, premium_fen: int, **values: Any) -> Policy:
    made: Policy = PolicyFactory(
        vehicle=vehicle,
        issued_by=world.underwriter,
        issued_at=issued_at,
        starts_at=issued_at + timedelta(days=1),
        premium_fen=premium_fen,
        **values,
    )
    return made


def endorse(
    world: World,
    policy: Policy,
    created_at: datetime,
    premium_fen: int,
    kind: EndorsementKind = EndorsementKind.SUM_INSURED,
    **values: Any,
) -> None:
    known = select(Endorsement).where(Endorsement.policy_id == policy.id)
    ordinal = len(db.session.scalars(known).all()) + 1
    given = {
        "number": f"E-{policy.id}-{ordinal}",
        "account_id": policy.account_id,
        "branch_id": policy.branch_id,
        "policy_id": policy.id,
        "ordinal": ordinal,
        "kind": kind,
        "effective_at": created_at,
        "premium_fen": premium_fen,
        "created_by_id": world.underwriter.id,
        "created_at": created_at,
        **values,
    }
    db.session.add(Endorsement(**given))
    db.session.flush()


def figures(world: World) -> MonthlyUnderwriting:
    db.session.commit()
    return month_figures(world.account.id, NOVEMBER, actor=world.hq)


def test_issued_endorsed_and_cancelled_add_up_to_premium_written(world: World) -> None:
    coach = issue(world, world.coach, at(2026, 11, 2), 4_690_00, tax_fen=480_00)
    issue(world, world.coach, at(2026, 11, 2), 6_540_00, line=COMMERCIAL, cover_set="tpl_1m")
    earlier = issue(world, world.bus, at(2026, 6, 2), 3_020_00)
    endorse(world, coach, at(2026, 11, 10), 200_00)
    endorse(world, coach, at(2026, 11, 11), -50_00)
    endorse(world, earlier, at(2026, 11, 12), -1_500_00, EndorsementKind.CANCELLATION)
    assert figures(world).total.now == UnderwritingFigures(
        policies=2,
        vehicles=1,
        issued_fen=11_230_00,
        endorsements=2,
        endorsed_fen=150_00,
        cancellations=1,
        cancelled_fen=-1_500_00,
        tax_fen=480_00,
    )
    assert figures(world).total.now.written_fen == 9_880_00


def test_voided_and_taken_over_policies_are_in_no_figure(world: World) -> None:
    voided = issue(world, world.coach, at(2026, 11, 2), 4_690_00, state=PolicyState.VOIDED)
    endorse(world, voided, at(2026, 11, 3), 100_00)
    issue(world, world.bus, at(2026, 11, 2), 3_020_00, origin=PolicyOrigin.TAKEN_OVER)
    found = figures(world)
    assert found.total.now == UnderwritingFigures()
    assert found.taken_over == 1


@pytest.mark.parametrize(
    ("issued_at", "is_in"),
    [
        (datetime(2026, 10, 31, 15, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 10, 31, 16, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 30, 16, 0, tzinfo=UTC), False),
    ],
)
def test_a_month_begins_and_ends_at_midnight_in_china(world: World, issued_at: datetime, is_in: bool) -> None:
    issue(world, world.coach, issued_at, 1_00)
    assert figures(world).total.now.policies == int(is_in)


def test_a_policy_counts_in_the_branch_and_class_of_its_issue(world: World) -> None:
    policy = issue(world, world.coach, at(2026, 11, 2), 4_690_00)
    policy.branch_id = world.zhongmu.id
    facts = dict(policy.vehicle_facts)
    policy.vehicle_facts = {**facts, "use_class": UseClass.GOODS.value}
    endorse(world, policy, at(2026, 12, 5), 90_00, EndorsementKind.USE, before={"vehicle_facts": facts})
    endorse(world, policy, at(2026, 11, 20), 10_00, branch_id=world.zhongmu.id)
    found = figures(world)
    assert {branch.name: row.now.written_fen for branch, row in found.branches} == {
        "巩义客运分公司": 4_690_00,
        "中牟公交分公司": 10_00,
    }
    assert [(use_class, row.now.written_fen) for use_class, row in found.classes] == [
        (UseClass.COACH, 4_700_00)
    ]


def test_the_month_stands_beside_the_one_before_and_the_year_before(world: World) -> None:
    issue(world, world.coach, at(2026, 11, 2), 1_100_00)
    issue(world, world.coach, at(2026, 10, 2), 1_000_00)
    issue(world, world.bus, at(2025, 11, 2), 2_200_00)
    found = figures(world)
    assert (str(found.total.on_month), str(found.total.on_year)) == ("10.0", "-50.0")
    assert {branch.name: str(row.on_year) for branch, row in found.branches} == {
        "巩义客运分公司": "None",
        "中牟公交分公司": "-100.0",
    }


def test_totals_reconcile_with_an_independent_recount(world: World) -> None:
    dice = random.Random(20261101)
    vehicles = [world.coach, world.bus, world.truck]
    for number in range(120):
        policy = issue(
            world,
            dice.choice(vehicles),
            at(dice.choice([2025, 2026]), dice.choice([10, 11]), dice.randint(1, 28)),
            dice.randint(1, 900_000),
            tax_fen=dice.choice([0, 480_00]),
            line=dice.choice(list(PolicyLine)),
            cover_set=dice.choice(["a", "b"]),
            state=dice.choice([*PolicyState]),
            number=f"REC-{number}",
        )
        for _ in range(dice.randint(0, 2)):
            endorse(
                world,
                policy,
                at(2026, dice.choice([10, 11]), dice.randint(1, 28)),
                dice.randint(-50_000, 50_000),
                dice.choice([EndorsementKind.SUM_INSURED, EndorsementKind.CANCELLATION]),
            )
    found = figures(world)
    for month, side in (
        (NOVEMBER, "now"),
        (months_after(NOVEMBER.first, -1), "month_before"),
        (months_after(NOVEMBER.first, -12), "year_before"),
    ):
        expected = recount(month.first.year, month.first.month)
        assert getattr(found.total, side) == expected
        for groups in (found.branches, found.classes, found.lines, found.covers):
            parts: list[UnderwritingFigures] = [getattr(row, side) for _key, row in groups]
            for name in ("policies", "issued_fen", "endorsed_fen", "cancelled_fen", "written_fen", "tax_fen"):
                assert sum(getattr(part, name) for part in parts) == getattr(expected, name)


def recount(year: int, month: int) -> UnderwritingFigures:
    """One row after the other, in plain Python."""

    def is_in(moment: datetime) -> bool:
        local = moment.astimezone(CHINA)
        return (local.year, local.month) == (year, month)

    policies = {one.id: one for one in db.session.scalars(select(Policy)) if one.state != "voided"}
    issued = [one for one in policies.values() if is_in(one.issued_at)]
    changes = [
        one
        for one in db.session.scalars(select(Endorsement))
        if one.policy_id in policies and is_in(one.created_at)
    ]
    cancelled = [one.premium_fen for one in changes if one.kind == "cancellation"]
    endorsed = [one.premium_fen for one in changes if one.kind != "cancellation"]
    return UnderwritingFigures(
        len(issued),
        len({one.vehicle_id for one in issued}),
        sum(one.premium_fen for one in issued),
        len(endorsed),
        sum(endorsed),
        len(cancelled),
        sum(cancelled),
        sum(one.tax_fen for one in issued),
    )


def test_who_may_read_them(world: World) -> None:
    for stranger in (world.foreign_hq,):
        with pytest.raises(NotFound):
            month_figures(world.account.id, NOVEMBER, actor=stranger)
    with pytest.raises(Forbidden):
        month_figures(world.account.id, NOVEMBER, actor=world.safety_gongyi)
    assert month_figures(world.account.id, NOVEMBER, actor=world.claims1).total.now.policies == 0
