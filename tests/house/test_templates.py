"""Pages keep to the content security policy, and no template switches escaping off."""

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
FORBIDDEN = {
    "an inline style": re.compile(r"<[^>]+\sstyle\s*="),
    "an inline style sheet": re.compile(r"<style\b"),
    "an inline script": re.compile(r"<script\b(?![^>]*\bsrc\s*=)"),
    "an inline handler": re.compile(r"<[^>]+\son[a-z]+\s*="),
    "a script or style from elsewhere": re.compile(
        r"<(?:script|link|img)\b[^>]*(?:src|href)\s*=\s*[\"'](?:https?:)?//"
    ),
    "unescaped text": re.compile(r"\|\s*safe\b|autoescape\s+false"),
}
# Its drawings are constants of the file itself.
DRAWS_ITS_OWN_MARKUP = {("unescaped text", "macros/icons.html")}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_page_has(what: str) -> None:
    found = [
        f"{path.relative_to(TEMPLATES)}:{text[: match.start()].count(chr(10)) + 1}"
        for path in sorted(TEMPLATES.rglob("*.html"))
        # Mail programs read only inline style, and no policy applies there.
        if ("emails" not in path.parts or what == "unescaped text")
        and (what, str(path.relative_to(TEMPLATES))) not in DRAWS_ITS_OWN_MARKUP
        for text in [path.read_text("utf-8")]
        for match in FORBIDDEN[what].finditer(text)
    ]
    assert not found, f"{what} in {found}"
