"""The audit trail: called by every service that changes something."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select
from structlog.contextvars import get_contextvars

from service_desk.base.clock import end_of_day, start_of_day
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, table_of
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access

# Made once, and past the ORM, which takes four times as long for a row nobody reads back.
_WRITE = insert(table_of(AuditEntry))
_KEPT = "audit_rows"
_SECRET_FIELDS = frozenset(
    {
        *("password_hash", "session_stamp", "account_number", "hook_url", "hook_secret"),
        *("mail_password", "inbound_ref", "inbound_token", "inbound_key"),
    }
)


@dataclass(frozen=True)
class Subject:
    """A row that was changed: its table, its id, and what the trail says of it."""

    kind: str
    id: int | None
    account_id: int | None
    label: str
    changes: Mapping[str, tuple[Any, Any]]


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
    db.session.flush()
    subject = Subject(
        entity.__tablename__,
        getattr(entity, "id", None),
        account_id if account_id is not None else getattr(entity, "account_id", None),
        label or str(getattr(entity, "number", None) or getattr(entity, "name", "")),
        changes or {},
    )
    _write([_values(action, subject, actor, now)])


def record_many(action: str, subjects: Iterable[Subject], *, actor: User | None, now: datetime) -> None:
    """Write of many rows in one statement what `record` writes of one."""
    _write([_values(action, subject, actor, now) for subject in subjects])


@contextmanager
def together() -> Iterator[None]:
    """Write what is recorded meanwhile in one statement at the end of the block, and nothing when it fails."""
    kept: list[dict[str, Any]] = []
    before = db.session.info.get(_KEPT)
    db.session.info[_KEPT] = kept
    try:
        yield
    finally:
        db.session.info[_KEPT] = before
    _write(kept)


def _write(rows: list[dict[str, Any]]) -> None:
    kept = db.session.info.get(_KEPT)
    if kept is not None:
        kept += rows
    elif rows:
        db.session.execute(_WRITE, rows)


def _values(action: str, subject: Subject, actor: User | None, now: datetime) -> dict[str, Any]:
    context = get_contextvars()
    return {
        "at": now,
        "actor_id": actor.id if actor else None,
        "account_id": subject.account_id,
        "action": action,
        "entity_kind": subject.kind,
        "entity_id": subject.id,
        "entity_label": subject.label,
        "changes": {name: [_plain(a), _plain(b)] for name, (a, b) in subject.changes.items()},
        "ip": str(context.get("ip", "")),
        "request_id": str(context.get("request_id", "")),
    }


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


@dataclass(frozen=True)
class TrailFilter:
    """Which entries of the trail are wanted; None means any. Dates are whole local days, both included."""

    actor_id: int | None = None
    action: str | None = None
    entity_kind: str | None = None
    entity_id: int | None = None
    label: str | None = None
    from_on: date | None = None
    to_on: date | None = None


def list_entries(
    wanted: TrailFilter, page: PageRequest, *, actor: User
) -> Page[tuple[AuditEntry, User | None]]:
    """The trail, newest first, with who acted. A manager sees the entries of their accounts."""
    access.require(actor, Action.READ_AUDIT)
    statement = access.visible(actor, Action.READ_AUDIT, select(AuditEntry), AuditEntry).where(
        *_conditions(wanted)
    )
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.execute(
        statement.add_columns(User)
        .outerjoin(User, User.id == AuditEntry.actor_id)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    return Page([(row[0], row[1]) for row in rows], total, page.number, page.size)


def people_of(ids: Collection[int]) -> dict[int, User]:
    """The people whom entries name by their ids, for their names."""
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}


def _conditions(wanted: TrailFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for column, value in (
        (AuditEntry.actor_id, wanted.actor_id),
        (AuditEntry.action, wanted.action),
        (AuditEntry.entity_kind, wanted.entity_kind),
        (AuditEntry.entity_id, wanted.entity_id),
    ):
        if value:
            conditions.append(column == value)
    if wanted.label:
        conditions.append(AuditEntry.entity_label.ilike(like_pattern(wanted.label), escape="\\"))
    if wanted.from_on:
        conditions.append(AuditEntry.at >= start_of_day(wanted.from_on))
    if wanted.to_on:
        conditions.append(AuditEntry.at < end_of_day(wanted.to_on))
    return conditions


def known_actions(*, actor: User) -> list[str]:
    """The actions that occur in the trail, for the filter."""
    access.require(actor, Action.READ_AUDIT)
    return list(db.session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)))
