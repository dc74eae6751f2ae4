"""Logins: signing in with a lockout in the database, and the administrator's care of users."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, select

from service_desk.adapters import passwords
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import squeeze
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.users import SignInAttempt, User, UserAccount
from service_desk.rules.permissions import CLIENT_ROLES, Action, Role
from service_desk.services import access, audit

MIN_PASSWORD = 10
MAX_FAILURES = 5
# An office shares one address, so it is allowed many more than a name.
MAX_FAILURES_OF_ADDRESS = 60
LOCKED_FOR = timedelta(minutes=15)
# Made once: every request asks.
_BY_ID = select(User).where(User.id == bindparam("user_id"))


def authenticate(username: str, password: str, *, ip: str, now: datetime) -> User | None:
    """The user, or None for a wrong name or password, and the attempt written down in either case.

    Invalid `locked_out` after too many failures of the name or of the address. The caller commits also
    when the answer is None.
    """
    return record_attempt(username, check_password(username, password, ip=ip, now=now), ip=ip, now=now)


def check_password(username: str, password: str, *, ip: str, now: datetime) -> int | None:
    """The id of the user whose name and password these are. Only reads: the slow hash holds no lock.

    The lockout counts failures since the last success, for names that do not exist as well.
    """
    key = _name_key(username)
    _refuse_locked_out(key, now)
    _refuse_address(ip, now)
    user = db.session.scalar(select(User).where(User.username == key, User.is_active))
    fits = passwords.verify_password(user.password_hash if user else None, password)
    return user.id if user and fits else None


def record_attempt(username: str, user_id: int | None, *, ip: str, now: datetime) -> User | None:
    """Write an attempt down; the user who is signed in by it, None for a failure."""
    key = _name_key(username)
    db.session.add(SignInAttempt(username_key=key, at=now, ip=ip, succeeded=user_id is not None))
    if user_id is None:
        return None
    user = db.session.get_one(User, user_id)
    user.last_signed_in_at = now
    audit.record("signed_in", user, actor=user, now=now, label=user.username)
    return user


def _name_key(username: str) -> str:
    return squeeze(username).casefold()[:64]


def _refuse_address(ip: str, now: datetime) -> None:
    """Many names tried from one address: a list of passwords is being tried on everybody."""
    failures = db.session.scalar(
        select(func.count()).where(
            SignInAttempt.ip == ip, SignInAttempt.succeeded.is_(False), SignInAttempt.at > now - LOCKED_FOR
        )
    )
    if ip and (failures or 0) >= MAX_FAILURES_OF_ADDRESS:
        raise Invalid("locked_out", minutes=LOCKED_FOR // timedelta(minutes=1))


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
    user = db.session.scalar(_BY_ID, {"user_id": int(user_id)})
    return user if user and user.is_active and user.session_stamp == int(stamp) else None


def set_language(user: User, language: str) -> None:
    """Remember the reader's language."""
    user.language = language


@dataclass(frozen=True)
class UserDetails:
    """A login as the administrator types it. `account_ids` empty only for administrators."""

    username: str
    name: str
    staff_no: str
    phone: str
    email: str
    role: Role
    account_ids: tuple[int, ...]
    branch_id: int | None
    language: str = "zh"
    is_active: bool = True


def list_users(*, actor: User) -> list[User]:
    """All logins, active ones first."""
    access.require(actor, Action.MANAGE_USERS)
    return list(db.session.scalars(select(User).order_by(User.is_active.desc(), User.staff_no, User.id)))


def get_user(user_id: int, *, actor: User) -> User:
    """One login, for the administrator."""
    access.require(actor, Action.MANAGE_USERS)
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound("not_found")
    return user


def account_ids_of(user: User) -> list[int]:
    """The key accounts a login works for or belongs to."""
    return list(db.session.scalars(select(UserAccount.account_id).where(UserAccount.user_id == user.id)))


