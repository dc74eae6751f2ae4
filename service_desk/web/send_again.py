"""What was typed on a page whose sign-in ended meanwhile: kept through the sign-in, and sent again by whoever typed it.

Nothing is sent by itself: a page of ours shows what was typed, and a person presses the button. Whose page it was is told by
its token (`begin_session` puts the user into it), so that only that person is shown the words again. A token of ours that
bears a person's number stands on that person's pages alone; another site cannot know one.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, g, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user
from itsdangerous import BadSignature, URLSafeTimedSerializer

from service_desk.forms.users import SignInForm
from service_desk.models.users import User
from service_desk.services import settings

MAX_AGE_SECONDS = 24 * 3600
# The words travel in a hidden field, and a form's fields have a limit; a page of so much text is not typed.
_MOST_LETTERS = 200_000
_CSRF = "csrf_token"
_NOBODY = 0
_SECRET = re.compile(r"password|secret|token|inbound_key|\bold\b")
_WORDS = re.compile(r"[^\x00-\x7f]|\s")


@dataclass(frozen=True)
class Typed:
    """A form that could not be taken: where it was sent, from which page, what stood in it and whose page it was.

    `lacks`: files or passwords were sent along, which are not kept.
    """

    address: str
    page: str
    fields: list[tuple[str, str]]
    lacks: bool
    user_id: int

    @property
    def words(self) -> list[str]:
        """What a person can read again: text, without codes, numbers and what the page put into its form."""
        return [value for _name, value in self.fields if _WORDS.search(value.strip())]

    @property
    def token(self) -> str:
        """The same for a hidden field."""
        return _serializer().dumps(asdict(self))


def begin_session(user: User) -> None:
    """Sign a user in to a session that holds nothing of before. Its pages bear whose they are."""
    session.clear()
    login_user(user)
    session.permanent = True
    if user.language:
        # For a page that comes without the database.
        session["language"] = user.language
    session[_CSRF] = f"{user.id}-{secrets.token_hex(20)}"
    # Flask-WTF keeps a request's token, which was of the session of before.
    g.pop(_CSRF, None)


def answer_with_typed() -> ResponseReturnValue | None:
    """Keep what this request would have sent: for its author the page to send it again, for a stranger the sign-in first.

    None when it is no form, not from a page of ours, or of somebody else.
    """
    typed = typed_here()
    reader = current_user.id if current_user.is_authenticated else _NOBODY
    # A page for everybody that was sent with its right token lacks a sign-in: pressing again would not help.
    if typed is None or (typed.user_id == _NOBODY and g.get("csrf_valid")):
        return None
    if typed.user_id == reader:
        return send_again_page(typed, 400)
    if reader == _NOBODY:
        return sign_in_page(SignInForm(), 401, typed)
    return None


def restored() -> Typed | None:
    """What a sign-in form has carried along; None when there is nothing, it is too old or not ours."""
    try:
        kept: dict[str, Any] = _serializer().loads(request.form.get("typed", ""), max_age=MAX_AGE_SECONDS)
    except BadSignature:
        return None
    return Typed(**kept)


def sign_in_page(form: SignInForm, status: int, typed: Typed | None = None) -> ResponseReturnValue:
    """The sign-in page; the demo sign-ins stand on it only while the database holds demo data."""
    demo = settings.read(settings.DEMO_SIGN_INS) if settings.read(settings.HOLDS_DEMO_DATA) else None
    return render_template("users/sign_in.html", form=form, demo=demo, typed=typed), status


def send_again_page(typed: Typed, status: int) -> ResponseReturnValue:
    """What was typed, and the button that sends it."""
    return render_template("users/send_again.html", typed=typed), status


def typed_here() -> Typed | None:
    """What this request would have sent; None when it is no form of a page of ours, or too long."""
    user_id = _author()
    # Browsers say where a request comes from; older ones say nothing.
    is_from_here = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    if request.method != "POST" or request.blueprint == "auth" or user_id is None or not is_from_here:
        return None
    sent = [(name, value) for name, value in request.form.items(multi=True) if not name.endswith(_CSRF)]
    fields = [(name, value) for name, value in sent if not _SECRET.search(name)]
    if sum(len(value) for _name, value in fields) > _MOST_LETTERS:
        return None
    came_from = urlsplit(request.referrer or "")
    is_ours = came_from.netloc == request.host
    return Typed(
        address=request.script_root + request.full_path.rstrip("?"),
        page=f"{came_from.path}?{came_from.query}".rstrip("?") if is_ours else f"{request.script_root}/",
        fields=fields,
        lacks=len(fields) < len(sent) or any(file.filename for file in _files()),
        user_id=user_id,
    )


def _files() -> Iterator[Any]:
    yield from (file for _name, file in request.files.items(multi=True))


def _author() -> int | None:
    """Whose page the form stood on, by its token, however old; None when the token is not ours."""
    token = next((value for name, value in request.form.items() if name.endswith(_CSRF) and value), "")
    try:
        raw = URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="wtf-csrf-token").loads(token)
    except BadSignature:
        return None
    user_id, dash, _random = str(raw).partition("-")
    return int(user_id) if dash and user_id.isdigit() else _NOBODY


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="typed")
