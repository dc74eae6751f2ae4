"""The claims behind the lists of `tests/data/outstanding_lists`, and the sixty rows with what each must come to.

`python -m tests.outstanding_cases` writes the lists anew; they are kept, so that tests read files as clients send them.
"""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter

from service_desk.base.clock import CHINA
from service_desk.models.claims import Claim, ReportChannel
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry
from service_desk.models.fleet import PlateRecord, Vehicle
from service_desk.rules.claim_flow import ClaimState
from service_desk.services import enquiries, numbers, sla
from tests.factories import VehicleFactory, make_vin
from tests.world import World

LISTS = Path(__file__).parent / "data" / "outstanding_lists"
SIXTY, GBK = LISTS / "01-sixty-rows.xlsx", LISTS / "02-gbk.csv"
FIRST_ROW = 5
"""Of the sixty rows in their sheet: titles, notes and two rows of headings stand above."""

VEHICLES = 40
_ENDED = {31: ClaimState.CLOSED, 32: ClaimState.DENIED, 33: ClaimState.WITHDRAWN}
FORMER_PLATE = "豫A99001"


def plate_of(number: int) -> str:
    """The plate of the vehicle of claim `number`."""
    return f"豫A2{number:02d}57"


def loss_day(number: int) -> date:
    """The day of loss of claim `number`: one vehicle a day, from 1 September 2026."""
    return date(2026, 9, 1) + timedelta(days=number)


def estimate_yuan(number: int) -> int:
    """The reserve of claim `number`."""
    return 1_000 + 100 * number


def build_claims(world: World, now: datetime) -> list[Claim]:
    """Forty claims, one a vehicle; the first three vehicles have a second one, and 30 had another plate before."""
    sla.install_defaults(now)
    vehicles: list[Vehicle] = [
        VehicleFactory(
            branch=world.gongyi if number % 2 else world.zhongmu,
            plate=plate_of(number),
            vin=make_vin(300_000 + number),
        )
        for number in range(1, VEHICLES + 1)
    ]
    db.session.flush()
    db.session.add(
        PlateRecord(
            vehicle_id=vehicles[29].id,
            plate=FORMER_PLATE,
            from_at=now - timedelta(days=900),
            to_at=now - timedelta(days=300),
        )
    )
    made = [
        _claim(world, vehicles[n - 1], loss_day(n), estimate_yuan(n), _ENDED.get(n))
        for n in range(1, VEHICLES + 1)
    ]
    # 41 on the same day as 1; 42 and 43 later on vehicles 2 and 3.
    made.append(_claim(world, vehicles[0], loss_day(1), 500))
    made.append(_claim(world, vehicles[1], loss_day(60), 600))
    made.append(_claim(world, vehicles[2], loss_day(61), 700))
    db.session.commit()
    return made


def _claim(world: World, vehicle: Vehicle, day: date, yuan: int, state: ClaimState | None = None) -> Claim:
    at = datetime(day.year, day.month, day.day, 10, 0, tzinfo=CHINA)
    claim = Claim(
        number=numbers.next_number("CLM", 2026),
        account_id=vehicle.account_id,
        branch_id=vehicle.branch_id,
        vehicle_id=vehicle.id,
        plate=vehicle.plate or "",
        state=state or ClaimState.SURVEYED,
        loss_at=at,
        reported_at=at + timedelta(minutes=10),
        place="G310",
        description="追尾",
        channel=ReportChannel.PHONE,
        reporter_name="郭永刚",
        callback_phone="13937108891",
        reported_by_id=world.safety_gongyi.id,
        owner_id=world.claims1.id,
        reserve_fen=yuan * 100,
        closed_at=at + timedelta(days=9) if state else None,
    )
    db.session.add(claim)
    db.session.flush()
    opened = enquiries.open_for_claim(
        claim, owner_id=world.claims1.id, subject="追尾", actor=world.safety_gongyi, now=at
    )
    assert isinstance(opened, Enquiry)
    return claim


def claim_no(number: int) -> str:
    """The number of claim `number`, as the desk gives them on an empty database."""
    return f"CLM-2026-{number:06d}"


