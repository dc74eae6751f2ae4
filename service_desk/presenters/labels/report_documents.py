"""Words of all reports: their kinds, and the tables, headings, charts and notes that several of them have."""

from flask_babel import lazy_gettext as _l

LABELS = {
    "report_kind": {
        "weekly_claim_report": _l("Weekly claim report"),
        "monthly_underwriting": _l("Monthly underwriting figures"),
        "monthly_cases": _l("Monthly case table"),
        "renewal_forecast": _l("Renewal forecast"),
        "quarterly_review": _l("Quarterly review"),
        "annual_service": _l("Annual service record"),
        "branch_demand": _l("Demand by branch"),
    },
    "report_table": {
        "by_branch": _l("By branch"),
        "by_class": _l("By class"),
        "by_line": _l("By line"),
        "by_cover": _l("By cover"),
        "by_month": _l("By month"),
        "by_step": _l("By step"),
        "claims_of_period": _l("Claims of the period"),
        "open_claims": _l("Open claims at the end of the period"),
        "breaches": _l("Breaches of the period"),
    },
    "report_chart": {
        "by_branch": _l("By branch"),
        "by_class": _l("By class"),
        "by_line": _l("By line"),
        "by_month": _l("By month"),
        "by_step": _l("By step"),
    },
    "report_heading": {
        "branch": _l("Branch"),
        "use_class": _l("Class"),
        "line": _l("Line"),
        "cover_set": _l("Cover"),
        "month": _l("Month"),
        "claim_no": _l("Claim no."),
        "policy_no": _l("Policy no."),
        "plate": _l("Plate"),
        "place": _l("Place"),
        "state": _l("State"),
        "owner": _l("Owner"),
        "holder": _l("Holder"),
        "step": _l("Step"),
        "cause": _l("Cause"),
        "loss_at": _l("Happened at"),
        "reported_at": _l("Reported at"),
        "closed_at": _l("Closed at"),
        "due_at": _l("Due"),
        "was_due": _l("Was due"),
        "done_at": _l("Done at"),
        "over_by": _l("Over by"),
        "days_open": _l("Days open"),
        "oldest_days": _l("Oldest open (days)"),
        "estimate": _l("Estimate"),
        "paid": _l("Paid out"),
        "is_large": _l("Large loss"),
        "vehicles": _l("Vehicles"),
        "vehicle_tax": _l("Vehicle tax"),
        "premium_issued": _l("Premium issued"),
        "premium_month_before": _l("Last month"),
        "premium_year_before": _l("Same month last year"),
    },
    "report_note": {
        "weekly_balance": _l(
            "Open at start + reported + reopened − closed = open at end; withdrawn and denied claims count as closed. "
            "Estimate and large losses (¥10,000 or more) are of the claims reported in the week."
        ),
        "underwriting_month": _l(
            "A policy counts in the month of its issue, an endorsement in the month it was made. "
            "Voided policies are left out; vehicle tax is no premium."
        ),
        "market_line": _l(
            "The market line is a published figure. Who published it, and for when, stands on the page that says how"
            " figures are counted."
        ),
    },
}
