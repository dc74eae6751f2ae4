"""The statement of a branch or of the group: page, spreadsheet and paper show the same."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.spreadsheets import TableSheet
from service_desk.base.clock import local_date
from service_desk.base.errors import Invalid
from service_desk.base.paging import PageRequest
from service_desk.forms.fields import small_number
from service_desk.forms.premiums import StatementForm
from service_desk.presenters import premiums as words
from service_desk.presenters import premiums_pdf
from service_desk.presenters.languages import named
from service_desk.presenters.messages import sentence
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts, premiums
from service_desk.services.exports import in_portions
from service_desk.services.premiums import Statement
from service_desk.web.exports import send_book
from service_desk.web.http import actor, as_pdf, current_account

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
    shown = PageRequest(1, MOST_SHOWN)
    page = render_template(
        "premiums/statement.html",
        form=form,
        statement=found,
        money=found and found.money.read(shown),
        open_policies=found and found.open_policies.read(shown),
        words=words,
        most=MOST_SHOWN,
    )
    return page, status


@bp.get("/premiums/statement.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """A statement as a spreadsheet."""
    form = _form()
    if not form.validate():
        return _to_page()

    def sheets() -> list[TableSheet]:
        found = _statement(form)
        money, open_policies = (in_portions(part.read) for part in (found.money, found.open_policies))
        return words.statement_sheets(found, money, open_policies)

    return send_book(sheets, f"{_file_name(form)}.xlsx")


@bp.get("/premiums/statement.pdf")
@login_required
def paper() -> ResponseReturnValue:
    """A statement to print, confirm and stamp."""
    form = _form()
    if not form.validate():
        return _to_page()
    return as_pdf(premiums_pdf.statement_pdf(_statement(form)), _file_name(form))


def _to_page() -> ResponseReturnValue:
    """To the page that says what is wrong at which field: a file of other days than asked for would look right."""
    return redirect(f"{url_for('premiums_statements.statement')}?{request.query_string.decode()}")


def _form() -> StatementForm:
    form = StatementForm(request.args)
    branches = accounts.list_branches(current_account().id, actor=actor())
    form.branch.choices = [
        ("", _("The whole group")),
        *((str(row.id), named(row.name, row.name_en)) for row in branches),
    ]
    return form


def _statement(form: StatementForm) -> Statement:
    start, end = form.period(local_date(g.now))
    branch_id = small_number(form.branch.data)
    return premiums.statement(current_account().id, start, end, branch_id=branch_id, actor=actor(), now=g.now)


def _file_name(form: StatementForm) -> str:
    branch_id = small_number(form.branch.data)
    whose = f"-{branch_id}" if branch_id is not None else ""
    start, end = form.period(local_date(g.now))
    return f"statement{whose}-{start}-{end}"
