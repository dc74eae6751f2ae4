"""Requests for new vehicles to read: lists, what waits for whom, one with all that belongs to it, the register."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true

from service_desk.base.clock import end_of_day, start_of_day
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.documents import Document
from service_desk.models.fleet import Vehicle, VehicleRequest, VehicleRequestStep
from service_desk.models.kept import built_once
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.permissions import Action, Scope
from service_desk.rules.vehicle_onboarding import (
    OPEN_STATES,
    REFUSED,
    OnboardingAction,
    OnboardingState,
    Party,
    party_of,
    transition,
)
from service_desk.services import access, documents, sla
from service_desk.services.policies.coverage import VehicleCoverage
from service_desk.services.policies.onboarding.common import (
    MATTER_KIND,
    approvers_of,
    get_request,
    senders_of,
)
from service_desk.services.policies.onboarding.finishing import cover_to_come
from service_desk.services.sla import ClockView


class RequestView(StrEnum):
    """WAITING: for the reader's own side to act."""

    WAITING = "waiting"
    OPEN = "open"
    ALL = "all"


@dataclass(frozen=True)
class RequestFilter:
    """Which requests, or steps of the register, are wanted; None means any. Days are whole local ones, both included.

    A branch stands for everything below it too. The days are those of the first request; in the register of the step.
    """

    view: RequestView = RequestView.ALL
    state: OnboardingState | None = None
    branch_id: int | None = None
    from_on: date | None = None
    to_on: date | None = None


@dataclass(frozen=True)
class ListedRequest:
    """A request with its branch, who sent the present round, and its clocks."""

    request: VehicleRequest
    branch: Branch
    requester: User
    timers: Sequence[Timer]


@dataclass(frozen=True)
class RegisterRow:
    """A line of the register with what it is about."""

    step: VehicleRequestStep
    actor: User
    request: VehicleRequest
    branch: Branch


@dataclass(frozen=True)
class RequestFile:
    """One request with all that its page shows.

    `cover` is that of a vehicle that waits for it, once all that is issued has begun; None for any other.
    `possible` is what the reader may do now. `approvers` may decide while the group's decision is open.
    """

    request: VehicleRequest
    branch: Branch
    requester: User
    vehicle: Vehicle | None
    cover: VehicleCoverage | None
    clocks: Sequence[ClockView]
    photos: Sequence[Document]
    steps: Sequence[tuple[VehicleRequestStep, User]]
    possible: frozenset[OnboardingAction]
    is_own: bool
    approvers: Sequence[User]

    @property
    def last_refusal(self) -> str:
        """Why it was refused, while it is; empty otherwise."""
        reasons = [step.reason for step, _ in self.steps if step.to_state in REFUSED]
        return reasons[-1] if reasons and self.request.state in REFUSED else ""


def list_requests(
    account_id: int, wanted: RequestFilter, page: PageRequest, *, actor: User
) -> Page[ListedRequest]:
    """One page of an account's requests: those that wait longest first, of all the latest first."""
    access.require(actor, Action.READ_FLEET)
    statement = (
        _filtered(select(VehicleRequest), account_id, wanted, VehicleRequest.created_at, actor)
        .join(User, User.id == VehicleRequest.requested_by_id)
        .add_columns(Branch, User)
    )
    latest_first = wanted.view is RequestView.ALL
    order = VehicleRequest.requested_at.desc() if latest_first else VehicleRequest.requested_at
    rows = db.session.execute(
        statement.order_by(order, VehicleRequest.id).limit(page.size).offset(page.offset)
    ).all()
    timers = sla.timers_of(MATTER_KIND, [row[0].id for row in rows])
    listed = [ListedRequest(row[0], row[1], row[2], timers[row[0].id]) for row in rows]
    return Page(listed, _count(statement), page.number, page.size)


def count_requests(account_id: int, wanted: RequestFilter, *, actor: User) -> int:
    """How many requests a filter finds."""
    return _count(_filtered(select(VehicleRequest), account_id, wanted, VehicleRequest.created_at, actor))


def count_waiting(account_id: int, *, actor: User) -> int:
    """How many requests wait for this person's side to act."""
    if not access.may(actor, Action.READ_FLEET):
        return 0
    question = _waiting(account_id, actor.id, _Turns.of(actor), access.require(actor, Action.READ_FLEET))
    return question.scalar(**access.reach(actor)) or 0


@built_once
def _waiting(account_id: int, actor_id: int, turns: "_Turns", scope: Scope) -> Select[tuple[int]]:
    """Made once for each kind of reader: every page asks."""
    return (
        select(func.count(VehicleRequest.id))
        .join(Branch, Branch.id == VehicleRequest.branch_id)
        .where(
            VehicleRequest.account_id == account_id,
            turns.waits_for(actor_id),
            access.visible_in(scope, VehicleRequest),
        )
    )


def list_register(
    account_id: int, wanted: RequestFilter, page: PageRequest, *, actor: User
) -> Page[RegisterRow]:
    """One page of the register, the latest step first."""
    statement = _register(account_id, wanted, actor)
    rows = db.session.execute(statement.limit(page.size).offset(page.offset)).tuples()
    return Page([RegisterRow(*row) for row in rows], _count(statement), page.number, page.size)


