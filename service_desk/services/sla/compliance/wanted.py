"""Which clocks are meant: the one filter, and the conditions that every figure and every list is made of."""

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true

from service_desk.base.clock import local_date
from service_desk.base.errors import Forbidden, NotFound
from service_desk.models.accounts import KeyAccount
from service_desk.models.kept import Outlined, constants
from service_desk.models.sla import BreachReview, Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action, Side
from service_desk.rules.sla import PauseReason
from service_desk.rules.sla.history import whole_second
from service_desk.rules.vocabulary import Severity
from service_desk.services import access
from service_desk.services.sla import ledger

_OPEN = constants(ledger.OPEN_STATES)
# The filter for clocks of matters that say nothing about a condition, as the key of their group.
NOT_SAID: Literal["none"] = "none"


class Dimension(StrEnum):
    """What the figures are grouped by."""

    STEP = "step"
    BRANCH = "branch"
    PERSON = "person"
    SEVERITY = "severity"
    ZONE = "zone"
    WEEK = "week"
    MONTH = "month"


class Verdicts(StrEnum):
    """The lists behind the figures: the first six of the period, the last three of now."""

    JUDGED = "judged"
    MET = "met"
    BREACHED = "breached"
    FINISHED = "finished"
    STILL_OPEN = "still_open"
    CANCELLED = "cancelled"
    AT_RISK = "at_risk"
    LATE = "late"
    UNREVIEWED = "unreviewed"


OF_NOW = frozenset({Verdicts.AT_RISK, Verdicts.LATE, Verdicts.UNREVIEWED})


class ReviewAge(StrEnum):
    """How long ago a promise was broken whose review is not signed."""

    TWO_DAYS = "two_days"
    WEEK = "week"
    MONTH = "month"
    OLDER = "older"


# Up to and including so many days; the last is older.
AGE_DAYS = {ReviewAge.TWO_DAYS: 2, ReviewAge.WEEK: 7, ReviewAge.MONTH: 30}


@dataclass(frozen=True)
class ComplianceFilter:
    """Which clocks of an account; None does not narrow, `NOT_SAID` keeps those without the condition.

    A branch brings its sub-branches, unless `is_alone`; `is_alone` without a branch: matters of no branch.
    `zone_code` is `urban`, `elsewhere` or `NOT_SAID`.
    """

    account_id: int
    period: Period
    step: ClockStep | None = None
    branch_id: int | None = None
    is_alone: bool = False
    holder_id: int | None = None
    severity: Severity | Literal["none"] | None = None
    zone_code: str | None = None


@dataclass(frozen=True)
class RowsWanted:
    """One list behind a figure. Of judged clocks it may be those that one person used up, or that waited for one
    thing; of breaches without review those of an age.
    """

    verdicts: Verdicts = Verdicts.JUDGED
    used_by_id: int | None = None
    paused_for: PauseReason | None = None
    age: ReviewAge | None = None

    @property
    def asks_for_time(self) -> bool:
        """Whether a person's time or a pause is asked for; both are of judged clocks."""
        return self.used_by_id is not None or self.paused_for is not None


class ScopeOutline(NamedTuple):
    """What stands in for a scope in a statement built once: its filter has no period, its instants are placeholders."""

    wanted: ComplianceFilter
    instants: tuple[Any, Any]
    now: Any


@dataclass(frozen=True)
class Scope(Outlined):
    """A filter made ready: the account's zone, and the instant everything is seen at, to the second.

    `has_reviews`: the clocks of breach reviews are shown too, where clocks are grouped by their step. `reader_id`: whose
    lists leave out complaints about them; figures count every clock, whoever reads them.
    """

    wanted: ComplianceFilter
    zone: ZoneInfo
    now: datetime
    has_reviews: bool
    reader_id: int | None = None

    @property
    def today(self) -> date:
        return local_date(self.now, self.zone)

    @property
    def instants(self) -> tuple[datetime, datetime]:
        return self.wanted.period.instants(self.zone)

    def outline_values(self) -> dict[str, Any]:
        """What its conditions ask for."""
        narrowed = {name: getattr(self.wanted, name) for name in _NARROWING}
        return {"instants": self.instants, "now": self.now, **narrowed}

    @classmethod
    def outline(cls, places: dict[str, Any]) -> ScopeOutline:
        """The same of placeholders."""
        narrowed = {name: places[name] for name in _NARROWING}
        return ScopeOutline(
            ComplianceFilter(period=_NO_PERIOD, **narrowed), places["instants"], places["now"]
        )


