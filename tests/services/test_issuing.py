"""Issuing: terms that join, reasons that are said, numbers without gaps, and no vehicle covered twice."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import (
    Coverage,
    CoverSource,
    ExternalCover,
    IssueBatch,
    Policy,
)
from service_desk.models.premiums import Receivable
from service_desk.models.users import User
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass
from service_desk.services import policies
from service_desk.services.policies import IssueRequest, LineChoice, VehicleTerms, batches, rates
from tests.factories import PolicyFactory, VehicleFactory, make_vin
from tests.issue_cases import refused_lines
from tests.world import World

CTPL = LineChoice(PolicyLine.CTPL, "basic")
COMMERCIAL = LineChoice(PolicyLine.COMMERCIAL, "tpl_1m_od")
CARRIER = LineChoice(PolicyLine.CARRIER_LIABILITY, "seat_400k")


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    db.session.commit()


def request(
    world: World, *vehicles: Vehicle, lines: tuple[LineChoice, ...] = (CTPL,), **values: Any
) -> IssueRequest:
    return IssueRequest(world.account.id, tuple(vehicle.id for vehicle in vehicles), lines, **values)


def reasons(plan: policies.IssuePlan) -> list[str]:
    return [one.code for one in plan.refused]


def china(year: int, month: int, day: int) -> datetime:
    """00:00 of a day in China."""
    return datetime(year, month, day, tzinfo=UTC) - timedelta(hours=8)


def test_all_lines_of_a_coach_are_issued_at_once(world: World, now: datetime) -> None:
    batch = policies.issue_many(
        request(world, world.coach, lines=(CTPL, COMMERCIAL, CARRIER)), actor=world.underwriter, now=now
    )
    db.session.commit()
    issued = db.session.scalars(select(Policy).order_by(Policy.id)).all()
    assert [policy.number for policy in issued] == ["PCT2026-000001", "PCM2026-000001", "PCL2026-000001"]
    assert (batch.number, batch.policy_count) == ("BAT-2026-000001", 3)
    assert not refused_lines(batch, world.underwriter)
    assert batch.premium_fen == 4_690_00 + 14_340_00 + 45 * 62_00
    assert {policy.insured_name for policy in issued} == {"郑州联运集团巩义客运分公司"}


def test_coverages_hold_the_limits_that_claims_are_settled_by(world: World, now: datetime) -> None:
    policies.issue_many(
        request(world, world.coach, lines=(CTPL, COMMERCIAL, CARRIER)), actor=world.underwriter, now=now
    )
    rows = db.session.scalars(select(Coverage).order_by(Coverage.id)).all()
    assert [(row.code, row.limit_fen, row.per_seat_fen, row.deductible_fen) for row in rows] == [
        (CoverCode.CTPL, 200_000_00, None, 0),
        (CoverCode.TPL, 1_000_000_00, None, 0),
        (CoverCode.OWN_DAMAGE, 780_000_00, None, 500_00),
        (CoverCode.CARRIER_LIABILITY, 45 * 400_000_00, 400_000_00, 0),
    ]


def test_vehicle_without_cover_is_covered_at_once(world: World, now: datetime) -> None:
    policies.issue_many(request(world, world.coach), actor=world.underwriter, now=now)
    policy = db.session.scalars(select(Policy)).one()
    assert (policy.starts_at, policy.ends_at) == (now, china(2027, 11, 23))


def test_new_term_begins_exactly_when_the_old_one_ends(world: World, now: datetime) -> None:
    PolicyFactory(
        vehicle=world.coach,
        issued_by=world.underwriter,
        starts_at=china(2025, 12, 10),
        ends_at=china(2026, 12, 10),
    )
    policies.issue_many(request(world, world.coach), actor=world.underwriter, now=now)
    policy = db.session.scalars(select(Policy).where(Policy.number == "PCT2026-000001")).one()
    assert (policy.starts_at, policy.ends_at) == (china(2026, 12, 10), china(2027, 12, 10))


def test_cover_known_from_elsewhere_is_joined_too(world: World, now: datetime) -> None:
    known_elsewhere(world.coach, china(2026, 12, 1), now)
    plan = policies.preview(request(world, world.coach), actor=world.underwriter, now=now)
    assert [planned.term.starts_at for planned in plan.policies] == [china(2026, 12, 1)]


def known_elsewhere(
    vehicle: Vehicle, ends_at: datetime, now: datetime, line: PolicyLine = PolicyLine.CTPL
) -> None:
    db.session.add(
        ExternalCover(
            account_id=vehicle.account_id,
            vehicle_id=vehicle.id,
            line=line,
            ends_at=ends_at,
            source=CoverSource.CLIENT_LIST,
            noted_at=now,
        )
    )
    db.session.commit()


def test_premium_falls_due_with_the_cover_but_not_within_a_week(world: World, now: datetime) -> None:
    known_elsewhere(world.bus, china(2027, 1, 5), now)
    policies.issue_many(request(world, world.coach, world.bus), actor=world.underwriter, now=now)
    due = db.session.scalars(select(Receivable.due_on).order_by(Receivable.due_on)).all()
    assert due == [date(2026, 11, 30), date(2027, 1, 5)]


def test_every_vehicle_that_cannot_be_issued_has_its_reason(world: World, now: datetime) -> None:
    cases: dict[str, dict[str, Any]] = {
        "vehicle_retired": {"state": VehicleState.RETIRED},
        "vehicle_suspended": {"state": VehicleState.SUSPENDED},
        "vin_missing": {"vin": None},
        "no_use_class": {"use_class": None},
        "seats_missing": {"seats": None},
        "load_missing": {"use_class": UseClass.GOODS, "seats": None},
        "no_rate": {"seats": 4},
    }
    vehicles = [VehicleFactory(branch=world.gongyi, **values) for values in cases.values()]
    plan = policies.preview(request(world, world.coach, *vehicles), actor=world.underwriter, now=now)
    assert sorted(reasons(plan)) == sorted(cases)
    assert [planned.vehicle.id for planned in plan.policies] == [world.coach.id]


def test_cover_in_force_refuses_a_start_of_ones_own(world: World, now: datetime) -> None:
    PolicyFactory(
        vehicle=world.coach, issued_by=world.underwriter, number="OLD-1", ends_at=china(2026, 12, 10)
    )
    plan = policies.preview(
        request(world, world.coach, start_on=date(2026, 12, 1)), actor=world.underwriter, now=now
    )
    assert [(one.code, one.params["ends_on"], one.params["source"]) for one in plan.refused] == [
        ("overlaps_cover_in_force", "2026-12-09", "OLD-1")
    ]


def test_cover_that_runs_for_long_is_not_renewed_yet(world: World, now: datetime) -> None:
    policies.issue_many(request(world, world.coach), actor=world.underwriter, now=now)
    plan = policies.preview(request(world, world.coach), actor=world.underwriter, now=now)
    assert reasons(plan) == ["covered_for_long"]


def test_a_line_not_for_the_class_is_a_reason_only_when_nothing_else_was_ordered(
    world: World, now: datetime
) -> None:
    both, alone = (
        policies.preview(request(world, world.truck, lines=lines), actor=world.underwriter, now=now)
        for lines in ((CTPL, CARRIER), (CARRIER,))
    )
    assert (len(both.policies), reasons(both)) == (1, [])
    assert (len(alone.policies), reasons(alone)) == (0, ["line_not_for_class"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"start_on": date(2026, 11, 22)}, "start_in_the_past"),
        ({"vehicle_ids": ()}, "no_vehicle_chosen"),
        ({"lines": ()}, "no_line_chosen"),
    ],
)
def test_wrong_orders_are_refused(world: World, now: datetime, change: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid, match=code):
        policies.preview(replace(request(world, world.coach), **change), actor=world.underwriter, now=now)


def test_issues_all_that_can_be_and_keeps_the_refusals(world: World, now: datetime) -> None:
    retired = VehicleFactory(branch=world.zhongmu, state=VehicleState.RETIRED)
    policies.issue_many(request(world, world.coach, retired), actor=world.underwriter, now=now)
    db.session.commit()
    view = batches.get_batch("BAT-2026-000001", PageRequest(), actor=world.hq, now=now)
    assert [row.policy.plate for row in view.policies.rows] == ["豫A12345"]
    assert [(row.plate, row.code) for row in view.refused.rows] == [(retired.plate, "vehicle_retired")]
    assert {id_: branch.name for id_, branch in view.refused.branches.items()} == {
        world.zhongmu.id: "中牟公交分公司"
    }
    assert [(branch.name, count) for branch, count in view.branches] == [("巩义客运分公司", 1)]


def test_nothing_is_written_when_nothing_can_be_issued(world: World, now: datetime) -> None:
    retired = VehicleFactory(branch=world.gongyi, state=VehicleState.RETIRED)
    with pytest.raises(Invalid, match="nothing_to_issue"):
        policies.issue_many(request(world, retired), actor=world.underwriter, now=now)
    assert not db.session.scalar(select(func.count()).select_from(IssueBatch))


def test_the_same_order_twice_is_one_batch(world: World, now: datetime) -> None:
    order = request(world, world.coach)
    first = policies.issue(order, key="k1", actor=world.underwriter, now=now)
    second = policies.issue(order, key="k1", actor=world.underwriter, now=now)
    assert first == second
    assert db.session.scalar(select(func.count()).select_from(Policy)) == 1


def test_a_total_that_changed_since_the_preview_stops_the_issue(world: World, now: datetime) -> None:
    with pytest.raises(Conflict, match="preview_changed"):
        policies.issue_many(
            request(world, world.coach, expected_fen=4_690_01), actor=world.underwriter, now=now
        )


def test_another_accounts_vehicle_is_not_found(world: World, now: datetime) -> None:
    with pytest.raises(NotFound):
        policies.preview(request(world, world.coach, world.foreign_vehicle), actor=world.underwriter, now=now)


@pytest.mark.parametrize("name", ["claims1", "hq", "safety_gongyi", "admin"])
def test_only_underwriters_issue(world: World, now: datetime, name: str) -> None:
    with pytest.raises(Forbidden):
        policies.preview(request(world, world.coach), actor=getattr(world, name), now=now)


def test_a_rolled_back_issue_leaves_no_gap_in_the_numbers(world: World, now: datetime) -> None:
    policies.issue_many(request(world, world.coach), actor=world.underwriter, now=now)
    db.session.rollback()
    policies.issue_many(request(world, world.bus), actor=world.underwriter, now=now)
    assert db.session.scalars(select(Policy.number)).all() == ["PCT2026-000001"]


def test_two_clerks_at_once_cover_a_vehicle_once(world: World, app: Flask, now: datetime) -> None:
    order, underwriter_id, manager_id = request(world, world.coach), world.underwriter.id, world.manager.id
    db.session.commit()
    outcomes = at_once(
        lambda: issue_in_own_session(app, order, underwriter_id, now),
        lambda: issue_in_own_session(app, order, manager_id, now),
    )
    db.session.rollback()
    assert sorted(outcomes) == ["BAT-2026-000001", "nothing_to_issue"]
    assert db.session.scalar(select(func.count()).select_from(Policy)) == 1


def issue_in_own_session(app: Flask, order: IssueRequest, user_id: int, now: datetime) -> str:
    with app.app_context():
        db.session.connection(execution_options={"begin_immediate": True})
        try:
            number = policies.issue_many(order, actor=db.session.get_one(User, user_id), now=now).number
            db.session.commit()
        except DomainError as refusal:
            db.session.rollback()
            return refusal.code
        return number


def at_once(*acts: Callable[[], str]) -> list[str]:
    """Run acts in threads that start together; their results."""
    start, outcomes = threading.Barrier(len(acts)), []

    def run(act: Callable[[], str]) -> None:
        start.wait()
        outcomes.append(act())

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_many_vehicles_take_no_more_statements_than_few(world: World, now: datetime) -> None:
    fleet = [VehicleFactory(branch=world.gongyi, vin=make_vin(500_000 + n)) for n in range(60)]
    db.session.commit()
    orders = request(world, *fleet[:5]), request(world, *fleet[5:])
    few, many = (
        statements_of(lambda order=order: policies.issue_many(order, actor=world.underwriter, now=now))
        for order in orders
    )
    assert many <= few


def statements_of(act: Callable[[], Any]) -> int:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_cover_at_an_instant_names_policy_and_limits(world: World, now: datetime) -> None:
    policies.issue_many(
        request(world, world.coach, lines=(CTPL, COMMERCIAL)), actor=world.underwriter, now=now
    )
    known_elsewhere(world.coach, china(2027, 6, 1), now, PolicyLine.CARRIER_LIABILITY)
    ctpl, commercial, carrier = policies.covers_at(world.coach.id, now + timedelta(hours=1))
    assert (ctpl.number, ctpl.ends_at) == ("PCT2026-000001", china(2027, 11, 23))
    assert [limit.code for limit in commercial.limits] == [CoverCode.TPL, CoverCode.OWN_DAMAGE]
    assert (carrier.policy_id, carrier.source) == (None, CoverSource.CLIENT_LIST)
    assert policies.covers_at(world.coach.id, now - timedelta(minutes=1))[:-1] == []


def test_coverage_says_what_is_missing_and_how_long_cover_goes_on(world: World, now: datetime) -> None:
    PolicyFactory(
        vehicle=world.truck, issued_by=world.underwriter, ends_at=china(2026, 12, 10), number="OLD-1"
    )
    policies.issue_many(request(world, world.truck), actor=world.underwriter, now=now)
    db.session.commit()
    found = policies.coverage_of([world.truck.id, world.coach.id], now)
    ctpl = found[world.truck.id].lines[PolicyLine.CTPL]
    assert (ctpl.number, ctpl.ends_at, ctpl.unbroken_until) == (
        "OLD-1",
        china(2026, 12, 10),
        china(2027, 12, 10),
    )
    assert found[world.truck.id].missing == (PolicyLine.COMMERCIAL,)
    assert len(found[world.coach.id].missing) == 3


def test_coverage_ratio_counts_operating_vehicles_with_every_layer(world: World, now: datetime) -> None:
    both = (CTPL, LineChoice(PolicyLine.COMMERCIAL, "tpl_1m"))
    policies.issue_many(
        request(world, world.truck, world.coach, lines=both), actor=world.underwriter, now=now
    )
    VehicleFactory(branch=world.gongyi, state=VehicleState.RETIRED)
    ratio = policies.coverage_ratio(world.account.id, now)
    assert (ratio.part, ratio.whole) == (1, 3)


def test_delivery_is_noted_once(world: World, now: datetime) -> None:
    policies.issue_many(request(world, world.coach), actor=world.underwriter, now=now)
    batch = batches.deliver("BAT-2026-000001", " 郭永刚 ", actor=world.underwriter, now=now)
    assert (batch.delivered_to, batch.delivered_at) == ("郭永刚", now)
    with pytest.raises(Conflict, match="batch_delivered_already"):
        batches.deliver("BAT-2026-000001", "周敏", actor=world.underwriter, now=now)


def test_a_vehicles_float_and_tax_count_for_its_ctpl_policy_only(world: World, now: datetime) -> None:
    terms = {world.coach.id: VehicleTerms(CtplFloat.A2, tax_fen=600_00)}
    order = request(world, world.coach, lines=(CTPL, COMMERCIAL), terms=terms)

    plan = policies.preview(order, actor=world.underwriter, now=now)
    batch = policies.issue_many(order, actor=world.underwriter, now=now)

    ctpl, tpl = db.session.scalars(select(Policy).where(Policy.batch_id == batch.id).order_by(Policy.id))
    assert (ctpl.premium_fen, ctpl.tax_fen, ctpl.ctpl_float) == (3_752_00, 600_00, "A2")
    assert (tpl.tax_fen, tpl.ctpl_float) == (0, None)
    owed = dict(db.session.execute(select(Receivable.policy_id, Receivable.amount_fen)).tuples().all())
    assert owed == {ctpl.id: 4_352_00, tpl.id: tpl.premium_fen}
    assert plan.total_fen == sum(owed.values())
    assert batch.premium_fen == ctpl.premium_fen + tpl.premium_fen
