"""Whose session it is: a page that is opened prolongs it, what is fetched beside does not bring it back."""

import pytest
from flask.testing import FlaskClient

from tests.world import World


def test_what_answers_after_a_sign_out_signs_nobody_in_again(world: World, sign_in) -> None:
    browser: FlaskClient = sign_in("claims1")
    # The session is one that lasts, as after a real sign-in.
    with browser.session_transaction() as session:
        session.permanent = True
    opened = browser.get("/notices", headers={"Sec-Fetch-Mode": "navigate"})
    assert "Set-Cookie" in opened.headers

    fetched = browser.get("/notices", headers={"Sec-Fetch-Mode": "cors"})
    assert fetched.status_code == 200
    assert "Set-Cookie" not in fetched.headers

    assert "Set-Cookie" in browser.get("/notices", headers={"Sec-Fetch-Mode": "navigate"}).headers


@pytest.mark.parametrize("fetching", [{"Sec-Fetch-Mode": "cors"}, {"X-Fragment": "1"}])
def test_what_was_done_is_said_on_the_page_that_is_opened_next(
    world: World, sign_in, fetching: dict[str, str]
) -> None:
    browser: FlaskClient = sign_in("safety-gongyi")
    with browser.session_transaction() as session:
        session["_flashes"] = [("ok", "The documents were sent.")]

    # As the phone does to keep the form for places without signal; its copy must not say it for weeks either.
    kept = browser.get("/claims/report", headers=fetching)
    assert kept.status_code == 200
    assert "The documents were sent." not in kept.text

    opened = browser.get("/claims", headers={"Sec-Fetch-Mode": "navigate"})
    assert "The documents were sent." in opened.text
    assert "The documents were sent." not in browser.get("/claims").text
