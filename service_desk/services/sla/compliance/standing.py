"""How the clocks stand now, whatever the period: at risk, late and still open, broken without a review."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.services.sla.compliance.wanted import (
    ComplianceFilter,
    ReviewAge,
    Scope,
    Verdicts,
    age_key,
    counted,
    open_scope,
    seen,
)

MOST_AT_RISK = 8


@dataclass(frozen=True)
class Standing:
    """Counts of now under the filter but for its period."""

    at_risk: int
    late: int
    unreviewed: dict[ReviewAge, int]
    oldest_unreviewed_at: datetime | None

    @property
    def unreviewed_count(self) -> int:
        return sum(self.unreviewed.values())


def stand_of(wanted: ComplianceFilter, *, actor: User, now: datetime) -> Standing:
    """How an account's clocks stand now, for other pages than this one; the period says nothing here."""
    return count_standing(open_scope(wanted, actor=actor, now=now))


def count_standing(scope: Scope) -> Standing:
    """How many clocks are at risk, late, and broken without a review by age."""
    age = age_key(scope.now).label("age")
    rows = db.session.execute(
        select(age, func.count(), func.min(Timer.breached_at))
        .where(*counted(scope, Verdicts.UNREVIEWED))
        .group_by("age")
    ).all()
    counts = {code: number for code, number, _at in rows}
    return Standing(
        at_risk=_count(scope, Verdicts.AT_RISK),
        late=_count(scope, Verdicts.LATE),
        unreviewed={one: counts.get(one.value, 0) for one in ReviewAge},
        oldest_unreviewed_at=min((at for _code, _number, at in rows), default=None),
    )


def list_at_risk(scope: Scope) -> Sequence[tuple[Timer, User]]:
    """The clocks that break next, each with its holder."""
    rows = db.session.execute(
        select(Timer, User)
        .join(User, User.id == Timer.holder_id)
        .where(*counted(scope, Verdicts.AT_RISK), seen(scope))
        .order_by(Timer.due_at, Timer.id)
        .limit(MOST_AT_RISK)
    )
    return [(timer, holder) for timer, holder in rows]


def _count(scope: Scope, verdicts: Verdicts) -> int:
    statement = select(func.count()).select_from(Timer).where(*counted(scope, verdicts))
    return db.session.scalar(statement) or 0
