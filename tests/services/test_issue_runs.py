"""Large orders: confirmed once, issued in portions, each vehicle once and with its reason if not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import func, select

from service_desk.base.clock import start_of_day
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.jobs import issue_runs
from service_desk.jobs.runner import Tally
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import (
    CoverSource,
    ExternalCover,
    IssueBatch,
    IssuePortion,
    IssueRun,
    Policy,
    RateTable,
)
from service_desk.models.premiums import Receivable
from service_desk.rules.policy_flow import one_year_term
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import policies
from service_desk.services.policies import VehicleTerms, batches, quote_sheets, rates, runs
from service_desk.services.policies.planning import DAYS_AHEAD, MOST_VEHICLES
from service_desk.services.policies.quote_sheets import QuoteRequest
from tests.factories import PolicyFactory
from tests.issue_cases import (
    CARRIER,
    COMMERCIAL,
    CTPL,
    confirmed,
    issued,
    make_small,
    many_vehicles,
    order_for,
    refused_lines,
)
from tests.world import World


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    make_small()


def work_off(now: datetime) -> None:
    while issue_runs.run(now) != Tally():
        pass


def reasons(batch: IssueBatch, world: World) -> list[tuple[int | None, str]]:
    return [(one.vehicle_id, one.code) for one in refused_lines(batch, world.underwriter)]


def run_of(batch: IssueBatch) -> IssueRun:
    return db.session.scalars(select(IssueRun).where(IssueRun.batch_id == batch.id)).one()


def test_a_large_order_is_issued_in_portions_each_vehicle_once(world: World, now: datetime) -> None:
    ids = many_vehicles([world.gongyi, world.zhongmu], 10)
    batch = confirmed(order_for(world, ids, CTPL, COMMERCIAL, CARRIER), world, now)
    assert (batch.policy_count, run_of(batch).vehicle_count) == (0, 10)
    assert issued(batch) == []

    assert issue_runs.run(now) == Tally(done=3)

    found = issued(batch)
    assert sorted((policy.vehicle_id, policy.line) for policy in found) == sorted(
        (vehicle_id, line) for vehicle_id in ids for line in PolicyLine
    )
    assert sorted(policy.number for policy in found if policy.line is PolicyLine.CTPL) == [
        f"PCT2026-{n:06d}" for n in range(1, 11)
    ]
    assert (batch.policy_count, batch.premium_fen) == (30, sum(policy.premium_fen for policy in found))
    owed = db.session.scalar(select(func.sum(Receivable.amount_fen)))
    assert owed == batch.premium_fen
    run = run_of(batch)
    assert (run.done_count, run.finished_at) == (10, now)
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.entity_kind == "issue_batches").order_by(AuditEntry.id)
    )
    assert sorted(actions) == ["issue_run_finished", "policies_issued"]


def test_a_small_order_is_issued_at_once(world: World, now: datetime) -> None:
    batch = confirmed(order_for(world, many_vehicles([world.gongyi], 3)), world, now)
    assert len(issued(batch)) == 3
    assert issue_runs.run(now) == Tally()


def test_the_same_order_twice_is_one_run(world: World, now: datetime) -> None:
    order = order_for(world, many_vehicles([world.gongyi], 8))
    numbers = {policies.issue(order, key="k", actor=world.underwriter, now=now) for _ in range(2)}
    assert len(numbers) == 1
    assert db.session.scalar(select(func.count()).select_from(IssueRun)) == 1


def test_a_total_that_changed_since_the_preview_makes_no_run(world: World, now: datetime) -> None:
    order = order_for(world, many_vehicles([world.gongyi], 8), expected_fen=1)
    with pytest.raises(Conflict, match="preview_changed"):
        policies.issue(order, actor=world.underwriter, now=now)
    assert not db.session.scalar(select(func.count()).select_from(IssueBatch))


def test_what_cannot_be_issued_when_confirmed_is_kept_with_its_reason(world: World, now: datetime) -> None:
    good = many_vehicles([world.gongyi], 5)
    retired = db.session.get_one(Vehicle, good.pop())
    retired.state = VehicleState.RETIRED
    batch = confirmed(order_for(world, [*good, retired.id]), world, now)
    assert reasons(batch, world) == [(retired.id, "vehicle_retired")]
    work_off(now)
    assert sorted(policy.vehicle_id for policy in issued(batch)) == sorted(good)


def test_what_changes_before_its_turn_is_refused_with_the_reason(world: World, now: datetime) -> None:
    ids = many_vehicles([world.gongyi], 6)
    batch = confirmed(order_for(world, ids), world, now)
    db.session.get_one(Vehicle, ids[0]).state = VehicleState.SUSPENDED
    db.session.get_one(Vehicle, ids[1]).seats = 20
    policies.issue_many(order_for(world, [ids[2]]), actor=world.underwriter, now=now)
    db.session.commit()

    work_off(now)

    assert sorted(policy.vehicle_id for policy in issued(batch)) == ids[3:]
    assert reasons(batch, world) == [
        (ids[0], "vehicle_suspended"),
        (ids[1], "price_changed"),
        (ids[2], "covered_for_long"),
    ]
    [changed] = [one for one in refused_lines(batch, world.underwriter) if one.code == "price_changed"]
    assert changed.params["confirmed_fen"] != changed.params["new_fen"]
    assert run_of(batch).finished_at == now


def test_a_new_price_table_does_not_change_what_was_confirmed_unsaid(world: World, now: datetime) -> None:
    ids = many_vehicles([world.gongyi], 5)
    batch = confirmed(order_for(world, ids), world, now)
    make_dearer(world, now)

    work_off(now)

    assert issued(batch) == []
    assert {code for _, code in reasons(batch, world)} == {"price_changed"}
    assert (batch.policy_count, batch.premium_fen) == (0, 0)


def make_dearer(world: World, now: datetime) -> None:
    """Put a CTPL table of the account's own into force today, each line a yuan dearer."""
    lines = rates.in_force(None, now.date())[PolicyLine.CTPL].lines
    table = RateTable(
        account_id=world.account.id, line=PolicyLine.CTPL, name="新价目表", effective_on=now.date()
    )
    rates.write(table, [replace(line, premium_fen=line.premium_fen + 1_00) for line in lines])
    db.session.commit()


