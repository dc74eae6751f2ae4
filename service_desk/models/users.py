"""Logins of both sides, the accounts they see, and sign-in attempts."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service_desk.models.db import Base, Id, Instant, Line, Short, Versioned, enum_type
from service_desk.rules.permissions import Role, Side, side_of


class User(Versioned, Base):
    """A person who signs in. `branch_id` is set for branch safety officers: they see its subtree."""

    __tablename__ = "users"
    __mapper_args__ = {"version_id_col": Versioned.version}

    id: Mapped[Id]
    username: Mapped[Short] = mapped_column(unique=True)
    name: Mapped[Short]
    staff_no: Mapped[Short]
    phone: Mapped[Short] = mapped_column(default="")
    email: Mapped[Line] = mapped_column(default="")
    password_hash: Mapped[Line]
    role: Mapped[Role] = mapped_column(enum_type(Role))
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    language: Mapped[Short] = mapped_column(default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    session_stamp: Mapped[int] = mapped_column(default=1)
    last_signed_in_at: Mapped[Instant | None]
    created_at: Mapped[Instant]

    # What Flask-Login asks of a user.
    is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        """The session's token: a new stamp (password changed, signed out everywhere) ends old sessions."""
        return f"{self.id}:{self.session_stamp}"

    @property
    def side(self) -> Side:
        return side_of(self.role)


class UserAccount(Base):
    """Which key accounts a user works for or belongs to."""

    __tablename__ = "user_accounts"
    __table_args__ = (UniqueConstraint("user_id", "account_id"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("key_accounts.id"), index=True)


class SignInAttempt(Base):
    """Every attempt, known name or not, so that a lockout tells a stranger nothing."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index(None, "username_key", "at"), Index(None, "ip", "at"))

    id: Mapped[Id]
    username_key: Mapped[Short]
    at: Mapped[Instant]
    ip: Mapped[Short] = mapped_column(default="")
    succeeded: Mapped[bool]


class Submission(Base):
    """An idempotency key and what it made: the same key twice is one record."""

    __tablename__ = "submissions"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    key: Mapped[Short]
    kind: Mapped[Short]
    result: Mapped[Line]
    at: Mapped[Instant]
