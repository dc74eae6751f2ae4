"""Forms of reports: their schedule, who gets them, a run by hand, and what a report is compared with."""

from collections.abc import Sequence
from datetime import date, time
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FormField, HiddenField, IntegerField, TimeField
from wtforms.validators import InputRequired, NumberRange, Optional

from service_desk.forms.fields import (
    DayField,
    Form,
    PlainForm,
    RadioField,
    RowList,
    SelectField,
    small_number,
)
from service_desk.models.reports import ReportSchedule
from service_desk.rules.periods import Period
from service_desk.rules.report_document import ReportKind
from service_desk.rules.schedule import FREQUENCY, Frequency
from service_desk.services.reports.recipients import Choice, Listed
from service_desk.services.reports.runs import RunNow
from service_desk.services.reports.schedules import ScheduleDetails

# Nothing of the desk lies outside of these years.
_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_MOST_PEOPLE = 500


class ScheduleForm(Form):
    """`day` is filled with its choices by the page. `version` is what the page showed."""

    day = SelectField(_l("Day"), [InputRequired()], coerce=int)
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
            "day": schedule.day,
            "at": time(schedule.hour, schedule.minute),
            "is_active": "yes" if schedule.is_active else "no",
            "version": str(schedule.version),
        }

    def command(self) -> ScheduleDetails:
        return ScheduleDetails(
            day=self.day.data,
            hour=self.at.data.hour,
            minute=self.at.data.minute,
            is_active=self.is_active.data == "yes",
        )

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


def _languages() -> list[tuple[str, Any]]:
    return [("", _("their own")), ("zh", "中文"), ("en", "English")]


def _channels() -> list[tuple[str, Any]]:
    return [("", _("mail and desk")), ("mail", _("mail only")), ("in_app", _("desk only"))]


def _numbers(last: int) -> list[tuple[int, str]]:
    return [(number, str(number)) for number in range(1, last + 1)]


class PersonRow(PlainForm):
    """One person of the list. `key` says who."""

    key = HiddenField()
    gets_it = BooleanField(_l("Gets it"))
    language = SelectField(_l("Language"), choices=_languages)
    channel = SelectField(_l("Channel"), choices=_channels)

    def choice(self) -> Choice:
        return Choice(self.key.data, bool(self.gets_it.data), self.language.data, self.channel.data)


class RecipientsForm(Form):
    """The people of a schedule's list, and one to add. `added` is filled with its choices by the page."""

    people = RowList(FormField(PersonRow), max_entries=_MOST_PEOPLE)
    added = SelectField(_l("Add a person"), [Optional()], default="")
    added_language = SelectField(_l("Language"), choices=_languages)
    added_channel = SelectField(_l("Channel"), choices=_channels)
    version = HiddenField(default="0")

    @staticmethod
    def values_of(schedule: ReportSchedule, listed: Sequence[Listed]) -> dict[str, object]:
        """What the form shows of a list."""
        return {
            "people": [
                {
                    "key": one.person.key,
                    "gets_it": not one.is_muted,
                    "language": one.language,
                    "channel": one.channel,
                }
                for one in listed
            ],
            "version": str(schedule.version),
        }

    def choices(self) -> list[Choice]:
        """What was decided, about each person shown and the one added."""
        decided = [row.form.choice() for row in self.people]
        if self.added.data:
            decided.append(Choice(self.added.data, True, self.added_language.data, self.added_channel.data))
        return decided

    @property
    def shown_version(self) -> int:
        return small_number(self.version.data) or 0


class RunNowForm(Form):
    """A past period of a kind of report: a day of its week, or a year with its month or quarter, as the kind has them."""

    week = DayField(_l("A day of the week"), [InputRequired()])
    year = IntegerField(_l("Year"), [InputRequired(), NumberRange(_FIRST_YEAR, _LAST_YEAR)])
    month = SelectField(_l("Month"), [InputRequired()], coerce=int, choices=_numbers(12))
    quarter = SelectField(_l("Quarter"), [InputRequired()], coerce=int, choices=_numbers(4))
    is_sent = BooleanField(_l("Send it to the recipients"))

    def __init__(self, kind: ReportKind, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kind = kind
        asked = {
            Frequency.WEEKLY: {"week"},
            Frequency.MONTHLY: {"month", "year"},
            Frequency.QUARTERLY: {"quarter", "year"},
            Frequency.YEARLY: {"year"},
        }[FREQUENCY[kind]]
        for name in {"week", "month", "quarter", "year"} - asked:
            del self[name]

    @staticmethod
    def values_of(period: Period) -> dict[str, object]:
        """What the form proposes: this period, kept and sent to nobody."""
        first = period.first
        quarter = (first.month + 2) // 3
        return {"week": first, "month": first.month, "quarter": quarter, "year": first.year}

    @property
    def period_field(self) -> str:
        """The field that names the period most closely."""
        return next(name for name in ("week", "month", "quarter", "year") if name in self)

    @property
    def day(self) -> date:
        """A day of the period chosen."""
        if "week" in self:
            chosen: date = self.week.data
            return chosen
        month = self.month.data if "month" in self else self.quarter.data * 3 if "quarter" in self else 1
        return date(self.year.data, month, 1)

    def command(self) -> RunNow:
        return RunNow(day=self.day, is_sent=bool(self.is_sent.data), kind=self._kind)
