"""Forms of the work log: an entry, the filter, a target."""

from datetime import UTC, date, datetime

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length

from service_desk.forms.fields import (
    Form,
    MomentField,
    PlainForm,
    RadioField,
    SelectField,
    member,
    optional_id,
    small_number,
)
from service_desk.rules.permissions import Role
from service_desk.rules.work_log import WorkKind
from service_desk.services.relations.targets import TargetWanted
from service_desk.services.relations.work import NewEntry

EVERYBODY = "everybody"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class EntryForm(Form):
    """Work as typed; choices come from the page."""

    kind = RadioField(_l("Kind"), choices=[], default=WorkKind.VISIT.value)
    at = MomentField(_l("When"), [InputRequired()])
    minutes = IntegerField(_l("Minutes taken"), [InputRequired()])
    branch_id = SelectField(_l("Branch"), choices=[], coerce=optional_id)
    met = StringField(_l("Person met"), [Length(max=200)])
    note = StringField(_l("What it was about"), [InputRequired(), Length(max=200)])
    about = StringField(_l("Claim, contact or meeting"), [Length(max=64)])

    def entry(self) -> NewEntry:
        """What was typed, for `services.relations.work`."""
        return NewEntry(
            kind=member(WorkKind, self.kind.data) or WorkKind.VISIT,
            at=self.at.at or _LONG_AGO,
            minutes=self.minutes.data or 0,
            branch_id=self.branch_id.data,
            met=self.met.data or "",
            note=self.note.data or "",
            about=self.about.data or "",
        )


class WorkFilterForm(PlainForm):
    month = StringField(_l("Month"))
    who = SelectField(_l("Person"), validate_choice=False)
    kind = SelectField(_l("Kind"), validate_choice=False)
    branch = SelectField(_l("Branch"), validate_choice=False)


def month_typed(text: str | None, today: date) -> date:
    """The first day of a month as `2026-11`; nonsense means this month."""
    year, _dash, month = (text or "").partition("-")
    number, place = small_number(year, digits=4), small_number(month, digits=2)
    if number is None or place is None or not (2000 <= number <= 2999 and 1 <= place <= 12):
        return today.replace(day=1)
    return date(number, place, 1)


class TargetForm(Form):
    """How much is wanted of a role or of one person: `role:claims` or `user:7`."""

    whose = SelectField(_l("Of whom"), choices=[])
    kind = SelectField(_l("Kind"), choices=[])
    month = StringField(_l("From the month"), [InputRequired(), Length(max=7)])
    times = IntegerField(_l("How often a month"), [InputRequired()])

    def wanted(self, today: date) -> TargetWanted:
        """What was typed, for `services.relations.targets`."""
        what, _colon, code = (self.whose.data or "").partition(":")
        return TargetWanted(
            role=member(Role, code) if what == "role" else None,
            user_id=small_number(code) if what == "user" else None,
            kind=member(WorkKind, self.kind.data) or WorkKind.VISIT,
            from_on=month_typed(self.month.data, today),
            times=self.times.data if self.times.data is not None else -1,
        )
