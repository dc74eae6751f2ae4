"""Closing a claim: every reason against it at once, and never without somebody being asked after it."""

from dataclasses import dataclass
from datetime import datetime

from service_desk.base.errors import Invalid, InvalidMany
from service_desk.base.money import format_yuan
from service_desk.models.claims import Claim
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClockStep
from service_desk.rules.follow_up import ClosingFacts, ClosingObstacle, closing_obstacles
from service_desk.services import audit, enquiries, sla
from service_desk.services.claims import plans, reserves
from service_desk.services.claims.common import begin, matter_of, perform
from service_desk.services.claims.plans import PlanFollowUp

O = ClosingObstacle  # noqa: E741 - as the tables of the rules


@dataclass(frozen=True)
class Close:
    """`releases_reserve`: what is left of the reserve goes with the closing. `follow_up`: whom the desk asks
    afterwards, None where it was planned before. `zero_reason`: why nothing was paid, where nothing was.
    """

    releases_reserve: bool
    follow_up: PlanFollowUp | None = None
    zero_reason: str = ""


def close(number: str, command: Close, *, actor: User, now: datetime, version: int | None = None) -> Claim:
    """Close a claim and plan its follow-up.

    Invalid, or InvalidMany of all that stands against it: payment_open, reserve_open, dispute_open, zero_reason_missing,
    follow_up_not_planned, message_unanswered, and what cannot be of the plan.
    """
    claim, _ = begin(number, ClaimAction.CLOSE, actor=actor, version=version)
    problems = obstacles(claim, command)
    problems += plans.problems_of(command.follow_up) if command.follow_up else []
    if problems:
        raise problems[0] if len(problems) == 1 else InvalidMany(problems)
    reason = command.zero_reason.strip() if claim.paid_fen == 0 else ""
    reserves.move(claim, claim.paid_fen, "release", item="closing", reason=reason, actor=actor, now=now)
    claim.closed_at = now
    params = {"paid_fen": claim.paid_fen}
    perform(claim, ClaimAction.CLOSE, actor=actor, at=now, now=now, params=params, note=reason)
    if command.follow_up:
        plans.put(claim, command.follow_up, actor=actor, now=now)
    plans.send_planned(claim, actor=actor, now=now)
    enquiries.close_for_claim(claim.id, now=now)
    audit.record("claim_closed", claim, actor=actor, now=now, changes={"closed_at": (None, now)})
    return claim


def obstacles(claim: Claim, command: Close) -> list[Invalid]:
    """What stands against closing the claim so, in the order it is listed; nothing when it can be closed."""
    is_planned = command.follow_up is not None or plans.find_plan(claim) is not None
    facts = ClosingFacts(
        reserve_fen=claim.reserve_fen,
        approved_fen=claim.approved_fen,
        paid_fen=claim.paid_fen,
        is_disputed=claim.is_disputed,
        releases_reserve=command.releases_reserve,
        gives_zero_reason=bool(command.zero_reason.strip()),
        is_follow_up_planned=is_planned,
        awaits_answer=sla.is_running(matter_of(claim), ClockStep.MESSAGE_REPLY),
    )
    return [_refusal(obstacle, claim) for obstacle in closing_obstacles(facts)]


def _refusal(obstacle: ClosingObstacle, claim: Claim) -> Invalid:
    refusals = {
        O.RESERVE_OPEN: Invalid(
            "reserve_open", field="releases_reserve", left=format_yuan(claim.reserve_fen - claim.paid_fen)
        ),
        O.PAYMENT_OPEN: Invalid("payment_open", left=format_yuan(claim.approved_fen - claim.paid_fen)),
        O.DISPUTE_OPEN: Invalid("dispute_open"),
        O.ZERO_REASON_MISSING: Invalid("zero_reason_missing", field="zero_reason"),
        O.FOLLOW_UP_NOT_PLANNED: Invalid("follow_up_not_planned", field="means"),
        O.MESSAGE_UNANSWERED: Invalid("message_unanswered"),
    }
    return refusals[obstacle]
