"""The monthly underwriting table and the renewal forecast as documents: what they hold, by hand."""

from datetime import date, datetime

from service_desk.models.db import db
from service_desk.models.policies import EndorsementKind, PolicyOrigin
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period, month_of
from service_desk.rules.report_document import Name, Report, ReportKind, from_json, to_json
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.policies import rates
from service_desk.services.reports.makers import MAKERS
from tests.result_cases import QUARTER, build_quarter, claim, day, endorse, go_on, insure
from tests.world import World

SEPTEMBER = month_of(date(2026, 9, 1))
COMMERCIAL = PolicyLine.COMMERCIAL


def column(report: Report, table: str, code: str) -> list[object]:
    """The values of a column, the total last where there is one."""
    found = report.table(table)
    place = [one.code for one in found.columns].index(code)
    return [row[place] for row in (*found.rows, *([found.total] if found.total else []))]


def test_the_monthly_table_with_its_acts(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=day(2026, 1, 1))
    made = build_quarter(world)
    maker = MAKERS[ReportKind.MONTHLY_UNDERWRITING]
    july, august = (maker.make(world.account, month_of(date(2026, month, 1)), now=now) for month in (7, 8))
    assert column(july, "by_branch", C.WRITTEN_PREMIUM) == [7_300_00, 7_300_00]
    assert column(july, "by_class", "use_class") == ["city_bus", None]
    assert column(august, "by_line", "cancellations") == [1, 0, 1]
    assert column(august, "by_line", "premium_month_before") == [0, 7_300_00, 7_300_00]
    assert column(august, "by_branch", "change_on_month")[-1] == Ratio(-8_830_00, 7_300_00)
    assert [tile.before for tile in august.tiles if tile.measure is C.WRITTEN_PREMIUM] == [7_300_00]
    (act,) = july.table("acts").rows
    assert act[1:5] == ("issue", made["bus"].number, None, world.bus.plate)
    assert act[9] == 7_300_00
    (cancelled,) = august.table("acts").rows
    assert cancelled[1] == EndorsementKind.CANCELLATION.value
    assert to_json(from_json(to_json(august))) == to_json(august)
    # A month that is over stays as it was; what was taken over is not written.
    go_on(world, made)
    insure(
        world,
        world.truck,
        date(2026, 7, 10),
        100,
        line=COMMERCIAL,
        origin=PolicyOrigin.TAKEN_OVER,
        cover_set="as_stated",
    )
    db.session.commit()
    again = maker.make(world.account, month_of(date(2026, 7, 1)), now=now)
    assert to_json(again)["tables"] == to_json(july)["tables"]
    assert again.notes == ["underwriting_month", "taken_over_left_out"]


def build_expiring(world: World) -> None:
    """Ends after September 2026: the coach on 30 October, 29 November (renewed) and 29 December, the bus on 31 October."""
    insure(world, world.coach, date(2025, 10, 31), 3_650_00)
    renewed = insure(world, world.coach, date(2025, 11, 30), 7_300_00, line=COMMERCIAL, cover_set="tpl_1m")
    endorse(world, renewed, day(2026, 3, 1), 500_00)
    renewed.annual_fen = 8_000_00
    insure(
        world,
        world.coach,
        date(2026, 11, 30),
        7_500_00,
        line=COMMERCIAL,
        issued_at=day(2026, 9, 30),
        cover_set="tpl_1m",
    )
    insure(world, world.coach, date(2025, 12, 30), 1_000_00, line=PolicyLine.CARRIER_LIABILITY)
    insure(world, world.bus, date(2025, 11, 1), 2_000_00)
    # Ends on the last day of the period, on the ninety-first after it, early: none of these.
    insure(world, world.truck, date(2025, 10, 1), 100)
    insure(world, world.truck, date(2025, 12, 31), 100, line=COMMERCIAL)
    cancelled = insure(world, world.bus, date(2025, 11, 2), 100, line=COMMERCIAL)
    endorse(world, cancelled, day(2026, 2, 1), -75, kind=EndorsementKind.CANCELLATION)
    insure(world, world.foreign_vehicle, date(2025, 11, 1), 999_00)
    claim(world, world.coach, day(2026, 2, 1), 400_00)
    claim(world, world.coach, day(2025, 10, 20), 70_00)
    claim(world, world.bus, day(2026, 10, 2), 70_00)
    db.session.commit()


