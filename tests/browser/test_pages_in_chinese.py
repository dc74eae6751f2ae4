"""Every page a person can reach by links: it opens, fits a desk and a phone, breaks no policy, and axe finds nothing wrong.

On SQLite; the pages in English are opened on PostgreSQL.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.axe import axe_problems
from tests.browser.crawling import ROLES, crawl, fits, kind_of, resize, watch
from tests.browser.pages import DESKTOP, PHONE
from tests.world import World

pytestmark = pytest.mark.parametrize("_desk", ["sqlite"], indirect=True, scope="session")

CLIENTS = {"hq", "safety-gongyi"}


@pytest.fixture(scope="module")
def examined() -> set[tuple[str, str]]:
    """Which pages axe has seen, by side of the desk: it takes a second for each, and pages of one side are alike."""
    return set()


@pytest.mark.parametrize("username", ROLES)
def test_every_page_opens_and_fits_in_chinese(
    busy_desk: World,
    open_desk: Callable[..., Page],
    examined: set[tuple[str, str]],
    username: str,
) -> None:
    page = open_desk(username)
    broken = watch(page)
    side = "client" if username in CLIENTS else "insurer"

    sizes = [DESKTOP, PHONE]
    for path in crawl(page):
        place = (side, username if path == "/" else kind_of(path))
        for device in sizes:
            resize(page, device)
            broken += fits(page, device)
            if place not in examined:
                broken += [f"{path} at {page.viewport_size}: {problem}" for problem in axe_problems(page)]
        examined.add(place)
        # The next page opens in the size this one ends in.
        sizes.reverse()

    assert not broken, "\n".join(broken)
