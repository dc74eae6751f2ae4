"""What is said about a contact after it was logged: the client's word, a further call, what it is about."""

from flask import Blueprint, g
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.forms.enquiries import LinkForm
from service_desk.rules.permissions import Side
from service_desk.services import enquiries, submissions
from service_desk.web.enquiry_page import new_call_form, new_word_form, page_context
from service_desk.web.http import actor, again, attempt, done
from service_desk.web.sent_twice import attempt_once

bp = Blueprint("enquiries_words", __name__)
_PAGE = "enquiries.enquiry"


@bp.post("/enquiries/<number>/word")
@login_required
def word(number: str) -> ResponseReturnValue:
    """Whether it is settled: the client says so, or the owner writes down what the client said."""
    enquiries.get_enquiry(number, actor=actor())
    form = new_word_form()
    is_client = actor().side is Side.CLIENT

    def act() -> None:
        version = form.shown_version
        if is_client:
            note = form.note.data or ""
            enquiries.say_word(number, note, version, is_satisfied=form.says_yes, actor=actor(), now=g.now)
        else:
            enquiries.record_word(number, form.word(g.now), version, actor=actor(), now=g.now)

    if attempt_once(form, act):
        settled = _("The contact is closed.")
        return done(settled if form.says_yes else _("It is open again."), _PAGE, number=number)
    return again("enquiries/detail.html", **page_context(number, word_form=form))


@bp.post("/enquiries/<number>/calls")
@login_required
def further_call(number: str) -> ResponseReturnValue:
    """A further call on it: the owner is told. The same form sent twice is one call."""
    enquiries.get_enquiry(number, actor=actor())
    form = new_call_form()

    def make() -> str:
        return enquiries.add_repeat(number, form.call(), actor=actor(), now=g.now).number

    def act() -> None:
        key = form.idempotency_key.data or ""
        submissions.once("enquiry_call", key, make, actor=actor(), now=g.now)

    if attempt(form, act):
        return done(_("The further call was added. The owner knows of it."), _PAGE, number=number)
    return again("enquiries/detail.html", **page_context(number, call_form=form))


@bp.post("/enquiries/<number>/link")
@login_required
def link(number: str) -> ResponseReturnValue:
    """What it is about."""
    enquiries.get_enquiry(number, actor=actor())
    form = LinkForm()

    def act() -> None:
        enquiries.link(number, form.about.data or "", form.shown_version, actor=actor(), now=g.now)

    if attempt_once(form, act):
        return done(_("What it is about was changed."), _PAGE, number=number)
    return again("enquiries/detail.html", **page_context(number, link_form=form))
