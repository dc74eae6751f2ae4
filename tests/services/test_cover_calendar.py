"""Layers as policies give them, required cover as data, gaps of a fleet, and the ratio over days and branches."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service_desk.base.clock import end_of_day, start_of_day
from service_desk.base.errors import Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.db import db
from service_desk.models.fleet import BranchRecord, Vehicle, VehicleState, VehicleStateRecord
from service_desk.models.policies import CoverRequirement, CoverSource, ExternalCover, Policy
from service_desk.models.users import User
from service_desk.rules.coverage import Span
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass
from service_desk.services import exports, policies, renewals
from service_desk.services.fleet import queries, requirements, vehicles
from service_desk.services.fleet.queries import CoverFilter, VehicleFilter
from service_desk.services.fleet.requirements import NewRequirement
from service_desk.services.policies import calendars, ratios
from service_desk.services.policies.calendars import FindingKind, FleetFindings
from service_desk.services.policies.ratios import CoveredVehicles
from tests.factories import CoverageFactory, PolicyFactory
from tests.world import World

CTPL, TPL, OWN_DAMAGE, CARRIER = CoverCode
TODAY = date(2026, 11, 23)
YEAR = Span(start_of_day(date(2026, 1, 1)), end_of_day(date(2026, 12, 31)))


def insure(
    world: World,
    vehicle: Vehicle,
    line: PolicyLine,
    first: date = date(2026, 1, 1),
    last: date = date(2026, 12, 31),
    *,
    covers: tuple[Any, ...] = (),
) -> Policy:
    """A policy; `covers` are `(code, from, to)` rows, with None for the policy's own ends."""
    policy: Policy = PolicyFactory(
        vehicle=vehicle,
        issued_by=world.underwriter,
        line=line,
        starts_at=start_of_day(first),
        ends_at=end_of_day(last),
    )
    for code, from_at, to_at in covers:
        CoverageFactory(policy=policy, code=code, from_at=from_at, to_at=to_at)
    db.session.commit()
    return policy


def elsewhere(vehicle: Vehicle, line: PolicyLine, last: date, now: datetime) -> None:
    db.session.add(
        ExternalCover(
            account_id=vehicle.account_id,
            vehicle_id=vehicle.id,
            line=line,
            ends_at=end_of_day(last),
            source=CoverSource.CLIENT_LIST,
            noted_at=now,
        )
    )
    db.session.commit()


def missing(vehicle: Vehicle, now: datetime) -> tuple[CoverCode, ...]:
    """What the vehicle lacks by its own page, by the list in the database and by the watch, which agree."""
    found = policies.coverage_of([vehicle.id], now)[vehicle.id]
    uninsured = {
        one.vehicle.id: one.layers
        for one in renewals.uninsured.account_uninsured(vehicle.account_id, now=now)
    }
    assert uninsured.get(vehicle.id, ()) == found.missing_layers
    return found.missing_layers


def require(world: World, now: datetime, *layers: CoverCode, **values: Any) -> CoverRequirement:
    wanted = {"account_id": world.account.id, "use_class": UseClass.GOODS, "effective_on": TODAY}
    row = requirements.set_requirement(
        NewRequirement(**{**wanted, "layers": layers, "source": "2026 年协议", **values}),
        actor=world.admin,
        now=now,
    )
    db.session.commit()
    return row


def test_a_commercial_policy_gives_the_layers_of_its_covers(world: World, now: datetime) -> None:
    insure(world, world.truck, PolicyLine.CTPL)
    assert missing(world.truck, now) == (TPL,)
    insure(world, world.truck, PolicyLine.COMMERCIAL, covers=((OWN_DAMAGE, None, None),))
    assert missing(world.truck, now) == (TPL,)


def test_a_cover_that_an_endorsement_ended_ends_its_layer(world: World, now: datetime) -> None:
    insure(world, world.truck, PolicyLine.CTPL)
    covers = ((TPL, None, now), (OWN_DAMAGE, None, None))
    insure(world, world.truck, PolicyLine.COMMERCIAL, covers=covers)
    assert missing(world.truck, now - timedelta(seconds=1)) == ()
    assert missing(world.truck, now) == (TPL,)
    line = policies.coverage_of([world.truck.id], now)[world.truck.id]
    assert (line.missing, PolicyLine.COMMERCIAL in line.lines) == ((PolicyLine.COMMERCIAL,), True)


