"""Premium, losses and what they come to of each other: counted by hand, and the same whenever they are asked for."""

from datetime import date, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import select

from service_desk.base.clock import CHINA
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, EndorsementKind, Policy
from service_desk.rules.metrics import EXPOSURE_YEAR, MEASURES, Mean, MeasureCode, MeasureGroup, Ratio
from service_desk.rules.periods import Period, month_of, months_after
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services.measures import By, Span, read
from service_desk.services.policies import queries
from service_desk.services.policies.book import Stand, read_book
from service_desk.services.policies.endorsing import earned_fen
from service_desk.services.reports.underwriting import account_month
from tests.factories import VehicleFactory
from tests.result_cases import QUARTER, build_quarter, claim, day, endorse, go_on, insure, span_of
from tests.world import World

C = MeasureCode
CODES = [one.code for one in MEASURES.values() if one.group in (MeasureGroup.PREMIUM, MeasureGroup.RESULTS)]
# 92 days of the coach, 61 of the bus, 31 of the truck.
EXPOSED = (92 + 61 + 31) * EXPOSURE_YEAR // 365
LOSS = 800_00 + 2_000_00


def test_a_quarter_comes_to_what_is_counted_by_hand_and_stays_so(world: World, now: datetime) -> None:
    made = build_quarter(world)
    found = read(span_of(world, day(2026, 10, 1)), CODES)
    assert found.total == {
        C.POLICIES_ISSUED: 1,
        C.WRITTEN_PREMIUM: 7_300_00 + 334_00 - 1_530_00,
        C.ENDORSEMENT_PREMIUM: 334_00,
        C.RETURNED_PREMIUM: -1_530_00,
        C.EARNED_PREMIUM: 920_00 + 1_220_00 + 30_00 + 310_00,
        C.REPORTED_LOSS: LOSS,
        C.EARNED_LOSS_RATIO: Ratio(LOSS, 2_480_00),
        C.SIMPLE_LOSS_RATIO: Ratio(LOSS, 6_104_00),
        C.CLAIM_FREQUENCY: Ratio(3 * EXPOSURE_YEAR, EXPOSED),
        C.AVERAGE_LOSS: Mean(LOSS, 3),
    }
    go_on(world, made)
    by_branch, by_class = (read(span_of(world, now), CODES, by) for by in By)
    assert by_branch.total == by_class.total == found.total
    assert by_branch.groups[world.zhongmu.id] == by_class.groups["city_bus"]
    assert by_branch.groups[world.zhongmu.id][C.EARNED_LOSS_RATIO] == Ratio(2_000_00, 1_250_00)
    assert by_class.groups["goods"][C.RETURNED_PREMIUM] == -1_530_00
    # What was recorded since is in the months it was recorded in: the year has it all.
    year = Period(date(2026, 1, 1), date(2026, 12, 31))
    spans = [span_of(world, day(2027, 1, 1), months_after(year.first, n)) for n in range(12)]
    whole = read(span_of(world, day(2027, 1, 1), year), [C.EARNED_PREMIUM]).total[C.EARNED_PREMIUM]
    assert sum(read(one, [C.EARNED_PREMIUM]).total[C.EARNED_PREMIUM] for one in spans) == whole  # type: ignore[misc]


def test_the_page_of_the_month_and_of_a_policy_say_the_same(world: World, now: datetime) -> None:
    made = build_quarter(world)
    september = month_of(date(2026, 9, 1))
    page = account_month(world.account, september).total.now
    found = read(span_of(world, now, september), CODES).total
    assert (found[C.POLICIES_ISSUED], found[C.WRITTEN_PREMIUM]) == (page.policies, page.written_fen)
    at = day(2026, 9, 20)
    book = read_book(world.account.id, None, Stand(at, date(2026, 9, 20)))
    for policy in (made["coach"], made["bus"], made["truck"]):
        seen = queries.get_policy(policy.number, actor=world.hq, now=at)
        assert seen.earned_fen == next(one.earned_fen for one in book if one.policy_id == policy.id)


