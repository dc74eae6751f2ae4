"""The claim reports as documents: what they say equals the measures and the lists, and every word of theirs is there."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from service_desk.models.claim_papers import ClaimChecklist
from service_desk.models.db import db
from service_desk.models.reserves import ReserveMovement
from service_desk.models.sla import BreachCause, BreachReview
from service_desk.presenters.labels import LABELS
from service_desk.rules.claim_flow import ClaimState as S
from service_desk.rules.demand import Proposal
from service_desk.rules.metrics import ALARM_LEVELS, MEASURES, AgeBand, MeasureCode, Ratio
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.periods import Period, month_of
from service_desk.rules.report_document import CellKind, Name, Report, ReportKind, Table, from_json, to_json
from service_desk.rules.reserve_ledger import MovementKind, ReserveItem
from service_desk.services import market
from service_desk.services.reports import runs, weekly
from service_desk.services.reports.figures import as_json
from service_desk.services.reports.makers import branch_demand, monthly_cases, weekly_claims
from tests.report_cases import add_claim, move, pay, reserve, survey_clock
from tests.services.test_measures_of_claims import busy_week, settle
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEEK = Period(date(2026, 11, 16), date(2026, 11, 22))
MONTH = month_of(date(2026, 11, 1))
# Thursday of the week, noon in China.
THURSDAY = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)
AFTER = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def column(table: Table, code: str) -> list[object]:
    """A column's values, the total last where there is one."""
    place = [str(one.code) for one in table.columns].index(code)
    rows = [*table.rows, table.total] if table.total is not None else table.rows
    return [row[place] for row in rows]


def words_missing(report: Report) -> list[tuple[str, str]]:
    """Codes of a report that nobody has words for."""
    wanted = [("report_kind", report.kind.value)]
    wanted += [("report_note", note) for note in report.notes]
    wanted += [("report_chart", chart.code) for chart in report.charts]
    for table in report.tables:
        wanted.append(("report_table", table.code))
        for place, one in enumerate(table.columns):
            is_measure = one.kind is CellKind.MEASURE
            wanted.append(("measure" if is_measure else "report_heading", str(one.code)))
            if one.kind is CellKind.LABEL:
                wanted += [(one.of, str(row[place])) for row in table.rows if row[place] is not None]
    return [pair for pair in wanted if pair[1] not in LABELS.get(pair[0], {})]


def draws_what_it_has(report: Report) -> bool:
    """Every chart is of columns that its table has."""
    return all(
        {chart.by, *chart.columns} <= {str(one.code) for one in report.table(chart.table).columns}
        for chart in report.charts
    )


def reviewed_breach(world: World, now: datetime) -> None:
    broken = survey_clock(world, add_claim(world, THURSDAY), stopped_after=2 * HOUR, seen_at=now)
    db.session.add(BreachCause(code="far_away", name="路途遥远", name_en="Far away", ordinal=99))
    db.session.flush()
    db.session.add(
        BreachReview(
            timer_id=broken.id,
            cause="far_away",
            explanation="高速封闭",
            signed_by_id=world.manager.id,
            signed_at=THURSDAY + DAY,
        )
    )
    db.session.flush()


def test_weekly_report_says_what_the_measures_say_beside_the_week_before(world: World, now: datetime) -> None:
    busy_week(world)
    reviewed_breach(world, now)
    survey_clock(world, add_claim(world, THURSDAY), stopped_after=None, seen_at=now)
    add_claim(world, THURSDAY - 7 * DAY)

    report = weekly_claims.make(world.account, WEEK, now=now)
    old = weekly_claims.from_kept(as_json(weekly.compute(world.account.id, WEEK.first, now=now)))

    tiles = {tile.measure: (tile.value, tile.before) for tile in report.tiles}
    assert tiles[C.CLAIMS_REPORTED] == (4, 2)
    assert tiles[C.PAID_NET] == (9_000_00, 0)
    assert tiles[C.BREACHES] == (2, 0)
    assert (report.compared_from, report.compared_to) == (date(2026, 11, 9), date(2026, 11, 15))
    assert column(report.table("by_branch"), "claims_reported") == [3, 1, 4]
    assert column(report.table("by_branch"), "claims_open_end")[-1] == len(report.table("open_claims").rows)
    assert len(report.table("claims_of_period").rows) == 4
    assert column(report.table("breaches"), "cause") == [Name("路途遥远", "Far away"), None]
    # A claim without a running clock tells what is to be done; one that stays too long says so.
    steps = column(report.table("open_claims"), "next_step")
    assert "survey" in steps
    assert "do_dispatch" in steps
    assert "watch" in column(report.table("open_claims"), "stay")
    assert [(tile.measure, tile.value, tile.before) for tile in old.tiles] == [
        (tile.measure, tile.value, None) for tile in report.tiles
    ]
    assert (old.tables, old.charts, old.compared_from) == (report.tables, report.charts, None)
    assert to_json(from_json(to_json(report))) == to_json(report)
    assert not words_missing(report)
    assert draws_what_it_has(report)


