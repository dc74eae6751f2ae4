"""The page of a fault of ours: it comes without the database, which may be what failed, and loses nothing typed."""

from urllib.parse import urlsplit

import structlog
from flask import current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.exc import InterfaceError, OperationalError

from service_desk.models.db import db
from service_desk.web.send_again import typed_here

log = structlog.get_logger()


def wants_json() -> bool:
    """Whether a script asks, which is answered without a page."""
    return request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json"


def answer_fault(error: Exception) -> ResponseReturnValue:
    """Answer what no view foresaw. What happened stands in the log under the number that is shown."""
    _forget_reader()
    db.session.rollback()
    if isinstance(error, OperationalError | InterfaceError):
        log.error("database_unavailable", path=_path_to_log(), error=str(error.orig))
        heading = _("The database does not answer")
        words = _("Nothing was saved. Try again in a minute.")
        return _answer(503, heading, words)
    log.error("request_failed", path=_path_to_log(), exc_info=error)
    return _answer(500, _("Something went wrong on our side"), _("Nothing was saved. Try again in a moment."))


def _forget_reader() -> None:
    """From here on nobody is signed in, so that no template asks the database who they are; their language stays.

    Before anything is rolled back: a user's row would be read again.
    """
    g.language = vars(g._login_user).get("language") if "_login_user" in g else None
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]


def _answer(status: int, heading: str, words: str) -> ResponseReturnValue:
    reference = g.get("request_id", "")
    if wants_json():
        words = f"{heading}{_(': ')}{words}"
        return {"error": {"status": status, "message": words, "reference": reference}}, status
    # Who sent a form with their own token is who opened its page.
    typed = typed_here() if g.get("csrf_valid") else None
    page = render_template(
        "fault.html",
        status=status,
        heading=heading,
        sentence=words,
        reference=reference,
        typed=typed,
        back_url=typed.page if typed else _page_before(),
    )
    return page, status


def _page_before() -> str:
    """The page of ours that led here, else the start page."""
    came_from = urlsplit(request.referrer or "")
    is_ours = came_from.netloc == request.host and came_from.path != request.path
    return f"{came_from.path}?{came_from.query}".rstrip("?") if is_ours else url_for("desk.home")


def _path_to_log() -> str:
    """The path asked for; of an address that is itself the secret only its shape."""
    rule = request.url_rule
    return rule.rule if rule is not None and "token" in (request.view_args or {}) else request.path
