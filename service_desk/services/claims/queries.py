"""Reading claims: the queue with its saved filters, and everything one claim's page shows."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import load_only

from service_desk.base.paging import Page, PageRequest
from service_desk.base.text import like_pattern, search_key, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, WantedDocument, WantedState
from service_desk.models.db import UtcDateTime, days_apart, db
from service_desk.models.sla import Timer, TimerState
from service_desk.models.users import User
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, ClaimState
from service_desk.rules.claim_intake import LATE_AFTER
from service_desk.rules.identifiers import number_key
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, sla
from service_desk.services.claims.common import MATTER_KIND

# Ended claims are counted up to here where their number only stands beside the name of their view.
MOST_COUNTED = 10_000


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
    """A line of the queue. `timers` are the claim's open clocks."""

    claim: Claim
    branch: Branch
    owner: User
    timers: list[Timer]


# Said as the partial indexes say it, so that a database that must find them by their words can.
IS_OPEN = Claim.closed_at.is_(None)
SORTS: dict[str, Any] = {
    "due": Claim.next_due_at,
    "reported": Claim.reported_at,
    "loss": Claim.loss_at,
    "plate": Claim.plate,
    "estimate": Claim.reserve_fen,
    "state": Claim.state,
    "branch": Branch.name,
    "owner": User.staff_no,
}
# What the spreadsheet shows of a claim.
_IN_FILE = (
    Claim.number,
    Claim.report_no,
    Claim.plate,
    Claim.state,
    Claim.loss_at,
    Claim.reported_at,
    Claim.place,
    Claim.reserve_fen,
    Claim.paid_fen,
    Claim.is_disputed,
)
# What a sort needs beside the claim itself.
_SORTS_BY_OTHERS: dict[str, tuple[Any, ColumnElement[bool]]] = {
    "branch": (Branch, Branch.id == Claim.branch_id),
    "owner": (User, User.id == Claim.owner_id),
}


def list_claims(
    account_id: int,
    wanted: ClaimFilter,
    page: PageRequest,
    *,
    actor: User,
    now: datetime,
    counts: Mapping[QueueView, int] | None = None,
    is_for_file: bool = False,
) -> Page[ClaimRow]:
    """A page of the account's claims that the actor may see, by default the next due first.

    `counts` are those of `count_views` under the same filter, where they are known already. `is_for_file`: of each
    claim only what the spreadsheet shows is read.
    """
    conditions, asked = _conditions(account_id, wanted, actor), _asked(account_id, actor, now)
    total = counts[wanted.view] if counts else 0
    is_cut_off = wanted.view is QueueView.CLOSED and total > MOST_COUNTED
    if counts is None or is_cut_off:
        counted = select(func.count(Claim.id)).where(*conditions)
        total = db.session.scalar(access.visible(actor, Action.READ_CLAIMS, counted, Claim), asked) or 0
    rows = _rows(conditions, wanted, actor, page.size, page.offset)
    found = _for_file(rows, asked) if is_for_file else _with_timers(rows, asked)
    return Page(found, total, page.number, page.size)


def count_views(account_id: int, wanted: ClaimFilter, *, actor: User, now: datetime) -> dict[QueueView, int]:
    """How many claims each saved filter holds under the same branch and search text, in one statement.

    The open ones are gone through once, in an index that holds all that is asked: no count asks again whether they
    are open, for which each row would be read. The ended are counted to MOST_COUNTED and one more.
    """
    common = (Claim.account_id == account_id, *_narrowing(wanted))
    ended = access.visible(
        actor, Action.READ_CLAIMS, select(Claim.id).where(*common, Claim.closed_at.is_not(None)), Claim
    )
    bounded = ended.limit(MOST_COUNTED + 1).subquery()
    counts = [
        select(func.count()).select_from(bounded).scalar_subquery().label(view.name)
        if view is QueueView.CLOSED
        else _counted(_meaning(view, actor)).label(view.name)
        for view in QueueView
    ]
    statement = access.visible(actor, Action.READ_CLAIMS, select(*counts).where(*common, IS_OPEN), Claim)
    found = db.session.execute(statement, _asked(account_id, actor, now)).one()
    return dict(zip(QueueView, found, strict=True))


def _counted(meaning: ColumnElement[bool] | None) -> ColumnElement[int]:
    counted = func.count()
    return counted if meaning is None else counted.filter(meaning)


def _conditions(account_id: int, wanted: ClaimFilter, actor: User) -> list[ColumnElement[bool]]:
    of_view = _view_condition(wanted.view, actor)
    return [Claim.account_id == account_id, of_view, *_narrowing(wanted)]


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
                Claim.report_key == number_key(text),
                *(column.ilike(pattern, escape="\\") for column in columns),
            )
        )
    return conditions


def _view_condition(view: QueueView, actor: User) -> ColumnElement[bool]:
    """What a saved filter means. All but *closed* speak of open claims."""
    if view is QueueView.CLOSED:
        return Claim.closed_at.is_not(None)
    meaning = _meaning(view, actor)
    return IS_OPEN if meaning is None else and_(IS_OPEN, meaning)


def _meaning(view: QueueView, actor: User) -> ColumnElement[bool] | None:
    """What a saved filter asks of open claims; None for all of them."""
    if view is QueueView.MINE:
        # Staff: the claims they handle. Clients: those they reported.
        return (Claim.owner_id if actor.side is Side.INSURER else Claim.reported_by_id) == _WHO
    return _MEANINGS.get(view)