def test_a_preview_of_the_running_week_stands_beside_the_whole_week_before(
    world: World, now: datetime
) -> None:
    """`now` is a Monday morning: of the week before only its Monday has its like."""
    add_claim(world, THURSDAY)

    report = runs.preview(world.account.id, ReportKind.WEEKLY_CLAIMS, actor=world.manager, now=now)

    assert (report.period_from, report.period_to) == (date(2026, 11, 23), date(2026, 11, 23))
    assert (report.compared_from, report.compared_to) == (WEEK.first, WEEK.last)
    assert {tile.measure: tile.before for tile in report.tiles}[C.CLAIMS_REPORTED] == 1


def test_monthly_case_table_adds_up_and_names_every_case(world: World) -> None:
    market.install_published()
    busy_week(world)
    reviewed_breach(world, AFTER)
    old = add_claim(world, AFTER - 100 * DAY, loss_at=AFTER - 120 * DAY)
    reserve(old, AFTER - 100 * DAY, 40_000_00)
    for at, kind, fen in (
        (AFTER - 100 * DAY, MovementKind.NEW, 40_000_00),
        (THURSDAY, MovementKind.DECREASE, 10_000_00),
        (THURSDAY, MovementKind.PAID, 5_000_00),
        (AFTER, MovementKind.RELEASED, 25_000_00),
    ):
        db.session.add(
            ReserveMovement(
                claim_id=old.id,
                at=at,
                kind=kind,
                item=ReserveItem.UNDIVIDED,
                amount_fen=fen,
                actor_id=world.claims1.id,
            )
        )
    db.session.flush()

    report = monthly_cases.make(world.account, MONTH, now=AFTER)

    by_branch, by_class = report.table("by_branch"), report.table("by_class")
    assert column(by_branch, "claims_reported") == [3, 3, 6]
    assert column(by_class, "claims_reported") == [3, 3, 0, 6]
    for table in (by_branch, by_class):
        for row in (*table.rows, table.total):
            start, reported, reopened, closed, end = row[1:6]
            assert start + reported + reopened - closed == end
    ageing = report.table("ageing")
    assert column(ageing, "age") == [*AgeBand, None]
    assert column(ageing, "open_from_report")[-1] == column(by_branch, "claims_open_end")[-1]
    assert (
        column(ageing, "outstanding_from_report")[-1]
        == column(report.table("money_by_branch"), "outstanding")[-1]
    )
    assert column(ageing, "open_from_report")[3] == column(ageing, "open_from_loss")[3] == 1
    assert column(report.table("by_month"), "month") == [
        "2026-06",
        "2026-07",
        "2026-08",
        "2026-09",
        "2026-10",
        "2026-11",
    ]
    rolled = report.table("reserves_by_month")
    for row in rolled.rows:
        start, new, reopened, up, down, paid, released, end = row[1:]
        assert start + new + reopened + up - down - paid - released == end
    assert rolled.rows[-1] == ("2026-11", 40_000_00, 0, 0, 0, 10_000_00, 5_000_00, 0, 25_000_00)
    assert column(rolled, "reserve_open")[1:] == column(rolled, "reserve_close")[:-1]
    assert column(report.table("by_step"), "promises_kept") == [Ratio(0, 1), Ratio(0, 1)]
    assert report.table("breach_causes").rows == [(Name("路途遥远", "Far away"), 1)]
    assert len(report.table("claims_of_period").rows) == 6
    assert len(report.table("closed_claims").rows) == column(by_branch, "claims_closed")[-1] == 5
    assert column(report.table("closed_claims"), "days_to_close")[:1] == [23]
    assert len(report.table("open_claims").rows) == column(by_branch, "claims_open_end")[-1]
    assert "act" in column(report.table("open_claims"), "stay")
    # 49,000 for four open claims against 9,000 for two closed ones: 2.7 times.
    assert "alarm_open_to_closed_average_watch" in report.notes
    assert {tile.measure: tile.market for tile in report.tiles}[C.CLOSING_CYCLE] is not None
    assert to_json(from_json(to_json(report))) == to_json(report)
    assert not words_missing(report)
    assert draws_what_it_has(report)