def report_no(number: int) -> str:
    """The number of its first contact."""
    return f"ENQ-2026-{number:06d}"


@dataclass(frozen=True)
class Row:
    """A row of the list: its cells by heading, and what it must come to."""

    kind: str
    how: str = ""
    plate: Any = ""
    claim: Any = ""
    report: Any = ""
    day: Any = ""
    yuan: Any = ""
    state: str = "未决"
    differs: tuple[str, ...] = ()
    problem: str = ""
    means: int = 0
    note: str = ""


def _same(number: int, **changed: Any) -> Row:
    values: dict[str, Any] = {
        "plate": plate_of(number),
        "claim": claim_no(number),
        "day": loss_day(number),
        "yuan": estimate_yuan(number),
        "means": number,
    }
    return Row(**({"kind": "same", "how": "claim_no"} | values | changed))


def _dotted(number: int) -> str:
    plate = plate_of(number)
    return f"{plate[:2]}·{plate[2:]}"


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def sixty_rows() -> list[Row]:
    """Every case once at least, in sixty rows."""
    by_plate = {"claim": "", "how": "plate_date"}
    swapped_number = "CLM-2026-000092"  # 000029 with the last two changed round
    plate36 = plate_of(36)  # 豫A23657
    rows = [
        # As it should be, in the forms people type.
        _same(4),
        _same(5, day=loss_day(5).strftime("%Y.%m.%d")),
        _same(6, day=f"{loss_day(6):%Y}年{loss_day(6).month}月{loss_day(6).day}日"),
        _same(7, day=loss_day(7).strftime("%Y%m%d")),
        _same(8, day=loss_day(8).strftime("%Y/%m/%d 14:30")),
        _same(9, day=f"{loss_day(9).year - 2000}.{loss_day(9).month}.{loss_day(9).day}"),
        _same(10, plate=_dotted(10)),
        _same(11, plate=_wide(plate_of(11))),
        _same(12, plate=plate_of(12).lower() + " "),
        _same(13, claim=claim_no(13).lower()),
        _same(14, claim=claim_no(14).replace("-", "")),
        _same(15, claim=_wide(claim_no(15))),
        _same(16, yuan=f"¥{estimate_yuan(16):,}"),
        _same(17, yuan=f"{estimate_yuan(17)}元"),
        _same(18, plate=f"{plate_of(18)}（临）"),
        _same(19, day=(loss_day(19) - date(1899, 12, 30)).days),
        _same(20, plate="", day=""),
        _same(21, note='=HYPERLINK("http://x.example","看")'),
        _same(22, note="+1 起"),
        _same(23, note="@经办"),
        # By report number.
        *(_same(n, claim="", report=report_no(n), how="report_no") for n in (24, 25, 26, 27, 28)),
        # By plate and day.
        *(_same(n, **by_plate) for n in (29, 34, 35)),
        # The day is nearly right.
        *(
            _same(
                n,
                claim="",
                how="plate_near_date",
                day=loss_day(n) + timedelta(days=off),
                kind="differs",
                differs=("loss_on",),
            )
            for n, off in ((37, 1), (38, -3))
        ),
        # It says something else.
        _same(39, yuan=9_999, kind="differs", differs=("estimate",)),
        _same(40, state="已结案", kind="differs", differs=("state",)),
        _same(4, plate=plate_of(5), kind="differs", differs=("plate",)),
        # Ended with us.
        _same(31, kind="ended", state="处理中", differs=("state",)),
        _same(32, kind="ended", state=""),
        _same(33, kind="ended", state="", claim="", how="plate_date"),
        # Typed wrong.
        _same(30, claim="CLM-2O26-OOOO3O"),
        _same(29, claim=swapped_number, how="number_typed", kind="differs", differs=("claim_no",)),
        _same(34, claim="", plate="豫A23457", how="plate_date"),
        _same(35, claim="", plate=plate_of(35).replace("0", "O"), how="plate_date"),
        _same(
            36,
            claim="",
            plate=plate36[:3] + plate36[4] + plate36[3] + plate36[5:],
            how="plate_typed",
            kind="differs",
            differs=("plate",),
        ),
        _same(30, claim="", plate=FORMER_PLATE, how="plate_date"),
        # To be asked.
        _same(1, claim="", kind="unsure", how="", means=0, yuan=""),
        _same(2, claim="", day="", kind="unsure", how="", means=0, yuan=""),
        _same(3, claim="", day="", kind="unsure", how="", means=0, yuan=""),
        _same(4, plate=plate_of(8), day=loss_day(8), kind="unsure", how="", means=0),
        _same(11, claim="", day=date(2025, 9, 12), kind="unsure", how="", means=0),
        _same(12, claim="", day=date(2026, 10, 13), kind="unsure", how="", means=0),
        _same(13, claim=claim_no(14), report=report_no(13), kind="unsure", how="", means=0),
        # Not with us.
        Row("not_ours", plate="豫C55501", day=date(2026, 9, 9), yuan=800),
        Row("not_ours", claim="CLM-2026-777777", plate="豫C55503", day="2026-9-11"),
        Row("not_ours", plate=plate_of(20), day=date(2026, 3, 3), yuan=700),
        Row("not_ours", plate=plate_of(22), day=date(2026, 4, 4), yuan=700),
        # Cells that cannot be read.
        Row("unreadable", yuan=300, state="未决"),
        _same(24, day="2026年13月1日", problem="list_date_unreadable"),
        _same(25, yuan="#N/A", problem="cell_error"),
        _same(27, claim=1.23457e20, how="plate_date", problem="list_number_precision_lost"),
        _same(28, yuan="约三千", problem="list_amount_unreadable"),
        # Rounded to ten thousands.
        _same(26, yuan="0.36万"),
        # As rows above: the same claim twice.
        _same(5),
    ]
    assert len(rows) == 60, len(rows)
    return rows


