"""What a batch refused is kept through the migration that gives each refusal a row, in both directions."""

import json
from datetime import datetime

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, create_engine

from tests.house.test_migrations import Pair, filler, migrating, pair, rows_of

__all__ = ["migrating", "pair"]

REFUSED = [
    {
        "vehicle_id": 1,
        "plate": "豫A12345",
        "branch_id": 1,
        "line": "ctpl",
        "code": "overlaps_cover_in_force",
        "params": {"ends_on": "2026-12-09", "source": "OLD-1"},
    },
    {
        "vehicle_id": 1,
        "plate": "豫A12345",
        "branch_id": 1,
        "line": "commercial",
        "code": "vin_missing",
        "params": {},
    },
]


def test_refusals_of_a_batch_become_rows_and_go_back(pair: Pair, migrating: Flask) -> None:
    upgrade(revision="0003")
    batches_of_a_desk_in_use(pair.migrated_url)

    upgrade(revision="0011")

    with rows_of(pair.migrated_url) as read:
        rows = read("SELECT batch_id, vehicle_id, line, code, params FROM issue_refusals ORDER BY id")
        assert [(row["batch_id"], row["vehicle_id"], row["line"], row["code"]) for row in rows] == [
            (1, 1, "ctpl", "overlaps_cover_in_force"),
            (1, 1, "commercial", "vin_missing"),
        ]
        assert json.loads(rows[0]["params"]) == REFUSED[0]["params"]

    downgrade(revision="0003")

    with rows_of(pair.migrated_url) as read:
        kept = {
            row["id"]: json.loads(row["refused"]) for row in read("SELECT id, refused FROM issue_batches")
        }
    assert kept == {1: REFUSED, 2: []}


def batches_of_a_desk_in_use(url: str) -> None:
    """Two batches in the tables of the third migration, one of which refused two lines."""
    engine = create_engine(url)
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:

        def insert(table: str, **values: object) -> None:
            columns = metadata.tables[table].columns
            asked = [column for column in columns if not column.nullable and not column.primary_key]
            fillers = {column.name: filler(column) for column in asked}
            connection.execute(metadata.tables[table].insert(), {**fillers, **values})

        insert("key_accounts", id=1, code="ZZ")
        insert("branches", id=1, account_id=1)
        insert("users", id=1, role="underwriter")
        insert("vehicles", id=1, account_id=1, branch_id=1, use_class="coach", state="operating")
        common = {"account_id": 1, "issued_by_id": 1, "issued_at": datetime(2026, 11, 23)}
        insert("issue_batches", id=1, number="B1", refused=json.dumps(REFUSED), **common)
        insert("issue_batches", id=2, number="B2", refused="[]", **common)
    engine.dispose()
