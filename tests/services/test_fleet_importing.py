"""A client's list becomes vehicles: dry run, commit, once only, and back again."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.adapters.file_store import FileStore
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.accounts import Branch, BranchAlias, KeyAccount
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.fleet import (
    BranchRecord,
    FleetImport,
    ImportState,
    PlateRecord,
    RowVerdict,
    Vehicle,
    VehicleState,
    VehicleStateRecord,
)
from service_desk.models.policies import ExternalCover, IssueRefusal
from service_desk.models.renewals import MISSED_COVER, CaseState, MissedCoverCase
from service_desk.models.sla import TimerState
from service_desk.rules import ctpl_tariff
from service_desk.rules.fleet_list import ColumnChoice, Field
from service_desk.rules.renewal import Outcome
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import policies, renewals, sla
from service_desk.services.documents import Upload
from service_desk.services.fleet import importing, vehicles
from service_desk.services.policies import IssueRequest, LineChoice, quote_sheets, rates
from service_desk.services.policies.quote_sheets import QuoteRequest
from service_desk.services.renewals import outcomes
from tests.factories import (
    BranchFactory,
    KeyAccountFactory,
    PolicyFactory,
    UserFactory,
    VehicleFactory,
    make_vin,
)
from tests.world import World

LISTS = Path(__file__).resolve().parents[1] / "data" / "fleet_lists"
EXPECTED = json.loads((LISTS / "expected.json").read_text(encoding="utf-8"))
HEAD = ("车牌号", "车架号", "座位数", "吨位", "使用性质", "交强险到期", "所属分公司")


@pytest.fixture
def files(app: Flask) -> FileStore:
    store = app.extensions["file_store"]
    assert isinstance(store, FileStore)
    return store


@pytest.fixture
def group(world: World) -> KeyAccount:
    """The account the sample lists are of, with its branches and their other names."""
    account = KeyAccountFactory(code="GROUP")
    for entry in json.loads((LISTS / "branches.json").read_text(encoding="utf-8")):
        branch = BranchFactory(account=account, name=entry["name"])
        for alias in entry["aliases"]:
            db.session.add(
                BranchAlias(account_id=account.id, branch_id=branch.id, alias=alias, alias_key=alias)
            )
    db.session.commit()
    return account


def sheet(*rows: tuple, head: tuple = HEAD) -> Upload:
    """A workbook of one sheet named by what it is."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = "清单"
    for row in (head, *rows):
        page.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return Upload("清单.xlsx", out.getvalue())


def row(vehicle: Vehicle, branch: Branch, **changes: object) -> tuple:
    """A row that says what is on record, but for the changes."""
    said = {
        "plate": vehicle.plate,
        "vin": vehicle.vin,
        "seats": vehicle.seats,
        "load": None,
        "use_class": None,
        "ctpl": None,
        "branch": branch.name,
        **changes,
    }
    return tuple(said.values())


def upload(world: World, files: FileStore, now: datetime, list_: Upload, **options: str) -> FleetImport:
    return importing.upload_list(
        list_, world.account.id, files=files, actor=world.underwriter, now=now, **options
    )


def commit(world: World, imported: FleetImport, now: datetime) -> FleetImport:
    return importing.commit(imported.id, imported.version, actor=world.underwriter, now=now)


def codes(imported: FleetImport, verdict: RowVerdict = RowVerdict.REJECTED) -> list[str]:
    return [one.code for one in importing.list_rows(imported, verdict, PageRequest(1, 200)).rows]


def vehicle_count(account_id: int) -> int:
    return db.session.scalar(select(func.count()).where(Vehicle.account_id == account_id)) or 0


@pytest.mark.parametrize(
    "name", ["01-ledger-merged.xlsx", "02-gbk.csv", "04-by-branch.xls", "05-errors-serials.xlsx"]
)
def test_a_real_list_brings_every_accepted_vehicle_and_names_every_refused_row(
    name: str, group: KeyAccount, world: World, files: FileStore, now: datetime
) -> None:
    list_ = Upload(name, (LISTS / name).read_bytes())

    imported = importing.upload_list(list_, group.id, files=files, actor=world.admin, now=now)
    importing.commit(imported.id, imported.version, actor=world.admin, now=now)

    expected = EXPECTED[name]
    assert imported.counts["new"] == expected["accepted"] == vehicle_count(group.id)
    assert imported.counts["skipped"] == expected["skipped_duplicates"]
    refused = importing.list_rows(imported, RowVerdict.REJECTED, PageRequest(1, 200)).rows
    assert [(one.sheet, one.row_no, one.code) for one in refused] == [
        (one["sheet"], one["row"], one["code"]) for one in expected["rejected"]
    ]
    for sample in expected["samples"]:
        vehicle = db.session.scalars(select(Vehicle).where(Vehicle.vin == sample["vin"])).one()
        assert (vehicle.plate, vehicle.seats) == (sample["plate"], sample["seats"])
        assert db.session.get_one(Branch, vehicle.branch_id).name == sample["branch"]
        assert vehicle.registered_on == (
            sample["registered_on"] and date.fromisoformat(sample["registered_on"])
        )


