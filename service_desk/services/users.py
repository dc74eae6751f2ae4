"""Logins: signing in with a lockout in the database, and the administrator's care of users."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from service_desk.adapters import passwords
from service_desk.base.errors import Invalid
from service_desk.base.text import squeeze
from service_desk.models.db import db
from service_desk.models.users import SignInAttempt, User
from service_desk.services import audit

MAX_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)


def authenticate(username: str, password: str, *, ip: str, now: datetime) -> User | None:
    """The user, or None for a wrong name or password. Invalid `locked_out` after too many failures.

    Writes the attempt in every case; the caller must commit also when it answers None. The lockout
    counts failures since the last success, for names that do not exist as well.
    """
    key = squeeze(username).casefold()[:64]
    _refuse_locked_out(key, now)
    user = db.session.scalar(select(User).where(User.username == key, User.is_active))
    fits = passwords.verify_password(user.password_hash if user else None, password)
    db.session.add(SignInAttempt(username_key=key, at=now, ip=ip, succeeded=fits))
    if user is None or not fits:
        return None
    user.last_signed_in_at = now
    audit.record("signed_in", user, actor=user, now=now, label=user.username)
    return user


def _refuse_locked_out(key: str, now: datetime) -> None:
    window = now - LOCKED_FOR
    last_success = (
        select(func.max(SignInAttempt.at))
        .where(SignInAttempt.username_key == key, SignInAttempt.succeeded)
        .scalar_subquery()
    )
    failures, latest = db.session.execute(
        select(func.count(), func.max(SignInAttempt.at)).where(
            SignInAttempt.username_key == key,
            SignInAttempt.succeeded.is_(False),
            SignInAttempt.at > window,
            SignInAttempt.at > func.coalesce(last_success, window),
        )
    ).one()
    if failures >= MAX_FAILURES:
        until = latest + LOCKED_FOR
        raise Invalid("locked_out", minutes=max(1, -int(-(until - now).total_seconds() // 60)))


def load_user(token: str) -> User | None:
    """The active user of a session token `id:stamp`; None when the stamp is no longer theirs."""
    user_id, _, stamp = token.partition(":")
    if not (user_id.isdigit() and stamp.isdigit()):
        return None
    user = db.session.get(User, int(user_id))
    return user if user and user.is_active and user.session_stamp == int(stamp) else None


def set_language(user: User, language: str) -> None:
    """Remember the reader's language."""
    user.language = language
