"""The client's lists of outstanding claims, compared with ours row by row, and the answers sent back."""

from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Json, Line, Short, Versioned, enum_type
from service_desk.rules.outstanding_match import Change, How, RowKind


class ListState(StrEnum):
    """CHECKED: compared, its questions may be answered. RELEASED: the answer went out; nothing changes any more."""

    CHECKED = "checked"
    RELEASED = "released"


class OutstandingList(Versioned, Base):
    """One list as handed in. `decisions` are `[sheet, row, claim id or 0, user id, instant]`, kept for good.

    `previous_id` is the list before it, with which it is compared. `answer_sha256` is of the file sent back.
    """

    __tablename__ = "outstanding_lists"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        # The same file again is the same comparison.
        UniqueConstraint("account_id", "file_sha256"),
        Index(None, "account_id", "handed_in_at"),
        CheckConstraint("(state = 'released') = (answered_at IS NOT NULL)", name="released"),
    )

    id: Mapped[Id]
    number: Mapped[Short] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    filename: Mapped[Line]
    file_sha256: Mapped[Short]
    state: Mapped[ListState] = mapped_column(enum_type(ListState))
    mapping: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    decisions: Mapped[list[list[Any]]] = mapped_column(Json, default=list)
    counts: Mapped[dict[str, int]] = mapped_column(Json)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    handed_in_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    handed_in_at: Mapped[Instant]
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("outstanding_lists.id"))
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    answered_at: Mapped[Instant | None]
    answer_document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))
    answer_sha256: Mapped[Short] = mapped_column(default="")


class OutstandingRow(Base):
    """A row of a list with what became of it; `row_no` None: a claim of ours that the list lacks.

    `said` is what the row says, `differs` `{what, theirs, ours}`, `candidates` claim ids asked about, `standing`
    how our claim stood at the last comparison, `problems` `{field, cell, code, value}` of cells not read.
    """

    __tablename__ = "outstanding_rows"
    __table_args__ = (Index(None, "list_id", "kind"),)

    id: Mapped[Id]
    list_id: Mapped[int] = mapped_column(ForeignKey("outstanding_lists.id"))
    sheet: Mapped[Line | None]
    row_no: Mapped[int | None]
    kind: Mapped[RowKind] = mapped_column(enum_type(RowKind))
    how: Mapped[How | None] = mapped_column(enum_type(How))
    change: Mapped[Change | None] = mapped_column(enum_type(Change))
    claim_id: Mapped[int | None] = mapped_column(ForeignKey("claims.id"), index=True)
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicles.id"))
    enquiry_id: Mapped[int | None] = mapped_column(ForeignKey("enquiries.id"))
    key: Mapped[Short] = mapped_column(default="")
    said: Mapped[dict[str, Any]] = mapped_column(Json)
    differs: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    candidates: Mapped[list[int]] = mapped_column(Json, default=list)
    standing: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    same_as: Mapped[Line] = mapped_column(default="")