def test_six_thousand_rows_are_imported_and_taken_back(
    group: KeyAccount, world: World, files: FileStore, now: datetime
) -> None:
    name = "06-handover-6000.xlsx"
    list_ = Upload(name, (LISTS / name).read_bytes())

    imported = importing.upload_list(list_, group.id, files=files, actor=world.admin, now=now)
    importing.commit(imported.id, imported.version, actor=world.admin, now=now)

    assert vehicle_count(group.id) == EXPECTED[name]["accepted"]
    importing.undo(imported.id, "错传", actor=world.admin, now=now)
    assert vehicle_count(group.id) == 0
    assert (
        db.session.scalar(select(func.count(ExternalCover.id)).where(ExternalCover.account_id == group.id))
        == 0
    )


def test_a_new_vehicle_has_its_histories_its_cover_and_its_row(
    world: World, files: FileStore, now: datetime
) -> None:
    new = ("豫A·11111", make_vin(1), 49, "1,500kg", "公路客运", date(2027, 3, 31), "巩义客运分公司")

    imported = commit(world, upload(world, files, now, sheet(new)), now)

    vehicle = db.session.scalars(select(Vehicle).where(Vehicle.vin == make_vin(1))).one()
    assert (vehicle.plate, vehicle.seats, vehicle.load_kg) == ("豫A11111", 49, 1500)
    assert vehicle.use_class is UseClass.COACH
    state = db.session.scalars(
        select(VehicleStateRecord).where(VehicleStateRecord.vehicle_id == vehicle.id)
    ).one()
    assert (state.state, state.from_at, state.to_at) == (VehicleState.OPERATING, now, None)
    plate = db.session.scalars(select(PlateRecord).where(PlateRecord.vehicle_id == vehicle.id)).one()
    branch = db.session.scalars(select(BranchRecord).where(BranchRecord.vehicle_id == vehicle.id)).one()
    cover = db.session.scalars(select(ExternalCover).where(ExternalCover.vehicle_id == vehicle.id)).one()
    assert (plate.plate, plate.from_at, plate.to_at) == ("豫A11111", now, None)
    assert (branch.branch_id, branch.to_at) == (world.gongyi.id, None)
    assert (cover.line, cover.ends_at) == (PolicyLine.CTPL, datetime(2027, 3, 31, 16, tzinfo=UTC))
    came_from = importing.all_rows(imported)[0]
    assert (came_from.sheet, came_from.row_no, came_from.vehicle_id) == ("清单", 2, vehicle.id)
    assert vehicle.import_row_id == came_from.id
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "fleet_list_imported")).one()
    assert (entry.entity_id, entry.changes["new"]) == (imported.id, [None, 1])


def test_what_the_group_approved_of_a_waiting_vehicle_is_not_changed_by_a_list(
    world: World, files: FileStore, now: datetime
) -> None:
    waiting = VehicleFactory(
        branch=world.gongyi, state=VehicleState.PENDING, plate=None, vin=make_vin(1), seats=None
    )
    db.session.commit()
    fills_in = ("豫A11111", make_vin(1), 49, None, None, None, "巩义客运分公司")
    moves = ("豫A11111", make_vin(1), 49, None, None, None, "中牟公交分公司")

    refused = upload(world, files, now, sheet(moves))
    commit(world, upload(world, files, now, sheet(fills_in)), now)

    assert codes(refused) == ["approved_as_requested"]
    assert (waiting.plate, waiting.seats, waiting.branch_id) == ("豫A11111", 49, world.gongyi.id)


def test_a_dry_run_writes_no_vehicle(world: World, files: FileStore, now: datetime) -> None:
    before = vehicle_count(world.account.id)

    imported = upload(
        world, files, now, sheet(("豫A11111", make_vin(1), 49, None, None, None, "巩义客运分公司"))
    )

    assert (imported.state, imported.counts["new"]) == (ImportState.CHECKED, 1)
    assert vehicle_count(world.account.id) == before


