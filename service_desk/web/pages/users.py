"""Logins (administrator) and one's own page."""

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required, login_user

from service_desk.base.clock import local_date
from service_desk.forms.users import NewUserForm, OwnPasswordForm, SetPasswordForm, UserForm
from service_desk.presenters.labels import choices
from service_desk.presenters.sheets.desk import users_sheet
from service_desk.services import access, accounts, departures, users
from service_desk.services.notices import bounces
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, done
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("users", __name__)


@bp.get("/users", endpoint="users")
@login_required
def users_page() -> ResponseReturnValue:
    """All logins."""
    return render_template("users/list.html", users=users.list_users(actor=actor()))


@bp.get("/users.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """All logins as a spreadsheet."""
    people, reader = users.list_users(actor=actor()), actor().role
    return send_list(
        whole(people),
        lambda rows: users_sheet(rows, reader, g.now),
        f"logins-{local_date(g.now)}.xlsx",
        of_desk=True,
    )


@bp.route("/users/new", methods=["GET", "POST"])
@login_required
def new() -> ResponseReturnValue:
    """Add a login."""
    users.list_users(actor=actor())
    form = _with_choices(NewUserForm())
    if attempt_once(
        form, lambda: users.add_user(form.command(), form.password.data or "", actor=actor(), now=g.now)
    ):
        return done(_("The login was added."), "users.users")
    return _page("users/edit.html", form, user=None)


@bp.route("/users/<int:user_id>", methods=["GET", "POST"])
@login_required
def edit(user_id: int) -> ResponseReturnValue:
    """Change a login."""
    user = users.get_user(user_id, actor=actor())
    form = UserForm(obj=user, data={"account_ids": users.account_ids_of(user)})
    _with_choices(form)
    if attempt_once(
        form,
        lambda: departures.change_login(
            user_id, form.command(), form.version.data or 0, actor=actor(), now=g.now
        ),
    ):
        return done(_("The login was changed."), "users.users")
    return _page(
        "users/edit.html",
        form,
        user=user,
        password_form=SetPasswordForm(formdata=None),
        bounce=bounces.find(user.email),
    )


@bp.post("/users/<int:user_id>/password")
@login_required
def password(user_id: int) -> ResponseReturnValue:
    """Give a login a new password."""
    user = users.get_user(user_id, actor=actor())
    form = SetPasswordForm()
    if attempt(form, lambda: users.set_password(user_id, form.password.data or "", actor=actor(), now=g.now)):
        return done(_("The password was changed; open sessions have ended."), "users.users")
    details = _with_choices(
        UserForm(formdata=None, obj=user, data={"account_ids": users.account_ids_of(user)})
    )
    return again(
        "users/edit.html", form=details, user=user, password_form=form, bounce=bounces.find(user.email)
    )


@bp.route("/me", methods=["GET", "POST"])
@login_required
def me() -> ResponseReturnValue:
    """One's own facts, and a new password."""
    form = OwnPasswordForm()
    if attempt(
        form,
        lambda: users.change_own_password(
            form.old.data or "", form.password.data or "", actor=actor(), now=g.now
        ),
    ):
        login_user(actor())
        return done(_("Your password was changed."), "users.me")
    return _page("users/me.html", form)


def _page(template: str, form: UserForm | OwnPasswordForm, **context: object) -> ResponseReturnValue:
    if form.is_submitted():
        return again(template, form=form, **context)
    return render_template(template, form=form, **context)


def _with_choices(form: UserForm) -> UserForm:
    known = access.list_accounts(actor())
    form.role.choices = choices("role")
    form.account_ids.choices = [(account.id, account.name) for account in known]
    form.branch_id.choices = [("", "—")] + [
        (branch.id, f"{branch.name} ({account.code})")
        for account in known
        for branch in accounts.list_branches(account.id, actor=actor())
    ]
    return form
