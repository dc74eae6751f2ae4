"""Forms about clocks: pausing, promising, working calendars."""

from flask_babel import lazy_gettext as _l
from wtforms import (
    FileField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from service_desk.forms.fields import DayField, Form, YuanField, optional_id
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import TargetUnit
from service_desk.services.sla.levels import LevelConditions, LevelTerms

# Selects get their choices from the page, which knows the reader's language and the account's people.
MAX_PROSE = 2000


class PauseForm(Form):
    reason = SelectField(_l("Reason"), [InputRequired()], choices=[])
    note = TextAreaField(_l("Note"), [InputRequired(), Length(max=MAX_PROSE)])
    evidence = FileField(_l("Paper that proves it"))


class TermsForm(Form):
    """What is promised from a day on; of an existing level its conditions stay."""

    target_value = IntegerField(_l("Target"), [InputRequired(), NumberRange(min=0, max=10_000)])
    target_unit = SelectField(_l("Unit"), [InputRequired()], choices=[])
    calendar_code = SelectField(_l("Calendar"), [InputRequired()], choices=[])
    warn_percent = IntegerField(
        _l("Warn when this percentage is used"), [InputRequired(), NumberRange(min=1, max=100)], default=75
    )
    escalate_after = IntegerField(
        _l("Escalate after the due time (working minutes)"), [Optional(), NumberRange(min=1, max=100_000)]
    )
    source = StringField(_l("Source"), [Length(max=200)])
    effective_on = DayField(_l("In force from"), [InputRequired()])
    version = IntegerField(widget=HiddenInput(), default=0)

    def terms(self) -> LevelTerms:
        """What was typed, for `services.sla.levels`."""
        return LevelTerms(
            target_value=self.target_value.data or 0,
            target_unit=TargetUnit(self.target_unit.data),
            warn_percent=self.warn_percent.data or 0,
            calendar_code=self.calendar_code.data or "",
            source=(self.source.data or "").strip(),
            effective_on=self.effective_on.data,
            escalate_after_minutes=(self.escalate_after.data,) if self.escalate_after.data else (),
        )


class LevelForm(TermsForm):
    """A new promise with its conditions."""

    step = SelectField(_l("Step"), [InputRequired()], choices=[])
    account_id = SelectField(_l("Account"), choices=[], coerce=optional_id)
    where = RadioField(_l("Place of the accident"), choices=[], default="")
    amount_from = YuanField(_l("Amount over (yuan)"))
    amount_to = YuanField(_l("Amount up to (yuan)"))

    def conditions(self) -> LevelConditions:
        """For which matters, for `services.sla.levels`."""
        return LevelConditions(
            step=ClockStep(self.step.data),
            account_id=self.account_id.data,
            is_urban={"urban": True, "elsewhere": False}.get(self.where.data or ""),
            amount_from_fen=self.amount_from.fen,
            amount_to_fen=self.amount_to.fen,
        )


class EndForm(Form):
    """The day from which a promise holds no more."""

    ends_on = DayField(_l("Ends on"), [InputRequired()])
    version = HiddenField(default="0")
