"""Who asks for a page beyond the last of a list is led to the last: the list would say that there is nothing."""

from typing import Any

import pytest
from flask import Flask

from service_desk.base.paging import Page
from tests.issue_cases import many_vehicles
from tests.world import World

BEYOND = 99_999


def test_a_page_beyond_the_last_leads_to_the_last_with_its_filter(world: World, sign_in) -> None:
    many_vehicles([world.gongyi], 30)
    clerk = sign_in("claims1")

    answer = clerk.get(f"/vehicles?size=25&page={BEYOND}&sort=plate")

    assert answer.status_code == 302
    assert answer.location == "/vehicles?size=25&page=2&sort=plate"
    assert clerk.get(answer.location).status_code == 200
    assert clerk.get(f"/vehicles?q=none-such&page={BEYOND}").location == "/vehicles?q=none-such"


@pytest.mark.parametrize("username", ["manager", "admin"])
def test_so_it_is_with_every_list(app: Flask, world: World, sign_in, monkeypatch, username: str) -> None:
    begin, made = Page.__init__, []

    def begin_and_keep(page: Page[Any], rows: Any, total: int, number: int, size: int) -> None:
        begin(page, rows, total, number, size)
        made.append(number)

    monkeypatch.setattr(Page, "__init__", begin_and_keep)
    browser, lists, lost = sign_in(username), [], []
    for rule in app.url_map.iter_rules():
        if rule.arguments or "GET" not in (rule.methods or ()) or rule.rule.startswith("/api/"):
            continue
        made.clear()
        answer = browser.get(f"{rule.rule}?page={BEYOND}")
        if BEYOND in made:
            lists.append(rule.rule)
            lost += [] if answer.location == rule.rule else [f"{rule.rule}: {answer.status}"]

    assert len(lists) > 10
    assert not lost, "\n".join(lost)