def test_a_row_that_says_what_is_known_changes_nothing(world: World, files: FileStore, now: datetime) -> None:
    imported = upload(world, files, now, sheet(row(world.coach, world.gongyi)))

    assert [one.verdict for one in importing.all_rows(imported)] == [RowVerdict.UNCHANGED]


def test_a_changed_row_keeps_the_old_values_and_the_histories(
    world: World, files: FileStore, now: datetime
) -> None:
    list_ = sheet(row(world.coach, world.zhongmu, plate="豫A99999", seats=50))

    imported = upload(world, files, now, list_)
    commit(world, imported, now)

    assert importing.all_rows(imported)[0].before == {
        "plate": "豫A12345",
        "seats": 45,
        "branch_id": world.gongyi.id,
    }
    db.session.refresh(world.coach)
    assert (world.coach.plate, world.coach.seats, world.coach.version) == ("豫A99999", 50, 2)
    plates = vehicles_plates(world.coach)
    assert plates == [("豫A12345", now), ("豫A99999", None)]


def vehicles_plates(vehicle: Vehicle) -> list[tuple[str, datetime | None]]:
    statement = select(PlateRecord).where(PlateRecord.vehicle_id == vehicle.id).order_by(PlateRecord.id)
    return [(one.plate, one.to_at) for one in db.session.scalars(statement)]


def test_an_empty_cell_erases_nothing(world: World, files: FileStore, now: datetime) -> None:
    commit(
        world, upload(world, files, now, sheet(row(world.coach, world.gongyi, plate=None, seats=None))), now
    )

    db.session.refresh(world.coach)
    assert (world.coach.plate, world.coach.seats) == ("豫A12345", 45)


def test_two_vehicles_swap_their_plates_in_one_list(world: World, files: FileStore, now: datetime) -> None:
    coach, truck = world.coach.plate, world.truck.plate
    list_ = sheet(row(world.coach, world.gongyi, plate=truck), row(world.truck, world.gongyi, plate=coach))

    imported = commit(world, upload(world, files, now, list_), now)

    db.session.refresh(world.coach)
    db.session.refresh(world.truck)
    assert (world.coach.plate, world.truck.plate) == (truck, coach)
    importing.undo(imported.id, "错传", actor=world.underwriter, now=now + timedelta(hours=1))
    assert (world.coach.plate, world.truck.plate) == (coach, truck)
    assert vehicles_plates(world.coach) == [(coach, None)]


def test_a_plate_goes_to_a_new_vehicle_when_its_holder_gets_another(
    world: World, files: FileStore, now: datetime
) -> None:
    new = ("豫A12345", make_vin(1), 49, None, None, None, "巩义客运分公司")
    list_ = sheet(new, row(world.coach, world.gongyi, plate="豫A55555"))

    commit(world, upload(world, files, now, list_), now)

    vehicle = db.session.scalars(select(Vehicle).where(Vehicle.vin == make_vin(1))).one()
    assert vehicle.plate == "豫A12345"


def test_a_plate_is_not_taken_from_a_vehicle_the_list_does_not_move(
    world: World, files: FileStore, now: datetime
) -> None:
    new = ("豫A12345", make_vin(1), 49, None, None, None, "巩义客运分公司")

    imported = upload(world, files, now, sheet(new))

    refused = importing.all_rows(imported)[0]
    assert (refused.code, refused.params["holder"]) == ("plate_taken_by", world.coach.vin)


def test_a_chain_of_plates_falls_when_its_first_link_does(
    world: World, files: FileStore, now: datetime
) -> None:
    # The truck wants the coach's plate, the coach wants the bus's, and the bus keeps its own.
    list_ = sheet(
        row(world.truck, world.gongyi, plate=world.coach.plate),
        row(world.coach, world.gongyi, plate=world.bus.plate),
    )

    imported = upload(world, files, now, list_)

    assert codes(imported) == ["plate_taken_by", "plate_taken_by"]


def test_a_row_with_a_plate_only_finds_its_vehicle(world: World, files: FileStore, now: datetime) -> None:
    imported = upload(world, files, now, sheet(row(world.coach, world.gongyi, vin=None, seats=51)))

    changed = importing.all_rows(imported)[0]
    assert (changed.vehicle_id, changed.before) == (world.coach.id, {"seats": 45})


