"""Every list can be taken out: a page with a table that goes on has an export, or stands here with a reason."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
IS_LIST = re.compile(r"list_bar\(|pager\(")
HAS_EXPORT = re.compile(r"export_url=|list_bar\((?:found\.)?page, url_for|Export \.xlsx|export_button")
WITHOUT = {
    "fleet/import.html": "its rows come back in the client's own file, with a remark each",
    "takeover/import.html": "the same",
    "outstanding/list.html": "the same: the answer",
    "notices/list.html": "one person's own messages; the account's delivery log has an export",
    "policies/batch.html": "a batch's policies are the list of policies; what was refused has an export of its own",
    "policies/choose.html": "a form to choose vehicles in; the fleet has an export",
    "quotes/floats.html": "a form; the quote sheet's workbook has them",
    "reports/_document.html": "the report's own workbook holds every line",
    "sla/_what_if_cases.html": "a part of the what-if, whose spreadsheet has every case",
    "sla/recompute.html": "a preview of what a correction would change; it is in the trail when it is done",
}


def _lists() -> dict[str, str]:
    pages = {str(path.relative_to(TEMPLATES)): path.read_text("utf-8") for path in TEMPLATES.rglob("*.html")}
    return {
        name: text for name, text in pages.items() if IS_LIST.search(text) and not name.startswith("macros/")
    }


def test_every_list_has_an_export_or_a_reason() -> None:
    lacking = {name for name, text in _lists().items() if not HAS_EXPORT.search(text)}
    assert lacking == set(WITHOUT), "lists without an export, or reasons for none that is missing"
