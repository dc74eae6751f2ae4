"""A run from its plan to the signature: who brings what, who signed, what came back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from service_desk.adapters.file_store import FileStore
from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Invalid
from service_desk.base.text import one_line, squeeze
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.deliveries import DeliveryItem, DeliveryRun, ItemState, PaperKind, RunState
from service_desk.models.documents import DocumentKind
from service_desk.models.policies import Endorsement, IssueBatch, Policy, PolicyState
from service_desk.models.users import User
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, documents, numbers, submissions
from service_desk.services.documents import Upload
from service_desk.services.notices import Matter
from service_desk.services.policies.delivery.waiting import Waiting, WaitingFilter, all_waiting

OPEN_STATES = (RunState.PLANNED, RunState.OUT)
_NAMED_AT_MOST = 5

Paper = tuple[PaperKind, int]


@dataclass(frozen=True)
class RunCommand:
    """A way to a branch. `papers` None: everything that waits for it."""

    branch_id: int
    planned_on: date
    carried_by: str
    papers: tuple[Paper, ...] | None = None


@dataclass(frozen=True)
class HandOver:
    """What happened at the branch. `brought_back` gives the reason by item; the other items stayed there."""

    signed_by: str
    signed_position: str
    signed_at: datetime
    note: str = ""
    brought_back: Mapping[int, str] = field(default_factory=dict)


def plan(command: RunCommand, *, key: str = "", actor: User, now: datetime) -> str:
    """Plan a run and return its number; the same key twice is one run.

    Invalid: `required`, `planned_in_the_past`, `nothing_to_deliver`. Conflict `paper_on_its_way` when a chosen
    paper is in another open run or does not wait any more. Each policy takes its vehicle's card along.
    """
    access.require(actor, Action.ISSUE_POLICIES)
    return submissions.once(
        "delivery", key, lambda: _plan(command, actor=actor, now=now).number, actor=actor, now=now
    )


def _plan(command: RunCommand, *, actor: User, now: datetime) -> DeliveryRun:
    branch = access.get_visible(actor, Action.ISSUE_POLICIES, Branch, Branch.id == command.branch_id)
    if not squeeze(command.carried_by):
        raise Invalid("required", field="carried_by")
    if command.planned_on < local_date(now):
        raise Invalid("planned_in_the_past", field="planned_on")
    # Two clerks who plan for one branch: the second waits here and then finds less waiting.
    db.session.scalar(select(Branch.id).where(Branch.id == branch.id).with_for_update())
    papers = _chosen(command, branch, actor, now)
    run = DeliveryRun(
        number=numbers.next_number("DEL", local_date(now).year),
        account_id=branch.account_id,
        branch_id=branch.id,
        planned_on=command.planned_on,
        carried_by=squeeze(command.carried_by)[:64],
        state=RunState.PLANNED,
        created_by_id=actor.id,
        created_at=now,
    )
    db.session.add(run)
    db.session.flush()
    _write_items(run, papers)
    audit.record("delivery_planned", run, actor=actor, now=now, changes={"papers": (None, len(papers))})
    return run


def _chosen(command: RunCommand, branch: Branch, actor: User, now: datetime) -> list[Waiting]:
    waiting = all_waiting(WaitingFilter(branch.account_id, branch.id), actor=actor, now=now)
    free = {(paper.kind, paper.id): paper for paper in waiting if not paper.run}
    wanted = tuple(free) if command.papers is None else tuple(dict.fromkeys(command.papers))
    gone = [paper for paper in wanted if paper not in free]
    if gone:
        known = {(paper.kind, paper.id): paper.number for paper in waiting}
        names = ", ".join(known.get(paper, "—") for paper in gone[:_NAMED_AT_MOST])
        raise Conflict("paper_on_its_way", count=len(gone), papers=names)
    if not wanted:
        raise Invalid("nothing_to_deliver")
    return [free[paper] for paper in wanted]


_COLUMN_OF = {
    PaperKind.POLICY: "policy_id",
    PaperKind.ENDORSEMENT: "endorsement_id",
    PaperKind.RECEIPT: "receipt_id",
    PaperKind.CARD: "vehicle_id",
}


def _write_items(run: DeliveryRun, papers: list[Waiting]) -> None:
    vehicles = {
        paper.vehicle_id: None for paper in papers if paper.kind is PaperKind.POLICY and paper.vehicle_id
    }
    on_way = select(DeliveryItem.vehicle_id).where(
        DeliveryItem.state == ItemState.OPEN, DeliveryItem.vehicle_id.is_not(None)
    )
    for taken in db.session.scalars(on_way):
        vehicles.pop(taken or 0, None)
    items = [(paper.kind, paper.id) for paper in papers] + [(PaperKind.CARD, one) for one in vehicles]
    try:
        with db.session.begin_nested():
            db.session.execute(insert(DeliveryItem), [_item(run, kind, id_) for kind, id_ in items])
    except IntegrityError:
        raise Conflict("stale") from None


def _item(run: DeliveryRun, kind: PaperKind, id_: int) -> dict[str, Any]:
    ids: dict[str, int | None] = dict.fromkeys(_COLUMN_OF.values())
    return {"run_id": run.id, "kind": kind, "state": ItemState.OPEN, **ids, _COLUMN_OF[kind]: id_}


def send_out(number: str, *, actor: User, now: datetime) -> DeliveryRun:
    """Note that the carrier has left. A run that is out already stays as it is; Conflict for a closed one."""
    run = _lock(number, actor)
    if run.state is RunState.PLANNED:
        changes = audit.change(run, state=RunState.OUT, out_at=now)
        audit.record("delivery_out", run, actor=actor, now=now, changes=changes)
    return run


def drop(number: str, reason: str, *, actor: User, now: datetime) -> DeliveryRun:
    """Give a run up that has not left: its papers wait again."""
    run = _lock(number, actor)
    if run.state is not RunState.PLANNED:
        raise Conflict("run_is_out", number=run.number)
    words = one_line(reason)
    if not words:
        raise Invalid("reason_missing", field="reason")
    db.session.execute(
        update(DeliveryItem)
        .where(DeliveryItem.run_id == run.id, DeliveryItem.state == ItemState.OPEN)
        .values(state=ItemState.BROUGHT_BACK, reason=words[:200])
    )
    changes = audit.change(
        run, state=RunState.RETURNED, note=words[:200], recorded_by_id=actor.id, recorded_at=now
    )
    audit.record("delivery_dropped", run, actor=actor, now=now, changes=changes)
    return run


def take_out(
    policy_ids: Select[tuple[int]], reason: str, *, states: Collection[RunState] = OPEN_STATES
) -> None:
    """Take policies that need no delivery any more out of the runs they are in. The caller has checked them."""
    on_way = select(DeliveryRun.id).where(DeliveryRun.state.in_(states))
    db.session.flush()
    db.session.execute(
        update(DeliveryItem)
        .where(
            DeliveryItem.policy_id.in_(policy_ids),
            DeliveryItem.state == ItemState.OPEN,
            DeliveryItem.run_id.in_(on_way),
        )
        .values(state=ItemState.BROUGHT_BACK, reason=reason[:200]),
        execution_options={"synchronize_session": "fetch"},
    )


def hand_over(
    number: str,
    command: HandOver,
    photo: Upload | None = None,
    *,
    files: FileStore,
    key: str = "",
    actor: User,
    now: datetime,
) -> DeliveryRun:
    """Record who signed for a run and what came back; the same key twice is one hand-over.

    Invalid: `required`, `signed_in_future`, `signed_before_plan`, `reason_missing`. Conflict `run_closed` when it
    was recorded before. Writes the items, the run, and when each policy and endorsement was delivered.
    """
    access.require(actor, Action.ISSUE_POLICIES)

    def act() -> str:
        return _hand_over(_lock(number, actor), command, photo, files, actor, now).number

    done = submissions.once("hand_over", key, act, actor=actor, now=now)
    return access.get_visible(actor, Action.ISSUE_POLICIES, DeliveryRun, DeliveryRun.number == done)


def _lock(number: str, actor: User) -> DeliveryRun:
    """An open run for writing."""
    access.require(actor, Action.ISSUE_POLICIES)
    run = access.get_visible(actor, Action.ISSUE_POLICIES, DeliveryRun, DeliveryRun.number == number)
    db.session.refresh(run, with_for_update=True)
    if run.state not in OPEN_STATES:
        raise Conflict("run_closed", number=run.number)
    return run


def _hand_over(
    run: DeliveryRun, command: HandOver, photo: Upload | None, files: FileStore, actor: User, now: datetime
) -> DeliveryRun:
    # A paper of a batch undone meanwhile has left the run already.
    own = select(DeliveryItem.id).where(DeliveryItem.run_id == run.id, DeliveryItem.state == ItemState.OPEN)
    items = db.session.scalars(own).all()
    back = {id_: one_line(reason) for id_, reason in command.brought_back.items() if id_ in set(items)}
    stayed = len(back) < len(items)
    _check(run, command, back, stayed, now)
    if photo is not None:
        matter = Matter("delivery_run", run.id, run.number, run.account_id, run.branch_id)
        run.document_id = documents.store_paper(
            files, photo, DocumentKind.DELIVERY_RECEIPT, matter, field="photo", actor=actor, now=now
        ).id
    _close_items(run, back, command.signed_at)
    changes = audit.change(
        run,
        state=RunState.DELIVERED if stayed else RunState.RETURNED,
        out_at=run.out_at or command.signed_at,
        signed_at=command.signed_at if stayed else None,
        signed_by=squeeze(command.signed_by)[:64],
        signed_position=squeeze(command.signed_position)[:64],
        note=one_line(command.note)[:200],
        recorded_by_id=actor.id,
        recorded_at=now,
    )
    audit.record(
        "delivery_recorded", run, actor=actor, now=now, changes={**changes, "brought_back": (None, len(back))}
    )
    return run


def _check(run: DeliveryRun, command: HandOver, back: Mapping[int, str], stayed: bool, now: datetime) -> None:
    if stayed and not squeeze(command.signed_by):
        raise Invalid("required", field="signed_by")
    if command.signed_at > now:
        raise Invalid("signed_in_future", field="signed_at")
    if local_date(command.signed_at) < local_date(run.created_at):
        raise Invalid("signed_before_plan", field="signed_at")
    if any(not reason for reason in back.values()):
        raise Invalid("brought_back_without_reason")


def _close_items(run: DeliveryRun, back: Mapping[int, str], signed_at: datetime) -> None:
    own = DeliveryItem.run_id == run.id
    options = {"synchronize_session": False}
    still_open = update(DeliveryItem).where(own, DeliveryItem.state == ItemState.OPEN)
    db.session.execute(still_open.values(state=ItemState.DELIVERED), execution_options=options)
    if back:
        db.session.execute(
            update(DeliveryItem),
            [{"id": id_, "state": ItemState.BROUGHT_BACK, "reason": why[:200]} for id_, why in back.items()],
        )
    db.session.flush()
    delivered = select(DeliveryItem.policy_id).where(own, DeliveryItem.state == ItemState.DELIVERED)
    endorsed = select(DeliveryItem.endorsement_id).where(own, DeliveryItem.state == ItemState.DELIVERED)
    models: tuple[tuple[Any, Any], ...] = ((Policy, delivered), (Endorsement, endorsed))
    for model, ids in models:
        db.session.execute(
            update(model)
            .where(model.id.in_(ids), model.delivered_at.is_(None))
            .values(delivered_at=signed_at),
            execution_options=options,
        )
    _close_batches(run, delivered, signed_at)


def _close_batches(run: DeliveryRun, delivered: Any, signed_at: datetime) -> None:
    """A batch whose last policy has arrived was handed over, to each branch on its own."""
    touched = select(Policy.batch_id).where(Policy.id.in_(delivered), Policy.batch_id.is_not(None))
    still_waiting = select(Policy.batch_id).where(
        Policy.batch_id == IssueBatch.id,
        Policy.delivered_at.is_(None),
        Policy.state == PolicyState.ISSUED,
    )
    db.session.execute(
        update(IssueBatch)
        .where(IssueBatch.id.in_(touched), IssueBatch.delivered_at.is_(None), ~still_waiting.exists())
        .values(delivered_at=signed_at, delivered_to=run.number),
        execution_options={"synchronize_session": False},
    )
    db.session.expire_all()
