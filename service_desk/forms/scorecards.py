"""Forms of cards and of the rules for them."""

from decimal import Decimal

from flask_babel import lazy_gettext as _l
from wtforms import DecimalField, HiddenField, IntegerField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from service_desk.forms.fields import DayField, Form, RadioField, SelectField, small_number
from service_desk.rules.scorecard import ScoreMeasure
from service_desk.rules.service_cards import MOST_MONTHS, CardColour
from service_desk.services.scorecards import RuleTerms


class _CardForm(Form):
    """An act on a card as its page showed it."""

    version = HiddenField(default="0")

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


class DecideForm(_CardForm):
    """A manager's decision on a proposed card."""

    decision = RadioField(
        _l("Decision"),
        [InputRequired()],
        choices=[("confirm", _l("Confirm the card")), ("waive", _l("Waive it"))],
    )
    reason = TextAreaField(_l("Reason"), [InputRequired(), Length(max=2000)])


class ReplyForm(_CardForm):
    """What the person says to a card."""

    reply = TextAreaField(_l("Your reply"), [InputRequired(), Length(max=4000)])


class FinalForm(_CardForm):
    """A manager's last word on the reply."""

    outcome = RadioField(
        _l("Decision"),
        [InputRequired()],
        choices=[("uphold", _l("The card stays")), ("lift", _l("Lift the card"))],
    )
    final_word = TextAreaField(_l("Final word"), [InputRequired(), Length(max=2000)])


class RuleForm(Form):
    """A rule for cards; the page fills the choices."""

    measure = SelectField(_l("Measure"), [InputRequired()], choices=[])
    threshold = DecimalField(
        _l("Threshold"), [InputRequired(), NumberRange(min=Decimal(0), max=Decimal(10_000))], places=None
    )
    months = IntegerField(
        _l("Months in a row"), [InputRequired(), NumberRange(min=1, max=MOST_MONTHS)], default=2
    )
    colour = SelectField(_l("Yellow or red"), [InputRequired()], choices=[])
    effective_on = DayField(_l("In force from"), [InputRequired()])

    def terms(self) -> RuleTerms:
        """What was typed."""
        return RuleTerms(
            measure=ScoreMeasure(self.measure.data),
            threshold=self.threshold.data if self.threshold.data is not None else Decimal(-1),
            months=self.months.data or 0,
            colour=CardColour(self.colour.data),
            effective_on=self.effective_on.data,
        )


class EndRuleForm(_CardForm):
    """The day from which a rule holds no longer."""

    ends_on = DayField(_l("Holds no longer from"), [InputRequired()])
