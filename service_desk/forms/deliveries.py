"""Forms of delivery runs."""

from datetime import datetime

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import (
    DayField,
    Form,
    MomentField,
    SelectMultipleField,
    member,
    optional_id,
    small_number,
)
from service_desk.models.deliveries import PaperKind
from service_desk.services.policies.delivery.runs import HandOver, Paper, RunCommand


def _paper(text: object) -> Paper | None:
    kind, _, id_ = str(text).partition("-")
    number, known = small_number(id_, digits=18), member(PaperKind, kind)
    return (known, number) if known and number is not None else None


class RunForm(Form):
    """A run to a branch; what it brings is ticked in the list, or all of it with `everything`."""

    papers = SelectMultipleField(_l("Papers"), coerce=_paper, validate_choice=False)
    planned_on = DayField(_l("Planned for"), [InputRequired()])
    carried_by = StringField(_l("Carried by"), [InputRequired(), Length(max=64)])

    def command(self, branch_id: int, *, everything: bool) -> RunCommand:
        """The run, for `services.policies.delivery.runs`."""
        ticked = tuple(one for one in self.papers.data or () if one)
        return RunCommand(
            branch_id=branch_id,
            planned_on=self.planned_on.data,
            carried_by=self.carried_by.data or "",
            papers=None if everything else ticked,
        )


class HandOverForm(Form):
    """What happened at the branch."""

    signed_by = StringField(_l("Signed for by"), [Length(max=64)])
    signed_position = StringField(_l("Position"), [Length(max=64)])
    signed_at = MomentField(_l("Signed on"), [InputRequired()])
    photo = FileField(_l("Photo of the signed sheet"))
    came_back = SelectMultipleField(_l("Came back"), coerce=optional_id, validate_choice=False)
    note = StringField(_l("Note"), [Length(max=200)])
    back_reason = StringField(_l("Why it came back"), [Length(max=200)])

    def command(self, now: datetime) -> HandOver:
        """The hand-over, for `services.policies.delivery.runs`."""
        return HandOver(
            signed_by=self.signed_by.data or "",
            signed_position=self.signed_position.data or "",
            signed_at=self.signed_at.at or now,
            note=self.note.data or "",
            brought_back={id_: self.back_reason.data or "" for id_ in self.came_back.data or () if id_},
        )


class DropForm(Form):
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])
