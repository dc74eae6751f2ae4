"""The rows behind the overview's figures, found by the very conditions that counted them, now or at a past day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, case, func, literal, null, select

from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.kept import built_once
from service_desk.models.policies import EndorsementKind, Policy
from service_desk.models.users import User
from service_desk.rules.claim_flow import LARGE_LOSS_FEN
from service_desk.rules.metrics import AgeBand
from service_desk.rules.periods import Period
from service_desk.rules.permissions import Action
from service_desk.services import access
from service_desk.services.measures import AnySpan, Span, claims, follow_up, money, premium, speed
from service_desk.services.policies.book import read_book
from service_desk.services.policies.written import written_acts


class Behind(StrEnum):
    """Which claims: open ones, large ones among them; those behind a speed, a loss, a flow, a follow-up rate."""

    OPEN = "open"
    LARGE = "large"
    REPORTED = "reported"
    CLOSED = "closed"
    SETTLED = "settled"
    ROLLING = "rolling"
    ASKED = "asked"
    ANSWERED = "answered"
    DISSATISFIED = "dissatisfied"


Moments = tuple[datetime, ...]

AS_OF = frozenset({Behind.OPEN, Behind.LARGE, Behind.ROLLING})
"""Those that are as of the end of the period and not of its days."""


class AsOf(StrEnum):
    """From when on an open claim's age is counted."""

    REPORT = "report"
    LOSS = "loss"


@dataclass(frozen=True)
class BehindFilter:
    """The claims of an account behind a figure of a period; a band keeps the open ones of an age."""

    account_id: int
    behind: Behind
    period: Period
    band: AgeBand | None = None
    age_from: AsOf = AsOf.REPORT


@dataclass(frozen=True)
class BehindClaim:
    """A claim with what it adds to the figure: an amount or a score, an instant, days, whether it counts above the line."""

    claim: Claim
    branch: Branch
    value: int | None
    at: datetime | None
    days: int | None
    is_part: bool


@dataclass(frozen=True)
class BehindClaims:
    """A page of them, and of all: the sum of their values, and how many count above the line."""

    page: Page[BehindClaim]
    value: int
    parts: int


def list_claims(wanted: BehindFilter, page: PageRequest, *, actor: User, now: datetime) -> BehindClaims:
    """The claims behind a figure, the latest reported first."""
    span = _span(wanted.account_id, wanted.period, actor, now)
    return claims_behind(span, wanted, page)


def claims_behind(span: Span, wanted: BehindFilter, page: PageRequest) -> BehindClaims:
    """The same where it was checked who asks."""
    asked = (span, _Which(wanted.behind, wanted.band, wanted.age_from), _moments(span, wanted))
    total, value, parts = _sums(*asked).rows().one()
    rows = _rows(*asked, page.size, page.offset).objects()
    found = [_row(span, wanted.behind, row) for row in rows]
    return BehindClaims(Page(found, total, page.number, page.size), int(value or 0), int(parts or 0))


@dataclass(frozen=True)
class _Which:
    """Which rows, whatever the account and its period: what a statement is built for."""

    behind: Behind
    band: AgeBand | None
    age_from: AsOf


def _moments(span: Span, wanted: BehindFilter) -> Moments:
    """What else than the span's own instants they are found by."""
    if wanted.behind is Behind.ROLLING:
        return (speed.rolls_from(span),)
    return money.band_edges(span) if wanted.band is not None else ()


@built_once
def _sums(span: AnySpan, which: _Which, moments: Moments) -> Select[Any]:
    each = _SOURCES[which.behind](span, which, moments).subquery()
    return select(func.count(), func.sum(each.c.value), func.sum(each.c.is_part)).select_from(each)


@built_once
def _rows(span: AnySpan, which: _Which, moments: Moments, limit: int, offset: int) -> Select[Any]:
    each = _SOURCES[which.behind](span, which, moments).subquery()
    return (
        select(Claim, Branch, each.c.value, each.c.at, each.c.is_part)
        .join(each, each.c.claim_id == Claim.id)
        .join(Branch, Branch.id == Claim.branch_id)
        .order_by(*_order(which.behind, each))
        .limit(limit)
        .offset(offset)
    )


def _order(behind: Behind, each: Any) -> tuple[Any, ...]:
    first = () if behind is not Behind.LARGE else (each.c.value.desc(),)
    return (*first, Claim.reported_at.desc(), Claim.id.desc(), each.c.at.desc())


def _row(span: Span, behind: Behind, row: Any) -> BehindClaim:
    claim, branch, value, at, is_part = row
    days = speed.days_to_close(span, claim.reported_at, at) if behind is Behind.SETTLED else None
    return BehindClaim(claim, branch, None if value is None else int(value), at, days, bool(is_part))


def _select(each: Any, value: Any = None, at: Any = None, is_part: Any = None) -> Select[Any]:
    return select(
        each.c.claim_id,
        (literal(0) if value is None else value).label("value"),
        (null() if at is None else at).label("at"),
        (literal(1) if is_part is None else is_part).label("is_part"),
    )