def test_past_month_reads_the_same_after_what_happened_later(world: World) -> None:
    busy_week(world)
    claim = add_claim(world, THURSDAY)
    reserve(claim, THURSDAY, 5_000_00)
    survey_clock(world, claim, stopped_after=None, seen_at=AFTER)
    first = monthly_cases.make(world.account, MONTH, now=AFTER)

    pay(claim, AFTER + HOUR, 5_000_00)
    move(claim, AFTER + HOUR, S.CLOSED)
    settle(add_claim(world, AFTER + DAY), AFTER + 3 * DAY, estimate=800_00, paid=800_00)
    later = monthly_cases.make(world.account, MONTH, now=AFTER + 40 * DAY)

    assert [tile.value for tile in later.tiles] == [tile.value for tile in first.tiles]
    assert later.tables == first.tables
    assert later.notes == first.notes


def test_demand_proposes_to_each_branch_what_its_own_figures_say(world: World) -> None:
    for number in range(5):
        at = THURSDAY + number * HOUR
        claim = add_claim(
            world, at, injured_count=number % 2, loss_at=at - 50 * HOUR, place="G310 巩义站街路口"
        )
        db.session.add(
            ClaimChecklist(
                claim_id=claim.id,
                features=["own_damage", "injury"][: 1 + number % 2],
                changed_at=at,
                changed_by_id=world.claims1.id,
            )
        )
    add_claim(world, THURSDAY, world.bus, loss_at=THURSDAY - 12 * HOUR - MINUTE)
    add_claim(world, THURSDAY, world.foreign_vehicle, injured_count=3)

    report = branch_demand.make(world.account, Period(date(2026, 10, 1), date(2026, 12, 31)), now=AFTER)

    gongyi, zhongmu = (
        Name("巩义客运分公司", "Gongyi Coach Branch"),
        Name("中牟公交分公司", "Zhongmu City Bus Branch"),
    )
    proposed = [(row[0], row[1]) for row in report.table("proposals").rows]
    assert [code for name, code in proposed if name == gongyi] == [
        "close_gaps",
        "higher_liability_limits",
        "repeating_vehicles",
        "report_at_once",
    ]
    assert [code for name, code in proposed if name == zhongmu] == ["close_gaps"]
    assert column(report.table("hours_by_branch"), "hours_forenoon") == [2, 0, 2]
    assert column(report.table("hours_by_branch"), "hours_night") == [0, 1, 1]
    assert report.table("kinds_by_branch").rows[:2] == [
        (gongyi, "own_damage", 5, Ratio(5, 5)),
        (gongyi, "injury", 2, Ratio(2, 5)),
    ]
    assert report.table("places_by_branch").rows == [(gongyi, "G310 巩义站街路口", 5)]
    assert column(report.table("by_branch"), "claims_reported") == [5, 1, 6]
    assert not words_missing(report)
    assert draws_what_it_has(report)


@pytest.mark.parametrize("maker", [weekly_claims, monthly_cases, branch_demand])
def test_report_of_an_account_without_claims_can_be_made(world: World, maker) -> None:
    period = WEEK if maker is weekly_claims else MONTH

    report = maker.make(world.foreign_account, period, now=AFTER)

    assert to_json(from_json(to_json(report))) == to_json(report)
    assert not words_missing(report)


def test_every_alarm_and_proposal_has_words(app: Flask) -> None:
    for code, level in ALARM_LEVELS.items():
        assert f"alarm_{code.value}_watch" in LABELS["report_note"]
        assert level.act is None or f"alarm_{code.value}_act" in LABELS["report_note"]
    assert set(LABELS["demand_proposal"]) == set(LABELS["demand_reason"]) == {one.value for one in Proposal}
    assert set(MEASURES) == set(MeasureCode)
