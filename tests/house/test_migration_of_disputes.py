"""A claim that was marked as disputed has its dispute after the migration, and its mark after the way back."""

from datetime import datetime

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, create_engine

from tests.house.test_migrations import Pair, filler, migrating, pair, rows_of

__all__ = ["migrating", "pair"]

AT = datetime(2026, 3, 2, 2, 0)


def test_marked_claims_get_their_dispute_and_keep_the_mark(pair: Pair, migrating: Flask) -> None:
    upgrade(revision="0012")
    claims_of_a_desk_in_use(pair.migrated_url)

    upgrade(revision="0018")

    with rows_of(pair.migrated_url) as read:
        disputes = read("SELECT number, claim_id, topic, raised_by_id, decided_at FROM disputes ORDER BY id")
        assert [tuple(row.values()) for row in disputes] == [("DSP-2026-000001", 1, "other", 2, None)]
        words = read("SELECT side, words FROM dispute_words")
        assert [(row["side"], row["words"]) for row in words] == [("client", "停运损失是否赔付")]
        marks = {row["id"]: bool(row["is_disputed"]) for row in read("SELECT id, is_disputed FROM claims")}
        assert marks == {1: True, 2: False, 3: False}
        scopes = read("SELECT last_value FROM number_sequences WHERE scope = 'DSP-2026'")
        assert [row["last_value"] for row in scopes] == [1]

    downgrade(revision="0012")

    with rows_of(pair.migrated_url) as read:
        assert [row["id"] for row in read("SELECT id FROM claims WHERE is_disputed")] == [1]
        assert read("SELECT scope FROM number_sequences WHERE scope LIKE 'DSP-%'") == []


def claims_of_a_desk_in_use(url: str) -> None:
    """A claim marked with its words, one that is not, and a withdrawn one whose mark nobody could take off."""
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
        insert("branches", id=1, account_id=1, parent_id=None)
        for user_id in (1, 2):
            insert("users", id=user_id, username=f"u{user_id}", role="claims")
        insert("vehicles", id=1, account_id=1, branch_id=1, plate="豫A12345", vin="V1", state="operating")
        for claim_id, is_disputed, state in (
            (1, True, "assessed"),
            (2, False, "closed"),
            (3, True, "withdrawn"),
        ):
            insert(
                "claims",
                id=claim_id,
                number=f"CLM-2026-00000{claim_id}",
                account_id=1,
                branch_id=1,
                vehicle_id=1,
                reported_by_id=1,
                owner_id=1,
                state=state,
                channel="phone",
                is_disputed=is_disputed,
                paid_fen=0,
                approved_fen=0,
            )
        insert(
            "claim_events",
            id=1,
            claim_id=1,
            kind="dispute",
            action="dispute",
            actor_id=2,
            note="停运损失是否赔付",
            at=AT,
        )
    engine.dispose()
