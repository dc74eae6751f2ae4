"""What every step of a claim goes through: seen, allowed, done by the state table, on the time line."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, insert, select

from service_desk.base.errors import Conflict, Invalid
from service_desk.models.claims import Claim, ClaimCalculation, ClaimCover, ClaimEvent, WantedDocument
from service_desk.models.db import db, table_of
from service_desk.models.users import User
from service_desk.rules.claim_documents import concerns_others
from service_desk.rules.claim_flow import (
    CTPL_STEPS,
    NOT_WHILE_DISPUTED,
    ClaimAction,
    ClockStep,
    Transition,
    transition,
)
from service_desk.rules.permissions import Action
from service_desk.rules.vocabulary import CoverCode, severity_of
from service_desk.services import access, sla
from service_desk.services.notices import Matter

MATTER_KIND = "claim"
_WRITE_EVENT = insert(table_of(ClaimEvent))


def get_claim(number: str, *, actor: User) -> Claim:
    """The claim of a number, as the actor may see it; NotFound otherwise."""
    return access.get_visible(actor, Action.READ_CLAIMS, Claim, Claim.number == number)


def matter_of(claim: Claim) -> Matter:
    """The claim as clocks, notices and documents know it. It has its id: flush a new one first."""
    return Matter(MATTER_KIND, claim.id, claim.number, claim.account_id, claim.branch_id)


def begin(
    number: str, action: ClaimAction, *, actor: User, version: int | None = None
) -> tuple[Claim, Transition]:
    """The claim, locked for one step, and what the step does. Nothing is written.

    NotFound when not visible, Forbidden without the permission, Conflict `stale` when `version` (what the
    actor's page showed) is no longer the claim's, Conflict `claim_moved_on` when its state has no such step.
    """
    claim = get_claim(number, actor=actor)
    # The lock makes two people who act at once act one after the other; the second sees what the first did.
    db.session.refresh(claim, with_for_update=True)
    if version is not None and version != claim.version:
        raise overtaken(claim)
    return claim, allow(claim, action, actor=actor)


def overtaken(claim: Claim) -> Conflict:
    """Why a page's version is no longer the claim's: who did what last, so that one may look before sending again."""
    last = db.session.execute(
        select(ClaimEvent.action, ClaimEvent.recorded_at, User.name)
        .join(User, User.id == ClaimEvent.actor_id)
        .where(ClaimEvent.claim_id == claim.id, ClaimEvent.action.is_not(None))
        .order_by(ClaimEvent.recorded_at.desc(), ClaimEvent.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return Conflict("stale")
    return Conflict("stale_claim", who=last.name, what=last.action, at=last.recorded_at)


def allow(claim: Claim, action: ClaimAction, *, actor: User) -> Transition:
    """What `action` does now; Forbidden without its permission, Conflict when the state has no such step or,
    for a step that ends a round, while a dispute is open.
    """
    found = transition(claim.state, action)
    if found is None:
        raise Conflict("claim_moved_on")
    access.require(actor, found.permission)
    if claim.is_disputed and action in NOT_WHILE_DISPUTED:
        raise Conflict("dispute_open")
    return found


def log_event(
    claim: Claim,
    kind: str,
    *,
    actor: User | None,
    at: datetime,
    now: datetime,
    action: ClaimAction | None = None,
    params: dict[str, Any] | None = None,
    note: str = "",
    is_internal: bool = False,
) -> ClaimEvent:
    """Put a line on the time line. `kind` names its words in presenters; internal lines the client does not see.

    `from_state` and `to_state` are the state as it is; `perform` sets them when the state changes.
    """
    event = ClaimEvent(
        **_event_of(claim, kind, actor, at, now),
        action=action,
        params=params or {},
        note=note,
        is_internal=is_internal,
    )
    db.session.add(event)
    return event


def write_first_event(
    claim: Claim, kind: str, *, actor: User, at: datetime, now: datetime, params: dict[str, Any]
) -> None:
    """What `log_event` does, at once and past the ORM: for the line every report begins with."""
    db.session.execute(_WRITE_EVENT, [{**_event_of(claim, kind, actor, at, now), "params": params}])


def _event_of(claim: Claim, kind: str, actor: User | None, at: datetime, now: datetime) -> dict[str, Any]:
    return {
        "claim_id": claim.id,
        "round": claim.round,
        "at": at,
        "recorded_at": now,
        "kind": kind,
        "from_state": claim.state.value,
        "to_state": claim.state.value,
        "actor_id": actor.id if actor else None,
    }


def perform(
    claim: Claim,
    action: ClaimAction,
    *,
    actor: User,
    at: datetime,
    now: datetime,
    stopped_at: datetime | None = None,
    without: Collection[ClockStep] = (),
    params: dict[str, Any] | None = None,
    note: str = "",
    is_internal: bool = False,
) -> ClaimEvent:
    """Apply the state table: check, move the clocks, set the state, write the time line's line.

    Clocks start at `at` and stop at `stopped_at` (by default `at` too). `without` leaves clocks out that the
    case at hand does not need. The owner of the claim holds the clocks that start.
    """
    step = allow(claim, action, actor=actor)
    _move_clocks(claim, step, actor, (stopped_at or at, at), now, without)
    event = log_event(
        claim,
        action.value,
        actor=actor,
        at=at,
        now=now,
        action=action,
        params=params,
        note=note,
        is_internal=is_internal,
    )
    if step.to is not None:
        claim.state = step.to
        event.to_state = step.to.value
    return event


def _move_clocks(
    claim: Claim,
    step: Transition,
    actor: User,
    instants: tuple[datetime, datetime],
    now: datetime,
    without: Collection[ClockStep],
) -> None:
    """Stop first, so that a decision is judged before what it makes needless is cancelled; then start."""
    matter, (stopped_at, started_at) = matter_of(claim), instants
    if step.stops:
        sla.stop(matter, step.stops, at=stopped_at, actor=actor, now=now)
    if step.cancels:
        sla.call_off(matter, step.cancels, at=started_at, actor=actor, now=now)
    if step.cancels_all:
        # A dispute that nobody has decided keeps its promise, whatever the bank sends back meanwhile; and so does
        # the answer to a message, which one may wait for after the claim has ended.
        kept = (ClockStep.MESSAGE_REPLY, *((ClockStep.DISPUTE,) if claim.is_disputed else ()))
        sla.cancel(matter, at=started_at, actor=actor, now=now, besides=kept)
    wanted = [clock for clock in step.starts if clock not in without]
    if not CTPL_STEPS.isdisjoint(wanted) and not answers_under_ctpl(claim):
        wanted = [clock for clock in wanted if clock not in CTPL_STEPS]
    start_clocks(claim, wanted, at=started_at, actor=actor, now=now)


def start_clock(claim: Claim, step: ClockStep, *, at: datetime, actor: User, now: datetime) -> None:
    """Start a clock of the claim with all that may choose its level; the owner holds it."""
    start_clocks(claim, (step,), at=at, actor=actor, now=now)


def start_clocks(
    claim: Claim, steps: Collection[ClockStep], *, at: datetime, actor: User, now: datetime
) -> None:
    """Start several clocks of the claim at one instant."""
    if steps:
        sla.start_many(matter_of(claim), at=at, actor=actor, now=now, **_promised(claim, steps))


def start_first_clocks(
    claim: Claim,
    steps: Collection[ClockStep],
    *,
    at: datetime,
    actor: User,
    now: datetime,
    is_holder_here: bool = False,
) -> None:
    """What `start_clocks` does, for a claim made in this unit of work, whose owner may be known not to be away."""
    promised = _promised(claim, steps)
    sla.start_first(matter_of(claim), at=at, actor=actor, now=now, is_holder_here=is_holder_here, **promised)


def _promised(claim: Claim, steps: Collection[ClockStep]) -> dict[str, Any]:
    """All that may choose the levels of some clocks, and who holds them."""
    return {
        "steps": {step: _amount_of(claim, step) for step in steps},
        "holder_id": claim.owner_id,
        "severity": severity_of(claim.injured_count),
        "is_urban": claim.is_urban,
    }


def _amount_of(claim: Claim, step: ClockStep) -> int | None:
    """What the promise is about: what was approved for its payment, else the estimate; None before the first."""
    if step is ClockStep.PAYMENT:
        return claim.approved_fen
    return claim.reserve_fen if claim.reserve_fen or claim.surveyed_at else None


def answers_under_ctpl(claim: Claim) -> bool:
    """Whether a CTPL cover was found and somebody else's loss is known, by the report or by the survey."""
    cover = select(ClaimCover.id).where(ClaimCover.claim_id == claim.id, ClaimCover.code == CoverCode.CTPL)
    if db.session.scalar(cover.limit(1)) is None:
        return False
    if claim.other_party or claim.injured_count:
        return True
    codes = select(WantedDocument.code).where(WantedDocument.claim_id == claim.id)
    return concerns_others(db.session.scalars(codes).all())


def require_not_future(moment: datetime, *, field: str, now: datetime) -> None:
    """Refuse an instant that has not come: Invalid `time_in_future`."""
    if moment > now:
        raise Invalid("time_in_future", field=field)


def require_reason(reason: str, *, field: str = "reason") -> str:
    """The reason without outer blanks; Invalid `reason_missing` when there is none."""
    if not reason.strip():
        raise Invalid("reason_missing", field=field)
    return reason.strip()


def held_since(claim: Claim) -> datetime:
    """When the present holder got the clocks. A ledger cannot be stopped before its last entry: a surveyor
    who was there before the desk had named him stops them at that moment, and the survey keeps the true time.
    """
    return max(claim.reported_at, last_at(claim, "dispatch", "assign", "handed_over") or claim.reported_at)


def last_at(claim: Claim, *kinds: str) -> datetime | None:
    """When one of these events last happened in the claim's present round."""
    statement = select(func.max(ClaimEvent.at)).where(
        ClaimEvent.claim_id == claim.id, ClaimEvent.round == claim.round, ClaimEvent.kind.in_(kinds)
    )
    return db.session.scalar(statement)


def still_counts() -> ColumnElement[bool]:
    """Whether a calculation was not taken back with its round."""
    taken_back = exists().where(
        ClaimEvent.claim_id == ClaimCalculation.claim_id,
        ClaimEvent.round == ClaimCalculation.round,
        ClaimEvent.action == ClaimAction.WITHDRAW_ROUND,
        ClaimEvent.at >= ClaimCalculation.calculated_at,
    )
    return ~taken_back


def latest_calculation(claim_id: int) -> ClaimCalculation | None:
    """The newest version that counts; None before the first."""
    statement = select(ClaimCalculation).where(ClaimCalculation.claim_id == claim_id, still_counts())
    return db.session.scalar(statement.order_by(ClaimCalculation.calculation_version.desc()).limit(1))
