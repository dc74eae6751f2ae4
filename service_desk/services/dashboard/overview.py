"""The managers' overview: every figure is a measure, read once for now and once for what it is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, case, exists, or_, select

from service_desk.base.clock import local_date
from service_desk.base.paging import PageRequest
from service_desk.models.accounts import KeyAccount
from service_desk.models.claims import Claim
from service_desk.models.fleet import Vehicle
from service_desk.models.kept import built_once
from service_desk.models.market import MarketFigure
from service_desk.models.policies import Policy
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Cut, Period, before, month_of, months_after, trend
from service_desk.rules.permissions import Action
from service_desk.rules.sla.history import whole_second
from service_desk.services import access, market, measures
from service_desk.services.dashboard.behind import Behind, BehindClaims, BehindFilter, claims_behind
from service_desk.services.measures import Span, Value
from service_desk.services.measures.money import Ageing, read_ageing
from service_desk.services.measures.trend import Point, read_trend
from service_desk.services.sla import compliance
from service_desk.services.sla.compliance import is_at_risk, is_late

MOST_LISTED = 8

OF_NOW = (
    C.CLOCKS_AT_RISK,
    C.CLOCKS_LATE,
    C.BREACHES_UNREVIEWED,
    C.OUTSTANDING,
    C.OUTSTANDING_LARGE,
    C.COVERAGE,
    C.UNINSURED_VEHICLES,
    C.PREMIUM_OVERDUE,
)
"""As of now, whatever period is chosen, against the end of the period it is compared with."""
_NOW_ALONE = frozenset({C.CLOCKS_AT_RISK})
"""Nobody knows any more what was at risk at a past instant."""
OF_PERIOD = (
    C.PROMISES_KEPT,
    C.BREACHES,
    C.CLAIMS_REPORTED,
    C.CLAIMS_CLOSED,
    C.ROLLING_CLOSING_RATE,
    C.CLOSING_CYCLE,
    C.EARNED_LOSS_RATIO,
    C.SIMPLE_LOSS_RATIO,
    C.FOLLOWED_UP,
    C.FOLLOW_UP_SCORE,
    C.DISSATISFIED,
)
OF_MONTH = (C.RENEWAL_DUE, C.RENEWAL_RATE)
"""Policies end by the month, and the pages of renewal are of months: the month in which the chosen period ends."""


@dataclass(frozen=True)
class Compared:
    """Measures of a period beside those of the one before; of a state, `now` beside the earlier one's end."""

    period: Period
    before: Period
    now: Mapping[C, Value]
    then: Mapping[C, Value]


@dataclass(frozen=True)
class StepCompliance:
    """Promises kept among those judged, of one step."""

    step: ClockStep
    now: Ratio
    then: Ratio


@dataclass(frozen=True)
class AtRisk:
    """A running clock past its warning point, or past its due time."""

    timer: Timer
    holder: User


@dataclass(frozen=True)
class Beginning:
    """What an account has at all: a new one has nothing to show yet."""

    has_vehicles: bool
    has_policies: bool
    has_claims: bool


@dataclass(frozen=True)
class Overview:
    """What a manager looks at first."""

    zone: ZoneInfo
    state: Compared
    flow: Compared
    months: Compared
    steps: Sequence[StepCompliance]
    at_risk: Sequence[AtRisk]
    ageing: Ageing
    ageing_then: Ageing
    large: BehindClaims
    cut: Cut
    trend: Sequence[Point]
    market: Sequence[MarketFigure]
    beginning: Beginning


def overview(account_id: int, period: Period, *, actor: User, now: datetime) -> Overview:
    """The figures of an account: of now, and of a period against the one before."""
    access.require(actor, Action.READ_DASHBOARD)
    account = access.get_visible(actor, Action.READ_DASHBOARD, KeyAccount, KeyAccount.id == account_id)
    zone = ZoneInfo(account.zone)
    today = local_date(now, zone)
    this = Span(account.id, period, zone, now)
    last = Span(account.id, before(period), zone, now)
    # As the end of a day that runs: everything that is so far.
    state = Span(account.id, Period(today, today), zone, now)
    state_then = Span(account.id, Period(last.period.last, last.period.last), zone, now)
    cut, parts = trend(period, today)
    return Overview(
        zone=zone,
        state=_state(state, state_then),
        flow=_compared(this, last, OF_PERIOD),
        months=_months(this),
        steps=_steps(this, last),
        at_risk=_list_risks(account.id, actor, now),
        ageing=read_ageing(state),
        ageing_then=read_ageing(state_then),
        large=claims_behind(
            state, BehindFilter(account.id, Behind.LARGE, state.period), PageRequest(size=MOST_LISTED)
        ),
        cut=cut,
        trend=read_trend(this, parts),
        market=market.shown_lines(),
        beginning=_beginning(account.id),
    )


def _state(now: Span, then: Span) -> Compared:
    found = _compared(now, then, OF_NOW)
    return Compared(
        found.period,
        found.before,
        found.now,
        {code: value for code, value in found.then.items() if code not in _NOW_ALONE},
    )


def _compared(this: Span, last: Span, codes: Sequence[C]) -> Compared:
    now, then = (measures.read(span, codes).total for span in (this, last))
    return Compared(this.period, last.period, now, then)


def _months(span: Span) -> Compared:
    """The month that holds the last day of the period, or today while it runs; and the month before."""
    month = month_of(span.last_day)
    return _compared(
        Span(span.account_id, month, span.zone, span.now),
        Span(span.account_id, months_after(month.first, -1), span.zone, span.now),
        OF_MONTH,
    )


def _steps(this: Span, last: Span) -> list[StepCompliance]:
    """Steps without a verdict in both are left out."""
    now, then = (
        compliance.count_steps(
            compliance.ComplianceFilter(span.account_id, span.period), zone=span.zone, now=span.now
        )
        for span in (this, last)
    )
    found = [
        StepCompliance(
            step,
            now[step].kept if step in now else Ratio(),
            then[step].kept if step in then else Ratio(),
        )
        for step in ClockStep
    ]
    return [one for one in found if one.now.whole or one.then.whole]


def _list_risks(account_id: int, actor: User, now: datetime) -> list[AtRisk]:
    """The clocks that break next, then those that broke last."""
    return [
        AtRisk(timer, holder) for timer, holder in _risks(account_id, actor.id, whole_second(now)).objects()
    ]


@built_once
def _risks(account_id: int, reader_id: int, now: datetime) -> Select[tuple[Timer, User]]:
    return (
        select(Timer, User)
        .join(User, User.id == Timer.holder_id)
        .where(
            Timer.account_id == account_id,
            Timer.step != ClockStep.BREACH_REVIEW,
            or_(is_at_risk(now), is_late(now)),
            access.not_hidden(Timer, reader_id),
        )
        .order_by(case((is_at_risk(now), 0), else_=1), Timer.due_at, Timer.id)
        .limit(MOST_LISTED)
    )


def _beginning(account_id: int) -> Beginning:
    return Beginning(*_has_any(account_id).rows().one())


@built_once
def _has_any(account_id: int) -> Select[Any]:
    return select(*(exists().where(model.account_id == account_id) for model in (Vehicle, Policy, Claim)))
