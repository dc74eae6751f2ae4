"""What many tests begin with, built once by the services and put back row by row for the tests after.

`once(key, build)` may be used wherever a test still stands on known rows: empty tables, or what an earlier
`once` left. The third test that asks for the same on the same ground gets the rows the second one's `build`
wrote, with the same ids, in a few milliseconds. Whoever has written anything else, by whatever way this
process writes, simply builds. So a `build` must hang on nothing but the rows before it and its key.
"""

import dataclasses
import threading
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from flask import current_app, has_request_context
from sqlalchemy import event, inspect
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import manager_of_class, set_committed_value
from sqlalchemy.orm.util import identity_key

from service_desk.models.db import db
from tests import databases
from tests.databases import Rows

T = TypeVar("T")
Ground = tuple[Hashable, ...]

_READS = ("SELECT", "PRAGMA", "BEGIN", "SET", "SHOW", "SAVEPOINT", "RELEASE", "ROLLBACK")


class _Row(NamedTuple):
    """Where an object of the models is found again."""

    model: type
    primary_key: tuple[Any, ...]


class _Kept(NamedTuple):
    """The tables a build changed, as it left them, and what it returned."""

    rows: dict[str, Rows]
    result: Any


class Standing:
    """What is known of one database's rows, and what was kept of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = databases.engine_without_foreign_keys(engine)
        self._ground: Ground | None = None
        self._asked: set[Ground] = set()
        self._kept: dict[Ground, _Kept] = {}
        event.listen(engine, "after_cursor_execute", self._notice)

    def close(self) -> None:
        self._engine.dispose()

    def empty(self) -> None:
        """Delete every row: firm ground again."""
        databases.empty_all_tables(self._engine)
        self._ground = ()

    def once(self, key: Hashable, build: Callable[[], T], *, is_common: bool) -> T:
        """See `once` below."""
        session = db.session()
        if self._ground is None or session.new or session.dirty or session.deleted or not _can_be_key(key):
            return build()
        goal = (*self._ground, key)
        session.commit()
        if goal in self._kept:
            databases.put_back(self._engine, self._kept[goal].rows)
            self._ground = goal
            result: T = _found_again(self._kept[goal].result, session)
            return result
        if goal not in self._asked and not is_common:
            self._asked.add(goal)
            return build()
        return self._build_and_keep(goal, build, session)

    def _build_and_keep(self, goal: Ground, build: Callable[[], T], session: Session) -> T:
        before = databases.all_rows(self._engine)
        result = build()
        session.commit()
        after = databases.all_rows(self._engine)
        changed = {name: rows for name, rows in after.items() if before.get(name) != rows}
        assert before.keys() <= after.keys(), "a build that empties a table cannot be kept"
        self._kept[goal] = _Kept(changed, _placed(result))
        self._ground = goal
        return result

    def _notice(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith(_READS):
            self._ground = None


def once(key: Hashable, build: Callable[[], T], *, is_common: bool = False) -> T:
    """Do what `build` does to the desk's rows and return what it returns, quickly when it was done before.

    What is costly and surely asked for again `is_common`: it is kept from the first time on.
    """
    standing = current_app.extensions.get("standing")
    if standing is None or has_request_context() or threading.current_thread() is not threading.main_thread():
        return build()
    done: T = standing.once(key, build, is_common=is_common)
    return done


def early(at: datetime) -> datetime:
    """The start of the instant's day in UTC: the same for a whole run, for what only notes when it was made."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def kept(function: Callable[..., T]) -> Callable[..., T]:
    """The function, done `once` for the same arguments."""

    def done(*args: Any, **values: Any) -> T:
        key = (function.__qualname__, args, tuple(sorted(values.items())))
        return once(key, lambda: function(*args, **values))

    return done


def _can_be_key(key: Hashable) -> bool:
    """A tuple may hold a list."""
    try:
        hash(key)
    except TypeError:
        return False
    return True


def _placed(result: Any) -> Any:
    """The result with the place of each row instead of the row."""
    if hasattr(result, "_sa_instance_state"):
        return _Row(type(result), tuple(inspect(result).identity))
    if isinstance(result, tuple):
        return tuple(_placed(each) for each in result)
    if isinstance(result, dict):
        return {key: _placed(value) for key, value in result.items()}
    if dataclasses.is_dataclass(result):
        values = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
        return type(result), {name: _placed(value) for name, value in values.items()}
    return result


def _found_again(result: Any, session: Session) -> Any:
    if isinstance(result, _Row):
        return _object(result, session)
    if isinstance(result, dict):
        return {key: _found_again(value, session) for key, value in result.items()}
    if isinstance(result, tuple) and result and dataclasses.is_dataclass(result[0]):
        made, values = result
        return made(**{name: _found_again(value, session) for name, value in values.items()})
    if isinstance(result, tuple):
        return tuple(_found_again(each, session) for each in result)
    return result


def _object(row: _Row, session: Session) -> Any:
    """The row's object, as a commit leaves it: attached, and read when it is first looked at."""
    known = session.identity_map.get(identity_key(row.model, row.primary_key))
    if known is not None:
        return known
    made = manager_of_class(row.model).new_instance()
    for column, value in zip(inspect(row.model).primary_key, row.primary_key, strict=True):
        set_committed_value(made, inspect(row.model).get_property_by_column(column).key, value)
    make_transient_to_detached(made)
    session.add(made)
    return made
