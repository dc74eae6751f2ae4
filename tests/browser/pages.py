"""What journeys do on many pages: step over a form, see what a phone sees, read a table."""

import io
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload, Locator, Page, expect

from service_desk.base.clock import CHINA

TIMEOUT_MS = 20_000
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


def photo(name: str = "现场.jpg", size: tuple[int, int] = (1200, 900)) -> FilePayload:
    """A photo as a phone makes it."""
    picture = Image.new("RGB", size, (120, 130, 140))
    ImageDraw.Draw(picture).rectangle(
        (size[0] // 4, size[1] // 3, size[0] // 2, size[1] // 2), fill=(180, 30, 30)
    )
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return {"name": name, "mimeType": "image/jpeg", "buffer": out.getvalue()}


def typed(at: datetime) -> str:
    """An instant as a datetime-local field takes it."""
    return f"{at.astimezone(CHINA):%Y-%m-%dT%H:%M}"


def scrolls_sideways(page: Page) -> bool:
    """Whether the page is wider than the window; a phone's own `innerWidth` grows with what does not fit."""
    size = page.viewport_size
    wide: int = page.evaluate("document.documentElement.scrollWidth")
    return size is not None and wide > size["width"]


def too_wide_tables(page: Page) -> list[str]:
    """Captions of tables that stick out of what holds them."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll(".table-wrap")]
            .filter(wrap => wrap.scrollWidth > wrap.clientWidth)
            .map(wrap => wrap.dataset.scrollLabel)"""
    )
    return found


def covered_rows(page: Page) -> list[str]:
    """Captions of tables whose heading lies over their first row, while nothing is scrolled."""
    found: list[str] = page.evaluate(
        """[...document.querySelectorAll(".table-wrap > .table")]
            .filter(table => {
                const [head, row] = [table.querySelector("thead th"), table.querySelector("tbody tr")];
                return head && row && row.offsetHeight
                    && head.getBoundingClientRect().bottom > row.getBoundingClientRect().top + 2;
            })
            .map(table => table.parentElement.dataset.scrollLabel)"""
    )
    return found


def each(found: Locator) -> list[Locator]:
    """What is found, one by one, once the page that holds it is there: `all` alone looks at once, and at a page that is still coming."""
    expect(found).not_to_have_count(0)
    found.page.wait_for_load_state("domcontentloaded")
    return found.all()


def rows_of(table: Locator) -> list[list[str]]:
    """The words in the body's cells, row by row."""
    return [
        [cell.strip() for cell in row.locator("td").all_inner_texts()]
        for row in table.locator("tbody tr").all()
    ]


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what no element of the page shows."""
    end = time.monotonic() + TIMEOUT_MS / 1000
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
