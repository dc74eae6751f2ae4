"""The key account: its facts, branch tree with aliases, and contact people."""

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.accounts import AccountForm, BranchForm, ContactForm
from service_desk.forms.fields import Form
from service_desk.presenters.sheets.accounts import branches_sheet, contacts_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access, accounts
from service_desk.services.notices import bounces
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, current_account, done
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("accounts", __name__)


@bp.get("/account")
@login_required
def account() -> ResponseReturnValue:
    """The account's page."""
    chosen = current_account()
    return render_template(
        "accounts/detail.html",
        account=chosen,
        branches=accounts.list_branches(chosen.id, actor=actor()),
        aliases=accounts.aliases_of(chosen.id),
        contacts=accounts.list_contacts(chosen.id, actor=actor()),
    )


@bp.get("/account/branches.xlsx")
@login_required
def export_branches() -> ResponseReturnValue:
    """The branch tree as a spreadsheet."""
    chosen = current_account()
    branches, aliases = accounts.list_branches(chosen.id, actor=actor()), accounts.aliases_of(chosen.id)
    return send_list(
        whole(branches),
        lambda rows: branches_sheet(rows, {row.id: row for row in branches}, aliases, g.now),
        f"branches-{local_date(g.now)}.xlsx",
    )


@bp.get("/account/contacts.xlsx")
@login_required
def export_contacts() -> ResponseReturnValue:
    """The contact people as a spreadsheet."""
    chosen, reader = current_account(), actor().role
    known = {row.id: row for row in accounts.list_branches(chosen.id, actor=actor())}
    return send_list(
        whole(accounts.list_contacts(chosen.id, actor=actor())),
        lambda rows: contacts_sheet(rows, known, reader, g.now),
        f"contacts-{local_date(g.now)}.xlsx",
    )


@bp.route("/accounts/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Add a key account."""
    access.require(actor(), Action.MANAGE_ACCOUNTS)
    form = AccountForm(data={"reminder_days": "60, 30, 15, 7"})
    if attempt_once(form, lambda: accounts.add_account(form.command(), actor=actor(), now=g.now)):
        return done(_("The key account was added."), "accounts.account")
    return _page("accounts/edit.html", form, heading=_("New key account"))


@bp.route("/account/edit", methods=["GET", "POST"])
@login_required
def edit() -> ResponseReturnValue:
    """Change the account's facts."""
    access.require(actor(), Action.MANAGE_ACCOUNTS)
    chosen = current_account()
    form = AccountForm(obj=chosen, data={"credit_limit": chosen.credit_limit_fen})
    if attempt_once(
        form,
        lambda: accounts.change_account(
            chosen.id, form.command(), form.version.data or 0, actor=actor(), now=g.now
        ),
    ):
        return done(_("The key account was changed."), "accounts.account")
    return _page("accounts/edit.html", form, heading=_("Change the key account"))


@bp.route("/branches/new", methods=["GET", "POST"])
@login_required
def new_branch() -> ResponseReturnValue:
    """Add a branch."""
    access.require(actor(), Action.MANAGE_ACCOUNTS)
    chosen = current_account()
    form = _with_parents(BranchForm(), chosen.id, None)
    if attempt_once(form, lambda: accounts.add_branch(chosen.id, form.command(), actor=actor(), now=g.now)):
        return done(_("The branch was added."), "accounts.account")
    return _page("accounts/branch.html", form, heading=_("New branch"))


@bp.route("/branches/<int:branch_id>", methods=["GET", "POST"])
@login_required
def branch(branch_id: int) -> ResponseReturnValue:
    """Change a branch."""
    access.require(actor(), Action.MANAGE_ACCOUNTS)
    row = accounts.get_branch(branch_id, actor=actor())
    aliases = accounts.aliases_of(row.account_id).get(row.id, [])
    form = _with_parents(BranchForm(obj=row, data={"aliases": "\n".join(aliases)}), row.account_id, row.id)
    if attempt_once(
        form,
        lambda: accounts.change_branch(
            branch_id, form.command(), form.version.data or 0, actor=actor(), now=g.now
        ),
    ):
        return done(_("The branch was changed."), "accounts.account")
    return _page("accounts/branch.html", form, heading=row.name)


@bp.route("/contacts/new", methods=["GET", "POST"])
@login_required
def new_contact() -> ResponseReturnValue:
    """Add a contact person."""
    access.require(actor(), Action.MANAGE_ACCOUNTS)
    chosen = current_account()
    form = _with_branches(ContactForm(), chosen.id)
    if attempt_once(form, lambda: accounts.add_contact(chosen.id, form.command(), actor=actor(), now=g.now)):
        return done(_("The contact was added."), "accounts.account")
    return _page("accounts/contact.html", form, heading=_("New contact"), bounce=None)


@bp.route("/contacts/<int:contact_id>", methods=["GET", "POST"])
@login_required
def contact(contact_id: int) -> ResponseReturnValue:
    """Change a contact person."""
    access.require(actor(), Action.MANAGE_ACCOUNTS)
    row = accounts.get_contact(contact_id, actor=actor())
    form = _with_branches(ContactForm(obj=row), row.account_id)
    if attempt_once(
        form,
        lambda: accounts.change_contact(
            contact_id, form.command(), form.version.data or 0, actor=actor(), now=g.now
        ),
    ):
        return done(_("The contact was changed."), "accounts.account")
    return _page("accounts/contact.html", form, heading=row.name, bounce=bounces.find(row.email))


def _page(template: str, form: Form, **context: object) -> ResponseReturnValue:
    if form.is_submitted():
        return again(template, form=form, **context)
    return render_template(template, form=form, **context)


def _with_parents(form: BranchForm, account_id: int, own_id: int | None) -> BranchForm:
    rows = accounts.list_branches(account_id, actor=actor())
    form.parent_id.choices = [("", _("the group itself"))] + [
        (row.id, row.name) for row in rows if row.id != own_id
    ]
    return form


def _with_branches(form: ContactForm, account_id: int) -> ContactForm:
    rows = accounts.list_branches(account_id, actor=actor())
    form.branch_id.choices = [("", _("the group's departments"))] + [(row.id, row.name) for row in rows]
    return form
