"""Reading a list of policies: amounts and their units, numbers, terms, lines, totals."""

from datetime import datetime
from decimal import Decimal

import pytest

from service_desk.rules.fleet_list import Sheet, Workbook
from service_desk.rules.fleet_list.workbook import CellError, FileKind
from service_desk.rules.policy_list import Field, PolicyListResult, Sum, TotalRow, check, reconcile
from service_desk.rules.policy_list.header import line_of
from service_desk.rules.policy_list.values import (
    TEN_THOUSAND,
    PrecisionLostError,
    UnitTwiceError,
    read_amount,
    read_moment,
    read_number,
)
from service_desk.rules.vocabulary import CoverCode, PolicyLine

HEAD = ["保单号", "险种", "车牌号", "起保日期", "终保日期", "保费"]


def read(*rows: list, head: list | None = None, sheet: str = "清单") -> PolicyListResult:
    table = [head or HEAD, *rows]
    made = Sheet(sheet, table, range(1, len(table) + 1))
    return check(Workbook(FileKind.XLSX, (made,)), [])


def ctpl(starts: object, ends: object, number: str = "P1") -> list:
    return [number, "交强险", "豫A12345", starts, ends, 100]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (4690.0, "4690.00"),
        ("￥1,200.50", "1200.50"),
        ("1.2万", "12000.00"),
        ("１００万元", "1000000.00"),
        ("1200元", "1200.00"),
        ("40万/座", "400000.00"),
        (0, "0.00"),
        ("-", None),
        ("未投保", None),
        (None, None),
    ],
)
def test_amounts_are_read_as_people_write_them(cell: object, expected: str | None) -> None:
    assert read_amount(cell) == (None if expected is None else Decimal(expected))  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", ["(300)", "-300", -1, True, "三千", "1,20", "1e5"])
def test_what_is_no_amount_is_refused(cell: object) -> None:
    with pytest.raises(ValueError):
        read_amount(cell)  # type: ignore[arg-type]


def test_a_heading_in_ten_thousands_counts_once() -> None:
    assert read_amount("100", TEN_THOUSAND) == Decimal("1000000.00")
    with pytest.raises(UnitTwiceError):
        read_amount("100万", TEN_THOUSAND)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("0012 34", "001234"),
        (123456789012345.0, "123456789012345"),
        ("'PD1", "PD1"),
        ("ｐｄ1", "PD1"),
        ("", None),
    ],
)
def test_policy_numbers_stay_text(cell: object, expected: str | None) -> None:
    assert read_number(cell) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", [1e15, 1.23457e20, "1.23457E+20", "4.1e+19"])
def test_a_number_that_lost_digits_is_no_policy_number(cell: object) -> None:
    with pytest.raises(PrecisionLostError):
        read_number(cell)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cell", "day", "minute"),
    [
        ("2026-11-22 24:00", 22, 1440),
        ("2026年11月22日二十四时", 22, 1440),
        ("2026-11-22 23:59:59", 22, 1440),
        ("2026-11-22 0:00", 22, 0),
        ("2026年11月22日零时", 22, 0),
        ("2026.11.22", 22, None),
        (datetime(2026, 11, 22), 22, None),
        (datetime(2026, 11, 22, 12, 30), 22, 750),
        (20261122, 22, None),
    ],
)
def test_a_moment_keeps_the_day_that_was_written(cell: object, day: int, minute: int | None) -> None:
    found = read_moment(cell)  # type: ignore[arg-type]
    assert found is not None
    assert (found.day.day, found.minute) == (day, minute)


@pytest.mark.parametrize(
    ("starts", "ends", "last_instant"),
    [
        ("2026-03-01", "2027-02-28", "2027-02-28T16:00"),
        ("2026-03-01", "2027-02-28 24:00", "2027-02-28T16:00"),
        ("2026-03-01 0:00", "2027-03-01 0:00", "2027-02-28T16:00"),
        ("2026-02-28 24:00", "2027-02-28", "2027-02-28T16:00"),
        ("2026-03-01", "2026-08-31", "2026-08-31T16:00"),
    ],
)
def test_a_last_day_is_covered_to_its_end(starts: str, ends: str, last_instant: str) -> None:
    one = read(ctpl(starts, ends)).statements[0]
    assert one.ends_at.isoformat().startswith(last_instant)
    assert one.starts_at.isoformat().startswith("2026-02-28T16:00")


def test_a_column_whose_years_end_on_the_day_they_began_ends_at_midnight() -> None:
    found = read(ctpl("2026-03-01", "2027-03-01"), ctpl("2026-04-01", "2026-10-01", "P2"))
    assert [one.ends_at.isoformat()[:10] for one in found.statements] == ["2027-02-28", "2026-09-30"]


