"""Measures of claims and service: each against a count by hand, by branch and class, and the same whenever they are read."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from service_desk.models.claim_papers import ClaimChecklist
from service_desk.models.claims import Claim, FollowUp
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.metrics import MEASURES, AgeBand, Mean, MeasureCode, MeasureGroup, Ratio
from service_desk.rules.periods import Period, Preset, month_of, period_of
from service_desk.services import dashboard, measures
from service_desk.services.claims import exits, follow_up_lists, reserve_book
from service_desk.services.claims.exits import Reopen
from service_desk.services.claims.follow_up_lists import FollowUpFilter
from service_desk.services.measures import By, Reading, Span
from service_desk.services.measures.money import read_ageing
from service_desk.services.sla.compliance import ComplianceFilter, Dimension, count_by, stand_of, total_of
from tests.claim_cases import Journey, dispute, reported_claim
from tests.report_cases import add_claim, move, pay, reserve, survey, survey_clock, withdraw_round
from tests.world import World

C = MeasureCode
S = ClaimState
ZONE = ZoneInfo("Asia/Shanghai")
WEEK = Period(date(2026, 11, 16), date(2026, 11, 22))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Monday 00:00 in China, as UTC; Thursday noon of the week.
START = datetime(2026, 11, 15, 16, 0, tzinfo=UTC)
END = START + 7 * DAY
THURSDAY = START + 3 * DAY + 12 * HOUR
MINE = [
    one.code
    for one in MEASURES.values()
    if one.group
    in {
        MeasureGroup.CLAIMS_FLOW,
        MeasureGroup.CLAIMS_MONEY,
        MeasureGroup.RESERVES,
        MeasureGroup.SPEED,
        MeasureGroup.SERVICE,
        MeasureGroup.FOLLOW_UP,
    }
]


def read(world: World, now: datetime, period: Period = WEEK, by: By | None = None) -> Reading:
    db.session.flush()
    return measures.read(Span(world.account.id, period, ZONE, now), MINE, by)


def settle(claim: Claim, at: datetime, *, estimate: int, paid: int) -> None:
    """Registered a day after the report, paid and closed at an instant."""
    reserve(claim, claim.reported_at + DAY, estimate)
    move(claim, claim.reported_at + DAY, S.ASSESSED)
    if paid:
        pay(claim, at, paid)
    reserve(claim, at, paid)
    move(claim, at, S.CLOSED)


def busy_week(world: World) -> None:
    """Claims that came, left and came back; one with people hurt, one large, one disputed, one of a stranger."""
    settle(add_claim(world, START - 20 * DAY), THURSDAY, estimate=8_000_00, paid=6_000_00)
    settle(add_claim(world, START - 10 * DAY, world.bus), THURSDAY + HOUR, estimate=2_000_00, paid=3_000_00)
    settle(add_claim(world, START - 9 * DAY), THURSDAY, estimate=500_00, paid=0)
    back = add_claim(world, START - 50 * DAY, world.truck)
    settle(back, START - 40 * DAY, estimate=1_000_00, paid=1_000_00)
    move(back, THURSDAY, S.SURVEYED)
    hurt = add_claim(world, THURSDAY, injured_count=2)
    reserve(hurt, THURSDAY + HOUR, 12_000_00)
    reserve(hurt, THURSDAY + 2 * HOUR, 9_000_00)
    gone = add_claim(world, THURSDAY, world.bus)
    reserve(gone, THURSDAY + MINUTE, 700_00)
    reserve(gone, THURSDAY + HOUR, 0)
    move(gone, THURSDAY + HOUR, S.WITHDRAWN)
    denied = add_claim(world, START - 3 * DAY, world.bus)
    move(denied, THURSDAY, S.DENIED)
    settle(add_claim(world, START - 90 * DAY), START - 60 * DAY, estimate=4_000_00, paid=4_000_00)
    foreign = add_claim(world, THURSDAY, world.foreign_vehicle, injured_count=1)
    settle(foreign, THURSDAY + HOUR, estimate=90_000_00, paid=80_000_00)


def test_flow_and_money_of_a_week(world: World, now: datetime) -> None:
    busy_week(world)

    found = read(world, now, by=By.BRANCH)
    total, gongyi, zhongmu = found.total, found.groups[world.gongyi.id], found.groups[world.zhongmu.id]
    by_class = measures.read(
        Span(world.account.id, WEEK, ZONE, now),
        [C.CLAIMS_REPORTED, C.CLAIMS_OPEN_END, C.PAID_NET],
        By.USE_CLASS,
    ).groups

    flow = (C.CLAIMS_OPEN_START, C.CLAIMS_REPORTED, C.CLAIMS_REOPENED, C.CLAIMS_CLOSED, C.CLAIMS_OPEN_END)
    assert [total[code] for code in flow] == [4, 2, 1, 5, 2]
    assert [gongyi[code] for code in flow] == [2, 1, 1, 2, 2]
    assert [zhongmu[code] for code in flow] == [2, 1, 0, 3, 0]
    assert (total[C.CLAIMS_WITHDRAWN], total[C.CLAIMS_DENIED], total[C.CLAIMS_DISPUTED]) == (1, 1, 0)
    assert (total[C.LARGE_LOSSES], total[C.INJURY_CLAIMS], total[C.ESTIMATE_REPORTED]) == (1, 1, 9_000_00)
    assert (total[C.PAID_NET], zhongmu[C.PAID_NET]) == (9_000_00, 3_000_00)
    assert total[C.CLOSING_RATE] == Ratio(5, 7) == gongyi[C.CLOSING_RATE] + zhongmu[C.CLOSING_RATE]
    # Ended: 6,000 and 3,000 paid; open: 9,000 and the one that came back, at what was paid of it.
    assert total[C.CLOSING_RATE_AMOUNT] == Ratio(9_000_00, 19_000_00)
    assert (total[C.OUTSTANDING], total[C.OUTSTANDING_LARGE]) == (9_000_00, 9_000_00)
    assert total[C.INJURY_SHARE] == Ratio(9_000_00, 9_000_00)
    assert total[C.OPEN_TO_CLOSED_AVERAGE] == Ratio(4_500_00, 4_500_00)
    assert {key: values[C.CLAIMS_REPORTED] for key, values in by_class.items()} == {
        "coach": 1,
        "city_bus": 1,
        "goods": 0,
    }
    assert {key: values.get(C.PAID_NET) for key, values in by_class.items()}["city_bus"] == 3_000_00


def test_speed_of_the_claims_closed_with_money_paid(world: World, now: datetime) -> None:
    busy_week(world)

    found = read(world, now, by=By.BRANCH)
    total, zhongmu = found.total, found.groups[world.zhongmu.id]

    # From 27 October and from 6 November to 19 November; zero-paid, denied and withdrawn ones are left out.
    assert (total[C.CLOSING_CYCLE], zhongmu[C.CLOSING_CYCLE]) == (Mean(23 + 13, 2), Mean(13, 1))
    assert (total[C.CLOSING_CYCLE_MEDIAN], total[C.CLOSING_CYCLE_P90]) == (18, 23)
    assert total[C.ESTIMATE_DEVIATION] == Ratio(3_000_00, 9_000_00)
    assert total[C.ESTIMATE_DEVIATION_NET] == Ratio(1_000_00, 9_000_00)


@pytest.mark.parametrize(("days", "over"), [(30, 0), (31, 1)])
def test_stay_of_an_open_claim_is_counted_in_whole_days_of_the_weeks_end(
    world: World, now: datetime, days: int, over: int
) -> None:
    claim = add_claim(world, END - HOUR - days * DAY, loss_at=END - HOUR - (days + 60) * DAY)
    reserve(claim, claim.reported_at, 5_000_00)
    pay(claim, THURSDAY, 2_000_00)

    found = read(world, now)
    ageing = read_ageing(Span(world.account.id, WEEK, ZONE, now))

    assert found.total[C.OPEN_OVER_30_DAYS] == Ratio(over, 1)
    reported = ageing.from_report[AgeBand.QUARTER if over else AgeBand.MONTH]
    lost = ageing.from_loss[AgeBand.OLDER if over else AgeBand.QUARTER]
    assert (reported.count, reported.outstanding_fen) == (lost.count, lost.outstanding_fen) == (1, 3_000_00)
    assert sum(one.count for one in ageing.from_report.values()) == 1


def test_registered_in_time_judges_a_claim_when_its_seven_days_are_over(world: World, now: datetime) -> None:
    edge = START - 7 * DAY
    for took in (7, 8, None):
        claim = add_claim(world, edge)
        if took is not None:
            reserve(claim, edge + took * DAY + HOUR, 1_000_00)
    gone = add_claim(world, edge)
    move(gone, edge + DAY, S.WITHDRAWN)
    reserve(add_claim(world, edge - MINUTE), edge, 1_000_00)
    reserve(add_claim(world, START - MINUTE), THURSDAY, 1_000_00)
    add_claim(world, START)

    whole = read(world, now).total[C.REGISTERED_IN_TIME]
    on_thursday = read(world, THURSDAY).total[C.REGISTERED_IN_TIME]

    assert (whole, on_thursday) == (Ratio(2, 4), Ratio(1, 3))


def test_rolling_rate_looks_at_twelve_months_of_registrations(world: World, now: datetime) -> None:
    year = datetime(2025, 11, 22, 16, 0, tzinfo=UTC)
    for registered, state, paid in (
        (year - MINUTE, S.CLOSED, 900_00),
        (year, S.CLOSED, 900_00),
        (year, S.CLOSED, 0),
        (year, S.WITHDRAWN, 0),
        (year, S.DENIED, 0),
        (THURSDAY, S.ASSESSED, 0),
    ):
        claim = add_claim(world, registered - DAY)
        reserve(claim, registered, 1_000_00)
        if paid:
            pay(claim, registered + HOUR, paid)
        move(claim, THURSDAY + HOUR, state)
    add_claim(world, THURSDAY)

    assert read(world, now).total[C.ROLLING_CLOSING_RATE] == Ratio(1, 2)


def test_a_past_week_reads_the_same_after_all_that_happened_later(world: World, now: datetime) -> None:
    busy_week(world)
    late = add_claim(world, THURSDAY)
    survey_clock(world, late, stopped_after=None, seen_at=now)
    on_monday = read(world, now, by=By.BRANCH)

    for claim in db.session.query(Claim).filter(Claim.account_id == world.account.id).all():
        reserve(claim, now + HOUR, claim.reserve_fen + 50_000_00)
        if claim.closed_at is None:
            move(claim, now + HOUR, S.CLOSED)
        else:
            move(claim, now + HOUR, S.SURVEYED)
        db.session.add(
            FollowUp(
                claim_id=claim.id,
                round=1,
                at=now + HOUR,
                spoken_with="郭永刚",
                score=5,
                by_id=world.claims1.id,
            )
        )
    pay(add_claim(world, now), now + DAY, 1_000_00)
    weeks_later = read(world, now + 30 * DAY, by=By.BRANCH)

    # What is at risk is of the moment a figure is made.
    for code in set(MINE) - {C.CLOCKS_AT_RISK}:
        assert weeks_later.total[code] == on_monday.total[code], code
    assert weeks_later.groups.keys() == on_monday.groups.keys()


def test_reserves_of_real_claims_roll_forward_as_the_page_shows_and_end_in_what_is_outstanding(
    world: World, now: datetime
) -> None:
    Journey(world, reported_claim(world, now), now).to(S.PAID)
    reopened = Journey(world, reported_claim(world, now, vehicle=world.bus), now)
    claim = reopened.to(S.CLOSED)
    exits.reopen(
        claim.number, Reopen("追加治疗费", claim.paid_fen + 900_00), actor=world.claims1, now=reopened.now
    )
    taken = Journey(world, reported_claim(world, now, vehicle=world.truck), now).to(S.SURVEYED)
    exits.withdraw(taken.number, "自行处理", actor=world.claims1, now=now + HOUR)
    dispute(reopened.claim, world.hq, now + HOUR)
    db.session.commit()

    month, later = month_of(now.date()), now + 2 * HOUR
    found = read(world, later, month)
    [(_period, page)] = reserve_book.read_book(world.account.id, [month], actor=world.manager).months
    seen = dashboard.overview(world.account.id, month, actor=world.manager, now=later)

    codes = (C.RESERVE_OPEN, C.RESERVE_NEW, C.RESERVE_REOPENED, C.RESERVE_INCREASE, C.RESERVE_DECREASE)
    assert [found.total[code] for code in (*codes, C.RESERVE_PAID, C.RESERVE_RELEASED, C.RESERVE_CLOSE)] == [
        page.opening_fen,
        page.new_fen,
        page.reopened_fen,
        page.increase_fen,
        page.decrease_fen,
        page.paid_fen,
        page.released_fen,
        page.closing_fen,
    ]
    assert page.reopened_fen == 900_00
    assert found.total[C.RESERVE_CLOSE] == found.total[C.OUTSTANDING] == seen.state.now[C.OUTSTANDING] > 0
    assert found.total[C.RESERVE_PAID] == found.total[C.PAID_NET]
    assert (found.total[C.CLAIMS_DISPUTED], found.total[C.CLAIMS_OPEN_END]) == (
        1,
        sum(one.count for one in seen.ageing.from_report.values()),
    )


def test_promises_are_those_of_the_compliance_page(world: World, now: datetime) -> None:
    for minutes, vehicle in ((30, world.coach), (90, world.bus), (None, world.coach)):
        claim = add_claim(world, THURSDAY, vehicle)
        after = None if minutes is None else minutes * MINUTE
        survey_clock(world, claim, stopped_after=after, seen_at=now)
    survey_clock(world, add_claim(world, now - 50 * MINUTE), stopped_after=None, seen_at=now)
    survey_clock(world, add_claim(world, THURSDAY, world.foreign_vehicle), stopped_after=None, seen_at=now)

    found = read(world, now, by=By.BRANCH)
    wanted = ComplianceFilter(world.account.id, WEEK)
    page = total_of(count_by(wanted, Dimension.STEP, actor=world.manager, now=now))
    this_week = read(world, now, period_of(Preset.THIS_WEEK, now.date())).total
    standing = stand_of(wanted, actor=world.manager, now=now)

    assert found.total[C.PROMISES_KEPT] == found.total[C.SURVEYED_IN_TIME] == page.kept == Ratio(1, 3)
    assert (
        (found.total[C.BREACHES], found.groups[world.zhongmu.id][C.BREACHES]) == (page.breached, 1) == (2, 1)
    )
    assert (found.total[C.BREACHES_UNREVIEWED], found.total[C.CLOCKS_LATE]) == (2, 1)
    assert this_week[C.CLOCKS_AT_RISK] == standing.at_risk == 1
    assert (this_week[C.CLOCKS_LATE], this_week[C.BREACHES_UNREVIEWED]) == (
        standing.late,
        standing.unreviewed_count,
    )
    with pytest.raises(KeyError):
        measures.read(Span(world.account.id, WEEK, ZONE, now), [C.PROMISES_KEPT], By.USE_CLASS)


def test_first_scene_leaves_out_late_reports_and_broken_glass_alone(world: World, now: datetime) -> None:
    for values, first in (({}, True), ({}, False), ({"loss_at": THURSDAY - 49 * HOUR}, False)):
        survey(add_claim(world, THURSDAY, **values), THURSDAY + HOUR, first_scene=first)
    for features in (["glass"], ["glass", "injury"]):
        claim = add_claim(world, THURSDAY)
        survey(claim, THURSDAY + HOUR, first_scene=False)
        db.session.add(
            ClaimChecklist(
                claim_id=claim.id, features=features, changed_at=THURSDAY, changed_by_id=world.claims1.id
            )
        )

    assert read(world, now).total[C.FIRST_SCENE] == Ratio(1, 3)


def test_follow_ups_of_the_claims_that_ended_are_those_of_their_page(world: World, now: datetime) -> None:
    for scores, state in (((4,), S.CLOSED), ((2, 5), S.CLOSED), ((), S.DENIED), ((), S.WITHDRAWN)):
        claim = add_claim(world, THURSDAY)
        move(claim, THURSDAY + MINUTE, S.DISPATCHED)
        move(claim, THURSDAY + HOUR, state)
        for number, score in enumerate(scores):
            db.session.add(
                FollowUp(
                    claim_id=claim.id,
                    round=1,
                    at=THURSDAY + (2 + number) * HOUR,
                    spoken_with="郭永刚",
                    score=score,
                    is_dissatisfied=score < 3,
                    by_id=world.claims1.id,
                )
            )
    surveyed = add_claim(world, THURSDAY, surveyed_at=THURSDAY)
    move(surveyed, THURSDAY, S.SURVEYED)
    move(surveyed, THURSDAY + HOUR, S.WITHDRAWN)

    found = read(world, now).total
    before_the_second_answer = read(world, THURSDAY + 2 * HOUR).total
    page = follow_up_lists.read_figures(world.account.id, FollowUpFilter(WEEK), actor=world.manager).total

    assert found[C.FOLLOWED_UP] == page.followed_up == Ratio(2, 4)
    assert found[C.FOLLOW_UP_SCORE] == page.score == Mean(9, 2)
    assert found[C.DISSATISFIED] == page.dissatisfied == Ratio(0, 2)
    assert before_the_second_answer[C.DISSATISFIED] == Ratio(1, 2)


def test_a_read_costs_the_same_number_of_queries_however_many_claims(world: World, now: datetime) -> None:
    def queries() -> int:
        seen: list[str] = []

        def count(_c: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        span = Span(world.account.id, WEEK, ZONE, now)
        event.listen(db.engine, "before_cursor_execute", count)
        try:
            measures.read(span, MINE, By.BRANCH)
        finally:
            event.remove(db.engine, "before_cursor_execute", count)
        return len(seen)

    busy_week(world)
    few = queries()
    for _ in range(3):
        busy_week(world)

    assert queries() == few <= 20


def test_a_round_withdrawn_after_an_earlier_payment_is_closed_again_and_settles_nothing(
    world: World, now: datetime
) -> None:
    """It leaves the open book as a closed claim, not a withdrawn one; the days are those to the closing that paid."""
    before = Period(date(2026, 10, 1), date(2026, 10, 31))
    claim = add_claim(world, START - 40 * DAY)
    settle(claim, START - 30 * DAY, estimate=1_000_00, paid=1_000_00)
    settled = read(world, now, before).total
    move(claim, START - 2 * DAY, S.SURVEYED)
    reserve(claim, START - 2 * DAY, 3_000_00)
    reserve(claim, THURSDAY, 1_000_00)
    withdraw_round(claim, THURSDAY)

    found = read(world, now).total

    counts = (C.CLAIMS_OPEN_START, C.CLAIMS_CLOSED, C.CLAIMS_WITHDRAWN, C.CLAIMS_OPEN_END)
    assert [found[code] for code in counts] == [1, 1, 0, 0]
    assert found[C.CLOSING_RATE] == Ratio(1, 1)
    assert found[C.CLOSING_RATE_AMOUNT] == Ratio(1_000_00, 1_000_00)
    assert found[C.CLOSING_CYCLE] == Mean(0, 0)
    assert found[C.ESTIMATE_DEVIATION] == Ratio(0, 0)
    assert found[C.ROLLING_CLOSING_RATE] == Ratio(1, 1)
    assert found[C.FOLLOWED_UP] == Ratio(0, 1)
    again = read(world, now, before).total
    assert settled[C.CLOSING_CYCLE] == Mean(10, 1)
    assert {code: again[code] for code in settled} == settled
