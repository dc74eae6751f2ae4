"""Hand-overs: what is offered to me, what I have offered, and several at once."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid, NotFound
from service_desk.forms.fields import member, small_number
from service_desk.forms.handovers import HoursForm
from service_desk.models.db import db
from service_desk.models.enquiries import MatterKind
from service_desk.presenters.messages import sentence
from service_desk.presenters.sheets.duty import handovers_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access, enquiries
from service_desk.services.enquiries import matters, unanswered
from service_desk.services.enquiries.many import Outcome
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, current_account, done, own_path
from service_desk.web.several import keep_offer, press_several

bp = Blueprint("handovers", __name__)


@bp.get("/handovers", endpoint="handovers")
@login_required
def handovers_page() -> ResponseReturnValue:
    """Offers to me, offers of mine, and what came back."""
    return render_template("handovers/list.html", **_context(None))


@bp.get("/handovers.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The offers that wait for an answer as a spreadsheet."""
    access.require(actor(), Action.ANSWER_ENQUIRIES)
    rows = unanswered.list_open(actor=actor(), now=g.now)
    return send_list(
        whole(rows),
        lambda found: handovers_sheet(found, g.now),
        f"hand-overs-{local_date(g.now)}.xlsx",
    )


@bp.post("/handovers/several")
@login_required
def offer_several() -> ResponseReturnValue:
    """Offer the ticked claims or contacts to one colleague."""
    access.require(actor(), Action.ANSWER_ENQUIRIES)
    kind = member(MatterKind, request.form.get("kind"))
    if kind not in {MatterKind.CLAIM, MatterKind.ENQUIRY}:
        raise NotFound("not_found")
    to_id, note = small_number(request.form.get("to_id")) or 0, request.form.get("note", "")
    numbers = request.form.getlist("number")
    return _act_on_several(
        lambda: enquiries.ask_many(kind, numbers, to_id, note, actor=actor(), now=g.now),
        lambda count: ngettext(
            "%(num)s matter was offered. It stays with its owner until it is accepted.",
            "%(num)s matters were offered. They stay with their owners until they are accepted.",
            count,
        ),
        lambda left: keep_offer(request.form.get("back", ""), numbers if left is None else left, to_id, note),
    )


@bp.post("/handovers/accept-several")
@login_required
def accept_several() -> ResponseReturnValue:
    """Take over what is ticked, or everything that is offered."""
    access.require(actor(), Action.ANSWER_ENQUIRIES)
    ids = [number for text in request.form.getlist("offer") if (number := small_number(text))]
    return _act_on_several(
        lambda: enquiries.accept_many(ids, actor=actor(), now=g.now),
        lambda count: ngettext("%(num)s matter is yours now.", "%(num)s matters are yours now.", count),
    )


@bp.post("/handovers/hours")
@login_required
def set_hours() -> ResponseReturnValue:
    """Set how long an answer may take (administrator)."""
    access.require(actor(), Action.MANAGE_SETTINGS)
    form = HoursForm()
    if attempt(form, lambda: unanswered.set_hours(form.hours(), actor=actor(), now=g.now)):
        return done(_("The hours were set."), "handovers.handovers")
    return again("handovers/list.html", **_context(form))


def _act_on_several(
    act: Callable[[], Outcome],
    said: Callable[[int], str],
    keep: Callable[[list[str] | None], None] = lambda _left: None,
) -> ResponseReturnValue:
    """Do what can be done and say both: what was, and of each other matter why not.

    `keep` is told the numbers that were refused, None for all of them.
    """
    try:
        count, left = press_several(act)
    except Invalid as error:
        db.session.rollback()
        flash(sentence(error), "bad")
        keep(None)
        return _back()
    if left:
        keep([number for number, _refusal in left])
    if count:
        flash(said(count), "ok")
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(own_path(request.form.get("back")) or url_for("handovers.handovers"), 303)


def _context(hours_form: HoursForm | None) -> dict[str, Any]:
    me = actor()
    access.require(me, Action.ANSWER_ENQUIRIES)
    current_account()
    hours = unanswered.hours()
    may_set = access.may(me, Action.MANAGE_SETTINGS)
    return {
        "offers": enquiries.list_offered(actor=me, now=g.now),
        "waiting": unanswered.list_open(actor=me, now=g.now),
        "refused": unanswered.list_refused(actor=me, now=g.now),
        "path_of": matters.path_of,
        "hours": hours,
        "hours_form": (hours_form or HoursForm(None, obj=hours)) if may_set else None,
        "is_manager": access.may(me, Action.MANAGE_CLOCKS),
    }
