"""Imports every table module, so that metadata is whole wherever the schema is needed."""

from service_desk.models import (
    accounts,
    audit,
    claims,
    deliveries,
    documents,
    enquiries,
    fleet,
    follow_ups,
    notices,
    policies,
    premiums,
    renewals,
    reports,
    settings,
    sla,
    users,
)

__all__ = [
    "accounts",
    "audit",
    "claims",
    "deliveries",
    "documents",
    "enquiries",
    "fleet",
    "follow_ups",
    "notices",
    "policies",
    "premiums",
    "renewals",
    "reports",
    "settings",
    "sla",
    "users",
]
