"""Every answer that hands out a file writes down who took it, or stands here with a reason."""

import ast
from pathlib import Path

WEB = Path(__file__).resolve().parents[2] / "service_desk" / "web"
HANDED_OUT = ("send_file(", "Content-Disposition", "_served(", " _sent(", "download(")
WRITTEN_DOWN = ("keep_export(", "keep_file(", "_kept(")
# What may be of another account than its taker works in.
NAMING = {"as_pdf", "keep_export", "keep_file", "send_book", "send_list"}
OF_WHERE_SOMEBODY_WORKS = {
    "pages/dashboard.py:export_claims_behind": "its address names a figure",
    "pages/dashboard.py:export_premium_behind": "the same",
    "pages/mailboxes.py:original": "only mails of that account are found",
    "pages/scorecards.py:export_person": "only cards of that account are found",
}
WITHOUT = {
    "pages/claim_reports.py:kept_photo": "one's own photo of a form that was refused",
    "pages/documents.py:_sent": "its callers do",
    "pages/documents.py:_served": "its callers do",
    "pages/documents.py:thumb": "a small picture on a page, or the sign of a file",
    "pages/duty.py:my_calendar": "one's own shifts, for one's own calendar",
    "pages/fleet.py:download": "its callers do",
    "pages/relations/events.py:ics": "an invitation for one's own calendar",
    "pages/renewals_calendar.py:feed": "read by a calendar program; making the feed is written down",
}


def _functions() -> dict[str, str]:
    found = {}
    for path in WEB.rglob("*.py"):
        source = path.read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                found[f"{path.relative_to(WEB)}:{node.name}"] = ast.get_source_segment(source, node) or ""
    return found


def test_every_file_that_leaves_the_desk_is_written_down() -> None:
    handing_out = {
        name: body for name, body in _functions().items() if any(word in body for word in HANDED_OUT)
    }
    silent = {name for name, body in handing_out.items() if not any(word in body for word in WRITTEN_DOWN)}
    assert silent == set(WITHOUT), "files nobody writes down, or reasons for none"


def _leaves_out_whose(call: ast.AST) -> bool:
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in NAMING
        and not {word.arg for word in call.keywords} & {"account_id", "of_desk"}
    )


def test_what_an_address_names_is_written_down_with_its_own_account() -> None:
    views = {
        f"{path.relative_to(WEB)}:{node.name}": node
        for path in (WEB / "pages").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.args.args
    }
    unsaid = {name for name, view in views.items() if any(_leaves_out_whose(node) for node in ast.walk(view))}
    assert unsaid == set(OF_WHERE_SOMEBODY_WORKS), "files of another account would stand in the wrong trail"
