"""Migrating an empty database gives exactly the tables the models describe, and can be undone."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import create_engine, inspect
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
