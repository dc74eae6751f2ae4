"""Reading claims: the queue with its saved filters, and everything one claim's page shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select

from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, search_key, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, WantedDocument, WantedState
from service_desk.models.db import days_later, db
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, OPEN_STATES, ClaimState
from service_desk.rules.claim_intake import LATE_AFTER
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, sla
from service_desk.services.claims.common import MATTER_KIND

MAX_EXPORTED = 20_000


class QueueView(StrEnum):
    """The saved filters of the claims queue."""

    MINE = "mine"
    OPEN = "open"
    UNASSIGNED = "unassigned"
    AT_RISK = "at_risk"
    BREACHED = "breached"
    WAITING = "waiting"
    DISPUTED = "disputed"
    LARGE = "large"
    LATE = "late"
    CLOSED = "closed"


@dataclass(frozen=True)
class ClaimFilter:
    """What is wanted of an account's claims. `sort` is a key of `SORTS`, with a minus for the other way."""

    view: QueueView = QueueView.OPEN
    branch_id: int | None = None
    text: str = ""
    sort: str = "due"


@dataclass(frozen=True)
class ClaimRow:
    """A line of the queue. `timers` are the claim's clocks, open and ended."""

    claim: Claim
    branch: Branch
    owner: User
    timers: list[Timer]


_OPEN_TIMER = and_(
    Timer.matter_kind == MATTER_KIND,
    Timer.matter_id == Claim.id,
    Timer.state.in_((TimerState.RUNNING, TimerState.PAUSED)),
)
_NEXT_DUE = (
    select(func.min(Timer.due_at))
    .where(Timer.matter_kind == MATTER_KIND, Timer.matter_id == Claim.id, Timer.state == TimerState.RUNNING)
    .correlate(Claim)
    .scalar_subquery()
)
SORTS: dict[str, Any] = {
    "due": _NEXT_DUE,
    "reported": Claim.reported_at,
    "loss": Claim.loss_at,
    "plate": Claim.plate,
    "estimate": Claim.highest_estimate_fen,
    "state": Claim.state,
    "branch": Branch.name,
    "owner": User.staff_no,
}


def list_claims(
    account_id: int, wanted: ClaimFilter, page: PageRequest, *, actor: User, now: datetime
) -> Page[ClaimRow]:
    """A page of the account's claims that the actor may see, by default the next due first."""
    conditions = _conditions(account_id, wanted, actor, now)
    counted = access.visible(
        actor, Action.READ_CLAIMS, select(func.count(Claim.id)).where(*conditions), Claim
    )
    total = db.session.scalar(counted) or 0
    rows = _rows(conditions, wanted, actor).limit(page.size).offset(page.offset)
    return Page(_with_timers(rows), total, page.number, page.size)


def export_claims(account_id: int, wanted: ClaimFilter, *, actor: User, now: datetime) -> list[ClaimRow]:
    """The same list unpaged, at most MAX_EXPORTED."""
    conditions = _conditions(account_id, wanted, actor, now)
    return _with_timers(_rows(conditions, wanted, actor).limit(MAX_EXPORTED))


def count_views(account_id: int, wanted: ClaimFilter, *, actor: User, now: datetime) -> dict[QueueView, int]:
    """How many claims each saved filter holds under the same branch and search text, in one query."""
    common = [Claim.account_id == account_id, *_narrowing(wanted)]
    counts = [
        func.count(Claim.id).filter(_view_condition(view, actor, now)).label(view.name) for view in QueueView
    ]
    statement = access.visible(actor, Action.READ_CLAIMS, select(*counts).where(*common), Claim)
    row = db.session.execute(statement).one()
    return dict(zip(QueueView, row, strict=True))


def _conditions(
    account_id: int, wanted: ClaimFilter, actor: User, now: datetime
) -> list[ColumnElement[bool]]:
    return [Claim.account_id == account_id, _view_condition(wanted.view, actor, now), *_narrowing(wanted)]


def _narrowing(wanted: ClaimFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.branch_id:
        conditions.append(Claim.branch_id.in_(access.branch_tree(wanted.branch_id)))
    text = squeeze(wanted.text)
    if text:
        plate = like_pattern(search_key(text).upper())
        pattern = like_pattern(text)
        columns = (Claim.number, Claim.place, Claim.reporter_name, Claim.callback_phone, Claim.other_party)
        conditions.append(
            or_(
                Claim.plate.like(plate, escape="\\"),
                *(column.ilike(pattern, escape="\\") for column in columns),
            )
        )
    return conditions


def _view_condition(view: QueueView, actor: User, now: datetime) -> ColumnElement[bool]:
    """What a saved filter means. All but *closed* speak of open claims."""
    is_open = Claim.state.in_(OPEN_STATES)
    if view is QueueView.CLOSED:
        return ~is_open
    meanings: dict[QueueView, ColumnElement[bool]] = {
        QueueView.MINE: _mine(actor),
        QueueView.UNASSIGNED: Claim.state == ClaimState.REPORTED,
        QueueView.AT_RISK: _has_timer(
            Timer.state == TimerState.RUNNING, Timer.warn_at <= now, Timer.due_at > now
        ),
        QueueView.BREACHED: _has_timer(or_(Timer.due_at <= now, Timer.breached_at <= now)),
        QueueView.WAITING: or_(_has_timer(Timer.state == TimerState.PAUSED), _documents_asked_for()),
        QueueView.DISPUTED: Claim.is_disputed.is_(True),
        QueueView.LARGE: Claim.highest_estimate_fen >= LARGE_LOSS_FEN,
        QueueView.LATE: Claim.reported_at > days_later(Claim.loss_at, LATE_AFTER.days),
    }
    return and_(is_open, meanings[view]) if view in meanings else is_open


def _mine(actor: User) -> ColumnElement[bool]:
    """Staff: the claims they handle. Clients: those they reported."""
    return (Claim.owner_id if actor.side is Side.INSURER else Claim.reported_by_id) == actor.id


def _has_timer(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(_OPEN_TIMER, *conditions)


def _documents_asked_for() -> ColumnElement[bool]:
    missing = exists().where(
        WantedDocument.claim_id == Claim.id,
        WantedDocument.state.in_((WantedState.REQUIRED, WantedState.REJECTED)),
    )
    collecting = Claim.state.in_((ClaimState.SURVEYED, ClaimState.ASSESSED))
    return and_(collecting, Claim.deficiency_notice_at.is_not(None), missing)


def _rows(
    conditions: Iterable[ColumnElement[bool]], wanted: ClaimFilter, actor: User
) -> Select[tuple[Claim, Branch, User]]:
    statement = (
        select(Claim, Branch, User)
        .join(Branch, Branch.id == Claim.branch_id)
        .join(User, User.id == Claim.owner_id)
        .where(*conditions)
    )
    key = wanted.sort.removeprefix("-")
    column = SORTS.get(key, _NEXT_DUE)
    descending = wanted.sort.startswith("-")
    # Claims without a running clock come last either way; the number makes the order total.
    order = (column.desc() if descending else column.asc()).nulls_last()
    return access.visible(actor, Action.READ_CLAIMS, statement, Claim).order_by(order, Claim.id.desc())


def _with_timers(statement: Select[tuple[Claim, Branch, User]]) -> list[ClaimRow]:
    rows = db.session.execute(statement).all()
    timers = sla.timers_of(MATTER_KIND, [row[0].id for row in rows])
    return [ClaimRow(row[0], row[1], row[2], timers[row[0].id]) for row in rows]
