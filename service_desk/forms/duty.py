"""Forms of the duty roster."""

from datetime import UTC, datetime, time

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, StringField, TimeField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from service_desk.forms.fields import CheckboxesField, DayField, Form, MomentField, SelectField, optional_id
from service_desk.rules.duty import DutyHours, DutyKind
from service_desk.services.duty.planning import Plan, ShiftDetails

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class PlanForm(Form):
    """A plan in turns; people and calendars are set by the page."""

    from_on = DayField(_l("From day"), [InputRequired()])
    to_on = DayField(_l("To day"), [InputRequired()])
    people = CheckboxesField(_l("Who takes turns"), choices=[], coerce=int)
    begins = TimeField(_l("Nights begin at"), [InputRequired()], default=time(17, 30))
    ends = TimeField(_l("Nights end at"), [InputRequired()], default=time(8, 30))
    calendar_code = SelectField(_l("Working calendar"), choices=[])
    replaces = BooleanField(_l("Plan these days anew"))

    def command(self) -> Plan:
        """What was typed, for `services.duty.planning`."""
        return Plan(
            from_on=self.from_on.data,
            to_on=self.to_on.data,
            people=tuple(self.people.data or ()),
            hours=DutyHours(self.begins.data, self.ends.data),
            calendar_code=self.calendar_code.data or "",
            replaces=bool(self.replaces.data),
        )


class ShiftForm(Form):
    """One shift; people and kinds are set by the page."""

    user_id = SelectField(_l("Person"), [InputRequired()], choices=[], coerce=optional_id)
    kind = SelectField(_l("Kind"), [InputRequired()], choices=[])
    from_at = MomentField(_l("Begins at"), [InputRequired()])
    to_at = MomentField(_l("Ends at"), [InputRequired()])
    note = StringField(_l("Note"), [Length(max=200)])
    version = IntegerField(widget=HiddenInput(), default=0)

    def details(self) -> ShiftDetails:
        """What was typed, for `services.duty.planning`."""
        return ShiftDetails(
            user_id=self.user_id.data or 0,
            kind=DutyKind(self.kind.data),
            from_at=self.from_at.at or _LONG_AGO,
            to_at=self.to_at.at or _LONG_AGO,
            note=self.note.data or "",
        )


class SwapForm(Form):
    """One's own shift offered: `other` is `user:<id>` for nothing in return, or `shift:<id>`."""

    other = SelectField(_l("Offer it to"), [InputRequired()], choices=[])
    note = StringField(_l("Note"), [Length(max=200)])
