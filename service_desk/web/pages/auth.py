"""Signing in and out, and choosing language and account."""

from flask import Blueprint, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required, logout_user

from service_desk.base.errors import Invalid
from service_desk.forms.users import SignInForm
from service_desk.models.db import unit_of_work
from service_desk.presenters.languages import LANGUAGE_NAMES
from service_desk.presenters.messages import sentence
from service_desk.services import access, users
from service_desk.web.http import actor, own_path
from service_desk.web.send_again import begin_session, restored, send_again_page, sign_in_page

bp = Blueprint("auth", __name__)


@bp.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The sign-in page; the demo sign-ins stand on it only while the database holds demo data."""
    if current_user.is_authenticated:
        return redirect(url_for("desk.home"))
    return sign_in_page(SignInForm(), 200)


@bp.post("/sign-in")
def sign_in_submit() -> ResponseReturnValue:
    """Check name and password; the attempt is kept whatever comes of it.

    What the same person had typed on a page before is shown to be sent again; another person's is dropped.
    """
    form, typed = SignInForm(), restored()
    if not form.validate_on_submit():
        return sign_in_page(form, 422, typed)
    username, ip = form.username.data or "", request.remote_addr or ""
    try:
        user_id = users.check_password(username, form.password.data or "", ip=ip, now=g.now)
    except Invalid as error:
        form.form_errors.append(sentence(error))
        return sign_in_page(form, 429, typed)
    # A unit of work of its own, because a failed attempt must survive the 422 answer, which rolls back.
    with unit_of_work():
        user = users.record_attempt(username, user_id, ip=ip, now=g.now)
    if user is None:
        form.form_errors.append(_("User name or password is wrong."))
        return sign_in_page(form, 422, typed)
    begin_session(user)
    if typed is not None and typed.user_id == user.id:
        return send_again_page(typed, 200)
    if typed is not None:
        flash(_("What had been typed here was another person's, and is not kept."), "warn")
    return redirect(own_path(request.args.get("next")) or url_for("desk.home"), 303)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    logout_user()
    session.clear()
    return redirect(url_for("auth.sign_in"), 303)


@bp.post("/language")
def language() -> ResponseReturnValue:
    """Switch the language: remembered for a user, and in the session before signing in."""
    chosen = request.form.get("language", "")
    if chosen in LANGUAGE_NAMES:
        session["language"] = chosen
        if current_user.is_authenticated:
            users.set_language(actor(), chosen)
    return redirect(own_path(request.form.get("next")) or url_for("desk.home"), 303)


@bp.post("/account")
@login_required
def switch_account() -> ResponseReturnValue:
    """Work in another of one's key accounts."""
    code = request.form.get("account", "")
    for account in access.list_accounts(actor()):
        if account.code == code:
            session["account_id"] = account.id
    return redirect(url_for("desk.home"), 303)
