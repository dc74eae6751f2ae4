"""What the browser prints: no heading stands alone at the foot of a sheet, and long tables are set close."""

from io import BytesIO
from pathlib import Path

import pytest
from pdfminer.high_level import extract_text
from playwright.sync_api import Browser

FOLDER = Path(__file__).resolve().parents[2] / "static" / "css"
SHEETS = [
    (FOLDER / f"{name}.css").read_text(encoding="utf-8")
    for name in ("theme", "layout", "components", "tables", "print")
]

ROWS = "".join(f"<tr><td>Row{n}</td></tr>" for n in range(9))
TABLE = f'<div class="table-wrap"><table class="table"><thead><tr><th>Column</th></tr></thead><tbody>{ROWS}</tbody></table></div>'
HEAD = '<div class="panel-head"><h2 class="panel-title">Heading</h2></div>'
HEADED = {
    "a card": f'<div class="panel">{HEAD}{TABLE}</div>',
    "a list": f'<div class="list-bar">Heading</div><div class="panel">{TABLE}</div>',
    "a card with a state": f'<div class="panel">{HEAD}<p><span class="pill">Row0</span></p></div>',
    "a card of a list": f'<div class="panel">{HEAD}<ul class="plain-list"><li><span>Row0</span><span>more</span></li></ul></div>',
    "a part of a card": '<div class="panel"><h3>Heading</h3><p>Row0<br>more</p></div>',
}


@pytest.mark.parametrize("name", HEADED)
def test_a_heading_stands_on_the_sheet_of_what_it_heads(browser: Browser, name: str) -> None:
    page = browser.new_page()
    # Further and further down, past the end of the sheet.
    for above in range(860, 980, 6):
        styles = "".join(f"<style>{sheet}</style>" for sheet in SHEETS)
        page.set_content(
            f'{styles}<main class="page"><div style="height: {above}px"></div>{HEADED[name]}</main>'
        )
        printed = extract_text(BytesIO(page.pdf(prefer_css_page_size=True))).split("\f")
        [sheet] = [one for one in printed if "Heading" in one]
        assert "Row0" in sheet, above
    page.close()


def test_a_long_table_is_set_closer_than_on_a_screen(browser: Browser) -> None:
    """A quote of 31 vehicles took seven sheets."""
    rows = "<tr><td>Plate<br><span class='small'>Branch</span></td><td>Premium</td></tr>" * 62
    table = f'<div class="print-close"><table class="table"><tbody>{rows}</tbody></table></div>'
    page = browser.new_page()
    page.set_content("".join(f"<style>{sheet}</style>" for sheet in SHEETS) + table)
    printed = extract_text(BytesIO(page.pdf(prefer_css_page_size=True)))
    assert printed.count("\f") == 3
    page.close()
