"""The audit trail: called by every service that changes something."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from structlog.contextvars import get_contextvars

from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.models.users import User

_SECRET_FIELDS = frozenset({"password_hash", "session_stamp", "account_number"})


def record(
    action: str,
    entity: Any,
    *,
    actor: User | None,
    now: datetime,
    label: str = "",
    changes: dict[str, tuple[Any, Any]] | None = None,
    account_id: int | None = None,
) -> None:
    """Write who did `action` to `entity` (a row with an id), with `{field: (before, after)}`.

    The account is the entity's unless given. Address and request id come from the log context that the
    door has bound, so that no service needs to know of the web.
    """
    context = get_contextvars()
    db.session.flush()
    db.session.add(
        AuditEntry(
            at=now,
            actor_id=actor.id if actor else None,
            account_id=account_id if account_id is not None else getattr(entity, "account_id", None),
            action=action,
            entity_kind=entity.__tablename__,
            entity_id=getattr(entity, "id", None),
            entity_label=label or str(getattr(entity, "number", None) or getattr(entity, "name", "")),
            changes={name: [_plain(a), _plain(b)] for name, (a, b) in (changes or {}).items()},
            ip=str(context.get("ip", "")),
            request_id=str(context.get("request_id", "")),
        )
    )


def change(row: Any, **values: Any) -> dict[str, tuple[Any, Any]]:
    """Set attributes of a row and return what really changed, ready for `record`."""
    changes: dict[str, tuple[Any, Any]] = {}
    for name, value in values.items():
        before = getattr(row, name)
        if before != value:
            shown = ("***", "***") if name in _SECRET_FIELDS else (before, value)
            changes[name] = shown
            setattr(row, name, value)
    return changes


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
