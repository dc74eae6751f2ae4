"""Forms about lists of outstanding claims."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import IntegerField
from wtforms.validators import InputRequired
from wtforms.widgets import HiddenInput

from service_desk.base.errors import Invalid
from service_desk.forms.fields import Form, small_number
from service_desk.forms.fleet import COLUMN_PREFIX
from service_desk.rules.outstanding_list import Field
from service_desk.services.claims.outstanding import Asked

UNDO = "undo"


class OutstandingListForm(Form):
    file = FileField(_l("List of outstanding claims (.xlsx, .xls, .csv or .txt)"), [InputRequired()])


class ReleaseForm(Form):
    """Sends the answer out; `version` is the list's as the page showed it."""

    version = IntegerField(widget=HiddenInput(), default=0)


def column_choices(
    mapping: Sequence[Mapping[str, Any]], sent: Mapping[str, str]
) -> dict[str | None, dict[Field, int | None]]:
    """The fields a person gave the columns of each sheet; Invalid when two columns are given the same."""
    choices: dict[str | None, dict[Field, int | None]] = {}
    for index, sheet in enumerate(mapping):
        columns: dict[Field, int | None] = dict.fromkeys(Field)
        for column in range(len(sheet["headings"])):
            default = next((name for name, at in sheet["columns"].items() if at == column), "")
            chosen = sent.get(f"{COLUMN_PREFIX}-{index}-{column}", default)
            if chosen not in set(Field):
                continue
            if columns[Field(chosen)] is not None:
                raise Invalid("column_twice", sheet=sheet["sheet"] or "—", name=chosen)
            columns[Field(chosen)] = column
        choices[sheet["sheet"]] = columns
    return choices


def answers(mapping: Sequence[Mapping[str, Any]], sent: Mapping[str, str]) -> Asked:
    """Which claims rows mean, sent as `answer-<sheet>-<row>`: a claim's id, 0 for none of ours, or `undo`."""
    found: dict[tuple[str | None, int], int | None] = {}
    for name, value in sent.items():
        parts = name.split("-")
        if len(parts) != 3 or parts[0] != "answer" or not value:
            continue
        sheet, row, claim_id = small_number(parts[1]), small_number(parts[2]), small_number(value, digits=18)
        if sheet is None or row is None or sheet >= len(mapping) or (claim_id is None and value != UNDO):
            continue
        found[mapping[sheet]["sheet"], row] = claim_id
    return Asked(found)
