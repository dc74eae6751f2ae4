"""Words of the compliance pages: periods, groupings, lists behind the figures."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "compliance_period": {
        "this_week": _l("This week"),
        "last_week": _l("Last week"),
        "this_month": _l("This month"),
        "last_month": _l("Last month"),
        "this_quarter": _l("This quarter"),
        "last_quarter": _l("Last quarter"),
        "last_90_days": _l("Last 90 days"),
        "this_year": _l("This year"),
    },
    "compliance_by": {
        "step": _l("By step"),
        "branch": _l("By branch"),
        "person": _l("By person"),
        "severity": _l("By injury"),
        "zone": _l("By place"),
        "week": _l("By week"),
        "month": _l("By month"),
    },
    "compliance_key": {
        "step": _l("Step"),
        "branch": _l("Branch"),
        "person": _l("Handler"),
        "severity": _l("People hurt or not"),
        "zone": _l("Place of the accident"),
        "week": _l("Calendar week"),
        "month": _l("Month"),
    },
    "compliance_list": {
        "judged": _l("Promises kept and broken"),
        "met": _l("Promises kept"),
        "breached": _l("Promises broken"),
        "finished": _l("Judged clocks that have stopped"),
        "still_open": _l("Broken in the period and still open"),
        "cancelled": _l("Clocks cancelled in the period"),
        "at_risk": _l("At risk now"),
        "late": _l("Late and still open"),
        "unreviewed": _l("Breaches not reviewed"),
    },
    "review_age": {
        "two_days": _l("Up to 2 days"),
        "week": _l("2 to 7 days"),
        "month": _l("7 to 30 days"),
        "older": _l("Over 30 days"),
    },
    # Until spreadsheets of all pages were written down alike.
    "audit_action": {"compliance_exported": _l("Compliance exported")},
    "audit_field": {"filter": _l("Filter")},
}