def test_a_run_from_a_quote_keeps_the_prices_it_was_confirmed_at(world: World, now: datetime) -> None:
    ids = many_vehicles([world.gongyi], 6)
    sheet = QuoteRequest(
        world.account.id, tuple(ids), (CTPL,), terms={ids[0]: VehicleTerms(CtplFloat.A1, 360_00)}
    )
    number = quote_sheets.make(sheet, actor=world.underwriter, now=now)
    make_dearer(world, now)
    batch = confirmed(order_for(world, ids, CTPL, quote_number=number), world, now)

    # Its turn comes after the quote's last day: it was confirmed in time.
    work_off(now + timedelta(days=40))

    found = {policy.vehicle_id: policy for policy in issued(batch)}
    assert {found[one].premium_fen for one in ids[1:]} == {4_690_00}
    assert (found[ids[0]].ctpl_float, found[ids[0]].premium_fen, found[ids[0]].tax_fen) == (
        "A1",
        4_221_00,
        360_00,
    )
    assert reasons(batch, world) == []


def test_a_portion_taken_is_nobody_elses_until_its_time_is_over(world: World, now: datetime) -> None:
    confirmed(order_for(world, many_vehicles([world.gongyi], 8)), world, now)
    first, second = runs.claim_portion(now), runs.claim_portion(now)
    assert first != second
    assert runs.claim_portion(now + runs.TAKEN_FOR - timedelta(seconds=1)) is None
    assert runs.claim_portion(now + runs.TAKEN_FOR) == first


def test_a_portion_that_two_workers_hold_is_issued_once(world: World, now: datetime) -> None:
    batch = confirmed(order_for(world, many_vehicles([world.gongyi], 4)), world, now)
    portion_id = runs.claim_portion(now)
    assert portion_id is not None
    assert [runs.issue_portion(portion_id, now) for _ in range(2)] == [True, False]
    db.session.commit()
    assert len(issued(batch)) == 4