def test_cover_from_elsewhere_counts_as_third_party_only(world: World, now: datetime) -> None:
    insure(world, world.truck, PolicyLine.CTPL)
    elsewhere(world.truck, PolicyLine.COMMERCIAL, date(2027, 1, 31), now)
    assert missing(world.truck, now) == ()
    require(world, now, CTPL, TPL, OWN_DAMAGE)
    assert missing(world.truck, now) == (OWN_DAMAGE,)


def test_what_is_required_is_data_everywhere(world: World, now: datetime) -> None:
    for line in (PolicyLine.CTPL, PolicyLine.COMMERCIAL):
        insure(world, world.truck, line)

    def covered() -> tuple[int, Ratio, tuple[PolicyLine, ...]]:
        return (
            queries.count_vehicles(
                world.account.id, VehicleFilter(cover=CoverFilter.COVERED), actor=world.underwriter, now=now
            ),
            policies.coverage_ratio(world.account.id, now),
            policies.required_lines(world.truck, now),
        )

    assert covered() == (1, Ratio(1, 3), (PolicyLine.CTPL, PolicyLine.COMMERCIAL))
    require(world, now, CTPL, TPL, CARRIER)
    assert covered() == (0, Ratio(0, 3), tuple(PolicyLine))
    assert policies.coverage_ratio(world.foreign_account.id, now) == Ratio(0, 1)


def test_a_line_that_is_required_may_be_issued(world: World, now: datetime) -> None:
    order = policies.IssueRequest(
        world.account.id,
        (world.truck.id,),
        (policies.LineChoice(PolicyLine.CARRIER_LIABILITY, "seat_400k"),),
    )
    codes = [one.code for one in policies.preview(order, actor=world.underwriter, now=now).refused]
    assert codes == ["line_not_for_class"]
    require(world, now, CTPL, CARRIER)
    codes = [one.code for one in policies.preview(order, actor=world.underwriter, now=now).refused]
    assert "line_not_for_class" not in codes


