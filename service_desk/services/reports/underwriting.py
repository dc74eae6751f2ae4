"""The monthly underwriting figures of an account: issued, endorsed, cancelled; by branch, class, line and cover."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select

from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.rules.periods import Period, months_after
from service_desk.rules.permissions import Action
from service_desk.rules.underwriting import Act, Compared, UnderwritingFigures, figures_by, figures_of
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import access
from service_desk.services.policies.written import acts_of, count_taken_over

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
    acts = [acts_of(account.id, one.instants(zone)) for one in months]
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
        taken_over=count_taken_over(account.id, month.instants(zone)),
    )


def _compare_by(acts: Sequence[Sequence[Act]], key_of: Callable[[Act], Key]) -> dict[Key, Compared]:
    now, month_before, year_before = (figures_by(one, key_of) for one in acts)
    none = UnderwritingFigures()
    return {
        key: Compared(now.get(key, none), month_before.get(key, none), year_before.get(key, none))
        for key in {**now, **month_before, **year_before}
    }
