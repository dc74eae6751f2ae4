"""Absences: one's own, those one stands in for, and a manager's people's."""

from collections.abc import Callable
from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.forms.fields import small_number
from service_desk.forms.sla_timers import AbsenceEndForm, AbsenceForm, StandInForm
from service_desk.models.users import User
from service_desk.presenters import sla_absences as words
from service_desk.presenters.labels import choices
from service_desk.presenters.sheets.desk import absences_sheet
from service_desk.services import submissions
from service_desk.services.sla import absences as plans
from service_desk.services.sla.absences import AbsenceRow
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, done
from service_desk.web.pages.sla.blueprint import bp
from service_desk.web.sent_twice import is_done

# What the field of the stand-in says for the roster, and for nothing.
_ROSTER, _NOBODY = 0, -1


@bp.get("/absences")
@login_required
def absences() -> ResponseReturnValue:
    """Who is away and who stands in, and the form to enter it."""
    return render_template("sla/absences.html", **_context(_form()))


@bp.get("/absences.xlsx")
@login_required
def export_absences() -> ResponseReturnValue:
    """All that the page lists, as a spreadsheet."""
    me = actor()
    lists = (plans.list_mine(actor=me, now=g.now), plans.list_covered(actor=me, now=g.now))
    of_people = plans.list_of_people(actor=me, now=g.now)
    rows = {row.absence.id: row for row in (*lists[0], *of_people, *lists[1])}
    own = {user.id for user in plans.people_of(me)}
    return send_list(
        whole(list(rows.values())),
        lambda found: absences_sheet(found, own, g.now),
        f"absences-{local_date(g.now)}.xlsx",
        of_desk=True,
    )


@bp.post("/absences")
@login_required
def plan_absence() -> ResponseReturnValue:
    """Enter an absence."""
    form = _form()

    def make() -> str:
        return str(plans.plan(form.command(), actor=actor(), now=g.now).id)

    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once("absence", key, make, actor=actor(), now=g.now)):
        return done(_("The absence was entered; the stand-in is told."), "sla.absences")
    return again("sla/absences.html", **_context(form))


@bp.post("/absences/<int:absence_id>/cancel")
@login_required
def cancel_absence(absence_id: int) -> ResponseReturnValue:
    """Call it off, or be back early."""
    version = small_number(request.form.get("version")) or 0
    return _decide(
        lambda: plans.cancel(absence_id, version, actor=actor(), now=g.now),
        _("The absence is over; clocks that were covered are back."),
    )


@bp.post("/absences/<int:absence_id>/end")
@login_required
def change_end_of_absence(absence_id: int) -> ResponseReturnValue:
    """Let it end at another time."""
    form = AbsenceEndForm(prefix=_prefix(absence_id))
    version = form.version.data or 0

    def act() -> None:
        if form.to_at.at is None:
            raise Invalid("absence_end_missing", field="to_at")
        plans.change_end(absence_id, form.to_at.at, version, actor=actor(), now=g.now)

    return _decide(act, _("The absence was changed; the stand-in is told."), _prefix(absence_id))


@bp.post("/absences/<int:absence_id>/stand-in")
@login_required
def name_stand_in(absence_id: int) -> ResponseReturnValue:
    """Let another person stand in."""
    form = StandInForm(prefix=_prefix(absence_id))
    chosen, version = form.substitute_id.data, form.version.data or 0
    # 0 is the roster; nobody has the number that stands for nothing chosen.
    substitute_id = _NOBODY if chosen is None else chosen or None
    return _decide(
        lambda: plans.name_another(absence_id, substitute_id, version, actor=actor(), now=g.now),
        _("The absence was changed; the stand-in is told."),
        _prefix(absence_id),
    )


def _prefix(absence_id: int) -> str:
    """A page shows many of these forms: the fields of each have names of their own."""
    return f"absence-{absence_id}"


def _decide(act: Callable[[], object], said: str, prefix: str = "") -> ResponseReturnValue:
    """Do it once and say on the page of absences what came of it."""
    return (
        done(said, "sla.absences")
        if is_done(act, prefix=prefix)
        else again("sla/absences.html", **_context(_form()))
    )


def _form() -> AbsenceForm:
    """The plan as typed, or empty. Only what was sent to its own address is read."""
    me, is_sent = actor(), request.endpoint == "sla.plan_absence"
    people = plans.people_of(me)
    form = AbsenceForm(data={"user_id": me.id}) if is_sent else AbsenceForm(None, data={"user_id": me.id})
    form.user_id.choices = [(user.id, words.person(user)) for user in people]
    form.kind.choices = [("", "—"), *choices("absence_kind")]
    # A manager enters it for others too: who may stand in for whom, the service knows.
    colleagues = plans.possible_substitutes([me])[me.id] if len(people) == 1 else people
    form.substitute_id.choices = [
        ("", "—"),
        (_ROSTER, _("By the duty roster")),
        *((user.id, words.person(user)) for user in colleagues),
    ]
    return form


def _context(form: AbsenceForm) -> dict[str, Any]:
    me = actor()
    lists = {
        "mine": plans.list_mine(actor=me, now=g.now),
        "covered": plans.list_covered(actor=me, now=g.now),
        "of_people": plans.list_of_people(actor=me, now=g.now),
    }
    people = {row.user.id: row.user for rows in lists.values() for row in rows if row.is_open}
    able = plans.possible_substitutes(list(people.values()))
    return {
        **{name: [_shown(row, able) for row in rows] for name, rows in lists.items()},
        "form": form,
        "is_manager": len(form.user_id.choices) > 1,
        "words": words,
    }


def _shown(row: AbsenceRow, able: dict[int, list[User]]) -> dict[str, Any]:
    """A line with the forms that change it."""
    absence = row.absence
    shown: dict[str, Any] = {
        "row": row,
        "state": words.state(row, g.now),
        "end_form": None,
        "stand_in_form": None,
    }
    if not row.is_open:
        return shown
    chosen = absence.substitute_id or _ROSTER
    known = {"to_at": absence.to_at, "substitute_id": chosen, "version": absence.version}
    if absence.repeats_until_on is None:
        shown["end_form"] = AbsenceEndForm(None, prefix=_prefix(absence.id), data=known)
    shown["stand_in_form"] = form = StandInForm(None, prefix=_prefix(absence.id), data=known)
    named = [row.substitute] if row.substitute else []
    colleagues = dict.fromkeys([*named, *able[row.user.id]])
    form.substitute_id.choices = [
        (_ROSTER, _("By the duty roster")),
        *((user.id, words.person(user)) for user in colleagues),
    ]
    return shown
