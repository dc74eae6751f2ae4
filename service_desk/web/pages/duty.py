"""The duty roster: who is on, month and year, one's own shifts, exchanges; planning it for managers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, current_app, flash, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import login_required

from service_desk.adapters.icalendar import MIME_TYPE
from service_desk.base.clock import local_date
from service_desk.forms.duty import PlanForm, ShiftForm, SwapForm
from service_desk.forms.fields import small_number
from service_desk.models.db import db
from service_desk.models.duty import DutyShift
from service_desk.presenters import duty as words
from service_desk.presenters.labels import choices
from service_desk.presenters.languages import named
from service_desk.presenters.sheets.duty import shifts_sheet
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, submissions
from service_desk.services.duty import hours as duty_hours
from service_desk.services.duty import planning, reading, swaps
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done
from service_desk.web.sent_twice import attempt_once, is_done

bp = Blueprint("duty", __name__)

_OFFERED = 40
_MINE = 6


@dataclass(frozen=True)
class Shown:
    """The month or year that is looked at."""

    first: date
    last: date
    is_year: bool

    @property
    def months(self) -> int:
        return 12 if self.is_year else 1

    def moved(self, step: int) -> str:
        """The one before or after, as the address names it."""
        if self.is_year:
            return str(self.first.year + step)
        month = self.first.month - 1 + step
        return f"{self.first.year + month // 12}-{month % 12 + 1:02d}"


@bp.get("/roster")
@login_required
def roster() -> ResponseReturnValue:
    """Who is on now; for the insurer's people the roster as well."""
    return render_template("duty/roster.html", **_context())


@bp.get("/roster.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The shifts of the month or year as a spreadsheet."""
    account, shown, me = current_account(), _shown(), actor()
    reading.require_desk(account.id, me)
    name = f"{shown.first:%Y}" if shown.is_year else f"{shown.first:%Y-%m}"
    return send_list(
        lambda page: reading.list_shifts(account.id, shown.first, shown.last, page, actor=me),
        lambda rows: shifts_sheet(rows, me.role, g.now),
        f"duty-roster-{name}.xlsx",
        [(_("Period"), name)],
    )


@bp.get("/roster/mine.ics")
@login_required
def my_calendar() -> ResponseReturnValue:
    """One's own coming shifts for a calendar program."""
    access.require(actor(), Action.EDIT_ROSTER if actor().side is Side.CLIENT else Action.READ_ROSTER)
    shifts = reading.list_mine(actor=actor(), now=g.now)
    url = f"{current_app.extensions['desk_config'].public_url}{url_for('duty.roster')}"
    answer = Response(words.calendar_of(shifts, actor(), url, now=g.now), content_type=MIME_TYPE)
    answer.headers["Content-Disposition"] = 'attachment; filename="my-duty.ics"'
    return answer


@bp.post("/roster/plan")
@login_required
def plan() -> ResponseReturnValue:
    """Fill the days in turns."""
    access.require(actor(), Action.EDIT_ROSTER)
    account, form = current_account(), _plan_form()
    made: list[str] = []

    def make() -> str:
        planned = planning.plan(account.id, form.command(), actor=actor(), now=g.now)
        return f"{planned.entered}/{planned.unfilled}"

    def act() -> None:
        key = form.idempotency_key.data or ""
        made.append(submissions.once("duty_plan", key, make, actor=actor(), now=g.now))

    if not attempt(form, act):
        return _again(plan_form=form)
    entered, unfilled = (int(part) for part in made[0].split("/"))
    if unfilled:
        words_of = ngettext(
            "For %(num)s turn nobody is free; it is shown as an error.",
            "For %(num)s turns nobody is free; they are shown as errors.",
            unfilled,
        )
        flash(words_of, "warn")
    said = ngettext("%(num)s shift was entered.", "%(num)s shifts were entered.", entered)
    return done(said, "duty.roster", month=f"{form.from_on.data:%Y-%m}")


@bp.post("/roster/shifts")
@login_required
def add() -> ResponseReturnValue:
    """Enter a shift."""
    access.require(actor(), Action.EDIT_ROSTER)
    account, form = current_account(), _shift_form(ShiftForm())

    def make() -> str:
        return str(planning.add(account.id, form.details(), actor=actor(), now=g.now).id)

    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once("duty_shift", key, make, actor=actor(), now=g.now)):
        return done(_("The shift was entered."), "duty.roster", month=f"{form.from_at.data:%Y-%m}")
    return _again(shift_form=form)


