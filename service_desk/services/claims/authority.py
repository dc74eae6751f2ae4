"""Who may decide claims up to which amount: kept as dated tiers, asked before every decision about money."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, NotFound
from service_desk.base.money import format_yuan
from service_desk.models.accounts import KeyAccount
from service_desk.models.claim_money import AuthorityTier
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.authority import Person, Tier, covers, find_contradiction, tier_of
from service_desk.rules.permissions import Action, Role, may
from service_desk.services import access, audit

APPROVING_ROLES = tuple(role for role in Role if may(role, Action.APPROVE_CLAIMS))
DEFAULT_FROM = date(2024, 1, 1)
# What a new desk begins with: staff decide the everyday claim, a manager every other.
DEFAULT_LIMITS: dict[Role, int | None] = {Role.CLAIMS: 10_000_00, Role.MANAGER: None}
MAX_LIMIT_FEN = 100_000_000_00


@dataclass(frozen=True)
class TierHolder:
    """Whom a tier is for: a role, a person, or a person while in a role; one account, or all with None."""

    account_id: int | None = None
    role: Role | None = None
    user_id: int | None = None


@dataclass(frozen=True)
class TierTerms:
    """Up to which amount, included (None: without limit), from which day on."""

    limit_fen: int | None
    effective_on: date


@dataclass(frozen=True)
class TierRow:
    """A tier with the account and the person it names."""

    tier: AuthorityTier
    account: KeyAccount | None
    user: User | None


def install_defaults() -> None:
    """Give a desk without any tier those it begins with."""
    if db.session.scalar(select(func.count()).select_from(AuthorityTier)):
        return
    db.session.add_all(
        AuthorityTier(role=role, limit_fen=limit, effective_on=DEFAULT_FROM)
        for role, limit in DEFAULT_LIMITS.items()
    )
    db.session.flush()


def require_authority(claim: Claim, amount_fen: int, *, actor: User, now: datetime) -> None:
    """Refuse a decision about more than the actor's tier covers now.

    Forbidden `beyond_authority` with the limit and who may, or `beyond_authority_of_all` when nobody may.
    """
    tier = _tier_for(actor, claim.account_id, local_date(now))
    if covers(tier, amount_fen):
        return
    people = who_may(claim.account_id, amount_fen, now=now, besides=(actor.id,))
    limit = tier.limit_fen if tier and tier.limit_fen is not None else 0
    code = "beyond_authority" if people else "beyond_authority_of_all"
    raise Forbidden(
        code, amount=format_yuan(amount_fen), limit=format_yuan(limit), people=named_with_phones(people)
    )


def may_decide(account_id: int, amount_fen: int, *, actor: User, now: datetime) -> bool:
    """Whether the actor's tier covers an amount now."""
    if not access.may(actor, Action.APPROVE_CLAIMS):
        return False
    return covers(_tier_for(actor, account_id, local_date(now)), amount_fen)


def limit_of(account_id: int, *, actor: User, now: datetime) -> tuple[bool, int | None]:
    """Whether the actor has any authority in the account, and up to which amount; None is without limit."""
    tier = _tier_for(actor, account_id, local_date(now))
    return tier is not None, tier.limit_fen if tier else 0


def who_may(account_id: int, amount_fen: int, *, now: datetime, besides: Collection[int] = ()) -> list[User]:
    """Who may decide an amount in the account now, by staff number; `besides` are left out."""
    tiers, on = as_rules(_tiers_of(account_id)), local_date(now)
    return [
        user
        for user in access.account_members(account_id, *APPROVING_ROLES)
        if user.id not in besides
        and covers(tier_of(tiers, Person(user.id, user.role), account_id=account_id, on=on), amount_fen)
    ]


def named_with_phones(people: Collection[User]) -> str:
    """Names with telephone numbers, as a refusal says them."""
    return ", ".join(f"{user.name} {user.phone}".strip() for user in people)


def _tier_for(user: User, account_id: int, on: date) -> Tier | None:
    person = Person(user.id, user.role)
    return tier_of(as_rules(_tiers_of(account_id)), person, account_id=account_id, on=on)


def _tiers_of(account_id: int) -> list[AuthorityTier]:
    of_account = AuthorityTier.account_id.is_(None) | (AuthorityTier.account_id == account_id)
    return list(db.session.scalars(select(AuthorityTier).where(of_account)))


def all_tiers() -> list[Tier]:
    """Every tier, for decisions about several accounts at once."""
    return as_rules(db.session.scalars(select(AuthorityTier)).all())


def as_rules(rows: Collection[AuthorityTier]) -> list[Tier]:
    """Stored tiers as the rules take them."""
    return [_as_rule(row) for row in rows]


def _as_rule(row: AuthorityTier) -> Tier:
    return Tier(
        row.id or 0,
        row.account_id,
        row.role,
        row.user_id,
        row.limit_fen,
        row.effective_on,
        row.ended_on,
    )


def list_tiers(*, actor: User, today: date, with_ended: bool = False) -> list[TierRow]:
    """The tiers in force or to come, those of roles first; with `with_ended` also those that are over."""
    access.require(actor, Action.MANAGE_SETTINGS)
    statement = (
        select(AuthorityTier, KeyAccount, User)
        .outerjoin(KeyAccount, KeyAccount.id == AuthorityTier.account_id)
        .outerjoin(User, User.id == AuthorityTier.user_id)
    )
    if not with_ended:
        statement = statement.where(AuthorityTier.ended_on.is_(None) | (AuthorityTier.ended_on > today))
    rows = [TierRow(*row) for row in db.session.execute(statement).tuples()]
    return sorted(rows, key=_order)


