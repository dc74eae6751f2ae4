"""`flask users`: it works while the desk it is for is running and writes."""

import threading

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from service_desk.adapters import passwords
from service_desk.models.db import unit_of_work
from service_desk.models.users import User
from service_desk.services import settings
from tests.factories import PASSWORD

ADD = ("users", "add-admin", "first-admin", "--name", "王主任", "--password", PASSWORD)


def test_an_administrator_is_added_while_the_desk_writes(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    hash_password = passwords.hash_password

    def write() -> None:
        with app.app_context(), unit_of_work():
            settings.write(settings.HOLDS_DEMO_DATA, False)

    desk = threading.Thread(target=write)

    def hash_meanwhile(password: str) -> str:
        desk.start()
        desk.join(timeout=0.5)
        return hash_password(password)

    monkeypatch.setattr(passwords, "hash_password", hash_meanwhile)

    answer = app.test_cli_runner().invoke(args=ADD)
    desk.join()

    assert answer.exit_code == 0, answer.output
    assert session.scalars(select(User.username)).all() == ["first-admin"]
