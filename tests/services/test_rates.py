"""Price tables: installed once, versioned by day, the account's own before the general ones."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import Forbidden, Invalid, InvalidMany, NotFound
from service_desk.models.db import db
from service_desk.models.policies import RateTable, RateTableLine
from service_desk.rules import sample_rates
from service_desk.rules.rating import VehicleFacts, table_problems
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.policies import quoting, rates
from service_desk.services.policies.rates import NewVersion
from tests.world import World

TODAY = date(2026, 11, 23)


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    db.session.commit()


def table_of(line: PolicyLine, on: date = TODAY, account_id: int | None = None) -> rates.PriceTable:
    return rates.in_force(account_id, on)[line]


def ctpl_coach(on: date, account_id: int) -> int:
    return next(
        line.premium_fen
        for line in table_of(PolicyLine.CTPL, on, account_id).lines
        if line.use_class is UseClass.COACH and line.holds(Decimal(45))
    )


def test_installing_twice_writes_the_tables_once(now: datetime) -> None:
    rates.install_sample_rates(now=now)
    assert db.session.scalar(select(func.count()).select_from(RateTable)) == 3


def test_only_the_official_tariff_is_no_sample() -> None:
    tables = rates.in_force(None, TODAY)
    assert {line: price.table.is_sample for line, price in tables.items()} == {
        PolicyLine.CTPL: False,
        PolicyLine.COMMERCIAL: True,
        PolicyLine.CARRIER_LIABILITY: True,
    }


def test_sample_tables_have_neither_holes_nor_overlaps() -> None:
    lines = [*sample_rates.commercial_lines(), *sample_rates.carrier_liability_lines()]
    assert table_problems(lines) == []


def test_before_its_first_day_a_table_prices_nothing() -> None:
    assert list(rates.in_force(None, date(2019, 1, 1))) == [PolicyLine.CTPL]


def new_prices(table: rates.PriceTable, *, more: int = 10_000) -> dict[int, int]:
    return {line_id: line.premium_fen + more for line, line_id in table.ids.items()}


def test_new_version_prices_from_its_day_on_and_the_old_one_before(world: World, now: datetime) -> None:
    old = table_of(PolicyLine.CTPL)
    version = NewVersion(date(2027, 1, 1), new_prices(old))
    rates.change_premiums(old.table.id, version, actor=world.admin, now=now)
    db.session.commit()
    account = world.account.id
    assert ctpl_coach(date(2026, 12, 31), account) == 4_690_00
    assert ctpl_coach(date(2027, 1, 1), account) == 4_790_00


def test_an_accounts_own_version_goes_before_the_general_one(world: World, now: datetime) -> None:
    old = table_of(PolicyLine.CTPL)
    version = NewVersion(TODAY, new_prices(old), for_account_id=world.account.id)
    rates.change_premiums(old.table.id, version, actor=world.admin, now=now)
    assert ctpl_coach(TODAY, world.account.id) == 4_790_00
    assert ctpl_coach(TODAY, world.foreign_account.id) == 4_690_00


@pytest.mark.parametrize(
    ("effective_on", "premiums", "code"),
    [
        (date(2026, 11, 22), {"first": 1}, "rate_starts_in_the_past"),
        (date(2027, 1, 1), {"unknown": 1}, "rate_line_unknown"),
        (date(2027, 1, 1), {}, "rates_unchanged"),
        (date(2027, 1, 1), {"first": 0}, "amount_not_positive"),
    ],
)
def test_wrong_versions_are_refused(
    world: World, now: datetime, effective_on: date, premiums: dict[str, int], code: str
) -> None:
    old = table_of(PolicyLine.CTPL)
    ids = {"first": next(iter(old.ids.values())), "unknown": 10**9}
    version = NewVersion(effective_on, {ids[name]: fen for name, fen in premiums.items()})
    with pytest.raises((Invalid, InvalidMany)) as refusal:
        rates.change_premiums(old.table.id, version, actor=world.admin, now=now)
    problems = getattr(refusal.value, "problems", [refusal.value])
    assert [problem.code for problem in problems] == [code]


def test_two_versions_cannot_begin_on_one_day(world: World, now: datetime) -> None:
    old = table_of(PolicyLine.CTPL)
    version = NewVersion(date(2027, 1, 1), new_prices(old))
    rates.change_premiums(old.table.id, version, actor=world.admin, now=now)
    with pytest.raises(Invalid, match="rate_version_exists"):
        rates.change_premiums(old.table.id, version, actor=world.admin, now=now)


def test_only_the_administrator_changes_prices(world: World, now: datetime) -> None:
    table = table_of(PolicyLine.CTPL).table
    with pytest.raises(Forbidden):
        rates.change_premiums(table.id, NewVersion(TODAY, {}), actor=world.underwriter, now=now)


def test_another_accounts_table_is_not_found(world: World, now: datetime) -> None:
    old = table_of(PolicyLine.CTPL)
    version = NewVersion(TODAY, new_prices(old), for_account_id=world.foreign_account.id)
    own = rates.change_premiums(old.table.id, version, actor=world.admin, now=now)
    with pytest.raises(NotFound):
        rates.get_table(own.id, actor=world.underwriter)


def test_quote_prices_each_cover_set_and_names_its_table(world: World) -> None:
    quote = quoting.quote(world.account.id, quoting.facts_of(world.coach), on=TODAY, actor=world.underwriter)
    priced = {(one.line, one.cover_set): one.premium.total_fen for one in quote.lines if one.premium}
    assert priced == {
        (PolicyLine.CTPL, "basic"): 4_690_00,
        (PolicyLine.COMMERCIAL, "tpl_1m"): 6_540_00,
        (PolicyLine.COMMERCIAL, "tpl_2m"): 8_500_00,
        (PolicyLine.COMMERCIAL, "tpl_1m_od"): 14_340_00,
        (PolicyLine.CARRIER_LIABILITY, "seat_400k"): 45 * 62_00,
    }


def test_quote_without_seats_says_what_is_missing(world: World) -> None:
    quote = quoting.quote(world.account.id, VehicleFacts(UseClass.COACH), on=TODAY, actor=world.underwriter)
    assert {one.refusal.code for one in quote.lines if one.refusal} == {"seats_missing"}


def test_a_goods_vehicle_is_offered_no_carriers_liability(world: World) -> None:
    quote = quoting.quote(world.account.id, quoting.facts_of(world.truck), on=TODAY, actor=world.underwriter)
    assert PolicyLine.CARRIER_LIABILITY not in {one.line for one in quote.lines}


def test_bands_survive_the_database(world: World) -> None:
    count = db.session.scalar(select(func.count()).select_from(RateTableLine))
    lines = [line for price in rates.in_force(None, TODAY).values() for line in price.lines]
    assert len(lines) == count
    assert set(sample_rates.commercial_lines()) <= set(lines)
