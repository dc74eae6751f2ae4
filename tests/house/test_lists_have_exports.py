"""Every list can be taken out: a table has an export beside it, or stands here with a reason."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
IS_LIST = re.compile(r"list_bar\(|pager\(")
TABLE = re.compile(r"call data_table\(|<table\b")
EXPORT = re.compile(
    r"export_url=|list_bar\((?:found\.|view\.)?page, url_for|Export \.xlsx|export_button\(\""
    r"|Workbook \(\.xlsx\)|Download \.xlsx"
)
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
# Tables that are no lists, as many a template as have no export of their own: the figures of one matter, forms,
# previews, and parts of pages whose export stands in the page.
NO_LISTS = {
    "commitments/_board.html": (2, "one version's promises; the page has its workbook"),
    "commitments/draft.html": (1, "a draft being worked on; what is published has a workbook"),
    "departures/list.html": (1, "whom to choose; what each of them has is a list with an export"),
    "duty/_month.html": (1, "the page has the roster's workbook"),
    "handovers/list.html": (1, "the page has one export of both tables"),
    "relations/_parts.html": (1, "the items of one meeting; all items have an export"),
    "relations/cadence.html": (1, "forms: what is promised how often"),
    "relations/calendar.html": (1, "the progress of this period; the events have an export"),
    "scorecards/person.html": (1, "the page has the workbook of the person's months"),
    "scorecards/rules.html": (1, "forms: the rules for cards"),
    "work_log/targets.html": (1, "forms: the targets"),
    "claims/_calculation_sheet.html": (3, "one calculation, printed whole"),
    "claims/calculation.html": (3, "one claim's versions and what differs between two"),
    "claims/panels/reserve.html": (1, "one claim's reserve; all claims have an export"),
    "claims/parties.html": (2, "one claim's items and injured"),
    "coverage/_calendar.html": (1, "one vehicle's cover"),
    "coverage/needs.html": (1, "the versions of one setting"),
    "dashboard/overview.html": (
        6,
        "figures; the rows behind each have an export, and so has the board of clocks",
    ),
    "deliveries/run.html": (1, "one run's papers; its sheet is a PDF"),
    "desk/client.html": (1, "figures; the lists behind them have an export"),
    "desk/staff.html": (2, "one's own work, and figures; the lists behind them have an export"),
    "endorsements/_parts.html": (2, "one endorsement"),
    "fleet/_import_parts.html": (1, "a form: which heading means what"),
    "fleet/detail.html": (2, "one vehicle's policies and claims; both lists have an export"),
    "fleet/import.html": (3, WITHOUT["fleet/import.html"]),
    "follow_ups/list.html": (1, "figures above the list"),
    "measures/list.html": (1, "published figures, a list of the settings, which has an export"),
    "onboarding/detail.html": (1, "one request; the register has an export"),
    "outstanding/list.html": (2, WITHOUT["outstanding/list.html"]),
    "policies/_refused.html": (1, "a part of batches, which have an export of what was refused"),
    "policies/_rows.html": (1, "a part of the list of policies and of batches"),
    "policies/batch.html": (1, WITHOUT["policies/batch.html"]),
    "policies/choose.html": (1, WITHOUT["policies/choose.html"]),
    "policies/detail.html": (1, "one policy's covers"),
    "policies/preview.html": (2, "a preview of what will be issued"),
    "policies/quote.html": (1, "one quote"),
    "premiums/_parts.html": (1, "a part of a branch's page, which has an export, and of a form"),
    "premiums/dunning_notice.html": (1, "one notice; its letter is a PDF"),
    "premiums/receipt.html": (1, "one receipt"),
    "premiums/statement.html": (3, "one statement, with one export for all its parts"),
    "quotes/floats.html": (1, WITHOUT["quotes/floats.html"]),
    "rates/cover_sets.html": (1, "a form"),
    "rates/draft.html": (3, "a form; the price table's workbook has its lines"),
    "renewals/board.html": (2, "figures by branch; the vehicles behind them have the export"),
    "renewals/outcomes.html": (1, "one export for either of its two views"),
    "reports/_document.html": (1, WITHOUT["reports/_document.html"]),
    "reports/_parts.html": (2, "what differs between two reports, each of which has a workbook"),
    "reports/list.html": (1, "the same schedules for another reader, one export for both"),
    "reports/schedule.html": (2, "one schedule: its recipients, a form, and its changes, in the trail"),
    "sla/_breach_corrections.html": (1, "a view of the breach audit, which has the export"),
    "sla/_breach_ledger.html": (2, "one clock"),
    "sla/_calendar_moves.html": (1, "a preview of what a change would move"),
    "sla/_compliance_groups.html": (1, "a part of compliance, which has the export"),
    "sla/_compliance_hours.html": (2, "the same"),
    "sla/_compliance_now.html": (1, "the same; all at risk are a list with an export"),
    "sla/_compliance_trend.html": (1, "the same"),
    "sla/_timer_ledger.html": (1, "one clock"),
    "sla/_what_if_answer.html": (1, "a part of the what-if, which has the export"),
    "sla/_what_if_cases.html": (1, WITHOUT["sla/_what_if_cases.html"]),
    "sla/calendar_versions.html": (1, "the versions of one calendar"),
    "sla/recompute.html": (1, WITHOUT["sla/recompute.html"]),
    "takeover/import.html": (4, WITHOUT["takeover/import.html"]),
}


def _pages() -> dict[str, str]:
    pages = {str(path.relative_to(TEMPLATES)): path.read_text("utf-8") for path in TEMPLATES.rglob("*.html")}
    return {name: text for name, text in pages.items() if not name.startswith(("macros/", "emails/"))}


def _lacking(text: str) -> int:
    """How many of a page's tables have no export of their own."""
    return max(0, len(TABLE.findall(text)) - len(EXPORT.findall(text)))


def test_every_list_has_an_export_or_a_reason() -> None:
    lists = {name: text for name, text in _pages().items() if IS_LIST.search(text)}
    lacking = {name for name, text in lists.items() if not EXPORT.search(text)}
    assert lacking == set(WITHOUT), "lists without an export, or reasons for none that is missing"


def test_every_table_has_an_export_or_is_no_list() -> None:
    lacking = {name: count for name, text in _pages().items() if (count := _lacking(text))}
    allowed = {name: count for name, (count, _reason) in NO_LISTS.items()}
    assert lacking == allowed, "tables without an export, or reasons for none that is missing"


def test_no_page_holds_a_spreadsheet_in_memory() -> None:
    desk = TEMPLATES.parent / "service_desk"
    holding = {
        str(path.relative_to(desk))
        for path in desk.rglob("*.py")
        if "workbook_bytes(" in path.read_text("utf-8")
        and "def workbook_bytes(" not in path.read_text("utf-8")
    }
    assert holding == {
        "presenters/report_documents/as_workbook.py",  # a mail brings it
        "demo/outstanding.py",
    }
