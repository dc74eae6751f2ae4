"""Messages: the list of a person's threads, one matter's thread with its printed form, writing and ending the wait."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_required

from service_desk.base.clock import local_date
from service_desk.base.errors import NotFound
from service_desk.forms.fields import Form, member, small_number
from service_desk.models.db import db
from service_desk.presenters import threads as words
from service_desk.presenters.labels import label
from service_desk.presenters.languages import branch_name
from service_desk.presenters.sheets.messages import threads_sheet
from service_desk.presenters.threads_pdf import thread_paper
from service_desk.rules.messaging import ThreadKind
from service_desk.rules.permissions import Side
from service_desk.services import accounts, messages, submissions
from service_desk.services.messages import Talked, ThreadFilter, ThreadListView
from service_desk.web import kept_uploads, threads
from service_desk.web.exports import send_list
from service_desk.web.http import actor, again, as_pdf, attempt, current_account, files, page_request, uploads
from service_desk.web.kept_uploads import KeptUpload
from service_desk.web.threads import PREFIX, panel_of

bp = Blueprint("messages", __name__)


@bp.get("/messages")
@login_required
def inbox() -> ResponseReturnValue:
    """The account's threads, those with something new to the reader first."""
    account, wanted = current_account(), _wanted()
    page = messages.list_threads(account.id, wanted, page_request(), actor=actor())
    counts = messages.count_views(account.id, wanted, actor=actor())
    return render_template(
        "messages/list.html",
        page=page,
        wanted=wanted,
        views=[_tab(view, wanted, counts[view]) for view in ThreadListView],
        branches=_branches(account.id),
        words=words,
        is_client=actor().side is Side.CLIENT,
    )


@bp.get("/messages.xlsx")
@login_required
def export() -> ResponseReturnValue:
    """The threads as filtered, as a spreadsheet."""
    account, wanted = current_account(), _wanted()
    chosen = [(_("View"), label(wanted.view, "thread_view"))]
    chosen += [(_("Branch"), name) for id_, name in _branches(account.id) if id_ == wanted.branch_id]
    chosen += [(_("Search"), wanted.text)] if wanted.text else []
    return send_list(
        lambda page: messages.list_threads(account.id, wanted, page, actor=actor()),
        lambda rows: threads_sheet(rows, g.now),
        f"messages-{local_date(g.now)}.xlsx",
        chosen,
    )


def _wanted() -> ThreadFilter:
    """The filter in the address; nonsense means mine."""
    return ThreadFilter(
        view=member(ThreadListView, request.args.get("view")) or ThreadListView.MINE,
        branch_id=small_number(request.args.get("branch")),
        text=request.args.get("q", "")[:100],
    )


def _tab(view: ThreadListView, wanted: ThreadFilter, count: int) -> dict[str, Any]:
    return {
        "label": label(view, "thread_view"),
        "url": url_for("messages.inbox", view=view.value, branch=wanted.branch_id, q=wanted.text or None),
        "is_current": view is wanted.view,
        "count": count,
    }


def _branches(account_id: int) -> list[tuple[int, str]]:
    return [(b.id, branch_name(b)) for b in accounts.list_branches(account_id, actor=actor())]


@bp.get("/messages/<kind>/<number>")
@login_required
def thread(kind: str, number: str) -> ResponseReturnValue:
    """All that was written about one matter, fifty messages a page."""
    before = small_number(request.args.get("before"))
    talk = panel_of(_talked(kind, number), most=messages.SHOWN, before=before)
    return render_template("messages/thread.html", talk=talk, words=words)


@bp.get("/messages/<kind>/<number>/paper.pdf")
@login_required
def paper(kind: str, number: str) -> ResponseReturnValue:
    """The whole thread as a paper for the file of the matter."""
    talked = _talked(kind, number)
    view = messages.read_whole(talked, actor=actor(), now=g.now)
    return as_pdf(thread_paper(view, g.now), f"messages-{number}", account_id=talked.matter.account_id)


@bp.post("/messages/<kind>/<number>")
@login_required
def write(kind: str, number: str) -> ResponseReturnValue:
    """Write about a matter. The same form sent twice is one message; what was typed and sent survives a refusal."""
    talked = _talked(kind, number)
    form = threads.sent_form(messages.read_thread(talked, actor=actor(), now=g.now, most=1))
    kept = kept_uploads.restore(request.form.getlist("kept"))
    sent = uploads(f"{PREFIX}files")

    def run() -> str:
        message = form.message([*(one.upload for one in kept), *sent])
        row = messages.write(talked.kind, number, message, files=files(), actor=actor(), now=g.now)
        return str(row.number)

    return _do(talked, form, "message", run, lambda: [*kept, *kept_uploads.keep(sent, or_pdf=True)])


@bp.post("/messages/<kind>/<number>/no-answer")
@login_required
def need_no_answer(kind: str, number: str) -> ResponseReturnValue:
    """Say why what was written needs no answer."""
    talked, form = _talked(kind, number), threads.sent_no_answer()

    def run() -> str:
        reason = form.reason.data or ""
        row = messages.need_no_answer(talked.kind, number, reason, actor=actor(), now=g.now)
        return str(row.number)

    return _do(talked, form, "message_no_answer", run, list)


@bp.get("/messages/<kind>/<number>/no-answer")
@login_required
def no_answer_address(kind: str, number: str) -> ResponseReturnValue:
    """A refused form leaves its address behind; reloaded, it is the thread's page."""
    return redirect(url_for("messages.thread", kind=kind, number=number))


def _do(
    talked: Talked,
    form: Form,
    what: str,
    run: Callable[[], str],
    keep: Callable[[], list[KeptUpload]],
) -> ResponseReturnValue:
    """Do it once. A page that asked for a part of itself gets that; else one is led back to the matter's page."""
    key = form.idempotency_key.data or ""
    if attempt(form, lambda: submissions.once(what, key, run, actor=actor(), now=g.now)):
        if not _wants_part():
            return redirect(f"{talked.url}#messages", 303)
        db.session.expire_all()
        return render_template("messages/_conversation.html", talk=panel_of(talked, was_sent=True))
    kept = keep()
    most = threads.ON_MATTER if _wants_part() else messages.SHOWN
    shown = _talked(talked.kind.value, talked.number)
    talk = panel_of(shown, most=most, refused=form, kept=kept)
    return again(
        "messages/_conversation.html" if _wants_part() else "messages/thread.html", talk=talk, words=words
    )


def _wants_part() -> bool:
    return "X-Fragment" in request.headers


def _talked(kind: str, number: str) -> Talked:
    known = member(ThreadKind, kind)
    if known is None:
        raise NotFound("not_found")
    return messages.get_talked(known, number, actor=actor())
