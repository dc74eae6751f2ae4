"""The quarterly review and the annual record: what they hold, by hand, and what each side went through."""

from datetime import date, datetime, timedelta

from service_desk.models.claims import Claim, FollowUp
from service_desk.models.db import db
from service_desk.models.disputes import Dispute
from service_desk.models.sla import BreachReview
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.disputes import Consequence, DisputeOutcome, DisputeTopic
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period
from service_desk.rules.report_document import (
    CellKind,
    Column,
    Name,
    Report,
    ReportKind,
    Table,
    from_json,
    to_json,
)
from service_desk.rules.sla import Target, TargetUnit
from service_desk.services import market, sla
from service_desk.services.measures import read
from service_desk.services.reports.makers import MAKERS, parts
from service_desk.services.sla import what_if
from service_desk.services.sla.compliance import ComplianceFilter
from service_desk.services.sla.what_if import Question
from tests.breach_cases import late_survey, matter_of, reviewed
from tests.result_cases import QUARTER, build_quarter, claim, day, go_on, reserve, span_of
from tests.world import World

HOUR = timedelta(hours=1)
YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))


def kept_survey(world: World, at: datetime, number: int, minutes: int) -> None:
    """A survey that took so many minutes of the sixty that are promised."""
    matter = matter_of(world, number)
    sla.start(matter, ClockStep.SURVEY, holder_id=world.claims1.id, at=at, actor=None, now=at)
    done = at + timedelta(minutes=minutes)
    sla.stop(matter, (ClockStep.SURVEY,), at=done, actor=None, now=done)
    db.session.commit()


def add_dispute(world: World, row: Claim, raised_at: datetime, number: int, **values: object) -> Dispute:
    made = Dispute(
        number=f"DSP-{number}",
        claim_id=row.id,
        account_id=row.account_id,
        branch_id=row.branch_id,
        round=1,
        topic=DisputeTopic.AMOUNT,
        claimed_fen=900_00,
        raised_by_id=world.safety_gongyi.id,
        raised_at=raised_at,
        **values,
    )
    db.session.add(made)
    db.session.flush()
    return made


def decided(at: datetime, outcome: DisputeOutcome, awarded_fen: int) -> dict[str, object]:
    return {
        "decided_at": at,
        "outcome": outcome,
        "awarded_fen": awarded_fen,
        "consequence": Consequence.NOTHING,
        "reasons": "复核",
    }


def add_answer(world: World, row: Claim, at: datetime, **values: object) -> None:
    given = {"score": 5, "speed": 5, "attitude": 5, "result": None, "spoken_with": "郭永刚"} | values
    db.session.add(FollowUp(claim_id=row.id, round=1, at=at, by_id=world.claims2.id, **given))
    db.session.flush()


def build_service(world: World, made: dict[str, Claim]) -> None:
    """In the quarter: a survey kept in 20 minutes, one broken and reviewed, one broken and not; two disputes; two answers."""
    sla.install_defaults(day(2026, 1, 1))
    kept_survey(world, day(2026, 8, 3) + 2 * HOUR, 11, 20)
    reviewed(world, day(2026, 8, 10) + 2 * HOUR, due_on=date(2026, 9, 1))
    late_survey(world, day(2026, 9, 30) + 2 * HOUR, number=12)
    late_survey(world, day(2026, 10, 2) + 2 * HOUR, number=13)
    paid, still_open = made["paid_claim"], made["open_claim"]
    add_dispute(
        world,
        paid,
        day(2026, 6, 1),
        1,
        **decided(day(2026, 7, 1), DisputeOutcome.PARTLY, 850_00),
    )
    add_dispute(world, still_open, day(2026, 9, 30), 2)
    reserve(world, still_open, day(2026, 9, 30) + HOUR, 12_000_00)
    reserve(world, still_open, day(2026, 9, 30) + 2 * HOUR, 2_000_00)
    add_answer(world, paid, day(2026, 9, 30) + HOUR, score=2, speed=1, is_dissatisfied=True, comment="太慢")
    add_answer(
        world, still_open, day(2026, 9, 30) + HOUR, result=2, wants_call_back=True, is_dissatisfied=True
    )
    add_answer(world, still_open, day(2026, 10, 1), score=1, is_dissatisfied=True)
    db.session.commit()


