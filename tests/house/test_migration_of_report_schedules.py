"""A weekly schedule and its runs are kept as they are when every kind of report gets a schedule, in both directions."""

import json
from datetime import UTC, date, datetime
from typing import Any

from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import MetaData, create_engine

from service_desk.models.db import db
from service_desk.services.reports import makers, schedules
from tests.house.test_migrations import Pair, filler, migrating, pair, rows_of

__all__ = ["migrating", "pair"]

BEFORE = "0021"
FIGURES = {"account_id": 1, "branches": []}
SCHEDULE = "SELECT kind, weekday, hour, minute, is_active, version FROM report_schedules WHERE id = 1000"
KEPT = ("weekly_claim_report", 4, 17, 45, False, 3)


def test_the_weekly_schedule_and_what_was_sent_are_kept(pair: Pair, migrating: Flask) -> None:
    upgrade(revision=BEFORE)
    desk_in_use(pair.migrated_url)

    upgrade()

    given = schedules.ensure_schedules(datetime(2026, 11, 23, tzinfo=UTC))
    db.session.commit()
    assert given == len(makers.kinds()) - 1
    with rows_of(pair.migrated_url) as read:
        assert plain(read(SCHEDULE)) == [KEPT]
        months = read("SELECT month_day, weekday FROM report_schedules WHERE id <> 1000 ORDER BY id")
        assert all(row["month_day"] and row["weekday"] is None for row in months)

    db.engine.dispose()
    downgrade(revision=BEFORE)

    with rows_of(pair.migrated_url) as read:
        assert plain(read(SCHEDULE)) == [KEPT]
        assert read("SELECT count(*) AS n FROM report_schedules")[0]["n"] == 1
        assert [json.loads(row["figures"]) for row in read("SELECT figures FROM report_runs")] == [FIGURES]


def plain(rows: list[Any]) -> list[tuple[Any, ...]]:
    return [
        tuple(bool(value) if name == "is_active" else value for name, value in row.items()) for row in rows
    ]


def desk_in_use(url: str) -> None:
    """An account whose weekly report was moved to Friday and paused, and one run, in the tables before."""
    engine = create_engine(url)
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:

        def insert(table: str, **values: object) -> None:
            columns = metadata.tables[table].columns
            asked = [column for column in columns if not column.nullable and not column.primary_key]
            fillers = {column.name: filler(column) for column in asked}
            connection.execute(metadata.tables[table].insert(), {**fillers, **values})

        kind, weekday, hour, minute, is_active, version = KEPT
        insert("key_accounts", id=1, code="ZZ", zone="Asia/Shanghai", is_active=True, reminder_days="[]")
        insert(
            "report_schedules",
            id=1000,
            account_id=1,
            kind=kind,
            weekday=weekday,
            hour=hour,
            minute=minute,
            is_active=is_active,
            version=version,
            starts_on=date(2026, 1, 5),
        )
        insert("report_runs", id=1, account_id=1, kind=kind, figures=json.dumps(FIGURES))
    engine.dispose()
