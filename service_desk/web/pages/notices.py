"""The inbox: what the desk told me, and where each message leads."""

from flask import Blueprint, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.models.notices import Notice
from service_desk.presenters.mail import inbox_line
from service_desk.services import notices
from service_desk.web.http import actor, done, own_path, page_request

bp = Blueprint("notices", __name__)


@bp.get("/notices")
@login_required
def inbox() -> ResponseReturnValue:
    """My messages, newest first."""
    page = notices.list_inbox(actor(), page_request())
    return render_template("notices/list.html", page=page, line_of=inbox_line)


@bp.post("/notices/<int:notice_id>")
@login_required
def read(notice_id: int) -> ResponseReturnValue:
    """Mark a message read and go where it leads."""
    notice = notices.get_inbox_notice(actor(), notice_id)
    notices.mark_read(actor(), notice_id, now=g.now)
    return redirect(_target(notice), 303)


@bp.post("/notices/read")
@login_required
def read_all() -> ResponseReturnValue:
    """Mark every message read."""
    notices.mark_read(actor(), None, now=g.now)
    return done(_("All messages are marked as read."), "notices.inbox")


def _target(notice: Notice) -> str:
    """A path of this desk, never another site's address; the inbox when the message leads nowhere."""
    return own_path(str(notice.params.get("url", ""))) or url_for("notices.inbox")
