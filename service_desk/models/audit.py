"""Who changed what, when, from where: written where the act is, never changed."""

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Short


class AuditEntry(Base):
    """`changes` is `{field: [before, after]}`. An act of a job has no actor."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index(None, "account_id", "at"),
        Index(None, "entity_kind", "entity_id"),
        Index(None, "actor_id", "at"),
    )

    id: Mapped[Id]
    at: Mapped[Instant]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("key_accounts.id"))
    action: Mapped[Short] = mapped_column(index=True)
    entity_kind: Mapped[Short]
    entity_id: Mapped[int | None]
    entity_label: Mapped[Line]
    changes: Mapped[dict[str, Any]] = mapped_column(Json)
    ip: Mapped[Short] = mapped_column(default="")
    request_id: Mapped[Short] = mapped_column(default="")
