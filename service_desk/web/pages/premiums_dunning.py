"""Dunning: what could be dunned today, the notices sent, and their letters."""

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.premiums import DunningForm
from service_desk.presenters import premiums as words
from service_desk.presenters import premiums_pdf
from service_desk.presenters.sheets.premiums import cases_sheet, notices_sheet
from service_desk.rules.permissions import Action
from service_desk.services import access, premiums, submissions
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, as_pdf, attempt, current_account, done, page_request
from service_desk.web.papers import address_of

bp = Blueprint("premiums_dunning", __name__)


@bp.route("/premiums/dunning", methods=["GET", "POST"])
@login_required
def cases() -> ResponseReturnValue:
    """What branches have open by level; notices for those ticked."""
    account, form, counts = current_account(), DunningForm(), list[str]()

    def send() -> str:
        return str(len(premiums.send_notices(account.id, form.chosen(), actor=actor(), now=g.now)))

    def act() -> None:
        key = form.idempotency_key.data or ""
        counts.append(submissions.once("premium_dunning", key, send, actor=actor(), now=g.now))

    if request.method == "POST":
        access.require(actor(), Action.RECEIVE_PREMIUM)
        if attempt(form, act):
            sent = ngettext("%(num)s notice was sent.", "%(num)s notices were sent.", int(counts[0]))
            return done(sent, "premiums_dunning.sent")
    context = {
        "form": form,
        "cases": premiums.list_cases(account.id, actor=actor(), now=g.now),
        "today": local_date(g.now),
        "words": words,
    }
    if form.is_submitted():
        return again("premiums/dunning.html", **context)
    return render_template("premiums/dunning.html", **context)


@bp.get("/premiums/dunning.xlsx")
@login_required
def export_cases() -> ResponseReturnValue:
    """What could be dunned today, as a spreadsheet."""
    return send_list(
        whole(premiums.list_cases(current_account().id, actor=actor(), now=g.now)),
        lambda rows: cases_sheet(rows, g.now),
        f"dunning-levels-{local_date(g.now)}.xlsx",
    )


@bp.get("/premiums/dunning/sent")
@login_required
def sent() -> ResponseReturnValue:
    """The notices sent, the latest first."""
    page = premiums.list_notices(current_account().id, page_request(), actor=actor())
    return render_template("premiums/dunning_sent.html", page=page, words=words)


@bp.get("/premiums/dunning/sent.xlsx")
@login_required
def export_sent() -> ResponseReturnValue:
    """The same as a spreadsheet."""
    account = current_account()
    return send_list(
        lambda page: premiums.list_notices(account.id, page, actor=actor()),
        lambda rows: notices_sheet(rows, g.now),
        f"dunning-{local_date(g.now)}.xlsx",
    )


@bp.get("/premiums/dunning/<number>")
@login_required
def notice(number: str) -> ResponseReturnValue:
    """One notice and what it listed."""
    view = premiums.get_notice(number, actor=actor())
    return render_template("premiums/dunning_notice.html", view=view, words=words)


@bp.get("/premiums/dunning/<number>.pdf")
@login_required
def letter(number: str) -> ResponseReturnValue:
    """One notice as a letter."""
    view = premiums.get_notice(number, actor=actor())
    content = premiums_pdf.letter_pdf(view, address_of("premiums_dunning.notice", number))
    return as_pdf(content, number, account_id=view.account.id)