def test_a_vehicle_the_system_fails_at_holds_nobody_up(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = many_vehicles([world.gongyi], 8)
    batch = confirmed(order_for(world, ids), world, now)
    write = runs.write_policies

    def fail_at_one(*arguments) -> None:
        if any(one.vehicle.id == ids[2] for one in arguments[1]):
            raise ZeroDivisionError
        write(*arguments)

    monkeypatch.setattr(runs, "write_policies", fail_at_one)
    work_off(now)

    assert sorted(policy.vehicle_id for policy in issued(batch)) == [one for one in ids if one != ids[2]]
    assert reasons(batch, world) == [(ids[2], "issue_failed")]
    assert run_of(batch).finished_at == now


def test_cover_at_once_begins_when_its_portion_is_issued(world: World, now: datetime) -> None:
    batch = confirmed(order_for(world, many_vehicles([world.gongyi], 5)), world, now)
    later = now + timedelta(minutes=2)
    work_off(later)
    assert {(policy.starts_at, policy.issued_at) for policy in issued(batch)} == {(later, later)}


def test_cover_that_ends_before_its_portion_is_issued_is_followed_without_a_gap(
    world: World, now: datetime
) -> None:
    ids = many_vehicles([world.gongyi], 6)
    midnight = start_of_day(now.date() + timedelta(days=1))
    for vehicle_id in ids[:5]:
        vehicle = db.session.get_one(Vehicle, vehicle_id)
        year = one_year_term((now - timedelta(days=364)).date())
        assert year.ends_at == midnight
        PolicyFactory(
            vehicle=vehicle, starts_at=year.starts_at, ends_at=midnight, issued_by=world.underwriter
        )
    batch = confirmed(order_for(world, ids), world, midnight - timedelta(minutes=2))
    later = midnight + timedelta(minutes=3)

    work_off(later)

    starts = {policy.vehicle_id: policy.starts_at for policy in issued(batch)}
    assert starts == dict.fromkeys(ids[:5], midnight) | {ids[5]: later}


def test_each_vehicle_keeps_what_was_ordered_for_it(world: World, now: datetime) -> None:
    ids = many_vehicles([world.gongyi], 6)
    day = (now + timedelta(days=8)).date()
    terms = {
        ids[0]: VehicleTerms(CtplFloat.A3, 480_00, day),
        ids[1]: VehicleTerms(lines=(COMMERCIAL,)),
        ids[2]: VehicleTerms(start_on=(now - timedelta(days=3)).date()),
    }
    batch = confirmed(order_for(world, ids, CTPL, terms=terms), world, now)
    work_off(now)
    found = {policy.vehicle_id: policy for policy in issued(batch)}
    own = found[ids[0]]
    assert (own.ctpl_float, own.tax_fen, own.starts_at) == ("A3", 480_00, start_of_day(day))
    assert (found[ids[1]].line, found[ids[1]].ctpl_float) == (PolicyLine.COMMERCIAL, None)
    assert reasons(batch, world) == [(ids[2], "start_in_the_past")]
    assert sorted(found) == sorted(set(ids) - {ids[2]})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_new_terms_join_the_old_ones_without_gap_or_overlap(world: World, now: datetime, seed: int) -> None:
    random = Random(seed)
    ids = many_vehicles([world.gongyi, world.zhongmu], 60)
    old_end = {vehicle_id: old_terms(vehicle_id, world, now, random) for vehicle_id in ids}
    make_small(portion=17)
    batch = confirmed(order_for(world, ids, CTPL), world, now)
    work_off(now)

    found = {policy.vehicle_id: policy for policy in issued(batch)}
    latest = start_of_day((now + timedelta(hours=8)).date() + timedelta(days=DAYS_AHEAD + 1))
    refused = dict(reasons(batch, world))
    periods = policies.periods_of(ids, since=datetime(2020, 1, 1, tzinfo=UTC))
    for vehicle_id in ids:
        end = old_end[vehicle_id]
        if end >= latest:
            assert refused[vehicle_id] == "covered_for_long"
            continue
        new = found[vehicle_id]
        assert new.starts_at == max(end, now)
        terms = sorted((one.starts_at, one.ends_at) for one in periods[vehicle_id])
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(terms))
        if end >= now:
            assert any(one[1] == new.starts_at for one in terms)
    assert len(found) + len(refused) == len(ids)


def old_terms(vehicle_id: int, world: World, now: datetime, random: Random) -> datetime:
    """Give a vehicle cover that ends some day around now, ours or another's, in one term or two; when it ends."""
    end = start_of_day(now.date() + timedelta(days=random.randint(-40, 130)))
    if random.random() < 0.2:
        db.session.add(
            ExternalCover(
                account_id=world.account.id,
                vehicle_id=vehicle_id,
                line=PolicyLine.CTPL,
                ends_at=end,
                source=CoverSource.CLIENT_LIST,
                noted_at=now,
            )
        )
        return end
    vehicle = db.session.get_one(Vehicle, vehicle_id)
    middle = end - timedelta(days=random.randint(1, 60))
    starts = [end - timedelta(days=365)] if random.random() < 0.5 else [end - timedelta(days=365), middle]
    for start, stop in zip(starts, [*starts[1:], end], strict=True):
        PolicyFactory(vehicle=vehicle, issued_by=world.underwriter, starts_at=start, ends_at=stop)
    return end


