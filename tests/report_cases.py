"""Rows for reports: claims with a history of their own choosing, as months of work would have left them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from service_desk.models.claims import (
    Claim,
    ClaimCalculation,
    ClaimEvent,
    ClaimPayment,
    ReportChannel,
    ReserveEntry,
    Survey,
)
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.sla import Timer
from service_desk.rules.claim_flow import OPEN_STATES, ClaimState, ClockStep
from service_desk.services import sla
from service_desk.services.notices import Matter
from tests.world import World


def add_claim(world: World, reported_at: datetime, vehicle: Vehicle | None = None, **values: Any) -> Claim:
    """A claim reported by the branch, owned by claims1, with no history but its report."""
    vehicle = vehicle or world.coach
    number = (db.session.scalar(select(func.count()).select_from(Claim)) or 0) + 1
    facts: dict[str, Any] = {
        "number": f"CLM-2026-{number:06d}",
        "account_id": vehicle.account_id,
        "branch_id": vehicle.branch_id,
        "vehicle_id": vehicle.id,
        "plate": vehicle.plate,
        "state": ClaimState.REPORTED,
        "loss_at": reported_at - timedelta(hours=1),
        "reported_at": reported_at,
        "place": "G310 巩义站街路口",
        "description": "追尾",
        "channel": ReportChannel.PORTAL,
        "reporter_name": "郭永刚",
        "callback_phone": "13937108891",
        "reported_by_id": world.safety_gongyi.id,
        "owner_id": world.claims1.id,
    }
    claim = Claim(**(facts | values))
    db.session.add(claim)
    db.session.flush()
    _event(claim, reported_at, "reported", "", ClaimState.REPORTED)
    return claim


def move(claim: Claim, at: datetime, to: ClaimState) -> None:
    """A change of state at an instant; also what the claim is now. What is closed was paid, or nothing was due."""
    if to is ClaimState.CLOSED and claim.state is not ClaimState.PAID:
        move(claim, at, ClaimState.PAID)
    _leave(claim, at, to)


def withdraw_round(claim: Claim, at: datetime) -> None:
    """A later round is taken back: closed again, from before anything was decided in it."""
    _leave(claim, at, ClaimState.CLOSED)


def _leave(claim: Claim, at: datetime, to: ClaimState) -> None:
    _event(claim, at, "moved", claim.state.value, to)
    claim.state = to
    claim.closed_at = None if to in OPEN_STATES else at
    db.session.flush()


def _event(claim: Claim, at: datetime, kind: str, before: str, after: ClaimState) -> None:
    db.session.add(
        ClaimEvent(
            claim_id=claim.id,
            round=1,
            at=at,
            recorded_at=at,
            kind=kind,
            from_state=before,
            to_state=after.value,
        )
    )
    db.session.flush()


def reserve(claim: Claim, at: datetime, fen: int) -> None:
    """The reserve becomes `fen`."""
    db.session.add(
        ReserveEntry(
            claim_id=claim.id,
            at=at,
            kind="estimate",
            item="survey",
            before_fen=claim.reserve_fen,
            after_fen=fen,
            actor_id=claim.owner_id,
        )
    )
    claim.reserve_fen = fen
    claim.highest_estimate_fen = max(claim.highest_estimate_fen, fen)
    db.session.flush()


def survey(claim: Claim, at: datetime, *, first_scene: bool) -> None:
    """A survey recorded on arrival."""
    db.session.add(
        Survey(
            claim_id=claim.id,
            round=claim.round,
            surveyor_id=claim.owner_id,
            arrived_at=at,
            recorded_at=at,
            is_first_scene=first_scene,
            findings="左前部受损",
            estimate_fen=1_000_00,
        )
    )
    db.session.flush()


def pay(claim: Claim, at: datetime, fen: int) -> None:
    """A payment with the calculation it stands on."""
    calculation = ClaimCalculation(
        claim_id=claim.id,
        round=1,
        calculation_version=1,
        inputs={},
        lines=[],
        working=[],
        total_fen=fen,
        calculated_by_id=claim.owner_id,
        calculated_at=at,
    )
    db.session.add(calculation)
    db.session.flush()
    claim.approved_fen, claim.paid_fen = fen, fen
    db.session.add(
        ClaimPayment(
            claim_id=claim.id,
            calculation_id=calculation.id,
            amount_fen=fen,
            payee="郑州联运集团",
            account_number="6222020200012345",
            paid_at=at,
            paid_by_id=claim.owner_id,
        )
    )
    db.session.flush()


def survey_clock(world: World, claim: Claim, *, stopped_after: timedelta | None, seen_at: datetime) -> Timer:
    """The survey clock from the report on (60 minutes), stopped after so long or still running at `seen_at`."""
    sla.install_defaults(seen_at)
    matter = Matter("claim", claim.id, claim.number, claim.account_id, claim.branch_id)
    at = claim.reported_at
    timer = sla.start(
        matter,
        ClockStep.SURVEY,
        holder_id=claim.owner_id,
        at=at,
        actor=world.claims1,
        now=at,
        is_urban=False,
    )
    assert timer is not None
    if stopped_after is not None:
        stop_at = at + stopped_after
        sla.stop(matter, (ClockStep.SURVEY,), at=stop_at, actor=world.claims1, now=stop_at)
    db.session.flush()
    while timer.next_check_at is not None and timer.next_check_at <= seen_at:
        sla.check_timer(timer.id, timer.next_check_at)
    return timer
