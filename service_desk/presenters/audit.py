"""Entries of the audit trail in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from service_desk.models.audit import AuditEntry
from service_desk.models.users import User
from service_desk.presenters.labels import label


@dataclass(frozen=True)
class ShownEntry:
    """One line of the trail. `changes` are `(field, before, after)`."""

    at: datetime
    who: str
    what: str
    entity: str
    changes: list[tuple[str, str, str]]
    ip: str


def shown_entry(entry: AuditEntry, who: User | None) -> ShownEntry:
    """An entry as the page shows it; a job's act is the scheduler's."""
    return ShownEntry(
        at=entry.at,
        who=f"{who.name} · {who.staff_no}" if who else _("Scheduler"),
        what=label(entry.action, "audit_action"),
        entity=entry.entity_label or f"{entry.entity_kind} {entry.entity_id}",
        changes=[(name, _value(before), _value(after)) for name, (before, after) in entry.changes.items()],
        ip=entry.ip,
    )


def _value(value: Any) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return label(str(value), "yes_no")
    return str(value)
