"""The desk under test on SQLite and on a real PostgreSQL; every test starts with empty tables.

A test that asks for `app`, `session`, `world`, `client` or `sign_in` runs once on each database, a test of a page
on one of them (`tests/web/conftest.py`). Tests of the floors below services ask for none of them and run once.
"""

import contextlib
import contextvars
import gc
import importlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session
from werkzeug.test import TestResponse

from service_desk.app import create_app
from service_desk.config import Config
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.services import sla
from service_desk.services.policies import rates
from tests import databases
from tests.standing import Standing, kept
from tests.world import World, build_world

SECRET_KEY = "only-for-tests-0123456789"

DATABASES = ("sqlite", "postgres")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-databases", action="store_true", help="test every page on both databases")


def pytest_sessionstart(session: pytest.Session) -> None:
    """In a fresh clone each worker begins with its share of the test modules, and finds the others' compiled."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    if not count or session.config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return
    share = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    for module in sorted(session.config.rootpath.glob("tests/*/test_*.py"))[share::count]:
        # The collector says what is wrong with one.
        with contextlib.suppress(Exception):
            importlib.import_module(f"tests.{module.parent.name}.{module.stem}")


# Begun last, they would keep one worker busy for minutes after all others are done.
LONG = ("tests/reconciliation/", "tests/services/test_demo.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Modules, tests and tables stay to the end: the collector need not go through them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class DeskClient(FlaskClient):
    """A browser without a screen. Each request has its own session, as in life, and sees what the test wrote.

    The test's own session is committed before a request, so that the request sees it, and forgets what it
    read afterwards, so that the test sees what the request wrote.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        db.session.commit()
        # In the test's own context the request would share its session and its signed-in user.
        kwargs.setdefault("buffered", True)
        try:
            return contextvars.Context().run(super().open, *args, **kwargs)
        finally:
            db.session.rollback()


@pytest.fixture
def now() -> datetime:
    """Monday 23 November 2026, 09:00 in Zhengzhou."""
    return datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres(testrun_uid: str) -> Iterator[databases.PostgresServer]:
    """The PostgreSQL server that all workers of this run share."""
    with databases.postgres_server(testrun_uid) as server:
        yield server


class CompiledTemplates(BytecodeCache):
    """Templates compiled by one desk for the others of this worker, which read them from the same files."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


class Desks:
    """One desk for each database, made when first asked for and kept to the end of this worker's run."""

    def __init__(self, make_url: Callable[[str], str], make_folder: Callable[[str], Path]) -> None:
        self._make_url = make_url
        self._make_folder = make_folder
        self._made: dict[str, Flask] = {}
        self._templates = CompiledTemplates()

    def on(self, kind: str) -> Flask:
        if kind not in self._made:
            url = self._make_url(kind)
            databases.create_schema(url)
            app = create_app(make_config(url, self._make_folder("instance")))
            app.test_client_class = DeskClient
            app.jinja_env.bytecode_cache = self._templates
            with app.app_context():
                app.extensions["standing"] = Standing(db.engine)
            self._made[kind] = app
        return self._made[kind]

    def close(self) -> None:
        for app in self._made.values():
            with app.app_context():
                app.extensions["standing"].close()
                db.engine.dispose()


@pytest.fixture(scope="session")
def desks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[Desks]:
    """The desks of this worker. Changing from one database to the other between tests costs nothing."""

    def make_url(kind: str) -> str:
        if kind == "sqlite":
            return databases.sqlite_database(tmp_path_factory.mktemp("database") / "desk.sqlite3")
        # Never dropped: the server goes with all its data, and before this fixture does.
        return databases.create_postgres_database(request.getfixturevalue("postgres"), f"desk_{worker_id}")

    made = Desks(make_url, tmp_path_factory.mktemp)
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def _kept_beginnings() -> Iterator[None]:
    """What nearly every test of clocks and policies calls first is done once and then put back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sla, "install_defaults", kept(sla.install_defaults))
        patch.setattr(rates, "install_sample_rates", kept(rates.install_sample_rates))
        yield


@pytest.fixture(scope="session", params=DATABASES)
def _desk(request: pytest.FixtureRequest, desks: Desks) -> Flask:
    return desks.on(request.param)


@pytest.fixture
def database_url(_desk: Flask) -> str:
    """Address of the database this test runs on."""
    return str(_desk.config["SQLALCHEMY_DATABASE_URI"])


@pytest.fixture
def app(_desk: Flask) -> Iterator[Flask]:
    """The desk over empty tables. Forms need no CSRF token; `app.config` may be changed, it is put back."""
    kept = dict(_desk.config)
    _desk.config["WTF_CSRF_ENABLED"] = False
    with _desk.app_context():
        _desk.extensions["standing"].empty()
    yield _desk
    _desk.config.clear()
    _desk.config.update(kept)


@pytest.fixture
def session(app: Flask) -> Iterator[scoped_session[Session]]:
    """The test's own session, `db.session`, in an app context that lasts for the test."""
    with app.app_context():
        yield db.session
        db.session.rollback()


@pytest.fixture
def world(app: Flask, session: scoped_session[Session]) -> World:
    """The known cast, committed."""
    standing: Standing = app.extensions["standing"]
    cast = standing.once("world", build_world, is_common=True)
    session.commit()
    return cast


@pytest.fixture
def client(app: Flask, session: scoped_session[Session]) -> FlaskClient:
    """A visitor who has not signed in."""
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask, session: scoped_session[Session]) -> Callable[[str], FlaskClient]:
    """`sign_in("claims1")` is a new browser in which that user has signed in."""

    def sign_in_as(username: str) -> FlaskClient:
        user = session.execute(select(User).where(User.username == username)).scalar_one()
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["_user_id"] = user.get_id()
            cookie["_fresh"] = True
        return client

    return sign_in_as


def make_config(database_url: str, instance_dir: Path, **changes: Any) -> Config:
    """The settings of a desk under test."""
    settings: dict[str, Any] = {
        "database_url": database_url,
        "secret_key": SECRET_KEY,
        "instance_dir": instance_dir,
        "demo": False,
        "testing": True,
    }
    return Config(**{**settings, **changes})
