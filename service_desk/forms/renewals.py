"""Forms of renewals: the board's filter, outcomes, the months of figures, calendar feeds."""

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from service_desk.forms.fields import (
    BaseForm,
    DayField,
    Form,
    RadioField,
    SelectField,
    SelectMultipleField,
    member,
    small_number,
)
from service_desk.rules.periods import Period
from service_desk.rules.renewal import Bucket, Outcome
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services.renewals import ExpiryFilter
from service_desk.services.renewals.outcomes import OutcomeDetails, OutcomeFilter
from service_desk.services.renewals.success import SuccessFilter


class RenewalFilterForm(BaseForm):
    """A GET form: the filter stands in the address. Nonsense means any."""

    class Meta:
        csrf = False

    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    use_class = SelectField(_l("Class"), choices=[], validate_choice=False)
    line = SelectField(_l("Line"), choices=[], validate_choice=False)
    bucket = HiddenField()
    alone = HiddenField()

    def chosen(self) -> dict[str, Any]:
        """Branch, class and line as every filter of renewals takes them."""
        return {
            "branch_id": small_number(self.branch.data),
            "use_class": member(UseClass, self.use_class.data),
            "line": member(PolicyLine, self.line.data),
        }

    def wanted(self, account_id: int) -> ExpiryFilter:
        """The board's filter as the service takes it."""
        return ExpiryFilter(account_id, bucket=member(Bucket, self.bucket.data), **self.chosen())

    def outcomes(self, account_id: int, outcome: Outcome | None) -> OutcomeFilter:
        """The same for recorded outcomes."""
        return OutcomeFilter(account_id, outcome, **self.chosen())

    def ended(self, account_id: int, period: Period) -> SuccessFilter:
        """The same for policies that end in a period."""
        return SuccessFilter(
            account_id,
            period,
            is_class_unknown=self.use_class.data == "unknown",
            is_branch_alone=bool(self.alone.data),
            **self.chosen(),
        )


class OutcomeForm(Form):
    """Why lines of a vehicle are not renewed. A line is sent as `ctpl:2026-12-31`: with the end the reader saw."""

    lines = SelectMultipleField(
        _l("Lines"),
        choices=[],
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    outcome = RadioField(_l("Outcome"), choices=[], validators=[InputRequired()])
    insurer = StringField(_l("Other insurer"), [Length(max=200)])
    covered_until = DayField(_l("Covered until"), [Optional()])
    note = StringField(_l("Reason or note"), [Length(max=200)])
    sets_state = BooleanField(_l("Also put the vehicle out of service: suspended, or retired when sold"))
    version = IntegerField(widget=HiddenInput(), default=0)

    def ends(self) -> dict[PolicyLine, date]:
        """The lines ticked, each with its last covered day; what no page sends is left out."""
        parts = [one.partition(":") for one in self.lines.data or ()]
        found = {member(PolicyLine, line): _day(day) for line, _, day in parts}
        return {line: day for line, day in found.items() if line and day}

    def details(self) -> OutcomeDetails:
        """What was recorded, for `services.renewals.outcomes`."""
        return OutcomeDetails(
            outcome=Outcome(self.outcome.data),
            insurer=self.insurer.data or "",
            covered_until=self.covered_until.data,
            note=self.note.data or "",
            sets_state=bool(self.sets_state.data),
        )


class WithdrawForm(Form):
    reason = StringField(_l("Reason"), [InputRequired(), Length(max=200)])
    version = IntegerField(widget=HiddenInput(), default=0)


class FeedForm(Form):
    branch = SelectField(_l("Branch"), choices=[])

    def branch_id(self) -> int | None:
        """The branch chosen; None for all branches."""
        return small_number(self.branch.data)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
