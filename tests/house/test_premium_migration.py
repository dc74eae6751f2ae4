"""A desk in use keeps its receipts through the migration of premium, in both directions."""

from datetime import UTC, date, datetime

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, create_engine

from tests.house.test_migrations import Pair, filler, migrating, pair, rows_of

__all__ = ["migrating", "pair"]


def test_receipts_settle_from_the_day_the_money_came_or_the_premium_arose(
    pair: Pair, migrating: Flask
) -> None:
    upgrade(revision="0003")
    _receipt_of_the_third_desk(pair.migrated_url)

    upgrade(revision="0008")

    with rows_of(pair.migrated_url) as read:
        days = read("SELECT allocated_on, taken_back_on FROM receipt_allocations ORDER BY id")
        assert [str(row["allocated_on"]) for row in days] == ["2026-03-05", "2026-03-10"]
        assert {row["taken_back_on"] for row in days} == {None}
        assert read("SELECT reversed_on, reverse_reason FROM receipts")[0]["reverse_reason"] == ""

    downgrade(revision="0003")

    with rows_of(pair.migrated_url) as read:
        assert read("SELECT sum(amount_fen) AS fen FROM receipt_allocations")[0]["fen"] == 300
        assert read("SELECT allocated_fen FROM receipts")[0]["allocated_fen"] == 300


def _receipt_of_the_third_desk(url: str) -> None:
    """Money of 5 March that settles premium of February, and premium that arose in the night to the 10th."""

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
        insert("users", id=1, role="manager")
        insert("vehicles", id=1, account_id=1, branch_id=1, use_class="coach", state="operating")
        for number, at in ((1, datetime(2026, 2, 1, tzinfo=UTC)), (2, datetime(2026, 3, 9, 17, tzinfo=UTC))):
            insert(
                "policies",
                id=number,
                number=f"P{number}",
                account_id=1,
                branch_id=1,
                issued_branch_id=1,
                vehicle_id=1,
                issued_by_id=1,
                line="ctpl",
                state="issued",
                origin="issued",
                ends_at=datetime(2027, 2, 1, tzinfo=UTC),
                agreed_ends_at=datetime(2027, 2, 1, tzinfo=UTC),
                starts_at=at,
            )
            insert(
                "receivables",
                id=number,
                account_id=1,
                branch_id=1,
                policy_id=number,
                amount_fen=500,
                settled_fen=150,
                created_at=at,
            )
        insert(
            "receipts",
            id=1,
            account_id=1,
            branch_id=1,
            amount_fen=300,
            allocated_fen=300,
            received_on=date(2026, 3, 5),
            recorded_by_id=1,
        )
        for number in (1, 2):
            insert("receipt_allocations", id=number, receipt_id=1, receivable_id=number, amount_fen=150)
    engine.dispose()