def _asked(account_id: int, actor: User, now: datetime) -> dict[str, Any]:
    """What the filters are asked with."""
    return {_ACCOUNT.key: account_id, _WHO.key: actor.id, _NOW.key: now}


def _has_timer(*conditions: ColumnElement[bool], state: TimerState | None = None) -> ColumnElement[bool]:
    """Asked once of the account's open clocks, by an index that holds all that is asked, not once a claim.

    `state` instead of both: said beside both, PostgreSQL takes the clocks for far fewer and another index for better.
    """
    states = (TimerState.RUNNING, TimerState.PAUSED) if state is None else (state,)
    return Claim.id.in_(
        select(Timer.matter_id).where(
            Timer.account_id == _ACCOUNT,
            Timer.state.in_(states),
            Timer.matter_kind == MATTER_KIND,
            *conditions,
        )
    )


def _documents_asked_for() -> ColumnElement[bool]:
    missing = exists().where(
        WantedDocument.claim_id == Claim.id,
        WantedDocument.state.in_((WantedState.REQUIRED, WantedState.REJECTED)),
    )
    collecting = Claim.state.in_((ClaimState.SURVEYED, ClaimState.ASSESSED))
    return and_(collecting, Claim.deficiency_notice_at.is_not(None), missing)


# Made once: they are half of what the queue would spend on its statements, page by page.
_ACCOUNT = bindparam("queue_account", type_=BigInteger)
_WHO = bindparam("queue_actor", type_=BigInteger)
_NOW = bindparam("queue_now", type_=UtcDateTime)
_MEANINGS: dict[QueueView, ColumnElement[bool]] = {
    QueueView.UNASSIGNED: Claim.state == ClaimState.REPORTED,
    QueueView.AT_RISK: _has_timer(Timer.warn_at <= _NOW, Timer.due_at > _NOW, state=TimerState.RUNNING),
    # The claim keeps the first due time of its running clocks, and a clock that broke its promise keeps its due time.
    QueueView.BREACHED: or_(
        Claim.next_due_at <= _NOW, _has_timer(Timer.due_at <= _NOW, state=TimerState.PAUSED)
    ),
    QueueView.WAITING: or_(_has_timer(state=TimerState.PAUSED), _documents_asked_for()),
    QueueView.DISPUTED: Claim.is_disputed.is_(True),
    QueueView.LARGE: Claim.highest_estimate_fen >= LARGE_LOSS_FEN,
    QueueView.LATE: days_apart(Claim.reported_at, Claim.loss_at, LATE_AFTER.days),
}


def _rows(
    conditions: Iterable[ColumnElement[bool]],
    wanted: ClaimFilter,
    actor: User,
    limit: int,
    offset: int = 0,
) -> Select[tuple[Claim, Branch, User]]:
    """The wanted rows. Their ids are found first, so that a page far down reads no row but its own."""
    key = wanted.sort.removeprefix("-")
    key = key if key in SORTS else "due"
    found = select(Claim.id.label("id"), SORTS[key].label("value")).where(*conditions)
    if key in _SORTS_BY_OTHERS:
        found = found.join(*_SORTS_BY_OTHERS[key])
    seen = access.visible(actor, Action.READ_CLAIMS, found, Claim)
    order = _order(SORTS[key], Claim.id, wanted)
    page = seen.order_by(*order).limit(limit).offset(offset).subquery("page")
    return (
        select(Claim, Branch, User)
        .join(page, page.c.id == Claim.id)
        .join(Branch, Branch.id == Claim.branch_id)
        .join(User, User.id == Claim.owner_id)
        .order_by(*_order(page.c.value, page.c.id, wanted))
    )


def _order(value: Any, number: Any, wanted: ClaimFilter) -> tuple[Any, ...]:
    """Claims without a running clock come last either way; the number makes the order total, as the index has it."""
    if wanted.sort.startswith("-"):
        return value.desc().nulls_last(), number.desc()
    return value.asc().nulls_last(), number.asc()


def _with_timers(statement: Select[tuple[Claim, Branch, User]], asked: Mapping[str, Any]) -> list[ClaimRow]:
    rows = db.session.execute(statement, asked).all()
    timers = sla.timers_of(MATTER_KIND, [row[0].id for row in rows], only_open=True)
    return [ClaimRow(row[0], row[1], row[2], timers[row[0].id]) for row in rows]


def _for_file(statement: Select[tuple[Claim, Branch, User]], asked: Mapping[str, Any]) -> list[ClaimRow]:
    """The same, branches and handlers read once each and not beside every claim."""
    narrow = statement.with_only_columns(Claim, Claim.branch_id, Claim.owner_id, maintain_column_froms=True)
    rows = db.session.execute(narrow.options(load_only(*_IN_FILE, raiseload=True)), asked).all()
    branches = _by_id(Branch, {row[1] for row in rows})
    owners = _by_id(User, {row[2] for row in rows})
    timers = sla.timers_of(MATTER_KIND, [row[0].id for row in rows], only_open=True)
    return [
        ClaimRow(claim, branches[branch_id], owners[owner_id], timers[claim.id])
        for claim, branch_id, owner_id in rows
    ]


def _by_id(model: Any, ids: Collection[int]) -> dict[int, Any]:
    return {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(ids)))}
