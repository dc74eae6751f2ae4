"""Lists of vehicles to issue for, as people write them: headings anywhere, and a reason for each row that is no use."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from service_desk.rules.fleet_list.workbook import CellError, FileKind, Merge, Sheet, Workbook
from service_desk.rules.issue_list import IssueListResult, ListRow, read_issue_list
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import PolicyLine

COVER_SETS = {
    "第三者 100 万元": "tpl_1m",
    "Third party ¥1,000,000 and own damage": "tpl_1m_od",
    "tpl_2m": "tpl_2m",
}
CTPL, COMMERCIAL, CARRIER = PolicyLine
VIN = "LZYTBTE61N1001850"


def sheet(*rows: Sequence[Any], name: str | None = None, merges: tuple[Merge, ...] = ()) -> Sheet:
    return Sheet(name, rows, range(1, len(rows) + 1), merges)


def read(*rows: Sequence[Any], **values: Any) -> IssueListResult:
    return read_issue_list(Workbook(FileKind.XLSX, (sheet(*rows, **values),)), COVER_SETS)


def problems(result: IssueListResult) -> list[tuple[int, str, str]]:
    return [(one.row_no, one.list_field, one.code) for one in result.problems]


def test_a_plate_is_enough() -> None:
    assert read(["车牌号"], ["豫A·12345"], ["豫ＡＤ12345"]).rows == [
        ListRow(2, "豫A12345", ""),
        ListRow(3, "豫AD12345", ""),
    ]


def test_every_column_is_read_wherever_it_stands() -> None:
    result = read(
        ["2026 年 12 月续保清单"],
        ["序号", "车船税（元）", "起保日期", "浮动等级", "保障方案", "险种", "车架号", "号牌号码"],
        [1, "1,200.50", "2026年12月1日", "a2", "第三者100万元", "交强险、商业险", VIN.lower(), "豫A12345"],
        ["合计", "1,200.50"],
    )
    assert result.rows == [
        ListRow(
            3,
            "豫A12345",
            VIN,
            lines=(CTPL, COMMERCIAL),
            cover_sets=("tpl_1m",),
            start_on=date(2026, 12, 1),
            ctpl_float=CtplFloat.A2,
            tax_fen=1_200_50,
        )
    ]
    assert result.problems == []


def test_english_headings_and_words_are_read() -> None:
    result = read(
        ["Plate", "Line", "Cover set", "Start day", "Tax"],
        ["豫A12345", "CTPL + commercial", "third party ¥1,000,000 and own damage", date(2026, 12, 1), 0],
        ["豫A12346", "Carrier's liability", None, None, None],
    )
    assert [(row.lines, row.cover_sets, row.tax_fen) for row in result.rows] == [
        ((CTPL, COMMERCIAL), ("tpl_1m_od",), 0),
        ((CARRIER,), (), None),
    ]


@pytest.mark.parametrize(
    ("heading", "cell", "code", "list_field"),
    [
        ("险种", "盗抢险", "row_line_unknown", "lines"),
        ("保障方案", "三者五千万", "row_cover_unknown", "cover_set"),
        ("起保日期", "下月初", "row_date_invalid", "start_on"),
        ("起保日期", "2026-13-01", "row_date_invalid", "start_on"),
        ("浮动等级", "B1", "row_float_unknown", "ctpl_float"),
        ("车船税", "免", "row_tax_invalid", "tax"),
        ("车船税", "-5", "row_tax_invalid", "tax"),
        ("车船税", 10**9, "row_tax_invalid", "tax"),
        ("车架号", "LZYTBTE61N100185O", "row_vin_invalid", "vin"),
        ("车架号", CellError("#REF!"), "row_cell_error", "vin"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(heading: str, cell: Any, code: str, list_field: str) -> None:
    result = read(["车牌号", heading], ["豫A12345", cell], ["豫A12346", None])
    assert problems(result) == [(2, list_field, code)]
    assert [row.plate for row in result.rows] == ["豫A12346"]


def test_a_row_without_plate_and_vin_is_a_problem_and_an_empty_one_is_nothing() -> None:
    result = read(["车牌号", "险种"], [None, "交强险"], [None, None], ["", " "], ["豫A12345", None])
    assert problems(result) == [(2, "plate", "row_identity_missing")]
    assert len(result.rows) == 1


def test_a_list_without_a_heading_for_the_vehicle_says_so() -> None:
    assert not read(["序号", "金额"], [1, 2]).has_header


def test_a_heading_repeated_on_a_later_page_is_no_vehicle() -> None:
    result = read(["车牌号", "险种"], ["豫A12345", "交强险"], ["车牌号", "险种"], ["豫A12346", "交强险"])
    assert [row.row_no for row in result.rows] == [2, 4]
    assert result.problems == []


def test_a_merged_plate_counts_for_every_row_it_spans() -> None:
    result = read(
        ["车牌号", "险种"],
        ["豫A12345", "交强险"],
        [None, "商业险"],
        merges=(Merge(1, 0, 2, 0),),
    )
    assert [(row.plate, row.lines) for row in result.rows] == [
        ("豫A12345", (CTPL,)),
        ("豫A12345", (COMMERCIAL,)),
    ]


def test_problems_of_several_sheets_name_their_sheet() -> None:
    sheets = [sheet(["车牌号", "浮动"], ["豫A12345", "C"], name=name) for name in ("巩义", "中牟")]
    result = read_issue_list(Workbook(FileKind.XLSX, tuple(sheets)), COVER_SETS)
    assert [(one.row_no, one.params["sheet"]) for one in result.problems] == [(2, "巩义"), (2, "中牟")]
