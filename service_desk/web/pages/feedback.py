"""The client's form behind a link: no sign-in, one answer, nothing of the claim but its plate, number and handler."""

from typing import Any

import flask_babel
from flask import Blueprint, Response, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.exceptions import TooManyRequests

from service_desk.forms.follow_ups import FeedbackForm
from service_desk.presenters import claims as words
from service_desk.services.claims import follow_ups
from service_desk.services.claims.follow_ups import OpenForm
from service_desk.web.follow_up_forms import set_score_choices
from service_desk.web.http import again, attempt
from service_desk.web.throttle import Throttle

bp = Blueprint("feedback", __name__)

# A person opens the form a few times; a branch's people share one address.
_throttle = Throttle(limit=30, seconds=60)


@bp.before_request
def _count() -> None:
    if _throttle.wait(request.remote_addr or ""):
        raise TooManyRequests


@bp.after_request
def _keep_to_oneself(answer: Response) -> Response:
    """Out of search engines and caches. The address leaves this site in no referrer; to our own pages it does, for
    the token of the form is checked against it.
    """
    answer.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/feedback/<token>")
def form(token: str) -> ResponseReturnValue:
    """The form, or thanks once it was answered; 404 in plain words when the link has ended."""
    found = _speak_to(follow_ups.read_form(token, now=g.now))
    return render_template("follow_ups/form.html", **_context(token, found, _form()))


@bp.post("/feedback/<token>")
def answer(token: str) -> ResponseReturnValue:
    """Keep the answer. Sent twice, it is kept once."""
    found = _speak_to(follow_ups.read_form(token, now=g.now))
    form = _form()
    if found.answer is None and not attempt(
        form, lambda: follow_ups.answer_form(token, form.command(), now=g.now)
    ):
        found = follow_ups.read_form(token, now=g.now)
        return again("follow_ups/form.html", **_context(token, found, form))
    return redirect(url_for("feedback.form", token=token), 303)


def _speak_to(found: OpenForm) -> OpenForm:
    """In the recipient's language, unless this visitor has chosen one."""
    if not current_user.is_authenticated and "language" not in session:
        session["language"] = found.plan.language
        flask_babel.refresh()
    return found


def _form() -> FeedbackForm:
    form = FeedbackForm()
    set_score_choices(form)
    return form


def _context(token: str, found: OpenForm, form: FeedbackForm) -> dict[str, Any]:
    return {
        "token": token,
        "form": form,
        "plate": words.plate(found.claim.plate),
        "number": found.claim.number,
        "owner": found.owner,
        "answer": found.answer,
        "scores": _scores(found),
    }


def _scores(found: OpenForm) -> list[tuple[str, int | None]]:
    if found.answer is None:
        return []
    given = found.answer
    return [
        (_("All in all"), given.score),
        (_("Speed"), given.speed),
        (_("Attitude"), given.attitude),
        (_("Result"), given.result),
    ]
