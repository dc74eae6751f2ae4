"""Forms of hand-overs: several at once, and how long an answer may take."""

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from service_desk.forms.fields import CheckboxesField, Form, SelectField, optional_id
from service_desk.services.enquiries.unanswered import Hours


class HoursForm(Form):
    remind = IntegerField(_l("Tell who was asked again after hours"), [InputRequired(), NumberRange(1, 336)])
    tell_managers = IntegerField(_l("Tell the managers after hours"), [InputRequired(), NumberRange(1, 336)])
    assign = IntegerField(
        _l("May be assigned without consent after hours"), [InputRequired(), NumberRange(1, 336)]
    )

    def hours(self) -> Hours:
        """What was typed, for `services.enquiries.unanswered`."""
        return Hours(self.remind.data or 0, self.tell_managers.data or 0, self.assign.data or 0)


class LeavingForm(Form):
    """Matters of a leaver offered to colleagues, or assigned to one; the choices are set by the page."""

    to_ids = CheckboxesField(_l("Offer to"), choices=[], coerce=int)
    note = StringField(_l("Note"), [Length(max=200)])
    to_id = SelectField(_l("Assign to"), choices=[], coerce=optional_id)
    reason = StringField(_l("Reason"), [Length(max=200)])
