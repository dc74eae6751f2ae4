"""The filter of the compliance pages: it stands in the address, so a view can be bookmarked and sent."""

from datetime import date, timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms.validators import Optional

from service_desk.forms.fields import BaseForm, DayField, SelectField, member, small_number
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.periods import Period, Preset, period_of
from service_desk.rules.sla import PauseReason
from service_desk.rules.vocabulary import Severity
from service_desk.services.sla.compliance import (
    NOT_SAID,
    ComplianceFilter,
    Dimension,
    ReviewAge,
    RowsWanted,
    Verdicts,
)

MOST_YEARS = 5
_ZONES = ("urban", "elsewhere", NOT_SAID)


class ComplianceForm(BaseForm):
    """A GET form. Days typed win over a period chosen by name; what cannot be read does not narrow."""

    class Meta:
        csrf = False

    step = SelectField(_l("Step"), choices=[], validate_choice=False)
    branch = SelectField(_l("Branch"), choices=[], validate_choice=False)
    person = SelectField(_l("Handler"), choices=[], validate_choice=False)
    severity = SelectField(_l("People hurt or not"), choices=[], validate_choice=False)
    zone = SelectField(_l("Place of the accident"), choices=[], validate_choice=False)
    from_on = DayField(_l("From"), [Optional()])
    to_on = DayField(_l("To"), [Optional()])

    def wanted(self, period: Period, account_id: int, *, is_alone: bool) -> ComplianceFilter:
        """The filter for `services.sla.compliance`."""
        severity = self.severity.data
        return ComplianceFilter(
            account_id=account_id,
            period=period,
            step=member(ClockStep, self.step.data),
            branch_id=small_number(self.branch.data),
            is_alone=is_alone,
            holder_id=small_number(self.person.data),
            severity=NOT_SAID if severity == NOT_SAID else member(Severity, severity),
            zone_code=self.zone.data if self.zone.data in _ZONES else None,
        )

    def own_period(self, today: date) -> Period | None:
        """The days typed; one alone runs to today, or from ninety days before. None when none can be used."""
        if not self.validate() or not (self.from_on.data or self.to_on.data):
            return None
        last = self.to_on.data or max(today, self.from_on.data)
        first = self.from_on.data or last - timedelta(days=89)
        refusal = days_refused(first, last)
        if refusal:
            self.to_on.errors = [refusal]
            return None
        return Period(first, last)


def days_refused(first: date, last: date) -> str | None:
    """Days in the wrong order, or more of them than a page can show."""
    if last < first:
        return _("The period ends before it begins.")
    if (last - first).days > MOST_YEARS * 366:
        return _("Choose at most %(years)s years.", years=MOST_YEARS)
    return None


def named_period(code: str | None, today: date) -> tuple[Preset, Period]:
    """A period chosen by name; this month for nonsense."""
    preset = member(Preset, code) or Preset.THIS_MONTH
    return preset, period_of(preset, today)


def grouping(code: str | None) -> Dimension:
    """What to group by; steps for nonsense."""
    return member(Dimension, code) or Dimension.STEP


def rows_wanted(args: "MultiDict[str, str]") -> RowsWanted:
    """The list behind a figure that an address names; judged clocks for nonsense.

    One person's time and a pause's are of judged clocks, so they come with no other list.
    """
    used_by, paused_for = small_number(args.get("used_by")), member(PauseReason, args.get("paused_for"))
    verdicts = member(Verdicts, args.get("verdict")) or Verdicts.JUDGED
    if used_by or paused_for:
        return RowsWanted(used_by_id=used_by, paused_for=None if used_by else paused_for)
    age = member(ReviewAge, args.get("age")) if verdicts is Verdicts.UNREVIEWED else None
    return RowsWanted(verdicts, age=age)
