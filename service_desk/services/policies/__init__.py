"""Price tables, quotes, issue, policies and the cover they give."""

from service_desk.services.policies.coverage import (
    CoverAt,
    Limit,
    LineCover,
    VehicleCoverage,
    account_periods,
    coverage_of,
    coverage_ratio,
    covers_at,
    limits_of,
    periods_of,
    required_lines,
)
from service_desk.services.policies.issuing import becomes_run, issue, issue_many, start_run
from service_desk.services.policies.planning import (
    IssuePlan,
    IssueRequest,
    LineChoice,
    PlannedPolicy,
    RefusedLine,
    VehicleTerms,
    preview,
    suggested_lines,
)
from service_desk.services.policies.portions import portions

__all__ = [
    "CoverAt",
    "IssuePlan",
    "IssueRequest",
    "Limit",
    "LineChoice",
    "LineCover",
    "PlannedPolicy",
    "RefusedLine",
    "VehicleCoverage",
    "VehicleTerms",
    "account_periods",
    "becomes_run",
    "coverage_of",
    "coverage_ratio",
    "covers_at",
    "issue",
    "issue_many",
    "limits_of",
    "periods_of",
    "portions",
    "preview",
    "required_lines",
    "start_run",
    "suggested_lines",
]
