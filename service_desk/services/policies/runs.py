"""Issue runs: a large order in portions, each taken by one worker and issued in one transaction.

A worker that dies loses at most what it had not committed: its portion is free again after a moment. Correctness
does not rest on that moment: whoever issues a portion first writes down that it is done, which one transaction can.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, insert, select, update

from service_desk.base.collector import uncollected
from service_desk.models.db import db, table_of
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import IssueBatch, IssuePortion, IssueRun
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.rules.rating import CtplFloat
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import access, audit, settings
from service_desk.services.policies import held_prices
from service_desk.services.policies.planning import (
    IssuePlan,
    IssueRequest,
    LineChoice,
    PlannedPolicy,
    RefusedLine,
    VehicleTerms,
    plan_for,
    refused_line,
)
from service_desk.services.policies.writing import write_policies, write_refusals

# Setting: how many vehicles are issued in one transaction.
PORTION = "issue_portion"
USUAL_PORTION = 500
# A worker that dies midway is waited for this long; a portion takes a second or two.
TAKEN_FOR = timedelta(minutes=1)

_PORTIONS = table_of(IssuePortion)


@dataclass(frozen=True)
class RunView:
    """A run with its batch and who confirmed it."""

    run: IssueRun
    batch: IssueBatch
    issued_by: User


def write_run(batch: IssueBatch, request: IssueRequest, plan: IssuePlan, now: datetime) -> None:
    """Keep an order as portions that wait for a worker."""
    items = list(_items(request, plan))
    run = IssueRun(
        batch_id=batch.id, account_id=batch.account_id, vehicle_count=len(items), done_count=0, started_at=now
    )
    db.session.add(run)
    db.session.flush()
    size = int(settings.read(PORTION, USUAL_PORTION))
    portions = [items[start : start + size] for start in range(0, len(items), size)]
    db.session.execute(
        insert(_PORTIONS),
        [{"run_id": run.id, "items": some, "due_fen": _due_fen(some)} for some in portions],
    )


def _due_fen(items: Iterable[Sequence[Any]]) -> int:
    return sum(fen for *_, lines in items for *_, fen in lines)


def _items(request: IssueRequest, plan: IssuePlan) -> Iterator[list[Any]]:
    """What a portion keeps of each vehicle, in the order of the plan; `_Item.read` is its counterpart."""
    for vehicle_id, group in groupby(plan.policies, key=lambda one: one.vehicle.id):
        terms = request.terms.get(vehicle_id, VehicleTerms())
        start_on = terms.start_on or request.start_on
        yield [
            vehicle_id,
            start_on.isoformat() if start_on else None,
            terms.ctpl_float.value,
            terms.tax_fen,
            [[one.line.value, one.cover_set, one.due_fen] for one in group],
        ]


@dataclass(frozen=True)
class _Item:
    """A vehicle of a portion: its terms, and what each line was confirmed to cost."""

    vehicle_id: int
    terms: VehicleTerms
    confirmed_fen: Mapping[PolicyLine, int]

    @classmethod
    def read(cls, kept: Sequence[Any]) -> "_Item":
        vehicle_id, start_on, ctpl_float, tax_fen, lines = kept
        choices = tuple(_choice(line, cover_set) for line, cover_set, _ in lines)
        first_day = date.fromisoformat(start_on) if start_on else None
        terms = VehicleTerms(CtplFloat[ctpl_float], tax_fen, first_day, choices)
        confirmed = {choice.line: fen for choice, (_, _, fen) in zip(choices, lines, strict=True)}
        return cls(vehicle_id, terms, confirmed)


@lru_cache(maxsize=256)
def _choice(line: str, cover_set: str) -> LineChoice:
    return LineChoice(PolicyLine(line), cover_set)


def find_waiting(now: datetime) -> int | None:
    """The oldest portion that nobody has taken: a look before a write transaction is begun for it."""
    waiting = select(IssuePortion.id).where(_waits(now)).order_by(IssuePortion.id).limit(1)
    return db.session.scalar(waiting)


def claim_portion(now: datetime) -> int | None:
    """Take the oldest portion that waits, for `TAKEN_FOR`; None when there is none.

    One conditional UPDATE: of several workers one gets it. Commit at once, then issue it in another unit of work.
    """
    while (found := find_waiting(now)) is not None:
        taken = db.session.execute(
            update(_PORTIONS).where(_PORTIONS.c.id == found, _waits(now)).values(taken_until=now + TAKEN_FOR)
        )
        if taken.rowcount:  # type: ignore[attr-defined]
            return found
    return None


def _waits(now: datetime) -> ColumnElement[bool]:
    is_free = _PORTIONS.c.taken_until.is_(None) | (_PORTIONS.c.taken_until <= now)
    return _PORTIONS.c.done_at.is_(None) & is_free


@uncollected()
def issue_portion(portion_id: int, now: datetime) -> bool:
    """Issue a portion, in this transaction wholly or not at all; False when another worker has done it.

    Each vehicle is judged again as it now is: what can no longer be issued, or costs another sum than was
    confirmed, is kept with its reason.
    """
    if not _set_done(portion_id, now):
        return False
    portion = db.session.get_one(IssuePortion, portion_id)
    run = db.session.get_one(IssueRun, portion.run_id)
    batch = db.session.get_one(IssueBatch, run.batch_id)
    items = [_Item.read(kept) for kept in portion.items]
    plan = _plan(run, batch, items, now)
    write_policies(batch, plan.policies, now)
    write_refusals(batch, plan.refused)
    _count(run, batch, plan, len(items), now)
    return True


def _set_done(portion_id: int, now: datetime) -> bool:
    """The one decision who issues a portion: a second worker waits here for the first, and then finds it done."""
    done = db.session.execute(
        update(_PORTIONS)
        .where(_PORTIONS.c.id == portion_id, _PORTIONS.c.done_at.is_(None))
        .values(done_at=now)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _plan(run: IssueRun, batch: IssueBatch, items: Sequence[_Item], now: datetime) -> IssuePlan:
    terms = {item.vehicle_id: item.terms for item in items}
    request = IssueRequest(
        batch.account_id,
        tuple(terms),
        (),
        terms=terms,
        quote_number=held_prices.quote_number(batch.quote_id),
        quote_at=run.started_at,
    )
    vehicles = _locked(batch, items)
    plan = plan_for(request, vehicles, now, confirmed_at=run.started_at)
    plan.refused.extend(_gone(items, vehicles))
    confirmed = {item.vehicle_id: item.confirmed_fen for item in items}
    same: list[PlannedPolicy] = []
    for one in plan.policies:
        fen = confirmed[one.vehicle.id][one.line]
        if one.due_fen == fen:
            same.append(one)
        else:
            params = {"confirmed_fen": fen, "new_fen": one.due_fen}
            plan.refused.append(refused_line(one.vehicle, one.line, "price_changed", params))
    return IssuePlan(same, plan.refused)


def _locked(batch: IssueBatch, items: Iterable[_Item]) -> list[Vehicle]:
    """The vehicles in the portion's order. Whoever issues for one of them meanwhile waits, or is waited for."""
    ids = [item.vehicle_id for item in items]
    statement = (
        select(Vehicle)
        .where(Vehicle.account_id == batch.account_id, Vehicle.id.in_(ids))
        .order_by(Vehicle.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {vehicle.id: vehicle for vehicle in db.session.scalars(statement)}
    return [found[one] for one in ids if one in found]


def _gone(items: Iterable[_Item], vehicles: Sequence[Vehicle]) -> Iterator[RefusedLine]:
    """The lines of vehicles that are no longer the account's (an import that was taken back)."""
    found = {vehicle.id for vehicle in vehicles}
    for item in items:
        if item.vehicle_id not in found:
            for line in item.confirmed_fen:
                yield RefusedLine(None, "", None, line, "vehicle_gone")


def _count(run: IssueRun, batch: IssueBatch, plan: IssuePlan, vehicles: int, now: datetime) -> None:
    """Add to the counts in the database: another worker may count at the same time."""
    db.session.execute(
        update(IssueBatch)
        .where(IssueBatch.id == batch.id)
        .values(
            policy_count=IssueBatch.policy_count + len(plan.policies),
            premium_fen=IssueBatch.premium_fen + plan.premium_fen,
        )
    )
    counted = update(IssueRun).where(IssueRun.id == run.id).values(done_count=IssueRun.done_count + vehicles)
    db.session.execute(counted)
    finished = db.session.execute(
        update(IssueRun)
        .where(IssueRun.id == run.id, IssueRun.done_count >= IssueRun.vehicle_count)
        .values(finished_at=now)
    )
    if finished.rowcount:  # type: ignore[attr-defined]
        db.session.refresh(batch)
        audit.record(
            "issue_run_finished",
            batch,
            actor=None,
            now=now,
            changes={
                "policy_count": (None, batch.policy_count),
                "premium_fen": (None, batch.premium_fen),
            },
        )


def split_portion(portion_id: int, now: datetime) -> None:
    """Deal with a portion that cannot be issued for a fault: in two halves, down to the one vehicle at fault.

    That vehicle is kept as refused, and the others are issued.
    """
    portion = db.session.get_one(IssuePortion, portion_id, with_for_update=True, populate_existing=True)
    if portion.done_at is not None:
        return
    items = list(portion.items)
    if len(items) == 1:
        _refuse_faulty(portion, _Item.read(items[0]), now)
        return
    middle = len(items) // 2
    for_other = items[middle:]
    portion.items, portion.due_fen, portion.taken_until = items[:middle], _due_fen(items[:middle]), None
    db.session.add(IssuePortion(run_id=portion.run_id, items=for_other, due_fen=_due_fen(for_other)))
    db.session.flush()


def _refuse_faulty(portion: IssuePortion, item: _Item, now: datetime) -> None:
    portion.done_at = now
    run = db.session.get_one(IssueRun, portion.run_id)
    batch = db.session.get_one(IssueBatch, run.batch_id)
    vehicle = db.session.get_one(Vehicle, item.vehicle_id)
    refused = [refused_line(vehicle, line, "issue_failed", {}) for line in item.confirmed_fen]
    write_refusals(batch, refused)
    _count(run, batch, IssuePlan([], refused), 1, now)


def find_run(batch: IssueBatch) -> IssueRun | None:
    """The run of a batch that the caller has found visible; None when it was issued at once."""
    return db.session.scalar(select(IssueRun).where(IssueRun.batch_id == batch.id))


def list_open(account_id: int, *, actor: User) -> list[RunView]:
    """The runs of an account that are being worked off, the oldest first."""
    statement = (
        select(IssueRun, IssueBatch, User)
        .join(IssueBatch, IssueBatch.id == IssueRun.batch_id)
        .join(User, User.id == IssueBatch.issued_by_id)
        .where(IssueRun.account_id == account_id, IssueRun.finished_at.is_(None))
        .order_by(IssueRun.id)
    )
    statement = access.visible(actor, Action.READ_POLICIES, statement, IssueBatch)
    return [RunView(*row) for row in db.session.execute(statement).tuples()]
