"""The manager's overview and the counts of the left rail: each figure once, of one account."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from service_desk.base.clock import CHINA, local_date
from service_desk.base.errors import Forbidden, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.db import db
from service_desk.models.premiums import Receivable
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.metrics import AgeBand, MeasureCode, Ratio
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.periods import Preset, period_of
from service_desk.services import dashboard, measures
from service_desk.services.dashboard import OF_MONTH, OF_NOW, OF_PERIOD
from service_desk.services.measures import Span
from tests.factories import PolicyFactory
from tests.report_cases import add_claim, move, pay, reserve, survey_clock
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Thursday 19 November 2026, 12:00 in China.
THURSDAY = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)


def look(world: World, now: datetime, preset: Preset = Preset.THIS_WEEK) -> dashboard.Overview:
    db.session.flush()
    period = period_of(preset, local_date(now))
    return dashboard.overview(world.account.id, period, actor=world.manager, now=now)


def test_promises_count_in_the_week_they_were_kept_or_broken(world: World) -> None:
    for days, minutes in ((0, 30), (0, 90), (1, 30), (7, 30), (7, 30), (7, 90), (20, 30)):
        claim = add_claim(world, THURSDAY - days * DAY - 3 * HOUR)
        survey_clock(world, claim, stopped_after=minutes * MINUTE, seen_at=THURSDAY)

    found = look(world, THURSDAY)

    [survey] = found.steps
    assert (survey.step, survey.now, survey.then) == (ClockStep.SURVEY, Ratio(2, 3), Ratio(2, 3))
    assert found.flow.now[C.PROMISES_KEPT] == found.flow.then[C.PROMISES_KEPT] == Ratio(2, 3)
    assert (found.state.now[C.BREACHES_UNREVIEWED], found.state.then[C.BREACHES_UNREVIEWED]) == (2, 1)
    assert [point.kept for point in found.trend[-4:]] == [Ratio(1, 1), Ratio(), Ratio(2, 3), Ratio(2, 3)]


def test_risks_are_clocks_past_their_warning_and_clocks_past_their_due_time(world: World) -> None:
    for minutes in (10, 50, 70):
        survey_clock(
            world, add_claim(world, THURSDAY - minutes * MINUTE), stopped_after=None, seen_at=THURSDAY
        )

    found = look(world, THURSDAY)

    assert (found.state.now[C.CLOCKS_AT_RISK], found.state.now[C.CLOCKS_LATE]) == (1, 1)
    assert C.CLOCKS_AT_RISK not in found.state.then
    assert [one.timer.started_at for one in found.at_risk] == [THURSDAY - 50 * MINUTE, THURSDAY - 70 * MINUTE]
    assert found.at_risk[0].holder.id == world.claims1.id


@pytest.mark.parametrize(
    ("days", "band"),
    [
        (0, AgeBand.WEEK),
        (7, AgeBand.WEEK),
        (8, AgeBand.MONTH),
        (30, AgeBand.MONTH),
        (31, AgeBand.QUARTER),
        (91, AgeBand.OLDER),
    ],
)
def test_outstanding_claims_stand_in_the_band_of_their_age(world: World, days: int, band: AgeBand) -> None:
    claim = add_claim(world, THURSDAY - days * DAY)
    reserve(claim, THURSDAY, 9_000_00)
    pay(claim, THURSDAY, 4_000_00)

    found = look(world, THURSDAY)

    bands = found.ageing.from_report
    assert {one: (aged.count, aged.outstanding_fen) for one, aged in bands.items() if aged.count} == {
        band: (1, 5_000_00)
    }
    assert list(bands) == list(AgeBand)
    assert found.state.now[C.OUTSTANDING] == 5_000_00
    # What it came to, and was paid, today: at the end of last week nothing was known of it.
    assert found.state.then[C.OUTSTANDING] == 0


def test_large_losses_are_open_claims_that_once_reached_the_line(world: World) -> None:
    for fen in (9_999_99, 10_000_00, 45_000_00):
        reserve(add_claim(world, THURSDAY), THURSDAY, fen)
    closed = add_claim(world, THURSDAY)
    reserve(closed, THURSDAY, 80_000_00)
    move(closed, THURSDAY, ClaimState.CLOSED)

    found = look(world, THURSDAY)

    assert found.large.page.total == 2
    assert found.large.value == found.state.now[C.OUTSTANDING_LARGE] == 55_000_00
    assert [one.value for one in found.large.page.rows] == [45_000_00, 10_000_00]


def test_premium_past_its_day_is_overdue(world: World) -> None:
    for days in (-1, 0):
        policy = PolicyFactory(vehicle=world.coach, issued_by=world.underwriter)
        db.session.add(
            Receivable(
                account_id=world.account.id,
                branch_id=world.gongyi.id,
                policy_id=policy.id,
                amount_fen=3_130_00,
                settled_fen=130_00,
                due_on=(THURSDAY + days * DAY).date(),
                created_at=THURSDAY,
            )
        )

    assert look(world, THURSDAY).state.now[C.PREMIUM_OVERDUE] == 3_000_00


def test_renewals_are_counted_by_vehicle(world: World) -> None:
    ending = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    PolicyFactory(vehicle=world.coach, issued_by=world.underwriter, ends_at=ending)
    PolicyFactory(vehicle=world.bus, issued_by=world.underwriter, ends_at=THURSDAY - 3 * DAY)

    found = look(world, THURSDAY)

    assert found.months.now[C.RENEWAL_DUE] == 2
    assert found.months.now[C.RENEWAL_RATE] == Ratio(0, 2)
    coverage = found.state.now[C.COVERAGE]
    assert isinstance(coverage, Ratio)
    assert coverage.whole == 3


def test_another_accounts_rows_are_in_no_figure(world: World) -> None:
    claim = add_claim(world, THURSDAY - 50 * MINUTE, world.foreign_vehicle)
    reserve(claim, THURSDAY, 90_000_00)
    survey_clock(world, claim, stopped_after=None, seen_at=THURSDAY)

    found = look(world, THURSDAY)

    codes = (C.CLOCKS_AT_RISK, C.CLOCKS_LATE, C.BREACHES_UNREVIEWED, C.OUTSTANDING)
    assert [found.state.now[code] for code in codes] == [0, 0, 0, 0]
    assert (found.large.page.total, found.flow.now[C.CLAIMS_REPORTED]) == (0, 0)
    assert not found.beginning.has_claims


def test_every_figure_is_the_measure_and_every_point_of_the_trend_too(world: World) -> None:
    for days in range(0, 70, 6):
        claim = add_claim(world, THURSDAY - days * DAY - 3 * HOUR)
        reserve(claim, claim.reported_at + HOUR, (days + 4) * 1_000_00)
        survey_clock(world, claim, stopped_after=(20 + days) * MINUTE, seen_at=THURSDAY)
        if days % 4:
            pay(claim, claim.reported_at + 2 * DAY, 900_00)
            move(claim, min(claim.reported_at + 5 * DAY, THURSDAY - MINUTE), ClaimState.CLOSED)

    def read(period: Any, codes: tuple[MeasureCode, ...]) -> Any:
        return measures.read(Span(world.account.id, period, CHINA, THURSDAY), codes).total

    for preset in (Preset.THIS_WEEK, Preset.LAST_MONTH, Preset.THIS_QUARTER, Preset.THIS_YEAR):
        found = look(world, THURSDAY, preset)
        for compared, codes in ((found.flow, OF_PERIOD), (found.months, OF_MONTH), (found.state, OF_NOW)):
            assert compared.now == read(compared.period, codes)
            then = read(compared.before, codes)
            assert compared.then == {code: then[code] for code in compared.then}
        for point in found.trend:
            said = read(point.period, (C.PROMISES_KEPT, C.CLAIMS_REPORTED, C.CLAIMS_CLOSED))
            assert said == {
                C.PROMISES_KEPT: point.kept,
                C.CLAIMS_REPORTED: point.reported,
                C.CLAIMS_CLOSED: point.closed,
            }, point
    assert sum(point.closed for point in found.trend) > 3


def test_number_of_queries_does_not_grow_with_the_claims(world: World) -> None:
    def queries() -> int:
        seen: list[str] = []

        def count(_c, _cursor, statement, *_) -> None:
            seen.append(statement)

        db.session.expire_all()
        event.listen(db.engine, "before_cursor_execute", count)
        try:
            look(world, THURSDAY)
        finally:
            event.remove(db.engine, "before_cursor_execute", count)
        return len(seen)

    add_claim(world, THURSDAY)
    few = queries()
    for _ in range(20):
        add_claim(world, THURSDAY)

    assert queries() == few <= 80


def test_only_managers_of_the_account_see_it(world: World) -> None:
    week = period_of(Preset.THIS_WEEK, local_date(THURSDAY))
    page, behind = PageRequest(), dashboard.BehindFilter
    for actor, account, refusal in (
        (world.claims1, world.account, Forbidden),
        (world.hq, world.account, Forbidden),
        (world.safety_gongyi, world.account, Forbidden),
        (world.admin, world.account, Forbidden),
        (world.manager, world.foreign_account, NotFound),
    ):
        asked: dict[str, Any] = {"actor": actor, "now": THURSDAY}
        with pytest.raises(refusal):
            dashboard.overview(account.id, week, **asked)
        with pytest.raises(refusal):
            dashboard.list_claims(behind(account.id, dashboard.Behind.OPEN, week), page, **asked)
        with pytest.raises(refusal):
            dashboard.list_premium(account.id, dashboard.PremiumBehind.WRITTEN, week, page, **asked)


def test_the_rail_counts_what_waits_for_this_person(world: World) -> None:
    add_claim(world, THURSDAY)
    add_claim(world, THURSDAY, world.bus, owner_id=world.claims2.id)
    move(add_claim(world, THURSDAY), THURSDAY, ClaimState.CLOSED)
    db.session.flush()

    def count(actor) -> int:
        return dashboard.nav_counts(world.account.id, actor=actor).get("claims.queue", 0)

    assert (count(world.claims1), count(world.manager)) == (1, 0)
    assert (count(world.hq), count(world.safety_gongyi)) == (2, 1)
