"""The manager's overview and the counts of the left rail: each figure once, of one account."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from service_desk.base.errors import Forbidden, NotFound
from service_desk.models.db import db
from service_desk.models.premiums import Receivable
from service_desk.rules.claim_flow import ClaimState, ClockStep
from service_desk.rules.metrics import Ratio
from service_desk.services import dashboard
from service_desk.services.dashboard import AgeBand
from tests.factories import PolicyFactory
from tests.report_cases import add_claim, move, pay, reserve, survey_clock
from tests.world import World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Thursday 19 November 2026, 12:00 in China.
THURSDAY = datetime(2026, 11, 19, 4, 0, tzinfo=UTC)


def look(world: World, now: datetime) -> dashboard.Overview:
    db.session.flush()
    return dashboard.overview(world.account.id, actor=world.manager, now=now)


def test_promises_count_in_the_week_they_were_kept_or_broken(world: World) -> None:
    for days, minutes in ((0, 30), (0, 90), (1, 30), (7, 30), (7, 30), (7, 90), (20, 30)):
        claim = add_claim(world, THURSDAY - days * DAY - 3 * HOUR)
        survey_clock(world, claim, stopped_after=minutes * MINUTE, seen_at=THURSDAY)

    found = look(world, THURSDAY)

    [survey] = found.compliance
    assert (survey.step, survey.this_week, survey.last_week) == (ClockStep.SURVEY, Ratio(2, 3), Ratio(2, 3))
    assert (found.this_week, found.unreviewed) == (Ratio(2, 3), 2)


def test_risks_are_clocks_past_their_warning_and_clocks_past_their_due_time(world: World) -> None:
    for minutes in (10, 50, 70):
        survey_clock(
            world, add_claim(world, THURSDAY - minutes * MINUTE), stopped_after=None, seen_at=THURSDAY
        )

    found = look(world, THURSDAY)

    assert (found.at_risk_count, found.over_count) == (1, 1)
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

    assert {one.band: (one.count, one.open_fen) for one in found.outstanding if one.count} == {
        band: (1, 5_000_00)
    }
    assert [one.band for one in found.outstanding] == list(AgeBand)


def test_large_losses_are_open_claims_that_once_reached_the_line(world: World) -> None:
    for fen in (9_999_99, 10_000_00, 45_000_00):
        reserve(add_claim(world, THURSDAY), THURSDAY, fen)
    closed = add_claim(world, THURSDAY)
    reserve(closed, THURSDAY, 80_000_00)
    move(closed, THURSDAY, ClaimState.CLOSED)

    found = look(world, THURSDAY)

    assert (found.large_count, found.large_fen) == (2, 55_000_00)
    assert [one.claim.reserve_fen for one in found.large_losses] == [45_000_00, 10_000_00]


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

    assert look(world, THURSDAY).receivables_overdue_fen == 3_000_00


def test_renewals_are_counted_by_vehicle(world: World) -> None:
    ending = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    PolicyFactory(vehicle=world.coach, issued_by=world.underwriter, ends_at=ending)
    PolicyFactory(vehicle=world.bus, issued_by=world.underwriter, ends_at=THURSDAY - 3 * DAY)

    found = look(world, THURSDAY)

    assert (found.renewals_due, found.renewals_overdue) == (1, 1)
    assert found.coverage.whole == 3


def test_another_accounts_rows_are_in_no_figure(world: World) -> None:
    claim = add_claim(world, THURSDAY - 50 * MINUTE, world.foreign_vehicle)
    reserve(claim, THURSDAY, 90_000_00)
    survey_clock(world, claim, stopped_after=None, seen_at=THURSDAY)

    found = look(world, THURSDAY)

    assert (found.at_risk_count, found.open_count, found.large_count, found.unreviewed) == (0, 0, 0, 0)


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

    assert queries() == few <= 25


def test_only_managers_of_the_account_see_it(world: World) -> None:
    with pytest.raises(Forbidden):
        dashboard.overview(world.account.id, actor=world.claims1, now=THURSDAY)
    with pytest.raises(NotFound):
        dashboard.overview(world.foreign_account.id, actor=world.manager, now=THURSDAY)


def test_the_rail_counts_what_waits_for_this_person(world: World) -> None:
    add_claim(world, THURSDAY)
    add_claim(world, THURSDAY, world.bus, owner_id=world.claims2.id)
    move(add_claim(world, THURSDAY), THURSDAY, ClaimState.CLOSED)
    db.session.flush()

    def count(actor) -> int:
        return dashboard.nav_counts(world.account.id, actor=actor).get("claims.queue", 0)

    assert (count(world.claims1), count(world.manager)) == (1, 0)
    assert (count(world.hq), count(world.safety_gongyi)) == (2, 1)
