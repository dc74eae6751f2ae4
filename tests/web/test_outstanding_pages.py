"""The pages of the client's lists: handed in, questions answered row by row, released, fetched; others kept out."""

import io
import re
from datetime import datetime
from typing import Any

import pytest

from service_desk.models.claims import Claim
from tests.outstanding_cases import GBK, SIXTY, build_claims
from tests.world import World


@pytest.fixture
def claims(world: World, now: datetime) -> list[Claim]:
    return build_claims(world, now)


def hand_in(client: Any, content: bytes, name: str = "list.xlsx") -> str:
    answer = client.post(
        "/outstanding/new", data={"file": (io.BytesIO(content), name)}, content_type="multipart/form-data"
    )
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def version(page: str) -> str:
    found = re.search(r'name="version"[^>]* value="(\d+)"', page)
    assert found is not None
    return found[1]


def test_a_list_is_handed_in_asked_about_released_and_fetched(sign_in: Any, claims: list[Claim]) -> None:
    client, desk = sign_in("hq"), sign_in("claims1")
    address = hand_in(client, SIXTY.read_bytes())
    page = client.get(address).text
    selects = re.findall(r'<select class="form-select" name="(answer-0-\d+)".*?</select>', page, re.DOTALL)
    assert len(selects) == 7
    assert f'action="{address}/release"' not in desk.get(address).text
    refused = desk.post(f"{address}/release", data={"version": version(page)})
    assert refused.status_code == 422
    assert client.post(f"{address}/answers", data={"version": version(page)}).status_code == 422

    answered = client.post(
        f"{address}/answers", data=dict.fromkeys(selects, "0") | {"version": version(page)}
    )
    assert answered.status_code == 303
    stale = client.post(f"{address}/answers", data={selects[0]: "undo", "version": "1"})
    assert stale.status_code == 409
    undone = client.get(f"{address}?rows=not_ours").text
    assert (
        client.post(f"{address}/answers", data={selects[0]: "undo", "version": version(undone)}).status_code
        == 303
    )
    again = client.get(address).text
    assert (
        client.post(f"{address}/answers", data={selects[0]: "0", "version": version(again)}).status_code
        == 303
    )

    ready = desk.get(address).text
    assert client.post(f"{address}/release", data={"version": version(ready)}).status_code == 403
    assert client.get(f"{address}/answer").status_code == 404
    assert desk.post(f"{address}/release", data={"version": version(ready)}).status_code == 303
    for path in ("answer", "original"):
        fetched = client.get(f"{address}/{path}")
        assert (fetched.status_code, fetched.data[:2]) == (200, b"PK")
    for rows in ("same", "differs", "ended", "not_ours", "unreadable", "only_ours"):
        assert client.get(f"{address}?rows={rows}").status_code == 200


def test_columns_can_be_read_otherwise_and_a_field_only_once(sign_in: Any, claims: list[Claim]) -> None:
    desk = sign_in("claims2")
    address = hand_in(desk, GBK.read_bytes(), "旧系统.csv")

    assert "2026-09-06 · ¥1,500.00" in desk.get(f"{address}?rows=same").text
    assert desk.post(f"{address}/columns", data={"column-0-5": "plate"}).status_code == 422
    assert desk.post(f"{address}/columns", data={"column-0-3": ""}).status_code == 303
    assert "2026-09-06 · ¥1,500.00" not in desk.get(f"{address}?rows=same").text


def test_who_has_no_business_with_lists_finds_none(sign_in: Any, claims: list[Claim]) -> None:
    address = hand_in(sign_in("hq"), GBK.read_bytes(), "a.csv")

    assert sign_in("foreign-hq").get(address).status_code == 404
    for username in ("safety-gongyi", "underwriter"):
        client = sign_in(username)
        assert client.get("/outstanding").status_code == 403
        assert client.get(address).status_code == 403
        assert client.get("/outstanding/new").status_code == 403
        assert 'href="/outstanding"' not in client.get("/claims").text
    bad = sign_in("hq").post(
        "/outstanding/new",
        data={"file": (io.BytesIO(b"\x89PNG"), "x.xlsx")},
        content_type="multipart/form-data",
    )
    assert bad.status_code == 422
