"""Somebody leaves: what is theirs, offering it to colleagues, assigning what nobody takes, closing the login."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.forms.fields import member, small_number
from service_desk.forms.handovers import LeavingForm
from service_desk.models.db import db
from service_desk.models.enquiries import MatterKind
from service_desk.presenters.messages import sentence
from service_desk.presenters.sheets.duty import leaving_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access, departures
from service_desk.services.departures import Departure, Key
from service_desk.services.enquiries import matters, unanswered
from service_desk.services.enquiries.many import Outcome
from service_desk.web.exports import send_list, whole
from service_desk.web.http import STATUS_OF, actor, again, done
from service_desk.web.sent_twice import press
from service_desk.web.several import press_several

bp = Blueprint("departures", __name__)


@bp.get("/leaving")
@login_required
def people() -> ResponseReturnValue:
    """Whose matters can be given away."""
    return render_template("departures/list.html", people=departures.list_people(actor=actor()))


@bp.get("/leaving/<int:user_id>")
@login_required
def leaving(user_id: int) -> ResponseReturnValue:
    """All that is theirs, and how far it is handed over."""
    return render_template("departures/detail.html", **_context(user_id))


@bp.get("/leaving/<int:user_id>.xlsx")
@login_required
def export(user_id: int) -> ResponseReturnValue:
    """All that is theirs as a spreadsheet."""
    found = departures.read_departure(user_id, actor=actor(), now=g.now)
    return send_list(
        whole([line for lines in found.lines.values() for line in lines]),
        lambda rows: leaving_sheet(rows, g.now),
        f"open-matters-{found.user.staff_no}-{local_date(g.now)}.xlsx",
        [(_("Person"), f"{found.user.name} {found.user.staff_no}")],
        of_desk=True,
    )


@bp.post("/leaving/<int:user_id>/offer")
@login_required
def offer(user_id: int) -> ResponseReturnValue:
    """Offer what is ticked to one or several colleagues."""
    to_ids = [number for text in request.form.getlist("to_ids") if (number := small_number(text))]
    note = request.form.get("note", "")
    return _act(
        user_id,
        lambda: departures.offer(user_id, _ticked(), to_ids, note, actor=actor(), now=g.now),
        lambda count: ngettext(
            "%(num)s matter was offered. It stays with its owner until it is accepted.",
            "%(num)s matters were offered. They stay with their owners until they are accepted.",
            count,
        ),
    )


@bp.post("/leaving/<int:user_id>/assign")
@login_required
def assign(user_id: int) -> ResponseReturnValue:
    """Give what nobody has accepted within the time to a colleague, with the reason."""
    to_id, reason = small_number(request.form.get("to_id")) or 0, request.form.get("reason", "")
    return _act(
        user_id,
        lambda: departures.assign(user_id, _ticked(), to_id, reason, actor=actor(), now=g.now),
        lambda count: ngettext("%(num)s matter was assigned.", "%(num)s matters were assigned.", count),
    )


@bp.post("/leaving/<int:user_id>/take-back")
@login_required
def take_back(user_id: int) -> ResponseReturnValue:
    """Take back what waits for their answer."""
    try:
        count = int(press(lambda: str(departures.take_back(user_id, actor=actor(), now=g.now))))
        db.session.flush()
    except (Invalid, Conflict) as error:
        return _refused(user_id, error)
    said = ngettext("%(num)s offer was taken back.", "%(num)s offers were taken back.", count)
    return done(said, "departures.leaving", user_id=user_id)


@bp.post("/leaving/<int:user_id>/close")
@login_required
def close(user_id: int) -> ResponseReturnValue:
    """Close the login: nothing is left with it."""
    try:
        press(lambda: departures.close_login(user_id, actor=actor(), now=g.now))
        db.session.flush()
    except (Invalid, Conflict) as error:
        return _refused(user_id, error)
    return done(_("The login is closed; open sessions have ended."), "departures.leaving", user_id=user_id)


def _ticked() -> list[Key]:
    """The matters ticked, each `kind:id`; nonsense is passed over."""
    found: list[Key] = []
    for text in request.form.getlist("matter"):
        kind, _sign, number = text.partition(":")
        known, matter_id = member(MatterKind, kind), small_number(number)
        if known is not None and matter_id is not None:
            found.append((known, matter_id))
    return found


def _act(user_id: int, act: Callable[[], Outcome], said: Callable[[int], str]) -> ResponseReturnValue:
    """Do it once and say what was done and what was not; where nothing was, the page is shown again as it was typed."""
    try:
        count, left = press_several(act)
    except (Invalid, Conflict) as error:
        return _refused(user_id, error)
    if count:
        return done(said(count), "departures.leaving", user_id=user_id)
    if not left:
        return _refused(user_id, Conflict("stale"))
    g.refusal_status = STATUS_OF[Conflict]
    return again("departures/detail.html", **_context(user_id))


def _refused(user_id: int, error: Invalid | Conflict) -> ResponseReturnValue:
    db.session.rollback()
    flash(sentence(error), "bad")
    g.refusal_status = STATUS_OF[type(error)]
    return again("departures/detail.html", **_context(user_id))


def _context(user_id: int) -> dict[str, Any]:
    found = departures.read_departure(user_id, actor=actor(), now=g.now)
    return {
        "found": found,
        "form": _form(found),
        "ticked": set(request.form.getlist("matter")),
        "path_of": matters.path_of,
        "hours": unanswered.hours(),
        "may_close": access.may(actor(), Action.MANAGE_USERS) and found.user.id != actor().id,
    }


def _form(found: Departure) -> LeavingForm:
    form = LeavingForm()
    people = [(user.id, f"{user.name} · {user.staff_no}") for user in found.colleagues]
    form.to_ids.choices = people
    form.to_id.choices = [("", "—"), *people]
    return form