_HEADS = ("序号", "标的车牌", "立案号", "报案号", "出险时间", "估损金额(元)", "案件状态", "备注")


def sixty_workbook() -> bytes:
    """The list as a client keeps it: titles, merged headings, a subtotal in between, a total and a signature."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        page = book.add_worksheet("2026年未决")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        page.merge_range(0, 0, 0, 7, "集团保险部未决赔案清单")
        page.write_string(1, 0, "截至 2026 年 11 月 20 日")
        for column, head in enumerate(_HEADS):
            if column in {2, 3}:
                page.write_string(3, column, head)
            else:
                page.merge_range(2, column, 3, column, head)
        page.merge_range(2, 2, 2, 3, "保险公司案件")
        for index, row in enumerate(sixty_rows()):
            _write_row(page, FIRST_ROW - 1 + index, index, row, day)
        last = FIRST_ROW - 1 + 60
        page.write_string(last, 0, "合计")
        page.write_number(last, 5, 123_456)
        page.write_string(last + 1, 0, "制表：周敏    审核：")
    return out.getvalue()


def _write_row(page: Any, at: int, index: int, row: Row, day: Any) -> None:
    page.write_number(at, 0, index + 1)
    for column, value in enumerate(
        (row.plate, row.claim, row.report, row.day, row.yuan, row.state, row.note), 1
    ):
        if isinstance(value, date):
            page.write_datetime(at, column, value, day)
        elif isinstance(value, int | float):
            page.write_number(at, column, value)
        elif value:
            page.write_string(at, column, value)


def gbk_list() -> bytes:
    """A short list as an old program exports it: GBK, its own headings, a formula among the remarks."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("单位", "车号", "事故日期", "未决金额", "报案编号", "说明事项"))
    writer.writerow(("巩义客运分公司", _dotted(5), "2026/9/6", "1500", "", "-500 已扣"))
    writer.writerow(("中牟公交分公司", plate_of(7), "2026-09-08", "1,700.00", "", '=cmd|"/c calc"!A1'))
    writer.writerow(("中牟公交分公司", "", "", "", report_no(8), ""))
    writer.writerow(("合计", "", "", "3200", "", ""))
    return out.getvalue().encode("gb18030")


if __name__ == "__main__":
    LISTS.mkdir(exist_ok=True)
    SIXTY.write_bytes(sixty_workbook())
    GBK.write_bytes(gbk_list())
