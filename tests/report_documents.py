"""A report with every kind of cell, of names that would be markup, formulas or codes nobody knows any more."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from service_desk.rules.metrics import Mean, MeasureCode, Ratio
from service_desk.rules.report_document import (
    CellKind,
    Chart,
    ChartKind,
    Column,
    Name,
    Report,
    ReportKind,
    Table,
    Tile,
)

# Two hours behind China's time, so that a time of the wrong zone is seen.
ZONE = "Asia/Urumqi"
AT = datetime(2026, 9, 3, 1, 2, tzinfo=UTC)
DETAIL_ROWS = 65

_BRANCHES = Table(
    "by_branch",
    (
        Column("branch", CellKind.NAME),
        Column(MeasureCode.CLAIMS_REPORTED),
        Column(MeasureCode.CLAIMS_CLOSED),
        Column(MeasureCode.PAID_NET),
        Column(MeasureCode.CLOSING_RATE),
        Column(MeasureCode.EARNED_LOSS_RATIO),
        Column(MeasureCode.AVERAGE_LOSS),
        Column("days_open", CellKind.DAYS),
        Column("over_by", CellKind.DURATION),
    ),
    (
        (
            Name("巩义<b>分公司", "Gongyi <b>"),
            1234,
            6,
            12_345_67,
            Ratio(6, 7),
            Ratio(100_00, 300_00),
            Mean(100_01, 2),
            3,
            7260,
        ),
        (Name("=1+1"), 0, None, -5_00, Ratio(0, 0), Ratio(), Mean(), Decimal("11.5"), None),
    ),
    total=(None, 1234, 6, 12_340_67, Ratio(6, 7), Ratio(100_00, 300_00), Mean(100_01, 2), None, None),
)
_CLAIMS = Table(
    "claims_of_period",
    (
        Column("claim_no", CellKind.TEXT),
        Column("reported_at", CellKind.MOMENT),
        Column("oldest", CellKind.DATE),
        Column("state", CellKind.LABEL, of="claim_state"),
        Column("place", CellKind.TEXT, is_wide=True),
        Column("share", CellKind.RATIO, of="fen"),
        Column("change_on_month", CellKind.RATIO, of="change"),
    ),
    [
        (
            f"CLM-2026-{number:06}",
            AT + timedelta(days=number),
            date(2026, 9, 3),
            "closed" if number else "a_state_of_old",
            "=1+1",
            Ratio(1_00, 4_00),
            Ratio(1_00, 8_00),
        )
        for number in range(DETAIL_ROWS)
    ],
    is_detail=True,
)

EVERY = Report(
    kind=ReportKind.QUARTERLY_REVIEW,
    account_id=1,
    account=Name("郑州<b>集团", "Zhengzhou <b>"),
    zone=ZONE,
    period_from=date(2026, 7, 1),
    period_to=date(2026, 9, 30),
    compared_from=date(2026, 4, 1),
    compared_to=date(2026, 6, 30),
    made_at=datetime(2026, 10, 1, 23, 30, tzinfo=UTC),
    tiles=(
        Tile(MeasureCode.CLOSING_RATE, Ratio(6, 7), Ratio(5, 7)),
        Tile(MeasureCode.CLOSING_CYCLE, Mean(60, 4), Mean(40, 4), Decimal("29.26")),
        Tile(MeasureCode.PAID_NET, 12_345_67, 10_000_00),
        Tile(MeasureCode.CLAIMS_REPORTED, 9, 9),
        Tile(MeasureCode.SIMPLE_LOSS_RATIO, Ratio(1_00, 3_00), Ratio(0, 0)),
    ),
    tables=(_BRANCHES, _CLAIMS, Table("open_claims", (Column("plate", CellKind.TEXT),), ())),
    charts=(
        Chart(
            "by_branch",
            ChartKind.BARS,
            "by_branch",
            "branch",
            (MeasureCode.CLAIMS_REPORTED, MeasureCode.CLAIMS_CLOSED, MeasureCode.PAID_NET),
        ),
        Chart("by_branch", ChartKind.LINE, "by_branch", "branch", (MeasureCode.CLOSING_RATE,)),
        Chart("by_branch", ChartKind.LINE, "no_such_table", "branch", (MeasureCode.CLOSING_RATE,)),
    ),
    notes=("a_note_of_old",),
)
NOTHING = replace(EVERY, tiles=(), tables=(), charts=(), notes=(), compared_from=None, compared_to=None)
_FEW_BUSY = Table(
    "by_branch",
    (Column("branch", CellKind.NAME), Column(MeasureCode.CLAIMS_REPORTED), Column(MeasureCode.CLOSING_RATE)),
    [(Name(f"第{number}分公司"), 7 if number == 3 else 0, Ratio()) for number in range(20)],
    total=(None, 7, Ratio()),
)
FEW_BUSY = replace(NOTHING, tables=(_FEW_BUSY,), charts=(EVERY.charts[0],))
_BUSY = replace(
    _BRANCHES,
    rows=[
        (Name(f"第{number}汽车客运分公司", f"Coach Branch No. {number}"), *_BRANCHES.rows[0][1:])
        for number in range(1, 61)
    ],
)
LARGE = replace(EVERY, tables=(_BUSY,) * 6)