def test_a_mixed_column_keeps_the_rows_of_the_many_and_refuses_the_few() -> None:
    found = read(
        ctpl("2026-03-01", "2027-02-28"),
        ctpl("2026-03-02", "2027-03-01", "P2"),
        ctpl("2026-03-03", "2027-03-03", "P3"),
    )
    assert [one.number for one in found.statements] == ["P1", "P2"]
    assert [(one.row, one.code) for one in found.refusals] == [(4, "end_style_mixed")]
    halved = read(ctpl("2026-03-01", "2027-02-28"), ctpl("2026-03-03", "2027-03-03", "P2"))
    assert [one.code for one in halved.refusals] == ["end_style_mixed", "end_style_mixed"]


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        (ctpl("2027-03-01", "2026-03-01"), "dates_reversed", "ends_on"),
        (ctpl("2026-03-01", "2036-02-28"), "term_too_long", "ends_on"),
        (ctpl("25/3/1", "2027-02-28"), "date_invalid", "starts_on"),
        (ctpl(None, "2027-02-28"), "term_missing", "starts_on"),
        (["", "交强险", "豫A12345", "2026-03-01", "2027-02-28", 1], "policy_number_missing", "number"),
        (["P", "家财险", "豫A12345", "2026-03-01", "2027-02-28", 1], "line_unknown", "line"),
        (["P", "", "豫A12345", "2026-03-01", "2027-02-28", 1], "line_missing", "line"),
        (["P", "交强险", "豫A12345", "2026-03-01", "2027-02-28", "三千"], "number_invalid", "premium"),
        (["P", "交强险", CellError("#REF!"), "2026-03-01", "2027-02-28", 1], "cell_error", "plate"),
        (["P", "交强险", "豫A1234O", "2026-03-01", "2027-02-28", 1], "plate_invalid", "plate"),
    ],
)
def test_a_row_that_cannot_be_read_says_where_and_why(row: list, code: str, field: str) -> None:
    refusal = read(row).refusals[0]
    assert (refusal.row, refusal.code, refusal.field) == (2, code, field)


@pytest.mark.parametrize(
    ("word", "line", "covers"),
    [
        ("机动车交强险", PolicyLine.CTPL, ()),
        ("强制保险", PolicyLine.CTPL, ()),
        ("商业险", PolicyLine.COMMERCIAL, ()),
        ("商业三者险", PolicyLine.COMMERCIAL, (CoverCode.TPL,)),
        ("车损+三者", PolicyLine.COMMERCIAL, (CoverCode.TPL, CoverCode.OWN_DAMAGE)),
        ("道路客运承运人责任险", PolicyLine.CARRIER_LIABILITY, ()),
    ],
)
def test_words_for_lines_are_understood(word: str, line: PolicyLine, covers: tuple) -> None:
    assert line_of(word) == (line, covers)


def test_the_line_may_be_the_sheets_name() -> None:
    row = ["P", "豫A12345", "2026-03-01", "2027-02-28", 1]
    found = read(row, head=["保单号", "车牌号", "起保日期", "终保日期", "保费"], sheet="承运人险")
    assert found.statements[0].line is PolicyLine.CARRIER_LIABILITY


def test_totals_sum_what_stands_above_them_by_level() -> None:
    rows = [Sum(None, row, Field.PREMIUM, Decimal(10), Decimal(1), f"V{row % 2}") for row in (2, 3, 5, 6)]
    totals = [
        TotalRow(None, 4, "小计", 1, 0, {Field.PREMIUM: Decimal(20)}, 2, True),
        TotalRow(None, 7, "小计", 1, 4, {Field.PREMIUM: Decimal(21)}, None, False),
        TotalRow(None, 8, "合计", 2, 0, {Field.PREMIUM: Decimal(40), Field.TAX: Decimal(4)}, 4, False),
    ]
    found = reconcile(totals, rows)
    assert [(one.row, one.field, one.differs) for one in found] == [
        (4, "premium", False),
        (4, "vehicles", False),
        (7, "premium", True),
        (8, "premium", False),
        (8, "tax", False),
        (8, "count", False),
    ]


def test_the_premiums_of_accepted_rows_and_the_differences_make_up_the_files_total() -> None:
    """Whatever is accepted: stated is found plus the difference, to the fen."""
    total = TotalRow(None, 9, "合计", 2, 0, {Field.PREMIUM: Decimal("99.99")}, None, False)
    for count in range(4):
        rows = [
            Sum(None, row, Field.PREMIUM, Decimal("33.33"), Decimal(0), "V") for row in range(1, 1 + count)
        ]
        one = reconcile([total], rows)[0]
        assert one.found + (one.stated - one.found) == one.stated
        assert one.differs is (count != 3)


@pytest.mark.parametrize(
    ("heading", "said", "unpaid"),
    [
        ("未收保费", 16_690, ["4690.00", "12000.00"]),
        ("未收保费", 2_000, ["0.00", "2000.00"]),
        ("未收保费", 13_000, ["1000.00", "12000.00"]),
        ("未收保费", 0, ["0.00", "0.00"]),
        ("已收保费", 10_000, ["0.00", "6690.00"]),
        ("已收保费", 20_000, ["0.00", "0.00"]),
        ("已收保费", 90, ["4600.00", "12000.00"]),
    ],
)
def test_what_a_row_of_several_policies_leaves_unpaid_is_counted_once(
    heading: str, said: int, unpaid: list[str]
) -> None:
    head = [
        "车牌号",
        "交强险保单号",
        "交强险保费",
        "商业险保单号",
        "商业险保费",
        "起保日期",
        "终保日期",
        heading,
    ]

    found = read(["豫A12345", "PA1", 4690, "PB1", 12_000, "2026-03-01", "2027-02-28", said], head=head)

    assert [one.unpaid for one in found.statements] == [Decimal(one) for one in unpaid]


@pytest.mark.parametrize(("unpaid", "accepted"), [(None, ["PB1"]), (500, [])])
def test_a_premium_that_cannot_be_read_leaves_the_other_policy_unless_it_tells_what_is_unpaid(
    unpaid: int | None, accepted: list[str]
) -> None:
    head = [
        "车牌号",
        "交强险保单号",
        "交强险保费",
        "商业险保单号",
        "商业险保费",
        "起保日期",
        "终保日期",
        "未收",
    ]

    found = read(["豫A12345", "PA1", "三千", "PB1", 12_000, "2026-03-01", "2027-02-28", unpaid], head=head)

    assert [one.number for one in found.statements] == accepted
