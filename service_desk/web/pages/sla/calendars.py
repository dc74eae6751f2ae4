"""Working calendars: the weekly hours and the year's exceptions."""

from datetime import date
from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.fields import small_number
from service_desk.forms.sla_calendars import DayForm, WeekForm
from service_desk.models.sla import WorkingCalendarRow
from service_desk.presenters import sla as words
from service_desk.rules.calendar.hours import WEEKDAYS
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.sla import calendar_edits as edits
from service_desk.services.sla import calendars as books
from service_desk.web.http import actor, again, attempt, done
from service_desk.web.pages.sla.blueprint import bp


@bp.get("/settings/calendars")
@login_required
def calendars() -> ResponseReturnValue:
    """A calendar's week and a year of its exceptions."""
    access.require(actor(), Action.MANAGE_CLOCKS)
    row = _chosen()
    return render_template("sla/calendars.html", **_context(row, _week_form(row), _day_form(row)))


@bp.post("/settings/calendars/<code>/week")
@login_required
def set_week(code: str) -> ResponseReturnValue:
    """Change the weekly hours."""
    access.require(actor(), Action.MANAGE_SETTINGS)
    row = books.get_calendar(code)
    form = _week_form(row)

    def act() -> None:
        edits.change_calendar(code, form.command(), version=form.version.data or 0, actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The weekly hours were changed."), "sla.calendars", calendar=code)
    return again(
        "sla/calendars.html", **_context(row, form, DayForm(formdata=None, data={"version": row.version}))
    )


@bp.post("/settings/calendars/<code>/days")
@login_required
def set_day(code: str) -> ResponseReturnValue:
    """Add a date that differs from its weekday, or change one."""
    access.require(actor(), Action.MANAGE_SETTINGS)
    row = books.get_calendar(code)
    form = _day_form(row)

    def act() -> None:
        edits.change_calendar(code, form.command(), version=form.version.data or 0, actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The day was set."), "sla.calendars", calendar=code, year=form.day.data.year)
    return again("sla/calendars.html", **_context(row, _week_form(row, blank=True), form))


@bp.post("/settings/calendars/<code>/days/<day>/remove")
@login_required
def remove_day(code: str, day: str) -> ResponseReturnValue:
    """Let the weekly hours hold on a date again."""
    try:
        chosen = date.fromisoformat(day)
    except ValueError:
        raise NotFound("not_found") from None
    version = small_number(request.form.get("version")) or 0
    edits.change_calendar(code, edits.RemoveDay(chosen), version=version, actor=actor(), now=g.now)
    return done(_("The day was removed."), "sla.calendars", calendar=code, year=chosen.year)


def _chosen() -> WorkingCalendarRow:
    code = request.args.get("calendar")
    if code:
        return books.get_calendar(code)
    rows = books.list_calendars()
    if not rows:
        raise NotFound("not_found")
    return next((row for row in rows if row.code == "office"), rows[0])


def _year() -> int:
    year = small_number(request.args.get("year")) or local_date(g.now).year
    return min(max(year, books.FIRST_YEAR), books.LAST_YEAR)


def _week_form(row: WorkingCalendarRow, *, blank: bool = False) -> WeekForm:
    hours = {name: words.hours_words(row.week.get(name, [])) for name in WEEKDAYS}
    data = {**hours, "version": row.version}
    return WeekForm(formdata=None, data=data) if blank else WeekForm(data=data)


def _day_form(row: WorkingCalendarRow) -> DayForm:
    return DayForm(data={"version": row.version})


def _context(row: WorkingCalendarRow, week_form: WeekForm, day_form: DayForm) -> dict[str, Any]:
    year = _year()
    return {
        "calendar": row,
        "calendars": books.list_calendars(),
        "days": [{"day": day, **said.__dict__} for day, said in books.content_of(row).days_of(year).items()],
        "year": year,
        "years": range(year - 1, year + 2),
        "number": books.version_of(row.digest).number if row.digest else 1,
        "may_edit": access.may(actor(), Action.MANAGE_SETTINGS),
        "week_form": week_form,
        "day_form": day_form,
        "weekdays": WEEKDAYS,
        "today": local_date(g.now),
        "words": words,
    }
