"""Forms about a clock's life: objecting to a pause, deciding that, putting a time right; and about absences."""

from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import FileField, HiddenField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import HiddenInput

from service_desk.forms.fields import DayField, Form, MomentField, SelectField, is_possible, optional_id
from service_desk.forms.sla import MAX_PROSE
from service_desk.models.sla import AbsenceKind
from service_desk.services.sla.absences import PlanAbsence
from service_desk.services.sla.corrections import Correction

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class SecondField(MomentField):
    """A local date and time to the second."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.format = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]


class ObjectionForm(Form):
    text = TextAreaField(_l("What you object to"), [InputRequired(), Length(max=MAX_PROSE)])


class DecisionForm(Form):
    """Whether it is upheld says the button that was pressed."""

    answer = TextAreaField(_l("Answer to the client"), [Length(max=MAX_PROSE)])
    version = IntegerField(widget=HiddenInput(), default=0)


class CorrectionForm(Form):
    at = SecondField(_l("True time"), [InputRequired()])
    reason = TextAreaField(_l("Why the recorded time is wrong"), [InputRequired(), Length(max=MAX_PROSE)])
    evidence = FileField(_l("Paper that proves it"), [InputRequired()])
    shown_at = HiddenField()

    def ask_only_time(self) -> None:
        """Let reason and paper be missing: who only looks what would change has them ready later."""
        self.reason.validators = self.evidence.validators = ()

    def correction(self, entry_id: int, evidence_id: int | None) -> Correction:
        """What was typed, for `services.sla.corrections`."""
        return Correction(
            entry_id=entry_id,
            shown_at=self._shown_at(),
            at=self.at.at or _LONG_AGO,
            reason=self.reason.data or "",
            evidence_id=evidence_id,
        )

    def _shown_at(self) -> datetime:
        """The time the page showed; a tampered one is as good as an old one."""
        try:
            shown = datetime.fromisoformat(self.shown_at.data or "")
        except ValueError:
            return _LONG_AGO
        return shown if shown.tzinfo and is_possible(shown) else _LONG_AGO


class AbsenceForm(Form):
    """The choices of people and kinds come from the page."""

    user_id = SelectField(_l("Who is away"), [InputRequired()], choices=[], coerce=optional_id)
    kind = SelectField(_l("Kind"), [InputRequired()], choices=[])
    from_at = MomentField(_l("Away from"), [InputRequired()])
    to_at = MomentField(_l("Back at"), [InputRequired()])
    repeats_until_on = DayField(_l("The same hours every day until"), [Optional()])
    substitute_id = SelectField(_l("Stand-in"), [InputRequired()], choices=[], coerce=optional_id)
    note = StringField(_l("Note"), [Length(max=200)])

    def command(self) -> PlanAbsence:
        """What was typed, for `services.sla.absences`."""
        return PlanAbsence(
            user_id=self.user_id.data or 0,
            # 0 is the roster; nothing chosen was refused by the field.
            substitute_id=self.substitute_id.data or None,
            kind=AbsenceKind(self.kind.data),
            from_at=self.from_at.at or _LONG_AGO,
            to_at=self.to_at.at or _LONG_AGO,
            repeats_until_on=self.repeats_until_on.data,
            note=self.note.data or "",
        )


class AbsenceEndForm(Form):
    to_at = MomentField(_l("Back at"), [InputRequired()])
    version = IntegerField(widget=HiddenInput(), default=0)


class StandInForm(Form):
    substitute_id = SelectField(_l("Stand-in"), [InputRequired()], choices=[], coerce=optional_id)
    version = IntegerField(widget=HiddenInput(), default=0)
