"""The feedback form itself: in the portal for who has a login, behind a link of their own for others."""

from typing import Any

import flask_babel
from flask import Blueprint, Response, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.exceptions import TooManyRequests

from service_desk.forms.opinions import answer_form
from service_desk.presenters import opinions as words
from service_desk.presenters.labels import label
from service_desk.services.opinions import answering
from service_desk.services.opinions.answering import OpenForm
from service_desk.web.http import actor, again, attempt, done
from service_desk.web.throttle import Throttle

bp = Blueprint("opinions_forms", __name__)

# A person opens the form a few times; a branch's people share one address.
_throttle = Throttle(limit=30, seconds=60)
_SCORES = range(1, 6)


@bp.before_request
def _count() -> None:
    if "token" in (request.view_args or {}) and _throttle.wait(request.remote_addr or ""):
        raise TooManyRequests


@bp.after_request
def _keep_to_oneself(answer: Response) -> Response:
    """Out of search engines and caches; the address leaves this site in no referrer."""
    answer.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.route("/opinions/forms/<number>", methods=["GET", "POST"])
@login_required
def own(number: str) -> ResponseReturnValue:
    """The form of a campaign that asks the reader: filled in, corrected, or read once it has closed."""
    found = answering.read_own(number, actor=actor(), now=g.now)
    form = _form(found)
    if attempt(form, lambda: answering.answer_own(number, form.answer(), actor=actor(), now=g.now)):
        return done(_("Thank you, we have your answer."), "opinions_forms.own", number=number)
    if not form.is_submitted():
        return render_template("opinions/form.html", **_context(found, form))
    found = answering.read_own(number, actor=actor(), now=g.now)
    return again("opinions/form.html", **_context(found, form))


@bp.get("/opinions/give/<token>")
def form(token: str) -> ResponseReturnValue:
    """The form behind a link; 404 in plain words when the link has ended."""
    found = _speak_to(answering.read_by_link(token, now=g.now))
    return render_template("opinions/give.html", **_context(found, _form(found)), token=token)


@bp.post("/opinions/give/<token>")
def answer(token: str) -> ResponseReturnValue:
    """Keep the answer. Sent twice it is kept once; sent again otherwise it corrects."""
    found = _speak_to(answering.read_by_link(token, now=g.now))
    form = _form(found)
    if attempt(form, lambda: answering.answer_by_link(token, form.answer(), now=g.now)):
        return redirect(url_for("opinions_forms.form", token=token), 303)
    found = answering.read_by_link(token, now=g.now)
    return again("opinions/give.html", **_context(found, form), token=token)


def _speak_to(found: OpenForm) -> OpenForm:
    """In the recipient's language, unless this visitor has chosen one."""
    if not current_user.is_authenticated and "language" not in session:
        session["language"] = found.invitation.language
        flask_babel.refresh()
    return found


def _form(found: OpenForm) -> Any:
    known: dict[str, Any] = {"is_anonymous": found.invitation.is_anonymous}
    for theme, given in found.given.items():
        known[f"score_{theme.value}"] = str(given.score) if given.score else None
        known[f"words_{theme.value}"] = given.words
    form = answer_form(words.asked(found.campaign))(data=known)
    for theme in form.themes:
        form[f"score_{theme.value}"].choices = [(str(score), str(score)) for score in _SCORES]
    return form


def _context(found: OpenForm, form: Any) -> dict[str, Any]:
    return {
        "found": found,
        "campaign": found.campaign,
        "form": form,
        "questions": [
            (theme, label(theme, "opinion_theme"), form[f"score_{theme.value}"], form[f"words_{theme.value}"])
            for theme in form.themes
        ],
        "words": words,
    }
