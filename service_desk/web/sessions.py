"""When the cookie of a session is sent anew."""

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin


class PageSessions(SecureCookieSessionInterface):
    """Only a page that somebody opens prolongs a session.

    What a page fetches beside may be answered after the person has signed out, and a cookie in that answer would sign
    them in again. Browsers say what they fetch for; older ones say nothing.
    """

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Whether this answer bears the cookie."""
        is_page = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
        return session.modified or (is_page and super().should_set_cookie(app, session))
