"""`python -m service_desk`: prepares the database, then runs web and scheduler until it is told to stop.

What cannot work is one line on stderr and exit code 2. In development the web is served by threads of this
process; in production by gunicorn beside it, while this process runs the scheduler.
"""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util.exc import CommandError
from flask import Flask, current_app
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from werkzeug.serving import WSGIRequestHandler, make_server

from service_desk.app import create_app
from service_desk.base.clock import utc_now
from service_desk.cli import database
from service_desk.config import ROOT, Config, ConfigError, load_config
from service_desk.demo import load_demo
from service_desk.models.db import db, unit_of_work
from service_desk.models.users import User
from service_desk.scheduler import Scheduler
from service_desk.services import settings

CANNOT_START = 2
STOP_SECONDS = 30


class StartError(Exception):
    """Why the desk cannot start, in one line."""


def main() -> int:
    """Run the desk; the exit code."""
    try:
        config = load_config()
        with _listening(config) as listener:
            app = create_app(config)
            _prepare(app, config)
            return _run(app, config, listener)
    except (ConfigError, StartError) as error:
        print(f"Service Desk cannot start: {error}", file=sys.stderr)
        return CANNOT_START
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


@contextmanager
def _listening(config: Config) -> Iterator[socket.socket]:
    """The socket to serve from, taken before the slow work, so that a taken port is told at once."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        listener = socket.create_server((config.host, config.port), family=family, backlog=128)
    except OSError as error:
        if error.errno in (socket.EAI_NONAME, errno.EADDRNOTAVAIL):
            raise StartError(f"HOST: this machine has no address {config.host!r}.") from None
        if error.errno == errno.EACCES:
            raise StartError(f"PORT {config.port} is for the system only; choose one above 1023.") from None
        taken = error.errno == errno.EADDRINUSE
        reason = "another program uses it" if taken else os.strerror(error.errno or 0)
        hint = f"choose another port: make run PORT={config.port % 65535 + 1}"
        raise StartError(f"no listening on {config.host}:{config.port}, {reason}; {hint}") from None
    with listener:
        yield listener


def _prepare(app: Flask, config: Config) -> None:
    """Migrate, fill in the defaults, load the demo into an empty desk."""
    with app.app_context():
        try:
            with database.alone():
                database.migrate()
                database.install_defaults(utc_now())
                _greet_empty_desk(config)
        except OperationalError as error:
            shown = make_url(config.database_url).render_as_string(hide_password=True)
            reason = " ".join(str(error.orig).split())
            raise StartError(f"the database {shown} cannot be used: {reason}") from None
        except CommandError as error:
            raise StartError(f"the database was made by another version of the desk: {error}") from None
        finally:
            db.session.rollback()


def _greet_empty_desk(config: Config) -> None:
    if config.is_production and settings.read(settings.HOLDS_DEMO_DATA):
        raise StartError("MODE=production refuses a database that holds demo data. Use an empty one.")
    if db.session.scalar(select(func.count()).select_from(User)):
        return
    if config.demo and not config.is_production:
        print("Loading the demo account …", flush=True)
        with unit_of_work():
            load_demo(current_app.extensions["file_store"], utc_now())
        return
    print("The desk is empty. Add the first administrator: .venv/bin/python -m flask users add-admin NAME")


def _run(app: Flask, config: Config, listener: socket.socket) -> int:
    """Serve until SIGINT or SIGTERM; then let requests and jobs end."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    scheduler = Scheduler(app)
    scheduler.start()
    try:
        serve = _serve_with_gunicorn if config.is_production else _serve_with_threads
        return serve(app, config, listener, stop)
    finally:
        scheduler.stop()
        print("Stopped.", flush=True)


class _QuietHandler(WSGIRequestHandler):
    """Serves without a line per request; what fails is in the structured log."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def _serve_with_threads(app: Flask, config: Config, listener: socket.socket, stop: threading.Event) -> int:
    server = make_server(
        config.host, config.port, app, threaded=True, request_handler=_QuietHandler, fd=listener.fileno()
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
    thread.start()
    _announce(app, config)
    stop.wait()
    server.shutdown()
    thread.join(STOP_SECONDS)
    return 0


def _serve_with_gunicorn(app: Flask, config: Config, listener: socket.socket, stop: threading.Event) -> int:
    bind = f"fd://{listener.fileno()}"
    # A session of its own: Ctrl-C reaches only this process, which stops things in order.
    server = subprocess.Popen(  # noqa: S603 - our own interpreter, no words of others
        [sys.executable, "-m", "gunicorn", "--bind", bind, "wsgi:app"],
        cwd=ROOT,
        pass_fds=[listener.fileno()],
        start_new_session=True,
        env={**os.environ, "DESK_STOPS_WITH_PARENT": "1"},
    )
    _announce(app, config)
    while not stop.wait(0.5):
        if server.poll() is not None:
            print(f"Service Desk stops: the web server ended with {server.returncode}.", file=sys.stderr)
            return 1
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
    return 0


def _announce(app: Flask, config: Config) -> None:
    lines = [f"Service Desk: {config.public_url}"]
    with app.app_context():
        demo = settings.read(settings.DEMO_SIGN_INS) if settings.read(settings.HOLDS_DEMO_DATA) else None
        db.session.rollback()
    if demo:
        names = ", ".join(user["username"] for user in demo["users"])
        lines.append(f"Demo sign-ins (password {demo['password']}): {names}")
    print(*lines, "Ctrl-C stops it.", sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
