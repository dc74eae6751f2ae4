"""Migrating an empty database gives exactly the tables the models describe, and can be undone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Column, MetaData, create_engine, inspect, text
from sqlalchemy.engine import Inspector

from service_desk.app import create_app
from service_desk.models.db import db
from tests import databases
from tests.conftest import DATABASES, make_config


class Pair:
    """Two empty databases of one kind: one to migrate, one to create from the models."""

    def __init__(self, migrated_url: str, created_url: str) -> None:
        self.migrated_url = migrated_url
        self.created_url = created_url


@pytest.fixture(params=DATABASES)
def pair(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> Iterator[Pair]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            urls = [
                databases.sqlite_database(tmp_path / f"{name}.sqlite3") for name in ("migrated", "created")
            ]
        else:
            server = request.getfixturevalue("postgres")
            urls = [
                stack.enter_context(databases.postgres_database(server, f"{name}_{worker_id}"))
                for name in ("migrated", "created")
            ]
        yield Pair(*urls)


@pytest.fixture
def migrating(pair: Pair, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(make_config(pair.migrated_url, tmp_path))
    with app.app_context():
        yield app
        db.engine.dispose()


def test_migrations_give_what_the_models_describe(pair: Pair, migrating: Flask) -> None:
    databases.create_schema(pair.created_url)

    upgrade()

    assert shape(pair.migrated_url) ^ shape(pair.created_url) == set()


def test_migrations_can_be_undone_and_done_again(pair: Pair, migrating: Flask) -> None:
    upgrade()

    downgrade(revision="base")

    assert shape(pair.migrated_url) == set()
    upgrade()
    assert shape(pair.migrated_url)


def shape(url: str) -> set[str]:
    """Every column, key, index and check as the database itself tells them, a line each."""
    engine = create_engine(url)
    try:
        inspector = inspect(engine)
        tables = [name for name in inspector.get_table_names() if name != "alembic_version"]
        return {f"{table}: {line}" for table in tables for line in _table_lines(inspector, table)}
    finally:
        engine.dispose()


def _table_lines(inspector: Inspector, table: str) -> Iterator[str]:
    for column in inspector.get_columns(table):
        yield f"column {column['name']} {column['type']} {'null' if column['nullable'] else 'not null'}"
    yield f"primary key {inspector.get_pk_constraint(table)}"
    for unique in inspector.get_unique_constraints(table):
        yield f"unique {unique['name']} {unique['column_names']}"
    for key in inspector.get_foreign_keys(table):
        yield f"foreign key {key['name']} {key['constrained_columns']} to {key['referred_table']} {key['options']}"
    for check in inspector.get_check_constraints(table):
        yield f"check {check['name']} {check['sqltext']}"
    for index in inspector.get_indexes(table):
        options = {name: str(option) for name, option in index.get("dialect_options", {}).items()}
        yield f"index {index['name']} {index['column_names']} unique={index['unique']} {options}"


def test_a_desk_in_use_keeps_its_clocks_through_the_second_migration(pair: Pair, migrating: Flask) -> None:
    upgrade(revision="0001")
    kept = clocks_of_the_first_desk(pair.migrated_url)

    upgrade(revision="0002")

    with rows_of(pair.migrated_url) as read:
        assert [dict(row) for row in read("SELECT id, cycle, matter_number FROM timers")] == kept
        assert read("SELECT count(*) AS n FROM timer_entries")[0]["n"] == 1
        assert read("SELECT count(*) AS n FROM breach_reviews WHERE corrected_note = ''")[0]["n"] == 1
        assert read("SELECT correction_owner_id FROM breach_reviews")[0]["correction_owner_id"] == 1
        timer = read("SELECT severity, is_urban, escalate_to FROM timers")[0]
        assert (timer["severity"], bool(timer["is_urban"]), timer["escalate_to"]) == ("injury", True, "[]")
        steps = {row["step"] for row in read("SELECT step FROM service_levels")}
        assert steps == {"survey", "ctpl_document_list", "ctpl_decision"}
        assert read("SELECT name FROM breach_causes WHERE code = 'late_handover'")[0]["name"] == "移交过晚"


def test_an_empty_desk_gets_no_level_from_a_migration(pair: Pair, migrating: Flask) -> None:
    upgrade()

    with rows_of(pair.migrated_url) as read:
        assert read("SELECT count(*) AS n FROM service_levels")[0]["n"] == 0


@contextmanager
def rows_of(url: str) -> Iterator[Callable[[str], list[Any]]]:
    """Ask a database in plain SQL."""
    engine = create_engine(url)
    with engine.connect() as connection:
        yield lambda statement: list(connection.execute(text(statement)).mappings())
    engine.dispose()


def clocks_of_the_first_desk(url: str) -> list[dict[str, object]]:
    """One claim with a broken, reviewed clock, in the tables of the first migration."""
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
        insert("calendar_versions", digest="d")
        insert("service_levels", step="survey", target_unit="minutes", calendar_code="24x7")
        insert("vehicles", id=1, account_id=1, branch_id=1, use_class="coach", state="operating")
        insert(
            "claims",
            id=7,
            account_id=1,
            branch_id=1,
            vehicle_id=1,
            state="reported",
            channel="phone",
            injured_count=2,
            is_urban=True,
            reported_by_id=1,
            owner_id=1,
        )
        insert(
            "timers",
            id=3,
            account_id=1,
            branch_id=1,
            matter_kind="claim",
            matter_id=7,
            matter_number="CLM-2026-000007",
            step="survey",
            level_id=1,
            target_unit="minutes",
            calendar_digest="d",
            holder_id=1,
            state="breached",
        )
        insert("timer_entries", id=1, timer_id=3, kind="start", holder_id=1)
        insert("sla_events", id=1, timer_id=3, kind="breach")
        insert("breach_reviews", id=1, timer_id=3, responsible_id=1, signed_by_id=1)
    engine.dispose()
    return [{"id": 3, "cycle": 0, "matter_number": "CLM-2026-000007"}]


def filler(column: Column[Any]) -> object:
    """Something that fits a column nobody asks about."""
    kind = column.type.python_type
    moments = {datetime: datetime(2026, 11, 23), date: date(2026, 11, 23)}
    return moments[kind] if kind in moments else kind()
