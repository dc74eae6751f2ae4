"""The session, the declarative base and the column types every table shares."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, cast

from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Enum,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    TypeDecorator,
    event,
    literal,
)
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant. SQLite keeps no zone, so values are written as UTC and read back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """Plain JSON kept as text: the same on both databases and readable in either shell."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class days_later(FunctionElement[datetime]):  # noqa: N801 - reads as the function it is
    """An instant of a column and so many days, for comparing with another column in either database."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, at: Any, days: int) -> None:
        super().__init__(at, literal(days, Integer))


@compiles(days_later)
def _days_later(element: days_later, compiler: SQLCompiler, **kw: Any) -> str:
    at, days = (compiler.process(part, **kw) for part in element.clauses)
    return f"({at} + make_interval(days => {days}))"


@compiles(days_later, "sqlite")
def _days_later_in_sqlite(element: days_later, compiler: SQLCompiler, **kw: Any) -> str:
    # As instants are written there: six decimals of a second, of which SQLite's functions keep three.
    at, days = (compiler.process(part, **kw) for part in element.clauses)
    return f"(strftime('%Y-%m-%d %H:%M:%f000', {at}, {days} || ' days'))"


class days_apart(FunctionElement[bool]):  # noqa: N801 - reads as the function it is
    """Whether an instant comes more than so many days (one at least) after another; in SQLite to the millisecond.

    For counting over many rows: SQLite subtracts numbers here and writes no instant for each row, as `days_later` does.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, at: Any, since: Any, days: int) -> None:
        super().__init__(at, since, literal(days, Integer))


@compiles(days_apart)
def _days_apart(element: days_apart, compiler: SQLCompiler, **kw: Any) -> str:
    at, since, days = (compiler.process(part, **kw) for part in element.clauses)
    return f"({at} > {since} + make_interval(days => {days}))"


@compiles(days_apart, "sqlite")
def _days_apart_in_sqlite(element: days_apart, compiler: SQLCompiler, **kw: Any) -> str:
    at, since, days = (compiler.process(part, **kw) for part in element.clauses)
    # Half a millisecond of a day, so that what lies exactly so many days after is not taken for more.
    apart = f"julianday({at}) - julianday({since}) > {days} + 5e-9"
    # Mostly both are of one day, which costs half as much to see.
    return f"(substr({at}, 1, 10) > substr({since}, 1, 10) AND {apart})"


class whole_minute(FunctionElement[datetime]):  # noqa: N801 - reads as the function it is
    """The minute an instant lies in, for comparing with another such in either database."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(whole_minute)
def _whole_minute(element: whole_minute, compiler: SQLCompiler, **kw: Any) -> str:
    return f"date_trunc('minute', {compiler.process(element.clauses, **kw)})"


@compiles(whole_minute, "sqlite")
def _whole_minute_in_sqlite(element: whole_minute, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(strftime('%Y-%m-%d %H:%M', {compiler.process(element.clauses, **kw)}))"


def enum_type(kind: type[StrEnum]) -> Enum:
    """Store an enum's value (not its name) as text, guarded by a CHECK."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=40,
        name=kind.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
        validate_strings=True,
    )


Id = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)]
Instant = Annotated[datetime, mapped_column(UtcDateTime)]
Fen = Annotated[int, mapped_column(BigInteger)]
Short = Annotated[str, mapped_column(String(64))]
Line = Annotated[str, mapped_column(String(200))]
Prose = Annotated[str, mapped_column(Text)]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Versioned:
    """A row people edit: a write based on a stale version is refused (StaleDataError, answered as 409)."""

    version: Mapped[int] = mapped_column(default=1)


def table_of(model: type[Base]) -> Table:
    """The table behind a model, for one statement over many rows.

    The ORM leaves out what is None and checks versions row by row, so that it would send most rows singly.
    """
    return cast("Table", model.__table__)


class DeskSession(Session):
    """A session of the desk's one database, which it need not look for at each statement."""

    @cached_property
    def _engine(self) -> Engine:
        return self._db.engine

    def get_bind(
        self,
        mapper: Any | None = None,
        clause: Any | None = None,
        bind: Engine | Connection | None = None,
        **_more: Any,
    ) -> Engine | Connection:
        return self._engine if bind is None else bind


db = SQLAlchemy(model_class=Base, session_options={"class_": DeskSession}, disable_autonaming=True)


_SQLITE_SETTINGS = (
    "foreign_keys=ON",
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=15000",
    # Kibibytes a connection. By itself it keeps 2 MB, less than the counts of a queue of 10,000 open claims read.
    "cache_size=-16384",
)


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Set SQLite to keep foreign keys, to survive a power cut, to wait for a writer and to keep what lists read."""
    if not connection.__class__.__module__.startswith("sqlite3"):
        return
    cursor = connection.cursor()
    for pragma in _SQLITE_SETTINGS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # The driver must not begin transactions by itself: `begin_immediate` decides their kind.
    connection.isolation_level = None


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Any) -> None:
    """Begin SQLite transactions explicitly; a writer takes the lock at once, so it never loses work midway."""
    if connection.dialect.name == "sqlite":
        immediate = connection.get_execution_options().get("begin_immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def hold(statement: Select[Any], **values: Any) -> None:
    """Wait until nobody else holds the rows of a locking select, and hold them until the commit.

    SQLite has one writer at a time and knows no locks of rows: there nothing is asked.
    """
    if db.session.get_bind().dialect.name != "sqlite":
        db.session.execute(statement, values)


def read_standing_still() -> None:
    """Begin a reading that sees the database as it is now, in however many statements, until it ends.

    What was read before is let go first. SQLite's transactions see nothing else anyway.
    """
    db.session.rollback()
    if db.session.get_bind().dialect.name != "sqlite":
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Commit what the block writes, or nothing of it.

    What was only read before is let go first: a SQLite writer must begin its transaction as one, or it
    would lose to another writer halfway.
    """
    db.session.rollback()
    db.session.connection(execution_options={"begin_immediate": True})
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
