"""The monthly underwriting figures of an account: issued, endorsed, cancelled; by branch, class, line and cover."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.policies import Endorsement, EndorsementKind, Policy, PolicyOrigin, PolicyState
from service_desk.models.users import User
from service_desk.rules.periods import Period, months_after
from service_desk.rules.permissions import Action
from service_desk.rules.underwriting import Act, Compared, UnderwritingFigures, figures_by, figures_of
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class MonthlyUnderwriting:
    """An account's month. Each list holds what had an act in one of the three months compared, and adds up to `total`.

    `covers` are cover sets by line. `taken_over` counts policies noted from lists in the month, which are in no figure:
    they were written before the desk kept the account.
    """

    account: KeyAccount
    month: Period
    total: Compared
    branches: Sequence[tuple[Branch, Compared]]
    classes: Sequence[tuple[UseClass | None, Compared]]
    lines: Sequence[tuple[PolicyLine, Compared]]
    covers: Sequence[tuple[tuple[PolicyLine, str], Compared]]
    taken_over: int


def month_figures(account_id: int, month: Period, *, actor: User) -> MonthlyUnderwriting:
    """The figures of a calendar month, compared with the month before and the same month of the year before.

    Voided policies are left out with all their endorsements. The reader must see both reports and premium.
    """
    access.require(actor, Action.READ_REPORTS)
    access.require(actor, Action.READ_PREMIUMS)
    account = access.get_visible(actor, Action.READ_REPORTS, KeyAccount, KeyAccount.id == account_id)
    return account_month(account, month)


def account_month(account: KeyAccount, month: Period) -> MonthlyUnderwriting:
    """The same for no actor: what a scheduled report is made from."""
    zone = ZoneInfo(account.zone)
    months = [month, months_after(month.first, -1), months_after(month.first, -12)]
    acts = [_acts_of(account.id, one, zone) for one in months]
    by_branch = _compare_by(acts, lambda act: act.branch_id)
    branches = db.session.scalars(
        select(Branch).where(Branch.id.in_(by_branch)).order_by(Branch.name, Branch.id)
    )
    by_class = _compare_by(acts, lambda act: act.use_class)
    by_line = _compare_by(acts, lambda act: act.line)
    by_cover = _compare_by(acts, lambda act: (act.line, act.cover_set))
    order = list(PolicyLine)
    return MonthlyUnderwriting(
        account=account,
        month=month,
        total=Compared(*(figures_of(one) for one in acts)),
        branches=[(branch, by_branch[branch.id]) for branch in branches],
        classes=[(one, by_class[one]) for one in (*UseClass, None) if one in by_class],
        lines=[(line, by_line[line]) for line in PolicyLine if line in by_line],
        covers=sorted(by_cover.items(), key=lambda item: (order.index(item[0][0]), item[0][1])),
        taken_over=_count_taken_over(account.id, month, zone),
    )


def _compare_by(acts: Sequence[Sequence[Act]], key_of: Callable[[Act], Key]) -> dict[Key, Compared]:
    now, month_before, year_before = (figures_by(one, key_of) for one in acts)
    none = UnderwritingFigures()
    return {
        key: Compared(now.get(key, none), month_before.get(key, none), year_before.get(key, none))
        for key in {**now, **month_before, **year_before}
    }


def _acts_of(account_id: int, month: Period, zone: ZoneInfo) -> list[Act]:
    return [*_issued(account_id, month, zone), *_endorsed(account_id, month, zone)]


def _issued(account_id: int, month: Period, zone: ZoneInfo) -> list[Act]:
    wanted = _issued_in(account_id, month, zone, PolicyOrigin.ISSUED)
    as_issued = _as_issued(select(Policy.id).where(*wanted))
    statement = select(
        Policy.id,
        Policy.issued_branch_id,
        Policy.line,
        Policy.cover_set,
        Policy.vehicle_id,
        Policy.premium_fen,
        Policy.tax_fen,
        Policy.vehicle_facts,
    ).where(*wanted)
    return [
        _act(
            row,
            as_issued.get(row.id, {}),
            row.issued_branch_id,
            tax_fen=row.tax_fen,
            vehicle_id=row.vehicle_id,
        )
        for row in db.session.execute(statement)
    ]


def _issued_in(account_id: int, month: Period, zone: ZoneInfo, origin: PolicyOrigin) -> tuple[Any, ...]:
    first, until = month.instants(zone)
    return (
        Policy.account_id == account_id,
        Policy.state != PolicyState.VOIDED,
        Policy.origin == origin,
        Policy.issued_at >= first,
        Policy.issued_at < until,
    )


def _count_taken_over(account_id: int, month: Period, zone: ZoneInfo) -> int:
    wanted = _issued_in(account_id, month, zone, PolicyOrigin.TAKEN_OVER)
    return db.session.scalar(select(func.count()).select_from(Policy).where(*wanted)) or 0


def _endorsed(account_id: int, month: Period, zone: ZoneInfo) -> list[Act]:
    first, until = month.instants(zone)
    wanted = (
        Endorsement.account_id == account_id,
        Endorsement.created_at >= first,
        Endorsement.created_at < until,
        Policy.state != PolicyState.VOIDED,
    )
    as_issued = _as_issued(
        select(Policy.id).join(Endorsement, Endorsement.policy_id == Policy.id).where(*wanted)
    )
    statement = (
        select(
            Policy.id,
            Endorsement.branch_id,
            Endorsement.kind,
            Endorsement.premium_fen,
            Policy.line,
            Policy.cover_set,
            Policy.vehicle_facts,
        )
        .join(Policy, Policy.id == Endorsement.policy_id)
        .where(*wanted)
    )
    return [
        _act(
            row,
            as_issued.get(row.id, {}),
            row.branch_id,
            is_cancellation=row.kind is EndorsementKind.CANCELLATION,
        )
        for row in db.session.execute(statement)
    ]


def _as_issued(policy_ids: Any) -> dict[int, dict[str, Any]]:
    """What endorsements since have changed of policies, as it was at issue: a month that is over does not change."""
    statement = (
        select(Endorsement.policy_id, Endorsement.before)
        .where(Endorsement.policy_id.in_(policy_ids))
        .order_by(Endorsement.ordinal.desc())
    )
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for policy_id, before in db.session.execute(statement):
        found[policy_id] |= before
    return found


def _act(row: Any, as_issued: Mapping[str, Any], branch_id: int, **values: Any) -> Act:
    facts = as_issued.get("vehicle_facts") or row.vehicle_facts
    code = facts.get("use_class")
    return Act(
        branch_id=branch_id,
        use_class=UseClass(code) if code else None,
        line=row.line,
        cover_set=as_issued.get("cover_set") or row.cover_set,
        premium_fen=row.premium_fen,
        **values,
    )
