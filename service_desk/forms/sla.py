"""Forms about clocks: pausing."""

from flask_babel import lazy_gettext as _l
from wtforms import FileField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import Form

# Selects get their choices from the page, which knows the reader's language and the account's people.
MAX_PROSE = 2000


class PauseForm(Form):
    reason = SelectField(_l("Reason"), [InputRequired()], choices=[])
    note = TextAreaField(_l("Note"), [InputRequired(), Length(max=MAX_PROSE)])
    evidence = FileField(_l("Paper that proves it"))
