"""The statement of a branch or of the group: page, spreadsheet and paper show the same."""

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.forms.fields import small_number
from service_desk.forms.premiums import StatementForm
from service_desk.presenters import premiums as words
from service_desk.presenters import premiums_pdf
from service_desk.presenters.languages import named
from service_desk.presenters.messages import sentence
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts, premiums
from service_desk.services.premiums import Statement
from service_desk.web.http import actor, as_pdf, current_account, spreadsheet

bp = Blueprint("premiums_statements", __name__)

MOST_SHOWN = 200


@bp.get("/premiums/statement")
@login_required
def statement() -> ResponseReturnValue:
    """A statement; a period that cannot be is refused beside its field."""
    access.require(actor(), Action.READ_PREMIUMS)
    form, found = _form(), None
    is_valid, status = form.validate(), 200
    start, end = form.period(local_date(g.now))
    if is_valid:
        try:
            found = _statement(form)
        except Invalid as refusal:
            form[refusal.field or "end"].errors = [sentence(refusal)]
    if found is None:
        status = 422
    form.start.data, form.end.data = form.start.data or start, form.end.data or end
    page = render_template(
        "premiums/statement.html", form=form, statement=found, words=words, most=MOST_SHOWN
    )
    return page, status


@bp.get("/premiums/statement.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """A statement as a spreadsheet."""
    found = _checked()
    return spreadsheet(words.statement_workbook(found), f"{_file_name(found)}.xlsx")


@bp.get("/premiums/statement.pdf")
@login_required
def paper() -> ResponseReturnValue:
    """A statement to print, confirm and stamp."""
    found = _checked()
    return as_pdf(premiums_pdf.statement_pdf(found), _file_name(found))


def _form() -> StatementForm:
    form = StatementForm(request.args)
    branches = accounts.list_branches(current_account().id, actor=actor())
    form.branch.choices = [
        ("", _("The whole group")),
        *((str(row.id), named(row.name, row.name_en)) for row in branches),
    ]
    return form


def _checked() -> Statement:
    form = _form()
    form.validate()
    return _statement(form)


def _statement(form: StatementForm) -> Statement:
    start, end = form.period(local_date(g.now))
    branch_id = small_number(form.branch.data)
    return premiums.statement(current_account().id, start, end, branch_id=branch_id, actor=actor(), now=g.now)


def _file_name(found: Statement) -> str:
    whose = f"-{found.branch.id}" if found.branch else ""
    return f"statement{whose}-{found.start}-{found.end}"
