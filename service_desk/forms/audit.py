"""The filter of the audit trail."""

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import Length, Optional

from service_desk.forms.fields import BaseForm, DayField, SelectField
from service_desk.services.audit import TrailFilter


class TrailForm(BaseForm):
    """A GET form: the filter stands in the address, so a view can be bookmarked and sent."""

    class Meta:
        csrf = False

    action = SelectField(_l("What"), choices=[], validate_choice=False)
    label = StringField(_l("Number, plate or name"), [Length(max=100)])
    from_on = DayField(_l("From"), [Optional()])
    to_on = DayField(_l("To"), [Optional()])

    def wanted(self, actor_id: int | None) -> TrailFilter:
        """The filter; a value that cannot be read is left out."""
        self.validate()
        return TrailFilter(
            actor_id=actor_id,
            action=self.action.data or None,
            label=(self.label.data or "").strip() or None,
            from_on=self.from_on.data,
            to_on=self.to_on.data,
        )
