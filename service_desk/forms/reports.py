"""Forms of reports: their schedule, and a run by hand."""

from datetime import time

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, RadioField, SelectField, TimeField
from wtforms.validators import InputRequired

from service_desk.forms.fields import DayField, Form, small_number
from service_desk.models.reports import ReportSchedule
from service_desk.services.reports.runs import RunNow
from service_desk.services.reports.schedules import ScheduleDetails


class ScheduleForm(Form):
    """`weekday` is filled with its choices by the page. `version` is what the page showed."""

    weekday = SelectField(_l("Weekday"), [InputRequired()], coerce=int)
    at = TimeField(_l("Time"), [InputRequired()])
    is_active = RadioField(
        _l("Sending"),
        [InputRequired()],
        choices=[("yes", _l("On schedule")), ("no", _l("Paused"))],
        default="yes",
    )
    version = HiddenField(default="0")

    @staticmethod
    def values_of(schedule: ReportSchedule) -> dict[str, object]:
        """What the form shows of a schedule."""
        return {
            "weekday": schedule.weekday,
            "at": time(schedule.hour, schedule.minute),
            "is_active": "yes" if schedule.is_active else "no",
            "version": str(schedule.version),
        }

    def command(self) -> ScheduleDetails:
        return ScheduleDetails(
            weekday=self.weekday.data,
            hour=self.at.data.hour,
            minute=self.at.data.minute,
            is_active=self.is_active.data == "yes",
        )

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


class RunNowForm(Form):
    week = DayField(_l("A day of the week"), [InputRequired()])
    is_sent = BooleanField(_l("Send it to the recipients"), default=True)

    def command(self) -> RunNow:
        return RunNow(week=self.week.data, is_sent=bool(self.is_sent.data))
