"""Answers given often: the list for whoever answers, and the form of the managers."""

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.enquiries import TemplateForm
from service_desk.models.enquiries import AnswerTemplate
from service_desk.presenters import enquiries as words
from service_desk.presenters.labels import choices
from service_desk.presenters.sheets.contacts import templates_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access, enquiries, submissions
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, attempt, current_account, done, page_request

bp = Blueprint("enquiries_templates", __name__)


@bp.get("/answer-templates")
@login_required
def templates() -> ResponseReturnValue:
    """The templates of the account and of all, with how often each was used."""
    page = enquiries.list_templates(current_account().id, page_request(), actor=actor())
    return render_template("enquiries/templates.html", page=page, words=words, may_edit=_may_edit())


@bp.get("/answer-templates.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The templates as a spreadsheet."""
    account_id = current_account().id
    return send_list(
        lambda page: enquiries.list_templates(account_id, page, actor=actor()),
        lambda rows: templates_sheet(rows, g.now),
        f"answer-templates-{local_date(g.now)}.xlsx",
        [],
    )


@bp.route("/answer-templates/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Write a template. The same form sent twice is one."""
    access.require(actor(), Action.MANAGE_CLOCKS)
    return _edit(None)


@bp.route("/answer-templates/<int:template_id>", methods=["GET", "POST"])
@login_required
def edit(template_id: int) -> ResponseReturnValue:
    """Change a template."""
    access.require(actor(), Action.MANAGE_CLOCKS)
    return _edit(enquiries.get_template(template_id, current_account().id, actor=actor()))


def _edit(row: AnswerTemplate | None) -> ResponseReturnValue:
    account_id, form = current_account().id, _form(row)

    def make() -> str:
        saved = enquiries.save_template(
            row.id if row else None, account_id, form.text(), form.shown_version, actor=actor(), now=g.now
        )
        # Its id comes with the write.
        return str(saved.id)

    def act() -> None:
        key = form.idempotency_key.data or ""
        submissions.once("answer_template", key, make, actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The template was saved."), "enquiries_templates.templates")
    context = {"form": form, "row": row, "places": choices("answer_place")}
    if form.is_submitted():
        return again("enquiries/template.html", **context)
    return render_template("enquiries/template.html", **context)


def _form(row: AnswerTemplate | None) -> TemplateForm:
    form = TemplateForm(obj=row, data=None if row else {"is_active": True})
    if row is not None and not form.is_submitted():
        form.is_common.data = row.account_id is None
    if not access.may(actor(), Action.MANAGE_SETTINGS):
        del form.is_common
    return form


def _may_edit() -> bool:
    return access.may(actor(), Action.MANAGE_CLOCKS)
