"""Forms about service levels: what is promised and for which matters, its end, and the test box."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    FormField,
    IntegerField,
    StringField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import HiddenInput

from service_desk.forms.fields import (
    BaseForm,
    DayField,
    Form,
    MomentField,
    PlainForm,
    RadioField,
    RowList,
    SelectField,
    YuanField,
    member,
    optional_id,
)
from service_desk.models.sla import ServiceLevel
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import TargetUnit
from service_desk.rules.vocabulary import Severity
from service_desk.services.sla.levels import LevelConditions, LevelTerms
from service_desk.services.sla.trial import Trial

# Selects get their choices from the page, which knows the reader's language and the account's people.
ESCALATION_ROWS = 4
MAX_ESCALATION = 10_000
_MINUTES_IN = {"minutes": 1, "hours": 60}
_PLACES = {"urban": True, "elsewhere": False}


class EscalationForm(PlainForm):
    """One step: whom to tell, how long after the due time. An empty row is not there."""

    to = SelectField(_l("Whom to tell"), choices=[], default="")
    after = IntegerField(_l("Time after due"), [Optional(), NumberRange(min=1, max=MAX_ESCALATION)])
    unit = SelectField(_l("Unit"), choices=[], default="hours")

    @property
    def minutes(self) -> int:
        """The time after the due time."""
        return (self.after.data or 0) * _MINUTES_IN[self.unit.data or "minutes"]


class TermsForm(Form):
    """What is promised from a day on; of an existing level its conditions stay."""

    target_value = IntegerField(_l("Target"), [InputRequired(), NumberRange(min=0, max=10_000)])
    target_unit = SelectField(_l("Unit"), [InputRequired()], choices=[])
    calendar_code = SelectField(_l("Calendar"), [InputRequired()], choices=[])
    warn_percent = IntegerField(
        _l("Warn when this percentage is used"), [InputRequired(), NumberRange(min=1, max=100)], default=75
    )
    escalations = RowList(
        FormField(EscalationForm),
        _l("Escalation"),
        min_entries=ESCALATION_ROWS,
        max_entries=ESCALATION_ROWS,
    )
    effective_on = DayField(_l("In force from"), [InputRequired()])
    source = StringField(_l("Source"), [Length(max=200)])
    version = IntegerField(widget=HiddenInput(), default=0)

    def validate_escalations(self, field: RowList) -> None:
        """A step needs both whom and when; said in words at the top too, where rows have no place."""
        for number, row in enumerate(_rows(field), start=1):
            if row.errors:
                raise ValidationError(_("Escalation step %(number)s is not filled in right.", number=number))
            if row.to.data and not row.after.data:
                raise ValidationError(
                    _("Escalation step %(number)s: say how long after the due time.", number=number)
                )
            if row.after.data and not row.to.data:
                raise ValidationError(_("Escalation step %(number)s: choose whom to tell.", number=number))

    def terms(self) -> LevelTerms:
        """What was typed, for `services.sla.levels`."""
        steps = [row for row in _rows(self.escalations) if row.after.data]
        return LevelTerms(
            target_value=self.target_value.data or 0,
            target_unit=TargetUnit(self.target_unit.data),
            warn_percent=self.warn_percent.data or 0,
            calendar_code=self.calendar_code.data or "",
            source=(self.source.data or "").strip(),
            effective_on=self.effective_on.data,
            escalate_after_minutes=tuple(row.minutes for row in steps),
            escalate_to=tuple(row.to.data for row in steps),
        )


class LevelForm(TermsForm):
    """A new promise with its conditions."""

    FIRST = ("step", "account_id", "severity", "where", "amount_from", "amount_to")

    step = SelectField(_l("Step"), [InputRequired()], choices=[])
    account_id = SelectField(_l("Account"), choices=[], coerce=optional_id)
    severity = SelectField(_l("Severity"), choices=[], default="")
    where = RadioField(_l("Place of the accident"), choices=[], default="")
    amount_from = YuanField(_l("Amount over (yuan)"))
    amount_to = YuanField(_l("Amount up to (yuan)"))

    def conditions(self) -> LevelConditions:
        """For which matters, for `services.sla.levels`."""
        return LevelConditions(
            step=ClockStep(self.step.data),
            account_id=self.account_id.data,
            severity=member(Severity, self.severity.data),
            is_urban=_PLACES.get(self.where.data or ""),
            amount_from_fen=self.amount_from.fen,
            amount_to_fen=self.amount_to.fen,
        )


class EndForm(Form):
    """The day from which a promise holds no more."""

    ends_on = DayField(_l("Ends on"), [InputRequired()])
    version = IntegerField(widget=HiddenInput(), default=0)


class TrialForm(BaseForm):
    """The test box: a GET form, so that an answer has an address. Its names begin with `try-`."""

    class Meta:
        csrf = False

    account_id = SelectField(_l("Account"), [InputRequired()], choices=[], coerce=optional_id)
    step = SelectField(_l("Step"), [InputRequired()], choices=[])
    at = MomentField(_l("The clock starts at"), [InputRequired()])
    severity = SelectField(_l("Severity"), choices=[], default="")
    where = SelectField(_l("Place of the accident"), choices=[], default="")
    amount = YuanField(_l("Amount (yuan)"))

    def trial(self) -> Trial:
        """What was typed, for `services.sla.trial`; ask once it is validated."""
        at: datetime | None = self.at.at
        if at is None:
            raise ValueError("validated without a moment")
        return Trial(
            account_id=self.account_id.data,
            step=ClockStep(self.step.data),
            at=at,
            severity=member(Severity, self.severity.data),
            is_urban=_PLACES.get(self.where.data or ""),
            amount_fen=self.amount.fen,
        )


def condition_values(level: ServiceLevel) -> dict[str, Any]:
    """A level's step and conditions as the form of a new one shows them; for which account is asked anew."""
    return {
        "step": level.step,
        "severity": level.severity or "",
        "where": next((name for name, is_urban in _PLACES.items() if is_urban is level.is_urban), ""),
        "amount_from": level.amount_from_fen,
        "amount_to": level.amount_to_fen,
    }


def escalation_values(level: ServiceLevel) -> list[dict[str, Any]]:
    """A level's steps as the form shows them: whole hours where they are."""
    told = [*level.escalate_to, *(["role:manager"] * len(level.escalate_after_minutes))]
    return [
        {"to": to, "after": minutes // 60, "unit": "hours"}
        if minutes % 60 == 0
        else {"to": to, "after": minutes, "unit": "minutes"}
        for minutes, to in zip(level.escalate_after_minutes, told, strict=False)
    ]


def _rows(field: RowList) -> Iterator[EscalationForm]:
    return (entry.form for entry in field)
