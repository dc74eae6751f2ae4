"""A running desk and a real Chromium. Without Chromium these tests are skipped with one line that says so."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect
from sqlalchemy import update
from werkzeug.serving import WSGIRequestHandler, make_server

from service_desk.models.db import db
from service_desk.models.users import User
from tests.browser.axe import axe_problems as axe_problems
from tests.browser.crawling import fill_desk
from tests.browser.pages import DESKTOP, PHONE, TIMEOUT_MS
from tests.standing import once
from tests.world import World

# The shell is the same Chromium without the window that no test looks at: it opens pages for half the time.
CHROMIUM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Each page is there for a second: its scripts, and axe, end before they would pay for being compiled better.
    "--js-flags=--no-maglev,--no-opt",
]

# Nothing waits this long when all is well; a busy machine does.
NAVIGATION_TIMEOUT_MS = 30_000
expect.set_options(timeout=TIMEOUT_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


class QuietHandler(WSGIRequestHandler):
    """Serves without a line per picture in the report of a failed test."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium; CHROMIUM names another."""
    names = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else CHROMIUM_NAMES
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.skip(
        "no Chromium on this machine: install the package `chromium-headless-shell`, or set CHROMIUM to its path"
    )


@pytest.fixture(scope="session")
def browser_type_launch_args(chromium: str) -> dict[str, Any]:
    return {"executable_path": chromium, "args": CHROMIUM_ARGS, "headless": True}


@pytest.fixture(scope="session")
def base_url(_desk: Flask) -> Iterator[str]:
    """Address of the desk, served by threads of this process on a free port of the loopback."""
    server = make_server("127.0.0.1", 0, _desk, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def app(app: Flask) -> Flask:
    """As in life, forms need their CSRF token here."""
    app.config["WTF_CSRF_ENABLED"] = True
    return app


@pytest.fixture
def busy_desk(world: World) -> World:
    """Something in every list: claims, a breach, policies, a receipt, an endorsement, runs, lists, a report."""
    once("busy desk", lambda: fill_desk(world), is_common=True)
    return world


@pytest.fixture
def open_desk(
    chromium: str,
    browser: Browser,
    base_url: str,
    app: Flask,
    sign_in: Callable[[str], FlaskClient],
) -> Iterator[Callable[..., Page]]:
    """`open_desk("claims1", phone=True, language="en")` is a new browser with that user signed in.

    Without a username the visitor has not signed in. A script error or a refusal by the content security
    policy on any page fails the test. Rows written by the test must be committed to be seen, and the test's
    session rolled back to see what the desk wrote.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_for(username: str | None = None, *, phone: bool = False, language: str = "zh") -> Page:
        context = browser.new_context(
            base_url=base_url,
            locale="zh-CN" if language == "zh" else "en-GB",
            timezone_id="Asia/Shanghai",
            **(PHONE if phone else DESKTOP),
        )
        context.set_default_timeout(TIMEOUT_MS)
        context.set_default_navigation_timeout(NAVIGATION_TIMEOUT_MS)
        contexts.append(context)
        if username:
            db.session.execute(update(User).where(User.username == username).values(language=language))
            db.session.commit()
            context.add_cookies([_session_cookie(app, sign_in(username), base_url)])
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(_page_error(error)))
        page.on("console", lambda message: problems.extend(_policy_refusal(message)))
        return page

    yield open_for
    for context in contexts:
        context.close()
    assert not problems, "\n".join(problems)


def _session_cookie(app: Flask, client: FlaskClient, base_url: str) -> dict[str, str]:
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = client.get_cookie(name)
    assert cookie is not None
    return {"name": name, "value": cookie.value, "url": base_url}


def _page_error(error: Error) -> str:
    return f"script error: {error.message}"


def _policy_refusal(message: ConsoleMessage) -> list[str]:
    return [message.text] if "Content Security Policy" in message.text else []