@bp.route("/roster/shifts/<int:shift_id>", methods=["GET", "POST"])
@login_required
def edit(shift_id: int) -> ResponseReturnValue:
    """Change a shift."""
    access.require(actor(), Action.EDIT_ROSTER)
    shift = reading.get_shift(shift_id, actor=actor())
    form = _shift_form(ShiftForm(obj=shift), shift)
    version = form.version.data or 0
    if attempt_once(
        form, lambda: planning.change(shift_id, form.details(), version, actor=actor(), now=g.now)
    ):
        return done(_("The shift was changed."), "duty.roster", month=f"{form.from_at.data:%Y-%m}")
    if form.is_submitted():
        return again("duty/shift.html", form=form, shift=shift, words=words)
    return render_template("duty/shift.html", form=form, shift=shift, words=words)


@bp.post("/roster/shifts/<int:shift_id>/remove")
@login_required
def remove(shift_id: int) -> ResponseReturnValue:
    """Take a shift out."""
    version = small_number(request.form.get("version")) or 0
    return _decide(
        lambda: planning.remove(shift_id, version, actor=actor(), now=g.now), _("The shift was taken out.")
    )


@bp.post("/roster/shifts/<int:shift_id>/swap")
@login_required
def ask_swap(shift_id: int) -> ResponseReturnValue:
    """Offer one's own shift, for nothing or for another."""
    shift = reading.get_shift(shift_id, actor=actor())
    prefix = f"swap-{shift_id}"
    form = SwapForm(prefix=prefix)
    kind, _sign, number = (form.other.data or "").partition(":")
    other = db.session.get(DutyShift, small_number(number) or 0) if kind == "shift" else None
    to_id = other.user_id if other else small_number(number) or 0
    if kind == "shift" and (other is None or other.account_id != shift.account_id):
        to_id = 0
    note, other_id = form.note.data or "", other.id if other else None
    return _decide(
        lambda: swaps.ask(shift_id, to_id, other_id, note, actor=actor(), now=g.now),
        _("It was offered. The shift stays yours until it is accepted."),
        prefix,
    )


@bp.post("/roster/swaps/<int:swap_id>/accept")
@login_required
def accept_swap(swap_id: int) -> ResponseReturnValue:
    """Take the shift."""
    return _decide(
        lambda: swaps.accept(swap_id, actor=actor(), now=g.now), _("The roster was changed as agreed.")
    )


@bp.post("/roster/swaps/<int:swap_id>/refuse")
@login_required
def refuse_swap(swap_id: int) -> ResponseReturnValue:
    """Say no, with the reason."""
    reason = request.form.get("reason", "")
    return _decide(
        lambda: swaps.refuse(swap_id, reason, actor=actor(), now=g.now),
        _("It was refused; the roster stays as it is."),
    )


@bp.post("/roster/swaps/<int:swap_id>/withdraw")
@login_required
def withdraw_swap(swap_id: int) -> ResponseReturnValue:
    """Take it back."""
    return _decide(lambda: swaps.withdraw(swap_id, actor=actor(), now=g.now), _("The offer was taken back."))


def _decide(act: Callable[[], object], said: str, prefix: str = "") -> ResponseReturnValue:
    """Do it once and say on the roster what came of it."""
    return done(said, "duty.roster") if is_done(act, prefix=prefix) else _again()


def _again(**forms: Any) -> ResponseReturnValue:
    return again("duty/roster.html", **_context(**forms))