def _open(span: AnySpan, which: _Which, moments: Moments) -> Select[Any]:
    each = money.open_claims(span, None)
    statement = _select(each, each.c.outstanding, each.c.reported_at)
    if which.behind is Behind.LARGE:
        statement = statement.where(each.c.highest >= LARGE_LOSS_FEN)
    if which.band is not None:
        since: ColumnElement[Any] = each.c.reported_at if which.age_from is AsOf.REPORT else each.c.loss_at
        statement = statement.where(money.band_of(since, moments) == which.band.value)
    return statement


def _reported(span: AnySpan, _which: _Which, _moments: Moments) -> Select[Any]:
    each = premium.reported_losses(span, None).subquery()
    return _select(each, each.c.loss_fen)


def _closed(span: AnySpan, _which: _Which, _moments: Moments) -> Select[Any]:
    each = claims.closings(span).subquery()
    return _select(each, at=each.c.at)


def _settled(span: AnySpan, _which: _Which, _moments: Moments) -> Select[Any]:
    each = speed.settled_claims(span, None).subquery()
    return _select(each, each.c.paid, each.c.closed_at)


def _rolling(span: AnySpan, _which: _Which, moments: Moments) -> Select[Any]:
    each = speed.rolling_claims(span, moments[0], None).subquery()
    return _select(each, is_part=each.c.is_closed)


def _asked(span: AnySpan, which: _Which, _moments: Moments) -> Select[Any]:
    each = follow_up.asked_claims(span, None).subquery()
    is_answered = each.c.answer_id.is_not(None)
    statement = _select(each, each.c.score, is_part=case((is_answered, 1), else_=0))
    if which.behind is Behind.DISSATISFIED:
        return statement.where(is_answered, each.c.is_dissatisfied)
    return statement.where(is_answered) if which.behind is Behind.ANSWERED else statement


_SOURCES: dict[Behind, Callable[[AnySpan, _Which, Moments], Select[Any]]] = {
    Behind.OPEN: _open,
    Behind.LARGE: _open,
    Behind.REPORTED: _reported,
    Behind.CLOSED: _closed,
    Behind.SETTLED: _settled,
    Behind.ROLLING: _rolling,
    Behind.ASKED: _asked,
    Behind.ANSWERED: _asked,
    Behind.DISSATISFIED: _asked,
}


class PremiumBehind(StrEnum):
    """Which premium: written by policies and endorsements, or earned day by day."""

    WRITTEN = "written"
    EARNED = "earned"


@dataclass(frozen=True)
class PremiumRow:
    """A policy or an endorsement with what it adds. `kind` and `at` None: earned, day by day."""

    number: str
    endorsement_number: str
    plate: str
    kind: EndorsementKind | None
    at: datetime | None
    from_on: date | None
    to_on: date | None
    fen: int


@dataclass(frozen=True)
class BehindPremium:
    page: Page[PremiumRow]
    fen: int


def list_premium(
    account_id: int, behind: PremiumBehind, period: Period, page: PageRequest, *, actor: User, now: datetime
) -> BehindPremium:
    """The policies and endorsements behind written or earned premium, those that add nothing left out."""
    span = _span(account_id, period, actor, now)
    if span.until <= span.instants[0]:
        return BehindPremium(Page([], 0, page.number, page.size), 0)
    return _written(span, page) if behind is PremiumBehind.WRITTEN else _earned(span, page)


def _written(span: Span, page: PageRequest) -> BehindPremium:
    acts = written_acts(span.account_id, (span.instants[0], span.until))
    rows = [
        PremiumRow(
            one.number,
            one.endorsement_number,
            one.plate,
            one.kind,
            one.at,
            None,
            None,
            one.act.premium_fen,
        )
        for one in _cut(acts, page)
    ]
    fen = sum(one.act.premium_fen for one in acts)
    return BehindPremium(Page(rows, len(acts), page.number, page.size), fen)


def _earned(span: Span, page: PageRequest) -> BehindPremium:
    lines = [line for line in read_book(span.account_id, *premium.stands_of(span)) if line.earned_fen]
    lines.sort(key=lambda line: line.policy_id)
    shown = _cut(lines, page)
    named = select(Policy.id, Policy.number, Policy.plate).where(
        Policy.id.in_([line.policy_id for line in shown])
    )
    names = {policy_id: (number, plate) for policy_id, number, plate in db.session.execute(named)}
    rows = [
        PremiumRow(
            names[line.policy_id][0],
            "",
            names[line.policy_id][1] or "",
            None,
            None,
            line.from_on,
            line.to_on,
            line.earned_fen,
        )
        for line in shown
    ]
    fen = sum(line.earned_fen for line in lines)
    return BehindPremium(Page(rows, len(lines), page.number, page.size), fen)


def _cut(rows: Sequence[Any], page: PageRequest) -> Sequence[Any]:
    return rows[page.offset : page.offset + page.size]


def _span(account_id: int, period: Period, actor: User, now: datetime) -> Span:
    access.require(actor, Action.READ_DASHBOARD)
    account = access.get_visible(actor, Action.READ_DASHBOARD, KeyAccount, KeyAccount.id == account_id)
    return Span(account.id, period, ZoneInfo(account.zone), now)
