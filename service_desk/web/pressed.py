"""Buttons that are pressed twice: what they ask for is done once, and answered as the first time."""

from collections.abc import Callable

from flask import g, request

from service_desk.forms.fields import Form
from service_desk.services import submissions
from service_desk.web.http import actor
from service_desk.web.sent_twice import _key_of


def press(act: Callable[[], object], *, prefix: str = "") -> str:
    """Do it unless the very same was sent and done before; what `act` said of it, where that is a word.

    For a view that says refusals itself: they are raised. `prefix` is that of the form's fields.
    """

    def make() -> str:
        said = act()
        return said if isinstance(said, str) else ""

    key = _key_of(Form(formdata=request.form, prefix=prefix))
    return submissions.once(request.endpoint or "", key, make, actor=actor(), now=g.now)
