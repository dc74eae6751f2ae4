"""What is promised and not planned: the table of an account, what of it is due, and telling its managers once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from service_desk.adapters.statutory_days import statutory_year
from service_desk.base.clock import local_date, start_of_day
from service_desk.base.errors import Conflict, Invalid, InvalidMany, NotFound
from service_desk.base.text import one_line
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.relations import RelationCadence, RelationEvent, RelationWarning
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Role
from service_desk.rules.relation_flow import COUNTS_AS_PLANNED, TOOK_PLACE, EventState
from service_desk.rules.relations_due import (
    DEFAULTS,
    MOST_NOTICE_DAYS,
    MOST_TIMES,
    Cadence,
    CadencePeriod,
    Due,
    Occurrence,
    Progress,
    due_unplanned,
    progress,
)
from service_desk.services import access, audit, notices

MOST_TOLD = 12


@dataclass(frozen=True)
class CadenceLine:
    """A line of an account's table; `version` 0 while it stands as everybody's does."""

    cadence: Cadence
    version: int


@dataclass(frozen=True)
class CadenceWanted:
    """A line as typed. No times: not promised."""

    times: int
    period: CadencePeriod
    notice_days: int
    source: str


@dataclass(frozen=True)
class DueRow:
    """Something due and not planned, with its branch where it is promised to each."""

    due: Due
    branch: Branch | None


def list_table(account_id: int, *, actor: User) -> list[CadenceLine]:
    """What is promised to an account, line by line."""
    access.require(actor, Action.PLAN_RELATIONS)
    access.get_account(actor, account_id)
    return _lines(account_id)


def edit_line(
    account_id: int, code: str, wanted: CadenceWanted, version: int, *, actor: User, now: datetime
) -> None:
    """Change what is promised to an account. Invalid: cadence_times, cadence_days, words_too_long; Conflict: stale."""
    access.require(actor, Action.LEAD_RELATIONS)
    access.get_account(actor, account_id)
    line = next((one for one in _lines(account_id) if one.cadence.code == code), None)
    if line is None:
        raise NotFound("not_found")
    if line.version != version:
        raise Conflict("stale")
    _check(wanted)
    values: dict[str, Any] = {
        "times": wanted.times,
        "period": line.cadence.period if line.cadence.holiday else wanted.period,
        "notice_days": wanted.notice_days,
        "source": one_line(wanted.source),
    }
    row = db.session.scalar(
        select(RelationCadence).where(RelationCadence.account_id == account_id, RelationCadence.code == code)
    )
    if row is None:
        row = RelationCadence(account_id=account_id, code=code, **values)
        try:
            with db.session.begin_nested():
                db.session.add(row)
        except IntegrityError:
            # Somebody else changed it this very moment.
            raise Conflict("stale") from None
        changes = {name: (getattr(line.cadence, name), value) for name, value in values.items()}
    else:
        changes = audit.change(row, **values)
    audit.record("cadence_changed", row, actor=actor, now=now, label=code, changes=changes)


def _check(wanted: CadenceWanted) -> None:
    problems = []
    if not 0 <= wanted.times <= MOST_TIMES:
        problems.append(Invalid("cadence_times", field="times", most=MOST_TIMES))
    if not 0 <= wanted.notice_days <= MOST_NOTICE_DAYS:
        problems.append(Invalid("cadence_days", field="notice_days", most=MOST_NOTICE_DAYS))
    if len(one_line(wanted.source)) > 200:
        problems.append(Invalid("words_too_long", field="source", length=200))
    if problems:
        raise InvalidMany(problems)


def list_due(account_id: int, *, actor: User, now: datetime) -> list[DueRow]:
    """What is due within its notice days and not planned, by day; for those who plan."""
    access.require(actor, Action.PLAN_RELATIONS)
    access.get_account(actor, account_id)
    return _due_rows(account_id, now)


def read_progress(account_id: int, *, actor: User, now: datetime) -> list[Progress]:
    """How each promise stands in its current period."""
    access.require(actor, Action.PLAN_RELATIONS)
    access.get_account(actor, account_id)
    today = local_date(now)
    held: list[Occurrence] = []
    planned: list[Occurrence] = []
    for state, occurrence in _occurrences(account_id, today):
        (held if state in TOOK_PLACE else planned).append(occurrence)
    table = [line.cadence for line in _lines(account_id)]
    branch_ids = [branch.id for branch in _branches(account_id)]
    return progress(table, held, planned, branch_ids, _holidays(today.year), today)


def warn(account_id: int, *, now: datetime) -> int:
    """Tell an account's managers what has become due and is not planned, each thing once; answer how many things."""
    rows = _due_rows(account_id, now)
    keys = [row.due.key for row in rows]
    known = set(
        db.session.scalars(
            select(RelationWarning.key).where(
                RelationWarning.account_id == account_id, RelationWarning.key.in_(keys)
            )
        )
    )
    fresh = [row for row in rows if row.due.key not in known]
    if not fresh:
        return 0
    db.session.add_all(RelationWarning(account_id=account_id, key=row.due.key, at=now) for row in fresh)
    params = {
        "url": "/relations",
        "count": len(fresh),
        "lines": [_line(row) for row in fresh[:MOST_TOLD]],
        "more": max(0, len(fresh) - MOST_TOLD),
    }
    for user in access.account_members(account_id, Role.MANAGER):
        notices.queue(
            "relations_due",
            notices.user_recipient(user),
            params,
            dedupe=f"relations_due:{account_id}:{fresh[0].due.key}",
            now=now,
            account_id=account_id,
        )
    return len(fresh)


