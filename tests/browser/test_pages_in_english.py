"""Every page a person can reach by links opens in English, fits a phone and breaks no policy.

On PostgreSQL; the pages in Chinese are opened on SQLite.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.crawling import crawl, fits, watch
from tests.browser.pages import PHONE
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["postgres"], indirect=True, scope="session")

# A manager may open whatever the desk's other people may; all of them open their pages in Chinese.
READERS = ("manager", "admin", "hq", "safety-gongyi")


@pytest.mark.parametrize("username", READERS)
def test_every_page_opens_and_fits_in_english(
    busy_desk: World, open_desk: Callable[..., Page], username: str
) -> None:
    page = open_desk(username, language="en", phone=True)
    broken = watch(page)

    for _path in crawl(page):
        broken += fits(page, PHONE)

    assert not broken, "\n".join(broken)


def test_the_chosen_one_of_many_tabs_is_in_sight_on_a_phone(
    world: World, open_desk: Callable[..., Page]
) -> None:
    page = open_desk("manager", language="en", phone=True)

    page.goto("/compliance?period=this_year")

    expect(page.get_by_role("link", name="This year")).to_be_in_viewport(ratio=0.95)
