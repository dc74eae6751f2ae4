"""Old notices learn their matter's number and why they failed; on the way back nothing is left that nobody can read."""

import json
from datetime import datetime

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, create_engine

from tests.house.test_migrations import Pair, filler, migrating, pair, rows_of

__all__ = ["migrating", "pair"]

AT = datetime(2026, 3, 2, 2, 0)


def test_old_notices_are_told_apart_by_number_and_reason_and_channels_go_on_the_way_back(
    pair: Pair, migrating: Flask
) -> None:
    upgrade(revision="0020")
    add(
        pair.migrated_url,
        (
            "notices",
            {
                "id": 1,
                "state": "failed",
                "tries": 7,
                "matter_kind": "claim",
                "matter_id": 4,
                "params": json.dumps({"number": "CLM-2026-000004", "place": "郑开大道"}),
            },
        ),
        ("notices", {"id": 2, "state": "failed", "tries": 1, "params": json.dumps({"number": "x"})}),
        ("notices", {"id": 3, "state": "sent", "matter_kind": "report", "matter_id": 1, "params": "{}"}),
    )

    upgrade(revision="0021")

    with rows_of(pair.migrated_url) as read:
        kept = read("SELECT id, matter_number, fail_reason FROM notices ORDER BY id")
        assert [tuple(row.values()) for row in kept] == [
            (1, "CLM-2026-000004", "gave_up"),
            (2, "", "refused"),
            (3, "", None),
        ]

    add(
        pair.migrated_url,
        ("key_accounts", {"id": 1, "code": "ZZ"}),
        ("message_channels", {"id": 1, "account_id": 1, "kind": "wecom", "audience": "insurer"}),
        ("notices", {"id": 4, "channel": "wecom", "channel_id": 1, "state": "sent", "params": "{}"}),
        ("delivery_tries", {"id": 1, "notice_id": 4}),
        ("notices", {"id": 5, "state": "held", "params": "{}"}),
        ("notices", {"id": 6, "state": "set_aside", "params": "{}"}),
    )
    downgrade(revision="0020")

    with rows_of(pair.migrated_url) as read:
        states = read("SELECT id, state FROM notices ORDER BY id")
        assert [tuple(row.values()) for row in states] == [
            (1, "failed"),
            (2, "failed"),
            (3, "sent"),
            (5, "queued"),
            (6, "failed"),
        ]
        assert read("SELECT next_try_at FROM notices WHERE id = 5")[0]["next_try_at"] is not None
        assert read("SELECT id FROM delivery_tries") == []


def add(url: str, *rows: tuple[str, dict[str, object]]) -> None:
    engine = create_engine(url)
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        for table, values in rows:
            columns = metadata.tables[table].columns
            asked = [column for column in columns if not column.nullable and not column.primary_key]
            usual = {"channel": "mail", "created_at": AT, "dedupe_key": str(values["id"])}
            fillers = {column.name: usual.get(column.name, filler(column)) for column in asked}
            connection.execute(metadata.tables[table].insert(), {**fillers, **values})
    engine.dispose()
