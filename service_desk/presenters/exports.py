"""What lists that leave the desk as files have in common: the line with the filter, and personal data as one may see it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from flask_babel import gettext as _

from service_desk.adapters.spreadsheets import Column, TableSheet, Value
from service_desk.base.clock import CHINA
from service_desk.models.users import User
from service_desk.rules.permissions import Role
from service_desk.rules.personal_data import Personal, Whose, as_seen

T = TypeVar("T")
Getter = Callable[[T], Value]


def filter_note(chosen: Iterable[tuple[str, str]]) -> str:
    """The filter of a list in one line, for its spreadsheet."""
    return " · ".join(what + _(": ") + choice for what, choice in chosen) or _("no filter")


def as_of(now: datetime) -> str:
    """When the list was read."""
    return _("As of %(time)s", time=f"{now.astimezone(CHINA):%Y-%m-%d %H:%M}")


def person(user: User | None) -> str:
    """Somebody of either side, as every page names them."""
    return f"{user.name} {user.staff_no}" if user else ""


def personal(value: str | None, reader: Role, what: Personal, whose: Whose) -> str:
    """A value that says something of a person, as the reader may take it out."""
    return as_seen(value or "", reader, what, whose)


def table(
    title: str, fields: Sequence[tuple[Column, Getter[T]]], rows: Iterable[T], now: datetime
) -> TableSheet:
    """A list as a sheet: each field a column and what stands in it. Rows are taken one by one."""
    return TableSheet(
        name=title,
        title=title,
        columns=[column for column, _value in fields],
        rows=([value(row) for _column, value in fields] for row in rows),
        notes=[as_of(now)],
    )
