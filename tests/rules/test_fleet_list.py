"""Judging fleet lists: every sentence of the contract, on tables built in memory."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from service_desk.rules.fleet_list import (
    BranchNames,
    Cell,
    CellError,
    ColumnChoice,
    Field,
    FileError,
    FleetListResult,
    Merge,
    Place,
    Sheet,
    Verdict,
    Workbook,
    check,
    to_json,
)

BRANCHES = [
    BranchNames("中牟客运分公司", ("中牟客运", "中牟汽运")),
    BranchNames("港区机场快线分公司（筹）", ("机场快线",)),
    BranchNames("巩义公交分公司", ("巩义公交",)),
]
VINS = [
    "LZYTBTE61N1001850",
    "LZYTBTBW6H1059669",
    "LZGJLDHF9LB398063",
    "LGHABCG4XMA563340",
    "LZYTBT31XHA132867",
]
HEAD = ["车牌号", "车架号", "座位数", "吨位", "初登日期", "所属分公司"]


def row(
    plate: Cell = "豫A12345",
    vin: Cell = VINS[0],
    seats: Cell = 49,
    load: Cell = None,
    registered: Cell = "2020-03-01",
    branch: Cell = "中牟客运",
) -> list[Cell]:
    return [plate, vin, seats, load, registered, branch]


def sheet(
    rows: Sequence[Sequence[Cell]],
    name: str | None = "Sheet1",
    merges: Sequence[tuple[int, int, int, int]] = (),
    **more: bool,
) -> Sheet:
    return Sheet(name, rows, range(1, len(rows) + 1), tuple(Merge(*m) for m in merges), **more)


def checked(*sheets: Sheet, **more: object) -> FleetListResult:
    return check(Workbook(kind=None, sheets=sheets), BRANCHES, **more)  # type: ignore[arg-type]


def checked_rows(*rows: Sequence[Cell]) -> FleetListResult:
    return checked(sheet([HEAD, *rows]))


def verdicts(result: FleetListResult) -> list[tuple[int, Verdict]]:
    return [(refused.row, refused.code) for refused in result.rejected]


# Files


def test_a_file_error_passes_through() -> None:
    result = check(Workbook(kind=None, file_error=FileError.UNREADABLE), BRANCHES)

    assert to_json(result) == {
        "file_error": "file_unreadable",
        "accepted": 0,
        "warnings": {},
        "skipped_duplicates": 0,
        "rejected": [],
        "rows": [],
    }


@pytest.mark.parametrize("cells", [[], [[]], [[None, "", " \u3000"], ["\n"]]])
def test_a_file_without_a_filled_cell_is_empty(cells: list[list[Cell]]) -> None:
    assert checked(sheet(cells)).file_error is FileError.EMPTY


@pytest.mark.parametrize(
    "head",
    [
        ["车牌号", "座位数", "数量"],
        ["所属分公司", "座位数", "吨位", "车型"],
        ["原车牌号", "车架号码", "座位数", "吨位"],
        ["车牌号:", "座位数(座)", "吨位"],
    ],
    ids=["two fields", "neither plate nor VIN", "words as parts", "words with more"],
)
def test_fewer_than_three_known_fields_or_no_identity_is_no_header(head: list[Cell]) -> None:
    assert checked(sheet([head, row()])).file_error is FileError.HEADER_NOT_FOUND


def test_sheets_without_header_are_ignored_and_hidden_sheets_are_like_any_other() -> None:
    result = checked(sheet([["说明"], ["车牌号", "按行驶证填写"]], "填表说明"), sheet([HEAD, row()], "清单"))

    assert [(r.sheet, r.row) for r in result.accepted] == [("清单", 2)]
    assert [m.sheet for m in result.mappings] == ["清单"]


# Headers


@pytest.mark.parametrize(
    "head",
    [
        ["车 牌 号", "车架\n号", "座位\r\n数", "吨　位", "初登\xa0日期", "所属分公司"],
        ["\ufeff车牌号", "ｖｉｎ码", "核定载客", "核定载质量", "上牌日期", "使用单位"],
        ["号牌号码", "VIN", "座位数", "吨位", "初次登记日期", "单位"],
        ["牌照号", "车辆识别代号", "座位数", "吨位", "初登日期", "单位"],
    ],
)
def test_header_words_are_known_in_all_their_dress(head: list[Cell]) -> None:
    accepted = checked(sheet([head, row()])).accepted[0]

    assert accepted.place == Place("Sheet1", 2)
    assert accepted.plate == "豫A12345"
    assert accepted.seats == 49
    assert accepted.registered_on == date(2020, 3, 1)
    assert accepted.branch == "中牟客运分公司"


def test_titles_above_the_header_and_unknown_columns_are_skipped_in_any_order() -> None:
    result = checked(
        sheet(
            [
                ["2026年度车辆台账"],
                ["单位", "中牟客运"],
                [],
                ["序号", "座位数", "备注", "车架号", "原车牌号", "单位", "车牌号"],
                [1, "49座", "#N/A", VINS[0], "豫B99999", "巩义公交", "豫A12345"],
            ]
        )
    )

    assert result.rejected == ()
    assert (result.accepted[0].plate, result.accepted[0].branch) == ("豫A12345", "巩义公交分公司")
    assert result.mappings[0].header_row == 4
    assert result.mappings[0].columns[Field.PLATE] == 6
    assert result.mappings[0].headings[2] == "备注"


def test_a_title_directly_above_the_header_does_not_become_a_column() -> None:
    rows = [["单位", "某集团"], ["序号", "车牌号", "车架号", "座位数"], [1, "豫A12345", VINS[0], 5]]

    result = checked(sheet(rows, "机场快线"))

    assert result.accepted[0].branch == "港区机场快线分公司（筹）"


def test_two_row_header_with_merged_cells() -> None:
    rows = [
        ["车辆台账"],
        ["车牌号", "车架号", "所属分公司", "保险到期日", None, "备注"],
        [None, None, None, "交强险到期", "商业险到期", None],
        ["豫A12345", VINS[0], "中牟客运", "2027-01-02", "2027-03-04", None],
    ]
    merges = [(0, 0, 0, 5), (1, 0, 2, 0), (1, 1, 2, 1), (1, 2, 2, 2), (1, 3, 1, 4), (1, 5, 2, 5)]

    result = checked(sheet(rows, merges=merges))

    assert result.mappings[0].header_row == 3
    assert result.accepted[0].ctpl_expires_on == date(2027, 1, 2)
    assert result.accepted[0].commercial_expires_on == date(2027, 3, 4)


def test_two_row_header_without_merged_cells_has_words_on_either_row() -> None:
    rows = [
        ["单位", None, None, "保险到期", None],
        [None, "车牌号", "车架号", "交强险到期", "商业险到期"],
        ["中牟客运", "豫A12345", VINS[0], "2027-01-02", "2027-03-04"],
    ]

    result = checked(sheet(rows))

    assert result.accepted[0].branch == "中牟客运分公司"
    assert result.accepted[0].ctpl_expires_on == date(2027, 1, 2)


def test_a_header_merged_over_a_row_of_unknown_words_ends_below_it() -> None:
    rows = [
        ["车牌号", "车架号", "座位数", "保险", None],
        [None, None, None, "保单号", "金额"],
        ["豫A12345", VINS[0], 49, "PDZA1", 10],
    ]
    merges = [(0, 0, 1, 0), (0, 1, 1, 1), (0, 2, 1, 2), (0, 3, 0, 4)]

    result = checked(sheet(rows, "中牟客运", merges))

    assert verdicts(result) == []
    assert [r.row for r in result.accepted] == [3]


@pytest.mark.parametrize("merges", [[(0, 4, 0, 5)], [(0, 0, 1, 0), (0, 4, 0, 5)]])
def test_unknown_words_under_a_wide_heading_are_part_of_the_header(
    merges: list[tuple[int, int, int, int]],
) -> None:
    rows = [
        ["序号", "车牌号", "车架号", "座位数", "保险", None],
        [None, None, None, None, "保单号", "金额"],
        [1, "豫A12345", VINS[0], 49, "PDZA1", 10],
    ]

    result = checked(sheet(rows, "中牟客运", merges))

    assert (verdicts(result), [r.row for r in result.accepted]) == ([], [3])


def test_a_vehicle_without_identity_is_not_taken_for_headings_under_a_wide_one() -> None:
    rows = [
        ["车牌号", "车架号", "座位数", "备注", None],
        [None, None, 49, "过户", "待办"],
        ["豫A12345", VINS[0], 49],
    ]

    result = checked(sheet(rows, "中牟客运", [(0, 3, 0, 4)]))

    assert verdicts(result) == [(2, Verdict.IDENTITY_MISSING)]


def test_a_header_of_three_rows_ends_with_its_last() -> None:
    rows = [
        ["车牌号", "车架号", "座位数", "保险", None],
        [None, None, None, "交强险", None],
        [None, None, None, "保单号", "到期"],
        ["豫A12345", VINS[0], 49, "PDZA1", "2027-01-02"],
    ]
    merges = [(0, 0, 2, 0), (0, 1, 2, 1), (0, 2, 2, 2), (0, 3, 0, 4), (1, 3, 1, 4)]

    for last_heading in ("到期", "金额"):
        rows[2][4] = last_heading
        result = checked(sheet(rows, "中牟客运", merges))

        assert (verdicts(result), [r.row for r in result.accepted]) == ([], [4])
        assert (result.accepted[0].ctpl_expires_on is None) == (last_heading == "金额")


def test_a_group_heading_and_a_short_one_are_read_together() -> None:
    rows = [
        ["车牌号", "车架号", "座位数", "交强险", None],
        [None, None, None, "保单号", "到期"],
        ["豫A12345", VINS[0], 49, "PDZA1", "2027-01-02"],
    ]

    result = checked(sheet(rows, "中牟客运", [(0, 3, 0, 4)]))

    assert result.accepted[0].ctpl_expires_on == date(2027, 1, 2)


def test_the_first_vehicle_is_not_taken_for_a_second_header_row() -> None:
    rows = [["车牌号", "车架号", "座位数", "所有人"], ["豫A12345", VINS[0], 49, "单位"]]

    result = checked(sheet(rows, "中牟客运"))

    assert result.accepted[0].branch == "中牟客运分公司"


def test_each_sheet_has_its_own_columns() -> None:
    one = sheet([HEAD, row()], "甲")
    two = sheet([["说明"], [], [None, None, *HEAD], [None, None, *row("豫A54321", VINS[1])]], "乙")

    result = checked(one, two)

    assert [(r.sheet, r.row, r.plate) for r in result.accepted] == [
        ("甲", 2, "豫A12345"),
        ("乙", 4, "豫A54321"),
    ]


def test_a_person_may_choose_columns_and_header_row() -> None:
    rows = [["牌照", "底盘号", "座位数", "归属"], ["豫A12345", VINS[0], 49, "中牟客运"]]
    choice = ColumnChoice({Field.PLATE: 0, Field.VIN: 1, Field.SEATS: 2, Field.BRANCH: 3}, header_row=1)

    result = checked(sheet(rows), mapping_override={"Sheet1": choice})

    assert result.accepted[0].values() == checked(sheet([HEAD[:3] + HEAD[5:], rows[1]])).accepted[0].values()


def test_a_person_may_leave_a_guessed_column_unread() -> None:
    choice = ColumnChoice({Field.SEATS: None})

    result = checked(sheet([HEAD, row(seats="不详")]), mapping_override={"Sheet1": choice})

    assert result.accepted[0].seats is None


# Rows


@pytest.mark.parametrize(
    "first", ["合计", "合 计", " 小计：", "总　计", "合计：138辆", "制表人：王静", "小\n计"]
)
def test_totals_and_signature_rows_are_skipped_whatever_else_they_hold(first: str) -> None:
    result = checked(sheet([["序号", *HEAD], [1, *row()], [first, "豫A99999", "x", 999, CellError("#REF!")]]))

    assert (len(result.accepted), result.rejected) == (1, ())


def test_blank_rows_are_skipped_but_keep_their_numbers() -> None:
    result = checked_rows([], ["", None, " \u3000"], row())

    assert [r.row for r in result.accepted] == [4]


@pytest.mark.parametrize("error", [CellError("#N/A"), "#N/A"])
def test_formulas_dragged_below_the_list_in_an_unread_column_are_nothing(error: Cell) -> None:
    result = checked(sheet([[*HEAD, "备注"], row(), [None] * 6 + [error], [error, "合计"][::-1]]))

    assert (len(result.accepted), result.rejected) == (1, ())


def test_a_numbered_row_without_a_vehicle_is_no_blank_row() -> None:
    result = checked(sheet([["序号", *HEAD], [1, *row()], [2]]))

    assert verdicts(result) == [(3, Verdict.IDENTITY_MISSING)]


def test_a_merged_cell_holds_for_each_row_it_spans_and_a_plain_empty_one_does_not() -> None:
    rows = [
        HEAD,
        row(),
        row("豫A54321", VINS[1], branch=None),
        row("豫A54322", VINS[2], branch=None),
    ]

    result = checked(sheet(rows, merges=[(1, 5, 2, 5)]))

    assert [(r.row, r.branch) for r in result.accepted] == [(2, "中牟客运分公司"), (3, "中牟客运分公司")]
    assert verdicts(result) == [(4, Verdict.BRANCH_MISSING)]


def test_a_merged_plate_belongs_to_both_rows() -> None:
    result = checked(sheet([HEAD, row(), row(None, VINS[1])], merges=[(1, 0, 2, 0)]))

    assert verdicts(result) == [(2, Verdict.CONFLICT), (3, Verdict.CONFLICT)]


def test_a_subtotal_beside_a_merged_branch_is_skipped() -> None:
    rows = [
        ["单位", "车牌号", "车架号", "座位数"],
        ["中牟客运", "豫A12345", VINS[0], 5],
        [None, "小计", None, 5],
    ]

    result = checked(sheet(rows, merges=[(1, 0, 2, 0)]))

    assert (len(result.accepted), result.rejected) == (1, ())


def test_a_row_left_blank_beside_a_merged_branch_is_blank() -> None:
    rows = [["单位", "车牌号", "车架号"], ["中牟客运", "豫A12345", VINS[0]], [], [None, "豫A54321", VINS[1]]]

    result = checked(sheet(rows, merges=[(1, 0, 3, 0)]))

    assert ([r.row for r in result.accepted], result.rejected) == ([2, 4], ())


def test_a_vehicle_merged_over_two_rows_stands_there_twice() -> None:
    rows = [["单位", "车牌号", "车架号"], ["中牟客运", "豫A12345", VINS[0]], []]

    result = checked(sheet(rows, merges=[(1, 0, 2, 0), (1, 1, 2, 1), (1, 2, 2, 2)]))

    assert ([r.row for r in result.accepted], [s.row for s in result.skipped]) == ([2], [3])


def test_an_empty_plate_with_a_vin_is_a_plate_still_pending() -> None:
    accepted = checked_rows(row(plate=" ")).accepted[0]

    assert (accepted.plate, accepted.vin) == (None, VINS[0])


def test_a_plate_without_vin_is_a_vehicle() -> None:
    accepted = checked_rows(row(vin=None)).accepted[0]

    assert (accepted.plate, accepted.vin, accepted.warnings) == ("豫A12345", None, ())


@pytest.mark.parametrize("text", ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"])
@pytest.mark.parametrize("position", range(6))
def test_an_error_in_a_used_column_is_a_cell_error_as_value_and_as_text(text: str, position: int) -> None:
    for value in (CellError(text), text, f" {text.lower()} "):
        cells = row()
        cells[position] = value

        refused = checked_rows(cells).rejected[0]

        assert (refused.code, refused.field) == (
            Verdict.CELL_ERROR,
            list(Field)[[0, 1, 5, 6, 7, 10][position]],
        )


VERDICTS = [
    (row(None, "\u3000", seats=CellError("#N/A")), Verdict.IDENTITY_MISSING),
    (row("x", "y", seats=CellError("#N/A")), Verdict.CELL_ERROR),
    (row(CellError("#N/A"), None), Verdict.CELL_ERROR),
    (row("豫A123", "y", "不详", "x", "待定", "星际"), Verdict.PLATE_INVALID),
    (row(True), Verdict.PLATE_INVALID),
    (row(12345.0), Verdict.PLATE_INVALID),
    (row("豫A5U4Q4/豫AF434挂"), Verdict.PLATE_INVALID),
    (row("豫A12345(临)"), Verdict.PLATE_INVALID),
    (row(vin="287541", seats="不详", registered="待定", branch="星际"), Verdict.VIN_INVALID),
    (row(vin=287541.0), Verdict.VIN_INVALID),
    (row(vin=12345678901234567.0), Verdict.VIN_INVALID),
    (row(seats="不详", registered="待定", branch="星际"), Verdict.DATE_INVALID),
    (row(seats="不详", branch="星际"), Verdict.NUMBER_INVALID),
    (row(load="大型", branch=None), Verdict.NUMBER_INVALID),
    (row(branch=" "), Verdict.BRANCH_MISSING),
    (row(branch="星际"), Verdict.BRANCH_UNKNOWN),
]


@pytest.mark.parametrize(("cells", "code"), VERDICTS)
def test_the_first_verdict_that_applies_is_the_rows_only_one(cells: list[Cell], code: Verdict) -> None:
    result = checked_rows(cells)

    assert verdicts(result) == [(2, code)]
    assert result.accepted == ()


def test_a_likely_correction_is_suggested_and_not_made() -> None:
    result = checked_rows(row("豫A8OF4U"), row("豫A54321", "LZYTBTBW6H1O59669"))

    assert [(r.field, r.value, r.suggestion) for r in result.rejected] == [
        (Field.PLATE, "豫A8OF4U", "豫A80F4U"),
        (Field.VIN, "LZYTBTBW6H1O59669", "LZYTBTBW6H1059669"),
    ]


def test_a_wrong_check_digit_is_only_a_warning_and_counts_accepted_vehicles() -> None:
    wrong = "LZYTBTE23F1234567"

    result = checked_rows(row(vin=wrong), row("豫A54321", wrong[:-1] + "8", branch=None))

    assert result.warnings == {"vin_check_digit": 1}
    assert result.accepted[0].warnings == ("vin_check_digit",)


# Values


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-3-1", date(2025, 3, 1)),
        ("2025.3.1", date(2025, 3, 1)),
        ("2025/03/01", date(2025, 3, 1)),
        ("2025年3月1日", date(2025, 3, 1)),
        (" 2025 年 03 月 01 日 ", date(2025, 3, 1)),
        ("２０２５－０３－０１", date(2025, 3, 1)),
        ("20250301", date(2025, 3, 1)),
        (20250301, date(2025, 3, 1)),
        (20250301.0, date(2025, 3, 1)),
        ("45717", date(2025, 3, 1)),
        ("45717.0", date(2025, 3, 1)),
        (45717, date(2025, 3, 1)),
        (45717.75, date(2025, 3, 1)),
        (date(2025, 3, 1), date(2025, 3, 1)),
        (datetime(2025, 3, 1, 23, 59, 59), date(2025, 3, 1)),
        ("2025-03-01 00:00:00", date(2025, 3, 1)),
        ("2025-3-1 10:00", date(2025, 3, 1)),
        ("2025-03-01T08:30:00.000", date(2025, 3, 1)),
        ("2025年2月28日24时", date(2025, 3, 1)),
        ("2025-02-28 24:00", date(2025, 3, 1)),
        ("2024-02-29", date(2024, 2, 29)),
        ("", None),
        (None, None),
        (" \u3000\xa0", None),
    ],
)
def test_dates_are_read(written: Cell, expected: date | None) -> None:
    result = checked_rows(row(registered=written))

    assert result.accepted[0].registered_on == expected


@pytest.mark.parametrize(
    "written",
    [
        "2026-02-30",
        "20260230",
        20251301,
        "2025-3.1",
        "25/3/1",
        "2025-3",
        "待定",
        "长期",
        "-",
        "2025",
        2025,
        True,
        0,
        -5,
        9999,
        202503,
        20250301.5,
        "2025-03-01 25:00",
        "2025-03-01 24:30",
        "2025-02-29",
        time(0, 0),
        timedelta(hours=30),
        "0025-03-01",
        "2025年13月5日",
        "3/1/2025",
        1e300,
        float("inf"),
        float("nan"),
    ],
)
def test_what_is_no_date_is_refused(written: Cell) -> None:
    assert verdicts(checked_rows(row(registered=written))) == [(2, Verdict.DATE_INVALID)]


def test_serial_numbers_of_a_1904_workbook_are_counted_from_there() -> None:
    result = checked(sheet([HEAD, row(registered=45717 - 1462)], dates_from_1904=True))

    assert result.accepted[0].registered_on == date(2025, 3, 1)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (49, 49),
        (49.0, 49),
        ("49座", 49),
        ("49 人", 49),
        ("４９", 49),
        ("49.0", 49),
        ("０", 0),
        (None, None),
        (" ", None),
    ],
)
def test_seats_are_whole(written: Cell, expected: int | None) -> None:
    assert checked_rows(row(seats=written)).accepted[0].seats == expected


@pytest.mark.parametrize(
    "written", [49.5, "49.5", "不详", "四十九座", "49+1", "-5", -5, True, 45717, datetime(1900, 2, 18)]
)
def test_seats_that_are_not_whole_numbers_are_refused(written: Cell) -> None:
    assert verdicts(checked_rows(row(seats=written))) == [(2, Verdict.NUMBER_INVALID)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (1.5, "1.5"),
        (18, "18"),
        ("1.5", "1.5"),
        ("1.5吨", "1.5"),
        ("1.5t", "1.5"),
        ("1.495 吨", "1.495"),
        ("1,500kg", "1.5"),
        ("31,500 KG", "31.5"),
        ("１，５００ｋｇ", "1.5"),
        ("1500千克", "1.5"),
        ("４．９吨", "4.9"),
        (1.4950000000000001, "1.495"),
        (0.1 + 0.2, "0.3"),
        (0, "0"),
    ],
)
def test_loads_are_tonnes(written: Cell, expected: str) -> None:
    assert checked_rows(row(load=written)).accepted[0].load_t == Decimal(expected)


@pytest.mark.parametrize(
    "written", ["约五吨", "大型", "1,50kg", "1.5.2", "-3", -3, "4,900", True, "1.5吨左右"]
)
def test_what_is_no_load_is_refused(written: Cell) -> None:
    assert verdicts(checked_rows(row(load=written))) == [(2, Verdict.NUMBER_INVALID)]


def test_texts_lose_line_breaks_and_outer_blanks() -> None:
    head = ["车牌号", "车架号", "发动机号(码)", "厂牌型号", "使用性质"]
    rows = [head, ["豫A12345", VINS[0], " YC6L\n4623448 ", "宇通\r\nZK6119H", "公路 客运"]]

    accepted = checked(sheet(rows, "中牟客运")).accepted[0]

    assert (accepted.engine_no, accepted.model, accepted.use_class) == (
        "YC6L 4623448",
        "宇通 ZK6119H",
        "公路客运",
    )


# Branches


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("　中牟客运分公司 ", "中牟客运分公司"),
        ("中牟汽运", "中牟客运分公司"),
        ("港区机场快线分公司(筹)", "港区机场快线分公司（筹）"),
        ("中牟\n客运", "中牟客运分公司"),
    ],
)
def test_branches_are_found_by_name_and_alias_after_nfkc(written: str, expected: str) -> None:
    assert checked_rows(row(branch=written)).accepted[0].branch == expected


def test_a_sheets_name_gives_the_branch_where_the_cell_or_the_column_is_empty() -> None:
    without_column = sheet([HEAD[:5], row()[:5]], " 机场快线")
    empty_cell = sheet([HEAD, row("豫A54321", VINS[1], branch=None), row("豫A54322", VINS[2])], "巩义公交")

    result = checked(without_column, empty_cell)

    assert [r.branch for r in result.accepted] == [
        "港区机场快线分公司（筹）",
        "巩义公交分公司",
        "中牟客运分公司",
    ]


def test_an_unknown_branch_is_not_saved_by_the_sheets_name() -> None:
    result = checked(sheet([HEAD, row(branch="星际")], "巩义公交"))

    assert verdicts(result) == [(2, Verdict.BRANCH_UNKNOWN)]


def test_an_alias_of_two_branches_names_neither() -> None:
    twins = [BranchNames("甲分公司", ("车队",)), BranchNames("乙分公司", ("车队", "乙"))]
    workbook = Workbook(
        kind=None, sheets=(sheet([HEAD, row(branch="车队"), row("豫A54321", VINS[1], branch="乙")]),)
    )

    result = check(workbook, twins)

    assert verdicts(result) == [(2, Verdict.BRANCH_UNKNOWN)]
    assert result.accepted[0].branch == "乙分公司"


# Duplicates and conflicts


def test_a_row_equal_in_every_normalised_field_is_skipped_over_all_sheets() -> None:
    same = row("豫a·12345", VINS[0].lower(), "49座", None, "2020年3月1日", "中牟客运分公司")

    result = checked(sheet([HEAD, row()], "甲"), sheet([HEAD, same], "乙"))

    assert len(result.accepted) == 1
    assert [(s.sheet, s.row, s.same_as) for s in result.skipped] == [("乙", 2, Place("甲", 2))]


def test_one_vin_with_different_data_is_a_conflict_of_all_rows_concerned() -> None:
    result = checked(sheet([HEAD, row(), row()], "甲"), sheet([HEAD, row(seats=50), row(plate=None)], "乙"))

    assert [(r.sheet, r.row, r.code, r.field) for r in result.rejected] == [
        ("甲", 2, Verdict.CONFLICT, Field.VIN),
        ("乙", 2, Verdict.CONFLICT, Field.VIN),
        ("乙", 3, Verdict.CONFLICT, Field.VIN),
    ]
    assert result.rejected[0].others == (Place("乙", 2), Place("乙", 3))
    assert [(s.sheet, s.row) for s in result.skipped] == [("甲", 3)]


def test_one_plate_with_two_vins_is_a_conflict() -> None:
    result = checked_rows(row(), row(vin=VINS[1]), row("豫A54321", VINS[2]))

    assert verdicts(result) == [(2, Verdict.CONFLICT), (3, Verdict.CONFLICT)]


def test_one_plate_with_one_vin_and_none_is_no_conflict() -> None:
    assert len(checked_rows(row(), row(vin=None)).accepted) == 2


def test_rows_with_another_verdict_take_no_part_in_conflicts() -> None:
    result = checked_rows(row(), row(seats="不详"), row(branch="星际"))

    assert [r.row for r in result.accepted] == [2]
    assert Verdict.CONFLICT not in {r.code for r in result.rejected}


def test_two_pending_plates_are_two_vehicles() -> None:
    assert len(checked_rows(row(None, VINS[0]), row("-", VINS[1])).accepted) == 2
