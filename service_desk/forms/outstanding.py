"""Forms about lists of outstanding claims."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import IntegerField
from wtforms.validators import InputRequired
from wtforms.widgets import HiddenInput

from service_desk.forms.columns import chosen_columns
from service_desk.forms.fields import Form, small_number
from service_desk.rules.outstanding_columns import Field
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
    return chosen_columns(mapping, sent, Field)


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
