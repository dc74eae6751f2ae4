"""When the cookie of a session is sent anew, and which page says what was done."""

from typing import cast

from flask import Flask, get_flashed_messages, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin


def is_opened() -> bool:
    """Whether somebody opens this page, rather than a page or the phone's worker fetching it beside.

    Browsers say what they fetch for; older ones say nothing, but our own scripts do.
    """
    is_page = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    return is_page and "X-Fragment" not in request.headers


def words_said() -> list[tuple[str, str]]:
    """What the step before has to say, as (category, sentence): once, on the page that somebody opens next.

    The form a phone keeps for places without signal is fetched at moments of its own, and would take the words away.
    """
    if not is_opened():
        return []
    return cast(list[tuple[str, str]], get_flashed_messages(with_categories=True))


class PageSessions(SecureCookieSessionInterface):
    """Only a page that somebody opens prolongs a session.

    What a page fetches beside may be answered after the person has signed out, and a cookie in that answer would sign
    them in again.
    """

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Whether this answer bears the cookie."""
        return session.modified or (is_opened() and super().should_set_cookie(app, session))