def _order(row: TierRow) -> tuple[int, int, int, date, int]:
    tier = row.tier
    ranks = [Role.CLAIMS, Role.MANAGER]
    rank = ranks.index(tier.role) if tier.role in ranks else len(ranks)
    return tier.user_id or 0, rank, tier.account_id or 0, tier.effective_on, tier.id


def get_tier(tier_id: int, *, actor: User) -> TierRow:
    """One tier, ended ones too; NotFound otherwise."""
    for row in list_tiers(actor=actor, today=date.min, with_ended=True):
        if row.tier.id == tier_id:
            return row
    raise NotFound("not_found")


def list_holders(*, actor: User) -> list[User]:
    """Whom a tier may name: the active people who may approve at all, by staff number."""
    access.require(actor, Action.MANAGE_SETTINGS)
    statement = select(User).where(User.is_active, User.role.in_(APPROVING_ROLES))
    return list(db.session.scalars(statement.order_by(User.staff_no, User.id)))


def add_tier(holder: TierHolder, terms: TierTerms, *, actor: User, now: datetime) -> AuthorityTier:
    """Give authority that was not there.

    Invalid: `tier_holder_missing`, `tier_holder_cannot`, `tier_date_past`, `tier_limit_invalid`, `tier_contradicts`
    (with `tier_id` of the other).
    """
    access.require(actor, Action.MANAGE_SETTINGS)
    _lock_list()
    _check_holder(holder)
    row = AuthorityTier(
        account_id=holder.account_id,
        role=holder.role,
        user_id=holder.user_id,
        limit_fen=terms.limit_fen,
        effective_on=terms.effective_on,
    )
    _check(row, terms, replaced=None, now=now)
    db.session.add(row)
    audit.record("authority_added", row, actor=actor, now=now, label=_label(row), changes=_shown(row))
    return row


def change_tier(tier_id: int, terms: TierTerms, *, version: int, actor: User, now: datetime) -> AuthorityTier:
    """Give another authority from a day on; the old one ends with the day before."""
    _lock_list()
    old = _editable(tier_id, version, actor)
    if terms.effective_on <= old.effective_on:
        raise Invalid("tier_starts_too_early", field="effective_on", after=old.effective_on.isoformat())
    row = AuthorityTier(
        account_id=old.account_id,
        role=old.role,
        user_id=old.user_id,
        limit_fen=terms.limit_fen,
        effective_on=terms.effective_on,
    )
    _check(row, terms, replaced=old, now=now)
    _end(old, terms.effective_on, actor, now)
    db.session.add(row)
    audit.record("authority_added", row, actor=actor, now=now, label=_label(row), changes=_shown(row))
    return row


def end_tier(tier_id: int, ends_on: date, *, version: int, actor: User, now: datetime) -> AuthorityTier:
    """Take authority away from a day on. Invalid `tier_date_past`."""
    _lock_list()
    row = _editable(tier_id, version, actor)
    if ends_on < max(local_date(now), row.effective_on):
        raise Invalid("tier_date_past", field="ends_on")
    _end(row, ends_on, actor, now)
    return row


def _end(row: AuthorityTier, on: date, actor: User, now: datetime) -> None:
    changes = audit.change(row, ended_on=on)
    audit.record("authority_ended", row, actor=actor, now=now, label=_label(row), changes=changes)


def _editable(tier_id: int, version: int, actor: User) -> AuthorityTier:
    row = get_tier(tier_id, actor=actor).tier
    if row.version != version or row.ended_on is not None:
        raise Conflict("stale")
    return row


def _lock_list() -> None:
    """Tiers are written one after the other: of two that contradict, each could miss the other."""
    first = select(AuthorityTier.id).order_by(AuthorityTier.id).limit(1)
    db.session.execute(first.with_for_update(key_share=True)).all()


def _check_holder(holder: TierHolder) -> None:
    if holder.role is None and holder.user_id is None:
        raise Invalid("tier_holder_missing", field="role")
    roles = {holder.role} - {None}
    if holder.user_id is not None:
        user = db.session.get(User, holder.user_id)
        roles |= {user.role if user and user.is_active else Role.BRANCH_SAFETY}
    if not roles <= set(APPROVING_ROLES):
        raise Invalid("tier_holder_cannot", field="user_id" if holder.user_id else "role")


def _check(row: AuthorityTier, terms: TierTerms, *, replaced: AuthorityTier | None, now: datetime) -> None:
    if terms.effective_on < local_date(now):
        raise Invalid("tier_date_past", field="effective_on")
    if terms.limit_fen is not None and not 0 <= terms.limit_fen <= MAX_LIMIT_FEN:
        raise Invalid("tier_limit_invalid", field="limit")
    rows = db.session.scalars(select(AuthorityTier)).all()
    others = as_rules([other for other in rows if other is not row and other is not replaced])
    other = find_contradiction(_as_rule(row), others)
    if other is not None:
        raise Invalid("tier_contradicts", field="effective_on", tier_id=other.id)


def _shown(row: AuthorityTier) -> dict[str, tuple[None, object]]:
    names = ("role", "user_id", "limit_fen", "effective_on")
    return {name: (None, getattr(row, name)) for name in names if getattr(row, name) is not None}


def _label(row: AuthorityTier) -> str:
    user = db.session.get(User, row.user_id) if row.user_id else None
    return user.name if user else str(row.role.value if row.role else "")
