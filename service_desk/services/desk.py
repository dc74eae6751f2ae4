"""What the homes show: my work by due time, and at the client what is open, wanted and about to end."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select

from service_desk.base.clock import local_date, start_of_day
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch, KeyAccount
from service_desk.models.claims import Claim, WantedDocument, WantedState
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, Handover
from service_desk.models.fleet import Vehicle, VehicleRequest
from service_desk.models.renewals import MISSED_COVER, MissedCoverCase
from service_desk.models.sla import ServiceLevel, Timer, WorkingCalendarRow
from service_desk.models.users import User
from service_desk.rules.claim_flow import OPEN_STATES, ClockStep
from service_desk.rules.permissions import Action
from service_desk.services import access, enquiries, renewals, sla
from service_desk.services.claims import approving, common, injuries, queries
from service_desk.services.claims.approving import Waiting
from service_desk.services.claims.injuries import DueFollowUp
from service_desk.services.claims.queries import ClaimFilter, ClaimRow, QueueView
from service_desk.services.enquiries import ContactFilter, ContactRow, ContactView
from service_desk.services.policies import runs
from service_desk.services.policies.delivery import waiting
from service_desk.services.policies.delivery.waiting import BranchWaiting
from service_desk.services.policies.onboarding import common as onboarding
from service_desk.services.policies.onboarding.queries import (
    ListedRequest,
    RequestFilter,
    RequestView,
    list_requests,
)
from service_desk.services.policies.runs import RunView
from service_desk.services.renewals import BoardRow, ExpiryFilter, MissedCover
from service_desk.services.sla import objections, remedies
from service_desk.services.sla.objections import Undecided
from service_desk.services.sla.remedies import Remedy

TASKS = 20
MOST_WANTED = 300
ROWS = 10
RENEWAL_DAYS = 30
CLIENT_RENEWAL_DAYS = 15


@dataclass(frozen=True)
class Task:
    """A clock the reader holds, and what it is about: one of the four, or none of them for a breach review.

    `covered` is whom the reader stands in for with it.
    """

    timer: Timer
    branch: Branch | None
    claim: Claim | None
    enquiry: Enquiry | None
    vehicle: Vehicle | None
    covered: User | None
    request: VehicleRequest | None
    case: MissedCoverCase | None

    @property
    def plate(self) -> str:
        if self.claim is not None:
            return self.claim.plate
        if self.request is not None:
            return self.request.plate or ""
        if self.case is not None:
            return self.case.vehicle_name
        return (self.vehicle.plate or self.vehicle.vin or "") if self.vehicle else ""

    @property
    def subject(self) -> str:
        """What it is about where no plate says it."""
        if self.enquiry is not None:
            return self.enquiry.subject
        return self.request.model if self.request else ""


@dataclass(frozen=True)
class StaffHome:
    """The desk of one of the insurer's people. Tasks, contacts and offers are theirs in all accounts."""

    tasks: list[Task]
    task_count: int
    contacts: list[ContactRow]
    contact_count: int
    offers: list[tuple[Handover, User]]
    corrections: list[Remedy]
    correction_count: int
    objections: list[Undecided]
    objection_count: int
    waiting: list[Waiting]
    injured: list[DueFollowUp]
    injured_count: int
    large_losses: list[tuple[Claim, Branch]]
    new_vehicles: Page[ListedRequest]
    renewals: list[BoardRow]
    runs: list[RunView]
    deliveries: list[BranchWaiting]


@dataclass(frozen=True)
class BranchCount:
    """How a branch of the group stands today."""

    branch: Branch
    open_claims: int
    to_renew: int
    without_ctpl: int


@dataclass(frozen=True)
class ClientHome:
    """The client's start page. `branches` is filled for a reader who sees more than one."""

    claims: Page[ClaimRow]
    wanted: list[tuple[WantedDocument, Claim]]
    to_renew: int
    without_ctpl: list[MissedCover]
    messages: Page[ContactRow]
    branches: list[BranchCount]


