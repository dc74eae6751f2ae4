"""Forms about clocks: pausing, reviewing a breach, promising, working calendars."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
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

from service_desk.base.clock import local_date, start_of_day
from service_desk.forms.fields import DayField, Form, YuanField, optional_id, small_number
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import TargetUnit
from service_desk.services.sla import BreachCause, BreachFilter, BreachView, SignReview
from service_desk.services.sla.levels import LevelConditions, LevelTerms

# Selects get their choices from the page, which knows the reader's language and the account's people.
MAX_PROSE = 2000
PERIODS = (7, 30, 90)


class PauseForm(Form):
    reason = SelectField(_l("Reason"), [InputRequired()], choices=[])
    note = TextAreaField(_l("Note"), [InputRequired(), Length(max=MAX_PROSE)])
    evidence = FileField(_l("Paper that proves it"))


class ReviewForm(Form):
    cause = SelectField(_l("Cause"), [InputRequired()], choices=[])
    responsible_id = SelectField(_l("Person responsible"), [InputRequired()], choices=[])
    explanation = TextAreaField(_l("Explanation"), [InputRequired(), Length(max=MAX_PROSE)])
    correction = TextAreaField(_l("Correction"), [InputRequired(), Length(max=MAX_PROSE)])
    correction_due_on = DayField(_l("Correct by"), [InputRequired()])

    def command(self) -> SignReview:
        """What was typed, for `services.sla.sign_review`."""
        return SignReview(
            cause=BreachCause(self.cause.data),
            responsible_id=int(self.responsible_id.data),
            explanation=self.explanation.data or "",
            correction=self.correction.data or "",
            correction_due_on=self.correction_due_on.data,
        )


class BreachFilterForm(FlaskForm):
    """A GET form: the filter stands in the address, so a view can be bookmarked and sent."""

    class Meta:
        csrf = False

    step = SelectField(_l("Step"), choices=[], validate_choice=False)
    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    person = SelectField(_l("Handler"), choices=[], validate_choice=False)
    period = SelectField(_l("Period"), choices=[], validate_choice=False)

    def wanted(self, view: str, account_id: int, now: datetime) -> BreachFilter:
        """The filter; a value that cannot be read does not narrow."""
        days = int(self.period.data) if str(self.period.data) in {str(n) for n in PERIODS} else None
        since = start_of_day(local_date(now) - timedelta(days=days - 1)) if days else None
        return BreachFilter(
            view=BreachView(view) if view in set(BreachView) else BreachView.OPEN,
            account_id=account_id,
            step=ClockStep(self.step.data) if self.step.data in set(ClockStep) else None,
            branch_id=small_number(self.branch.data),
            holder_id=small_number(self.person.data),
            from_at=since,
        )


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
