"""Contrast that was passed on one page is not asked about again; what looks different is, on every page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.axe import Looks, axe_problems

GOOD = '<p style="color: #222222">清楚</p>'
PALE = '<p style="color: #cccccc">看不清</p>'
ON_DARK = '<div style="background-color: #333333"><p style="color: #222222">底色太深</p></div>'


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def show(page: Page, body: str) -> None:
    page.set_content(
        f'<!doctype html><html lang="zh"><title>页</title><body><main><h1>页</h1>{body}</main></body></html>'
    )


@pytest.mark.parametrize("bad", [PALE, ON_DARK])
def test_low_contrast_is_found_beside_looks_that_passed(page: Page, bad: str) -> None:
    looks: Looks = set()
    show(page, GOOD)
    assert axe_problems(page, looks) == []
    assert len(looks) == 2

    for _ in range(2):
        show(page, GOOD + bad)
        [problem] = axe_problems(page, looks)
        assert problem.startswith("color-contrast")

    assert len(looks) == 2


@pytest.mark.parametrize(
    "out_of_sight",
    ["position: absolute; clip: rect(0, 0, 0, 0)", "clip-path: inset(50%)", "position: absolute; top: -99px"],
)
def test_low_contrast_out_of_sight_is_found_once_it_is_seen(page: Page, out_of_sight: str) -> None:
    looks: Looks = set()
    show(page, PALE.replace('style="', f'style="{out_of_sight}; '))
    assert axe_problems(page, looks) == []

    page.locator("p").evaluate("seen => { seen.style.cssText = 'color: #cccccc' }")

    [problem] = axe_problems(page, looks)
    assert problem.startswith("color-contrast")
