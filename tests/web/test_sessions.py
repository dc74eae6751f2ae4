"""Whose session it is: a page that is opened prolongs it, what is fetched beside does not bring it back."""

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
