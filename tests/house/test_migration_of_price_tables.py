"""A desk in use keeps its prices through the fourth migration and back; their cover sets get the names they had."""

from datetime import date, datetime

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, create_engine

from tests.house.test_migrations import Pair, filler, migrating, pair, rows_of

__all__ = ["migrating", "pair"]


def insert(url: str, table: str, **values: object) -> None:
    engine = create_engine(url)
    metadata = MetaData()
    metadata.reflect(engine)
    columns = metadata.tables[table].columns
    asked = [column for column in columns if not column.nullable and not column.primary_key]
    with engine.begin() as connection:
        connection.execute(
            metadata.tables[table].insert(), {**{column.name: filler(column) for column in asked}, **values}
        )
    engine.dispose()


@pytest.mark.parametrize("line", ["ctpl", "commercial", "carrier_liability"])
def test_prices_are_kept_and_their_cover_sets_named(pair: Pair, migrating: Flask, line: str) -> None:
    url = pair.migrated_url
    upgrade(revision="0003")
    insert(url, "rate_tables", id=1, line=line, name="价目", effective_on=date(2026, 1, 1))
    insert(url, "rate_table_lines", id=7, table_id=1, cover_set="basic", use_class="coach", measure="seats")

    upgrade(revision="0004")

    code = {"ctpl": "basic", "commercial": "tpl_1m_od", "carrier_liability": "seat_400k"}[line]
    with rows_of(url) as read:
        names = str(read("SELECT cover_set_names FROM rate_tables")[0]["cover_set_names"])
    assert f'"{code}": {{"en": ' in names


def test_going_back_withdrawn_versions_do_not_price_again(pair: Pair, migrating: Flask) -> None:
    url = pair.migrated_url
    upgrade(revision="0004")
    insert(
        url, "rate_tables", id=1, line="ctpl", name="旧", effective_on=date(2026, 1, 1), cover_set_names="{}"
    )
    withdrawn = {"withdrawn_at": datetime(2026, 11, 23), "effective_on": date(2027, 1, 1)}
    insert(url, "rate_tables", id=2, line="ctpl", name="撤回", cover_set_names="{}", **withdrawn)
    insert(
        url, "rate_tables", id=3, line="ctpl", name="新", effective_on=date(2027, 1, 1), cover_set_names="{}"
    )
    insert(url, "rate_table_lines", id=7, table_id=2, cover_set="basic", use_class="coach", measure="seats")

    downgrade(revision="0003")

    with rows_of(url) as read:
        assert [row["name"] for row in read("SELECT name FROM rate_tables ORDER BY id")] == ["旧", "新"]
        assert read("SELECT count(*) AS n FROM rate_table_lines")[0]["n"] == 0
