"""Forms about breaches: the filters of the audit, the review, the correction reported done, the list of causes."""

from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, Field, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import HiddenInput

from service_desk.base.clock import local_date, start_of_day
from service_desk.forms.fields import (
    BaseForm,
    DayField,
    Form,
    SelectField,
    member,
    optional_id,
    small_number,
)
from service_desk.forms.sla import MAX_PROSE
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.vocabulary import Severity
from service_desk.services.sla.breaches import BreachFilter, BreachView, CorrectionState
from service_desk.services.sla.causes import CauseNames
from service_desk.services.sla.reviews import CorrectionAsked, SignReview

# Selects get their choices from the page, which knows the reader's language and the account's people.
NOBODY = "nobody"
MAX_CAUSE = 60
PERIODS = (7, 30, 90)


class ReviewForm(Form):
    """Why a promise was broken. Without a correction only when nobody of ours is responsible and the box says so."""

    cause = SelectField(_l("Cause"), [InputRequired()], choices=[])
    responsible_id = SelectField(_l("Person responsible"), [InputRequired()], choices=[])
    explanation = TextAreaField(_l("Explanation"), [InputRequired(), Length(max=MAX_PROSE)])
    needs_none = BooleanField(_l("No correction is needed"))
    correction = TextAreaField(_l("Correction"), [Length(max=MAX_PROSE)])
    correction_owner_id = SelectField(_l("Who corrects"), choices=[], coerce=optional_id)
    correction_due_on = DayField(_l("Correct by"), [Optional()])

    def validate(self, extra_validators: object = None) -> bool:
        """A correction has its words and its day, or the box is ticked: never both, never neither."""
        is_valid = bool(super().validate(extra_validators))
        text = (self.correction.data or "").strip()
        problems: list[tuple[Field, str]] = []
        if self.needs_none.data and text:
            problems.append((self.needs_none, _("Either describe a correction or tick that none is needed.")))
        if not self.needs_none.data:
            if not text:
                problems.append((self.correction, _("Say what is corrected.")))
            if self.correction_due_on.data is None and not self.correction_due_on.errors:
                problems.append((self.correction_due_on, _("Say by when.")))
        for field, words in problems:
            field.errors = [*field.errors, words]
        return is_valid and not problems

    def command(self) -> SignReview:
        """What was typed, for `services.sla.sign_review`."""
        nobody = self.responsible_id.data == NOBODY
        return SignReview(
            cause=self.cause.data,
            responsible_id=None if nobody else int(self.responsible_id.data),
            explanation=self.explanation.data or "",
            correction=None if self.needs_none.data else self._correction(),
        )

    def _correction(self) -> CorrectionAsked:
        due_on: date | None = self.correction_due_on.data
        if due_on is None:
            raise ValueError("the form is not valid")
        return CorrectionAsked(self.correction.data or "", due_on, self.correction_owner_id.data)


class DoneForm(Form):
    """A correction reported done."""

    note = TextAreaField(_l("What was done"), [InputRequired(), Length(max=MAX_PROSE)])


class CauseForm(Form):
    """A cause in both languages."""

    name = StringField(_l("Chinese name"), [InputRequired(), Length(max=MAX_CAUSE)])
    name_en = StringField(_l("English name"), [Length(max=MAX_CAUSE)])
    version = IntegerField(widget=HiddenInput(), default=0)

    def names(self) -> CauseNames:
        """What was typed, for `services.sla.causes`."""
        return CauseNames(self.name.data or "", self.name_en.data or "")


class CauseStepForm(Form):
    """One step of a cause: a place up, retired, brought back."""

    version = IntegerField(widget=HiddenInput(), default=0)


class BreachFilterForm(BaseForm):
    """A GET form: the filter stands in the address, so a view can be bookmarked and sent."""

    class Meta:
        csrf = False

    step = SelectField(_l("Step"), choices=[], validate_choice=False)
    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    person = SelectField(_l("Who held the clock"), choices=[], validate_choice=False)
    cause = SelectField(_l("Cause"), choices=[], validate_choice=False)
    severity = SelectField(_l("Severity"), choices=[], validate_choice=False)
    place = SelectField(_l("Place"), choices=[], validate_choice=False)
    correction = SelectField(_l("Standing"), choices=[], validate_choice=False)
    period = SelectField(_l("Period"), choices=[], validate_choice=False)

    def wanted(self, view: str, account_id: int, now: datetime) -> BreachFilter:
        """The filter; a value that cannot be read does not narrow."""
        days = int(self.period.data) if str(self.period.data) in {str(n) for n in PERIODS} else None
        since = start_of_day(local_date(now) - timedelta(days=days - 1)) if days else None
        urban: dict[Any, bool] = {"urban": True, "elsewhere": False}
        return BreachFilter(
            view=member(BreachView, view) or BreachView.OPEN,
            account_id=account_id,
            step=member(ClockStep, self.step.data),
            branch_id=small_number(self.branch.data),
            holder_id=small_number(self.person.data),
            cause=self.cause.data or None,
            severity=member(Severity, self.severity.data),
            is_urban=urban.get(self.place.data),
            correction=member(CorrectionState, self.correction.data),
            from_at=since,
        )
