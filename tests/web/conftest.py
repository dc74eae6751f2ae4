"""A page is tested on one database: which of the two, the name of its test decides, so that each tests about half.

What differs between databases is beneath the pages, in services, which are tested on both. A module of pages in
which it may differ all the same says so with `pytestmark = pytest.mark.both_databases`, and
`make test ARGS=--all-databases` runs every page on both.
"""

import re
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest
from flask import Flask, Response, request, request_finished

from tests.conftest import DATABASES


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    on_both = metafunc.config.getoption("all_databases") or metafunc.definition.get_closest_marker(
        "both_databases"
    )
    if "_desk" in metafunc.fixturenames and not on_both:
        name = f"{metafunc.module.__name__}.{metafunc.function.__name__}"
        database = DATABASES[crc32(name.encode()) % len(DATABASES)]
        on_it = pytest.mark.parametrize("_desk", [database], indirect=True, scope="session")
        metafunc.definition.add_marker(on_it)


_SUMMARY = re.compile(r'<div class="form-errors".*?</ul>', re.DOTALL)


@pytest.fixture(autouse=True)
def _summed_up_in_order() -> Iterator[None]:
    """Whatever page a test has refused: what is wrong is summed up in the order of the page."""
    disorder: list[str] = []

    def look(_app: Flask, response: Response, **_rest: Any) -> None:
        if response.status_code in (409, 422) and response.mimetype == "text/html":
            page = response.get_data(as_text=True)
            for summary in _SUMMARY.findall(page):
                ids = re.findall(r'href="#([^"]+)"', summary)
                if ids != sorted(ids, key=lambda one: page.find(f' id="{one}"')):
                    disorder.append(f"{request.path}: {', '.join(ids)}")

    with request_finished.connected_to(look):
        yield
    assert not disorder, "\n".join(disorder)