def number_for(vehicle: Vehicle, *, actor: User) -> str | None:
    """The number of the request a vehicle came by, as far as the actor sees it."""
    statement = select(VehicleRequest.number).where(VehicleRequest.vehicle_id == vehicle.id)
    visible = access.visible(actor, Action.READ_FLEET, statement, VehicleRequest)
    number: str | None = db.session.scalar(visible.order_by(VehicleRequest.id.desc()).limit(1))
    return number


def read_file(number: str, *, actor: User, now: datetime) -> RequestFile:
    """A request the actor may see with all that belongs to it; NotFound otherwise."""
    request = get_request(number, actor=actor)
    steps = db.session.execute(
        select(VehicleRequestStep, User)
        .join(User, User.id == VehicleRequestStep.actor_id)
        .where(VehicleRequestStep.request_id == request.id)
        .order_by(VehicleRequestStep.id)
    )
    vehicle = db.session.get(Vehicle, request.vehicle_id) if request.vehicle_id else None
    senders = senders_of(request)
    is_own = actor.id in senders
    asked = request.state is OnboardingState.REQUESTED
    waits = request.state is OnboardingState.APPROVED
    return RequestFile(
        request=request,
        branch=db.session.get_one(Branch, request.branch_id),
        requester=db.session.get_one(User, request.requested_by_id),
        vehicle=vehicle,
        cover=cover_to_come([vehicle.id], now)[vehicle.id] if vehicle and waits else None,
        clocks=sla.view_clocks(sla.timers_of(MATTER_KIND, [request.id])[request.id]),
        photos=documents.list_for(MATTER_KIND, request.id),
        steps=[(step, user) for step, user in steps.tuples()],
        possible=_possible(request, actor, is_own=is_own),
        is_own=is_own,
        approvers=approvers_of(request.account_id, without=senders) if asked else [],
    )


def _possible(request: VehicleRequest, actor: User, *, is_own: bool) -> frozenset[OnboardingAction]:
    """What the state table lets a person do; nobody decides on what they asked for."""
    found = set()
    for action in OnboardingAction:
        step = transition(request.state, action)
        if step is None or not access.may(actor, step.permission):
            continue
        if step.by_requester and party_of(actor.role) is not request.party:
            continue
        if is_own and action in (OnboardingAction.APPROVE, OnboardingAction.REFUSE):
            continue
        found.add(action)
    return frozenset(found)


def _register(account_id: int, wanted: RequestFilter, actor: User) -> Select[Any]:
    access.require(actor, Action.READ_FLEET)
    steps = (
        select(VehicleRequestStep, User)
        .join(VehicleRequest, VehicleRequest.id == VehicleRequestStep.request_id)
        .join(User, User.id == VehicleRequestStep.actor_id)
    )
    statement = _filtered(steps, account_id, wanted, VehicleRequestStep.at, actor)
    return statement.add_columns(VehicleRequest, Branch).order_by(
        VehicleRequestStep.at.desc(), VehicleRequestStep.id.desc()
    )


def _filtered(
    statement: Select[Any], account_id: int, wanted: RequestFilter, instant: Any, actor: User
) -> Select[Any]:
    """Narrow a select of requests (or of something joined to them) and join their branch."""
    conditions = [VehicleRequest.account_id == account_id, _in_view(wanted.view, actor)]
    if wanted.state is not None:
        conditions.append(VehicleRequest.state == wanted.state)
    if wanted.branch_id is not None:
        conditions.append(VehicleRequest.branch_id.in_(access.branch_tree(wanted.branch_id)))
    if wanted.from_on is not None:
        conditions.append(instant >= start_of_day(wanted.from_on))
    if wanted.to_on is not None:
        conditions.append(instant < end_of_day(wanted.to_on))
    statement = statement.join(Branch, Branch.id == VehicleRequest.branch_id).where(*conditions)
    return access.visible(actor, Action.READ_FLEET, statement, VehicleRequest)


def _in_view(view: RequestView, actor: User) -> ColumnElement[bool]:
    if view is RequestView.ALL:
        return true()
    if view is RequestView.OPEN:
        return VehicleRequest.state.in_(OPEN_STATES)
    return _Turns.of(actor).waits_for(actor.id)


@dataclass(frozen=True)
class _Turns:
    """What waits for a kind of reader: whose turn it is, the department's, the desk's, or that of the side that asked."""

    party: Party
    may_approve: bool
    may_issue: bool

    @classmethod
    def of(cls, actor: User) -> "_Turns":
        may_approve = access.may(actor, Action.APPROVE_VEHICLE_REQUEST)
        return cls(party_of(actor.role), may_approve, access.may(actor, Action.ISSUE_POLICIES))

    def waits_for(self, actor_id: int) -> ColumnElement[bool]:
        own = VehicleRequest.party == self.party
        turns: list[ColumnElement[bool]] = [and_(VehicleRequest.state.in_(REFUSED), own)]
        if self.may_approve:
            sent_by_actor = select(VehicleRequestStep.request_id).where(
                VehicleRequestStep.actor_id == actor_id,
                VehicleRequestStep.action.in_((OnboardingAction.REQUEST, OnboardingAction.CORRECT)),
            )
            asked = VehicleRequest.state == OnboardingState.REQUESTED
            turns.append(and_(asked, VehicleRequest.id.not_in(sent_by_actor)))
        if self.may_issue:
            turns.append(VehicleRequest.state == OnboardingState.APPROVED)
        return or_(*turns)


def _count(statement: Select[Any]) -> int:
    ids = statement.with_only_columns(VehicleRequest.id).order_by(None)
    return db.session.scalar(select(func.count()).select_from(ids.subquery())) or 0