def add_user(details: UserDetails, password: str, *, actor: User | None, now: datetime) -> User:
    """Add a login. `actor` None is the command line, which adds the first administrator."""
    if actor is not None:
        access.require(actor, Action.MANAGE_USERS)
    username = details.username.strip().casefold()
    _check_details(details, username, None)
    _check_password(password)
    user = User(
        username=username,
        name=squeeze(details.name),
        staff_no=details.staff_no.strip(),
        phone=details.phone.strip(),
        email=details.email.strip(),
        password_hash=passwords.hash_password(password),
        role=details.role,
        branch_id=details.branch_id if details.role is Role.BRANCH_SAFETY else None,
        language=details.language,
        is_active=details.is_active,
        created_at=now,
    )
    db.session.add(user)
    db.session.flush()
    db.session.add_all(UserAccount(user_id=user.id, account_id=a) for a in details.account_ids)
    audit.record("user_added", user, actor=actor, now=now, changes={"role": (None, user.role)})
    return user


def change_user(
    user_id: int, details: UserDetails, version: int, *, actor: User, now: datetime, may_close: bool = False
) -> User:
    """Change a login. A change of role, reach or activity ends its open sessions.

    `may_close`: the caller has made sure that no open matter is left with it (`services.departures`).
    """
    user = get_user(user_id, actor=actor)
    if user.version != version:
        raise Conflict("stale")
    if user.is_active and not details.is_active and not may_close:
        raise Conflict("matters_first")
    if user.id == actor.id and (not details.is_active or details.role is not user.role):
        raise Invalid("own_rights", field="role")
    username = details.username.strip().casefold()
    _check_details(details, username, user.id)
    before = sorted(account_ids_of(user))
    changes = audit.change(
        user,
        username=username,
        name=squeeze(details.name),
        staff_no=details.staff_no.strip(),
        phone=details.phone.strip(),
        email=details.email.strip(),
        role=details.role,
        branch_id=details.branch_id if details.role is Role.BRANCH_SAFETY else None,
        language=details.language,
        is_active=details.is_active,
    )
    if before != sorted(details.account_ids):
        changes["account_ids"] = (before, sorted(details.account_ids))
        db.session.execute(delete(UserAccount).where(UserAccount.user_id == user.id))
        db.session.add_all(UserAccount(user_id=user.id, account_id=a) for a in details.account_ids)
    if changes.keys() & {"role", "branch_id", "is_active", "account_ids"} and user.id != actor.id:
        user.session_stamp += 1
    audit.record("user_changed", user, actor=actor, now=now, changes=changes)
    return user


def close_user(user: User, *, actor: User | None, now: datetime, reason: str, left: int = 0) -> None:
    """Let a login sign in no more and end its sessions. The caller has made sure of what is `left` with it."""
    changes = audit.change(user, is_active=False, session_stamp=user.session_stamp + 1)
    if left:
        changes["matters"] = (left, left)
    if reason:
        changes["reason"] = (None, reason)
    audit.record("login_closed", user, actor=actor, now=now, changes=changes)


def set_password(user_id: int, password: str, *, actor: User, now: datetime) -> None:
    """Give a login a new password and end its sessions (administrator)."""
    user = get_user(user_id, actor=actor)
    _replace_password(user, password, actor, now)


def change_own_password(old: str, new: str, *, actor: User, now: datetime) -> None:
    """Change one's own password; other sessions end."""
    if not passwords.verify_password(actor.password_hash, old):
        raise Invalid("password_wrong", field="old")
    _replace_password(actor, new, actor, now)


def _replace_password(user: User, password: str, actor: User, now: datetime) -> None:
    _check_password(password)
    user.password_hash = passwords.hash_password(password)
    user.session_stamp += 1
    audit.record("password_changed", user, actor=actor, now=now)


def _check_password(password: str) -> None:
    if len(password) < MIN_PASSWORD:
        raise Invalid("password_short", field="password", length=MIN_PASSWORD)


def _check_details(details: UserDetails, username: str, own_id: int | None) -> None:
    problems = []
    taken = select(User.id).where(User.username == username, User.id != (own_id or 0))
    if db.session.scalar(taken) is not None:
        problems.append(Invalid("username_taken", field="username", username=username))
    if details.role is not Role.ADMIN and not details.account_ids:
        problems.append(Invalid("account_missing", field="account_ids"))
    if details.role in CLIENT_ROLES and len(details.account_ids) > 1:
        problems.append(Invalid("client_one_account", field="account_ids"))
    if details.role is Role.BRANCH_SAFETY:
        branch = db.session.get(Branch, details.branch_id) if details.branch_id else None
        if branch is None or branch.account_id not in details.account_ids:
            problems.append(Invalid("branch_of_account", field="branch_id"))
    if problems:
        raise InvalidMany(problems)
