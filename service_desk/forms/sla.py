"""Forms about clocks: pausing."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from wtforms import FileField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from service_desk.forms.fields import Form, MomentField, SelectField

# Selects get their choices from the page, which knows the reader's language and the account's people.
MAX_PROSE = 2000
_MINUTE = timedelta(minutes=1)


class PauseForm(Form):
    reason = SelectField(_l("Reason"), [InputRequired()], choices=[])
    at = MomentField(_l("Since when"), [Optional()])
    note = TextAreaField(_l("Note"), [InputRequired(), Length(max=MAX_PROSE)])
    evidence = FileField(_l("Paper that proves it"))

    def since(self, now: datetime) -> datetime | None:
        """When it began; None for now, and for the minute that is now: times are typed to the minute."""
        at = self.at.at
        return None if at is None or at <= now < at + _MINUTE else at
