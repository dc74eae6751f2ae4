"""Contrast that was passed on one page is not asked about again; what looks different is, on every page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.axe import Looks, axe_problems

GOOD = '<p style="color: #222222">清楚</p>'
PALE = '<p style="color: #cccccc">看不清</p>'
SHORT = '<p style="color: #cccccc">看</p>'
PAINTED = '<style>.painted::before { content: "·"; background: #fafafa }</style>'
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


# The box is no ancestor of the text it lies beneath.
OVER_DARK = (
    '<div style="position: absolute; width: 400px; height: 60px; z-index: -1; background-color: #333333"></div>'
    '<p style="color: #222222">盒子在下面</p>'
)


@pytest.mark.parametrize("bad", [PALE, ON_DARK, OVER_DARK])
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


def test_where_one_text_is_left_undecided_all_others_of_its_look_are_asked(page: Page) -> None:
    looks: Looks = set()
    show(page, GOOD + SHORT)
    assert axe_problems(page, looks) == []

    show(page, GOOD + SHORT + PALE)

    [problem] = axe_problems(page, looks)
    assert "看不清" in problem


def test_a_box_is_another_look_only_when_it_paints_or_moves(page: Page) -> None:
    looks: Looks = set()
    for box, count in (
        ("", 2),
        ('class="card"', 2),
        ('style="position: relative"', 3),
        ('style="background-color: #fafafa"', 4),
        ('class="painted"', 5),
    ):
        show(page, f"{PAINTED}<section {box}>{GOOD}</section>")
        assert axe_problems(page, looks) == []
        assert len(looks) == count, box


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
