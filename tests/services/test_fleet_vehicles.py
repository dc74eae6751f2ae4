"""One vehicle at a time, and lists of them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, DomainError, Forbidden, InvalidMany, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.fleet import BranchRecord, PlateRecord, Vehicle, VehicleState
from service_desk.models.policies import CoverSource, ExternalCover
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.fleet import queries, vehicles
from service_desk.services.fleet.queries import CoverFilter, VehicleFilter
from service_desk.services.fleet.vehicles import VehicleDetails
from tests.factories import BranchFactory, PolicyFactory, VehicleFactory, make_vin
from tests.world import World


def details(world: World, **changes: object) -> VehicleDetails:
    usual: dict = {
        "plate": "豫A88888",
        "vin": make_vin(8),
        "engine_no": "YC6J0008",
        "model": "宇通 ZK6119H",
        "use_class": UseClass.COACH,
        "seats": 45,
        "load_kg": None,
        "registered_on": date(2024, 5, 1),
        "branch_id": world.gongyi.id,
    }
    return VehicleDetails(**{**usual, **changes})


def of(vehicle: Vehicle, world: World, **changes: object) -> VehicleDetails:
    kept = {
        name: getattr(vehicle, name)
        for name in (
            "plate",
            "vin",
            "engine_no",
            "model",
            "use_class",
            "seats",
            "load_kg",
            "registered_on",
            "branch_id",
        )
    }
    return details(world, **{**kept, **changes})


def test_an_added_vehicle_begins_its_histories(world: World, now: datetime) -> None:
    vehicle = vehicles.add_vehicle(
        world.account.id, details(world, plate=" 豫a·88888 "), actor=world.underwriter, now=now
    )

    assert (vehicle.plate, vehicle.state) == ("豫A88888", VehicleState.OPERATING)
    assert [(one.plate, one.from_at) for one in queries.plates_of(vehicle)] == [("豫A88888", now)]
    assert [branch.id for _record, branch in queries.branches_of(vehicle)] == [world.gongyi.id]


def test_the_same_form_twice_is_one_vehicle(world: World, now: datetime) -> None:
    first, second = (
        vehicles.add_vehicle(world.account.id, details(world), actor=world.underwriter, now=now, key="k")
        for _click in range(2)
    )

    assert first.id == second.id


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"plate": "", "vin": ""}, ["identity_missing"]),
        ({"plate": "豫AO2345"}, ["plate_invalid_perhaps"]),
        ({"plate": "12345"}, ["plate_invalid"]),
        ({"vin": "LZYT"}, ["vin_invalid"]),
        ({"plate": "豫A12345"}, ["plate_taken"]),
        ({"vin": make_vin(200001)}, ["vin_taken"]),
        ({"plate": "豫A12345", "vin": "LZYT"}, ["vin_invalid", "plate_taken"]),
        ({"registered_on": date(2026, 11, 24)}, ["registered_in_future"]),
    ],
)
def test_what_cannot_be_right_is_refused_all_at_once(
    world: World, now: datetime, changes: dict, codes: list[str]
) -> None:
    with pytest.raises(InvalidMany) as refusal:
        vehicles.add_vehicle(world.account.id, details(world, **changes), actor=world.underwriter, now=now)

    assert [problem.code for problem in refusal.value.problems] == codes


def test_another_plate_and_branch_are_kept_in_the_histories(world: World, now: datetime) -> None:
    changed = of(world.coach, world, plate="豫A99999", branch_id=world.zhongmu.id)

    vehicles.change_vehicle(world.coach.id, changed, world.coach.version, actor=world.underwriter, now=now)
    db.session.flush()
    db.session.expire_all()

    plates = db.session.scalars(
        select(PlateRecord).where(PlateRecord.vehicle_id == world.coach.id).order_by(PlateRecord.id)
    ).all()
    branches = db.session.scalars(
        select(BranchRecord).where(BranchRecord.vehicle_id == world.coach.id).order_by(BranchRecord.id)
    ).all()
    assert [(one.plate, one.to_at) for one in plates] == [("豫A12345", now), ("豫A99999", None)]
    assert [(one.branch_id, one.to_at) for one in branches] == [
        (world.gongyi.id, now),
        (world.zhongmu.id, None),
    ]
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "vehicle_changed")).one()
    assert entry.changes["plate"] == ["豫A12345", "豫A99999"]


def test_a_change_based_on_an_old_version_is_a_conflict(world: World, now: datetime) -> None:
    version = world.coach.version
    vehicles.change_vehicle(
        world.coach.id, of(world.coach, world, seats=47), version, actor=world.manager, now=now
    )
    db.session.flush()

    with pytest.raises(Conflict):
        vehicles.change_vehicle(
            world.coach.id, of(world.coach, world, seats=50), version, actor=world.underwriter, now=now
        )


def test_another_accounts_branch_is_not_found(world: World, now: datetime) -> None:
    with pytest.raises(NotFound):
        vehicles.add_vehicle(
            world.account.id, details(world, branch_id=world.foreign_branch.id), actor=world.admin, now=now
        )


@pytest.mark.parametrize("username", ["hq", "safety_gongyi", "claims1"])
def test_only_underwriting_changes_vehicles(world: World, now: datetime, username: str) -> None:
    person = getattr(world, username)

    with pytest.raises(Forbidden):
        vehicles.change_vehicle(world.coach.id, of(world.coach, world), 1, actor=person, now=now)


def test_a_state_change_keeps_its_reason(world: World, now: datetime) -> None:
    vehicles.set_state(world.coach.id, VehicleState.SUSPENDED, "大修", 1, actor=world.underwriter, now=now)

    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "vehicle_state_changed")).one()
    assert entry.changes == {"state": ["operating", "suspended"], "reason": [None, "大修"]}


@pytest.mark.parametrize(("state", "reason"), [(VehicleState.OPERATING, "x"), (VehicleState.RETIRED, "  ")])
def test_a_state_change_needs_to_be_possible_and_a_reason(
    world: World, now: datetime, state: VehicleState, reason: str
) -> None:
    with pytest.raises(DomainError):
        vehicles.set_state(world.coach.id, state, reason, 1, actor=world.underwriter, now=now)


def found(world: World, now: datetime, actor: object = None, **wanted: object) -> set[int]:
    page = queries.list_vehicles(
        world.account.id, VehicleFilter(**wanted), PageRequest(), actor=actor or world.underwriter, now=now
    )
    return {one.vehicle.id for one in page.rows}


def test_a_branch_stands_for_everything_below_it(world: World, now: datetime) -> None:
    station = BranchFactory(account=world.account, parent=world.gongyi)
    below = VehicleFactory(branch=station)

    assert found(world, now, branch_id=world.gongyi.id) == {world.coach.id, world.truck.id, below.id}


def test_a_safety_officer_sees_their_branch_only(world: World, now: datetime) -> None:
    assert found(world, now, actor=world.safety_gongyi) == {world.coach.id, world.truck.id}
    assert found(world, now, actor=world.foreign_hq) == set()


def test_text_finds_plate_former_plate_vin_and_engine(world: World, now: datetime) -> None:
    changed = of(world.coach, world, plate="豫A99999", engine_no="WP10-2231")
    vehicles.change_vehicle(world.coach.id, changed, 1, actor=world.underwriter, now=now)
    db.session.flush()

    for text in ("豫a·999", "12345", (world.coach.vin or "")[-6:], "2231"):
        assert world.coach.id in found(world, now, text=text)
    assert found(world, now, text="豫Z") == set()


def test_cover_filters_say_what_holds_today(world: World, now: datetime) -> None:
    year = timedelta(days=365)
    for line in PolicyLine:
        PolicyFactory(vehicle=world.coach, issued_by=world.underwriter, line=line, starts_at=now - year / 2)
    soon = datetime(2026, 12, 10, 16, tzinfo=UTC)
    db.session.add(
        ExternalCover(
            account_id=world.account.id,
            vehicle_id=world.bus.id,
            line=PolicyLine.CTPL,
            ends_at=soon,
            source=CoverSource.CLIENT_LIST,
            noted_at=now,
        )
    )
    # Ended at this very instant: no longer in force.
    PolicyFactory(vehicle=world.truck, issued_by=world.underwriter, starts_at=now - year, ends_at=now)
    db.session.flush()

    assert found(world, now, cover=CoverFilter.COVERED) == {world.coach.id}
    assert found(world, now, cover=CoverFilter.EXPIRING) == {world.bus.id}
    assert found(world, now, cover=CoverFilter.WITHOUT_CTPL) == {world.truck.id}
    PolicyFactory(vehicle=world.bus, issued_by=world.underwriter, starts_at=soon)
    db.session.flush()
    assert found(world, now, cover=CoverFilter.EXPIRING) == set()


def test_a_suspended_vehicle_does_not_miss_cover(world: World, now: datetime) -> None:
    world.truck.state = VehicleState.SUSPENDED
    db.session.flush()

    assert world.truck.id not in found(world, now, cover=CoverFilter.WITHOUT_CTPL)


def test_sorting_puts_missing_values_last_and_pages_never_overlap(world: World, now: datetime) -> None:
    pages = [
        queries.list_vehicles(
            world.account.id,
            VehicleFilter(),
            PageRequest(number, 2),
            sort="-seats",
            actor=world.underwriter,
            now=now,
        )
        for number in (1, 2)
    ]

    assert [one.vehicle.seats for page in pages for one in page.rows] == [45, 32, None]
    assert [page.total for page in pages] == [3, 3]


def test_suggestions_are_what_the_person_may_see(world: World) -> None:
    assert [
        one.vehicle.id for one in queries.suggest("12345", world.account.id, actor=world.safety_gongyi)
    ] == [world.coach.id]
    assert len(queries.suggest("12345", world.account.id, actor=world.underwriter)) == 2
    assert queries.suggest(" ", world.account.id, actor=world.underwriter) == []