AnyScope = Scope | ScopeOutline
_NARROWING = tuple(field.name for field in fields(ComplianceFilter) if field.name != "period")
_NO_PERIOD = Period(date.min, date.min)


def open_scope(wanted: ComplianceFilter, *, actor: User, now: datetime) -> Scope:
    """Check that the actor may see the account's compliance, and this of it.

    Forbidden: not_allowed; compliance_no_ranking when the client asks for one person's figures. NotFound for
    another account, and for the client for the clocks of reviews, which are the desk's own.
    """
    access.require(actor, Action.READ_COMPLIANCE)
    account = access.get_visible(
        actor, Action.READ_COMPLIANCE, KeyAccount, KeyAccount.id == wanted.account_id
    )
    if wanted.holder_id is not None:
        require_ranking(actor)
    has_reviews = actor.side is Side.INSURER
    if wanted.step is ClockStep.BREACH_REVIEW and not has_reviews:
        raise NotFound("not_found")
    return Scope(wanted, ZoneInfo(account.zone), whole_second(now), has_reviews, actor.id)


def may_rank_staff(actor: User) -> bool:
    """The client sees how the desk keeps its promises, not how its people compare."""
    return actor.side is Side.INSURER


def require_ranking(actor: User) -> None:
    """Forbidden("compliance_no_ranking") for whoever may not compare people."""
    if not may_rank_staff(actor):
        raise Forbidden("compliance_no_ranking")


def narrowing(wanted: ComplianceFilter, *, with_reviews: bool = False) -> list[ColumnElement[bool]]:
    """The filter but for its period. Reviews' clocks are left out unless asked for by their step."""
    conditions: list[ColumnElement[bool]] = [Timer.account_id == wanted.account_id]
    if wanted.step is not None:
        conditions.append(Timer.step == wanted.step)
    elif not with_reviews:
        conditions.append(Timer.step != ClockStep.BREACH_REVIEW)
    if wanted.branch_id is not None:
        alone = Timer.branch_id == wanted.branch_id
        conditions.append(
            alone if wanted.is_alone else Timer.branch_id.in_(access.branch_tree(wanted.branch_id))
        )
    elif wanted.is_alone:
        conditions.append(Timer.branch_id.is_(None))
    if wanted.holder_id is not None:
        conditions.append(Timer.holder_id == wanted.holder_id)
    if wanted.severity is not None:
        said = Timer.severity == wanted.severity
        conditions.append(Timer.severity.is_(None) if wanted.severity == NOT_SAID else said)
    if wanted.zone_code is not None:
        conditions.append(zone_key() == wanted.zone_code)
    return conditions


def zone_key() -> ColumnElement[str]:
    """`urban`, `elsewhere` or `NOT_SAID`."""
    return case((Timer.is_urban.is_(True), "urban"), (Timer.is_urban.is_(False), "elsewhere"), else_=NOT_SAID)


def _whole_second(now: Any) -> Any:
    """What the clocks are compared with; a placeholder of a statement built once gets whole seconds."""
    return whole_second(now) if isinstance(now, datetime) else now


def is_met() -> ColumnElement[bool]:
    return Timer.state == TimerState.MET


def is_cancelled() -> ColumnElement[bool]:
    return Timer.state == TimerState.CANCELLED


def is_open() -> ColumnElement[bool]:
    return Timer.state.in_(_OPEN)