def _line(row: DueRow) -> dict[str, Any]:
    return {
        "code": row.due.cadence.code,
        "due_on": row.due.due_on.isoformat(),
        "branch": row.branch.name if row.branch else "",
        "branch_en": row.branch.name_en if row.branch else "",
    }


def _due_rows(account_id: int, now: datetime) -> list[DueRow]:
    today = local_date(now)
    branches = {branch.id: branch for branch in _branches(account_id)}
    found = due_unplanned(
        [line.cadence for line in _lines(account_id)],
        [occurrence for _state, occurrence in _occurrences(account_id, today)],
        list(branches),
        _holidays(today.year),
        today,
    )
    return [DueRow(due, branches.get(due.branch_id or 0)) for due in found]


def _lines(account_id: int) -> list[CadenceLine]:
    statement = select(RelationCadence).where(RelationCadence.account_id == account_id)
    own = {row.code: row for row in db.session.scalars(statement)}
    return [_line_of(default, own.get(default.code)) for default in DEFAULTS]


def _line_of(default: Cadence, row: RelationCadence | None) -> CadenceLine:
    if row is None:
        return CadenceLine(default, 0)
    cadence = replace(
        default, times=row.times, period=row.period, notice_days=row.notice_days, source=row.source
    )
    return CadenceLine(cadence, row.version)


def _occurrences(account_id: int, today: date) -> list[tuple[EventState, Occurrence]]:
    """The planned and held events of the year before, this one and the next, with their states."""
    begins = start_of_day(date(today.year - 1, 1, 1))
    statement = (
        select(RelationEvent.state, RelationEvent.kind, RelationEvent.from_at, RelationEvent.branch_id)
        .where(
            RelationEvent.account_id == account_id,
            RelationEvent.state.in_(COUNTS_AS_PLANNED),
            RelationEvent.from_at >= begins,
        )
        .order_by(RelationEvent.id)
    )
    return [
        (state, Occurrence(kind, local_date(from_at), branch_id))
        for state, kind, from_at, branch_id in db.session.execute(statement).tuples()
    ]


def _branches(account_id: int) -> Sequence[Branch]:
    """The branches that are promised a visit: those that are in business."""
    statement = select(Branch).where(Branch.account_id == account_id, Branch.is_active)
    return db.session.scalars(statement.order_by(Branch.name, Branch.id)).all()


@cache
def _holidays(year: int) -> dict[str, tuple[date, ...]]:
    """The first day off of each festival in a year and the next."""
    firsts: dict[str, list[date]] = {}
    for one in (year, year + 1):
        seen = set()
        for day in statutory_year(one).days:
            if not day.is_working and day.name not in seen:
                seen.add(day.name)
                firsts.setdefault(day.name, []).append(day.day)
    return {name: tuple(days) for name, days in firsts.items()}