def test_three_thousand_are_renewed_each_vehicle_once(world: World, now: datetime) -> None:
    make_small(at_once=200, portion=runs.USUAL_PORTION)
    ids = many_vehicles([world.gongyi, world.zhongmu], 3_000)
    batch = confirmed(order_for(world, ids, CTPL), world, now)
    work_off(now)
    db.session.rollback()
    assert batch.policy_count == 3_000
    distinct = select(func.count(Policy.vehicle_id.distinct()), func.count(Policy.number.distinct()))
    assert db.session.execute(distinct.where(Policy.batch_id == batch.id)).one() == (3_000, 3_000)
    assert db.session.scalar(select(func.max(Policy.number))) == "PCT2026-003000"


def test_an_order_is_bounded(world: World, now: datetime) -> None:
    too_many = order_for(world, list(range(1, MOST_VEHICLES + 2)))
    with pytest.raises(Invalid, match="too_many_vehicles"):
        policies.issue(too_many, actor=world.underwriter, now=now)
    assert MOST_VEHICLES >= 10_000


@pytest.mark.parametrize("name", ["claims1", "hq", "safety_gongyi", "admin"])
def test_only_underwriters_confirm_a_run(world: World, now: datetime, name: str) -> None:
    order = order_for(world, many_vehicles([world.gongyi], 5))
    with pytest.raises(Forbidden):
        policies.start_run(order, actor=getattr(world, name), now=now)


def test_runs_are_listed_while_open_to_those_who_see_the_account(world: World, now: datetime) -> None:
    batch = confirmed(order_for(world, many_vehicles([world.gongyi], 8)), world, now)
    [view] = runs.list_open(world.account.id, actor=world.claims1)
    assert (view.batch.number, view.issued_by.id) == (batch.number, world.underwriter.id)
    assert runs.list_open(world.account.id, actor=world.foreign_hq) == []
    assert runs.list_open(world.account.id, actor=world.safety_gongyi) == []
    with pytest.raises(NotFound):
        batches.find_progress(batch.number, actor=world.foreign_hq)
    work_off(now)
    assert runs.list_open(world.account.id, actor=world.claims1) == []


def test_refusals_are_paged_by_vehicle_with_every_reason(world: World, now: datetime) -> None:
    bad = many_vehicles([world.gongyi], 5, vin=None, state=VehicleState.RETIRED)
    order = order_for(world, [world.coach.id, *bad], CTPL, COMMERCIAL)
    batch = confirmed(replace(order, expected_fen=None), world, now)
    page = batches.list_refused(batch.number, PageRequest(2, 2), actor=world.hq)
    assert page.total == 5
    assert [(one.vehicle_id, one.code) for one in page.rows] == [
        (vehicle_id, code)
        for vehicle_id in bad[2:4]
        for _line in (CTPL, COMMERCIAL)
        for code in ("vehicle_retired", "vin_missing")
    ]
    view = batches.get_batch(batch.number, PageRequest(), actor=world.hq, now=now)
    assert view.reasons == [("vehicle_retired", 5), ("vin_missing", 5)]


def test_a_term_of_a_year_is_renewed_for_a_year(world: World, now: datetime) -> None:
    ids = many_vehicles([world.gongyi], 5)
    old = one_year_term((now - timedelta(days=340)).date())
    for vehicle_id in ids:
        vehicle = db.session.get_one(Vehicle, vehicle_id)
        PolicyFactory(
            vehicle=vehicle, issued_by=world.underwriter, starts_at=old.starts_at, ends_at=old.ends_at
        )
    batch = confirmed(order_for(world, ids), world, now)
    work_off(now)
    assert {(policy.starts_at, policy.agreed_ends_at) for policy in issued(batch)} == {
        (old.ends_at, one_year_term((old.ends_at + timedelta(hours=8)).date()).ends_at)
    }
    assert db.session.scalar(select(func.count()).where(IssuePortion.done_at.is_(None))) == 0
