"""`python -m service_desk`: what cannot work is one line; what works starts whole and stops whole."""

import json
import socket
from pathlib import Path
from urllib.request import urlopen

import pytest

from service_desk.__main__ import CANNOT_START, main
from tests.conftest import SECRET_KEY
from tests.processes import PATIENCE_SECONDS, desk, stop


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path, port: int) -> dict[str, str]:
    """An empty desk in a folder whose name has a space."""
    return {
        "INSTANCE_DIR": str(tmp_path / "an instance"),
        "PORT": str(port),
        "DEMO": "0",
        "SECRET_KEY": SECRET_KEY,
    }


def health(port: int) -> dict[str, str]:
    with urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
        found: dict[str, str] = json.load(answer)
        return found


def test_an_empty_desk_starts_twice_and_stops_cleanly(settings: dict[str, str], port: int) -> None:
    with desk(**settings) as running:
        first = running.start("service_desk")
        running.wait_for("flask users add-admin")
        running.wait_for(f"http://127.0.0.1:{port}")
        assert health(port)["status"] == "up"
        assert stop(first) == 0
        running.wait_for("Stopped.")

        second = running.start("service_desk")
        running.wait_for("Ctrl-C stops it.")
        assert health(port)["scheduler"] == "up"
        assert stop(second) == 0


def test_in_production_the_web_stops_with_it(settings: dict[str, str], port: int) -> None:
    with desk(**settings, MODE="production") as running:
        process = running.start("service_desk")
        running.wait_for("Ctrl-C stops it.")
        assert health(port)["status"] == "up"
        assert stop(process) == 0

    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port)).close()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"PORT": "eighty"}, "PORT"),
        ({"DATABASE_URL": "mysql://db/desk"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://desk:secret@127.0.0.1:1/desk"}, "postgresql+psycopg://desk:***@"),
        ({"HOST": "no-such-host.invalid"}, "HOST"),
        ({"SMTP_HOST": "mail.example", "SMTP_SECURITY": "ssl"}, "SMTP_SECURITY"),
        ({"MAIL_FROM": "the desk"}, "MAIL_FROM"),
        ({"MODE": "production", "SECRET_KEY": ""}, "SECRET_KEY"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(
    settings: dict[str, str],
    wrong: dict[str, str],
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name, value in (settings | wrong).items():
        monkeypatch.setenv(name, value)

    assert main() == CANNOT_START

    [line] = capfd.readouterr().err.splitlines()
    assert named in line
    assert "secret" not in line


def test_a_taken_port_is_one_line(settings: dict[str, str], port: int) -> None:
    with socket.create_server(("127.0.0.1", port)), desk(**settings) as running:
        process = running.start("service_desk")
        _, line = running.wait_for("cannot start")
        assert process.wait(PATIENCE_SECONDS) == CANNOT_START
        assert running.lines.empty()

    assert f"127.0.0.1:{port}" in line
    assert "PORT=" in line
