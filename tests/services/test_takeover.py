"""Policies that exist already come in from a list: dry run, questions, totals, commit, once only, and back."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.adapters.file_store import FileStore
from service_desk.adapters.spreadsheets import read_workbook
from service_desk.base.clock import end_of_day, start_of_day
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel, EnquiryState
from service_desk.models.fleet import (
    BranchRecord,
    FleetImport,
    FleetImportRow,
    ImportState,
    RowVerdict,
    Vehicle,
    VehicleState,
    VehicleStateRecord,
)
from service_desk.models.policies import Coverage, CoverSource, ExternalCover, Policy, PolicyOrigin
from service_desk.models.premiums import Receivable
from service_desk.models.renewals import RenewalOutcome
from service_desk.presenters import takeover as shown
from service_desk.rules.renewal import Outcome
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services import policies, settings
from service_desk.services.documents import Upload
from service_desk.services.fleet import lists
from service_desk.services.policies.takeover import importing
from service_desk.services.policies.takeover.importing import Said
from tests.factories import PolicyFactory, make_vin
from tests.world import World

LISTS = Path(__file__).resolve().parents[1] / "data" / "policy_lists"
HEAD = (
    "保单号",
    "险种",
    "车牌号",
    "车架号",
    "起保日期",
    "终保日期",
    "保费",
    "保险公司",
    "三者限额",
    "未收保费",
)


@pytest.fixture
def files(app: Flask) -> FileStore:
    store = app.extensions["file_store"]
    assert isinstance(store, FileStore)
    return store


@pytest.fixture(autouse=True)
def _insurer(world: World) -> None:
    settings.write(settings.INSURER_NAME, {"zh": "中州联合财产保险股份有限公司", "en": "Zhongzhou United"})


def sheet(*rows: tuple, head: tuple = HEAD) -> Upload:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "清单"
    for row in (head, *rows):
        page.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return Upload("保单.xlsx", out.getvalue())


def row(vehicle: Vehicle, number: str = "N-1", **changes: Any) -> tuple:
    """A CTPL policy of a vehicle for the year from 1 March 2026, but for the changes."""
    said = {
        "number": number,
        "line": "交强险",
        "plate": vehicle.plate,
        "vin": vehicle.vin,
        "starts": "2026-03-01",
        "ends": "2027-02-28",
        "premium": 4690,
        "insurer": None,
        "limit": None,
        "unpaid": None,
        **changes,
    }
    return tuple(said.values())


def upload(world: World, files: FileStore, now: datetime, list_: Upload, **options: str) -> FleetImport:
    return importing.upload_list(
        list_, world.account.id, files=files, actor=world.underwriter, now=now, **options
    )


def commit(
    world: World, files: FileStore, imported: FleetImport, now: datetime, reason: str = ""
) -> FleetImport:
    return importing.commit(
        imported.id, imported.version, reason, files=files, actor=world.underwriter, now=now
    )


def verdicts(imported: FleetImport) -> list[tuple[int, str, str]]:
    return [(one.row_no, one.verdict.value, one.code) for one in lists.all_rows(imported)]


def policy_count() -> int:
    return db.session.scalar(select(func.count()).select_from(Policy)) or 0


def external(
    world: World, vehicle: Vehicle, ends: datetime, source: CoverSource, **values: Any
) -> ExternalCover:
    cover = ExternalCover(
        account_id=world.account.id,
        vehicle_id=vehicle.id,
        line=PolicyLine.CTPL,
        ends_at=ends,
        source=source,
        noted_at=ends,
        **values,
    )
    db.session.add(cover)
    db.session.flush()
    return cover


EXPECTED: dict[str, list[tuple[int, str, str]]] = {
    "01-ledger-subtotals.xlsx": [
        (4, "new", ""),
        (5, "new", ""),
        (6, "new", ""),
        (7, "new", ""),
        (8, "skipped", "part_of"),
        (10, "new", ""),
        (11, "rejected", "number_precision_lost"),
        (12, "rejected", "vehicle_unknown"),
        (13, "rejected", "end_style_mixed"),
        (14, "rejected", "cell_error"),
    ],
    "02-side-by-side-gbk.csv": [
        (4, "new", ""),
        (4, "new", ""),
        (5, "question", "which_vehicle"),
        (6, "rejected", "number_precision_lost"),
        (6, "new", ""),
        (7, "rejected", "limit_unlikely"),
        (7, "rejected", "vehicle_may_be_added"),
    ],
    "03-sheet-a-line.xlsx": [
        (3, "new", ""),
        (4, "new", ""),
        (5, "skipped", "same_as_earlier"),
        (6, "rejected", "overlaps_row"),
        (7, "rejected", "overlaps_row"),
        (3, "new", ""),
        (4, "rejected", "unit_twice"),
        (5, "new", ""),
        (6, "rejected", "end_style_mixed"),
    ],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_messy_list_is_judged_row_by_row(name: str, world: World, files: FileStore, now: datetime) -> None:
    imported = upload(world, files, now, Upload(name, (LISTS / name).read_bytes()))

    assert verdicts(imported) == EXPECTED[name]
    assert policy_count() == 0
    assert imported.totals, "each list sums itself up"


def test_the_ledger_becomes_policies_covers_and_cover_from_elsewhere(
    world: World, files: FileStore, now: datetime
) -> None:
    name = "01-ledger-subtotals.xlsx"
    imported = upload(world, files, now, Upload(name, (LISTS / name).read_bytes()))

    commit(world, files, imported, now, "三行拒收，另行补录")

    made = {one.number: one for one in db.session.scalars(select(Policy))}
    assert set(made) == {
        "0PDAA202641010000001",
        "PDAA202641010000002",
        "PDAA202641010000003",
        "PDAA202641010000004",
    }
    first = made["0PDAA202641010000001"]
    assert (first.origin, first.premium_fen, first.tax_fen) == (PolicyOrigin.TAKEN_OVER, 4_690_00, 540_00)
    assert (first.starts_at, first.ends_at) == (
        datetime(2026, 2, 28, 16, tzinfo=UTC),
        datetime(2027, 2, 28, 16, tzinfo=UTC),
    )
    merged = made["PDAA202641010000004"]
    assert merged.premium_fen == 4_720_00 + 3_080_00
    covers = db.session.scalars(select(Coverage).where(Coverage.policy_id == merged.id).order_by(Coverage.id))
    assert [(one.code, one.limit_fen) for one in covers] == [
        (CoverCode.TPL, 1_000_000_00),
        (CoverCode.OWN_DAMAGE, 220_000_00),
    ]
    elsewhere = db.session.scalars(select(ExternalCover)).one()
    assert (elsewhere.vehicle_id, elsewhere.number, elsewhere.insurer, elsewhere.source) == (
        world.bus.id,
        "PDZA202641010000077",
        "人保财险",
        CoverSource.OTHER_INSURER,
    )
    assert db.session.scalar(select(func.count()).select_from(Receivable)) == 0
    assert {one.line for one in policies.covers_at(world.coach.id, now)} == {
        PolicyLine.CTPL,
        PolicyLine.COMMERCIAL,
    }
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.action, entry.changes["reason"][1]) == ("policy_list_taken_over", "三行拒收，另行补录")


def test_a_difference_from_the_files_own_totals_needs_a_reason(
    world: World, files: FileStore, now: datetime
) -> None:
    list_ = sheet(row(world.coach), ("合计", None, "共2份", None, None, None, "9,690.00"))
    imported = upload(world, files, now, list_)

    assert [(one["field"], one["stated"], one["found"]) for one in importing.differences(imported)] == [
        ("premium", "9690.00", "4690.00"),
        ("count", "2", "1"),
    ]
    with pytest.raises(Invalid, match="difference_unexplained"):
        commit(world, files, imported, now)
    assert policy_count() == 0

    commit(world, files, imported, now, "客户漏列一张")

    assert (policy_count(), imported.totals_reason) == (1, "客户漏列一张")


def test_totals_that_agree_need_none(world: World, files: FileStore, now: datetime) -> None:
    list_ = sheet(row(world.coach), ("小计", None, "1台", None, None, None, 4690))

    imported = upload(world, files, now, list_)

    assert [one["differs"] for one in imported.totals] == [False, False]
    commit(world, files, imported, now)
    assert policy_count() == 1


def test_only_what_is_unpaid_becomes_a_receivable(world: World, files: FileStore, now: datetime) -> None:
    list_ = sheet(row(world.coach, unpaid="1,450元"), row(world.truck, "N-2", unpaid=0))

    commit(world, files, upload(world, files, now, list_), now)

    owed = db.session.scalars(select(Receivable)).one()
    assert (owed.amount_fen, owed.settled_fen, owed.branch_id) == (1_450_00, 0, world.gongyi.id)


def test_no_more_is_unpaid_than_the_policy_costs(world: World, files: FileStore, now: datetime) -> None:
    rows = row(world.coach, unpaid=4690), row(world.truck, "N-2", unpaid=4690.01)

    imported = upload(world, files, now, sheet(*rows))

    assert verdicts(imported) == [(2, "new", ""), (3, "rejected", "unpaid_exceeds_premium")]


def test_the_same_list_twice_is_one_import(world: World, files: FileStore, now: datetime) -> None:
    list_ = sheet(row(world.coach))
    first = upload(world, files, now, list_)
    second = upload(world, files, now, list_)

    commit(world, files, first, now)

    assert commit(world, files, first, now).id == first.id
    assert commit(world, files, second, now).id == first.id
    assert upload(world, files, now, list_).id == first.id
    assert policy_count() == 1


def test_a_number_on_record_is_unchanged_or_a_conflict(world: World, files: FileStore, now: datetime) -> None:
    commit(world, files, upload(world, files, now, sheet(row(world.coach))), now)

    again = upload(
        world,
        files,
        now,
        sheet(row(world.coach), row(world.truck, "N-2"), head=HEAD),
    )
    other = upload(world, files, now, sheet(row(world.coach, premium=4700)))

    assert [one[1:] for one in verdicts(again)] == [("unchanged", ""), ("new", "")]
    assert [one[1:] for one in verdicts(other)] == [("rejected", "number_known_otherwise")]
    assert lists.all_rows(other)[0].params["differs"] == ["premium"]


def test_a_number_of_another_account_tells_nothing(world: World, files: FileStore, now: datetime) -> None:
    PolicyFactory(vehicle=world.foreign_vehicle, issued_by=world.underwriter, number="N-1")

    imported = upload(world, files, now, sheet(row(world.coach)))

    assert [one[1:] for one in verdicts(imported)] == [("rejected", "number_elsewhere")]
    assert "differs" not in lists.all_rows(imported)[0].params


def test_cover_in_force_is_named_and_a_hole_is_a_warning(
    world: World, files: FileStore, now: datetime
) -> None:
    PolicyFactory(
        vehicle=world.coach,
        issued_by=world.underwriter,
        number="OURS-1",
        starts_at=start_of_day(datetime(2025, 3, 1).date()),
        ends_at=start_of_day(datetime(2026, 3, 2).date()),
    )
    PolicyFactory(
        vehicle=world.truck,
        issued_by=world.underwriter,
        starts_at=start_of_day(datetime(2025, 2, 19).date()),
        ends_at=start_of_day(datetime(2026, 2, 19).date()),
    )

    imported = upload(world, files, now, sheet(row(world.coach), row(world.truck, "N-2")))

    overlapping, late = lists.all_rows(imported)
    assert (overlapping.code, overlapping.params["name"]) == ("overlaps_cover", "OURS-1")
    assert (late.verdict, late.params["warnings"], late.params["hole_days"]) == (
        RowVerdict.NEW,
        ["cover_hole"],
        10,
    )


def test_layers_of_one_line_do_not_overlap_one_another(world: World, files: FileStore, now: datetime) -> None:
    list_ = sheet(
        row(world.coach, line="第三者责任险", limit="100万"),
        row(world.coach, "N-2", line="车辆损失险"),
    )

    imported = upload(world, files, now, list_)

    assert [one[1] for one in verdicts(imported)] == ["new", "new"]


def test_an_expiry_noted_from_a_fleet_list_gives_way_to_the_policy_and_comes_back_with_an_undo(
    world: World, files: FileStore, now: datetime
) -> None:
    ends = end_of_day(datetime(2027, 3, 1).date())
    external(world, world.coach, ends, CoverSource.CLIENT_LIST)
    later = end_of_day(datetime(2028, 2, 28).date())
    external(world, world.truck, later, CoverSource.CLIENT_LIST)
    imported = upload(world, files, now, sheet(row(world.coach), row(world.truck, "N-2")))

    commit(world, files, imported, now)

    assert db.session.scalars(select(ExternalCover.vehicle_id)).all() == [world.truck.id]
    importing.undo(imported.id, "错传", actor=world.underwriter, now=now)
    assert policy_count() == 0
    assert db.session.scalar(select(func.count()).select_from(Coverage)) == 0
    back = db.session.scalars(select(ExternalCover).where(ExternalCover.vehicle_id == world.coach.id)).one()
    assert (back.ends_at, back.source, back.starts_at) == (ends, CoverSource.CLIENT_LIST, None)
    assert imported.state is ImportState.UNDONE


def test_another_insurers_cover_is_renewed_and_an_older_one_left_out(
    world: World, files: FileStore, now: datetime
) -> None:
    ends = end_of_day(datetime(2026, 2, 28).date())
    external(
        world, world.coach, ends, CoverSource.OTHER_INSURER, number="OLD", starts_at=ends - timedelta(365)
    )
    list_ = sheet(
        row(world.coach, "A", insurer="人保财险", starts="2025-03-01", ends="2026-02-28"),
        row(world.coach, "B", insurer="人保财险"),
        row(world.truck, "C", insurer="平安", starts="2020-03-01", ends="2021-02-28"),
    )

    imported = upload(world, files, now, list_)

    assert [one[1:] for one in verdicts(imported)] == [
        ("skipped", "older_term"),
        ("changed", ""),
        ("new", ""),
    ]
    commit(world, files, imported, now)
    kept = db.session.scalars(select(ExternalCover).where(ExternalCover.vehicle_id == world.coach.id)).one()
    assert (kept.number, kept.insurer, kept.premium_fen) == ("B", "人保财险", 4_690_00)
    assert policy_count() == 0
    again = upload(world, files, now, sheet(row(world.coach, "B", insurer="人保财险")))
    assert [one[1] for one in verdicts(again)] == ["unchanged"]
    importing.undo(imported.id, "错传", actor=world.underwriter, now=now)
    left = db.session.scalars(select(ExternalCover)).one()
    assert (left.number, left.vehicle_id) == ("OLD", world.coach.id)


@pytest.mark.parametrize(
    ("insurer", "is_ours"),
    [
        (None, True),
        ("本公司", True),
        ("中州联合财险", True),
        ("中州联合财产保险股份有限公司郑州中心支公司", True),
        ("人保财险", False),
        ("保险公司", False),
        ("中国平安", False),
    ],
)
def test_our_own_name_is_known_however_short(
    world: World, files: FileStore, now: datetime, insurer: str | None, is_ours: bool
) -> None:
    imported = upload(world, files, now, sheet(row(world.coach, insurer=insurer)))

    assert lists.all_rows(imported)[0].values["is_ours"] is is_ours


def test_a_vehicle_of_which_only_the_vins_end_agrees_is_asked_about(
    world: World, files: FileStore, now: datetime
) -> None:
    ending = (world.coach.vin or "")[-6:]
    list_ = sheet(row(world.coach, vin=ending), row(world.truck, "N-2", vin=(world.truck.vin or "")[-6:]))
    imported = upload(world, files, now, list_)
    assert [one[1:] for one in verdicts(imported)] == [("question", "which_vehicle")] * 2
    yes, no = lists.all_rows(imported)

    importing.answer(
        imported.id, Said({yes.id: True, no.id: False}), files=files, actor=world.underwriter, now=now
    )

    assert [one[1:] for one in verdicts(imported)] == [("new", ""), ("rejected", "not_that_vehicle")]
    commit(world, files, imported, now)
    assert db.session.scalars(select(Policy.vehicle_id)).all() == [world.coach.id]


@pytest.mark.parametrize(
    ("vin", "code"),
    [(make_vin(777777), "plate_of_another"), ("ABCDEF", "plate_of_another"), ("1234", "vin_invalid")],
)
def test_a_vin_that_is_another_vehicles_is_refused(
    world: World, files: FileStore, now: datetime, vin: str, code: str
) -> None:
    imported = upload(world, files, now, sheet(row(world.coach, vin=vin)))

    assert [one[1:] for one in verdicts(imported)] == [("rejected", code)]


def test_an_unknown_vehicle_is_added_when_asked_and_the_row_says_enough(
    world: World, files: FileStore, now: datetime
) -> None:
    name = "02-side-by-side-gbk.csv"
    imported = upload(world, files, now, Upload(name, (LISTS / name).read_bytes()))
    vin = make_vin(300001)
    assert importing.addable_vins(imported) == [vin]

    importing.answer(imported.id, Said({}, (vin,)), files=files, actor=world.underwriter, now=now)
    commit(world, files, imported, now, "限额待补")

    added = db.session.scalars(select(Vehicle).where(Vehicle.vin == vin)).one()
    assert (added.plate, added.branch_id, added.seats) == ("豫AD88888", world.zhongmu.id, 32)
    assert db.session.scalars(select(Policy.vehicle_id).where(Policy.number == "PCTA04")).one() == added.id
    assert db.session.scalars(select(BranchRecord.branch_id).where(BranchRecord.vehicle_id == added.id)).one()
    state = db.session.scalars(
        select(VehicleStateRecord).where(VehicleStateRecord.vehicle_id == added.id)
    ).one()
    assert (state.state, state.from_at, state.to_at) == (VehicleState.OPERATING, now, None)
    importing.undo(imported.id, "错传", actor=world.underwriter, now=now)
    assert db.session.scalars(select(Vehicle).where(Vehicle.vin == vin)).first() is None
    other = upload(world, files, now, sheet(row(world.coach)))
    with pytest.raises(Invalid, match="nothing_answered"):
        importing.answer(other.id, Said({}), files=files, actor=world.underwriter, now=now)


def test_nothing_is_written_when_the_record_has_changed_since_the_dry_run(
    world: World, files: FileStore, now: datetime
) -> None:
    imported = upload(world, files, now, sheet(row(world.coach)))
    PolicyFactory(
        vehicle=world.coach,
        issued_by=world.underwriter,
        starts_at=start_of_day(datetime(2026, 3, 1).date()),
    )

    with pytest.raises(Conflict, match="import_outdated"):
        commit(world, files, imported, now)

    assert policy_count() == 1
    importing.recheck(imported.id, files=files, actor=world.underwriter, now=now)
    with pytest.raises(Invalid, match="nothing_to_take_over"):
        commit(world, files, imported, now)


def test_a_list_on_which_something_hangs_stays(world: World, files: FileStore, now: datetime) -> None:
    imported = upload(world, files, now, sheet(row(world.coach, unpaid=100), row(world.truck, "N-2")))
    commit(world, files, imported, now)
    owed = db.session.scalars(select(Receivable)).one()
    owed.settled_fen = 50
    db.session.flush()

    with pytest.raises(Conflict, match="take_over_undo_refused") as refused:
        importing.undo(imported.id, "错传", actor=world.underwriter, now=now)

    assert (refused.value.params["count"], refused.value.params["names"]) == (1, "N-1")
    assert policy_count() == 2


def test_what_names_a_policy_or_an_added_vehicle_keeps_the_list(
    world: World, files: FileStore, now: datetime
) -> None:
    name, vin = "02-side-by-side-gbk.csv", make_vin(300001)
    imported = upload(world, files, now, Upload(name, (LISTS / name).read_bytes()))
    importing.answer(imported.id, Said({}, (vin,)), files=files, actor=world.underwriter, now=now)
    commit(world, files, imported, now, "限额待补")
    added = db.session.scalars(select(Vehicle).where(Vehicle.vin == vin)).one()
    noted = db.session.scalars(select(Policy).where(Policy.vehicle_id != added.id).limit(1)).one()
    db.session.add_all(
        [
            RenewalOutcome(
                account_id=world.account.id,
                vehicle_id=added.id,
                line=PolicyLine.CTPL,
                ends_at=now,
                outcome=Outcome.SOLD,
                recorded_by_id=world.underwriter.id,
                recorded_at=now,
            ),
            Enquiry(
                number="ENQ-1",
                account_id=world.account.id,
                channel=EnquiryChannel.CALL,
                state=EnquiryState.OPEN,
                subject="保单",
                caller_name="郭永刚",
                owner_id=world.claims1.id,
                first_owner_id=world.claims1.id,
                opened_by_id=world.claims1.id,
                opened_at=now,
                policy_id=noted.id,
            ),
        ]
    )
    db.session.flush()

    with pytest.raises(Conflict, match="take_over_undo_refused") as refused:
        importing.undo(imported.id, "错传", actor=world.underwriter, now=now)

    assert refused.value.params["names"] == f"{noted.number}, 豫AD88888"


def test_the_file_comes_back_with_a_remark_for_each_policy_of_a_row(
    world: World, files: FileStore, now: datetime
) -> None:
    name = "02-side-by-side-gbk.csv"
    imported = upload(world, files, now, Upload(name, (LISTS / name).read_bytes()))

    said = shown.remarks(imported, lists.all_rows(imported))
    content, filename = lists.annotated(imported, said, files=files)

    assert filename == "02-side-by-side-gbk-checked.csv"
    rows = read_workbook(content).sheets[0].rows
    assert rows[2][-2] == "导入结果 / Import result"
    both = str(rows[5][-2]), str(rows[5][-1])
    assert both[0] == "退回 / Refused; 将接管 / Will be taken over"
    assert "商业险" in both[1]
    assert "lost its last digits" in both[1]


@pytest.mark.parametrize("name", ["claims1", "hq", "safety_gongyi", "admin"])
def test_who_does_not_issue_takes_nothing_over(
    world: World, files: FileStore, now: datetime, name: str
) -> None:
    with pytest.raises(Forbidden):
        importing.upload_list(
            sheet(row(world.coach)), world.account.id, files=files, actor=getattr(world, name), now=now
        )


def test_another_accounts_lists_and_vehicles_are_not_there(
    world: World, files: FileStore, now: datetime
) -> None:
    with pytest.raises(NotFound):
        importing.upload_list(
            sheet(row(world.coach)), world.foreign_account.id, files=files, actor=world.underwriter, now=now
        )
    imported = upload(world, files, now, sheet(row(world.foreign_vehicle)))
    assert [one[1:] for one in verdicts(imported)] == [("rejected", "vehicle_unknown")]
    imported.account_id = world.foreign_account.id
    db.session.flush()
    with pytest.raises(NotFound):
        importing.get_import(imported.id, actor=world.underwriter)


def test_a_fleet_list_is_no_list_of_policies(world: World, files: FileStore, now: datetime) -> None:
    with pytest.raises(Invalid, match="header_not_found"):
        upload(
            world, files, now, sheet(("豫A12345", world.coach.vin, 45), head=("车牌号", "车架号", "座位数"))
        )
    assert db.session.scalar(select(func.count()).select_from(FleetImportRow)) == 0
