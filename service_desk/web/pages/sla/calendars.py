"""Working calendars: a year at one glance, the weekly hours, and changes that are looked at before they are saved."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import CHINA, local_date
from service_desk.base.errors import NotFound
from service_desk.forms.fields import Form, small_number
from service_desk.forms.sla_calendars import CalendarActForm, CalendarForm, DayForm, WeekForm
from service_desk.models.sla import WorkingCalendarRow
from service_desk.presenters import sla as words
from service_desk.presenters import sla_calendars as shown
from service_desk.presenters.sheets.settings import days_sheet
from service_desk.rules.calendar import differences, zone_names
from service_desk.rules.calendar.hours import WEEKDAYS
from service_desk.rules.permissions import Action
from service_desk.services import access, submissions
from service_desk.services.sla import calendar_edits as edits
from service_desk.services.sla import calendars as books
from service_desk.services.sla.calendar_previews import Preview, preview_change
from service_desk.services.sla.outdated import count_moving
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, done
from service_desk.web.pages.sla.blueprint import bp

# What the sender of a change wants first: to look at it, or to type on. Without either it is saved.
PREVIEW, EDIT = "preview", "edit"
# More moved clocks than these are told by number.
_MOST_MOVES = 200


@bp.get("/settings/calendars")
@login_required
def calendars() -> ResponseReturnValue:
    """A calendar's year and week; `?day=2027-02-17` puts a day into the form."""
    access.require(actor(), Action.MANAGE_CLOCKS)
    return render_template("sla/calendars.html", **_context(_chosen(), _year()))


@bp.get("/settings/calendars.xlsx")
@login_required
def export_days() -> ResponseReturnValue:
    """The days of a calendar's year that differ from their weekday, as a spreadsheet."""
    access.require(actor(), Action.MANAGE_CLOCKS)
    row, year = _chosen(), _year()
    days = books.content_of(row).days_of(year)
    name = f"{words.calendar_name(row.code, [row])} {year}"
    return send_list(
        whole(list(days.items())),
        lambda found: days_sheet(found, name, g.now),
        f"calendar-{row.code}-{year}.xlsx",
        of_desk=True,
    )


@bp.route("/settings/calendars/new", methods=["GET", "POST"])
@login_required
def new_calendar() -> ResponseReturnValue:
    """Make a calendar."""
    access.require(actor(), Action.MANAGE_SETTINGS)
    form = CalendarForm(data={"zone": CHINA.key})
    form.zone.choices = [(name, name) for name in zone_names()]

    def make() -> str:
        return edits.make_calendar(form.new_calendar(), actor=actor(), now=g.now).code

    def act() -> None:
        submissions.once("calendar", form.idempotency_key.data or "", make, actor=actor(), now=g.now)

    if attempt(form, shown.overlaps_in_words(act)):
        return done(_("The calendar was made."), "sla.calendars", calendar=form.new_calendar().code)
    context = {"form": form, "weekdays": WEEKDAYS}
    if request.method == "POST":
        return again("sla/calendar_new.html", **context)
    return render_template("sla/calendar_new.html", **context)


@bp.get("/settings/calendars/<code>/versions")
@login_required
def calendar_versions(code: str) -> ResponseReturnValue:
    """Every version a calendar has had, the newest first, with what it changed."""
    access.require(actor(), Action.MANAGE_CLOCKS)
    row = books.get_calendar(code)
    versions = books.list_versions(code)
    before = [None, *versions]
    return render_template(
        "sla/calendar_versions.html",
        calendar=row,
        calendars=[row],
        versions=[
            (one, shown.change_lines(differences(earlier.form, one.form)) if earlier else None)
            for earlier, one in reversed(list(zip(before, versions, strict=False)))
        ],
        words=words,
    )


@bp.post("/settings/calendars/<code>/week")
@login_required
def set_week(code: str) -> ResponseReturnValue:
    """Change the weekly hours."""
    form = WeekForm()
    return _answer(_Asked(code, form, form.command, _year(), "week_form"))


@bp.post("/settings/calendars/<code>/days")
@login_required
def set_day(code: str) -> ResponseReturnValue:
    """Add a date that differs from its weekday, or change one."""
    form = DayForm()
    year = form.day.data.year if form.day.data else _year()
    return _answer(_Asked(code, form, form.command, year, "day_form"))


@bp.post("/settings/calendars/<code>/days/<day>/remove")
@login_required
def remove_day(code: str, day: str) -> ResponseReturnValue:
    """Let the weekly hours hold on a date again."""
    chosen = _day(day)
    if chosen is None:
        raise NotFound("not_found")
    return _answer(_Asked(code, CalendarActForm(), lambda: edits.RemoveDay(chosen), chosen.year, "act_form"))


@bp.post("/settings/calendars/<code>/years/<int:year>/fill")
@login_required
def fill_year(code: str, year: int) -> ResponseReturnValue:
    """Take a year's statutory days from the official calendar."""
    return _answer(_Asked(code, CalendarActForm(), lambda: edits.FillYear(year), year, "act_form"))


@bp.post("/settings/calendars/<code>/years/<int:year>/confirm")
@login_required
def confirm_year(code: str, year: int) -> ResponseReturnValue:
    """Take a year's provisional days for announced."""
    return _answer(_Asked(code, CalendarActForm(), lambda: edits.ConfirmYear(year), year, "act_form"))


