"""The question of a what-if: it stands in the address, so that an answer can be shared."""

from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, IntegerField, StringField
from wtforms.validators import InputRequired, Length, Optional, ValidationError
from wtforms.widgets import TextInput

from service_desk.forms.fields import BaseForm, DayField, SelectField, member, small_number
from service_desk.forms.sla_calendars import read_spans
from service_desk.forms.sla_compliance import days_refused
from service_desk.rules.calendar.hours import WEEKDAYS
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.periods import Period
from service_desk.rules.sla import Target, TargetUnit
from service_desk.rules.vocabulary import Severity
from service_desk.services.sla.compliance import NOT_SAID, ComplianceFilter
from service_desk.services.sla.what_if import Question

MOST = 10_000
# Which field says the hours of a weekday.
HOURS_FIELDS = {**dict.fromkeys(WEEKDAYS[:5], "workdays"), "sat": "saturday", "sun": "sunday"}


class WhatIfForm(BaseForm):
    """A GET form. Selects get their choices from the page."""

    class Meta:
        csrf = False

    step = SelectField(_l("Step"), [InputRequired()], choices=[])
    level = SelectField(_l("Service level"), choices=[], default="")
    from_on = DayField(_l("From"), [InputRequired()])
    to_on = DayField(_l("To"), [InputRequired()])
    branch = SelectField(_l("Branch"), choices=[], default="")
    severity = SelectField(_l("People hurt or not"), choices=[], default="")
    zone = SelectField(_l("Place of the accident"), choices=[], default="")
    # A number field of the browser would not show again what is no number.
    target_value = IntegerField(_l("Other target"), [Optional()], widget=TextInput())
    target_unit = SelectField(_l("Unit"), choices=[])
    calendar = SelectField(_l("Other calendar"), choices=[], default="")
    workdays = StringField(_l("Other hours, Monday to Friday"), [Length(max=100)])
    saturday = StringField(_l("Other hours on Saturday"), [Length(max=100)])
    sunday = StringField(_l("Other hours on Sunday"), [Length(max=100)])

    def validate_target_value(self, field: Field) -> None:
        """A target nobody would promise is a slip of the finger."""
        if field.data is not None and not 0 <= field.data <= MOST:
            raise ValidationError(_("Enter a number from 0 to %(most)s.", most=f"{MOST:,}"))

    def validate_to_on(self, field: Field) -> None:
        """The days must make a period a page can show."""
        if isinstance(self.from_on.data, date) and isinstance(field.data, date):
            refused = days_refused(self.from_on.data, field.data)
            if refused:
                raise ValidationError(refused)

    def question(self, account_id: int) -> Question:
        """What was asked, for `services.sla.what_if`; Invalid("target_too_short") for a target of nothing."""
        severity = self.severity.data
        return Question(
            of=ComplianceFilter(
                account_id=account_id,
                period=Period(self.from_on.data, self.to_on.data),
                step=member(ClockStep, self.step.data),
                branch_id=small_number(self.branch.data),
                severity=NOT_SAID if severity == NOT_SAID else member(Severity, severity),
                zone_code=self.zone.data or None,
            ),
            level_id=small_number(self.level.data),
            target=None
            if self.target_value.data is None
            else Target(self.target_value.data, TargetUnit(self.target_unit.data)),
            calendar_code=self.calendar.data or None,
            week={name: spans for name in WEEKDAYS if (spans := read_spans(self[HOURS_FIELDS[name]].data))},
        )

    def field_for(self, name: str | None) -> Any:
        """The field a refusal belongs to; hours are refused by weekday. None for the whole form."""
        return self._fields.get(HOURS_FIELDS.get(name or "", name or ""))