@dataclass(frozen=True)
class SetUp:
    """What an administrator keeps in order, counted."""

    accounts: int
    branches: int
    users: int
    calendars: int
    levels: int


def staff_home(account_id: int, *, actor: User, now: datetime) -> StaffHome:
    """Everything a member of the desk starts the day with."""
    tasks, task_count = _tasks(actor)
    contacts, contact_count = enquiries.list_owned(actor=actor, limit=ROWS)
    corrections, correction_count = remedies.list_owed(actor=actor, limit=ROWS)
    injured, injured_count = injuries.due_follow_ups(account_id, actor=actor, now=now, limit=ROWS)
    undecided, objection_count = objections.list_undecided(actor=actor, limit=ROWS)
    return StaffHome(
        tasks=tasks,
        task_count=task_count,
        contacts=contacts,
        contact_count=contact_count,
        offers=enquiries.list_offered(actor=actor, now=now),
        corrections=corrections,
        correction_count=correction_count,
        objections=undecided,
        objection_count=objection_count,
        waiting=approving.list_waiting(actor=actor, now=now),
        injured=injured,
        injured_count=injured_count,
        large_losses=_large_losses(account_id, actor, now),
        new_vehicles=list_requests(
            account_id, RequestFilter(RequestView.WAITING), PageRequest(1, ROWS), actor=actor
        ),
        renewals=renewals.board_counts(account_id, actor=actor, now=now, within_days=RENEWAL_DAYS),
        runs=runs.list_open(account_id, actor=actor),
        deliveries=waiting.by_branch(account_id, actor=actor, now=now),
    )


def _tasks(actor: User) -> tuple[list[Task], int]:
    """The clocks a person holds, the soonest due first; those that stand come last."""
    mine = (Timer.holder_id == actor.id, Timer.state.in_(sla.OPEN_STATES))
    statement = access.visible(actor, Action.READ_CLOCKS, select(Timer).where(*mine), Timer)
    total = db.session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    rows = db.session.execute(
        _with_matter(statement).order_by(Timer.due_at.asc().nulls_last(), Timer.id).limit(TASKS)
    )
    return [Task(*row) for row in rows.tuples()], total


def _with_matter(statement: Select[Any]) -> Select[Any]:
    of_claim = and_(Timer.matter_kind == common.MATTER_KIND, Claim.id == Timer.matter_id)
    of_enquiry = and_(Timer.matter_kind == enquiries.MATTER_KIND, Enquiry.id == Timer.matter_id)
    of_request = and_(Timer.matter_kind == onboarding.MATTER_KIND, VehicleRequest.id == Timer.matter_id)
    of_case = and_(Timer.matter_kind == MISSED_COVER, MissedCoverCase.id == Timer.matter_id)
    return (
        statement.add_columns(Branch, Claim, Enquiry, Vehicle, User, VehicleRequest, MissedCoverCase)
        .outerjoin(Branch, Branch.id == Timer.branch_id)
        .outerjoin(Claim, of_claim)
        .outerjoin(Enquiry, of_enquiry)
        .outerjoin(Vehicle, Vehicle.id == Enquiry.vehicle_id)
        .outerjoin(User, User.id == Timer.covered_id)
        .outerjoin(VehicleRequest, of_request)
        .outerjoin(MissedCoverCase, of_case)
    )


def _large_losses(account_id: int, actor: User, now: datetime) -> list[tuple[Claim, Branch]]:
    """Claims whose estimate first became a large loss today, the largest first."""
    today = start_of_day(local_date(now))
    reached = select(Timer.matter_id).where(
        Timer.account_id == account_id,
        Timer.matter_kind == common.MATTER_KIND,
        Timer.step == ClockStep.LARGE_LOSS_NOTICE,
        Timer.started_at >= today,
    )
    statement = (
        select(Claim, Branch)
        .join(Branch, Branch.id == Claim.branch_id)
        .where(Claim.account_id == account_id, Claim.id.in_(reached))
        .order_by(Claim.highest_estimate_fen.desc(), Claim.id)
        .limit(ROWS)
    )
    return list(
        db.session.execute(access.visible(actor, Action.READ_CLAIMS, statement, Claim)).tuples().all()
    )


