"""The audit trail."""

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.paging import Page, PageRequest
from service_desk.forms.audit import TrailForm
from service_desk.forms.fields import small_number
from service_desk.presenters.audit import Names, ShownEntry, people_ids, shown_entry
from service_desk.presenters.labels import label
from service_desk.presenters.sheets.desk import trail_sheet
from service_desk.presenters.sla_reviews import cause_names
from service_desk.services import audit
from service_desk.services.audit import TrailFilter
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import actor, page_request

bp = Blueprint("audit", __name__)


@bp.get("/audit")
@login_required
def trail() -> ResponseReturnValue:
    """Who changed what, when, from where."""
    form, wanted = _filter()
    page = _read(wanted, page_request())
    return render_template("audit/list.html", form=form, page=page, rows=page.rows)


@bp.get("/audit.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The trail as filtered, as a spreadsheet with personal data masked."""
    form, wanted = _filter()
    return send_list(
        lambda page: _read(wanted, page),
        lambda rows: trail_sheet(rows, g.now),
        f"audit-{local_date(g.now)}.xlsx",
        chosen_in(form),
        of_desk=True,
    )


def _filter() -> tuple[TrailForm, TrailFilter]:
    form = TrailForm(request.args)
    actions = audit.known_actions(actor=actor())
    form.action.choices = [("", _("Everything"))] + [
        (action, label(action, "audit_action")) for action in actions
    ]
    return form, form.wanted(small_number(request.args.get("person")))


def _read(wanted: TrailFilter, asked: PageRequest) -> Page[ShownEntry]:
    page = audit.list_entries(wanted, asked, actor=actor())
    people = audit.people_of(people_ids(entry for entry, _who in page.rows))
    names = Names(people, cause_names())
    rows = [shown_entry(entry, who, names, g.now) for entry, who in page.rows]
    return Page(rows, page.total, page.number, page.size)
