"""A report goes into JSON and comes back equal, whatever its cells hold."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from service_desk.rules.metrics import MEASURES, Mean, MeasureCode, Ratio
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
    from_json,
    to_json,
)

REPORT = Report(
    kind=ReportKind.MONTHLY_CASES,
    account_id=7,
    account=Name("郑州交运集团", "Zhengzhou Transport"),
    zone="Asia/Shanghai",
    period_from=date(2026, 10, 1),
    period_to=date(2026, 10, 31),
    compared_from=date(2026, 9, 1),
    compared_to=date(2026, 9, 30),
    made_at=datetime(2026, 11, 1, 0, 30, tzinfo=UTC),
    tiles=(
        Tile(MeasureCode.CLOSING_RATE, Ratio(3, 7), Ratio(0, 0), Decimal("93.07")),
        Tile(MeasureCode.AVERAGE_LOSS, Mean(123_45, 2)),
        Tile(MeasureCode.CLAIMS_REPORTED, 0, None),
    ),
    tables=(
        Table(
            "by_branch",
            (
                Column("branch", CellKind.NAME),
                Column(MeasureCode.PAID_NET.value),
                Column("oldest", CellKind.DATE),
                Column("reported_at", CellKind.MOMENT, is_wide=True),
                Column("state", CellKind.LABEL, of="claim_state"),
            ),
            (
                (
                    Name("公交一公司"),
                    100,
                    date(2026, 9, 3),
                    datetime(2026, 9, 3, 1, 2, 3, 456789, UTC),
                    "reported",
                ),
                (None, -5, None, None, ""),
            ),
            total=(Name("合计", "Total"), 95, None, None, None),
            is_detail=True,
        ),
    ),
    charts=(Chart("paid", ChartKind.BARS, "by_branch", "branch", (MeasureCode.PAID_NET.value,)),),
    notes=("open_adds_up",),
)


def test_a_report_comes_back_from_json_equal():
    kept = json.loads(json.dumps(to_json(REPORT), ensure_ascii=False))

    assert from_json(kept) == REPORT


def test_a_table_is_found_by_its_code():
    assert REPORT.table("by_branch").rows[1][1] == -5
    with pytest.raises(KeyError):
        REPORT.table("by_class")


def test_every_measure_is_in_the_registry_once():
    assert list(MEASURES) == list(MeasureCode)
    assert all(code is measure.code for code, measure in MEASURES.items())


def test_a_headline_figure_of_a_measure_of_old_is_kept() -> None:
    kept = to_json(REPORT)
    kept["tiles"][0][0] = "measure_of_old"

    back = from_json(json.loads(json.dumps(kept)))

    assert [tile.measure for tile in back.tiles[:2]] == ["measure_of_old", MeasureCode.AVERAGE_LOSS]
    assert back.tiles[0].value == Ratio(3, 7)
    assert to_json(back) == kept
