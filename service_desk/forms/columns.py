"""The columns of a client's list, as a person corrected what was guessed."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from service_desk.base.errors import Invalid

F = TypeVar("F", bound=StrEnum)


def chosen_columns(
    mapping: Sequence[Mapping[str, Any]], sent: Mapping[str, str], fields: type[F]
) -> dict[str | None, dict[F, int | None]]:
    """The fields a person gave the columns of each sheet, sent as `column-<sheet>-<column>`.

    Invalid when two columns of a sheet are given the same field. A sheet that was not sent keeps its columns.
    """
    choices: dict[str | None, dict[F, int | None]] = {}
    for index, sheet in enumerate(mapping):
        columns: dict[F, int | None] = dict.fromkeys(fields)
        for column in range(len(sheet["headings"])):
            default = next((name for name, at in sheet["columns"].items() if at == column), "")
            chosen = sent.get(f"column-{index}-{column}", default)
            if chosen not in set(fields):
                continue
            if columns[fields(chosen)] is not None:
                raise Invalid("column_twice", sheet=sheet["sheet"] or "—", name=chosen)
            columns[fields(chosen)] = column
        choices[sheet["sheet"]] = columns
    return choices
