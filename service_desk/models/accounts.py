"""Key accounts, their branch tree and contact people."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Fen, Id, Json, Line, Short, Versioned


class KeyAccount(Versioned, Base):
    __tablename__ = "key_accounts"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Id]
    code: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[Line]
    name_en: Mapped[Line] = mapped_column(default="")
    uscc: Mapped[Short]
    zone: Mapped[Short] = mapped_column(default="Asia/Shanghai")
    credit_limit_fen: Mapped[Fen | None]
    reminder_days: Mapped[list[int]] = mapped_column(Json, default=lambda: [60, 30, 15, 7])
    is_active: Mapped[bool] = mapped_column(default=True)


class Branch(Versioned, Base):
    """A client branch. `path` is `/1/7/`: ids from the root down, so that a subtree is one LIKE."""

    __tablename__ = "branches"
    __mapper_args__ = {"version_id_col": Versioned.version}
    __table_args__ = (
        UniqueConstraint("account_id", "name"),
        Index(None, "account_id", "path"),
    )

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    path: Mapped[Line] = mapped_column(default="/")
    name: Mapped[Line]
    name_en: Mapped[Line] = mapped_column(default="")
    name_key: Mapped[Line] = mapped_column(default="", index=True)
    district_code: Mapped[Short] = mapped_column(default="")
    district: Mapped[Short] = mapped_column(default="")
    is_urban: Mapped[bool] = mapped_column(default=True)
    is_active: Mapped[bool] = mapped_column(default=True)


class BranchAlias(Base):
    __tablename__ = "branch_aliases"
    __table_args__ = (UniqueConstraint("account_id", "alias_key"),)

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"))
    branch_id: Mapped[int] = mapped_column(ForeignKey("branches.id"), index=True)
    alias: Mapped[Line]
    alias_key: Mapped[Line]


class Contact(Versioned, Base):
    """A person at the client. Those without a branch belong to the group's departments."""

    __tablename__ = "contacts"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"), index=True)
    name: Mapped[Short]
    position: Mapped[Short] = mapped_column(default="")
    phone: Mapped[Short] = mapped_column(default="", index=True)
    email: Mapped[Line] = mapped_column(default="")
    language: Mapped[Short] = mapped_column(default="zh")
    gets_reports: Mapped[bool] = mapped_column(default=False)
    gets_renewals: Mapped[bool] = mapped_column(default=False)
    gets_large_losses: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