def test_a_vin_comes_to_a_vehicle_known_by_its_plate(world: World, files: FileStore, now: datetime) -> None:
    known = VehicleFactory(branch=world.gongyi, vin=None, plate="豫A77777")

    imported = upload(world, files, now, sheet(row(known, world.gongyi, vin=make_vin(7))))

    changed = importing.all_rows(imported)[0]
    assert (changed.vehicle_id, changed.before) == (known.id, {"vin": None})


def test_two_rows_of_one_plate_without_vin_are_both_refused(
    world: World, files: FileStore, now: datetime
) -> None:
    branch = "巩义客运分公司"
    list_ = sheet(
        ("豫A11111", None, 49, None, None, None, branch), ("豫A11111", None, 50, None, None, None, branch)
    )

    assert codes(upload(world, files, now, list_)) == ["vehicle_twice", "vehicle_twice"]


def test_cover_that_our_own_policy_outlasts_is_not_noted(
    world: World, files: FileStore, now: datetime
) -> None:
    PolicyFactory(
        vehicle=world.coach, issued_by=world.underwriter, starts_at=datetime(2026, 6, 30, 16, tzinfo=UTC)
    )

    imported = upload(world, files, now, sheet(row(world.coach, world.gongyi, ctpl=date(2026, 12, 31))))

    assert importing.all_rows(imported)[0].verdict is RowVerdict.UNCHANGED


def test_an_unknown_use_class_is_a_warning(world: World, files: FileStore, now: datetime) -> None:
    imported = upload(world, files, now, sheet(row(world.coach, world.gongyi, use_class="观光")))

    assert importing.all_rows(imported)[0].params["warnings"] == ["use_class_unknown"]
    assert imported.counts["warnings"] == 1


def test_the_same_content_is_imported_once(world: World, files: FileStore, now: datetime) -> None:
    list_ = sheet(("豫A11111", make_vin(1), 49, None, None, None, "巩义客运分公司"))
    first = commit(world, upload(world, files, now, list_), now)

    again = upload(world, files, now + timedelta(days=1), list_)

    assert again.id == first.id
    assert db.session.scalar(select(func.count(FleetImport.id))) == 1


def test_two_dry_runs_of_one_list_become_one_import(world: World, files: FileStore, now: datetime) -> None:
    list_ = sheet(("豫A11111", make_vin(1), 49, None, None, None, "巩义客运分公司"))
    first, second = upload(world, files, now, list_), upload(world, files, now, list_)

    done = [commit(world, first, now), commit(world, second, now)]

    assert [one.id for one in done] == [first.id, first.id]
    assert second.state is ImportState.ABANDONED


def test_a_double_click_is_one_dry_run_and_one_import(world: World, files: FileStore, now: datetime) -> None:
    list_ = sheet(("豫A11111", make_vin(1), 49, None, None, None, "巩义客运分公司"))
    first = upload(world, files, now, list_, key="k1")
    second = upload(world, files, now, list_, key="k1")
    version = first.version

    for _click in range(2):
        importing.commit(second.id, version, actor=world.underwriter, now=now)

    assert first.id == second.id
    assert vehicle_count(world.account.id) == 4


def test_a_vehicle_changed_since_the_dry_run_stops_the_commit(
    world: World, files: FileStore, now: datetime
) -> None:
    imported = upload(world, files, now, sheet(row(world.coach, world.gongyi, seats=50)))
    world.coach.seats = 47
    db.session.commit()

    with pytest.raises(Conflict) as refusal:
        commit(world, imported, now)

    assert refusal.value.code == "import_outdated"
    importing.recheck(imported.id, files=files, actor=world.underwriter, now=now)
    commit(world, imported, now)
    db.session.refresh(world.coach)
    assert world.coach.seats == 50


def test_undo_brings_everything_back(world: World, files: FileStore, now: datetime) -> None:
    later = now + timedelta(hours=2)
    new = ("豫A11111", make_vin(1), 49, None, None, date(2027, 3, 31), "巩义客运分公司")
    list_ = sheet(new, row(world.coach, world.zhongmu, seats=50, ctpl=date(2027, 1, 31)))
    imported = commit(world, upload(world, files, now, list_), now)

    importing.undo(imported.id, "发错文件", actor=world.underwriter, now=later)

    assert (imported.state, imported.undone_at) == (ImportState.UNDONE, later)
    assert vehicle_count(world.account.id) == 3
    assert (world.coach.seats, world.coach.branch_id) == (45, world.gongyi.id)
    assert db.session.scalar(select(func.count(ExternalCover.id))) == 0
    branches = db.session.scalars(select(BranchRecord).where(BranchRecord.vehicle_id == world.coach.id)).all()
    assert [(one.branch_id, one.to_at) for one in branches] == [(world.gongyi.id, None)]
    assert upload(world, files, later, list_).state is ImportState.CHECKED