def rows(report: Report, table: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in report.table(table).rows]


def cells(table: Table, code: str) -> list[object]:
    place = [one.code for one in table.columns].index(code)
    return [row[place] for row in table.rows]


def test_the_quarterly_review_holds_what_both_sides_go_through(world: World, now: datetime) -> None:
    made = build_quarter(world)
    build_service(world, made)
    maker = MAKERS[ReportKind.QUARTERLY_REVIEW]
    report = maker.make(world.account, QUARTER, now=day(2026, 10, 8))
    gongyi = Name(world.gongyi.name, world.gongyi.name_en)

    measured = read(span_of(world, day(2026, 10, 8)), [C.EARNED_LOSS_RATIO, C.PREMIUM_OVERDUE]).total
    assert cells(report.table("results"), C.EARNED_LOSS_RATIO)[0] == measured[C.EARNED_LOSS_RATIO]
    assert cells(report.table("results"), "compared_period") == [
        "this_quarter",
        "quarter_before",
        "year_before",
    ]
    # Before 1 July the coach and the truck had earned ten a day each; the year before nothing was known.
    assert cells(report.table("results"), C.EARNED_PREMIUM)[1:] == [91 * 20_00, 0]
    assert rows(report, "by_step") == [("survey", Ratio(1, 3), Ratio(), Ratio(), 2, 2)]
    assert (report.compared_from, report.compared_to) == (date(2026, 4, 1), date(2026, 6, 30))

    first, second = rows(report, "breaches")
    assert first[:3] == ("CLM-2026-000001", gongyi, "survey")
    assert first[8:] == (world.claims1.name, "移交页显示接手人在办量", None)
    assert isinstance(first[7], Name)
    assert second[7:] == (None, None, None, None)
    assert cells(report.table("causes"), "breaches") == [1]
    assert [row[3:] for row in rows(report, "open_corrections")] == [
        ("移交页显示接手人在办量", world.claims1.name, date(2026, 9, 1), "True")
    ]
    assert rows(report, "disputes_by_topic") == [("amount", 1, 1, 1, 0, 0, 0, 1)]
    settled, unsettled = rows(report, "disputes")
    assert settled[6:] == (day(2026, 7, 1), "partly", 850_00)
    assert unsettled[6:] == (None, None, None)
    # Branches without a gap and without a debt are left out; the last row is of them, too.
    for code in ("gaps_by_branch", "receivables_by_branch"):
        total = report.table(code).total
        assert total is not None
        assert total[0] == Name("全部分公司", "All branches")
    (large,) = rows(report, "large_losses")
    assert large[0] == made["open_claim"].number
    assert large[5:] == ("reported", 2_000_00, 0)
    assert rows(report, "answers_by_theme") == [
        ("overall", Ratio(1, 2)),
        ("speed", Ratio(1, 2)),
        ("attitude", Ratio(0, 2)),
        ("result", Ratio(1, 1)),
        ("call_back", Ratio(1, 2)),
    ]
    assert [row[-1] for row in rows(report, "bad_answers")] == ["太慢", None]
    proposals = [row[0] for row in rows(report, "meeting_proposals")]
    assert proposals == [
        "finish_corrections",
        "review_breaches",
        "call_back",
        "insure_vehicles",
        "prevent_losses",
    ]
    assert to_json(from_json(to_json(report))) == to_json(report)

    # Later: what was counted stays, what reviews found since is told.
    go_on(world, made)
    open_dispute = db.session.query(Dispute).filter_by(number="DSP-2").one()
    for name, value in decided(day(2026, 10, 20), DisputeOutcome.NOT_RIGHT, 0).items():
        setattr(open_dispute, name, value)
    (review,) = db.session.query(BreachReview)
    review.corrected_at = day(2026, 10, 9)
    db.session.commit()
    later = maker.make(world.account, QUARTER, now=now)
    assert rows(later, "open_corrections") == []
    assert rows(later, "breaches")[0][10] == day(2026, 10, 9)
    same = [
        one for one in report.tables if one.code not in {"breaches", "open_corrections", "meeting_proposals"}
    ]
    assert [to_json(report)["tables"][report.tables.index(one)] for one in same] == [
        to_json(later)["tables"][report.tables.index(one)] for one in same
    ]
    theirs = maker.make(world.foreign_account, QUARTER, now=now)
    assert not any(
        rows(theirs, code) for code in ("breaches", "disputes", "bad_answers", "large_losses", "by_step")
    )


