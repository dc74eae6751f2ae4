"""Handing a list back with remarks, and writing tables."""

import csv
import errno
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt

from service_desk.adapters.spreadsheets import (
    Column,
    TableSheet,
    annotate,
    read_workbook,
    workbook_bytes,
    write_workbook,
)
from tests.adapters.fleet_files import FIRST, HEAD, SECOND, checked, html, text, xls, xlsx

REMARKS = {1: ("Status", "Reason"), 2: ("accepted", ""), 3: ("rejected", "=1+1 单位不明")}


def opened(data: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


def test_a_workbook_comes_back_with_its_cells_and_two_columns_more() -> None:
    def edit(sheet: openpyxl.worksheet.worksheet.Worksheet) -> None:
        sheet.merge_cells("F2:F3")
        sheet.merge_cells("A5:C6")
        sheet["G1"] = "备注"
        sheet["A7"] = "=1+1"
        sheet.parent.create_sheet("说明")["B2"] = "请联系集团保险部"

    original = xlsx([HEAD, FIRST, (*SECOND[:5], None, "#N/A")], edit)

    data, name = annotate(original, "台账 2026.xlsx", {"清单": REMARKS})

    assert name == "台账 2026-checked.xlsx"
    book = opened(data)
    sheet = book["清单"]
    assert [sheet.cell(row, 8).value for row in (1, 2, 3, 4)] == ["Status", "accepted", "rejected", None]
    assert sheet["I3"].value == "=1+1 单位不明"
    assert sheet["I3"].data_type == "s"
    assert sheet["G3"].value == "#N/A"
    assert sheet["E2"].value == datetime(2020, 3, 1)
    assert {str(merge) for merge in sheet.merged_cells.ranges} == {"F2:F3", "A5:C6"}
    assert book["说明"]["B2"].value == "请联系集团保险部"
    assert [row.values() for row in checked(data).accepted] == [
        row.values() for row in checked(original).accepted
    ]


@pytest.mark.parametrize(
    ("original", "remarks"),
    [(xls(), {"清单": REMARKS}), (html().encode(), {None: REMARKS})],
    ids=["xls", "html"],
)
def test_other_formats_come_back_as_xlsx(
    original: bytes, remarks: dict[str | None, dict[int, tuple[str, str]]]
) -> None:
    data, name = annotate(original, "list.xls", remarks)

    assert name == "list-checked.xlsx"
    sheet = opened(data).worksheets[0]
    assert [sheet.cell(2, column).value for column in (1, 7)] == ["豫A12345", "accepted"]
    assert len(checked(data).accepted) == 2


@pytest.mark.parametrize(("encoding", "delimiter"), [("gbk", ","), ("utf-16", "\t"), ("utf-8", ";")])
def test_a_text_file_comes_back_as_text_with_bom(encoding: str, delimiter: str) -> None:
    original = text([HEAD, (*FIRST[:3], "宇通\nZK6119H", *FIRST[4:]), SECOND], delimiter).encode(encoding)
    remarks = {1: ("状态", "原因"), 2: ("ok", ""), 4: ("rejected", "a,b;c")}

    data, name = annotate(original, "list.csv", {None: remarks})

    assert name == "list-checked.csv"
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    assert [row[6:] for row in rows] == [["状态", "原因"], ["ok", ""], ["rejected", "a,b;c"]]
    assert [row.row for row in checked(data).rejected] == [row.row for row in checked(original).rejected]


def test_a_file_that_cannot_be_read_is_not_written() -> None:
    with pytest.raises(ValueError, match="file_unreadable"):
        annotate(b"\xff\xd8\xff", "photo.xlsx", {})


def test_dates_times_and_truths_survive() -> None:
    def edit(sheet: xlwt.Worksheet) -> None:
        sheet.row(2).set_cell_boolean(0, True)

    original = xls([("a", "b"), (date(2025, 3, 1), 1.5)], edit)

    data, _ = annotate(original, "x.xls", {})

    assert [list(row) for row in read_workbook(data).sheets[0].rows] == [
        ["a", "b"],
        [date(2025, 3, 1), 1.5],
        [True, ""],
    ]


TABLE = TableSheet(
    name="周报: 在赔/案件 [全部] 2026年第47周 集团保险部 汇总表格",
    title="Weekly claims",
    notes=("2026-11-16 – 2026-11-22",),
    columns=[
        Column("Branch", width=30),
        Column("Paid", "money"),
        Column("Cases", "int"),
        Column("Load", "decimal"),
        Column("Due", "date"),
        Column("Reported", "datetime"),
        Column("Rate", "percent"),
    ],
    rows=[
        [
            "=1+1",
            123456,
            3,
            Decimal("1.495"),
            date(2026, 11, 20),
            datetime(2026, 11, 19, 16, 30, tzinfo=UTC),
            0.25,
        ],
        ["http://example.org", None, 0, None, None, None, "—"],
    ],
    total=["Total", 123456, 3, None, None, None, Decimal("0.25")],
)


def test_a_table_has_title_notes_headings_values_and_total() -> None:
    sheet = opened(workbook_bytes([TABLE])).worksheets[0]

    rows = list(sheet.iter_rows(values_only=True))
    assert [rows[0][0], rows[1][0], rows[2][:3]] == [
        "Weekly claims",
        "2026-11-16 – 2026-11-22",
        ("Branch", "Paid", "Cases"),
    ]
    assert rows[3] == ("=1+1", 1234.56, 3, 1.495, datetime(2026, 11, 20), datetime(2026, 11, 20, 0, 30), 0.25)
    assert rows[4] == ("http://example.org", None, 0, None, None, None, "—")
    assert rows[5][:3] == ("Total", 1234.56, 3)
    assert sheet["A4"].data_type == "s"
    assert sheet["A5"].hyperlink is None
    assert [sheet.cell(4, column).number_format for column in (2, 5, 7)] == ["#,##0.00", "yyyy-mm-dd", "0.0%"]


def test_a_table_is_ready_to_read_and_to_print() -> None:
    sheet = opened(workbook_bytes([TABLE])).worksheets[0]

    assert sheet.freeze_panes == "A4"
    assert sheet.auto_filter.ref == "A3:G5"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert (sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToHeight) == (True, 0)
    assert sheet.print_title_rows == "$3:$3"
    assert sheet.column_dimensions["A"].width > 25


def test_sheet_names_are_shortened_and_made_unique() -> None:
    unnamed, parted = (TableSheet(name, "Empty", [Column("A")], []) for name in ("", "Opinions: analysis"))
    book = opened(workbook_bytes([TABLE, TABLE, unnamed, parted]))

    assert [len(name) <= 31 for name in book.sheetnames] == [True] * 4
    assert book.sheetnames[1].endswith("(2)")
    assert book.sheetnames[2:] == ["Sheet", "Opinions analysis"]


class FullDisk(io.BytesIO):
    """Takes some kilobytes and no more."""

    def write(self, piece: Any) -> int:
        if self.tell() > 2_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(piece)


# The archive that was cut short complains when it is thrown away.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_is_not_made_fuller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = [[f"豫A{number:05}", "x" * 50] for number in range(5_000)]
    sheets = [TableSheet(name, name, [Column("A"), Column("B")], rows) for name in ("一", "二")]

    with pytest.raises(Exception, match="No space left"):
        write_workbook(FullDisk(), sheets)

    assert list(tmp_path.iterdir()) == []
