"""Cover, renewals and receivables: as the pages count them, by hand, and the same whenever they are asked for."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from service_desk.models.db import db
from service_desk.models.fleet import VehicleState, VehicleStateRecord
from service_desk.models.policies import EndorsementKind
from service_desk.models.premiums import Receipt, ReceiptAllocation
from service_desk.rules.metrics import MEASURES, MeasureCode, MeasureGroup, Ratio
from service_desk.rules.periods import Period
from service_desk.rules.renewal import RenewalFigures
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import premiums, renewals
from service_desk.services.measures import By, read
from service_desk.services.policies.coverage import coverage_ratio
from service_desk.services.policies.ratios import period_ratio
from service_desk.services.renewals import success
from service_desk.services.renewals.success import SuccessFilter
from tests.premium_cases import issued
from tests.result_cases import QUARTER, day, endorse, insure, span_of
from tests.world import World

C = MeasureCode
COVER = [C.OPERATING_VEHICLES, C.COVERAGE, C.COVERAGE_DAYS, C.UNINSURED_VEHICLES]
RENEWALS = [C.RENEWAL_DUE, C.RENEWAL_RATE]
RECEIVABLES = [one.code for one in MEASURES.values() if one.group is MeasureGroup.RECEIVABLES]
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
CTPL, COMMERCIAL, CARRIER = PolicyLine


def test_cover_on_the_last_day_and_over_the_days(world: World, now: datetime) -> None:
    # The truck needs two layers and has both for August and September; the coach lacks carrier's liability.
    for line in (CTPL, COMMERCIAL):
        insure(world, world.truck, date(2026, 8, 1), 100, line=line, cover_set="tpl_1m")
        insure(world, world.coach, date(2026, 1, 1), 100, line=line, cover_set="tpl_1m")
    db.session.commit()
    found = read(span_of(world, now), COVER, By.BRANCH)
    assert found.total == {
        C.OPERATING_VEHICLES: 3,
        C.COVERAGE: Ratio(1, 3),
        C.COVERAGE_DAYS: Ratio(61, 3 * 92),
        C.UNINSURED_VEHICLES: 2,
    }
    assert found.groups[world.gongyi.id][C.COVERAGE] == Ratio(1, 2)
    assert read(span_of(world, now), COVER, By.USE_CLASS).groups["goods"][C.COVERAGE_DAYS] == Ratio(61, 92)
    present = read(span_of(world, now, NOVEMBER), COVER).total
    assert present[C.COVERAGE] == coverage_ratio(world.account.id, now)
    assert present[C.COVERAGE_DAYS] == period_ratio(world.account.id, NOVEMBER, now=now)
    grouped = read(span_of(world, now, NOVEMBER), COVER, By.BRANCH).total
    assert grouped == present
    uninsured = renewals.list_uninsured(world.account.id, actor=world.hq, now=now)
    assert present[C.UNINSURED_VEHICLES] == len(uninsured) == 2
    # Put out of service since: the quarter knows it on the road.
    (state,) = db.session.query(VehicleStateRecord).filter_by(vehicle_id=world.truck.id)
    state.to_at = day(2026, 10, 5)
    world.truck.state = VehicleState.RETIRED
    gone = {"vehicle_id": world.truck.id, "state": VehicleState.RETIRED, "from_at": day(2026, 10, 5)}
    db.session.add(VehicleStateRecord(**gone))
    db.session.commit()
    assert read(span_of(world, now), COVER).total == found.total


def test_renewals_by_what_was_known_at_the_end_of_the_period(world: World, now: datetime) -> None:
    for vehicle in (world.coach, world.bus, world.truck):
        for line in (CTPL, COMMERCIAL):
            insure(world, vehicle, date(2025, 9, 1), 100, line=line)
    insure(world, world.coach, date(2026, 9, 1), 100)
    renewed = insure(world, world.coach, date(2026, 9, 1), 100, line=COMMERCIAL)
    insure(world, world.bus, date(2026, 9, 1), 100)
    db.session.commit()
    # The last covered day is the last of August.
    found = read(span_of(world, day(2026, 10, 1)), RENEWALS, By.BRANCH)
    assert found.total == {C.RENEWAL_DUE: 3, C.RENEWAL_RATE: Ratio(1, 3)}
    assert found.groups[world.zhongmu.id] == {C.RENEWAL_DUE: 1, C.RENEWAL_RATE: Ratio(0, 1)}
    # Since then the bus was renewed late, and one of the coach's renewals was taken back.
    insure(world, world.bus, date(2026, 10, 20), 100, line=COMMERCIAL)
    kind, start = EndorsementKind.CANCELLATION, renewed.starts_at
    endorse(world, renewed, day(2026, 10, 25), -97, kind=kind, effective_at=start)
    db.session.commit()
    assert read(span_of(world, now), RENEWALS).total == found.total
    as_now = success.account_figures(world.account.id, QUARTER, as_of=now)[None]
    wanted = SuccessFilter(world.account.id, QUARTER)
    (page,) = success.count_by_month(wanted, [QUARTER], actor=world.hq, now=now)
    assert as_now == page == RenewalFigures(due=3, renewed=1)
    months = success.account_months(
        world.account.id,
        [Period(date(2026, 7, 1), date(2026, 7, 31)), Period(date(2026, 8, 1), date(2026, 8, 31))],
        as_of=day(2026, 10, 1),
    )
    assert [one.due for one in months] == [0, 3]
    classes = read(span_of(world, now), RENEWALS, By.USE_CLASS).groups
    assert {key: values[C.RENEWAL_DUE] for key, values in classes.items()} == dict.fromkeys(
        ("coach", "city_bus", "goods"), 1
    )


def receive(world: World, number: str, fen: int, on: date, reversed_on: date | None = None) -> Receipt:
    receipt = Receipt(
        number=number,
        account_id=world.account.id,
        branch_id=world.gongyi.id,
        payer="集团",
        amount_fen=fen,
        received_on=on,
        method="transfer",
        recorded_by_id=world.underwriter.id,
        recorded_at=day(2026, 7, 2),
        reversed_on=reversed_on,
    )
    db.session.add(receipt)
    db.session.flush()
    return receipt


def test_premium_received_open_and_overdue(world: World, now: datetime) -> None:
    first = issued(
        world, world.coach, day(2026, 7, 1), premium_fen=1_000, tax_fen=80, due_on=date(2026, 9, 29)
    )
    issued(world, world.bus, day(2026, 7, 1), premium_fen=500, due_on=date(2026, 9, 30))
    issued(world, world.bus, day(2026, 10, 1), premium_fen=7, due_on=date(2026, 10, 8))
    issued(world, world.foreign_vehicle, day(2026, 7, 1), premium_fen=9, due_on=date(2026, 7, 9))
    receive(world, "R-wrong", 40, date(2026, 7, 2), reversed_on=date(2026, 7, 3))
    receipt = receive(world, "R-right", 1_080, date(2026, 9, 30))

    def allocate(fen: int, on: date) -> None:
        row = ReceiptAllocation(
            receipt_id=receipt.id, receivable_id=first.id, amount_fen=fen, allocated_on=on
        )
        db.session.add(row)
        first.settled_fen += fen
        receipt.allocated_fen += fen
        db.session.commit()

    allocate(300, date(2026, 9, 30))
    found = read(span_of(world, now), RECEIVABLES, By.BRANCH)
    expected = {C.PREMIUM_RECEIVED: 1_080, C.PREMIUM_OUTSTANDING: 1_280, C.PREMIUM_OVERDUE: 780}
    assert found.total == expected
    assert found.groups[world.zhongmu.id] == {
        C.PREMIUM_RECEIVED: 0,
        C.PREMIUM_OUTSTANDING: 500,
        C.PREMIUM_OVERDUE: 0,
    }
    rows = premiums.ledger(world.account.id, actor=world.hq, now=now, on=QUARTER.last)
    assert sum(row.open_fen for row in rows) == 1_280
    present = read(span_of(world, now, NOVEMBER), RECEIVABLES).total
    assert present[C.PREMIUM_OVERDUE] == premiums.overdue_fen(world.account.id, now=now)
    balance = premiums.statement(
        world.account.id, QUARTER.first, QUARTER.last, actor=world.hq, now=now
    ).balance
    assert -balance.received_fen - balance.reversed_fen == expected[C.PREMIUM_RECEIVED]
    # What is paid later does not change the quarter.
    allocate(780, date(2026, 10, 2))
    assert read(span_of(world, now), RECEIVABLES).total == expected
    with pytest.raises(KeyError):
        read(span_of(world, now), RECEIVABLES, By.USE_CLASS)


def test_a_period_to_come_and_another_account_hold_nothing_of_it(world: World) -> None:
    insure(world, world.coach, date(2026, 1, 1), 100)
    issued(world, world.coach, day(2026, 1, 1), premium_fen=5, due_on=date(2026, 1, 9))
    db.session.commit()
    found = read(span_of(world, day(2026, 6, 21)), [*COVER, *RECEIVABLES], By.BRANCH)
    assert [found.total[code] for code in (*COVER, *RECEIVABLES)] == [0, Ratio(), Ratio(), 0, 0, 0, 0]
    theirs = replace(span_of(world, day(2026, 10, 1)), account_id=world.foreign_account.id)
    values = read(theirs, [*COVER, *RENEWALS, *RECEIVABLES], By.BRANCH)
    assert values.total[C.OPERATING_VEHICLES] == 1
    assert set(values.groups) == {world.foreign_branch.id}
    assert values.total[C.PREMIUM_OUTSTANDING] == values.total[C.RENEWAL_DUE] == 0
