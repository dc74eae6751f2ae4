"""A page is tested on one database: which of the two, the name of its test decides, so that each tests about half.

What differs between databases is beneath the pages, in services, which are tested on both. A module of pages in
which it may differ all the same says so with `pytestmark = pytest.mark.both_databases`, and
`make test ARGS=--all-databases` runs every page on both.
"""

from zlib import crc32

import pytest

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
