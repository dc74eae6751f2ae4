"""What every request shares: actor and time, one unit of work, refusals into answers, security headers."""

import secrets
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, cast
from urllib.parse import urlsplit

from flask import (
    Flask,
    Request,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    send_file,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_login.utils import login_url
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm.exc import StaleDataError
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge
from werkzeug.routing import IntegerConverter

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import utc_now
from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, InvalidMany, NotFound
from service_desk.base.paging import PAGE_SIZES, PageRequest
from service_desk.forms.fields import small_number
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db, unit_of_work
from service_desk.models.users import User
from service_desk.presenters.messages import sentence
from service_desk.rules.permissions import Action
from service_desk.rules.personal_data import filter_as_kept
from service_desk.services import access, exports
from service_desk.services.documents import Upload
from service_desk.web.faults import answer_fault, wants_json
from service_desk.web.send_again import answer_with_typed

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Pages put the query they were asked with into new addresses: there these names would not be values any more.
_NAMES_OF_URL_FOR = frozenset({"endpoint", "_anchor", "_external", "_method", "_scheme"})
# Signing in checks a slow hash first, and an order too long for an address is only read for its spreadsheet: they take
# the lock only to write down that it was done.
OWN_UNIT_OF_WORK = frozenset({"auth.sign_in_submit", "policies.refused_of_order"})
# Forms with many photos as the camera made them. Each photo is judged for itself, so that one that is too large is
# named and the others are kept, where the request as a whole would else be refused unread.
MANY_PHOTOS = frozenset(
    {
        "claim_reports.report",
        "claims.act",
        "claims_photos.add",
        "claims_site.sketch",
        "claims_site.survey",
        "messages.write",
    }
)
_TIMES_LARGER = 4
_FIRST_ACCOUNT = "no_account_yet"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STATUS_OF: dict[type[DomainError], int] = {
    NotFound: 404,
    Forbidden: 403,
    Conflict: 409,
    Invalid: 422,
    InvalidMany: 422,
}


class BoundedIntegerConverter(IntegerConverter):
    """A number of an address that a database can hold; a longer one is no address."""

    regex = r"\d{1,18}"


def init_http(app: Flask) -> None:
    """Hook the unit of work, headers and error answers into the app. Comes before its addresses."""
    app.url_map.converters["int"] = BoundedIntegerConverter
    app.url_value_preprocessor(_admit_photos)
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(lambda _error: clear_contextvars())
    app.register_error_handler(DomainError, _answer_refusal)
    app.register_error_handler(StaleDataError, lambda _e: _answer_refusal(Conflict("stale")))
    app.register_error_handler(CSRFError, _answer_csrf)
    app.register_error_handler(RequestEntityTooLarge, _answer_too_large)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, answer_fault)