def test_the_annual_record_compares_years_and_tries_stricter_promises(world: World, now: datetime) -> None:
    made = build_quarter(world)
    market.install_published()
    sla.install_defaults(day(2025, 1, 1))
    kept_survey(world, day(2025, 8, 3) + 2 * HOUR, 11, 20)
    for number, minutes in ((21, 20), (22, 40), (23, 50)):
        kept_survey(world, day(2026, 8, 3) + 2 * HOUR, number, minutes)
    late_survey(world, day(2026, 9, 30) + 2 * HOUR, number=24)
    claim(world, world.coach, day(2025, 5, 5), 300_00)
    maker = MAKERS[ReportKind.ANNUAL_SERVICE]
    report = maker.make(world.account, YEAR, now=day(2027, 1, 15))
    assert cells(report.table("service"), "year") == ["2026", "2025"]
    assert cells(report.table("service"), C.CLAIMS_REPORTED) == [5, 1]
    # The market's line stands beside it here as in the monthly table.
    assert {tile.measure: str(tile.market) for tile in report.tiles if tile.market} == {
        C.CLOSING_CYCLE: "29.26"
    }
    assert rows(report, "by_step") == [("survey", Ratio(3, 4), Ratio(1, 1), 1)]
    assert [column.code for column in report.table("by_step").columns][1:3] == [
        "kept_this_year",
        "kept_last_year",
    ]
    assert [row[:1] + row[3:] for row in rows(report, "what_if")] == [
        ("survey", 60, "minutes", Ratio(3, 4), 45, "minutes", Ratio(2, 4)),
        ("survey", 60, "minutes", Ratio(3, 4), 30, "minutes", Ratio(1, 4)),
    ]
    # As the page of the what-if answers.
    asked = Question(
        ComplianceFilter(world.account.id, YEAR, step=ClockStep.SURVEY), target=Target(45, TargetUnit.MINUTES)
    )
    answer = what_if.ask(asked, actor=world.manager, now=day(2027, 1, 15))
    assert answer.whole.would == rows(report, "what_if")[0][8]
    (needed,) = rows(report, "promise_needs")
    assert needed[6:] == (None, None, None, None, None, None)
    go_on(world, made)
    later = maker.make(world.account, Period(date(2025, 1, 1), date(2025, 12, 31)), now=now)
    assert cells(later.table("service"), "year") == ["2025"]
    assert later.compared_from is None
    assert [row[6:9] for row in rows(later, "promise_needs")] == [(1_200, 1_200, 1_200)]


def test_a_list_is_cut_where_nobody_reads_on_and_the_report_says_so() -> None:
    columns = (Column("claim_no", CellKind.TEXT),)
    rows = [(f"C{number}",) for number in range(parts.MOST_READ)]
    whole = Table("large_losses", columns, rows[:-1], is_detail=True)
    assert parts.cut_lists([whole]) == ([whole], [])
    sums = Table("service", columns, rows)
    long = Table("bad_answers", columns, rows, is_detail=True)
    assert parts.cut_lists([whole, sums, long]) == (
        [whole, sums, Table("bad_answers", columns, rows[:-1], is_detail=True)],
        [parts.LIST_CUT],
    )
