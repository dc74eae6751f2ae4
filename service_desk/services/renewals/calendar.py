"""Calendar feeds: secret addresses under which a calendar program reads when cover ends."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from sqlalchemy import select

from service_desk.base.errors import Conflict, DomainError, Forbidden, NotFound
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.renewals import CalendarFeed
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Scope
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, audit, submissions
from service_desk.services.renewals.board import list_expiries
from service_desk.services.renewals.covers import ExpiryFilter


@dataclass(frozen=True)
class FeedRow:
    """A feed with its branch (None: all) and its maker. `answers`: not revoked, and the maker still sees the branch."""

    feed: CalendarFeed
    branch: Branch | None
    made_by: User
    answers: bool


@dataclass(frozen=True)
class ExpiryDay:
    """The vehicles of a branch whose cover of a line ends with a day: their plates, in order."""

    branch: Branch
    day: date
    line: PolicyLine
    plates: tuple[str, ...]


@dataclass(frozen=True)
class FeedContent:
    """What a feed holds today."""

    feed: CalendarFeed
    account: KeyAccount
    branch: Branch | None
    days: Sequence[ExpiryDay]


def may_cover_all(actor: User) -> bool:
    """Whether a feed of all branches may be made: not by those who see a branch only."""
    return access.require(actor, Action.READ_RENEWALS) is not Scope.OWN_BRANCHES


def make(
    account_id: int, branch_id: int | None, *, language: str, key: str = "", actor: User, now: datetime
) -> str | None:
    """Make a feed and return its token, which is told this once; None when the same key made one before.

    Forbidden for all branches where the actor sees one only; NotFound for a branch that the actor does not see.
    """
    _check_scope(account_id, branch_id, actor)
    tokens: list[str] = []

    def add() -> str:
        tokens.append(secrets.token_urlsafe(32))
        feed = CalendarFeed(
            account_id=account_id,
            branch_id=branch_id,
            token_sha256=_hash(tokens[0]),
            language=language,
            made_by_id=actor.id,
            made_at=now,
        )
        db.session.add(feed)
        changes = {"branch_id": (None, branch_id)}
        audit.record("calendar_feed_made", feed, actor=actor, now=now, changes=changes)
        return str(feed.id)

    submissions.once("calendar_feed", key, add, actor=actor, now=now)
    return tokens[0] if tokens else None


def _check_scope(account_id: int, branch_id: int | None, actor: User) -> KeyAccount:
    account = access.get_visible(actor, Action.READ_RENEWALS, KeyAccount, KeyAccount.id == account_id)
    if branch_id is not None:
        in_account = (Branch.id == branch_id, Branch.account_id == account_id)
        access.get_visible(actor, Action.READ_RENEWALS, Branch, *in_account)
    elif not may_cover_all(actor):
        raise Forbidden("not_allowed", action=Action.READ_RENEWALS.value)
    return account


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def list_feeds(account_id: int, *, actor: User) -> list[FeedRow]:
    """The feeds of an account that the actor may revoke: those of branches they see; the working ones first."""
    access.require(actor, Action.READ_RENEWALS)
    statement = (
        select(CalendarFeed, Branch, User)
        .outerjoin(Branch, Branch.id == CalendarFeed.branch_id)
        .join(User, User.id == CalendarFeed.made_by_id)
        .where(CalendarFeed.account_id == account_id)
        .order_by(CalendarFeed.revoked_at.is_not(None), CalendarFeed.id.desc())
    )
    rows = db.session.execute(access.visible(actor, Action.READ_RENEWALS, statement, CalendarFeed))
    return [
        FeedRow(feed, branch, made_by, feed.revoked_at is None and made_by.is_active)
        for feed, branch, made_by in rows
    ]


def revoke(feed_id: int, *, actor: User, now: datetime) -> None:
    """End a feed: its address answers no more. Conflict `stale` when it was ended before."""
    access.require(actor, Action.READ_RENEWALS)
    feed = access.get_visible(actor, Action.READ_RENEWALS, CalendarFeed, CalendarFeed.id == feed_id)
    locked = select(CalendarFeed).where(CalendarFeed.id == feed.id).with_for_update()
    feed = db.session.scalars(locked.execution_options(populate_existing=True)).one()
    if feed.revoked_at is not None:
        raise Conflict("stale")
    changes = audit.change(feed, revoked_at=now, revoked_by_id=actor.id)
    audit.record("calendar_feed_revoked", feed, actor=actor, now=now, changes=changes)


def read(token: str, *, now: datetime) -> FeedContent:
    """What the feed of a token holds: ends of cover to be renewed, ended or ahead as far as the board looks.

    It shows what its maker may see. NotFound for an unknown or revoked token, and when the maker sees the branch no more.
    """
    feed = db.session.scalar(
        select(CalendarFeed).where(
            CalendarFeed.token_sha256 == _hash(token), CalendarFeed.revoked_at.is_(None)
        )
    )
    if feed is None:
        raise NotFound("not_found")
    maker = db.session.get_one(User, feed.made_by_id)
    try:
        account = _check_scope(feed.account_id, feed.branch_id, maker)
    except DomainError as refusal:
        raise NotFound("not_found") from refusal
    found = list_expiries(ExpiryFilter(account.id, branch_id=feed.branch_id), actor=maker, now=now)
    ordered = sorted(
        found, key=lambda one: (one.last_day, one.branch.name, one.branch.id, one.line, one.plate)
    )
    days = [
        ExpiryDay(rows[0].branch, rows[0].last_day, rows[0].line, tuple(row.plate for row in rows))
        for rows in (
            list(group)
            for _key, group in groupby(ordered, key=lambda one: (one.last_day, one.branch.id, one.line))
        )
    ]
    branch = db.session.get(Branch, feed.branch_id) if feed.branch_id else None
    return FeedContent(feed, account, branch, days)
