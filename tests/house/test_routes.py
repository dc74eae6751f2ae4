"""Every address of the desk refuses strangers, and every unsafe one a request that was not sent from its own pages."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Rule
from werkzeug.test import TestResponse

from tests.world import World

# What a visitor may open before signing in. Whoever adds a line says here why.
OPEN_TO_STRANGERS = {
    "static",  # style and scripts of the sign-in page
    "bootstrap.static",
    "auth.sign_in",
    "auth.sign_in_submit",
    "auth.sign_out",  # ends no session but the sender's
    "auth.language",  # chosen before signing in
    "renewals_calendar.feed",  # its address is the secret: a calendar program cannot sign in
    "phone_app.manifest",  # names and pictures of the app, which a phone fetches without cookies
    "phone_app.worker",  # a script without data, renewed by the browser whoever is signed in
    "phone_app.offline",  # what is shown without network before anybody has signed in
    "feedback.form",  # its address is the secret: the client answers without a sign-in
    "feedback.answer",  # the same
    "opinions_forms.form",  # its address is the secret: who has no login answers a feedback form
    "opinions_forms.answer",  # the same
    "bots.ask",  # a vendor's server, which proves itself by its signature; without it there is no such address
    "bots.call",  # the same
    "health.healthz",  # for the machine that watches the desk
}
# What is sent by programs that have no page of ours and prove themselves otherwise.
WITHOUT_TOKEN = {
    "bots.call",  # signed by the vendor; who is signed in is not asked
}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def test_strangers_are_sent_to_the_sign_in_page(app: Flask, client: FlaskClient, world: World) -> None:
    answers = [
        (f"{method} {rule.rule}", rule, client.open(_address(app, rule), method=method))
        for rule, method in _requests(app)
        if rule.endpoint not in OPEN_TO_STRANGERS
    ]

    let_in = [
        f"{name}: {answer.status}" for name, rule, answer in answers if not _refuses_stranger(rule, answer)
    ]
    assert not let_in, "\n".join(["open to strangers:", *let_in])


def test_open_addresses_exist(app: Flask) -> None:
    gone = OPEN_TO_STRANGERS - {rule.endpoint for rule in app.url_map.iter_rules()}
    assert not gone, f"in OPEN_TO_STRANGERS but no longer an address: {gone}"


@pytest.mark.parametrize("username", ["admin", "manager"])
def test_unsafe_requests_need_the_token_of_a_page(app: Flask, sign_in, world: World, username: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    client = sign_in(username)

    answers = [
        (f"{method} {rule.rule}", client.open(_address(app, rule), method=method))
        for rule, method in _requests(app)
        if method not in SAFE_METHODS and rule.endpoint not in WITHOUT_TOKEN
    ]

    taken = [f"{name}: {answer.status}" for name, answer in answers if answer.status_code != 400]
    assert not taken, "\n".join(["taken without a CSRF token:", *taken])


def _requests(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def _address(app: Flask, rule: Rule) -> str:
    """An address of this rule; what it names need not exist, for a stranger must not learn that either."""
    values = {name: _value_of(kind) for name, kind in rule._converters.items()}
    with app.test_request_context():
        return rule.build(values, append_unknown=False)[1]  # type: ignore[index]


def _value_of(kind: BaseConverter) -> object:
    if isinstance(kind, AnyConverter):
        return min(kind.items)
    return 1 if isinstance(kind, IntegerConverter) else "1"


def _refuses_stranger(rule: Rule, answer: TestResponse) -> bool:
    if rule.rule.startswith("/api/"):
        return answer.status_code == 401 and answer.is_json
    return answer.status_code == 302 and answer.location.startswith("/sign-in")