def test_the_renewal_forecast_by_what_was_known_at_the_end(world: World, now: datetime) -> None:
    build_expiring(world)
    maker = MAKERS[ReportKind.RENEWAL_FORECAST]
    made = maker.make(world.account, SEPTEMBER, now=day(2026, 10, 3))
    assert [tuple(row) for row in made.table("expiring_bands").rows] == [
        ("days_30", 1, 1, 0, 1, 3_650_00),
        ("days_60", 2, 2, 1, 1, 2_000_00),
        ("days_90", 1, 1, 0, 1, 1_000_00),
    ]
    assert tuple(made.table("expiring_bands").total or ()) == (None, 4, 2, 1, 3, 6_650_00)
    groups = made.table("expiring_groups")
    gongyi, zhongmu = (
        Name(world.gongyi.name, world.gongyi.name_en),
        Name(world.zhongmu.name, world.zhongmu.name_en),
    )
    assert [tuple(row) for row in groups.rows] == [
        (gongyi, "coach", "ctpl", 1, 1, 0, 1, 3_650_00, 0, 0, 3_650_00),
        (gongyi, "coach", "commercial", 1, 1, 1, 0, 0, 0, 0, 0),
        (gongyi, "coach", "carrier_liability", 1, 1, 0, 1, 0, 0, 1_000_00, 1_000_00),
        (zhongmu, "city_bus", "ctpl", 1, 1, 0, 1, 0, 2_000_00, 0, 2_000_00),
    ]
    results = made.table("expiring_results")
    # 335 days of 10, 305 of 20 and of the 500 endorsed 214 of 274 days, 275 of 1,000 in 365.
    earned = 3_350_00 + 6_100_00 + 390_51 + 753_42
    coach, bus = (tuple(row) for row in results.rows)
    assert coach[:6] == (gongyi, "coach", 1, earned, 400_00, Ratio(400_00, earned))
    assert bus[:3] == (zhongmu, "city_bus", 0)
    months = made.table("renewal_months")
    assert [row[0] for row in months.rows][-1] == "2026-09"
    assert len(months.rows) == 12
    assert tuple(months.rows[-1]) == ("2026-09", 1, 0, 0, 1, Ratio(0, 1))
    lines = made.table("expiring_vehicles").rows
    assert [(row[0], row[7], row[8], row[10]) for row in lines] == [
        (world.coach.plate, date(2026, 10, 30), 30, "False"),
        (world.bus.plate, date(2026, 10, 31), 31, "False"),
        (world.coach.plate, date(2026, 11, 29), 60, "True"),
        (world.coach.plate, date(2026, 12, 29), 90, "False"),
    ]
    assert [row[9] for row in lines] == [3_650_00, 2_000_00, 8_000_00, 1_000_00]
    # Renewed, cancelled and reported since: the forecast of September is the same.
    insure(world, world.bus, date(2026, 11, 1), 2_100_00, issued_at=day(2026, 10, 20))
    claim(world, world.coach, day(2026, 10, 20), 9_000_00, loss_at=day(2026, 9, 1))
    db.session.commit()
    assert to_json(maker.make(world.account, SEPTEMBER, now=now))["tables"] == to_json(made)["tables"]
    theirs = maker.make(world.foreign_account, SEPTEMBER, now=now)
    assert tuple(theirs.table("expiring_bands").total or ()) == (None, 1, 1, 0, 1, 999_00)


def test_a_forecast_of_a_period_that_runs_counts_from_today(world: World) -> None:
    build_expiring(world)
    made = MAKERS[ReportKind.RENEWAL_FORECAST].make(world.account, QUARTER, now=day(2026, 8, 2))
    assert column(made, "expiring_bands", "policies") == [0, 1, 2, 3]
    assert made.table("expiring_vehicles").rows[0][8] == (date(2026, 9, 30) - date(2026, 8, 2)).days
    empty = MAKERS[ReportKind.RENEWAL_FORECAST].make(
        world.account, Period(date(2020, 1, 1), date(2020, 1, 31)), now=day(2026, 8, 2)
    )
    assert tuple(empty.table("expiring_bands").total or ()) == (None, 0, 0, 0, 0, 0)