def _shown() -> Shown:
    """The month or year in the address; nonsense means this month."""
    today = local_date(g.now)
    year = small_number(request.args.get("year"), digits=4)
    if year and 2000 <= year <= 2100:
        return Shown(date(year, 1, 1), date(year, 12, 31), is_year=True)
    asked = request.args.get("month", "")
    head, _sign, tail = asked.partition("-")
    year, month = small_number(head, digits=4), small_number(tail, digits=2)
    if not (year and month and 2000 <= year <= 2100 and 1 <= month <= 12):
        year, month = today.year, today.month
    first = date(year, month, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return Shown(first, last, is_year=False)


def _context(plan_form: PlanForm | None = None, shift_form: ShiftForm | None = None) -> dict[str, Any]:
    account, me = current_account(), actor()
    context: dict[str, Any] = {
        "on_duty": reading.who_is_on(account.id, actor=me, now=g.now),
        "words": words,
        "account_name": named(account.name, account.name_en),
        "found": None,
    }
    if me.side is Side.CLIENT:
        return context
    shown = _shown()
    found = reading.read_roster(account.id, shown.first, shown.last, actor=me, now=g.now)
    may_edit = access.may(me, Action.EDIT_ROSTER)
    people = {user.id: user for user in reading.possible_people(account.id)} | found.people
    return context | {
        "found": found,
        "shown": shown,
        "months": words.months(found, shown.first, shown.months, local_date(g.now)),
        "heads": words.heads(),
        "faults": words.faults(found.problems, people),
        "mine": _mine(account.id),
        "swaps": swaps.list_swaps(account.id, actor=me),
        "may_edit": may_edit,
        "plan_form": (plan_form or _plan_form(fresh=True)) if may_edit else None,
        "shift_form": (shift_form or _shift_form(ShiftForm(None))) if may_edit else None,
        "plan_refused": plan_form is not None,
        "shift_refused": shift_form is not None,
    }


def _mine(account_id: int) -> list[tuple[DutyShift, SwapForm | None]]:
    """One's next shifts, each of this account that has not begun with the form to offer it."""
    shifts = reading.list_mine(actor=actor(), now=g.now, limit=_MINE)
    if not shifts:
        return []
    colleagues = [one for one in reading.possible_people(account_id) if one.id != actor().id]
    others = reading.list_others(account_id, actor=actor(), now=g.now, limit=_OFFERED)
    offered = [(f"user:{one.id}", f"{one.name} · {one.staff_no}") for one in colleagues]
    in_return = [
        (f"shift:{row.shift.id}", f"{row.user.name}: {words.between(row.shift.from_at, row.shift.to_at)}")
        for row in others
    ]
    found: list[tuple[DutyShift, SwapForm | None]] = []
    for shift in shifts:
        if shift.account_id != account_id or shift.from_at <= g.now:
            found.append((shift, None))
            continue
        # Filled from what was sent: a refused exchange is shown as it was typed.
        form = SwapForm(prefix=f"swap-{shift.id}")
        form.other.choices = {_("For nothing in return"): offered, _("For a shift of theirs"): in_return}
        found.append((shift, form))
    return found


def _plan_form(*, fresh: bool = False) -> PlanForm:
    account = current_account()
    kept, today = duty_hours.schedule_of(account.id), local_date(g.now)
    people = reading.possible_people(account.id)
    known: dict[str, Any] = {
        "from_on": today,
        "to_on": today + timedelta(days=364),
        "begins": kept.hours.begins,
        "ends": kept.hours.ends,
        "calendar_code": kept.calendar_code,
    }
    form = PlanForm(None, data=known) if fresh else PlanForm(data=known)
    form.people.choices = [(user.id, f"{user.name} · {user.staff_no}") for user in people]
    form.calendar_code.choices = [(row.code, named(row.name, row.name_en)) for row in duty_hours.calendars()]
    return form


def _shift_form(form: ShiftForm, shift: DutyShift | None = None) -> ShiftForm:
    account_id = shift.account_id if shift else current_account().id
    people = {user.id: user for user in reading.possible_people(account_id)}
    form.user_id.choices = [("", "—"), *((one.id, f"{one.name} · {one.staff_no}") for one in people.values())]
    form.kind.choices = choices("duty_kind")
    return form
