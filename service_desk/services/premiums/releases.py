"""Releases from the credit limit: a clerk asks, another person with the permission decides, one order goes through."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany
from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import squeeze
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import IssueBatch
from service_desk.models.premiums import CreditRelease, ReleaseState
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role
from service_desk.rules.premium import Credit
from service_desk.services import access, audit, notices, numbers, submissions
from service_desk.services.notices import Matter, Message
from service_desk.services.policies.credit import credit_of


@dataclass(frozen=True)
class ReleaseView:
    """A request with who asked, who decided, the account's credit now and the batch it let through."""

    release: CreditRelease
    account: KeyAccount
    asked_by: User
    decided_by: User | None
    batch_number: str | None
    credit: Credit


def ask_release(
    account_id: int,
    order: Mapping[str, Any],
    order_fen: int,
    reason: str,
    *,
    key: str = "",
    actor: User,
    now: datetime,
) -> str:
    """Ask the managers to let an order beyond the limit; the number of the request.

    `order` is kept as the page sent it. Invalid: `reason` missing, `credit_not_exceeded`.
    """

    def act() -> str:
        account = access.get_account(actor, account_id)
        exceeded = credit_of(account).exceeded_by(order_fen)
        if not squeeze(reason):
            raise Invalid("required", field="reason")
        if not exceeded:
            raise Invalid("credit_not_exceeded")
        release = CreditRelease(
            number=numbers.next_number("CRL", local_date(now).year),
            account_id=account.id,
            asked_by_id=actor.id,
            asked_at=now,
            order_fen=order_fen,
            exceeded_fen=exceeded,
            ask_reason=squeeze(reason)[:200],
            order=dict(order),
        )
        db.session.add(release)
        audit.record(
            "credit_release_asked",
            release,
            actor=actor,
            now=now,
            changes={"exceeded_fen": (None, exceeded), "ask_reason": (None, release.ask_reason)},
        )
        managers = [user for user in access.account_members(account.id, Role.MANAGER) if user.id != actor.id]
        _tell("credit_release_asked", release, account, managers, actor, now)
        return release.number

    access.require(actor, Action.ISSUE_POLICIES)
    return submissions.once("credit_release", key, act, actor=actor, now=now)


def release_credit(
    number: str, amount_fen: int | None, valid_until: date, reason: str, *, actor: User, now: datetime
) -> None:
    """Let the order of a request go so far beyond the limit, until the end of a day, once.

    Forbidden `release_own_order`; Conflict `release_decided`; Invalid: `amount_not_positive`, `release_too_small`,
    `release_day_past`, `reason` missing.
    """
    release = _to_decide(number, actor)
    amount_fen = release.exceeded_fen if amount_fen is None else amount_fen
    faults = []
    if amount_fen <= 0:
        faults.append(Invalid("amount_not_positive", field="amount"))
    elif amount_fen < release.exceeded_fen:
        faults.append(Invalid("release_too_small", field="amount"))
    if valid_until < local_date(now):
        faults.append(Invalid("release_day_past", field="valid_until"))
    if not squeeze(reason):
        faults.append(Invalid("required", field="reason"))
    if faults:
        raise InvalidMany(faults)
    _decide(
        release, ReleaseState.RELEASED, actor, now, reason, amount_fen=amount_fen, valid_until=valid_until
    )


def refuse_release(number: str, reason: str, *, actor: User, now: datetime) -> None:
    """Refuse a request, with a reason. Refusals as `release_credit`."""
    release = _to_decide(number, actor)
    if not squeeze(reason):
        raise Invalid("required", field="reason")
    _decide(release, ReleaseState.REFUSED, actor, now, reason)


def _to_decide(number: str, actor: User) -> CreditRelease:
    access.require(actor, Action.RELEASE_CREDIT)
    known = access.get_visible(actor, Action.RELEASE_CREDIT, CreditRelease, CreditRelease.number == number)
    release = db.session.scalars(
        select(CreditRelease)
        .where(CreditRelease.id == known.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if release.asked_by_id == actor.id:
        raise Forbidden("release_own_order")
    if release.state is not ReleaseState.ASKED:
        raise Conflict("release_decided")
    return release


def _decide(
    release: CreditRelease, state: ReleaseState, actor: User, now: datetime, reason: str, **values: Any
) -> None:
    changes = audit.change(
        release,
        state=state,
        reason=squeeze(reason)[:200],
        decided_by_id=actor.id,
        decided_at=now,
        **values,
    )
    audit.record("credit_release_decided", release, actor=actor, now=now, changes=changes)
    account = db.session.get_one(KeyAccount, release.account_id)
    _tell(
        "credit_release_decided",
        release,
        account,
        [db.session.get_one(User, release.asked_by_id)],
        actor,
        now,
    )


def _tell(
    kind: str, release: CreditRelease, account: KeyAccount, users: list[User], actor: User, now: datetime
) -> None:
    params = {
        "number": release.number,
        "account": account.name,
        "account_en": account.name_en,
        "person": actor.name,
        "is_released": release.state is ReleaseState.RELEASED,
        "order_fen": release.order_fen,
        "exceeded_fen": release.exceeded_fen,
        "amount_fen": release.amount_fen,
        "valid_until": release.valid_until.isoformat() if release.valid_until else None,
        "reason": release.reason or release.ask_reason,
        "url": f"/premiums/releases/{release.number}",
    }
    matter = Matter("credit_release", release.id, release.number, release.account_id)
    dedupe = f"{kind}:{release.number}"
    messages = [Message(kind, notices.user_recipient(user), params, dedupe, matter) for user in users]
    notices.queue_many(messages, now=now)


def list_releases(account_id: int, page: PageRequest, *, actor: User) -> Page[tuple[CreditRelease, User]]:
    """Requests of an account with who asked: those to decide first, then the latest."""
    access.require(actor, Action.ISSUE_POLICIES)
    asker = aliased(User)
    statement = access.visible(
        actor,
        Action.ISSUE_POLICIES,
        select(CreditRelease, asker)
        .join(asker, asker.id == CreditRelease.asked_by_id)
        .where(CreditRelease.account_id == account_id),
        CreditRelease,
    )
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    ordered = statement.order_by(
        (CreditRelease.state == ReleaseState.ASKED).desc(),
        CreditRelease.asked_at.desc(),
        CreditRelease.id.desc(),
    )
    rows = db.session.execute(ordered.limit(page.size).offset(page.offset))
    return Page([(row[0], row[1]) for row in rows], total, page.number, page.size)


def get_release(number: str, *, actor: User) -> ReleaseView:
    """One request; NotFound for another account's. The client does not see them."""
    access.require(actor, Action.ISSUE_POLICIES)
    release = access.get_visible(actor, Action.ISSUE_POLICIES, CreditRelease, CreditRelease.number == number)
    account = db.session.get_one(KeyAccount, release.account_id)
    batch = db.session.get_one(IssueBatch, release.batch_id) if release.batch_id else None
    return ReleaseView(
        release,
        account,
        db.session.get_one(User, release.asked_by_id),
        db.session.get_one(User, release.decided_by_id) if release.decided_by_id else None,
        batch.number if batch else None,
        credit_of(account),
    )
