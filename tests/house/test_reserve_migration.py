"""A desk in use keeps its reserves, papers and notices through the migration of the ledger."""

from datetime import UTC, datetime

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, create_engine

from tests.house.test_migrations import Pair, filler, migrating, pair, rows_of

__all__ = ["migrating", "pair"]


def test_the_ledger_begins_with_what_the_old_entries_and_payments_say(pair: Pair, migrating: Flask) -> None:
    upgrade(revision="0012")
    _claim_of_an_older_desk(pair.migrated_url)

    upgrade(revision="0017")

    with rows_of(pair.migrated_url) as read:
        rows = read("SELECT kind, item, amount_fen FROM reserve_movements ORDER BY id")
        kinds = [(row["kind"], row["amount_fen"]) for row in rows]
        assert kinds == [("new", 800), ("decrease", 100), ("paid", 600), ("released", 100), ("reopened", 50)]
        assert {row["item"] for row in rows} == {"undivided"}
        files = read("SELECT document_id, state, reason FROM wanted_files ORDER BY id")
        assert [(f["document_id"], f["state"], f["reason"]) for f in files] == [(1, "rejected", "模糊")]
        notices = read("SELECT number, is_later_demand, codes FROM document_notices ORDER BY number")
        assert [bool(n["is_later_demand"]) for n in notices] == [False, True]
        assert notices[0]["codes"] == '["keys"]'

    downgrade(revision="0012")

    with rows_of(pair.migrated_url) as read:
        assert read("SELECT count(*) AS n FROM reserve_entries")[0]["n"] == 4
        assert read("SELECT document_ids FROM wanted_documents")[0]["document_ids"] == "[1]"


def _claim_of_an_older_desk(url: str) -> None:
    engine = create_engine(url)
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:

        def insert(table: str, **values: object) -> None:
            columns = metadata.tables[table].columns
            asked = [column for column in columns if not column.nullable and not column.primary_key]
            fillers = {column.name: filler(column) for column in asked}
            connection.execute(metadata.tables[table].insert(), {**fillers, **values})

        def day(number: int) -> datetime:
            return datetime(2026, 3, number, 2, tzinfo=UTC)

        insert("key_accounts", id=1, code="ZZ")
        insert("branches", id=1, account_id=1)
        insert("users", id=1, role="claims")
        insert("vehicles", id=1, account_id=1, branch_id=1, use_class="coach", state="operating")
        insert(
            "claims",
            id=1,
            account_id=1,
            branch_id=1,
            vehicle_id=1,
            reported_by_id=1,
            owner_id=1,
            state="surveyed",
            channel="phone",
            approved_fen=600,
            paid_fen=600,
            reserve_fen=650,
        )
        insert(
            "claim_calculations", id=1, claim_id=1, calculated_by_id=1, inputs="{}", lines="[]", working="[]"
        )
        insert(
            "claim_payments",
            id=1,
            claim_id=1,
            calculation_id=1,
            amount_fen=600,
            paid_at=day(3),
            paid_by_id=1,
        )
        for number, (kind, before, after) in enumerate(
            (("estimate", 0, 800), ("change", 800, 700), ("release", 700, 600), ("reopening", 600, 650)), 1
        ):
            at = day((1, 2, 4, 5)[number - 1])
            insert(
                "reserve_entries",
                id=number,
                claim_id=1,
                at=at,
                kind=kind,
                before_fen=before,
                after_fen=after,
                actor_id=1,
            )
        insert("documents", id=1, account_id=1, kind="claim_document", matter_kind="claim", matter_id=1)
        insert(
            "wanted_documents",
            id=1,
            claim_id=1,
            code="keys",
            state="rejected",
            reason="模糊",
            document_ids="[1]",
        )
        for number in (1, 2):
            insert(
                "claim_events",
                id=number,
                claim_id=1,
                round=1,
                at=day(number),
                kind="request_documents",
                action="request_documents",
                actor_id=1,
                params='{"codes": ["keys"]}',
            )
    engine.dispose()