def test_the_day_that_runs_has_earned_nothing_yet(world: World) -> None:
    insure(world, world.coach, date(2026, 9, 1), 3_650_00)
    claim(world, world.coach, day(2026, 9, 3), 40_00)
    noon = day(2026, 9, 3) + timedelta(hours=12)
    found = read(span_of(world, noon), [C.EARNED_PREMIUM, C.REPORTED_LOSS]).total
    assert found == {C.EARNED_PREMIUM: 20_00, C.REPORTED_LOSS: 40_00}
    # A policy of another branch beside it adds no day: branches add up to the whole.
    insure(world, world.coach, date(2026, 8, 31), 0, line=PolicyLine.COMMERCIAL, branch_id=world.zhongmu.id)
    whole = read(span_of(world, noon), [C.CLAIM_FREQUENCY])
    by_branch = read(span_of(world, noon), [C.CLAIM_FREQUENCY], By.BRANCH)
    assert by_branch.total == whole.total
    assert whole.total[C.CLAIM_FREQUENCY] == Ratio(EXPOSURE_YEAR, 3 * EXPOSURE_YEAR // 365)
    before = read(span_of(world, day(2026, 6, 30)), CODES, By.BRANCH)
    assert (before.total[C.EARNED_PREMIUM], before.groups) == (0, {})


@pytest.mark.parametrize(
    ("first", "period", "earned_fen", "days", "year_days"),
    [
        # 366 days, of which 60 are in the first quarter of 2024.
        (date(2023, 3, 1), Period(date(2024, 1, 1), date(2024, 3, 31)), 600_00, 60, 366),
        # The term ends where the period begins, and begins where it ends.
        (date(2023, 1, 1), Period(date(2024, 1, 1), date(2024, 3, 31)), 0, 0, 365),
        (date(2024, 4, 1), Period(date(2024, 1, 1), date(2024, 3, 31)), 0, 0, 365),
        (date(2024, 3, 31), Period(date(2024, 1, 1), date(2024, 3, 31)), 10_00, 1, 365),
    ],
)
def test_terms_at_the_edges_of_a_period(
    world: World, first: date, period: Period, earned_fen: int, days: int, year_days: int
) -> None:
    insure(world, world.coach, first, year_days * 10_00)
    # Another line of the same vehicle runs beside it: a vehicle is covered once.
    insure(world, world.coach, first, 0, line=PolicyLine.COMMERCIAL)
    claim(world, world.coach, day(2024, 2, 1), 1_00)
    found = read(Span(world.account.id, period, CHINA, day(2025, 1, 1)), CODES).total
    assert found[C.EARNED_PREMIUM] == earned_fen
    frequency = found[C.CLAIM_FREQUENCY]
    assert frequency == Ratio(EXPOSURE_YEAR, days * EXPOSURE_YEAR // year_days)
    assert isinstance(frequency, Ratio)
    assert (frequency.percent() is None) == (days == 0)


def test_a_book_of_chance_is_the_sum_of_what_each_policy_says(world: World) -> None:
    chance = Random(6)
    for number in range(40):
        first = date(2025, 1, 1) + timedelta(days=chance.randrange(700))
        vehicle = VehicleFactory(branch=chance.choice([world.gongyi, world.zhongmu]))
        policy = insure(world, vehicle, first, chance.randrange(1, 999_999))
        made_at = policy.starts_at + timedelta(days=chance.randrange(0, 200), hours=5)
        if number % 3 == 0:
            changes = {"after": {"kept_fen": 77}} if number % 6 else {}
            endorse(world, policy, made_at, chance.randrange(-9_999, 9_999), **changes)
        if number % 5 == 0:
            kind, later = EndorsementKind.CANCELLATION, made_at + timedelta(days=chance.randrange(1, 90))
            endorse(world, policy, later, -chance.randrange(1, 500), kind=kind, ordinal=2)
    db.session.commit()
    stands = [
        Stand(day(year, month, 1), date(year, month, 1)) for year, month in ((2025, 7), (2026, 2), (2027, 4))
    ]
    for since, until in ((None, stands[0]), (stands[0], stands[1]), (stands[1], stands[2])):
        slowly = _earned_slowly(until) - (_earned_slowly(since) if since else 0)
        assert sum(line.earned_fen for line in read_book(world.account.id, since, until)) == slowly


def _earned_slowly(stand: Stand) -> int:
    total = 0
    for policy in db.session.scalars(select(Policy)):
        rows = select(Endorsement).where(
            Endorsement.policy_id == policy.id, Endorsement.created_at < stand.at
        )
        total += earned_fen(policy, db.session.scalars(rows.order_by(Endorsement.ordinal)).all(), stand.on)
    return total


def test_another_account_has_its_own(world: World) -> None:
    build_quarter(world)
    theirs = Span(world.foreign_account.id, QUARTER, CHINA, day(2026, 10, 1))
    found = read(theirs, CODES, By.BRANCH)
    assert list(found.groups) == [world.foreign_branch.id]
    assert found.total[C.REPORTED_LOSS] == 70_00
    db.session.rollback()