def test_undo_ends_what_was_chased_of_the_vehicles_and_judges_nobody(
    world: World, files: FileStore, now: datetime
) -> None:
    sla.install_defaults(now)
    new = ("豫A11111", make_vin(1), 49, None, "公路客运", None, "巩义客运分公司")
    imported = commit(world, upload(world, files, now, sheet(new)), now)
    renewals.watch(world.account.id, now=now)
    of_new = MissedCoverCase.vehicle_name == "豫A11111"
    case = db.session.scalars(select(MissedCoverCase).where(of_new)).one()

    importing.undo(imported.id, "错发", actor=world.underwriter, now=now + timedelta(hours=1))

    db.session.expire_all()
    assert (case.state, case.vehicle_id) == (CaseState.STOPPED, None)
    timer = sla.timers_of(MISSED_COVER, [case.id])[case.id][0]
    assert timer.state is TimerState.CANCELLED
    assert vehicle_count(world.account.id) == 3
    left = db.session.scalars(select(VehicleStateRecord.vehicle_id)).all()
    assert len(left) == 4  # the three of the group and the stranger's


def test_undo_is_refused_when_a_vehicle_was_changed_since(
    world: World, files: FileStore, now: datetime
) -> None:
    imported = commit(world, upload(world, files, now, sheet(row(world.coach, world.gongyi, seats=50))), now)
    details = vehicles.VehicleDetails(
        "豫A12345", world.coach.vin or "", "", "", UseClass.COACH, 52, None, None, world.gongyi.id
    )
    vehicles.change_vehicle(world.coach.id, details, world.coach.version, actor=world.underwriter, now=now)

    with pytest.raises(Conflict) as refusal:
        importing.undo(imported.id, "发错文件", actor=world.underwriter, now=now)

    assert refusal.value.params == {"count": 1, "vehicles": "豫A12345"}
    assert imported.state is ImportState.COMMITTED


def test_undo_is_refused_when_a_vehicle_was_insured_since(
    world: World, files: FileStore, now: datetime
) -> None:
    new = ("豫A11111", make_vin(1), 49, None, None, None, "巩义客运分公司")
    imported = commit(world, upload(world, files, now, sheet(new)), now)
    vehicle = db.session.scalars(select(Vehicle).where(Vehicle.vin == make_vin(1))).one()
    PolicyFactory(vehicle=vehicle, issued_by=world.underwriter)

    with pytest.raises(Conflict) as refusal:
        importing.undo(imported.id, "发错文件", actor=world.underwriter, now=now)

    assert refusal.value.code == "undo_refused"


def test_undo_is_refused_while_a_quote_names_the_vehicle_and_leaves_a_refusal_without_it(
    world: World, files: FileStore, now: datetime
) -> None:
    rates.install_sample_rates(now=now)
    quoted = ("豫A11111", make_vin(1), 49, None, "公路客运", None, "巩义客运分公司")
    refused = ("豫A22222", None, 49, None, "公路客运", None, "巩义客运分公司")
    lines = (LineChoice(PolicyLine.CTPL, "basic"),)
    first = commit(world, upload(world, files, now, sheet(quoted)), now)
    second = commit(world, upload(world, files, now, sheet(refused)), now)
    ids = {one.plate: one.id for one in db.session.scalars(select(Vehicle))}
    quote_sheets.make(
        QuoteRequest(world.account.id, (ids["豫A11111"],), lines), actor=world.underwriter, now=now
    )
    order = IssueRequest(world.account.id, (ids["豫A22222"], world.coach.id), lines)
    policies.issue_many(order, actor=world.underwriter, now=now)
    db.session.commit()

    with pytest.raises(Conflict, match="undo_refused"):
        importing.undo(first.id, "错传", actor=world.underwriter, now=now)
    db.session.rollback()
    importing.undo(second.id, "错传", actor=world.underwriter, now=now)

    kept = db.session.scalars(select(IssueRefusal)).one()
    assert (kept.plate, kept.vehicle_id) == ("豫A22222", None)


