"""Forms that are sent a second time, unchanged: answered as the first time, and done once."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from flask import g, request

from service_desk.forms.fields import Form
from service_desk.services import submissions
from service_desk.web.http import actor, attempt


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


def _key_of(form: Form) -> str:
    """A form's key together with what was sent under it; empty without a key."""
    key = form.idempotency_key.data
    sent = [item for item in request.form.items(multi=True) if not item[0].endswith("csrf_token")]
    return sha256(repr((key, request.path, sent)).encode()).hexdigest() if key else ""
