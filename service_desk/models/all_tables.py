"""Imports every table module, so that metadata is whole wherever the schema is needed."""

from service_desk.models import (
    accounts,
    audit,
    claim_intake,
    claims,
    deliveries,
    documents,
    enquiries,
    fleet,
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
    "claim_intake",
    "claims",
    "deliveries",
    "documents",
    "enquiries",
    "fleet",
    "notices",
    "policies",
    "premiums",
    "renewals",
    "reports",
    "settings",
    "sla",
    "users",
]
