"""Forms about working calendars: the week, a date, a new calendar, and acts that need nothing typed."""

import re
from collections.abc import Iterable

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from service_desk.base.text import squeeze
from service_desk.forms.fields import DayField, Form, SelectField
from service_desk.rules.calendar.hours import WEEKDAYS
from service_desk.services.sla.calendar_edits import NewCalendar, SetDay, SetWeek
from service_desk.services.sla.outdated import Wanted

_SPANS = re.compile(r"[,，;；、\s]+")
_DASHES = re.compile(r"\s*(?:-|–|—|~|～|至|到)\s*")
_TOKEN = re.compile(r"(\d{1,18})-(\d{1,9})-(\d{1,18})-([0-9a-f]{1,64})")


def read_spans(text: str | None) -> list[list[str]]:
    """`08:30-12:00, 13:30-17:30` as pairs; what is no span stays as typed, for the rules to refuse."""
    joined = _DASHES.sub("-", squeeze(text or "").replace("：", ":"))
    return [_pair(part) for part in _SPANS.split(joined) if part]


def _pair(part: str) -> list[str]:
    opens, _, closes = part.partition("-")
    return [_padded(opens), _padded(closes)] if closes else [part, ""]


def _padded(clock: str) -> str:
    return f"0{clock}" if re.fullmatch(r"\d:\d\d", clock) else clock


class WeekForm(Form):
    """The weekly hours of a calendar, a line a weekday; empty is closed."""

    mon = StringField(_l("Monday"), [Length(max=100)])
    tue = StringField(_l("Tuesday"), [Length(max=100)])
    wed = StringField(_l("Wednesday"), [Length(max=100)])
    thu = StringField(_l("Thursday"), [Length(max=100)])
    fri = StringField(_l("Friday"), [Length(max=100)])
    sat = StringField(_l("Saturday"), [Length(max=100)])
    sun = StringField(_l("Sunday"), [Length(max=100)])
    version = IntegerField(widget=HiddenInput(), default=0)

    def command(self) -> SetWeek:
        """What was typed, for `services.sla.calendar_edits`."""
        return SetWeek({name: read_spans(self[name].data) for name in WEEKDAYS})


class CalendarForm(WeekForm):
    """A calendar to make."""

    FIRST = ("name", "name_en", "code", "zone")

    name = StringField(_l("Chinese name"), [InputRequired(), Length(max=100)])
    name_en = StringField(_l("English name"), [Length(max=100)])
    code = StringField(_l("Code"), [InputRequired(), Length(max=40)])
    # The service refuses an unknown zone in words of its own.
    zone = SelectField(_l("Time zone"), choices=[], validate_choice=False)

    def new_calendar(self) -> NewCalendar:
        """What was typed, for `services.sla.calendar_edits`."""
        return NewCalendar(
            code=squeeze(self.code.data or "").lower(),
            name=squeeze(self.name.data or ""),
            name_en=squeeze(self.name_en.data or ""),
            zone=self.zone.data or "",
            week=self.command().week,
        )


class CalendarActForm(Form):
    """A change that needs nothing typed: to take a day away, to fill a year."""

    version = IntegerField(widget=HiddenInput(), default=0)


class DayForm(Form):
    """One date that differs from its weekday."""

    day = DayField(_l("Date"), [InputRequired()])
    hours = StringField(_l("Hours on this day"), [Length(max=100)])
    label = StringField(_l("Why"), [InputRequired(), Length(max=200)])
    version = IntegerField(widget=HiddenInput(), default=0)

    def command(self) -> SetDay:
        """What was typed, for `services.sla.calendar_edits`."""
        hours = tuple((opens, closes) for opens, closes in read_spans(self.hours.data))
        return SetDay(self.day.data, hours, squeeze(self.label.data or ""))


class RecomputeForm(Form):
    """Why the ticked clocks move to the terms in force; the ticks are read beside it."""

    reason = StringField(_l("Reason"), [InputRequired(), Length(max=500)])


def read_wanted(tokens: Iterable[str]) -> list[Wanted]:
    """The ticked clocks as `wanted_token` wrote them; what was not is left out."""
    return [
        Wanted(int(m[1]), int(m[2]), int(m[3]), m[4]) for token in tokens if (m := _TOKEN.fullmatch(token))
    ]


def wanted_token(wanted: Wanted) -> str:
    """What a tick sends: the clock, and the state and terms somebody looked at."""
    return f"{wanted.timer_id}-{wanted.version}-{wanted.level_id}-{wanted.digest}"
