"""The delivery log of an account, and the addresses that bounce."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.forms.fields import small_number
from service_desk.forms.notices import LogForm
from service_desk.models.notices import Notice
from service_desk.presenters import notices as words
from service_desk.presenters.labels import choices
from service_desk.rules.permissions import Action
from service_desk.services import access, notices
from service_desk.services.notices import bounces, delivery_log
from service_desk.web.exports import chosen_in, send_list
from service_desk.web.http import actor, current_account, own_path, page_request
from service_desk.web.sent_twice import press

bp = Blueprint("notices_log", __name__)

# Who reads the log is not whoever a message was for: pages that ask for more than the log does, by their beginning.
_ASKING_MORE = {
    "/breaches": Action.REVIEW_BREACHES,
    "/opinions/forms": Action.GIVE_OPINIONS,
    "/outstanding": Action.COMPARE_OUTSTANDING,
    "/scorecards": Action.JUDGE_SCORECARDS,
}


@bp.get("/notices/log")
@login_required
def log() -> ResponseReturnValue:
    """What went out for the account, to whom and with which tries."""
    account, form = current_account(), _form()
    page = delivery_log.list_log(
        account.id, form.wanted(), page_request(), actor=actor(), zone=ZoneInfo(account.zone)
    )
    return render_template(
        "notices/log.html",
        form=form,
        page=page,
        bouncing=bounces.list_bouncing(account.id, actor=actor()),
        words=words,
        page_of=_page_of,
        here=request.full_path,
    )


@bp.get("/notices/log.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The log as filtered, all its pages, as a spreadsheet."""
    account, form, reader = current_account(), _form(), actor().role
    wanted, zone = form.wanted(), ZoneInfo(account.zone)
    return send_list(
        lambda page: delivery_log.list_log(account.id, wanted, page, actor=actor(), zone=zone),
        lambda rows: words.log_sheet(rows, reader, g.now),
        f"delivery-log-{local_date(g.now)}.xlsx",
        chosen_in(form),
    )


@bp.post("/notices/log/<int:notice_id>/again")
@login_required
def send_again(notice_id: int) -> ResponseReturnValue:
    """Put a message back into the queue."""
    seen = small_number(request.form.get("seen"), digits=18)

    def act() -> str:
        return "sent" if notices.send_again(notice_id, seen=seen, actor=actor(), now=g.now) else ""

    if press(act):
        return _back(_("The message will be sent again within a minute."))
    return _back(_("Somebody has sent it again already; it goes out once."))


@bp.post("/notices/bounces/<int:bounce_id>/again")
@login_required
def try_again(bounce_id: int) -> ResponseReturnValue:
    """Let mails go to an address again."""
    press(lambda: bounces.try_again(bounce_id, actor=actor(), now=g.now))
    return _back(_("Mails go to this address again."))


def _page_of(notice: Notice) -> str | None:
    """Where a message led, if that is a page of ours which this reader may open."""
    path = own_path(str(notice.params.get("url", "")))
    asked = next((more for place, more in _ASKING_MORE.items() if path and path.startswith(place)), None)
    return path if asked is None or access.may(actor(), asked) else None


def _back(sentence: str) -> ResponseReturnValue:
    flash(sentence, "ok")
    return redirect(own_path(request.form.get("next")) or url_for("notices_log.log"), 303)


def _form() -> LogForm:
    form = LogForm(request.args)
    kinds: tuple[tuple[Any, str], ...] = (
        (form.state, "notice_state"),
        (form.channel, "notice_channel"),
        (form.subject, "notice_subject"),
    )
    for field, kind in kinds:
        field.choices = [("", _("Everything")), *choices(kind)]
    return form
