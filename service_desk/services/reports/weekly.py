"""Computes the weekly claim report: a fixed number of queries, whatever the account's size.

Its figures are measures; here are the claims and breaches behind them. A past week comes out the same whenever it is
run: what was open at an instant follows from the claims' history, not from their present state.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.db import db
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Period
from service_desk.services import measures
from service_desk.services.measures import By, Span
from service_desk.services.reports.claim_lines import (
    PeriodClaim,
    breaches_of,
    claims_of,
    days_open,
    open_lines,
)
from service_desk.services.reports.figures import (
    BranchFigures,
    WeeklyReport,
    total_of,
)

_COUNTS = {
    C.CLAIMS_OPEN_START: "open_start",
    C.CLAIMS_REPORTED: "reported",
    C.CLAIMS_REOPENED: "reopened",
    C.CLAIMS_CLOSED: "closed",
    C.CLAIMS_OPEN_END: "open_end",
    C.ESTIMATE_REPORTED: "estimate_fen",
    C.LARGE_LOSSES: "large_losses",
    C.PAID_NET: "paid_fen",
}
_RATES = {
    C.SURVEYED_IN_TIME: ("surveys_in_time", "surveys_judged"),
    C.FIRST_SCENE: ("scenes_first", "scenes_needed"),
}


def compute(account_id: int, period_from: date, *, now: datetime, until: date | None = None) -> WeeklyReport:
    """The report of the week that begins on the Monday `period_from`, or of it until a day. Reads only."""
    account = db.session.get_one(KeyAccount, account_id)
    period = Period(period_from, until or period_from + timedelta(days=6))
    week = Span(account.id, period, ZoneInfo(account.zone), now)
    claims, open_claims = claims_of(week)
    branches = _branch_lines(week, open_claims)
    return WeeklyReport(
        account_id=account.id,
        account_name=account.name,
        account_name_en=account.name_en or account.name,
        zone=account.zone,
        period_from=period_from,
        period_to=week.period.last,
        made_at=now,
        branches=tuple(branches),
        total=total_of(branches),
        claims=tuple(claim.line for claim in claims),
        open_claims=tuple(open_lines(week, open_claims)),
        breaches=tuple(breaches_of(week)),
    )


def _branch_lines(week: Span, open_claims: list[PeriodClaim]) -> list[BranchFigures]:
    groups = measures.read(week, [*_COUNTS, *_RATES], By.BRANCH).groups
    oldest: dict[int, int] = {}
    for claim in open_claims:
        oldest[claim.branch_id] = max(oldest.get(claim.branch_id, 0), days_open(week, claim))
    branches = db.session.scalars(select(Branch).where(Branch.account_id == week.account_id)).all()
    return [
        BranchFigures(
            branch_id=branch.id,
            name=branch.name,
            name_en=branch.name_en or branch.name,
            oldest_days=oldest.get(branch.id),
            **_counts(groups.get(branch.id, {})),
        )
        for branch in sorted(branches, key=place_in_tree)
        if branch.is_active or branch.id in groups
    ]


def _counts(values: Mapping[C, measures.Value]) -> dict[str, Any]:
    """The figures of a branch as its line keeps them; where nothing happened there is no figure."""
    counts: dict[str, Any] = {name: values.get(code, 0) for code, name in _COUNTS.items()}
    for code, (part, whole) in _RATES.items():
        ratio = values.get(code)
        counts[part], counts[whole] = (ratio.part, ratio.whole) if isinstance(ratio, Ratio) else (0, 0)
    return counts


def place_in_tree(branch: Branch) -> list[int]:
    """A branch after the one it belongs to, and before what was added later."""
    return [int(part) for part in branch.path.split("/") if part]