@pytest.mark.parametrize(
    ("values", "layers", "code"),
    [
        ({}, (TPL,), "ctpl_always_needed"),
        ({"effective_on": TODAY - timedelta(days=1)}, (CTPL,), "requirement_backdated"),
        ({"use_class": None}, (CTPL,), "use_class_missing"),
        ({"source": " "}, (CTPL,), "reason_missing"),
    ],
)
def test_required_cover_is_checked(
    world: World, now: datetime, values: dict[str, Any], layers: tuple[CoverCode, ...], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        require(world, now, *layers, **values)
    assert refused.value.code == code


def test_only_who_keeps_settings_sets_required_cover(world: World, now: datetime) -> None:
    wanted = NewRequirement(world.account.id, UseClass.GOODS, (CTPL,), TODAY, "协议")
    for actor in (world.manager, world.underwriter, world.hq):
        with pytest.raises(Forbidden):
            requirements.set_requirement(wanted, actor=actor, now=now)


def test_a_version_of_the_same_day_is_put_right_and_a_later_one_waits(world: World, now: datetime) -> None:
    first = require(world, now, CTPL)
    assert require(world, now, CTPL, TPL) is first
    require(world, now, CTPL, TPL, OWN_DAMAGE, effective_on=TODAY + timedelta(days=1))
    needs = [
        requirements.in_force(world.account.id, TODAY + timedelta(days=days)).layers_of(UseClass.GOODS)
        for days in (-1, 0, 1)
    ]
    assert needs == [(CTPL, TPL), (CTPL, TPL), (CTPL, TPL, OWN_DAMAGE)]
    shown = requirements.list_versions(world.account.id, actor=world.safety_gongyi)
    assert [row.effective_on for row, _ in shown] == [TODAY + timedelta(days=1), TODAY]
    with pytest.raises(NotFound):
        requirements.list_versions(world.account.id, actor=world.foreign_hq)


def test_states_are_kept_from_when_they_change(world: World, now: datetime) -> None:
    vehicles.set_state(world.truck.id, VehicleState.SUSPENDED, "大修", 1, actor=world.underwriter, now=now)
    rows = db.session.scalars(
        select(VehicleStateRecord)
        .where(VehicleStateRecord.vehicle_id == world.truck.id)
        .order_by(VehicleStateRecord.id)
    ).all()
    assert [(row.state, row.to_at) for row in rows] == [
        (VehicleState.OPERATING, now),
        (VehicleState.SUSPENDED, None),
    ]


def ratio_by_branch(world: World, period: Period, actor: User, now: datetime) -> dict[int, Ratio]:
    rows = ratios.coverage_by_branch(world.account.id, period, actor=actor, now=now)
    return {row.branch.id: row.days for row in rows}


def test_the_ratio_honours_state_and_branch_of_each_day(world: World, now: datetime) -> None:
    for vehicle in (world.coach, world.bus):
        for line in PolicyLine:
            insure(world, vehicle, line)
    moved_at, stood_at = start_of_day(date(2026, 11, 11)), start_of_day(date(2026, 11, 16))
    for record in db.session.scalars(select(BranchRecord).where(BranchRecord.vehicle_id == world.truck.id)):
        record.to_at = moved_at
    db.session.add(BranchRecord(vehicle_id=world.truck.id, branch_id=world.zhongmu.id, from_at=moved_at))
    db.session.commit()
    vehicles.set_state(
        world.truck.id, VehicleState.SUSPENDED, "大修", 1, actor=world.underwriter, now=stood_at
    )
    db.session.commit()
    november = Period(date(2026, 11, 1), date(2026, 11, 20))

    found = ratio_by_branch(world, november, world.hq, now)

    # The coach and the bus are covered all twenty days; the lorry was ten days here and five there, never covered.
    assert found == {world.gongyi.id: Ratio(20, 30), world.zhongmu.id: Ratio(20, 25)}
    assert ratios.period_ratio(world.account.id, november, now=now) == Ratio(40, 55)
    assert ratio_by_branch(world, november, world.safety_gongyi, now) == {world.gongyi.id: Ratio(20, 30)}


def test_today_says_what_the_other_pages_say(world: World, now: datetime) -> None:
    insure(world, world.truck, PolicyLine.CTPL, last=TODAY)
    insure(world, world.truck, PolicyLine.COMMERCIAL, last=TODAY)
    today = Period(TODAY, TODAY)
    assert ratios.period_ratio(world.account.id, today, now=now) == policies.coverage_ratio(
        world.account.id, now
    )
    assert ratios.period_ratio(world.account.id, Period(TODAY, date(2027, 1, 31)), now=now) == Ratio(1, 3)


def test_every_figure_opens_its_vehicles(world: World, now: datetime) -> None:
    for line in PolicyLine:
        insure(world, world.coach, line)
    period = Period(TODAY, TODAY)
    everyone = CoveredVehicles(world.account.id, period, world.hq, now).read(PageRequest())
    assert {row.vehicle.id for row in everyone.rows} == {world.coach.id, world.bus.id, world.truck.id}
    missed = CoveredVehicles(world.account.id, period, world.safety_gongyi, now, only_missed=True)
    assert [row.vehicle.id for row in missed.read(PageRequest()).rows] == [world.truck.id]


def findings(world: World, now: datetime, actor: User | None = None, **wanted: Any) -> list[tuple[Any, ...]]:
    found = FleetFindings(world.account.id, YEAR, actor or world.underwriter, now, **wanted)
    return [
        (row.vehicle.plate, row.finding.layer, row.finding.kind, row.finding.span.starts_at, row.finding.days)
        for row in found.read(PageRequest()).rows
    ]


def test_gaps_and_overlaps_are_listed_by_layer(world: World, now: datetime) -> None:
    for vehicle in (world.coach, world.bus):
        for line in PolicyLine:
            insure(world, vehicle, line)
    insure(world, world.truck, PolicyLine.CTPL, last=date(2026, 6, 30))
    insure(world, world.truck, PolicyLine.CTPL, date(2026, 7, 4))
    insure(world, world.truck, PolicyLine.COMMERCIAL, last=date(2026, 9, 10))
    insure(world, world.truck, PolicyLine.COMMERCIAL, date(2026, 9, 1))
    known_since = world.truck.created_at

    assert findings(world, now) == [
        # Known to the desk from 5 January on: what was before is not its business.
        ("豫A67890", CTPL, FindingKind.GAP, start_of_day(date(2026, 7, 1)), 3),
        ("豫A67890", TPL, FindingKind.OVERLAP, start_of_day(date(2026, 9, 1)), 10),
    ]
    assert known_since > YEAR.starts_at
    assert findings(world, now, layer=CTPL)[0][1] is CTPL
    assert findings(world, now, kind=FindingKind.OVERLAP)[0][2] is FindingKind.OVERLAP
    assert findings(world, now, actor=world.foreign_hq) == []
    assert len(findings(world, now, actor=world.safety_gongyi)) == 2


def test_lists_read_in_portions_are_the_whole_list(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    insure(world, world.coach, PolicyLine.CTPL, last=date(2026, 3, 31))
    insure(world, world.coach, PolicyLine.CTPL, date(2026, 6, 1), date(2026, 8, 31))
    insure(world, world.truck, PolicyLine.CTPL, date(2026, 2, 1), date(2026, 7, 31))
    month = Period(date(2026, 11, 1), date(2026, 11, 20))
    monkeypatch.setattr(calendars, "_VEHICLES_READ", 2)

    for listed in (
        FleetFindings(world.account.id, YEAR, world.underwriter, now),
        CoveredVehicles(world.account.id, month, world.underwriter, now),
    ):
        whole = listed.read(PageRequest())
        assert whole.total == len(whole.rows) > 2
        for size in (1, 2, 3):
            assert list(exports.in_portions(listed.read, portion=size)) == list(whole.rows)
        assert not listed.read(PageRequest(9)).rows
    for nobody in (world.safety_gongyi, world.foreign_hq):
        seen = {
            row.branch.id
            for row in CoveredVehicles(world.account.id, month, nobody, now).read(PageRequest()).rows
        }
        assert seen == ({world.gongyi.id} if nobody is world.safety_gongyi else set())


def test_an_open_gap_ends_now_and_what_follows_is_not_renewed_yet(world: World, now: datetime) -> None:
    insure(world, world.truck, PolicyLine.CTPL, last=date(2026, 11, 20))
    insure(world, world.truck, PolicyLine.COMMERCIAL)
    truck = [row for row in findings(world, now) if row[0] == "豫A67890"]
    assert truck == [("豫A67890", CTPL, FindingKind.GAP, start_of_day(date(2026, 11, 21)), 3)]
    to_come = [row for row in findings(world, now, kind=FindingKind.NOT_RENEWED) if row[0] == "豫A67890"]
    assert [(row[1], row[3]) for row in to_come] == [(CTPL, now)]


def test_a_vehicles_calendar_has_its_required_layers_and_those_it_had(world: World, now: datetime) -> None:
    covers = ((TPL, None, None), (OWN_DAMAGE, None, datetime(2026, 6, 30, 16, tzinfo=UTC)))
    insure(world, world.truck, PolicyLine.COMMERCIAL, covers=covers)
    shown = calendars.vehicle_calendar(world.truck, YEAR, now=now)
    assert [(one.calendar.layer, one.is_required) for one in shown] == [
        (CTPL, True),
        (TPL, True),
        (OWN_DAMAGE, False),
    ]
    own_damage = shown[2].calendar
    assert (own_damage.covered_days, own_damage.days) == (181, 365)
    assert shown[2].findings == []


def test_the_fleet_list_filters_what_is_fully_covered(world: World, now: datetime) -> None:
    covers = ((TPL, None, None),)
    insure(world, world.truck, PolicyLine.CTPL)
    insure(world, world.truck, PolicyLine.COMMERCIAL, covers=covers)
    page = queries.list_vehicles(
        world.account.id,
        VehicleFilter(cover=CoverFilter.COVERED),
        PageRequest(),
        actor=world.underwriter,
        now=now,
    )
    assert [row.vehicle.id for row in page.rows] == [world.truck.id]
