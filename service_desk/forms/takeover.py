"""Forms about lists of policies to take over."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from service_desk.forms.columns import chosen_columns
from service_desk.forms.fields import Form, small_number
from service_desk.rules.policy_list import Field
from service_desk.services.policies.takeover.importing import Said


class PolicyListForm(Form):
    file = FileField(_l("List of policies (.xlsx, .xls, .csv or .txt)"), [InputRequired()])


class TakeOverForm(Form):
    """Confirms a dry run; the reason is needed when the file's own totals differ."""

    version = IntegerField(widget=HiddenInput(), default=0)
    reason = StringField(_l("Why it is taken over with this difference"), [Length(max=200)])


def column_choices(
    mapping: Sequence[Mapping[str, Any]], sent: Mapping[str, str]
) -> dict[str | None, dict[Field, int | None]]:
    """The fields a person gave the columns of each sheet; Invalid when two columns are given the same."""
    return chosen_columns(mapping, sent, Field)


def answers(sent: Mapping[str, str], add: Sequence[str], ours: Sequence[str]) -> Said:
    """The answers to a list's questions, sent as `is-<row id>` yes or no, with the vehicles and names ticked."""
    is_meant = {}
    for key, value in sent.items():
        row_id = small_number(key.removeprefix("is-"), digits=18) if key.startswith("is-") else None
        if row_id is not None and value in {"yes", "no"}:
            is_meant[row_id] = value == "yes"
    return Said(is_meant, tuple(add), tuple(ours))