def test_undo_is_refused_when_a_vehicle_has_an_outcome_or_a_quote_since(
    world: World, files: FileStore, now: datetime
) -> None:
    new = ("豫A11111", make_vin(1), 49, None, "公路客运", date(2026, 12, 31), "巩义客运分公司")
    other = ("豫A22222", make_vin(2), 49, None, "公路客运", None, "巩义客运分公司")
    imported = commit(world, upload(world, files, now, sheet(new, other)), now)
    sold, quoted = db.session.scalars(
        select(Vehicle).where(Vehicle.vin.in_([make_vin(1), make_vin(2)])).order_by(Vehicle.plate)
    )
    rates.install_sample_rates(now=now)
    outcomes.record(
        sold.id,
        {PolicyLine.CTPL: date(2026, 12, 31)},
        outcomes.OutcomeDetails(Outcome.SOLD),
        actor=world.underwriter,
        now=now,
    )
    lines = (LineChoice(PolicyLine.CTPL, ctpl_tariff.COVER_SET),)
    request = QuoteRequest(world.account.id, (quoted.id,), lines, date(2026, 12, 1))
    quote_sheets.make(request, actor=world.underwriter, now=now)

    with pytest.raises(Conflict) as refusal:
        importing.undo(imported.id, "发错文件", actor=world.underwriter, now=now)

    assert refusal.value.params == {"count": 2, "vehicles": "豫A11111, 豫A22222"}


def test_other_columns_can_be_chosen(world: World, files: FileStore, now: datetime) -> None:
    head = ("车牌号", "车架号", "座位数", "实际座位", "单位")
    list_ = sheet(("豫A11111", make_vin(1), 49, 51, "巩义客运分公司"), head=head)
    imported = upload(world, files, now, list_)
    choice = ColumnChoice({Field.PLATE: 0, Field.VIN: 1, Field.SEATS: 3, Field.BRANCH: 4})

    importing.recheck(imported.id, {"清单": choice}, files=files, actor=world.underwriter, now=now)

    assert importing.all_rows(imported)[0].values["seats"] == 51
    assert imported.mapping[0]["samples"][3] == ["51"]


def test_a_learnt_branch_name_lets_its_rows_in(world: World, files: FileStore, now: datetime) -> None:
    list_ = sheet(("豫A11111", make_vin(1), 49, None, None, None, "巩义老客运"))
    imported = upload(world, files, now, list_)
    assert [(one.name, one.rows) for one in importing.unknown_branches(imported)] == [("巩义老客运", 1)]

    importing.learn_branches(
        imported.id, {"巩义老客运": world.gongyi.id}, files=files, actor=world.underwriter, now=now
    )

    assert importing.all_rows(imported)[0].values["branch_id"] == world.gongyi.id


def test_a_list_with_newly_known_branches_is_another_content(
    world: World, files: FileStore, now: datetime
) -> None:
    branch = "巩义客运分公司"
    list_ = sheet(
        ("豫A11111", make_vin(1), 49, None, None, None, branch),
        ("豫A22222", make_vin(2), 49, None, None, None, "巩义老客运"),
    )
    first = commit(world, upload(world, files, now, list_), now)
    importing.accounts.add_alias(
        world.account.id, world.gongyi.id, "巩义老客运", actor=world.underwriter, now=now
    )

    second = upload(world, files, now, list_)

    assert second.id != first.id
    assert (second.counts["new"], second.counts["unchanged"]) == (1, 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xd8\xff\xe0photo", "file_unreadable"),
        (b"  \r\n", "file_empty"),
        (b"a,b,c\n1,2,3\n", "header_not_found"),
    ],
)
def test_a_file_that_is_no_list_is_refused(
    world: World, files: FileStore, now: datetime, content: bytes, code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        upload(world, files, now, Upload("list.xlsx", content))

    assert refusal.value.code == code


def test_the_client_may_not_import(world: World, files: FileStore, now: datetime) -> None:
    for person in (world.safety_gongyi, world.hq, world.claims1):
        with pytest.raises(Forbidden):
            importing.upload_list(sheet(), world.account.id, files=files, actor=person, now=now)


def test_another_accounts_import_is_not_found(world: World, files: FileStore, now: datetime) -> None:
    imported = upload(world, files, now, sheet(row(world.coach, world.gongyi)))
    stranger = UserFactory(role=world.underwriter.role, accounts=[world.foreign_account])

    with pytest.raises(NotFound):
        importing.get_import(imported.id, actor=stranger)


def test_another_accounts_vehicle_of_the_same_plate_is_no_hindrance(
    world: World, files: FileStore, now: datetime
) -> None:
    new = (world.foreign_vehicle.plate, make_vin(1), 49, None, None, None, "巩义客运分公司")

    assert upload(world, files, now, sheet(new)).counts["new"] == 1
