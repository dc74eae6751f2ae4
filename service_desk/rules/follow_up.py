"""Every case is asked after (每案必访): by which means, what counts as dissatisfied, how long a link answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from service_desk.rules.claim_flow import LOWEST_SATISFIED_SCORE, ClaimState

LOWEST_SCORE, HIGHEST_SCORE = 1, 5
LINK_LASTS = timedelta(days=30)
# A number that nobody answers is tried again this much later, unless the caller says when.
NEXT_TRY_AFTER = timedelta(hours=4)


class FollowUpMeans(StrEnum):
    """How the client is asked: somebody calls, or a form behind a link is filled in."""

    CALL = "call"
    FORM = "form"


class CallOutcome(StrEnum):
    """What became of a call that brought no answer."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    WRONG_NUMBER = "wrong_number"
    LATER = "later"


@dataclass(frozen=True)
class Scores:
    """1 (bad) to 5 (good). The overall score is always there; None is a question that was passed over."""

    overall: int
    speed: int | None = None
    attitude: int | None = None
    result: int | None = None

    @property
    def given(self) -> tuple[int, ...]:
        return tuple(
            score for score in (self.overall, self.speed, self.attitude, self.result) if score is not None
        )

    @property
    def lowest(self) -> int:
        return min(self.given)


def are_possible(scores: Scores) -> bool:
    """Whether every score that was given is one."""
    return all(LOWEST_SCORE <= score <= HIGHEST_SCORE for score in scores.given)


def is_dissatisfied(scores: Scores, *, wants_call_back: bool = False) -> bool:
    """Whether somebody must answer for it: any score below the line, or the client asks to be called."""
    return wants_call_back or scores.lowest < LOWEST_SATISFIED_SCORE


def needs_follow_up(state: ClaimState, *, was_surveyed: bool) -> bool:
    """Closed and denied claims always; a withdrawn one when somebody of ours had been there."""
    return state in {ClaimState.CLOSED, ClaimState.DENIED} or (state is ClaimState.WITHDRAWN and was_surveyed)


def link_ends_at(made_at: datetime) -> datetime:
    """Until when a link takes an answer."""
    return made_at + LINK_LASTS


class ClosingObstacle(StrEnum):
    """What a claim must be free of before it closes, in the order it is listed."""

    RESERVE_OPEN = "reserve_open"
    PAYMENT_OPEN = "payment_open"
    DISPUTE_OPEN = "dispute_open"
    ZERO_REASON_MISSING = "zero_reason_missing"
    FOLLOW_UP_NOT_PLANNED = "follow_up_not_planned"
    MESSAGE_UNANSWERED = "message_unanswered"


@dataclass(frozen=True)
class ClosingFacts:
    """What is known when somebody wants to close: amounts in fen, what the closing itself would bring."""

    reserve_fen: int
    approved_fen: int
    paid_fen: int
    is_disputed: bool
    releases_reserve: bool
    gives_zero_reason: bool
    is_follow_up_planned: bool
    awaits_answer: bool = False


def closing_obstacles(facts: ClosingFacts) -> Sequence[ClosingObstacle]:
    """Every reason at once why the claim cannot close; none when it can."""
    held = {
        ClosingObstacle.RESERVE_OPEN: facts.reserve_fen > facts.paid_fen and not facts.releases_reserve,
        ClosingObstacle.PAYMENT_OPEN: facts.paid_fen < facts.approved_fen,
        ClosingObstacle.DISPUTE_OPEN: facts.is_disputed,
        # What is still due is no payment of nought.
        ClosingObstacle.ZERO_REASON_MISSING: facts.approved_fen == facts.paid_fen == 0
        and not facts.gives_zero_reason,
        ClosingObstacle.FOLLOW_UP_NOT_PLANNED: not facts.is_follow_up_planned,
        ClosingObstacle.MESSAGE_UNANSWERED: facts.awaits_answer,
    }
    return [obstacle for obstacle in ClosingObstacle if held[obstacle]]
