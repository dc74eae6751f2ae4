"""Clocks on terms no longer in force, and the manager's word that moves them."""

from typing import Any

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from flask_login import login_required

from service_desk.forms.sla_calendars import RecomputeForm, read_wanted, wanted_token
from service_desk.presenters import sla_calendars as shown
from service_desk.presenters.labels import choices
from service_desk.services import submissions
from service_desk.services.sla.outdated import OutdatedView, list_outdated
from service_desk.services.sla.recompute import recompute
from service_desk.web.http import actor, again, attempt, done, page_request
from service_desk.web.pages.sla.blueprint import bp


@bp.get("/settings/recompute")
@login_required
def recompute_clocks() -> ResponseReturnValue:
    """Open clocks whose level or calendar has changed since they started, with old and new due time."""
    return render_template("sla/recompute.html", **_context(RecomputeForm(formdata=None)))


@bp.post("/settings/recompute")
@login_required
def recompute_chosen() -> ResponseReturnValue:
    """Move the ticked clocks to the terms in force."""
    form = RecomputeForm()
    results: list[str] = []

    def make() -> str:
        wanted = read_wanted(request.form.getlist("clock"))
        return str(len(recompute(wanted, form.reason.data or "", actor=actor(), now=g.now)))

    def act() -> None:
        key = form.idempotency_key.data or ""
        results.append(submissions.once("recompute", key, make, actor=actor(), now=g.now))

    if attempt(form, act):
        count = int(results[0])
        said = ngettext("%(num)s clock was recomputed.", "%(num)s clocks were recomputed.", count)
        return done(said, "sla.recompute_clocks", view=_view())
    return again("sla/recompute.html", **_context(form))


def _view() -> OutdatedView:
    view = request.args.get("view")
    return OutdatedView(view) if view in set(OutdatedView) else OutdatedView.MOVES


def _context(form: RecomputeForm) -> dict[str, Any]:
    view = _view()
    listed = list_outdated(view, page_request(), actor=actor(), now=g.now)
    return {
        "form": form,
        "page": listed.page,
        "people": listed.people,
        "view": view,
        "views_shown": [
            (code, words, listed.counts.get(OutdatedView(code), 0))
            for code, words in choices("recompute_view")
        ],
        "ticked": {
            (one.timer_id, one.level_id, one.digest) for one in read_wanted(request.form.getlist("clock"))
        },
        "token": wanted_token,
        "shown": shown,
    }
