"""The audit trail."""

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.forms.audit import TrailForm
from service_desk.forms.fields import small_number
from service_desk.presenters.audit import Names, people_ids, shown_entry
from service_desk.presenters.labels import label
from service_desk.presenters.sla_reviews import cause_names
from service_desk.services import audit
from service_desk.web.http import actor, page_request

bp = Blueprint("audit", __name__)


@bp.get("/audit")
@login_required
def trail() -> ResponseReturnValue:
    """Who changed what, when, from where."""
    form = TrailForm(request.args)
    actions = audit.known_actions(actor=actor())
    form.action.choices = [("", _("Everything"))] + [
        (action, label(action, "audit_action")) for action in actions
    ]
    wanted = form.wanted(small_number(request.args.get("person")))
    page = audit.list_entries(wanted, page_request(), actor=actor())
    people = audit.people_of(people_ids(entry for entry, _who in page.rows))
    names = Names(people, cause_names())
    rows = [shown_entry(entry, who, names, g.now) for entry, who in page.rows]
    return render_template("audit/list.html", form=form, page=page, rows=rows)
