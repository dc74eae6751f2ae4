"""Calendar feeds of ends of cover: the feeds themselves, which need no sign-in, and making and revoking them."""

from typing import Any

from flask import Blueprint, Response, abort, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.adapters.icalendar import MIME_TYPE
from service_desk.base.clock import local_date
from service_desk.forms.renewals import FeedForm
from service_desk.presenters import renewals_calendar as words
from service_desk.presenters.languages import current_language
from service_desk.presenters.sheets.desk import feeds_sheet
from service_desk.services.renewals import calendar
from service_desk.web.exports import send_list, whole
from service_desk.web.http import actor, again, attempt, current_account, done
from service_desk.web.renewal_filters import branch_choices
from service_desk.web.sent_twice import press
from service_desk.web.throttle import Throttle

bp = Blueprint("renewals_calendar", __name__)

# Calendar programs ask a few times a day; an office with many shares one address.
_throttle = Throttle(limit=60, seconds=60)


@bp.get("/calendar/<token>.ics")
def feed(token: str) -> ResponseReturnValue:
    """The ends of cover of a feed, for a calendar program; 404 once it is revoked."""
    wait = _throttle.wait(request.remote_addr or "")
    if wait:
        sentence = _("Too many requests. Wait a minute and try again.")
        return Response(sentence, 429, {"Retry-After": str(wait)}, content_type="text/plain; charset=utf-8")
    if len(token) > 100:
        abort(404)
    content = calendar.read(token, now=g.now)
    answer = Response(words.feed_text(content, _board_url, now=g.now), content_type=MIME_TYPE)
    answer.headers["Content-Disposition"] = 'inline; filename="renewals.ics"'
    # Only the program itself may keep it, and for an hour at most: a cache between would know the address.
    answer.headers["Cache-Control"] = "private, max-age=3600"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.add_etag()
    return answer.make_conditional(request)


def _public(path: str) -> str:
    return f"{current_app.extensions['desk_config'].public_url}{path}"


def _board_url(branch_id: int) -> str:
    return _public(url_for("renewals.board", branch=branch_id))


@bp.get("/renewals/calendar")
@login_required
def feeds() -> ResponseReturnValue:
    """The feeds this person may revoke, and a form for a new one."""
    return render_template("renewals/feeds.html", **_context(_form(), None))


@bp.get("/renewals/calendar.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The same feeds as a spreadsheet, without their addresses."""
    return send_list(
        whole(calendar.list_feeds(current_account().id, actor=actor())),
        lambda rows: feeds_sheet(rows, g.now),
        f"calendar-feeds-{local_date(g.now)}.xlsx",
    )


@bp.post("/renewals/calendar")
@login_required
def make() -> ResponseReturnValue:
    """Make a feed; its address is shown this once. The same form sent twice makes one."""
    form = _form()
    made: list[str | None] = []

    def act() -> None:
        made.append(
            calendar.make(
                current_account().id,
                form.branch_id(),
                language=current_language(),
                key=form.idempotency_key.data or "",
                actor=actor(),
                now=g.now,
            )
        )

    if not attempt(form, act):
        return again("renewals/feeds.html", **_context(form, None))
    if made[0] is None:
        return done(_("The feed was made before; its address was shown then."), "renewals_calendar.feeds")
    address = _public(url_for("renewals_calendar.feed", token=made[0]))
    return render_template("renewals/feeds.html", **_context(_form(fresh=True), address))


@bp.post("/renewals/calendar/<int:feed_id>/revoke")
@login_required
def revoke(feed_id: int) -> ResponseReturnValue:
    """End a feed."""
    press(lambda: calendar.revoke(feed_id, actor=actor(), now=g.now))
    return done(_("The feed was revoked; its address answers no more."), "renewals_calendar.feeds")


def _form(*, fresh: bool = False) -> FeedForm:
    form = FeedForm(formdata=None) if fresh else FeedForm()
    everything = [("", _("All branches"))] if calendar.may_cover_all(actor()) else []
    form.branch.choices = [*everything, *branch_choices()]
    return form


def _context(form: FeedForm, address: str | None) -> dict[str, Any]:
    return {
        "form": form,
        "address": address,
        "rows": calendar.list_feeds(current_account().id, actor=actor()),
    }
