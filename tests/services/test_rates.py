"""Price tables: installed once, versioned by day, the account's own before the general ones."""

from datetime import date, datetime

import pytest
from sqlalchemy import func, select

from service_desk.models.db import db
from service_desk.models.policies import RateTable, RateTableLine
from service_desk.rules import sample_rates
from service_desk.rules.rating import VehicleFacts, table_problems
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.policies import quoting, rates
from tests.world import World

TODAY = date(2026, 11, 23)


@pytest.fixture(autouse=True)
def _tables(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    db.session.commit()


def table_of(line: PolicyLine, on: date = TODAY, account_id: int | None = None) -> rates.PriceTable:
    return rates.in_force(account_id, on)[line]


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
