"""Renewed, due and lapsed by distinct vehicle, and what renewals would bring."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from service_desk.base.errors import Forbidden
from service_desk.base.paging import PageRequest
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import CoverSource, ExternalCover, Policy, PolicyState
from service_desk.rules.periods import Period
from service_desk.rules.renewal import Outcome, RenewalFigures, RenewalStatus
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import renewals
from service_desk.services.policies import rates
from service_desk.services.renewals import ExpiryFilter, outcomes, success
from service_desk.services.renewals.forecast import forecast
from service_desk.services.renewals.outcomes import OutcomeDetails
from service_desk.services.renewals.success import SuccessDimension, SuccessFilter
from tests.factories import PolicyFactory, VehicleFactory
from tests.world import World

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
DECEMBER = Period(date(2026, 12, 1), date(2026, 12, 31))
CTPL, COMMERCIAL = PolicyLine.CTPL, PolicyLine.COMMERCIAL


def end_of(day: date) -> datetime:
    """24:00 of a day in China."""
    return datetime(day.year, day.month, day.day, 16, tzinfo=UTC)


def policy(world: World, vehicle: Vehicle, last_day: date, line: PolicyLine = CTPL, **values: Any) -> Policy:
    ends_at = end_of(last_day)
    given = {"starts_at": ends_at - timedelta(days=365), "ends_at": ends_at, **values}
    made: Policy = PolicyFactory(vehicle=vehicle, issued_by=world.underwriter, line=line, **given)
    db.session.commit()
    return made


def figures(world: World, now: datetime, month: Period = NOVEMBER, **wanted: Any) -> RenewalFigures:
    (found,) = success.count_by_month(
        SuccessFilter(world.account.id, month, **wanted), [month], actor=world.underwriter, now=now
    )
    return found


def test_a_vehicle_counts_once_however_many_of_its_lines_end(world: World, now: datetime) -> None:
    for line in (CTPL, COMMERCIAL):
        policy(world, world.coach, date(2026, 11, 10), line)
        policy(world, world.coach, date(2027, 11, 10), line)
    policy(world, world.bus, date(2026, 11, 10))
    policy(world, world.bus, date(2027, 11, 10))
    policy(world, world.bus, date(2026, 11, 28), COMMERCIAL)
    policy(world, world.truck, date(2026, 11, 20))
    assert figures(world, now) == RenewalFigures(due=3, renewed=1, to_renew=1)
    assert figures(world, now).lost == 1
    assert figures(world, now, line=CTPL) == RenewalFigures(due=3, renewed=2, to_renew=0)


def test_the_worked_example_of_two_hundred_vehicles_in_the_database(world: World, now: datetime) -> None:
    vehicles = [VehicleFactory(branch=world.gongyi) for _ in range(200)]
    for number, vehicle in enumerate(vehicles):
        for line in (CTPL, COMMERCIAL):
            PolicyFactory(
                vehicle=vehicle,
                issued_by=world.underwriter,
                line=line,
                starts_at=end_of(date(2025, 10, 31)),
                ends_at=end_of(date(2026, 10, 31)),
            )
            if number < 171:
                PolicyFactory(
                    vehicle=vehicle,
                    issued_by=world.underwriter,
                    line=line,
                    starts_at=end_of(date(2026, 10, 31)),
                    ends_at=end_of(date(2027, 10, 31)),
                )
    db.session.commit()
    found = figures(world, now, Period(date(2026, 10, 1), date(2026, 10, 31)))
    assert (found.due, found.renewed, found.to_renew, found.lost) == (200, 171, 0, 29)
    assert str(found.rate.percent()) == "85.5"


@pytest.mark.parametrize(
    ("last_day", "is_in"),
    [
        (date(2026, 10, 31), False),
        (date(2026, 11, 1), True),
        (date(2026, 11, 30), True),
        (date(2026, 12, 1), False),
    ],
)
def test_a_month_holds_the_last_covered_days_of_china(
    world: World, now: datetime, last_day: date, is_in: bool
) -> None:
    policy(world, world.coach, last_day)
    assert figures(world, now).due == int(is_in)


def test_cut_and_voided_policies_are_not_due_and_a_renewal_may_be_late(world: World, now: datetime) -> None:
    ended = date(2026, 11, 10)
    policy(world, world.coach, ended, state=PolicyState.CANCELLED)
    policy(world, world.bus, ended)
    policy(world, world.bus, date(2028, 1, 31), starts_at=end_of(ended) + timedelta(days=90))
    policy(world, world.truck, ended)
    policy(world, world.truck, date(2028, 2, 1), starts_at=end_of(ended) + timedelta(days=90, minutes=1))
    assert figures(world, now) == RenewalFigures(due=2, renewed=1, to_renew=0)


def test_figures_by_branch_class_and_month_open_the_policies_behind_them(world: World, now: datetime) -> None:
    policy(world, world.coach, date(2026, 11, 10))
    policy(world, world.truck, date(2026, 11, 28))
    policy(world, world.bus, date(2026, 11, 5))
    policy(world, world.bus, date(2027, 11, 5))
    wanted = SuccessFilter(world.account.id, NOVEMBER)
    asked: dict[str, Any] = {"actor": world.underwriter, "now": now}
    by_branch = success.count_by(wanted, SuccessDimension.BRANCH, **asked)
    assert [(one.branch and one.branch.name, one.figures) for one in by_branch] == [
        ("中牟公交分公司", RenewalFigures(1, 1, 0)),
        ("巩义客运分公司", RenewalFigures(2, 0, 1)),
    ]
    by_class = success.count_by(wanted, SuccessDimension.USE_CLASS, **asked)
    assert [one.use_class for one in by_class] == [UseClass.COACH, UseClass.CITY_BUS, UseClass.GOODS]
    months = success.count_by_month(wanted, [NOVEMBER, DECEMBER], **asked)
    assert months == [RenewalFigures(3, 1, 1), RenewalFigures()]
    for status, plates in (
        (RenewalStatus.RENEWED, ["豫AD12345"]),
        (RenewalStatus.DUE, ["豫A67890"]),
        (RenewalStatus.LAPSED, ["豫A12345"]),
        (None, ["豫AD12345", "豫A12345", "豫A67890"]),
    ):
        page = success.page_of_ended(wanted, PageRequest(), status=status, **asked)
        assert [one.vehicle.plate for one in page.rows] == plates


def test_the_list_tells_why_a_vehicle_was_lost(world: World, now: datetime) -> None:
    last_day = date(2026, 11, 10)
    policy(world, world.coach, last_day)
    details = OutcomeDetails(Outcome.SOLD)
    outcomes.record(world.coach.id, {CTPL: last_day}, details, actor=world.underwriter, now=now)
    page = success.page_of_ended(
        SuccessFilter(world.account.id, NOVEMBER), PageRequest(), actor=world.hq, now=now
    )
    assert [(one.status, one.outcome) for one in page.rows] == [(RenewalStatus.LAPSED, Outcome.SOLD)]


def test_a_branch_officer_counts_own_vehicles_only(world: World, now: datetime) -> None:
    policy(world, world.coach, date(2026, 11, 10))
    policy(world, world.bus, date(2026, 11, 10))
    wanted = SuccessFilter(world.account.id, NOVEMBER)
    (own,) = success.count_by_month(wanted, [NOVEMBER], actor=world.safety_gongyi, now=now)
    (foreign,) = success.count_by_month(wanted, [NOVEMBER], actor=world.foreign_hq, now=now)
    assert (own.due, foreign.due) == (1, 0)


def test_the_board_is_paged_in_the_database_and_counts_what_it_lists(world: World, now: datetime) -> None:
    for number in range(7):
        vehicle = VehicleFactory(branch=world.gongyi, plate=f"豫A8000{number}")
        policy(world, vehicle, date(2026, 11, 23) + timedelta(days=number * 20))
    wanted = ExpiryFilter(world.account.id)
    asked: dict[str, Any] = {"actor": world.underwriter, "now": now}
    board = renewals.count_board(wanted, **asked)
    total = sum(row.ends for row in board)
    page = renewals.page_of_expiries(wanted, PageRequest(2, 3), total=total, **asked)
    every = renewals.list_expiries(wanted, **asked)
    assert (page.total, [one.plate for one in page.rows]) == (7, [one.plate for one in every[3:6]])
    assert [one.days_left for one in every] == [0, 20, 40, 60, 80, 100, 120]
    for row in board:
        in_bucket = renewals.list_expiries(ExpiryFilter(world.account.id, bucket=row.bucket), **asked)
        assert len(in_bucket) == row.ends
        assert sum(one.premium_fen or 0 for one in in_bucket) == row.premium_fen
    ids = renewals.vehicle_ids(wanted, **asked)
    assert len(ids[world.gongyi.id]) == 7


def test_forecast_prices_renewals_by_month_branch_and_line(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    policy(world, world.coach, date(2026, 12, 10), premium_fen=4_000_00)
    policy(world, world.coach, date(2027, 1, 10), COMMERCIAL, cover_set="gone", premium_fen=6_000_00)
    policy(world, world.bus, date(2027, 10, 31), ctpl_float="A3", premium_fen=1_00)
    policy(world, world.truck, date(2027, 11, 1), premium_fen=9_00)
    found = forecast(world.account.id, actor=world.underwriter, now=now)
    assert [month.first for month in found.months][::11] == [date(2026, 11, 1), date(2027, 10, 1)]
    assert [
        (one.month.first.isoformat()[:7], one.branch.name, one.line, one.covers, one.priced_fen, one.kept_fen)
        for one in found.cells
    ] == [
        ("2026-12", "巩义客运分公司", CTPL, 1, 4_690_00, 0),
        ("2027-01", "巩义客运分公司", COMMERCIAL, 1, 0, 6_000_00),
        # 32 seats: 3,020 less 30 %.
        ("2027-10", "中牟公交分公司", CTPL, 1, 2_114_00, 0),
    ]


def test_forecast_leaves_out_what_has_ended_and_what_has_an_outcome(world: World, now: datetime) -> None:
    policy(world, world.coach, date(2026, 11, 22))
    policy(world, world.bus, date(2026, 12, 22))
    outcomes.record(
        world.bus.id,
        {CTPL: date(2026, 12, 22)},
        OutcomeDetails(Outcome.SOLD),
        actor=world.underwriter,
        now=now,
    )
    db.session.add(
        ExternalCover(
            account_id=world.account.id,
            vehicle_id=world.truck.id,
            line=CTPL,
            ends_at=end_of(date(2026, 11, 23)),
            source=CoverSource.CLIENT_LIST,
            noted_at=now,
        )
    )
    db.session.commit()
    (cell,) = forecast(world.account.id, actor=world.underwriter, now=now).cells
    # No table is installed: cover from elsewhere has neither price nor premium.
    assert (cell.covers, cell.premium_fen, cell.unpriced) == (1, 0, 1)


def test_forecast_is_for_those_who_see_premiums(world: World, now: datetime) -> None:
    with pytest.raises(Forbidden):
        forecast(world.account.id, actor=world.safety_gongyi, now=now)
    policy(world, world.coach, date(2026, 12, 10))
    assert forecast(world.account.id, actor=world.foreign_hq, now=now).cells == []
    assert len(forecast(world.account.id, actor=world.hq, now=now, branch_id=world.gongyi.id).cells) == 1