@dataclass(frozen=True)
class _Asked:
    """A change somebody asks for: from which form (by its name on the page), and the year they look at."""

    code: str
    form: WeekForm | DayForm | CalendarActForm
    change: Callable[[], edits.Change]
    year: int
    form_name: str

    @property
    def version(self) -> int:
        return self.form.version.data or 0

    @property
    def context(self) -> dict[str, Any]:
        """The calendar's page with what was typed."""
        return _context(books.get_calendar(self.code), self.year, **{self.form_name: self.form})


def _answer(asked: _Asked) -> ResponseReturnValue:
    """Show what the change would do, or its form again as it was typed, or carry it out."""
    access.require(actor(), Action.MANAGE_SETTINGS)
    books.get_calendar(asked.code)
    step = request.form.get("step")
    if step == EDIT:
        return render_template("sla/calendars.html", **asked.context)
    return _look(asked) if step == PREVIEW else _save(asked)


def _look(asked: _Asked) -> ResponseReturnValue:
    seen: list[Preview] = []

    def act() -> None:
        change = asked.change()
        seen.append(preview_change(asked.code, change, version=asked.version, actor=actor(), now=g.now))

    if not attempt(asked.form, shown.overlaps_in_words(act)):
        return again("sla/calendars.html", **asked.context)
    preview = seen[0]
    calendar = preview.plan.calendar
    return render_template(
        "sla/calendar_preview.html",
        calendar=calendar,
        calendars=[calendar],
        preview=preview,
        moves=preview.moves[:_MOST_MOVES],
        lines=shown.change_lines(preview.plan.differences),
        typed=[pair for pair in request.form.items(multi=True) if pair[0] not in ("csrf_token", "step")],
        can_edit=asked.form_name != "act_form",
        year=asked.year,
        shown=shown,
        words=words,
    )


def _save(asked: _Asked) -> ResponseReturnValue:
    results: list[str] = []

    def make() -> str:
        plan = edits.change_calendar(
            asked.code, asked.change(), version=asked.version, actor=actor(), now=g.now
        )
        return f"{len(plan.changed_days)} {len(plan.kept)}"

    def act() -> None:
        key = asked.form.idempotency_key.data or ""
        results.append(submissions.once("calendar_change", key, make, actor=actor(), now=g.now))

    if not attempt(asked.form, shown.overlaps_in_words(act)):
        return again("sla/calendars.html", **asked.context)
    changed, kept = (int(number) for number in results[0].split())
    said = shown.saved_words(asked.change(), changed, kept)
    return done(said, "sla.calendars", calendar=asked.code, year=asked.year)


def _chosen() -> WorkingCalendarRow:
    code = request.args.get("calendar")
    if code:
        return books.get_calendar(code)
    rows = books.list_calendars()
    if not rows:
        raise NotFound("not_found")
    return next((row for row in rows if row.code == "office"), rows[0])


def _year() -> int:
    asked = _day(request.args.get("day", ""))
    year = small_number(request.args.get("year")) or (asked.year if asked else local_date(g.now).year)
    return _kept(year)


def _kept(year: int) -> int:
    """The year, or the nearest for which calendars are kept."""
    return min(max(year, books.FIRST_YEAR), books.LAST_YEAR)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _week_form(row: WorkingCalendarRow) -> WeekForm:
    hours = {name: words.hours_words(row.week.get(name, [])) for name in WEEKDAYS}
    return WeekForm(formdata=None, data={**hours, "version": row.version})


def _day_form(row: WorkingCalendarRow) -> DayForm:
    """Empty, or with the day the address names as it stands."""
    day = _day(request.args.get("day", "")) if request.method == "GET" else None
    said = books.content_of(row).days.get(day) if day else None
    hours = said.hours if said else row.week.get(WEEKDAYS[day.weekday()], []) if day else []
    values = {"day": day, "hours": words.hours_words(hours), "version": row.version}
    return DayForm(formdata=None, data={**values, "label": words.day_words(said.label) if said else ""})


def _day_address(row: WorkingCalendarRow, day: date) -> str:
    """The page with the day in its form."""
    return url_for("sla.calendars", calendar=row.code, year=day.year, day=day, _anchor="set-day")


def _context(row: WorkingCalendarRow, asked_year: int, **forms: Form) -> dict[str, Any]:
    content, year = books.content_of(row), _kept(asked_year)
    today = local_date(g.now)
    return {
        "calendar": row,
        "calendars": books.list_calendars(),
        "days": content.days_of(year),
        "is_provisional": content.announced_to is not None and year > content.announced_to,
        "year": year,
        "first_year": books.FIRST_YEAR,
        "last_year": books.LAST_YEAR,
        "may_fill": year <= edits.last_year_to_fill(g.now),
        "months": shown.months(content, year, today),
        "url_for_day": lambda day: _day_address(row, day),
        "number": books.version_of(row.digest).number if row.digest else 1,
        "moving_count": count_moving(actor=actor(), now=g.now),
        "may_edit": access.may(actor(), Action.MANAGE_SETTINGS),
        "week_form": _week_form(row),
        "day_form": _day_form(row),
        "act_form": CalendarActForm(formdata=None, data={"version": row.version}),
        "weekdays": WEEKDAYS,
        "shown": shown,
        "words": words,
        **forms,
    }
