"""Claims get room for the insurer's number of their report; a round that was withdrawn keeps its line on the way back."""

from datetime import datetime

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, create_engine

from tests.house.test_migrations import Pair, filler, migrating, pair, rows_of

__all__ = ["migrating", "pair"]

AT = datetime(2026, 11, 2, 2, 0)


def test_claims_and_their_lines_are_kept_in_both_directions(pair: Pair, migrating: Flask) -> None:
    upgrade(revision="0034")
    _a_closed_claim(pair.migrated_url)

    upgrade(revision="0035")

    with rows_of(pair.migrated_url) as read:
        assert [(row["id"], row["report_no"]) for row in read("SELECT id, report_no FROM claims")] == [
            (7, None)
        ]
        assert [row["action"] for row in read("SELECT action FROM claim_events ORDER BY id")] == ["withdraw"]
    _a_withdrawn_round(pair.migrated_url)

    downgrade(revision="0034")

    with rows_of(pair.migrated_url) as read:
        lines = read("SELECT kind, action FROM claim_events ORDER BY id")
        assert [(row["kind"], row["action"]) for row in lines] == [
            ("withdraw", "withdraw"), ("withdraw_round", "close"),
        ]  # fmt: skip
        assert [row["number"] for row in read("SELECT number FROM claims")] == ["CLM-2026-000007"]


def _insert(url: str, table: str, **values: object) -> None:
    engine = create_engine(url)
    metadata = MetaData()
    metadata.reflect(engine)
    columns = metadata.tables[table].columns
    fillers = {
        column.name: filler(column) for column in columns if not column.nullable and not column.primary_key
    }
    with engine.begin() as connection:
        connection.execute(metadata.tables[table].insert(), {**fillers, **values})
    engine.dispose()


def _a_closed_claim(url: str) -> None:
    _insert(url, "key_accounts", id=1, code="ZZ")
    _insert(url, "branches", id=1, account_id=1)
    _insert(url, "users", id=1, role="manager")
    _insert(url, "vehicles", id=1, account_id=1, branch_id=1, state="operating")
    ids = {"account_id": 1, "branch_id": 1, "vehicle_id": 1, "reported_by_id": 1, "owner_id": 1}
    _insert(url, "claims", id=7, number="CLM-2026-000007", state="closed", channel="phone", **ids)
    _insert(url, "claim_events", id=1, claim_id=7, at=AT, kind="withdraw", action="withdraw", actor_id=1)


def _a_withdrawn_round(url: str) -> None:
    _insert(
        url,
        "claim_events",
        id=2,
        claim_id=7,
        at=AT,
        kind="withdraw_round",
        action="withdraw_round",
        actor_id=1,
    )
