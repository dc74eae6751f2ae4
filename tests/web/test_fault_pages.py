"""A fault of ours: the page comes without the database, names its number, keeps what was typed and leads back."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import login_required
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from service_desk.models.db import db
from tests.factories import PASSWORD
from tests.world import World

NUMBER = re.compile(r"\b[0-9a-f]{16}\b")


@pytest.fixture
def broken(app: Flask, monkeypatch) -> None:
    """The list of vehicles and the form for a first contact fail."""

    @login_required
    def fail(**_values: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(app.view_functions, "fleet.vehicles", fail)
    monkeypatch.setitem(app.view_functions, "enquiries.new", fail)


def lose_database(monkeypatch) -> None:
    def refuse(*_args: Any, **_values: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("the server is gone"))

    monkeypatch.setattr(Engine, "connect", refuse)


def speaking(world: World, sign_in, language: str) -> FlaskClient:
    world.claims1.language = language
    db.session.commit()
    return sign_in("claims1")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ["Something went wrong on our side", "Nothing was saved. Try again", "tell the administrator"],
        ),
        ("zh", ["系统出现故障", "内容未保存", "告诉管理员"]),
    ],
)
def test_a_page_that_fails_says_what_to_do(world: World, sign_in, broken, language: str, words) -> None:
    answer = speaking(world, sign_in, language).get(
        "/vehicles?q=1", headers={"Referer": "http://localhost/claims?state=open"}
    )

    assert answer.status_code == 500
    assert [one for one in words if one not in answer.text] == []
    assert NUMBER.search(answer.text)
    assert 'href="/vehicles?q=1"' in answer.text, "try again"
    assert 'href="/claims?state=open"' in answer.text, "back"
    assert "desk-phone" not in answer.text, "a phone would take the page for one of somebody signed out"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_a_database_there_is_a_page_all_the_same(
    app, world: World, monkeypatch, language: str
) -> None:
    world.claims1.language = language
    db.session.commit()
    browser = app.test_client()
    browser.post("/sign-in", data={"username": "claims1", "password": PASSWORD})
    lose_database(monkeypatch)

    for reader, asked in ((browser, "/vehicles"), (app.test_client(), "/sign-in")):
        answer = reader.get(asked, headers={"Accept-Language": language})
        assert answer.status_code == 503
        assert {"en": "The database does not answer", "zh": "数据库没有响应"}[language] in answer.text
        assert NUMBER.search(answer.text)
    script = browser.get("/api/measures", headers={"Accept": "application/json"})
    assert (script.status_code, script.json["error"]["status"]) == (503, 503)


def test_their_own_language_stays_where_the_browser_says_another(app, world: World, monkeypatch) -> None:
    world.claims1.language = "en"
    db.session.commit()
    browser = app.test_client()
    browser.post("/sign-in", data={"username": "claims1", "password": PASSWORD})
    lose_database(monkeypatch)

    assert "The database does not answer" in browser.get("/", headers={"Accept-Language": "zh"}).text


def test_what_was_typed_into_a_form_that_fails_is_sent_again_by_pressing(app, world, sign_in, broken) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    browser = app.test_client()
    token = token_of(browser.get("/sign-in").text)
    browser.post("/sign-in", data={"username": "claims1", "password": PASSWORD, "csrf_token": token})
    token = token_of(browser.get("/claims").text)

    answer = browser.post("/enquiries/new", data={"subject": "保单 何时出？", "csrf_token": token})

    assert answer.status_code == 500
    assert '<textarea name="subject" hidden>\n保单 何时出？</textarea>' in answer.text
    assert 'action="/enquiries/new"' in answer.text
    assert "textarea" not in browser.post("/enquiries/new", data={"subject": "保单 何时出？"}).text, (
        "of others"
    )


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]
