"""Forms and buttons that are sent a second time, unchanged: answered as the first time, and done once."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm.exc import StaleDataError

from service_desk.base.errors import Conflict, DomainError, Invalid, InvalidMany
from service_desk.forms.fields import Form
from service_desk.models.db import db
from service_desk.presenters.messages import sentence
from service_desk.services import submissions
from service_desk.web.http import STATUS_OF, actor, attempt


def attempt_once(form: Form, act: Callable[[], Any]) -> bool:
    """As `attempt`, for a form whose answer needs nothing of what was made: sent again it is answered as at first.

    Else who clicks twice, or whose first answer was lost on the way, would read that somebody else was faster. What
    was changed before it was sent again is another order.
    """
    kind, key = request.endpoint or "", _key_of(form)

    def make() -> str:
        act()
        return ""

    if attempt(form, lambda: submissions.once(kind, key, make, actor=actor(), now=g.now)):
        return True
    return form.is_submitted() and submissions.was_done(kind, key, actor=actor())


def press(act: Callable[[], object], *, prefix: str = "") -> str:
    """Do what a button asks for, unless it was done before; what `act` said of it, where that is a word.

    For a view that says refusals itself: they are raised. `prefix` is that of the form's fields.
    """

    def make() -> str:
        said = act()
        return said if isinstance(said, str) else ""

    key = _key_of(Form(formdata=request.form, prefix=prefix))
    return submissions.once(request.endpoint or "", key, make, actor=actor(), now=g.now)


def is_done(act: Callable[[], object], *, prefix: str = "") -> bool:
    """Press a button. A refusal is said on the page that is shown next, and nothing of it is kept."""
    refusal: DomainError
    try:
        press(act, prefix=prefix)
        db.session.flush()
    except StaleDataError:
        refusal = Conflict("stale")
    except (Invalid, InvalidMany, Conflict) as error:
        refusal = error
    else:
        return True
    db.session.rollback()
    problems = refusal.problems if isinstance(refusal, InvalidMany) else [refusal]
    flash(" ".join(sentence(one) for one in problems), "bad")
    g.refusal_status = STATUS_OF.get(type(refusal), 422)
    return False


def decide(
    act: Callable[[], object], said: str, back: str, *, keep: Callable[[], None] = lambda: None
) -> ResponseReturnValue:
    """Press a button and say on the page `back` what came of it; `keep` keeps what was typed for a refused one."""
    if is_done(act):
        flash(said, "ok")
    else:
        keep()
    return redirect(back, 303)


def _key_of(form: Form) -> str:
    """A form's key together with what was sent under it; empty without a key."""
    key = form.idempotency_key.data
    sent = [item for item in request.form.items(multi=True) if not item[0].endswith("csrf_token")]
    return sha256(repr((key, request.path, sent)).encode()).hexdigest() if key else ""