def is_broken(now: datetime) -> ColumnElement[bool]:
    """Broken by `now`, told by the sweep or not: the figures must not wait for it."""
    return or_(Timer.breached_at.is_not(None), and_(is_open(), Timer.due_at < _whole_second(now)))


def is_at_risk(now: datetime) -> ColumnElement[bool]:
    """Running, past its warning point, not yet past its due time."""
    at = _whole_second(now)
    return and_(
        Timer.state == TimerState.RUNNING,
        Timer.breached_at.is_(None),
        Timer.warn_at <= at,
        Timer.due_at >= at,
    )


def is_late(now: datetime) -> ColumnElement[bool]:
    """Broken and still open."""
    return and_(is_open(), is_broken(now))


def is_unreviewed() -> ColumnElement[bool]:
    """Broken, as the sweep has told, and no review signed; a review's own clock needs none."""
    return and_(
        Timer.breached_at.is_not(None),
        Timer.step != ClockStep.BREACH_REVIEW,
        ~select(BreachReview.id).where(BreachReview.timer_id == Timer.id).exists(),
    )


def within(column: Any, instants: tuple[datetime, datetime]) -> ColumnElement[bool]:
    """From the first instant on, before the second."""
    return and_(column >= instants[0], column < instants[1])


def met_within(instants: tuple[datetime, datetime]) -> ColumnElement[bool]:
    """Kept in the span."""
    return and_(is_met(), within(Timer.stopped_at, instants))


def broken_within(instants: tuple[datetime, datetime], now: datetime) -> ColumnElement[bool]:
    """Broken in the span. The instant of a breach is the due time, so both halves ask for the same instant."""
    untold = and_(Timer.breached_at.is_(None), is_open(), Timer.due_at < _whole_second(now))
    return or_(within(Timer.breached_at, instants), and_(untold, within(Timer.due_at, instants)))


def counted_at() -> ColumnElement[datetime]:
    """The instant by which a clock is counted: its stop when kept or cancelled, its breach when broken."""
    ended = or_(is_met(), is_cancelled())
    return case((ended, Timer.stopped_at), else_=func.coalesce(Timer.breached_at, Timer.due_at))


def judged_within(instants: tuple[datetime, datetime], now: datetime) -> ColumnElement[bool]:
    """Kept or broken in the span."""
    return or_(met_within(instants), broken_within(instants, now))


def cancelled_within(instants: tuple[datetime, datetime]) -> ColumnElement[bool]:
    return and_(is_cancelled(), within(Timer.stopped_at, instants))


def seen(scope: Scope) -> ColumnElement[bool]:
    """What a list has besides the conditions of its figure: no complaint about its reader."""
    return access.not_hidden(Timer, scope.reader_id) if scope.reader_id else true()


def counted(scope: Scope, verdicts: Verdicts) -> list[ColumnElement[bool]]:
    """The clocks of a figure under the filter, whoever reads it; a list of them asks for `seen` too."""
    instants, now = scope.instants, scope.now
    of_verdicts = {
        Verdicts.JUDGED: lambda: judged_within(instants, now),
        Verdicts.MET: lambda: met_within(instants),
        Verdicts.BREACHED: lambda: broken_within(instants, now),
        Verdicts.FINISHED: lambda: and_(judged_within(instants, now), ~is_open()),
        Verdicts.STILL_OPEN: lambda: and_(broken_within(instants, now), is_open()),
        Verdicts.CANCELLED: lambda: cancelled_within(instants),
        Verdicts.AT_RISK: lambda: is_at_risk(now),
        Verdicts.LATE: lambda: is_late(now),
        Verdicts.UNREVIEWED: is_unreviewed,
    }
    return [*narrowing(scope.wanted), of_verdicts[verdicts]()]


def age_key(now: datetime) -> ColumnElement[str]:
    """The band of age a breach is in."""
    bands = [(Timer.breached_at >= now - timedelta(days=days), age.value) for age, days in AGE_DAYS.items()]
    return case(*bands, else_=ReviewAge.OLDER.value)
