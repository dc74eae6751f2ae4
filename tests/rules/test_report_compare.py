"""Two reports beside each other: rows found again by what names them, whatever their order."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from service_desk.rules.metrics import MeasureCode, Ratio
from service_desk.rules.report_compare import CellDifference, RowDifference, TileDifference, compare
from service_desk.rules.report_document import CellKind, Column, Name, Report, ReportKind, Table, Tile, Value

BRANCH = Column("branch", CellKind.NAME)
REPORTED = Column(MeasureCode.CLAIMS_REPORTED)
IN_TIME = Column(MeasureCode.SURVEYED_IN_TIME)
NUMBER, PLATE = Column("claim", CellKind.TEXT), Column("plate", CellKind.TEXT)
LINE, COVER = Column("line", CellKind.LABEL, "policy_line"), Column("cover", CellKind.TEXT)
GONGYI, ZHONGMU = Name("巩义客运分公司", "Gongyi"), Name("中牟公交分公司", "Zhongmu")
MADE = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)

Rows = list[tuple[Value, ...]]


def report(*tables: Table, tiles: tuple[Tile, ...] = ()) -> Report:
    return Report(
        ReportKind.WEEKLY_CLAIMS,
        1,
        Name("郑州联运集团"),
        "Asia/Shanghai",
        date(2026, 11, 16),
        date(2026, 11, 22),
        MADE,
        tiles,
        tables,
    )


def branches(rows: Rows, total: tuple[Value, ...] | None = None) -> Table:
    return Table("by_branch", (BRANCH, REPORTED, IN_TIME), rows, total)


def test_the_same_figures_in_another_order_and_made_later_are_no_difference() -> None:
    one, two = (GONGYI, 2, Ratio(1, 2)), (ZHONGMU, 0, Ratio())
    sent = report(branches([one, two], (None, 2, Ratio(1, 2))), tiles=(Tile(MeasureCode.CLAIMS_REPORTED, 2),))
    later = report(
        branches([two, one], (None, 2, Ratio(1, 2))), tiles=(Tile(MeasureCode.CLAIMS_REPORTED, 2),)
    )

    found = compare(sent, replace(later, made_at=MADE + timedelta(days=9)))

    assert found.is_same
    assert found.count == 0


def test_a_figure_that_changed_is_told_with_its_row_and_so_is_the_total() -> None:
    sent = report(
        branches([(GONGYI, 2, Ratio(1, 2)), (ZHONGMU, 1, Ratio())], ("", 3, Ratio(1, 2))),
        tiles=(Tile(MeasureCode.CLAIMS_REPORTED, 3),),
    )
    now = report(
        branches([(ZHONGMU, 1, Ratio()), (GONGYI, 3, Ratio(2, 4))], ("", 4, Ratio(2, 4))),
        tiles=(Tile(MeasureCode.CLAIMS_REPORTED, 4), Tile(MeasureCode.BREACHES, 1)),
    )

    found = compare(sent, now)

    [table] = found.tables
    # Two of four is another answer than one of two, though the share is the same.
    assert table.changed == [
        RowDifference(
            [(BRANCH, GONGYI)],
            1,
            [CellDifference(REPORTED, 1, 2, 3), CellDifference(IN_TIME, 2, Ratio(1, 2), Ratio(2, 4))],
        ),
        RowDifference(
            (),
            None,
            [CellDifference(REPORTED, 1, 3, 4), CellDifference(IN_TIME, 2, Ratio(1, 2), Ratio(2, 4))],
        ),
    ]
    assert (table.gone, table.new) == ([], [])
    assert found.tiles == [
        TileDifference(MeasureCode.CLAIMS_REPORTED, 3, 4),
        TileDifference(MeasureCode.BREACHES, None, 1),
    ]
    assert found.count == 4


def test_a_claim_moved_to_another_branch_is_the_same_claim_and_others_come_and_go() -> None:
    columns = (NUMBER, PLATE, BRANCH)
    sent = report(Table("claims", columns, [("CLM-1", "豫A1", GONGYI), ("CLM-2", "豫A2", GONGYI)]))
    now = report(Table("claims", columns, [("CLM-3", "豫A3", GONGYI), ("CLM-1", "豫A1", ZHONGMU)]))

    [table] = compare(sent, now).tables

    assert table.changed == [
        RowDifference([(NUMBER, "CLM-1")], 1, [CellDifference(BRANCH, 2, GONGYI, ZHONGMU)])
    ]
    assert table.gone == [("CLM-2", "豫A2", GONGYI)]
    assert table.new == [("CLM-3", "豫A3", GONGYI)]


def test_late_steps_of_one_claim_are_different_breaches() -> None:
    columns = (
        NUMBER,
        BRANCH,
        Column("step", CellKind.LABEL, "clock_step"),
        Column("over_by", CellKind.DURATION),
    )
    week = report(
        Table("breaches", columns, [("CLM-1", GONGYI, "survey", 60), ("CLM-2", GONGYI, "survey", 60)])
    )
    after = report(
        Table("breaches", columns, [("CLM-1", GONGYI, "payment", 90), ("CLM-2", GONGYI, "survey", 70)])
    )

    [table] = compare(week, after).tables

    assert [(row.name[0][1], row.cells[0].before, row.cells[0].after) for row in table.changed] == [
        ("CLM-2", 60, 70)
    ]
    assert table.gone == [("CLM-1", GONGYI, "survey", 60)]
    assert table.new == [("CLM-1", GONGYI, "payment", 90)]


def test_as_many_leading_columns_name_a_row_as_it_takes() -> None:
    columns = (LINE, COVER, REPORTED)
    sent = report(Table("covers", columns, [("ctpl", "basic", 1), ("carrier", "a", 1), ("carrier", "b", 1)]))
    now = report(Table("covers", columns, [("carrier", "b", 7), ("carrier", "a", 1), ("ctpl", "basic", 1)]))

    [table] = compare(sent, now).tables

    assert table.changed == [
        RowDifference([(LINE, "carrier"), (COVER, "b")], 0, [CellDifference(REPORTED, 2, 1, 7)])
    ]


def test_rows_that_nothing_tells_apart_are_paired_in_their_order() -> None:
    sent = report(Table("notes", (COVER, REPORTED), [("same", 1), ("same", 2)]))
    now = report(Table("notes", (COVER, REPORTED), [("same", 1), ("same", 3), ("same", 4)]))

    [table] = compare(sent, now).tables

    assert [(row.place, row.cells[0].before, row.cells[0].after) for row in table.changed] == [(1, 2, 3)]
    assert table.new == [("same", 4)]


def test_a_table_or_column_that_only_one_has_does_not_trouble_the_others() -> None:
    rows: Rows = [(GONGYI, 2, Ratio(1, 2))]
    sent = report(branches(rows), Table("claims", (NUMBER,), [("CLM-1",)]))
    now = report(Table("by_branch", (BRANCH, REPORTED), [(GONGYI, 2)]), Table("breaches", (NUMBER,), []))

    found = compare(sent, now)

    assert [(table.code, table.gone, table.columns_before) for table in found.tables] == [
        ("claims", [("CLM-1",)], (NUMBER,))
    ]
