"""Statements built once and asked again with other values: most take longer to build than the database to answer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache, wraps
from inspect import signature
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnClause,
    Date,
    Result,
    Select,
    String,
    bindparam,
    literal_column,
)
from sqlalchemy.types import TypeEngine

from service_desk.models.db import UtcDateTime, db

P = ParamSpec("P")
S = TypeVar("S", bound=Select[Any])
Values = dict[str, Any]

_TYPES: Mapping[type, TypeEngine[Any]] = {datetime: UtcDateTime(), date: Date(), int: BigInteger()}
# More than there are with all their usual shapes; what is asked seldom is built anew.
_MOST_KEPT = 2_000


class Outlined(ABC):
    """An argument of several values: it names them, and makes what stands in for it of their placeholders."""

    @abstractmethod
    def outline_values(self) -> Values: ...

    @classmethod
    @abstractmethod
    def outline(cls, places: Values) -> Any: ...


@dataclass(frozen=True)
class Question(Generic[S]):
    """A statement with the values it is asked with."""

    statement: S
    values: Values

    def rows(self, **more: Any) -> Result[Any]:
        """Rows of plain values; `more` are values for the statement's own placeholders.

        Past the session, which would look for objects in each result; it writes what waits in it first, as it always does.
        """
        db.session.flush()
        return db.session.connection().execute(self.statement, self.values | more)

    def many(self) -> Iterator[Any]:
        """The same of a long answer, taken by the thousand: row by row costs more."""
        for some in self.rows().partitions(1_000):
            yield from some

    def scalar(self, **more: Any) -> Any:
        """The first value of the first row; None when there is none."""
        return self.rows(**more).scalar()

    def objects(self) -> Result[Any]:
        """Rows of the session's objects."""
        return db.session.execute(self.statement, self.values)


def built_once(build: Callable[P, S]) -> Callable[P, Question[S]]:
    """Build a statement once for all values, and once for each other shape of what is asked.

    Instants, days and whole numbers among the arguments, alone, in tuples or in what is `Outlined`, are values: `build`
    gets placeholders and may compare them in SQL alone. Whatever is worked out of a value in Python is an argument of
    its own. All other arguments are the shape, and hashable: None, flags, members of enums.
    """
    names = tuple(signature(build).parameters)

    @wraps(build)
    def ask(*args: P.args, **kwargs: P.kwargs) -> Question[S]:
        values: Values = {}
        given = (*zip(names, args, strict=False), *sorted(kwargs.items()))
        shape = tuple((name, _shape_of(value, f"asked_{name}", values)) for name, value in given)
        return Question(_built(build, shape), values)

    return ask


def constants(members: Iterable[StrEnum]) -> list[ColumnClause[str]]:
    """Members of an enum for an IN, written into the statement: a list of bound values is taken apart at each asking."""
    return [literal_column(f"'{member.value}'", String()) for member in members]


class _Shape(Protocol):
    def stand_in(self) -> Any: ...


class _Same(NamedTuple):
    """An argument as it is."""

    value: Any

    def stand_in(self) -> Any:
        return self.value


class _Place(NamedTuple):
    """Where a value goes."""

    name: str
    kind: type

    def stand_in(self) -> Any:
        return bindparam(self.name, type_=_TYPES[self.kind])


class _Several(NamedTuple):
    """Where the values of a tuple go."""

    parts: tuple[_Shape, ...]

    def stand_in(self) -> Any:
        return tuple(part.stand_in() for part in self.parts)


class _Outline(NamedTuple):
    """Where the values of an outlined argument go."""

    kind: type[Outlined]
    parts: tuple[tuple[str, _Shape], ...]

    def stand_in(self) -> Any:
        return self.kind.outline({name: part.stand_in() for name, part in self.parts})


def _shape_of(value: Any, name: str, values: Values) -> _Shape:
    """The shape of an argument; its values are noted under the names of their places."""
    if type(value) in _TYPES:
        values[name] = value
        return _Place(name, type(value))
    if isinstance(value, Outlined):
        parts = value.outline_values().items()
        return _Outline(
            type(value), tuple((key, _shape_of(part, f"{name}_{key}", values)) for key, part in parts)
        )
    if type(value) is tuple:
        return _Several(
            tuple(_shape_of(part, f"{name}_{number}", values) for number, part in enumerate(value))
        )
    return _Same(value)


@lru_cache(maxsize=_MOST_KEPT)
def _built(build: Callable[..., S], shape: tuple[tuple[str, _Shape], ...]) -> S:
    return build(**{name: part.stand_in() for name, part in shape})
