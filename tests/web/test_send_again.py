"""A form whose sign-in ended meanwhile: what was typed is kept for its author alone, and sent only by pressing."""

import io
import re
from datetime import datetime
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import select

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.messages import Message, MessageKind
from service_desk.web.threads import PREFIX
from tests.claim_cases import reported_claim
from tests.factories import PASSWORD
from tests.world import World

WORDS = "后视镜被刮，\r\n“请尽快”安排定损 & 回电"


@pytest.fixture
def visitor(app: Flask, world: World) -> FlaskClient:
    """A browser at a desk that asks for the token of its own pages, which tests else do without."""
    app.config["WTF_CSRF_ENABLED"] = True
    db.session.commit()
    return app.test_client()


@pytest.fixture
def claim(world: World, now: datetime) -> Claim:
    return reported_claim(world, now)


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]+)"', page)
    assert found
    return unescape(found[1])


def enter(visitor: FlaskClient, username: str, page: str = "", password: str = PASSWORD) -> Any:
    """Sign in, on the page that an answer has shown or on one's own."""
    page = page or visitor.get("/sign-in").text
    form = {"username": username, "password": password, "csrf_token": token_of(page)}
    if 'name="typed"' in page:
        form["typed"] = hidden(page, "typed")
    return visitor.post("/sign-in", data=form)


def filled_in(visitor: FlaskClient, claim: Claim) -> dict[str, Any]:
    """What the form of a claim's page sends with something typed."""
    page = visitor.get(f"/claims/{claim.number}").text
    return {"csrf_token": token_of(page), f"{PREFIX}idempotency_key": "k" * 20, f"{PREFIX}body": WORDS}


def press(visitor: FlaskClient, page: str) -> Any:
    """Send what the page shows, as its button does: lines of a text area end as browsers send them."""
    form = re.search(r'<form method="post" action="(/messages/[^"]+)">(.*?)</form>', page, re.DOTALL)
    assert form
    fields = re.findall(r'<textarea name="([^"]+)" hidden>\n(.*?)</textarea>', form[2], re.DOTALL)
    data = {name: unescape(value).replace("\r\n", "\n").replace("\n", "\r\n") for name, value in fields}
    return visitor.post(form[1], data=data | {"csrf_token": token_of(form[2])})


def said() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Message.body).where(Message.kind == MessageKind.WORD)))


def test_signed_out_in_mid_form_one_signs_in_looks_and_sends(visitor: FlaskClient, claim: Claim) -> None:
    address = f"/messages/claim/{claim.number}"
    enter(visitor, "claims1")
    form = filled_in(visitor, claim) | {f"{PREFIX}files": (io.BytesIO(b"x"), "损失清单.pdf")}
    visitor.delete_cookie(visitor.application.config["SESSION_COOKIE_NAME"])

    stopped = visitor.post(address, data=form, headers={"Referer": f"http://localhost/claims/{claim.number}"})
    mistyped = enter(visitor, "claims1", stopped.text, password="wrong")
    kept = enter(visitor, "claims1", mistyped.text)

    assert (stopped.status_code, mistyped.status_code, kept.status_code) == (401, 422, 200)
    assert "您填写的内容已保留" in stopped.text
    assert "文件和密码不会保留" in stopped.text
    assert f'<li class="breaks as-typed">{escape(WORDS)}</li>' in kept.text
    assert f'href="/claims/{claim.number}"' in kept.text
    assert said() == []
    assert press(visitor, kept.text).status_code == 303
    # The button pressed twice sends once, as the form's own button would have.
    assert press(visitor, kept.text).status_code == 303
    assert said() == [WORDS]


def test_somebody_else_who_signs_in_is_shown_none_of_it(visitor: FlaskClient, claim: Claim) -> None:
    enter(visitor, "claims1")
    form = filled_in(visitor, claim)
    visitor.delete_cookie(visitor.application.config["SESSION_COOKIE_NAME"])
    stopped = visitor.post(f"/messages/claim/{claim.number}", data=form)

    other = enter(visitor, "claims2", stopped.text)

    assert other.status_code == 303
    assert "另一位用户" in visitor.get(other.location).text
    assert said() == []


def test_a_page_from_before_one_signed_in_again_is_sent_by_pressing(
    visitor: FlaskClient, claim: Claim
) -> None:
    enter(visitor, "claims1")
    form = filled_in(visitor, claim)
    visitor.post("/sign-out", data={"csrf_token": form["csrf_token"]})
    enter(visitor, "claims1")

    stopped = visitor.post(f"/messages/claim/{claim.number}", data=form)

    assert (stopped.status_code, said()) == (400, [])
    assert press(visitor, stopped.text).status_code == 303
    assert said() == [WORDS]


def test_what_was_not_typed_on_a_page_of_ones_own_is_never_offered(
    visitor: FlaskClient, claim: Claim
) -> None:
    address = f"/messages/claim/{claim.number}"
    strangers = token_of(visitor.get("/sign-in").text)
    enter(visitor, "claims2")
    another = filled_in(visitor, claim)
    visitor.post("/sign-out", data={"csrf_token": another["csrf_token"]})
    enter(visitor, "claims1")
    own = filled_in(visitor, claim)
    visitor.post("/sign-out", data={"csrf_token": own["csrf_token"]})
    enter(visitor, "claims1")

    foreign_site = visitor.post(address, data=own, headers={"Sec-Fetch-Site": "cross-site"})
    answers = [
        foreign_site,
        visitor.post(address, data=another),
        visitor.post(address, data=own | {"csrf_token": strangers}),
        visitor.post(address, data=own | {"csrf_token": "made-up"}),
    ]

    assert [answer.status_code for answer in answers] == [400] * 4
    assert not any("重新发送" in answer.text or "安排定损" in answer.text for answer in answers)
    assert said() == []
