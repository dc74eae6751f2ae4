"""Who may decide up to which amount: dated tiers for a role or a person, the most specific of which holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from service_desk.rules.permissions import Role


@dataclass(frozen=True)
class Tier:
    """Authority of a role, of a person, or of a person while in a role; for one account, or for all with None.

    `limit_fen` is included; None is without limit. It holds from `effective_on` to before `ended_on`.
    """

    id: int
    account_id: int | None
    role: Role | None
    user_id: int | None
    limit_fen: int | None
    effective_on: date
    ended_on: date | None = None


@dataclass(frozen=True)
class Person:
    """Somebody who decides, as the tiers know them."""

    user_id: int
    role: Role


def tier_of(tiers: Iterable[Tier], person: Person, *, account_id: int, on: date) -> Tier | None:
    """The tier that holds for a person in an account on a day; None when none does.

    One of their own beats one of their role; one of the account beats one of all accounts.
    """
    fitting = [tier for tier in tiers if _fits(tier, person, account_id) and is_in_force(tier, on)]
    return max(fitting, key=lambda t: (t.user_id is not None, t.account_id is not None), default=None)


def _fits(tier: Tier, person: Person, account_id: int) -> bool:
    return (
        tier.account_id in {None, account_id}
        and tier.role in {None, person.role}
        and tier.user_id in {None, person.user_id}
    )


def is_in_force(tier: Tier, on: date) -> bool:
    """Whether a tier holds on a day."""
    return tier.effective_on <= on and (tier.ended_on is None or on < tier.ended_on)


def covers(tier: Tier | None, amount_fen: int) -> bool:
    """Whether an amount is within a tier; without one nothing is, not even nought."""
    return tier is not None and (tier.limit_fen is None or amount_fen <= tier.limit_fen)


def find_contradiction(tier: Tier, others: Iterable[Tier]) -> Tier | None:
    """The first of the others that cannot hold together with a tier; None when all can.

    Two tiers of the same person (or of the same role) for the same account at the same time contradict each other,
    and so does a tier that gives claims staff more than their managers.
    """
    for other in others:
        if other.account_id != tier.account_id or not _overlap(tier, other):
            continue
        if _is_of_same(tier, other) or _turns_ranks_round(tier, other):
            return other
    return None


def _overlap(one: Tier, other: Tier) -> bool:
    if any(tier.ended_on == tier.effective_on for tier in (one, other)):
        # Taken back before its first day: it never held.
        return False
    first, second = sorted((one, other), key=lambda t: t.effective_on)
    return first.ended_on is None or second.effective_on < first.ended_on


def _is_of_same(one: Tier, other: Tier) -> bool:
    if one.user_id is not None or other.user_id is not None:
        return one.user_id == other.user_id
    return one.role == other.role


def _turns_ranks_round(one: Tier, other: Tier) -> bool:
    by_role = {tier.role: tier for tier in (one, other) if tier.user_id is None}
    staff, managers = by_role.get(Role.CLAIMS), by_role.get(Role.MANAGER)
    if staff is None or managers is None or managers.limit_fen is None:
        return False
    return staff.limit_fen is None or staff.limit_fen > managers.limit_fen
