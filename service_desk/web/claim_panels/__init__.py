"""Panels of a claim's page: a module here adds a card of its own, so that parts of a claim do not meet in one file.

A module says `COLUMN` and `ORDER` (smaller is higher) and has `read(file, user)`: what its template
`templates/claims/panels/<module>.html` shows as `panel`, or None when there is nothing to show to this person.
"""

from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from service_desk.models.users import User
from service_desk.services.claims.files import ClaimFile


class Column(StrEnum):
    """Where a panel stands: with the facts, under the time line, or beside the next step."""

    FACTS = "facts"
    LINE = "line"
    NEXT = "next"


@dataclass(frozen=True)
class Panel:
    template: str
    data: Any


def panels_of(file: ClaimFile, user: User) -> dict[str, list[Panel]]:
    """The panels this person sees, by column, from top to bottom."""
    modules = {one.name: import_module(f"{__name__}.{one.name}") for one in iter_modules(__path__)}
    shown: dict[str, list[Panel]] = {column.value: [] for column in Column}
    for name, module in sorted(modules.items(), key=lambda item: item[1].ORDER):
        data = module.read(file, user)
        if data is not None:
            shown[module.COLUMN].append(Panel(f"claims/panels/{name}.html", data))
    return shown