def _admit_photos(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Set how much this form may bring, before anything reads it (the check of its token does)."""
    if request.endpoint in MANY_PHOTOS:
        request.max_content_length = _TIMES_LARGER * current_app.config["MAX_CONTENT_LENGTH"]


def _begin() -> None:
    g.now = utc_now()
    g.request_id = secrets.token_hex(8)
    bind_contextvars(request_id=g.request_id, ip=request.remote_addr or "")
    if any("\0" in text for text in _texts_sent()) or not _NAMES_OF_URL_FOR.isdisjoint(request.args):
        raise BadRequest
    if request.method not in SAFE_METHODS and request.endpoint not in OWN_UNIT_OF_WORK:
        # A writer takes SQLite's lock at once; a later upgrade from reading would lose to another writer.
        db.session.connection(execution_options={"begin_immediate": True})


def _texts_sent() -> Iterator[str]:
    """All that is text in a request. None of it may hold a zero character: nobody types one, PostgreSQL keeps none."""
    yield request.path
    for values in (request.args, request.form):
        yield from (text for _name, text in values.items(multi=True))
    yield from (file.filename or "" for _name, file in request.files.items(multi=True))


def _finish(response: Response) -> Response:
    """Close the unit of work: commit below 400, roll back otherwise."""
    if response.status_code < 400 and request.method not in SAFE_METHODS:
        db.session.commit()
    else:
        db.session.rollback()
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def answer_stranger() -> ResponseReturnValue:
    """Send who has not signed in to the sign-in page, and back afterwards; a script's address answers 401."""
    if wants_json():
        words = sentence(Forbidden("session_ended"))
        return {"error": {"status": 401, "message": words, "reference": g.get("request_id", "")}}, 401
    return answer_with_typed() or redirect(login_url("auth.sign_in", request.url))


def actor() -> User:
    """The signed-in user; views that need none do not call this."""
    return cast(User, current_user._get_current_object())


def files() -> FileStore:
    """The file store of this installation."""
    return cast(FileStore, current_app.extensions["file_store"])


def own_accounts() -> list[KeyAccount]:
    """The key accounts the actor can switch between, asked for once a request."""
    if "accounts" not in g:
        g.accounts = access.list_accounts(actor())
    return cast("list[KeyAccount]", g.accounts)


def current_account() -> KeyAccount:
    """The key account the actor works in: the chosen one, else the first; 404 when they have none.

    Who adds key accounts is told to add the first one, not to ask the administrator.
    """
    if "account" not in g:
        accounts = own_accounts()
        chosen = session.get("account_id")
        g.account = next((a for a in accounts if a.id == chosen), accounts[0] if accounts else None)
    if g.account is None:
        raise NotFound(_FIRST_ACCOUNT if access.may(actor(), Action.MANAGE_ACCOUNTS) else "no_account")
    return cast(KeyAccount, g.account)


def page_request() -> PageRequest:
    """The wanted page from the address; nonsense means the first page of the usual size."""
    number = small_number(request.args.get("page")) or 1
    size = small_number(request.args.get("size"))
    return PageRequest(number, size if size in PAGE_SIZES else 50)


def uploads(name: str) -> list[Upload]:
    """The files of a field, empty inputs left out."""
    return [Upload(f.filename or "", f.read()) for f in request.files.getlist(name) if f.filename]


def attempt(form: FlaskForm, act: Callable[[], Any]) -> bool:
    """Validate the form and act. A refusal is put on its field (or on the form) and answers False.

    So is what this person may not do for a reason of the case (beyond their authority, their own calculation); who has
    no part in it at all was offered no form, and gets the error page. The view then shows the form again with `again`,
    so nothing typed is lost. Nothing is written, and whatever is read from here on knows nothing of the refused act.
    """
    if not form.is_submitted():
        return False
    if form.validate() and _is_done(form, act):
        return True
    db.session.rollback()
    return False


def _is_done(form: FlaskForm, act: Callable[[], Any]) -> bool:
    try:
        act()
        db.session.flush()
    except InvalidMany as error:
        for problem in error.problems:
            _put_on_form(form, problem)
    except StaleDataError:
        _put_on_form(form, Conflict("stale"))
    except (Invalid, Conflict) as error:
        _put_on_form(form, error)
    except Forbidden as error:
        if error.code == "not_allowed":
            raise
        _put_on_form(form, error)
    else:
        return True
    return False


def _put_on_form(form: FlaskForm, error: DomainError) -> None:
    words = sentence(error)
    g.refusal_status = STATUS_OF.get(type(error), 422)
    field = form._fields.get(error.field) if error.field else None
    if field is None:
        form.form_errors.append(words)
    else:
        field.errors = [*field.errors, words]


def again(template: str, **context: Any) -> ResponseReturnValue:
    """Show a page again after a refusal, 409 for a conflict and else 422, so the unit of work rolls back."""
    db.session.rollback()
    return render_template(template, **context), g.get("refusal_status", 422)


def done(words: str, endpoint: str, **values: Any) -> ResponseReturnValue:
    """Redirect after a successful act, with a short confirmation."""
    flash(words, "ok")
    return redirect(url_for(endpoint, **values), 303)


def keep_export(
    table: str,
    rows: int,
    *,
    of_desk: bool = False,
    account_id: int | None = None,
    asked: str | None = None,
) -> None:
    """Write down that a list left the desk, in a unit of work of its own: it was read without a writer's lock.

    `of_desk`: it spoke of no account (people, the trail of several accounts). `account_id` where it is of another
    than somebody works in, as a link of a mail may lead to. `asked`: what was asked for, where the address does not
    say it in full.
    """
    of_account = None if of_desk else account_id or current_account().id
    taken = exports.Taken(table, asked or _as_kept(request), rows)
    with unit_of_work():
        exports.keep_audit(taken, of_account, actor=actor(), now=g.now)


def keep_file(name: str, *, account_id: int | None = None) -> None:
    """Write down that a file left the desk that is no list, as `keep_export` does; once it has been read."""
    of_account = account_id or current_account().id
    asked = _as_kept(request)
    with unit_of_work():
        exports.keep_file_audit(name, asked, of_account, actor=actor(), now=g.now)


def _as_kept(asked: Request) -> str:
    """The address asked for; what was typed into a filter may name a person and is not kept."""
    values = [(name, filter_as_kept(value)) for name, value in asked.args.items(multi=True) if value]
    return asked.path + ("?" + "&".join(f"{name}={value}" for name, value in values) if values else "")


def as_pdf(content: bytes, name: str, *, account_id: int | None = None) -> ResponseReturnValue:
    """A paper to be looked at or printed, under a name. Who took it is written into the audit trail."""
    keep_file(f"{name}.pdf", account_id=account_id)
    return send_file(BytesIO(content), mimetype="application/pdf", download_name=f"{name}.pdf")


def own_path(target: str | None) -> str | None:
    """A path of this site, None for anything else: an address elsewhere would make a redirect a trap.

    Browsers read any number of slashes or backslashes in front as the beginning of another site's address.
    """
    if not target or "\\" in target or not target.startswith("/") or target.startswith("//"):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def _answer_refusal(error: DomainError) -> ResponseReturnValue:
    problems = error.problems if isinstance(error, InvalidMany) else [error]
    words = " ".join(dict.fromkeys(sentence(problem) for problem in problems))
    adds = any(problem.code == _FIRST_ACCOUNT for problem in problems)
    onward = (_("Add the first key account"), url_for("accounts.new")) if adds else None
    return _error_page(STATUS_OF.get(type(error), 422), words, onward)


def _answer_csrf(_error: CSRFError) -> ResponseReturnValue:
    db.session.rollback()
    kept = None if wants_json() else answer_with_typed()
    return kept or _error_page(
        400, _("The page was open too long or was not sent from here. Go back, reload it and send again.")
    )


def _answer_too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    megabytes = (request.max_content_length or current_app.config["MAX_CONTENT_LENGTH"]) // 2**20
    return _error_page(413, sentence(Invalid("upload_too_large", megabytes=megabytes)))


def _answer_http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error
    words = {
        404: _("There is no such page, or you may not see it."),
        405: _("This address does not take that kind of request."),
        429: _("Too many requests. Wait a minute and try again."),
    }
    return _error_page(error.code, words.get(error.code, _("The request could not be understood.")))


def _error_page(status: int, words: str, onward: tuple[str, str] | None = None) -> ResponseReturnValue:
    """The page of a refusal. `onward`: what helps instead of the start page, as its label and address."""
    db.session.rollback()
    reference = g.get("request_id", "")
    if wants_json():
        return {"error": {"status": status, "message": words, "reference": reference}}, status
    heading = {403: _("Not allowed"), 404: _("Not found"), 409: _("Not possible now"), 413: _("Too large")}
    page = render_template(
        "error.html",
        status=status,
        heading=heading.get(status, _("That did not work")),
        sentence=words,
        reference=reference,
        back_label=onward[0] if onward else None,
        back_url=onward[1] if onward else None,
    )
    return page, status