def client_home(account_id: int, *, actor: User, now: datetime) -> ClientHome:
    """Everything the client's people ask for first: their branch's, or the whole group's."""
    open_claims = ClaimFilter(view=QueueView.OPEN, sort="-reported")
    expiring = renewals.list_expiries(
        ExpiryFilter(account_id, within_days=CLIENT_RENEWAL_DAYS), actor=actor, now=now
    )
    to_renew = {one.vehicle_id: one.branch for one in expiring if one.days_left >= 0}
    uninsured = renewals.list_uninsured(account_id, actor=actor, now=now)
    without_ctpl = [missed for missed in uninsured if missed.lacks_ctpl]
    return ClientHome(
        claims=queries.list_claims(account_id, open_claims, PageRequest(1, ROWS), actor=actor, now=now),
        wanted=_wanted(account_id, actor),
        to_renew=len(to_renew),
        without_ctpl=without_ctpl,
        messages=enquiries.list_enquiries(
            account_id, ContactFilter(ContactView.MINE), PageRequest(1, ROWS), actor=actor
        ),
        branches=_by_branch(account_id, list(to_renew.values()), without_ctpl, actor),
    )


def _wanted(account_id: int, actor: User) -> list[tuple[WantedDocument, Claim]]:
    """The documents the desk waits for, those sent back first."""
    statement = (
        select(WantedDocument, Claim)
        .join(Claim, Claim.id == WantedDocument.claim_id)
        .where(
            Claim.account_id == account_id,
            Claim.state.in_(OPEN_STATES),
            WantedDocument.state.in_((WantedState.REQUIRED, WantedState.REJECTED)),
        )
        .order_by(WantedDocument.state, Claim.reported_at.desc(), WantedDocument.id)
        .limit(MOST_WANTED)
    )
    return list(
        db.session.execute(access.visible(actor, Action.READ_CLAIMS, statement, Claim)).tuples().all()
    )


def _by_branch(
    account_id: int, to_renew: list[Branch], without_ctpl: list[MissedCover], actor: User
) -> list[BranchCount]:
    """The branches that have something open, the most first; none for a reader of one branch."""
    known = select(Branch).where(Branch.account_id == account_id)
    branches = db.session.scalars(access.visible(actor, Action.READ_FLEET, known, Branch)).all()
    if len(branches) < 2:
        return []
    counted = (
        select(Claim.branch_id, func.count())
        .where(Claim.account_id == account_id, Claim.state.in_(OPEN_STATES))
        .group_by(Claim.branch_id)
    )
    claims = dict(
        db.session.execute(access.visible(actor, Action.READ_CLAIMS, counted, Claim)).tuples().all()
    )
    expiring = Counter(branch.id for branch in to_renew)
    missed = Counter(one.branch.id for one in without_ctpl)
    rows = [BranchCount(b, claims.get(b.id, 0), expiring[b.id], missed[b.id]) for b in branches]
    busy = [row for row in rows if row.open_claims or row.to_renew or row.without_ctpl]
    return sorted(
        busy, key=lambda row: (-row.without_ctpl, -row.open_claims, -row.to_renew, row.branch.name)
    )[:ROWS]


def set_up(*, actor: User) -> SetUp:
    """What there is to administer, in one query."""
    access.require(actor, Action.MANAGE_USERS)
    counts = [
        select(func.count()).select_from(KeyAccount).scalar_subquery(),
        select(func.count()).select_from(Branch).scalar_subquery(),
        select(func.count()).select_from(User).where(User.is_active).scalar_subquery(),
        select(func.count()).select_from(WorkingCalendarRow).scalar_subquery(),
        select(func.count())
        .select_from(ServiceLevel)
        .where(ServiceLevel.ended_on.is_(None))
        .scalar_subquery(),
    ]
    return SetUp(*db.session.execute(select(*counts)).tuples().one())
